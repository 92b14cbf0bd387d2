//! The command line against a real server: two terminals, as people use it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod support;

use std::time::Duration;

use nexus_fakes::webhook::WebhookSink;
use serde_json::Value;
use support::{PATIENCE, Server};

const PASSWORD: &str = "grey whales hum at dusk";

/// A server that may send to one receiver of webhooks.
async fn world(settings: &[(&str, &str)]) -> (Server, WebhookSink) {
    let sink = WebhookSink::start().await.unwrap();
    let allow = sink.address().to_string();
    let settings = [settings, &[("EGRESS_ALLOW", &allow)]].concat();
    (Server::start(&settings).await, sink)
}

/// The id that a line names.
fn id(line: &str, prefix: &str) -> String {
    let word = line.split_whitespace().find(|word| word.starts_with(prefix));
    word.unwrap_or_else(|| panic!("no {prefix} in {line}")).to_owned()
}

fn share(sink: &WebhookSink) -> [String; 4] {
    let url = format!("url={}", sink.url("/hook"));
    ["send".into(), "share.webhook".into(), url, "payload={\"text\":\"안녕\"}".into()]
}

fn words(line: &[String]) -> Vec<&str> {
    line.iter().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_terminals_and_a_yes() {
    let (server, sink) = world(&[]).await;
    let mut watching = server.types(&["watch"]);
    watching.says("watching default:default");
    let command = share(&sink);
    let mut sending = server.types(&words(&command));
    let task = id(&sending.line(&["accepted tsk_"]), "tsk_");
    watching.line(&[&task, "RED", "waiting_approval"]);
    let ask = id(&watching.line(&["ask_", "pending", "share.webhook"]), "ask_");
    sending.says(&format!("nexus approve {ask}"));

    let listed = server.does(&["asks"]);
    assert!(listed.out.contains(&ask), "{}", listed.out);
    assert!(sink.received().is_empty() && sending.running(), "nothing leaves before the yes");

    let approved = server.does(&["approve", &ask, "--yes", "--reason", "fine"]);
    assert_eq!(approved.code, 0, "{}", approved.err);
    for part in ["share.webhook", "안녕", "recomputed from what is shown", "decision sent"] {
        assert!(approved.out.contains(part), "{part} is missing in\n{}", approved.out);
    }
    watching.line(&[&ask, "approved", "by admin", "fine"]);
    watching.line(&[&task, "succeeded"]);
    let sent = sending.end();
    assert_eq!(sent.code, 0, "{}", sent.err);
    assert!(sent.out.contains("effect: done http://127.0.0.1"), "{}", sent.out);
    let received = sink.received();
    assert_eq!(received.len(), 1, "once");
    assert_eq!(received[0].body, "{\"text\":\"안녕\"}");

    let again = server.does(&["approve", &ask, "--yes"]);
    assert_eq!(again.code, 4);
    assert!(again.err.contains("is approved; there is nothing left to decide"), "{}", again.err);
    assert!(server.does(&["task", "show", &task]).out.contains("effect: done"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_no_and_nobody_in_time_have_codes_of_their_own() {
    let (server, sink) = world(&[("APPROVAL_TIMEOUT_SECONDS", "5")]).await;
    let command = share(&sink);
    let mut sending = server.types(&words(&command));
    let ask = id(&sending.line(&["ask_", "pending"]), "ask_");
    assert_eq!(server.does(&["deny", &ask, "--yes", "--reason", "not today"]).code, 0);
    let denied = sending.end();
    assert_eq!(denied.code, 5, "{}{}", denied.out, denied.err);
    assert!(denied.out.contains("not today"), "{}", denied.out);

    let mut line = words(&command);
    line.extend(["--lang", "ko"]);
    let mut sending = server.types(&line);
    let task = id(&sending.line(&["접수됨"]), "tsk_");
    let late = id(&sending.line(&["ask_", "결정 대기", "실행을 요청합니다"]), "ask_");
    let expired = sending.end();
    assert_eq!(expired.code, 6, "{}{}", expired.out, expired.err);
    for part in ["만료됨", "결정: system:timeout"] {
        assert!(expired.out.contains(part), "{part} is missing in\n{}", expired.out);
    }
    assert!(expired.err.contains("다시 요청하려면"), "{}", expired.err);
    let too_late = server.does(&["approve", &late, "--yes"]);
    assert_eq!(too_late.code, 4);
    assert!(too_late.err.contains(&format!("nexus task ask-again {task}")), "{}", too_late.err);

    assert_eq!(server.does(&["task", "ask-again", &task]).code, 0);
    let asks = server.json(&["asks"]);
    let again = asks[0]["ask_id"].as_str().unwrap();
    assert_eq!(server.does(&["approve", again, "--yes"]).code, 0);
    sink.wait_for(1, PATIENCE).await.unwrap();
    assert_eq!(sink.received().len(), 1, "neither the no nor the silence sent anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn machines_read_json_lines() {
    let (server, sink) = world(&[]).await;
    let sent = server.does(&["send", "file.write", "path=메모.txt", "content=안녕", "--json"]);
    assert_eq!(sent.code, 0, "{}", sent.err);
    let lines = sent.json();
    assert_eq!(lines.first().unwrap()["event"], "accepted");
    let task = &lines.last().unwrap()["task"];
    assert_eq!(
        (&task["status"], &task["risk"]),
        (&Value::from("succeeded"), &Value::from("YELLOW"))
    );
    assert!(lines[1..lines.len() - 1].iter().all(|line| line["event"] == "report"));

    let mut watching = server.types(&["watch", "--json"]);
    let snapshot: Value = serde_json::from_str(&watching.line(&["snapshot"])).unwrap();
    assert_eq!(snapshot["snapshot"]["tenant"], "default:default");
    let command = share(&sink);
    let mut line = words(&command);
    line.push("--no-wait");
    assert_eq!(server.does(&line).code, 0);
    let report: Value = serde_json::from_str(&watching.line(&["\"asks\""])).unwrap();
    let ask = report["report"]["meta"]["ask_id"].as_str().unwrap();
    let decided = server.json(&["approve", ask, "--yes"]);
    assert_eq!(decided[0]["ask"]["ask_id"], ask);
    assert_eq!(decided[1]["event"], "sent");
    sink.wait_for(1, PATIENCE).await.unwrap();

    for verb in [
        &["types", "list"][..],
        &["task", "list"],
        &["asks", "--status", "approved"],
        &["policy", "show"],
        &["policy", "explain", "file.read", "path=a"],
        &["tenant", "list"],
        &["key", "create", "--kind", "agent", "--title", "t", "--type", "lab.run"],
        &["key", "list"],
        &["config", "show"],
        &["version"],
    ] {
        assert!(!server.json(verb).is_empty(), "{verb:?}");
    }
    let refused = server.does(&["task", "show", "tsk_nope", "--json"]);
    assert_eq!((refused.code, &refused.json()[0]["code"]), (4, &Value::from("unknown_task")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_yes_with_edits_is_for_what_was_edited() {
    let (server, sink) = world(&[]).await;
    let command = share(&sink);
    let mut sending = server.types(&words(&command));
    let ask = id(&sending.line(&["ask_", "pending"]), "ask_");
    let other = sink.url("/other");
    let params = format!("{{\"url\":\"{other}\",\"payload\":{{\"n\":1.50}}}}");
    let did = server.does(&["approve", &ask, "--yes", "--params", &params]);
    assert!(did.code == 0 && did.out.contains("with these params instead"), "{did:?}");
    assert_eq!(sending.end().code, 0);
    let received = sink.received();
    assert_eq!((received.len(), received[0].path.as_str()), (1, "/other"));
    // What is kept of the ask is what was approved.
    let kept = server.json(&["asks", "--status", "approved"]).remove(0);
    assert_eq!(kept["target"], other);
    assert!(kept["question"].as_str().unwrap().contains(&other), "{kept:#}");
    assert_eq!(kept["changed"], "admin edited the params");
    let shown = server.does(&["approve", &ask]);
    assert!(shown.code == 4 && shown.out.contains("recomputed from what is shown"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_an_admin_sets_is_said_twice() {
    let (server, _sink) = world(&[]).await;
    let rated = &["types", "put", "lab.run", "{\"params_schema\":{},\"risk\":\"GREEN\"}"][..];
    let nobody = server.does(rated);
    assert_eq!(nobody.code, 2, "nobody is at the terminal to say yes");
    assert!(nobody.err.contains("--yes"), "{}", nobody.err);
    let did = server.does(&[rated, &["--yes"]].concat());
    assert!(did.code == 0 && did.out.contains("registered lab.run GREEN"), "{did:?}");

    let rules = r#"[{"id":"r","type":"file.*","level":"YELLOW","wait":true,"why":"we look"}]"#;
    std::fs::write(server.home.path().join("rules.json"), rules).unwrap();
    assert_eq!(server.does(&["policy", "set", "rules.json"]).code, 2);
    assert_eq!(server.does(&["policy", "set", "rules.json", "--yes"]).code, 0);
    let shown = server.does(&["policy", "show"]);
    assert!(shown.out.contains("YELLOW+wait") && shown.out.contains("we look"), "{}", shown.out);
    let explained = server.does(&["policy", "explain", "file.read", "path=a", "--lang", "ko"]);
    assert!(explained.out.contains("사람을 기다림"), "{}", explained.out);
    // What was shown can be set again, and what is older cannot.
    let policy = server.does(&["policy", "show", "--json"]).out;
    std::fs::write(server.home.path().join("policy.json"), policy).unwrap();
    assert_eq!(server.does(&["policy", "set", "policy.json", "--yes"]).code, 0);
    let stale = server.does(&["policy", "set", "policy.json", "--yes"]);
    assert!(stale.code == 4 && stale.err.contains("policy_version"), "{stale:?}");

    let made = server.does(&["key", "create", "--kind", "service", "--title", "script"]);
    assert!(made.out.starts_with("nxs_svc_") && made.out.lines().count() == 1, "{made:?}");
    let key = server.json(&["key", "list"])[0]["key_id"].as_str().unwrap().to_owned();
    let rotated = server.does(&["key", "rotate", &key, "--overlap", "60"]);
    assert!(rotated.out.starts_with("nxs_svc_"), "{rotated:?}");
    assert_eq!(server.does(&["key", "revoke", &key]).code, 2);
    assert_eq!(server.does(&["key", "revoke", &key, "--yes"]).code, 0);
    assert!(server.does(&["key", "list"]).out.contains("revoked"));

    assert_eq!(server.does(&["tenant", "create", "kaist", "lab", "--title", "연구실"]).code, 0);
    assert_eq!(server.does(&["tenant", "create", "kaist", "lab"]).code, 4);
    assert_eq!(
        server.does(&["tenant", "pause", "--org", "kaist", "--project", "lab", "-y"]).code,
        0
    );
    let listed = server.does(&["tenant", "list"]);
    assert!(listed.out.contains("연구실") && listed.out.contains("paused since"), "{}", listed.out);
    let stranger = server.does(&["asks", "--org", "kaist"]);
    assert!(stranger.code == 4 && stranger.err.contains("check --org"), "{stranger:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_is_called_off() {
    let (server, sink) = world(&[]).await;
    let command = share(&sink);
    let mut sending = server.types(&words(&command));
    let task = id(&sending.line(&["accepted"]), "tsk_");
    assert_eq!(server.does(&["task", "cancel", &task]).code, 0);
    assert_eq!(sending.end().code, 7);
    let did = server.does(&["task", "cancel", &task]);
    assert!(did.code == 4 && did.err.contains("wrong_state"), "{did:?}");
    assert!(server.does(&["task", "list", "--status", "cancelled"]).out.contains(&task));

    assert_eq!(server.does(&["tenant", "pause", "--yes"]).code, 0);
    assert_eq!(server.does(&["send", "file.list", "--timeout", "1"]).code, 9);
    assert_eq!(server.does(&["tenant", "resume"]).code, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_audit_is_verified_while_the_server_runs() {
    let (server, _sink) = world(&[]).await;
    assert_eq!(server.does(&["send", "file.list"]).code, 0);
    let whole = server.does(&["audit", "verify"]);
    assert_eq!(whole.code, 0, "{}", whole.err);
    assert!(whole.out.contains("whole default:default"), "{}", whole.out);
    let head = server.json(&["audit", "verify"])[0]["head"].as_str().unwrap().to_owned();
    let expect = ["audit", "verify", "--tenant", "default:default", "--expect", &head];
    assert_eq!(server.does(&expect).code, 0);
    let other = format!("1:{}", "0".repeat(64));
    let broken =
        server.does(&["audit", "verify", "--tenant", "default:default", "--expect", &other]);
    assert!(broken.code == 1 && broken.out.contains("BROKEN"), "{broken:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restart_is_no_end() {
    let (mut server, sink) = world(&[]).await;
    let mut watching = server.types(&["watch"]);
    watching.says("watching");
    let command = share(&sink);
    let mut sending = server.types(&words(&command));
    let ask = id(&sending.line(&["ask_", "pending"]), "ask_");
    watching.line(&[&ask]);

    server.stop().await;
    let down = server.does(&["asks"]);
    assert_eq!(down.code, 3, "{}", down.err);
    for part in [server.url.as_str(), "connection refused", "nexus serve"] {
        assert!(down.err.contains(part), "{part} is missing in\n{}", down.err);
    }
    assert_eq!(server.does(&["send", "file.list"]).code, 3);
    assert_eq!(server.does(&["watch"]).code, 3);
    assert!(sending.running() && watching.running());

    server.start_again().await;
    watching.says("resumed after");
    sending.says("resumed after");
    assert_eq!(server.does(&["approve", &ask, "--yes"]).code, 0);
    assert_eq!(sending.end().code, 0);
    watching.line(&[&ask, "approved"]);
    watching.line(&["succeeded"]);
    assert_eq!(sink.wait_for(2, Duration::from_millis(300)).await.unwrap_err().len(), 1, "once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn people_sign_in_and_decide_at_terminals_of_their_own() {
    let (server, sink) = world(&[("APPROVAL_REQUIRE_OTHER_PERSON", "true")]).await;
    // Whoever has the machine makes the first admin, while the server runs.
    let made = server.does(&["user", "first-admin"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let come_in = async |link: &str, email: Option<&str>| {
        let token = link.trim().rsplit_once("/welcome/").unwrap().1;
        let mut body = serde_json::json!({"token": token, "password": PASSWORD});
        if let Some(email) = email {
            body["email"] = email.into();
        }
        let request = reqwest::Client::new().post(format!("{}/auth/redeem", server.url));
        let request = request.header("content-type", "application/json").body(body.to_string());
        assert_eq!(request.send().await.unwrap().status(), 200);
    };
    come_in(&made.out, Some("mina@example.com")).await;
    let sign_in = |home: &str, email: &str| {
        let line = ["login", "--email", email, "--password-stdin"];
        let did = server.person_does(home, &line, &format!("{PASSWORD}\n"));
        assert_eq!(did.code, 0, "{}", did.err);
    };
    sign_in("mina", "mina@example.com");
    let mina = |line: &[&str]| server.person_does("mina", line, "");
    let invited = mina(&["user", "add", "jun@example.com", "--role", "approver", "--name", "준"]);
    assert!(invited.out.starts_with(&server.url), "{}{}", invited.out, invited.err);
    come_in(&invited.out, None).await;
    sign_in("jun", "jun@example.com");
    let jun = |line: &[&str]| server.person_does("jun", line, "");
    assert!(jun(&["whoami"]).out.contains("준"));
    assert_eq!(jun(&["user", "list"]).code, 4, "an approver administers nothing");

    let command = share(&sink);
    let mut command = words(&command);
    command.push("--no-wait");
    assert_eq!(mina(&command).code, 0);
    let asks = mina(&["asks", "--json"]).json();
    let ask = asks[0]["ask_id"].as_str().unwrap();
    assert_eq!(asks[0]["requested_by_name"], "mina");
    let own = mina(&["approve", ask, "--yes"]);
    assert_eq!(own.code, 4);
    assert!(own.err.contains("other_person_required"), "{}", own.err);
    assert_eq!(jun(&["approve", ask, "--yes"]).code, 0);
    sink.wait_for(1, PATIENCE).await.unwrap();
    let decided = server.json(&["asks", "--status", "approved"]);
    assert_eq!(decided[0]["decided_by_name"], "준");

    assert_eq!(jun(&["logout"]).code, 0);
    assert_eq!(jun(&["asks"]).code, 2, "nobody is signed in");
    let kept = server.home.path().join("mina/.config/nexus/sessions.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(&kept.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_first_start_shows_the_page_of_the_first_admin_and_logs_it_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_nexus"));
    command
        .args(["serve", "--lang", "ko"])
        .env_clear()
        .env("NEXUS_BIND", "127.0.0.1:0")
        .env("NEXUS_LOG_FORMAT", "json")
        .stdin(std::process::Stdio::null())
        .current_dir(home.path());
    let mut serving = support::Terminal::run(command);
    serving.says("아직 관리자가 없습니다. http://127.0.0.1:");
    let said = serving.err();
    let shown: Vec<&str> = said.lines().filter(|line| line.contains("/ui#/welcome/")).collect();
    assert_eq!(shown.len(), 1, "{said}");
    assert!(!shown[0].starts_with('{'), "it is in the log: {}", shown[0]);
    serving.kill();
}
