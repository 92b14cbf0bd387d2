//! The same is told once, and much is told as one.

use nexus_testkit::World;
use serde_json::json;

use super::*;

#[tokio::test]
async fn the_same_failure_is_told_once_and_counted_and_told_again_after_its_time() {
    let world = hooked_world().await;
    register_red(&world, "default:default").await;
    for _ in 0..3 {
        held(&world).await;
    }
    let counted = shown(&world, "default:default", "task.held", |value| value["count"] == 3).await;
    // Each of the three asked first, for exactly the same, so that was told once too.
    assert_eq!(told(&world, 2).await.len(), 2);
    assert_eq!(counted["deliveries"].as_array().unwrap().len(), 1);

    world.advance_seconds(600);
    held(&world).await;
    let again = told(&world, 4).await;
    assert_eq!(again.len(), 4);
    let last = again.iter().rfind(|alert| alert["type"] == "task.held").unwrap();
    assert!(last["data"]["facts"].to_string().contains("Repeated before"), "{last}");
    world.finish().await;
}

#[tokio::test]
async fn what_was_told_before_a_restart_is_not_told_again() {
    let mut world = hooked_world().await;
    register_red(&world, "default:default").await;
    held(&world).await;
    told(&world, 2).await;
    shown(&world, "default:default", "task.held", |value| value["done"] == true).await;
    world.restart().await;
    held(&world).await;
    shown(&world, "default:default", "task.held", |value| value["count"] == 2).await;
    assert_eq!(told(&world, 2).await.len(), 2, "neither the ask nor the failure");
    world.finish().await;
}

#[tokio::test]
async fn a_storm_of_asks_is_a_few_messages_and_one_that_counts() {
    let world = World::builder()
        .settings(hooked)
        .settings(|settings| settings.alerts.burst_per_minute = 5)
        .start()
        .await;
    checked(&world);
    let many = 120;
    for n in 0..many {
        let params = json!({"url": world.sink.url("/out"), "payload": n});
        world.send("share.webhook", params).await;
    }
    let all = shown(&world, "default:default", "ask.created", |value| {
        value["count"].as_u64() == Some(many - 5)
    });
    let burst = all.await;
    assert!(burst["title"].as_str().unwrap().contains("very many"), "{burst}");
    let alerts = told(&world, 6).await;
    assert_eq!(alerts.len(), 6, "five asks, and one that says that there are more");
    let list = world.service().get("/alerts?limit=200").await.expect(200).clone();
    assert_eq!(list["items"].as_array().unwrap().len(), 6);
    assert_eq!(world.metric("nexus_alerts_total{outcome=\"counted\"}"), Some(114.0));
    world.finish().await;
}

#[tokio::test]
async fn asks_for_exactly_the_same_are_told_once() {
    let world = hooked_world().await;
    for _ in 0..3 {
        world.webhook("/out", json!(1)).await;
    }
    shown(&world, "default:default", "ask.created", |value| value["count"] == 3).await;
    assert_eq!(told(&world, 1).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn what_left_the_log_before_anybody_looked_is_found_in_what_stands() {
    let mut world = World::builder()
        .settings(hooked)
        .settings(|settings| settings.stream.event_keep = 10)
        .start()
        .await;
    checked(&world);
    register_red(&world, "default:default").await;
    let (_, ask_id) = world.webhook("/out", json!(1)).await;
    told(&world, 1).await;
    for n in 0..60 {
        world
            .run("file.write", json!({"path": "a.txt", "content": n.to_string()}), "succeeded")
            .await;
    }
    world.trim().await;
    // A cursor that has fallen far behind: as if the slice had been away for all of this.
    let moved = world.restart_changed(|tx| {
        tx.exec("UPDATE log_follower SET number = 1 WHERE name = 'alerts'", nexus_kit::args![])
    });
    assert_eq!(moved.await, 1);
    // The ask that waits is known; it is reminded of, once.
    world.advance_seconds(241);
    let alerts = told(&world, 2).await;
    assert_eq!(
        (&alerts[1]["type"], &alerts[1]["data"]["ask_id"]),
        (&json!("ask.expiring"), &json!(ask_id))
    );
    assert_eq!(told(&world, 2).await.len(), 2, "and told of no second time");
    world.finish().await;
}
