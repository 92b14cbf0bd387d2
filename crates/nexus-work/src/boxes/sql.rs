//! What stands in the boxes, in the store.

use nexus_core::cause;
use nexus_core::failure::FailureCode;
use nexus_core::tenant::Tenant;
use nexus_core::text::folded;
use nexus_core::time::Time;
use nexus_core::triage::Failed;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Row, Sql, Tx};
use nexus_kit::http::page::MAX_LIMIT;

use super::Box;
use super::filter::Filter;
use super::read::{AGES, Before, Cause};
use crate::tasks::row::Task;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Keeps the row of a task in step with its status: it enters a box, moves to another, or leaves.
/// A task that stood in none and stands in none costs nothing.
pub(crate) fn keep(tx: &mut Tx<'_>, task: &Task) -> Result<(), DbError> {
    match (Box::of(task.stored), Box::of(task.status)) {
        (None, None) => Ok(()),
        (None, Some(into)) => enter(tx, task, into),
        (Some(_), Some(into)) => tx.put(
            "UPDATE failed SET box = $3 WHERE tenant = $1 AND task_id = $2",
            args![&task.tenant, task.task_id.as_str(), into.as_str()],
        ),
        (Some(_), None) => leave(tx, &task.tenant, task.task_id.as_str()),
    }
}

/// Takes a task out of its box; for whoever deletes the task itself.
pub(crate) fn leave(tx: &mut Tx<'_>, tenant: &Tenant, task_id: &str) -> Result<(), DbError> {
    tx.put("DELETE FROM failed WHERE tenant = $1 AND task_id = $2", args![tenant, task_id])
}

fn enter(tx: &mut Tx<'_>, task: &Task, into: Box) -> Result<(), DbError> {
    let code = task.failure_code.unwrap_or(FailureCode::InternalError);
    let error = task.last_error.as_deref().unwrap_or_default();
    let failed_at = task.finished_at.unwrap_or(task.updated_at);
    tx.put(
        "INSERT INTO failed (tenant, task_id, box, failed_at, failure_code, command_type, cause, text,
             run)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant, task_id) DO UPDATE SET box = $3, failed_at = $4, failure_code = $5,
             cause = $7, text = $8, run = $9, acked_at = NULL, acked_by = NULL, acked_by_name = NULL,
             ack_note = NULL, resolved_at = NULL",
        args![
            &task.tenant,
            task.task_id.as_str(),
            into.as_str(),
            failed_at,
            code.as_str(),
            &task.command_type,
            &cause::id(code, &task.command_type, error),
            &searched(error, task.agent_code.as_deref()),
            task.run,
        ],
    )?;
    tx.put(
        "INSERT INTO failure_count (tenant, day, failure_code, count) VALUES ($1, $2, $3, 1)
         ON CONFLICT (tenant, day, failure_code) DO UPDATE SET count = failure_count.count + 1",
        args![&task.tenant, failed_at.micros().div_euclid(DAY), code.as_str()],
    )
}

/// What a filter's text is searched in.
fn searched(error: &str, agent_code: Option<&str>) -> String {
    folded(&format!("{error} {}", agent_code.unwrap_or_default()))
}

/// Begins a condition on the tasks in a box that a filter lets through.
pub(super) fn wanted(sql: &mut Sql, tenant: &Tenant, of: Box, filter: &Filter) {
    sql.push(" WHERE failed.tenant = ").bind(tenant.key());
    sql.push(" AND failed.box = ").bind(of.as_str());
    let names = |codes: &[FailureCode]| codes.iter().map(|code| code.as_str()).collect::<Vec<_>>();
    let codes = names(&filter.codes);
    match &filter.or_worn {
        None => among(sql, " AND failed.failure_code IN (", &codes),
        Some((worn, runs)) => {
            let (first, end) = match codes.is_empty() {
                true => (" AND (failed.failure_code IN (", ")"),
                false => (" OR failed.failure_code IN (", ")"),
            };
            among(sql, " AND (failed.failure_code IN (", &codes);
            among(sql, first, &names(worn));
            sql.push(" AND failed.run >= ").bind_int(i64::from(*runs)).push(end);
        }
    }
    if let Some(runs) = filter.runs_below {
        sql.push(" AND failed.run < ").bind_int(i64::from(runs));
    }
    among(sql, " AND failed.command_type IN (", &filter.types);
    among(sql, " AND failed.cause IN (", &filter.causes);
    if let Some(until) = filter.until {
        sql.push(" AND failed.failed_at <= ").bind_int(until.micros());
    }
    if let Some(after) = filter.after {
        sql.push(" AND failed.failed_at > ").bind_int(after.micros());
    }
    if let Some(text) = &filter.text {
        sql.push(" AND failed.text LIKE ").bind(&contains(text)).push(" ESCAPE '!'");
    }
}

fn among<T: AsRef<str>>(sql: &mut Sql, condition: &'static str, names: &[T]) {
    for (number, name) in names.iter().enumerate() {
        sql.push(if number == 0 { condition } else { ", " }).bind(name.as_ref());
    }
    if !names.is_empty() {
        sql.push(")");
    }
}

/// The pattern of what contains a text.
fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The tasks in a box that a filter lets through, those that failed first first: at most `limit`
/// ids, always in the same order.
pub(crate) fn ids(
    q: &Read,
    tenant: &Tenant,
    of: Box,
    filter: &Filter,
    limit: u64,
) -> Result<Vec<String>, DbError> {
    // All in one text: to send a row for each of a hundred thousand ids takes longer than to find them.
    let mut sql =
        Sql::new("SELECT string_agg(found.task_id, ',') FROM (SELECT failed.task_id FROM failed");
    wanted(&mut sql, tenant, of, filter);
    sql.push(" ORDER BY failed.failed_at, failed.task_id LIMIT ");
    sql.bind_int(i64::try_from(limit).unwrap_or(i64::MAX)).push(") AS found");
    let found = q.all_built(&sql, |row| row.opt_text(0))?;
    let listed = found.iter().flatten().flat_map(|ids| ids.split(','));
    Ok(listed.map(str::to_owned).collect())
}

/// How many tasks in a box a filter lets through, up to a task and this one included, by code; with
/// the last of those whose cause nobody says is gone for that very task.
pub(crate) fn last_of_codes(
    q: &Read,
    tenant: &Tenant,
    of: Box,
    filter: &Filter,
    upto: Option<(Time, &str)>,
) -> Result<Vec<(Failed, u64)>, DbError> {
    let mut sql = Sql::new(
        "SELECT failed.failure_code, COUNT(*),
             MAX(CASE WHEN failed.resolved_at IS NULL THEN failed.failed_at END) FROM failed",
    );
    wanted(&mut sql, tenant, of, filter);
    if let Some((failed_at, task_id)) = upto {
        sql.push(" AND (failed.failed_at, failed.task_id) <= (").bind_int(failed_at.micros());
        sql.push(", ").bind(task_id).push(")");
    }
    sql.push(" GROUP BY failed.failure_code");
    q.all_built(&sql, |row| {
        let last = row.opt_time(2)?;
        let (code, failed_at) = (code(&row.text(0)?), last.unwrap_or_default());
        Ok((Failed { code, failed_at, resolved: last.is_none() }, row.count(1)?))
    })
}

/// A task in a box.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub task_id: String,
    pub failed: Failed,
    pub task_type: String,
    /// Empty for a moment after an upgrade.
    pub cause: String,
    pub ack: Option<Ack>,
    pub risk: String,
    pub agent_code: Option<String>,
    pub error: String,
    pub attempts: u32,
    pub retry_count: u32,
    pub run: u32,
    pub agent: Option<String>,
    pub correlation_id: String,
    pub requested_by: String,
    pub requested_by_name: Option<String>,
}

impl Failure {
    /// What a listing sorts by.
    pub fn place(&self) -> (i64, &str) {
        (self.failed.failed_at.micros(), &self.task_id)
    }
}

/// Who has seen a failed task, and what they said.
#[derive(Clone, Debug)]
pub(crate) struct Ack {
    pub at: Time,
    pub by: String,
    pub by_name: Option<String>,
    pub note: String,
}

/// The tasks in a box that a filter lets through, those that failed last first, behind a place: a page
/// and one more at most.
pub(super) fn peek(
    q: &Read,
    tenant: &Tenant,
    of: Box,
    filter: &Filter,
    before: Option<&Before>,
    limit: usize,
) -> Result<Vec<Failure>, DbError> {
    // The ids of the page first, which an index alone gives; then what is shown of them.
    let mut sql = Sql::new(
        "SELECT page.task_id, it.failure_code, page.failed_at, it.resolved_at, it.command_type,
             it.cause, it.acked_at, it.acked_by, it.acked_by_name, it.ack_note, task.risk,
             task.agent_code, task.last_error, task.attempt, task.retry_count, task.run, task.agent,
             task.correlation_id, task.requested_by, task.requested_by_name
         FROM (SELECT failed.tenant, failed.task_id, failed.failed_at FROM failed",
    );
    wanted(&mut sql, tenant, of, filter);
    if let Some((failed_at, task_id)) = before {
        sql.push(" AND (failed.failed_at, failed.task_id) < (").bind_int(*failed_at);
        sql.push(", ").bind(task_id).push(")");
    }
    // A number that stands in the text: for one that is bound, Postgres plans thousands of rows.
    sql.push(" ORDER BY failed.failed_at DESC, failed.task_id DESC LIMIT 201");
    const { assert!(MAX_LIMIT + 1 == 201) };
    sql.push(
        ") AS page JOIN failed AS it ON it.tenant = page.tenant AND it.task_id = page.task_id
         JOIN task ON task.tenant = page.tenant AND task.task_id = page.task_id
         ORDER BY page.failed_at DESC, page.task_id DESC LIMIT ",
    );
    sql.bind_int(i64::try_from(limit).unwrap_or(i64::MAX));
    q.all_built(&sql, failure)
}

fn failure(row: &Row<'_>) -> Result<Failure, DbError> {
    let ack = match row.opt_time(6)? {
        None => None,
        Some(at) => Some(Ack {
            at,
            by: row.opt_text(7)?.unwrap_or_default(),
            by_name: row.opt_text(8)?,
            note: row.opt_text(9)?.unwrap_or_default(),
        }),
    };
    Ok(Failure {
        task_id: row.text(0)?,
        failed: Failed {
            code: code(&row.text(1)?),
            failed_at: row.time(2)?,
            resolved: row.opt_time(3)?.is_some(),
        },
        task_type: row.text(4)?,
        cause: row.text(5)?,
        ack,
        risk: row.text(10)?,
        agent_code: row.opt_text(11)?,
        error: row.opt_text(12)?.unwrap_or_default(),
        attempts: row.small(13)?,
        retry_count: row.small(14)?,
        run: row.small(15)?,
        agent: row.opt_text(16)?,
        correlation_id: row.text(17)?,
        requested_by: row.text(18)?,
        requested_by_name: row.opt_text(19)?,
    })
}

/// Tasks of one code and one type.
pub(super) struct Group {
    pub code: FailureCode,
    pub task_type: String,
    pub count: u64,
    /// By [`AGES`].
    pub by_age: [u64; AGES.len()],
    /// How many of them were put to work as often as policy does that, or more often.
    pub worn: u64,
}

/// How many tasks of each code and type a filter lets through; `ages` begin the buckets, the
/// youngest first, and `most` runs are those that policy gives a task.
pub(super) fn groups(
    q: &Read,
    tenant: &Tenant,
    of: Box,
    filter: &Filter,
    ages: &[Option<Time>; AGES.len()],
    most: u32,
) -> Result<Vec<Group>, DbError> {
    let mut sql = Sql::new("SELECT ");
    sql.push(grouping(filter)).push(", COUNT(*), SUM(CASE WHEN failed.run >= ");
    sql.bind_int(i64::from(most)).push(" THEN 1 ELSE 0 END)");
    for age in ages.iter().flatten() {
        sql.push(", SUM(CASE WHEN failed.failed_at > ").bind_int(age.micros());
        sql.push(" THEN 1 ELSE 0 END)");
    }
    sql.push(" FROM failed");
    wanted(&mut sql, tenant, of, filter);
    sql.push(" GROUP BY ").push(grouping(filter));
    q.all_built(&sql, |row| {
        let count = row.count(2)?;
        let mut by_age = [0; AGES.len()];
        let mut younger = 0;
        for (bucket, age) in ages.iter().enumerate() {
            let upto = if age.is_some() { row.count(4 + bucket)? } else { count };
            by_age[bucket] = upto - younger;
            younger = upto;
        }
        let worn = row.count(3)?;
        Ok(Group { code: code(&row.text(0)?), task_type: row.text(1)?, count, by_age, worn })
    })
}

/// What groups are made by. Without a text, an index has them one after the other. With one, SQLite
/// would walk the same index and look up each row's text elsewhere; the expression sends it to the
/// index that has the texts.
fn grouping(filter: &Filter) -> &'static str {
    match filter.text {
        None => "failed.failure_code, failed.command_type",
        Some(_) => "failed.failure_code || '', failed.command_type",
    }
}

/// The causes of what a filter lets through, the `limit` largest. Their messages are the errors of
/// their samples as they came.
pub(super) fn causes(
    q: &Read,
    tenant: &Tenant,
    of: Box,
    filter: &Filter,
    limit: u64,
) -> Result<Vec<Cause>, DbError> {
    // Counted by an index alone, and then a sample for each that is listed.
    let mut sql = Sql::new(
        "SELECT cause.cause, cause.code, cause.command_type, cause.tasks, cause.first_at,
             cause.last_at, cause.task_id,
             (SELECT task.last_error FROM task WHERE task.task_id = cause.task_id AND task.tenant = ",
    );
    sql.bind(tenant.key()).push(
        ") FROM (SELECT found.cause, found.code, found.command_type, found.tasks, found.first_at,
             found.last_at, (SELECT MAX(failed.task_id) FROM failed",
    );
    wanted(&mut sql, tenant, of, filter);
    sql.push(
        " AND failed.failure_code = found.code AND failed.command_type = found.command_type
              AND failed.cause = found.cause AND failed.failed_at = found.last_at) AS task_id
         FROM (SELECT ",
    );
    sql.push(match filter.text {
        None => "failed.failure_code AS code",
        Some(_) => "failed.failure_code || '' AS code",
    });
    sql.push(
        ", failed.command_type, failed.cause, COUNT(*) AS tasks, MIN(failed.failed_at) AS first_at,
             MAX(failed.failed_at) AS last_at
         FROM failed",
    );
    wanted(&mut sql, tenant, of, filter);
    sql.push(" GROUP BY ").push(grouping(filter)).push(", failed.cause");
    sql.push(" ORDER BY tasks DESC, failed.cause LIMIT ");
    sql.bind_int(i64::try_from(limit).unwrap_or(i64::MAX)).push(") AS found) AS cause");
    q.all_built(&sql, |row| {
        Ok(Cause {
            tenant: tenant.clone(),
            cause: row.text(0)?,
            code: code(&row.text(1)?),
            task_type: row.text(2)?,
            count: row.count(3)?,
            first: row.time(4)?,
            last: row.time(5)?,
            sample: row.text(6)?,
            message: row.opt_text(7)?.unwrap_or_default(),
        })
    })
}

/// Finds out the causes of at most `rows` tasks that failed before there were causes; says whether
/// there may be more.
pub(crate) fn name_causes(tx: &mut Tx<'_>, tenant: &Tenant, rows: u64) -> Result<bool, DbError> {
    let unnamed = tx.all(
        "SELECT failed.task_id, failed.failure_code, failed.command_type, task.last_error,
             task.agent_code
         FROM failed JOIN task ON task.tenant = failed.tenant AND task.task_id = failed.task_id
         WHERE failed.tenant = $1 AND failed.cause = '' LIMIT $2",
        args![tenant, rows],
        |row| {
            let error = row.opt_text(3)?.unwrap_or_default();
            let cause = cause::id(code(&row.text(1)?), &row.text(2)?, &error);
            let text = searched(&error, row.opt_text(4)?.as_deref());
            Ok::<_, DbError>((row.text(0)?, cause, text))
        },
    )?;
    for (task_id, cause, text) in &unnamed {
        tx.put(
            "UPDATE failed SET cause = $3, text = $4 WHERE tenant = $1 AND task_id = $2",
            args![tenant, task_id, cause, text],
        )?;
    }
    Ok(unnamed.len() as u64 == rows)
}

/// In which box a task stands, and what triage asks about it; none where it stands in none.
pub(crate) fn find(
    q: &Read,
    tenant: &Tenant,
    task_id: &str,
) -> Result<Option<(Box, Failed)>, DbError> {
    q.opt(
        "SELECT box, failure_code, failed_at, resolved_at FROM failed
         WHERE tenant = $1 AND task_id = $2",
        args![tenant, task_id],
        |row| {
            let failed = Failed {
                code: code(&row.text(1)?),
                failed_at: row.time(2)?,
                resolved: row.opt_time(3)?.is_some(),
            };
            Ok((parse_box(&row.text(0)?)?, failed))
        },
    )
}

/// How often a task in a box was put to work.
pub(super) fn run(q: &Read, tenant: &Tenant, task_id: &str) -> Result<u32, DbError> {
    let found = q.opt(
        "SELECT run FROM failed WHERE tenant = $1 AND task_id = $2",
        args![tenant, task_id],
        |row| row.small(0),
    )?;
    Ok(found.unwrap_or_default())
}

fn parse_box(text: &str) -> Result<Box, DbError> {
    Box::parse(text).ok_or_else(|| DbError::Failed("a stored box cannot be read".into()))
}

/// A stored code; one that only another version knows is a fault of NEXUS here.
pub(super) fn code(text: &str) -> FailureCode {
    FailureCode::parse(text).unwrap_or(FailureCode::InternalError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_searched_text_means_itself() {
        assert_eq!(contains("100%_a!"), "%100!%!_a!!%");
        assert_eq!(searched("파일 없음 /A", Some("E_IO")), "파일 없음 /a e_io");
        assert_eq!(searched("ABC", None), "abc ");
    }
}
