//! Many: a yes to exactly these, speed, calling off, restarts, others at the same tasks.

use std::collections::BTreeSet;

use nexus_core::json::sha256_hex;
use nexus_testkit::World;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::*;

/// A world where more than so many tasks at once need a yes.
async fn careful(red_above: u64) -> World {
    let settings = move |settings: &mut nexus_kit::settings::Settings| {
        settings.operations.red_above = red_above;
    };
    World::builder().settings(settings).start().await
}

async fn runs(world: &World, tasks: &[String]) -> Vec<u64> {
    let mut runs = Vec::new();
    for task_id in tasks {
        runs.push(world.service().task(task_id).await["run"].as_u64().unwrap());
    }
    runs
}

#[tokio::test]
async fn many_wait_for_a_yes_to_exactly_these() {
    let world = careful(3).await;
    let tasks = many_failed_once(&world, 5).await;
    let answer = post(&world, "/dlq/requeue", json!({"all": true})).await;
    let waits = answer.accepted().clone();
    let id = waits["operation_id"].as_str().unwrap();
    let (task_id, ask_id) = (waits["task_id"].as_str().unwrap(), waits["ask_id"].as_str().unwrap());
    let op = operation(&world, id).await;
    assert_eq!((&op["status"], &op["task_id"]), (&json!("waiting_approval"), &json!(task_id)));

    let ask = world.service().ask(ask_id).await;
    assert_eq!((&ask["command_type"], &ask["risk"]), (&json!("boxes.requeue"), &json!("RED")));
    assert!(ask["question"].as_str().unwrap().contains("5 × dlq"), "{ask}");
    let lines: String = tasks.iter().map(|id| format!("{id}\n")).collect();
    assert_eq!(ask["params"]["digest"], sha256_hex(lines.as_bytes()), "exactly these ids");
    assert_eq!(ask["params"]["by_code"], json!({"AGENT_ERROR": 5}));
    let items = world.admin().get(&format!("/operations/{id}/items")).await.expect(200).clone();
    assert_eq!(items["items"].as_array().unwrap().len(), 5, "whoever decides can read them all");

    // One that fails meanwhile is none of them.
    world.advance_seconds(1);
    let late = failed_once(&world).await;
    assert_eq!(status(&world, &tasks[0]).await, "dead");
    world.approve(ask_id).await;
    until(&world, id, "done").await;
    for task_id in &tasks {
        world.until(task_id, "succeeded").await;
    }
    assert_eq!(outcomes(&world, id, "changed").await, tasks);
    assert_eq!(status(&world, &late).await, "dead");
    assert_eq!(world.until(task_id, "succeeded").await["result"]["operation_id"], *id);
    world.finish().await;
}

#[tokio::test]
async fn few_need_no_yes_and_purging_many_does() {
    let world = careful(2).await;
    let tasks = many_failed_once(&world, 3).await;
    let few = post(&world, "/dlq/requeue", json!({"ids": tasks[..2]})).await;
    assert!(few.accepted().get("ask_id").is_none());
    many_failed_once(&world, 2).await;
    let many = post(&world, "/dlq/purge", json!({"all": true})).await;
    let ask_id = many.accepted()["ask_id"].as_str().unwrap().to_owned();
    let ask = world.service().ask(&ask_id).await;
    assert_eq!(ask["command_type"], "boxes.purge");
    world.approve(&ask_id).await;
    until(&world, many.json["operation_id"].as_str().unwrap(), "done").await;
    assert_eq!(world.audited("default:default", "task.purged").len(), 3);
    // Moving many hurts nobody.
    many_failed_once(&world, 3).await;
    let moved = post(&world, "/dlq/route", json!({"mode": "manual", "all": true})).await;
    assert!(moved.accepted().get("ask_id").is_none());
    world.finish().await;
}

#[tokio::test]
async fn without_a_yes_nothing_is_touched() {
    let world = careful(0).await;
    let tasks = many_failed_once(&world, 2).await;
    let ask = |body: Value| {
        let client = world.admin();
        async move {
            let answer = client.post("/dlq/purge", &body).await.accepted().clone();
            let text = |name: &str| answer[name].as_str().unwrap().to_owned();
            (text("operation_id"), text("task_id"), text("ask_id"))
        }
    };
    let (id, _, ask_id) = ask(json!({"all": true})).await;
    world.deny(&ask_id).await;
    let stopped = until(&world, &id, "stopped").await;
    assert!(stopped["why"].as_str().unwrap().starts_with("it was denied"), "{stopped}");

    let (id, task_id, _) = ask(json!({"all": true})).await;
    world.advance_seconds(301);
    let stopped = until(&world, &id, "stopped").await;
    world.until(&task_id, "expired").await;
    assert_eq!(stopped["why"], "nobody approved it in time");

    // Called off on either side.
    let (other, other_task, _) = ask(json!({"all": true})).await;
    world.admin().post(&format!("/tasks/{other_task}/cancel"), &json!({})).await.accepted();
    until(&world, &other, "aborted").await;
    let (other, other_task, _) = ask(json!({"all": true})).await;
    world.admin().post(&format!("/operations/{other}/abort"), &json!({})).await.accepted();
    until(&world, &other, "aborted").await;
    world.until(&other_task, "cancelled").await;
    for task_id in &tasks {
        assert_eq!(status(&world, task_id).await, "dead");
    }

    // The one that expired can be asked for again, for the same tasks.
    world.advance_seconds(1);
    many_failed_once(&world, 1).await;
    world.admin().post(&format!("/tasks/{task_id}/ask_again"), &json!({})).await.accepted();
    let again = world.ask_of(&task_id).await;
    assert_eq!(operation(&world, &id).await["status"], "waiting_approval");
    world.approve(&again).await;
    until(&world, &id, "done").await;
    assert_eq!(outcomes(&world, &id, "changed").await, tasks);
    assert_eq!(world.audited("default:default", "task.purged").len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_yes_to_something_else_releases_nothing() {
    let mut world = careful(0).await;
    let tasks = many_failed_once(&world, 2).await;
    let answer = post(&world, "/dlq/purge", json!({"all": true})).await.accepted().clone();
    let ask_id = answer["ask_id"].as_str().unwrap();
    // One task more than the person sees, as whoever can write to the store could put it there.
    let id = answer["operation_id"].as_str().unwrap().to_owned();
    let added = world.restart_changed(move |tx| {
        tx.exec(
            "INSERT INTO operation_item (tenant, operation_id, position, task_id, action)
             VALUES ('default:default', $1, 3, 'tsk_1', 'purge')",
            nexus_kit::args![&id],
        )
    });
    assert_eq!(added.await, 1);
    world.approve(ask_id).await;
    let task = world.until(answer["task_id"].as_str().unwrap(), "dead").await;
    assert_eq!(task["failure_code"], "APPROVAL_PARAMS_MISMATCH");
    until(&world, answer["operation_id"].as_str().unwrap(), "stopped").await;
    for task_id in &tasks {
        assert_eq!(status(&world, task_id).await, "dead");
    }
    world.finish().await;
}

#[tokio::test]
async fn nobody_sends_or_edits_the_command_that_many_are() {
    let world = careful(0).await;
    let tasks = many_failed_once(&world, 2).await;
    let answer = post(&world, "/dlq/purge", json!({"all": true})).await.accepted().clone();
    let (task_id, ask_id) =
        (answer["task_id"].as_str().unwrap(), answer["ask_id"].as_str().unwrap());
    let params = world.admin().ask(ask_id).await["params"].clone();

    for (command_type, there) in
        [("boxes.purge", "POST /dlq/purge"), ("boxes.requeue", "POST /dlq/requeue")]
    {
        let command = json!({"command_type": command_type, "params": params});
        let refused = world.service().post("/sidecar/command", &command).await;
        let detail = refused.refused(422, "made_by_server")["detail"].to_string();
        assert!(detail.contains(there), "{detail}");
        let task = json!({"task_type": command_type, "params": params});
        world.service().post("/tasks", &task).await.refused(422, "made_by_server");
        // Nor does the assistant.
        let text = format!("/{command_type} {params}");
        let said = json!({"text": text, "session_id": "s"});
        world.run("chat.message", said, "succeeded").await;
        let refused = |report: &nexus_testkit::Report| {
            report.data["changes"].as_array().unwrap().iter().any(|change| {
                change["collection"] == "autopilot" && change["value"].to_string().contains(there)
            })
        };
        world.follower().find("the run says where to go", 0, refused).await;
    }
    let listed = world.service().get("/commands/types").await.expect(200)["items"].clone();
    let purge = listed.as_array().unwrap().iter().find(|it| it["command_type"] == "boxes.purge");
    let purge = purge.unwrap();
    assert_eq!(purge["enabled"], false);
    assert!(purge["disabled_because"].as_str().unwrap().contains("POST /dlq/purge"), "{purge}");

    // A yes is for exactly these tasks, or a no.
    let edited = json!({"decision": "approve", "params": params});
    let decide = format!("/approvals/{ask_id}/decide");
    world.admin().post(&decide, &edited).await.refused(422, "made_by_server");
    assert_eq!(status(&world, task_id).await, "waiting_approval");
    world.approve(ask_id).await;
    until(&world, answer["operation_id"].as_str().unwrap(), "done").await;
    for task_id in &tasks {
        world.service().get(&format!("/tasks/{task_id}")).await.refused(404, "unknown_task");
    }
    world.finish().await;
}

#[tokio::test]
async fn an_operation_names_the_ask_that_it_waits_for() {
    let world = careful(0).await;
    let tasks = many_failed_once(&world, 2).await;
    let answer = post(&world, "/dlq/requeue", json!({"all": true})).await.accepted().clone();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    let (id, task_id, first) = (text("operation_id"), text("task_id"), text("ask_id"));
    let admin = world.admin();

    // Another rule decides between the yes and the execution, so the executor asks once more.
    admin.post("/tenant/pause", &json!({})).await.accepted();
    world.approve(&first).await;
    world.until(&task_id, "queued").await;
    let rule =
        json!({"id": "bulk", "type": "boxes.*", "level": "RED", "wait": true, "why": "many"});
    let rules = json!({"rules": [rule]});
    admin.put("/policy?confirm=default:default", &rules).await.expect(200);
    admin.post("/tenant/resume", &json!({})).await.accepted();
    let second = world.ask_of(&task_id).await;
    assert_ne!(first, second);
    let op = operation(&world, &id).await;
    assert_eq!((&op["status"], &op["ask_id"]), (&json!("waiting_approval"), &json!(second)));
    let names_it = |report: &nexus_testkit::Report| {
        report.value("asks", &second).is_some()
            && report.value("system", &id).is_some_and(|op| op["ask_id"] == *second)
    };
    world.follower().find("one report brings both", 0, names_it).await;
    assert_eq!(world.snapshot().await.1.get("system", &id)["ask_id"], *second);
    for task_id in &tasks {
        assert_eq!(status(&world, task_id).await, "dead", "nothing was touched on the old yes");
    }

    // So does asking again for one that expired.
    world.advance_seconds(301);
    until(&world, &id, "stopped").await;
    admin.post(&format!("/tasks/{task_id}/ask_again"), &json!({})).await.accepted();
    let third = world.ask_of(&task_id).await;
    assert_eq!(operation(&world, &id).await["ask_id"], *third);
    world.approve(&third).await;
    until(&world, &id, "done").await;
    assert_eq!(outcomes(&world, &id, "changed").await, tasks);
    world.finish().await;
}

#[tokio::test]
async fn an_operation_keeps_its_speed_tells_how_far_it_is_and_can_be_called_off() {
    let world = World::start().await;
    let tasks = many_failed_once(&world, 7).await;
    let id = operate(&world, "/dlq/requeue", json!({"all": true, "per_second": 2})).await;
    for (second, pair) in tasks.chunks(2).take(2).enumerate() {
        for task_id in pair {
            world.until(task_id, "succeeded").await;
        }
        assert_eq!(status(&world, &tasks[2 * second + 2]).await, "dead", "second {second}");
        world.advance_seconds(1);
    }
    for task_id in &tasks[4..6] {
        world.until(task_id, "succeeded").await;
    }
    let told = |report: &nexus_testkit::Report| {
        report.value("system", &id).is_some_and(|value| value["done"] == 4)
    };
    world.follower().find("progress", 0, told).await;
    world.admin().post(&format!("/operations/{id}/abort"), &json!({})).await.accepted();
    world.advance_seconds(60);
    let aborted = until(&world, &id, "aborted").await;
    assert_eq!((&aborted["done"], &aborted["count"]), (&json!(6), &json!(7)));
    assert_eq!(aborted["why"], "admin called it off");
    let again = world.admin().post(&format!("/operations/{id}/abort"), &json!({})).await;
    again.refused(409, "operation_over");
    world.run("test.echo", json!({}), "succeeded").await;
    assert_eq!(status(&world, &tasks[6]).await, "dead");
    world.finish().await;
}

#[tokio::test]
async fn a_restart_in_the_middle_loses_nothing_and_doubles_nothing() {
    let mut world = World::start().await;
    let tasks = many_failed_once(&world, 9).await;
    let id = operate(&world, "/dlq/requeue", json!({"all": true, "per_second": 2})).await;
    for pair in tasks.chunks(2) {
        for task_id in pair {
            world.until(task_id, "succeeded").await;
        }
        world.restart().await;
        world.advance_seconds(1);
    }
    let done = until(&world, &id, "done").await;
    assert_eq!((&done["changed"], &done["skipped"]), (&json!(9), &json!(0)));
    assert_eq!(runs(&world, &tasks).await, [2; 9], "each once");
    assert_eq!(world.audited("default:default", "task.requeued").len(), 9);
    world.finish().await;
}

#[tokio::test]
async fn many_go_on_after_the_answer() {
    let world =
        World::builder().settings(|settings| settings.operations.per_second = 100).start().await;
    let tasks = many_failed_once(&world, 130).await;
    let id = operate(&world, "/dlq/route", json!({"mode": "manual", "all": true})).await;
    for task_id in &tasks[..64] {
        world.until(task_id, "held").await;
    }
    assert_eq!(operation(&world, &id).await["status"], "running");
    for _ in 0..3 {
        world.advance_seconds(1);
        world.run("test.echo", json!({}), "succeeded").await;
    }
    assert_eq!(until(&world, &id, "done").await["changed"], 130);
    world.finish().await;
}

#[tokio::test]
async fn two_operations_over_the_same_tasks_do_each_once() {
    let world = World::start().await;
    let tasks = many_failed_once(&world, 6).await;
    let slow = operate(&world, "/dlq/requeue", json!({"all": true, "per_second": 1})).await;
    world.until(&tasks[0], "succeeded").await;
    let fast = operate(&world, "/dlq/requeue", json!({"all": true})).await;
    assert_eq!(outcomes(&world, &fast, "changed").await, tasks[1..]);
    for _ in 0..6 {
        world.advance_seconds(1);
        world.run("test.echo", json!({}), "succeeded").await;
    }
    until(&world, &slow, "done").await;
    assert_eq!(outcomes(&world, &slow, "changed").await, tasks[..1]);
    assert_eq!(outcomes(&world, &slow, "skipped").await, tasks[1..]);
    let items = world.admin().get(&format!("/operations/{slow}/items?outcome=skipped")).await;
    let why = items.expect(200)["items"][0]["why"].as_str().unwrap().to_owned();
    assert!(why.starts_with("it has left the box"), "{why}");
    assert_eq!(runs(&world, &tasks).await, [2; 6]);
    world.finish().await;
}

#[tokio::test]
async fn of_a_requeue_and_a_purge_at_once_one_gets_each_task() {
    let world = World::start().await;
    let tasks = many_failed_once(&world, 24).await;
    let body = json!({"ids": tasks});
    let (requeued, purged) = tokio::join!(
        operate(&world, "/dlq/requeue", body.clone()),
        operate(&world, "/dlq/purge", body),
    );
    let back: BTreeSet<_> = outcomes(&world, &requeued, "changed").await.into_iter().collect();
    let gone: BTreeSet<_> = outcomes(&world, &purged, "changed").await.into_iter().collect();
    assert!(back.is_disjoint(&gone));
    assert_eq!(back.len() + gone.len(), 24);
    for task_id in &back {
        world.until(task_id, "succeeded").await;
        assert_eq!(world.service().task(task_id).await["run"], 2);
    }
    for task_id in &gone {
        world.service().get(&format!("/tasks/{task_id}")).await.refused(404, "unknown_task");
    }
    world.finish().await;
}

#[tokio::test]
async fn an_operation_leaves_the_view_and_then_the_store() {
    let world = World::builder()
        .settings(|settings| settings.tasks.ttl = std::time::Duration::from_secs(7_200))
        .start()
        .await;
    let id = operate(&world, "/dlq/purge", json!({"all": true})).await;
    assert_eq!(world.snapshot().await.1.get("system", &id)["status"], "done");
    world.advance_seconds(3_601);
    world
        .follower()
        .find("it leaves the view", 0, |report| report.data["kind"] == "operation.gone")
        .await;
    assert!(world.snapshot().await.1.get("system", &id).is_null());
    world.advance_seconds(7_100);
    operation(&world, &id).await;
    world.advance_seconds(200);
    let gone = async {
        while world.admin().get(&format!("/operations/{id}")).await.status == 200 {
            world.advance_seconds(1);
        }
    };
    tokio::time::timeout(nexus_testkit::PATIENCE, gone).await.expect("it is forgotten");
    world.finish().await;
}

#[tokio::test]
async fn the_view_keeps_a_bounded_number_of_what_is_over() {
    let world = World::start().await;
    for _ in 0..55 {
        world.advance_seconds(1);
        operate(&world, "/dlq/purge", json!({"all": true})).await;
    }
    let (_, view) = world.snapshot().await;
    let shown = view.all("system").keys().filter(|id| id.starts_with("op_")).count();
    assert_eq!(shown, 50);
    world.finish().await;
}

/// What lies in the box, and what is asked for.
#[derive(Debug)]
struct Case {
    codes: Vec<&'static str>,
    body: Value,
}

fn cases() -> impl Strategy<Value = Case> {
    let code = prop::sample::select(&["AGENT_ERROR", "PROVIDER_TIMEOUT", "STORAGE_ERROR"][..]);
    let chosen = prop_oneof![
        Just(json!({"all": true})),
        prop::sample::subsequence(vec!["AGENT_ERROR", "PROVIDER_TIMEOUT", "STORAGE_ERROR"], 1..3)
            .prop_map(|codes| json!({"filter": {"failure_code": codes}})),
        (0u64..12).prop_map(|age| json!({"filter": {"older_than": age}})),
        Just(json!({"filter": {"text": "on purpose"}})),
        Just(json!({"filter": {"text": "never said"}})),
        Just(json!({"mode": "auto"})),
    ];
    let limit = prop::option::of(1u64..8);
    (prop::collection::vec(code, 1..8), chosen, limit).prop_map(|(codes, mut body, limit)| {
        if let Some(limit) = limit {
            body["limit"] = limit.into();
        }
        Case { codes, body }
    })
}

/// A world, many boxes, many selections: an operation touches exactly what its dry run named, each
/// once, and nothing else.
#[tokio::test]
async fn an_operation_touches_exactly_what_its_dry_run_named_each_once() {
    let world = World::start().await;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut known: Vec<String> = Vec::new();
    for _ in 0..14 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        for code in &case.codes {
            world.advance_seconds(1);
            known.push(failed(&world, code).await);
        }
        let before = runs(&world, &known).await;
        let named = dry_run(&world, "/dlq/requeue", case.body.clone()).await;
        let reports = world.follower().reports().len();
        let id = operate(&world, "/dlq/requeue", case.body.clone()).await;
        assert_eq!(outcomes(&world, &id, "changed").await, named, "{case:?}");
        for (task_id, before) in known.iter().zip(before) {
            let once = u64::from(named.contains(task_id));
            let run = world.service().task(task_id).await["run"].as_u64().unwrap();
            assert_eq!(run, before + once, "{task_id} {case:?}");
        }
        // They fail again, and lie there for the next round.
        for task_id in &named {
            world.until(task_id, "queued").await;
            world.until(task_id, "dead").await;
        }
        let requeued = world.follower().reports()[reports..]
            .iter()
            .filter(|report| report.data["kind"] == "task.requeued")
            .count();
        assert_eq!(requeued, named.len(), "one report each: {case:?}");
    }
    world.finish().await;
}
