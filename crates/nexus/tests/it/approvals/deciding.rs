//! Deciding: one decision wins, for exactly what was shown.

use nexus_core::approval::digest;
use nexus_testkit::World;
use serde_json::json;

#[tokio::test]
async fn what_was_approved_arrives_once_with_exactly_these_bytes() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({"글": "안녕", "n": 1})).await;
    assert_eq!(world.sink.connections(), 0, "nothing leaves before the yes");
    let shown = world.service().ask(&ask_id).await;
    assert_eq!(shown["status"], "pending");
    let bytes = shown["params"].to_string();
    assert_eq!(shown["digest"], digest(&bytes, &[]), "the digest is of what is shown");

    let yes = json!({"decision": "approve", "digest": shown["digest"], "reason": "fine"});
    let answer = world.admin().post(&format!("/approvals/{ask_id}/decide"), &yes).await;
    assert_eq!(answer.accepted()["status"], "accepted");
    let done = world.until(&task_id, "succeeded").await;
    let received = world.received(1).await;
    assert_eq!(received[0].body, r#"{"n":1,"글":"안녕"}"#.as_bytes());
    assert_eq!(received[0].method, "POST");
    assert_eq!(received[0].header("webhook-id"), Some(&*task_id));
    assert_eq!(done["attempt"], 1);

    let task = world.admin().task(&task_id).await;
    assert_eq!(task["sent"][0]["state"], "sent");
    let kept = world.admin().get(task["sent"][0]["kept_at"].as_str().unwrap()).await;
    assert_eq!((kept.status, &kept.body[..]), (200, &received[0].body[..]));
    let ask = world.service().ask(&ask_id).await;
    assert_eq!((&ask["status"], &ask["decided_by"]), (&json!("approved"), &json!("admin")));
    assert_eq!(ask["reason"], "fine");
    for action in ["ask.created", "ask.approved", "effect.sent"] {
        assert_eq!(world.audited("default:default", action).len(), 1, "{action}");
    }
    assert_eq!(
        world.follower().statuses(&task_id),
        ["waiting_approval", "queued", "running", "succeeded"]
    );
    world.advance_seconds(10_000);
    assert_eq!(world.sink.received().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn an_ask_shows_everything_and_makes_hidden_characters_visible() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in?token=x", json!({"to": "a\u{202e}b\u{200b}"})).await;
    for ask in [world.service().ask(&ask_id).await, {
        let view = world.follower().view();
        view.get("asks", &ask_id).clone()
    }] {
        assert_eq!(ask["type"], "confirm");
        assert_eq!(ask["task_id"], task_id);
        assert_eq!(ask["command_type"], "share.webhook");
        assert_eq!(ask["requested_by"], "service");
        assert!(ask["target"].as_str().unwrap().starts_with("http://127.0.0.1"));
        assert!(ask["question"].as_str().unwrap().contains("share.webhook"));
        assert!(ask["question_ko"].as_str().unwrap().contains("요청"));
        assert!(!ask["why"].as_str().unwrap().is_empty() && ask["rule"].is_string());
        assert_eq!(ask["expires_at"], "2026-01-01T00:05:00.000Z");
        assert_eq!(ask["hidden_characters"], true);
        assert!(!ask["params"].to_string().contains(['\u{202e}', '\u{200b}']), "{ask}");
    }
    let listed = world.service().get("/approvals?status=pending").await;
    let listed = listed.expect(200)["items"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["ask_id"], ask_id);
    world.finish().await;
}

#[tokio::test]
async fn large_params_are_previewed_on_the_stream_and_whole_on_request() {
    let world = World::start().await;
    let payload = json!({"text": "가".repeat(10_000)});
    let (task_id, ask_id) = world.webhook("/in", payload.clone()).await;
    let on_stream = world.follower().view().get("asks", &ask_id).clone();
    assert!(on_stream["params"].is_null() && on_stream["params_preview"].is_string());
    let whole = world.service().ask(&ask_id).await;
    assert_eq!(whole["params"]["payload"], payload);
    assert_eq!(whole["digest"], on_stream["digest"]);
    world.approve(&ask_id).await;
    world.until(&task_id, "succeeded").await;
    assert_eq!(world.received(1).await[0].body, payload.to_string().as_bytes());
    world.finish().await;
}

#[tokio::test]
async fn a_denial_reaches_the_requester_as_a_denial() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    let no = json!({"decision": "deny", "reason": "수신자가 다릅니다"});
    world.admin().post(&format!("/approvals/{ask_id}/decide"), &no).await.accepted();
    let denied = world.until(&task_id, "denied").await;
    assert_eq!(denied["done"], true);
    assert!(denied.get("result").is_none());
    let ask = world.follower().view().get("asks", &ask_id).clone();
    assert_eq!(ask["reason"], "수신자가 다릅니다");
    world.admin().decide(&ask_id, "approve").await.refused(409, "ask_already_decided");
    let again = format!("/tasks/{task_id}/ask_again");
    world.service().post(&again, &json!({})).await.refused(409, "wrong_state");
    world.advance_seconds(10_000);
    assert_eq!(world.sink.connections(), 0);
    world.finish().await;
}

#[tokio::test]
async fn nobody_approves_what_they_did_not_see() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    let head = world.follower().cursor();
    for decision in ["approve", "deny"] {
        let blind = json!({"decision": decision, "digest": "0".repeat(64)});
        let answer = world.admin().post(&format!("/approvals/{ask_id}/decide"), &blind).await;
        assert_eq!(answer.refused(409, "digest_mismatch")["ask_id"], ask_id);
    }
    assert_eq!(world.snapshot().await.0, head);
    assert_eq!(world.service().task(&task_id).await["status"], "waiting_approval");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_deciders_exactly_one_wins() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    let mut deciding = tokio::task::JoinSet::new();
    for n in 0..50 {
        let (admin, ask_id) = (world.admin(), ask_id.clone());
        let decision = if n % 2 == 0 { "approve" } else { "deny" };
        deciding.spawn(async move { (decision, admin.decide(&ask_id, decision).await) });
    }
    let answers = deciding.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, a)| a.status == 202);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for (_, answer) in &lost {
        assert_eq!(answer.refused(409, "ask_already_decided")["ask_id"], ask_id);
    }
    let (approved, denied) = (
        world.audited("default:default", "ask.approved").len(),
        world.audited("default:default", "ask.denied").len(),
    );
    assert_eq!(approved + denied, 1);
    if won[0].0 == "approve" {
        assert_eq!(approved, 1);
        world.until(&task_id, "succeeded").await;
        assert_eq!(world.received(1).await.len(), 1);
    } else {
        world.until(&task_id, "denied").await;
        assert_eq!(world.sink.connections(), 0);
    }
    world.finish().await;
}

#[tokio::test]
async fn an_edit_is_checked_and_executed_as_edited() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({"n": 1})).await;
    let first = world.service().ask(&ask_id).await["digest"].clone();
    let edited = json!({"url": world.sink.url("/edited"), "payload": {"n": 2}});
    let yes = json!({"decision": "approve", "digest": first, "params": edited});
    world.admin().post(&format!("/approvals/{ask_id}/decide"), &yes).await.accepted();
    world.until(&task_id, "succeeded").await;
    let received = world.received(1).await;
    assert_eq!((received[0].path.as_str(), &received[0].body[..]), ("/edited", &b"{\"n\":2}"[..]));
    let ask = world.service().ask(&ask_id).await;
    assert_eq!(ask["params"], edited);
    assert_ne!(ask["digest"], first);
    assert_eq!(world.service().task(&task_id).await["params"], edited);
    world.finish().await;
}

#[tokio::test]
async fn an_edit_is_rated_again() {
    let world = World::start().await;
    let rule = |id: &str, count: u64| {
        let when = json!([{"pointer": "/count", "op": "eq", "value": count}]);
        json!({"id": id, "type": "test.yellow", "level": "RED", "why": "w", "when": when})
    };
    let rules = json!({"rules": [rule("one", 1), rule("two", 2)]});
    world.admin().put("/policy?confirm=default:default", &rules).await.expect(200);
    for (edited, rule, risk) in [(2, "rule:two", "RED"), (3, "builtin", "YELLOW")] {
        let task_id = world.send("test.yellow", json!({"count": 1})).await;
        let ask_id = world.ask_of(&task_id).await;
        assert_eq!(world.service().ask(&ask_id).await["rule"], "rule:one");
        let yes = json!({"decision": "approve", "params": {"count": edited}});
        world.admin().post(&format!("/approvals/{ask_id}/decide"), &yes).await.accepted();
        let done = world.until(&task_id, "succeeded").await;
        assert_eq!((&done["result"]["count"], &done["risk"]), (&json!(edited), &json!(risk)));
        let ask = world.service().ask(&ask_id).await;
        assert_eq!((&ask["rule"], &ask["risk"]), (&json!(rule), &json!(risk)));
    }
    world.finish().await;
}

#[tokio::test]
async fn an_edit_to_a_forbidden_destination_changes_nothing() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    let head = world.snapshot().await;
    let edited = json!({"url": "https://169.254.169.254/", "payload": {}});
    let yes = json!({"decision": "approve", "params": edited});
    let answer = world.admin().post(&format!("/approvals/{ask_id}/decide"), &yes).await;
    answer.refused(422, "egress_blocked");
    assert_eq!(world.snapshot().await, head);
    assert_eq!(world.service().task(&task_id).await["status"], "waiting_approval");
    world.finish().await;
}
