//! What is refused, at each endpoint.

use nexus_testkit::World;
use serde_json::json;

use super::*;

/// Those where a person says which tasks.
const BY_HAND: [&str; 6] = [
    "/dlq/requeue",
    "/hold/requeue",
    "/alarm/requeue",
    "/dlq/purge",
    "/hold/purge",
    "/alarm/purge",
];

#[tokio::test]
async fn a_selection_says_something_and_one_thing() {
    let world = World::start().await;
    let task_id = failed(&world, "AGENT_ERROR").await;
    for path in BY_HAND {
        for body in [json!({}), json!({"filter": {}}), json!({"ids": []}), json!({"all": false})] {
            post(&world, path, body).await.refused(400, "selection_required");
        }
        for body in [
            json!({"ids": [task_id], "all": true}),
            json!({"filter": {"failure_code": "AGENT_ERROR"}, "all": true}),
            json!({"ids": ["tsk_1"]}),
            json!({"all": true, "limit": 0}),
            json!({"all": true, "per_second": 0}),
            json!({"all": true, "note": "x".repeat(2_001)}),
            json!({"all": true, "everything": true}),
        ] {
            post(&world, path, body).await.refused(422, "invalid_fields");
        }
        let wrong = json!({"filter": {"failure_code": "AGENT_EROR"}});
        let refused = post(&world, path, wrong).await;
        refused.refused(400, "invalid_filter");
        assert_eq!(refused.paths(), ["/filter/failure_code"]);
    }
    let ack = |body| post(&world, "/alarm/ack", body);
    ack(json!({"note": "seen"})).await.refused(400, "selection_required");
    for path in ["/dlq/route", "/dlq/alarm"] {
        let manual = json!({"mode": "manual"});
        post(&world, path, manual).await.refused(400, "selection_required");
        post(&world, path, json!({"filter": {}})).await.refused(400, "selection_required");
    }
    for body in [json!({"ids": [task_id]}), json!({"limit": 5}), json!({"max_hold": 1_000_000})] {
        post(&world, "/dlq/apply", body).await.refused(422, "invalid_fields");
    }
    assert_eq!(status(&world, &task_id).await, "dead");
    let operations = world.admin().get("/operations").await;
    assert_eq!(operations.expect(200)["items"], json!([]), "what is refused is no operation");
    world.finish().await;
}

#[tokio::test]
async fn an_operation_has_a_most_and_a_limit_chooses_the_oldest() {
    let world =
        World::builder().settings(|settings| settings.operations.max_tasks = 3).start().await;
    let tasks = many_failed_once(&world, 4).await;
    let all = post(&world, "/dlq/requeue", json!({"all": true})).await;
    assert!(all.refused(422, "too_many_tasks")["detail"].to_string().contains("DLQ_MAX_TASKS"));
    let limited = json!({"all": true, "limit": 2});
    assert_eq!(dry_run(&world, "/dlq/requeue", limited.clone()).await, tasks[..2]);
    let id = operate(&world, "/dlq/requeue", limited).await;
    assert_eq!(outcomes(&world, &id, "changed").await, tasks[..2]);
    assert_eq!(dry_run(&world, "/dlq/requeue", json!({"all": true})).await, tasks[2..]);
    world.finish().await;
}

#[tokio::test]
async fn what_a_limit_leaves_out_is_no_obstacle() {
    let world = World::start().await;
    let oldest = failed_once(&world).await;
    failed(&world, "PROVIDER_AUTH_ERROR").await;
    let ask = |limit: u64| json!({"all": true, "limit": limit});
    assert_eq!(dry_run(&world, "/dlq/requeue", ask(1)).await, [oldest.as_str()]);
    post(&world, "/dlq/requeue", ask(2)).await.refused(409, "alarm_no_requeue");
    operate(&world, "/dlq/requeue", ask(1)).await;
    world.until(&oldest, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn operations_are_an_admins() {
    let world = World::start().await;
    let id = operate(&world, "/dlq/apply", json!({})).await;
    for role in ["viewer", "operator", "approver"] {
        let who = world.user(&format!("{role}@example.com"), role).await;
        who.post("/dlq/purge", &json!({"all": true})).await.refused(403, "forbidden");
        who.get(&format!("/operations/{id}")).await.refused(403, "forbidden");
    }
    world.tenant("other:team").await;
    let elsewhere = world.admin().of("other:team");
    elsewhere.get(&format!("/operations/{id}")).await.refused(404, "unknown_operation");
    elsewhere.get("/operations/op_1").await.refused(404, "unknown_operation");
    let abort = elsewhere.post(&format!("/operations/{id}/abort"), &json!({})).await;
    abort.refused(404, "unknown_operation");
    let task_id = failed(&world, "AGENT_ERROR").await;
    let others = elsewhere.post("/dlq/purge", &json!({"ids": [task_id]})).await;
    assert_eq!(others.accepted()["count"], 0, "another tenant's task is not there");
    let all = elsewhere.post("/dlq/purge", &json!({"all": true})).await;
    assert_eq!(all.accepted()["count"], 0);
    assert_eq!(status(&world, &task_id).await, "dead");
    world.finish().await;
}

#[tokio::test]
async fn operations_are_listed_the_newest_first() {
    let world = World::start().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        world.advance_seconds(1);
        ids.push(operate(&world, "/dlq/purge", json!({"all": true})).await);
    }
    world.advance_seconds(1);
    let hold = operate(&world, "/hold/purge", json!({"all": true})).await;
    let listed = |query: &'static str| {
        let client = world.admin();
        async move {
            let page = client.get(&format!("/operations{query}")).await.expect(200).clone();
            let items = page["items"].as_array().unwrap().clone();
            let ids: Vec<String> =
                items.iter().map(|op| op["operation_id"].as_str().unwrap().to_owned()).collect();
            (ids, page["next"].as_str().map(str::to_owned))
        }
    };
    let newest: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(listed("?box=dlq").await.0, newest);
    assert_eq!(listed("?status=done&box=hold").await.0, std::slice::from_ref(&hold));
    assert_eq!(listed("?status=running").await.0, Vec::<String>::new());
    let (first, next) = listed("?limit=2").await;
    assert_eq!(first, [hold, newest[0].clone()]);
    assert!(next.is_some());
    for query in ["?status=over", "?box=dead", "?cursor=x"] {
        world.admin().get(&format!("/operations{query}")).await.refused(400, "invalid_parameter");
    }
    world
        .admin()
        .get(&format!("/operations/{}/items?outcome=x", ids[0]))
        .await
        .refused(400, "invalid_parameter");
    world.finish().await;
}

#[tokio::test]
async fn the_platform_admin_reaches_every_tenant_and_nobody_else_does() {
    let world = World::start().await;
    let mina = world.user("mina@example.com", "admin").await;
    mina.post("/dlq/purge?tenant=*", &json!({"all": true})).await.refused(403, "forbidden");
    world.tenant("other:team").await;
    world.tenant("third:team").await;
    let here = failed(&world, "AGENT_ERROR").await;
    let params = json!({"retryable": false});
    let there = world.service().of("other:team").command("test.fail", params).await;
    world.follower_of("other:team").until(&there, "dead").await;

    let body = json!({"mode": "manual", "all": true, "dry_run": true});
    let named = post(&world, "/dlq/route?tenant=*", body).await.expect(200).clone();
    assert_eq!(named["count"], 2);
    let expected = json!({"default:default": [here], "other:team": [there]});
    assert_eq!(named["by_tenant"], expected);
    let one = json!({"all": true, "dry_run": true});
    let named = post(&world, "/dlq/purge?tenant=other:team", one).await.expect(200).clone();
    assert_eq!(named["ids"], json!([there]));
    post(&world, "/dlq/purge?tenant=no:where", json!({"all": true}))
        .await
        .refused(404, "unknown_tenant");

    // What is left out is what no tenant has.
    let nobodys = format!("tsk_{:032x}", 1);
    let ids = json!({"ids": [here, nobodys, there], "dry_run": true});
    let named = post(&world, "/dlq/purge?tenant=*", ids).await.expect(200).clone();
    assert_eq!((&named["count"], &named["left_out"]), (&json!(2), &json!([nobodys])));
    let seen = json!({"ids": [here, nobodys], "note": "seen"});
    let seen = post(&world, "/alarm/ack?tenant=*", seen).await.accepted().clone();
    assert_eq!((&seen["operations"], &seen["left_out"]), (&json!([]), &json!([here, nobodys])));

    let all = post(&world, "/dlq/route?tenant=*", json!({"mode": "manual", "all": true})).await;
    let all = all.accepted().clone();
    assert_eq!(all["count"], 2);
    let tenants: Vec<_> =
        all["operations"].as_array().unwrap().iter().map(|op| &op["tenant_id"]).collect();
    assert_eq!(tenants, ["default:default", "other:team"]);
    assert_eq!(status(&world, &here).await, "held");
    world.follower_of("other:team").until(&there, "held").await;
    assert_eq!(world.audited("other:team", "operation.accepted").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn operations_of_all_tenants_are_listed_together() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let mut newest = Vec::new();
    for path in ["/dlq/purge", "/dlq/purge?tenant=other:team", "/hold/purge", "/dlq/purge"] {
        world.advance_seconds(1);
        newest.insert(0, operate(&world, path, json!({"all": true})).await);
    }
    let listed = async |query: &str| {
        let page = world.admin().get(&format!("/operations{query}")).await.expect(200).clone();
        let items = page["items"].as_array().unwrap().iter();
        let ids: Vec<String> =
            items.map(|op| op["operation_id"].as_str().unwrap().to_owned()).collect();
        (ids, page["next"].as_str().map(str::to_owned))
    };
    assert_eq!(listed("?tenant=*").await.0, newest);
    assert_eq!(listed("?tenant=other:team").await.0, newest[2..3]);
    assert_eq!(listed("?tenant=*&box=dlq").await.0.len(), 3);
    for limit in 1..=5 {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let (ids, next) = listed(&format!("?tenant=*&limit={limit}{cursor}")).await;
            assert!(ids.len() <= limit && (ids.len() == limit || next.is_none()));
            all.extend(ids);
            let Some(next) = next else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(all, newest, "{limit} a page");
    }
    let there = world.admin().get("/operations?tenant=other:team").await.expect(200).clone();
    assert_eq!(there["items"][0]["tenant_id"], "other:team");

    // The same rules as for the boxes.
    let mina = world.user("mina@example.com", "admin").await;
    for tenant in ["*", "default:default", "other:team"] {
        mina.get(&format!("/operations?tenant={tenant}")).await.refused(403, "forbidden");
    }
    let admin = world.admin();
    admin.get("/operations?tenant=no:body").await.refused(404, "unknown_tenant");
    admin.get("/operations?tenant=nobody").await.refused(400, "tenant_malformed");
    admin.without_tenant().get("/operations").await.refused(400, "tenant_missing");
    assert_eq!(
        admin.without_tenant().get("/operations?tenant=*").await.expect(200)["items"][0]["operation_id"],
        *newest[0]
    );
    world.finish().await;
}

#[tokio::test]
async fn what_stands_in_the_query_and_means_nothing_there_is_refused() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let task_id = failed(&world, "AGENT_ERROR").await;
    let admin = world.admin();
    // An option of the body that somebody puts into the query must not be passed over.
    for path in ["/dlq/purge?dry_run=true", "/dlq/requeue?limit=1", "/dlq/route?mode=auto"] {
        admin.post(path, &json!({"all": true})).await.refused(400, "unknown_parameter");
    }
    for path in ["/dlq/apply?dry_run=true", "/dlq/triage?limit=1"] {
        admin.post(path, &json!({})).await.refused(400, "unknown_parameter");
    }
    // Nor must whoever names another tenant act on their own.
    let note = json!({"failure_code": "AGENT_ERROR", "note": "mended"});
    admin.post("/alarm/resolve?tenant=other:team", &note).await.refused(400, "unknown_parameter");
    for path in ["/dlq/policy", "/operations/op_1", "/tasks", "/worklog"] {
        let there = format!("{path}?tenant=other:team");
        admin.get(&there).await.refused(400, "unknown_parameter");
    }
    assert_eq!(status(&world, &task_id).await, "dead");
    world.finish().await;
}
