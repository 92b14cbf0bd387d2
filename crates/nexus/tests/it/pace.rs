//! Text and progress of a task make at most two reports a second, and nothing of them is lost.

use std::time::Duration;

use nexus_testkit::{Envelope, OutsideAgent, World};
use serde_json::{Value, json};

const TYPE: &str = "story.tell";

const HALF: Duration = Duration::from_millis(500);

async fn world_with_agent() -> (World, OutsideAgent) {
    let world = World::start().await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    (world, agent)
}

async fn say(agent: &OutsideAgent, envelope: &Envelope, text: &str, progress: f64) {
    let said = json!({"worklog": [{"text": text}], "progress": progress});
    agent.call_back(envelope, "progress", said).await.accepted();
}

/// What each report has shown of what a task said.
fn shown(world: &World, task_id: &str) -> Vec<Vec<String>> {
    let of_report = |report: &Value| -> Vec<String> {
        let changes = report["changes"].as_array().unwrap().iter();
        let lines = changes.filter(|change| change["collection"] == "worklog");
        let own = lines.filter(|change| change["value"]["task_id"] == task_id);
        own.map(|change| change["value"]["text"].as_str().unwrap().to_owned()).collect()
    };
    let reports = world.follower().reports();
    let texts = reports.iter().map(|report| of_report(&report.data));
    texts.filter(|texts| !texts.is_empty()).collect()
}

async fn until_shown(world: &World, task_id: &str, text: &str) -> Value {
    let has = |report: &nexus_testkit::Report| report.data.to_string().contains(text);
    let (_, report) = world.follower().find(text, 0, has).await;
    report.value("tasks", task_id).cloned().unwrap()
}

#[tokio::test]
async fn what_is_said_too_soon_is_shown_together() {
    let (world, agent) = world_with_agent().await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    for (nth, text) in ["옛날", "옛적에", "호랑이가", "살았다"].into_iter().enumerate()
    {
        say(&agent, &envelope, text, nth as f64 / 10.0).await;
    }
    until_shown(&world, &task_id, "옛날").await;
    world.clock().advance(HALF);
    let value = until_shown(&world, &task_id, "살았다").await;
    assert_eq!(value["progress"], 0.3, "the newest");
    assert_eq!(shown(&world, &task_id), [vec!["옛날"], vec!["옛적에", "호랑이가", "살았다"]]);

    // The end brings what still waits, and waits for nothing itself.
    say(&agent, &envelope, "끝", 0.9).await;
    agent.call_back(&envelope, "succeeded", json!({"result": 1})).await.accepted();
    let value = until_shown(&world, &task_id, "끝").await;
    assert_eq!(value["status"], "succeeded");
    world.clock().advance(HALF);
    let listed = world.service().get(&format!("/worklog?task_id={task_id}")).await;
    assert_eq!(listed.expect(200)["items"].as_array().unwrap().len(), 5, "each once");
    world.finish().await;
}

#[tokio::test]
async fn what_waits_survives_its_server_and_its_agent() {
    let (mut world, agent) = world_with_agent().await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    say(&agent, &envelope, "one", 0.1).await;
    say(&agent, &envelope, "two", 0.2).await;
    world.restart().await;
    until_shown(&world, &task_id, "two").await;
    say(&agent, &envelope, "three", 0.3).await;
    assert_eq!(shown(&world, &task_id), [["one"], ["two"]]);
    // The agent is gone.
    world.advance_seconds(61);
    let value = world.until(&task_id, "retrying").await;
    assert_eq!(value["failure_code"], "AGENT_TIMEOUT");
    let all = shown(&world, &task_id).concat();
    assert_eq!(all[..3], ["one", "two", "three"], "{all:?}");
    // Another attempt says its first word at once.
    world.advance_seconds(5);
    let envelope = agent.claim_one().await;
    say(&agent, &envelope, "again", 0.1).await;
    until_shown(&world, &task_id, "again").await;
    world.finish().await;
}

#[tokio::test]
async fn a_callback_that_comes_twice_says_it_once_also_while_it_waits() {
    let (world, agent) = world_with_agent().await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    say(&agent, &envelope, "first", 0.1).await;
    for _ in 0..3 {
        say(&agent, &envelope, "second", 0.2).await;
    }
    world.clock().advance(HALF);
    until_shown(&world, &task_id, "second").await;
    assert_eq!(shown(&world, &task_id), [["first"], ["second"]]);
    world.finish().await;
}

#[tokio::test]
async fn who_says_more_than_a_report_holds_is_not_held_back() {
    let (world, agent) = world_with_agent().await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    say(&agent, &envelope, "first", 0.1).await;
    for nth in 0..3 {
        say(&agent, &envelope, &format!("{nth}{}", "x".repeat(3_000)), 0.2).await;
    }
    until_shown(&world, &task_id, "2xxx").await;
    let texts = shown(&world, &task_id).concat();
    assert_eq!(texts.len(), 4);
    world.finish().await;
}
