//! What failed for good: the boxes, and what is to be done about what stands in them.

mod boxes;
mod pages;
mod triage;

use nexus_testkit::{Client, World};
use serde_json::{Value, json};

/// A task that fails for good at once, with this code and error.
async fn dead(world: &World, code: &str, message: &str) -> String {
    let params = json!({"code": code, "message": message, "retryable": false});
    world.run("test.fail", params, "dead").await
}

/// The same in another tenant.
async fn dead_in(world: &World, tenant: &str, code: &str, message: &str) -> String {
    let params = json!({"code": code, "message": message, "retryable": false});
    let task_id = world.service().of(tenant).command("test.fail", params).await;
    world.follower_of(tenant).until(&task_id, "dead").await;
    task_id
}

/// A RED task whose agent vanished after it was approved: held, for nobody knows what it did.
async fn held(world: &World) -> String {
    let agent = world.agent(&["ext.send"]).await;
    let task_id = world.send("ext.send", json!({})).await;
    let ask_id = world.ask_of(&task_id).await;
    world.approve(&ask_id).await;
    agent.claim_one().await;
    world.advance_seconds(61);
    world.until(&task_id, "held").await;
    task_id
}

async fn items(client: &Client, path: &str) -> Vec<Value> {
    client.get(path).await.expect(200)["items"].as_array().unwrap().clone()
}

/// The ids of a listing, in its order.
async fn ids(client: &Client, path: &str) -> Vec<String> {
    let items = items(client, path).await;
    items.iter().map(|item| item["task_id"].as_str().unwrap().to_owned()).collect()
}

/// A text in a query.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
