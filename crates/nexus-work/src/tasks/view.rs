//! How a task shows on the stream and in answers.

use nexus_core::failure::FailureCode;
use nexus_core::policy::Risk;
use nexus_core::task::Status;
use nexus_core::time::Time;
use nexus_kit::log::{Meta, ReportChange};
use serde::Serialize;
use serde_json::value::RawValue;

use super::row::Task;

/// Largest result that a report carries; the whole is at `GET /tasks/{id}`.
pub(crate) const RESULT_BYTES: usize = 16 << 10;

/// Longest error text that a report carries.
pub(crate) const ERROR_BYTES: usize = 2 << 10;

/// The value of a task in the view.
#[derive(Serialize)]
pub(crate) struct TaskValue<'a> {
    seq: u64,
    done: bool,
    command_type: &'a str,
    status: Status,
    risk: Risk,
    attempt: u32,
    retry_count: u32,
    correlation_id: &'a str,
    requested_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by_name: Option<&'a str>,
    created_at: Time,
    updated_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    result_elsewhere: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<FailureCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cancel_requested: bool,
}

/// The change that brings a task's present state.
pub(crate) fn change(task: &Task) -> ReportChange {
    let fits = task.result.as_ref().filter(|result| result.len() <= RESULT_BYTES);
    let value = TaskValue {
        seq: task.seq,
        done: task.status.done(),
        command_type: &task.command_type,
        status: task.status,
        risk: task.risk,
        attempt: task.attempt,
        retry_count: task.retry_count,
        correlation_id: &task.correlation_id,
        requested_by: &task.requested_by,
        requested_by_name: task.requested_by_name.as_deref(),
        created_at: task.created_at,
        updated_at: task.updated_at,
        started_at: task.started_at,
        finished_at: task.finished_at,
        agent: task.agent.as_deref(),
        ask_id: task.ask_id.as_deref(),
        progress: task.progress,
        // What is stored was serialised by this program.
        result: fits.and_then(|result| serde_json::from_str(result).ok()),
        result_elsewhere: task.result.is_some() && fits.is_none(),
        failure_code: task.failure_code,
        last_error: task.last_error.as_deref(),
        cancel_requested: task.cancel_requested,
    };
    ReportChange::upsert("tasks", task.task_id.as_str(), &value)
}

/// What a report about a task says about itself.
pub(crate) fn meta(task: &Task) -> Meta<'_> {
    Meta {
        approval_level: Some(task.level()),
        agent: task.agent.as_deref(),
        command_type: Some(&task.command_type),
        task_id: Some(task.task_id.as_str()),
        ask_id: task.ask_id.as_deref(),
        requested_by: Some(&task.requested_by),
    }
}
