//! Sending commands: what a 202 says, and what it does not.

use nexus_testkit::{Answer, Client, World};
use serde_json::{Value, json};

const DAY: u64 = 86_400;

async fn with_key(client: &Client, key: &str, body: &Value) -> Answer {
    let request = client.request("POST", "/sidecar/command").header("idempotency-key", key);
    client.send_json(request, body).await
}

#[tokio::test]
async fn a_202_says_nothing_more_and_the_stream_says_the_rest() {
    let world = World::start().await;
    let body = json!({"command_type": "test.echo", "params": {"text": "안녕"}});
    let answer = world.service().post("/sidecar/command", &body).await;
    let accepted = answer.accepted();
    assert_eq!(accepted["status"], "accepted");
    assert_eq!(accepted.as_object().unwrap().len(), 3, "{accepted}");
    let task_id = accepted["task_id"].as_str().unwrap();

    let done = world.until(task_id, "succeeded").await;
    assert_eq!(done["result"], json!({"text": "안녕"}));
    assert_eq!(done["correlation_id"], accepted["correlation_id"]);
    assert_eq!(world.follower().statuses(task_id), ["queued", "running", "succeeded"]);
    assert_eq!(world.service().task(task_id).await["result"], json!({"text": "안녕"}));
    world.finish().await;
}

#[tokio::test]
async fn a_202_looks_the_same_whatever_becomes_of_the_command() {
    let world = World::start().await;
    for (command_type, params) in [
        ("test.echo", json!({})),
        ("test.yellow", json!({})),
        ("test.fail", json!({"retryable": false})),
        ("test.outside", json!({"target": "x"})),
    ] {
        let body = json!({"command_type": command_type, "params": params, "correlation_id": "c"});
        let answer = world.service().post("/sidecar/command", &body).await;
        let task_id = answer.accepted()["task_id"].clone();
        let says = json!({"status": "accepted", "task_id": task_id, "correlation_id": "c"});
        assert_eq!(answer.json, says, "{command_type}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_was_accepted_is_on_disk_and_audited_before_the_202() {
    let mut world = World::start().await;
    world.hands.release("a");
    let task_id = world.send("test.slow", json!({"name": "a"})).await;
    let accepted = world.audited("default:default", "command.accepted");
    assert_eq!(accepted.len(), 1);
    assert_eq!((accepted[0].target.as_str(), accepted[0].actor.as_str()), (&*task_id, "service"));
    world.restart().await;
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn tasks_are_the_same_door() {
    let world = World::start().await;
    let body = json!({"task_type": "test.echo", "params": {"n": 1}, "correlation_id": "mine:1"});
    let answer = world.service().post("/tasks", &body).await;
    let task_id = answer.accepted()["task_id"].as_str().unwrap();
    assert_eq!(world.until(task_id, "succeeded").await["correlation_id"], "mine:1");
    world.finish().await;
}

#[tokio::test]
async fn the_same_key_and_body_make_one_task_and_another_body_is_refused() {
    let world = World::start().await;
    let service = world.service();
    let body = json!({"command_type": "test.echo", "params": {"a": 1, "b": 2}});
    let first = with_key(&service, "k1", &body).await;
    let first = first.accepted();
    // The same request in another spelling is the same request.
    let spelled = r#"{ "params": {"b": 2, "a": 1}, "command_type": "test.echo" }"#;
    let request = service.request("POST", "/sidecar/command").header("idempotency-key", "k1");
    let request = request.header("content-type", "application/json").body(spelled);
    assert_eq!(service.send(request).await.accepted(), first);

    let other = json!({"command_type": "test.echo", "params": {"a": 1, "b": 3}});
    with_key(&service, "k1", &other).await.refused(422, "idempotency_conflict");
    let second = with_key(&service, "k2", &body).await;
    assert_ne!(second.accepted()["task_id"], first["task_id"]);
    assert_eq!(world.audited("default:default", "command.accepted").len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn the_same_request_has_the_same_answer_although_the_world_has_moved_on() {
    let world = World::start().await;
    std::fs::write(world.files().join("a.txt"), "one").unwrap();
    let body = json!({"command_type": "file.delete", "params": {"path": "a.txt"}});
    let first = with_key(&world.service(), "k", &body).await;
    let task_id = first.accepted()["task_id"].as_str().unwrap().to_owned();
    world.approve(&world.ask_of(&task_id).await).await;
    world.until(&task_id, "succeeded").await;
    // The file is gone, so the command could not be accepted anew; but it was, and this says so.
    assert_eq!(with_key(&world.service(), "k", &body).await.accepted(), first.accepted());
    world.finish().await;
}

#[tokio::test]
async fn a_key_is_remembered_for_a_day_and_per_tenant() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let service = world.service();
    let body = json!({"command_type": "test.echo", "params": {}});
    let first = with_key(&service, "k", &body).await.accepted()["task_id"].clone();
    let elsewhere = with_key(&service.of("other:team"), "k", &body).await;
    assert_ne!(elsewhere.accepted()["task_id"], first);
    world.advance_seconds(DAY - 1);
    assert_eq!(with_key(&service, "k", &body).await.accepted()["task_id"], first);
    world.advance_seconds(2);
    assert_ne!(with_key(&service, "k", &body).await.accepted()["task_id"], first);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_senders_of_one_key_make_one_task() {
    let world = World::start().await;
    let body = json!({"command_type": "test.echo", "params": {}});
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (service, body) = (world.service(), body.clone());
        sending.spawn(async move { with_key(&service, "k", &body).await });
    }
    let mut ids: Vec<_> = sending.join_all().await;
    ids.dedup_by_key(|answer| answer.accepted()["task_id"].to_string());
    assert_eq!(ids.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_malformed_idempotency_key_is_refused() {
    let world = World::start().await;
    let body = json!({"command_type": "test.echo", "params": {}});
    for key in ["".to_owned(), "k".repeat(256)] {
        let answer = with_key(&world.service(), &key, &body).await;
        answer.refused(400, "invalid_idempotency_key");
    }
    let request = world.service().request("POST", "/sidecar/command");
    let request = request.header("idempotency-key", "a").header("idempotency-key", "b");
    let answer = world.service().send_json(request, &body).await;
    answer.refused(400, "invalid_idempotency_key");
    world.finish().await;
}

#[tokio::test]
async fn a_correlation_id_is_carried_or_made() {
    let world = World::start().await;
    let service = world.service();
    let body = json!({"command_type": "test.echo", "params": {}});
    let made = service.post("/sidecar/command", &body).await;
    let made = made.accepted()["correlation_id"].as_str().unwrap();
    assert!(made.len() > 20, "{made}");
    // The header names it where the body does not, and comes back on every answer.
    let request = service.request("POST", "/sidecar/command").header("x-correlation-id", "head");
    let answer = service.send_json(request, &body).await;
    assert_eq!(answer.accepted()["correlation_id"], "head");
    assert_eq!(answer.header("x-correlation-id"), Some("head"));
    let request = service.request("GET", "/nowhere").header("x-correlation-id", "lost");
    assert_eq!(service.send(request).await.problem(404)["correlation_id"], "lost");

    let task_id = world.run("test.echo", json!({"lines": ["a line"]}), "succeeded").await;
    let task = service.task(&task_id).await;
    for report in world.follower().reports() {
        if report.value("tasks", &task_id).is_some() {
            assert_eq!(report.data["correlation_id"], task["correlation_id"]);
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn a_command_past_its_deadline_does_not_run() {
    let world = World::start().await;
    world.admin().post("/tenant/pause", &json!({})).await.accepted();
    let body = json!({"command_type": "test.echo", "params": {}, "deadline_seconds": 60});
    let late = world.service().post("/sidecar/command", &body).await;
    let late = late.accepted()["task_id"].as_str().unwrap().to_owned();
    world.advance_seconds(60);
    world.admin().post("/tenant/resume", &json!({})).await.accepted();
    let dead = world.until(&late, "dead").await;
    assert_eq!(dead["failure_code"], "AGENT_TIMEOUT");
    assert_eq!(dead["attempt"], 0, "it never started");
    world.finish().await;
}

#[tokio::test]
async fn the_more_urgent_goes_first_and_equals_in_order() {
    let world = World::builder().settings(|settings| settings.tasks.workers = 1).start().await;
    world.admin().post("/tenant/pause", &json!({})).await.accepted();
    world.hands.release("*");
    let mut last = String::new();
    for (name, priority) in [("c", 0), ("d", 0), ("e", -10), ("a", 10), ("b", 5)] {
        let params = json!({"name": name});
        let body = json!({"command_type": "test.slow", "params": params, "priority": priority});
        let sent = world.service().post("/sidecar/command", &body).await;
        if name == "e" {
            last = sent.accepted()["task_id"].as_str().unwrap().to_owned();
        }
        world.advance_seconds(1);
    }
    world.admin().post("/tenant/resume", &json!({})).await.accepted();
    world.until(&last, "succeeded").await;
    assert_eq!(world.hands.order(), ["a", "b", "c", "d", "e"]);
    world.finish().await;
}

#[tokio::test]
async fn a_yellow_command_runs_and_leaves_a_warning() {
    let world = World::start().await;
    let task_id = world.run("test.yellow", json!({}), "succeeded").await;
    let reports = world.follower().reports();
    assert_eq!(reports[0].data["meta"]["approval_level"], "yellow");
    let lines = world.service().get(&format!("/worklog?task_id={task_id}")).await;
    let lines = lines.expect(200)["items"].as_array().unwrap().clone();
    assert!(lines.iter().any(|line| line["level"] == "warn"), "{lines:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_caller_can_only_raise_the_risk() {
    let world = World::start().await;
    let send = async |command_type: &str, risk: &str| {
        let body = json!({"command_type": command_type, "params": {"target": "t"}, "risk": risk});
        let answer = world.service().post("/sidecar/command", &body).await;
        answer.accepted()["task_id"].as_str().unwrap().to_owned()
    };
    let raised = send("test.echo", "RED").await;
    let ask = world.service().ask(&world.ask_of(&raised).await).await;
    assert_eq!((&ask["risk"], &ask["rule"]), (&json!("RED"), &json!("caller")));
    let lowered = send("test.outside", "GREEN").await;
    let waiting = world.until(&lowered, "waiting_approval").await;
    assert_eq!(waiting["risk"], "RED");
    world.finish().await;
}

#[tokio::test]
async fn a_precondition_is_checked_when_it_is_sent() {
    let world = World::start().await;
    std::fs::write(world.files().join("a.txt"), "one").unwrap();
    let body = |sha256: Value| {
        let files = json!([{"path": "a.txt", "sha256": sha256}]);
        json!({"command_type": "test.echo", "params": {}, "precondition": {"files": files}})
    };
    let one = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
    world.service().post("/sidecar/command", &body(json!(one))).await.accepted();
    let refused = world.service().post("/sidecar/command", &body(Value::Null)).await;
    refused.refused(409, "precondition_failed");
    world.finish().await;
}

#[tokio::test]
async fn the_catalogue_lists_every_type_in_both_languages() {
    let world = World::start().await;
    let answer = world.service().get("/commands/types").await;
    let types = answer.expect(200)["items"].as_array().unwrap().clone();
    let names: Vec<_> = types.iter().map(|t| t["command_type"].as_str().unwrap()).collect();
    for name in ["file.delete", "file.list", "file.read", "file.write", "share.webhook"] {
        assert!(names.contains(&name), "{names:?}");
    }
    for known in &types {
        assert!(known["title_ko"].as_str().unwrap().chars().any(|c| ('가'..='힣').contains(&c)));
        assert_eq!(known["params_schema"]["type"], "object");
        // Searching needs a key of the provider's, and some commands are the server's own; the
        // catalogue says so.
        let not_here = ["youtube.search", "boxes.purge", "boxes.requeue"];
        let enabled = !not_here.contains(&known["command_type"].as_str().unwrap());
        assert_eq!(known["enabled"], enabled, "{known}");
        assert_eq!(known["disabled_because"].is_null(), enabled, "{known}");
    }
    let of = |name: &str| types.iter().find(|t| t["command_type"] == name).unwrap();
    for (name, risk) in [("file.read", "GREEN"), ("file.write", "YELLOW"), ("file.delete", "RED")] {
        assert_eq!(of(name)["risk"], risk);
    }
    world.finish().await;
}
