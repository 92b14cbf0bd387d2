//! Who must agree: another person, or several.

use nexus_testkit::World;
use serde_json::json;

#[tokio::test]
async fn a_quorum_takes_more_than_one_person() {
    let world = World::builder().settings(|settings| settings.approval.quorum = 2).start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    world.approve(&ask_id).await;
    let ask = world.service().ask(&ask_id).await;
    assert_eq!((&ask["status"], &ask["approvals"]), (&json!("pending"), &json!(["admin"])));
    assert_eq!(ask["quorum"], 2);
    let again = world.admin().decide(&ask_id, "approve").await;
    again.refused(409, "already_approved_by_you");
    assert_eq!(world.service().task(&task_id).await["status"], "waiting_approval");
    assert_eq!(world.audited("default:default", "ask.vote").len(), 1);
    assert!(world.audited("default:default", "ask.approved").is_empty());
    world.advance_seconds(300);
    world.until(&task_id, "expired").await;
    assert_eq!(world.sink.connections(), 0);
    world.finish().await;
}

#[tokio::test]
async fn one_denial_closes_an_ask_of_a_quorum() {
    let world = World::builder().settings(|settings| settings.approval.quorum = 2).start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    world.approve(&ask_id).await;
    world.deny(&ask_id).await;
    world.until(&task_id, "denied").await;
    world.finish().await;
}

#[tokio::test]
async fn whoever_asked_is_not_the_other_person() {
    let other = |settings: &mut nexus_kit::settings::Settings| {
        settings.approval.require_other_person = true;
    };
    let world = World::builder().settings(other).start().await;
    let params = json!({"url": world.sink.url("/in"), "payload": {}});
    let own = world.admin().command("share.webhook", params).await;
    let ask_id = world.ask_of(&own).await;
    world.admin().decide(&ask_id, "approve").await.refused(409, "other_person_required");
    // Withdrawing what one asked for needs nobody else.
    world.deny(&ask_id).await;
    world.until(&own, "denied").await;

    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    world.approve(&ask_id).await;
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn an_edit_makes_a_new_ask_that_the_editor_cannot_approve() {
    let other = |settings: &mut nexus_kit::settings::Settings| {
        settings.approval.require_other_person = true;
    };
    let world = World::builder().settings(other).start().await;
    let (task_id, first) = world.webhook("/in", json!({"n": 1})).await;
    let edited = json!({"url": world.sink.url("/in"), "payload": {"n": 2}});
    let yes = json!({"decision": "approve", "params": edited});
    world.admin().post(&format!("/approvals/{first}/decide"), &yes).await.accepted();
    let second = world.ask_of(&task_id).await;
    assert_ne!(first, second);
    assert_eq!(world.service().ask(&first).await["status"], "superseded");
    let ask = world.service().ask(&second).await;
    assert_eq!((&ask["status"], &ask["params"]), (&json!("pending"), &edited));
    assert_eq!(ask["approvals"], json!([]));
    world.admin().decide(&second, "approve").await.refused(409, "other_person_required");
    assert_eq!(world.sink.connections(), 0);
    world.finish().await;
}
