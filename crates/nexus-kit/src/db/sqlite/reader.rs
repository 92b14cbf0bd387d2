//! Readers: a few threads with a connection each that cannot write.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::session::Session;
use crate::db::DbError;
use crate::db::batch::serve_reads;
use crate::db::job::{ReadJob, thread};
use crate::db::lanes::Lanes;
use crate::db::session::{Engine, Read};
use crate::telemetry::metrics::Metrics;

/// How long a connection waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages that a reader keeps at most.
const READER_CACHE_KIB: i64 = 2_048;

/// Starts `count` readers; they end when the lanes are closed.
pub(super) fn start(
    path: &Path,
    count: usize,
    waiting: &Arc<Lanes<ReadJob>>,
    metrics: &Metrics,
) -> Result<(), DbError> {
    for _ in 0..count {
        let session = connect(path)?;
        let (waiting, metrics) = (waiting.clone(), metrics.clone());
        thread("nexus-reader", move || serve_reads(&session, &waiting, &metrics))?;
    }
    Ok(())
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
