//! Every other verb.

use nexus_core::approval::Bound;
use serde_json::{Value, json};

use super::fake::{Fake, Reply, task};
use super::{Exit, User};

fn digest() -> String {
    let bound = Bound { path: "a.txt".into(), size: 3, sha256: "abc".into() };
    nexus_core::approval::digest("{\"n\":1.5,\"to\":\"a@b.example\"}", &[bound])
}

fn ask() -> Value {
    json!({
        "ask_id": "ask_1", "task_id": "tsk_1", "status": "pending", "question": "Send the file?",
        "question_ko": "파일을 보낼까요?", "hidden_characters": false, "risk": "RED",
        "why": "sharing is RED", "rule": "builtin", "command_type": "share.link",
        "params": {"to": "a@b.example", "n": 1.5}, "digest": digest(), "requested_by": "service",
        "bound": [{"path": "a.txt", "size": 3, "sha256": "abc"}],
        "expires_at": "2026-11-21T05:09:03.000Z",
    })
}

fn approvals() -> Fake {
    approvals_of(ask())
}

fn approvals_of(ask: Value) -> Fake {
    Fake::new(move |asked, before| match asked.line().as_str() {
        "GET /approvals/ask_1" => Reply::Json(200, ask.clone()),
        "POST /approvals/ask_1/decide" if before == 0 => Reply::Json(202, Value::Null),
        "POST /approvals/ask_1/decide" => Reply::Json(
            409,
            json!({"code": "ask_already_decided", "detail": "Decided.", "ask_id": "ask_1"}),
        ),
        other => panic!("{other}"),
    })
}

#[test]
fn nobody_approves_what_they_did_not_see() {
    let server = approvals();
    let user = User::of(&server).says("y");
    let did = user.types(&["approve", "ask_1", "--reason", "fine"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    for part in [
        "share.link",
        "sharing is RED",
        "Send the file?",
        "sha256:abc",
        &digest(),
        "recomputed",
        "decision sent",
    ] {
        assert!(did.out.contains(part), "{part} is missing in\n{}", did.out);
    }
    let sent = &server.asked()[1];
    assert_eq!(sent.body, json!({"decision": "approve", "digest": digest(), "reason": "fine"}));
    assert_eq!(sent.header("x-api-key"), "admin-key-0123456789");

    let late = user.types(&["deny", "ask_1", "--yes"]);
    assert_eq!(late.exit, Exit::Refused);
    assert!(late.err.contains("decided ask_1 already"), "{}", late.err);
    assert_eq!(server.asked()[3].body, json!({"decision": "deny", "digest": digest()}));
}

#[test]
fn a_decision_needs_a_yes() {
    let server = approvals();
    let no = User::of(&server).says("").types(&["approve", "ask_1"]);
    assert_eq!(no.exit, Exit::Failed);
    let nobody = User::of(&server).types(&["approve", "ask_1"]);
    assert_eq!(nobody.exit, Exit::Usage);
    assert!(nobody.err.contains("--yes"), "{}", nobody.err);
    assert!(server.lines().iter().all(|line| line.starts_with("GET")), "{:?}", server.lines());

    let edited = User::of(&server).says("예").types(&[
        "approve",
        "ask_1",
        "--params",
        "{\"to\":\"c\"}",
        "--lang",
        "ko",
    ]);
    assert_eq!(edited.exit, Exit::Ok, "{}", edited.err);
    let body = &server.asked().last().unwrap().body.clone();
    assert_eq!(*body, json!({"decision": "approve", "digest": digest(), "params": {"to": "c"}}));
}

#[test]
fn what_is_not_what_would_be_executed_is_not_approved() {
    let mut other = ask();
    other["params"]["to"] = "c@d.example".into();
    let server = approvals_of(other);
    let did = User::of(&server).types(&["approve", "ask_1", "--yes"]);
    assert_eq!(did.exit, Exit::Refused);
    assert!(did.err.contains("not what would be executed"), "{}", did.err);
    let json = User::of(&server).types(&["approve", "ask_1", "--yes", "--json"]);
    assert!(json.out.contains("\"code\":\"digest_mismatch\""), "{}", json.out);
    assert!(server.lines().iter().all(|line| line.starts_with("GET")), "{:?}", server.lines());
    // To say no is always possible.
    assert_eq!(User::of(&server).types(&["deny", "ask_1", "--yes"]).exit, Exit::Ok);

    let mut hidden = ask();
    hidden["params"]["to"] = "a@b.example⟨U+202E⟩moc".into();
    hidden["hidden_characters"] = true.into();
    let server = approvals_of(hidden);
    let did = User::of(&server).types(&["approve", "ask_1", "--yes", "--lang", "ko"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    assert!(did.out.contains("⟨U+202E⟩moc") && did.out.contains("파일을 보낼까요?"), "{}", did.out);
    assert!(did.err.contains("보이지 않는 문자"), "{}", did.err);
}

#[test]
fn an_ask_that_is_over_is_said_to_be() {
    for (status, code) in [("expired", "ask_expired"), ("denied", "ask_already_decided")] {
        let mut over = ask();
        over["status"] = status.into();
        let server = approvals_of(over);
        let did = User::of(&server).types(&["approve", "ask_1"]);
        assert_eq!(did.exit, Exit::Refused);
        assert!(did.err.contains(&format!("ask_1 is {status}")), "{}", did.err);
        assert_eq!(did.err.contains("ask-again tsk_1"), status == "expired", "{}", did.err);
        let json = User::of(&server).types(&["deny", "ask_1", "--json"]);
        assert!(json.out.contains(code), "{}", json.out);
        assert_eq!(server.lines(), ["GET /approvals/ask_1"; 2]);
    }
}

#[test]
fn an_ask_without_a_digest_is_not_decided() {
    let server = Fake::new(|_, _| Reply::Json(200, json!({"ask_id": "ask_1"})));
    assert_eq!(User::of(&server).types(&["approve", "ask_1", "-y"]).exit, Exit::Failed);
    assert_eq!(server.lines().len(), 1);
}

#[test]
fn each_door_has_its_key() {
    let server = Fake::new(|_, _| Reply::Json(200, json!({"items": [], "next": null})));
    let key = |user: &User, line: &[&str]| {
        let did = user.types(line);
        (
            did.exit,
            server.asked().last().map(|a| a.header("x-api-key").to_owned()).unwrap_or_default(),
        )
    };
    let both = User::of(&server);
    assert_eq!(key(&both, &["asks"]), (Exit::Ok, "service-key-0123456789".into()));
    assert_eq!(key(&both, &["tenant", "list"]), (Exit::Ok, "admin-key-0123456789".into()));

    let admin = User::of(&server).env("NEXUS_API_KEY", Some(""));
    assert_eq!(key(&admin, &["task", "list"]), (Exit::Ok, "admin-key-0123456789".into()));

    let before = server.lines().len();
    let service = User::of(&server).env("ADMIN_API_KEY", None);
    let did = service.types(&["key", "list"]);
    assert_eq!(did.exit, Exit::Usage);
    assert!(did.err.contains("ADMIN_API_KEY"), "{}", did.err);
    assert_eq!(server.lines().len(), before, "nothing was asked");

    // The keys that the server's first run made, found where the server keeps them.
    let none = User::of(&server).env("NEXUS_API_KEY", None).env("ADMIN_API_KEY", None);
    assert_eq!(none.types(&["asks"]).exit, Exit::Usage);
    nexus_kit::settings::keys::ensure_keys(&none.home.path().join("data"), &[9; 64]).unwrap();
    assert!(key(&none, &["asks"]).1.starts_with("nxs_svc_"));
    assert!(key(&none, &["key", "list"]).1.starts_with("nxs_adm_"));

    let file = both.home.path().join("k");
    std::fs::write(&file, "from-a-file-0123456789\n").unwrap();
    std::os::unix::fs::PermissionsExt::set_mode(
        &mut std::fs::metadata(&file).unwrap().permissions(),
        0o600,
    );
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode;
    std::fs::set_permissions(&file, mode(0o600)).unwrap();
    assert_eq!(key(&both, &["asks", "--key-file", "k"]).1, "from-a-file-0123456789");
    std::fs::set_permissions(&file, mode(0o644)).unwrap();
    assert_eq!(key(&both, &["asks", "--key-file", "k"]).0, Exit::Usage);
}

#[test]
fn the_tenant_travels_in_headers() {
    let server = Fake::new(|_, _| Reply::Json(202, Value::Null));
    let user = User::of(&server).env("NEXUS_ORG", Some("kaist"));
    assert_eq!(user.types(&["tenant", "pause", "--yes", "--project", "lab"]).exit, Exit::Ok);
    let asked = &server.asked()[0];
    assert_eq!(asked.line(), "POST /tenant/pause");
    assert_eq!((asked.header("x-org-id"), asked.header("x-project-id")), ("kaist", "lab"));
    let wrong = user.types(&["asks", "--org", "a:b"]);
    assert_eq!(wrong.exit, Exit::Usage);
    assert!(wrong.err.contains("--org: must be 1 to 64"), "{}", wrong.err);
    assert!(!wrong.err.contains("environment"), "{}", wrong.err);
}

#[test]
fn lists_are_read_page_by_page() {
    let server = Fake::new(|asked, _| {
        let second = asked.path.contains("cursor=c2");
        let items: Vec<Value> =
            (0..3).map(|n| json!({"task_id": format!("tsk_{}", n + if second { 3 } else { 0 }), "status": "queued"})).collect();
        Reply::Json(
            200,
            json!({"items": items, "next": if second { Value::Null } else { json!("c2") }}),
        )
    });
    let user = User::of(&server);
    let did = user.types(&["task", "list", "--status", "queued", "--type", "a&b", "--json"]);
    assert_eq!(did.out.lines().count(), 6, "{}", did.out);
    assert_eq!(server.lines()[0], "GET /tasks?status=queued&type=a%26b&limit=50");
    assert_eq!(server.lines()[1], "GET /tasks?status=queued&type=a%26b&limit=47&cursor=c2");
    let did = user.types(&["task", "list", "--limit", "2", "--lang", "ko"]);
    assert_eq!(did.out.lines().count(), 3, "{}", did.out);
    assert!(did.out.contains("대기 중"), "{}", did.out);
}

#[test]
fn orders_name_one_thing_and_promise_nothing() {
    let server = Fake::new(|asked, _| match asked.method.as_str() {
        "GET" if asked.path.starts_with("/keys") => Reply::Json(200, json!({"items": []})),
        "GET" => Reply::Json(200, task("succeeded")),
        _ => Reply::Json(202, json!({"status": "accepted"})),
    });
    let user = User::of(&server);
    for (line, asked) in [
        (&["task", "show", "tsk_1"][..], "GET /tasks/tsk_1"),
        (&["task", "cancel", "tsk_1"], "POST /tasks/tsk_1/cancel"),
        (&["task", "ask-again", "../keys"], "POST /tasks/..%2Fkeys/ask_again"),
        (&["tenant", "resume"], "POST /tenant/resume"),
        (&["key", "revoke", "key_1", "--yes"], "DELETE /keys/key_1?confirm=key_1"),
        (&["policy", "show"], "GET /policy"),
        (&["key", "list", "--all-tenants", "--json"], "GET /keys?all_tenants=true"),
    ] {
        let did = user.types(line);
        assert_eq!(did.exit, Exit::Ok, "{line:?}: {}", did.err);
        assert_eq!(server.lines().last().unwrap(), asked);
    }
}

#[test]
fn bodies_are_what_the_contract_says() {
    let server = Fake::new(|asked, _| match asked.path.as_str() {
        "/keys" | "/keys/key_1/rotate?all_tenants=true" => {
            Reply::Json(201, json!({"key_id": "key_1", "key": "nxs_agt_x"}))
        }
        _ => Reply::Json(200, json!({"version": 4, "rules": []})),
    });
    let user = User::of(&server);
    std::fs::write(user.home.path().join("p.json"), "{\"version\":3,\"rules\":[{\"id\":\"r\"}]}")
        .unwrap();
    let policy = user.home.path().join("p.json").display().to_string();
    for (line, asked, body) in [
        (
            &["tenant", "create", "kaist", "lab", "--title", "연구실"][..],
            "POST /tenants",
            json!({"org_id": "kaist", "project_id": "lab", "title": "연구실"}),
        ),
        (
            &[
                "key",
                "create",
                "--kind",
                "agent",
                "--title",
                "t",
                "--type",
                "a.b",
                "--type",
                "c.d",
                "--all-tenants",
            ],
            "POST /keys",
            json!({"kind": "agent", "title": "t", "types": ["a.b", "c.d"], "all_tenants": true}),
        ),
        (
            &["key", "rotate", "key_1", "--all-tenants", "--overlap", "60"],
            "POST /keys/key_1/rotate?all_tenants=true",
            json!({"overlap_seconds": 60}),
        ),
        (
            &["policy", "set", &policy, "--yes"],
            "PUT /policy?confirm=default%3Adefault",
            json!({"rules": [{"id": "r"}], "version": 3}),
        ),
        (
            &["policy", "explain", "file.delete", "path=a", "--risk", "RED"],
            "POST /policy/explain",
            json!({"command_type": "file.delete", "params": {"path": "a"}, "risk": "RED"}),
        ),
        (
            &["types", "put", "lab.run", "{\"title_en\":\"Run\"}"],
            "PUT /commands/types/lab.run",
            json!({"title_en": "Run"}),
        ),
        (
            &["types", "put", "lab.run", "{\"risk\":\"GREEN\"}", "--yes"],
            "PUT /commands/types/lab.run?confirm=lab.run",
            json!({"risk": "GREEN"}),
        ),
    ] {
        let did = user.types(line);
        assert_eq!(did.exit, Exit::Ok, "{line:?}: {}", did.err);
        let last = server.asked().pop().unwrap();
        assert_eq!((last.line().as_str(), last.body), (asked, body));
    }
    let made = user.types(&["key", "create", "--kind", "service", "--title", "t"]);
    assert_eq!(made.out, "nxs_agt_x\n", "a script reads the key alone");
    assert!(made.err.contains("only now"), "{}", made.err);
    for question in
        [&["policy", "set", &policy][..], &["types", "put", "lab.run", "{\"risk\":\"GREEN\"}"]]
    {
        assert_eq!(user.types(question).exit, Exit::Usage, "{question:?}");
    }
}

#[test]
fn a_catalogue_says_what_is_off_and_why() {
    let server = Fake::new(|_, _| {
        Reply::Json(
            200,
            json!({"items": [
            {"command_type": "file.read", "risk": "GREEN", "agent": "files", "title_en": "Read", "title_ko": "읽기", "enabled": true},
            {"command_type": "youtube.search", "risk": "GREEN", "agent": "yt", "title_en": "Search", "title_ko": "검색", "enabled": false, "disabled_because": "no key"},
        ], "next": null}),
        )
    });
    let did = User::of(&server).types(&["types", "list", "--lang", "ko"]);
    assert!(did.out.contains("읽기") && did.out.contains("사용할 수 없음: no key"), "{}", did.out);
}

#[test]
fn settings_are_checked_and_shown_without_secrets() {
    let user = User::new("http://127.0.0.1:1");
    let shown = user.types(&["config", "show"]);
    assert_eq!(shown.exit, Exit::Ok, "{}", shown.err);
    assert!(shown.out.contains("NEXUS_BIND") && !shown.out.contains("admin-key"), "{}", shown.out);
    assert_eq!(user.types(&["config", "check"]).exit, Exit::Ok);

    let wrong = User::new("x").env("NEXUS_BIMD", Some("1")).env("MAX_RETRIES", Some("x"));
    let did = wrong.types(&["config", "check", "--lang", "ko"]);
    assert_eq!(did.exit, Exit::Usage);
    for part in ["문제가 3개", "NEXUS_BIND", "MAX_RETRIES", "NEXUS_URL"] {
        assert!(did.err.contains(part), "{part} is missing in\n{}", did.err);
    }
    assert!(user.types(&["config", "docs"]).out.starts_with("# Settings"));
    assert!(user.types(&["config", "docs", "--example"]).out.contains("# LLM_REQUIRED=true"));
}

#[test]
fn a_first_run_makes_keys_and_a_second_keeps_them() {
    // An address that is taken: the server gets no further than its keys.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let new = || User::new("http://127.0.0.1:1").env("NEXUS_BIND", Some(&bind));
    let user = new().env("NEXUS_API_KEY", None).env("ADMIN_API_KEY", None);
    let first = user.types(&["serve"]);
    assert!(first.err.contains("keys.env"), "{}", first.err);
    let file = user.home.path().join("data/keys.env");
    let keys = std::fs::read_to_string(&file).unwrap();
    assert!(!first.err.contains("nxs_adm_"), "{}", first.err);
    let second = user.types(&["serve"]);
    assert!(!second.err.contains("NEXUS_API_KEY and"), "{}", second.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), keys);

    let closed = new().env("NEXUS_API_KEY", Some("")).env("ADMIN_API_KEY", None);
    closed.types(&["serve"]);
    assert!(!closed.home.path().join("data/keys.env").exists(), "a closed door is a decision");
}

#[test]
fn small_verbs() {
    let user = User::new("http://127.0.0.1:1");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let did = user.types(&["completions", shell]);
        assert!(did.exit == Exit::Ok && did.out.contains("nexus"), "{shell}");
    }
    assert!(user.types(&["version"]).out.starts_with("nexus "));
    assert_eq!(user.types(&[]).exit, Exit::Usage);
    assert_eq!(user.types(&["--help"]).exit, Exit::Ok);
    assert_eq!(user.types(&["approve"]).exit, Exit::Usage);
    for bad in [
        &["audit", "verify", "--tenant", "x"][..],
        &["audit", "verify", "--tenant", "a:b", "--expect", "1:z"],
    ] {
        assert_eq!(user.types(bad).exit, Exit::Usage, "{bad:?}");
    }
}

#[test]
fn plain_http_to_another_machine_is_warned_about() {
    let user = User::new("http://nexus.invalid:8000");
    assert!(user.types(&["asks"]).err.contains("plain HTTP"));
}

#[test]
fn a_runbook_is_read_without_a_server() {
    let user = User::new("http://127.0.0.1:1").env("NEXUS_API_KEY", None);
    let list = user.types(&["runbook"]);
    assert_eq!(list.exit, Exit::Ok);
    assert!(list.out.contains("EFFECT_UNKNOWN") && list.out.contains("held"), "{}", list.out);
    let korean = user.types(&["runbook", "effect_unknown", "--lang", "ko"]);
    assert!(korean.out.starts_with("# EFFECT_UNKNOWN: 전송되었는지"), "{}", korean.out);
    let json = user.types(&["runbook", "INTERNAL_ERROR", "--json"]);
    let line: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&line["retryable"], &line["triage"]), (&true.into(), &"dead".into()));
    assert!(line["text"].as_str().unwrap().starts_with("# INTERNAL_ERROR: "));
    assert_eq!(user.types(&["runbook", "--json"]).out.lines().count(), 23);
    let wrong = user.types(&["runbook", "NO_SUCH_CODE"]);
    assert_eq!(wrong.exit, Exit::Usage);
    assert!(wrong.err.contains("PROVIDER_TIMEOUT"), "{}", wrong.err);
}

#[test]
fn a_failed_task_names_its_runbook() {
    let server = Fake::new(|_, _| {
        let mut failed = task("dead");
        failed["failure_code"] = "STORAGE_ERROR".into();
        Reply::Json(200, failed)
    });
    let user = User::of(&server);
    let shown = user.types(&["task", "show", "tsk_1"]);
    assert!(shown.err.contains("nexus runbook STORAGE_ERROR"), "{}", shown.err);
    assert!(!user.types(&["task", "show", "tsk_1", "--json"]).err.contains("runbook"));
}
