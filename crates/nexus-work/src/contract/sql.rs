//! What is due, across tenants, and callbacks that were seen.

use std::collections::HashSet;

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Row, Sql, Tx};

/// A task or an ask that is due, by name alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DueItem {
    pub tenant: Tenant,
    pub id: String,
}

pub(crate) fn tenant(text: &str) -> Result<Tenant, DbError> {
    Tenant::parse(text).map_err(|_| DbError::Failed("a stored tenant cannot be read".into()))
}

/// Tenants whose execution stands still.
pub(crate) fn paused(q: &Read) -> Result<HashSet<String>, DbError> {
    let tenants =
        q.all("SELECT tenant FROM tenant WHERE paused_at IS NOT NULL", args![], |row| row.text(0));
    tenants.map(|tenants: Vec<String>| tenants.into_iter().collect())
}

/// The first tenants after `after` that have something to claim of these types, at most `limit`: all
/// in one statement, with one look at the index for each tenant and type, so that nobody's backlog is
/// read for another's first row.
pub(crate) fn next_tenants(
    q: &Read,
    types: &[String],
    after: &str,
    limit: usize,
) -> Result<Vec<Tenant>, DbError> {
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new("WITH RECURSIVE ring (tenant, number) AS (SELECT (");
    first_after(&mut sql, types, |sql| {
        sql.bind(after);
    });
    sql.push("), 1 UNION ALL SELECT (");
    first_after(&mut sql, types, |sql| {
        sql.push("ring.tenant");
    });
    sql.push("), number + 1 FROM ring WHERE ring.tenant IS NOT NULL AND number < ");
    sql.bind_int(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.push(") SELECT tenant FROM ring WHERE tenant IS NOT NULL ORDER BY number");
    q.all_built(&sql, |row| tenant(&row.text(0)?))
}

/// The first tenant after another that has something to claim of some types.
fn first_after(sql: &mut Sql, types: &[String], after: impl Fn(&mut Sql)) {
    sql.push("SELECT MIN(tenant) FROM (");
    each(sql, types, |sql, name| {
        sql.push("SELECT tenant FROM work_due WHERE kind = 'ready' AND command_type = ").bind(name);
        sql.push(" AND tenant > ");
        after(sql);
        sql.push(" ORDER BY tenant LIMIT 1");
    });
    sql.push(") AS first_of_type");
}

/// Whether a tenant has something to claim of these types.
pub(crate) fn has_ready(q: &Read, types: &[String], of: &str) -> Result<bool, DbError> {
    if types.is_empty() {
        return Ok(false);
    }
    let mut sql = Sql::new("SELECT tenant FROM (");
    each(&mut sql, types, |sql, name| {
        sql.push("SELECT tenant FROM work_due WHERE kind = 'ready' AND command_type = ").bind(name);
        sql.push(" AND tenant = ").bind(of).push(" LIMIT 1");
    });
    sql.push(") AS of_type LIMIT 1");
    Ok(!q.all_built(&sql, |row| row.text(0))?.is_empty())
}

/// What a tenant has to claim, the most urgent first: ids and types. Each type comes with how many
/// of it are wanted at most.
pub(crate) fn ready(
    q: &Read,
    types: &[(String, usize)],
    of: &Tenant,
    now: Time,
    limit: usize,
) -> Result<Vec<(String, String)>, DbError> {
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let bound = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut sql = Sql::new("SELECT id, command_type FROM (");
    each(&mut sql, types, |sql, (name, most)| {
        sql.push("SELECT rank, due_at, id, command_type FROM work_due");
        sql.push(" WHERE kind = 'ready' AND command_type = ").bind(name);
        sql.push(" AND tenant = ").bind(of.key());
        // What was due at once stays so, whatever the clock said then.
        sql.push(" AND (timed = 0 OR due_at <= ").bind_int(now.micros());
        sql.push(") ORDER BY rank, due_at LIMIT ").bind_int(bound(*most));
    });
    sql.push(") AS ready_of_type ORDER BY rank, due_at LIMIT ").bind_int(bound(limit));
    q.all_built(&sql, |row| Ok((row.text(0)?, row.text(1)?)))
}

/// How many claims of each type are held in a tenant, of those that a cap counts.
pub(crate) fn running(q: &Read, of: &Tenant) -> Result<Vec<(String, u32)>, DbError> {
    q.all(
        "SELECT command_type, COUNT(*) FROM work_due
         WHERE tenant = $1 AND capped = 1 GROUP BY command_type",
        args![of],
        |row| Ok((row.text(0)?, row.small(1)?)),
    )
}

/// Has a cap count what runs of a type already.
pub(crate) fn cap_leases(tx: &mut Tx<'_>, of: &Tenant, command_type: &str) -> Result<(), DbError> {
    tx.put(
        "UPDATE work_due SET capped = 1
         WHERE timed = 1 AND kind = 'lease' AND tenant = $1 AND command_type = $2 AND capped = 0",
        args![of, command_type],
    )
}

/// Has the caps of the settings count what runs already, of every tenant.
pub(crate) fn cap_all_leases(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.put(
        "UPDATE work_due SET capped = 1 WHERE timed = 1 AND kind = 'lease' AND capped = 0",
        args![],
    )
}

/// The same question for each type.
fn each<T>(sql: &mut Sql, types: &[T], ask: impl Fn(&mut Sql, &T)) {
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
        due_item,
    )
}

/// Reads what is due: its tenant, and its id.
pub(crate) fn due_item(row: &Row<'_>) -> Result<DueItem, DbError> {
    Ok(DueItem { tenant: tenant(&row.text(0)?)?, id: row.text(1)? })
}

/// Tasks that wait although their own deadline has passed.
pub(crate) fn expired(q: &Read, now: Time, limit: u64) -> Result<Vec<DueItem>, DbError> {
    q.all(
        "SELECT tenant, id FROM work_due
         WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
        args![now, limit],
        due_item,
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

/// When something is due next after `now`: what is timed, or the deadline of a task that waits.
pub(crate) fn next_due(q: &Read, now: Time) -> Result<Option<Time>, DbError> {
    q.one(
        "SELECT MIN(due_at) FROM (
             SELECT * FROM (SELECT due_at FROM work_due WHERE timed = 1 AND kind = 'ask'
                 AND due_at > $1 ORDER BY due_at LIMIT 1) AS next_ask
             UNION ALL
             SELECT * FROM (SELECT due_at FROM work_due WHERE timed = 1 AND kind = 'lease'
                 AND due_at > $1 ORDER BY due_at LIMIT 1) AS next_lease
             UNION ALL
             SELECT * FROM (SELECT due_at FROM work_due WHERE timed = 1 AND kind = 'ready'
                 AND due_at > $1 ORDER BY due_at LIMIT 1) AS next_ready
             UNION ALL
             SELECT * FROM (SELECT expires_at FROM work_due WHERE expires_at IS NOT NULL
                 AND expires_at > $1 ORDER BY expires_at LIMIT 1) AS next_expiry
         ) AS next_of_kind",
        args![now],
        |row| row.opt_time(0),
    )
}

/// The oldest thing to claim, and how many there are.
pub(crate) fn backlog(q: &Read) -> Result<(u64, Option<Time>), DbError> {
    q.one("SELECT COUNT(*), MIN(due_at) FROM work_due WHERE kind = 'ready'", args![], |row| {
        Ok((row.count(0)?, row.opt_time(1)?))
    })
}

/// How many tasks of a tenant stand at a status, which is none of `queued`, `running` and
/// `succeeded`.
pub(crate) fn count_status(q: &Read, of: &Tenant, status: &str) -> Result<u64, DbError> {
    q.one(
        "SELECT COUNT(*) FROM task
         WHERE tenant = $1 AND status = $2 AND status NOT IN ('queued', 'running', 'succeeded')",
        args![of, status],
        |row| row.count(0),
    )
}

/// How far every tenant's log has come: one that stands where it stood has changed nothing.
pub(crate) fn heads(q: &Read) -> Result<Vec<(Tenant, u64)>, DbError> {
    q.all("SELECT tenant, last FROM stream_head ORDER BY tenant", args![], |row| {
        Ok((tenant(&row.text(0)?)?, row.count(1)?))
    })
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
         WHERE tenant = $1 AND task_id = $2 AND attempt = $3 AND callback = $4
         UNION ALL
         SELECT 1 FROM task
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

/// Forgets at most `rows` ids that no signature can bring back any more; says how many.
pub(crate) fn forget_signatures(tx: &mut Tx<'_>, before: Time, rows: u64) -> Result<u64, DbError> {
    tx.exec(
        "DELETE FROM webhook_seen WHERE id IN
             (SELECT id FROM webhook_seen WHERE seen_at < $1 ORDER BY seen_at LIMIT $2)",
        args![before, rows],
    )
}
