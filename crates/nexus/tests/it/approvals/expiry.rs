//! Asks that nobody decides in time.

use nexus_testkit::World;
use serde_json::json;

#[tokio::test]
async fn an_expired_ask_is_nobodys_denial_and_never_runs() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    world.advance_seconds(300);
    let expired = world.until(&task_id, "expired").await;
    assert_eq!(expired["done"], true);
    let ask = world.service().ask(&ask_id).await;
    assert_eq!(ask["status"], "expired");
    assert_eq!(ask["decided_by"], "system:timeout");
    let audited = world.audited("default:default", "ask.expired");
    assert_eq!((audited.len(), audited[0].actor.as_str()), (1, "system:timeout"));
    for decision in ["approve", "deny"] {
        let late = world.admin().decide(&ask_id, decision).await;
        assert_eq!(late.refused(409, "ask_expired")["ask_id"], ask_id);
    }
    world.advance_seconds(10_000);
    assert_eq!(world.sink.connections(), 0);
    world.finish().await;
}

#[tokio::test]
async fn expiry_holds_even_if_no_timer_ran() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    world.advance_seconds(300);
    // Whatever the timer has done by now, the decision itself knows what time it is.
    world.admin().decide(&ask_id, "approve").await.refused(409, "ask_expired");
    world.until(&task_id, "expired").await;
    assert_eq!(world.sink.connections(), 0);
    world.finish().await;
}

#[tokio::test]
async fn the_last_moment_is_still_in_time() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    world.advance(std::time::Duration::from_millis(299_999));
    world.approve(&ask_id).await;
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn an_ask_expires_while_the_server_is_down() {
    let mut world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    world.stop().await;
    world.advance_seconds(301);
    world.start_again().await;
    world.admin().decide(&ask_id, "approve").await.refused(409, "ask_expired");
    world.until(&task_id, "expired").await;
    world.finish().await;
}

#[tokio::test]
async fn asking_again_makes_a_new_ask_with_one_action() {
    let world = World::start().await;
    let (task_id, first) = world.webhook("/in", json!({"n": 1})).await;
    world.advance_seconds(300);
    world.until(&task_id, "expired").await;
    let path = format!("/tasks/{task_id}/ask_again");
    world.service().post(&path, &json!({})).await.accepted();
    let second = world.ask_of(&task_id).await;
    assert_ne!(first, second);
    let ask = world.service().ask(&second).await;
    assert_eq!(ask["status"], "pending");
    assert!(ask["changed"].as_str().unwrap().contains("expired"), "{ask}");
    assert_eq!(ask["expires_at"], "2026-01-01T00:10:00.000Z");
    world.admin().decide(&first, "approve").await.refused(409, "ask_expired");
    world.service().post(&path, &json!({})).await.refused(409, "wrong_state");
    world.approve(&second).await;
    world.until(&task_id, "succeeded").await;
    assert_eq!(world.received(1).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_rule_only_shortens_the_time() {
    let world = World::start().await;
    let rule = |id: &str, seconds: u64| json!({"id": id, "type": "share.*", "level": "RED", "why": "w", "timeout_seconds": seconds});
    let rules = json!({"rules": [rule("long", 86_400), rule("short", 60)]});
    world.admin().put("/policy?confirm=default:default", &rules).await.expect(200);
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    let ask = world.service().ask(&ask_id).await;
    assert_eq!(ask["expires_at"], "2026-01-01T00:01:00.000Z");
    world.advance_seconds(60);
    world.until(&task_id, "expired").await;
    world.finish().await;
}

#[tokio::test]
async fn a_waiting_task_can_be_called_off() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    world.service().post(&format!("/tasks/{task_id}/cancel"), &json!({})).await.accepted();
    world.until(&task_id, "cancelled").await;
    assert_eq!(world.service().ask(&ask_id).await["status"], "cancelled");
    world.admin().decide(&ask_id, "approve").await.refused(409, "ask_already_decided");
    world.advance_seconds(301);
    assert_eq!(world.service().task(&task_id).await["status"], "cancelled");
    assert_eq!(world.sink.connections(), 0);
    world.finish().await;
}
