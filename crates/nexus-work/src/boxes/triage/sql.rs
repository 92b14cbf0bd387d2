//! Triage policies and resolved codes in the store.

use nexus_core::failure::FailureCode;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_core::triage::Policy;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Tx};

use crate::boxes::sql::code;

/// The version of a tenant's triage policy, and the policy; none where the settings' holds.
pub(crate) fn policy(q: &Read, tenant: &Tenant) -> Result<(u64, Option<Policy>), DbError> {
    let found = q.opt(
        "SELECT version, policy FROM triage_policy WHERE tenant = $1 ORDER BY version DESC LIMIT 1",
        args![tenant],
        |row| Ok::<_, DbError>((row.count(0)?, row.opt_text(1)?)),
    )?;
    let Some((version, json)) = found else { return Ok((0, None)) };
    let policy = json.map(|json| serde_json::from_str(&json)).transpose();
    let policy =
        policy.map_err(|_| DbError::Failed("a stored triage policy cannot be read".into()));
    Ok((version, policy?))
}

/// A code whose cause somebody says is gone.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedCode {
    pub failure_code: FailureCode,
    pub at: Time,
    pub by: String,
    pub by_name: Option<String>,
    pub note: String,
}

/// The codes of a tenant whose cause somebody says is gone.
pub(crate) fn resolved(q: &Read, tenant: &Tenant) -> Result<Vec<ResolvedCode>, DbError> {
    q.all(
        "SELECT failure_code, resolved_at, resolved_by, resolved_by_name, note
         FROM resolved_code WHERE tenant = $1 ORDER BY failure_code",
        args![tenant],
        |row| {
            Ok(ResolvedCode {
                failure_code: code(&row.text(0)?),
                at: row.time(1)?,
                by: row.text(2)?,
                by_name: row.opt_text(3)?,
                note: row.text(4)?,
            })
        },
    )
}

/// Writes the policy of a tenant as the version after `version`; none goes back to the settings'.
pub(super) fn put_policy(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    version: u64,
    policy: Option<&str>,
    actor: &str,
) -> Result<(), DbError> {
    let now = tx.now();
    tx.put(
        "INSERT INTO triage_policy (tenant, version, policy, changed_at, changed_by)
         VALUES ($1, $2, $3, $4, $5)",
        args![tenant, version + 1, policy, now, actor],
    )
}

/// How many tasks failed for good since the beginning of a day, by code.
pub(super) fn failures(
    q: &Read,
    tenant: &Tenant,
    since_day: i64,
) -> Result<Vec<(FailureCode, u64)>, DbError> {
    q.all(
        "SELECT failure_code, CAST(SUM(count) AS BIGINT) FROM failure_count
         WHERE tenant = $1 AND day >= $2 GROUP BY failure_code ORDER BY failure_code",
        args![tenant, since_day],
        |row| Ok((code(&row.text(0)?), row.count(1)?)),
    )
}

/// Forgets the counts of days before one; at most `rows`, and says how many.
pub(crate) fn forget_counts(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    before_day: i64,
    rows: u64,
) -> Result<u64, DbError> {
    tx.exec(
        "DELETE FROM failure_count WHERE tenant = $1 AND (day, failure_code) IN
             (SELECT day, failure_code FROM failure_count WHERE tenant = $1 AND day < $2
              ORDER BY day LIMIT $3)",
        args![tenant, before_day, rows],
    )
}

/// Says that the cause of a code is gone.
pub(super) fn resolve_code(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    resolved: &ResolvedCode,
) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO resolved_code (tenant, failure_code, resolved_at, resolved_by,
             resolved_by_name, note)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, failure_code) DO UPDATE SET resolved_at = $3, resolved_by = $4,
             resolved_by_name = $5, note = $6",
        args![
            tenant,
            resolved.failure_code.as_str(),
            resolved.at,
            &resolved.by,
            resolved.by_name.as_ref(),
            &resolved.note,
        ],
    )
}

/// Says of one failed task that its cause is gone; says whether it stands in a box.
pub(super) fn resolve_task(tx: &mut Tx<'_>, tenant: &Tenant, id: &str) -> Result<bool, DbError> {
    let now = tx.now();
    let changed = tx.exec(
        "UPDATE failed SET resolved_at = $3 WHERE tenant = $1 AND task_id = $2",
        args![tenant, id, now],
    )?;
    Ok(changed > 0)
}

/// How many tasks in all boxes failed with a code at a moment or before.
pub(super) fn count_code(
    q: &Read,
    tenant: &Tenant,
    of: FailureCode,
    until: Time,
) -> Result<u64, DbError> {
    q.one(
        "SELECT COUNT(*) FROM failed
         WHERE tenant = $1 AND box IN ('dlq', 'hold', 'alarm') AND failure_code = $2
             AND failed_at <= $3",
        args![tenant, of.as_str(), until],
        |row| row.count(0),
    )
}
