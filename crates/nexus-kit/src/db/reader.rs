//! Readers: a few threads with a connection each that cannot write.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::session::Read;
use super::writer::thread;
use super::{DbError, Scope};

/// How long a connection waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages that a reader keeps at most.
const READER_CACHE_KIB: i64 = 2_048;

/// One query that waits its turn.
pub(super) struct Job(Box<dyn FnOnce(&Read) + Send>);

impl Job {
    pub(super) fn new<T, E>(
        _scope: Scope,
        query: impl FnOnce(&Read) -> Result<T, E> + Send + 'static,
        answer: oneshot::Sender<Result<T, E>>,
    ) -> Self
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        Self(Box::new(move |session| {
            let result = catch_unwind(AssertUnwindSafe(|| snapshot(session, query)));
            let result = result.unwrap_or_else(|_| {
                tracing::error!("a query panicked");
                let _ = session.connection().execute_batch("ROLLBACK");
                Err(DbError::Failed("a query panicked".into()).into())
            });
            // The caller may have gone; a query has nothing to undo.
            let _ = answer.send(result);
        }))
    }
}

fn snapshot<T, E: From<DbError>>(
    session: &Read,
    query: impl FnOnce(&Read) -> Result<T, E>,
) -> Result<T, E> {
    session.change("BEGIN", &[])?;
    let result = query(session);
    session.change("COMMIT", &[])?;
    result
}

/// The store's threads; dropped last, so that whoever opened the store can wait for its end.
pub(super) struct Threads {
    _readers: Vec<JoinHandle<()>>,
    _writer: JoinHandle<()>,
}

impl Threads {
    pub(super) fn new(readers: Vec<JoinHandle<()>>, writer: JoinHandle<()>) -> Self {
        Self { _readers: readers, _writer: writer }
    }
}

/// Starts `count` readers; they end when every sender is gone.
pub(super) fn start(
    path: &Path,
    count: usize,
    queue: usize,
) -> Result<(SyncSender<Job>, Vec<JoinHandle<()>>), DbError> {
    let (jobs, waiting) = sync_channel::<Job>(queue.max(1));
    let waiting = Arc::new(Mutex::new(waiting));
    let mut threads = Vec::new();
    for _ in 0..count {
        let session = connect(path)?;
        let waiting = waiting.clone();
        threads.push(thread("nexus-reader", move || {
            while let Some(Job(query)) = next(&waiting) {
                query(&session);
            }
        })?);
    }
    Ok((jobs, threads))
}

fn next(waiting: &Mutex<Receiver<Job>>) -> Option<Job> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// A connection that cannot write.
pub(super) fn connect(path: &Path) -> Result<Read, DbError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    // Every commit empties a reader's cache; a small one is emptied quickly.
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(Read::new(connection))
}

/// What every connection has.
pub(super) fn configure(connection: &Connection) -> Result<(), DbError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}
