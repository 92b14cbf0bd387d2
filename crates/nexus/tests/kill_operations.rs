//! Kills the real server while bulk operations are on their way: every operation that it accepted ends,
//! every task is requeued as often as operations say, and what is purged is purged once.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod process;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use process::{ADMIN_KEY, Home, Http, PATIENCE, SERVICE_KEY, Server, nexus};
use serde_json::{Value, json};

/// Tasks that fail: more than an operation finishes before it answers.
const TASKS: usize = 130;

/// Lives of the server while tasks are requeued, and while they are purged.
const REQUEUES: usize = 7;
const PURGES: usize = 3;

const SETTINGS: [(&str, &str); 4] = [
    ("RETRY_DELAYS_SECONDS", "1"),
    ("MAX_RETRIES", "20"),
    ("DLQ_RED_ABOVE", "1000"),
    ("DLQ_PER_SECOND", "90"),
];

fn get(address: SocketAddr, path: &str) -> Value {
    let mut http = Http::connect(address).unwrap();
    let (status, body) = http.call("GET", path, ADMIN_KEY, "", None).unwrap();
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn pages(address: SocketAddr, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(address, &format!("{path}limit=200{cursor}"));
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// Sends a command that fails for good: there is no such file.
fn fail(http: &mut Http, number: usize) {
    let params = json!({"path": format!("{number}.txt")});
    let body = json!({"command_type": "file.read", "params": params}).to_string();
    let (status, answer) =
        http.call("POST", "/sidecar/command", SERVICE_KEY, "", Some(&body)).unwrap();
    assert_eq!(status, 202, "{answer}");
}

/// Waits until so many tasks are dead and none is on its way.
fn quiet(address: SocketAddr, dead: usize, server: &Server) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let tasks = pages(address, "/tasks?");
        let over = tasks.iter().filter(|task| task["status"] == "dead").count();
        if over == dead && tasks.len() == dead {
            return tasks;
        }
        assert!(started.elapsed() < PATIENCE, "{over} of {dead} are dead\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until every operation has ended.
fn ended(address: SocketAddr, server: &Server) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let operations = pages(address, "/operations?");
        let Some(open) = operations.iter().find(|op| op["status"] != "done") else {
            return operations;
        };
        assert!(started.elapsed() < PATIENCE, "still open: {open}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Asks for something while the server is killed a moment later; whether it was heard does not matter.
fn ask_and_kill(server: &mut Server, path: &'static str, after: Duration) {
    let address = server.ready();
    let asking = std::thread::spawn(move || {
        let mut http = Http::connect(address).ok()?;
        http.call("POST", path, ADMIN_KEY, "", Some(r#"{"all":true}"#)).ok()
    });
    std::thread::sleep(after);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    if let Some((status, answer)) = asking.join().unwrap() {
        assert_eq!(status, 202, "{answer}");
    }
}

#[test]
fn a_killed_server_neither_loses_nor_doubles_a_task_of_an_operation() {
    let mut seed = [0; REQUEUES + PURGES];
    getrandom::fill(&mut seed).unwrap();
    let moment = |n: usize| Duration::from_millis(20 + 5 * u64::from(seed[n]));
    let dir = Home::new();
    let mut server = Server::spawn(dir.path(), 0, &SETTINGS);
    let address = server.ready();
    let mut http = Http::connect(address).unwrap();
    (0..TASKS).for_each(|number| fail(&mut http, number));
    quiet(address, TASKS, &server);

    for life in 0..REQUEUES {
        ask_and_kill(&mut server, "/dlq/requeue", moment(life));
        server = Server::spawn(dir.path(), life + 1, &SETTINGS);
    }
    let address = server.ready();
    let operations = ended(address, &server);
    let tasks = quiet(address, TASKS, &server);
    let mut requeued: HashMap<String, u64> = HashMap::new();
    for op in &operations {
        let id = op["operation_id"].as_str().unwrap();
        assert_eq!(op["done"], op["count"], "{op}");
        let changed = pages(address, &format!("/operations/{id}/items?outcome=changed&"));
        assert_eq!(op["changed"], changed.len(), "what it counts is what it did: {op}");
        for item in changed {
            *requeued.entry(item["task_id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    for task in &tasks {
        let id = task["task_id"].as_str().unwrap();
        let times = requeued.get(id).copied().unwrap_or_default();
        assert_eq!(task["run"], 1 + times, "as often as operations say: {task}");
    }
    let all: u64 = requeued.values().sum();
    assert!(all > 0, "no operation was accepted");

    for life in 0..PURGES {
        ask_and_kill(&mut server, "/dlq/purge", moment(REQUEUES + life));
        server = Server::spawn(dir.path(), REQUEUES + life + 1, &SETTINGS);
    }
    let address = server.ready();
    let mut http = Http::connect(address).unwrap();
    let all_of_them = Some(r#"{"all":true}"#);
    let (status, answer) = http.call("POST", "/dlq/purge", ADMIN_KEY, "", all_of_them).unwrap();
    assert_eq!(status, 202, "{answer}");
    let operations = ended(address, &server);
    assert_eq!(pages(address, "/tasks?"), Vec::<Value>::new());
    let purges = operations.iter().filter(|op| op["action"] == "purge");
    let purged: u64 = purges.map(|op| op["changed"].as_u64().unwrap()).sum();
    assert_eq!(purged, TASKS as u64, "each once");
    let verified = nexus(dir.path()).args(["audit", "verify"]).output().unwrap();
    assert!(verified.status.success(), "audit verify: {verified:?}");
    eprintln!("{} kills, {} operations, {all} requeued", REQUEUES + PURGES, operations.len());
    server.stop();
}
