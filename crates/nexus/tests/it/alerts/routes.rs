//! Where alerts go: the server's routes, a tenant's own, and who may say so.

use nexus_fakes::vendor::Vendor;
use nexus_fakes::webhook::Behaviour;
use nexus_testkit::World;
use serde_json::json;

use super::*;

/// Asks for routes of a tenant's own and says yes; returns the task.
async fn routes(world: &World, tenant: &str, routes: Value) -> String {
    let admin = world.admin().of(tenant);
    let asked = admin.put("/alerts/routes", &json!({"routes": routes})).await;
    let task_id = asked.accepted()["task_id"].as_str().unwrap().to_owned();
    let waiting = world.follower_of(tenant).until(&task_id, "waiting_approval").await;
    admin.decide(waiting["ask_id"].as_str().unwrap(), "approve").await.accepted();
    world.follower_of(tenant).until(&task_id, "succeeded").await;
    task_id
}

fn own(world: &World, name: &str) -> Value {
    json!({"name": name, "channel": "webhook", "to": world.sink.url("/own")})
}

#[tokio::test]
async fn a_destination_of_a_tenants_own_waits_for_a_yes_and_is_that_tenants_alone() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let body = json!({"routes": [own(&world, "ops")]});
    let asked = world.admin().put("/alerts/routes", &body).await;
    let task_id = asked.accepted()["task_id"].as_str().unwrap().to_owned();
    let ask_id = world.ask_of(&task_id).await;
    let ask = world.service().ask(&ask_id).await;
    assert_eq!((&ask["risk"], &ask["command_type"]), (&json!("RED"), &json!("alerts.route")));
    assert!(ask["params"].to_string().contains("/own"), "whoever decides sees where it leads");
    world.webhook("/out", json!(1)).await;
    let none = world.admin().get("/alerts/routes").await.expect(200).clone();
    assert_eq!(none["items"], json!([]), "nothing before the yes");
    world.approve(&ask_id).await;
    let done = world.until(&task_id, "succeeded").await;
    assert!(!done["result"].to_string().contains("/own"), "{done}");

    let listed = world.admin().get("/alerts/routes").await.expect(200).clone();
    assert_eq!(listed["items"][0]["of"], "tenant");
    assert!(!listed.to_string().contains("/own") && !listed.to_string().contains("whsec_"));
    let made = world.admin().post("/alerts/routes/ops/secret", &json!({})).await;
    let secret = made.expect(201)["secret"].as_str().unwrap().to_owned();
    world.sink.on("/own", Behaviour::Vendor(Vendor::Signed(secret)));
    world.webhook("/out", json!(2)).await;
    let params = json!({"url": world.sink.url("/out"), "payload": 3});
    let theirs = world.service().of("other:team").command("share.webhook", params).await;
    world.follower_of("other:team").until(&theirs, "waiting_approval").await;
    shown(&world, "default:default", "ask.created", |value| value["done"] == true).await;
    let received = world.received(1).await;
    assert_eq!(world.sink.faults(), Vec::<String>::new());
    let signatures = received[0].header("webhook-signature").unwrap().split(' ').count();
    assert_eq!(signatures, 2, "the secret before signs too for a day");
    let elsewhere = world.service().of("other:team").get("/alerts").await.expect(200).clone();
    assert_eq!(elsewhere["items"], json!([]));
    assert_eq!(bodies(&world.sink.received(), "/own").len(), 1);
    assert_eq!(world.audited("default:default", "alert.secret_made").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn nothing_lowers_the_level_of_a_new_destination() {
    let world = World::start().await;
    let body = json!({"params_schema": {"type": "object"}, "risk": "GREEN"});
    let path = "/commands/types/alerts.route?confirm=alerts.route";
    let lowered = world.admin().put(path, &body).await;
    assert!(lowered.status == 422 || lowered.json["risk"] == "RED", "{}", lowered.json);
    let params = json!({"routes": [own(&world, "ops")]});
    let task_id = world.send("alerts.route", params).await;
    world.deny(&world.ask_of(&task_id).await).await;
    world.until(&task_id, "denied").await;
    let none = world.admin().get("/alerts/routes").await.expect(200).clone();
    assert_eq!(none["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn routes_that_are_wrong_are_refused_at_the_door() {
    let world = World::start().await;
    let put =
        async |routes: Value| world.admin().put("/alerts/routes", &json!({"routes": routes})).await;
    let bad = put(json!([{"name": "a", "channel": "fax", "to": "1"}])).await;
    bad.refused(422, "invalid_fields");
    assert_eq!(bad.paths(), ["/routes/0"]);
    put(json!([{"name": "a", "channel": "slack", "to_file": "/etc/passwd"}]))
        .await
        .refused(422, "invalid_fields");
    put(json!([{"name": "a", "channel": "slack", "to": "https://10.0.0.1/x"}]))
        .await
        .refused(422, "egress_blocked");
    put(json!([{"name": "a", "channel": "email", "to": "mina@example.com"}]))
        .await
        .refused(422, "mail_not_set_up");
    world.admin().put("/alerts/routes", &json!({})).await.refused(422, "invalid_fields");
    world.finish().await;
}

#[tokio::test]
async fn a_route_that_is_gone_is_called_no_more() {
    let world = World::start().await;
    world.sink.on("/own", Behaviour::Status(503));
    routes(&world, "default:default", json!([own(&world, "ops")])).await;
    world.webhook("/out", json!(1)).await;
    world.received(1).await;
    routes(&world, "default:default", json!([])).await;
    world.advance_seconds(61);
    let value = shown(&world, "default:default", "ask.created", |value| {
        value["deliveries"][0]["state"] == "dropped"
    });
    value.await;
    let calls = world.sink.received().len();
    world.advance_seconds(10_000);
    assert_eq!(world.sink.received().len(), calls);
    world.finish().await;
}

#[tokio::test]
async fn the_servers_routes_name_their_tenants() {
    let list = json!([
        {"name": "a", "channel": "webhook", "to": "SINK/a", "tenants": ["default:*"]},
        {"name": "b", "channel": "webhook", "to": "SINK/b", "tenants": ["other:team"]},
    ]);
    let world = World::builder().settings(routed(list)).start().await;
    world.tenant("other:team").await;
    let send = async |tenant: &str, n: u32| {
        let params = json!({"url": world.sink.url("/out"), "payload": n});
        let task = world.service().of(tenant).command("share.webhook", params).await;
        world.follower_of(tenant).until(&task, "waiting_approval").await;
        shown(&world, tenant, "ask.created", |value| value["done"] == true).await;
    };
    send("default:default", 1).await;
    send("other:team", 2).await;
    let received = world.received(2).await;
    for (path, org) in [("/a", "default"), ("/b", "other")] {
        let told = bodies(&received, path);
        assert_eq!((told.len(), &told[0]["data"]["org_id"]), (1, &json!(org)), "{path}");
    }
    let listed = world.admin().of("other:team").get("/alerts/routes").await.expect(200).clone();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "only those that take its alerts");
    let id = world.service().get("/alerts").await.expect(200)["items"][0]["alert_id"].clone();
    let path = format!("/alerts/{}", id.as_str().unwrap());
    world.service().get(&path).await.expect(200);
    world.service().of("other:team").get(&path).await.refused(404, "unknown_alert");
    world.finish().await;
}

#[tokio::test]
async fn a_test_says_what_happened_at_each_destination() {
    let list = json!([
        {"name": "good", "channel": "webhook", "to": "SINK/hook", "events": ["task.*"]},
        {"name": "bad", "channel": "slack", "to": "SINK/bad"},
    ]);
    let world = World::builder().settings(routed(list)).start().await;
    checked(&world);
    world.sink.on("/bad", Behaviour::Status(404));
    let answer = world.admin().post("/alerts/test", &json!({})).await.expect(200).clone();
    assert_eq!(answer["delivered"], false);
    let of = |name: &str| {
        let all = answer["deliveries"].as_array().unwrap();
        all.iter().find(|one| one["route"] == name).unwrap().clone()
    };
    assert_eq!((&of("good")["state"], &of("good")["status"]), (&json!("sent"), &json!(200)));
    assert_eq!((&of("bad")["state"], &of("bad")["status"]), (&json!("failed"), &json!(404)));
    let one = world.admin().post("/alerts/test", &json!({"route": "good"})).await;
    assert_eq!(one.expect(200)["delivered"], true);
    let none = world.admin().post("/alerts/test", &json!({"route": "nobody"})).await;
    none.refused(404, "unknown_route");
    shown(&world, "default:default", "alerts.test", |value| value["done"] == true).await;
    world.finish().await;
}

#[tokio::test]
async fn a_test_without_a_destination_delivers_nothing_and_says_so() {
    let world = World::start().await;
    let answer = world.admin().post("/alerts/test", &json!({})).await.expect(200).clone();
    assert_eq!((&answer["delivered"], &answer["deliveries"]), (&json!(false), &json!([])));
    world.finish().await;
}
