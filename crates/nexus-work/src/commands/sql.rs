//! Idempotency keys in the store.

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Tx};

/// A key that was used.
pub(crate) struct Used {
    pub digest: String,
    pub task_id: String,
}

/// What a key was used for since `since`.
pub(crate) fn used(
    q: &Read,
    tenant: &Tenant,
    key: &str,
    since: Time,
) -> Result<Option<Used>, DbError> {
    q.opt(
        "SELECT digest, task_id FROM idempotency
         WHERE tenant = $1 AND key = $2 AND created_at > $3",
        args![tenant, key, since],
        |row| Ok(Used { digest: row.text(0)?, task_id: row.text(1)? }),
    )
}

pub(crate) fn insert(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    key: &str,
    digest: &str,
    task_id: &str,
) -> Result<(), DbError> {
    let now = tx.now();
    tx.put(
        "INSERT INTO idempotency (tenant, key, digest, task_id, created_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, key) DO UPDATE SET digest = $3, task_id = $4, created_at = $5",
        args![tenant, key, digest, task_id, now],
    )?;
    Ok(())
}

/// Forgets at most `rows` keys of a tenant that are older than `before`; says how many.
pub(crate) fn forget(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    before: Time,
    rows: u64,
) -> Result<u64, DbError> {
    tx.exec(
        "DELETE FROM idempotency WHERE tenant = $1 AND key IN
             (SELECT key FROM idempotency WHERE tenant = $1 AND created_at < $2
              ORDER BY created_at LIMIT $3)",
        args![tenant, before, rows],
    )
}

/// When the oldest key of a tenant was used.
pub(crate) fn oldest(q: &Read, tenant: &Tenant) -> Result<Option<Time>, DbError> {
    q.opt(
        "SELECT created_at FROM idempotency WHERE tenant = $1 ORDER BY created_at LIMIT 1",
        args![tenant],
        |row| row.time(0),
    )
}
