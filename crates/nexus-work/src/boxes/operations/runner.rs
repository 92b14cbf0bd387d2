//! What keeps operations going: it is woken when one is accepted, finds after a restart what was left
//! open, and drives each to its end, at its pace.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use nexus_audit::{Entry, record};
use nexus_core::task::Status;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::db::Scope;
use nexus_kit::log::ReportChange;
use nexus_kit::supervise::Supervisor;
use serde_json::json;
use tokio::sync::{Notify, Semaphore};

use super::apply::schedule;
use super::canary::{Canary, Verdict, judge};
use super::item::{self, Rules, Tried};
use super::requeue::{Ready, ready};
use super::row::{Action, Item, Operation, OperationStatus, Outcome};
use super::{sql, steer};
use crate::Work;
use crate::error::WorkError;
use crate::tasks;

/// Tasks that are dealt with at once, so that they share commits.
const CHUNK: u64 = 64;

/// Operations that deal with tasks at the same moment. One that waits, for its next second or for the end
/// of its canary, keeps no other from it.
const WORKING: usize = 8;

/// Longest wait between two looks: for what no wake-up told of.
const TICK: Duration = Duration::from_secs(5);

/// The wait after something that failed.
const AFTER_ERROR: Duration = Duration::from_millis(500);

/// How often the end of a canary is looked for.
const CANARY_EVERY: Duration = Duration::from_secs(1);

/// Progress on the stream: at most two reports a second and operation.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Which operations somebody in this process drives, and a bell for the runner. No record: the store
/// has that.
pub(crate) struct Operations {
    driven: Mutex<HashSet<String>>,
    bell: Notify,
    working: Semaphore,
}

impl Operations {
    /// Nobody drives anything yet.
    pub(crate) fn new() -> Self {
        Self { driven: Mutex::default(), bell: Notify::new(), working: Semaphore::new(WORKING) }
    }

    /// Has the runner look now.
    pub(super) fn wake(&self) {
        self.bell.notify_one();
    }

    /// Takes an operation, unless somebody drives it.
    pub(super) fn take(self: &Arc<Self>, id: &str) -> Option<Driven> {
        let mut driven = self.driven.lock().unwrap_or_else(PoisonError::into_inner);
        let free = driven.insert(id.to_owned());
        free.then(|| Driven { operations: self.clone(), id: id.to_owned() })
    }
}

/// An operation that somebody drives; whoever stops before its end leaves it to the runner.
pub(super) struct Driven {
    operations: Arc<Operations>,
    id: String,
}

impl Drop for Driven {
    fn drop(&mut self) {
        let mut driven = self.operations.driven.lock().unwrap_or_else(PoisonError::into_inner);
        driven.remove(&self.id);
        drop(driven);
        self.operations.wake();
    }
}

/// Starts to drive what is open, also what an earlier life of this process left, and to apply the
/// policy by itself.
pub(crate) fn start(work: &Arc<Work>, supervisor: &Supervisor) {
    let (runs, running) = (work.clone(), supervisor.clone());
    supervisor.forever("operations", move |stop| {
        let (work, supervisor) = (runs.clone(), running.clone());
        async move {
            tokio::select! {
                () = run(&work, &supervisor) => {}
                () = stop.triggered() => {}
            }
        }
    });
    let applies = work.clone();
    supervisor.forever("dlq-apply", move |stop| {
        let work = applies.clone();
        async move {
            tokio::select! {
                () = schedule(&work) => {}
                () = stop.triggered() => {}
            }
        }
    });
}

/// Looks for what is open, for ever.
async fn run(work: &Arc<Work>, supervisor: &Supervisor) {
    let clock = &work.app.clock;
    loop {
        let now = clock.expiry();
        let next = look(work, supervisor, now).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "open operations could not be looked for; tried again shortly");
            None
        });
        let until = next.map_or(now.plus(TICK), |next| next.min(now.plus(TICK)));
        tokio::select! {
            () = work.operations.bell.notified() => {}
            () = clock.sleep_until(until) => {}
        }
    }
}

/// Has somebody drive everything that is open, and says when to look next.
async fn look(
    work: &Arc<Work>,
    supervisor: &Supervisor,
    now: Time,
) -> Result<Option<Time>, WorkError> {
    let db = &work.app.db;
    let of_each = work.app.settings.operations.at_once;
    for found in db.read(Scope::System, move |q| sql::due(q, now, of_each)).await? {
        let Some(driven) = work.operations.take(&found.id) else { continue };
        let work = work.clone();
        supervisor.spawn("operation", async move {
            tokio::select! {
                () = go_on(&work, &found.tenant, &found.id) => {}
                () = work.closing() => {}
            }
            drop(driven);
        });
    }
    Ok(db.read(Scope::System, move |q| sql::next_due(q, now)).await?)
}

/// Drives an operation to its end, whatever the store does meanwhile.
async fn go_on(work: &Work, tenant: &Tenant, id: &str) {
    while let Err(error) = drive(work, tenant, id).await {
        tracing::warn!(tenant_id = %tenant, operation_id = id, %error, "an operation could not go on; tried again shortly");
        tokio::time::sleep(AFTER_ERROR).await;
    }
}

/// Drives an operation until it is over.
pub(super) async fn drive(work: &Work, tenant: &Tenant, id: &str) -> Result<(), WorkError> {
    let clock = &work.app.clock;
    let (mut after, mut paced, mut told) = (0, 0, clock.expiry());
    let since = clock.expiry();
    loop {
        let (whose, of, from) = (tenant.clone(), id.to_owned(), after);
        let read = work.app.db.read(tenant, move |q| {
            let op = sql::load(q, &whose, &of)?;
            Ok::<_, WorkError>((op, sql::open_items(q, &whose, &of, from, CHUNK)?))
        });
        let (op, mut items) = read.await?;
        let Some(op) = op.filter(|op| op.status == OperationStatus::Running) else {
            return steer::retire(work, tenant, id).await;
        };
        if op.canary > 0 && !op.canary_passed {
            items.retain(|item| item.position <= op.canary);
            if items.is_empty() {
                if !canary(work, &op).await? {
                    clock.sleep(CANARY_EVERY).await;
                }
                continue;
            }
        }
        let Some(last) = items.last().map(|item| item.position) else {
            return end(work, &op, OperationStatus::Done, None).await;
        };
        if op.per_second > 0 {
            items.truncate(usize::try_from(op.per_second).unwrap_or(usize::MAX));
        }
        let last = items.last().map_or(last, |item| item.position);
        paced += items.len() as u64;
        if chunk(work, &op, items).await? {
            after = last;
        }
        let now = clock.expiry();
        if now.since(told) >= PROGRESS_EVERY {
            told = now;
            progress(work, tenant, id).await?;
        }
        if let Some(micros) = paced.saturating_mul(1_000_000).checked_div(op.per_second) {
            clock.sleep_until(since.plus(Duration::from_micros(micros))).await;
        }
    }
}

/// Deals with some tasks at once, each in a transaction of its own; says whether all are settled.
async fn chunk(work: &Work, op: &Operation, items: Vec<Item>) -> Result<bool, WorkError> {
    // Never closed; whoever waits longest is next.
    let _working = work.operations.working.acquire().await;
    let requeued = items.iter().filter(|item| item.action == Action::Requeue);
    let ids: Vec<String> = requeued.map(|item| item.task_id.clone()).collect();
    let readied = if ids.is_empty() {
        Arc::default()
    } else {
        let bundle = work.catalogue.refresh(&work.app.db, &op.tenant).await?;
        Arc::new(ready(work, &op.tenant, &bundle, ids).await?)
    };
    let settling = items.into_iter().map(|item| one(work, op, item, readied.clone()));
    let settled: Result<Vec<bool>, WorkError> = join_all(settling).await.into_iter().collect();
    Ok(settled?.into_iter().all(|settled| settled))
}

/// Deals with one task; says whether it is settled.
async fn one(
    work: &Work,
    op: &Operation,
    item: Item,
    readied: Arc<std::collections::HashMap<String, Ready>>,
) -> Result<bool, WorkError> {
    loop {
        let (of, this, readied) = (op.clone(), item.clone(), readied.clone());
        let rules = Rules {
            approval: work.app.settings.approval.clone(),
            policy: work.app.settings.failures.policy.clone(),
        };
        let tried = work.app.db.write(&op.tenant, move |tx| {
            item::settle(tx, &of, &this, readied.get(&this.task_id), &rules)
        });
        match tried.await {
            Ok(Tried::Settled) => return Ok(true),
            Ok(Tried::TooMuch) => trim(work, op, &item).await?,
            Ok(Tried::Over) | Err(WorkError::Stale) => return Ok(false),
            Err(WorkError::Store(error)) if error.may_pass() => {
                return Err(WorkError::Store(error));
            }
            Err(error) => {
                tracing::warn!(tenant_id = %op.tenant, operation_id = %op.operation_id, task_id = %item.task_id, %error, "a task of an operation could not be dealt with");
                let (of, why) = (op.clone(), error.to_string());
                let failed = work.app.db.write(&op.tenant, move |tx| {
                    sql::settle(tx, &of, &item, Outcome::Failed, None, Some(&why))
                });
                failed.await?;
                return Ok(true);
            }
        }
    }
}

/// Deletes in pieces what hangs on a task that is to be purged, where it is too much for one
/// transaction; its last lines stay.
async fn trim(work: &Work, op: &Operation, item: &Item) -> Result<(), WorkError> {
    loop {
        let (whose, id) = (op.tenant.clone(), item.task_id.clone());
        let trimmed =
            work.app.db.write(&op.tenant, move |tx| tasks::sql::trim_history(tx, &whose, &id));
        if trimmed.await? == 0 {
            return Ok(());
        }
    }
}

/// Looks whether the canary has ended: says whether there is something to do now.
async fn canary(work: &Work, op: &Operation) -> Result<bool, WorkError> {
    let (whose, id, count) = (op.tenant.clone(), op.operation_id.clone(), op.canary);
    let found = work.app.db.read(&op.tenant, move |q| sql::canary(q, &whose, &id, count)).await;
    let found = found.map_err(WorkError::Store)?;
    let canary: Vec<Canary> = found
        .into_iter()
        .map(|(status, same)| Canary::of(status.as_deref().and_then(Status::parse), same))
        .collect();
    let percent = work.app.settings.operations.canary_percent;
    match judge(&canary, percent) {
        Verdict::Wait => Ok(false),
        Verdict::GoOn => {
            let (whose, id) = (op.tenant.clone(), op.operation_id.clone());
            let passed = work.app.db.write(&op.tenant, move |tx| sql::pass_canary(tx, &whose, &id));
            passed.await.map_err(WorkError::Store)?;
            Ok(true)
        }
        Verdict::Stop(failed, all) => {
            let why = format!(
                "{failed} of the first {all} failed again, more than {percent} %; the rest was not touched"
            );
            end(work, op, OperationStatus::Stopped, Some(why)).await?;
            Ok(true)
        }
    }
}

/// Tells the stream how far an operation has come.
async fn progress(work: &Work, tenant: &Tenant, id: &str) -> Result<(), WorkError> {
    let (whose, id) = (tenant.clone(), id.to_owned());
    let told = work.app.db.write(tenant, move |tx| {
        let op = sql::load(tx, &whose, &id)?;
        let Some(op) = op.filter(|op| op.status == OperationStatus::Running) else {
            return Ok(());
        };
        let place = tx.next_place()?;
        tx.report(&place, &op.report("operation.progress", vec![op.change()]))?;
        Ok::<_, WorkError>(())
    });
    told.await
}

/// Ends an operation that goes on.
async fn end(
    work: &Work,
    op: &Operation,
    status: OperationStatus,
    why: Option<String>,
) -> Result<(), WorkError> {
    let (whose, id) = (op.tenant.clone(), op.operation_id.clone());
    let ended = work.app.db.write(&op.tenant, move |tx| {
        let op = sql::load(tx, &whose, &id)?;
        let Some(mut op) = op.filter(|op| op.status == OperationStatus::Running) else {
            return Ok(());
        };
        let changes = steer::close(tx, &mut op, OperationStatus::Running, status, why)?;
        let Some(changes) = changes else { return Ok(()) };
        let place = tx.next_place()?;
        let entry = Entry {
            actor: &op.requested_by,
            action: "operation.ended",
            target: &op.operation_id,
            correlation_id: &op.correlation_id,
            details: json!({
                "status": op.status, "count": op.count, "changed": op.changed,
                "skipped": op.skipped, "failed": op.failed, "why": op.why,
            }),
        };
        record(tx, whose.key(), &entry)?;
        tx.report(&place, &op.report("operation.ended", changes))?;
        Ok::<_, WorkError>(())
    });
    ended.await
}

/// The changes that take operations out of the view.
pub(super) fn gone(ids: Vec<String>) -> impl Iterator<Item = ReportChange> {
    ids.into_iter().map(|id| ReportChange::remove("system", id))
}
