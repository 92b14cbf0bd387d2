//! Sending commands: what a 202 says, and what it does not.

use nexus_testkit::World;
use serde_json::json;

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
