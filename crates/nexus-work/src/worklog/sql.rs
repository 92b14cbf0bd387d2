//! Worklog lines in the store.

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Sql, Tx};

use super::{LineOut, NewLine};

pub(super) fn insert(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    id: &str,
    seq: u64,
    at: Time,
    line: &NewLine<'_>,
    text: &str,
) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO worklog (tenant, line_id, seq, at, level, agent, text, correlation_id, task_id,
             requested_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            tenant,
            id,
            seq,
            at,
            line.level.as_str(),
            line.agent,
            text,
            line.correlation_id,
            line.task_id,
            line.requested_by,
        ],
    )?;
    Ok(())
}

/// Which lines a listing wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub task_id: Option<String>,
    pub correlation_id: Option<String>,
    pub since: Option<Time>,
    pub until: Option<Time>,
    pub before: Option<String>,
}

/// The newest `limit` lines that a filter lets through.
pub(crate) fn list(
    q: &Read,
    tenant: &Tenant,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<LineOut>, DbError> {
    let mut sql = Sql::new(
        "SELECT line_id, level, agent, text, at, correlation_id, task_id, requested_by
         FROM worklog
         WHERE tenant = ",
    );
    sql.bind(tenant.key());
    if let Some(task_id) = &filter.task_id {
        sql.push(" AND task_id = ").bind(task_id);
    }
    if let Some(correlation_id) = &filter.correlation_id {
        sql.push(" AND correlation_id = ").bind(correlation_id);
    }
    if let Some(since) = filter.since {
        sql.push(" AND at >= ").bind_int(since.micros());
    }
    if let Some(until) = filter.until {
        sql.push(" AND at < ").bind_int(until.micros());
    }
    if let Some(before) = &filter.before {
        sql.push(" AND line_id < ").bind(before);
    }
    sql.push(" ORDER BY line_id DESC LIMIT ").bind_int(limit);
    q.all_built(&sql, |row| {
        Ok(LineOut {
            id: row.text(0)?,
            level: row.text(1)?,
            agent: row.text(2)?,
            text: row.text(3)?,
            at: row.time(4)?,
            correlation_id: row.text(5)?,
            task_id: row.opt_text(6)?,
            requested_by: row.text(7)?,
        })
    })
}
