//! `alerts.route`: changes where a tenant's alerts go. RED for good: a destination is a way out of the
//! house, and a person says yes to exactly these.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nexus_core::alert::{Author, Channel, Route, parse_routes};
use nexus_core::failure::FailureCode;
use nexus_core::policy::Risk;
use nexus_core::tenant::Tenant;
use nexus_kit::db::Tx;
use nexus_work::agent::{
    Agent, Bound, Failure, Job, ParamError, Performing, Settled, Settling, TypeSpec, Unsettled,
};
use serde_json::{Value, json};

use crate::route::{Stored, shown};
use crate::{Alerts, sql};

/// The type.
pub(crate) const TYPE: &str = "alerts.route";

/// Performs [`TYPE`].
pub(crate) struct Routes(pub Arc<Alerts>);

impl Routes {
    fn routes(&self, params: &Value) -> Result<Vec<Route>, Vec<ParamError>> {
        let text = params["routes"].to_string();
        let routes = parse_routes(&text, Author::Tenant).map_err(|faults| {
            let faults = faults.into_iter().map(|(path, message)| ParamError {
                path: format!("/routes{path}"),
                code: "invalid_route",
                message,
            });
            faults.collect::<Vec<_>>()
        })?;
        let mut errors = Vec::new();
        for (at, route) in routes.iter().enumerate() {
            let path = format!("/routes/{at}/to");
            match route.channel {
                Channel::Email if self.0.app.settings.mail.host.is_empty() => {
                    let message = "This server sends no mail: NEXUS_SMTP_HOST is empty".to_owned();
                    errors.push(ParamError { path, code: "mail_not_set_up", message });
                }
                Channel::Email | Channel::Pagerduty => {}
                _ => {
                    if let Err(refusal) = self.0.guard.check_url(&route.to) {
                        let message = refusal.to_string();
                        errors.push(ParamError { path, code: "egress_blocked", message });
                    }
                }
            }
        }
        if errors.is_empty() { Ok(routes) } else { Err(errors) }
    }
}

impl Agent for Routes {
    fn name(&self) -> &'static str {
        "alerts"
    }

    fn types(&self) -> Vec<TypeSpec> {
        vec![TypeSpec {
            name: TYPE,
            risk: Risk::Red,
            floor: true,
            title_en: "Change where alerts go",
            title_ko: "알림 전송 경로 변경",
            params_schema: json!({
                "type": "object",
                "properties": {
                    "routes": {
                        "type": "array",
                        "maxItems": nexus_core::alert::MAX_ROUTES,
                        "items": {"type": "object"},
                    },
                },
                "required": ["routes"],
                "additionalProperties": false,
            }),
            target: None,
            timeout: Duration::from_secs(30),
        }]
    }

    fn check(&self, _: &Tenant, _: &str, params: &Value) -> Result<(), Vec<ParamError>> {
        self.routes(params).map(|_| ())
    }

    fn bind(&self, _: &Tenant, _: &str, _: &Value) -> Result<Vec<Bound>, Vec<ParamError>> {
        Ok(Vec::new())
    }

    fn settles(&self, _: &str) -> bool {
        true
    }

    fn settle(&self, tx: &mut Tx<'_>, settling: &Settling<'_>) -> Result<Settled, Unsettled> {
        let job = settling.job;
        let routes = self.routes(&job.params).map_err(|errors| {
            let message = errors.first().map_or_else(String::new, |error| error.message.clone());
            Failure::new(FailureCode::InvalidParams, message)
        })?;
        let owner = job.tenant.key();
        let before = sql::routes(tx, owner)?;
        let mut stored = Vec::new();
        for route in routes {
            let known = before.iter().find(|old| {
                old.route.name == route.name
                    && old.route.channel == route.channel
                    && old.route.to == route.to
            });
            stored.push(match known {
                Some(known) => Stored { route, ..known.clone() },
                None => {
                    let signed = route.channel == Channel::Webhook;
                    let secret = signed.then(|| new_secret(tx));
                    Stored { route, secret, old_secret: None, old_until: None }
                }
            });
        }
        sql::replace_routes(tx, owner, &stored, tx.now(), settling.requested_by)?;
        let said = stored.iter().map(|stored| {
            let route = &stored.route;
            json!({"name": route.name, "channel": route.channel, "to": shown(route.channel, &route.to)})
        });
        Ok(Settled { result: json!({"routes": said.collect::<Vec<_>>()}), ..Settled::default() })
    }

    fn perform<'a>(
        &'a self,
        job: &'a Job,
        _: &'a dyn nexus_work::agent::Supervisor,
    ) -> Performing<'a> {
        Box::pin(async move {
            let message = format!("Agent alerts does not perform {}", job.command_type);
            Err(Failure::new(FailureCode::UnknownTaskType, message))
        })
    }
}

/// A new secret of a webhook, as Standard Webhooks writes them.
pub(crate) fn new_secret(tx: &Tx<'_>) -> String {
    format!("whsec_{}", STANDARD.encode(tx.random::<32>()))
}
