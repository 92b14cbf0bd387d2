//! Back to work.

use nexus_testkit::World;
use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn a_requeued_task_is_the_same_task_in_a_new_run() {
    let world = World::start().await;
    let task_id = failed_once(&world).await;
    let before = world.service().task(&task_id).await;
    assert_eq!((&before["run"], &before["attempt"]), (&json!(1), &json!(1)));
    assert_eq!(
        dry_run(&world, "/dlq/requeue", json!({"all": true})).await,
        std::slice::from_ref(&task_id)
    );
    assert_eq!(status(&world, &task_id).await, "dead", "a dry run changes nothing");

    let id = operate(&world, "/dlq/requeue", json!({"ids": [task_id], "note": "fixed"})).await;
    let op = operation(&world, &id).await;
    assert_eq!(
        (&op["status"], &op["changed"]),
        (&json!("done"), &json!(1)),
        "it is finished: {op}"
    );
    let done = world.until(&task_id, "succeeded").await;
    assert_eq!(done["attempt"], 2, "attempts go on");
    let after = world.service().task(&task_id).await;
    assert_eq!((&after["run"], &after["retry_count"]), (&json!(2), &json!(0)));
    assert_eq!(after["attempts"].as_array().unwrap().len(), 2, "the history stays");
    assert_eq!((&after["last_error"], &after["failure"]), (&Value::Null, &Value::Null));
    assert_eq!(after["params"], before["params"]);
    assert_eq!(
        world.follower().statuses(&task_id)[2..],
        ["dead", "queued", "running", "succeeded"]
    );

    let audited = world.audited("default:default", "task.requeued");
    assert_eq!((audited[0].actor.as_str(), &audited[0].target), ("admin", &task_id));
    assert_eq!(audited[0].details["operation_id"], id);
    assert_eq!(audited[0].details["failure_code"], "AGENT_ERROR");
    assert_eq!(world.audited("default:default", "operation.accepted")[0].details["note"], "fixed");
    assert_eq!(world.audited("default:default", "operation.ended")[0].target, id);
    world.finish().await;
}

#[tokio::test]
async fn a_failed_task_says_how_it_failed() {
    let world = World::start().await;
    let task_id = failed(&world, "PROVIDER_TIMEOUT").await;
    let failure = world.service().task(&task_id).await["failure"].clone();
    assert_eq!(failure["failure_code"], "PROVIDER_TIMEOUT");
    assert_eq!(failure["error"], "failed on purpose");
    assert_eq!((&failure["attempts"], &failure["agent"]), (&json!(1), &json!("tester")));
    let lines = failure["lines"].as_array().unwrap();
    assert!(lines.last().unwrap()["text"].as_str().unwrap().contains("failed on purpose"));
    assert_eq!(failure["failed_at"], world.service().task(&task_id).await["finished_at"]);
    world.finish().await;
}

#[tokio::test]
async fn what_is_repeated_finds_nothing_left_to_do() {
    let world = World::start().await;
    let tasks = many_failed_once(&world, 3).await;
    let body = json!({"ids": tasks});
    let first = operate(&world, "/dlq/requeue", body.clone()).await;
    assert_eq!(outcomes(&world, &first, "changed").await, tasks);
    for task_id in &tasks {
        world.until(task_id, "succeeded").await;
    }
    let again = post(&world, "/dlq/requeue", body).await;
    assert_eq!(again.accepted()["count"], 0);
    assert_eq!(again.json["left_out"], json!(tasks), "nothing is left out unsaid");
    let id = again.json["operation_id"].as_str().unwrap();
    assert_eq!(operation(&world, id).await["status"], "done");
    for task_id in &tasks {
        assert_eq!(world.service().task(task_id).await["run"], 2);
    }
    world.finish().await;
}

#[tokio::test]
async fn what_was_red_goes_back_to_a_person() {
    let world = World::start().await;
    let params = json!({"target": "post", "payload": 1, "then": "sent"});
    let task_id = world.send("test.outside", params).await;
    let first = world.ask_of(&task_id).await;
    world.approve(&first).await;
    world.until(&task_id, "dead").await;

    operate(&world, "/dlq/requeue", json!({"ids": [task_id]})).await;
    let second = world.ask_of(&task_id).await;
    assert_ne!(first, second, "the old yes is used up");
    world.advance_seconds(10);
    assert_eq!(status(&world, &task_id).await, "waiting_approval");
    assert_eq!(world.hands.sent().len(), 1, "nothing runs on an old yes");
    let ask = world.service().ask(&second).await;
    let changed = ask["changed"].as_str().unwrap();
    for said in ["admin requeued it out of dlq", "DELIVERY_FAILED", "attempt 1 has sent to post"] {
        assert!(changed.contains(said), "{changed}");
    }
    world.approve(&second).await;
    world.until(&task_id, "dead").await;
    assert_eq!(world.hands.sent().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_type_that_became_red_asks_before_it_runs_again() {
    let world = World::start().await;
    let task_id = failed_once(&world).await;
    let rule = json!({"id": "careful", "type": "test.fail", "level": "RED", "why": "it failed"});
    let path = "/policy?confirm=default:default";
    world.admin().put(path, &json!({"rules": [rule]})).await.expect(200);
    operate(&world, "/dlq/requeue", json!({"all": true})).await;
    let ask_id = world.ask_of(&task_id).await;
    assert_eq!(world.service().ask(&ask_id).await["rule"], "rule:careful");
    world.approve(&ask_id).await;
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn where_nobody_knows_a_person_answers_for_it() {
    let world = World::start().await;
    let task_id = unknown(&world).await;
    for body in
        [json!({"ids": [task_id]}), json!({"all": true}), json!({"all": true, "dry_run": true})]
    {
        let refused = post(&world, "/hold/requeue", body).await;
        let detail = refused.refused(409, "effect_unknown")["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("\"confirm\": \"nothing_was_sent\""), "{detail}");
    }
    let wrong = json!({"ids": [task_id], "confirm": "yes"});
    let refused = post(&world, "/hold/requeue", wrong).await;
    refused.refused(422, "invalid_fields");
    assert_eq!(refused.paths(), ["/confirm"]);
    // Policy never answers for it.
    let auto = json!({"mode": "auto", "confirm": "nothing_was_sent"});
    assert_eq!(dry_run(&world, "/hold/requeue", auto).await, Vec::<String>::new());
    assert_eq!(status(&world, &task_id).await, "held");

    let body = json!({"ids": [task_id], "confirm": "nothing_was_sent"});
    operate(&world, "/hold/requeue", body).await;
    let ask_id = world.ask_of(&task_id).await;
    let changed = world.service().ask(&ask_id).await["changed"].to_string();
    assert!(changed.contains("they say that nothing was sent"), "{changed}");
    let audited = world.audited("default:default", "task.requeued");
    assert_eq!(audited[0].details["nothing_was_sent"], true);
    let task = world.service().task(&task_id).await;
    assert_eq!(task["sent"][0]["state"], "void");
    world.deny(&ask_id).await;
    world.until(&task_id, "denied").await;
    world.finish().await;
}

#[tokio::test]
async fn what_raised_an_alarm_is_requeued_through_no_door() {
    let mut world = World::start().await;
    let alarm = failed(&world, "PROVIDER_AUTH_ERROR").await;
    let other = failed_once(&world).await;
    for body in [
        json!({"ids": [alarm]}),
        json!({"ids": [other, alarm]}),
        json!({"filter": {"failure_code": "PROVIDER_AUTH_ERROR"}}),
        json!({"all": true}),
        json!({"all": true, "dry_run": true}),
    ] {
        let refused = post(&world, "/dlq/requeue", body).await;
        let detail = refused.refused(409, "alarm_no_requeue")["detail"].to_string();
        assert!(detail.contains("PROVIDER_AUTH_ERROR"), "{detail}");
    }
    assert_eq!(status(&world, &other).await, "dead", "a refusal touches nothing");
    // Policy does not choose it either.
    assert!(dry_run(&world, "/dlq/requeue", json!({"mode": "auto"})).await.is_empty());
    // From hold and alarm.
    operate(&world, "/dlq/route", json!({"mode": "manual", "ids": [alarm]})).await;
    post(&world, "/hold/requeue", json!({"ids": [alarm]})).await.refused(409, "alarm_no_requeue");
    let second = failed(&world, "PROVIDER_DISABLED").await;
    operate(&world, "/dlq/alarm", json!({})).await;
    assert_eq!(status(&world, &second).await, "alarmed");
    post(&world, "/alarm/requeue", json!({"all": true})).await.refused(409, "alarm_no_requeue");
    operate(&world, "/alarm/ack", json!({"all": true, "note": "seen"})).await;
    post(&world, "/alarm/requeue", json!({"all": true})).await.refused(409, "alarm_no_requeue");
    // What is left out by a filter is no obstacle.
    operate(&world, "/dlq/requeue", json!({"filter": {"failure_code": "AGENT_ERROR"}})).await;
    world.until(&other, "succeeded").await;
    world.restart_with(|settings| settings.failures.policy.enforce_alarm_no_requeue = false).await;
    operate(&world, "/hold/requeue", json!({"ids": [alarm]})).await;
    assert_eq!(world.service().task(&alarm).await["run"], 2);
    world.finish().await;
}

#[tokio::test]
async fn asking_again_is_no_way_around_an_alarm() {
    let world = World::builder().settings(|settings| settings.tasks.max_retries = 0).start().await;
    world.register("billing.send", "RED").await;
    let task_id = world.send("billing.send", json!({})).await;
    world.approve(&world.ask_of(&task_id).await).await;
    let agent = world.agent(&["billing.send"]).await;
    let claimed = agent.claim_one().await;
    let error = json!({"failure_code": "PROVIDER_AUTH_ERROR", "message": "no", "retryable": true});
    agent.call_back(&claimed, "failed", json!({"error": error})).await.accepted();
    world.until(&task_id, "dead").await;
    let path = format!("/tasks/{task_id}/ask_again");
    world.admin().post(&path, &json!({})).await.refused(409, "alarm_no_requeue");
    assert_eq!(status(&world, &task_id).await, "dead");
    world.finish().await;
}

#[tokio::test]
async fn a_deadline_that_has_passed_begins_anew_with_the_run() {
    let world = World::start().await;
    let body = json!({"command_type": "test.fail", "params": {"times": 1, "retryable": false},
        "deadline_seconds": 60});
    let sent = world.service().post("/sidecar/command", &body).await;
    let task_id = sent.accepted()["task_id"].as_str().unwrap().to_owned();
    world.until(&task_id, "dead").await;
    world.advance_seconds(3_600);
    operate(&world, "/dlq/requeue", json!({"ids": [task_id]})).await;
    world.until(&task_id, "succeeded").await;
    let task = world.service().task(&task_id).await;
    assert_eq!(task["deadline_at"], "2026-01-01T01:01:00.000Z");
    world.finish().await;
}

#[tokio::test]
async fn what_cannot_be_requeued_says_why_and_stops_no_other() {
    let world = World::start().await;
    std::fs::write(world.files().join("a.txt"), "a").unwrap();
    let gone = world.send("file.delete", json!({"path": "a.txt"})).await;
    world.approve(&world.ask_of(&gone).await).await;
    world.until(&gone, "succeeded").await;
    std::fs::write(world.files().join("b.txt"), "b").unwrap();
    let red = world.send("file.delete", json!({"path": "b.txt"})).await;
    let ask_id = world.ask_of(&red).await;
    std::fs::write(world.files().join("b.txt"), "other").unwrap();
    world.approve(&ask_id).await;
    world.until(&red, "dead").await;
    std::fs::remove_file(world.files().join("b.txt")).unwrap();
    let other = failed_once(&world).await;
    let id = operate(&world, "/dlq/requeue", json!({"all": true})).await;
    world.until(&other, "succeeded").await;
    let op = operation(&world, &id).await;
    assert_eq!((&op["changed"], &op["failed"], &op["done"]), (&json!(1), &json!(1), &json!(2)));
    let items = world.admin().get(&format!("/operations/{id}/items?outcome=failed")).await;
    let item = &items.expect(200)["items"][0];
    assert_eq!(item["task_id"], red);
    assert!(item["why"].as_str().unwrap().starts_with("file_not_found"), "{item}");
    assert_eq!(status(&world, &red).await, "dead", "it lies where it lay");
    world.finish().await;
}

#[tokio::test]
async fn what_is_resolved_goes_back_to_work_and_what_fails_later_does_not() {
    let world = World::start().await;
    let params = json!({"code": "PROVIDER_DISABLED", "times": 1, "retryable": false});
    let first = world.run("test.fail", params.clone(), "dead").await;
    let second = world.run("test.fail", params.clone(), "dead").await;
    operate(&world, "/dlq/alarm", json!({"ids": [first]})).await;
    world.advance_seconds(1);
    let resolved = json!({"failure_code": "PROVIDER_DISABLED", "note": "the key is set"});
    post(&world, "/alarm/resolve", resolved).await.expect(200);
    world.advance_seconds(1);
    let later = world.run("test.fail", params, "dead").await;
    post(&world, "/dlq/requeue", json!({"all": true})).await.refused(409, "alarm_no_requeue");
    operate(&world, "/dlq/requeue", json!({"ids": [second]})).await;
    operate(&world, "/alarm/requeue", json!({"all": true})).await;
    world.until(&first, "succeeded").await;
    world.until(&second, "succeeded").await;
    let resolved = json!({"ids": [later], "note": "this one too"});
    post(&world, "/alarm/resolve", resolved).await.expect(200);
    operate(&world, "/dlq/requeue", json!({"ids": [later]})).await;
    world.until(&later, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn an_alarm_that_rings_before_the_turn_of_a_task_holds_it_back() {
    let world = World::start().await;
    let tasks = many_failed_once(&world, 3).await;
    let body = json!({"all": true, "per_second": 1});
    let id = operate(&world, "/dlq/requeue", body).await;
    world.until(&tasks[0], "succeeded").await;
    let policy = json!({"requeue": [], "hold": [], "alarm": ["AGENT_ERROR"], "enforce_alarm_no_requeue": true});
    world.admin().put("/dlq/policy?confirm=default:default", &policy).await.expect(200);
    until_in_time(&world, &id, "done").await;
    assert_eq!(outcomes(&world, &id, "skipped").await, tasks[1..]);
    let items = world.admin().get(&format!("/operations/{id}/items?outcome=skipped")).await;
    let why = items.expect(200)["items"][0]["why"].as_str().unwrap().to_owned();
    assert!(why.starts_with("alarm_no_requeue"), "{why}");
    world.finish().await;
}
