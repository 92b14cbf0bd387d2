//! The worklog: what agents and NEXUS itself say while they work.

use nexus_core::id::WorklogId;
use nexus_core::tenant::Tenant;
use nexus_core::text::clip;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Place, Read, Sql, Tx};
use nexus_kit::log::ReportChange;
use serde::Serialize;

/// Longest line, in bytes.
pub(crate) const LINE_BYTES: usize = 4 << 10;

/// Lines that one report brings at most, so that it stays within what the stream carries.
pub(crate) const LINES_PER_REPORT: usize = 8;

/// How loud a line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the record.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A line to write.
pub(crate) struct NewLine<'a> {
    pub level: Level,
    pub agent: &'a str,
    pub text: &'a str,
    pub correlation_id: &'a str,
    pub task_id: Option<&'a str>,
}

/// A line as it was written.
#[derive(Serialize, utoipa::ToSchema)]
pub struct LineOut {
    /// `wlg_…`.
    pub id: String,
    /// `info`, `warn` or `error`.
    pub level: String,
    /// Who said it.
    pub agent: String,
    /// What it says.
    pub text: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// Ties it to the request.
    pub correlation_id: String,
    /// About which task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}

#[derive(Serialize)]
struct LineValue<'a> {
    seq: u64,
    done: bool,
    level: Level,
    agent: &'a str,
    text: &'a str,
    at: Time,
    correlation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<&'a str>,
}

/// Writes a line and returns the change that brings it.
pub(crate) fn write(
    tx: &mut Tx<'_>,
    place: &Place,
    line: &NewLine<'_>,
) -> Result<ReportChange, DbError> {
    let tenant = tx.tenant()?;
    let now = tx.now();
    let id = WorklogId::new(now, &tx.id_entropy());
    let text = clip(line.text, LINE_BYTES);
    tx.exec(
        "INSERT INTO worklog (tenant, line_id, seq, at, level, agent, text, correlation_id, task_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            &tenant,
            id.as_str(),
            place.number,
            now,
            line.level.as_str(),
            line.agent,
            &text,
            line.correlation_id,
            line.task_id
        ],
    )?;
    let value = LineValue {
        seq: place.number,
        done: true,
        level: line.level,
        agent: line.agent,
        text: &text,
        at: now,
        correlation_id: line.correlation_id,
        task_id: line.task_id,
    };
    Ok(ReportChange::upsert("worklog", id.as_str(), &value))
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
        "SELECT line_id, level, agent, text, at, correlation_id, task_id FROM worklog
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
        })
    })
}
