//! The boxes' operations as somebody types them.

use serde_json::{Value, json};

use super::fake::{Fake, Reply, Step, report, snapshot};
use super::{Exit, User};

const OP: &str = "op_1";

fn op(status: &str, failed: u64) -> Value {
    json!({
        "operation_id": OP, "tenant_id": "default:default", "box": "dlq", "action": "requeue",
        "status": status, "count": 2, "done": 2, "changed": 2 - failed, "skipped": 0,
        "failed": failed, "requested_by": "admin", "created_at": "2026-11-21T05:09:03.000Z",
    })
}

/// A server whose box has two tasks, and whose operation ended so.
fn server(end: Value) -> Fake {
    Fake::new(move |asked, _| match asked.line().as_str() {
        "GET /operations/op_1" => Reply::Json(200, end.clone()),
        "POST /operations/op_1/abort" => Reply::Json(202, json!({"status": "accepted"})),
        "GET /operations/op_1/items?outcome=failed&limit=20" => {
            let item =
                json!({"position": 1, "task_id": "tsk_1", "outcome": "failed", "why": "gone"});
            Reply::Json(200, json!({"items": [item]}))
        }
        "GET /operations/op_1/items?outcome=skipped&limit=20" => {
            Reply::Json(200, json!({"items": []}))
        }
        line if line.starts_with("POST /") && asked.body["dry_run"] == true => {
            Reply::Json(200, json!({"ids": ["tsk_1", "tsk_2"], "count": 2}))
        }
        line if line.starts_with("POST /") => {
            Reply::Json(202, json!({"operation_id": OP, "count": 2}))
        }
        other => panic!("{other}"),
    })
}

#[test]
fn what_was_shown_is_what_is_done() {
    let server = server(op("done", 0));
    let line = ["dlq", "requeue", "--failure-code", "AGENT_ERROR", "--limit", "5", "--note", "ok"];
    let did = User::of(&server).says("y").types(&line);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    for part in ["2 task(s)", "tsk_1", "accepted", "2/2 (2 changed, 0 skipped, 0 failed)"] {
        assert!(did.out.contains(part), "{part} is missing in\n{}", did.out);
    }
    let asked = server.asked();
    let filter = json!({"failure_code": "AGENT_ERROR"});
    let preview =
        json!({"mode": "manual", "filter": filter, "limit": 5, "note": "ok", "dry_run": true});
    assert_eq!(asked[0].body, preview);
    let exactly = json!({"mode": "manual", "ids": ["tsk_1", "tsk_2"], "note": "ok"});
    assert_eq!(asked[1].body, exactly, "the ids that were shown");
    assert_eq!(asked[1].header("x-api-key"), "admin-key-0123456789");
}

#[test]
fn a_no_does_nothing_and_yes_asks_nobody() {
    let first = server(op("done", 0));
    let did = User::of(&first).says("n").types(&["hold", "purge", "--all"]);
    assert_eq!((did.exit, first.asked().len()), (Exit::Failed, 1), "{}", did.err);
    let did = User::of(&first).types(&["hold", "purge", "--all"]);
    assert_eq!(did.exit, Exit::Usage, "nobody can be asked");
    let second = server(op("done", 0));
    let did = User::of(&second).types(&["hold", "purge", "--all", "--yes"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    assert_eq!(second.asked()[0].body, json!({"all": true}));
    let did = User::of(&second).types(&["dlq", "apply", "--dry-run"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    assert_eq!(second.asked().last().unwrap().body, json!({"dry_run": true}));
}

#[test]
fn every_verb_asks_for_what_it_says() {
    for (line, path, body) in [
        (
            "dlq requeue tsk_1 --auto --canary 5",
            "/dlq/requeue",
            json!({"ids": ["tsk_1"], "mode": "auto", "canary": 5}),
        ),
        (
            "hold requeue --all --nothing-was-sent",
            "/hold/requeue",
            json!({"all": true, "mode": "manual", "confirm": "nothing_was_sent"}),
        ),
        (
            "alarm requeue --cause cau_1 --per-second 3",
            "/alarm/requeue",
            json!({"filter": {"cause": "cau_1"}, "mode": "manual", "per_second": 3}),
        ),
        ("dlq route", "/dlq/route", json!({"mode": "auto"})),
        (
            "dlq alarm --manual --older-than 60 --newer-than 90",
            "/dlq/alarm",
            json!({"mode": "manual", "filter": {"older_than": 60, "newer_than": 90}}),
        ),
        (
            "dlq apply --max-requeue 0 --max-hold 1 --max-alarm 2 --max-age-seconds 3",
            "/dlq/apply",
            json!({"max_requeue": 0, "max_hold": 1, "max_alarm": 2, "max_age_seconds": 3}),
        ),
        (
            "dlq purge --task-type a.b --text disk",
            "/dlq/purge",
            json!({"filter": {"task_type": "a.b", "text": "disk"}}),
        ),
        (
            "alarm purge tsk_1 tsk_2 --all-tenants",
            "/alarm/purge?tenant=*",
            json!({"ids": ["tsk_1", "tsk_2"]}),
        ),
    ] {
        let server = server(op("done", 0));
        let words: Vec<&str> = line.split(' ').chain(["--yes"]).collect();
        let did = User::of(&server).types(&words);
        assert_eq!(did.exit, Exit::Ok, "{line}: {}", did.err);
        let asked = server.asked();
        assert_eq!(asked[0].line().replace("%2A", "*"), format!("POST {path}"), "{line}");
        assert_eq!(asked[0].body, body, "{line}");
    }
    let server = server(op("done", 0));
    let did = User::of(&server).types(&["alarm", "ack", "tsk_1", "--note", "봅니다"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    assert_eq!(server.asked()[0].body, json!({"ids": ["tsk_1"], "note": "봅니다"}));
}

#[test]
fn an_operation_ends_a_command_as_it_ended() {
    for (status, failed, exit) in [
        ("done", 0, Exit::Ok),
        ("done", 1, Exit::Failed),
        ("stopped", 0, Exit::Failed),
        ("aborted", 0, Exit::Cancelled),
    ] {
        let server = server(op(status, failed));
        let did = User::of(&server).types(&["dlq", "requeue", "--all", "--yes"]);
        assert_eq!(did.exit, exit, "{status} {failed}: {}", did.err);
    }
    let asks = Fake::new(|_, _| {
        let waits =
            json!({"operation_id": OP, "count": 500, "task_id": "tsk_1", "ask_id": "ask_1"});
        Reply::Json(202, waits)
    });
    let did = User::of(&asks).types(&["dlq", "purge", "--all", "--yes", "--no-wait"]);
    assert_eq!(did.exit, Exit::Held);
    assert!(did.out.contains("nexus approve ask_1"), "{}", did.out);
    let refuses = Fake::new(|_, _| {
        Reply::Json(409, json!({"code": "alarm_no_requeue", "detail": "Nothing was done."}))
    });
    let did = User::of(&refuses).types(&["dlq", "requeue", "--all", "--yes"]);
    assert_eq!(did.exit, Exit::Refused);
}

#[test]
fn an_operation_is_followed_by_the_stream() {
    let server = Fake::new(move |asked, _| match asked.line().as_str() {
        "GET /operations/op_1" => Reply::Json(200, op("running", 0)),
        "GET /agent/reports/stream" => {
            let half = report(2, "system", OP, op("running", 0));
            let end = report(3, "system", OP, op("done", 0));
            Reply::Stream(vec![snapshot(1), half, end, Step::Silence(1_000)])
        }
        other => panic!("{other}"),
    });
    let did = User::of(&server).types(&["operations", "watch", OP, "--json"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    let last: Value = serde_json::from_str(did.out.lines().last().unwrap()).unwrap();
    assert_eq!(last["operation"]["status"], "done");
}

#[test]
fn operations_are_shown_in_both_languages() {
    let server = server(op("done", 1));
    let did = User::of(&server).types(&["operations", "show", OP]);
    assert!(did.out.contains("tsk_1") && did.out.contains("gone"), "{}", did.out);
    let did = User::of(&server).types(&["--lang", "ko", "operations", "show", OP]);
    assert!(did.out.contains("완료") && did.out.contains("변경 1"), "{}", did.out);
    let did = User::of(&server).types(&["operations", "abort", OP]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    let listed = Fake::new(|asked, _| match asked.line().as_str() {
        "GET /operations?status=done&box=dlq&limit=50" => {
            Reply::Json(200, json!({"items": [op("done", 0)]}))
        }
        other => panic!("{other}"),
    });
    let line = ["operations", "list", "--status", "done", "--box", "dlq"];
    let did = User::of(&listed).types(&line);
    assert!(did.out.contains("OPERATION") && did.out.contains("dlq requeue"), "{}", did.out);
    assert!(!did.out.contains("TENANT"), "{}", did.out);
    // Of all tenants, each says whose it is.
    let listed = Fake::new(|asked, _| match asked.line().replace("%2A", "*").as_str() {
        "GET /operations?tenant=*&limit=50" => Reply::Json(200, json!({"items": [op("done", 0)]})),
        other => panic!("{other}"),
    });
    let did = User::of(&listed).types(&["--lang", "ko", "operations", "list", "--all-tenants"]);
    assert!(did.out.contains("테넌트") && did.out.contains("default:default"), "{}", did.out);
}
