//! The audit table.

use nexus_kit::args;
use nexus_kit::db::{Asked, DbError, Read, Tx};

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub seq: u64,
    pub at: i64,
    pub actor: String,
    pub action: String,
    pub target: String,
    pub correlation_id: String,
    pub salt: Option<Vec<u8>>,
    pub details: Option<String>,
    pub details_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

pub(crate) fn ask_head(q: &Read, chain: &str) -> Result<Asked, DbError> {
    q.ask("SELECT seq, hash FROM audit WHERE tenant = $1 ORDER BY seq DESC LIMIT 1", args![chain])
}

pub(crate) fn head(q: &Read, asked: Asked) -> Result<Option<(u64, Vec<u8>)>, DbError> {
    q.answer(asked, |row| Ok((row.count(0)?, row.bytes(1)?)))
}

pub(crate) fn insert(tx: &mut Tx<'_>, chain: &str, row: &Row) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO audit (tenant, seq, at, actor, action, target, correlation_id, salt, details,
                            details_hash, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            chain,
            row.seq,
            row.at,
            &row.actor,
            &row.action,
            &row.target,
            &row.correlation_id,
            row.salt.as_deref(),
            row.details.as_ref(),
            row.details_hash.as_slice(),
            row.hash.as_slice(),
        ],
    )?;
    Ok(())
}

pub(crate) fn each(q: &Read, chain: &str, mut each: impl FnMut(Row)) -> Result<(), DbError> {
    q.all(
        "SELECT seq, at, actor, action, target, correlation_id, salt, details, details_hash, hash
         FROM audit WHERE tenant = $1 ORDER BY seq",
        args![chain],
        |row| {
            each(Row {
                seq: row.count(0)?,
                at: row.int(1)?,
                actor: row.text(2)?,
                action: row.text(3)?,
                target: row.text(4)?,
                correlation_id: row.text(5)?,
                salt: row.opt_bytes(6)?,
                details: row.opt_text(7)?,
                details_hash: row.bytes(8)?,
                hash: row.bytes(9)?,
            });
            Ok::<_, DbError>(())
        },
    )?;
    Ok(())
}

/// The tenants that have a chain; each has one from its first entry on.
pub(crate) fn tenants(q: &Read) -> Result<Vec<String>, DbError> {
    q.all("SELECT tenant FROM tenant ORDER BY tenant", args![], |row| row.text(0))
}
