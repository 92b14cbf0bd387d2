//! The worklog: what agents and NEXUS itself say while they work.

pub(crate) mod sql;

use nexus_core::id::WorklogId;
use nexus_core::text::clip;
use nexus_core::time::Time;
use nexus_kit::db::{DbError, Place, Tx};
use nexus_kit::log::ReportChange;
use serde::Serialize;

/// Longest line, in bytes.
pub const LINE_BYTES: usize = 4 << 10;

/// Bytes of lines after which a report is full: with one line more, a task and its result it stays
/// within what the stream carries, whatever has to be escaped.
pub(crate) const LINES_BYTES: usize = 8 << 10;

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
pub struct NewLine<'a> {
    /// How loud.
    pub level: Level,
    /// Who says it.
    pub agent: &'a str,
    /// What.
    pub text: &'a str,
    /// Ties it to the request.
    pub correlation_id: &'a str,
    /// About which task.
    pub task_id: Option<&'a str>,
    /// Who asked for what it is about, and so sees it clearly.
    pub requested_by: &'a str,
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
    /// Who asked for what it is about.
    pub requested_by: String,
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
    requested_by: &'a str,
}

/// Writes a line and returns the change that brings it. `nth` changes stand before it in its report.
///
/// # Errors
/// When the store fails.
pub fn write(
    tx: &mut Tx<'_>,
    place: &Place,
    nth: usize,
    line: &NewLine<'_>,
) -> Result<ReportChange, DbError> {
    let tenant = tx.tenant()?;
    let now = tx.now();
    let id = WorklogId::in_order(now, place.number, nth, &tx.id_entropy());
    let text = clip(line.text, LINE_BYTES);
    sql::insert(tx, &tenant, id.as_str(), place.number, now, line, &text)?;
    let value = LineValue {
        seq: place.number,
        done: true,
        level: line.level,
        agent: line.agent,
        text: &text,
        at: now,
        correlation_id: line.correlation_id,
        task_id: line.task_id,
        requested_by: line.requested_by,
    };
    Ok(ReportChange::upsert("worklog", id.as_str(), &value))
}
