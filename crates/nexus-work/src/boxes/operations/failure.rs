//! The failure envelope: what a failed task says about how it failed, masked, in answers and, when it
//! is purged, in the audit log.

use nexus_core::failure::FailureCode;
use nexus_core::mask::mask;
use nexus_core::time::Time;
use nexus_kit::db::{DbError, Read};
use serde::Serialize;
use utoipa::ToSchema;

use crate::tasks::row::Task;
use crate::tasks::sql::{self as tasks, Attempt};
use crate::worklog;

/// Worklog lines that an envelope has at most: the last ones.
const LINES: i64 = 5;

/// How a task failed; masked whoever reads it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Envelope {
    /// Why.
    #[schema(value_type = String)]
    pub failure_code: FailureCode,
    /// The agent's own code for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_code: Option<String>,
    /// What the agent said.
    pub error: String,
    /// When it failed for good.
    #[schema(value_type = String, format = DateTime)]
    pub failed_at: Time,
    /// Attempts of all its runs.
    pub attempts: u32,
    /// Who performed the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The last lines of the worklog, in order.
    pub lines: Vec<EnvelopeLine>,
}

/// A line of the worklog.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EnvelopeLine {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// `info`, `warn` or `error`.
    pub level: String,
    /// Who said it.
    pub agent: String,
    /// What.
    pub text: String,
}

/// The envelope of a task that lies in a box; `attempts` are its own.
pub(crate) fn envelope(
    q: &Read,
    task: &Task,
    attempts: &[Attempt],
) -> Result<Option<Envelope>, DbError> {
    let Some(failure_code) = task.failure_code.filter(|_| task.status.in_box()) else {
        return Ok(None);
    };
    let of_task = worklog::sql::Filter {
        task_id: Some(task.task_id.to_string()),
        ..worklog::sql::Filter::default()
    };
    let lines = worklog::sql::list(q, &task.tenant, &of_task, LINES)?;
    let lines = lines.into_iter().rev().map(|line| EnvelopeLine {
        at: line.at,
        level: line.level,
        agent: mask(&line.agent).into_owned(),
        text: mask(&line.text).into_owned(),
    });
    let last = attempts.last();
    Ok(Some(Envelope {
        failure_code,
        agent_code: last.and_then(|last| last.agent_code.as_deref()).map(|c| mask(c).into_owned()),
        error: mask(task.last_error.as_deref().unwrap_or_default()).into_owned(),
        failed_at: task.finished_at.unwrap_or(task.updated_at),
        attempts: task.attempt,
        agent: task.agent.as_deref().map(|agent| mask(agent).into_owned()),
        lines: lines.collect(),
    }))
}

/// The same, with its attempts looked up.
pub(super) fn envelope_of(q: &Read, task: &Task) -> Result<Option<Envelope>, DbError> {
    let attempts = tasks::attempts(q, task)?;
    envelope(q, task, &attempts)
}
