//! `/alerts`: what was told, to whom, and what became of it; routes; a test.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use futures_util::future::join_all;
use nexus_core::alert::{Author, Event, Language, Severity, parse_routes};
use nexus_core::id::{AlertId, DeliveryId};
use nexus_core::tenant::Tenant;
use nexus_kit::app::App;
use nexus_kit::db::DbError;
use nexus_kit::http::body::Body;
use nexus_kit::http::page::{Limit, Page, Place};
use nexus_kit::http::principal::{Admin, Caller, PlatformAdmin, Viewer};
use nexus_kit::http::problem::{FieldError, Problem};
use nexus_kit::http::query::Query;
use nexus_kit::http::seen::{Seen, seen};
use nexus_work::{Command, WorkState, accept};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::actions::destinations;
use crate::agent::{TYPE, new_secret};
use crate::error::AlertError;
use crate::notice::{Both, Notice};
use crate::route::{Destination, shown};
use crate::row::{Alert, AlertOut, Delivery, DeliveryOut, Owner, State as Sending};
use crate::sql::{self, Filter};
use crate::{Alerts, row};

/// How long a secret that was replaced signs beside the new one.
const OVERLAP: Duration = Duration::from_secs(86_400);

/// What the handlers share.
#[derive(Clone)]
pub struct AlertState {
    /// The slice.
    pub alerts: Arc<Alerts>,
    /// Where commands are taken.
    pub work: WorkState,
}

impl axum::extract::FromRef<AlertState> for App {
    fn from_ref(state: &AlertState) -> Self {
        state.alerts.app.clone()
    }
}

/// Which alerts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AlertQuery {
    /// `task.held`, `ask.created`, …
    event: Option<String>,
    /// `info`, `warning` or `critical`.
    severity: Option<String>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Place<String>>,
    /// 1 to 200; 50 unless said otherwise.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    limit: Limit,
}

impl AlertQuery {
    fn filter(self) -> Result<Filter, Problem> {
        let event = self.event.map(|text| Event::parse(&text).ok_or_else(|| bad("event")));
        let severity =
            self.severity.map(|text| Severity::parse(&text).ok_or_else(|| bad("severity")));
        Ok(Filter {
            event: event.transpose()?,
            severity: severity.transpose()?,
            before: self.cursor.map(|place| place.0),
            most: self.limit.get() as i64 + 1,
        })
    }
}

fn bad(name: &str) -> Problem {
    Problem::bad_request("invalid_parameter", format!("There is no such {name}."))
}

/// Lists the tenant's alerts, the newest first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(AlertQuery), security(("api_key" = [])),
    responses((status = 200, body = Page<AlertOut>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_alerts(
    State(state): State<AlertState>,
    caller: Caller<Viewer>,
    Query(query): Query<AlertQuery>,
) -> Result<Json<Page<Seen<AlertOut>>>, Problem> {
    let page = page(&state.alerts, Owner::Tenant(caller.tenant.clone()), query).await?;
    let reader = caller.reader();
    Ok(Json(page.map(|alert| seen(&reader, "alerts", alert))))
}

/// Lists the alerts of the platform, the newest first.
#[utoipa::path(get, path = "/platform/alerts", tag = "alerts", params(AlertQuery), security(("api_key" = [])),
    responses((status = 200, body = Page<AlertOut>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_platform_alerts(
    State(state): State<AlertState>,
    _caller: PlatformAdmin,
    Query(query): Query<AlertQuery>,
) -> Result<Json<Page<AlertOut>>, Problem> {
    Ok(Json(page(&state.alerts, Owner::Platform, query).await?))
}

async fn page(alerts: &Alerts, owner: Owner, query: AlertQuery) -> Result<Page<AlertOut>, Problem> {
    let limit = query.limit;
    let filter = query.filter()?;
    let whose = owner.clone();
    let found = alerts.app.db.read(owner.scope(), move |q| {
        let found = sql::list(q, whose.key(), &filter)?;
        let mut all = Vec::with_capacity(found.len());
        for alert in found {
            all.push(alert.out(&sql::deliveries_of(q, whose.key(), &alert.alert_id)?));
        }
        Ok::<_, DbError>(all)
    });
    let found = found.await.map_err(AlertError::from)?;
    Ok(Page::cut(found, limit, |alert| alert.alert_id.clone()))
}

/// An alert with each message that it brought.
#[derive(Serialize, ToSchema)]
pub struct AlertWhole {
    #[serde(flatten)]
    #[schema(inline)]
    alert: AlertOut,
    /// Each message, in full.
    messages: Vec<DeliveryOut>,
}

/// Shows an alert and what became of its messages.
#[utoipa::path(get, path = "/alerts/{alert_id}", tag = "alerts", params(("alert_id" = String, Path)), security(("api_key" = [])),
    responses((status = 200, body = AlertWhole), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn get_alert(
    State(state): State<AlertState>,
    caller: Caller<Viewer>,
    Path(alert_id): Path<String>,
) -> Result<Json<Seen<AlertWhole>>, Problem> {
    let alert_id = AlertId::parse(&alert_id).map_err(|_| AlertError::NoAlert)?;
    let tenant = caller.tenant.clone();
    let found = state.alerts.app.db.read(&caller.tenant, move |q| {
        let alert = sql::load(q, tenant.key(), alert_id.as_str())?.ok_or(AlertError::NoAlert)?;
        Ok::<_, AlertError>((alert, sql::deliveries_of(q, tenant.key(), alert_id.as_str())?))
    });
    let (alert, deliveries) = found.await?;
    let messages = deliveries.iter().map(Delivery::out).collect();
    let whole = AlertWhole { alert: alert.out(&deliveries), messages };
    Ok(Json(seen(&caller.reader(), "alerts", whole)))
}

/// Which messages.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DeliveryQuery {
    /// `pending`, `sent`, `failed` or `dropped`.
    state: Option<String>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Place<String>>,
    /// 1 to 200; 50 unless said otherwise.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    limit: Limit,
}

/// Lists the messages of the tenant's alerts, the newest first.
#[utoipa::path(get, path = "/alerts/deliveries", tag = "alerts", params(DeliveryQuery), security(("api_key" = [])),
    responses((status = 200, body = Page<DeliveryOut>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_deliveries(
    State(state): State<AlertState>,
    caller: Caller<Viewer>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Json<Page<DeliveryOut>>, Problem> {
    let limit = query.limit;
    let wanted = query.state.map(|text| Sending::parse(&text).ok_or_else(|| bad("state")));
    let wanted = wanted.transpose()?;
    let before = query.cursor.map(|place| place.0);
    let tenant = caller.tenant.clone();
    let found = state.alerts.app.db.read(&caller.tenant, move |q| {
        sql::deliveries(q, tenant.key(), wanted, before.as_deref(), limit.get() as i64 + 1)
    });
    let found = found.await.map_err(AlertError::from)?;
    let page = Page::cut(found, limit, |delivery| delivery.delivery_id.clone());
    Ok(Json(page.map(|delivery| delivery.out())))
}

/// A route as it may be shown.
#[derive(Serialize, ToSchema)]
pub struct RouteOut {
    /// What people call it.
    name: String,
    /// `server` for one out of the settings, `tenant` for one of the tenant's own.
    of: &'static str,
    /// `webhook`, `slack`, `discord`, `teams`, `pagerduty` or `email`.
    channel: &'static str,
    /// Where it leads, cut short.
    to: String,
    /// Globs of event names.
    events: Vec<String>,
    /// At least this severe.
    severity: &'static str,
    /// `en` or `ko`.
    language: &'static str,
}

/// Every route that takes this tenant's alerts.
#[derive(Serialize, ToSchema)]
pub struct RoutesOut {
    items: Vec<RouteOut>,
}

/// Lists where this tenant's alerts go: the server's routes, then the tenant's own. Where a route
/// leads is cut short, for it is often a secret.
#[utoipa::path(get, path = "/alerts/routes", tag = "alerts", security(("api_key" = [])),
    responses((status = 200, body = RoutesOut), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_routes(
    State(state): State<AlertState>,
    caller: Caller<Admin>,
) -> Result<Json<RoutesOut>, Problem> {
    let owner = Owner::Tenant(caller.tenant.clone());
    let all = all_destinations(&state.alerts, &owner).await?;
    let mine = |to: &&Destination| to.route.takes_tenant(owner.key());
    let items = all.iter().filter(mine).map(|to| RouteOut {
        name: to.route.name.clone(),
        of: if to.lane.starts_with("server/") { "server" } else { "tenant" },
        channel: to.route.channel.as_str(),
        to: shown(to.route.channel, to.to.expose()),
        events: to.route.events.clone(),
        severity: to.route.severity.as_str(),
        language: match to.route.language {
            Language::En => "en",
            Language::Ko => "ko",
        },
    });
    Ok(Json(RoutesOut { items: items.collect() }))
}

async fn all_destinations(alerts: &Alerts, owner: &Owner) -> Result<Vec<Destination>, AlertError> {
    let (whose, rules, now) = (owner.clone(), alerts.rules.clone(), alerts.app.clock.now());
    let all = alerts.app.db.read(owner.scope(), move |q| destinations(q, &whose, &rules, now));
    Ok(all.await?)
}

/// The routes that a tenant wants.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoutesIn {
    /// Every route of the tenant's own; those that are not here are gone.
    #[schema(value_type = Vec<Object>)]
    routes: Value,
}

/// All that a 202 says; what happens comes by the stream.
#[derive(Serialize, ToSchema)]
pub struct AskedOut {
    /// `accepted`.
    status: &'static str,
    /// The task that changes the routes once a person has said yes.
    task_id: String,
    /// As sent, or made.
    correlation_id: String,
}

/// Asks for other routes of the tenant's own. A destination is a way out of the house, so this is the
/// RED command `alerts.route`: nothing changes before a person has approved exactly these.
#[utoipa::path(put, path = "/alerts/routes", tag = "alerts", request_body = RoutesIn, security(("api_key" = [])),
    responses((status = 202, body = AskedOut), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, description = "`invalid_route`, `egress_blocked`, `mail_not_set_up`, …", body = Problem), (status = 503, body = Problem)))]
pub async fn put_routes(
    State(state): State<AlertState>,
    caller: Caller<Admin>,
    Body(body): Body<RoutesIn>,
) -> Result<(StatusCode, Json<AskedOut>), Problem> {
    if let Err(faults) = parse_routes(&body.routes.to_string(), Author::Tenant) {
        let errors = faults
            .into_iter()
            .map(|(path, message)| FieldError { path: format!("/routes{path}"), message });
        return Err(AlertError::Fields(errors.collect()).into());
    }
    let command = Command {
        command_type: TYPE.to_owned(),
        params: json!({"routes": body.routes}),
        correlation_id: caller.correlation_id.clone(),
        risk: None,
        precondition: None,
        priority: 0,
        deadline: None,
        requested_by: caller.principal.name(),
        requested_by_name: caller.principal.display_name().map(str::to_owned),
        idempotency: None,
    };
    let accepted = accept(&state.work.0, &caller.tenant, command).await?;
    let out = AskedOut {
        status: "accepted",
        task_id: accepted.task_id,
        correlation_id: accepted.correlation_id,
    };
    Ok((StatusCode::ACCEPTED, Json(out)))
}

/// A new signing secret.
#[derive(Serialize, ToSchema)]
pub struct SecretOut {
    /// The route.
    name: String,
    /// `whsec_…`, shown only now.
    secret: String,
    /// Until then the one before signs too.
    overlap_seconds: u64,
}

/// Makes a new signing secret for a webhook of the tenant's own, and shows it once. For a day the one
/// before signs beside it, so that a receiver can change over.
#[utoipa::path(post, path = "/alerts/routes/{route}/secret", tag = "alerts", params(("route" = String, Path)), security(("api_key" = [])),
    responses((status = 201, body = SecretOut), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn rotate_secret(
    State(state): State<AlertState>,
    caller: Caller<Admin>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<SecretOut>), Problem> {
    let tenant: Tenant = caller.tenant.clone();
    let (wanted, by) = (name.clone(), caller.principal.name());
    let made = state.alerts.app.db.write(&caller.tenant, move |tx| {
        let mut routes = sql::routes(tx, tenant.key())?;
        let found = routes.iter_mut().find(|stored| stored.route.name == wanted);
        let stored = found.ok_or(AlertError::NoRoute)?;
        let secret = new_secret(tx);
        let old = stored.secret.replace(secret.clone()).ok_or(AlertError::NotSigned)?;
        stored.old_secret = Some(old);
        stored.old_until = Some(tx.now().plus(OVERLAP));
        sql::replace_routes(tx, tenant.key(), &routes, tx.now(), &by)?;
        nexus_audit::record(
            tx,
            tenant.key(),
            &nexus_audit::Entry {
                actor: &by,
                action: "alert.secret_made",
                target: &wanted,
                correlation_id: &caller.correlation_id,
                details: json!({"overlap_seconds": OVERLAP.as_secs()}),
            },
        )?;
        Ok::<_, AlertError>(secret)
    });
    let out = SecretOut { name, secret: made.await?, overlap_seconds: OVERLAP.as_secs() };
    Ok((StatusCode::CREATED, Json(out)))
}

/// Which destinations are tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestIn {
    /// The name of one route; without it every route of this tenant is tried.
    #[serde(default)]
    route: Option<String>,
}

/// What happened at each destination.
#[derive(Serialize, ToSchema)]
pub struct TestOut {
    /// The alert that was sent.
    alert_id: String,
    /// Whether every destination took it, and there was one.
    delivered: bool,
    /// One for each destination.
    deliveries: Vec<DeliveryOut>,
}

/// Sends a test to the tenant's destinations, whatever their events, once each, and answers what
/// happened.
#[utoipa::path(post, path = "/alerts/test", tag = "alerts", request_body = TestIn, security(("api_key" = [])),
    responses((status = 200, body = TestOut), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn send_test(
    State(state): State<AlertState>,
    caller: Caller<Admin>,
    Body(body): Body<TestIn>,
) -> Result<Json<TestOut>, Problem> {
    let (alerts, owner) = (&state.alerts, Owner::Tenant(caller.tenant.clone()));
    let mut all = all_destinations(alerts, &owner).await?;
    all.retain(|to| to.route.takes_tenant(owner.key()));
    if let Some(wanted) = &body.route {
        all.retain(|to| to.route.name == *wanted);
        if all.is_empty() {
            return Err(AlertError::NoRoute.into());
        }
    }
    let (alert, made) = write_test(alerts, &caller, &all).await.map_err(AlertError::from)?;
    let tries = made.iter().zip(&all).map(|(delivery, to)| {
        let (owner, alert) = (&owner, &alert);
        async move {
            let tried = alerts.try_once(owner, alert, delivery, to).await;
            let (lane, id) = (to.lane.clone(), &delivery.delivery_id);
            alerts.write_down(owner, lane, id, Some(tried), false).await
        }
    });
    for done in join_all(tries).await {
        done.map_err(AlertError::from)?;
    }
    let (whose, id) = (owner.clone(), alert.alert_id.clone());
    let found = alerts.app.db.read(owner.scope(), move |q| sql::deliveries_of(q, whose.key(), &id));
    let found = found.await.map_err(AlertError::from)?;
    Ok(Json(TestOut {
        alert_id: alert.alert_id,
        delivered: !found.is_empty() && found.iter().all(|one| one.state == Sending::Sent),
        deliveries: found.iter().map(Delivery::out).collect(),
    }))
}

/// Writes a test and its messages down; they are not on the list of what is due, for whoever asked
/// waits for them.
async fn write_test(
    alerts: &Alerts,
    caller: &Caller<Admin>,
    all: &[Destination],
) -> Result<(Alert, Vec<Delivery>), DbError> {
    let tenant = caller.tenant.clone();
    let who = caller.principal.name();
    let correlation_id = caller.correlation_id.clone();
    let to: Vec<_> = all.iter().map(|to| (to.route.name.clone(), to.route.channel)).collect();
    let written = alerts.app.db.write(&caller.tenant, move |tx| {
        let now = tx.now();
        let said = Both::new(
            format!("{who} tries whether alerts arrive here."),
            format!("{who} 님이 알림이 도착하는지 시험합니다."),
        );
        let notice = Notice {
            correlation_id: correlation_id.clone(),
            requested_by: Some(who.clone()),
            ..Notice::of(Event::Test, said)
        };
        let place = tx.next_place()?;
        let alert_id = AlertId::new(now, &tx.id_entropy()).to_string();
        let alert = Alert {
            key: format!("alerts.test/{alert_id}"),
            alert_id,
            seq: place.number,
            event: Event::Test,
            severity: Severity::Info,
            count: 1,
            settled: to.is_empty(),
            notice,
            created_at: now,
            last_at: now,
            until: now,
        };
        sql::insert(tx, tenant.key(), &alert)?;
        let mut deliveries = Vec::new();
        for (route, channel) in to {
            let delivery = Delivery {
                delivery_id: DeliveryId::new(now, &tx.id_entropy()).to_string(),
                alert_id: alert.alert_id.clone(),
                route,
                channel,
                state: row::State::Pending,
                attempts: 0,
                status: None,
                code: None,
                error: None,
                created_at: now,
                next_at: None,
                finished_at: None,
            };
            sql::insert_delivery(tx, tenant.key(), &delivery)?;
            deliveries.push(delivery);
        }
        let changes = vec![alert.change(&deliveries)];
        crate::actions::report(tx, &place, "alert.raised", &correlation_id, changes)?;
        Ok::<_, DbError>((alert, deliveries))
    });
    written.await
}
