//! Memberships. Changed in their tenant's scope, read by user in the system's.

use std::collections::BTreeMap;

use nexus_core::role::Role;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Tx};

use super::{role, tenant};

/// A membership as its person sees it.
pub(crate) struct Mine {
    pub tenant: Tenant,
    pub role: Role,
    pub title: String,
    pub paused: bool,
}

/// A member as the tenant's admin sees them.
pub(crate) struct Member {
    pub user_id: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub granted_at: Time,
    pub last_login: Option<Time>,
    pub disabled: bool,
}

pub(crate) fn roles(q: &Read, user_id: &str) -> Result<BTreeMap<Tenant, Role>, DbError> {
    let rows =
        q.all("SELECT tenant, role FROM membership WHERE user_id = $1", args![user_id], |row| {
            Ok::<_, DbError>((tenant(&row.text(0)?)?, role(&row.text(1)?)?))
        })?;
    Ok(rows.into_iter().collect())
}

pub(crate) fn of_user(q: &Read, user_id: &str) -> Result<Vec<Mine>, DbError> {
    q.all(
        "SELECT m.tenant, m.role, t.title, t.paused_at
         FROM membership m JOIN tenant t ON t.tenant = m.tenant
         WHERE m.user_id = $1 ORDER BY m.tenant",
        args![user_id],
        |row| {
            Ok(Mine {
                tenant: tenant(&row.text(0)?)?,
                role: role(&row.text(1)?)?,
                title: row.text(2)?,
                paused: row.opt_time(3)?.is_some(),
            })
        },
    )
}

pub(crate) fn of_tenant(q: &Read, whose: &Tenant) -> Result<Vec<Member>, DbError> {
    q.all(
        "SELECT p.user_id, p.email, p.name, m.role, m.granted_at, p.last_login, p.disabled_at
         FROM membership m JOIN person p ON p.user_id = m.user_id
         WHERE m.tenant = $1 ORDER BY p.email",
        args![whose],
        |row| {
            Ok(Member {
                user_id: row.text(0)?,
                email: row.text(1)?,
                name: row.text(2)?,
                role: role(&row.text(3)?)?,
                granted_at: row.time(4)?,
                last_login: row.opt_time(5)?,
                disabled: row.opt_time(6)?.is_some(),
            })
        },
    )
}

pub(crate) fn load(q: &Read, whose: &Tenant, user_id: &str) -> Result<Option<Role>, DbError> {
    q.opt(
        "SELECT role FROM membership WHERE tenant = $1 AND user_id = $2",
        args![whose, user_id],
        |row| role(&row.text(0)?),
    )
}

/// Makes somebody a member; says whether they were none.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    whose: &Tenant,
    user_id: &str,
    role: Role,
    granted_by: &str,
) -> Result<bool, DbError> {
    let now = tx.now();
    let made = tx.exec(
        "INSERT INTO membership (tenant, user_id, role, granted_at, granted_by)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, user_id) DO NOTHING",
        args![whose, user_id, role.as_str(), now, granted_by],
    )?;
    Ok(made > 0)
}

pub(crate) fn set_role(
    tx: &mut Tx<'_>,
    whose: &Tenant,
    user_id: &str,
    role: Role,
) -> Result<(), DbError> {
    tx.exec(
        "UPDATE membership SET role = $3 WHERE tenant = $1 AND user_id = $2",
        args![whose, user_id, role.as_str()],
    )?;
    Ok(())
}

pub(crate) fn delete(tx: &mut Tx<'_>, whose: &Tenant, user_id: &str) -> Result<(), DbError> {
    tx.exec("DELETE FROM membership WHERE tenant = $1 AND user_id = $2", args![whose, user_id])?;
    Ok(())
}

/// Lets changes of a tenant's members wait for each other until the commit.
pub(crate) fn lock(tx: &mut Tx<'_>, whose: &Tenant) -> Result<(), DbError> {
    tx.exec("UPDATE tenant SET title = title WHERE tenant = $1", args![whose])?;
    Ok(())
}

/// Admins of a tenant besides one person.
pub(crate) fn other_admins(q: &Read, whose: &Tenant, user_id: &str) -> Result<u64, DbError> {
    q.one(
        "SELECT COUNT(*) FROM membership WHERE tenant = $1 AND role = 'admin' AND user_id <> $2",
        args![whose, user_id],
        |row| row.count(0),
    )
}

/// Whether any person who can sign in is an admin of anything.
pub(crate) fn any_admin(q: &Read) -> Result<bool, DbError> {
    let found = q.opt(
        "SELECT 1 FROM membership m
         JOIN person p ON p.user_id = m.user_id
         JOIN password w ON w.user_id = m.user_id
         WHERE m.role = 'admin' AND p.disabled_at IS NULL LIMIT 1",
        args![],
        |_| Ok::<_, DbError>(()),
    )?;
    Ok(found.is_some())
}

/// The tenant that a first admin administers: the one of the first run, or else the oldest.
pub(crate) fn first_tenant(q: &Read) -> Result<Option<Tenant>, DbError> {
    q.opt(
        "SELECT tenant FROM tenant
         ORDER BY CASE WHEN tenant = $1 THEN 0 ELSE 1 END, created_at, tenant LIMIT 1",
        args![Tenant::DEFAULT_KEY],
        |row| tenant(&row.text(0)?),
    )
}
