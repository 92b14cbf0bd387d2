//! Group commit, the same on both engines: writers that wait share one transaction, each in its
//! savepoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::job::{Answer, ReadJob, WriteJob};
use super::lanes::Lanes;
use super::notes::Notes;
use super::session::{Outbox, Read, Tx, store_heads};
use super::{AfterCommit, DbError, Scope};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::telemetry::metrics::Metrics;

/// How long a batch takes in further writes before it commits.
const BATCH_TIME: Duration = Duration::from_millis(8);

/// Answers that a writer gives itself.
const FEW: usize = 2;

/// What a writer needs besides its connection.
#[derive(Clone)]
pub(super) struct Context {
    pub clock: Clock,
    pub entropy: Entropy,
    pub metrics: Metrics,
    pub after: Arc<dyn AfterCommit>,
    /// Where the callers wait, if the store was opened within a runtime.
    pub runtime: Option<Handle>,
    /// Writes that share one commit at most.
    pub batch: usize,
}

/// One transaction and who waits for it.
struct Batch<'a> {
    session: &'a Read,
    context: &'a Context,
    outbox: Outbox,
    notes: Notes,
    answers: Vec<(Answer, Result<(), DbError>)>,
}

/// Commits `first` and whatever `next` has to add meanwhile, and tells everybody how it went.
pub(super) fn commit(
    session: &Read,
    context: &Context,
    first: WriteJob,
    mut next: impl FnMut() -> Option<WriteJob>,
) -> Result<(), DbError> {
    let started = Instant::now();
    let (outbox, notes) = (Outbox::default(), Notes::default());
    let mut batch = Batch { session, context, outbox, notes, answers: Vec::new() };
    let mut outcome = session.begin(&first.scope);
    let mut job = Some(first);
    while let Some(one) = job {
        context.metrics.store_taken(one.since.elapsed());
        if outcome.is_ok() {
            outcome = batch.run(one);
        } else {
            // The batch is lost; whoever still comes into it hears so too.
            batch.answers.push(((one.action)(None).1, Ok(())));
        }
        let room = batch.answers.len() < context.batch && started.elapsed() < BATCH_TIME;
        job = if room { next() } else { None };
    }
    let outcome = outcome.and_then(|()| batch.commit());
    batch.finish(outcome)
}

impl Batch<'_> {
    fn run(&mut self, job: WriteJob) -> Result<(), DbError> {
        let (reports, wake) = (self.outbox.reports.len(), self.outbox.wake);
        self.notes.keep();
        if let Err(error) = self.session.savepoint() {
            self.answers.push(((job.action)(None).1, Ok(())));
            return Err(error);
        }
        let mut tx = Tx {
            session: self.session,
            scope: &job.scope,
            outbox: &mut self.outbox,
            notes: &mut self.notes,
            clock: &self.context.clock,
            entropy: &self.context.entropy,
        };
        let (keep, answer) = (job.action)(Some(&mut tx));
        // What the engine has not done yet can still fail, and then it is this job's failure.
        let lost = self.session.lost_transaction();
        let kept = if keep && lost.is_none() { self.session.release() } else { Ok(()) };
        if let Some(error) = lost.or_else(|| self.session.lost_transaction()) {
            self.answers.push((answer, Ok(())));
            return Err(error);
        }
        let undo = !keep || kept.is_err();
        self.answers.push((answer, kept));
        if !undo {
            return Ok(());
        }
        self.outbox.reports.truncate(reports);
        self.outbox.wake = wake;
        self.notes.undo();
        self.session.roll_back_job()
    }

    fn commit(&self) -> Result<(), DbError> {
        store_heads(self.session, &self.notes)?;
        let started = Instant::now();
        let committed = self.session.commit();
        self.context.metrics.store_commit.observe(started.elapsed().as_secs_f64());
        committed
    }

    fn finish(self, outcome: Result<(), DbError>) -> Result<(), DbError> {
        let Self { session, context, outbox, answers, .. } = self;
        if let Err(error) = &outcome {
            tracing::warn!(%error, writes = answers.len(), "a batch of writes was not committed");
            session.roll_back();
        } else {
            if !outbox.reports.is_empty() {
                context.after.reports(outbox.reports);
            }
            if outbox.wake {
                context.after.wake();
            }
        }
        let (statements, trips) = session.take_counts();
        context.metrics.store_batch(answers.len(), statements, trips);
        answer(context, answers, outcome.clone());
        outcome
    }
}

/// Tells everybody how it went. Waking tasks of a runtime from outside costs a switch each; of many,
/// one goes in and wakes the others from within.
fn answer(
    context: &Context,
    answers: Vec<(Answer, Result<(), DbError>)>,
    outcome: Result<(), DbError>,
) {
    let many = answers.len() > FEW;
    let tell = move || {
        for (answer, own) in answers {
            answer(outcome.clone().and(own));
        }
    };
    match &context.runtime {
        Some(runtime) if many => drop(runtime.spawn(async move { tell() })),
        _ => tell(),
    }
}

/// Answers queries in turn until there are no more.
pub(super) fn serve_reads(session: &Read, waiting: &Lanes<ReadJob>, metrics: &Metrics) {
    while let Some(job) = waiting.next() {
        metrics.store_reads_waiting.dec();
        look(session, job);
    }
}

/// Begins a transaction that only looks, runs a query in it and ends it.
fn look(session: &Read, job: ReadJob) {
    match session.begin_read(&job.scope) {
        Ok(()) => {
            (job.query)(Ok(session));
            session.end_read();
        }
        Err(error) => (job.query)(Err(error)),
    }
}

/// The scope's name as the row policies of Postgres know it.
pub(super) fn scope_key(scope: &Scope) -> &str {
    match scope {
        Scope::Tenant(tenant) => tenant.key(),
        Scope::System => SYSTEM,
    }
}

/// No tenant has this key, because it has no colon.
pub(super) const SYSTEM: &str = "platform";
