//! `send` and `watch`.

use serde_json::{Value, json};

use super::fake::{Fake, Reply, Step, bye, line, report, snapshot, status, task};
use super::{Exit, User};

const STREAM: &str = "GET /agent/reports/stream";
const COMMAND: &str = "POST /sidecar/command";

fn accepted() -> Reply {
    Reply::Json(202, json!({"status": "accepted", "task_id": "tsk_1", "correlation_id": "cor_1"}))
}

/// A server whose task ends like this.
fn ending(word: &'static str) -> Fake {
    Fake::new(move |asked, _| match asked.line().as_str() {
        STREAM => Reply::Stream(vec![
            snapshot(7),
            Step::After(COMMAND),
            line(8, "reading\u{1b}[2J"),
            report(9, "tasks", "tsk_other", json!({"status": "dead"})),
            status(10, "running"),
            status(11, word),
            Step::Silence(3_000),
        ]),
        COMMAND => accepted(),
        "GET /tasks/tsk_1" => Reply::Json(200, task(word)),
        other => panic!("{other}"),
    })
}

#[test]
fn send_follows_a_command_to_its_end() {
    let server = ending("succeeded");
    let user = User::of(&server);
    let did =
        user.types(&["send", "file.read", "path=a", "n=3", "--risk", "yellow", "--deadline", "60"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    assert_eq!(server.lines(), [STREAM, COMMAND, "GET /tasks/tsk_1"], "the stream stands first");

    let sent = &server.asked()[1];
    assert_eq!(
        sent.body,
        json!({
            "command_type": "file.read", "params": {"path": "a", "n": 3}, "risk": "YELLOW",
            "deadline_seconds": 60,
        })
    );
    assert_eq!(sent.header("x-api-key"), "service-key-0123456789");
    assert_eq!((sent.header("x-org-id"), sent.header("x-project-id")), ("default", "default"));
    assert!(sent.header("idempotency-key").len() > 20);

    for part in
        ["accepted tsk_1", "05:04:03 worklog", "reading⟨U+001B⟩[2J", "running", "\"hi\\u202e\""]
    {
        assert!(did.out.contains(part), "{part} is missing in\n{}", did.out);
    }
    assert!(!did.out.contains("tsk_other"), "{}", did.out);
    assert!(!did.out.contains('\x1b') && !did.out.contains('\u{202e}'), "{}", did.out);
}

#[test]
fn how_a_task_ends_is_the_exit_code() {
    for (word, exit) in [
        ("dead", Exit::Failed),
        ("alarmed", Exit::Failed),
        ("denied", Exit::Denied),
        ("expired", Exit::Expired),
        ("cancelled", Exit::Cancelled),
        ("held", Exit::Held),
    ] {
        let server = ending(word);
        let did = User::of(&server).types(&["--lang", "ko", "send", "file.read"]);
        assert_eq!(did.exit, exit, "{word}: {}", did.err);
        assert!(did.out.contains("접수됨"), "{}", did.out);
    }
}

#[test]
fn send_prints_json_lines_for_machines() {
    let server = ending("succeeded");
    let did = User::of(&server).types(&["send", "file.read", "--json"]);
    let lines: Vec<Value> =
        did.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["accepted", "report", "report", "report", "task"]);
    assert_eq!(lines[4]["task"]["status"], "succeeded");
}

#[test]
fn send_without_waiting_opens_no_stream() {
    let server = ending("succeeded");
    let did =
        User::of(&server).types(&["send", "file.read", "--no-wait", "--idempotency-key", "k1"]);
    assert_eq!(did.exit, Exit::Ok);
    assert_eq!(server.lines(), [COMMAND]);
    assert_eq!(server.asked()[0].header("idempotency-key"), "k1");
}

#[test]
fn a_connection_that_breaks_while_sending_sends_once() {
    let server = Fake::new(|asked, before| match (asked.line().as_str(), before) {
        (STREAM, _) => Reply::Stream(vec![
            snapshot(1),
            Step::After(COMMAND),
            Step::Silence(60),
            status(2, "succeeded"),
            Step::Silence(2_000),
        ]),
        (COMMAND, 0) => Reply::Drop,
        (COMMAND, 1) => Reply::Json(503, json!({"code": "store_busy", "detail": "Full."})),
        (COMMAND, _) => accepted(),
        _ => Reply::Json(200, task("succeeded")),
    });
    let did = User::of(&server).types(&["send", "file.read"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    let keys: Vec<String> = server
        .asked()
        .iter()
        .filter(|asked| asked.line() == COMMAND)
        .map(|asked| asked.header("idempotency-key").to_owned())
        .collect();
    assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn a_stream_that_breaks_resumes_and_repeats_nothing() {
    let server = Fake::new(|asked, before| match (asked.line().as_str(), before) {
        (STREAM, 0) => Reply::Stream(vec![snapshot(1), Step::After(COMMAND), line(2, "one")]),
        (STREAM, 1) => {
            assert_eq!(asked.header("last-event-id"), "aaaa.2");
            // A server that repeats itself is put right.
            Reply::Stream(vec![
                Step::Send("id: aaaa.2\n\n".into()),
                line(2, "one"),
                line(3, "two"),
                status(4, "succeeded"),
                Step::Silence(2_000),
            ])
        }
        (COMMAND, _) => accepted(),
        _ => Reply::Json(200, task("succeeded")),
    });
    let did = User::of(&server).types(&["send", "file.read"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    assert_eq!(did.out.matches(" one").count(), 1, "{}", did.out);
    assert_eq!(did.out.matches(" two").count(), 1, "{}", did.out);
    assert!(did.err.contains("connection lost"), "{}", did.err);
}

#[test]
fn what_a_snapshot_swallowed_is_looked_up() {
    let server = Fake::new(|asked, before| match (asked.line().as_str(), before) {
        (STREAM, 0) => Reply::Stream(vec![snapshot(1), Step::After(COMMAND)]),
        (STREAM, _) => Reply::Stream(vec![snapshot(900), Step::Silence(2_000)]),
        (COMMAND, _) => accepted(),
        _ => Reply::Json(200, task("expired")),
    });
    assert_eq!(User::of(&server).types(&["send", "file.read"]).exit, Exit::Expired);
}

#[test]
fn send_stops_waiting_when_it_was_told_to() {
    let server = Fake::new(|asked, _| match asked.line().as_str() {
        STREAM => Reply::Stream(vec![snapshot(1), Step::Silence(4_000)]),
        _ => accepted(),
    });
    let did = User::of(&server).types(&["send", "file.read", "--timeout", "1"]);
    assert_eq!(did.exit, Exit::TimedOut);
    assert!(did.err.contains("nexus task show tsk_1"), "{}", did.err);
}

#[test]
fn a_red_command_says_how_to_approve_it() {
    let server = Fake::new(|asked, _| match asked.line().as_str() {
        STREAM => Reply::Stream(vec![
            snapshot(1),
            Step::After(COMMAND),
            report(
                2,
                "asks",
                "ask_9",
                json!({"task_id": "tsk_1", "status": "pending", "question": "Send?"}),
            ),
            status(3, "denied"),
            Step::Silence(2_000),
        ]),
        COMMAND => accepted(),
        _ => Reply::Json(200, task("denied")),
    });
    let did = User::of(&server).types(&["send", "kakao.send"]);
    assert_eq!(did.exit, Exit::Denied);
    assert!(did.err.contains("nexus approve ask_9"), "{}", did.err);
}

#[test]
fn what_the_server_refuses_is_shown_with_what_to_do() {
    let server = Fake::new(|asked, _| match asked.line().as_str() {
        STREAM => Reply::Stream(vec![snapshot(1), Step::Silence(2_000)]),
        _ => Reply::Json(
            422,
            json!({
                "code": "invalid_params", "detail": "The params miss the schema.", "status": 422,
                "correlation_id": "cor_7",
                "errors": [{"path": "/params/path", "message": "is missing\u{1b}"}],
            }),
        ),
    });
    let did = User::of(&server).types(&["send", "file.read"]);
    assert_eq!(did.exit, Exit::Refused);
    for part in ["invalid_params (422): The params", "/params/path: is missing⟨U+001B⟩", "cor_7"]
    {
        assert!(did.err.contains(part), "{part} is missing in\n{}", did.err);
    }
    let did = User::of(&server).types(&["send", "file.read", "--json"]);
    let line: Value = serde_json::from_str(did.out.trim()).unwrap();
    assert_eq!((&line["code"], &line["exit"]), (&json!("invalid_params"), &json!(4)));

    let refusing =
        Fake::new(|_, _| Reply::Json(401, json!({"code": "unauthorized", "detail": "No."})));
    let did = User::of(&refusing).types(&["send", "file.read", "--lang", "ko"]);
    assert_eq!(did.exit, Exit::Refused);
    assert!(did.err.contains("키를 확인하세요"), "{}", did.err);
}

#[test]
fn nobody_there_is_an_exit_code_of_its_own() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let user = User::new(&format!("http://{free}"));
    for verb in [&["send", "file.read"][..], &["watch"], &["asks"], &["task", "show", "tsk_1"]] {
        let did = user.types(verb);
        assert_eq!(did.exit, Exit::Unreachable, "{verb:?}: {}", did.err);
        assert!(did.err.contains("nexus serve"), "{}", did.err);
    }
}

#[test]
fn watch_comes_back_where_it_was_until_it_is_told_not_to() {
    let server = Fake::new(|asked, before| match before {
        0 => {
            assert_eq!(asked.header("last-event-id"), "aaaa.4");
            Reply::Stream(vec![
                Step::Send("retry: 5\nid: aaaa.4\n\n".into()),
                Step::Silence(30),
                line(5, "한글 줄"),
                bye("idle", true),
            ])
        }
        1 => Reply::Json(503, json!({"code": "busy", "detail": "Later."})),
        _ => {
            assert_eq!(asked.header("last-event-id"), "aaaa.5");
            Reply::Stream(vec![line(6, "again"), bye("superseded", false)])
        }
    });
    let did = User::of(&server).types(&["watch", "--since", "aaaa.4"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    assert_eq!(did.out.lines().count(), 2, "{}", did.out);
    assert!(did.out.contains("tsk_1 info files 한글 줄"), "{}", did.out);
    for part in ["resumed after aaaa.4", "(idle); coming back", "503 busy", "for good (superseded)"]
    {
        assert!(did.err.contains(part), "{part} is missing in\n{}", did.err);
    }
}

#[test]
fn watch_notices_silence_and_holes() {
    let server = Fake::new(|asked, before| match before {
        0 => Reply::Stream(vec![snapshot(1), Step::Silence(1_000)]),
        // The head is 3 and nothing came: a hole.
        1 => Reply::Stream(vec![
            Step::Send("id: aaaa.1\n\nevent: ping\ndata: {\"cursor\":\"aaaa.3\"}\n\n".into()),
            Step::Silence(1_000),
        ]),
        // Still no 2: only a snapshot tells the truth.
        2 => {
            assert_eq!(asked.header("last-event-id"), "aaaa.1");
            Reply::Stream(vec![line(3, "three"), Step::Silence(1_000)])
        }
        3 => {
            assert_eq!(asked.header("last-event-id"), "");
            Reply::Stream(vec![
                snapshot(3),
                line(4, "four"),
                Step::Silence(50),
                line(4, "four"),
                Step::Send("event: report\nid: bbbb.1\ndata: {}\n\n".into()),
                Step::Silence(1_000),
            ])
        }
        // Another epoch: from the start.
        _ => {
            assert_eq!(asked.header("last-event-id"), "");
            Reply::Stream(vec![snapshot(4), bye("auth_expired", false)])
        }
    });
    let mut user = User::of(&server);
    user.watchdog = 200;
    let did = user.types(&["watch"]);
    assert_eq!(did.exit, Exit::Refused, "{}", did.err);
    assert_eq!(did.out.matches("four").count(), 1, "{}", did.out);
    assert!(!did.out.contains("three"), "{}", did.out);
    for part in ["fell silent", "reports are missing", "missing again", "epoch", "auth_expired"] {
        assert!(did.err.contains(part), "{part} is missing in\n{}", did.err);
    }
}
