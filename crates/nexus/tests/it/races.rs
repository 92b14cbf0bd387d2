//! Many at once: exactly one wins, and nothing happens twice.

use std::collections::HashSet;

use nexus_testkit::World;
use serde_json::json;
use tokio::task::JoinSet;

const TYPE: &str = "billing.invoice";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_agents_get_each_task_once() {
    let world = World::start().await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    let mut sent = HashSet::new();
    for _ in 0..30 {
        sent.insert(world.send(TYPE, json!({})).await);
    }
    let mut claiming = JoinSet::new();
    for _ in 0..10 {
        let agent = agent.clone();
        claiming.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = agent.claim().await;
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed);
            }
        });
    }
    let claimed: Vec<_> = claiming.join_all().await.into_iter().flatten().collect();
    let ids: HashSet<_> = claimed.iter().map(|one| one.task_id().to_owned()).collect();
    assert_eq!((claimed.len(), &ids), (30, &sent));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_ends_of_an_attempt_one_counts() {
    let world = World::start().await;
    world.register(TYPE, "GREEN").await;
    let agent = world.agent(&[TYPE]).await;
    let task_id = world.send(TYPE, json!({})).await;
    let envelope = agent.claim_one().await;
    let mut ending = JoinSet::new();
    for n in 0..20 {
        let (agent, envelope) = (agent.clone(), envelope.clone());
        ending.spawn(async move {
            let more = match n % 2 {
                0 => ("succeeded", json!({"result": n})),
                _ => {
                    let message = format!("{n}");
                    (
                        "failed",
                        json!({"error": {"failure_code": "AGENT_ERROR", "message": message}}),
                    )
                }
            };
            (n, agent.call_back(&envelope, more.0, more.1).await)
        });
    }
    let answers = ending.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, a)| a.status == 202);
    assert_eq!((won.len(), lost.len()), (1, 19));
    for (_, answer) in lost {
        answer.refused(409, "stale_attempt");
    }
    let task = world.service().task(&task_id).await;
    assert_eq!(task["attempts"].as_array().unwrap().len(), 1);
    match won[0].0 {
        n if n % 2 == 0 => {
            assert_eq!((&task["status"], &task["result"]), (&json!("succeeded"), &json!(n)))
        }
        n => assert_eq!(
            (&task["status"], &task["last_error"]),
            (&json!("retrying"), &json!(n.to_string()))
        ),
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_and_a_cancellation_never_both_take_effect_unseen() {
    let world = World::start().await;
    for n in 0..10 {
        let (task_id, ask_id) = world.webhook(&format!("/{n}"), json!({})).await;
        let (admin, service) = (world.admin(), world.service());
        let cancel = format!("/tasks/{task_id}/cancel");
        let nothing = json!({});
        let (yes, no) =
            tokio::join!(admin.decide(&ask_id, "approve"), service.post(&cancel, &nothing));
        let came = || world.sink.received().iter().any(|r| r.path == format!("/{n}"));
        match (yes.status, no.status) {
            // Called off first: nothing may ever leave.
            (409, 202) => {
                yes.refused(409, "ask_already_decided");
                world.until(&task_id, "cancelled").await;
                assert!(!came());
            }
            // The yes first: the cancellation came before, while or after it ran.
            (202, 202 | 409) => {
                world
                    .follower()
                    .find("an end", 0, |report| {
                        report.value("tasks", &task_id).is_some_and(|value| value["done"] == true)
                    })
                    .await;
                let task = world.service().task(&task_id).await;
                let sent = task["sent"].as_array().unwrap().iter().any(|e| e["state"] == "sent");
                assert_eq!(sent, came(), "{task}");
            }
            other => panic!("{other:?}"),
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_are_changed_at_once_lose_no_change() {
    let world = World::start().await;
    let mut changing = JoinSet::new();
    for n in 0..10 {
        let admin = world.admin();
        changing.spawn(async move {
            let rule = json!({"id": format!("r{n}"), "type": "x.*", "level": "RED", "why": "w"});
            let body = json!({"rules": [rule], "version": 0});
            admin.put("/policy?confirm=default:default", &body).await
        });
    }
    let answers = changing.join_all().await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.refused(409, "policy_version");
    }
    let policy = world.service().get("/policy").await;
    assert_eq!(policy.expect(200)["rules"], won[0].json["rules"]);
    world.finish().await;
}
