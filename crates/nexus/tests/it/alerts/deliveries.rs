//! Destinations that are away, and what becomes of what they should have had.

use nexus_fakes::webhook::Behaviour;
use nexus_testkit::World;
use serde_json::json;

use super::*;

async fn failed_state(world: &World, attempts: u64) -> Value {
    loop {
        let list = world.service().get("/alerts/deliveries").await.expect(200).clone();
        let first = list["items"][0].clone();
        if first["attempts"].as_u64() == Some(attempts) {
            return first;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_destination_that_comes_back_gets_what_it_missed_under_the_same_id() {
    let world = World::builder().settings(hooked).start().await;
    world.sink.on("/hook", Behaviour::Status(503));
    world.webhook("/out", json!(1)).await;
    let first = failed_state(&world, 1).await;
    assert_eq!((&first["state"], &first["status"]), (&json!("pending"), &json!(503)));
    assert!(first["next_at"].is_string());
    world.advance_seconds(6);
    failed_state(&world, 2).await;
    checked(&world);
    world.advance_seconds(36);
    let value =
        shown(&world, "default:default", "ask.created", |value| value["done"] == true).await;
    assert_eq!(value["deliveries"][0]["state"], "sent");
    let received = world.sink.received();
    let ids: std::collections::BTreeSet<_> =
        received.iter().filter_map(|one| one.header("webhook-id")).collect();
    assert_eq!((received.len(), ids.len()), (3, 1), "one id over all attempts");
    assert_eq!(bodies(&received, "/hook")[0], bodies(&received, "/hook")[2]);
    world.finish().await;
}

#[tokio::test]
async fn after_the_last_attempt_it_is_given_up_where_everybody_sees_it() {
    let world = World::builder()
        .settings(hooked)
        .settings(|settings| {
            settings.alerts.retry_delays = [5, 30].map(std::time::Duration::from_secs).to_vec();
            settings.alerts.ask_remind = std::time::Duration::ZERO;
        })
        .start()
        .await;
    world.sink.on("/hook", Behaviour::Status(500));
    world.webhook("/out", json!(1)).await;
    for (attempt, seconds) in [(1, 6), (2, 36)] {
        failed_state(&world, attempt).await;
        world.advance_seconds(seconds);
    }
    let value =
        shown(&world, "default:default", "ask.created", |value| value["done"] == true).await;
    assert_eq!(value["deliveries"][0]["state"], "failed");
    let failed = failed_state(&world, 3).await;
    assert_eq!(failed["failure_code"], "DELIVERY_FAILED");
    assert_eq!(failed["error"], "The destination answered 500");
    let listed = world.service().get("/alerts/deliveries?state=failed").await.expect(200).clone();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(world.metric("nexus_alerts_total{outcome=\"failed\"}"), Some(1.0));
    world.advance_seconds(100_000);
    assert_eq!(world.sink.received().len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn a_destination_that_asks_for_time_gets_it_for_all_that_waits() {
    let world = World::builder().settings(hooked).start().await;
    world.sink.on("/hook", Behaviour::StatusWithHeader(429, "retry-after", "90".into()));
    world.webhook("/out", json!(1)).await;
    failed_state(&world, 1).await;
    checked(&world);
    world.advance_seconds(60);
    assert_eq!(world.sink.received().len(), 1, "not before it said");
    world.advance_seconds(31);
    shown(&world, "default:default", "ask.created", |value| value["done"] == true).await;
    world.finish().await;
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_doubled_over_a_restart_in_the_middle() {
    let mut world = World::builder().settings(hooked).start().await;
    world.sink.on("/hook", Behaviour::Status(503));
    world.webhook("/out", json!(1)).await;
    failed_state(&world, 1).await;
    // One more that nobody has looked at when the server ends, or somebody has: both are right.
    let params = json!({"url": world.sink.url("/out"), "payload": 2});
    world.send("share.webhook", params).await;
    world.stop().await;
    checked(&world);
    world.start_again().await;
    world.advance_seconds(61);
    for n in 1..=2 {
        let fits = move |value: &Value| value["done"] == true;
        shown(&world, "default:default", "ask.created", fits).await;
        let _ = n;
    }
    let alerts = loop {
        let list = world.service().get("/alerts/deliveries?state=sent").await.expect(200).clone();
        if list["items"].as_array().unwrap().len() == 2 {
            break world.service().get("/alerts").await.expect(200).clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(alerts["items"].as_array().unwrap().len(), 2, "each ask is one alert");
    world.finish().await;
}

#[tokio::test]
async fn a_destination_that_hangs_holds_nobody_else_up() {
    let routes = json!([
        {"name": "dead", "channel": "webhook", "to": "SINK/dead"},
        {"name": "live", "channel": "webhook", "to": "SINK/hook"},
    ]);
    let world = World::builder().settings(routed(routes)).start().await;
    world.sink.on("/dead", Behaviour::Hang);
    checked(&world);
    for n in 0..5 {
        world.webhook("/out", json!(n)).await;
    }
    let alerts = told(&world, 5).await;
    assert_eq!(alerts.len(), 5);
    let dead = bodies(&world.sink.received(), "/dead");
    assert_eq!(dead.len(), 1, "one message at a time goes to a destination");
    world.finish().await;
}

#[tokio::test]
async fn a_tenant_whose_destinations_all_hang_leaves_room_for_others() {
    let dead = (0..16).map(|n| {
        let (name, tenants) = (format!("dead-{n}"), ["default:default"]);
        json!({"name": name, "channel": "webhook", "to": "SINK/dead", "tenants": tenants})
    });
    let live =
        json!({"name": "live", "channel": "webhook", "to": "SINK/hook", "tenants": ["other:team"]});
    let routes = dead.chain([live]).collect();
    let world = World::builder().settings(routed(routes)).start().await;
    world.tenant("other:team").await;
    world.sink.on("/dead", Behaviour::Hang);
    checked(&world);
    world.webhook("/out", json!(1)).await;
    world.received(8).await;
    let params = json!({"url": world.sink.url("/out"), "payload": 2});
    world.service().of("other:team").command("share.webhook", params).await;
    told(&world, 1).await;
    let hang = bodies(&world.sink.received(), "/dead").len();
    assert_eq!(hang, 8, "half of what leaves at once is for others");
    world.finish().await;
}
