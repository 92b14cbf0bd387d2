//! When an attempt, or a task that waits, is over whatever anybody says.

use nexus_testkit::{Envelope, OutsideAgent, World};
use serde_json::{Value, json};

const TYPE: &str = "billing.invoice";

/// A world with a type that may take two minutes, and an agent for it.
async fn world_with_agent(risk: &str) -> (World, OutsideAgent) {
    let world = World::start().await;
    let body = json!({"params_schema": {"type": "object"}, "risk": risk, "timeout_seconds": 120});
    let path = format!("/commands/types/{TYPE}?confirm={TYPE}");
    world.admin().put(&path, &body).await.expect(200);
    let agent = world.agent(&[TYPE]).await;
    (world, agent)
}

async fn send(world: &World, more: Value) -> String {
    let mut body = json!({"command_type": TYPE, "params": {}});
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    let sent = world.service().post("/sidecar/command", &body).await;
    sent.accepted()["task_id"].as_str().unwrap().to_owned()
}

/// Beats every 30 s for so many seconds.
async fn beat_for(world: &World, agent: &OutsideAgent, envelope: &Envelope, seconds: u64) {
    for _ in 0..seconds / 30 {
        world.advance_seconds(30);
        agent.beat(envelope).await.expect(200);
    }
}

#[tokio::test]
async fn an_attempt_ends_at_its_deadline_although_its_heart_beats() {
    let (world, agent) = world_with_agent("GREEN").await;
    let task_id = send(&world, json!({})).await;
    let envelope = agent.claim_one().await;
    assert_eq!(envelope.0["deadline"], "2026-01-01T00:02:00.000Z");
    beat_for(&world, &agent, &envelope, 90).await;
    // No heartbeat reaches beyond the deadline.
    let beat = agent.beat(&envelope).await;
    assert_eq!(beat.expect(200)["lease_until"], "2026-01-01T00:02:00.000Z");
    world.advance_seconds(30);
    agent.beat(&envelope).await.refused(409, "stale_attempt");
    let ended = world.until(&task_id, "retrying").await;
    assert_eq!(ended["failure_code"], "AGENT_TIMEOUT");
    assert_eq!(ended["last_error"], "the attempt took longer than its type allows");
    let late = agent.call_back(&envelope, "succeeded", json!({"result": 1})).await;
    late.refused(409, "stale_attempt");
    // The next attempt has a time of its own.
    world.advance_seconds(5);
    let again = agent.claim_one().await;
    assert_eq!(again.0["deadline"], "2026-01-01T00:04:05.000Z");
    beat_for(&world, &agent, &again, 90).await;
    agent.call_back(&again, "succeeded", json!({"result": 2})).await.accepted();
    assert_eq!(world.until(&task_id, "succeeded").await["result"], 2);
    world.finish().await;
}

#[tokio::test]
async fn a_tasks_own_deadline_ends_its_attempt_for_good() {
    let (world, agent) = world_with_agent("GREEN").await;
    let task_id = send(&world, json!({"deadline_seconds": 45})).await;
    world.advance_seconds(10);
    let envelope = agent.claim_one().await;
    assert_eq!(envelope.0["deadline"], "2026-01-01T00:00:45.000Z");
    assert_eq!(envelope.0["lease_until"], "2026-01-01T00:00:45.000Z");
    world.advance_seconds(34);
    agent.beat(&envelope).await.expect(200);
    world.advance_seconds(1);
    // It is worth nothing any more: no other attempt follows.
    let dead = world.until(&task_id, "dead").await;
    assert_eq!(dead["failure_code"], "AGENT_TIMEOUT");
    assert_eq!(dead["last_error"], "its deadline passed while it ran");
    agent.beat(&envelope).await.refused(409, "stale_attempt");
    world.finish().await;
}

#[tokio::test]
async fn a_task_that_nobody_takes_ends_at_its_deadline() {
    let (world, agent) = world_with_agent("GREEN").await;
    let waiting = send(&world, json!({"deadline_seconds": 30})).await;
    let without = send(&world, json!({})).await;
    let retrying = send(&world, json!({"deadline_seconds": 60, "priority": 1})).await;
    let envelope = agent.claim().await.into_iter().find(|one| one.task_id() == retrying).unwrap();
    let error = json!({"error": {"failure_code": "AGENT_ERROR", "message": "m"}});
    agent.call_back(&envelope, "failed", error).await.accepted();
    world.until(&retrying, "retrying").await;
    world.advance_seconds(29);
    assert_eq!(world.service().task(&retrying).await["status"], "retrying");
    world.advance_seconds(1);
    // The claim took all three: the first one's lease ends with its task.
    assert_eq!(world.until(&waiting, "dead").await["failure_code"], "AGENT_TIMEOUT");
    world.advance_seconds(30);
    let dead = world.until(&retrying, "dead").await;
    assert_eq!(dead["last_error"], "its deadline passed before it ran");

    // One that never was claimed: no agent has to come for it to end.
    let never = send(&world, json!({"deadline_seconds": 30})).await;
    world.advance_seconds(30);
    let dead = world.until(&never, "dead").await;
    assert_eq!((&dead["failure_code"], &dead["attempt"]), (&json!("AGENT_TIMEOUT"), &json!(0)));
    assert_ne!(world.service().task(&without).await["status"], "dead");
    world.finish().await;
}

#[tokio::test]
async fn a_deadline_that_passed_while_the_server_was_down_counts() {
    let (mut world, _agent) = world_with_agent("GREEN").await;
    let task_id = send(&world, json!({"deadline_seconds": 30})).await;
    world.stop().await;
    world.advance_seconds(31);
    world.start_again().await;
    assert_eq!(world.until(&task_id, "dead").await["failure_code"], "AGENT_TIMEOUT");
    world.finish().await;
}

#[tokio::test]
async fn an_agent_that_does_not_hear_of_a_cancellation_has_a_minute() {
    let (world, agent) = world_with_agent("GREEN").await;
    let task_id = send(&world, json!({})).await;
    let envelope = agent.claim_one().await;
    world.advance_seconds(10);
    let cancel = format!("/tasks/{task_id}/cancel");
    world.service().post(&cancel, &json!({})).await.accepted();
    // It is told, and goes on all the same.
    world.advance_seconds(30);
    let beat = agent.beat(&envelope).await;
    assert_eq!(beat.expect(200)["cancel"], true);
    assert_eq!(beat.json["lease_until"], "2026-01-01T00:01:10.000Z");
    // Asking again gives it no more time.
    world.service().post(&cancel, &json!({})).await.accepted();
    world.advance_seconds(30);
    let ended = world.until(&task_id, "cancelled").await;
    assert_eq!(ended["last_error"], "it was called off, and its agent did not stop in time");
    agent.beat(&envelope).await.refused(409, "stale_attempt");
    let late = agent.call_back(&envelope, "succeeded", json!({})).await;
    late.refused(409, "stale_attempt");
    world.finish().await;
}

#[tokio::test]
async fn the_grace_of_a_cancellation_is_a_setting() {
    let world = World::builder()
        .settings(|settings| settings.tasks.cancel_grace = std::time::Duration::from_secs(5))
        .start()
        .await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    let task_id = send(&world, json!({})).await;
    agent.claim_one().await;
    world.service().post(&format!("/tasks/{task_id}/cancel"), &json!({})).await.accepted();
    world.advance_seconds(5);
    world.until(&task_id, "cancelled").await;
    world.finish().await;
}

#[tokio::test]
async fn a_red_task_that_does_not_stop_is_held_not_cancelled() {
    let (world, agent) = world_with_agent("RED").await;
    let task_id = send(&world, json!({})).await;
    let ask_id = world.ask_of(&task_id).await;
    world.approve(&ask_id).await;
    agent.claim_one().await;
    world.service().post(&format!("/tasks/{task_id}/cancel"), &json!({})).await.accepted();
    world.advance_seconds(60);
    // It may have acted: nobody knows.
    assert_eq!(world.until(&task_id, "held").await["failure_code"], "EFFECT_UNKNOWN");
    world.finish().await;
}

#[tokio::test]
async fn a_task_whose_agents_vanish_each_time_is_a_dead_letter_in_the_end() {
    let (world, agent) = world_with_agent("GREEN").await;
    let task_id = send(&world, json!({})).await;
    let mut old = Vec::new();
    for (attempt, wait) in [(1, 5), (2, 30), (3, 300), (4, 0)] {
        let envelope = agent.claim_one().await;
        assert_eq!(envelope.0["attempt"], attempt);
        world.advance_seconds(60);
        let status = if attempt < 4 { "retrying" } else { "dead" };
        world.until(&task_id, status).await;
        old.push(envelope);
        world.advance_seconds(wait);
    }
    world.advance_seconds(10_000);
    assert!(agent.claim().await.is_empty(), "it never comes back");
    for envelope in &old {
        let late = agent.call_back(envelope, "succeeded", json!({"result": 1})).await;
        late.refused(409, "stale_attempt");
        agent.beat(envelope).await.refused(409, "stale_attempt");
    }
    let task = world.service().task(&task_id).await;
    assert_eq!((&task["status"], &task["retry_count"]), (&json!("dead"), &json!(3)));
    assert_eq!(task["attempts"].as_array().unwrap().len(), 4);
    world.finish().await;
}
