//! What must not get in by a callback: other people's, old, changed, huge, doubled; and tasks that take
//! down whoever works on them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use nexus_testkit::{Answer, Envelope, OutsideAgent, World};
use serde_json::json;
use sha2::Sha256;
use tokio::task::JoinSet;

const TYPE: &str = "billing.invoice";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn signing_world() -> (World, OutsideAgent) {
    let world = World::builder()
        .settings(|settings| {
            settings.tasks.callback_secret = nexus_kit::settings::Secret::new(SECRET);
        })
        .start()
        .await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    (world, agent)
}

fn signature(id: &str, at: i64, body: &str) -> String {
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

async fn post(
    agent: &OutsideAgent,
    id: &str,
    at: i64,
    signature: &str,
    body: impl Into<String>,
) -> Answer {
    let request = agent.client.request("POST", "/agent/callback");
    let request = request.header("webhook-id", id).header("webhook-timestamp", at.to_string());
    let request = request.header("webhook-signature", signature);
    let request = request.header("content-type", "application/json").body(body.into());
    agent.client.send(request).await
}

#[tokio::test]
async fn a_signature_is_of_the_exact_bytes() {
    let (world, agent) = signing_world().await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    let body = envelope.callback("succeeded", json!({"result": {"a": 1, "b": 2}})).to_string();
    let now = nexus_testkit::START / 1_000;
    let good = signature("m1", now, &body);
    // The same JSON written another way, by a proxy say, is not what was signed.
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    for changed in [pretty, format!("{body}\n"), body.replace("\"b\":2", "\"b\": 2")] {
        post(&agent, "m1", now, &good, changed).await.refused(401, "bad_signature");
    }
    // Nor under another id or time.
    post(&agent, "m2", now, &good, body.clone()).await.refused(401, "bad_signature");
    post(&agent, "m1", now + 1, &good, body.clone()).await.refused(401, "bad_signature");
    let unversioned = good.trim_start_matches("v1,");
    post(&agent, "m1", now, unversioned, body.clone()).await.refused(401, "bad_signature");
    assert_eq!(world.service().task(&task_id).await["status"], "running");
    post(&agent, "m1", now, &good, body).await.accepted();
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn a_good_signature_is_no_way_around_key_tenant_and_attempt() {
    let (world, agent) = signing_world().await;
    let now = nexus_testkit::START / 1_000;
    let first = world.send(TYPE, json!({})).await;
    let mine = agent.claim_one().await;
    let second = world.send(TYPE, json!({})).await;
    let other = agent.claim_one().await;
    // The proof of one task does not end another.
    let mut forged = mine.callback("succeeded", json!({"result": 1}));
    forged["task_id"] = other.0["task_id"].clone();
    let forged = forged.to_string();
    let answer = post(&agent, "m1", now, &signature("m1", now, &forged), forged).await;
    answer.refused(409, "stale_attempt");
    // Whoever knows the secret and the envelope, but has another key, gets nowhere.
    world.tenant("other:team").await;
    let body = other.callback("succeeded", json!({"result": 1})).to_string();
    let good = signature("m2", now, &body);
    let stranger = world.agent_of("other:team", &[TYPE]).await;
    post(&stranger, "m2", now, &good, body.clone()).await.refused(404, "unknown_task");
    let wrong_type = world.agent(&["other.type"]).await;
    post(&wrong_type, "m2", now, &good, body.clone()).await.refused(404, "unknown_task");
    let nobody = OutsideAgent { client: agent.client.stranger(), ..agent.clone() };
    post(&nobody, "m2", now, &good, body.clone()).await.refused(401, "key_missing");
    let service = OutsideAgent { client: world.service(), ..agent.clone() };
    post(&service, "m2", now, &good, body.clone()).await.refused(403, "forbidden");
    // A key of one tenant cannot name another.
    let elsewhere = OutsideAgent { client: agent.client.of("other:team"), ..agent.clone() };
    elsewhere.client.post("/agent/callback", &json!({})).await.problem(403);
    elsewhere.claim_waiting(0).await.problem(403);
    for task_id in [&first, &second] {
        assert_eq!(world.service().task(task_id).await["status"], "running");
    }
    post(&agent, "m2", now, &good, body).await.accepted();
    world.until(&second, "succeeded").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_callback_many_times_at_once_has_one_effect() {
    let (world, agent) = signing_world().await;
    let now = nexus_testkit::START / 1_000;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    let more = json!({"result": 1, "worklog": [{"text": "once"}]});
    let body = envelope.callback("succeeded", more).to_string();
    let mut saying = JoinSet::new();
    for n in 0..20 {
        // Half of them are one message sent again, half are messages of their own.
        let id = if n % 2 == 0 { "same".to_owned() } else { format!("m{n}") };
        let (agent, body) = (agent.clone(), body.clone());
        saying
            .spawn(async move { post(&agent, &id, now, &signature(&id, now, &body), body).await });
    }
    for answer in saying.join_all().await {
        answer.accepted();
    }
    assert_eq!(world.until(&task_id, "succeeded").await["result"], 1);
    assert_eq!(world.follower().statuses(&task_id), ["queued", "running", "succeeded"]);
    let lines = world.service().get(&format!("/worklog?task_id={task_id}")).await;
    assert_eq!(lines.expect(200)["items"].as_array().unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_callback_is_as_large_as_any_body_and_no_larger() {
    let world = World::start().await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    let frame = envelope.callback("succeeded", json!({"result": ""})).to_string().len();
    let of = |bytes: usize| json!({"result": "x".repeat(bytes - frame)});
    let huge = agent.call_back(&envelope, "succeeded", of((1 << 20) + 1)).await;
    huge.refused(413, "body_too_large");
    assert_eq!(world.service().task(&task_id).await["status"], "running");
    agent.call_back(&envelope, "succeeded", of(1 << 20)).await.accepted();
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn a_secret_that_says_nothing_accepts_nothing() {
    for empty in ["whsec_", ","] {
        let world = World::builder()
            .settings(move |settings| {
                settings.tasks.callback_secret = nexus_kit::settings::Secret::new(empty);
            })
            .start()
            .await;
        world.register(TYPE, "GREEN").await;
        let agent = world.agent(&[TYPE]).await;
        world.send(TYPE, json!({})).await;
        let envelope = agent.claim_one().await;
        let unsigned = agent.call_back(&envelope, "succeeded", json!({})).await;
        unsigned.refused(401, "bad_signature");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_claim_one_task_by_name_one_has_it() {
    let world = World::start().await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    let task_id = world.send(TYPE, json!({})).await;
    let path = format!("/agent/tasks/{task_id}/claim");
    let mut claiming = JoinSet::new();
    for _ in 0..16 {
        let (client, path) = (agent.client.clone(), path.clone());
        claiming.spawn(async move { client.post(&path, &json!({"agent": "a"})).await });
    }
    let mut claimed = Vec::new();
    for answer in claiming.join_all().await {
        claimed.extend(answer.expect(200)["tasks"].as_array().unwrap().clone());
    }
    assert_eq!(claimed.len(), 1);
    let envelope = Envelope(claimed.remove(0));
    agent.call_back(&envelope, "succeeded", json!({})).await.accepted();
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

/// Waits until the test agent has begun that often.
async fn begun(world: &World, times: usize) {
    let waiting = async {
        while world.hands.order().len() < times {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(nexus_testkit::PATIENCE, waiting).await.expect("it begins");
}

#[tokio::test]
async fn a_task_that_takes_its_server_down_each_time_is_a_dead_letter_in_the_end() {
    let mut world = World::builder()
        .settings(|settings| settings.http.shutdown = std::time::Duration::ZERO)
        .start()
        .await;
    let task_id = world.send("test.slow", json!({"name": "poison"})).await;
    for (attempt, wait) in [(1, 5), (2, 30), (3, 300), (4, 10_000)] {
        begun(&world, attempt).await;
        // It never comes to its end: the server is gone first.
        world.stop().await;
        world.start_again().await;
        let status = if attempt < 4 { "retrying" } else { "dead" };
        let ended = world.until(&task_id, status).await;
        assert_eq!(ended["failure_code"], "AGENT_CRASHED");
        world.advance_seconds(wait);
    }
    // The others go on, and it does not come back, not with another start either.
    world.restart().await;
    world.run("test.echo", json!({}), "succeeded").await;
    assert_eq!(world.hands.order().len(), 4);
    let task = world.service().task(&task_id).await;
    assert_eq!((&task["status"], &task["retry_count"]), (&json!("dead"), &json!(3)));
    world.finish().await;
}

#[tokio::test]
async fn a_task_that_crashes_its_agent_each_time_is_a_dead_letter_and_costs_no_worker() {
    let world = World::builder().settings(|settings| settings.tasks.workers = 1).start().await;
    let task_id = world.send("test.fail", json!({"panic": true})).await;
    for wait in [5, 30, 300] {
        world.until(&task_id, "retrying").await;
        world.run("test.echo", json!({}), "succeeded").await;
        world.advance_seconds(wait);
    }
    let dead = world.until(&task_id, "dead").await;
    assert_eq!((&dead["failure_code"], &dead["attempt"]), (&json!("AGENT_CRASHED"), &json!(4)));
    world.advance_seconds(10_000);
    world.run("test.echo", json!({}), "succeeded").await;
    assert_eq!(world.service().task(&task_id).await["attempt"], 4);
    world.finish().await;
}
