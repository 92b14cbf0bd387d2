//! Operations and their items in the store.

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Row, Sql, Tx};

use super::row::{Action, Item, Operation, OperationStatus, Outcome};
use crate::boxes::Box;
use crate::contract::sql::{DueItem, due_item};

/// What of an operation wants attention: that it goes on, or leaves the view.
pub(crate) const DUE: &str = "operation";

/// Where an operation stands whose items are still being written down; nobody sees it.
const PREPARING: &str = "preparing";

fn unreadable(what: &str) -> DbError {
    DbError::Failed(format!("a stored {what} cannot be read"))
}

fn operation(tenant: &Tenant, row: &Row<'_>) -> Result<Operation, DbError> {
    Ok(Operation {
        tenant: tenant.clone(),
        operation_id: row.text(0)?,
        from: Box::parse(&row.text(1)?).ok_or_else(|| unreadable("box"))?,
        action: Action::parse(&row.text(2)?).ok_or_else(|| unreadable("action"))?,
        status: OperationStatus::parse(&row.text(3)?).ok_or_else(|| unreadable("status"))?,
        count: row.count(4)?,
        changed: row.count(5)?,
        skipped: row.count(6)?,
        failed: row.count(7)?,
        per_second: row.count(8)?,
        canary: row.count(9)?,
        canary_passed: row.flag(10)?,
        note: row.opt_text(11)?,
        nothing_was_sent: row.flag(12)?,
        digest: row.text(13)?,
        task_id: row.opt_text(14)?,
        ask_id: row.opt_text(15)?,
        correlation_id: row.text(16)?,
        requested_by: row.text(17)?,
        requested_by_name: row.opt_text(18)?,
        created_at: row.time(19)?,
        finished_at: row.opt_time(20)?,
        why: row.opt_text(21)?,
        shown: row.flag(22)?,
    })
}

/// An operation that was accepted.
pub(super) fn load(q: &Read, tenant: &Tenant, id: &str) -> Result<Option<Operation>, DbError> {
    q.opt(
        "SELECT operation_id, box, action, status, count, changed, skipped, failed, per_second,
                canary, canary_passed, note, nothing_was_sent, digest, task_id, ask_id,
                correlation_id, requested_by, requested_by_name, created_at, finished_at, why, shown
         FROM operation WHERE tenant = $1 AND operation_id = $2 AND status <> 'preparing'",
        args![tenant, id],
        |row| operation(tenant, row),
    )
}

/// The operation that a RED command stands for.
pub(super) fn of_task(q: &Read, tenant: &Tenant, id: &str) -> Result<Option<Operation>, DbError> {
    q.opt(
        "SELECT operation_id, box, action, status, count, changed, skipped, failed, per_second,
                canary, canary_passed, note, nothing_was_sent, digest, task_id, ask_id,
                correlation_id, requested_by, requested_by_name, created_at, finished_at, why, shown
         FROM operation WHERE tenant = $1 AND task_id = $2",
        args![tenant, id],
        |row| operation(tenant, row),
    )
}

/// Which operations a listing wants.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub status: Option<OperationStatus>,
    pub from: Option<Box>,
    pub before: Option<String>,
}

/// The newest operations that a filter lets through.
pub(super) fn list(
    q: &Read,
    tenant: &Tenant,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Operation>, DbError> {
    let mut sql = Sql::new(
        "SELECT operation_id, box, action, status, count, changed, skipped, failed, per_second,
                canary, canary_passed, note, nothing_was_sent, digest, task_id, ask_id,
                correlation_id, requested_by, requested_by_name, created_at, finished_at, why, shown
         FROM operation WHERE status <> 'preparing' AND tenant = ",
    );
    sql.bind(tenant.key());
    if let Some(status) = filter.status {
        sql.push(" AND status = ").bind(status.as_str());
    }
    if let Some(from) = filter.from {
        sql.push(" AND box = ").bind(from.as_str());
    }
    if let Some(before) = &filter.before {
        sql.push(" AND operation_id < ").bind(before);
    }
    sql.push(" ORDER BY operation_id DESC LIMIT ").bind_int(limit);
    q.all_built(&sql, |row| operation(tenant, row))
}

/// Whether somebody has an operation of this kind under way.
pub(super) fn under_way(
    q: &Read,
    tenant: &Tenant,
    action: Action,
    requested_by: &str,
) -> Result<bool, DbError> {
    let found = q.opt(
        "SELECT 1 FROM operation WHERE tenant = $1 AND action = $2 AND requested_by = $3
             AND status IN ('running', 'waiting_approval') LIMIT 1",
        args![tenant, action.as_str(), requested_by],
        |_| Ok::<_, DbError>(()),
    )?;
    Ok(found.is_some())
}

/// Begins to write an operation down; nobody sees it before [`accept`].
pub(super) fn prepare(tx: &mut Tx<'_>, new: &Operation) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO operation (tenant, operation_id, box, action, status, count, changed, skipped,
             failed, per_second, canary, canary_passed, note, nothing_was_sent, digest,
             correlation_id, requested_by, requested_by_name, created_at, shown)
         VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, $8, 0, $9, $10, $11, $12, $13, $14, $15, 0)",
        args![
            &new.tenant,
            &new.operation_id,
            new.from.as_str(),
            new.action.as_str(),
            PREPARING,
            new.count,
            new.per_second,
            new.canary,
            new.note.as_ref(),
            new.nothing_was_sent,
            &new.digest,
            &new.correlation_id,
            &new.requested_by,
            new.requested_by_name.as_ref(),
            new.created_at,
        ],
    )
}

/// Writes an item down.
pub(super) fn insert_item(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    id: &str,
    item: &Item,
) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO operation_item (tenant, operation_id, position, task_id, action)
         VALUES ($1, $2, $3, $4, $5)",
        args![tenant, id, item.position, &item.task_id, item.action.as_str()],
    )
}

/// Accepts an operation whose items are written down, or that waits again.
pub(super) fn accept(tx: &mut Tx<'_>, op: &Operation) -> Result<(), DbError> {
    tx.put(
        "UPDATE operation SET status = $3, task_id = $4, ask_id = $5, finished_at = NULL,
             why = $6, shown = 1
         WHERE tenant = $1 AND operation_id = $2",
        args![
            &op.tenant,
            &op.operation_id,
            op.status.as_str(),
            op.task_id.as_ref(),
            op.ask_id.as_ref(),
            op.why.as_ref(),
        ],
    )
}

/// Moves an operation from one standing to another; says whether it stood there.
pub(super) fn moved(
    tx: &mut Tx<'_>,
    op: &Operation,
    from: OperationStatus,
) -> Result<bool, DbError> {
    let moved = tx.exec(
        "UPDATE operation SET status = $4, finished_at = $5, why = $6
         WHERE tenant = $1 AND operation_id = $2 AND status = $3",
        args![
            &op.tenant,
            &op.operation_id,
            from.as_str(),
            op.status.as_str(),
            op.finished_at,
            op.why.as_ref(),
        ],
    )?;
    Ok(moved > 0)
}

/// The canary has ended well.
pub(super) fn pass_canary(tx: &mut Tx<'_>, tenant: &Tenant, id: &str) -> Result<(), DbError> {
    tx.put(
        "UPDATE operation SET canary_passed = 1 WHERE tenant = $1 AND operation_id = $2",
        args![tenant, id],
    )
}

/// Has the runner look at an operation from then on.
pub(super) fn set_due(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    id: &str,
    due_at: Time,
) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO work_due (kind, command_type, tenant, rank, due_at, id, timed)
         VALUES ($1, '', $2, 0, $3, $4, 1)
         ON CONFLICT (tenant, id) DO UPDATE SET due_at = $3",
        args![DUE, tenant, due_at, id],
    )
}

/// The runner need not look at an operation.
pub(super) fn clear_due(tx: &mut Tx<'_>, tenant: &Tenant, id: &str) -> Result<(), DbError> {
    tx.put(
        "DELETE FROM work_due WHERE tenant = $1 AND id = $2 AND kind = $3",
        args![tenant, id, DUE],
    )
}

/// When the runner looks at an operation, if it does.
pub(super) fn due_at(q: &Read, tenant: &Tenant, id: &str) -> Result<Option<Time>, DbError> {
    q.opt(
        "SELECT due_at FROM work_due WHERE tenant = $1 AND id = $2 AND kind = $3",
        args![tenant, id, DUE],
        |row| row.time(0),
    )
}

/// Operations that want attention by now: of each tenant those that have waited longest, at most so many.
/// A tenant whose operations wait for something hides nobody else's.
pub(super) fn due(q: &Read, now: Time, of_each: u32) -> Result<Vec<DueItem>, DbError> {
    q.all(
        "SELECT tenant, id FROM (
             SELECT tenant, id, due_at,
                 ROW_NUMBER() OVER (PARTITION BY tenant ORDER BY due_at, id) AS turn
             FROM work_due WHERE timed = 1 AND kind = $1 AND due_at <= $2) AS waiting
         WHERE turn <= $3 ORDER BY due_at, id",
        args![DUE, now, of_each],
        due_item,
    )
}

/// When the runner has to look next after `now`.
pub(super) fn next_due(q: &Read, now: Time) -> Result<Option<Time>, DbError> {
    q.opt(
        "SELECT due_at FROM work_due
         WHERE timed = 1 AND kind = $1 AND due_at > $2 ORDER BY due_at LIMIT 1",
        args![DUE, now],
        |row| row.time(0),
    )
}

/// Open items after a position, in order.
pub(super) fn open_items(
    q: &Read,
    tenant: &Tenant,
    id: &str,
    after: u64,
    limit: u64,
) -> Result<Vec<Item>, DbError> {
    q.all(
        "SELECT position, task_id, action FROM operation_item
         WHERE tenant = $1 AND operation_id = $2 AND position > $3 AND outcome IS NULL
         ORDER BY position LIMIT $4",
        args![tenant, id, after, limit],
        |row| {
            Ok(Item {
                position: row.count(0)?,
                task_id: row.text(1)?,
                action: Action::parse(&row.text(2)?).ok_or_else(|| unreadable("action"))?,
            })
        },
    )
}

/// Says what became of an item, once, and counts it; says whether it was this call that did.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    op: &Operation,
    item: &Item,
    outcome: Outcome,
    run: Option<u32>,
    why: Option<&str>,
) -> Result<bool, DbError> {
    let settled = tx.exec(
        "UPDATE operation_item SET outcome = $4, run = $5, why = $6
         WHERE tenant = $1 AND operation_id = $2 AND position = $3 AND outcome IS NULL",
        args![&op.tenant, &op.operation_id, item.position, outcome.as_str(), run, why,],
    )?;
    if settled == 0 {
        return Ok(false);
    }
    let count = match outcome {
        Outcome::Changed => {
            "UPDATE operation SET changed = changed + 1 WHERE tenant = $1 AND operation_id = $2"
        }
        Outcome::Skipped => {
            "UPDATE operation SET skipped = skipped + 1 WHERE tenant = $1 AND operation_id = $2"
        }
        Outcome::Failed => {
            "UPDATE operation SET failed = failed + 1 WHERE tenant = $1 AND operation_id = $2"
        }
    };
    tx.put(count, args![&op.tenant, &op.operation_id])?;
    Ok(true)
}

/// Every task of an operation, in order.
pub(super) fn ids(q: &Read, tenant: &Tenant, id: &str) -> Result<Vec<String>, DbError> {
    q.all(
        "SELECT task_id FROM operation_item WHERE tenant = $1 AND operation_id = $2
         ORDER BY position",
        args![tenant, id],
        |row| row.text(0),
    )
}

/// An item with what became of it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub item: Item,
    pub outcome: Option<Outcome>,
    pub why: Option<String>,
}

/// Items after a position, of one outcome or of all.
pub(super) fn items(
    q: &Read,
    tenant: &Tenant,
    id: &str,
    outcome: Option<Outcome>,
    after: u64,
    limit: i64,
) -> Result<Vec<Told>, DbError> {
    q.all(
        "SELECT position, task_id, action, outcome, why FROM operation_item
         WHERE tenant = $1 AND operation_id = $2 AND position > $3
             AND ($4 = '' OR outcome = $4)
         ORDER BY position LIMIT $5",
        args![tenant, id, after, outcome.map_or("", Outcome::as_str), limit],
        |row| {
            Ok(Told {
                item: Item {
                    position: row.count(0)?,
                    task_id: row.text(1)?,
                    action: Action::parse(&row.text(2)?).ok_or_else(|| unreadable("action"))?,
                },
                outcome: row.opt_text(3)?.and_then(|text| Outcome::parse(&text)),
                why: row.opt_text(4)?,
            })
        },
    )
}

/// Somebody has seen a task that lies in a box.
pub(super) fn acknowledge(tx: &mut Tx<'_>, op: &Operation, task_id: &str) -> Result<(), DbError> {
    let now = tx.now();
    tx.put(
        "UPDATE failed SET acked_at = $3, acked_by = $4, acked_by_name = $5, ack_note = $6
         WHERE tenant = $1 AND task_id = $2",
        args![
            &op.tenant,
            task_id,
            now,
            &op.requested_by,
            op.requested_by_name.as_ref(),
            op.note.as_ref(),
        ],
    )
}

/// How a task of the canary stands: the status that it has, and whether this is still the run that
/// the operation began. None where the task is gone.
pub(super) fn canary(
    q: &Read,
    tenant: &Tenant,
    id: &str,
    canary: u64,
) -> Result<Vec<(Option<String>, bool)>, DbError> {
    q.all(
        "SELECT task.status, task.run, item.run
         FROM operation_item AS item
         LEFT JOIN task ON task.tenant = item.tenant AND task.task_id = item.task_id
         WHERE item.tenant = $1 AND item.operation_id = $2 AND item.position <= $3
             AND item.outcome = 'changed'",
        args![tenant, id, canary],
        |row| Ok((row.opt_text(0)?, row.opt_int(1)? == row.opt_int(2)?)),
    )
}

/// Operations that are over and that the view still has, but for the newest `keep`.
pub(super) fn crowd(q: &Read, tenant: &Tenant, keep: u64) -> Result<Vec<String>, DbError> {
    q.all(
        "SELECT operation_id FROM operation
         WHERE tenant = $1 AND shown = 1 AND finished_at IS NOT NULL
         ORDER BY finished_at DESC, operation_id DESC LIMIT 100 OFFSET $2",
        args![tenant, keep],
        |row| row.text(0),
    )
}

/// An operation has left the view; it is looked at once more when it can leave the store.
pub(super) fn hide(tx: &mut Tx<'_>, tenant: &Tenant, id: &str, until: Time) -> Result<(), DbError> {
    tx.put(
        "UPDATE operation SET shown = 0 WHERE tenant = $1 AND operation_id = $2",
        args![tenant, id],
    )?;
    set_due(tx, tenant, id, until)
}

/// Deletes at most `rows` tasks of an operation, and, when none is left, itself; says whether there is
/// more.
pub(super) fn forget(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    id: &str,
    rows: u64,
) -> Result<bool, DbError> {
    let gone = tx.exec(
        "DELETE FROM operation_item WHERE tenant = $1 AND operation_id = $2 AND position IN
             (SELECT position FROM operation_item WHERE tenant = $1 AND operation_id = $2 LIMIT $3)",
        args![tenant, id, rows],
    )?;
    if gone == rows {
        return Ok(true);
    }
    let operation = "DELETE FROM operation WHERE tenant = $1 AND operation_id = $2";
    tx.put(operation, args![tenant, id])?;
    clear_due(tx, tenant, id)?;
    Ok(false)
}

/// Names the turn of the schedule in what is due; it is no tenant's.
const TURN: &str = "dlq-apply";

/// When the policy is applied by itself next.
pub(super) fn turn(q: &Read) -> Result<Option<Time>, DbError> {
    q.opt("SELECT due_at FROM work_due WHERE tenant = 'platform' AND id = $1", args![TURN], |row| {
        row.time(0)
    })
}

/// Moves the turn on from where it was due; says whether it was still due then.
pub(super) fn move_turn(tx: &mut Tx<'_>, from: Time, to: Time) -> Result<bool, DbError> {
    let moved = tx.exec(
        "UPDATE work_due SET due_at = $3 WHERE tenant = 'platform' AND id = $1 AND due_at = $2",
        args![TURN, from, to],
    )?;
    Ok(moved > 0)
}

/// Sets when the policy is applied by itself next.
pub(super) fn set_turn(tx: &mut Tx<'_>, to: Time) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO work_due (kind, command_type, tenant, rank, due_at, id, timed)
         VALUES ($1, '', 'platform', 0, $2, $1, 1)
         ON CONFLICT (tenant, id) DO UPDATE SET due_at = $2",
        args![TURN, to],
    )
}

/// It is not applied by itself.
pub(super) fn clear_turn(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.put("DELETE FROM work_due WHERE tenant = 'platform' AND id = $1", args![TURN])
}
