//! Accepting an operation: its items are written down first, in pieces, and it exists from the
//! transaction on that accepts it; whether at once or, as a RED command, to wait for a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use nexus_audit::{Entry, record};
use nexus_core::id::OperationId;
use nexus_core::json::sha256_hex;
use nexus_core::tenant::Tenant;
use nexus_kit::db::{Place, Tx};
use nexus_kit::log::ReportChange;
use serde_json::json;

use super::agent::{PURGE, REQUEUE};
use super::row::{Action, Item, Operation, OperationStatus};
use super::steer::PREPARING;
use super::{runner, sql};
use crate::boxes::Box;
use crate::commands::actions::{Begun, Beside, Command, accept_beside};
use crate::error::WorkError;
use crate::{Work, tasks};

/// Items that one transaction writes down.
const PIECE: usize = 500;

/// Operations of at most so many tasks are finished before they answer.
pub(crate) const AT_ONCE: usize = 100;

/// Who asks for an operation, and in which request.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub name: String,
    pub display_name: Option<String>,
    pub correlation_id: String,
}

/// An operation that somebody asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub from: Box,
    pub action: Action,
    /// What is to be done to which task, in this order.
    pub tasks: Vec<(String, Action)>,
    /// Tasks a second, if somebody said.
    pub per_second: Option<u64>,
    pub canary: u64,
    pub note: Option<String>,
    pub nothing_was_sent: bool,
    pub asker: Asker,
}

/// What became of it.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    pub operation_id: String,
    pub count: u64,
    /// The RED command that waits for a yes, and its ask.
    pub waits: Option<(String, Option<String>)>,
}

/// SHA-256 of ids, one a line, in hex: what a yes is given for.
pub(super) fn digest<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let lines: String = ids.flat_map(|id| [id, "\n"]).collect();
    sha256_hex(lines.as_bytes())
}

/// Accepts an operation; a small one is finished when this returns.
pub(crate) async fn start(
    work: &Work,
    tenant: &Tenant,
    asking: Asking,
) -> Result<Started, WorkError> {
    let settings = &work.app.settings.operations;
    let count = asking.tasks.len() as u64;
    let now = work.app.clock.now();
    let small = asking.tasks.len() <= AT_ONCE && asking.canary == 0 && asking.per_second.is_none();
    let op = Operation {
        tenant: tenant.clone(),
        operation_id: OperationId::new(now, &work.app.entropy.bytes()).to_string(),
        from: asking.from,
        action: asking.action,
        status: OperationStatus::Running,
        count,
        changed: 0,
        skipped: 0,
        failed: 0,
        per_second: if small { 0 } else { asking.per_second.unwrap_or(settings.per_second) },
        canary: asking.canary,
        canary_passed: false,
        note: asking.note,
        nothing_was_sent: asking.nothing_was_sent,
        digest: digest(asking.tasks.iter().map(|(id, _)| id.as_str())),
        task_id: None,
        ask_id: None,
        correlation_id: asking.asker.correlation_id,
        requested_by: asking.asker.name,
        requested_by_name: asking.asker.display_name,
        created_at: now,
        finished_at: None,
        why: None,
        shown: true,
    };
    // Nobody else drives it before this has.
    let driven = work.operations.take(&op.operation_id);
    write_down(work, &op, &asking.tasks).await?;
    let red = asking.tasks.iter().filter(|(_, action)| is_red(*action)).count() as u64;
    let waits = if red > settings.red_above {
        Some(ask(work, &op, &asking.tasks).await?)
    } else {
        begin(work, &op).await?;
        if small && let Err(error) = runner::drive(work, tenant, &op.operation_id).await {
            // It is accepted all the same: the runner goes on where this stopped.
            tracing::warn!(tenant_id = %tenant, operation_id = %op.operation_id, %error, "an operation was not finished at once");
        }
        None
    };
    drop(driven);
    Ok(Started { operation_id: op.operation_id, count, waits })
}

/// Whether many tasks at once need a person's yes.
const fn is_red(action: Action) -> bool {
    matches!(action, Action::Requeue | Action::Purge)
}

/// Writes the operation's items down; nobody sees it yet.
async fn write_down(
    work: &Work,
    op: &Operation,
    tasks: &[(String, Action)],
) -> Result<(), WorkError> {
    let new = op.clone();
    let begun = work.app.db.write(&op.tenant, move |tx| {
        sql::prepare(tx, &new)?;
        // Should it never be accepted, it goes.
        let due = tx.expiry().plus(PREPARING);
        sql::set_due(tx, &new.tenant, &new.operation_id, due)
    });
    begun.await?;
    let mut position = 0;
    for piece in tasks.chunks(PIECE) {
        let items: Vec<Item> = piece
            .iter()
            .map(|(task_id, action)| {
                position += 1;
                Item { position, task_id: task_id.clone(), action: *action }
            })
            .collect();
        let (whose, id) = (op.tenant.clone(), op.operation_id.clone());
        let written = work.app.db.write(&op.tenant, move |tx| {
            items.iter().try_for_each(|item| sql::insert_item(tx, &whose, &id, item))
        });
        written.await?;
    }
    Ok(())
}

/// Accepts an operation that goes on at once.
async fn begin(work: &Work, op: &Operation) -> Result<(), WorkError> {
    let op = op.clone();
    let tenant = op.tenant.clone();
    let begun = work.app.db.write(&tenant, move |tx| {
        let place = tx.next_place()?;
        sql::accept(tx, &op)?;
        let due = tx.expiry();
        sql::set_due(tx, &op.tenant, &op.operation_id, due)?;
        audit(tx, &op)?;
        tx.report(&place, &op.report("operation.accepted", vec![op.change()]))?;
        Ok::<_, WorkError>(())
    });
    begun.await
}

fn audit(tx: &mut Tx<'_>, op: &Operation) -> Result<(), WorkError> {
    let entry = Entry {
        actor: &op.requested_by,
        action: "operation.accepted",
        target: &op.operation_id,
        correlation_id: &op.correlation_id,
        details: json!({
            "box": op.from, "action": op.action, "count": op.count, "digest": op.digest,
            "note": op.note, "nothing_was_sent": op.nothing_was_sent, "status": op.status,
            "task_id": op.task_id,
        }),
    };
    record(tx, op.tenant.key(), &entry)?;
    Ok(())
}

/// Sends the RED command that an operation of many is, and has the operation wait for its yes.
async fn ask(
    work: &Work,
    op: &Operation,
    tasks: &[(String, Action)],
) -> Result<(String, Option<String>), WorkError> {
    let command = Command {
        command_type: if op.action == Action::Purge { PURGE } else { REQUEUE }.to_owned(),
        params: json!({
            "operation_id": op.operation_id,
            "tasks": format!("{} × {}", op.count, op.from),
            "box": op.from,
            "action": op.action,
            "count": op.count,
            "digest": op.digest,
            "by_code": by_code(work, op, tasks).await?,
            "ids": format!("GET /operations/{}/items", op.operation_id),
            "note": op.note,
            "nothing_was_sent": op.nothing_was_sent,
        }),
        correlation_id: op.correlation_id.clone(),
        risk: None,
        precondition: None,
        priority: 0,
        deadline: None,
        requested_by: op.requested_by.clone(),
        requested_by_name: op.requested_by_name.clone(),
        idempotency: None,
    };
    let waiting = Waiting { op: op.clone() };
    let accepted = accept_beside(work, &op.tenant, command, Some(Arc::new(waiting))).await?;
    let (whose, id) = (op.tenant.clone(), accepted.task_id.clone());
    let standing =
        work.app.db.read(&op.tenant, move |q| tasks::row::standing(q, &whose, &id)).await;
    let ask_id = standing.map_err(WorkError::Store)?.and_then(|standing| standing.ask_id);
    Ok((accepted.task_id, ask_id))
}

/// How many of the tasks failed with which code, for whoever decides.
async fn by_code(
    work: &Work,
    op: &Operation,
    tasks: &[(String, Action)],
) -> Result<BTreeMap<String, u64>, WorkError> {
    let ids: Vec<String> = tasks.iter().map(|(id, _)| id.clone()).collect();
    let whose = op.tenant.clone();
    let counted = work.app.db.read(&op.tenant, move |q| {
        let mut counted = BTreeMap::new();
        for id in &ids {
            if let Some((_, failed)) = crate::boxes::sql::find(q, &whose, id)? {
                *counted.entry(failed.code.as_str().to_owned()).or_default() += 1;
            }
        }
        Ok::<_, WorkError>(counted)
    });
    counted.await
}

/// Makes an operation wait, in the transaction that accepts its command.
struct Waiting {
    op: Operation,
}

impl Beside for Waiting {
    fn makes(&self) -> bool {
        true
    }

    fn write(
        &self,
        tx: &mut Tx<'_>,
        _: &Place,
        begun: &Begun,
    ) -> Result<Vec<ReportChange>, WorkError> {
        let mut op = self.op.clone();
        op.status = OperationStatus::WaitingApproval;
        op.task_id = Some(begun.task_id.clone());
        op.ask_id.clone_from(&begun.ask_id);
        sql::clear_due(tx, &op.tenant, &op.operation_id)?;
        sql::accept(tx, &op)?;
        audit(tx, &op)?;
        Ok(vec![op.change()])
    }
}
