//! Readers: a few threads with a connection each that cannot write.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::session::Session;
use crate::db::DbError;
use crate::db::batch::look;
use crate::db::job::{ReadJob, thread};
use crate::db::session::{Engine, Read};

/// How long a connection waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages that a reader keeps at most.
const READER_CACHE_KIB: i64 = 2_048;

/// Starts `count` readers; they end when every sender is gone.
pub(super) fn start(
    path: &Path,
    count: usize,
    queue: usize,
) -> Result<(SyncSender<ReadJob>, Vec<JoinHandle<()>>), DbError> {
    let (jobs, waiting) = sync_channel::<ReadJob>(queue.max(1));
    let waiting = Arc::new(Mutex::new(waiting));
    let mut threads = Vec::new();
    for _ in 0..count {
        let session = connect(path)?;
        let waiting = waiting.clone();
        threads.push(thread("nexus-reader", move || {
            while let Some(job) = next(&waiting) {
                look(&session, job);
            }
        })?);
    }
    Ok((jobs, threads))
}

fn next(waiting: &Mutex<Receiver<ReadJob>>) -> Option<ReadJob> {
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
    Ok(Read::new(Engine::Sqlite(Session::new(connection))))
}

/// What every connection has.
pub(super) fn configure(connection: &Connection) -> Result<(), DbError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}
