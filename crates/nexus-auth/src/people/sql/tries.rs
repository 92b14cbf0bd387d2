//! Tries to sign in.

use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Row, Tx};

use crate::people::tries::{Failures, Try};

fn failures(row: &Row<'_>) -> Result<Failures, DbError> {
    Ok(Failures { count: row.count(0)?, last: row.opt_time(1)? })
}

pub(crate) fn of_both(
    q: &Read,
    account: &str,
    peer: &str,
    since: Time,
) -> Result<Failures, DbError> {
    q.one(
        "SELECT COUNT(*), MAX(tried_at) FROM login_try
         WHERE account = $1 AND tried_at > $3 AND peer = $2",
        args![account, peer, since],
        failures,
    )
}

pub(crate) fn of_account(q: &Read, account: &str, since: Time) -> Result<Failures, DbError> {
    q.one(
        "SELECT COUNT(*), MAX(tried_at) FROM login_try WHERE account = $1 AND tried_at > $2",
        args![account, since],
        failures,
    )
}

pub(crate) fn of_peer(q: &Read, peer: &str, since: Time) -> Result<Failures, DbError> {
    q.one(
        "SELECT COUNT(*), MAX(tried_at) FROM login_try WHERE peer = $1 AND tried_at > $2",
        args![peer, since],
        failures,
    )
}

pub(crate) fn insert(tx: &mut Tx<'_>, made: &Try, at: Time) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO login_try (account, tried_at, try_id, peer) VALUES ($1, $2, $3, $4)",
        args![&made.account, at, &made.try_id, &made.peer],
    )?;
    Ok(())
}

/// Takes a try back that did not come to an end.
pub(crate) fn give_back(tx: &mut Tx<'_>, made: &Try) -> Result<(), DbError> {
    tx.exec(
        "DELETE FROM login_try WHERE account = $1 AND try_id = $2",
        args![&made.account, &made.try_id],
    )?;
    Ok(())
}

/// Forgets the failures of an account from one address, after somebody signed in there.
pub(crate) fn clear(tx: &mut Tx<'_>, account: &str, peer: &str) -> Result<(), DbError> {
    tx.exec("DELETE FROM login_try WHERE account = $1 AND peer = $2", args![account, peer])?;
    Ok(())
}

/// Forgets all failures of an account, after its password was set anew.
pub(crate) fn clear_account(tx: &mut Tx<'_>, account: &str) -> Result<(), DbError> {
    tx.exec("DELETE FROM login_try WHERE account = $1", args![account])?;
    Ok(())
}

pub(crate) fn forget(tx: &mut Tx<'_>, before: Time) -> Result<u64, DbError> {
    tx.exec("DELETE FROM login_try WHERE tried_at < $1", args![before])
}
