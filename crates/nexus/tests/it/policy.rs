//! What rates a command, and who may change that.

use nexus_testkit::{Answer, World};
use serde_json::{Value, json};

async fn put(world: &World, body: &Value) -> Answer {
    world.admin().put("/policy?confirm=default:default", body).await
}

async fn explain(world: &World, command_type: &str, params: Value) -> Value {
    let body = json!({"command_type": command_type, "params": params});
    world.service().post("/policy/explain", &body).await.expect(200).clone()
}

fn rule(id: &str, command_type: &str, level: &str) -> Value {
    json!({"id": id, "type": command_type, "level": level, "why": format!("because of {id}")})
}

#[tokio::test]
async fn a_rule_raises_a_level_and_the_ask_says_which() {
    let world = World::start().await;
    put(&world, &json!({"rules": [rule("careful", "file.w*", "RED")]})).await.expect(200);
    let task_id = world.send("file.write", json!({"path": "a", "content": "b"})).await;
    let ask_id = world.ask_of(&task_id).await;
    let ask = world.service().ask(&ask_id).await;
    assert_eq!((&ask["rule"], &ask["why"]), (&json!("rule:careful"), &json!("because of careful")));
    assert!(!world.files().join("a").exists());
    world.approve(&ask_id).await;
    world.until(&task_id, "succeeded").await;
    assert!(world.files().join("a").exists());
    world.finish().await;
}

#[tokio::test]
async fn a_rule_looks_at_the_params() {
    let world = World::start().await;
    let mut only = rule("home", "file.write", "RED");
    only["when"] = json!([{"pointer": "/path", "op": "starts_with", "value": "home/"}]);
    put(&world, &json!({"rules": [only]})).await.expect(200);
    let free = world.send("file.write", json!({"path": "else", "content": "b"})).await;
    world.until(&free, "succeeded").await;
    let asked = world.send("file.write", json!({"path": "home/x", "content": "b"})).await;
    world.ask_of(&asked).await;
    let verdict = explain(&world, "file.write", json!({"path": "home/x", "content": ""})).await;
    assert_eq!((&verdict["level"], &verdict["waits"]), (&json!("RED"), &json!(true)));
    assert_eq!(verdict["matched"], json!(["home"]));
    world.finish().await;
}

#[tokio::test]
async fn no_rule_lowers_a_level() {
    let world = World::start().await;
    put(&world, &json!({"rules": [rule("lax", "*", "GREEN")]})).await.expect(200);
    for (command_type, params, level) in [
        ("share.webhook", json!({"url": world.sink.url("/"), "payload": {}}), "RED"),
        ("file.write", json!({"path": "a", "content": "b"}), "YELLOW"),
        ("file.read", json!({"path": "a"}), "GREEN"),
    ] {
        assert_eq!(explain(&world, command_type, params).await["level"], level);
    }
    let (_, ask_id) = world.webhook("/", json!({})).await;
    assert_eq!(world.service().ask(&ask_id).await["rule"], "builtin");
    world.finish().await;
}

#[tokio::test]
async fn explaining_does_nothing() {
    let world = World::start().await;
    let before = world.snapshot().await;
    let verdict = explain(&world, "test.outside", json!({"target": "x"})).await;
    assert_eq!((&verdict["level"], &verdict["rule"]), (&json!("RED"), &json!("builtin")));
    assert_eq!(verdict["policy_version"], 0);
    let unknown = json!({"command_type": "test.none", "params": {}});
    let answer = world.service().post("/policy/explain", &unknown).await;
    answer.refused(422, "unknown_command_type");
    assert_eq!(world.snapshot().await, before);
    world.finish().await;
}

#[tokio::test]
async fn rules_have_versions_and_must_be_confirmed() {
    let world = World::start().await;
    let body = json!({"rules": [rule("a", "x.*", "RED")], "version": 0});
    for path in ["/policy", "/policy?confirm=", "/policy?confirm=other:team"] {
        world.admin().put(path, &body).await.refused(400, "confirmation_required");
    }
    let path = "/policy?confirm=default:default";
    world.service().put(path, &body).await.refused(403, "forbidden");
    assert_eq!(put(&world, &body).await.expect(200)["version"], 1);
    put(&world, &body).await.refused(409, "policy_version");
    let policy = world.service().get("/policy").await;
    assert_eq!(policy.expect(200)["version"], 1);
    assert_eq!(policy.json["rules"][0]["id"], "a");
    assert_eq!(world.audited("default:default", "policy.changed").len(), 1);
    let (_, report) =
        world.follower().find("policy", 0, |r| r.data["kind"] == "policy.changed").await;
    assert_eq!(report.value("system", "policy").unwrap()["version"], 1);
    world.finish().await;
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused() {
    let world = World::start().await;
    for (bad, path) in [
        (json!([rule("", "x.*", "RED")]), "/rules/0/id"),
        (json!([rule("a", "x.*", "RED"), rule("a", "y.*", "RED")]), "/rules/1/id"),
        (json!([{"id": "a", "type": "x.*", "level": "PURPLE", "why": "w"}]), "/rules/0/level"),
        (json!([{"id": "a", "type": "x.*", "level": "RED", "why": "w", "lvl": 1}]), "/rules/0/lvl"),
        (json!([{"id": "a", "type": "x.*", "level": "RED"}]), "/rules/0/why"),
    ] {
        let answer = put(&world, &json!({"rules": bad})).await;
        answer.refused(422, "invalid_fields");
        assert!(answer.paths().iter().any(|p| p == path), "{path}: {}", answer.json);
    }
    assert_eq!(world.service().get("/policy").await.expect(200)["version"], 0);
    world.finish().await;
}

#[tokio::test]
async fn an_admin_alone_lowers_a_level_and_never_below_the_floor() {
    let world = World::start().await;
    let lower = async |client: &nexus_testkit::Client, name: &str, confirm: bool| {
        let confirm = if confirm { format!("?confirm={name}") } else { String::new() };
        let path = format!("/commands/types/{name}{confirm}");
        client.put(&path, &json!({"risk": "GREEN"})).await
    };
    lower(&world.service(), "test.outside", true).await.refused(403, "forbidden");
    lower(&world.admin(), "test.outside", false).await.refused(400, "confirmation_required");
    let floor = lower(&world.admin(), "share.webhook", true).await;
    floor.refused(422, "invalid_fields");
    assert_eq!(floor.paths(), ["/risk"]);
    lower(&world.admin(), "file.delete", true).await.refused(422, "invalid_fields");

    lower(&world.admin(), "file.write", true).await.expect(200);
    let verdict = explain(&world, "file.write", json!({"path": "a", "content": "b"})).await;
    assert_eq!((&verdict["level"], &verdict["rule"]), (&json!("GREEN"), &json!("override")));
    assert_eq!(world.audited("default:default", "command_type.changed").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn an_admin_can_raise_a_level() {
    let world = World::start().await;
    let path = "/commands/types/test.echo?confirm=test.echo";
    world.admin().put(path, &json!({"risk": "RED"})).await.expect(200);
    let task_id = world.send("test.echo", json!({})).await;
    world.ask_of(&task_id).await;
    // One tenant's level is not another's.
    world.tenant("other:team").await;
    let other = world.service().of("other:team").command("test.echo", json!({})).await;
    world.follower_of("other:team").until(&other, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn yellow_can_be_made_to_wait() {
    let world = World::start().await;
    let mut wait = rule("look", "test.yellow", "YELLOW");
    wait["wait"] = json!(true);
    put(&world, &json!({"rules": [wait]})).await.expect(200);
    let task_id = world.send("test.yellow", json!({})).await;
    let ask_id = world.ask_of(&task_id).await;
    assert_eq!(world.service().ask(&ask_id).await["risk"], "YELLOW");
    world.approve(&ask_id).await;
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}
