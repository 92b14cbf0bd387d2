//! Who is served when: tenants in turn and by weight, and never more at once than a cap allows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use nexus_testkit::{OutsideAgent, World};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const TYPE: &str = "billing.invoice";
const OTHER: &str = "billing.reminder";

/// Registers a type of outside agents in a tenant, GREEN, with more said about it.
async fn register(world: &World, tenant: &str, name: &str, more: Value) {
    let mut body = json!({"params_schema": {"type": "object"}, "risk": "GREEN"});
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    let path = format!("/commands/types/{name}?confirm={name}");
    world.admin().of(tenant).put(&path, &body).await.expect(200);
}

/// An agent for every tenant.
async fn everywhere(world: &World, types: &[&str]) -> OutsideAgent {
    let body = json!({"kind": "agent", "title": "all", "types": types, "all_tenants": true});
    let made = world.admin().post("/keys", &body).await;
    let key = made.expect(201)["key"].as_str().unwrap().to_owned();
    let client = world.admin().with_key(&key).without_tenant();
    let types = types.iter().map(|name| (*name).to_owned()).collect();
    OutsideAgent { client, key_id: String::new(), types }
}

/// Claims `max` and says of which tenants they are, and their envelopes.
async fn claim(agent: &OutsideAgent, max: usize) -> Vec<Value> {
    let body = json!({"agent": "a", "types": agent.types, "max": max});
    let answer = agent.client.post("/agent/tasks/claim", &body).await;
    answer.expect(200)["tasks"].as_array().unwrap().clone()
}

fn of_tenants(tasks: &[Value]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for task in tasks {
        *counts.entry(task["tenant"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

/// Ends an attempt well, whatever tenant it is of.
async fn finish(agent: &OutsideAgent, task: &Value) {
    let body = json!({"task_id": task["task_id"], "attempt": task["attempt"], "agent": "a",
        "attempt_token": task["attempt_token"], "status": "succeeded"});
    let client = agent.client.of(task["tenant"].as_str().unwrap());
    client.post("/agent/callback", &body).await.accepted();
}

async fn send_many(world: &World, tenant: &str, name: &str, count: usize) {
    let client = world.service().of(tenant);
    let mut sending = JoinSet::new();
    for _ in 0..32 {
        let (client, name) = (client.clone(), name.to_owned());
        sending.spawn(async move {
            for _ in 0..count / 32 {
                client.command(&name, json!({})).await;
            }
        });
    }
    sending.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_of_one_tenant_hold_up_nobody_elses_first() {
    let world = World::start().await;
    world.tenant("small:one").await;
    for tenant in ["default:default", "small:one"] {
        register(&world, tenant, TYPE, json!({})).await;
    }
    let agent = everywhere(&world, &[TYPE]).await;
    let one = world.send(TYPE, json!({})).await;
    world.queue_copies(&one, 9_999).await;
    claim(&agent, 1).await;
    for max in [1, 2, 64] {
        let first = world.service().of("small:one").command(TYPE, json!({})).await;
        let mut before = 0;
        loop {
            let claimed = claim(&agent, max).await;
            assert!(!claimed.is_empty());
            let at = claimed.iter().position(|task| task["task_id"] == first);
            before += at.unwrap_or(claimed.len());
            if at.is_some() {
                break;
            }
        }
        assert!(before <= 64, "{before} of another tenant went first, {max} at a time");
        assert!(max == 64 || before <= 2, "{before} of another tenant went first");
    }
    world.finish().await;
}

#[tokio::test]
async fn weights_share_what_is_handed_out() {
    let world = World::builder()
        .settings(|settings| {
            settings.tasks.tenant_weights = [("big:one".to_owned(), 3)].into();
        })
        .start()
        .await;
    for tenant in ["big:one", "small:one"] {
        world.tenant(tenant).await;
        register(&world, tenant, TYPE, json!({})).await;
        send_many(&world, tenant, TYPE, 128).await;
    }
    let agent = everywhere(&world, &[TYPE]).await;
    // However many are claimed at a time, three of four are the big one's.
    for (times, max) in [(16, 1), (8, 3), (4, 8), (1, 64)] {
        let mut claimed = Vec::new();
        for _ in 0..times {
            claimed.extend(claim(&agent, max).await);
        }
        let counts = of_tenants(&claimed);
        assert_eq!(claimed.len(), times * max);
        let big = counts["big:one"];
        let fair = times * max * 3 / 4;
        assert!(big.abs_diff(fair) <= 3, "{big} of {} at {max} a time", times * max);
    }
    // What one leaves goes to the other: nobody waits for who does not come.
    let mut rest = Vec::new();
    loop {
        let claimed = claim(&agent, 64).await;
        if claimed.is_empty() {
            break;
        }
        rest.extend(claimed);
    }
    assert_eq!(rest.len(), 256 - 16 - 24 - 32 - 64);
    world.finish().await;
}

#[tokio::test]
async fn caps_of_tenant_and_type_hold_and_a_free_place_wakes_who_waits() {
    let world = World::builder()
        .settings(|settings| {
            settings.tasks.tenant_concurrency = Some(3);
            settings.tasks.type_concurrency = [(OTHER.to_owned(), 1)].into();
        })
        .start()
        .await;
    world.register(TYPE, "GREEN").await;
    world.register(OTHER, "GREEN").await;
    let agent = world.agent(&[TYPE, OTHER]).await;
    for _ in 0..3 {
        world.send(OTHER, json!({})).await;
    }
    world.advance_seconds(1);
    for _ in 0..5 {
        world.send(TYPE, json!({})).await;
    }
    // One of the capped type, though three of it are the oldest, and two of the other.
    let first = agent.claim().await;
    let names: Vec<_> = first.iter().map(|one| one.0["task_type"].as_str().unwrap()).collect();
    assert_eq!(names, [OTHER, TYPE, TYPE]);
    assert!(agent.claim().await.is_empty());
    // Neither by name.
    let queued = world.service().get("/tasks?status=queued").await;
    let queued = queued.expect(200)["items"].as_array().unwrap().clone();
    assert_eq!(queued.len(), 5);
    for task in &queued {
        let path = format!("/agent/tasks/{}/claim", task["task_id"].as_str().unwrap());
        let named = agent.client.post(&path, &json!({"agent": "outsider"})).await;
        assert_eq!(named.expect(200), &json!({"tasks": []}));
    }
    let (waiting, ended) = tokio::join!(agent.claim_waiting(30), async {
        agent.call_back(&first[1], "succeeded", json!({})).await.accepted()["status"].clone()
    });
    assert_eq!(ended, "accepted");
    let next = waiting.expect(200)["tasks"].as_array().unwrap().clone();
    assert_eq!(next.len(), 1, "one place was free");
    assert_eq!(next[0]["task_type"], TYPE, "the other's cap holds on");
    // A claim that lapses frees its place too.
    world.advance_seconds(60);
    world.until(first[0].task_id(), "retrying").await;
    world.until(first[2].task_id(), "retrying").await;
    let again = agent.claim().await;
    let names: Vec<_> = again.iter().map(|one| one.0["task_type"].as_str().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| **name == OTHER).count(), 1);
    assert_eq!(names.len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn a_types_own_cap_is_set_at_run_time_and_counts_what_runs_already() {
    let world = World::start().await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    for _ in 0..6 {
        world.send(TYPE, json!({})).await;
    }
    let running = claim(&agent, 2).await;
    let put = async |more: Value| register(&world, "default:default", TYPE, more).await;
    put(json!({"concurrency": 2})).await;
    assert!(agent.claim().await.is_empty(), "two run already");
    finish(&agent, &running[0]).await;
    assert_eq!(agent.claim().await.len(), 1);
    // Raised while somebody waits.
    let (waiting, ()) = tokio::join!(agent.claim_waiting(30), put(json!({"concurrency": 3})));
    assert_eq!(waiting.expect(200)["tasks"].as_array().unwrap().len(), 1);
    let listed = world.service().get("/commands/types").await;
    let listed = listed.expect(200)["items"].as_array().unwrap().clone();
    let shown = listed.iter().find(|one| one["command_type"] == TYPE).unwrap();
    assert_eq!(shown["concurrency"], 3);
    put(json!({})).await;
    assert_eq!(agent.claim().await.len(), 2, "nothing holds the rest back");
    let body = json!({"params_schema": {"type": "object"}, "concurrency": 0});
    let path = format!("/commands/types/{TYPE}");
    world.admin().put(&path, &body).await.refused(422, "invalid_fields");
    world.finish().await;
}

#[tokio::test]
async fn a_cap_that_comes_with_a_restart_counts_what_runs_already() {
    let mut world = World::start().await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    for _ in 0..4 {
        world.send(TYPE, json!({})).await;
    }
    let running = claim(&agent, 2).await;
    world.restart_with(|settings| settings.tasks.tenant_concurrency = Some(2)).await;
    assert!(agent.claim().await.is_empty());
    finish(&agent, &running[0]).await;
    assert_eq!(agent.claim().await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_built_in_type_is_capped_too() {
    let world = World::builder()
        .settings(|settings| {
            settings.tasks.type_concurrency = [("test.slow".to_owned(), 2)].into();
        })
        .start()
        .await;
    let mut tasks = Vec::new();
    for name in ["a", "b", "c"] {
        tasks.push(world.send("test.slow", json!({"name": name})).await);
        if name != "c" {
            world.hands.started(name).await;
        }
    }
    // Another type goes past the one that waits.
    world.run("test.echo", json!({}), "succeeded").await;
    assert_eq!(world.hands.order(), ["a", "b"]);
    world.hands.release("a");
    world.hands.started("c").await;
    world.hands.release("b");
    world.hands.release("c");
    for task in &tasks {
        world.until(task, "succeeded").await;
    }
    world.finish().await;
}

#[tokio::test]
async fn tenants_at_their_caps_do_not_hide_one_that_has_room() {
    let world = World::builder()
        .settings(|settings| settings.tasks.tenant_concurrency = Some(1))
        .start()
        .await;
    let tenants: Vec<String> = (0..40).map(|n| format!("org{n:02}:one")).collect();
    for tenant in &tenants {
        world.tenant(tenant).await;
        register(&world, tenant, TYPE, json!({})).await;
        for _ in 0..2 {
            world.service().of(tenant).command(TYPE, json!({})).await;
        }
    }
    let agent = everywhere(&world, &[TYPE]).await;
    let mut claimed = Vec::new();
    loop {
        let more = claim(&agent, 64).await;
        if more.is_empty() {
            break;
        }
        claimed.extend(more);
    }
    let counts = of_tenants(&claimed);
    assert_eq!((counts.len(), claimed.len()), (40, 40));
    for last in [&claimed[39], &claimed[0], &claimed[20]] {
        finish(&agent, last).await;
        let next = claim(&agent, 64).await;
        assert_eq!(next.len(), 1);
        assert_eq!(next[0]["tenant"], last["tenant"]);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caps_are_never_exceeded_by_many_who_claim_at_once() {
    const TASKS: usize = 128;
    let world = World::builder()
        .settings(|settings| {
            settings.tasks.tenant_concurrency = Some(7);
            settings.tasks.type_concurrency = [(OTHER.to_owned(), 3)].into();
        })
        .start()
        .await;
    world.register(TYPE, "GREEN").await;
    world.register(OTHER, "GREEN").await;
    send_many(&world, "default:default", TYPE, TASKS / 2).await;
    send_many(&world, "default:default", OTHER, TASKS / 2).await;
    let agent = world.agent(&[TYPE, OTHER]).await;
    let running: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let done = Arc::new(AtomicUsize::new(0));
    let mut claiming = JoinSet::new();
    for worker in 0..12_usize {
        let (agent, running, done) = (agent.clone(), running.clone(), done.clone());
        claiming.spawn(async move {
            while done.load(Ordering::SeqCst) < TASKS {
                let tasks = claim(&agent, 1 + worker % 4).await;
                for task in &tasks {
                    let name = task["task_type"].as_str().unwrap().to_owned();
                    let mut running = running.lock().unwrap();
                    *running.entry(name).or_default() += 1;
                    let all: usize = running.values().sum();
                    let other = running.get(OTHER).copied().unwrap_or(0);
                    assert!(all <= 7 && other <= 3, "{running:?}");
                }
                for task in &tasks {
                    // Counted out before the server hears of it: the count is never too high.
                    let name = task["task_type"].as_str().unwrap();
                    *running.lock().unwrap().get_mut(name).unwrap() -= 1;
                    finish(&agent, task).await;
                    done.fetch_add(1, Ordering::SeqCst);
                }
                if tasks.is_empty() {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            }
        });
    }
    let all = async {
        // The first that finds a cap exceeded ends the test.
        while let Some(ended) = claiming.join_next().await {
            ended.unwrap();
        }
    };
    if tokio::time::timeout(nexus_testkit::PATIENCE, all).await.is_err() {
        panic!("{} of {TASKS} are done; {:?} run", done.load(Ordering::SeqCst), running.lock());
    }
    assert_eq!(done.load(Ordering::SeqCst), TASKS);
    world.finish().await;
}
