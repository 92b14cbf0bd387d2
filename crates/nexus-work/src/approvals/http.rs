//! `/approvals`: reading asks and deciding them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use nexus_core::approval::{AskStatus, Decision, decide as judge};
use nexus_core::id::AskId;
use nexus_core::mask::mask;
use nexus_core::masked::Reader;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::http::body::Body;
use nexus_kit::http::page::{Limit, Page, Place};
use nexus_kit::http::principal::{Approver, Caller, Principal, SignedIn, Viewer};
use nexus_kit::http::problem::Problem;
use nexus_kit::http::query::Query;
use nexus_kit::http::seen::{Seen, seen};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::actions::{Deciding, decide};
use super::row::{Ask, AskOut};
use super::sql;
use crate::WorkState;
use crate::error::WorkError;
use crate::tasks::http::{ACCEPTED, Asked, bad};

/// Most items of an inbox; who has more looks into the tenant.
const INBOX: usize = 200;

/// Which asks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AskQuery {
    /// `pending`, `approved`, …
    status: Option<String>,
    /// Those of one task.
    task_id: Option<String>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Place<String>>,
    /// 1 to 200; 50 unless said otherwise.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    limit: Limit,
}

/// Lists asks, the newest first.
#[utoipa::path(get, path = "/approvals", tag = "approvals", params(AskQuery), security(("api_key" = [])),
    responses((status = 200, body = Page<AskOut>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_asks(
    State(state): State<WorkState>,
    caller: Caller<Viewer>,
    Query(query): Query<AskQuery>,
) -> Result<Json<Page<Seen<AskOut>>>, Problem> {
    let limit = query.limit;
    let status = query.status.map(|text| AskStatus::parse(&text).ok_or_else(|| bad("status")));
    let status = status.transpose()?;
    let before = query.cursor.map(|place| place.0);
    let tenant = caller.tenant.clone();
    let found = state.0.app.db.read(&caller.tenant, move |q| {
        sql::list(
            q,
            &tenant,
            status,
            query.task_id.as_deref(),
            before.as_deref(),
            limit.get() as i64 + 1,
        )
    });
    let found = found.await.map_err(WorkError::from)?;
    let (page, reader) = (Page::cut(found, limit, |ask| ask.ask_id.clone()), caller.reader());
    Ok(Json(page.map(|ask| seen(&reader, "asks", ask.out(false)))))
}

/// Shows an ask with everything that would be executed.
#[utoipa::path(get, path = "/approvals/{ask_id}", tag = "approvals", params(("ask_id" = String, Path)), security(("api_key" = [])),
    responses((status = 200, body = AskOut), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn get_ask(
    State(state): State<WorkState>,
    caller: Caller<Viewer>,
    Path(ask_id): Path<String>,
) -> Result<Json<Seen<AskOut>>, Problem> {
    let ask_id = AskId::parse(&ask_id).map_err(|_| WorkError::NoAsk)?;
    let tenant = caller.tenant.clone();
    let found = state.0.app.db.read(&caller.tenant, move |q| {
        sql::load(q, &tenant, ask_id.as_str())?.ok_or(WorkError::NoAsk)
    });
    Ok(Json(seen(&caller.reader(), "asks", found.await?.out(true))))
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionIn {
    /// `approve` or `deny`.
    #[schema(value_type = String, example = "approve")]
    decision: Decision,
    /// For the requester; at most 2000 bytes.
    #[serde(default)]
    reason: Option<String>,
    /// The digest that you saw; 409 if it is not the ask's.
    #[serde(default)]
    digest: Option<String>,
    /// Approves with these params instead.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    params: Option<Value>,
}

/// Decides an ask. Exactly one decision wins; what follows comes by the stream.
#[utoipa::path(post, path = "/approvals/{ask_id}/decide", tag = "approvals", request_body = DecisionIn, params(("ask_id" = String, Path)), security(("api_key" = [])),
    responses((status = 202, body = Asked), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, description = "`may_not_decide`, `not_among_approvers`", body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`ask_already_decided`, `ask_expired`, `digest_mismatch`, …, with `ask_id`", body = Problem), (status = 422, body = Problem)))]
pub async fn decide_ask(
    State(state): State<WorkState>,
    caller: Caller<Approver>,
    Path(ask_id): Path<String>,
    Body(body): Body<DecisionIn>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let ask_id = AskId::parse(&ask_id).map_err(|_| WorkError::NoAsk)?;
    let deciding = Deciding {
        decision: body.decision,
        reason: body.reason,
        digest: body.digest,
        params: body.params,
        decider: caller.principal.decider(&caller.tenant),
    };
    decide(&state.0, &caller.tenant, ask_id.as_str(), deciding).await?;
    Ok(ACCEPTED)
}

/// Something that waits for the person.
#[derive(Serialize, ToSchema)]
pub struct InboxItem {
    org_id: String,
    project_id: String,
    /// `ask`.
    kind: &'static str,
    ask_id: String,
    task_id: String,
    command_type: String,
    /// One sentence: who wants to do what to whom.
    question: String,
    /// The same in Korean.
    question_ko: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
    /// Whether this person could say yes now.
    may_decide: bool,
}

/// All that waits.
#[derive(Serialize, ToSchema)]
pub struct InboxOut {
    items: Vec<InboxItem>,
}

/// Lists what waits for a decision in all tenants of the person, the newest first, at most 200. No
/// tenant headers.
#[utoipa::path(get, path = "/me/inbox", tag = "people", security(("session" = []), ("cookie" = [])),
    responses((status = 200, body = InboxOut), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn inbox(
    State(state): State<WorkState>,
    caller: SignedIn,
) -> Result<Json<InboxOut>, Problem> {
    let app = &state.0.app;
    let now = app.clock.expiry();
    let roles = caller.person.roles.clone();
    let principal = Principal::User(caller.person);
    let mut items = Vec::new();
    for tenant in roles.keys() {
        let whose = tenant.clone();
        let found = app.db.read(tenant, move |q| {
            sql::list(q, &whose, Some(AskStatus::Pending), None, None, INBOX as i64)
        });
        let found = found.await.map_err(WorkError::from)?;
        let waiting = found.into_iter().filter(|ask| now < ask.expires_at);
        items.extend(waiting.map(|ask| item(tenant, ask, &principal, now)));
    }
    items.sort_by(|a, b| (b.created_at, &b.ask_id).cmp(&(a.created_at, &a.ask_id)));
    items.truncate(INBOX);
    Ok(Json(InboxOut { items }))
}

fn item(tenant: &Tenant, ask: Ask, principal: &Principal, now: Time) -> InboxItem {
    let decider = principal.decider(tenant);
    let yes = judge(&ask.open(), Decision::Approve, &decider, None, now);
    let shown = |text: String| match principal.reader(tenant) {
        Reader::Masked { own } if own != ask.requested_by => mask(&text).into_owned(),
        _ => text,
    };
    InboxItem {
        org_id: tenant.org().to_owned(),
        project_id: tenant.project().to_owned(),
        kind: "ask",
        may_decide: principal.may_decide(tenant) && yes.is_ok(),
        ask_id: ask.ask_id,
        task_id: ask.task_id,
        command_type: ask.command_type,
        question: shown(ask.question),
        question_ko: shown(ask.question_ko),
        created_at: ask.created_at,
        expires_at: ask.expires_at,
    }
}
