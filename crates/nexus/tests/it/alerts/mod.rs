//! Alerts, as those who are told of something meet them.

mod deliveries;
mod platform;
mod routes;
mod storms;
mod telling;

use nexus_core::alert::{Author, parse_routes};
use nexus_fakes::vendor::Vendor;
use nexus_fakes::webhook::{Behaviour, Received};
use nexus_kit::settings::{Secret, Settings};
use nexus_testkit::World;
use serde_json::{Value, json};

/// Signs webhooks in these tests.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A type that outside agents perform.
pub(crate) const TYPE: &str = "billing.invoice";

/// Routes of the server's own; `SINK` stands for the world's sink.
pub(crate) fn routed(routes: Value) -> impl Fn(&mut Settings) + Send + Sync + 'static {
    move |settings| {
        let sink = format!("http://{}", settings.egress.allow[0]);
        let text = routes.to_string().replace("SINK", &sink);
        settings.alerts.routes = parse_routes(&text, Author::Operator).expect("routes are right");
        settings.alerts.webhook_secret = Secret::new(SECRET);
    }
}

/// Everything goes to `/hook`, signed.
pub(crate) fn hooked(settings: &mut Settings) {
    let sink = settings.egress.allow[0].clone();
    settings.alerts.webhook_url = Secret::new(format!("http://{sink}/hook"));
    settings.alerts.webhook_secret = Secret::new(SECRET);
}

/// A world whose alerts all go to `/hook`, where signatures are checked.
pub(crate) async fn hooked_world() -> World {
    let world = World::builder().settings(hooked).start().await;
    checked(&world);
    world
}

pub(crate) fn checked(world: &World) {
    world.sink.on("/hook", Behaviour::Vendor(Vendor::Signed(SECRET.to_owned())));
}

/// What came to a path, as JSON.
pub(crate) fn bodies(received: &[Received], path: &str) -> Vec<Value> {
    let of_path = received.iter().filter(|one| one.path == path);
    of_path.map(|one| serde_json::from_slice(&one.body).unwrap()).collect()
}

/// Waits for that many alerts at `/hook`, whatever else came to the sink.
pub(crate) async fn told(world: &World, count: usize) -> Vec<Value> {
    let mut wanted = count;
    loop {
        let received = world.received(wanted).await;
        let alerts = bodies(&received, "/hook");
        if alerts.len() >= count {
            assert_eq!(world.sink.faults(), Vec::<String>::new());
            return alerts;
        }
        wanted = received.len() + 1;
    }
}

/// A task of an outside agent that ends held: its worker took a RED task and is never heard of again.
pub(crate) async fn held(world: &World) -> String {
    held_of(world, "default:default").await
}

pub(crate) async fn held_of(world: &World, tenant: &str) -> String {
    let agent = world.agent_of(tenant, &[TYPE]).await;
    let task_id = world.service().of(tenant).command(TYPE, json!({})).await;
    let waiting = world.follower_of(tenant).until(&task_id, "waiting_approval").await;
    let ask_id = waiting["ask_id"].as_str().unwrap().to_owned();
    world.admin().of(tenant).decide(&ask_id, "approve").await.accepted();
    agent.claim_one().await;
    world.advance_seconds(60);
    world.follower_of(tenant).until(&task_id, "held").await;
    task_id
}

pub(crate) async fn register_red(world: &World, tenant: &str) {
    let body = json!({"params_schema": {"type": "object"}});
    world.admin().of(tenant).put(&format!("/commands/types/{TYPE}"), &body).await.expect(200);
}

/// Waits until the view has an alert of an event that fits.
pub(crate) async fn shown(
    world: &World,
    tenant: &str,
    event: &str,
    fits: impl Fn(&Value) -> bool,
) -> Value {
    let found = |report: &nexus_testkit::Report| {
        let changes = report.data["changes"].as_array().unwrap();
        let mut alerts = changes.iter().filter(|change| change["collection"] == "alerts");
        alerts
            .find(|c| c["value"]["event"] == event && fits(&c["value"]))
            .map(|c| c["value"].clone())
    };
    let follower = world.follower_of(tenant);
    let (_, report) = follower.find(event, 0, |report| found(report).is_some()).await;
    found(&report).unwrap()
}
