//! A thread of the reactor: its streams, their channels, and when what is due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use nexus_core::time::Time;
use nexus_kit::app::App;
use nexus_kit::http::handover::Socket;
use nexus_kit::hub::Channel;
use nexus_kit::supervise::Supervisor;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::connection::{Connection, Wrote};
use super::mail::{Bell, Flag, Id, Letter, Mailbox, Return};
use crate::body::WINDOW;
use crate::feed::{Feed, Step};

/// The mailbox's token; streams count up from zero.
const MAIL: Token = Token(usize::MAX);

/// Events that one look takes.
const EVENTS: usize = 1024;

/// Batches that one stream sends before others have their turn.
const TURN: usize = 4;

/// See the file's words.
pub(super) struct Thread {
    app: App,
    supervisor: Supervisor,
    runtime: Handle,
    poll: Poll,
    mailbox: Arc<Mailbox>,
    streams: Streams,
    /// Tells the timer what to wait for.
    dues: watch::Sender<Option<Time>>,
    stopping: bool,
}

/// What a thread writes; all of it can be dropped, and clients come back.
#[derive(Default)]
struct Streams {
    next: Id,
    connections: HashMap<Id, Connection>,
    channels: HashMap<usize, Followed>,
    /// Channels with reports that their streams have not been sent.
    moved: Vec<usize>,
    /// Streams whose turn was over before they were done.
    waiting: Vec<Id>,
    due: BinaryHeap<Reverse<(Time, Id)>>,
}

/// A channel with streams here.
struct Followed {
    channel: Arc<Channel>,
    members: Vec<Id>,
    flag: Arc<Flag>,
    written_at: Option<Instant>,
}

impl Thread {
    pub fn new(
        app: &App,
        supervisor: &Supervisor,
        dues: watch::Sender<Option<Time>>,
    ) -> std::io::Result<(Self, Arc<Mailbox>)> {
        let poll = Poll::new()?;
        let mailbox = Arc::new(Mailbox::new(mio::Waker::new(poll.registry(), MAIL)?));
        let thread = Self {
            app: app.clone(),
            supervisor: supervisor.clone(),
            runtime: Handle::current(),
            poll,
            mailbox: mailbox.clone(),
            streams: Streams::default(),
            dues,
            stopping: false,
        };
        Ok((thread, mailbox))
    }

    /// Writes streams until the server stops and the last one has ended.
    pub fn run(mut self) {
        let runtime = self.runtime.clone();
        let _entered = runtime.enter();
        let mut events = Events::with_capacity(EVENTS);
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.turn(&mut events))) {
                Ok(false) => {}
                Ok(true) => return,
                Err(_) => {
                    // What it printed is in the log. Clients come back and resume.
                    self.app.metrics.panicked("stream-thread");
                    tracing::error!("a thread of the stream panicked; its streams are closed");
                    let next = self.streams.next;
                    self.streams = Streams { next, ..Streams::default() };
                    // The letter that says so may have been among what was lost.
                    self.stopping |= self.supervisor.shutdown_signal().is_triggered();
                }
            }
        }
    }

    /// Waits for something and does it; says whether all is over.
    fn turn(&mut self, events: &mut Events) -> bool {
        let timeout = self.timeout();
        if let Err(error) = self.poll.poll(events, timeout)
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            tracing::error!(%error, "the streams' sockets cannot be watched");
            std::thread::sleep(Duration::from_millis(100));
        }
        for event in events.iter().filter(|event| event.token() != MAIL) {
            let id = event.token().0;
            if event.is_error() || (event.is_readable() && !self.read(id)) {
                self.close(id);
            } else if event.is_writable() {
                self.write(id);
            }
        }
        for letter in self.mailbox.take() {
            self.open(letter);
        }
        for id in std::mem::take(&mut self.streams.waiting) {
            self.write(id);
        }
        self.write_moved();
        self.tell_due();
        self.stopping && self.streams.connections.is_empty() && self.mailbox.close()
    }

    fn timeout(&self) -> Option<Duration> {
        let over = self.stopping && self.streams.connections.is_empty();
        if over || !self.streams.waiting.is_empty() {
            return Some(Duration::ZERO);
        }
        let rests = self.streams.moved.iter().filter_map(|key| self.streams.channels.get(key));
        rests.map(Followed::rest).min()
    }

    fn open(&mut self, letter: Letter) {
        match letter {
            Letter::Adopt(socket, feed) => self.adopt(socket, feed),
            Letter::Back(id, feed) => {
                let Some(connection) = self.streams.connections.get_mut(&id) else { return };
                match feed {
                    Some(feed) => {
                        feed.register(&connection.bell);
                        connection.feed = Some(feed);
                        self.write(id);
                    }
                    None => self.close(id),
                }
            }
            Letter::Moved(key) => self.streams.moved.push(key),
            Letter::News(id) => {
                if let Some(connection) = self.streams.connections.get(&id) {
                    // A bell rings once; it is hung up again before looking, so that nothing is missed.
                    if let Some(feed) = &connection.feed {
                        feed.register(&connection.bell);
                    }
                    self.write(id);
                }
            }
            Letter::Time => {
                let now = self.app.clock.expiry();
                while let Some(Reverse((due, id))) = self.streams.due.peek().copied() {
                    if due > now {
                        break;
                    }
                    self.streams.due.pop();
                    // One that an earlier look took the place of is due no more.
                    let Some(connection) = self.streams.connections.get_mut(&id) else { continue };
                    if connection.due.take_if(|at| *at == due).is_some() {
                        self.write(id);
                    }
                }
            }
            Letter::Stop => {
                self.stopping = true;
                let all: Vec<Id> = self.streams.connections.keys().copied().collect();
                for id in all {
                    self.write(id);
                }
            }
        }
    }

    fn adopt(&mut self, socket: Socket, feed: Box<Feed>) {
        let id = self.streams.next;
        self.streams.next += 1;
        let key = Arc::as_ptr(feed.channel()).addr();
        let bell = Waker::from(Arc::new(Bell { mailbox: self.mailbox.clone(), id }));
        feed.register(&bell);
        let channel = feed.channel().clone();
        let stuck = self.app.settings.stream.stuck;
        let mut connection = Connection::new(socket.stream, socket.held, feed, bell, key, stuck);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registered = self.poll.registry().register(&mut connection.socket, Token(id), interest);
        if let Err(error) = registered {
            tracing::warn!(%error, "a stream's socket cannot be watched and is closed");
            return;
        }
        self.streams.connections.insert(id, connection);
        let mailbox = &self.mailbox;
        let followed = self.streams.channels.entry(key).or_insert_with(|| {
            let mailbox = mailbox.clone();
            let flag = Arc::new(Flag { mailbox, key, raised: AtomicBool::new(false) });
            channel.wake(Some(flag.clone().into()));
            Followed { channel, members: Vec::new(), flag, written_at: None }
        });
        followed.members.push(id);
        self.write(id);
    }

    fn read(&mut self, id: Id) -> bool {
        self.streams.connections.get_mut(&id).is_none_or(Connection::read)
    }

    /// Reports go out at once after quiet, and under load at most once in each window.
    fn write_moved(&mut self) {
        let mut later = Vec::new();
        for key in std::mem::take(&mut self.streams.moved) {
            let Some(followed) = self.streams.channels.get_mut(&key) else { continue };
            if !followed.rest().is_zero() {
                later.push(key);
                continue;
            }
            followed.written_at = Some(self.app.clock.instant());
            followed.flag.raised.store(false, Ordering::Release);
            let channel = followed.channel.clone();
            for id in followed.members.clone() {
                // A full socket says itself when it takes bytes again.
                let full = |stream: &Connection| stream.blocked_since.is_some();
                if !self.streams.connections.get(&id).is_some_and(full) {
                    self.write(id);
                }
            }
            channel.delivered();
        }
        self.streams.moved = later;
    }

    /// Goes on with a stream until its socket is full, it has nothing to send, or its turn is over.
    fn write(&mut self, id: Id) {
        let Some(connection) = self.streams.connections.get_mut(&id) else { return };
        let now = self.app.clock.expiry();
        for _ in 0..TURN {
            match connection.write(now) {
                Wrote::All => {}
                Wrote::Blocked => {
                    let stream = &self.app.settings.stream;
                    // A reader who does not read holds up no shutdown.
                    let patience =
                        if self.stopping { stream.stuck.min(stream.drain) } else { stream.stuck };
                    let until = connection.blocked_since.unwrap_or(now).plus(patience);
                    if now < until {
                        return self.wait(id, until);
                    }
                    if let Some(feed) = &mut connection.feed {
                        feed.cut_off();
                    }
                    return self.close(id);
                }
                Wrote::Over | Wrote::Gone => return self.close(id),
            }
            let Some(feed) = &mut connection.feed else { return };
            match feed.step(now) {
                Step::Reports(batch) => connection.push_batch(&batch),
                Step::Send(frames) => connection.push(frames),
                Step::Wait(until) => return self.wait(id, until),
                Step::End => connection.end(),
                Step::Ask => {
                    let feed = connection.feed.take();
                    let mut asking = Return { mailbox: self.mailbox.clone(), id, feed };
                    return self.supervisor.spawn("stream ask", async move {
                        if let Some(feed) = &mut asking.feed {
                            feed.ask().await;
                        }
                    });
                }
            }
        }
        self.streams.waiting.push(id);
    }

    /// Looks at a stream again at this time.
    fn wait(&mut self, id: Id, until: Time) {
        let Some(connection) = self.streams.connections.get_mut(&id) else { return };
        // An earlier look finds out by itself that there is more to wait for.
        if connection.due.is_none_or(|due| until < due) {
            connection.due = Some(until);
            self.streams.due.push(Reverse((until, id)));
        }
    }

    fn close(&mut self, id: Id) {
        let Some(mut connection) = self.streams.connections.remove(&id) else { return };
        // Dropping the socket closes it, registered or not.
        let _ = self.poll.registry().deregister(&mut connection.socket);
        let Some(followed) = self.streams.channels.get_mut(&connection.channel) else { return };
        followed.members.retain(|member| *member != id);
        if followed.members.is_empty() {
            followed.channel.wake(None);
            self.streams.channels.remove(&connection.channel);
        }
    }

    fn tell_due(&mut self) {
        let next = self.streams.due.peek().map(|Reverse((due, _))| *due);
        self.dues.send_if_modified(|due| {
            let differs = *due != next;
            *due = next;
            differs
        });
    }
}

impl Followed {
    /// How long the channel's streams rest before the next write.
    fn rest(&self) -> Duration {
        self.written_at.map_or(Duration::ZERO, |at| WINDOW.saturating_sub(at.elapsed()))
    }
}
