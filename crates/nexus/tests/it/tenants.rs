//! Tenants know nothing of each other.

use nexus_testkit::World;
use serde_json::{Value, json};

const MEMBER: &str = "/tenants/other/team/members/{}?confirm={}";

#[tokio::test]
async fn what_is_another_tenants_is_as_unknown_as_what_is_nowhere() {
    let world = World::start().await;
    world.tenant("other:team").await;
    world.register("billing.invoice", "GREEN").await;
    let agent = world.agent(&["billing.invoice"]).await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    world.send("billing.invoice", json!({})).await;
    let envelope = agent.claim_one().await;
    let (key_id, _) = world.tenant_key("default:default").await;
    let made_up = |id: &str| format!("{}{}", &id[..id.len() - 4], "0000");

    let mina = world.user("mina@example.com", "viewer").await;
    let boss = world.user_of("other:team", "boss@example.com", "admin").await.client;
    let admin = world.admin().of("other:team");
    let intruder = world.agent_of("other:team", &["billing.invoice"]).await;
    let before = world.snapshot().await;
    for (client, method, path, id, body) in [
        (&admin, "GET", "/tasks/{}", &task_id, Value::Null),
        (&admin, "GET", "/tasks/{}/sent/1", &task_id, Value::Null),
        (&admin, "POST", "/tasks/{}/cancel", &task_id, json!({})),
        (&admin, "POST", "/tasks/{}/ask_again", &task_id, json!({})),
        (&admin, "GET", "/approvals/{}", &ask_id, Value::Null),
        (&admin, "POST", "/approvals/{}/decide", &ask_id, json!({"decision": "approve"})),
        (&admin, "DELETE", "/keys/{}?confirm={}", &key_id, Value::Null),
        (&admin, "POST", "/keys/{}/rotate", &key_id, json!({})),
        (&boss, "GET", "/tasks/{}", &task_id, Value::Null),
        (&boss, "GET", "/tasks/{}/sent/1", &task_id, Value::Null),
        (&boss, "POST", "/tasks/{}/cancel", &task_id, json!({})),
        (&boss, "POST", "/tasks/{}/ask_again", &task_id, json!({})),
        (&boss, "GET", "/approvals/{}", &ask_id, Value::Null),
        (&boss, "POST", "/approvals/{}/decide", &ask_id, json!({"decision": "approve"})),
        (&boss, "DELETE", "/keys/{}?confirm={}", &key_id, Value::Null),
        (&boss, "POST", "/keys/{}/rotate", &key_id, json!({})),
        (&boss, "POST", "/users/{}/link", &mina.user_id, json!({})),
        (&boss, "PUT", MEMBER, &mina.user_id, json!({"role": "admin"})),
        (&boss, "DELETE", MEMBER, &mina.user_id, Value::Null),
        (&boss, "DELETE", "/auth/sessions/{}", &mina.session_id, Value::Null),
        (&intruder.client, "POST", "/agent/tasks/{}/claim", &task_id, json!({"agent": "x"})),
        (
            &intruder.client,
            "POST",
            "/agent/tasks/{}/heartbeat",
            &envelope.task_id().to_owned(),
            json!({"attempt": 1, "attempt_token": envelope.0["attempt_token"]}),
        ),
    ] {
        let ask = async |id: &str| {
            let request = client.request(method, &path.replace("{}", id));
            match &body {
                Value::Null => client.send(request).await,
                body => client.send_json(request, body).await,
            }
        };
        let (theirs, nobodys) = (ask(id).await, ask(&made_up(id)).await);
        assert_eq!(theirs.problem(404)["code"], nobodys.problem(404)["code"], "{method} {path}");
        assert_eq!(theirs.json["detail"], nobodys.json["detail"], "{method} {path}");
    }
    let answer = intruder.call_back(&envelope, "succeeded", json!({})).await;
    answer.refused(404, "unknown_task");
    assert_eq!(world.snapshot().await, before);
    world.finish().await;
}

#[tokio::test]
async fn lists_and_streams_show_one_tenant() {
    let world = World::start().await;
    world.tenant("other:team").await;
    world.run("test.echo", json!({"lines": ["secret"]}), "succeeded").await;
    world.webhook("/in", json!({})).await;
    world.tenant_key("default:default").await;
    let other = world.admin().of("other:team");
    for path in ["/tasks", "/approvals", "/worklog", "/keys"] {
        let answer = other.get(path).await;
        assert_eq!(answer.expect(200)["items"], json!([]), "{path}");
    }
    let (cursor, view) = world.snapshot_of("other:team").await;
    assert!(cursor.ends_with(".0"), "{cursor}");
    assert!(view.all("tasks").is_empty() && view.all("worklog").is_empty());
    assert_eq!(other.get("/policy").await.expect(200)["version"], 0);
    world.finish().await;
}

#[tokio::test]
async fn a_cursor_of_another_tenant_opens_nothing() {
    let world = World::start().await;
    world.tenant("other:team").await;
    world.run("test.echo", json!({}), "succeeded").await;
    let cursor = world.follower().cursor();
    let mut stream = world.admin().of("other:team").stream(Some(&cursor)).await;
    let snapshot = stream.expect("snapshot").await;
    assert_eq!(snapshot.data["reason"], "epoch");
    assert_eq!(snapshot.data["tenant"], "other:team");
    world.finish().await;
}

#[tokio::test]
async fn files_of_tenants_are_apart() {
    let world = World::start().await;
    world.tenant("other:team").await;
    world.run("file.write", json!({"path": "a.txt", "content": "mine"}), "succeeded").await;
    let read =
        world.service().of("other:team").command("file.read", json!({"path": "a.txt"})).await;
    let dead = world.follower_of("other:team").until(&read, "dead").await;
    assert_eq!(dead["failure_code"], "INVALID_PARAMS");
    world.finish().await;
}

#[tokio::test]
async fn tenants_are_made_by_the_platform_admin_alone() {
    let world = World::start().await;
    let body = json!({"org_id": "acme", "project_id": "web", "title": "아크메"});
    let (_, program) = world.tenant_key("default:default").await;
    for client in [world.service(), program] {
        client.without_tenant().post("/tenants", &body).await.refused(403, "forbidden");
        client.without_tenant().get("/tenants").await.refused(403, "forbidden");
    }
    let admin = world.admin().without_tenant();
    assert_eq!(admin.post("/tenants", &body).await.expect(201)["title"], "아크메");
    admin.post("/tenants", &body).await.refused(409, "tenant_exists");
    for bad in ["", "a b", "a:b", "../a", "가"] {
        let body = json!({"org_id": bad, "project_id": "web"});
        admin.post("/tenants", &body).await.problem(422);
    }
    let listed = admin.get("/tenants").await;
    assert_eq!(listed.expect(200)["items"].as_array().unwrap().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_rotated_key_lives_on_for_its_overlap() {
    let world = World::start().await;
    let (key_id, old) = world.tenant_key("default:default").await;
    let body = json!({"overlap_seconds": 60});
    let made = world.admin().post(&format!("/keys/{key_id}/rotate"), &body).await;
    let new = world.admin().with_key(made.expect(201)["key"].as_str().unwrap());
    for client in [&old, &new] {
        client.get("/tasks").await.expect(200);
    }
    world.advance_seconds(60);
    old.get("/tasks").await.refused(401, "key_invalid");
    new.get("/tasks").await.expect(200);
    let keys = world.admin().get("/keys").await;
    assert!(!keys.json.to_string().contains(new.key.as_deref().unwrap()), "keys are shown once");
    world.finish().await;
}

#[tokio::test]
async fn a_key_ends_when_its_time_is_over() {
    let world = World::start().await;
    let body = json!({"kind": "service", "title": "t", "expires_at": "2026-01-01T00:01:00Z"});
    let made = world.admin().post("/keys", &body).await;
    let client = world.admin().with_key(made.expect(201)["key"].as_str().unwrap());
    client.get("/tasks").await.expect(200);
    world.advance_seconds(59);
    client.get("/tasks").await.expect(200);
    world.advance_seconds(1);
    client.get("/tasks").await.refused(401, "key_invalid");
    world.finish().await;
}
