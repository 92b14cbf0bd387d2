//! The description of the API, put together from the slices.

use nexus_alerts::http as alerts;
use nexus_auth::http as auth;
use nexus_auth::people::http as people;
use nexus_auth::people::http::members;
use nexus_kit::http::principal::SESSION_COOKIE;
use nexus_kit::http::problem::Problem;
use nexus_work::approvals::http as approvals;
use nexus_work::boxes::http as boxes;
use nexus_work::boxes::operations::http as bulk;
use nexus_work::boxes::triage::http as triage;
use nexus_work::commands::http as commands;
use nexus_work::contract::http as contract;
use nexus_work::policy::http as policy;
use nexus_work::tasks::http as tasks;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::{Modify, OpenApi};

use crate::routes::{ACCESS, Access};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "NEXUS",
        description = "A self-hosted control plane for AI agents. Commands and decisions answer 202; what happens comes by the one stream, `GET /agent/reports/stream`. Every request outside the public routes names its tenant by `x-org-id` and `x-project-id` (or `org_id` and `project_id` in the query), except those about the person who asks. Every refusal is `application/problem+json` with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        commands::send_command, commands::create_task,
        policy::list_types, policy::put_type, policy::get_policy, policy::put_policy,
        policy::explain, policy::pause, policy::resume,
        tasks::list_tasks, tasks::get_task, tasks::get_sent, tasks::cancel_task, tasks::ask_again,
        tasks::list_worklog,
        approvals::list_asks, approvals::get_ask, approvals::decide_ask, approvals::inbox,
        bulk::requeue_dlq, bulk::route_dlq, bulk::alarm_dlq, bulk::apply_dlq, bulk::purge_dlq,
        bulk::requeue_hold, bulk::purge_hold, bulk::requeue_alarm, bulk::purge_alarm, bulk::ack_alarm,
        bulk::list_operations, bulk::get_operation, bulk::list_items, bulk::abort_operation,
        boxes::peek, boxes::stats, boxes::causes,
        triage::triage, triage::get_policy, triage::put_policy, triage::reset_policy,
        triage::simulate, triage::resolve,
        contract::claim_tasks, contract::claim_task, contract::beat, contract::take_callback,
        contract::get_schema,
        alerts::list_alerts, alerts::list_deliveries, alerts::list_routes, alerts::put_routes,
        alerts::rotate_secret, alerts::send_test, alerts::get_alert, alerts::list_platform_alerts,
        nexus_stream::http::stream,
        auth::list_tenants, auth::create_tenant, auth::list_keys, auth::create_key,
        auth::revoke_key, auth::rotate_key,
        people::login, people::look_at_link, people::redeem, people::logout, people::list_sessions,
        people::end_session, people::me,
        members::list_users, members::invite_user, members::put_user, members::link_user, members::put_member,
        members::remove_member,
    ),
    components(schemas(Problem)),
    modifiers(&Keys)
)]
struct Api;

struct Keys;

impl Modify for Keys {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let key = ApiKey::Header(ApiKeyValue::new("X-API-Key"));
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(key));
        let session = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The `access_token` of `POST /auth/login`."))
            .build();
        components.add_security_scheme("session", SecurityScheme::Http(session));
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
            SESSION_COOKIE,
            "Set by `POST /auth/login` with `cookie`. Writes need the header `x-csrf-token` too.",
        ));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
        for (path, item) in &mut api.paths.paths {
            for (method, operation) in operations(item) {
                if open_to_people(method, path)
                    && let Some(operation) = operation
                    && let Some(security) = &mut operation.security
                {
                    let none: [&str; 0] = [];
                    security.push(SecurityRequirement::new("session", none));
                    security.push(SecurityRequirement::new("cookie", none));
                }
            }
        }
    }
}

/// Whether a person with the right role may call a route that a key may call.
fn open_to_people(method: &str, path: &str) -> bool {
    ACCESS.iter().any(|(m, p, access)| {
        *m == method
            && *p == path
            && matches!(
                access,
                Access::Viewer | Access::Operator | Access::Approver | Access::Admin
            )
    })
}

fn operations(item: &mut PathItem) -> [(&'static str, Option<&mut Operation>); 4] {
    [
        ("GET", item.get.as_mut()),
        ("POST", item.post.as_mut()),
        ("PUT", item.put.as_mut()),
        ("DELETE", item.delete.as_mut()),
    ]
}

/// The whole description, OpenAPI 3.1.
pub fn description() -> utoipa::openapi::OpenApi {
    let mut api = Api::openapi();
    api.merge(nexus_ops::api());
    api.merge(nexus_ui::api());
    api
}
