//! What becomes of tasks: retries, the end, lists, being forgotten.

use nexus_testkit::World;
use serde_json::{Value, json};

async fn items(world: &World, path: &str) -> Vec<Value> {
    world.service().get(path).await.expect(200)["items"].as_array().unwrap().clone()
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["task_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_failing_task_climbs_the_ladder_and_dies() {
    let world = World::start().await;
    let task_id = world.send("test.fail", json!({})).await;
    for (attempt, wait) in [(1, 5), (2, 30), (3, 300)] {
        let retrying = world.until(&task_id, "retrying").await;
        assert_eq!(retrying["attempt"], attempt);
        assert_eq!(retrying["failure_code"], "AGENT_ERROR");
        world.advance_seconds(wait - 1);
        assert_eq!(world.service().task(&task_id).await["status"], "retrying", "after {wait} s");
        world.advance_seconds(1);
    }
    let dead = world.until(&task_id, "dead").await;
    assert_eq!((&dead["attempt"], &dead["retry_count"]), (&json!(4), &json!(3)));
    let task = world.service().task(&task_id).await;
    let attempts = task["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 4);
    assert!(attempts.iter().all(|a| a["failure_code"] == "AGENT_ERROR" && a["agent"] == "tester"));
    assert_eq!(task["last_error"], "failed on purpose");
    assert_eq!(task["failure_title_ko"], "에이전트가 실패했습니다");
    world.advance_seconds(10_000);
    assert_eq!(world.service().task(&task_id).await["status"], "dead");
    world.finish().await;
}

#[tokio::test]
async fn a_retry_can_succeed_and_leaves_no_error() {
    let world = World::start().await;
    let task_id = world.send("test.fail", json!({"times": 1})).await;
    world.until(&task_id, "retrying").await;
    world.advance_seconds(5);
    let done = world.until(&task_id, "succeeded").await;
    assert_eq!(done["result"], json!({"attempt": 2}));
    assert!(done.get("failure_code").is_none() && done.get("last_error").is_none(), "{done}");
    let lines = items(&world, &format!("/worklog?task_id={task_id}")).await;
    let warned = |line: &Value| line["level"] == "warn" && line["text"].to_string().contains("5 s");
    assert!(lines.iter().any(warned), "{lines:?}");
    world.finish().await;
}

#[tokio::test]
async fn what_cannot_get_better_is_not_tried_again() {
    let world = World::start().await;
    for params in [json!({"retryable": false}), json!({"code": "INVALID_PARAMS"})] {
        let task_id = world.run("test.fail", params, "dead").await;
        assert_eq!(world.service().task(&task_id).await["attempt"], 1);
    }
    world.finish().await;
}

#[tokio::test]
async fn retries_come_from_the_settings() {
    let world = World::builder()
        .settings(|settings| {
            settings.tasks.max_retries = 2;
            settings.tasks.retry_delays = vec![std::time::Duration::from_secs(7)];
        })
        .start()
        .await;
    let task_id = world.send("test.fail", json!({})).await;
    for _ in 0..2 {
        world.until(&task_id, "retrying").await;
        world.advance_seconds(7);
    }
    assert_eq!(world.until(&task_id, "dead").await["attempt"], 3);
    world.finish().await;
}

#[tokio::test]
async fn a_retry_survives_a_restart() {
    let mut world = World::start().await;
    let task_id = world.send("test.fail", json!({"times": 1})).await;
    world.until(&task_id, "retrying").await;
    world.stop().await;
    world.advance_seconds(60);
    world.start_again().await;
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn an_agent_that_panics_is_one_failed_attempt() {
    let world = World::start().await;
    let task_id = world.send("test.fail", json!({"panic": true})).await;
    let retrying = world.until(&task_id, "retrying").await;
    assert_eq!(retrying["failure_code"], "AGENT_CRASHED");
    // The worker goes on.
    world.run("test.echo", json!({}), "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn a_running_task_is_told_to_stop() {
    let world = World::start().await;
    let task_id = world.send("test.slow", json!({"name": "a"})).await;
    world.hands.started("a").await;
    let path = format!("/tasks/{task_id}/cancel");
    world.service().post(&path, &json!({})).await.accepted();
    assert_eq!(world.until(&task_id, "running").await["attempt"], 1);
    assert_eq!(world.service().task(&task_id).await["cancel_requested"], true);
    world.advance_seconds(20);
    let cancelled = world.until(&task_id, "cancelled").await;
    assert_eq!(cancelled["done"], true);
    world.service().post(&path, &json!({})).await.refused(409, "wrong_state");
    assert_eq!(world.audited("default:default", "task.cancelled").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_task_between_attempts_is_called_off_at_once() {
    let world = World::start().await;
    let task_id = world.send("test.fail", json!({})).await;
    world.until(&task_id, "retrying").await;
    world.service().post(&format!("/tasks/{task_id}/cancel"), &json!({})).await.accepted();
    world.until(&task_id, "cancelled").await;
    world.advance_seconds(1_000);
    assert_eq!(world.service().task(&task_id).await["attempt"], 1);
    world.finish().await;
}

#[tokio::test]
async fn an_attempt_ends_at_its_types_deadline() {
    let world = World::start().await;
    let body =
        json!({"command_type": "test.slow", "params": {"name": "a"}, "deadline_seconds": 15});
    let sent = world.service().post("/sidecar/command", &body).await;
    let task_id = sent.accepted()["task_id"].as_str().unwrap().to_owned();
    world.hands.started("a").await;
    world.advance_seconds(15);
    // Another attempt would be worth nothing.
    assert_eq!(world.until(&task_id, "dead").await["failure_code"], "AGENT_TIMEOUT");
    world.finish().await;
}

#[tokio::test]
async fn tasks_are_found_by_what_one_knows_of_them() {
    let world = World::start().await;
    let first = world.run("test.echo", json!({}), "succeeded").await;
    world.advance_seconds(60);
    let body = json!({"command_type": "test.yellow", "params": {}, "correlation_id": "mine"});
    let second = world.service().post("/sidecar/command", &body).await;
    let second = second.accepted()["task_id"].as_str().unwrap().to_owned();
    world.until(&second, "succeeded").await;
    world.advance_seconds(60);
    let third = world.run("test.fail", json!({"retryable": false}), "dead").await;

    for (query, expected) in [
        ("", vec![&third, &second, &first]),
        ("?status=dead", vec![&third]),
        ("?status=running", vec![]),
        ("?type=test.echo", vec![&first]),
        ("?correlation_id=mine", vec![&second]),
        ("?correlation_id=other", vec![]),
        ("?since=2026-01-01T00:01:00Z", vec![&third, &second]),
        ("?until=2026-01-01T00:01:00Z", vec![&first]),
        ("?since=2026-01-01T00:01:00Z&until=2026-01-01T00:02:00Z", vec![&second]),
        ("?status=succeeded&type=test.yellow", vec![&second]),
    ] {
        let found = items(&world, &format!("/tasks{query}")).await;
        assert_eq!(ids(&found), expected, "{query}");
        assert!(found.iter().all(|task| task.get("result").is_none()), "lists have no results");
    }
    world.finish().await;
}

#[tokio::test]
async fn pages_hold_everything_once() {
    let world = World::start().await;
    let mut sent = Vec::new();
    for n in 0..7 {
        world.advance_seconds(1);
        sent.push(
            world.run("test.echo", json!({"lines": [format!("line {n}")]}), "succeeded").await,
        );
    }
    sent.reverse();
    for (path, limit) in [("/tasks", 3), ("/tasks", 7), ("/tasks", 1)] {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = world.service().get(&format!("{path}?limit={limit}{cursor}")).await;
            let page = page.expect(200).clone();
            let items = page["items"].as_array().unwrap().clone();
            assert!(items.len() <= limit);
            found.extend(ids(&items).into_iter().map(str::to_owned));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, sent, "{limit} a page");
    }
    let lines = items(&world, "/worklog?limit=4").await;
    assert_eq!(lines.len(), 4);
    world.finish().await;
}

#[tokio::test]
async fn the_worklog_is_found_by_task_and_correlation() {
    let world = World::start().await;
    let body = json!({"command_type": "test.echo", "params": {"lines": ["하나", "둘"]},
        "correlation_id": "story"});
    let sent = world.service().post("/sidecar/command", &body).await;
    let task_id = sent.accepted()["task_id"].as_str().unwrap().to_owned();
    world.until(&task_id, "succeeded").await;
    world.run("test.echo", json!({"lines": ["other"]}), "succeeded").await;
    for query in [format!("task_id={task_id}"), "correlation_id=story".to_owned()] {
        let lines = items(&world, &format!("/worklog?{query}")).await;
        let texts: Vec<_> = lines.iter().map(|line| line["text"].as_str().unwrap()).collect();
        assert!(texts.contains(&"하나") && texts.contains(&"둘"), "{texts:?}");
        assert!(!texts.contains(&"other"));
        for line in &lines {
            assert_eq!((&line["agent"], &line["level"]), (&json!("tester"), &json!("info")));
            assert_eq!(line["correlation_id"], "story");
        }
    }
    let on_stream = world.follower().view().all("worklog").clone();
    assert!(on_stream.values().any(|line| line["text"] == "하나"));
    world.finish().await;
}

#[tokio::test]
async fn a_large_result_is_whole_on_request_and_elsewhere_on_the_stream() {
    let world = World::start().await;
    let text = "가".repeat(6_000);
    let task_id = world.send("test.echo", json!({"text": text})).await;
    let done = world.until(&task_id, "succeeded").await;
    assert_eq!(done["result_elsewhere"], true);
    assert!(done.get("result").is_none());
    assert_eq!(world.service().task(&task_id).await["result"]["text"], text);
    world.finish().await;
}

#[tokio::test]
async fn finished_tasks_are_forgotten_after_their_time_and_open_ones_never() {
    let world = World::builder()
        .settings(|settings| settings.tasks.ttl = std::time::Duration::from_secs(3_600))
        .start()
        .await;
    let done = world.run("test.echo", json!({}), "succeeded").await;
    world.admin().post("/tenant/pause", &json!({})).await.accepted();
    let open = world.send("test.echo", json!({})).await;
    world.advance_seconds(3_500);
    world.service().task(&done).await;
    world.advance_seconds(200);
    // It goes in the background, a pass a minute.
    let gone = async {
        while world.service().get(&format!("/tasks/{done}")).await.status == 200 {
            world.advance_seconds(1);
        }
    };
    tokio::time::timeout(nexus_testkit::PATIENCE, gone).await.expect("it is forgotten");
    world.service().get(&format!("/tasks/{done}")).await.refused(404, "unknown_task");
    assert_eq!(world.service().task(&open).await["status"], "queued");
    assert_eq!(ids(&items(&world, "/tasks").await), [&open]);
    world.admin().post("/tenant/resume", &json!({})).await.accepted();
    world.until(&open, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn what_was_sent_is_kept_when_its_task_is_forgotten() {
    let world = World::builder()
        .settings(|settings| settings.tasks.ttl = std::time::Duration::from_secs(60))
        .start()
        .await;
    let (task_id, ask_id) = world.webhook("/in", json!({"n": 1})).await;
    world.approve(&ask_id).await;
    world.until(&task_id, "succeeded").await;
    let kept = format!("/tasks/{task_id}/sent/1");
    assert_eq!(world.admin().get(&kept).await.expect(200), &json!({"n": 1}));
    world.service().get(&kept).await.refused(403, "forbidden");
    world.advance_seconds(121);
    let gone = async {
        while world.service().get(&format!("/tasks/{task_id}")).await.status == 200 {
            world.advance_seconds(1);
        }
    };
    tokio::time::timeout(nexus_testkit::PATIENCE, gone).await.expect("it is forgotten");
    assert_eq!(world.admin().get(&kept).await.expect(200), &json!({"n": 1}));
    world.finish().await;
}

#[tokio::test]
async fn a_paused_tenant_runs_nothing_until_it_is_resumed() {
    let mut world = World::start().await;
    world.tenant("other:team").await;
    world.service().post("/tenant/pause", &json!({})).await.refused(403, "forbidden");
    world.admin().post("/tenant/pause", &json!({})).await.accepted();
    // Twice is the same as once.
    world.admin().post("/tenant/pause", &json!({})).await.accepted();
    assert_eq!(world.audited("default:default", "tenant.paused").len(), 1);
    let task_id = world.send("test.echo", json!({})).await;
    let (red, ask_id) = world.webhook("/in", json!({})).await;
    world.approve(&ask_id).await;
    // Another tenant goes on, and a restart changes nothing.
    let other = world.service().of("other:team").command("test.echo", json!({})).await;
    world.follower_of("other:team").until(&other, "succeeded").await;
    world.restart().await;
    world.advance_seconds(3_600);
    let later = world.service().of("other:team").command("test.echo", json!({})).await;
    world.follower_of("other:team").until(&later, "succeeded").await;
    assert_eq!(world.service().task(&task_id).await["status"], "queued");
    assert_eq!(world.follower().view().get("system", "tenant")["paused"], true);
    assert_eq!(world.sink.connections(), 0);
    world.admin().post("/tenant/resume", &json!({})).await.accepted();
    world.until(&task_id, "succeeded").await;
    world.until(&red, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn a_pause_tells_what_runs_to_stop_and_releases_nothing_outside() {
    let world = World::start().await;
    let task_id = world.send("test.slow", json!({"name": "a"})).await;
    world.hands.started("a").await;
    world.admin().post("/tenant/pause", &json!({})).await.accepted();
    world.advance_seconds(20);
    let stopped = world.until(&task_id, "retrying").await;
    assert_eq!(stopped["failure_code"], "AGENT_ERROR");
    world.finish().await;
}
