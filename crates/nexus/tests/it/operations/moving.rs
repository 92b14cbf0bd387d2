//! To hold, to alarm, seen, and what policy says of all.

use nexus_testkit::World;
use serde_json::json;

use super::*;

#[tokio::test]
async fn policy_moves_what_it_holds_and_alarms() {
    let world = World::start().await;
    let held = failed(&world, "SCHEMA_PARSE_ERROR").await;
    let alarmed = failed(&world, "PROVIDER_DISABLED").await;
    let stays = failed(&world, "INTERNAL_ERROR").await;
    let failed_at = world.service().task(&held).await["finished_at"].clone();
    world.advance_seconds(60);

    assert_eq!(dry_run(&world, "/dlq/route", json!({})).await, std::slice::from_ref(&held));
    let id = operate(&world, "/dlq/route", json!({})).await;
    assert_eq!(outcomes(&world, &id, "changed").await, std::slice::from_ref(&held));
    assert_eq!(world.until(&held, "held").await["finished_at"], failed_at, "it failed when it did");
    assert_eq!(
        dry_run(&world, "/dlq/alarm", json!({"all": true})).await,
        std::slice::from_ref(&alarmed)
    );
    operate(&world, "/dlq/alarm", json!({"all": true})).await;
    world.until(&alarmed, "alarmed").await;
    assert_eq!(status(&world, &stays).await, "dead");
    let failure = world.service().task(&alarmed).await["failure"].clone();
    assert_eq!(failure["failure_code"], "PROVIDER_DISABLED", "the envelope goes along");
    assert_eq!(world.audited("default:default", "task.routed")[0].target, held);
    assert_eq!(world.audited("default:default", "task.alarmed")[0].target, alarmed);
    world.finish().await;
}

#[tokio::test]
async fn a_person_can_move_what_policy_leaves() {
    let world = World::start().await;
    let task_id = failed(&world, "INTERNAL_ERROR").await;
    let left = dry_run(&world, "/dlq/route", json!({"ids": [task_id]})).await;
    assert!(left.is_empty(), "policy says nothing about it");
    operate(&world, "/dlq/route", json!({"mode": "manual", "ids": [task_id]})).await;
    assert_eq!(status(&world, &task_id).await, "held");
    operate(&world, "/hold/requeue", json!({"all": true})).await;
    assert_eq!(world.service().task(&task_id).await["run"], 2);
    let other = failed(&world, "INTERNAL_ERROR").await;
    let filter = json!({"mode": "manual", "filter": {"failure_code": ["INTERNAL_ERROR"]}});
    operate(&world, "/dlq/alarm", filter).await;
    assert_eq!(status(&world, &other).await, "alarmed");
    world.finish().await;
}

#[tokio::test]
async fn an_alarm_is_acknowledged_with_a_word() {
    let world = World::start().await;
    let mina = world.user("mina@example.com", "admin").await;
    let task_id = failed(&world, "PROVIDER_DISABLED").await;
    operate(&world, "/dlq/alarm", json!({})).await;
    for body in [json!({"all": true}), json!({"all": true, "note": "  "})] {
        let refused = post(&world, "/alarm/ack", body).await;
        refused.refused(422, "invalid_fields");
        assert_eq!(refused.paths(), ["/note"]);
    }
    let note = "the key is being renewed";
    let answer = mina.post("/alarm/ack", &json!({"ids": [task_id], "note": note})).await;
    let id = answer.accepted()["operation_id"].as_str().unwrap().to_owned();
    let op = operation(&world, &id).await;
    assert_eq!((&op["note"], &op["requested_by_name"]), (&json!(note), &json!("mina")));
    let audited = world.audited("default:default", "task.acknowledged");
    assert_eq!((&audited[0].target, &audited[0].details["note"]), (&task_id, &json!(note)));
    assert!(audited[0].actor.starts_with("user:usr_"));
    let peeked = world.admin().get("/alarm/peek").await.expect(200)["items"][0]["ack"].clone();
    assert_eq!((&peeked["note"], &peeked["by_name"]), (&json!(note), &json!("mina")));
    assert_eq!(status(&world, &task_id).await, "alarmed", "it lies there until somebody acts");
    world.finish().await;
}

#[tokio::test]
async fn applying_the_policy_does_all_three_up_to_their_caps() {
    let world = World::start().await;
    let mut by_code = std::collections::BTreeMap::<&str, Vec<String>>::new();
    for _ in 0..3 {
        for code in ["PROVIDER_TIMEOUT", "SCHEMA_PARSE_ERROR", "PROVIDER_AUTH_ERROR", "AGENT_ERROR"]
        {
            world.advance_seconds(1);
            by_code.entry(code).or_default().push(failed(&world, code).await);
        }
    }
    let body = json!({"max_requeue": 1, "max_hold": 2, "dry_run": true});
    let preview = post(&world, "/dlq/apply", body).await.expect(200).clone();
    let first = |code: &str, count: usize| json!(by_code[code][..count]);
    assert_eq!(preview["count"], 6);
    assert_eq!(preview["by_action"]["requeue"], first("PROVIDER_TIMEOUT", 1));
    assert_eq!(preview["by_action"]["hold"], first("SCHEMA_PARSE_ERROR", 2));
    assert_eq!(preview["by_action"]["alarm"], first("PROVIDER_AUTH_ERROR", 3));

    let id = operate(&world, "/dlq/apply", json!({"max_requeue": 1, "max_hold": 2})).await;
    assert_eq!(operation(&world, &id).await["changed"], 6);
    assert_eq!(json!(outcomes(&world, &id, "changed").await), preview["ids"]);
    assert_eq!(world.service().task(&by_code["PROVIDER_TIMEOUT"][0]).await["run"], 2);
    for (code, expected) in [
        ("PROVIDER_TIMEOUT", ["dead", "dead", "dead"]),
        ("SCHEMA_PARSE_ERROR", ["held", "held", "dead"]),
        ("PROVIDER_AUTH_ERROR", ["alarmed", "alarmed", "alarmed"]),
        ("AGENT_ERROR", ["dead", "dead", "dead"]),
    ] {
        for (task_id, expected) in by_code[code].iter().zip(expected) {
            if *task_id != by_code["PROVIDER_TIMEOUT"][0] {
                assert_eq!(status(&world, task_id).await, expected, "{code}");
            }
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn policy_leaves_what_is_old_and_what_has_had_its_runs() {
    let world =
        World::builder().settings(|settings| settings.operations.auto_max_runs = 2).start().await;
    let old = failed(&world, "PROVIDER_TIMEOUT").await;
    world.advance_seconds(3_600);
    let new = failed(&world, "PROVIDER_TIMEOUT").await;
    let hour = json!({"max_age_seconds": 3_000});
    assert_eq!(dry_run(&world, "/dlq/apply", hour.clone()).await, std::slice::from_ref(&new));
    assert_eq!(dry_run(&world, "/dlq/apply", json!({})).await, [old.clone(), new.clone()]);
    operate(&world, "/dlq/apply", hour.clone()).await;
    world.until(&new, "queued").await;
    world.until(&new, "dead").await;
    assert_eq!(
        dry_run(&world, "/dlq/apply", hour).await,
        Vec::<String>::new(),
        "two runs are enough"
    );
    let both = dry_run(&world, "/dlq/requeue", json!({"all": true})).await;
    assert_eq!(both, [old, new], "a person still can");
    world.advance_seconds(86_400);
    assert!(dry_run(&world, "/dlq/apply", json!({})).await.is_empty(), "DLQ_APPLY_MAX_AGE_SECONDS");
    world.finish().await;
}
