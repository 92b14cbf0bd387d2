//! Writes the streams whose sockets were handed over (HTTP/1.1): a few threads, each with its own
//! poll of the system and all streams of its tenants. A stream costs a socket, a cursor and a few
//! hundred bytes; a report is one write to each, and many reports that come close together are one.
//!
//! Lifecycle: [`Reactor::adopt`] gives a socket and its feed to the thread of the tenant; the thread
//! writes what [`Feed::step`] says until the socket is full or there is nothing, and sleeps until the
//! channel moves, the bell rings, the socket takes bytes again, or time has come. What must ask the
//! store does so as a task of the runtime and comes back. A shutdown ends streams over a window; the
//! threads end with their last stream.

mod connection;
mod mail;
mod thread;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use nexus_core::time::Time;
use nexus_kit::app::App;
use nexus_kit::clock::Clock;
use nexus_kit::http::handover::Socket;
use nexus_kit::supervise::{Shutdown, Supervisor};
use tokio::sync::watch;

use crate::feed::Feed;
use mail::{Letter, Mailbox};
use thread::Thread;

/// When a thread that was told the time and waits for it still is told again.
const TELL_AGAIN: Duration = Duration::from_secs(1);

/// The threads that write streams; cheap to clone.
#[derive(Clone)]
pub(crate) struct Reactor(Arc<[Arc<Mailbox>]>);

impl Reactor {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system has no thread or no poll left.
    pub fn start(app: &App, supervisor: &Supervisor) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = match app.settings.stream.threads {
            0 => (cores / 2).clamp(1, 8),
            threads => threads,
        };
        let mailboxes = (0..threads).map(|_| start(app, supervisor));
        Ok(Self(mailboxes.collect::<std::io::Result<Vec<_>>>()?.into()))
    }

    /// Writes this stream from now on. All streams of a tenant are one thread's, so that what they
    /// share is made once and written in one go.
    pub fn adopt(&self, socket: Socket, feed: Feed) {
        let mut hasher = DefaultHasher::new();
        feed.channel().tenant().hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % self.0.len() as u64).unwrap_or(0);
        if let Some(mailbox) = self.0.get(index) {
            mailbox.send(Letter::Adopt(socket, Box::new(feed)));
        }
    }
}

fn start(app: &App, supervisor: &Supervisor) -> std::io::Result<Arc<Mailbox>> {
    let (due, dues) = watch::channel(None);
    let (thread, mailbox) = Thread::new(app, supervisor, due)?;
    std::thread::Builder::new().name("nexus-stream".to_owned()).spawn(move || thread.run())?;
    let (clock, letters) = (app.clock.clone(), mailbox.clone());
    let stop = supervisor.shutdown_signal();
    // A shutdown waits for this, and so for the thread.
    supervisor.spawn("stream-thread", async move { attend(&clock, &letters, dues, &stop).await });
    Ok(mailbox)
}

/// Tells a thread when the time that it waits for has come, by the clock that tests move, and that
/// the server stops; ends with the thread.
async fn attend(
    clock: &Clock,
    mailbox: &Mailbox,
    mut dues: watch::Receiver<Option<Time>>,
    stop: &Shutdown,
) {
    let mut told_stop = false;
    let mut told_due = None;
    loop {
        let due = *dues.borrow_and_update();
        let time = async {
            match due {
                Some(at) if due != told_due => clock.sleep_until(at).await,
                // The thread has not looked yet, or its clock was set back meanwhile.
                Some(_) => tokio::time::sleep(TELL_AGAIN).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            moved = dues.changed() => if moved.is_err() { return },
            () = time => {
                told_due = due.filter(|_| due != told_due);
                mailbox.send(Letter::Time);
            }
            () = stop.triggered(), if !told_stop => {
                told_stop = true;
                mailbox.send(Letter::Stop);
            }
        }
    }
}
