//! Paths and methods that are not there, and requests that no proper client sends.

use nexus_testkit::{Answer, SERVICE_KEY, World, raw};
use serde_json::json;

use super::untouched;

async fn ask(world: &World, line: &str, more: &str) -> Answer {
    let request = format!(
        "{line} HTTP/1.1\r\nhost: nexus\r\nconnection: close\r\nx-api-key: {SERVICE_KEY}\r\n\
         x-org-id: default\r\nx-project-id: default\r\n{more}\r\n"
    );
    raw(world.admin().address(), request.as_bytes()).await
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_say_so() {
    let world = World::start().await;
    for path in
        ["/nothing", "/tasks/", "//tasks", "/Tasks", "/tasks/a/b", "/.env", "/openapi.json/"]
    {
        world.service().get(path).await.refused(404, "unknown_path");
    }
    let answer = world.service().delete("/tasks").await;
    answer.refused(405, "method_not_allowed");
    assert!(answer.header("allow").unwrap().contains("POST"), "{:?}", answer.headers);
    world.service().get("/sidecar/command").await.refused(405, "method_not_allowed");
    ask(&world, "TRACE /tasks", "").await.refused(405, "method_not_allowed");
    ask(&world, "BREW /tasks", "").await.refused(405, "method_not_allowed");
    world.finish().await;
}

#[tokio::test]
async fn no_spelling_of_a_path_climbs_out() {
    let world = World::start().await;
    let task_id = world.run("test.echo", json!({}), "succeeded").await;
    for path in [
        "/tasks/../tasks".to_owned(),
        "/tasks/%2e%2e%2fkeys".to_owned(),
        "/tasks/..%2f..%2fetc%2fpasswd".to_owned(),
        "/tasks/%2e%2e".to_owned(),
        "/tasks/%00".to_owned(),
        format!("/tasks/{task_id}%00"),
        format!("/tasks/%2f{task_id}"),
        format!("/tasks/{task_id}%20"),
        format!("/tasks/{}", task_id.to_uppercase()),
        "/tasks/%ff%fe".to_owned(),
        "/approvals/..%2ftasks".to_owned(),
        "/docs/../../etc/passwd".to_owned(),
        "/docs/%2e%2e/%2e%2e/etc/passwd".to_owned(),
    ] {
        let answer = ask(&world, &format!("GET {path}"), "").await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        answer.problem(answer.status);
    }
    let made = world.admin();
    for name in ["..%2fx", "%2e%2e", "a%00.b", "a%2fb.c", "%20.a"] {
        let path = format!("/commands/types/{name}");
        let answer = made.put(&path, &json!({"params_schema": {"type": "object"}})).await;
        assert!(matches!(answer.status, 400 | 404 | 422), "{name}: {}", answer.status);
    }
    world.finish().await;
}

#[tokio::test]
async fn one_host_and_bounded_headers() {
    let world = World::start().await;
    let address = world.admin().address();
    let get = |rest: &str| format!("GET /health HTTP/1.1\r\nconnection: close\r\n{rest}\r\n");
    raw(address, get("").as_bytes()).await.refused(400, "bad_host");
    raw(address, get("host: a\r\nhost: b\r\n").as_bytes()).await.refused(400, "bad_host");
    raw(address, get("host: a,b\r\n").as_bytes()).await.refused(400, "bad_host");
    let long = format!("host: a\r\nx-long: {}\r\n", "x".repeat(16 << 10));
    raw(address, get(&long).as_bytes()).await.refused(431, "headers_too_large");
    let many: String = (0..70).map(|n| format!("x-{n}: y\r\n")).collect();
    raw(address, get(&format!("host: a\r\n{many}")).as_bytes())
        .await
        .refused(431, "headers_too_large");
    let target = format!(
        "GET /health?{} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "x".repeat(9_000)
    );
    raw(address, target.as_bytes()).await.refused(414, "uri_too_long");
    world.finish().await;
}

#[tokio::test]
async fn answers_carry_the_headers_that_keep_browsers_safe() {
    let world = World::start().await;
    for answer in [world.service().get("/tasks").await, world.service().get("/nothing").await] {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("content-security-policy").is_some());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    world.finish().await;
}

#[tokio::test]
async fn ids_of_the_wrong_kind_are_unknown() {
    let world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    let before = untouched(&world).await;
    world.admin().get(&format!("/tasks/{ask_id}")).await.refused(404, "unknown_task");
    world.admin().get(&format!("/approvals/{task_id}")).await.refused(404, "unknown_ask");
    world.admin().decide(&task_id, "approve").await.refused(404, "unknown_ask");
    let unknown = "tsk_019b0000-0000-7000-8000-000000000000";
    for action in ["cancel", "ask_again"] {
        let path = format!("/tasks/{unknown}/{action}");
        world.service().post(&path, &json!({})).await.refused(404, "unknown_task");
    }
    assert_eq!(untouched(&world).await, before);
    world.finish().await;
}
