//! The sample agents against a real server: they work, they are replaced when they die, they stop when
//! they are told to, they sign, they compute digests, they wait for a server that is away.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::sample::{Language, Program};
use support::{Server, Terminal, repository};

const TYPE: &str = "text.word_count";

/// A server that knows the sample's type, a key for its agents, and the agent.
struct World {
    server: Server,
    key: String,
    program: Program,
}

impl World {
    async fn start(language: Language, more: &[(&str, &str)]) -> Self {
        let short = [("TASK_LOCK_TTL_SECONDS", "2"), ("RETRY_DELAYS_SECONDS", "1,1,1")];
        let server = Server::start(&[&short, more].concat()).await;
        let file = repository().join("examples/agents/python/word_count.json");
        let description = format!("@{}", file.display());
        let put = server.does(&["types", "put", TYPE, &description, "--yes"]);
        assert!(put.code == 0 && put.out.contains("registered text.word_count GREEN"), "{put:?}");
        let key =
            server.does(&["key", "create", "--kind", "agent", "--title", "words", "--type", TYPE]);
        assert_eq!(key.code, 0, "{}", key.err);
        Self { server, key: key.out.trim().to_owned(), program: Program::sample(language) }
    }

    /// Starts an agent of this name, so slow for each word.
    fn agent(&self, name: &str, slowly: &str) -> Terminal {
        self.agent_with(name, slowly, "")
    }

    fn agent_with(&self, name: &str, slowly: &str, secret: &str) -> Terminal {
        self.program.start(&[
            ("NEXUS_URL", &self.server.url),
            ("NEXUS_AGENT_KEY", &self.key),
            ("AGENT_NAME", name),
            ("SECONDS_PER_WORD", slowly),
            ("CALLBACK_SIGNATURE_SECRET", secret),
        ])
    }

    fn task(&self, task_id: &str) -> Value {
        self.server.json(&["task", "show", task_id]).remove(0)
    }
}

fn task_id(accepted: &str) -> String {
    accepted.split_whitespace().nth(1).unwrap_or_else(|| panic!("{accepted}")).to_owned()
}

async fn it_counts_words(language: Language) {
    let world = World::start(language, &[]).await;
    let _agent = world.agent("counter", "0");
    let text = "text=하나 둘 둘 셋 셋 셋 a b c d e f g";
    let sent = world.server.does(&["send", TYPE, text, "--json"]);
    assert_eq!(sent.code, 0, "{}{}", sent.out, sent.err);
    assert!(sent.out.contains("10 of 13 words"), "{}", sent.out);
    let result = json!({
        "words": 13, "different": 10, "most_common": [["셋", 3], ["둘", 2], ["하나", 1]],
    });
    assert_eq!(sent.json().last().unwrap()["task"]["result"], result);

    let second = world.server.does(&["send", TYPE, "text=one"]);
    assert!(second.code == 0 && second.out.contains("\"words\": 1"), "{second:?}");
    let refused = world.server.does(&["send", TYPE, "text="]);
    assert!(refused.code == 4 && refused.err.contains("/params/text"), "{refused:?}");
}

async fn when_it_dies_another_finishes(language: Language) {
    let world = World::start(language, &[]).await;
    let mut first = world.agent("first", "0.3");
    let text = format!("text={}", "word ".repeat(100));
    let mut sending = world.server.types(&["send", TYPE, &text]);
    let id = task_id(&sending.line(&["accepted"]));
    // Longer than a claim holds by itself: the heartbeats keep it.
    sending.line(&["10 of 100 words"]);
    assert_eq!(world.task(&id)["attempt"], 1);
    first.kill();

    let _second = world.agent("second", "0");
    let ended = sending.end();
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("attempt 2 begins"), "{}", ended.out);
    let task = world.task(&id);
    assert_eq!(task["result"]["words"], 100);
    let attempts = task["attempts"].as_array().unwrap();
    let how = |n: usize, name: &str| attempts[n][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(attempts.len(), 2, "{task:#}");
    assert_eq!((how(0, "agent"), how(0, "failure_code")), ("first".into(), "AGENT_TIMEOUT".into()));
    assert_eq!((how(1, "agent"), how(1, "outcome")), ("second".into(), "succeeded".into()));
}

async fn it_stops_when_it_is_told_to(language: Language) {
    let world = World::start(language, &[]).await;
    let _agent = world.agent("counter", "0.1");
    let text = format!("text={}", "word ".repeat(1_000));
    let mut sending = world.server.types(&["send", TYPE, &text]);
    let id = task_id(&sending.line(&["accepted"]));
    sending.line(&["10 of 1000 words"]);
    assert_eq!(world.server.does(&["task", "cancel", &id]).code, 0);
    let ended = sending.end();
    assert_eq!(ended.code, 7, "{}{}", ended.out, ended.err);
    // It is there for the next one.
    assert_eq!(world.server.does(&["send", TYPE, "text=one"]).code, 0);
}

async fn it_signs_and_performs_what_was_approved(language: Language) {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let world = World::start(language, &[("CALLBACK_SIGNATURE_SECRET", secret)]).await;
    let any = r#"{"params_schema": {"type": "object"}, "risk": "RED"}"#;
    assert_eq!(world.server.does(&["types", "put", TYPE, any, "--yes"]).code, 0);
    let unsigned = world.agent("unsigned", "0");
    // Everything that canonical JSON writes in a way of its own.
    let params = r#"{"text": "one two", "\ud83d\ude00": "\u0007\u007f<\"\\/>\t", "\ufb33": null, "é": true,
        "numbers": [0, -0.0, 1.0, 1e2, 1e-7, 0.000001, 1.25e-300, -12.5, 0.1, 4503599627370495.5,
        333333333.33333329, 9007199254740991, 5e-324, 100], "B": {"b": [], "a": {}}}"#;
    let mut sending = world.server.types(&["send", TYPE, "--params", params, "--timeout", "25"]);
    let id = task_id(&sending.line(&["accepted"]));
    let asked = sending.line(&["ask_", "pending"]);
    let ask = asked.split_whitespace().find(|word| word.starts_with("ask_")).unwrap().to_owned();
    let approved = world.server.does(&["approve", &ask, "--yes"]);
    assert_eq!(approved.code, 0, "{approved:?}");
    unsigned.says("bad_signature");
    drop(unsigned);
    // It claimed a RED task and was not heard of again, so the task waits for a person.
    let held = sending.end();
    assert!(held.code == 8 && held.out.contains("EFFECT_UNKNOWN"), "{held:?}");
    assert_eq!(world.task(&id)["status"], "held");

    let _signing = world.agent_with("signing", "0", secret);
    let mut sending = world.server.types(&["send", TYPE, "--params", params, "--timeout", "25"]);
    let asked = sending.line(&["ask_", "pending"]);
    let ask = asked.split_whitespace().find(|word| word.starts_with("ask_")).unwrap().to_owned();
    assert_eq!(world.server.does(&["approve", &ask, "--yes"]).code, 0);
    let done = sending.end();
    assert!(done.code == 0 && done.out.contains("\"words\": 2"), "{done:?}");
}

async fn it_waits_for_a_server_that_is_away(language: Language) {
    let mut world = World::start(language, &[]).await;
    world.server.stop().await;
    let mut agent = world.agent("patient", "0");
    world.server.start_again().await;
    assert_eq!(world.server.does(&["send", TYPE, "text=one"]).code, 0);
    // It waits for work now, for up to 20 s, and a shutdown does not wait with it.
    let began = Instant::now();
    world.server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    world.server.start_again().await;
    assert_eq!(world.server.does(&["send", TYPE, "text=one"]).code, 0);
    assert!(agent.running(), "{}", agent.err());
}

/// Each test for each language.
macro_rules! in_every_language {
    ($($test:ident),*) => {
        mod python {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(super::Language::Python).await;
            }
        )*}
        mod typescript {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(super::Language::TypeScript).await;
            }
        )*}
    };
}

in_every_language!(
    it_counts_words,
    when_it_dies_another_finishes,
    it_stops_when_it_is_told_to,
    it_signs_and_performs_what_was_approved,
    it_waits_for_a_server_that_is_away
);
