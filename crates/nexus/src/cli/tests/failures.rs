//! Looking at what failed, and saying what is to be done about it.

use serde_json::{Value, json};

use super::fake::{Fake, Reply};
use super::{Exit, User};

fn policy(version: u64) -> Value {
    json!({
        "version": version, "source": "tenant", "requeue": ["PROVIDER_TIMEOUT"], "hold": [],
        "alarm": ["PROVIDER_AUTH_ERROR"], "enforce_alarm_no_requeue": true,
        "resolved": [{"failure_code": "PROVIDER_AUTH_ERROR", "by": "user:usr_1", "by_name": "Mina",
            "at": "2026-11-21T05:04:03.000Z", "note": "새 키"}],
    })
}

fn server() -> Fake {
    Fake::new(|asked, _| match asked.line().split('?').next().unwrap() {
        "GET /dlq/peek" => Reply::Json(
            200,
            json!({"items": [{
                "tenant_id": "kaist:lab", "task_id": "tsk_1",
                "failed_at": "2026-11-21T05:04:03.000Z", "agent_code": "E_7",
                "failure_code": "PROVIDER_TIMEOUT", "task_type": "youtube.search",
                "triage": "requeue", "may_requeue": true, "error": "no answer\u{202e}",
            }]}),
        ),
        "GET /hold/stats" => Reply::Json(
            200,
            json!({
                "count": 3,
                "by_code": [{"failure_code": "AGENT_ERROR", "title": "The agent failed",
                    "title_ko": "에이전트가 실패했습니다", "count": 3}],
                "by_type": [{"task_type": "file.read", "count": 3}],
                "by_age": [{"bucket": "1h", "count": 3}, {"bucket": "older", "count": 0}],
                "by_triage": [{"triage": "ignore", "count": 3}],
            }),
        ),
        "GET /alarm/causes" => Reply::Json(
            200,
            json!({"items": [{"cause": "cau_1", "count": 412, "failure_code": "PROVIDER_TIMEOUT",
                "task_type": "youtube.search", "message": "no answer after <n> ms",
                "last_failed_at": "2026-11-21T05:04:03.000Z"}]}),
        ),
        "POST /dlq/triage" => Reply::Json(
            200,
            json!({"count": 7, "decisions": [
                {"triage": "requeue", "count": 7, "ids": ["tsk_1", "tsk_2", "tsk_3", "tsk_4", "tsk_5", "tsk_6", "tsk_7"]},
                {"triage": "hold", "count": 0, "ids": []}], "missing": ["tsk_9"]}),
        ),
        "GET /dlq/policy" => Reply::Json(200, policy(3)),
        "PUT /dlq/policy" => Reply::Json(200, policy(4)),
        "DELETE /dlq/policy" => {
            Reply::Json(409, json!({"code": "no_own_policy", "detail": "None."}))
        }
        "POST /dlq/policy/simulate" => Reply::Json(
            200,
            json!({"count": 430, "by_code": [{"failure_code": "PROVIDER_TIMEOUT", "count": 412,
                "now": "requeue", "then": "hold"}], "changed": ["PROVIDER_TIMEOUT"]}),
        ),
        "POST /alarm/resolve" => Reply::Json(200, json!({"count": 2})),
        other => panic!("{other}"),
    })
}

#[test]
fn boxes_are_looked_into_by_filter() {
    let server = server();
    let user = User::of(&server);
    let did = user.types(&[
        "dlq",
        "peek",
        "--failure-code",
        "PROVIDER_TIMEOUT",
        "--text",
        "없음",
        "--older-than",
        "60",
    ]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    for part in ["tsk_1", "PROVIDER_TIMEOUT", "requeue", "[E_7] no answer⟨U+202E⟩"] {
        assert!(did.out.contains(part), "{part} is missing in\n{}", did.out);
    }
    assert!(did.err.contains("nexus runbook PROVIDER_TIMEOUT"), "{}", did.err);
    let asked = server.lines()[0].clone();
    for part in
        ["failure_code=PROVIDER_TIMEOUT", "text=%EC%97%86%EC%9D%8C", "older_than=60", "limit=50"]
    {
        assert!(asked.contains(part), "{asked}");
    }

    assert!(!did.out.contains("kaist:lab"), "{}", did.out);
    let all = User::of(&self::server()).types(&["dlq", "peek", "--all-tenants"]);
    assert!(all.out.contains("TENANT") && all.out.contains("kaist:lab"), "{}", all.out);

    let did = user.types(&["hold", "stats", "--all-tenants", "--lang", "ko"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    for part in ["작업 3개", "에이전트가 실패했습니다", "file.read", "1시간 이내", "그대로"]
    {
        assert!(did.out.contains(part), "{part} is missing in\n{}", did.out);
    }
    assert!(!did.out.contains("그 이전"), "what there is none of is not shown: {}", did.out);
    assert!(server.lines()[1].contains("tenant=%2A") || server.lines()[1].contains("tenant=*"));

    let did = user.types(&["alarm", "causes", "--limit", "3"]);
    assert!(did.out.contains("412") && did.out.contains("no answer after <n> ms"), "{}", did.out);
    assert!(did.err.contains("nexus alarm peek --cause cau_1"), "{}", did.err);
    let json = user.types(&["alarm", "causes", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap()["count"], 412);
}

#[test]
fn triage_is_shown_and_nothing_is_done() {
    let server = server();
    let did = User::of(&server).types(&["dlq", "triage", "--task-type", "youtube.search"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    assert!(did.out.contains("7 requeue") && did.out.contains("tsk_5"), "{}", did.out);
    assert!(!did.out.contains("tsk_6") && did.out.contains('…'), "{}", did.out);
    assert!(
        did.err.contains("1 of the named tasks") && did.err.contains("nexus dlq apply"),
        "{}",
        did.err
    );
    assert_eq!(server.asked()[0].body, json!({"filter": {"task_type": "youtube.search"}}));
    User::of(&server).types(&["dlq", "triage", "tsk_1"]);
    assert_eq!(server.asked()[1].body, json!({"ids": ["tsk_1"]}));
    User::of(&server).types(&["dlq", "triage", "--all-tenants"]);
    assert_eq!(server.lines()[2].replace("%2A", "*"), "POST /dlq/triage?tenant=*");
}

#[test]
fn a_policy_is_edited_tried_and_set() {
    let server = server();
    let user = User::of(&server);
    let shown = user.types(&["dlq", "policy", "get"]);
    for part in ["version 3", "PROVIDER_TIMEOUT", "PROVIDER_AUTH_ERROR resolved", "Mina", "새 키"]
    {
        assert!(shown.out.contains(part), "{part} is missing in\n{}", shown.out);
    }
    let printed = user.types(&["dlq", "policy", "get", "--json"]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.json");
    std::fs::write(&file, &printed.out).unwrap();
    let file = file.to_str().unwrap();

    let tried = user.types(&["dlq", "policy", "simulate", file, "--days", "14"]);
    assert_eq!(tried.exit, Exit::Ok, "{}", tried.err);
    for part in ["430 task(s)", "14 day(s)", "412", "hold"] {
        assert!(tried.out.contains(part), "{part} is missing in\n{}", tried.out);
    }
    let set = json!({"requeue": ["PROVIDER_TIMEOUT"], "hold": [], "alarm": ["PROVIDER_AUTH_ERROR"],
        "enforce_alarm_no_requeue": true});
    assert_eq!(server.asked()[2].body, json!({"policy": set, "days": 14}));

    let no = User::of(&server).says("n").types(&["dlq", "policy", "set", file]);
    assert_eq!(no.exit, Exit::Failed);
    let nobody = user.types(&["dlq", "policy", "set", file]);
    assert_eq!(nobody.exit, Exit::Usage);
    assert_eq!(server.asked().len(), 3, "nothing was sent");
    let done = user.types(&["dlq", "policy", "set", file, "--yes"]);
    assert_eq!(done.exit, Exit::Ok, "{}", done.err);
    assert!(done.out.contains("version 4"), "{}", done.out);
    let sent = &server.asked()[3];
    assert!(sent.line().contains("confirm=default%3Adefault"), "{}", sent.line());
    assert_eq!(sent.body["expected_version"], 3, "what was read is what is replaced");

    let refused = user.types(&["dlq", "policy", "reset", "--yes"]);
    assert_eq!(refused.exit, Exit::Refused);
    assert!(refused.err.contains("no_own_policy"), "{}", refused.err);
    std::fs::write(dir.path().join("wrong.json"), "[]").unwrap();
    let wrong = dir.path().join("wrong.json");
    let wrong = user.types(&["dlq", "policy", "set", wrong.to_str().unwrap(), "--yes"]);
    assert_eq!(wrong.exit, Exit::Usage);
}

#[test]
fn what_is_resolved_is_said_with_a_note_and_a_yes() {
    let server = server();
    let code = ["alarm", "resolve", "--failure-code", "provider_auth_error", "--note", "new key"];
    assert_eq!(User::of(&server).types(&code).exit, Exit::Usage, "nobody to ask");
    let did = User::of(&server).says("y").types(&code);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    let body = json!({"failure_code": "PROVIDER_AUTH_ERROR", "note": "new key"});
    assert_eq!(server.asked()[0].body, body);
    let ids = ["alarm", "resolve", "tsk_1", "tsk_2", "--note", "x", "--yes"];
    assert_eq!(User::of(&server).types(&ids).exit, Exit::Ok);
    assert_eq!(server.asked()[1].body, json!({"ids": ["tsk_1", "tsk_2"], "note": "x"}));
    let neither = User::of(&server).types(&["alarm", "resolve", "--note", "x", "--yes"]);
    assert_eq!(neither.exit, Exit::Usage);
}
