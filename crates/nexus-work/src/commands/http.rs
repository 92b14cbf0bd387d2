//! `POST /sidecar/command` and `POST /tasks`: the same door.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use nexus_core::id::valid_correlation;
use nexus_core::policy::Risk;
use nexus_kit::http::body::{Raw, check_json, parse};
use nexus_kit::http::principal::{Caller, Operator};
use nexus_kit::http::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::actions::{Accepted, Command, accept, request_digest};
use super::judge::Precondition;
use crate::WorkState;
use crate::error::WorkError;

/// Longest Idempotency-Key.
const MAX_KEY: usize = 255;

/// Longest time that a command can be worth something: a week.
const MAX_DEADLINE: u32 = 604_800;

/// A command or a task: the same in two words. Written out twice rather than flattened, which would
/// hide from a refusal which field is wrong.
macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $(#[$what_doc:meta])* $what:ident })*) => {$(
        $(#[$doc])*
        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(#[$what_doc])*
            #[schema(example = "file.read")]
            $what: String,
            /// What the type's schema asks for.
            #[schema(value_type = Object, example = json!({"path": "notes/회의.txt"}))]
            params: Value,
            /// Ties everything together; made if missing.
            #[serde(default)]
            correlation_id: Option<String>,
            /// The caller's own caution; it only raises the level.
            #[serde(default)]
            #[schema(value_type = Option<String>)]
            risk: Option<Risk>,
            /// What must be so, now and just before it runs.
            #[serde(default)]
            precondition: Option<Precondition>,
            /// −10 to 10; higher goes first.
            #[serde(default)]
            priority: i64,
            /// After this many seconds it is worth nothing any more.
            #[serde(default)]
            deadline_seconds: Option<u32>,
        }

        impl $name {
            fn split(self) -> (String, Value, Options) {
                let options = Options {
                    correlation_id: self.correlation_id,
                    risk: self.risk,
                    precondition: self.precondition,
                    priority: self.priority,
                    deadline_seconds: self.deadline_seconds,
                };
                (self.$what, self.params, options)
            }
        }
    )*};
}

bodies! {
    /// A command.
    CommandIn {
        /// `share.webhook`; `GET /commands/types` lists them.
        command_type
    }
    /// A task, for programs that want one without the sidecar words.
    TaskIn {
        /// The same as a command's `command_type`.
        task_type
    }
}

/// What a command says besides what to do.
struct Options {
    correlation_id: Option<String>,
    risk: Option<Risk>,
    precondition: Option<Precondition>,
    priority: i64,
    deadline_seconds: Option<u32>,
}

/// All that a 202 says; what happens comes by the stream.
#[derive(Serialize, ToSchema)]
pub struct AcceptedOut {
    /// `accepted`.
    status: &'static str,
    /// `tsk_…`.
    task_id: String,
    /// As sent, or made.
    correlation_id: String,
}

impl From<Accepted> for AcceptedOut {
    fn from(accepted: Accepted) -> Self {
        let Accepted { task_id, correlation_id } = accepted;
        Self { status: "accepted", task_id, correlation_id }
    }
}

/// Sends a command. 202 as soon as it is on disk; what happens to it comes by the stream.
#[utoipa::path(post, path = "/sidecar/command", tag = "commands", request_body = CommandIn, security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body within 24 h: the same answer and no second task")),
    responses((status = 202, body = AcceptedOut), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, description = "`precondition_failed`", body = Problem), (status = 413, body = Problem),
        (status = 422, description = "`unknown_command_type`, `invalid_params`, `idempotency_conflict`, …", body = Problem), (status = 503, body = Problem)))]
pub async fn send_command(
    State(state): State<WorkState>,
    caller: Caller<Operator>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<(StatusCode, Json<AcceptedOut>), Problem> {
    check_json(&headers)?;
    let (command_type, params, options) = parse::<CommandIn>(&body)?.split();
    let idempotency = idempotency(&headers, &body)?;
    send(&state, &caller, idempotency, command_type, params, options).await
}

/// Creates a task. The same as a command, in other words.
#[utoipa::path(post, path = "/tasks", tag = "tasks", request_body = TaskIn, security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body within 24 h: the same answer and no second task")),
    responses((status = 202, body = AcceptedOut), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn create_task(
    State(state): State<WorkState>,
    caller: Caller<Operator>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<(StatusCode, Json<AcceptedOut>), Problem> {
    check_json(&headers)?;
    let (task_type, params, options) = parse::<TaskIn>(&body)?.split();
    let idempotency = idempotency(&headers, &body)?;
    send(&state, &caller, idempotency, task_type, params, options).await
}

async fn send(
    state: &WorkState,
    caller: &Caller<Operator>,
    idempotency: Option<(String, String)>,
    command_type: String,
    params: Value,
    options: Options,
) -> Result<(StatusCode, Json<AcceptedOut>), Problem> {
    if let Some(sent) = &options.correlation_id
        && !valid_correlation(sent)
    {
        let error = "1 to 128 of A-Z a-z 0-9 . _ : / -";
        return Err(WorkError::field("/correlation_id", error).into());
    }
    if !(-10..=10).contains(&options.priority) {
        return Err(WorkError::field("/priority", "-10 to 10").into());
    }
    if options.deadline_seconds.is_some_and(|seconds| !(1..=MAX_DEADLINE).contains(&seconds)) {
        return Err(WorkError::field("/deadline_seconds", "1 to 604800").into());
    }
    let precondition = options.precondition.map(|p| serde_json::to_value(p).unwrap_or_default());
    let command = Command {
        command_type,
        params,
        correlation_id: options.correlation_id.unwrap_or_else(|| caller.correlation_id.clone()),
        risk: options.risk,
        precondition,
        priority: options.priority,
        deadline: options.deadline_seconds.map(|s| Duration::from_secs(u64::from(s))),
        requested_by: caller.principal.name(),
        requested_by_name: caller.principal.display_name().map(str::to_owned),
        idempotency,
    };
    let accepted = accept(&state.0, &caller.tenant, command).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted.into())))
}

/// The key, if one was sent, and the digest of what was asked, whatever its spelling.
fn idempotency(headers: &HeaderMap, body: &[u8]) -> Result<Option<(String, String)>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(first) = values.next() else { return Ok(None) };
    let key = first.to_str().ok().filter(|key| (1..=MAX_KEY).contains(&key.len()));
    match (key, values.next()) {
        (Some(key), None) => Ok(Some((key.to_owned(), request_digest(&parse::<Value>(body)?)))),
        _ => Err(Problem::bad_request(
            "invalid_idempotency_key",
            "Send one Idempotency-Key of 1 to 255 visible characters.",
        )),
    }
}
