//! The published JSON Schemas against what the server sends and takes.

use jsonschema::Validator;
use nexus_testkit::{Envelope, OutsideAgent, World};
use nexus_work::contract::schemas;
use serde_json::{Value, json};

const TYPE: &str = "billing.invoice";

fn validator(schema: &str) -> Validator {
    let schema: Value = serde_json::from_str(schema).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
}

#[track_caller]
fn holds(schema: &Validator, value: &Value) {
    let wrong: Vec<String> = schema
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?} in {value:#}");
}

/// Every way to spoil a value by one member that is missing.
fn without_each(value: &Value) -> impl Iterator<Item = (String, Value)> {
    let names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
    names.into_iter().map(|name| {
        let mut spoiled = value.clone();
        spoiled.as_object_mut().unwrap().remove(&name);
        (name, spoiled)
    })
}

async fn claimed(world: &World, agent: &OutsideAgent, params: Value) -> Envelope {
    world.send(TYPE, params).await;
    agent.claim_one().await
}

#[tokio::test]
async fn they_are_served_as_they_stand_in_the_repository() {
    let world = World::start().await;
    for (name, schema) in [
        ("envelope.json", schemas::ENVELOPE),
        ("callback.json", schemas::CALLBACK),
        ("report.json", schemas::REPORT),
    ] {
        let stranger = world.service().stranger().without_tenant();
        let answer = stranger.get(&format!("/schemas/{name}")).await;
        answer.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/schema+json"));
        assert_eq!(answer.body, schema.as_bytes());
        assert_eq!(answer.json["$id"], format!("https://nexus.dev/schemas/{name}"));
    }
    world.service().get("/schemas/task.json").await.refused(404, "unknown_path");
    world.finish().await;
}

#[tokio::test]
async fn an_envelope_is_as_its_schema_says() {
    let world = World::start().await;
    let schema = validator(schemas::ENVELOPE);
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    let green = claimed(&world, &agent, json!({"n": 1})).await.0;
    holds(&schema, &green);
    for (name, spoiled) in without_each(&green) {
        assert!(!schema.is_valid(&spoiled), "an envelope without {name}");
    }
    // A later version may say more.
    let mut later = green.clone();
    later["since_then"] = json!(true);
    holds(&schema, &later);

    world.register(TYPE, "RED").await;
    let task_id = world.send(TYPE, json!({"n": 2, "글": "안녕"})).await;
    world.approve(&world.ask_of(&task_id).await).await;
    world.until(&task_id, "queued").await;
    let red = agent.claim_one().await.0;
    holds(&schema, &red);
    for (name, spoiled) in without_each(&red["approval"]) {
        let mut envelope = red.clone();
        envelope["approval"] = spoiled;
        assert!(!schema.is_valid(&envelope), "an approval without {name}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_callback_is_taken_if_its_schema_allows_it() {
    let world = World::start().await;
    let schema = validator(schemas::CALLBACK);
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    let error = json!({"failure_code": "MY_OWN", "message": "no"});
    let lines = |count: usize| vec![json!({"text": "a line"}); count];
    for (status, more, valid) in [
        ("running", json!({}), true),
        ("progress", json!({"progress": 0, "worklog": lines(64)}), true),
        ("progress", json!({"progress": 1.0, "worklog": [{"level": "warn", "text": ""}]}), true),
        ("progress", json!({"progress": null, "error": null, "sent_at": null}), true),
        ("succeeded", json!({"result": {"any": [1, null]}}), true),
        ("succeeded", json!({"result": "text", "sent_at": "2026-01-01T09:00:00+09:00"}), true),
        ("succeeded", json!({}), true),
        ("failed", json!({"error": error}), true),
        ("failed", json!({"error": {"failure_code": "A", "message": "", "retryable": null}}), true),
        ("done", json!({}), false),
        ("running", json!({"more": 1}), false),
        ("running", json!({"agent": null}), false),
        ("running", json!({"attempt": "1"}), false),
        ("running", json!({"attempt": -1}), false),
        ("running", json!({"attempt": 1.5}), false),
        ("progress", json!({"progress": 1.01}), false),
        ("progress", json!({"progress": "half"}), false),
        ("progress", json!({"worklog": lines(65)}), false),
        ("progress", json!({"worklog": null}), false),
        ("progress", json!({"worklog": [{"text": 1}]}), false),
        ("progress", json!({"worklog": [{"level": "debug", "text": ""}]}), false),
        ("progress", json!({"worklog": [{"text": "", "at": 1}]}), false),
        ("succeeded", json!({"sent_at": "yesterday"}), false),
        ("failed", json!({}), false),
        ("failed", json!({"error": null}), false),
        ("failed", json!({"error": {"message": "no code"}}), false),
        ("failed", json!({"error": {"failure_code": "A"}}), false),
        (
            "failed",
            json!({"error": {"failure_code": "A", "message": "", "retryable": "no"}}),
            false,
        ),
        ("failed", json!({"error": {"failure_code": "A", "message": "", "stack": ""}}), false),
    ] {
        let envelope = claimed(&world, &agent, json!({})).await;
        let callback = envelope.callback(status, more);
        assert_eq!(schema.is_valid(&callback), valid, "{callback:#}");
        let answer = agent.client.post("/agent/callback", &callback).await;
        assert_eq!(answer.status == 202, valid, "{} {callback:#}", answer.json);
    }
    let envelope = claimed(&world, &agent, json!({})).await;
    for (name, spoiled) in without_each(&envelope.callback("running", json!({}))) {
        assert!(!schema.is_valid(&spoiled), "a callback without {name}");
        agent.client.post("/agent/callback", &spoiled).await.refused(422, "invalid_fields");
    }
    world.finish().await;
}

#[tokio::test]
async fn every_report_is_as_its_schema_says() {
    let world = World::start().await;
    let schema = validator(schemas::REPORT);
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    let envelope = claimed(&world, &agent, json!({})).await;
    let more = json!({"progress": 0.5, "worklog": [{"text": "절반"}]});
    agent.call_back(&envelope, "progress", more).await.accepted();
    let error = json!({"error": {"failure_code": "AGENT_ERROR", "message": "no"}});
    agent.call_back(&envelope, "failed", error).await.accepted();
    let (_, denied) = world.webhook("/a", json!({"text": "hello"})).await;
    world.deny(&denied).await;
    world.run("file.write", json!({"path": "a.txt", "content": "a"}), "succeeded").await;
    let youtube = json!({"video_id": "dQw4w9WgXcQ", "title": "a song"});
    world.run("youtube.queue.add", youtube, "succeeded").await;
    world.run("chat.message", json!({"text": "list files"}), "succeeded").await;
    let (_, last) = world.follower().position();
    world.follower().reach(last).await;

    let reports = world.follower().reports();
    let mut collections = std::collections::BTreeSet::new();
    for report in &reports {
        holds(&schema, &report.data);
        let changes = report.data["changes"].as_array().unwrap().iter();
        collections.extend(changes.map(|change| change["collection"].as_str().unwrap().to_owned()));
    }
    let met = ["asks", "autopilot", "tasks", "worklog", "youtube"];
    assert!(met.iter().all(|name| collections.contains(*name)), "{collections:?}");
    let report =
        &reports.iter().find(|report| report.data["kind"] == "task.progress").unwrap().data;
    for (name, spoiled) in without_each(report) {
        assert!(!schema.is_valid(&spoiled), "a report without {name}");
    }
    for wrong in [
        json!({"op": "upsert", "collection": "tasks", "id": "a"}),
        json!({"op": "upsert", "collection": "tasks", "id": "a", "value": {"seq": 1}}),
        json!({"op": "upsert", "collection": "songs", "id": "a", "value": {}}),
        json!({"op": "drop", "collection": "tasks", "id": "a"}),
    ] {
        let mut spoiled = report.clone();
        spoiled["changes"] = json!([wrong]);
        assert!(!schema.is_valid(&spoiled), "{spoiled}");
    }
    world.finish().await;
}
