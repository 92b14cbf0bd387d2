//! The writer: one thread, one connection, one transaction for all who wait.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::reader::configure;
use super::session::Session;
use crate::db::DbError;
use crate::db::batch::{self, Context};
use crate::db::job::{WriteJob, thread};
use crate::db::session::{Engine, Read};
use crate::telemetry::metrics::Metrics;

/// Frames of the write-ahead log (4 KiB each) at which the writer itself empties what the
/// background checkpoint left, so that the log starts over instead of growing.
const WAL_FRAMES_RESTART: i64 = 8_192;

/// Pages that the writer keeps at most: what a busy minute touches, so that it reads little.
const WRITER_CACHE_KIB: i64 = 65_536;

/// How often the background checkpoint looks whether there is something to do.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(250);

struct Writer {
    session: Read,
    context: Context,
    restart: Arc<AtomicBool>,
    dirty: Arc<AtomicBool>,
}

/// Starts the writer and the background checkpoint; both end when every sender is gone.
pub(super) fn start(
    path: &Path,
    queue: usize,
    context: Context,
) -> Result<(SyncSender<WriteJob>, JoinHandle<()>), DbError> {
    let connection = Connection::open(path)?;
    configure(&connection)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    let (jobs, waiting) = sync_channel(queue.max(1));
    let restart = Arc::new(AtomicBool::new(false));
    let dirty = Arc::new(AtomicBool::new(true));
    let stopped = Arc::new(AtomicBool::new(false));
    let checkpointer = Checkpointer {
        connection: Connection::open(path)?,
        metrics: context.metrics.clone(),
        restart: restart.clone(),
        dirty: dirty.clone(),
        stopped: stopped.clone(),
    };
    let writer = Writer {
        session: Read::new(Engine::Sqlite(Session::new(connection))),
        context,
        restart,
        dirty,
    };
    let background = thread("nexus-checkpoint", move || checkpointer.run())?;
    let handle = thread("nexus-writer", move || {
        writer.run(&waiting);
        stopped.store(true, Ordering::Release);
        // Its panic, if any, was printed by the hook; there is nothing else to do with it.
        let _ = background.join();
    })?;
    Ok((jobs, handle))
}

impl Writer {
    fn run(self, waiting: &Receiver<WriteJob>) {
        while let Ok(first) = waiting.recv() {
            let committed =
                batch::commit(&self.session, &self.context, first, || waiting.try_recv().ok());
            self.dirty.store(true, Ordering::Release);
            if let Err(error) = committed
                && error.poisons()
            {
                // After a failed fsync the kernel may have dropped what it could not write. Going
                // on would acknowledge what is not on disk; a restart reads what is.
                tracing::error!(%error, "a commit failed; the store stops, restart the server");
                self.context.after.store_failed();
                return;
            }
            if self.restart.swap(false, Ordering::AcqRel) {
                self.checkpoint();
            }
        }
        self.checkpoint();
    }

    fn checkpoint(&self) {
        if let Engine::Sqlite(session) = self.session.engine() {
            let started = Instant::now();
            checkpoint(session.connection());
            self.context.metrics.store_checkpoint.observe(started.elapsed().as_secs_f64());
        }
    }
}

struct Checkpointer {
    connection: Connection,
    metrics: Metrics,
    restart: Arc<AtomicBool>,
    dirty: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
}

impl Checkpointer {
    /// Copies committed pages into the database file while writers go on; a passive checkpoint
    /// never makes one wait.
    fn run(self) {
        while !self.stopped.load(Ordering::Acquire) {
            std::thread::sleep(CHECKPOINT_EVERY);
            if !self.dirty.swap(false, Ordering::AcqRel) {
                continue;
            }
            let started = Instant::now();
            let frames = checkpoint(&self.connection);
            self.metrics.store_checkpoint.observe(started.elapsed().as_secs_f64());
            if frames > WAL_FRAMES_RESTART {
                self.restart.store(true, Ordering::Release);
            }
        }
    }
}

/// Checkpoints as far as readers allow and says how many frames the log has.
fn checkpoint(connection: &Connection) -> i64 {
    let result = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1));
    result.unwrap_or_else(|error| {
        tracing::warn!(%error, "a checkpoint failed; the next one tries again");
        0
    })
}
