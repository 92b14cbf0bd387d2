//! Sessions.

use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Tx};

use super::bad;
use crate::Hash;

/// A session and its person, as a request needs them.
pub(crate) struct SessionRow {
    pub session_id: String,
    pub secret_hash: Hash,
    pub last_seen: Time,
    pub expires_at: Time,
    pub ended: bool,
    pub user_id: String,
    pub email: String,
    pub name: String,
    pub disabled: bool,
}

/// A session as its person sees it.
pub(crate) struct OwnSession {
    pub session_id: String,
    pub created_at: Time,
    pub last_seen: Time,
    pub expires_at: Time,
    pub user_agent: String,
    pub peer: String,
}

/// A session to begin.
pub(crate) struct NewSession<'a> {
    pub session_id: &'a str,
    pub user_id: &'a str,
    pub secret_hash: &'a Hash,
    pub expires_at: Time,
    pub user_agent: &'a str,
    pub peer: &'a str,
}

pub(crate) fn load(q: &Read, session_id: &str) -> Result<Option<SessionRow>, DbError> {
    q.opt(
        "SELECT s.session_id, s.secret_hash, s.last_seen, s.expires_at, s.ended_at,
                p.user_id, p.email, p.name, p.disabled_at
         FROM session s JOIN person p ON p.user_id = s.user_id WHERE s.session_id = $1",
        args![session_id],
        |row| {
            Ok(SessionRow {
                session_id: row.text(0)?,
                secret_hash: row.bytes(1)?.try_into().map_err(|_| bad("hash"))?,
                last_seen: row.time(2)?,
                expires_at: row.time(3)?,
                ended: row.opt_time(4)?.is_some(),
                user_id: row.text(5)?,
                email: row.text(6)?,
                name: row.text(7)?,
                disabled: row.opt_time(8)?.is_some(),
            })
        },
    )
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &NewSession<'_>) -> Result<(), DbError> {
    let now = tx.expiry();
    tx.exec(
        "INSERT INTO session (session_id, user_id, secret_hash, created_at, last_seen, expires_at,
                              user_agent, peer)
         VALUES ($1, $2, $3, $4, $4, $5, $6, $7)",
        args![
            new.session_id,
            new.user_id,
            new.secret_hash.as_slice(),
            now,
            new.expires_at,
            new.user_agent,
            new.peer,
        ],
    )?;
    Ok(())
}

pub(crate) fn touch(tx: &mut Tx<'_>, session_id: &str, seen: Time) -> Result<(), DbError> {
    tx.exec(
        "UPDATE session SET last_seen = $2
         WHERE session_id = $1 AND last_seen < $2 AND ended_at IS NULL",
        args![session_id, seen],
    )?;
    Ok(())
}

/// Ends one session of a person; says whether it lived.
pub(crate) fn end(
    tx: &mut Tx<'_>,
    user_id: &str,
    session_id: &str,
    idle_since: Time,
) -> Result<bool, DbError> {
    let now = tx.expiry();
    let ended = tx.exec(
        "UPDATE session SET ended_at = $3
         WHERE session_id = $2 AND user_id = $1 AND ended_at IS NULL AND expires_at > $3
             AND last_seen > $4",
        args![user_id, session_id, now, idle_since],
    )?;
    Ok(ended > 0)
}

/// Ends every session of a person.
pub(crate) fn end_all(tx: &mut Tx<'_>, user_id: &str) -> Result<u64, DbError> {
    let now = tx.expiry();
    tx.exec(
        "UPDATE session SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL",
        args![user_id, now],
    )
}

/// The sessions of a person that live, the newest first.
pub(crate) fn live(
    q: &Read,
    user_id: &str,
    now: Time,
    idle_since: Time,
) -> Result<Vec<OwnSession>, DbError> {
    q.all(
        "SELECT session_id, created_at, last_seen, expires_at, user_agent, peer FROM session
         WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND last_seen > $3
         ORDER BY session_id DESC LIMIT 200",
        args![user_id, now, idle_since],
        |row| {
            Ok(OwnSession {
                session_id: row.text(0)?,
                created_at: row.time(1)?,
                last_seen: row.time(2)?,
                expires_at: row.time(3)?,
                user_agent: row.text(4)?,
                peer: row.text(5)?,
            })
        },
    )
}

/// Removes sessions that ended before a time.
pub(crate) fn forget(tx: &mut Tx<'_>, before: Time) -> Result<u64, DbError> {
    tx.exec("DELETE FROM session WHERE expires_at < $1", args![before])
}
