//! Who is asking, and for whom.

use nexus_testkit::{ADMIN_KEY, Answer, Entry, SERVICE_KEY, World, raw};
use serde_json::json;

use super::untouched;

/// A command with headers of the test's own.
async fn send(world: &World, query: &str, headers: &[(&str, &str)]) -> Answer {
    let body = r#"{"command_type":"test.echo","params":{}}"#;
    let mut request = format!(
        "POST /sidecar/command{query} HTTP/1.1\r\nhost: nexus\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    raw(world.admin().address(), format!("{request}\r\n{body}").as_bytes()).await
}

const KEY: (&str, &str) = ("x-api-key", SERVICE_KEY);
const ORG: (&str, &str) = ("x-org-id", "default");
const PROJECT: (&str, &str) = ("x-project-id", "default");

#[tokio::test]
async fn a_tenant_is_named_exactly_once() {
    let world = World::start().await;
    let before = untouched(&world).await;
    let both = "?org_id=default&project_id=default";
    for (query, headers, code) in [
        ("", vec![KEY], "tenant_missing"),
        ("", vec![KEY, ORG], "tenant_missing"),
        ("", vec![KEY, PROJECT], "tenant_missing"),
        ("?org_id=default", vec![KEY], "tenant_missing"),
        ("", vec![KEY, ORG, ORG, PROJECT], "tenant_malformed"),
        ("", vec![KEY, ORG, PROJECT, PROJECT], "tenant_malformed"),
        ("", vec![KEY, ORG, ("x-org-id", "other"), PROJECT], "tenant_malformed"),
        ("", vec![KEY, ("x-org-id", "default,other"), PROJECT], "tenant_malformed"),
        ("", vec![KEY, ("x-org-id", "default, default"), PROJECT], "tenant_malformed"),
        ("", vec![KEY, ("x-org-id", ""), PROJECT], "tenant_malformed"),
        ("", vec![KEY, ("x-org-id", "de fault"), PROJECT], "tenant_malformed"),
        ("", vec![KEY, ("x-org-id", "../default"), PROJECT], "tenant_malformed"),
        ("", vec![KEY, ("x-org-id", "default:default"), PROJECT], "tenant_malformed"),
        ("", vec![KEY, ("x-org-id", "조직"), PROJECT], "tenant_malformed"),
        ("?org_id=a&org_id=a&project_id=b", vec![KEY], "tenant_malformed"),
        ("?org_id=a%62&project_id=b", vec![KEY], "tenant_malformed"),
        ("?org_id=other&project_id=default", vec![KEY, ORG, PROJECT], "tenant_mismatch"),
    ] {
        let answer = send(&world, query, &headers).await;
        assert_eq!(answer.refused(400, code)["code"], code, "{query} {headers:?}");
    }
    let long = "a".repeat(65);
    let answer = send(&world, "", &[KEY, ("x-org-id", &long), PROJECT]).await;
    answer.refused(400, "tenant_malformed");
    assert_eq!(untouched(&world).await, before);

    // Twice the same is the same, and the query alone is enough.
    send(&world, both, &[KEY, ORG, PROJECT]).await.accepted();
    send(&world, both, &[KEY]).await.accepted();
    world.finish().await;
}

#[tokio::test]
async fn a_typo_makes_no_tenant() {
    let world = World::start().await;
    let before = untouched(&world).await;
    let body = json!({"command_type": "test.echo", "params": {}});
    let stranger = world.service().of("default:defualt").post("/sidecar/command", &body).await;
    stranger.refused(403, "not_a_member");
    let admin = world.admin().of("default:defualt").post("/sidecar/command", &body).await;
    admin.refused(404, "unknown_tenant");
    let tenants = world.admin().without_tenant().get("/tenants").await;
    assert_eq!(tenants.expect(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(untouched(&world).await, before);
    world.finish().await;
}

#[tokio::test]
async fn exactly_one_key_that_somebody_has() {
    let world = World::start().await;
    let before = untouched(&world).await;
    let tenant = [ORG, PROJECT];
    let bearer = format!("Bearer {SERVICE_KEY}");
    for (keys, code) in [
        (vec![], "key_missing"),
        (vec![("x-api-key", "")], "key_invalid"),
        (vec![("x-api-key", "wrong")], "key_invalid"),
        (vec![("x-api-key", &SERVICE_KEY[1..])], "key_invalid"),
        (vec![("x-api-key", "nxk_key_0000_0000")], "key_invalid"),
        (vec![KEY, KEY], "key_invalid"),
        (vec![KEY, ("x-api-key", ADMIN_KEY)], "key_invalid"),
        (vec![KEY, ("authorization", &bearer)], "key_invalid"),
        (vec![("authorization", "Basic dXNlcjpwYXNz")], "key_invalid"),
        (vec![("authorization", SERVICE_KEY)], "key_invalid"),
    ] {
        let headers = [&keys[..], &tenant].concat();
        send(&world, "", &headers).await.refused(401, code);
    }
    assert_eq!(untouched(&world).await, before);
    send(&world, "", &[("authorization", &bearer), ORG, PROJECT]).await.accepted();
    let refused = world.until_audited("platform", |entry| {
        entry.action == "access.refused" && entry.details["code"] == "key_missing"
    });
    assert_eq!(refused.await.actor, "anonymous");
    world.finish().await;
}

#[tokio::test]
async fn an_empty_key_in_the_settings_opens_no_door() {
    let world = World::builder()
        .settings(|settings| settings.keys.service = nexus_kit::settings::Secret::default())
        .start()
        .await;
    for key in ["", " ", SERVICE_KEY] {
        send(&world, "", &[("x-api-key", key), ORG, PROJECT]).await.refused(401, "key_invalid");
    }
    world.finish().await;
}

#[tokio::test]
async fn keys_of_programs_never_decide() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({"n": 1})).await;
    let agent = world.agent(&["share.webhook"]).await;
    let (_, program) = world.tenant_key("default:default").await;
    let before = untouched(&world).await;
    for client in [world.service(), program.clone(), agent.client.clone()] {
        for decision in ["approve", "deny"] {
            let answer = client.decide(&ask_id, decision).await;
            assert_eq!(answer.refused(403, "may_not_decide")["status"], 403);
        }
    }
    assert_eq!(untouched(&world).await, before);
    assert_eq!(world.service().task(&task_id).await["status"], "waiting_approval");
    for actor in ["service".to_owned(), format!("agent:{}", agent.key_id)] {
        let entry = world.until_audited("default:default", |entry| {
            entry.action == "access.refused" && entry.actor == actor
        });
        assert_eq!(entry.await.details["code"], "may_not_decide");
    }
    assert_eq!(world.sink.connections(), 0);
    world.finish().await;
}

#[tokio::test]
async fn a_programs_key_is_of_one_tenant() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let (_, program) = world.tenant_key("other:team").await;
    let agent = world.agent_of("other:team", &["test.echo"]).await;
    program.get("/tasks").await.expect(200);
    program.of("default:default").get("/tasks").await.refused(403, "not_a_member");
    let claim = json!({"agent": "a", "types": ["test.echo"]});
    let there = agent.client.of("default:default").post("/agent/tasks/claim", &claim).await;
    there.refused(403, "not_a_member");
    // A key of one tenant needs no header to say which.
    program.without_tenant().get("/tasks").await.expect(200);
    world.until_audited("default:default", |e| e.details["code"] == "not_a_member").await;
    world.finish().await;
}

#[tokio::test]
async fn an_agents_key_claims_and_reports_and_nothing_else() {
    let world = World::start().await;
    let agent = world.agent(&["test.echo"]).await;
    let before = untouched(&world).await;
    let body = json!({"command_type": "test.echo", "params": {}});
    agent.client.post("/sidecar/command", &body).await.refused(403, "forbidden");
    for path in ["/tasks", "/approvals", "/worklog", "/policy", "/agent/reports/stream", "/keys"] {
        agent.client.get(path).await.refused(403, "forbidden");
    }
    let claim = json!({"agent": "a", "types": ["test.echo"]});
    world.service().post("/agent/tasks/claim", &claim).await.refused(403, "forbidden");
    world.admin().post("/agent/tasks/claim", &claim).await.refused(403, "forbidden");
    assert_eq!(untouched(&world).await, before);
    world.finish().await;
}

/// Waits until that many refusals are counted on the platform's chain; in how many entries?
async fn written(world: &World, count: u64) -> usize {
    let fits = |entries: &[Entry]| {
        let refused = || entries.iter().filter(|entry| entry.action == "access.refused");
        let sum: u64 = refused().map(|entry| entry.details["count"].as_u64().unwrap()).sum();
        (sum == count).then(|| refused().count())
    };
    world.until_audit("platform", fits).await
}

#[tokio::test]
async fn refusals_of_a_kind_are_counted_so_that_nobody_fills_the_audit_log() {
    let mut world = World::start().await;
    for _ in 0..30 {
        world.service().stranger().get("/tasks").await.refused(401, "key_missing");
    }
    // Nobody has proven anything yet, so this is no tenant's business.
    world.until_audited("platform", |e| e.action == "access.refused").await;
    world.advance_seconds(61);
    assert!(
        written(&world, 30).await <= 3,
        "those that gathered are one entry, though nobody knocks again"
    );
    for _ in 0..5 {
        world.service().stranger().get("/tasks").await.refused(401, "key_missing");
    }
    world.stop().await;
    assert!(written(&world, 35).await <= 5, "a server that stops leaves none uncounted");
    world.start_again().await;
    world.finish().await;
}
