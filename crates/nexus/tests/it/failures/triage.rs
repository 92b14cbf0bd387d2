//! What is to be done about what failed: policies, trying them, saying what is resolved.

use nexus_testkit::World;
use serde_json::{Value, json};

use super::{dead, dead_in, items};

const POLICY: &str = "/dlq/policy?confirm=default:default";

fn policy(requeue: &[&str], hold: &[&str], alarm: &[&str]) -> Value {
    json!({"requeue": requeue, "hold": hold, "alarm": alarm})
}

/// What peek says of the only dead letter with a code.
async fn said(world: &World, code: &str) -> (String, bool) {
    let items = items(&world.admin(), &format!("/dlq/peek?failure_code={code}")).await;
    (items[0]["triage"].as_str().unwrap().to_owned(), items[0]["may_requeue"] == true)
}

#[tokio::test]
async fn a_tenant_goes_by_the_settings_until_it_has_a_policy_of_its_own() {
    let mut world = World::start().await;
    world.tenant("other:team").await;
    let admin = world.admin();
    dead(&world, "AGENT_ERROR", "x").await;
    let usual = admin.get("/dlq/policy").await.expect(200).clone();
    assert_eq!(
        usual,
        json!({
            "version": 0, "source": "settings",
            "requeue": ["PROVIDER_TIMEOUT", "PROVIDER_UPSTREAM_ERROR", "PROVIDER_RATE_LIMIT"],
            "hold": ["SCHEMA_PARSE_ERROR", "SCHEMA_VALIDATION_ERROR", "SCHEMA_REPAIR_FAILED"],
            "alarm": ["PROVIDER_AUTH_ERROR", "PROVIDER_DISABLED"],
            "enforce_alarm_no_requeue": true, "resolved": [],
        })
    );
    assert_eq!(said(&world, "AGENT_ERROR").await, ("ignore".into(), true));

    let own = policy(&[], &["PROVIDER_TIMEOUT"], &["AGENT_ERROR"]);
    let put = admin.put(POLICY, &own).await.expect(200).clone();
    assert_eq!((&put["version"], &put["source"]), (&json!(1), &json!("tenant")));
    assert_eq!(admin.get("/dlq/policy").await.expect(200), &put);
    assert_eq!(said(&world, "AGENT_ERROR").await, ("alarm".into(), false));
    let entry = &world.audited("default:default", "dlq_policy.changed")[0];
    assert_eq!((entry.actor.as_str(), &entry.details["version"]), ("admin", &json!(1)));
    let (_, view) = world.snapshot().await;
    let shown = view.get("system", "dlq_policy");
    assert_eq!((&shown["version"], &shown["source"]), (&json!(1), &json!("tenant")));

    // Others go on as before, and the settings move them alone.
    world.restart_with(|settings| settings.failures.policy.hold.clear()).await;
    let other = world.admin().of("other:team").get("/dlq/policy").await.expect(200).clone();
    assert_eq!((&other["source"], &other["hold"]), (&json!("settings"), &json!([])));
    let own = world.admin().get("/dlq/policy").await.expect(200).clone();
    assert_eq!(own["hold"], json!(["PROVIDER_TIMEOUT"]));

    let reset = world.admin().delete(POLICY).await.expect(200).clone();
    assert_eq!((&reset["version"], &reset["source"]), (&json!(2), &json!("settings")));
    assert_eq!(said(&world, "AGENT_ERROR").await, ("ignore".into(), true));
    world.admin().delete(POLICY).await.refused(409, "no_own_policy");
    assert_eq!(world.audited("default:default", "dlq_policy.changed").len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_policy_is_checked_confirmed_and_replaces_what_was_read() {
    let world = World::start().await;
    let admin = world.admin();
    let fine = policy(&["AGENT_ERROR"], &[], &[]);
    admin.put("/dlq/policy", &fine).await.refused(400, "confirmation_required");
    admin.put("/dlq/policy?confirm=other:team", &fine).await.refused(400, "confirmation_required");
    admin.delete("/dlq/policy").await.refused(400, "confirmation_required");
    for (body, path) in [
        (policy(&["AGENT_ERROR"], &["AGENT_ERROR"], &[]), "/hold"),
        (policy(&["AGENT_ERROR"], &[], &["AGENT_ERROR"]), "/alarm"),
        (policy(&["AGENT_ERROR", "AGENT_ERROR"], &[], &[]), "/requeue"),
        (policy(&["EFFECT_UNKNOWN"], &[], &[]), "/requeue"),
        (policy(&["AGENT_EROR"], &[], &[]), "/requeue/0"),
    ] {
        let answer = admin.put(POLICY, &body).await;
        answer.refused(422, "invalid_fields");
        assert_eq!(answer.paths(), [path]);
    }
    assert_eq!(admin.get("/dlq/policy").await.expect(200)["version"], 0, "nothing was written");

    let mut body = fine.clone();
    body["expected_version"] = json!(0);
    // Of ten who read the same version, one replaces it.
    let racing = (0..10).map(|_| admin.put(POLICY, &body));
    let answers = futures_util::future::join_all(racing).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    let lost =
        answers.iter().filter(|answer| answer.json["code"] == "triage_policy_version").count();
    assert_eq!((won, lost), (1, 9));
    world.finish().await;
}

#[tokio::test]
async fn triage_says_what_the_policy_would_do_and_does_nothing() {
    let world = World::start().await;
    let admin = world.admin();
    let first = dead(&world, "PROVIDER_TIMEOUT", "x").await;
    world.advance_seconds(10);
    let second = dead(&world, "PROVIDER_TIMEOUT", "x").await;
    let hold = dead(&world, "SCHEMA_PARSE_ERROR", "x").await;
    let alarm = dead(&world, "PROVIDER_DISABLED", "x").await;
    let ignore = dead(&world, "AGENT_ERROR", "x").await;
    let before = items(&admin, "/dlq/peek").await;

    let said = admin.post("/dlq/triage", &json!({})).await.expect(200).clone();
    let decision =
        |name: &str, ids: &[&String]| json!({"triage": name, "count": ids.len(), "ids": ids});
    let all = [
        decision("requeue", &[&first, &second]),
        decision("hold", &[&hold]),
        decision("alarm", &[&alarm]),
        decision("ignore", &[&ignore]),
    ];
    assert_eq!(said["decisions"], json!(all));
    assert_eq!((&said["count"], &said["source"]), (&json!(5), &json!("settings")));

    let some =
        json!({"filter": {"failure_code": "PROVIDER_TIMEOUT,AGENT_ERROR", "older_than": 10}});
    let said = admin.post("/dlq/triage", &some).await.expect(200).clone();
    assert_eq!(said["count"], 1);
    assert_eq!(said["decisions"][0], decision("requeue", &[&first]));

    let limited = admin.post("/dlq/triage", &json!({"limit": 1})).await.expect(200).clone();
    assert_eq!(limited["decisions"][0], json!({"triage": "requeue", "count": 2, "ids": [first]}));

    let gone = "tsk_019b76daa80078578c6fae6d9b6f3b4a";
    let by_ids = json!({"ids": [alarm, gone]});
    let said = admin.post("/dlq/triage", &by_ids).await.expect(200).clone();
    assert_eq!((&said["decisions"][2], &said["missing"]), (&all[2], &json!([gone])));

    assert_eq!(items(&admin, "/dlq/peek").await, before, "nothing moved");
    for (body, path) in [
        (json!({"ids": []}), "/ids"),
        (json!({"ids": ["tsk_x"]}), "/ids/0"),
        (json!({"ids": [first], "filter": {}}), "/filter"),
        (json!({"limit": 0}), "/limit"),
        (json!({"filter": {"colour": "red"}}), "/filter/colour"),
    ] {
        let answer = admin.post("/dlq/triage", &body).await;
        answer.refused(422, "invalid_fields");
        assert_eq!(answer.paths(), [path]);
    }
    let wrong = json!({"filter": {"text": "x"}});
    let answer = admin.post("/dlq/triage", &wrong).await;
    answer.refused(400, "invalid_filter");
    assert_eq!(answer.paths(), ["/filter/text"]);
    world.finish().await;
}

#[tokio::test]
async fn the_platform_admin_tries_the_policies_of_all_tenants() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let here = dead(&world, "AGENT_ERROR", "x").await;
    let there = dead_in(&world, "other:team", "AGENT_ERROR", "x").await;
    let own = policy(&[], &["AGENT_ERROR"], &[]);
    let elsewhere = world.admin().of("other:team");
    elsewhere.put("/dlq/policy?confirm=other:team", &own).await.expect(200);
    let of = async |query: &str, body: Value| {
        world.admin().post(&format!("/dlq/triage{query}"), &body).await.expect(200).clone()
    };
    let decided = |said: &Value, at: usize| said["decisions"][at]["ids"].clone();

    // Each goes by its own.
    let all = of("?tenant=*", json!({})).await;
    assert_eq!((&all["count"], all.get("version"), all.get("source")), (&json!(2), None, None));
    assert_eq!((decided(&all, 1), decided(&all, 3)), (json!([there]), json!([here])));
    let one = of("?tenant=other:team", json!({})).await;
    assert_eq!((&one["count"], &one["source"]), (&json!(1), &json!("tenant")));

    let gone = "tsk_019b76daa80078578c6fae6d9b6f3b4a";
    let named = of("?tenant=*", json!({"ids": [here, gone, there]})).await;
    assert_eq!((&named["count"], &named["missing"]), (&json!(2), &json!([gone])));
    dead_in(&world, "other:team", "STORAGE_ERROR", "x").await;
    dead(&world, "STORAGE_ERROR", "x").await;
    let few = of("?tenant=*", json!({"limit": 1, "filter": {"failure_code": "STORAGE_ERROR"}}));
    let few = few.await;
    assert_eq!(
        (&few["decisions"][3]["count"], decided(&few, 3).as_array().unwrap().len()),
        (&json!(2), 1)
    );

    let mina = world.user("mina@example.com", "admin").await;
    mina.post("/dlq/triage?tenant=*", &json!({})).await.refused(403, "forbidden");
    world.finish().await;
}

#[tokio::test]
async fn what_has_had_its_runs_is_a_persons() {
    let world =
        World::builder().settings(|settings| settings.operations.auto_max_runs = 2).start().await;
    let admin = world.admin();
    let ignored = dead(&world, "AGENT_ERROR", "x").await;
    world.advance_seconds(1);
    let worn = dead(&world, "PROVIDER_TIMEOUT", "x").await;
    admin.post("/dlq/requeue", &json!({"ids": [worn]})).await.accepted();
    world.until(&worn, "queued").await;
    world.until(&worn, "dead").await;
    world.advance_seconds(1);
    let fresh = dead(&world, "PROVIDER_TIMEOUT", "x").await;
    for (task_id, triage, run) in [(&worn, "ignore", 2), (&fresh, "requeue", 1)] {
        let peeked = items(&admin, "/dlq/peek").await;
        let item = peeked.iter().find(|item| item["task_id"] == task_id.as_str()).unwrap();
        assert_eq!((&item["triage"], &item["run"]), (&json!(triage), &json!(run)), "{item}");
    }
    let stats = admin.get("/dlq/stats").await.expect(200).clone();
    let count = |name: &str, count: u64| json!({"triage": name, "count": count});
    let expected = [count("requeue", 1), count("hold", 0), count("alarm", 0), count("ignore", 2)];
    assert_eq!(stats["by_triage"], json!(expected));
    for body in [
        json!({}),
        json!({"ids": [ignored, worn, fresh]}),
        json!({"filter": {"task_type": "test.fail"}}),
    ] {
        let said = admin.post("/dlq/triage", &body).await.expect(200).clone();
        let decision = |number: usize| {
            let mut ids: Vec<&str> = said["decisions"][number]["ids"]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| id.as_str().unwrap())
                .collect();
            ids.sort();
            (said["decisions"][number]["count"].as_u64().unwrap(), ids)
        };
        let mut left = [ignored.as_str(), worn.as_str()];
        left.sort();
        assert_eq!(decision(0), (1, vec![fresh.as_str()]), "{said}");
        assert_eq!(decision(3), (2, left.to_vec()), "{said}");
    }
    let only = json!({"filter": {"failure_code": "PROVIDER_TIMEOUT"}});
    let said = admin.post("/dlq/triage", &only).await.expect(200).clone();
    assert_eq!(said["decisions"][3], json!({"triage": "ignore", "count": 1, "ids": [worn]}));
    world.finish().await;
}

#[tokio::test]
async fn a_policy_is_tried_on_what_failed_before_it_holds() {
    let world = World::start().await;
    let admin = world.admin();
    dead(&world, "AGENT_ERROR", "two days ago").await;
    world.advance_seconds(2 * 86_400);
    for _ in 0..3 {
        dead(&world, "PROVIDER_TIMEOUT", "x").await;
    }
    dead(&world, "AGENT_ERROR", "x").await;
    // A failure that a retry mended is none.
    let mended = world.send("test.fail", json!({"times": 1})).await;
    world.until(&mended, "retrying").await;
    world.advance_seconds(5);
    world.until(&mended, "succeeded").await;

    let tried = json!({
        "policy": policy(&["AGENT_ERROR"], &["PROVIDER_TIMEOUT"], &["PROVIDER_AUTH_ERROR", "PROVIDER_DISABLED"]),
        "days": 1,
    });
    let said = admin.post("/dlq/policy/simulate", &tried).await.expect(200).clone();
    let counts = |requeue: u64, hold: u64, ignore: u64| json!({"requeue": requeue, "hold": hold, "alarm": 0, "ignore": ignore});
    assert_eq!(said["count"], 4);
    assert_eq!((&said["now"], &said["then"]), (&counts(3, 0, 1), &counts(1, 3, 0)));
    let codes = said["by_code"].as_array().unwrap();
    assert_eq!(codes.len(), 2);
    assert_eq!(
        codes[0],
        json!({"failure_code": "PROVIDER_TIMEOUT", "title": "The provider did not answer in time",
            "title_ko": "제공자가 제때 응답하지 않았습니다", "count": 3, "now": "requeue", "then": "hold"})
    );
    let changed = said["changed"].as_array().unwrap();
    for code in ["PROVIDER_TIMEOUT", "AGENT_ERROR", "PROVIDER_RATE_LIMIT", "SCHEMA_PARSE_ERROR"] {
        assert!(changed.contains(&json!(code)), "{code} would be decided otherwise");
    }
    assert!(!changed.contains(&json!("PROVIDER_AUTH_ERROR")));

    let mut week = tried.clone();
    week["days"] = json!(3);
    assert_eq!(admin.post("/dlq/policy/simulate", &week).await.expect(200)["count"], 5);
    assert_eq!(admin.get("/dlq/policy").await.expect(200)["version"], 0, "nothing was changed");
    for days in [0, 91] {
        week["days"] = json!(days);
        let answer = admin.post("/dlq/policy/simulate", &week).await;
        answer.refused(422, "invalid_fields");
        assert_eq!(answer.paths(), ["/days"]);
    }
    let twice = json!({"policy": policy(&["AGENT_ERROR"], &["AGENT_ERROR"], &[])});
    let answer = admin.post("/dlq/policy/simulate", &twice).await;
    answer.refused(422, "invalid_fields");
    assert_eq!(answer.paths(), ["/policy/hold"]);
    world.finish().await;
}

#[tokio::test]
async fn a_resolved_code_frees_what_failed_until_then() {
    let world = World::start().await;
    let admin = world.admin();
    dead(&world, "PROVIDER_AUTH_ERROR", "key expired").await;
    assert_eq!(said(&world, "PROVIDER_AUTH_ERROR").await, ("alarm".into(), false));
    world.advance_seconds(60);
    let body = json!({"failure_code": "PROVIDER_AUTH_ERROR", "note": "  새 키를 넣었습니다 "});
    let mina = world.user("mina@example.com", "admin").await;
    let resolved = mina.post("/alarm/resolve", &body).await.expect(200).clone();
    assert_eq!(resolved, json!({"resolved_at": "2026-01-01T00:01:00.000Z", "count": 1}));
    assert_eq!(said(&world, "PROVIDER_AUTH_ERROR").await, ("alarm".into(), true));
    let by = format!("user:{}", mina.user_id);
    let policy = admin.get("/dlq/policy").await.expect(200).clone();
    let known = &policy["resolved"][0];
    assert_eq!(known["failure_code"], "PROVIDER_AUTH_ERROR");
    assert_eq!((&known["by"], &known["note"]), (&json!(by), &json!("새 키를 넣었습니다")));
    let entry = &world.audited("default:default", "failure_code.resolved")[0];
    assert_eq!((entry.actor.as_str(), entry.target.as_str()), (by.as_str(), "PROVIDER_AUTH_ERROR"));
    let lines = items(&admin, "/worklog").await;
    assert!(
        lines
            .iter()
            .any(|line| line["text"] == "PROVIDER_AUTH_ERROR is resolved: 새 키를 넣었습니다")
    );

    // It was not gone after all.
    world.advance_seconds(1);
    dead(&world, "PROVIDER_AUTH_ERROR", "key expired").await;
    let peeked = items(&admin, "/dlq/peek").await;
    let may: Vec<_> = peeked.iter().map(|item| item["may_requeue"] == true).collect();
    assert_eq!(may, [false, true], "what failed since is not resolved");
    world.finish().await;
}

#[tokio::test]
async fn single_tasks_are_resolved_by_their_ids() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let admin = world.admin();
    let one = dead(&world, "PROVIDER_DISABLED", "x").await;
    let other = dead(&world, "PROVIDER_DISABLED", "x").await;
    let gone = "tsk_019b76daa80078578c6fae6d9b6f3b4a";
    let body = json!({"ids": [one, one, gone], "note": "switched on for this one"});
    let resolved = admin.post("/alarm/resolve", &body).await.expect(200).clone();
    assert_eq!((&resolved["count"], &resolved["missing"]), (&json!(1), &json!([gone])));
    for item in items(&admin, "/dlq/peek").await {
        assert_eq!(item["may_requeue"], item["task_id"] == one.as_str(), "{item}");
    }
    assert_eq!(world.audited("default:default", "task.resolved")[0].target, one);
    let body = json!({"ids": [other], "note": "x"});
    admin.of("other:team").post("/alarm/resolve", &body).await.refused(404, "unknown_task");
    assert!(world.audited("other:team", "task.resolved").is_empty());
    for (body, path) in [
        (json!({"note": "x"}), "/failure_code"),
        (json!({"failure_code": "AGENT_ERROR", "ids": [one], "note": "x"}), "/failure_code"),
        (json!({"failure_code": "AGENT_ERROR", "note": " "}), "/note"),
        (json!({"failure_code": "AGENT_ERROR", "note": "x".repeat(501)}), "/note"),
        (json!({"ids": vec![one.clone(); 101], "note": "x"}), "/ids"),
    ] {
        let answer = admin.post("/alarm/resolve", &body).await;
        answer.refused(422, "invalid_fields");
        assert_eq!(answer.paths(), [path]);
    }
    world.finish().await;
}
