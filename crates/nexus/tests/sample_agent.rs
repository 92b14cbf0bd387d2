//! The sample agent in Python against a real server: it works, it is replaced when it dies, it stops
//! when it is told to.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod support;

use std::process::Command;

use serde_json::{Value, json};
use support::{Server, Terminal, repository};

const TYPE: &str = "text.word_count";

/// A server that knows the sample's type, and a key for its agents.
async fn world() -> (Server, String) {
    let settings = [("TASK_LOCK_TTL_SECONDS", "2"), ("RETRY_DELAYS_SECONDS", "1,1,1")];
    let server = Server::start(&settings).await;
    let file = repository().join("examples/agents/python/word_count.json");
    let description = format!("@{}", file.display());
    let put = server.does(&["types", "put", TYPE, &description, "--yes"]);
    assert!(put.code == 0 && put.out.contains("registered text.word_count GREEN"), "{put:?}");
    let key =
        server.does(&["key", "create", "--kind", "agent", "--title", "words", "--type", TYPE]);
    assert_eq!(key.code, 0, "{}", key.err);
    (server, key.out.trim().to_owned())
}

/// Starts an agent of this name, so slow for each word.
fn agent(server: &Server, key: &str, name: &str, slowly: &str) -> Terminal {
    let mut command = Command::new("python3");
    command
        .arg(repository().join("examples/agents/python/word_count.py"))
        .env("NEXUS_URL", &server.url)
        .env("AGENT_KEY", key)
        .env("AGENT_NAME", name)
        .env("SECONDS_PER_WORD", slowly)
        .stdin(std::process::Stdio::null());
    Terminal::run(command)
}

fn task(server: &Server, task_id: &str) -> Value {
    server.json(&["task", "show", task_id]).remove(0)
}

fn task_id(accepted: &str) -> String {
    accepted.split_whitespace().nth(1).unwrap_or_else(|| panic!("{accepted}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_counts_words() {
    let (server, key) = world().await;
    let _agent = agent(&server, &key, "counter", "0");
    let text = "text=하나 둘 둘 셋 셋 셋 a b c d e f g";
    let sent = server.does(&["send", TYPE, text, "--json"]);
    assert_eq!(sent.code, 0, "{}{}", sent.out, sent.err);
    assert!(sent.out.contains("10 of 13 words"), "{}", sent.out);
    let result = json!({
        "words": 13, "different": 10, "most_common": [["셋", 3], ["둘", 2], ["하나", 1]],
    });
    assert_eq!(sent.json().last().unwrap()["task"]["result"], result);

    let second = server.does(&["send", TYPE, "text=one"]);
    assert!(second.code == 0 && second.out.contains("\"words\": 1"), "{second:?}");
    let refused = server.does(&["send", TYPE, "text="]);
    assert!(refused.code == 4 && refused.err.contains("/params/text"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn when_it_dies_another_finishes() {
    let (server, key) = world().await;
    let mut first = agent(&server, &key, "first", "0.3");
    let text = format!("text={}", "word ".repeat(100));
    let mut sending = server.types(&["send", TYPE, &text]);
    let id = task_id(&sending.line(&["accepted"]));
    // Longer than a claim holds by itself: the heartbeats keep it.
    sending.line(&["10 of 100 words"]);
    assert_eq!(task(&server, &id)["attempt"], 1);
    first.kill();

    let _second = agent(&server, &key, "second", "0");
    let ended = sending.end();
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("attempt 2 begins"), "{}", ended.out);
    let task = task(&server, &id);
    assert_eq!(task["result"]["words"], 100);
    let attempts = task["attempts"].as_array().unwrap();
    let how = |n: usize, name: &str| attempts[n][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(attempts.len(), 2, "{task:#}");
    assert_eq!((how(0, "agent"), how(0, "failure_code")), ("first".into(), "AGENT_TIMEOUT".into()));
    assert_eq!((how(1, "agent"), how(1, "outcome")), ("second".into(), "succeeded".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_stops_when_it_is_told_to() {
    let (server, key) = world().await;
    let _agent = agent(&server, &key, "counter", "0.1");
    let text = format!("text={}", "word ".repeat(1_000));
    let mut sending = server.types(&["send", TYPE, &text]);
    let id = task_id(&sending.line(&["accepted"]));
    sending.line(&["10 of 1000 words"]);
    assert_eq!(server.does(&["task", "cancel", &id]).code, 0);
    let ended = sending.end();
    assert_eq!(ended.code, 7, "{}{}", ended.out, ended.err);
    // It is there for the next one.
    assert_eq!(server.does(&["send", TYPE, "text=one"]).code, 0);
}
