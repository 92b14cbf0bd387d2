//! What is due, across tenants, and callbacks that were seen.

use std::collections::HashSet;

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Sql, Tx};

/// A task or an ask that is due, by name alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DueItem {
    pub tenant: Tenant,
    pub id: String,
}

fn tenant(text: &str) -> Result<Tenant, DbError> {
    Tenant::parse(text).map_err(|_| DbError::Failed("a stored tenant cannot be read".into()))
}

/// Tenants whose execution stands still.
pub(crate) fn paused(q: &Read) -> Result<HashSet<String>, DbError> {
    let tenants =
        q.all("SELECT tenant FROM tenant WHERE paused_at IS NOT NULL", args![], |row| row.text(0));
    tenants.map(|tenants: Vec<String>| tenants.into_iter().collect())
}

/// The first tenant after `after` that has something to claim of these types. One look at the index
/// for each type, all in one statement: no type's backlog is read for another's first row.
pub(crate) fn next_tenant(
    q: &Read,
    types: &[String],
    after: &str,
) -> Result<Option<String>, DbError> {
    if types.is_empty() {
        return Ok(None);
    }
    let mut sql = Sql::new("SELECT MIN(tenant) FROM (");
    each(&mut sql, types, |sql, name| {
        sql.push("SELECT tenant FROM work_due WHERE kind = 'ready' AND command_type = ").bind(name);
        sql.push(" AND tenant > ").bind(after).push(" ORDER BY tenant LIMIT 1");
    });
    sql.push(") AS first_of_type");
    let found = q.all_built(&sql, |row| row.opt_text(0))?;
    Ok(found.into_iter().next().flatten())
}

/// What a tenant has to claim of these types: the most urgent first.
pub(crate) fn ready(
    q: &Read,
    types: &[String],
    of: &str,
    now: Time,
    limit: usize,
) -> Result<Vec<DueItem>, DbError> {
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut sql = Sql::new("SELECT id FROM (");
    each(&mut sql, types, |sql, name| {
        sql.push("SELECT rank, due_at, id FROM work_due WHERE kind = 'ready' AND command_type = ");
        sql.bind(name).push(" AND tenant = ").bind(of).push(" AND due_at <= ");
        sql.bind_int(now.micros()).push(" ORDER BY rank, due_at LIMIT ").bind_int(limit);
    });
    sql.push(") AS ready_of_type ORDER BY rank, due_at LIMIT ").bind_int(limit);
    q.all_built(&sql, |row| Ok(DueItem { tenant: tenant(of)?, id: row.text(0)? }))
}

/// The same question for each type.
fn each(sql: &mut Sql, types: &[String], ask: impl Fn(&mut Sql, &str)) {
    for (number, name) in types.iter().enumerate() {
        if number > 0 {
            sql.push(" UNION ALL ");
        }
        sql.push("SELECT * FROM (");
        ask(sql, name);
        sql.push(") AS one_type");
    }
}

/// What of a kind (`ask`, `lease`) is due by now.
pub(crate) fn due(q: &Read, kind: &str, now: Time, limit: u64) -> Result<Vec<DueItem>, DbError> {
    q.all(
        "SELECT tenant, id FROM work_due
         WHERE timed = 1 AND kind = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3",
        args![kind, now, limit],
        |row| Ok(DueItem { tenant: tenant(&row.text(0)?)?, id: row.text(1)? }),
    )
}

/// Takes something off the list of what is due.
pub(crate) fn drop_due(tx: &mut Tx<'_>, of: &Tenant, id: &str, kind: &str) -> Result<(), DbError> {
    tx.put(
        "DELETE FROM work_due WHERE tenant = $1 AND id = $2 AND kind = $3",
        args![of, id, kind],
    )?;
    Ok(())
}

/// Every claim that is held.
pub(crate) fn leases(q: &Read) -> Result<Vec<DueItem>, DbError> {
    q.all(
        "SELECT tenant, id FROM work_due WHERE timed = 1 AND kind = 'lease' ORDER BY due_at",
        args![],
        |row| Ok(DueItem { tenant: tenant(&row.text(0)?)?, id: row.text(1)? }),
    )
}

/// When something is due next after `now`.
pub(crate) fn next_due(q: &Read, now: Time) -> Result<Option<Time>, DbError> {
    let mut next = None;
    for kind in ["ask", "lease", "ready"] {
        let found = q.opt(
            "SELECT due_at FROM work_due
             WHERE timed = 1 AND kind = $1 AND due_at > $2 ORDER BY due_at LIMIT 1",
            args![kind, now],
            |row| row.time(0),
        )?;
        next = match (next, found) {
            (Some(a), Some(b)) => Some(std::cmp::min::<Time>(a, b)),
            (a, b) => a.or(b),
        };
    }
    Ok(next)
}

/// The oldest thing to claim, and how many there are.
pub(crate) fn backlog(q: &Read) -> Result<(u64, Option<Time>), DbError> {
    q.one("SELECT COUNT(*), MIN(due_at) FROM work_due WHERE kind = 'ready'", args![], |row| {
        Ok((row.count(0)?, row.opt_time(1)?))
    })
}

/// How many tasks of a tenant stand at a status, which is neither `running` nor `succeeded`.
pub(crate) fn count_status(q: &Read, of: &Tenant, status: &str) -> Result<u64, DbError> {
    q.one(
        "SELECT COUNT(*) FROM task
         WHERE tenant = $1 AND status = $2 AND status NOT IN ('running', 'succeeded')",
        args![of, status],
        |row| row.count(0),
    )
}

/// Every tenant.
pub(crate) fn tenants(q: &Read) -> Result<Vec<Tenant>, DbError> {
    q.all("SELECT tenant FROM tenant ORDER BY tenant", args![], |row| tenant(&row.text(0)?))
}

/// Notes a callback; says whether it is new.
pub(crate) fn note_callback(
    tx: &mut Tx<'_>,
    of: &Tenant,
    task_id: &str,
    attempt: u32,
    digest: &str,
) -> Result<bool, DbError> {
    let noted = tx.exec(
        "INSERT INTO callback_seen (tenant, task_id, attempt, digest) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, task_id, attempt, digest) DO NOTHING",
        args![of, task_id, attempt, digest],
    )?;
    Ok(noted > 0)
}

/// Whether that callback was taken.
pub(crate) fn callback_known(
    q: &Read,
    of: &Tenant,
    task_id: &str,
    attempt: u32,
    digest: &str,
) -> Result<bool, DbError> {
    let found = q.opt(
        "SELECT 1 FROM callback_seen
         WHERE tenant = $1 AND task_id = $2 AND attempt = $3 AND digest = $4
         UNION ALL
         SELECT 1 FROM attempt
         WHERE tenant = $1 AND task_id = $2 AND attempt = $3 AND callback = $4",
        args![of, task_id, attempt, digest],
        |_| Ok::<_, DbError>(()),
    )?;
    Ok(found.is_some())
}

/// Notes the id of a signed callback; says whether it is new.
pub(crate) fn note_signature(tx: &mut Tx<'_>, id: &str) -> Result<bool, DbError> {
    let now = tx.now();
    let noted = tx.exec(
        "INSERT INTO webhook_seen (id, seen_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        args![id, now],
    )?;
    Ok(noted > 0)
}

/// Forgets ids that no signature can bring back any more.
pub(crate) fn forget_signatures(tx: &mut Tx<'_>, before: Time) -> Result<u64, DbError> {
    tx.exec("DELETE FROM webhook_seen WHERE seen_at < $1", args![before])
}
