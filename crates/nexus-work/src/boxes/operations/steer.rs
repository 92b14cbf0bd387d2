//! Calling operations off, what becomes of one whose command was refused, and forgetting.

use std::time::Duration;

use nexus_audit::{Entry, record};
use nexus_core::approval::Decider;
use nexus_core::task::Status;
use nexus_core::tenant::Tenant;
use nexus_kit::db::{DbError, Tx};
use nexus_kit::log::ReportChange;
use serde_json::json;

use super::row::{Operation, OperationStatus};
use super::runner::gone;
use super::{agent, sql};
use crate::Work;
use crate::boxes::error::BoxesError;
use crate::error::WorkError;
use crate::tasks;
use crate::tasks::row::Task;

/// How long an operation that is over stays in the view, and how many such at most.
const SHOWN: Duration = Duration::from_secs(3_600);
const SHOWN_AT_MOST: u64 = 50;

/// How long an operation may take to be written down.
pub(super) const PREPARING: Duration = Duration::from_secs(3_600);

/// Rows that one transaction deletes at most.
const FORGET_ROWS: u64 = 300;

/// Closes an operation that stands at `from`; returns what changes in the view, or nothing where it
/// does not stand there.
pub(super) fn close(
    tx: &mut Tx<'_>,
    op: &mut Operation,
    from: OperationStatus,
    status: OperationStatus,
    why: Option<String>,
) -> Result<Option<Vec<ReportChange>>, DbError> {
    let now = tx.now();
    op.status = status;
    op.finished_at = Some(now);
    op.why = why;
    if !sql::moved(tx, op, from)? {
        return Ok(None);
    }
    let leaves = tx.expiry().plus(SHOWN);
    sql::set_due(tx, &op.tenant, &op.operation_id, leaves)?;
    let mut changes = vec![op.change()];
    let crowd = sql::crowd(tx, &op.tenant, SHOWN_AT_MOST)?;
    for id in &crowd {
        sql::hide(tx, &op.tenant, id, leaves)?;
    }
    changes.extend(gone(crowd));
    Ok(Some(changes))
}

/// Calls an operation off: what is done stays done, the rest is not touched.
pub(super) async fn abort(
    work: &Work,
    tenant: &Tenant,
    id: &str,
    actor: &Decider,
) -> Result<(), WorkError> {
    let (whose, of) = (tenant.clone(), id.to_owned());
    let found = work.app.db.read(tenant, move |q| sql::load(q, &whose, &of)).await?;
    let op = found.ok_or(BoxesError::NoOperation)?;
    if let (OperationStatus::WaitingApproval, Some(task_id)) = (op.status, &op.task_id) {
        // Its command is called off, and it with it.
        return match tasks::actions::cancel(work, tenant, task_id, actor).await {
            Err(WorkError::Transition(_)) => Err(WorkError::from(BoxesError::OperationOver)),
            done => done,
        };
    }
    let (whose, of, actor) = (tenant.clone(), id.to_owned(), actor.clone());
    let aborted = work.app.db.write(tenant, move |tx| {
        let mut op = sql::load(tx, &whose, &of)?.ok_or(BoxesError::NoOperation)?;
        if op.status != OperationStatus::Running {
            return Err(WorkError::from(BoxesError::OperationOver));
        }
        let who = actor.display_name.as_ref().unwrap_or(&actor.name);
        let why = format!("{who} called it off");
        let place = tx.next_place()?;
        let aborted = OperationStatus::Aborted;
        let closed = close(tx, &mut op, OperationStatus::Running, aborted, Some(why))?;
        let changes = closed.ok_or(BoxesError::OperationOver)?;
        let entry = Entry {
            actor: &actor.name,
            action: "operation.aborted",
            target: &op.operation_id,
            correlation_id: &op.correlation_id,
            details: json!({"count": op.count, "done": op.done()}),
        };
        record(tx, whose.key(), &entry)?;
        tx.report(&place, &op.report("operation.ended", changes))?;
        Ok(())
    });
    aborted.await
}

/// What becomes of the operation that a RED command stands for when the command ends without having
/// been performed; what changes goes with the command's report.
pub(crate) fn task_ended(tx: &mut Tx<'_>, task: &Task) -> Result<Vec<ReportChange>, DbError> {
    if !agent::is_ours(&task.command_type) {
        return Ok(Vec::new());
    }
    let reason = task.last_error.as_deref().filter(|reason| !reason.is_empty());
    let (status, why) = match task.status {
        Status::Denied => (OperationStatus::Stopped, "it was denied"),
        Status::Expired => (OperationStatus::Stopped, "nobody approved it in time"),
        Status::Cancelled => (OperationStatus::Aborted, "it was called off before it began"),
        Status::Dead | Status::Held => (OperationStatus::Stopped, "its command failed"),
        _ => return Ok(Vec::new()),
    };
    let found = sql::of_task(tx, &task.tenant, task.task_id.as_str())?;
    let Some(mut op) = found else { return Ok(Vec::new()) };
    let why = reason.map_or_else(|| why.to_owned(), |reason| format!("{why}: {reason}"));
    let closed = close(tx, &mut op, OperationStatus::WaitingApproval, status, Some(why))?;
    Ok(closed.unwrap_or_default())
}

/// A RED command waits for a yes once more, and so does the operation that it stands for.
pub(crate) fn task_waits_again(tx: &mut Tx<'_>, task: &Task) -> Result<Vec<ReportChange>, DbError> {
    if !agent::is_ours(&task.command_type) {
        return Ok(Vec::new());
    }
    let found = sql::of_task(tx, &task.tenant, task.task_id.as_str())?;
    // One that was called off, or has begun, stays so.
    let waits = |op: &Operation| {
        matches!(op.status, OperationStatus::Stopped | OperationStatus::WaitingApproval)
            && op.done() == 0
    };
    let Some(mut op) = found.filter(waits) else { return Ok(Vec::new()) };
    op.status = OperationStatus::WaitingApproval;
    op.ask_id.clone_from(&task.ask_id);
    op.finished_at = None;
    op.why = None;
    sql::clear_due(tx, &op.tenant, &op.operation_id)?;
    sql::accept(tx, &op)?;
    Ok(vec![op.change()])
}

/// What becomes of an operation that does not go on when its time has come: one that is over leaves the
/// view, so that this stays bounded, and later the store; so does one that was never accepted.
pub(super) async fn retire(work: &Work, tenant: &Tenant, id: &str) -> Result<(), WorkError> {
    let kept = work.app.settings.tasks.ttl;
    loop {
        let (whose, id) = (tenant.clone(), id.to_owned());
        let retired = work.app.db.write(tenant, move |tx| retire_in(tx, &whose, &id, kept));
        if !retired.await? {
            return Ok(());
        }
    }
}

/// One step of it; says whether there is more to delete.
fn retire_in(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    id: &str,
    kept: Duration,
) -> Result<bool, WorkError> {
    if sql::due_at(tx, tenant, id)?.is_none_or(|due| tx.expiry() < due) {
        return Ok(false);
    }
    match sql::load(tx, tenant, id)? {
        // It waits for a person; nothing of it is due.
        Some(op) if !op.status.over() => {
            sql::clear_due(tx, tenant, id)?;
            Ok(false)
        }
        Some(op) if op.shown => {
            let until = tx.expiry().plus(kept);
            sql::hide(tx, tenant, id, until)?;
            let place = tx.next_place()?;
            let changes = gone(vec![id.to_owned()]).collect();
            tx.report(&place, &op.report("operation.gone", changes))?;
            Ok(false)
        }
        Some(op) if op.finished_at.is_some_and(|at| tx.now() < at.plus(kept)) => {
            // Others crowded it out of the view before its time.
            let until = op.finished_at.map_or(tx.now(), |at| at.plus(kept));
            let until = tx.expiry().plus(until.since(tx.now()));
            sql::set_due(tx, tenant, id, until)?;
            Ok(false)
        }
        _ => Ok(sql::forget(tx, tenant, id, FORGET_ROWS)?),
    }
}
