//! `/tasks` and `/worklog`: reading what became of commands, calling off, asking again.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use nexus_core::failure::FailureCode;
use nexus_core::id::TaskId;
use nexus_core::policy::Risk;
use nexus_core::task::Status;
use nexus_core::time::Time;
use nexus_kit::http::page::{Limit, Page, Place};
use nexus_kit::http::principal::{Admin, Caller, Operator, Viewer};
use nexus_kit::http::problem::Problem;
use nexus_kit::http::query::Query;
use nexus_kit::http::seen::{Seen, seen};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::row::Task;
use super::{actions, sql};
use crate::WorkState;
use crate::boxes::operations::{Envelope, envelope};
use crate::error::WorkError;
use crate::worklog::{self, LineOut};

/// A task.
#[derive(Serialize, ToSchema)]
pub struct TaskOut {
    task_id: String,
    command_type: String,
    #[schema(value_type = String)]
    status: Status,
    #[schema(value_type = String)]
    risk: Risk,
    /// What decided the level.
    rule: String,
    #[schema(value_type = Object)]
    params: Value,
    correlation_id: String,
    /// `user:usr_…`, `service`, `admin`, …
    requested_by: String,
    /// What they were called then, if they are a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by_name: Option<String>,
    priority: i64,
    attempt: u32,
    retry_count: u32,
    ask_id: Option<String>,
    agent: Option<String>,
    progress: Option<f64>,
    /// How often somebody put it to work, from 1: a requeue begins a new run.
    run: u32,
    cancel_requested: bool,
    #[schema(value_type = Option<String>)]
    failure_code: Option<FailureCode>,
    /// What the code means, in English and Korean.
    failure_title: Option<String>,
    failure_title_ko: Option<String>,
    last_error: Option<String>,
    /// Whole, whatever its size. Missing in listings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    deadline_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Time>,
}

/// One attempt that is over.
#[derive(Serialize, ToSchema)]
pub struct AttemptOut {
    attempt: u32,
    agent: String,
    #[schema(value_type = String, format = DateTime)]
    started_at: Time,
    #[schema(value_type = String, format = DateTime)]
    finished_at: Time,
    /// `succeeded` or `failed`.
    outcome: String,
    failure_code: Option<String>,
    /// The agent's own code.
    agent_code: Option<String>,
    error: Option<String>,
}

/// An act on the outside world.
#[derive(Serialize, ToSchema)]
pub struct EffectOut {
    attempt: u32,
    target: String,
    /// SHA-256 of the exact bytes.
    digest: String,
    bytes: u64,
    /// Where the exact bytes are kept.
    kept_at: String,
    /// `intent` (nobody knows), `sent`, or `void` (nothing left).
    state: String,
    #[schema(value_type = String, format = DateTime)]
    intended_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    settled_at: Option<Time>,
}

/// A task with its history.
#[derive(Serialize, ToSchema)]
pub struct TaskDetail {
    #[serde(flatten)]
    task: TaskOut,
    /// How it failed, where it failed for good; masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Envelope>,
    attempts: Vec<AttemptOut>,
    /// What was sent outside.
    sent: Vec<EffectOut>,
}

impl TaskOut {
    fn new(task: Task, whole: bool) -> Self {
        let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        Self {
            result: task.result.as_deref().filter(|_| whole).map(json),
            params: json(&task.params),
            task_id: task.task_id.to_string(),
            command_type: task.command_type,
            status: task.status,
            risk: task.risk,
            rule: task.rule,
            correlation_id: task.correlation_id,
            requested_by: task.requested_by,
            requested_by_name: task.requested_by_name,
            priority: task.priority,
            attempt: task.attempt,
            retry_count: task.retry_count,
            ask_id: task.ask_id,
            agent: task.agent,
            progress: task.progress,
            run: task.run,
            cancel_requested: task.cancel_requested,
            failure_title: task.failure_code.map(|code| code.title_en().to_owned()),
            failure_title_ko: task.failure_code.map(|code| code.title_ko().to_owned()),
            failure_code: task.failure_code,
            last_error: task.last_error,
            created_at: task.created_at,
            updated_at: task.updated_at,
            deadline_at: task.deadline_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
        }
    }
}

/// Which tasks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TaskQuery {
    /// `queued`, `dead`, …
    status: Option<String>,
    /// `share.webhook`.
    #[serde(rename = "type")]
    command_type: Option<String>,
    /// Those of one request.
    correlation_id: Option<String>,
    /// Created at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Time>,
    /// Created before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Time>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Place<String>>,
    /// 1 to 200; 50 unless said otherwise.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    limit: Limit,
}

/// Lists tasks, the newest first.
#[utoipa::path(get, path = "/tasks", tag = "tasks", params(TaskQuery), security(("api_key" = [])),
    responses((status = 200, body = Page<TaskOut>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_tasks(
    State(state): State<WorkState>,
    caller: Caller<Viewer>,
    Query(query): Query<TaskQuery>,
) -> Result<Json<Page<Seen<TaskOut>>>, Problem> {
    let limit = query.limit;
    let status = query.status.map(|text| Status::parse(&text).ok_or_else(|| bad("status")));
    let filter = sql::Filter {
        status: status.transpose()?,
        command_type: query.command_type,
        correlation_id: query.correlation_id,
        since: query.since,
        until: query.until,
        before: query.cursor.map(|place| place.0),
    };
    let tenant = caller.tenant.clone();
    let found = state
        .0
        .app
        .db
        .read(&caller.tenant, move |q| sql::list(q, &tenant, &filter, limit.get() as i64 + 1));
    let found = found.await.map_err(WorkError::from)?;
    let page = Page::cut(found, limit, |task| task.task_id.to_string());
    let reader = caller.reader();
    Ok(Json(page.map(|task| seen(&reader, "tasks", TaskOut::new(task, false)))))
}

pub(crate) fn bad(name: &str) -> Problem {
    Problem::bad_request("invalid_parameter", format!("The parameter {name} cannot be read."))
}

/// Shows a task: how it stands, every attempt, its whole result, what it sent outside.
#[utoipa::path(get, path = "/tasks/{task_id}", tag = "tasks", params(("task_id" = String, Path)), security(("api_key" = [])),
    responses((status = 200, body = TaskDetail), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn get_task(
    State(state): State<WorkState>,
    caller: Caller<Viewer>,
    Path(task_id): Path<String>,
) -> Result<Json<Seen<TaskDetail>>, Problem> {
    let task_id = TaskId::parse(&task_id).map_err(|_| WorkError::NoTask)?;
    let tenant = caller.tenant.clone();
    let found = state.0.app.db.read(&caller.tenant, move |q| {
        let id = task_id.as_str();
        let task = sql::load(q, &tenant, id)?.ok_or(WorkError::NoTask)?;
        let attempts = sql::attempts(q, &task)?;
        let failure = envelope(q, &task, &attempts)?;
        Ok::<_, WorkError>((task, failure, attempts, sql::effects(q, &tenant, id)?))
    });
    let (task, failure, attempts, effects) = found.await?;
    let path = format!("/tasks/{}/sent", task.task_id);
    let sent = effects.into_iter().map(|effect| EffectOut {
        kept_at: format!("{path}/{}", effect.attempt),
        attempt: effect.attempt,
        target: effect.target,
        digest: effect.digest,
        bytes: effect.bytes,
        state: effect.state,
        intended_at: effect.intended_at,
        settled_at: effect.settled_at,
    });
    let attempts = attempts.into_iter().map(|attempt| AttemptOut {
        attempt: attempt.attempt,
        agent: attempt.agent,
        started_at: attempt.started_at,
        finished_at: attempt.finished_at,
        outcome: attempt.outcome,
        failure_code: attempt.failure_code,
        agent_code: attempt.agent_code,
        error: attempt.error,
    });
    let detail = TaskDetail {
        sent: sent.collect(),
        attempts: attempts.collect(),
        failure,
        task: TaskOut::new(task, true),
    };
    Ok(Json(seen(&caller.reader(), "tasks", detail)))
}

/// The exact bytes that an attempt sent outside, or was about to.
#[utoipa::path(get, path = "/tasks/{task_id}/sent/{attempt}", tag = "tasks", params(("task_id" = String, Path), ("attempt" = u32, Path)), security(("api_key" = [])),
    responses((status = 200, content_type = "application/octet-stream", description = "The bytes"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn get_sent(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
    Path((task_id, attempt)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let task_id = TaskId::parse(&task_id).map_err(|_| WorkError::NoTask)?;
    let attempt: u32 = attempt.parse().map_err(|_| WorkError::NoTask)?;
    let tenant = caller.tenant.clone();
    let bytes = state.0.app.db.read(&caller.tenant, move |q| {
        let effects = sql::effects(q, &tenant, task_id.as_str())?;
        let effect = effects.into_iter().find(|effect| effect.attempt == attempt);
        let effect = effect.ok_or(WorkError::NoTask)?;
        sql::sent(q, &tenant, &effect.digest)?.ok_or(WorkError::NoTask)
    });
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
    ];
    Ok((headers, bytes.await?).into_response())
}

/// That something was asked for; what happens comes by the stream.
#[derive(Serialize, ToSchema)]
pub struct Asked {
    /// `accepted`.
    pub(crate) status: &'static str,
}

pub(crate) const ACCEPTED: (StatusCode, Json<Asked>) =
    (StatusCode::ACCEPTED, Json(Asked { status: "accepted" }));

/// Calls a task off. One that runs is told so; another ends at once.
#[utoipa::path(post, path = "/tasks/{task_id}/cancel", tag = "tasks", params(("task_id" = String, Path)), security(("api_key" = [])),
    responses((status = 202, body = Asked), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, description = "`wrong_state`", body = Problem)))]
pub async fn cancel_task(
    State(state): State<WorkState>,
    caller: Caller<Operator>,
    Path(task_id): Path<String>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let task_id = TaskId::parse(&task_id).map_err(|_| WorkError::NoTask)?;
    let actor = caller.principal.decider(&caller.tenant);
    actions::cancel(&state.0, &caller.tenant, task_id.as_str(), &actor).await?;
    Ok(ACCEPTED)
}

/// Asks again for a task whose ask expired, or that was refused as not what was approved.
#[utoipa::path(post, path = "/tasks/{task_id}/ask_again", tag = "tasks", params(("task_id" = String, Path)), security(("api_key" = [])),
    responses((status = 202, body = Asked), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, description = "`wrong_state`", body = Problem)))]
pub async fn ask_again(
    State(state): State<WorkState>,
    caller: Caller<Operator>,
    Path(task_id): Path<String>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let task_id = TaskId::parse(&task_id).map_err(|_| WorkError::NoTask)?;
    let actor = caller.principal.name();
    actions::ask_again(&state.0, &caller.tenant, task_id.as_str(), &actor).await?;
    Ok(ACCEPTED)
}

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct WorklogQuery {
    /// Those of one task.
    task_id: Option<String>,
    /// Those of one request.
    correlation_id: Option<String>,
    /// Written at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Time>,
    /// Written before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Time>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Place<String>>,
    /// 1 to 200; 50 unless said otherwise.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    limit: Limit,
}

/// Lists worklog lines, the newest first; also those that the view has dropped.
#[utoipa::path(get, path = "/worklog", tag = "tasks", params(WorklogQuery), security(("api_key" = [])),
    responses((status = 200, body = Page<LineOut>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_worklog(
    State(state): State<WorkState>,
    caller: Caller<Viewer>,
    Query(query): Query<WorklogQuery>,
) -> Result<Json<Page<Seen<LineOut>>>, Problem> {
    let limit = query.limit;
    let filter = worklog::sql::Filter {
        task_id: query.task_id,
        correlation_id: query.correlation_id,
        since: query.since,
        until: query.until,
        before: query.cursor.map(|place| place.0),
    };
    let tenant = caller.tenant.clone();
    let found = state.0.app.db.read(&caller.tenant, move |q| {
        worklog::sql::list(q, &tenant, &filter, limit.get() as i64 + 1)
    });
    let found = found.await.map_err(WorkError::from)?;
    let (page, reader) = (Page::cut(found, limit, |line| line.id.clone()), caller.reader());
    Ok(Json(page.map(|line| seen(&reader, "worklog", line))))
}
