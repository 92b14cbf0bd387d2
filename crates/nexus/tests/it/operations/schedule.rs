//! The policy applied by itself.

use std::time::Duration;

use nexus_testkit::World;
use serde_json::json;

use super::*;

async fn every(seconds: u64) -> World {
    World::builder()
        .settings(move |settings| {
            settings.operations.apply_every = Duration::from_secs(seconds);
        })
        .start()
        .await
}

#[tokio::test]
async fn the_policy_is_applied_by_itself_in_every_tenant() {
    let world = every(600).await;
    world.tenant("other:team").await;
    let here = failed(&world, "SCHEMA_PARSE_ERROR").await;
    let params = json!({"code": "PROVIDER_DISABLED", "retryable": false});
    let there = world.service().of("other:team").command("test.fail", params).await;
    world.follower_of("other:team").until(&there, "dead").await;
    world.advance_seconds(599);
    assert_eq!(status(&world, &here).await, "dead");
    world.advance_seconds(1);
    world.until(&here, "held").await;
    world.follower_of("other:team").until(&there, "alarmed").await;
    let operations = world.admin().get("/operations").await.expect(200)["items"].clone();
    assert_eq!(operations[0]["requested_by"], "system:schedule");
    assert_eq!((&operations[0]["action"], &operations[0]["count"]), (&json!("apply"), &json!(1)));
    world.finish().await;
}

#[tokio::test]
async fn a_turn_survives_a_restart_and_is_taken_once() {
    let mut world = every(600).await;
    let first = failed(&world, "SCHEMA_PARSE_ERROR").await;
    world.advance_seconds(500);
    world.restart().await;
    world.advance_seconds(100);
    world.until(&first, "held").await;
    let second = failed(&world, "SCHEMA_PARSE_ERROR").await;
    world.restart().await;
    // The turn was taken; the next one comes ten minutes after it.
    world.advance_seconds(599);
    world.restart().await;
    assert_eq!(status(&world, &second).await, "dead");
    world.advance_seconds(1);
    world.until(&second, "held").await;
    assert_eq!(world.audited("default:default", "operation.accepted").len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn nothing_to_do_is_no_operation_and_never_means_never() {
    let mut world = every(60).await;
    world.advance_seconds(61);
    let task_id = failed(&world, "AGENT_ERROR").await;
    world.advance_seconds(61);
    world.restart_with(|settings| settings.operations.apply_every = Duration::ZERO).await;
    let held = failed(&world, "SCHEMA_PARSE_ERROR").await;
    for _ in 0..10 {
        world.advance_seconds(60);
        world.run("test.echo", json!({}), "succeeded").await;
    }
    assert_eq!(status(&world, &task_id).await, "dead");
    assert_eq!(status(&world, &held).await, "dead");
    assert_eq!(world.admin().get("/operations").await.expect(200)["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn what_runs_by_itself_never_needs_a_yes() {
    let world = World::builder()
        .settings(|settings| {
            settings.operations.apply_every = Duration::from_secs(60);
            settings.operations.red_above = 1;
        })
        .start()
        .await;
    let params = json!({"code": "PROVIDER_TIMEOUT", "times": 1, "retryable": false});
    let first = world.run("test.fail", params.clone(), "dead").await;
    let second = world.run("test.fail", params, "dead").await;
    world.advance_seconds(60);
    world.until(&first, "succeeded").await;
    assert_eq!(status(&world, &second).await, "dead");
    world.advance_seconds(60);
    world.until(&second, "succeeded").await;
    assert!(world.audited("default:default", "ask.created").is_empty());
    world.finish().await;
}
