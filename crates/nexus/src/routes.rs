//! The table of contents of the API: every route and its handler, and who may call it.

use axum::Router;
use axum::middleware::from_extractor_with_state;
use axum::routing::{delete, get, post, put};
use nexus_alerts::http::{self as alerts, AlertState};
use nexus_auth::AuthState;
use nexus_auth::http as auth;
use nexus_auth::people::http as people;
use nexus_auth::people::http::members;
use nexus_kit::app::App;
use nexus_kit::http::principal::{Caller, PlatformKey, Viewer};
use nexus_ops::Ops;
use nexus_stream::StreamState;
use nexus_work::WorkState;
use nexus_work::approvals::http as approvals;
use nexus_work::boxes::http as boxes;
use nexus_work::boxes::operations::http as operations;
use nexus_work::boxes::triage::http as triage;
use nexus_work::commands::http as commands;
use nexus_work::contract::http as contract;
use nexus_work::policy::http as policy;
use nexus_work::tasks::http as tasks;

use crate::openapi;

/// What the handlers stand on.
pub struct States {
    /// The parts of the server.
    pub app: App,
    /// Tenants, keys and people.
    pub auth: AuthState,
    /// Commands, approvals, tasks, agents.
    pub work: WorkState,
    /// Alerts.
    pub alerts: AlertState,
    /// The stream.
    pub stream: StreamState,
    /// Health and metrics.
    pub ops: Ops,
}

/// All routes.
pub fn router(states: States) -> Router {
    let work = Router::new()
        .route("/sidecar/command", post(commands::send_command))
        .route("/commands/types", get(policy::list_types))
        .route("/commands/types/{command_type}", put(policy::put_type))
        .route("/policy", get(policy::get_policy).put(policy::put_policy))
        .route("/policy/explain", post(policy::explain))
        .route("/tasks", get(tasks::list_tasks).post(commands::create_task))
        .route("/tasks/{task_id}", get(tasks::get_task))
        .route("/tasks/{task_id}/sent/{attempt}", get(tasks::get_sent))
        .route("/tasks/{task_id}/cancel", post(tasks::cancel_task))
        .route("/tasks/{task_id}/ask_again", post(tasks::ask_again))
        .route("/worklog", get(tasks::list_worklog))
        .route("/approvals", get(approvals::list_asks))
        .route("/approvals/{ask_id}", get(approvals::get_ask))
        .route("/approvals/{ask_id}/decide", post(approvals::decide_ask))
        .route("/me/inbox", get(approvals::inbox))
        .route("/dlq/requeue", post(operations::requeue_dlq))
        .route("/dlq/route", post(operations::route_dlq))
        .route("/dlq/alarm", post(operations::alarm_dlq))
        .route("/dlq/apply", post(operations::apply_dlq))
        .route("/dlq/purge", post(operations::purge_dlq))
        .route("/hold/requeue", post(operations::requeue_hold))
        .route("/hold/purge", post(operations::purge_hold))
        .route("/alarm/requeue", post(operations::requeue_alarm))
        .route("/alarm/purge", post(operations::purge_alarm))
        .route("/alarm/ack", post(operations::ack_alarm))
        .route("/operations", get(operations::list_operations))
        .route("/operations/{operation_id}", get(operations::get_operation))
        .route("/operations/{operation_id}/items", get(operations::list_items))
        .route("/operations/{operation_id}/abort", post(operations::abort_operation))
        .route("/{box}/peek", get(boxes::peek))
        .route("/{box}/stats", get(boxes::stats))
        .route("/{box}/causes", get(boxes::causes))
        .route("/dlq/triage", post(triage::triage))
        .route(
            "/dlq/policy",
            get(triage::get_policy).put(triage::put_policy).delete(triage::reset_policy),
        )
        .route("/dlq/policy/simulate", post(triage::simulate))
        .route("/alarm/resolve", post(triage::resolve))
        .route("/tenant/pause", post(policy::pause))
        .route("/tenant/resume", post(policy::resume))
        .route("/agent/tasks/claim", post(contract::claim_tasks))
        .route("/agent/tasks/{task_id}/claim", post(contract::claim_task))
        .route("/agent/tasks/{task_id}/heartbeat", post(contract::beat))
        .route("/agent/callback", post(contract::take_callback))
        .route("/schemas/{name}", get(contract::get_schema))
        .with_state(states.work);
    let alerts = Router::new()
        .route("/alerts", get(alerts::list_alerts))
        .route("/alerts/deliveries", get(alerts::list_deliveries))
        .route("/alerts/routes", get(alerts::list_routes).put(alerts::put_routes))
        .route("/alerts/routes/{route}/secret", post(alerts::rotate_secret))
        .route("/alerts/test", post(alerts::send_test))
        .route("/alerts/{alert_id}", get(alerts::get_alert))
        .route("/platform/alerts", get(alerts::list_platform_alerts))
        .with_state(states.alerts);
    let stream = Router::new()
        .route("/agent/reports/stream", get(nexus_stream::http::stream))
        .with_state(states.stream);
    let auth = Router::new()
        .route("/tenants", get(auth::list_tenants).post(auth::create_tenant))
        .route("/keys", get(auth::list_keys).post(auth::create_key))
        .route("/keys/{key_id}", delete(auth::revoke_key))
        .route("/keys/{key_id}/rotate", post(auth::rotate_key))
        .route("/auth/login", post(people::login))
        .route("/auth/link", post(people::look_at_link))
        .route("/auth/redeem", post(people::redeem))
        .route("/auth/logout", post(people::logout))
        .route("/auth/sessions", get(people::list_sessions))
        .route("/auth/sessions/{session_id}", delete(people::end_session))
        .route("/me", get(people::me))
        .route("/users", get(members::list_users).post(members::invite_user))
        .route("/users/{user_id}", put(members::put_user))
        .route("/users/{user_id}/link", post(members::link_user))
        .route(
            "/tenants/{org}/{project}/members/{user_id}",
            put(members::put_member).delete(members::remove_member),
        )
        .with_state(states.auth);
    let metrics = nexus_ops::metrics(states.ops.clone())
        .layer(from_extractor_with_state::<PlatformKey, _>(states.app.clone()));
    let runbooks = nexus_ops::runbooks(states.app.settings.runbooks.clone())
        .layer(from_extractor_with_state::<Caller<Viewer>, _>(states.app));
    Router::new()
        .merge(work)
        .merge(alerts)
        .merge(stream)
        .merge(auth)
        .merge(metrics)
        .merge(runbooks)
        .merge(nexus_ops::runbook_pages())
        .merge(nexus_ops::health(states.ops))
        .merge(nexus_ops::docs(&openapi::description()))
        .merge(nexus_ui::console())
}

/// Who may call a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anybody.
    Public,
    /// At least a viewer of the tenant that the request names.
    Viewer,
    /// At least an operator of that tenant.
    Operator,
    /// Who may decide asks of that tenant.
    Approver,
    /// An admin of that tenant.
    Admin,
    /// An agent key.
    Agent,
    /// A person, about themselves, without a tenant.
    Person,
    /// `NEXUS_API_KEY` or `ADMIN_API_KEY`, without a tenant.
    PlatformKey,
    /// `ADMIN_API_KEY`, without a tenant.
    PlatformAdmin,
}

/// Every route with who may call it. A test holds this against the router, the API's description
/// and what each route answers to strangers.
pub const ACCESS: &[(&str, &str, Access)] = &[
    ("POST", "/sidecar/command", Access::Operator),
    ("GET", "/commands/types", Access::Viewer),
    ("PUT", "/commands/types/{command_type}", Access::Admin),
    ("GET", "/policy", Access::Viewer),
    ("PUT", "/policy", Access::Admin),
    ("POST", "/policy/explain", Access::Viewer),
    ("GET", "/tasks", Access::Viewer),
    ("POST", "/tasks", Access::Operator),
    ("GET", "/tasks/{task_id}", Access::Viewer),
    ("GET", "/tasks/{task_id}/sent/{attempt}", Access::Admin),
    ("POST", "/tasks/{task_id}/cancel", Access::Operator),
    ("POST", "/tasks/{task_id}/ask_again", Access::Operator),
    ("GET", "/worklog", Access::Viewer),
    ("GET", "/approvals", Access::Viewer),
    ("GET", "/approvals/{ask_id}", Access::Viewer),
    ("POST", "/approvals/{ask_id}/decide", Access::Approver),
    ("GET", "/me/inbox", Access::Person),
    ("POST", "/dlq/requeue", Access::Admin),
    ("POST", "/dlq/route", Access::Admin),
    ("POST", "/dlq/alarm", Access::Admin),
    ("POST", "/dlq/apply", Access::Admin),
    ("POST", "/dlq/purge", Access::Admin),
    ("POST", "/hold/requeue", Access::Admin),
    ("POST", "/hold/purge", Access::Admin),
    ("POST", "/alarm/requeue", Access::Admin),
    ("POST", "/alarm/purge", Access::Admin),
    ("POST", "/alarm/ack", Access::Admin),
    ("GET", "/operations", Access::Admin),
    ("GET", "/operations/{operation_id}", Access::Admin),
    ("GET", "/operations/{operation_id}/items", Access::Admin),
    ("POST", "/operations/{operation_id}/abort", Access::Admin),
    ("GET", "/{box}/peek", Access::Admin),
    ("GET", "/{box}/stats", Access::Admin),
    ("GET", "/{box}/causes", Access::Admin),
    ("POST", "/dlq/triage", Access::Admin),
    ("GET", "/dlq/policy", Access::Admin),
    ("PUT", "/dlq/policy", Access::Admin),
    ("DELETE", "/dlq/policy", Access::Admin),
    ("POST", "/dlq/policy/simulate", Access::Admin),
    ("POST", "/alarm/resolve", Access::Admin),
    ("POST", "/tenant/pause", Access::Admin),
    ("POST", "/tenant/resume", Access::Admin),
    ("POST", "/agent/tasks/claim", Access::Agent),
    ("POST", "/agent/tasks/{task_id}/claim", Access::Agent),
    ("POST", "/agent/tasks/{task_id}/heartbeat", Access::Agent),
    ("POST", "/agent/callback", Access::Agent),
    ("GET", "/schemas/{name}", Access::Public),
    ("GET", "/alerts", Access::Viewer),
    ("GET", "/alerts/deliveries", Access::Viewer),
    ("GET", "/alerts/routes", Access::Admin),
    ("PUT", "/alerts/routes", Access::Admin),
    ("POST", "/alerts/routes/{route}/secret", Access::Admin),
    ("POST", "/alerts/test", Access::Admin),
    ("GET", "/alerts/{alert_id}", Access::Viewer),
    ("GET", "/platform/alerts", Access::PlatformAdmin),
    ("GET", "/agent/reports/stream", Access::Viewer),
    ("GET", "/tenants", Access::PlatformAdmin),
    ("POST", "/tenants", Access::PlatformAdmin),
    ("GET", "/keys", Access::Admin),
    ("POST", "/keys", Access::Admin),
    ("DELETE", "/keys/{key_id}", Access::Admin),
    ("POST", "/keys/{key_id}/rotate", Access::Admin),
    ("POST", "/auth/login", Access::Public),
    ("POST", "/auth/link", Access::Public),
    ("POST", "/auth/redeem", Access::Public),
    ("POST", "/auth/logout", Access::Person),
    ("GET", "/auth/sessions", Access::Person),
    ("DELETE", "/auth/sessions/{session_id}", Access::Person),
    ("GET", "/me", Access::Person),
    ("GET", "/users", Access::Admin),
    ("POST", "/users", Access::Admin),
    ("PUT", "/users/{user_id}", Access::PlatformAdmin),
    ("POST", "/users/{user_id}/link", Access::Admin),
    ("PUT", "/tenants/{org}/{project}/members/{user_id}", Access::Admin),
    ("DELETE", "/tenants/{org}/{project}/members/{user_id}", Access::Admin),
    ("GET", "/runbooks", Access::Viewer),
    ("GET", "/runbooks/{code}", Access::Public),
    ("GET", "/metrics", Access::PlatformKey),
    ("GET", "/health", Access::Public),
    ("GET", "/health/live", Access::Public),
    ("GET", "/health/ready", Access::Public),
    ("GET", "/docs", Access::Public),
    ("GET", "/docs/", Access::Public),
    ("GET", "/docs/{file}", Access::Public),
    ("GET", "/openapi.json", Access::Public),
    ("GET", "/ui", Access::Public),
    ("GET", "/ui/", Access::Public),
];
