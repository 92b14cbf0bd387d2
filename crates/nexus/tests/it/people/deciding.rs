//! A decision has a person behind it, and says who.

use nexus_testkit::{Somebody, World};
use serde_json::{Value, json};

async fn sent_by(world: &World, who: &Somebody) -> (String, String) {
    let params = json!({"url": world.sink.url("/in"), "payload": {}});
    let task_id = who.command("share.webhook", params).await;
    let ask_id = world.ask_of(&task_id).await;
    (task_id, ask_id)
}

async fn inbox(who: &Somebody) -> Vec<Value> {
    let answer = who.client.without_tenant().get("/me/inbox").await;
    answer.expect(200)["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn ask_and_decision_name_their_persons() {
    let world = World::start().await;
    let sender = world.user("sender@example.com", "operator").await;
    let decider = world.user("decider@example.com", "approver").await;
    let (task_id, ask_id) = sent_by(&world, &sender).await;
    let asked = world.follower().view().get("asks", &ask_id).clone();
    assert_eq!(asked["requested_by"], format!("user:{}", sender.user_id));
    assert_eq!(asked["requested_by_name"], "sender");
    assert!(asked["question"].as_str().unwrap().starts_with("sender wants to run"));
    assert!(asked.get("decided_by_name").is_none());
    decider.decide(&ask_id, "approve").await.accepted();
    world.until(&task_id, "succeeded").await;
    let by = format!("user:{}", decider.user_id);
    for ask in [
        world.follower().view().get("asks", &ask_id).clone(),
        world.admin().ask(&ask_id).await,
        world.admin().get("/approvals").await.expect(200)["items"][0].clone(),
    ] {
        assert_eq!((&ask["decided_by"], &ask["decided_by_name"]), (&json!(by), &json!("decider")));
        assert_eq!(ask["approvals"], json!([by]));
    }
    let task = world.admin().task(&task_id).await;
    assert_eq!(task["requested_by_name"], "sender");
    assert_eq!(world.audited("default:default", "ask.approved")[0].actor, by);
    world.finish().await;
}

#[tokio::test]
async fn another_person_is_another_person_whatever_door_they_came_through() {
    let other = |settings: &mut nexus_kit::settings::Settings| {
        settings.approval.require_other_person = true;
    };
    let world = World::builder().settings(other).start().await;
    let mina = world.user("mina@example.com", "approver").await;
    let jun = world.user("jun@example.com", "admin").await;
    let (task_id, ask_id) = sent_by(&world, &mina).await;
    let again = world.sign_in("mina@example.com").await.client.of("default:default");
    for same in [&mina.client, &again] {
        same.decide(&ask_id, "approve").await.refused(409, "other_person_required");
    }
    assert_eq!(inbox(&mina).await[0]["may_decide"], false);
    assert_eq!(inbox(&jun).await[0]["may_decide"], true);
    jun.decide(&ask_id, "approve").await.accepted();
    world.until(&task_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn whoever_edits_is_not_the_other_person() {
    let other = |settings: &mut nexus_kit::settings::Settings| {
        settings.approval.require_other_person = true;
    };
    let world = World::builder().settings(other).start().await;
    let mina = world.user("mina@example.com", "operator").await;
    let jun = world.user("jun@example.com", "approver").await;
    let sol = world.user("sol@example.com", "approver").await;
    let (task_id, ask_id) = sent_by(&world, &mina).await;
    let edited = json!({"url": world.sink.url("/edited"), "payload": {}});
    let yes = json!({"decision": "approve", "params": edited});
    jun.post(&format!("/approvals/{ask_id}/decide"), &yes).await.accepted();
    let new = world.admin().task(&task_id).await["ask_id"].as_str().unwrap().to_owned();
    assert_ne!(new, ask_id);
    assert_eq!(world.admin().ask(&new).await["changed"], "jun edited the params");
    assert_eq!(world.admin().ask(&ask_id).await["decided_by_name"], "jun");
    jun.decide(&new, "approve").await.refused(409, "other_person_required");
    sol.decide(&new, "approve").await.accepted();
    world.until(&task_id, "succeeded").await;
    assert_eq!(world.received(1).await[0].path, "/edited");
    world.finish().await;
}

#[tokio::test]
async fn a_quorum_is_of_persons() {
    let two = |settings: &mut nexus_kit::settings::Settings| settings.approval.quorum = 2;
    let world = World::builder().settings(two).start().await;
    let mina = world.user("mina@example.com", "approver").await;
    let jun = world.user("jun@example.com", "approver").await;
    let (task_id, ask_id) = sent_by(&world, &mina).await;
    mina.decide(&ask_id, "approve").await.accepted();
    let again = world.sign_in("mina@example.com").await.client.of("default:default");
    again.decide(&ask_id, "approve").await.refused(409, "already_approved_by_you");
    assert_eq!(world.admin().ask(&ask_id).await["status"], "pending");
    jun.decide(&ask_id, "approve").await.accepted();
    world.until(&task_id, "succeeded").await;
    let ask = world.admin().ask(&ask_id).await;
    assert_eq!(ask["approvals"].as_array().unwrap().len(), 2);
    assert_eq!(ask["decided_by_name"], "jun");
    world.finish().await;
}

#[tokio::test]
async fn a_rule_leaves_a_decision_to_those_whom_it_names() {
    let world = World::start().await;
    let mina = world.user("mina@example.com", "approver").await;
    let jun = world.user("jun@example.com", "approver").await;
    let rule = |approvers: Value| {
        json!({"rules": [{"id": "r", "type": "share.*", "level": "RED", "why": "w",
            "approvers": approvers}]})
    };
    let put = async |approvers| {
        world.admin().put("/policy?confirm=default:default", &rule(approvers)).await
    };
    for bad in [json!(["approver"]), json!(["role:viewer"]), json!(["user:mina@example.com"])] {
        assert_eq!(put(bad).await.paths(), ["/rules/0/approvers"]);
    }
    put(json!([format!("user:{}", jun.user_id), "role:admin"])).await.expect(200);
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    for decision in ["approve", "deny"] {
        let refused = mina.decide(&ask_id, decision).await;
        assert_eq!(refused.refused(403, "not_among_approvers")["ask_id"], ask_id);
    }
    assert_eq!(inbox(&mina).await[0]["may_decide"], false);
    jun.decide(&ask_id, "approve").await.accepted();
    world.until(&task_id, "succeeded").await;
    let admin = world.user("boss@example.com", "admin").await;
    for who in [&admin.client, &world.admin()] {
        let (_, ask_id) = world.webhook("/in", json!({})).await;
        who.decide(&ask_id, "deny").await.accepted();
    }
    world.finish().await;
}

#[tokio::test]
async fn one_inbox_for_all_tenants() {
    let world = World::start().await;
    world.tenant("other:team").await;
    world.tenant("third:team").await;
    let mina = world.user("mina@example.com", "approver").await;
    world.user_of("other:team", "mina@example.com", "viewer").await;
    let ask_in = async |tenant: &str| {
        let params = json!({"url": world.sink.url("/in"), "payload": {}});
        let task = world.service().of(tenant).command("share.webhook", params).await;
        let task = world.follower_of(tenant).until(&task, "waiting_approval").await;
        world.advance_seconds(1);
        task["ask_id"].as_str().unwrap().to_owned()
    };
    let here = ask_in("default:default").await;
    let there = ask_in("other:team").await;
    ask_in("third:team").await;
    let items = inbox(&mina).await;
    let seen: Vec<_> =
        items.iter().map(|i| (&i["ask_id"], &i["org_id"], &i["may_decide"])).collect();
    assert_eq!(
        seen,
        [
            (&json!(there), &json!("other"), &json!(false)),
            (&json!(here), &json!("default"), &json!(true)),
        ]
    );
    assert_eq!(items[0]["kind"], "ask");
    assert!(items[0]["question"].as_str().unwrap().contains("share.webhook"));
    world.advance_seconds(300);
    assert_eq!(inbox(&mina).await, Vec::<Value>::new());
    world.finish().await;
}
