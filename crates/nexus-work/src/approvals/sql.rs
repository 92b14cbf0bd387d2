//! Asks and votes in the store.

use nexus_core::approval::AskStatus;
use nexus_core::policy::Risk;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Row, Sql, Tx};

use super::row::Ask;

fn unreadable(what: &str) -> DbError {
    DbError::Failed(format!("a stored {what} cannot be read"))
}

fn ask(row: &Row<'_>) -> Result<Ask, DbError> {
    let approvers = row.opt_text(15)?.map(|list| serde_json::from_str(&list));
    Ok(Ask {
        ask_id: row.text(0)?,
        seq: row.count(1)?,
        task_id: row.text(2)?,
        status: AskStatus::parse(&row.text(3)?).ok_or_else(|| unreadable("ask status"))?,
        command_type: row.text(4)?,
        params: row.text(5)?,
        bound: serde_json::from_str(&row.text(6)?).map_err(|_| unreadable("list of files"))?,
        digest: row.text(7)?,
        risk: Risk::parse(&row.text(8)?).ok_or_else(|| unreadable("risk"))?,
        rule: row.text(9)?,
        why: row.text(10)?,
        question: row.text(11)?,
        question_ko: row.text(12)?,
        target: row.opt_text(13)?,
        changed: row.opt_text(14)?,
        approvers: approvers.transpose().map_err(|_| unreadable("list of approvers"))?,
        quorum: row.small(16)?,
        other_person: row.flag(17)?,
        edited_by: row.opt_text(18)?,
        requested_by: row.text(19)?,
        correlation_id: row.text(20)?,
        created_at: row.time(21)?,
        expires_at: row.time(22)?,
        decided_at: row.opt_time(23)?,
        decided_by: row.opt_text(24)?,
        reason: row.opt_text(25)?,
        requested_by_name: row.opt_text(26)?,
        decided_by_name: row.opt_text(27)?,
        votes: Vec::new(),
    })
}

pub(crate) fn load(q: &Read, tenant: &Tenant, ask_id: &str) -> Result<Option<Ask>, DbError> {
    let found = q.opt(
        "SELECT ask_id, seq, task_id, status, command_type, params, bound, digest, risk, rule, why,
                question, question_ko, target, changed, approvers, quorum, other_person, edited_by,
                requested_by, correlation_id, created_at, expires_at, decided_at, decided_by, reason,
                requested_by_name, decided_by_name
         FROM ask WHERE tenant = $1 AND ask_id = $2",
        args![tenant, ask_id],
        ask,
    )?;
    let Some(mut found) = found else { return Ok(None) };
    found.votes = votes(q, tenant, ask_id)?;
    Ok(Some(found))
}

fn votes(q: &Read, tenant: &Tenant, ask_id: &str) -> Result<Vec<String>, DbError> {
    q.all(
        "SELECT approver FROM ask_vote WHERE tenant = $1 AND ask_id = $2 ORDER BY voted_at, approver",
        args![tenant, ask_id],
        |row| row.text(0),
    )
}

pub(crate) fn list(
    q: &Read,
    tenant: &Tenant,
    status: Option<AskStatus>,
    task_id: Option<&str>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Ask>, DbError> {
    let mut sql = Sql::new(
        "SELECT ask_id, seq, task_id, status, command_type, params, bound, digest, risk, rule, why,
                question, question_ko, target, changed, approvers, quorum, other_person, edited_by,
                requested_by, correlation_id, created_at, expires_at, decided_at, decided_by, reason,
                requested_by_name, decided_by_name
         FROM ask WHERE tenant = ",
    );
    sql.bind(tenant.key());
    if let Some(status) = status {
        sql.push(" AND status = ").bind(status.as_str());
    }
    if let Some(task_id) = task_id {
        sql.push(" AND task_id = ").bind(task_id);
    }
    if let Some(before) = before {
        sql.push(" AND ask_id < ").bind(before);
    }
    sql.push(" ORDER BY ask_id DESC LIMIT ").bind_int(limit);
    let mut found = q.all_built(&sql, ask)?;
    for ask in &mut found {
        ask.votes = votes(q, tenant, &ask.ask_id)?;
    }
    Ok(found)
}

pub(crate) fn insert(tx: &mut Tx<'_>, tenant: &Tenant, ask: &Ask) -> Result<(), DbError> {
    let bound = serde_json::to_string(&ask.bound).map_err(|_| unreadable("list of files"))?;
    let approvers = ask.approvers.as_ref().map(|list| serde_json::json!(list).to_string());
    tx.put(
        "INSERT INTO ask (tenant, ask_id, seq, task_id, status, command_type, params, bound, digest,
             risk, rule, why, question, question_ko, target, changed, approvers, quorum,
             other_person, edited_by, requested_by, correlation_id, created_at, expires_at,
             requested_by_name)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21, $22, $23, $24, $25)",
        args![
            tenant,
            &ask.ask_id,
            ask.seq,
            &ask.task_id,
            ask.status.as_str(),
            &ask.command_type,
            &ask.params,
            &bound,
            &ask.digest,
            ask.risk.as_str(),
            &ask.rule,
            &ask.why,
            &ask.question,
            &ask.question_ko,
            ask.target.as_ref(),
            ask.changed.as_ref(),
            approvers.as_ref(),
            ask.quorum,
            ask.other_person,
            ask.edited_by.as_ref(),
            &ask.requested_by,
            &ask.correlation_id,
            ask.created_at,
            ask.expires_at,
            ask.requested_by_name.as_ref(),
        ],
    )?;
    tx.put(
        "INSERT INTO work_due (kind, command_type, tenant, rank, due_at, id, timed)
         VALUES ('ask', '', $1, 0, $2, $3, 1)",
        args![tenant, ask.expires_at, &ask.ask_id],
    )?;
    Ok(())
}

/// Closes a pending ask. A person's decision closes it only in time: this statement checks, so
/// that expiry holds even if no timer ran. Says whether it was this call that closed it.
pub(crate) fn close(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    ask: &Ask,
    in_time_at: Option<Time>,
) -> Result<bool, DbError> {
    let closed = tx.exec(
        "UPDATE ask SET status = $3, decided_at = $4, decided_by = $5, reason = $6, params = $7,
             bound = $8, digest = $9, risk = $10, rule = $11, why = $13, target = $14,
             question = $15, question_ko = $16, changed = $17, edited_by = $18,
             decided_by_name = $19
         WHERE tenant = $1 AND ask_id = $2 AND status = 'pending'
             AND (expires_at > $12 OR $12 IS NULL)",
        args![
            tenant,
            &ask.ask_id,
            ask.status.as_str(),
            ask.decided_at,
            ask.decided_by.as_ref(),
            ask.reason.as_ref(),
            &ask.params,
            &serde_json::to_string(&ask.bound).map_err(|_| unreadable("list of files"))?,
            &ask.digest,
            ask.risk.as_str(),
            &ask.rule,
            in_time_at,
            &ask.why,
            ask.target.as_ref(),
            &ask.question,
            &ask.question_ko,
            ask.changed.as_ref(),
            ask.edited_by.as_ref(),
            ask.decided_by_name.as_ref(),
        ],
    )?;
    if closed > 0 {
        tx.put("DELETE FROM work_due WHERE tenant = $1 AND id = $2", args![tenant, &ask.ask_id])?;
    }
    Ok(closed > 0)
}

pub(crate) fn insert_vote(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    ask_id: &str,
    approver: &str,
) -> Result<(), DbError> {
    let now = tx.now();
    tx.put(
        "INSERT INTO ask_vote (tenant, ask_id, approver, voted_at) VALUES ($1, $2, $3, $4)",
        args![tenant, ask_id, approver, now],
    )?;
    Ok(())
}
