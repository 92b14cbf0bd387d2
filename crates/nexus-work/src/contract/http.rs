//! `/agent/…`: the agent contract over HTTP.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use nexus_core::failure::FailureCode;
use nexus_core::id::TaskId;
use nexus_core::json::sha256_hex;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::http::RequestContext;
use nexus_kit::http::body::{Body, Raw, check_json, parse};
use nexus_kit::http::principal::AgentCaller;
use nexus_kit::http::problem::Problem;
use nexus_kit::settings::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::callback::{self, Callback, Failure, Line, MAX_LINES, Saying, heartbeat};
use super::claim::{Claimer, Envelope, MAX_CLAIM, claim, claim_ids};
use super::effect::Speaker;
use super::{schemas, signature};
use crate::error::WorkError;
use crate::tasks::http::{ACCEPTED, Asked};
use crate::{Work, WorkState};

/// Longest long poll.
const MAX_WAIT: u32 = 30;

/// What an agent wants to work on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimIn {
    /// The agent's name in reports; 1 to 64 of `A-Z a-z 0-9 . _ -`.
    agent: String,
    /// Command types, each of which the key allows.
    types: Vec<String>,
    /// 1 to 64.
    #[serde(default = "one")]
    max: u32,
    /// Waits this long for something to come, 0 to 30.
    #[serde(default)]
    wait_seconds: u32,
}

/// One task that a wake-up named.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimOneIn {
    /// The agent's name in reports.
    agent: String,
}

fn one() -> u32 {
    1
}

/// What an agent got.
#[derive(Serialize, ToSchema)]
pub struct Claims {
    /// Empty when the time is up.
    tasks: Vec<Envelope>,
}

fn claimer(
    work: &Work,
    caller: &AgentCaller,
    agent: &str,
    types: Vec<String>,
) -> Result<Claimer, WorkError> {
    let named = (1..=64).contains(&agent.len())
        && agent.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if !named {
        return Err(WorkError::field("/agent", "1 to 64 of A-Z a-z 0-9 . _ -"));
    }
    // What an agent in this process performs is never handed out, whatever a key says.
    let foreign = |name: &&String| {
        !caller.key.types.contains(name) || work.catalogue.builtin_type(name).is_some()
    };
    if let Some(other) = types.iter().find(foreign) {
        return Err(WorkError::TypeNotAllowed(other.clone()));
    }
    Ok(Claimer {
        agent: agent.to_owned(),
        owner: caller.key.key_id.clone(),
        types,
        tenant: caller.tenant.clone(),
        outside: true,
    })
}

/// Claims due tasks, waiting for some if there are none.
#[utoipa::path(post, path = "/agent/tasks/claim", tag = "agents", request_body = ClaimIn, security(("api_key" = [])),
    responses((status = 200, body = Claims), (status = 401, body = Problem), (status = 403, description = "`type_not_allowed`", body = Problem), (status = 422, body = Problem)))]
pub async fn claim_tasks(
    State(state): State<WorkState>,
    caller: AgentCaller,
    Body(body): Body<ClaimIn>,
) -> Result<Json<Claims>, Problem> {
    if body.types.is_empty() || body.types.len() > 200 {
        return Err(WorkError::field("/types", "1 to 200 command types").into());
    }
    let max = usize::try_from(body.max).unwrap_or(usize::MAX);
    if !(1..=MAX_CLAIM).contains(&max) {
        return Err(WorkError::field("/max", "1 to 64").into());
    }
    if body.wait_seconds > MAX_WAIT {
        return Err(WorkError::field("/wait_seconds", "0 to 30").into());
    }
    let claimer = claimer(&state.0, &caller, &body.agent, body.types)?;
    let clock = state.0.app.clock.clone();
    let until = clock.expiry().plus(Duration::from_secs(u64::from(body.wait_seconds)));
    let mut due = state.0.app.wake.subscribe();
    loop {
        due.borrow_and_update();
        let tasks = claim(&state.0, &claimer, max).await?;
        if !tasks.is_empty() || clock.expiry() >= until {
            return Ok(Json(Claims { tasks }));
        }
        tokio::select! {
            changed = due.changed() => if changed.is_err() { return Ok(Json(Claims { tasks })) },
            () = clock.sleep_until(until) => {}
            // A shutdown does not wait for those who wait themselves; they ask again elsewhere.
            () = state.0.closing() => return Ok(Json(Claims { tasks })),
        }
    }
}

/// Claims one task that a wake-up named; empty if somebody else has it.
#[utoipa::path(post, path = "/agent/tasks/{task_id}/claim", tag = "agents", request_body = ClaimOneIn, params(("task_id" = String, Path)), security(("api_key" = [])),
    responses((status = 200, body = Claims), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn claim_task(
    State(state): State<WorkState>,
    caller: AgentCaller,
    Path(task_id): Path<String>,
    Body(body): Body<ClaimOneIn>,
) -> Result<Json<Claims>, Problem> {
    let task_id = TaskId::parse(&task_id).map_err(|_| WorkError::NoTask)?;
    let tenant = tenant(&caller)?;
    let outside = |name: &&String| state.0.catalogue.builtin_type(name).is_none();
    let types = caller.key.types.iter().filter(outside).cloned().collect();
    let claimer = claimer(&state.0, &caller, &body.agent, types)?;
    visible(&state.0, &caller, &tenant, task_id.as_str()).await?;
    let tasks = claim_ids(&state.0, &claimer, &tenant, vec![task_id.to_string()]).await?;
    Ok(Json(Claims { tasks }))
}

fn tenant(caller: &AgentCaller) -> Result<Tenant, Problem> {
    caller.tenant.clone().ok_or_else(|| {
        Problem::bad_request(
            "tenant_missing",
            "This key is of all tenants: name the envelope's by x-org-id and x-project-id.",
        )
    })
}

/// Refuses tasks of types that the key does not know, as if they were not there.
async fn visible(
    work: &Work,
    caller: &AgentCaller,
    tenant: &Tenant,
    task_id: &str,
) -> Result<(), WorkError> {
    let (whose, id) = (tenant.clone(), task_id.to_owned());
    let task = work.app.db.read(tenant, move |q| crate::tasks::sql::load(q, &whose, &id)).await?;
    match task {
        Some(task) if caller.key.types.contains(&task.command_type) => Ok(()),
        _ => Err(WorkError::NoTask),
    }
}

/// Proof of the attempt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatIn {
    attempt: u32,
    attempt_token: String,
}

/// How long the claim holds now.
#[derive(Serialize, ToSchema)]
pub struct HeartbeatOut {
    /// Stop and report `failed`.
    cancel: bool,
    #[schema(value_type = String, format = DateTime)]
    lease_until: Time,
}

/// Keeps a claim; says whether somebody wants the agent to stop.
#[utoipa::path(post, path = "/agent/tasks/{task_id}/heartbeat", tag = "agents", request_body = HeartbeatIn, params(("task_id" = String, Path)), security(("api_key" = [])),
    responses((status = 200, body = HeartbeatOut), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, description = "`stale_attempt`", body = Problem)))]
pub async fn beat(
    State(state): State<WorkState>,
    caller: AgentCaller,
    Path(task_id): Path<String>,
    Body(body): Body<HeartbeatIn>,
) -> Result<Json<HeartbeatOut>, Problem> {
    let task_id = TaskId::parse(&task_id).map_err(|_| WorkError::NoTask)?;
    let tenant = tenant(&caller)?;
    let speaker = Speaker {
        tenant,
        task_id: task_id.to_string(),
        attempt: body.attempt,
        token: body.attempt_token,
    };
    let beat = heartbeat(&state.0, speaker, Some(caller.key.types.clone())).await?;
    Ok(Json(HeartbeatOut { cancel: beat.cancel, lease_until: beat.lease_until }))
}

/// What an agent says about its attempt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallbackIn {
    task_id: String,
    attempt: u32,
    attempt_token: String,
    /// The agent's name.
    agent: String,
    /// `running`, `progress`, `succeeded` or `failed`.
    status: CallbackStatus,
    /// Lines for the worklog, at most 64.
    #[serde(default)]
    worklog: Vec<Line>,
    /// 0 to 1.
    #[serde(default)]
    progress: Option<f64>,
    /// With `succeeded`: any JSON.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// With `failed`.
    #[serde(default)]
    error: Option<CallbackError>,
    /// When the agent sent it; for people.
    #[serde(default)]
    #[expect(dead_code, reason = "part of the contract; nothing rests on another clock")]
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Time>,
}

/// How an attempt stands.
#[derive(Deserialize, ToSchema, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum CallbackStatus {
    /// It works.
    Running,
    /// It got further.
    Progress,
    /// It is done.
    Succeeded,
    /// It failed.
    Failed,
}

/// Why an attempt failed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallbackError {
    /// One of the taxonomy, or the agent's own, which counts as `AGENT_ERROR` and is kept beside it.
    failure_code: String,
    /// For a person.
    message: String,
    /// Whether another attempt may help. For a RED task: whether it is sure that nothing left.
    #[serde(default)]
    retryable: Option<bool>,
}

/// Takes what an agent says. The same callback twice has one effect and the same answer.
#[utoipa::path(post, path = "/agent/callback", tag = "agents", request_body = CallbackIn, security(("api_key" = [])),
    responses((status = 202, body = Asked), (status = 401, description = "`bad_signature` where callbacks must be signed", body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, description = "`stale_attempt`", body = Problem), (status = 422, body = Problem)))]
pub async fn take_callback(
    State(state): State<WorkState>,
    caller: AgentCaller,
    context: RequestContext,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let tenant = tenant(&caller)?;
    let secret = &state.0.app.settings.tasks.callback_secret;
    let signed = check_signature(&state.0, secret, &caller, &context, &headers, &body)?;
    check_json(&headers)?;
    let said: CallbackIn = parse(&body)?;
    TaskId::parse(&said.task_id).map_err(|_| WorkError::NoTask)?;
    let digest = sha256_hex(&body);
    let types = Some(caller.key.types.clone());
    let read = read_callback(said, tenant, digest, &state.0).await?;
    let callback = Callback { signed, types, ..read };
    callback::hear(&state.0, callback).await?;
    Ok(ACCEPTED)
}

/// Where callbacks must be signed, refuses those that are not; returns the id that was signed.
fn check_signature(
    work: &Work,
    secret: &Secret,
    caller: &AgentCaller,
    context: &RequestContext,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Option<String>, Problem> {
    if secret.is_empty() {
        return Ok(None);
    }
    let id = signature::verify(secret, headers, body, work.app.clock.now()).map_err(|error| {
        tracing::warn!(%error, key = %caller.key.key_id, "a callback's signature was refused");
        let problem = Problem::unauthorized(
            "bad_signature",
            "Callbacks must be signed by Standard Webhooks with the configured secret.",
        );
        work.app.auth.refused(nexus_kit::http::principal::Refused {
            tenant: caller.tenant.clone(),
            principal: Some(format!("agent:{}", caller.key.key_id)),
            code: problem.code,
            request: "POST /agent/callback".to_owned(),
            peer: context.peer_address(),
            correlation_id: caller.correlation_id.clone(),
        });
        problem
    })?;
    Ok(Some(format!("{}:{id}", caller.key.key_id)))
}

async fn read_callback(
    said: CallbackIn,
    tenant: Tenant,
    digest: String,
    work: &Work,
) -> Result<Callback, WorkError> {
    if said.worklog.len() > MAX_LINES {
        return Err(WorkError::field("/worklog", "at most 64 lines"));
    }
    if said.progress.is_some_and(|progress| !(0.0..=1.0).contains(&progress)) {
        return Err(WorkError::field("/progress", "0 to 1"));
    }
    let saying = match said.status {
        CallbackStatus::Running | CallbackStatus::Progress => Saying::Running,
        CallbackStatus::Succeeded => {
            Saying::Succeeded { result: said.result.unwrap_or(Value::Null).to_string() }
        }
        CallbackStatus::Failed => {
            let Some(error) = said.error else {
                return Err(WorkError::field("/error", "a failed attempt says why"));
            };
            let code = FailureCode::parse(&error.failure_code);
            let own = code.is_none().then(|| nexus_core::text::clip(&error.failure_code, 100));
            Saying::Failed(Failure {
                code: code.unwrap_or(FailureCode::AgentError),
                agent_code: own,
                message: error.message,
                retryable: match error.retryable {
                    Some(retryable) => Some(retryable),
                    None => default_retryable(work, &tenant, &said.task_id).await?,
                },
                effect: None,
            })
        }
    };
    Ok(Callback {
        tenant,
        task_id: said.task_id,
        attempt: said.attempt,
        token: said.attempt_token,
        agent: nexus_core::text::clip(&said.agent, 64),
        saying,
        lines: said.worklog,
        progress: said.progress,
        digest,
        signed: None,
        types: None,
    })
}

/// What the type says about another attempt when the agent says nothing: only a "no" counts, so
/// that a code that is never retried stays so.
async fn default_retryable(
    work: &Work,
    tenant: &Tenant,
    task_id: &str,
) -> Result<Option<bool>, WorkError> {
    let (whose, id) = (tenant.clone(), task_id.to_owned());
    let task = work.app.db.read(tenant, move |q| crate::tasks::sql::load(q, &whose, &id)).await?;
    let Some(task) = task else { return Ok(None) };
    let bundle = work.catalogue.bundle(&work.app.db, tenant).await?;
    let retryable = bundle.find(&task.command_type).ok().and_then(|known| known.retryable);
    Ok(retryable.filter(|retryable| !retryable))
}

/// One of the contract's JSON Schemas: `envelope.json`, `callback.json` or `report.json`.
#[utoipa::path(get, path = "/schemas/{name}", tag = "agents", params(("name" = String, Path, description = "`envelope.json`, `callback.json` or `report.json`")), security(()),
    responses((status = 200, description = "JSON Schema 2020-12", body = Object, content_type = "application/schema+json"), (status = 404, description = "`unknown_path`", body = Problem)))]
pub async fn get_schema(Path(name): Path<String>) -> Result<Response, Problem> {
    let schema = schemas::named(&name).ok_or_else(|| {
        let there = "There are envelope.json, callback.json and report.json.";
        Problem::not_found("unknown_path", there)
    })?;
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], schema).into_response())
}
