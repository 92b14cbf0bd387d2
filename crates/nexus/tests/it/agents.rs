//! Agents outside, with nothing but HTTP and a key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use nexus_testkit::{Answer, Envelope, OutsideAgent, World};
use serde_json::{Value, json};
use sha2::Sha256;

const TYPE: &str = "billing.invoice";

/// A world with a registered type of that level, and an agent for it.
async fn world_with_agent(risk: &str) -> (World, OutsideAgent) {
    let world = World::start().await;
    world.register(TYPE, risk).await;
    let agent = world.agent(&[TYPE]).await;
    (world, agent)
}

#[tokio::test]
async fn an_agent_claims_works_and_reports() {
    let (world, agent) = world_with_agent("GREEN").await;
    assert!(agent.claim().await.is_empty());
    let task_id = world.send(TYPE, json!({"n": 1})).await;
    let envelope = agent.claim_one().await;
    let task = world.service().task(&task_id).await;
    for (member, value) in [
        ("version", json!(1)),
        ("task_id", json!(task_id)),
        ("attempt", json!(1)),
        ("tenant", json!("default:default")),
        ("task_type", json!(TYPE)),
        ("params", json!({"n": 1})),
        ("risk", json!("GREEN")),
        ("correlation_id", task["correlation_id"].clone()),
        ("issued_at", json!("2026-01-01T00:00:00.000Z")),
        ("lease_until", json!("2026-01-01T00:01:00.000Z")),
        ("deadline", json!("2026-01-01T00:05:00.000Z")),
    ] {
        assert_eq!(envelope.0[member], value, "{member}");
    }
    assert!(envelope.0.get("approval").is_none());
    assert!(envelope.0["callback_url"].as_str().unwrap().ends_with("/agent/callback"));
    assert_eq!(envelope.0["traceparent"].as_str().unwrap().len(), 55);
    assert!(agent.claim().await.is_empty(), "nobody gets it twice");

    let lines =
        json!({"worklog": [{"text": "절반"}, {"level": "warn", "text": "slow"}], "progress": 0.5});
    agent.call_back(&envelope, "progress", lines).await.accepted();
    let (_, report) = world
        .follower()
        .find("progress", 0, |r| {
            r.value("tasks", &task_id).is_some_and(|value| value["progress"] == 0.5)
        })
        .await;
    assert_eq!(report.data["meta"]["agent"], "outsider");
    let done = json!({"result": {"paid": true}, "sent_at": "2026-01-01T00:00:00Z"});
    agent.call_back(&envelope, "succeeded", done).await.accepted();
    let value = world.until(&task_id, "succeeded").await;
    assert_eq!(value["result"], json!({"paid": true}));
    assert_eq!(value["agent"], "outsider");
    let lines = world.service().get(&format!("/worklog?task_id={task_id}")).await;
    assert_eq!(lines.expect(200)["items"].as_array().unwrap().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn lines_stay_in_the_order_in_which_they_were_said() {
    let (world, agent) = world_with_agent("GREEN").await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    let texts: Vec<String> = (0..40).map(|n| format!("line {n}")).collect();
    for part in texts.chunks(20) {
        let part: Vec<Value> = part.iter().map(|text| json!({"text": text})).collect();
        agent.call_back(&envelope, "progress", json!({"worklog": part})).await.accepted();
    }
    agent.call_back(&envelope, "succeeded", json!({"result": {}})).await.accepted();
    // All of them are of one millisecond: the test's clock stands still.
    let listed = world.service().get(&format!("/worklog?task_id={task_id}")).await;
    let listed = listed.expect(200)["items"].as_array().unwrap().clone();
    let said = |lines: &[Value]| -> Vec<Value> {
        lines.iter().rev().map(|line| line["text"].clone()).collect()
    };
    assert_eq!(said(&listed), texts);
    world.finish().await;
}

#[tokio::test]
async fn a_long_poll_hears_of_what_comes() {
    let (world, agent) = world_with_agent("GREEN").await;
    let waiting = async { agent.claim_waiting(30).await };
    let sending = async { world.send(TYPE, json!({})).await };
    let (answer, task_id) = tokio::join!(waiting, sending);
    assert_eq!(answer.expect(200)["tasks"][0]["task_id"], task_id);

    // With nothing to do the answer is empty when the time is up, and not before.
    let polling = agent.clone();
    let poll = tokio::spawn(async move { polling.claim_waiting(30).await });
    while !poll.is_finished() {
        world.advance_seconds(1);
        tokio::task::yield_now().await;
    }
    assert_eq!(poll.await.unwrap().expect(200), &json!({"tasks": []}));
    world.finish().await;
}

#[tokio::test]
async fn one_task_can_be_claimed_by_name() {
    let (world, agent) = world_with_agent("GREEN").await;
    let first = world.send(TYPE, json!({})).await;
    let second = world.send(TYPE, json!({})).await;
    let path = format!("/agent/tasks/{second}/claim");
    let claimed = agent.client.post(&path, &json!({"agent": "outsider"})).await;
    assert_eq!(claimed.expect(200)["tasks"][0]["task_id"], second);
    let again = agent.client.post(&path, &json!({"agent": "outsider"})).await;
    assert_eq!(again.expect(200), &json!({"tasks": []}));
    assert_eq!(agent.claim_one().await.task_id(), first);
    world.finish().await;
}

#[tokio::test]
async fn the_same_callback_twice_has_one_effect_and_the_same_answer() {
    let (world, agent) = world_with_agent("GREEN").await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    let lines = json!({"worklog": [{"text": "once"}]});
    let first = agent.call_back(&envelope, "running", lines.clone()).await;
    let again = agent.call_back(&envelope, "running", lines.clone()).await;
    assert_eq!(first.accepted(), again.accepted());
    let first = agent.call_back(&envelope, "succeeded", json!({"result": 7})).await;
    world.until(&task_id, "succeeded").await;
    let head = world.snapshot().await.0;
    let again = agent.call_back(&envelope, "succeeded", json!({"result": 7})).await;
    assert_eq!(first.accepted(), again.accepted());
    agent.call_back(&envelope, "running", lines).await.accepted();
    // Another end of the same attempt is not the same callback.
    let other = agent.call_back(&envelope, "succeeded", json!({"result": 8})).await;
    other.refused(409, "stale_attempt");
    assert_eq!(world.snapshot().await.0, head);
    let lines = world.service().get(&format!("/worklog?task_id={task_id}")).await;
    assert_eq!(lines.expect(200)["items"].as_array().unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn an_attempt_without_a_heartbeat_is_over_and_changes_nothing_any_more() {
    let (world, agent) = world_with_agent("GREEN").await;
    let task_id = world.send(TYPE, json!({})).await;
    let late = agent.claim_one().await;
    world.advance_seconds(59);
    let beat = agent.beat(&late).await;
    assert_eq!(beat.expect(200)["cancel"], false);
    assert_eq!(beat.json["lease_until"], "2026-01-01T00:01:59.000Z");
    world.advance_seconds(60);
    agent.beat(&late).await.refused(409, "stale_attempt");
    let retrying = world.until(&task_id, "retrying").await;
    assert_eq!(retrying["failure_code"], "AGENT_TIMEOUT");
    agent.call_back(&late, "succeeded", json!({"result": 1})).await.refused(409, "stale_attempt");
    world.advance_seconds(5);
    let fresh = agent.claim_one().await;
    assert_eq!(fresh.0["attempt"], 2);
    assert_ne!(fresh.0["attempt_token"], late.0["attempt_token"]);
    agent
        .call_back(
            &late,
            "failed",
            json!({"error": {"failure_code": "AGENT_ERROR", "message": "x"}}),
        )
        .await
        .refused(409, "stale_attempt");
    // The number of the new attempt with the old token is no attempt at all.
    let mut forged = fresh.0.clone();
    forged["attempt_token"] = late.0["attempt_token"].clone();
    agent.call_back(&Envelope(forged), "succeeded", json!({})).await.refused(409, "stale_attempt");
    agent.call_back(&fresh, "succeeded", json!({"result": 2})).await.accepted();
    assert_eq!(world.until(&task_id, "succeeded").await["result"], 2);
    world.finish().await;
}

#[tokio::test]
async fn a_heartbeat_says_when_somebody_wants_it_to_stop() {
    let (world, agent) = world_with_agent("GREEN").await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    world.service().post(&format!("/tasks/{task_id}/cancel"), &json!({})).await.accepted();
    assert_eq!(agent.beat(&envelope).await.expect(200)["cancel"], true);
    let error = json!({"error": {"failure_code": "AGENT_ERROR", "message": "stopped"}});
    agent.call_back(&envelope, "failed", error).await.accepted();
    world.until(&task_id, "cancelled").await;

    let paused = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    world.admin().post("/tenant/pause", &json!({})).await.accepted();
    assert_eq!(agent.beat(&envelope).await.expect(200)["cancel"], true);
    world.send(TYPE, json!({})).await;
    assert!(agent.claim().await.is_empty(), "a paused tenant hands nothing out");
    let path = format!("/agent/tasks/{paused}/claim");
    let named = agent.client.post(&path, &json!({"agent": "outsider"})).await;
    assert_eq!(named.expect(200), &json!({"tasks": []}));
    world.finish().await;
}

#[tokio::test]
async fn failures_follow_the_agent_and_the_type() {
    let (world, agent) = world_with_agent("GREEN").await;
    let fail = async |error: Value| {
        let task_id = world.send(TYPE, json!({})).await;
        let envelope = agent.claim_one().await;
        agent.call_back(&envelope, "failed", json!({"error": error})).await.accepted();
        world.service().task(&task_id).await
    };
    let own = fail(json!({"failure_code": "PRINTER_ON_FIRE", "message": "hot"})).await;
    assert_eq!((&own["status"], &own["failure_code"]), (&json!("retrying"), &json!("AGENT_ERROR")));
    assert_eq!(own["attempts"][0]["agent_code"], "PRINTER_ON_FIRE");
    let no = fail(json!({"failure_code": "AGENT_ERROR", "message": "m", "retryable": false})).await;
    assert_eq!(no["status"], "dead");
    let never = fail(json!({"failure_code": "INVALID_PARAMS", "message": "m"})).await;
    assert_eq!(never["status"], "dead");
    let body = json!({"params_schema": {"type": "object"}, "risk": "GREEN", "retryable": false});
    let path = format!("/commands/types/{TYPE}?confirm={TYPE}");
    world.admin().put(&path, &body).await.expect(200);
    let type_says = fail(json!({"failure_code": "AGENT_ERROR", "message": "m"})).await;
    assert_eq!(type_says["status"], "dead");
    world.finish().await;
}

#[tokio::test]
async fn a_red_task_is_handed_out_with_its_approval_and_a_lost_one_is_held() {
    let (world, agent) = world_with_agent("RED").await;
    let task_id = world.send(TYPE, json!({"n": 1})).await;
    let ask_id = world.ask_of(&task_id).await;
    assert!(agent.claim().await.is_empty(), "nothing before the yes");
    world.approve(&ask_id).await;
    let envelope = agent.claim_one().await;
    let ask = world.service().ask(&ask_id).await;
    let approval = &envelope.0["approval"];
    assert_eq!((&approval["ask_id"], &approval["approver"]), (&json!(ask_id), &json!("admin")));
    assert_eq!(approval["digest"], ask["digest"]);
    world.advance_seconds(60);
    let held = world.until(&task_id, "held").await;
    assert_eq!(held["failure_code"], "EFFECT_UNKNOWN");
    world.advance_seconds(10_000);
    assert!(agent.claim().await.is_empty());
    world.finish().await;
}

#[tokio::test]
async fn a_registered_type_is_red_until_an_admin_rates_it() {
    let world = World::start().await;
    let schema =
        json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}});
    let body = json!({"params_schema": schema, "title_ko": "청구서"});
    let path = format!("/commands/types/{TYPE}");
    world.service().put(&path, &body).await.refused(403, "forbidden");
    let made = world.admin().put(&path, &body).await;
    assert_eq!(
        (&made.expect(200)["risk"], &made.json["agent"]),
        (&json!("RED"), &json!("outside"))
    );
    let task_id = world.send(TYPE, json!({"n": 1})).await;
    world.ask_of(&task_id).await;
    let wrong = json!({"command_type": TYPE, "params": {"n": "one"}});
    let answer = world.service().post("/sidecar/command", &wrong).await;
    answer.refused(422, "invalid_params");
    assert_eq!(answer.paths(), ["/params/n"]);
    // Whatever sends outside has a floor.
    let outside =
        json!({"params_schema": {"type": "object"}, "sends_outside": true, "risk": "GREEN"});
    let floored = world.admin().put(&format!("{path}?confirm={TYPE}"), &outside).await;
    if floored.status == 200 {
        assert_eq!(floored.json["risk"], "RED");
    } else {
        floored.problem(422);
    }
    let next = world.send(TYPE, json!({})).await;
    world.ask_of(&next).await;
    world.finish().await;
}

#[tokio::test]
async fn names_and_schemas_of_types_are_checked() {
    let world = World::start().await;
    let schema = json!({"params_schema": {"type": "object"}});
    for name in
        ["invoice", "Billing.invoice", "billing.", ".x", "share.fax", "system.reboot", "a..b"]
    {
        let answer = world.admin().put(&format!("/commands/types/{name}"), &schema).await;
        answer.refused(422, "invalid_fields");
    }
    for body in [
        json!({}),
        json!({"params_schema": {"type": "nonsense"}}),
        json!({"params_schema": {"type": "object"}, "timeout_seconds": 0}),
    ] {
        world.admin().put("/commands/types/a.b", &body).await.refused(422, "invalid_fields");
    }
    world.finish().await;
}

#[tokio::test]
async fn an_agent_sees_its_own_types_and_tenant_alone() {
    let (world, agent) = world_with_agent("GREEN").await;
    world.tenant("other:team").await;
    let path = format!("/commands/types/{TYPE}?confirm={TYPE}");
    let body = json!({"params_schema": {"type": "object"}, "risk": "GREEN"});
    world.admin().of("other:team").put(&path, &body).await.expect(200);
    let stranger = world.agent_of("other:team", &[TYPE]).await;
    let other_type = world.agent(&["other.type"]).await;

    let task_id = world.send(TYPE, json!({})).await;
    assert!(stranger.claim().await.is_empty());
    let envelope = agent.claim_one().await;
    for intruder in [&stranger, &other_type] {
        let answer = intruder.call_back(&envelope, "succeeded", json!({})).await;
        answer.refused(404, "unknown_task");
        intruder.beat(&envelope).await.refused(404, "unknown_task");
        let path = format!("/agent/tasks/{task_id}/claim");
        let named = intruder.client.post(&path, &json!({"agent": "x"})).await;
        named.refused(404, "unknown_task");
    }
    let claim = json!({"agent": "x", "types": [TYPE]});
    let answer = other_type.client.post("/agent/tasks/claim", &claim).await;
    answer.refused(403, "type_not_allowed");
    assert_eq!(world.service().task(&task_id).await["status"], "running");
    world.finish().await;
}

#[tokio::test]
async fn what_an_agent_says_is_checked() {
    let (world, agent) = world_with_agent("GREEN").await;
    world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    for (status, more, path) in [
        ("done", json!({}), "/status"),
        ("failed", json!({}), "/error"),
        ("progress", json!({"progress": 1.5}), "/progress"),
        ("progress", json!({"worklog": vec![json!({"text": "x"}); 65]}), "/worklog"),
        ("running", json!({"extra": 1}), "/extra"),
    ] {
        let answer = agent.call_back(&envelope, status, more).await;
        answer.problem(422);
        assert!(answer.paths().contains(&path.to_owned()), "{path}: {}", answer.json);
    }
    for body in [
        json!({"agent": "", "types": [TYPE]}),
        json!({"agent": "a b", "types": [TYPE]}),
        json!({"agent": "a", "types": []}),
        json!({"agent": "a", "types": [TYPE], "max": 0}),
        json!({"agent": "a", "types": [TYPE], "max": 65}),
        json!({"agent": "a", "types": [TYPE], "wait_seconds": 31}),
    ] {
        let answer = agent.client.post("/agent/tasks/claim", &body).await;
        answer.refused(422, "invalid_fields");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_key_for_all_tenants_is_made_by_the_platform_and_serves_every_tenant() {
    let (world, _) = world_with_agent("GREEN").await;
    let body =
        json!({"kind": "agent", "title": "everywhere", "types": [TYPE], "all_tenants": true});
    let made = world.admin().post("/keys", &body).await;
    let key = made.expect(201)["key"].as_str().unwrap().to_owned();
    let client = world.admin().with_key(&key).without_tenant();
    let agent = OutsideAgent { client, key_id: String::new(), types: vec![TYPE.to_owned()] };
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    let nowhere = agent.call_back(&envelope, "succeeded", json!({})).await;
    nowhere.refused(400, "tenant_missing");
    let named = OutsideAgent { client: agent.client.of("default:default"), ..agent.clone() };
    named.call_back(&envelope, "succeeded", json!({})).await.accepted();
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn a_revoked_key_ends_at_once() {
    let (world, agent) = world_with_agent("GREEN").await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    let path = format!("/keys/{}", agent.key_id);
    world.admin().delete(&path).await.refused(400, "confirmation_required");
    world.admin().delete(&format!("{path}?confirm={}", agent.key_id)).await.expect(204);
    agent.claim_waiting(0).await.refused(401, "key_invalid");
    let late = agent.call_back(&envelope, "succeeded", json!({})).await;
    late.refused(401, "key_invalid");
    assert_eq!(world.service().task(&task_id).await["status"], "running");
    assert_eq!(world.audited("default:default", "key.revoked").len(), 1);
    world.finish().await;
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A callback that is signed by Standard Webhooks.
async fn signed(agent: &OutsideAgent, secret: &str, id: &str, at: i64, body: &str) -> Answer {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let request = agent.client.request("POST", "/agent/callback");
    let request = request.header("webhook-id", id).header("webhook-timestamp", at.to_string());
    let request = request.header("webhook-signature", signature);
    let request = request.header("content-type", "application/json").body(body.to_owned());
    agent.client.send(request).await
}

#[tokio::test]
async fn callbacks_are_signed_where_a_secret_is_set() {
    let other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let world = World::builder()
        .settings(move |settings| {
            let both = format!("{SECRET},{other}");
            settings.tasks.callback_secret = nexus_kit::settings::Secret::new(both);
        })
        .start()
        .await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    let now = nexus_testkit::START / 1_000;
    let running = envelope.callback("running", json!({"worklog": [{"text": "a"}]})).to_string();
    let end = envelope.callback("succeeded", json!({"result": 1})).to_string();

    let unsigned = agent.call_back(&envelope, "succeeded", json!({})).await;
    unsigned.refused(401, "bad_signature");
    let wrong = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    signed(&agent, wrong, "m1", now, &end).await.refused(401, "bad_signature");
    for at in [now - 301, now + 301, i64::MAX, i64::MIN] {
        signed(&agent, SECRET, "m1", at, &end).await.refused(401, "bad_signature");
    }
    // Checked before anything is parsed.
    let request = agent.client.request("POST", "/agent/callback").body("not json");
    agent.client.send(request).await.refused(401, "bad_signature");
    let actor = format!("agent:{}", agent.key_id);
    world
        .until_audited("default:default", |e| {
            e.details["code"] == "bad_signature"
                && e.actor == actor
                && e.details["peer"] == "127.0.0.1"
        })
        .await;
    assert_eq!(world.service().task(&task_id).await["status"], "running");

    signed(&agent, SECRET, "m2", now - 299, &running).await.accepted();
    let head = world.snapshot().await.0;
    // A replayed id does nothing, whatever it brings.
    signed(&agent, SECRET, "m2", now, &end).await.accepted();
    assert_eq!(world.snapshot().await.0, head);
    signed(&agent, other, "m3", now, &end).await.accepted();
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn a_signed_callback_that_was_refused_can_be_sent_again() {
    let world = World::builder()
        .settings(|settings| {
            settings.tasks.callback_secret = nexus_kit::settings::Secret::new(SECRET);
        })
        .start()
        .await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    let now = nexus_testkit::START / 1_000;
    let wrong = envelope.callback("succeeded", json!({"surprise": 1})).to_string();
    signed(&agent, SECRET, "m1", now, &wrong).await.problem(422);
    // The same refusal again: an id that was not taken is not remembered as taken.
    signed(&agent, SECRET, "m1", now, &wrong).await.problem(422);
    let end = envelope.callback("succeeded", json!({"result": 1})).to_string();
    signed(&agent, SECRET, "m1", now, &end).await.accepted();
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}
