//! Tasks, what is due, attempts and effects in the store.

use nexus_core::failure::FailureCode;
use nexus_core::id::TaskId;
use nexus_core::policy::Risk;
use nexus_core::task::Status;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{Asked, DbError, Read, Row, Sql, Tx};

use super::row::Task;

mod effects;

use crate::boxes::sql as boxes;
pub(crate) use effects::{effects, insert_intent, sent, settle_effect};

/// When a task wants attention next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// It can be claimed from then on.
    Ready(Time),
    /// Its claim runs out then; a cap counts it or not.
    Lease { until: Time, capped: bool },
    /// Never by itself.
    No,
    /// As before.
    Same,
}

fn unreadable(what: &str) -> DbError {
    DbError::Failed(format!("a stored {what} cannot be read"))
}

fn task(tenant: &Tenant, row: &Row<'_>) -> Result<Task, DbError> {
    let stored = Status::parse(&row.text(5)?).ok_or_else(|| unreadable("status"))?;
    let risk = row.text(6)?;
    Ok(Task {
        tenant: tenant.clone(),
        task_id: TaskId::parse(&row.text(0)?).map_err(|_| unreadable("task id"))?,
        seq: row.count(1)?,
        command_type: row.text(2)?,
        params: row.text(3)?,
        precondition: row.opt_text(4)?,
        status: stored,
        risk: Risk::parse(&risk).ok_or_else(|| unreadable("risk"))?,
        rule: row.text(7)?,
        waits: row.flag(8)?,
        requested_risk: row.opt_text(9)?.and_then(|risk| Risk::parse(&risk)),
        priority: row.int(10)?,
        correlation_id: row.text(11)?,
        requested_by: row.text(12)?,
        created_at: row.time(13)?,
        updated_at: row.time(14)?,
        deadline_at: row.opt_time(15)?,
        ask_id: row.opt_text(16)?,
        attempt: row.small(17)?,
        retry_count: row.small(18)?,
        agent: row.opt_text(19)?,
        attempt_token: row.opt_text(20)?,
        lease_owner: row.opt_text(21)?,
        lease_until: row.opt_time(22)?,
        started_at: row.opt_time(23)?,
        progress: row.opt_real(24)?,
        cancel_requested: row.flag(25)?,
        finished_at: row.opt_time(26)?,
        result: row.opt_text(27)?,
        failure_code: row.opt_text(28)?.and_then(|code| FailureCode::parse(&code)),
        last_error: row.opt_text(29)?,
        requested_by_name: row.opt_text(30)?,
        callback: row.opt_text(31)?,
        run: row.small(32)?,
        agent_code: row.opt_text(33)?,
        attempt_until: row.opt_time(34)?,
        said_at: row.opt_time(35)?,
        held: row.opt_text(36)?.map_or(Ok(Vec::new()), |held| {
            serde_json::from_str(&held).map_err(|_| unreadable("line"))
        })?,
        stored,
    })
}

pub(crate) fn load(q: &Read, tenant: &Tenant, id: &str) -> Result<Option<Task>, DbError> {
    let asked = ask(q, tenant, id)?;
    asked_for(q, tenant, asked)
}

/// Asks for a task, so that the answer can come with others.
pub(crate) fn ask(q: &Read, tenant: &Tenant, id: &str) -> Result<Asked, DbError> {
    q.ask(
        "SELECT task_id, seq, command_type, params, precondition, status, risk, rule, waits,
                requested_risk, priority, correlation_id, requested_by, created_at, updated_at,
                deadline_at, ask_id, attempt, retry_count, agent, attempt_token, lease_owner,
                lease_until, started_at, progress, cancel_requested, finished_at, result,
                failure_code, last_error, requested_by_name, callback, run, agent_code,
                attempt_until, said_at, held
         FROM task WHERE tenant = $1 AND task_id = $2",
        args![tenant, id],
    )
}

/// The task that was asked for.
pub(crate) fn asked_for(q: &Read, tenant: &Tenant, asked: Asked) -> Result<Option<Task>, DbError> {
    q.answer(asked, |row| task(tenant, row))
}

/// Which tasks a listing wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub status: Option<Status>,
    pub command_type: Option<String>,
    pub correlation_id: Option<String>,
    pub since: Option<Time>,
    pub until: Option<Time>,
    /// Only those before this id; ids sort by time.
    pub before: Option<String>,
}

/// The newest `limit` tasks that a filter lets through.
pub(crate) fn list(
    q: &Read,
    tenant: &Tenant,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Task>, DbError> {
    let mut sql = Sql::new(
        "SELECT task_id, seq, command_type, params, precondition, status, risk, rule, waits,
                requested_risk, priority, correlation_id, requested_by, created_at, updated_at,
                deadline_at, ask_id, attempt, retry_count, agent, attempt_token, lease_owner,
                lease_until, started_at, progress, cancel_requested, finished_at, result,
                failure_code, last_error, requested_by_name, callback, run, agent_code,
                attempt_until, said_at, held
         FROM task WHERE tenant = ",
    );
    sql.bind(tenant.key());
    match filter.status {
        None => {}
        // The two that are found by what is due: no index of their own has to be kept for them.
        Some(Status::Queued) => {
            sql.push(" AND status = 'queued' AND task_id IN (SELECT id FROM work_due WHERE kind = 'ready' AND tenant = ");
            sql.bind(tenant.key()).push(")");
        }
        Some(Status::Running) => {
            sql.push(" AND status = 'running' AND task_id IN (SELECT id FROM work_due WHERE kind = 'lease' AND tenant = ");
            sql.bind(tenant.key()).push(")");
        }
        Some(Status::Succeeded) => {
            sql.push(" AND status = 'succeeded'");
        }
        Some(status) => {
            // The second condition is the index's own, word for word.
            sql.push(" AND status = ").bind(status.as_str());
            sql.push(" AND status NOT IN ('queued', 'running', 'succeeded')");
        }
    }
    if let Some(command_type) = &filter.command_type {
        sql.push(" AND command_type = ").bind(command_type);
    }
    if let Some(correlation_id) = &filter.correlation_id {
        sql.push(" AND correlation_id = ").bind(correlation_id);
    }
    if let Some(since) = filter.since {
        sql.push(" AND created_at >= ").bind_int(since.micros());
    }
    if let Some(until) = filter.until {
        sql.push(" AND created_at < ").bind_int(until.micros());
    }
    if let Some(before) = &filter.before {
        sql.push(" AND task_id < ").bind(before);
    }
    sql.push(" ORDER BY task_id DESC LIMIT ").bind_int(limit);
    q.all_built(&sql, |row| task(tenant, row))
}

/// Writes a new task.
pub(crate) fn insert(tx: &mut Tx<'_>, task: &Task, due: Due) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO task (tenant, task_id, seq, command_type, params, precondition, status, risk,
             rule, waits, requested_risk, priority, correlation_id, requested_by, created_at,
             updated_at, deadline_at, ask_id, attempt, retry_count, cancel_requested,
             requested_by_name)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21, $22)",
        args![
            &task.tenant,
            task.task_id.as_str(),
            task.seq,
            &task.command_type,
            &task.params,
            task.precondition.as_ref(),
            task.status.as_str(),
            task.risk.as_str(),
            &task.rule,
            task.waits,
            task.requested_risk.map(Risk::as_str),
            task.priority,
            &task.correlation_id,
            &task.requested_by,
            task.created_at,
            task.updated_at,
            task.deadline_at,
            task.ask_id.as_ref(),
            task.attempt,
            task.retry_count,
            task.cancel_requested,
            task.requested_by_name.as_ref(),
        ],
    )?;
    set_due(tx, task, due)
}

/// Writes what changes in the life of a task.
pub(crate) fn save(tx: &mut Tx<'_>, task: &Task, due: Due) -> Result<(), DbError> {
    let held = (!task.held.is_empty()).then(|| serde_json::to_string(&task.held)).transpose();
    let held = held.map_err(|_| unreadable("line"))?;
    tx.put(
        "UPDATE task SET params = $3, status = $4, risk = $5, rule = $6, waits = $7,
             updated_at = $8, ask_id = $9, attempt = $10, retry_count = $11, agent = $12,
             attempt_token = $13, lease_owner = $14, lease_until = $15, started_at = $16,
             progress = $17, cancel_requested = $18, finished_at = $19, result = $20,
             failure_code = $21, last_error = $22, callback = $23, run = $24,
             agent_code = $25, attempt_until = $26, said_at = $27, held = $28
         WHERE tenant = $1 AND task_id = $2",
        args![
            &task.tenant,
            task.task_id.as_str(),
            &task.params,
            task.status.as_str(),
            task.risk.as_str(),
            &task.rule,
            task.waits,
            task.updated_at,
            task.ask_id.as_ref(),
            task.attempt,
            task.retry_count,
            task.agent.as_ref(),
            task.attempt_token.as_ref(),
            task.lease_owner.as_ref(),
            task.lease_until,
            task.started_at,
            task.progress,
            task.cancel_requested,
            task.finished_at,
            task.result.as_ref(),
            task.failure_code.map(FailureCode::as_str),
            task.last_error.as_ref(),
            task.callback.as_ref(),
            task.run,
            task.agent_code.as_ref(),
            task.attempt_until,
            task.said_at,
            held.as_ref(),
        ],
    )?;
    boxes::keep(tx, task)?;
    set_due(tx, task, due)
}

/// Writes down until when a task is worth anything.
pub(crate) fn set_deadline(tx: &mut Tx<'_>, task: &Task) -> Result<(), DbError> {
    tx.put(
        "UPDATE task SET deadline_at = $3 WHERE tenant = $1 AND task_id = $2",
        args![&task.tenant, task.task_id.as_str(), task.deadline_at],
    )
}

/// Writes how long a claim holds now.
pub(crate) fn renew(tx: &mut Tx<'_>, task: &Task, until: Time) -> Result<(), DbError> {
    tx.put(
        "UPDATE task SET lease_until = $3 WHERE tenant = $1 AND task_id = $2",
        args![&task.tenant, task.task_id.as_str(), until],
    )?;
    tx.put(
        "UPDATE work_due SET due_at = $3 WHERE tenant = $1 AND id = $2 AND kind = 'lease'",
        args![&task.tenant, task.task_id.as_str(), until],
    )
}

fn set_due(tx: &mut Tx<'_>, task: &Task, due: Due) -> Result<(), DbError> {
    let (kind, due_at, timed, capped, expires_at) = match due {
        // What is due already is found by whoever claims; only what is due later needs the clock.
        Due::Ready(at) => ("ready", at, at > tx.expiry(), false, task.deadline_at),
        Due::Lease { until, capped } => ("lease", until, true, capped, None),
        Due::No => {
            tx.put(
                "DELETE FROM work_due WHERE tenant = $1 AND id = $2",
                args![&task.tenant, task.task_id.as_str()],
            )?;
            return Ok(());
        }
        Due::Same => return Ok(()),
    };
    tx.put(
        "INSERT INTO work_due (kind, command_type, tenant, rank, due_at, id, timed, capped,
             expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant, id) DO UPDATE SET kind = $1, due_at = $5, timed = $7, capped = $8,
             expires_at = $9",
        args![
            kind,
            &task.command_type,
            &task.tenant,
            -task.priority,
            due_at,
            task.task_id.as_str(),
            timed,
            capped,
            expires_at,
        ],
    )?;
    if kind == "ready" {
        tx.wake();
    }
    Ok(())
}

/// One attempt that is over.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub attempt: u32,
    pub agent: String,
    pub started_at: Time,
    pub finished_at: Time,
    pub outcome: String,
    pub failure_code: Option<String>,
    pub agent_code: Option<String>,
    pub error: Option<String>,
    /// Digest of the callback that ended it.
    pub callback: Option<String>,
}

pub(crate) fn insert_attempt(
    tx: &mut Tx<'_>,
    task: &Task,
    attempt: &Attempt,
) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO attempt (tenant, task_id, attempt, agent, started_at, finished_at, outcome,
             failure_code, agent_code, error, callback)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            &task.tenant,
            task.task_id.as_str(),
            attempt.attempt,
            &attempt.agent,
            attempt.started_at,
            attempt.finished_at,
            &attempt.outcome,
            attempt.failure_code.as_ref(),
            attempt.agent_code.as_ref(),
            attempt.error.as_ref(),
            attempt.callback.as_ref(),
        ],
    )?;
    Ok(())
}

/// The attempts of a task that are over. The one that ended well is the task's own row, but for
/// tasks that are older than that rule.
pub(crate) fn attempts(q: &Read, task: &Task) -> Result<Vec<Attempt>, DbError> {
    let mut attempts = ended(q, &task.tenant, task.task_id.as_str())?;
    if task.status == Status::Succeeded
        && attempts.last().is_none_or(|last| last.attempt < task.attempt)
    {
        attempts.push(Attempt {
            attempt: task.attempt,
            agent: task.agent.clone().unwrap_or_default(),
            started_at: task.started_at.unwrap_or(task.updated_at),
            finished_at: task.finished_at.unwrap_or(task.updated_at),
            outcome: "succeeded".to_owned(),
            failure_code: None,
            agent_code: None,
            error: None,
            callback: task.callback.clone(),
        });
    }
    Ok(attempts)
}

fn ended(q: &Read, tenant: &Tenant, id: &str) -> Result<Vec<Attempt>, DbError> {
    q.all(
        "SELECT attempt, agent, started_at, finished_at, outcome, failure_code, agent_code, error,
                callback
         FROM attempt WHERE tenant = $1 AND task_id = $2 ORDER BY attempt",
        args![tenant, id],
        |row| {
            Ok(Attempt {
                attempt: row.small(0)?,
                agent: row.text(1)?,
                started_at: row.time(2)?,
                finished_at: row.time(3)?,
                outcome: row.text(4)?,
                failure_code: row.opt_text(5)?,
                agent_code: row.opt_text(6)?,
                error: row.opt_text(7)?,
                callback: row.opt_text(8)?,
            })
        },
    )
}

/// Whether the current attempt has an intent that nobody settled.
pub(crate) fn open_intent(q: &Read, task: &Task) -> Result<bool, DbError> {
    let found = q.opt(
        "SELECT 1 FROM effect
         WHERE tenant = $1 AND task_id = $2 AND attempt = $3 AND state = 'intent'",
        args![&task.tenant, task.task_id.as_str(), task.attempt],
        |_| Ok::<_, DbError>(()),
    )?;
    Ok(found.is_some())
}

/// When the first of a tenant's tasks that will be forgotten has finished.
pub(crate) fn oldest_finished(q: &Read, tenant: &Tenant) -> Result<Option<Time>, DbError> {
    q.opt(
        "SELECT finished_at FROM task
         WHERE tenant = $1 AND finished_at IS NOT NULL
             AND status IN ('succeeded', 'denied', 'expired', 'cancelled')
         ORDER BY finished_at LIMIT 1",
        args![tenant],
        |row| row.time(0),
    )
}

/// Tasks that one piece of forgetting looks at.
const FORGOTTEN_TASKS: u64 = 50;

/// Deletes at most `rows` rows of what a tenant's tasks that ended well, or as somebody wanted,
/// before `before` have left; says how many, and whether there may be more. Failed ones stay until
/// somebody deals with them, and what was sent outside stays with the audit.
pub(crate) fn delete_finished(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    before: Time,
    rows: u64,
) -> Result<(u64, bool), DbError> {
    let old = tx.all(
        "SELECT task_id FROM task
         WHERE tenant = $1 AND finished_at IS NOT NULL AND finished_at < $2
             AND status IN ('succeeded', 'denied', 'expired', 'cancelled')
         ORDER BY finished_at LIMIT $3",
        args![tenant, before, FORGOTTEN_TASKS],
        |row| row.text(0),
    )?;
    let mut gone = 0;
    for task_id in &old {
        // What hangs on a task first, the task when nothing is left.
        for sql in [
            "DELETE FROM worklog WHERE tenant = $1 AND line_id IN
                 (SELECT line_id FROM worklog WHERE tenant = $1 AND task_id = $2 LIMIT $3)",
            "DELETE FROM callback_seen WHERE tenant = $1 AND task_id = $2 AND (attempt, digest) IN
                 (SELECT attempt, digest FROM callback_seen
                  WHERE tenant = $1 AND task_id = $2 LIMIT $3)",
            "DELETE FROM attempt WHERE tenant = $1 AND task_id = $2 AND attempt IN
                 (SELECT attempt FROM attempt WHERE tenant = $1 AND task_id = $2 LIMIT $3)",
            "DELETE FROM ask_vote WHERE tenant = $1 AND (ask_id, approver) IN
                 (SELECT vote.ask_id, vote.approver FROM ask JOIN ask_vote AS vote
                      ON vote.tenant = ask.tenant AND vote.ask_id = ask.ask_id
                  WHERE ask.tenant = $1 AND ask.task_id = $2 LIMIT $3)",
            "DELETE FROM ask WHERE tenant = $1 AND ask_id IN
                 (SELECT ask_id FROM ask WHERE tenant = $1 AND task_id = $2 LIMIT $3)",
        ] {
            gone += tx.exec(sql, args![tenant, task_id, rows - gone])?;
            if gone >= rows {
                return Ok((gone, true));
            }
        }
        let task = "DELETE FROM task WHERE tenant = $1 AND task_id = $2";
        gone += tx.exec(task, args![tenant, task_id])?;
    }
    Ok((gone, old.len() as u64 == FORGOTTEN_TASKS))
}

/// Rows that a purge deletes at most of each kind, and how many go in a piece where there are more.
const HISTORY: u64 = 300;

/// Whether more hangs on a task than one transaction should delete.
pub(crate) fn long_history(q: &Read, task: &Task) -> Result<bool, DbError> {
    let more = q.opt(
        "SELECT 1 FROM (SELECT 1 AS one FROM worklog WHERE tenant = $1 AND task_id = $2
             LIMIT 1 OFFSET $3) AS lines
         UNION ALL
         SELECT 1 FROM (SELECT 1 AS one FROM callback_seen WHERE tenant = $1 AND task_id = $2
             LIMIT 1 OFFSET $3) AS callbacks",
        args![&task.tenant, task.task_id.as_str(), HISTORY],
        |_| Ok::<_, DbError>(()),
    )?;
    Ok(more.is_some())
}

/// Deletes a piece of what hangs on a task beyond what a purge deletes itself, its newest lines
/// last; says how many rows went.
pub(crate) fn trim_history(tx: &mut Tx<'_>, tenant: &Tenant, id: &str) -> Result<u64, DbError> {
    let mut gone = 0;
    for sql in [
        "DELETE FROM worklog WHERE tenant = $1 AND line_id IN
             (SELECT line_id FROM worklog WHERE tenant = $1 AND task_id = $2
              ORDER BY line_id DESC LIMIT $3 OFFSET $3)",
        "DELETE FROM callback_seen WHERE tenant = $1 AND task_id = $2 AND (attempt, digest) IN
             (SELECT attempt, digest FROM callback_seen WHERE tenant = $1 AND task_id = $2
              ORDER BY attempt, digest LIMIT $3 OFFSET $3)",
    ] {
        gone += tx.exec(sql, args![tenant, id, HISTORY])?;
    }
    Ok(gone)
}

/// What the view may have of a task that was purged.
pub(crate) struct Purged {
    pub asks: Vec<String>,
    pub lines: Vec<String>,
}

/// Deletes a task and all that hangs on it; what was sent outside stays with the audit.
pub(crate) fn purge(tx: &mut Tx<'_>, task: &Task) -> Result<Purged, DbError> {
    let (tenant, id) = (&task.tenant, task.task_id.as_str());
    let asks = tx.all(
        "SELECT ask_id FROM ask WHERE tenant = $1 AND task_id = $2",
        args![tenant, id],
        |row| row.text(0),
    )?;
    let lines = tx.all(
        "SELECT line_id FROM worklog WHERE tenant = $1 AND task_id = $2",
        args![tenant, id],
        |row| row.text(0),
    )?;
    for ask_id in &asks {
        let votes = "DELETE FROM ask_vote WHERE tenant = $1 AND ask_id = $2";
        tx.put(votes, args![tenant, ask_id])?;
    }
    for sql in [
        "DELETE FROM ask WHERE tenant = $1 AND task_id = $2",
        "DELETE FROM worklog WHERE tenant = $1 AND task_id = $2",
        "DELETE FROM callback_seen WHERE tenant = $1 AND task_id = $2",
        "DELETE FROM attempt WHERE tenant = $1 AND task_id = $2",
        "DELETE FROM work_due WHERE tenant = $1 AND id = $2",
        "DELETE FROM task WHERE tenant = $1 AND task_id = $2",
    ] {
        tx.put(sql, args![tenant, id])?;
    }
    boxes::leave(tx, tenant, id)?;
    Ok(Purged { asks, lines })
}
