//! `/policy`, `/commands/types` and `/tenant/pause|resume`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use nexus_core::policy::{Risk, Rule, Verdict};
use nexus_kit::http::body::Body;
use nexus_kit::http::page::Page;
use nexus_kit::http::principal::{Admin, Caller, Viewer};
use nexus_kit::http::problem::Problem;
use nexus_kit::http::query::Query;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::actions::{self, Actor, TypeChange};
use crate::WorkState;
use crate::catalogue::KnownType;
use crate::error::WorkError;
use crate::tasks::http::{ACCEPTED, Asked};

/// The tenant's policy.
#[derive(Serialize, ToSchema)]
pub struct PolicyOut {
    /// Goes up by one with each change; 0 before the first.
    version: u64,
    #[schema(value_type = Vec<Object>)]
    rules: Vec<Rule>,
}

/// Shows the tenant's rules.
#[utoipa::path(get, path = "/policy", tag = "policy", security(("api_key" = [])),
    responses((status = 200, body = PolicyOut), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn get_policy(
    State(state): State<WorkState>,
    caller: Caller<Viewer>,
) -> Result<Json<PolicyOut>, Problem> {
    let bundle = state.0.catalogue.refresh(&state.0.app.db, &caller.tenant).await?;
    Ok(Json(PolicyOut { version: bundle.policy_version, rules: bundle.rules.clone() }))
}

/// New rules.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyIn {
    /// All rules; they replace those that are there.
    #[schema(value_type = Vec<Object>)]
    rules: Vec<Rule>,
    /// The version that these rules change; 409 if it is another by now.
    #[serde(default)]
    version: Option<u64>,
}

/// Says once more what is meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// The target once more: the tenant as `{org}:{project}`, or the type.
    confirm: Option<String>,
}

impl Confirm {
    /// Whether it was said once more.
    pub(crate) fn check(&self, target: &str) -> Result<(), WorkError> {
        match self.confirm.as_deref() {
            Some(confirmed) if confirmed == target => Ok(()),
            _ => Err(WorkError::Confirm(target.to_owned())),
        }
    }
}

fn actor(caller: &Caller<Admin>) -> Actor {
    Actor { name: caller.principal.name(), correlation_id: caller.correlation_id.clone() }
}

/// Replaces the tenant's rules. Repeat the tenant as `?confirm={org}:{project}`.
#[utoipa::path(put, path = "/policy", tag = "policy", request_body = PolicyIn, params(Confirm), security(("api_key" = [])),
    responses((status = 200, body = PolicyOut), (status = 400, description = "`confirmation_required`", body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, description = "`policy_version`", body = Problem), (status = 422, body = Problem)))]
pub async fn put_policy(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
    Query(confirm): Query<Confirm>,
    Body(body): Body<PolicyIn>,
) -> Result<Json<PolicyOut>, Problem> {
    confirm.check(caller.tenant.key())?;
    let rules = body.rules.clone();
    let version =
        actions::put_rules(&state.0, &caller.tenant, body.rules, body.version, actor(&caller))
            .await?;
    Ok(Json(PolicyOut { version, rules }))
}

/// A command to explain.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainIn {
    command_type: String,
    #[schema(value_type = Object)]
    params: Value,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    risk: Option<Risk>,
}

/// How a command would be rated.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    /// The version of the rules.
    policy_version: u64,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    verdict: Verdict,
}

/// Says how a command would be rated, and what decides it. Nothing is done.
#[utoipa::path(post, path = "/policy/explain", tag = "policy", request_body = ExplainIn, security(("api_key" = [])),
    responses((status = 200, body = Explanation), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn explain(
    State(state): State<WorkState>,
    caller: Caller<Viewer>,
    Body(body): Body<ExplainIn>,
) -> Result<Json<Explanation>, Problem> {
    let bundle = state.0.catalogue.refresh(&state.0.app.db, &caller.tenant).await?;
    let known = bundle.find(&body.command_type)?;
    known.check_schema(&body.params)?;
    let verdict = bundle.rate(&known, &body.params, body.risk);
    Ok(Json(Explanation { policy_version: bundle.policy_version, verdict }))
}

/// A command type.
#[derive(Serialize, ToSchema)]
pub struct TypeOut {
    command_type: String,
    /// The agent in this server, or `outside`.
    agent: String,
    /// The level before rules and the caller's own caution.
    #[schema(value_type = String)]
    risk: Risk,
    /// Whether nothing takes it below RED.
    floor: bool,
    title_en: String,
    title_ko: String,
    #[schema(value_type = Object)]
    params_schema: Value,
    timeout_seconds: u64,
    /// How many of it run at once in this tenant, if the type itself says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    /// Whether it can be used here.
    enabled: bool,
    /// Why not, if not.
    disabled_because: Option<String>,
}

impl From<&KnownType> for TypeOut {
    fn from(known: &KnownType) -> Self {
        let risk = known.admin_override.unwrap_or(known.level);
        let disabled_because = known.disabled();
        Self {
            command_type: known.name.clone(),
            agent: known.agent.as_ref().map_or("outside", |agent| agent.name()).to_owned(),
            risk: if known.floor { Risk::Red } else { risk },
            floor: known.floor,
            title_en: known.title_en.clone(),
            title_ko: known.title_ko.clone(),
            params_schema: (*known.schema).clone(),
            timeout_seconds: known.timeout.as_secs(),
            concurrency: known.concurrency,
            enabled: disabled_because.is_none(),
            disabled_because,
        }
    }
}

/// Lists what can be asked for here.
#[utoipa::path(get, path = "/commands/types", tag = "commands", security(("api_key" = [])),
    responses((status = 200, body = Page<TypeOut>), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_types(
    State(state): State<WorkState>,
    caller: Caller<Viewer>,
) -> Result<Json<Page<TypeOut>>, Problem> {
    let bundle = state.0.catalogue.refresh(&state.0.app.db, &caller.tenant).await?;
    let items = bundle.types.values().map(|known| TypeOut::from(&**known)).collect();
    Ok(Json(Page { items, next: None }))
}

/// A type that an outside agent performs, or the level of a built-in one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypeIn {
    /// JSON Schema (2020-12) of the params; for a new type.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    params_schema: Option<Value>,
    #[serde(default)]
    title_en: Option<String>,
    #[serde(default)]
    title_ko: Option<String>,
    /// How long one attempt may take; 300 unless said otherwise.
    #[serde(default = "five_minutes")]
    timeout_seconds: u32,
    /// Whether another attempt may help when the agent says nothing about it.
    #[serde(default = "yes")]
    retryable: bool,
    /// Whether it shares or sends outside: then nothing takes it below RED.
    #[serde(default)]
    sends_outside: bool,
    /// The level that an admin gives it; RED until then.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    risk: Option<Risk>,
    /// How many of it run at once in this tenant, 1 to 1000000; without it `TASK_TYPE_CONCURRENCY`
    /// says, and if that does not, nothing bounds it.
    #[serde(default)]
    concurrency: Option<u32>,
}

fn five_minutes() -> u32 {
    300
}

fn yes() -> bool {
    true
}

/// Registers a type, or sets a level. A level must be confirmed by `?confirm={type}`.
#[utoipa::path(put, path = "/commands/types/{command_type}", tag = "commands", request_body = TypeIn, params(("command_type" = String, Path), Confirm), security(("api_key" = [])),
    responses((status = 200, body = TypeOut), (status = 400, description = "`confirmation_required`", body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn put_type(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
    Path(command_type): Path<String>,
    Query(confirm): Query<Confirm>,
    Body(body): Body<TypeIn>,
) -> Result<Json<TypeOut>, Problem> {
    if body.risk.is_some() {
        confirm.check(&command_type)?;
    }
    let change = TypeChange {
        params_schema: body.params_schema,
        title_en: body.title_en,
        title_ko: body.title_ko,
        timeout_seconds: body.timeout_seconds,
        retryable: body.retryable,
        sends_outside: body.sends_outside,
        risk: body.risk,
        concurrency: body.concurrency,
    };
    actions::put_type(&state.0, &caller.tenant, &command_type, change, actor(&caller)).await?;
    let bundle = state.0.catalogue.bundle(&state.0.app.db, &caller.tenant).await?;
    let known = bundle.find(&command_type)?;
    Ok(Json(TypeOut::from(&*known)))
}

/// Stops all execution of the tenant at once.
#[utoipa::path(post, path = "/tenant/pause", tag = "tenants", security(("api_key" = [])),
    responses((status = 202, body = Asked), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn pause(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    actions::set_paused(&state.0, &caller.tenant, true, actor(&caller)).await?;
    Ok(ACCEPTED)
}

/// Lets the tenant's execution go on.
#[utoipa::path(post, path = "/tenant/resume", tag = "tenants", security(("api_key" = [])),
    responses((status = 202, body = Asked), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn resume(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    actions::set_paused(&state.0, &caller.tenant, false, actor(&caller)).await?;
    Ok(ACCEPTED)
}
