//! What each role may do, and that nobody does it elsewhere.

use nexus_testkit::World;
use serde_json::json;

#[tokio::test]
async fn a_viewer_looks_an_operator_sends_an_approver_decides() {
    let world = World::start().await;
    let viewer = world.user("viewer@example.com", "viewer").await;
    let operator = world.user("operator@example.com", "operator").await;
    let approver = world.user("approver@example.com", "approver").await;
    let command = json!({"command_type": "test.echo", "params": {}});
    for who in [&viewer, &operator, &approver] {
        who.get("/tasks").await.expect(200);
        who.get("/approvals").await.expect(200);
        who.get("/users").await.refused(403, "forbidden");
        who.post("/keys", &json!({"kind": "service", "title": "t"})).await.problem(403);
    }
    viewer.post("/sidecar/command", &command).await.refused(403, "forbidden");
    operator.post("/sidecar/command", &command).await.accepted();
    approver.post("/sidecar/command", &command).await.accepted();
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    for who in [&viewer, &operator] {
        who.decide(&ask_id, "approve").await.refused(403, "may_not_decide");
        who.decide(&ask_id, "deny").await.refused(403, "may_not_decide");
    }
    viewer.post(&format!("/tasks/{task_id}/cancel"), &json!({})).await.refused(403, "forbidden");
    approver.decide(&ask_id, "approve").await.accepted();
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn a_tenant_that_somebody_does_not_belong_to_is_closed_whether_or_not_it_is_there() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let boss = world.user("boss@example.com", "admin").await;
    for tenant in ["other:team", "no:where"] {
        let there = boss.client.of(tenant);
        there.get("/tasks").await.refused(403, "not_a_member");
        there.get("/agent/reports/stream").await.refused(403, "not_a_member");
        there.post("/users", &json!({"email": "x@y", "role": "admin"})).await.problem(403);
    }
    boss.client.without_tenant().get("/tasks").await.refused(400, "tenant_missing");
    boss.client.without_tenant().get("/tenants").await.refused(403, "forbidden");
    boss.get("/metrics").await.refused(403, "forbidden");
    world.finish().await;
}

#[tokio::test]
async fn an_admin_makes_keys_of_the_tenant_and_no_more() {
    let world = World::start().await;
    let boss = world.user("boss@example.com", "admin").await;
    let key = json!({"kind": "service", "title": "t"});
    let made = boss.post("/keys", &key).await;
    let program = boss.client.with_key(made.expect(201)["key"].as_str().unwrap());
    program.get("/tasks").await.expect(200);
    let listed = boss.get("/keys").await;
    assert_eq!(listed.expect(200)["items"][0]["created_by"], format!("user:{}", boss.user_id));
    let all = json!({"kind": "agent", "title": "t", "types": ["x"], "all_tenants": true});
    boss.post("/keys", &all).await.refused(403, "forbidden");
    world.finish().await;
}
