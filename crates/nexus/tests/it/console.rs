//! The JavaScript client folds the stream by code of its own (`clients/js/src/view.ts`), and so does
//! the console with it. Its tests run on what is recorded here: reports of a running server, and the views that the server's own fold makes of them.
//!
//! `UPDATE_FIXTURES=1 cargo nextest run -p nexus -E 'test(console)'` records anew.

use std::collections::BTreeSet;
use std::path::PathBuf;

use nexus_core::view::{Keep, View};
use nexus_testkit::World;
use serde_json::{Value, json};

/// So small that every bounded collection drops items within some dozens of reports.
const KEEP: Keep = Keep { worklog: 6, tasks: 9, asks: 4, autopilot: 1, alerts: 1 };

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/js/test/fixtures/history.json")
}

/// Everything that a console sees of tasks and asks, one thing after the other.
async fn live(world: &World) {
    world
        .run("test.echo", json!({"lines": ["one", "two 둘"], "result": {"n": 1}}), "succeeded")
        .await;
    world.run("test.yellow", json!({}), "succeeded").await;
    world.run("test.fail", json!({"retryable": false}), "dead").await;
    let params = json!({"target": "t\u{202e}x", "then": "ok"});
    for round in 0..8_u64 {
        let task_id = world.send("test.outside", params.clone()).await;
        let ask_id = world.ask_of(&task_id).await;
        match round % 4 {
            0 => {
                world.deny(&ask_id).await;
                world.until(&task_id, "denied").await;
            }
            1 => {
                world.admin().decide(&ask_id, "approve").await.expect(202);
                world.until(&task_id, "succeeded").await;
            }
            2 => {
                world.advance_seconds(301);
                world.until(&task_id, "expired").await;
            }
            // Asks that stay open are never dropped, however many are done.
            _ => {}
        }
        world.run("test.echo", json!({"lines": [format!("round {round}")]}), "succeeded").await;
    }
    let task_id = world.send("test.outside", params).await;
    world.service().post(&format!("/tasks/{task_id}/cancel"), &json!({})).await.expect(202);
    world.until(&task_id, "cancelled").await;
    world.admin().post("/tenant/pause", &json!({})).await.expect(202);
    world.admin().post("/tenant/resume", &json!({})).await.expect(202);
    world.run("test.echo", json!({"lines": ["end"]}), "succeeded").await;
}

async fn record() -> Value {
    let small = |settings: &mut nexus_kit::settings::Settings| settings.stream.worklog_keep = 6;
    let world = World::builder().settings(small).seed(7).start().await;
    let first = world.snapshot().await;
    live(&world).await;
    let last = world.snapshot().await;
    let number: u64 = last.0.split_once('.').unwrap().1.parse().unwrap();
    world.follower().reach(number).await;
    let from: u64 = first.0.split_once('.').unwrap().1.parse().unwrap();
    let reports: Vec<Value> = world
        .follower()
        .reports()
        .iter()
        .filter(|report| report.number > from && report.number <= number)
        .map(|report| report.data.clone())
        .collect();
    let mut view = View::empty(KEEP);
    let mut snapshots = Vec::new();
    for (index, report) in reports.iter().enumerate() {
        if index % 9 == 0 {
            snapshots.push(json!({"after": index, "view": read(&view)}));
        }
        view.apply(&report.to_string()).unwrap();
    }
    snapshots.push(json!({"after": reports.len(), "view": read(&view)}));
    world.finish().await;
    json!({"keep": KEEP, "reports": reports, "snapshots": snapshots})
}

fn read(view: &View) -> Value {
    serde_json::from_str(&view.to_json()).unwrap()
}

/// What reports look like: kinds, and the fields of each value by where it stands.
fn outline(history: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for report in history["reports"].as_array().unwrap() {
        found.insert(format!("kind {}", report["kind"]));
        for change in report["changes"].as_array().unwrap() {
            for field in change["value"].as_object().unwrap().keys() {
                found.insert(format!("{} {} {field}", change["op"], change["collection"]));
            }
        }
    }
    found
}

#[tokio::test]
async fn the_console_is_tested_on_what_the_server_makes() {
    let made = record().await;
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        let reports = made["reports"].as_array().unwrap();
        let line = |value: &Value| value.to_string();
        let text = format!(
            "{{\"keep\":{},\n\"reports\":[\n{}\n],\n\"snapshots\":[\n{}\n]}}\n",
            made["keep"],
            reports.iter().map(line).collect::<Vec<_>>().join(",\n"),
            made["snapshots"].as_array().unwrap().iter().map(line).collect::<Vec<_>>().join(",\n"),
        );
        std::fs::create_dir_all(file().parent().unwrap()).unwrap();
        std::fs::write(file(), text).unwrap();
    }
    let recorded = std::fs::read_to_string(file()).unwrap();
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    assert_eq!(outline(&recorded), outline(&made), "record anew with UPDATE_FIXTURES=1");
    // The recording is whole, and every bounded collection has dropped something in it.
    let mut view = View::empty(KEEP);
    for report in recorded["reports"].as_array().unwrap() {
        view.apply(&report.to_string()).unwrap();
    }
    assert_eq!(read(&view), recorded["snapshots"].as_array().unwrap().last().unwrap()["view"]);
    assert!(view.len_of("worklog") == KEEP.worklog && view.len_of("tasks") == KEEP.tasks);
}
