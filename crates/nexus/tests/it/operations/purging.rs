//! Away for good.

use nexus_testkit::World;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_purged_task_is_gone_and_the_audit_log_knows_how_it_failed() {
    let world = World::start().await;
    let body = json!({"lines": ["call mina@example.com"]});
    let first = world.run("test.echo", body, "succeeded").await;
    let task_id = failed(&world, "INVALID_PARAMS").await;
    assert_eq!(
        dry_run(&world, "/dlq/purge", json!({"all": true})).await,
        std::slice::from_ref(&task_id)
    );
    let id = operate(&world, "/dlq/purge", json!({"all": true, "note": "no use"})).await;
    assert_eq!(operation(&world, &id).await["status"], "done");
    world.service().get(&format!("/tasks/{task_id}")).await.refused(404, "unknown_task");
    let lines = world.service().get(&format!("/worklog?task_id={task_id}")).await;
    assert_eq!(lines.expect(200)["items"], json!([]));
    let (_, view) = world.snapshot().await;
    assert!(view.get("tasks", &task_id).is_null());
    assert!(view.all("worklog").values().all(|line| line["task_id"] != *task_id));
    assert!(!view.get("tasks", &first).is_null(), "nothing else is touched");

    let purged = world.audited("default:default", "task.purged");
    assert_eq!(purged.len(), 1);
    let details = &purged[0].details;
    assert_eq!((&purged[0].target, &details["operation_id"]), (&task_id, &json!(id)));
    assert_eq!(details["command_type"], "test.fail");
    assert_eq!(details["failure"]["failure_code"], "INVALID_PARAMS");
    assert_eq!(details["failure"]["error"], "failed on purpose");
    assert!(!details["failure"]["lines"].as_array().unwrap().is_empty());

    let again = post(&world, "/dlq/purge", json!({"ids": [task_id]})).await;
    assert_eq!(
        (&again.accepted()["count"], &again.json["left_out"]),
        (&json!(0), &json!([task_id]))
    );
    assert_eq!(world.audited("default:default", "task.purged").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn what_goes_to_the_audit_log_is_masked() {
    let world = World::start().await;
    world.register("billing.invoice", "GREEN").await;
    let agent = world.agent(&["billing.invoice"]).await;
    let task_id = world.send("billing.invoice", json!({})).await;
    let claimed = agent.claim_one().await;
    let error = json!({"failure_code": "INVALID_PARAMS",
        "message": "no such customer mina@example.com, password=hunter22"});
    agent.call_back(&claimed, "failed", json!({"error": error})).await.accepted();
    world.until(&task_id, "dead").await;
    let shown = world.admin().task(&task_id).await["failure"].to_string();
    operate(&world, "/dlq/purge", json!({"ids": [task_id]})).await;
    let purged = world.audited("default:default", "task.purged")[0].details.to_string();
    for text in [shown, purged] {
        assert!(text.contains("no such customer"), "{text}");
        assert!(!text.contains("mina@example.com") && !text.contains("hunter22"), "{text}");
    }
    world.finish().await;
}

#[tokio::test]
async fn asks_go_along_and_what_was_sent_stays() {
    let world = World::start().await;
    let params = json!({"target": "post", "payload": 1, "then": "sent"});
    let task_id = world.send("test.outside", params).await;
    let ask_id = world.ask_of(&task_id).await;
    world.approve(&ask_id).await;
    world.until(&task_id, "dead").await;
    operate(&world, "/dlq/purge", json!({"all": true})).await;
    world.service().get(&format!("/approvals/{ask_id}")).await.refused(404, "unknown_ask");
    let (_, view) = world.snapshot().await;
    assert!(view.get("asks", &ask_id).is_null());
    assert_eq!(world.admin().get(&format!("/tasks/{task_id}/sent/1")).await.expect(200), &json!(1));
    assert_eq!(world.audited("default:default", "effect.sent").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_task_that_talked_a_lot_is_purged_all_the_same() {
    let world = World::start().await;
    world.register("billing.invoice", "GREEN").await;
    let agent = world.agent(&["billing.invoice"]).await;
    let task_id = world.send("billing.invoice", json!({})).await;
    let claimed = agent.claim_one().await;
    for call in 0..20 {
        let lines: Vec<_> = (0..40).map(|n| json!({"text": format!("{call} {n}")})).collect();
        agent.call_back(&claimed, "running", json!({"worklog": lines})).await.accepted();
    }
    let error = json!({"failure_code": "INVALID_PARAMS", "message": "no"});
    agent.call_back(&claimed, "failed", json!({"error": error})).await.accepted();
    world.until(&task_id, "dead").await;
    operate(&world, "/dlq/purge", json!({"ids": [task_id]})).await;
    let lines = world.service().get(&format!("/worklog?task_id={task_id}")).await;
    assert_eq!(lines.expect(200)["items"], json!([]));
    let failure = &world.audited("default:default", "task.purged")[0].details["failure"];
    assert_eq!(failure["lines"][3]["text"], "19 39", "its last lines: {failure}");
    world.finish().await;
}

#[tokio::test]
async fn each_box_is_purged_by_itself() {
    let world = World::start().await;
    let dead = failed(&world, "AGENT_ERROR").await;
    let held = failed(&world, "SCHEMA_PARSE_ERROR").await;
    let alarmed = failed(&world, "PROVIDER_DISABLED").await;
    operate(&world, "/dlq/apply", json!({})).await;
    for (path, task_id) in
        [("/hold/purge", &held), ("/alarm/purge", &alarmed), ("/dlq/purge", &dead)]
    {
        assert_eq!(
            dry_run(&world, path, json!({"all": true})).await,
            std::slice::from_ref(task_id)
        );
        operate(&world, path, json!({"all": true})).await;
        world.service().get(&format!("/tasks/{task_id}")).await.refused(404, "unknown_task");
    }
    world.finish().await;
}
