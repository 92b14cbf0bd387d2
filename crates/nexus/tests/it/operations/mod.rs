//! What people do to many failed tasks at once.

mod bulk;
mod canary;
mod moving;
mod purging;
mod refusing;
mod requeueing;
mod schedule;

use nexus_testkit::{Answer, World};
use serde_json::{Value, json};

/// A task that fails for good with a code.
async fn failed(world: &World, code: &str) -> String {
    world.run("test.fail", json!({"code": code, "retryable": false}), "dead").await
}

/// One that fails for good and, once requeued, goes well.
async fn failed_once(world: &World) -> String {
    world.run("test.fail", json!({"times": 1, "retryable": false}), "dead").await
}

/// So many that fail for good and, once requeued, go well, in the order in which they failed.
async fn many_failed_once(world: &World, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        world.advance(std::time::Duration::from_micros(10));
        ids.push(failed_once(world).await);
    }
    ids
}

/// A RED task of which nobody knows whether it has sent anything.
async fn unknown(world: &World) -> String {
    let params = json!({"target": "post", "payload": 1, "then": "unknown"});
    let task_id = world.send("test.outside", params).await;
    world.approve(&world.ask_of(&task_id).await).await;
    world.until(&task_id, "held").await;
    task_id
}

async fn post(world: &World, path: &str, body: Value) -> Answer {
    world.admin().post(path, &body).await
}

/// The ids that a dry run names.
async fn dry_run(world: &World, path: &str, mut body: Value) -> Vec<String> {
    body["dry_run"] = true.into();
    let answer = post(world, path, body).await;
    let named = answer.expect(200);
    let ids: Vec<String> = serde_json::from_value(named["ids"].clone()).unwrap();
    assert_eq!(named["count"], ids.len());
    ids
}

/// Does it, and returns the operation's id.
async fn operate(world: &World, path: &str, body: Value) -> String {
    let answer = post(world, path, body).await;
    answer.accepted()["operation_id"].as_str().unwrap().to_owned()
}

async fn operation(world: &World, id: &str) -> Value {
    world.admin().get(&format!("/operations/{id}")).await.expect(200).clone()
}

/// The tasks of an operation that had an outcome, in its order.
async fn outcomes(world: &World, id: &str, outcome: &str) -> Vec<String> {
    let path = format!("/operations/{id}/items?limit=200&outcome={outcome}");
    let items = world.admin().get(&path).await.expect(200)["items"].clone();
    let ids = items.as_array().unwrap().iter().map(|item| item["task_id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

/// Waits until the stream says that an operation stands there.
async fn until(world: &World, id: &str, status: &str) -> Value {
    let what = format!("{id} {status}");
    let stands = |report: &nexus_testkit::Report| {
        report.value("system", id).is_some_and(|value| value["status"] == status)
    };
    let (_, report) = world.follower().find(&what, 0, stands).await;
    report.value("system", id).unwrap().clone()
}

async fn status(world: &World, task_id: &str) -> String {
    world.service().task(task_id).await["status"].as_str().unwrap().to_owned()
}

/// The same, while time goes by: for what is looked at again and again.
async fn until_in_time(world: &World, id: &str, status: &str) -> Value {
    let waiting = async {
        while operation(world, id).await["status"] != status {
            world.advance_seconds(1);
        }
    };
    let waited = tokio::time::timeout(nexus_testkit::PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("{id} is not {status}"));
    until(world, id, status).await
}
