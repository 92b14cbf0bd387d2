//! `nexus agent new`: what it writes works as it is written.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod support;

use support::sample::{Language, Program};
use support::{Did, Server};

const TYPE: &str = "text.word_count";

/// Follows the README of a starter.
async fn works(language: Language, lang: &str) {
    let name = if language == Language::Python { "python" } else { "typescript" };
    let server = Server::start(&[]).await;
    let written = server.does(&["agent", "new", name, "mine", "--lang", lang]);
    assert_eq!(written.code, 0, "{written:?}");
    let folder = server.home.path().join("mine");
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(!readme.contains('{') && readme.contains("nexus types put text.word_count @type.json"));

    let put = server.does(&["types", "put", TYPE, "@mine/type.json", "--yes"]);
    assert_eq!(put.code, 0, "{put:?}");
    let key = ["key", "create", "--kind", "agent", "--title", "my agent", "--type", TYPE];
    let key = server.does(&key);
    let program = Program::of(language, &folder, "agent");
    let _agent = program.start(&[("NEXUS_URL", &server.url), ("NEXUS_AGENT_KEY", key.out.trim())]);
    let sent = server.does(&["send", TYPE, "text=one two two"]);
    assert!(sent.code == 0 && sent.out.contains("\"words\": 3"), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_starter_in_python_works() {
    works(Language::Python, "en").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_starter_in_typescript_works() {
    works(Language::TypeScript, "ko").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_overwritten() {
    let server = Server::start(&[]).await;
    let new = |line: &[&str]| -> Did { server.does(&[&["agent", "new"], line].concat()) };
    let folder = server.home.path().join("nexus-agent");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("agent.py"), "mine").unwrap();
    let refused = new(&["python"]);
    assert!(refused.code == 2 && refused.err.contains("nexus-agent/agent.py"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(folder.join("agent.py")).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing at all was written");

    // Other files of the folder are nobody's business.
    let written = new(&["typescript", "nexus-agent", "--json"]);
    assert_eq!(written.code, 0, "{written:?}");
    assert!(written.json().iter().all(|line| line["event"] == "written"));
    assert_eq!(new(&["typescript"]).code, 2);
    assert_eq!(new(&["cobol"]).code, 2);
}
