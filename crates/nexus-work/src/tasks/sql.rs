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

/// When a task wants attention next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// It can be claimed from then on.
    Ready(Time),
    /// Its claim runs out then.
    Lease(Time),
    /// Never by itself.
    No,
    /// As before.
    Same,
}

fn unreadable(what: &str) -> DbError {
    DbError::Failed(format!("a stored {what} cannot be read"))
}

fn task(tenant: &Tenant, row: &Row<'_>) -> Result<Task, DbError> {
    let status = row.text(5)?;
    let risk = row.text(6)?;
    Ok(Task {
        tenant: tenant.clone(),
        task_id: TaskId::parse(&row.text(0)?).map_err(|_| unreadable("task id"))?,
        seq: row.count(1)?,
        command_type: row.text(2)?,
        params: row.text(3)?,
        precondition: row.opt_text(4)?,
        status: Status::parse(&status).ok_or_else(|| unreadable("status"))?,
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
                failure_code, last_error, requested_by_name
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
                failure_code, last_error, requested_by_name
         FROM task WHERE tenant = ",
    );
    sql.bind(tenant.key());
    match filter.status {
        None => {}
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
            sql.push(" AND status NOT IN ('running', 'succeeded')");
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
    tx.put(
        "UPDATE task SET params = $3, status = $4, risk = $5, rule = $6, waits = $7,
             updated_at = $8, ask_id = $9, attempt = $10, retry_count = $11, agent = $12,
             attempt_token = $13, lease_owner = $14, lease_until = $15, started_at = $16,
             progress = $17, cancel_requested = $18, finished_at = $19, result = $20,
             failure_code = $21, last_error = $22
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
        ],
    )?;
    set_due(tx, task, due)
}

fn set_due(tx: &mut Tx<'_>, task: &Task, due: Due) -> Result<(), DbError> {
    let (kind, due_at, timed) = match due {
        // What is due already is found by whoever claims; only what is due later needs the clock.
        Due::Ready(at) => ("ready", at, at > tx.expiry()),
        Due::Lease(at) => ("lease", at, true),
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
        "INSERT INTO work_due (kind, command_type, tenant, rank, due_at, id, timed)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant, id) DO UPDATE SET kind = $1, due_at = $5, timed = $7",
        args![
            kind,
            &task.command_type,
            &task.tenant,
            -task.priority,
            due_at,
            task.task_id.as_str(),
            timed,
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

pub(crate) fn attempts(q: &Read, tenant: &Tenant, id: &str) -> Result<Vec<Attempt>, DbError> {
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

/// An act on the outside world: intended, and then settled.
#[derive(Clone, Debug)]
pub(crate) struct EffectRow {
    pub attempt: u32,
    pub target: String,
    pub digest: String,
    pub bytes: u64,
    /// `intent`, `sent` or `void`.
    pub state: String,
    pub intended_at: Time,
    pub settled_at: Option<Time>,
}

pub(crate) fn insert_intent(
    tx: &mut Tx<'_>,
    task: &Task,
    target: &str,
    digest: &str,
    payload: &[u8],
) -> Result<(), DbError> {
    let now = tx.now();
    tx.put(
        "INSERT INTO effect (tenant, task_id, attempt, target, digest, bytes, state, intended_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'intent', $7)",
        args![
            &task.tenant,
            task.task_id.as_str(),
            task.attempt,
            target,
            digest,
            payload.len() as u64,
            now
        ],
    )?;
    // The exact bytes, once, however often they are sent.
    tx.exec(
        "INSERT INTO sent (tenant, digest, bytes) VALUES ($1, $2, $3)
         ON CONFLICT (tenant, digest) DO NOTHING",
        args![&task.tenant, digest, payload],
    )?;
    Ok(())
}

pub(crate) fn settle_effect(
    tx: &mut Tx<'_>,
    task: &Task,
    state: &'static str,
) -> Result<bool, DbError> {
    let now = tx.now();
    let settled = tx.exec(
        "UPDATE effect SET state = $4, settled_at = $5
         WHERE tenant = $1 AND task_id = $2 AND attempt = $3 AND state = 'intent'",
        args![&task.tenant, task.task_id.as_str(), task.attempt, state, now],
    )?;
    Ok(settled > 0)
}

pub(crate) fn effects(q: &Read, tenant: &Tenant, id: &str) -> Result<Vec<EffectRow>, DbError> {
    q.all(
        "SELECT attempt, target, digest, bytes, state, intended_at, settled_at
         FROM effect WHERE tenant = $1 AND task_id = $2 ORDER BY attempt",
        args![tenant, id],
        |row| {
            Ok(EffectRow {
                attempt: row.small(0)?,
                target: row.text(1)?,
                digest: row.text(2)?,
                bytes: row.count(3)?,
                state: row.text(4)?,
                intended_at: row.time(5)?,
                settled_at: row.opt_time(6)?,
            })
        },
    )
}

/// The exact bytes that a task sent, or was about to send.
pub(crate) fn sent(q: &Read, tenant: &Tenant, digest: &str) -> Result<Option<Vec<u8>>, DbError> {
    q.opt(
        "SELECT bytes FROM sent WHERE tenant = $1 AND digest = $2",
        args![tenant, digest],
        |row| row.bytes(0),
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

/// Deletes some tasks of a tenant that ended well, or as somebody wanted, before `before`, with what
/// hangs on them; says how many. Failed ones stay until somebody deals with them, and what was sent
/// outside stays with the audit.
pub(crate) fn delete_finished(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    before: Time,
    limit: u64,
) -> Result<u64, DbError> {
    let old = tx.all(
        "SELECT task_id FROM task
         WHERE tenant = $1 AND finished_at IS NOT NULL AND finished_at < $2
             AND status IN ('succeeded', 'denied', 'expired', 'cancelled')
         ORDER BY finished_at LIMIT $3",
        args![tenant, before, limit],
        |row| row.text(0),
    )?;
    for task_id in &old {
        for sql in [
            "DELETE FROM attempt WHERE tenant = $1 AND task_id = $2",
            "DELETE FROM callback_seen WHERE tenant = $1 AND task_id = $2",
            "DELETE FROM worklog WHERE tenant = $1 AND task_id = $2",
            "DELETE FROM ask_vote WHERE tenant = $1 AND ask_id IN
                 (SELECT ask_id FROM ask WHERE tenant = $1 AND task_id = $2)",
            "DELETE FROM ask WHERE tenant = $1 AND task_id = $2",
            "DELETE FROM task WHERE tenant = $1 AND task_id = $2",
        ] {
            tx.put(sql, args![tenant, task_id])?;
        }
    }
    Ok(old.len() as u64)
}
