//! The writer: one thread, one connection, one transaction for all who wait.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::reader::configure;
use super::session::Session;
use crate::db::DbError;
use crate::db::batch::{self, Context};
use crate::db::job::{WriteJob, thread};
use crate::db::lanes::Lanes;
use crate::db::session::{Engine, Read};
use crate::telemetry::metrics::Metrics;

/// Frames of the write-ahead log (4 KiB each) at which the writer itself empties what the
/// background checkpoint left, so that the log starts over instead of growing.
const WAL_FRAMES_RESTART: i64 = 8_192;

/// Pages that the writer keeps at most: what a busy minute touches, so that it reads little.
const WRITER_CACHE_KIB: i64 = 65_536;

/// Frames that the background checkpoint may leave to the writer at that moment, and how often it tries
/// to leave no more: what the writer copies itself, everybody waits for.
const FRAMES_LEFT: i64 = 256;
const ROUNDS: usize = 4;

/// How often the background checkpoint looks whether there is something to do.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(250);

struct Writer {
    session: Read,
    context: Context,
    restart: Arc<AtomicBool>,
    dirty: Arc<AtomicBool>,
}

/// Starts the writer and the background checkpoint; both end when the lanes are closed and empty.
pub(super) fn start(
    path: &Path,
    waiting: Arc<Lanes<WriteJob>>,
    context: Context,
) -> Result<(), DbError> {
    let connection = Connection::open(path)?;
    configure(&connection)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
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
    thread("nexus-writer", move || {
        let (after, running) =
            (writer.context.after.clone(), AssertUnwindSafe(|| writer.run(&waiting)));
        let stands = catch_unwind(running).unwrap_or_else(|_| {
            // Actions that panic are caught where they run; this is the store's own fault.
            tracing::error!("the writer panicked; the store stops, restart the server");
            false
        });
        if !stands {
            waiting.abandon();
            after.store_failed();
        }
        stopped.store(true, Ordering::Release);
        // Its panic, if any, was printed by the hook; there is nothing else to do with it.
        let _ = background.join();
    })?;
    Ok(())
}

impl Writer {
    /// Writes until nobody is left who could want something written; says whether the store is
    /// still one that could be written to.
    fn run(&self, waiting: &Lanes<WriteJob>) -> bool {
        while let Some(first) = waiting.next() {
            let committed = batch::commit(&self.session, &self.context, first, || waiting.more());
            self.dirty.store(true, Ordering::Release);
            if let Err(error) = committed
                && error.poisons()
            {
                // After a failed fsync the kernel may have dropped what it could not write. Going
                // on would acknowledge what is not on disk; a restart reads what is.
                tracing::error!(%error, "a commit failed; the store stops, restart the server");
                return false;
            }
            if self.restart.swap(false, Ordering::AcqRel) {
                self.checkpoint();
            }
        }
        self.checkpoint();
        true
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
            for round in 1..=ROUNDS {
                let started = Instant::now();
                let log = checkpoint(&self.connection);
                self.metrics.store_checkpoint.observe(started.elapsed().as_secs_f64());
                if log.frames <= WAL_FRAMES_RESTART {
                    break;
                }
                if log.left() <= FRAMES_LEFT || round == ROUNDS {
                    self.restart.store(true, Ordering::Release);
                    break;
                }
            }
        }
    }
}

/// What a checkpoint found and did.
#[derive(Default)]
struct Log {
    /// Frames that the write-ahead log has.
    frames: i64,
    /// Those of them that are in the database file.
    copied: i64,
}

impl Log {
    fn left(&self) -> i64 {
        self.frames - self.copied
    }
}

/// Checkpoints as far as readers allow.
fn checkpoint(connection: &Connection) -> Log {
    let result = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        Ok(Log { frames: row.get(1)?, copied: row.get(2)? })
    });
    result.unwrap_or_else(|error| {
        tracing::warn!(%error, "a checkpoint failed; the next one tries again");
        Log::default()
    })
}
