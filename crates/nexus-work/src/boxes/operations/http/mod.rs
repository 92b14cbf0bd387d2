//! `POST /{box}/requeue|route|alarm|apply|purge|ack`, and `/operations`.

mod bodies;

use std::collections::{BTreeMap, HashSet};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use nexus_core::id::OperationId;
use nexus_core::tenant::Tenant;
use nexus_kit::http::body::Body;
use nexus_kit::http::page::{Limit, Page, Place};
use nexus_kit::http::principal::{Admin, Caller, Overseer, Whose};
use nexus_kit::http::problem::Problem;
use nexus_kit::http::query::Query;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use bodies::{ApplyIn, Mode, MoveIn, RequeueIn, TakeIn};

use super::row::{Action, OperationOut, OperationStatus, Outcome};
use super::select::{Caps, Choice, Chosen, Wanted, choose};
use super::start::{Asker, Asking, start};
use super::{apply as applying, sql, steer};
use crate::WorkState;
use crate::boxes::Box;
use crate::boxes::error::BoxesError;
use crate::boxes::http::TenantQuery;
use crate::boxes::read::among;
use crate::error::WorkError;
use crate::tasks::http::{ACCEPTED, Asked, bad};

/// What an operation was accepted as.
#[derive(Serialize, ToSchema)]
pub struct OperatedOut {
    /// `{org}:{project}`.
    tenant_id: String,
    /// `op_…`; `GET /operations/{operation_id}` says how far it is, and so does the stream.
    operation_id: String,
    /// Tasks that it takes.
    count: u64,
    /// The command that waits for a person's yes, because it takes many.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<String>,
    /// The ask of that command.
    #[serde(skip_serializing_if = "Option::is_none")]
    ask_id: Option<String>,
    /// Ids that were asked for and that it does not take: they are not in the box, or policy does not
    /// say this about them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
}

/// With `?tenant=*`: an operation for each tenant that has something to do.
#[derive(Serialize, ToSchema)]
pub struct OperatedAll {
    count: u64,
    operations: Vec<OperatedOut>,
    /// Ids that were asked for and that none of them takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
}

/// What the same request would touch without `dry_run`.
#[derive(Serialize, ToSchema)]
pub struct DryRunOut {
    /// Exactly these tasks, in this order.
    ids: Vec<String>,
    count: usize,
    /// What would be done to how many, where policy decides between several.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_action: Option<ByAction>,
    /// With `?tenant=*`: the same tasks by tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_tenant: Option<BTreeMap<String, Vec<String>>>,
    /// Ids that were asked for and that it would not take.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
}

/// The tasks by what would be done to them.
#[derive(Default, Serialize, ToSchema)]
pub struct ByAction {
    requeue: Vec<String>,
    hold: Vec<String>,
    alarm: Vec<String>,
}

/// What is to be done to what was chosen.
struct Todo {
    from: Box,
    action: Action,
    per_second: Option<u64>,
    canary: u64,
    note: Option<String>,
    nothing_was_sent: bool,
    dry_run: bool,
}

/// What was chosen, in each tenant that was asked for.
type InTenants = Vec<(Tenant, Chosen)>;

async fn operate(
    state: &WorkState,
    caller: &Overseer,
    todo: Todo,
    chosen: InTenants,
) -> Result<Response, Problem> {
    let all = caller.whose == Whose::All;
    let left_out = left_out(&chosen);
    if todo.dry_run {
        return Ok(Json(dry_run(todo.action, chosen, left_out, all)).into_response());
    }
    let mut operations = Vec::new();
    for (tenant, chosen) in chosen {
        if all && chosen.tasks.is_empty() {
            continue;
        }
        let asking = Asking {
            from: todo.from,
            action: todo.action,
            tasks: chosen.tasks,
            per_second: todo.per_second,
            canary: todo.canary,
            note: todo.note.clone(),
            nothing_was_sent: todo.nothing_was_sent,
            asker: Asker {
                name: caller.principal.name(),
                display_name: caller.principal.display_name().map(str::to_owned),
                correlation_id: caller.correlation_id.clone(),
            },
        };
        let started = start(&state.0, &tenant, asking).await?;
        let (task_id, ask_id) = started.waits.map_or((None, None), |(task, ask)| (Some(task), ask));
        operations.push(OperatedOut {
            tenant_id: tenant.key().to_owned(),
            operation_id: started.operation_id,
            count: started.count,
            task_id,
            ask_id,
            left_out: Vec::new(),
        });
    }
    if !all && let Some(one) = operations.pop() {
        return Ok((StatusCode::ACCEPTED, Json(OperatedOut { left_out, ..one })).into_response());
    }
    let count = operations.iter().map(|one| one.count).sum();
    Ok((StatusCode::ACCEPTED, Json(OperatedAll { count, operations, left_out })).into_response())
}

/// The ids that are left out in every tenant that was asked for.
fn left_out(chosen: &InTenants) -> Vec<String> {
    let mut each = chosen.iter().map(|(_, chosen)| &chosen.left_out);
    let mut everywhere = each.next().cloned().unwrap_or_default();
    for here in each {
        let here: HashSet<&String> = here.iter().collect();
        everywhere.retain(|id| here.contains(id));
    }
    everywhere
}

fn dry_run(action: Action, chosen: InTenants, left_out: Vec<String>, all: bool) -> DryRunOut {
    let mut by_action = ByAction::default();
    let (mut by_tenant, mut ids) = (BTreeMap::new(), Vec::new());
    for (tenant, chosen) in chosen {
        // Only where policy decides between several is there anything to tell apart.
        for (id, by) in chosen.tasks.iter().filter(|_| action == Action::Apply) {
            match by {
                Action::Route => by_action.hold.push(id.clone()),
                Action::Alarm => by_action.alarm.push(id.clone()),
                _ => by_action.requeue.push(id.clone()),
            }
        }
        let here: Vec<String> = chosen.tasks.into_iter().map(|(id, _)| id).collect();
        if all && !here.is_empty() {
            by_tenant.insert(tenant.key().to_owned(), here.clone());
        }
        ids.extend(here);
    }
    DryRunOut {
        count: ids.len(),
        ids,
        by_action: (action == Action::Apply).then_some(by_action),
        by_tenant: all.then_some(by_tenant),
        left_out,
    }
}

/// Chooses in every tenant that is asked for, before anything is done in one.
async fn chosen(
    state: &WorkState,
    caller: &Overseer,
    choice: Choice,
) -> Result<InTenants, Problem> {
    let mut found = Vec::new();
    for tenant in among(&state.0, &caller.whose).await? {
        let (whose, choice, bounds) = (tenant.clone(), choice.clone(), state.0.bounds());
        let read = state.0.app.db.read(&tenant, move |q| choose(q, &whose, &choice, &bounds));
        let here = read.await?;
        found.push((tenant, here));
    }
    Ok(found)
}

async fn requeue(
    state: &WorkState,
    caller: &Overseer,
    from: Box,
    body: RequeueIn,
) -> Result<Response, Problem> {
    let common = body.common();
    common.check(state.0.app.settings.operations.max_tasks)?;
    let by_policy = body.mode == Some(Mode::Auto);
    let (canary, nothing_was_sent) = (body.canary()?, body.nothing_was_sent()?);
    let action = Action::Requeue;
    let wanted = common.wanted(state.0.app.clock.now(), by_policy)?;
    let choice = Choice { from, action, wanted, by_policy, limit: body.limit, nothing_was_sent };
    let chosen = chosen(state, caller, choice).await?;
    let (per_second, note, dry_run) = (body.per_second, body.note, body.dry_run);
    let todo = Todo { from, action, per_second, canary, note, nothing_was_sent, dry_run };
    operate(state, caller, todo, chosen).await
}

async fn shift(
    state: &WorkState,
    caller: &Overseer,
    action: Action,
    body: MoveIn,
) -> Result<Response, Problem> {
    let by_policy = body.mode != Some(Mode::Manual);
    let from = Box::Dlq;
    let plain = body.common();
    plain.check(state.0.app.settings.operations.max_tasks)?;
    let wanted = plain.wanted(state.0.app.clock.now(), by_policy)?;
    let limit = body.limit;
    let choice = Choice { from, action, wanted, by_policy, limit, nothing_was_sent: false };
    let chosen = chosen(state, caller, choice).await?;
    let (per_second, note, dry_run) = (body.per_second, body.note, body.dry_run);
    let todo = Todo { from, action, per_second, canary: 0, note, nothing_was_sent: false, dry_run };
    operate(state, caller, todo, chosen).await
}

async fn take(
    state: &WorkState,
    caller: &Overseer,
    from: Box,
    action: Action,
    body: TakeIn,
) -> Result<Response, Problem> {
    let plain = body.common();
    plain.check(state.0.app.settings.operations.max_tasks)?;
    let wanted = plain.wanted(state.0.app.clock.now(), false)?;
    let (by_policy, nothing_was_sent, canary) = (false, false, 0);
    let choice = Choice { from, action, wanted, by_policy, limit: body.limit, nothing_was_sent };
    let chosen = chosen(state, caller, choice).await?;
    let (per_second, note, dry_run) = (body.per_second, body.note, body.dry_run);
    let todo = Todo { from, action, per_second, canary, note, nothing_was_sent, dry_run };
    operate(state, caller, todo, chosen).await
}

macro_rules! handlers {
    ($($(#[$doc:meta])* $name:ident, $path:literal, $body:ty, $codes:literal,
        |$state:ident, $caller:ident, $in:ident| $do:expr;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "failures", params(TenantQuery), request_body = $body, security(("api_key" = [])),
            responses((status = 200, description = "With `dry_run`: what would be touched", body = DryRunOut), (status = 202, body = OperatedOut),
                (status = 400, description = "`selection_required`, `invalid_filter`", body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
                (status = 409, description = $codes, body = Problem), (status = 422, description = "`too_many_tasks`", body = Problem), (status = 503, body = Problem)))]
        pub async fn $name(
            State($state): State<WorkState>,
            $caller: Overseer,
            Query(_query): Query<TenantQuery>,
            Body($in): Body<$body>,
        ) -> Result<Response, Problem> {
            $do.await
        }
    )*};
}

handlers! {
    /// Puts dead letters back to work, as new runs. What is RED is asked for again. More than
    /// `DLQ_RED_ABOVE` at once wait for a person's yes.
    requeue_dlq, "/dlq/requeue", RequeueIn, "`alarm_no_requeue`, `effect_unknown`",
        |state, caller, body| requeue(&state, &caller, Box::Dlq, body);
    /// Puts held tasks back to work, as `POST /dlq/requeue` does dead letters.
    requeue_hold, "/hold/requeue", RequeueIn, "`alarm_no_requeue`, `effect_unknown`",
        |state, caller, body| requeue(&state, &caller, Box::Hold, body);
    /// Puts tasks of the alarm box back to work, once their code or they themselves are resolved.
    requeue_alarm, "/alarm/requeue", RequeueIn, "`alarm_no_requeue`, `effect_unknown`",
        |state, caller, body| requeue(&state, &caller, Box::Alarm, body);
    /// Moves dead letters to hold: those that policy holds, or, with `mode` `manual`, those that are
    /// named.
    route_dlq, "/dlq/route", MoveIn, "Never",
        |state, caller, body| shift(&state, &caller, Action::Route, body);
    /// Moves dead letters to alarm: those that policy alarms, or, with `mode` `manual`, those that are
    /// named.
    alarm_dlq, "/dlq/alarm", MoveIn, "Never",
        |state, caller, body| shift(&state, &caller, Action::Alarm, body);
    /// Deletes dead letters for good; how each failed goes to the audit log. More than `DLQ_RED_ABOVE` at
    /// once wait for a person's yes.
    purge_dlq, "/dlq/purge", TakeIn, "Never",
        |state, caller, body| take(&state, &caller, Box::Dlq, Action::Purge, body);
    /// Deletes held tasks for good, as `POST /dlq/purge` does dead letters.
    purge_hold, "/hold/purge", TakeIn, "Never",
        |state, caller, body| take(&state, &caller, Box::Hold, Action::Purge, body);
    /// Deletes tasks of the alarm box for good, as `POST /dlq/purge` does dead letters.
    purge_alarm, "/alarm/purge", TakeIn, "Never",
        |state, caller, body| take(&state, &caller, Box::Alarm, Action::Purge, body);
    /// Says that somebody has seen tasks of the alarm box; `note` says what they do about it.
    ack_alarm, "/alarm/ack", TakeIn, "Never",
        |state, caller, body| acknowledge(&state, &caller, body);
    /// Applies the policy to the dead letters: alarm, hold, requeue, each up to its cap. Fit for cron.
    apply_dlq, "/dlq/apply", ApplyIn, "Never",
        |state, caller, body| apply(&state, &caller, body);
}

async fn acknowledge(
    state: &WorkState,
    caller: &Overseer,
    body: TakeIn,
) -> Result<Response, Problem> {
    if !body.dry_run && body.note.as_deref().is_none_or(|note| note.trim().is_empty()) {
        return Err(WorkError::field("/note", "say what is being done about it").into());
    }
    take(state, caller, Box::Alarm, Action::Ack, body).await
}

async fn apply(state: &WorkState, caller: &Overseer, body: ApplyIn) -> Result<Response, Problem> {
    let settings = &state.0.app.settings;
    let now = state.0.app.clock.now();
    let common = body.common();
    common.check(settings.operations.max_tasks)?;
    if body.limit.is_some() {
        return Err(WorkError::field("/limit", "max_requeue, max_hold and max_alarm say it").into());
    }
    let filter = match common.wanted(now, true)? {
        Wanted::Matching(filter) => filter,
        Wanted::Ids(_) => {
            return Err(WorkError::field("/ids", "policy chooses; a filter can narrow it").into());
        }
    };
    let cap = |path: &str, asked: Option<u64>, usual: u64| match asked {
        Some(asked) if asked > settings.operations.max_tasks => {
            Err(WorkError::field(path, format!("at most {}", settings.operations.max_tasks)))
        }
        asked => Ok(asked.unwrap_or(usual)),
    };
    let age = body.max_age_seconds.map(std::time::Duration::from_secs);
    let caps = Caps {
        max_requeue: cap("/max_requeue", body.max_requeue, settings.operations.apply_max_requeue)?,
        max_hold: cap("/max_hold", body.max_hold, settings.operations.apply_max_hold)?,
        max_alarm: cap("/max_alarm", body.max_alarm, settings.operations.apply_max_alarm)?,
        failed_after: now.minus(age.unwrap_or(settings.failures.apply_max_age)),
    };
    let mut chosen = Vec::new();
    for tenant in among(&state.0, &caller.whose).await? {
        let here = applying::preview(&state.0, &tenant, filter.clone(), caps).await?;
        chosen.push((tenant, here));
    }
    let todo = Todo {
        from: Box::Dlq,
        action: Action::Apply,
        per_second: body.per_second,
        canary: 0,
        note: body.note,
        nothing_was_sent: false,
        dry_run: body.dry_run,
    };
    operate(state, caller, todo, chosen).await
}

/// Which operations.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OperationQuery {
    /// `waiting_approval`, `running`, `stopped`, `aborted` or `done`.
    status: Option<String>,
    /// `dlq`, `hold` or `alarm`.
    #[serde(rename = "box")]
    from: Option<String>,
    /// For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all.
    // The door reads it.
    #[serde(rename = "tenant")]
    _tenant: Option<String>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Place<String>>,
    /// 1 to 200; 50 unless said otherwise.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    limit: Limit,
}

/// Lists operations, the newest first.
#[utoipa::path(get, path = "/operations", tag = "failures", params(OperationQuery), security(("api_key" = [])),
    responses((status = 200, body = Page<OperationOut>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_operations(
    State(state): State<WorkState>,
    caller: Overseer,
    Query(query): Query<OperationQuery>,
) -> Result<Json<Page<OperationOut>>, Problem> {
    let limit = query.limit;
    let status = query.status.map(|t| OperationStatus::parse(&t).ok_or_else(|| bad("status")));
    let filter = sql::Filter {
        status: status.transpose()?,
        from: query.from.map(|t| Box::parse(&t).ok_or_else(|| bad("box"))).transpose()?,
        before: query.cursor.map(|place| place.0),
    };
    let mut found = Vec::new();
    for tenant in among(&state.0, &caller.whose).await? {
        let (whose, filter) = (tenant.clone(), filter.clone());
        let more = limit.get() as i64 + 1;
        let listed = state.0.app.db.read(&tenant, move |q| sql::list(q, &whose, &filter, more));
        found.extend(listed.await.map_err(WorkError::from)?);
    }
    // Each tenant's are in order already; whatever is behind the page comes again with the next one.
    found.sort_by(|a, b| b.operation_id.cmp(&a.operation_id));
    found.truncate(limit.get() + 1);
    let page = Page::cut(found, limit, |op| op.operation_id.clone());
    Ok(Json(page.map(|op| op.out())))
}

fn operation_id(text: &str) -> Result<String, WorkError> {
    let id = OperationId::parse(text).map_err(|_| BoxesError::NoOperation)?;
    Ok(id.to_string())
}

/// Shows an operation: how far it is, and how it ended.
#[utoipa::path(get, path = "/operations/{operation_id}", tag = "failures", params(("operation_id" = String, Path)), security(("api_key" = [])),
    responses((status = 200, body = OperationOut), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn get_operation(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
    Path(id): Path<String>,
) -> Result<Json<OperationOut>, Problem> {
    let (id, tenant) = (operation_id(&id)?, caller.tenant.clone());
    let found = state.0.app.db.read(&caller.tenant, move |q| {
        let op = sql::load(q, &tenant, &id)?.ok_or(BoxesError::NoOperation)?;
        Ok::<_, WorkError>(op)
    });
    Ok(Json(found.await?.out()))
}

/// Which of its tasks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ItemQuery {
    /// `changed`, `skipped` or `failed`.
    outcome: Option<String>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Place<u64>>,
    /// 1 to 200; 50 unless said otherwise.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    limit: Limit,
}

/// A task of an operation.
#[derive(Serialize, ToSchema)]
pub struct ItemOut {
    /// From 1, in the order in which they are dealt with.
    position: u64,
    task_id: String,
    /// What is done to it.
    action: Action,
    /// What became of it; missing while it is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// Why it was skipped, or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Lists the tasks of an operation, in its order, with what became of each.
#[utoipa::path(get, path = "/operations/{operation_id}/items", tag = "failures", params(("operation_id" = String, Path), ItemQuery), security(("api_key" = [])),
    responses((status = 200, body = Page<ItemOut>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn list_items(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
    Path(id): Path<String>,
    Query(query): Query<ItemQuery>,
) -> Result<Json<Page<ItemOut>>, Problem> {
    let (id, tenant, limit) = (operation_id(&id)?, caller.tenant.clone(), query.limit);
    let outcome = query.outcome.map(|t| Outcome::parse(&t).ok_or_else(|| bad("outcome")));
    let outcome = outcome.transpose()?;
    let after = query.cursor.map_or(0, |place| place.0);
    let found = state.0.app.db.read(&caller.tenant, move |q| {
        sql::load(q, &tenant, &id)?.ok_or(BoxesError::NoOperation)?;
        Ok::<_, WorkError>(sql::items(q, &tenant, &id, outcome, after, limit.get() as i64 + 1)?)
    });
    let page = Page::cut(found.await?, limit, |told| told.item.position);
    Ok(Json(page.map(|told| ItemOut {
        position: told.item.position,
        task_id: told.item.task_id,
        action: told.item.action,
        outcome: told.outcome,
        why: told.why,
    })))
}

/// Calls an operation off: what is done stays done, the rest is not touched.
#[utoipa::path(post, path = "/operations/{operation_id}/abort", tag = "failures", params(("operation_id" = String, Path)), security(("api_key" = [])),
    responses((status = 202, body = Asked), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, description = "`operation_over`", body = Problem)))]
pub async fn abort_operation(
    State(state): State<WorkState>,
    caller: Caller<Admin>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let actor = caller.principal.decider(&caller.tenant);
    steer::abort(&state.0, &caller.tenant, &operation_id(&id)?, &actor).await?;
    Ok(ACCEPTED)
}
