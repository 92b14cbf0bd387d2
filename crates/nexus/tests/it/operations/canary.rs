//! The first ones first.

use nexus_testkit::World;
use serde_json::json;

use super::*;

#[tokio::test]
async fn the_rest_follows_when_the_first_ones_went_well() {
    let world = World::start().await;
    let tasks = many_failed_once(&world, 4).await;
    let id = operate(&world, "/dlq/requeue", json!({"all": true, "canary": 2})).await;
    for task_id in &tasks[..2] {
        world.until(task_id, "succeeded").await;
    }
    let op = operation(&world, &id).await;
    assert_eq!(
        (&op["status"], &op["done"], &op["canary"]),
        (&json!("running"), &json!(2), &json!(2))
    );
    assert_eq!(status(&world, &tasks[2]).await, "dead", "it waits for a look");
    let done = until_in_time(&world, &id, "done").await;
    assert_eq!(done["changed"], 4);
    for task_id in &tasks[2..] {
        world.until(task_id, "succeeded").await;
    }
    world.finish().await;
}

#[tokio::test]
async fn an_operation_that_waits_for_its_canary_holds_up_its_own_tenant_at_most() {
    let world = World::builder().settings(|settings| settings.operations.at_once = 1).start().await;
    world.register("ext.index", "GREEN").await;
    let agent = world.agent(&["ext.index"]).await;
    let task_id = world.send("ext.index", json!({})).await;
    let error =
        json!({"error": {"failure_code": "AGENT_ERROR", "message": "x", "retryable": false}});
    agent.call_back(&agent.claim_one().await, "failed", error).await.accepted();
    world.until(&task_id, "dead").await;
    let other = failed_once(&world).await;
    world.tenant("other:team").await;
    let params = json!({"times": 1, "retryable": false});
    let there = world.service().of("other:team").command("test.fail", params).await;
    world.follower_of("other:team").until(&there, "dead").await;

    // Nobody performs the first one again.
    let waits = operate(&world, "/dlq/requeue", json!({"ids": [task_id], "canary": 1})).await;
    world.until(&task_id, "queued").await;
    world.advance_seconds(1);
    let behind = operate(&world, "/dlq/requeue", json!({"ids": [other], "per_second": 1})).await;
    let path = "/dlq/requeue?tenant=other:team";
    operate(&world, path, json!({"all": true, "per_second": 1})).await;
    world.follower_of("other:team").until(&there, "succeeded").await;
    assert_eq!(operation(&world, &waits).await["status"], "running");
    assert_eq!(operation(&world, &behind).await["done"], 0, "it waits its turn");

    world.admin().post(&format!("/operations/{waits}/abort"), &json!({})).await.accepted();
    until_in_time(&world, &behind, "done").await;
    world.until(&other, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn the_rest_is_not_touched_when_the_first_ones_fail_again() {
    let world = World::start().await;
    let mut tasks = Vec::new();
    for _ in 0..5 {
        world.advance_seconds(1);
        tasks.push(failed(&world, "AGENT_ERROR").await);
    }
    let id = operate(&world, "/dlq/requeue", json!({"all": true, "canary": 2})).await;
    for task_id in &tasks[..2] {
        world.until(task_id, "queued").await;
        world.until(task_id, "dead").await;
    }
    let stopped = until_in_time(&world, &id, "stopped").await;
    let why = stopped["why"].as_str().unwrap();
    assert!(why.contains("failed again") && why.contains("20 %"), "{why}");
    assert_eq!((&stopped["changed"], &stopped["done"]), (&json!(2), &json!(2)));
    for task_id in &tasks[2..] {
        assert_eq!(world.service().task(task_id).await["run"], 1);
    }
    let ended = world.audited("default:default", "operation.ended");
    assert_eq!(ended[0].details["status"], "stopped");
    world.finish().await;
}

#[tokio::test]
async fn a_canary_that_waits_for_a_person_is_waited_for_across_a_restart() {
    let mut world = World::start().await;
    let params = json!({"target": "post", "payload": 1, "then": "sent"});
    let red = world.send("test.outside", params).await;
    world.approve(&world.ask_of(&red).await).await;
    world.until(&red, "dead").await;
    world.advance_seconds(1);
    let other = failed_once(&world).await;
    let body = json!({"all": true, "canary": 1});
    let id = operate(&world, "/dlq/requeue", body).await;
    let ask_id = world.ask_of(&red).await;
    world.advance_seconds(5);
    world.restart().await;
    world.advance_seconds(5);
    assert_eq!(status(&world, &other).await, "dead");
    world.deny(&ask_id).await;
    world.until(&red, "denied").await;
    until_in_time(&world, &id, "done").await;
    world.until(&other, "succeeded").await;
    world.finish().await;
}
