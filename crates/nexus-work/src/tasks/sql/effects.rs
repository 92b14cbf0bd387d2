//! Acts on the outside world: the intent, its exact bytes, what became of it.

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Tx};

use crate::tasks::row::Task;

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
