//! The writer: one thread, one connection, one transaction for all who wait.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::reader::configure;
use super::session::{Outbox, Read, Tx};
use super::{AfterCommit, DbError, Scope};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::settings::Store;
use crate::telemetry::metrics::Metrics;

/// How long a batch takes in further writes before it commits.
const BATCH_TIME: Duration = Duration::from_millis(8);

/// Frames of the write-ahead log (4 KiB each) at which the writer itself empties what the
/// background checkpoint left, so that the log starts over instead of growing.
const WAL_FRAMES_RESTART: i64 = 8_192;

/// Pages that the writer keeps at most: what a busy minute touches, so that it reads little.
const WRITER_CACHE_KIB: i64 = 65_536;

/// How often the background checkpoint looks whether there is something to do.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(250);

/// Answers that the writer gives itself.
const FEW: usize = 2;

type Answer = Box<dyn FnOnce(Result<(), DbError>) + Send>;
/// Run with a transaction, or without one where there is none to be had.
type Action = Box<dyn FnOnce(Option<&mut Tx<'_>>) -> (bool, Answer) + Send>;

/// One write that waits its turn.
pub(super) struct Job {
    scope: Scope,
    action: Action,
}

impl Job {
    pub(super) fn new<T, E>(
        scope: Scope,
        action: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        answer: oneshot::Sender<Result<T, E>>,
    ) -> Self
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let action = move |tx: Option<&mut Tx<'_>>| -> (bool, Answer) {
            let run = |tx| catch_unwind(AssertUnwindSafe(|| action(tx)));
            let result = tx.map(|tx| {
                run(tx).unwrap_or_else(|_| {
                    tracing::error!("an action panicked in its transaction; it is rolled back");
                    Err(DbError::Failed("an action panicked".into()).into())
                })
            });
            let keep = result.as_ref().is_some_and(Result::is_ok);
            // Refusals wait for the commit too: they may rest on what the same batch wrote. Nobody
            // may be listening any more; the write stands all the same.
            let reply: Answer = Box::new(move |committed| {
                let _ = answer.send(match (committed, result) {
                    (Ok(()), Some(result)) => result,
                    (Ok(()), None) => Err(DbError::Stopped.into()),
                    (Err(error), _) => Err(error.into()),
                });
            });
            (keep, reply)
        };
        Self { scope, action: Box::new(action) }
    }
}

/// What the writer needs besides its file.
pub(super) struct Context {
    pub clock: Clock,
    pub entropy: Entropy,
    pub metrics: Metrics,
    pub after: Arc<dyn AfterCommit>,
    /// Where the callers wait, if the store was opened within a runtime.
    pub runtime: Option<Handle>,
}

struct Writer {
    session: Read,
    context: Context,
    batch: usize,
    restart: Arc<AtomicBool>,
    dirty: Arc<AtomicBool>,
}

/// Starts the writer and the background checkpoint; both end when every sender is gone.
pub(super) fn start(
    path: &Path,
    settings: &Store,
    context: Context,
) -> Result<(SyncSender<Job>, JoinHandle<()>), DbError> {
    let connection = Connection::open(path)?;
    configure(&connection)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    let (jobs, waiting) = sync_channel(settings.queue.max(1));
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
        session: Read::new(connection),
        context,
        batch: settings.batch.max(1),
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

pub(super) fn thread(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, DbError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| DbError::Failed(format!("no thread for {name}: {error}")))
}

impl Writer {
    fn run(mut self, waiting: &Receiver<Job>) {
        while let Ok(first) = waiting.recv() {
            if let Err(error) = self.commit_batch(first, waiting)
                && error.poisons()
            {
                // After a failed fsync the kernel may have dropped what it could not write. Going
                // on would acknowledge what is not on disk; a restart reads what is.
                tracing::error!(%error, "a commit failed; the store stops, restart the server");
                self.context.after.store_failed();
                return;
            }
            if self.restart.swap(false, Ordering::AcqRel) {
                let started = Instant::now();
                checkpoint(self.session.connection());
                self.context.metrics.store_checkpoint.observe(started.elapsed().as_secs_f64());
            }
        }
        checkpoint(self.session.connection());
    }

    fn commit_batch(&mut self, first: Job, waiting: &Receiver<Job>) -> Result<(), DbError> {
        let started = Instant::now();
        let mut answers: Vec<Answer> = Vec::new();
        let mut outbox = Outbox::default();
        let mut outcome = self.control("BEGIN IMMEDIATE");
        let mut next = Some(first);
        while let Some(job) = next {
            self.context.metrics.store_queue.dec();
            if outcome.is_ok() {
                outcome = self.run_one(job, &mut outbox, &mut answers);
            } else {
                // The batch is lost; whoever still comes into it hears so too.
                answers.push((job.action)(None).1);
            }
            let room = answers.len() < self.batch && started.elapsed() < BATCH_TIME;
            next = if room { waiting.try_recv().ok() } else { None };
        }
        let outcome = outcome.and_then(|()| self.control("COMMIT"));
        if let Err(error) = &outcome {
            tracing::warn!(%error, writes = answers.len(), "a batch of writes was not committed");
            if !self.session.connection().is_autocommit() {
                let _ = self.control("ROLLBACK");
            }
        } else {
            self.dirty.store(true, Ordering::Release);
            if !outbox.reports.is_empty() {
                self.context.after.reports(outbox.reports);
            }
            if outbox.wake {
                self.context.after.wake();
            }
        }
        self.context.metrics.store_batch(answers.len(), self.session.take_statements());
        self.answer(answers, &outcome);
        outcome
    }

    /// Tells everybody how it went. Waking tasks of a runtime from outside costs a switch each; of
    /// many, one goes in and wakes the others from within.
    fn answer(&self, answers: Vec<Answer>, outcome: &Result<(), DbError>) {
        let (many, outcome) = (answers.len() > FEW, outcome.clone());
        let tell = move || {
            for answer in answers {
                answer(outcome.clone());
            }
        };
        match &self.context.runtime {
            Some(runtime) if many => drop(runtime.spawn(async move { tell() })),
            _ => tell(),
        }
    }

    fn run_one(
        &self,
        job: Job,
        outbox: &mut Outbox,
        answers: &mut Vec<Answer>,
    ) -> Result<(), DbError> {
        let (reports, wake) = (outbox.reports.len(), outbox.wake);
        if let Err(error) = self.control("SAVEPOINT job") {
            answers.push((job.action)(None).1);
            return Err(error);
        }
        let mut tx = Tx {
            session: &self.session,
            scope: &job.scope,
            outbox,
            clock: &self.context.clock,
            entropy: &self.context.entropy,
        };
        let (keep, answer) = (job.action)(Some(&mut tx));
        answers.push(answer);
        if self.session.connection().is_autocommit() {
            // A full disk makes SQLite roll back the whole transaction, not the savepoint alone.
            return Err(DbError::Full);
        }
        if !keep {
            outbox.reports.truncate(reports);
            outbox.wake = wake;
            self.control("ROLLBACK TO job")?;
        }
        self.control("RELEASE job")
    }

    fn control(&self, sql: &'static str) -> Result<(), DbError> {
        self.session.change(sql, &[]).map(|_| ())
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
