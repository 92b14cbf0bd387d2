//! `/dlq/policy`, `/dlq/triage`, `/alarm/resolve`: what is to be done about what failed.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use nexus_core::failure::FailureCode;
use nexus_core::id::TaskId;
use nexus_core::time::Time;
use nexus_core::triage::{Decision, Policy};
use nexus_kit::http::body::Body;
use nexus_kit::http::principal::{Admin, Caller, Overseer, Whose};
use nexus_kit::http::problem::{FieldError, Problem};
use nexus_kit::http::query::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Current;
use super::actions::{self, Actor, COUNTED_DAYS, Preview, Resolves, Selection, Simulated};
use crate::WorkState;
use crate::boxes::filter::FilterIn;
use crate::boxes::http::TenantQuery;
use crate::boxes::read::among;
use crate::error::WorkError;
use crate::policy::http::Confirm;

/// Most ids that one request names.
const MOST_IDS: usize = 100;

/// Ids of each decision that a preview lists: unless asked, and at most.
const PREVIEW_IDS: u64 = 1_000;
const MOST_PREVIEW_IDS: u64 = 10_000;

/// Longest note, in characters.
const NOTE_CHARS: usize = 500;

/// A tenant's triage policy.
#[derive(Serialize, ToSchema)]
pub struct TriagePolicyOut {
    /// 0 where the tenant never had one of its own.
    version: u64,
    /// `tenant`, or `settings` where the server's settings hold.
    source: &'static str,
    /// Codes whose tasks go back to work.
    #[schema(value_type = Vec<String>)]
    requeue: Vec<FailureCode>,
    /// Codes whose tasks are held.
    #[schema(value_type = Vec<String>)]
    hold: Vec<FailureCode>,
    /// Codes whose tasks need a person now.
    #[schema(value_type = Vec<String>)]
    alarm: Vec<FailureCode>,
    /// Whether nothing that failed with an alarm code is requeued before it is resolved.
    enforce_alarm_no_requeue: bool,
    /// Codes whose cause is said to be gone: what failed of them until then may be requeued.
    resolved: Vec<ResolvedCodeOut>,
}

/// A code whose cause is said to be gone.
#[derive(Serialize, ToSchema)]
pub struct ResolvedCodeOut {
    #[schema(value_type = String)]
    failure_code: FailureCode,
    by: String,
    /// What they are called, if they are a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_name: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    at: Time,
    note: String,
}

impl From<Current> for TriagePolicyOut {
    fn from(current: Current) -> Self {
        let source = current.source();
        let resolved = current.resolved.into_iter().map(|it| ResolvedCodeOut {
            failure_code: it.failure_code,
            by: it.by,
            by_name: it.by_name,
            at: it.at,
            note: it.note,
        });
        let Policy { requeue, hold, alarm, enforce_alarm_no_requeue } = current.triage.policy;
        Self {
            version: current.triage.version,
            source,
            requeue,
            hold,
            alarm,
            enforce_alarm_no_requeue,
            resolved: resolved.collect(),
        }
    }
}

fn actor(caller: &Caller<Admin>) -> Actor {
    Actor {
        name: caller.principal.name(),
        display_name: caller.principal.display_name().map(str::to_owned),
        correlation_id: caller.correlation_id.clone(),
    }
}

/// What is to be done about dead letters, by failure code.
#[utoipa::path(get, path = "/dlq/policy", tag = "failures", operation_id = "get_triage_policy", security(("api_key" = [])),
    responses((status = 200, body = TriagePolicyOut), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn get_policy(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
) -> Result<Json<TriagePolicyOut>, Problem> {
    Ok(Json(actions::current(&state.0, &caller.tenant).await?.into()))
}

/// A triage policy. A code stands in one list at most; what stands in none is left alone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriagePolicyIn {
    /// Codes whose tasks go back to work.
    #[schema(value_type = Vec<String>)]
    requeue: Vec<FailureCode>,
    /// Codes whose tasks are held.
    #[schema(value_type = Vec<String>)]
    hold: Vec<FailureCode>,
    /// Codes whose tasks need a person now.
    #[schema(value_type = Vec<String>)]
    alarm: Vec<FailureCode>,
    /// Whether nothing that failed with an alarm code is requeued before it is resolved; true unless
    /// said otherwise.
    #[serde(default = "yes")]
    enforce_alarm_no_requeue: bool,
    /// The version that this replaces; 409 if it is another by now.
    #[serde(default)]
    expected_version: Option<u64>,
}

fn yes() -> bool {
    true
}

/// Gives the tenant a triage policy of its own. Repeat the tenant as `?confirm={org}:{project}`.
#[utoipa::path(put, path = "/dlq/policy", tag = "failures", operation_id = "put_triage_policy", request_body = TriagePolicyIn, params(Confirm), security(("api_key" = [])),
    responses((status = 200, body = TriagePolicyOut), (status = 400, description = "`confirmation_required`", body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, description = "`triage_policy_version`", body = Problem), (status = 422, body = Problem)))]
pub async fn put_policy(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
    Query(confirm): Query<Confirm>,
    Body(body): Body<TriagePolicyIn>,
) -> Result<Json<TriagePolicyOut>, Problem> {
    confirm.check(caller.tenant.key())?;
    let policy = Policy {
        requeue: body.requeue,
        hold: body.hold,
        alarm: body.alarm,
        enforce_alarm_no_requeue: body.enforce_alarm_no_requeue,
    };
    let expected = body.expected_version;
    let put = actions::put_policy(&state.0, &caller.tenant, Some(policy), expected, actor(&caller));
    Ok(Json(put.await?.into()))
}

/// Takes the tenant's own triage policy away: the one of the settings holds again. Repeat the tenant
/// as `?confirm={org}:{project}`.
#[utoipa::path(delete, path = "/dlq/policy", tag = "failures", operation_id = "reset_triage_policy", params(Confirm), security(("api_key" = [])),
    responses((status = 200, body = TriagePolicyOut), (status = 400, description = "`confirmation_required`", body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, description = "`no_own_policy`", body = Problem)))]
pub async fn reset_policy(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
    Query(confirm): Query<Confirm>,
) -> Result<Json<TriagePolicyOut>, Problem> {
    confirm.check(caller.tenant.key())?;
    let reset = actions::put_policy(&state.0, &caller.tenant, None, None, actor(&caller));
    Ok(Json(reset.await?.into()))
}

/// A policy to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulateIn {
    policy: TriagePolicyIn,
    /// Days of UTC, today among them: 1 to 90; 7 unless said otherwise.
    #[serde(default = "week")]
    days: u32,
}

fn week() -> u32 {
    7
}

/// What a policy would do with what failed.
#[derive(Serialize, ToSchema)]
pub struct SimulateOut {
    days: u32,
    /// Tasks that failed for good in these days, also those that were dealt with since.
    count: u64,
    /// How many of them the present policy decides how.
    #[schema(value_type = Object)]
    now: BTreeMap<&'static str, u64>,
    /// How many the tried one would.
    #[schema(value_type = Object)]
    then: BTreeMap<&'static str, u64>,
    /// By code, the most frequent first.
    by_code: Vec<SimulatedCode>,
    /// Codes that would be decided otherwise, also where none of them failed.
    #[schema(value_type = Vec<String>)]
    changed: Vec<FailureCode>,
}

/// What a policy would do about a code.
#[derive(Serialize, ToSchema)]
pub struct SimulatedCode {
    #[schema(value_type = String)]
    failure_code: FailureCode,
    title: &'static str,
    title_ko: &'static str,
    count: u64,
    #[schema(value_type = String)]
    now: Decision,
    #[schema(value_type = String)]
    then: Decision,
}

/// Tries a triage policy on what failed in the last days. Nothing is changed.
#[utoipa::path(post, path = "/dlq/policy/simulate", tag = "failures", operation_id = "simulate_triage_policy", request_body = SimulateIn, security(("api_key" = [])),
    responses((status = 200, body = SimulateOut), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn simulate(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
    Body(body): Body<SimulateIn>,
) -> Result<Json<SimulateOut>, Problem> {
    let days = body.days;
    if !(1..=COUNTED_DAYS).contains(&days) {
        return Err(WorkError::field("/days", format!("1 to {COUNTED_DAYS}")).into());
    }
    let policy = Policy {
        requeue: body.policy.requeue,
        hold: body.policy.hold,
        alarm: body.policy.alarm,
        enforce_alarm_no_requeue: body.policy.enforce_alarm_no_requeue,
    };
    let simulated = actions::simulate(&state.0, &caller.tenant, policy, days).await?;
    Ok(Json(SimulateOut::new(days, simulated)))
}

impl SimulateOut {
    fn new(days: u32, mut simulated: Vec<Simulated>) -> Self {
        let none = || BTreeMap::from(Decision::ALL.map(|decision| (decision.as_str(), 0)));
        let (mut now, mut then) = (none(), none());
        for it in &simulated {
            *now.entry(it.now.as_str()).or_default() += it.count;
            *then.entry(it.then.as_str()).or_default() += it.count;
        }
        let changed = simulated.iter().filter(|it| it.now != it.then).map(|it| it.code).collect();
        simulated.retain(|it| it.count > 0);
        simulated.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.code.cmp(&b.code)));
        let by_code = simulated.iter().map(|it| SimulatedCode {
            failure_code: it.code,
            title: it.code.title_en(),
            title_ko: it.code.title_ko(),
            count: it.count,
            now: it.now,
            then: it.then,
        });
        Self {
            days,
            count: simulated.iter().map(|it| it.count).sum(),
            now,
            then,
            by_code: by_code.collect(),
            changed,
        }
    }
}

/// Which dead letters: by `ids` or by `filter`; all of them without either.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriageIn {
    /// At most 100.
    #[serde(default)]
    ids: Option<Vec<String>>,
    #[serde(default)]
    filter: Option<FilterIn>,
    /// Ids that are listed for each decision: 1 to 10,000; 1,000 unless said otherwise.
    #[serde(default)]
    limit: Option<u64>,
}

/// What the policy would do.
#[derive(Serialize, ToSchema)]
pub struct TriageOut {
    /// The policy's version; 0 where the tenant never had one of its own. Missing for all tenants, each of
    /// which goes by its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// `tenant` or `settings`; missing for all tenants.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    count: u64,
    /// One for each decision, in the order `requeue`, `hold`, `alarm`, `ignore`.
    decisions: Vec<DecisionOut>,
    /// Ids that were asked for and are no dead letters here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

/// What the policy would do with some dead letters.
#[derive(Serialize, ToSchema)]
pub struct DecisionOut {
    /// `requeue`, `hold`, `alarm` or `ignore`.
    #[schema(value_type = String)]
    triage: Decision,
    count: u64,
    /// Those that failed first, tenant by tenant; `count` says how many there are.
    ids: Vec<String>,
}

impl From<Preview> for TriageOut {
    fn from(mut preview: Preview) -> Self {
        let decisions = Decision::ALL.map(|triage| {
            let (count, ids) = preview.decisions.remove(&triage).unwrap_or_default();
            DecisionOut { triage, count, ids }
        });
        Self {
            version: preview.policy.map(|(version, _)| version),
            source: preview.policy.map(|(_, own)| if own { "tenant" } else { "settings" }),
            count: decisions.iter().map(|it| it.count).sum(),
            decisions: decisions.into(),
            missing: preview.missing,
        }
    }
}

/// Says what the policy would do with dead letters. Nothing is changed.
#[utoipa::path(post, path = "/dlq/triage", tag = "failures", operation_id = "triage_dead_letters", request_body = TriageIn, params(TenantQuery), security(("api_key" = [])),
    responses((status = 200, body = TriageOut), (status = 400, description = "`invalid_filter`", body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn triage(
    State(state): State<WorkState>,
    caller: Overseer,
    Query(_query): Query<TenantQuery>,
    Body(body): Body<TriageIn>,
) -> Result<Json<TriageOut>, Problem> {
    let limit = body.limit.unwrap_or(PREVIEW_IDS);
    if !(1..=MOST_PREVIEW_IDS).contains(&limit) {
        return Err(WorkError::field("/limit", format!("1 to {MOST_PREVIEW_IDS}")).into());
    }
    let selection = match (body.ids, body.filter) {
        (Some(_), Some(_)) => {
            return Err(WorkError::field("/filter", "either ids or a filter").into());
        }
        (Some(ids), None) => Selection::Ids(checked(ids)?),
        (None, filter) => {
            let now = state.0.app.clock.now();
            Selection::Filter(filter.unwrap_or_default().at(now, "/filter")?)
        }
    };
    let mut all = Vec::new();
    for tenant in among(&state.0, &caller.whose).await? {
        all.push(actions::preview(&state.0, &tenant, selection.clone(), limit).await?);
    }
    let preview = match caller.whose {
        Whose::One(_) => all.pop().unwrap_or_default(),
        Whose::All => Preview::of_all(all, limit),
    };
    Ok(Json(preview.into()))
}

/// Ids of tasks, each once.
fn checked(mut ids: Vec<String>) -> Result<Vec<String>, WorkError> {
    if ids.is_empty() || ids.len() > MOST_IDS {
        return Err(WorkError::field("/ids", format!("1 to {MOST_IDS} ids")));
    }
    let wrong = ids.iter().enumerate().filter_map(|(number, id)| {
        let error = TaskId::parse(id).err()?;
        Some(FieldError { path: format!("/ids/{number}"), message: error.to_string() })
    });
    let wrong: Vec<FieldError> = wrong.collect();
    if !wrong.is_empty() {
        return Err(WorkError::Fields(wrong));
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// What is resolved: a code, or some tasks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveIn {
    /// What failed with it until now may be requeued; what fails later may not.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    failure_code: Option<FailureCode>,
    /// At most 100 tasks, in any box.
    #[serde(default)]
    ids: Option<Vec<String>>,
    /// What was done about it: 1 to 500 characters.
    note: String,
}

/// What may be requeued again.
#[derive(Serialize, ToSchema)]
pub struct ResolveOut {
    #[schema(value_type = String, format = DateTime)]
    resolved_at: Time,
    /// Tasks in the boxes that this is about.
    count: u64,
    /// Ids that were asked for and stand in no box here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

/// Acknowledges that the cause of a failure code, or of some failed tasks, is gone. Then they may be
/// requeued although the code is an alarm code.
#[utoipa::path(post, path = "/alarm/resolve", tag = "failures", operation_id = "resolve_failures", request_body = ResolveIn, security(("api_key" = [])),
    responses((status = 200, body = ResolveOut), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, description = "`unknown_task`: none of the ids stands in a box", body = Problem), (status = 422, body = Problem)))]
pub async fn resolve(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
    Body(body): Body<ResolveIn>,
) -> Result<Json<ResolveOut>, Problem> {
    let what = match (body.failure_code, body.ids) {
        (Some(code), None) => Resolves::Code(code),
        (None, Some(ids)) => Resolves::Ids(checked(ids)?),
        _ => return Err(WorkError::field("/failure_code", "either a failure_code or ids").into()),
    };
    let note = body.note.trim();
    if note.is_empty() || note.chars().count() > NOTE_CHARS {
        return Err(WorkError::field("/note", format!("1 to {NOTE_CHARS} characters")).into());
    }
    let note = note.to_owned();
    let resolved = actions::resolve(&state.0, &caller.tenant, what, note, actor(&caller)).await?;
    Ok(Json(ResolveOut {
        resolved_at: resolved.at,
        count: resolved.count,
        missing: resolved.missing,
    }))
}
