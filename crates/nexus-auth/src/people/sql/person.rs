//! Persons and their passwords.

use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Row, Tx};

pub(crate) struct PersonRow {
    pub user_id: String,
    pub email: String,
    pub name: String,
    pub disabled: bool,
    /// None for whoever was invited and has not come yet.
    pub password: Option<String>,
}

fn person(row: &Row<'_>) -> Result<PersonRow, DbError> {
    Ok(PersonRow {
        user_id: row.text(0)?,
        email: row.text(1)?,
        name: row.text(2)?,
        disabled: row.opt_time(3)?.is_some(),
        password: row.opt_text(4)?,
    })
}

pub(crate) fn by_email(q: &Read, email: &str) -> Result<Option<PersonRow>, DbError> {
    q.opt(
        "SELECT p.user_id, p.email, p.name, p.disabled_at, w.phc
         FROM person p LEFT JOIN password w ON w.user_id = p.user_id WHERE p.email = $1",
        args![email],
        person,
    )
}

pub(crate) fn by_id(q: &Read, user_id: &str) -> Result<Option<PersonRow>, DbError> {
    q.opt(
        "SELECT p.user_id, p.email, p.name, p.disabled_at, w.phc
         FROM person p LEFT JOIN password w ON w.user_id = p.user_id WHERE p.user_id = $1",
        args![user_id],
        person,
    )
}

/// Makes a person; says whether the e-mail was free.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    user_id: &str,
    email: &str,
    name: &str,
    created_by: &str,
) -> Result<bool, DbError> {
    let now = tx.now();
    let made = tx.exec(
        "INSERT INTO person (user_id, email, name, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (email) DO NOTHING",
        args![user_id, email, name, now, created_by],
    )?;
    Ok(made > 0)
}

pub(crate) fn rename(tx: &mut Tx<'_>, user_id: &str, name: &str) -> Result<(), DbError> {
    tx.exec("UPDATE person SET name = $2 WHERE user_id = $1", args![user_id, name])?;
    Ok(())
}

/// Closes or opens an account; says whether there is such a person.
pub(crate) fn disable(
    tx: &mut Tx<'_>,
    user_id: &str,
    since: Option<Time>,
) -> Result<bool, DbError> {
    let changed =
        tx.exec("UPDATE person SET disabled_at = $2 WHERE user_id = $1", args![user_id, since])?;
    Ok(changed > 0)
}

pub(crate) fn signed_in(tx: &mut Tx<'_>, user_id: &str, at: Time) -> Result<(), DbError> {
    tx.exec("UPDATE person SET last_login = $2 WHERE user_id = $1", args![user_id, at])?;
    Ok(())
}

pub(crate) fn set_password(tx: &mut Tx<'_>, user_id: &str, phc: &str) -> Result<(), DbError> {
    let now = tx.now();
    tx.exec(
        "INSERT INTO password (user_id, phc, changed_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE SET phc = excluded.phc, changed_at = excluded.changed_at",
        args![user_id, phc, now],
    )?;
    Ok(())
}

/// Stores the same password with other parameters, unless it was changed meanwhile.
pub(crate) fn renew_password(
    tx: &mut Tx<'_>,
    user_id: &str,
    old: &str,
    new: &str,
) -> Result<(), DbError> {
    tx.exec(
        "UPDATE password SET phc = $3 WHERE user_id = $1 AND phc = $2",
        args![user_id, old, new],
    )?;
    Ok(())
}
