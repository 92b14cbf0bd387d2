//! Routes for operators and their tools.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use nexus_kit::http::problem::Problem;
use nexus_kit::telemetry::metrics::{CONTENT_TYPE, Metrics};
use serde::Serialize;
use utoipa::OpenApi as _;

use crate::checks::{Check, CheckReport, Checks, Status};

pub(crate) mod docs;
pub(crate) mod runbooks;

/// What these routes stand on. Clones share everything.
#[derive(Clone, Debug)]
pub struct Ops(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    metrics: Metrics,
    checks: Checks,
    started: Instant,
}

impl Ops {
    /// With what is measured, what is depended on, and when the process began.
    pub fn new(metrics: Metrics, checks: Vec<Check>, started: Instant) -> Self {
        Self(Arc::new(Inner { metrics, checks: Checks::new(checks), started }))
    }
}

/// The summary.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// Whether every dependency works.
    pub status: Status,
    /// Which NEXUS runs.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// Seconds since it was started.
    #[schema(example = 86_400)]
    pub uptime_seconds: u64,
    /// Each dependency.
    pub checks: Vec<CheckReport>,
}

/// That the process runs.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub struct Liveness {
    /// Always `ok`.
    pub status: Status,
}

/// Whether it can serve.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Readiness {
    /// Whether every dependency works.
    pub status: Status,
    /// Each dependency.
    pub checks: Vec<CheckReport>,
}

#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        get_health,
        get_live,
        get_ready,
        get_metrics,
        docs::get_docs,
        docs::get_openapi,
        runbooks::list_runbooks,
        runbooks::get_runbook,
    ),
    components(schemas(Problem))
)]
struct Api;

/// The description of these routes.
pub fn api() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// `/health`, `/health/live`, `/health/ready`: public.
pub fn health(ops: Ops) -> Router {
    Router::new()
        .route("/health", get(get_health))
        .route("/health/live", get(get_live))
        .route("/health/ready", get(get_ready))
        .with_state(ops)
}

/// `/metrics`: for an address or a key of its own, which is the caller's to see to.
pub fn metrics(ops: Ops) -> Router {
    Router::new().route("/metrics", get(get_metrics)).with_state(ops)
}

/// How NEXUS is.
///
/// Answers 200 also when a dependency fails: it is for people; `/health/ready` is for balancers.
#[utoipa::path(
    get, path = "/health", tag = "operations", operation_id = "get_health", security(()),
    responses((status = 200, description = "How it is", body = Health))
)]
async fn get_health(State(ops): State<Ops>) -> Json<Health> {
    let checks = ops.0.checks.run().await.to_vec();
    Json(Health {
        status: overall(&checks),
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: ops.0.started.elapsed().as_secs(),
        checks,
    })
}

/// Whether the process runs.
///
/// Touches nothing that it depends on.
#[utoipa::path(
    get, path = "/health/live", tag = "operations", operation_id = "get_health_live", security(()),
    responses((status = 200, description = "It runs", body = Liveness))
)]
async fn get_live() -> Json<Liveness> {
    Json(Liveness { status: Status::Ok })
}

/// Whether it can serve.
#[utoipa::path(
    get, path = "/health/ready", tag = "operations", operation_id = "get_health_ready",
    security(()),
    responses(
        (status = 200, description = "It can", body = Readiness),
        (status = 503, description = "A dependency fails; checks says which", body = Readiness),
    )
)]
async fn get_ready(State(ops): State<Ops>) -> Response {
    let checks = ops.0.checks.run().await.to_vec();
    let status = overall(&checks);
    let code = match status {
        Status::Ok => StatusCode::OK,
        Status::Failed => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, Json(Readiness { status, checks })).into_response()
}

fn overall(checks: &[CheckReport]) -> Status {
    let all = checks.iter().all(|check| check.status == Status::Ok);
    if all { Status::Ok } else { Status::Failed }
}

/// Everything that is measured.
///
/// OpenMetrics text, as Prometheus reads it.
#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "get_metrics",
    security(("api_key" = [])),
    responses(
        (status = 200, description = "The numbers", body = String,
         content_type = "application/openmetrics-text"),
        (status = 401, description = "No key, or not the right one", body = Problem,
         content_type = "application/problem+json"),
    )
)]
async fn get_metrics(State(ops): State<Ops>) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    ([kind], ops.0.metrics.render()).into_response()
}
