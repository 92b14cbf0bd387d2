//! `nexus alerts`.

use serde_json::{Value, json};

use super::fake::{Fake, Reply};
use super::{Exit, User};

fn alert() -> Value {
    json!({
        "alert_id": "alr_1", "event": "task.held", "severity": "warning", "title": "A task is held",
        "title_ko": "작업이 보류되었습니다", "text": "Nobody knows", "text_ko": "알 수 없습니다",
        "facts": [{"name": "Command", "name_ko": "명령", "value": "share.webhook"}],
        "advice": "Read the runbook.", "advice_ko": "런북을 읽으세요.", "count": 3,
        "failure_code": "EFFECT_UNKNOWN", "last_at": "2026-11-21T05:04:03.000Z", "deliveries": [],
        "messages": [message("failed")],
    })
}

fn message(state: &str) -> Value {
    json!({
        "delivery_id": "dlv_1", "route": "ops", "channel": "slack", "state": state, "attempts": 5,
        "status": 503, "error": "The destination answered 503",
    })
}

fn server() -> Fake {
    Fake::new(|asked, _| match asked.line().as_str() {
        "GET /alerts?event=task.held&limit=50" | "GET /platform/alerts?limit=50" => {
            Reply::Json(200, json!({"items": [alert()]}))
        }
        "GET /alerts/alr_1" => Reply::Json(200, alert()),
        "GET /alerts/deliveries?state=failed&limit=50" => {
            Reply::Json(200, json!({"items": [message("failed")]}))
        }
        "POST /alerts/test" => {
            let good = asked.body["route"] == "good";
            let sent = message(if good { "sent" } else { "failed" });
            Reply::Json(200, json!({"delivered": good, "deliveries": [sent]}))
        }
        "GET /alerts/routes" => Reply::Json(
            200,
            json!({"items": [{"name": "ops", "of": "tenant", "channel": "slack",
                "to": "https://hooks.slack.com/…", "events": ["task.*"], "severity": "warning"}]}),
        ),
        "PUT /alerts/routes" => Reply::Json(202, json!({"task_id": "tsk_1"})),
        "POST /alerts/routes/ops/secret" => Reply::Json(201, json!({"secret": "whsec_x"})),
        other => panic!("{other}"),
    })
}

#[test]
fn alerts_are_listed_and_shown_in_both_languages() {
    let server = server();
    let user = User::of(&server);
    let list = user.types(&["alerts", "list", "--event", "task.held"]);
    assert!(list.out.contains("Nobody knows") && list.out.contains("alr_1"), "{}", list.out);
    let korean = user.types(&["alerts", "list", "--event", "task.held", "--lang", "ko"]);
    assert!(
        korean.out.contains("심각도") && korean.out.contains("알 수 없습니다"),
        "{}",
        korean.out
    );
    let shown = user.types(&["alerts", "show", "alr_1"]);
    for part in ["A task is held", "Command:", "share.webhook", "dlv_1", "503", "Read the runbook"]
    {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    assert!(shown.err.contains("nexus runbook EFFECT_UNKNOWN"), "{}", shown.err);
    let json = user.types(&["alerts", "show", "alr_1", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap(), alert());
    let failed = user.types(&["alerts", "deliveries", "--state", "failed"]);
    assert!(failed.out.contains("ops") && failed.out.contains("failed"), "{}", failed.out);
    let platform = user.types(&["alerts", "list", "--platform"]);
    assert_eq!(platform.exit, Exit::Ok, "{}", platform.err);
    assert_eq!(server.asked().last().unwrap().header("x-api-key"), "admin-key-0123456789");
    assert_eq!(user.types(&["alerts", "list", "--event", "nonsense"]).exit, Exit::Usage);
}

#[test]
fn a_test_ends_as_it_went() {
    let server = server();
    let user = User::of(&server);
    let good = user.types(&["alerts", "test", "good"]);
    assert_eq!((good.exit, good.out.contains("\ndelivered")), (Exit::Ok, true), "{}", good.out);
    let bad = user.types(&["alerts", "test"]);
    assert_eq!((bad.exit, bad.out.contains("not delivered")), (Exit::Failed, true), "{}", bad.out);
    assert_eq!(user.types(&["alerts", "test", "--json"]).exit, Exit::Failed);
}

#[test]
fn routes_are_asked_for_and_secrets_are_shown_once() {
    let server = server();
    let user = User::of(&server).says("y");
    let list = user.types(&["alerts", "routes"]);
    assert!(list.out.contains("hooks.slack.com/…") && list.out.contains("task.*"), "{}", list.out);
    let file = user.home.path().join("routes.json");
    let routes = json!([{"name": "ops", "channel": "slack", "to": "https://hooks.slack.com/x"}]);
    std::fs::write(&file, json!({"routes": routes}).to_string()).unwrap();
    let set = user.types(&["alerts", "routes", "--set", file.to_str().unwrap()]);
    assert!(set.out.contains("accepted tsk_1"), "{}{}", set.out, set.err);
    assert_eq!(server.asked().last().unwrap().body, json!({"routes": routes}));
    let secret = user.types(&["alerts", "routes", "--secret", "ops", "--yes"]);
    assert_eq!(secret.out.trim(), "whsec_x");
    std::fs::write(&file, "{}").unwrap();
    let wrong = user.types(&["alerts", "routes", "--set", file.to_str().unwrap()]);
    assert_eq!(wrong.exit, Exit::Usage);
    let nobody = User::of(&server).types(&["alerts", "routes", "--secret", "ops"]);
    assert_ne!(nobody.exit, Exit::Ok, "nobody said yes");
}
