//! One task of an operation, in one transaction with what says that it is done.

use nexus_audit::{Entry, record};
use nexus_core::failure::FailureCode;
use nexus_core::json::sha256_hex;
use nexus_core::task::Event;
use nexus_core::triage::Policy;
use nexus_kit::db::Tx;
use nexus_kit::log::{Report, ReportChange};
use nexus_kit::settings::Approval;
use serde_json::{Value, json};

use super::failure::envelope_of;
use super::requeue::{Ready, requeue};
use super::row::{Action, Item, Operation, OperationStatus, Outcome};
use super::sql;
use crate::boxes::sql::find;
use crate::boxes::triage::Triage;
use crate::error::WorkError;
use crate::tasks::row::Task;
use crate::tasks::sql::{self as tasks, Due};
use crate::tasks::view;

/// Why a task was left where it lies although it is still in its box; words that people and programs
/// read on the item.
const NO_ALARM: &str = "alarm_no_requeue: its code raised an alarm and is not resolved";
const UNKNOWN: &str =
    "effect_unknown: something may have been sent, and nobody said that it was not";

/// What the settings say about it.
#[derive(Clone)]
pub(super) struct Rules {
    pub approval: Approval,
    /// The policy of tenants that have none of their own.
    pub policy: Policy,
}

/// What one try at an item came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tried {
    /// It is dealt with, by this call or by an earlier one.
    Settled,
    /// The operation does not go on any more; nothing was done.
    Over,
    /// More hangs on the task than one transaction deletes; nothing was done.
    TooMuch,
}

/// Deals with an item. A requeue was looked at before and brings what came of it.
///
/// # Errors
/// [`WorkError::Stale`] where the rules have changed since; nothing was done then.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    op: &Operation,
    item: &Item,
    ready: Option<&Ready>,
    rules: &Rules,
) -> Result<Tried, WorkError> {
    let stands = sql::load(tx, &op.tenant, &op.operation_id)?;
    if stands.is_none_or(|op| op.status != OperationStatus::Running) {
        return Ok(Tried::Over);
    }
    match look(tx, op, item, ready, rules)? {
        Look::Take(task) if item.action == Action::Purge && tasks::long_history(tx, &task)? => {
            return Ok(Tried::TooMuch);
        }
        Look::Take(task) => take(tx, op, item, *task, ready, rules)?,
        Look::Leave(outcome, why) => {
            sql::settle(tx, op, item, outcome, None, Some(&why))?;
        }
    }
    Ok(Tried::Settled)
}

/// What is to be done about an item as its task stands now.
enum Look {
    Take(std::boxed::Box<Task>),
    Leave(Outcome, String),
}

fn look(
    tx: &mut Tx<'_>,
    op: &Operation,
    item: &Item,
    ready: Option<&Ready>,
    rules: &Rules,
) -> Result<Look, WorkError> {
    let skip = |why: &str| Ok(Look::Leave(Outcome::Skipped, why.to_owned()));
    let Some(task) = tasks::load(tx, &op.tenant, &item.task_id)? else {
        return skip("it is gone");
    };
    if task.status != op.from.status() {
        return skip(&format!("it has left the box: it is {}", task.status));
    }
    if item.action == Action::Requeue {
        if task.failure_code == Some(FailureCode::EffectUnknown) && !op.nothing_was_sent {
            return skip(UNKNOWN);
        }
        let triage = Triage::load(tx, &op.tenant, &rules.policy)?;
        let failed = find(tx, &op.tenant, &item.task_id)?;
        if !failed.is_some_and(|(_, failed)| triage.may_requeue(&failed)) {
            return skip(NO_ALARM);
        }
        match ready {
            Some(Ready::Judged(_)) => {}
            Some(Ready::Refused(why)) => {
                return Ok(Look::Leave(Outcome::Failed, why.clone()));
            }
            // It came into the box after the look.
            None => return Err(WorkError::Stale),
        }
    }
    Ok(Look::Take(std::boxed::Box::new(task)))
}

fn take(
    tx: &mut Tx<'_>,
    op: &Operation,
    item: &Item,
    mut task: Task,
    ready: Option<&Ready>,
    rules: &Rules,
) -> Result<(), WorkError> {
    let run = (item.action == Action::Requeue).then_some(task.run + 1);
    if !sql::settle(tx, op, item, Outcome::Changed, run, None)? {
        // Somebody else has dealt with it.
        return Ok(());
    }
    let place = tx.next_place()?;
    let code = task.failure_code;
    let mut details =
        json!({"operation_id": op.operation_id, "box": op.from, "failure_code": code});
    let (kind, changes) = match (item.action, ready) {
        (Action::Requeue, Some(Ready::Judged(judged))) => {
            let requeued = requeue(tx, &place, op, &mut task, judged, &rules.approval)?;
            details["run"] = task.run.into();
            details["status"] = task.status.as_str().into();
            if code == Some(FailureCode::EffectUnknown) {
                details["nothing_was_sent"] = true.into();
            }
            requeued
        }
        (Action::Requeue | Action::Apply, _) => return Err(WorkError::Stale),
        (Action::Route, _) => moved(tx, &mut task, Event::Routed, "task.routed")?,
        (Action::Alarm, _) => moved(tx, &mut task, Event::Alarmed, "task.alarmed")?,
        (Action::Purge, _) => ("task.purged", purge(tx, &task, &mut details)?),
        (Action::Ack, _) => {
            details["note"] = op.note.clone().into();
            sql::acknowledge(tx, op, task.task_id.as_str())?;
            ("task.acknowledged", vec![view::change(&task)])
        }
    };
    let entry = Entry {
        actor: &op.requested_by,
        action: kind_of(item.action),
        target: task.task_id.as_str(),
        correlation_id: &op.correlation_id,
        details,
    };
    record(tx, task.tenant.key(), &entry)?;
    let correlation_id = &task.correlation_id;
    let report = Report { kind, correlation_id, meta: view::meta(&task), changes };
    tx.report(&place, &report)?;
    Ok(())
}

/// What the audit log calls it.
const fn kind_of(action: Action) -> &'static str {
    match action {
        Action::Requeue => "task.requeued",
        Action::Route => "task.routed",
        Action::Alarm => "task.alarmed",
        Action::Purge => "task.purged",
        Action::Ack => "task.acknowledged",
        Action::Apply => "task.applied",
    }
}

fn moved(
    tx: &mut Tx<'_>,
    task: &mut Task,
    event: Event,
    kind: &'static str,
) -> Result<(&'static str, Vec<ReportChange>), WorkError> {
    let now = tx.now();
    task.advance(event, now)?;
    tasks::save(tx, task, Due::Same)?;
    Ok((kind, vec![view::change(task)]))
}

/// Deletes a task with everything that hangs on it but what was sent outside; how it failed goes to
/// the audit log.
fn purge(
    tx: &mut Tx<'_>,
    task: &Task,
    details: &mut Value,
) -> Result<Vec<ReportChange>, WorkError> {
    details["failure"] = json!(envelope_of(tx, task)?);
    details["command_type"] = task.command_type.clone().into();
    details["params_sha256"] = sha256_hex(task.params.as_bytes()).into();
    details["requested_by"] = task.requested_by.clone().into();
    details["created_at"] = json!(task.created_at);
    details["run"] = task.run.into();
    let mut changes = vec![ReportChange::remove("tasks", task.task_id.as_str())];
    let gone = tasks::purge(tx, task)?;
    changes.extend(gone.asks.into_iter().map(|id| ReportChange::remove("asks", id)));
    changes.extend(gone.lines.into_iter().map(|id| ReportChange::remove("worklog", id)));
    Ok(changes)
}
