//! The description of the API, put together from the slices.

use nexus_auth::http as auth;
use nexus_kit::http::problem::Problem;
use nexus_work::approvals::http as approvals;
use nexus_work::commands::http as commands;
use nexus_work::contract::http as contract;
use nexus_work::policy::http as policy;
use nexus_work::tasks::http as tasks;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "NEXUS",
        description = "A self-hosted control plane for AI agents. Commands and decisions answer 202; what happens comes by the one stream, `GET /agent/reports/stream`. Every request outside the public routes names its tenant by `x-org-id` and `x-project-id` (or `org_id` and `project_id` in the query). Every refusal is `application/problem+json` with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        commands::send_command, commands::create_task,
        policy::list_types, policy::put_type, policy::get_policy, policy::put_policy,
        policy::explain, policy::pause, policy::resume,
        tasks::list_tasks, tasks::get_task, tasks::get_sent, tasks::cancel_task, tasks::ask_again,
        tasks::list_worklog,
        approvals::list_asks, approvals::get_ask, approvals::decide_ask,
        contract::claim_tasks, contract::claim_task, contract::beat, contract::take_callback,
        nexus_stream::http::stream,
        auth::list_tenants, auth::create_tenant, auth::list_keys, auth::create_key,
        auth::revoke_key, auth::rotate_key,
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
    }
}

/// The whole description, OpenAPI 3.1.
pub fn description() -> utoipa::openapi::OpenApi {
    let mut api = Api::openapi();
    api.merge(nexus_ops::api());
    api
}
