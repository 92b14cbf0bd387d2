//! `nexus agent check`: nothing is wrong with the sample agents, and what is wrong with others is found.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod support;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::sample::{Language, Program};
use support::{Did, Terminal, repository};

/// Checks what a command starts, or what the test starts itself; the long task takes two leases.
fn checking(more: &[&str], agent: &[&str], environment: &[(&str, &str)]) -> Terminal {
    let long = format!("{{\"text\": \"{}\"}}", "word ".repeat(40));
    let mut command = Command::new(env!("CARGO_BIN_EXE_nexus"));
    command
        .args(["agent", "check", "--type", "text.word_count", "--params", r#"{"text": "하나 둘"}"#])
        .args(["--long-params", &long, "--lease", "1", "--timeout", "12"])
        .args(more)
        .arg("--")
        .args(agent)
        .env("SECONDS_PER_WORD", "0.05")
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    Terminal::run(command)
}

fn check(more: &[&str], agent: &[&str], environment: &[(&str, &str)]) -> Did {
    checking(more, agent, environment).end()
}

/// A wrong agent, and the checks by what came of them: wrong, not seen.
fn wrong(faults: &str) -> (i32, BTreeSet<String>, BTreeSet<String>) {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wrong_agent.py");
    let sample = repository().join("examples/agents/python");
    let environment = [
        ("WRONG", faults),
        ("PYTHONPATH", sample.to_str().unwrap()),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ];
    let did = check(&["--json"], &["python3", here], &environment);
    let lines = did.json();
    let named = |ok: &Value| -> BTreeSet<String> {
        let lines = lines.iter().filter(|line| line["event"] == "check" && line["ok"] == *ok);
        lines.map(|line| line["check"].as_str().unwrap().to_owned()).collect()
    };
    let (failed, skipped) = (named(&Value::Bool(false)), named(&Value::Null));
    let last = lines.last().unwrap();
    assert_eq!(last["failed"], failed.len(), "{last}");
    for line in lines.iter().filter(|line| line["ok"] == false) {
        let says = |name: &str| !line[name].as_str().unwrap().is_empty();
        assert!(says("seen") && says("advice"), "{line}");
    }
    (did.code, failed, skipped)
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn nothing_is_wrong(language: Language, lang: &str) {
    let program = Program::sample(language);
    let [runner, entry] = program.line();
    let did = check(&["--lang", lang], &[&runner, &entry], &[]);
    assert_eq!(did.code, 0, "{}{}", did.out, did.err);
    assert_eq!(did.out.matches('✓').count(), 16, "{}", did.out);
    assert!(!did.out.contains('✗'), "{}", did.out);
}

#[test]
fn the_sample_in_python_is_right() {
    nothing_is_wrong(Language::Python, "en");
}

#[test]
fn the_sample_in_typescript_is_right() {
    nothing_is_wrong(Language::TypeScript, "ko");
}

#[test]
fn an_agent_that_its_author_starts_is_checked_too() {
    let mut check = checking(&["--unsigned"], &[], &[]);
    let mut given = Vec::new();
    for name in ["NEXUS_URL", "NEXUS_AGENT_KEY", "CALLBACK_SIGNATURE_SECRET"] {
        let line = check.line(&[name]);
        let (_, value) = line.split_once('=').unwrap();
        given.push((name, value.to_owned()));
    }
    let mut environment: Vec<_> = given.iter().map(|(n, v)| (*n, v.as_str())).collect();
    environment.push(("SECONDS_PER_WORD", "0.05"));
    let agent = Program::sample(Language::Python).start(&environment);
    let did = check.end();
    // It is not the check's to end.
    assert!(did.code == 0 && did.out.contains("14 passed, 0 failed, 2 not seen"), "{did:?}");
    assert!(did.out.contains("- signs callbacks") && did.out.contains("- ends on SIGTERM"));
    drop(agent);
}

#[test]
fn the_supervisor_is_played_where_the_agent_reaches_it() {
    let mut check = checking(&["--url", "http://localhost:0"], &[], &[]);
    let told = check.line(&["NEXUS_URL"]);
    let (host, port) = told.rsplit_once(':').unwrap();
    assert!(host.ends_with("http://localhost") && port.trim() != "0", "{told}");
    let did = self::check(&["--url", told.split_once('=').unwrap().1.trim()], &[], &[]);
    assert!(did.code == 2 && did.err.contains("cannot listen at localhost:"), "{did:?}");
    for url in ["https://localhost:0", "http://localhost:0/nexus", "localhost"] {
        let did = self::check(&["--url", url], &[], &[]);
        assert!(did.code == 2 && did.err.contains("http://HOST:PORT"), "{did:?}");
    }
}

#[test]
fn an_agent_that_does_not_listen_is_found_out() {
    let (code, failed, skipped) = wrong("hasty impatient trusting careless stubborn immortal");
    let expected =
        ["long_poll", "repeat_503", "repeat_lost", "stale_attempt", "digest", "cancel", "sigterm"];
    assert_eq!((code, failed, skipped), (1, set(&expected), set(&[])));
}

#[test]
fn an_agent_that_speaks_badly_is_found_out() {
    let (code, failed, skipped) = wrong("sloppy tokenless monotonous deaf fragile");
    let expected = ["callback_schema", "attempt_token", "signature", "heartbeat", "server_away"];
    // Without heartbeats nobody hears of a cancel, and who is gone cannot be ended.
    assert_eq!((code, failed, skipped), (1, set(&expected), set(&["cancel", "sigterm"])));
}

#[test]
fn an_agent_that_knows_its_envelope_by_heart_is_found_out() {
    let (code, failed, _) = wrong("picky");
    assert_eq!((code, failed), (1, set(&["unknown_fields", "approved", "server_away"])));
}

#[test]
fn an_agent_that_says_too_much_is_found_out() {
    let (code, failed, _) = wrong("huge");
    let expected = ["result_size", "unknown_fields", "approved", "server_away"];
    assert_eq!((code, failed), (1, set(&expected)));
}

#[test]
fn an_agent_that_does_not_even_start_is_found_out() {
    let (code, failed, skipped) = wrong("stillborn");
    assert_eq!((code, failed, skipped.len()), (1, set(&["claim"]), 15));
    let did = check(&[], &["/nope/agent"], &[]);
    assert!(did.code == 2 && did.err.contains("/nope/agent"), "{did:?}");
}
