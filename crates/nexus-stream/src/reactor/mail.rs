//! How the rest of the process talks to a thread of the reactor.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

use nexus_kit::http::handover::Socket;

use crate::feed::Feed;

/// Names a stream of a thread; never used twice.
pub(super) type Id = usize;

/// What a thread is told.
pub(super) enum Letter {
    /// A stream to write.
    Adopt(Socket, Box<Feed>),
    /// A stream that has asked the store; none if asking panicked.
    Back(Id, Option<Box<Feed>>),
    /// The channel with this key has new reports.
    Moved(usize),
    /// Something else concerns this stream.
    News(Id),
    /// The time that was waited for has come.
    Time,
    /// The server stops.
    Stop,
}

/// Where letters wait. The thread is woken once, however many come.
pub(super) struct Mailbox {
    letters: Mutex<Option<Vec<Letter>>>,
    rung: AtomicBool,
    waker: mio::Waker,
}

impl Mailbox {
    pub fn new(waker: mio::Waker) -> Self {
        Self { letters: Mutex::new(Some(Vec::new())), rung: AtomicBool::new(false), waker }
    }

    fn letters(&self) -> std::sync::MutexGuard<'_, Option<Vec<Letter>>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a letter; what comes to a thread that has ended is dropped, and a socket so closed.
    pub fn send(&self, letter: Letter) {
        match &mut *self.letters() {
            Some(letters) => letters.push(letter),
            None => return,
        }
        if !self.rung.swap(true, Ordering::AcqRel)
            && let Err(error) = self.waker.wake()
        {
            tracing::error!(%error, "a thread of the stream cannot be woken");
        }
    }

    /// All letters, in order.
    pub fn take(&self) -> Vec<Letter> {
        // First this, so that whoever writes after the look rings again.
        self.rung.store(false, Ordering::Release);
        self.letters().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes no more letters, unless some are there.
    pub fn close(&self) -> bool {
        let mut letters = self.letters();
        if letters.as_ref().is_some_and(|letters| !letters.is_empty()) {
            return false;
        }
        *letters = None;
        true
    }
}

/// Rings for one stream.
pub(super) struct Bell {
    pub mailbox: Arc<Mailbox>,
    pub id: Id,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.mailbox.send(Letter::News(self.id));
    }
}

/// Rings for a channel, once until the thread has looked.
pub(super) struct Flag {
    pub mailbox: Arc<Mailbox>,
    pub key: usize,
    pub raised: AtomicBool,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.raised.swap(true, Ordering::AcqRel) {
            self.mailbox.send(Letter::Moved(self.key));
        }
    }
}

/// Brings a feed back to its thread, also when asking for it panicked.
pub(super) struct Return {
    pub mailbox: Arc<Mailbox>,
    pub id: Id,
    pub feed: Option<Box<Feed>>,
}

impl Drop for Return {
    fn drop(&mut self) {
        self.mailbox.send(Letter::Back(self.id, self.feed.take()));
    }
}
