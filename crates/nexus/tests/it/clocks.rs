//! A wall clock that jumps by hours, forwards and back, under work that goes on.

use nexus_testkit::World;
use serde_json::json;

const HOURS: i64 = 5 * 3_600;

/// What an outside agent performs.
const TYPE: &str = "lab.measure";

#[tokio::test]
async fn a_clock_that_is_set_back_loses_nothing_and_gives_nobody_more_time() {
    let world = World::start().await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    let before = world.send(TYPE, json!({"n": 1})).await;
    let held = agent.claim_one().await;
    let (_, ask) = world.webhook("/in", json!({"n": 1})).await;
    world.set_wall(-HOURS);
    // What is sent now is older than what was there before, and goes on all the same.
    let after = world.send(TYPE, json!({"n": 2})).await;
    world.run("test.echo", json!({"n": 3}), "succeeded").await;
    let fresh = agent.claim_one().await;
    assert_eq!(fresh.task_id(), after);
    agent.call_back(&fresh, "succeeded", json!({"result": 2})).await.accepted();
    world.until(&after, "succeeded").await;
    // A lease and an ask end when their time is over, not hours later.
    world.advance_seconds(61);
    let retrying = world.until(&before, "retrying").await;
    assert_eq!(retrying["failure_code"], "AGENT_TIMEOUT");
    agent.call_back(&held, "succeeded", json!({})).await.refused(409, "stale_attempt");
    world.advance_seconds(10);
    let again = agent.claim_one().await;
    agent.call_back(&again, "succeeded", json!({"result": 1})).await.accepted();
    world.until(&before, "succeeded").await;
    world.advance_seconds(600);
    let expired = async {
        while world.admin().ask(&ask).await["status"] != "expired" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(nexus_testkit::PATIENCE, expired).await.expect("the ask expires");
    world.finish().await;
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_a_while_strands_nothing() {
    let mut world = World::start().await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    world.set_wall(HOURS);
    let sent = world.send(TYPE, json!({"n": 1})).await;
    world.set_wall(-HOURS);
    // What came due while the clock was wrong is due now, also for a process that never saw it wrong.
    world.restart().await;
    let claimed = agent.claim_one().await;
    assert_eq!(claimed.task_id(), sent);
    agent.call_back(&claimed, "succeeded", json!({"result": 1})).await.accepted();
    world.until(&sent, "succeeded").await;
    // And in one that did, time goes on: what fails is tried again after seconds, not after hours.
    world.set_wall(HOURS);
    let (_, ask) = world.webhook("/in", json!({"n": 1})).await;
    world.set_wall(-HOURS);
    let tried = world.send(TYPE, json!({"n": 2})).await;
    let first = agent.claim_one().await;
    let error = json!({"failure_code": "AGENT_ERROR", "message": "no", "retryable": true});
    agent.call_back(&first, "failed", json!({"error": error})).await.accepted();
    world.until(&tried, "retrying").await;
    world.advance_seconds(10);
    let second = agent.claim_one().await;
    assert_eq!((second.task_id(), &second.0["attempt"]), (tried.as_str(), &json!(2)));
    agent.call_back(&second, "succeeded", json!({"result": 2})).await.accepted();
    world.until(&tried, "succeeded").await;
    world.approve(&ask).await;
    world.received(1).await;
    world.finish().await;
}
