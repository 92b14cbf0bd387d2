//! `/{box}/peek`, `/{box}/stats`, `/{box}/causes`: looking into the boxes.

use axum::Json;
use axum::extract::{Path, State};
use nexus_core::failure::FailureCode;
use nexus_core::time::Time;
use nexus_core::triage::Decision;
use nexus_kit::http::page::{Limit, Page, Place};
use nexus_kit::http::principal::Overseer;
use nexus_kit::http::problem::Problem;
use nexus_kit::http::query::Query;
use nexus_kit::http::seen::{Seen, seen};
use nexus_kit::settings::Runbooks;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Box;
use super::filter::{Filter, FilterIn, Names};
use super::read::{self, AGES, Before, Cause, Peeked, Stats};
use super::sql::Ack;
use crate::WorkState;

/// The box of a path.
pub(crate) fn parse(name: &str) -> Result<Box, Problem> {
    Box::parse(name).ok_or_else(|| {
        Problem::not_found("unknown_box", "There is no such box; there are dlq, hold and alarm.")
    })
}

/// The queries of the boxes: a filter, field by field, because a query type is flat, and what each
/// has besides.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident { $($more:tt)* })*) => {$(
        $(#[$doc])*
        #[derive(Deserialize, IntoParams)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Failure codes, separated by commas.
            failure_code: Option<String>,
            /// Command types, separated by commas.
            task_type: Option<String>,
            /// Failed at least so many seconds ago.
            older_than: Option<u64>,
            /// Failed less than so many seconds ago.
            newer_than: Option<u64>,
            /// Stands in the error or in the agent's own code; 2 to 200 characters.
            text: Option<String>,
            /// Causes, separated by commas.
            cause: Option<String>,
            /// For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for
            /// all.
            // The door reads it.
            #[serde(rename = "tenant")]
            _tenant: Option<String>,
            $($more)*
        }

        impl $name {
            /// The filter at this moment.
            fn filter(self, now: Time) -> Result<Filter, Problem> {
                let names = |text: Option<String>| {
                    text.as_deref().map(Names::split).unwrap_or_default()
                };
                let sent = FilterIn {
                    failure_code: names(self.failure_code),
                    task_type: names(self.task_type),
                    older_than: self.older_than,
                    newer_than: self.newer_than,
                    text: self.text,
                    cause: names(self.cause),
                };
                sent.at(now, "")
            }
        }
    )*};
}

queries! {
    /// Which tasks of a box.
    PeekQuery {
        /// `next` of the page before.
        #[param(value_type = Option<String>)]
        cursor: Option<Place<Before>>,
        /// 1 to 200; 50 unless said otherwise.
        #[serde(default)]
        #[param(value_type = Option<u16>)]
        limit: Limit,
    }

    /// Which tasks of a box are counted.
    StatsQuery {}

    /// Which causes of a box.
    CausesQuery {
        /// `next` of the page before.
        #[param(value_type = Option<String>)]
        cursor: Option<Place<(u64, String)>>,
        /// 1 to 200; 50 unless said otherwise.
        #[serde(default)]
        #[param(value_type = Option<u16>)]
        limit: Limit,
    }
}

/// What the operations have in their query, besides what names the tenant. Anything else is refused: an
/// option that stands here instead of in the body must not be passed over.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TenantQuery {
    /// For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all.
    // The door reads it.
    #[serde(rename = "tenant")]
    _tenant: Option<String>,
}

/// A task that failed for good.
#[derive(Serialize, ToSchema)]
pub struct FailureOut {
    /// `{org}:{project}`.
    tenant_id: String,
    task_id: String,
    task_type: String,
    /// `GREEN`, `YELLOW` or `RED`.
    risk: String,
    #[schema(value_type = String)]
    failure_code: FailureCode,
    /// What the code means, in English and Korean.
    failure_title: &'static str,
    failure_title_ko: &'static str,
    /// What the agent itself called it.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_code: Option<String>,
    error: String,
    #[schema(value_type = String, format = DateTime)]
    failed_at: Time,
    /// Attempts so far, of all runs.
    attempts: u32,
    /// Retries of this run.
    retry_count: u32,
    /// How often it was put to work, from 1.
    run: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    correlation_id: String,
    requested_by: String,
    /// What they were called then, if they are a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by_name: Option<String>,
    /// What the policy says: `requeue`, `hold`, `alarm` or `ignore`.
    #[schema(value_type = String)]
    triage: Decision,
    /// Whether it may be requeued at all; not with an alarm code that nobody has resolved.
    may_requeue: bool,
    /// Names what it has in common with others; `GET /{box}/causes` counts them.
    cause: String,
    /// Where the code's runbook stands.
    runbook: String,
    /// Who has seen it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<AckOut>,
}

/// Who has seen a failed task, and what they said.
#[derive(Serialize, ToSchema)]
pub struct AckOut {
    by: String,
    /// What they are called, if they are a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_name: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    at: Time,
    note: String,
}

impl From<Ack> for AckOut {
    fn from(ack: Ack) -> Self {
        Self { by: ack.by, by_name: ack.by_name, at: ack.at, note: ack.note }
    }
}

impl FailureOut {
    fn new(peeked: Peeked, runbooks: &Runbooks) -> Self {
        let failure = peeked.failure;
        let code = failure.failed.code;
        Self {
            tenant_id: peeked.tenant.to_string(),
            task_id: failure.task_id,
            task_type: failure.task_type,
            risk: failure.risk,
            failure_code: code,
            failure_title: code.title_en(),
            failure_title_ko: code.title_ko(),
            agent_code: failure.agent_code,
            error: failure.error,
            failed_at: failure.failed.failed_at,
            attempts: failure.attempts,
            retry_count: failure.retry_count,
            run: failure.run,
            agent: failure.agent,
            correlation_id: failure.correlation_id,
            requested_by: failure.requested_by,
            requested_by_name: failure.requested_by_name,
            triage: peeked.decision,
            may_requeue: peeked.may_requeue,
            cause: failure.cause,
            runbook: runbooks.url(code),
            ack: failure.ack.map(AckOut::from),
        }
    }
}

/// Lists what stands in a box, what failed last first.
#[utoipa::path(get, path = "/{box}/peek", tag = "failures", params(("box" = String, Path, description = "`dlq`, `hold` or `alarm`"), PeekQuery), security(("api_key" = [])),
    responses((status = 200, body = Page<FailureOut>), (status = 400, description = "`invalid_filter`, `invalid_parameter`", body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, description = "`unknown_box`", body = Problem)))]
pub async fn peek(
    State(state): State<WorkState>,
    caller: Overseer,
    Path(name): Path<String>,
    Query(query): Query<PeekQuery>,
) -> Result<Json<Page<Seen<FailureOut>>>, Problem> {
    let (of, limit) = (parse(&name)?, query.limit);
    let before = query.cursor.as_ref().map(|place| place.0.clone());
    let filter = query.filter(state.0.app.clock.now())?;
    let more = limit.get() + 1;
    let found = read::peek(&state.0, &caller.whose, of, &filter, before.as_ref(), more).await?;
    let page = Page::cut(found, limit, |peeked| {
        let (failed_at, task_id) = peeked.failure.place();
        (failed_at, task_id.to_owned())
    });
    let runbooks = &state.0.app.settings.runbooks;
    Ok(Json(page.map(|peeked| {
        let reader = caller.principal.reader(&peeked.tenant);
        seen(&reader, "tasks", FailureOut::new(peeked, runbooks))
    })))
}

/// How much of what stands in a box. The largest of each list comes first.
#[derive(Serialize, ToSchema)]
pub struct StatsOut {
    count: u64,
    by_code: Vec<CodeCount>,
    by_type: Vec<TypeCount>,
    /// How long ago they failed: `1h`, `24h`, `7d`, `30d`, `older`; each task stands in one.
    by_age: Vec<AgeCount>,
    by_triage: Vec<TriageCount>,
}

/// How many tasks failed with a code.
#[derive(Serialize, ToSchema)]
pub struct CodeCount {
    #[schema(value_type = String)]
    failure_code: FailureCode,
    title: &'static str,
    title_ko: &'static str,
    count: u64,
}

/// How many tasks of a type failed.
#[derive(Serialize, ToSchema)]
pub struct TypeCount {
    task_type: String,
    count: u64,
}

/// How many tasks failed so long ago.
#[derive(Serialize, ToSchema)]
pub struct AgeCount {
    bucket: &'static str,
    count: u64,
}

/// What the policy says of how many tasks.
#[derive(Serialize, ToSchema)]
pub struct TriageCount {
    /// `requeue`, `hold`, `alarm` or `ignore`.
    #[schema(value_type = String)]
    triage: Decision,
    count: u64,
}

impl From<Stats> for StatsOut {
    fn from(stats: Stats) -> Self {
        let by_code = largest(stats.by_code).map(|(code, count)| CodeCount {
            failure_code: code,
            title: code.title_en(),
            title_ko: code.title_ko(),
            count,
        });
        let by_type =
            largest(stats.by_type).map(|(task_type, count)| TypeCount { task_type, count });
        let by_age = AGES.iter().zip(stats.by_age);
        let by_triage = Decision::ALL.map(|triage| TriageCount {
            triage,
            count: stats.by_decision.get(&triage).copied().unwrap_or_default(),
        });
        Self {
            count: stats.count,
            by_code: by_code.collect(),
            by_type: by_type.collect(),
            by_age: by_age.map(|((bucket, _), count)| AgeCount { bucket, count }).collect(),
            by_triage: by_triage.into(),
        }
    }
}

/// Names with their counts, the largest first.
fn largest<K: Ord>(counts: impl IntoIterator<Item = (K, u64)>) -> impl Iterator<Item = (K, u64)> {
    let mut counts: Vec<(K, u64)> = counts.into_iter().collect();
    counts.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then_with(|| a.cmp(b)));
    counts.into_iter()
}

/// Counts what stands in a box by code, type, age and what the policy says.
#[utoipa::path(get, path = "/{box}/stats", tag = "failures", params(("box" = String, Path, description = "`dlq`, `hold` or `alarm`"), StatsQuery), security(("api_key" = [])),
    responses((status = 200, body = StatsOut), (status = 400, description = "`invalid_filter`, `invalid_parameter`", body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, description = "`unknown_box`", body = Problem)))]
pub async fn stats(
    State(state): State<WorkState>,
    caller: Overseer,
    Path(name): Path<String>,
    Query(query): Query<StatsQuery>,
) -> Result<Json<StatsOut>, Problem> {
    let of = parse(&name)?;
    let now = state.0.app.clock.now();
    let filter = query.filter(now)?;
    let stats = read::stats(&state.0, &caller.whose, of, &filter, now).await?;
    Ok(Json(StatsOut::from(stats)))
}

/// What many failures have in common.
#[derive(Serialize, ToSchema)]
pub struct CauseOut {
    /// Its name, for the filter `cause`.
    cause: String,
    #[schema(value_type = String)]
    failure_code: FailureCode,
    task_type: String,
    /// The error without what differs: `<n>`, `<id>`, `<url>`, `<path>`, `<text>`, …
    message: String,
    count: u64,
    #[schema(value_type = String, format = DateTime)]
    first_failed_at: Time,
    #[schema(value_type = String, format = DateTime)]
    last_failed_at: Time,
    /// A task that has it.
    task_id: String,
    /// The tenant of that task.
    tenant_id: String,
}

impl From<Cause> for CauseOut {
    fn from(cause: Cause) -> Self {
        Self {
            cause: cause.cause,
            failure_code: cause.code,
            task_type: cause.task_type,
            message: cause.message,
            count: cause.count,
            first_failed_at: cause.first,
            last_failed_at: cause.last,
            task_id: cause.sample,
            tenant_id: cause.tenant.to_string(),
        }
    }
}

/// Lists the causes of what stands in a box, the largest first; at most the 1,000 largest of each
/// tenant.
#[utoipa::path(get, path = "/{box}/causes", tag = "failures", params(("box" = String, Path, description = "`dlq`, `hold` or `alarm`"), CausesQuery), security(("api_key" = [])),
    responses((status = 200, body = Page<CauseOut>), (status = 400, description = "`invalid_filter`, `invalid_parameter`", body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, description = "`unknown_box`", body = Problem)))]
pub async fn causes(
    State(state): State<WorkState>,
    caller: Overseer,
    Path(name): Path<String>,
    Query(query): Query<CausesQuery>,
) -> Result<Json<Page<Seen<CauseOut>>>, Problem> {
    let (of, limit) = (parse(&name)?, query.limit);
    let behind = query.cursor.as_ref().map(|place| place.0.clone());
    let filter = query.filter(state.0.app.clock.now())?;
    let more = limit.get() + 1;
    let found = read::causes(&state.0, &caller.whose, of, &filter, behind, more).await?;
    let page = Page::cut(found, limit, |cause| (cause.count, cause.cause.clone()));
    Ok(Json(page.map(|cause| {
        let reader = caller.principal.reader(&cause.tenant);
        seen(&reader, "tasks", CauseOut::from(cause))
    })))
}
