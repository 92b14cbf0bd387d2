//! Between the yes and the execution everything is looked at again.

use nexus_testkit::World;
use serde_json::{Value, json};

/// Approves while nothing runs, so that the world can change before the execution.
async fn approved_while_paused(world: &World, task_id: &str) -> String {
    let ask_id = world.ask_of(task_id).await;
    world.admin().post("/tenant/pause", &json!({})).await.accepted();
    world.approve(&ask_id).await;
    world.until(task_id, "queued").await;
    ask_id
}

async fn resume(world: &World) {
    world.admin().post("/tenant/resume", &json!({})).await.accepted();
}

async fn put_rules(world: &World, rules: Value) {
    let body = json!({"rules": rules});
    world.admin().put("/policy?confirm=default:default", &body).await.expect(200);
}

#[tokio::test]
async fn another_deciding_rule_since_the_yes_asks_again() {
    let world = World::start().await;
    let rule = |id: &str| json!({"id": id, "type": "test.*", "level": "RED", "why": "w"});
    put_rules(&world, json!([rule("old")])).await;
    let params = json!({"name": "a"});
    world.hands.release("a");
    let task_id = world.send("test.slow", params).await;
    let first = approved_while_paused(&world, &task_id).await;
    put_rules(&world, json!([rule("new")])).await;
    resume(&world).await;
    let second = world.ask_of(&task_id).await;
    assert_ne!(first, second);
    let ask = world.service().ask(&second).await;
    assert_eq!(ask["status"], "pending");
    assert!(ask["changed"].as_str().unwrap().contains("rule:new"), "{ask}");
    assert!(world.hands.order().is_empty(), "nothing ran");
    world.admin().decide(&first, "approve").await.refused(409, "ask_already_decided");
    world.approve(&second).await;
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn a_level_that_rose_since_the_yes_asks_again() {
    let world = World::start().await;
    let wait = json!({
        "id": "wait", "type": "test.yellow", "level": "YELLOW", "wait": true, "why": "look first",
    });
    put_rules(&world, json!([wait])).await;
    let task_id = world.send("test.yellow", json!({})).await;
    let first = approved_while_paused(&world, &task_id).await;
    let red = json!({"id": "red", "type": "test.yellow", "level": "RED", "why": "worse"});
    put_rules(&world, json!([wait, red])).await;
    resume(&world).await;
    let second = world.ask_of(&task_id).await;
    assert_ne!(first, second);
    let ask = world.service().ask(&second).await;
    assert_eq!(ask["risk"], "RED");
    assert!(ask["changed"].as_str().unwrap().contains("YELLOW"), "{ask}");
    world.approve(&second).await;
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn a_precondition_is_checked_again_before_it_runs() {
    let world = World::start().await;
    world.admin().post("/tenant/pause", &json!({})).await.accepted();
    let params = json!({"path": "a.txt", "content": "x"});
    let body = json!({"command_type": "file.write", "params": params,
        "precondition": {"files": [{"path": "a.txt", "sha256": null}]}});
    let sent = world.service().post("/sidecar/command", &body).await;
    let task_id = sent.accepted()["task_id"].as_str().unwrap().to_owned();
    std::fs::write(world.files().join("a.txt"), "somebody was faster").unwrap();
    resume(&world).await;
    let dead = world.until(&task_id, "dead").await;
    assert_eq!(dead["failure_code"], "INVALID_PARAMS");
    let kept = std::fs::read_to_string(world.files().join("a.txt")).unwrap();
    assert_eq!(kept, "somebody was faster");
    world.finish().await;
}

#[tokio::test]
async fn a_precondition_that_fails_after_the_yes_asks_again() {
    let world = World::start().await;
    let params = json!({"url": world.sink.url("/in"), "payload": {}});
    let body = json!({"command_type": "share.webhook", "params": params,
        "precondition": {"files": [{"path": "flag", "sha256": null}]}});
    let sent = world.service().post("/sidecar/command", &body).await;
    let task_id = sent.accepted()["task_id"].as_str().unwrap().to_owned();
    let first = approved_while_paused(&world, &task_id).await;
    std::fs::write(world.files().join("flag"), "up").unwrap();
    resume(&world).await;
    let second = world.ask_of(&task_id).await;
    assert_ne!(first, second);
    let ask = world.service().ask(&second).await;
    assert!(ask["changed"].as_str().unwrap().contains("precondition"), "{ask}");
    assert_eq!(world.sink.connections(), 0);
    world.finish().await;
}

#[tokio::test]
async fn a_file_that_changed_after_the_ask_is_not_deleted() {
    let world = World::start().await;
    let file = world.files().join("a.txt");
    for after in ["another text", "one more"] {
        std::fs::write(&file, "the text that was approved").unwrap();
        let task_id = world.send("file.delete", json!({"path": "a.txt"})).await;
        let ask_id = world.ask_of(&task_id).await;
        let bound = world.service().ask(&ask_id).await["bound"].clone();
        assert_eq!((&bound[0]["path"], &bound[0]["size"]), (&json!("a.txt"), &json!(26)));
        std::fs::write(&file, after).unwrap();
        world.approve(&ask_id).await;
        let dead = world.until(&task_id, "dead").await;
        assert_eq!(dead["failure_code"], "APPROVAL_PARAMS_MISMATCH");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), after, "the file is still there");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_mismatch_can_be_asked_for_again_as_things_are_now() {
    let world = World::start().await;
    let file = world.files().join("a.txt");
    std::fs::write(&file, "one").unwrap();
    let task_id = world.send("file.delete", json!({"path": "a.txt"})).await;
    let ask_id = world.ask_of(&task_id).await;
    std::fs::write(&file, "two").unwrap();
    world.approve(&ask_id).await;
    world.until(&task_id, "dead").await;
    let path = format!("/tasks/{task_id}/ask_again");
    world.service().post(&path, &json!({})).await.accepted();
    let second = world.ask_of(&task_id).await;
    let (old, new) = (world.service().ask(&ask_id).await, world.service().ask(&second).await);
    assert_ne!(old["digest"], new["digest"]);
    assert_ne!(old["bound"][0]["sha256"], new["bound"][0]["sha256"]);
    world.approve(&second).await;
    world.until(&task_id, "succeeded").await;
    assert!(!file.exists());
    world.finish().await;
}

#[tokio::test]
async fn a_file_that_is_not_there_cannot_be_asked_about() {
    let world = World::start().await;
    let body = json!({"command_type": "file.delete", "params": {"path": "none.txt"}});
    let answer = world.service().post("/sidecar/command", &body).await;
    answer.refused(422, "file_not_found");
    assert_eq!(answer.paths(), ["/params/path"]);
    world.finish().await;
}

#[tokio::test]
async fn attempts_share_the_yes_only_while_nothing_has_left() {
    let world = World::start().await;
    let task_id = world.send("test.outside", json!({"target": "t", "then": "nothing"})).await;
    let ask_id = world.ask_of(&task_id).await;
    world.approve(&ask_id).await;
    world.until(&task_id, "retrying").await;
    world.advance_seconds(5);
    assert_eq!(world.until(&task_id, "retrying").await["attempt"], 2);

    let sent = world.send("test.outside", json!({"target": "t", "then": "sent"})).await;
    let ask_id = world.ask_of(&sent).await;
    world.approve(&ask_id).await;
    let dead = world.until(&sent, "dead").await;
    assert_eq!((&dead["failure_code"], &dead["attempt"]), (&json!("DELIVERY_FAILED"), &json!(1)));
    // Whoever wants it once more asks once more.
    world.service().post(&format!("/tasks/{sent}/ask_again"), &json!({})).await.accepted();
    let second = world.ask_of(&sent).await;
    assert_ne!(second, ask_id);
    assert_eq!(world.hands.sent().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn an_unknown_effect_is_held_and_never_retried() {
    let world = World::start().await;
    for then in ["unknown", "panic"] {
        let params = json!({"target": then, "then": then});
        let task_id = world.send("test.outside", params).await;
        let ask_id = world.ask_of(&task_id).await;
        world.approve(&ask_id).await;
        let held = world.until(&task_id, "held").await;
        assert_eq!(held["failure_code"], "EFFECT_UNKNOWN");
        world.advance_seconds(100_000);
        let task = world.service().task(&task_id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("held"), &json!(1)));
        assert_eq!(task["sent"][0]["state"], "intent");
        let again = format!("/tasks/{task_id}/ask_again");
        world.service().post(&again, &json!({})).await.refused(409, "wrong_state");
    }
    assert_eq!(world.hands.sent().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_ends_between_intent_and_outcome_leaves_an_unknown_effect() {
    let mut world = World::builder()
        .settings(|settings| settings.http.shutdown = std::time::Duration::from_millis(50))
        .start()
        .await;
    let task_id = world.send("test.outside", json!({"target": "t", "then": "hang"})).await;
    let ask_id = world.ask_of(&task_id).await;
    world.approve(&ask_id).await;
    world.hands.started("t").await;
    let cut = world.stop().await;
    assert_eq!(cut, ["attempt"]);
    world.start_again().await;
    let held = world.until(&task_id, "held").await;
    assert_eq!(held["failure_code"], "EFFECT_UNKNOWN");
    world.advance_seconds(100_000);
    assert_eq!(world.service().task(&task_id).await["status"], "held");
    assert_eq!(world.hands.sent().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_broken_connection_after_the_first_byte_is_an_unknown_effect() {
    use nexus_fakes::webhook::Behaviour;
    let world = World::start().await;
    world.sink.on("/cut", Behaviour::CloseBeforeAnswer);
    let (task_id, ask_id) = world.webhook("/cut", json!({})).await;
    world.approve(&ask_id).await;
    assert_eq!(world.until(&task_id, "held").await["failure_code"], "EFFECT_UNKNOWN");
    world.sink.on("/no", Behaviour::Status(500));
    let (task_id, ask_id) = world.webhook("/no", json!({})).await;
    world.approve(&ask_id).await;
    assert_eq!(world.until(&task_id, "dead").await["failure_code"], "DELIVERY_FAILED");
    world.advance_seconds(100_000);
    assert_eq!(world.sink.received().len(), 2);
    world.finish().await;
}
