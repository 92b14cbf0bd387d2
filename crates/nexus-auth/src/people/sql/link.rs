//! One-time links.

use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Tx};

use super::bad;
use crate::Hash;
use crate::people::links::Purpose;

/// A link that works, and whom it is for.
pub(crate) struct LinkRow {
    pub purpose: Purpose,
    pub created_by: String,
    pub expires_at: Time,
    /// None for the first admin, who does not exist yet.
    pub user_id: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
}

/// The link of a token, while it works.
pub(crate) fn load(q: &Read, token: &Hash, now: Time) -> Result<Option<LinkRow>, DbError> {
    q.opt(
        "SELECT l.purpose, l.created_by, l.expires_at, l.user_id, p.email, p.name
         FROM link l LEFT JOIN person p ON p.user_id = l.user_id
         WHERE l.token_hash = $1 AND l.used_at IS NULL AND l.expires_at > $2
             AND p.disabled_at IS NULL",
        args![token.as_slice(), now],
        |row| {
            Ok(LinkRow {
                purpose: Purpose::parse(&row.text(0)?).ok_or_else(|| bad("purpose"))?,
                created_by: row.text(1)?,
                expires_at: row.time(2)?,
                user_id: row.opt_text(3)?,
                email: row.opt_text(4)?,
                name: row.opt_text(5)?,
            })
        },
    )
}

/// Uses a link up; says whether it was this call that did.
pub(crate) fn consume(tx: &mut Tx<'_>, token: &Hash) -> Result<bool, DbError> {
    let now = tx.expiry();
    let used = tx.exec(
        "UPDATE link SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2",
        args![token.as_slice(), now],
    )?;
    Ok(used > 0)
}

pub(crate) fn insert(
    tx: &mut Tx<'_>,
    token: &Hash,
    purpose: Purpose,
    user_id: Option<&str>,
    created_by: &str,
    expires_at: Time,
) -> Result<(), DbError> {
    let now = tx.now();
    tx.exec(
        "INSERT INTO link (token_hash, purpose, user_id, created_at, created_by, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![token.as_slice(), purpose.as_str(), user_id, now, created_by, expires_at],
    )?;
    Ok(())
}

/// Closes the links of a person that still work.
pub(crate) fn close_of(tx: &mut Tx<'_>, user_id: &str) -> Result<u64, DbError> {
    let now = tx.expiry();
    tx.exec(
        "UPDATE link SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL",
        args![user_id, now],
    )
}

/// Closes the links for a first admin that still work.
pub(crate) fn close_first(tx: &mut Tx<'_>) -> Result<u64, DbError> {
    let now = tx.expiry();
    tx.exec(
        "UPDATE link SET used_at = $1 WHERE purpose = 'first_admin' AND used_at IS NULL",
        args![now],
    )
}

/// Removes links that ended before a time.
pub(crate) fn forget(tx: &mut Tx<'_>, before: Time) -> Result<u64, DbError> {
    tx.exec("DELETE FROM link WHERE expires_at < $1", args![before])
}
