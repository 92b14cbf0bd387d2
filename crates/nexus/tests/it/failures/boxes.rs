//! Looking into the boxes: what is shown, what filters let through, whose it is.

use nexus_testkit::World;
use serde_json::{Value, json};

use super::{dead, dead_in, encoded, held, ids, items};

#[tokio::test]
async fn a_dead_letter_says_all_that_is_needed_to_deal_with_it() {
    let world = World::builder()
        .settings(|settings| settings.runbooks.base_url = "https://wiki.example/nexus".into())
        .start()
        .await;
    world.register("ext.index", "GREEN").await;
    let mina = world.user("mina@example.com", "operator").await;
    let agent = world.agent(&["ext.index"]).await;
    let task_id = mina.command("ext.index", json!({"folder": "a"})).await;
    let attempt = agent.claim_one().await;
    let error = json!({"failure_code": "E_DISK_7",
        "message": "디스크 3번을 읽을 수 없습니다", "retryable": false});
    agent.call_back(&attempt, "failed", json!({"error": error})).await.accepted();
    world.until(&task_id, "dead").await;

    let peeked = items(&world.admin(), "/dlq/peek").await;
    assert_eq!(peeked.len(), 1);
    let item = &peeked[0];
    let task = world.admin().task(&task_id).await;
    for (field, value) in [
        ("tenant_id", json!("default:default")),
        ("task_id", json!(task_id)),
        ("task_type", json!("ext.index")),
        ("risk", json!("GREEN")),
        ("failure_code", json!("AGENT_ERROR")),
        ("failure_title", json!("The agent failed")),
        ("failure_title_ko", json!("에이전트가 실패했습니다")),
        ("agent_code", json!("E_DISK_7")),
        ("error", json!("디스크 3번을 읽을 수 없습니다")),
        ("failed_at", task["finished_at"].clone()),
        ("attempts", json!(1)),
        ("retry_count", json!(0)),
        ("run", json!(1)),
        ("agent", json!("outsider")),
        ("correlation_id", task["correlation_id"].clone()),
        ("requested_by", json!(format!("user:{}", mina.user_id))),
        ("requested_by_name", task["requested_by_name"].clone()),
        ("triage", json!("ignore")),
        ("may_requeue", json!(true)),
        ("runbook", json!("https://wiki.example/nexus/AGENT_ERROR")),
    ] {
        assert_eq!(item[field], value, "{field}: {item}");
    }
    assert!(item.get("ack").is_none());
    assert_eq!(items(&world.admin(), "/dlq/peek?text=e_disk").await, peeked, "by the agent's code");
    let causes = items(&world.admin(), "/dlq/causes").await;
    assert_eq!(causes[0]["cause"], item["cause"]);
    assert_eq!(causes[0]["message"], "디스크 <n>번을 읽을 수 없습니다");
    world.finish().await;
}

#[tokio::test]
async fn each_box_has_what_stands_in_it_and_what_leaves_is_gone() {
    let world = World::start().await;
    world.register("ext.send", "RED").await;
    let gone = dead(&world, "AGENT_ERROR", "x").await;
    let unknown = held(&world).await;
    let admin = world.admin();
    assert_eq!(ids(&admin, "/dlq/peek").await, [gone]);
    assert_eq!(ids(&admin, "/hold/peek").await, std::slice::from_ref(&unknown));
    assert_eq!(ids(&admin, "/alarm/peek").await, Vec::<String>::new());
    let item = &items(&admin, "/hold/peek").await[0];
    assert_eq!((&item["failure_code"], &item["risk"]), (&json!("EFFECT_UNKNOWN"), &json!("RED")));
    admin.post(&format!("/tasks/{unknown}/cancel"), &json!({})).await.accepted();
    assert_eq!(admin.get("/hold/stats").await.expect(200)["count"], 0);
    assert_eq!(ids(&admin, "/hold/peek").await, Vec::<String>::new());
    admin.get("/trash/peek").await.refused(404, "unknown_box");
    world.finish().await;
}

#[tokio::test]
async fn filters_let_through_what_they_say() {
    let world = World::start().await;
    let admin = world.admin();
    let timeout = dead(&world, "PROVIDER_TIMEOUT", "no answer in 30s from API (100%)").await;
    world.advance_seconds(3_600);
    // As a Mac writes the names of files: letter by letter.
    let letters = "\u{1107}\u{1169}\u{1100}\u{1169}\u{1109}\u{1165}";
    let korean = dead(&world, "STORAGE_ERROR", &format!("{letters}.hwp 파일을 찾을 수 없음")).await;
    world.advance_seconds(60);
    let plain = dead(&world, "STORAGE_ERROR", "No Such File_1").await;
    let all = [plain.clone(), korean.clone(), timeout.clone()];
    let cause = items(&admin, "/dlq/peek?failure_code=PROVIDER_TIMEOUT").await[0]["cause"].clone();
    let cause = cause.as_str().unwrap();
    let by_text = |text: &str| format!("text={}", encoded(text));
    for (query, expected) in [
        (String::new(), &all[..]),
        ("failure_code=STORAGE_ERROR".into(), &all[..2]),
        ("failure_code=STORAGE_ERROR,PROVIDER_TIMEOUT".into(), &all[..]),
        ("failure_code=AGENT_ERROR".into(), &[]),
        ("task_type=test.fail".into(), &all[..]),
        ("task_type=test.slow,file.read".into(), &[]),
        ("older_than=60".into(), &all[1..]),
        ("older_than=61".into(), &all[2..]),
        ("newer_than=61".into(), &all[..2]),
        ("older_than=60&newer_than=61".into(), &all[1..2]),
        (format!("cause={cause}"), &all[2..]),
        (by_text("없음"), &all[1..2]),
        (by_text("보고서"), &all[1..2]),
        (by_text(letters), &all[1..2]),
        (by_text("no such FILE"), &all[..1]),
        (by_text("100%"), &all[2..]),
        (by_text("1%0"), &[]),
        (by_text("file_1"), &all[..1]),
        (by_text("file!"), &[]),
        (by_text("_o"), &[]),
        (format!("failure_code=STORAGE_ERROR&{}", by_text("file")), &all[..1]),
    ] {
        assert_eq!(ids(&admin, &format!("/dlq/peek?{query}")).await, expected, "{query}");
        let stats = admin.get(&format!("/dlq/stats?{query}")).await.expect(200).clone();
        assert_eq!(stats["count"], expected.len(), "{query}: {stats}");
        let causes = items(&admin, &format!("/dlq/causes?{query}")).await;
        let counted: u64 = causes.iter().map(|cause| cause["count"].as_u64().unwrap()).sum();
        assert_eq!(counted, expected.len() as u64, "{query}: {causes:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_by_name() {
    let world = World::start().await;
    let admin = world.admin();
    for list in ["peek", "stats", "causes"] {
        for (query, code, path) in [
            ("failure_code=AGENT_EROR", "invalid_filter", "/failure_code"),
            ("failure_code=AGENT_ERROR,", "invalid_filter", "/failure_code"),
            ("task_type=", "invalid_filter", "/task_type"),
            ("cause=the+disk", "invalid_filter", "/cause"),
            ("text=x", "invalid_filter", "/text"),
            ("older_than=99999999999", "invalid_filter", "/older_than"),
            ("older_than=-1", "invalid_parameter", "/older_than"),
            ("older_than=soon", "invalid_parameter", "/older_than"),
            ("color=red", "unknown_parameter", "/color"),
        ] {
            let answer = admin.get(&format!("/dlq/{list}?{query}")).await;
            answer.refused(400, code);
            assert_eq!(answer.paths(), [path], "{list}?{query}");
        }
    }
    for list in ["peek", "causes"] {
        for query in ["cursor=x", "cursor=WzFd", "limit=0", "limit=201"] {
            admin.get(&format!("/dlq/{list}?{query}")).await.refused(400, "invalid_parameter");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn stats_count_by_code_type_age_and_what_the_policy_says() {
    let world = World::start().await;
    for (code, then) in [
        ("AGENT_ERROR", 30 * 86_400),
        ("PROVIDER_AUTH_ERROR", 6 * 86_400),
        ("PROVIDER_TIMEOUT", 82_800),
        ("PROVIDER_TIMEOUT", 3_599),
        ("PROVIDER_TIMEOUT", 0),
    ] {
        dead(&world, code, "x").await;
        world.advance_seconds(then);
    }
    let stats = world.admin().get("/dlq/stats").await.expect(200).clone();
    assert_eq!(stats["count"], 5);
    let code = |code: &str, title: &str, title_ko: &str, count: u64| json!({"failure_code": code, "title": title, "title_ko": title_ko, "count": count});
    assert_eq!(
        stats["by_code"],
        json!([
            code(
                "PROVIDER_TIMEOUT",
                "The provider did not answer in time",
                "제공자가 제때 응답하지 않았습니다",
                3
            ),
            code(
                "PROVIDER_AUTH_ERROR",
                "The provider refused the credentials",
                "제공자가 인증을 거부했습니다",
                1
            ),
            code("AGENT_ERROR", "The agent failed", "에이전트가 실패했습니다", 1),
        ])
    );
    assert_eq!(stats["by_type"], json!([{"task_type": "test.fail", "count": 5}]));
    let pairs = |list: &str, name: &str| -> Vec<(String, u64)> {
        let list = stats[list].as_array().unwrap().iter();
        list.map(|it| (it[name].as_str().unwrap().into(), it["count"].as_u64().unwrap())).collect()
    };
    let pair = |name: &str, count| (name.to_owned(), count);
    assert_eq!(
        pairs("by_age", "bucket"),
        [pair("1h", 2), pair("24h", 1), pair("7d", 1), pair("30d", 0), pair("older", 1)]
    );
    assert_eq!(
        pairs("by_triage", "triage"),
        [pair("requeue", 3), pair("hold", 0), pair("alarm", 1), pair("ignore", 1)]
    );
    world.finish().await;
}

#[tokio::test]
async fn another_tenants_boxes_are_nobodys_business_but_the_platforms() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let here = dead(&world, "AGENT_ERROR", "here 1").await;
    world.advance_seconds(1);
    let there = dead_in(&world, "other:team", "AGENT_ERROR", "here 2").await;
    let boss = world.user_of("other:team", "boss@example.com", "admin").await;
    let admin = world.admin();

    assert_eq!(ids(&admin, "/dlq/peek").await, std::slice::from_ref(&here));
    assert_eq!(ids(&boss.client, "/dlq/peek").await, std::slice::from_ref(&there));
    assert_eq!(boss.get("/dlq/stats").await.expect(200)["count"], 1);
    for path in ["/dlq/peek", "/dlq/stats", "/dlq/causes"] {
        for tenant in ["*", "%2A", "default:default", "other:team"] {
            boss.get(&format!("{path}?tenant={tenant}")).await.refused(403, "forbidden");
        }
        boss.of("default:default").get(path).await.refused(403, "not_a_member");
    }
    // The platform's key names any tenant, or all, with its headers or without.
    for who in [admin.clone(), admin.without_tenant()] {
        assert_eq!(ids(&who, "/dlq/peek?tenant=other:team").await, std::slice::from_ref(&there));
        assert_eq!(ids(&who, "/dlq/peek?tenant=other%3Ateam").await, std::slice::from_ref(&there));
        assert_eq!(ids(&who, "/dlq/peek?tenant=*").await, [there.clone(), here.clone()]);
        let stats = who.get("/dlq/stats?tenant=*").await.expect(200).clone();
        assert_eq!((&stats["count"], &stats["by_code"][0]["count"]), (&json!(2), &json!(2)));
        let causes = items(&who, "/dlq/causes?tenant=*").await;
        assert_eq!((causes.len(), &causes[0]["count"]), (1, &json!(2)), "one error of two tenants");
    }
    admin.get("/dlq/peek?tenant=no:body").await.refused(404, "unknown_tenant");
    admin.get("/dlq/peek?tenant=nobody").await.refused(400, "tenant_malformed");
    admin.without_tenant().get("/dlq/peek").await.refused(400, "tenant_missing");
    world.finish().await;
}

/// Every sum of one answer is its count.
fn sums_up(stats: &Value) -> u64 {
    let count = stats["count"].as_u64().unwrap();
    for list in ["by_code", "by_type", "by_age", "by_triage"] {
        let list = stats[list].as_array().unwrap();
        let sum: u64 = list.iter().map(|it| it["count"].as_u64().unwrap()).sum();
        assert_eq!(sum, count, "{stats}");
    }
    count
}

#[tokio::test]
async fn counts_are_exact_while_tasks_come_and_go() {
    const TASKS: usize = 40;
    let world = World::start().await;
    world.register("ext.send", "RED").await;
    let mut leaving = Vec::new();
    for _ in 0..6 {
        leaving.push(held(&world).await);
    }
    let admin = world.admin();
    let coming = async {
        let codes = ["PROVIDER_TIMEOUT", "AGENT_ERROR", "STORAGE_ERROR", "PROVIDER_AUTH_ERROR"];
        let sent = (0..TASKS).map(|number| dead(&world, codes[number % codes.len()], "x"));
        futures_util::future::join_all(sent).await
    };
    let going = async {
        for task_id in &leaving {
            admin.post(&format!("/tasks/{task_id}/cancel"), &json!({})).await.accepted();
        }
    };
    let looking = async {
        let (mut dlq, mut hold) = (0, 6);
        while (dlq, hold) != (TASKS as u64, 0) {
            let came = sums_up(admin.get("/dlq/stats").await.expect(200));
            let left = sums_up(admin.get("/hold/stats").await.expect(200));
            assert!(came >= dlq && left <= hold, "{came} after {dlq}, {left} after {hold}");
            (dlq, hold) = (came, left);
        }
    };
    let (came, (), ()) = tokio::join!(coming, going, looking);
    let mut peeked = ids(&admin, "/dlq/peek?limit=200").await;
    let mut came: Vec<String> = came;
    peeked.sort();
    came.sort();
    assert_eq!(peeked, came, "each once");
    world.finish().await;
}
