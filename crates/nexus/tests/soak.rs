//! Everything that goes wrong with tasks, at once and at random, for a while: the server is killed,
//! agents die with their tasks, are slow, say things twice or too late, fail for now or for good;
//! people approve, deny, call off and requeue, and some tasks have deadlines that they miss. At the end, with
//! everything quiet: every accepted task is in exactly one terminal state, what was done outside was
//! done at most once for each idempotency key, the boxes hold what they count, and the report log
//! tells the same story.
//!
//! A few seconds in the ordinary run; `SOAK_SECONDS=1800` makes it long. Everything random comes from a
//! seed, which is printed; `SOAK_SEED` repeats its choices, though not the machine's timing.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod chaos;
mod process;
mod soaking;
mod stream;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chaos::{Chance, number, seed};
use process::{ADMIN_KEY, Home, Http, PATIENCE, Place, SERVICE_KEY, Server, nexus};
use serde_json::{Value, json};
use soaking::agent;
use soaking::people;
use stream::Log;

/// A type that may be attempted again, and one that acts outside.
const PLAIN: &str = "soak.plain";
const OUTSIDE: &str = "soak.outside";

/// What the threads share: where the server is just now, and what was said and done.
#[derive(Default)]
struct World {
    server: Place,
    agent_key: String,
    sending: AtomicBool,
    working: AtomicBool,
    /// Agents do nothing wrong any more.
    calm: AtomicBool,
    /// Key of the command → the task that the server named for it.
    acknowledged: Mutex<BTreeMap<String, String>>,
    /// Task → how often it acted outside.
    effects: Mutex<HashMap<String, usize>>,
    /// Task → how often somebody asked to requeue it.
    requeued: Mutex<HashMap<String, usize>>,
    /// Task and attempt → ends of it that the server took, by their bytes.
    ends: Mutex<HashMap<(String, u64), HashSet<String>>>,
    /// What no server should ever say.
    wrong: Mutex<Vec<String>>,
}

impl World {
    fn wrong(&self, what: String) {
        self.wrong.lock().unwrap().push(what);
    }

    /// Asks until there is an answer that is not 503.
    fn ask(&self, method: &str, path: &str, key: &str, more: &str, body: &str) -> (u16, String) {
        let started = Instant::now();
        loop {
            assert!(started.elapsed() < PATIENCE, "no answer to {method} {path}");
            let Some(mut http) = self.server.connect() else { continue };
            match http.call(method, path, key, more, Some(body)) {
                Ok((503, _)) | Err(_) => std::thread::sleep(Duration::from_millis(5)),
                Ok(answer) => return answer,
            }
        }
    }
}

fn register(address: SocketAddr) -> String {
    let mut http = Http::connect(address).unwrap();
    for (name, risk) in [(PLAIN, "GREEN"), (OUTSIDE, "RED")] {
        let body = json!({"params_schema": {"type": "object"}, "risk": risk, "timeout_seconds": 3});
        let path = format!("/commands/types/{name}?confirm={name}");
        let put = http.call("PUT", &path, ADMIN_KEY, "", Some(&body.to_string())).unwrap();
        assert_eq!(put.0, 200, "{}", put.1);
    }
    let body = json!({"kind": "agent", "title": "soak", "types": [PLAIN, OUTSIDE]}).to_string();
    let (status, made) = http.call("POST", "/keys", ADMIN_KEY, "", Some(&body)).unwrap();
    assert_eq!(status, 201, "{made}");
    let made: Value = serde_json::from_str(&made).unwrap();
    made["key"].as_str().unwrap().to_owned()
}

#[test]
fn whatever_goes_wrong_every_task_ends_once() {
    let started = Instant::now();
    let seed = seed("SOAK_SEED");
    let time = Duration::from_secs(number("SOAK_SECONDS").unwrap_or(6));
    eprintln!("SOAK_SEED={seed}");
    let dir = Home::new();
    let settings = [
        ("RETRY_DELAYS_SECONDS", "0,1"),
        ("MAX_RETRIES", "3"),
        ("TASK_LOCK_TTL_SECONDS", "1"),
        ("TASK_CANCEL_GRACE_SECONDS", "1"),
        ("TASK_TYPE_CONCURRENCY", "soak.plain=24"),
        ("STREAM_EVENT_KEEP", "1000000"),
        ("STREAM_OPENS_PER_MINUTE", "1000"),
    ];
    let mut server = Server::spawn(dir.path(), 0, &settings);
    let address = server.ready();
    let world = Arc::new(World {
        agent_key: register(address),
        sending: AtomicBool::new(true),
        working: AtomicBool::new(true),
        ..World::default()
    });
    world.server.set(Some(address));
    let beginning = Log::now(address);
    let run = |what: fn(&World, Chance, u64), number: u64| {
        let world = world.clone();
        let chance = Chance(seed.wrapping_add(number));
        std::thread::spawn(move || what(&world, chance, number))
    };
    let clients: Vec<JoinHandle<()>> = (1..=2).map(|n| run(people::client, n)).collect();
    let workers: Vec<JoinHandle<()>> = (11..=16).map(|n| run(agent::work, n)).collect();
    let approver = run(people::approver, 20);

    let mut chance = Chance(seed);
    let mut lives = 1;
    while started.elapsed() < time {
        std::thread::sleep(Duration::from_millis(300 + chance.below(1_500)));
        world.server.set(None);
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        server = Server::spawn(dir.path(), lives, &settings);
        world.server.set(Some(server.ready()));
        lives += 1;
    }
    world.sending.store(false, Ordering::Release);
    for client in clients {
        client.join().unwrap();
    }
    world.calm.store(true, Ordering::Release);
    let address = server.ready();
    let tasks = quiet(address, &server);
    world.working.store(false, Ordering::Release);
    for thread in workers.into_iter().chain([approver]) {
        thread.join().unwrap();
    }
    let end = Log::now(address);
    let log = stream::read_again(address, &beginning, &end);
    check_tasks(&world, address, &tasks);
    check_log(&world, (&beginning, &end), &log, &tasks);
    check_boxes(address, &tasks);
    assert_eq!(*world.wrong.lock().unwrap(), Vec::<String>::new());
    server.stop();
    let verified = nexus(dir.path()).args(["audit", "verify"]).output().unwrap();
    assert!(verified.status.success(), "audit verify: {verified:?}");
    let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
    for task in tasks.values() {
        *statuses.entry(task["status"].as_str().unwrap()).or_default() += 1;
    }
    eprintln!(
        "{} kills, {} tasks {statuses:?}, {} reports, {:.1} s",
        lives - 1,
        tasks.len(),
        log.len(),
        started.elapsed().as_secs_f64()
    );
}

fn get(http: &mut Http, path: &str) -> Value {
    let (status, body) = http.call("GET", path, SERVICE_KEY, "", None).unwrap();
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

/// Every task of a listing.
fn list(http: &mut Http, query: &str) -> Vec<Value> {
    let mut tasks = Vec::new();
    let mut path = format!("/tasks?limit=200{query}");
    loop {
        let page = get(http, &path);
        tasks.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => path = format!("/tasks?limit=200{query}&cursor={next}"),
            None => return tasks,
        }
    }
}

/// What nothing more happens to by itself.
const OVER: [&str; 7] = ["succeeded", "dead", "held", "alarmed", "denied", "expired", "cancelled"];

/// Waits until nothing more happens by itself, and returns every task by its id.
fn quiet(address: SocketAddr, server: &Server) -> HashMap<String, Value> {
    let mut http = Http::connect(address).unwrap();
    let (mut moved, mut left) = (Instant::now(), usize::MAX);
    loop {
        let tasks = list(&mut http, "");
        let open: Vec<&Value> =
            tasks.iter().filter(|task| !OVER.contains(&task["status"].as_str().unwrap())).collect();
        if open.is_empty() {
            let by_id = tasks.into_iter().map(|t| (t["task_id"].as_str().unwrap().to_owned(), t));
            return by_id.collect();
        }
        if open.len() < left {
            (moved, left) = (Instant::now(), open.len());
        }
        assert!(moved.elapsed() < PATIENCE, "{left} stay open: {}\n{}", open[0], server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What was acknowledged is there once, ended once, and acted outside once at most.
fn check_tasks(world: &World, address: SocketAddr, tasks: &HashMap<String, Value>) {
    let acknowledged = world.acknowledged.lock().unwrap();
    let keys: HashMap<&str, &str> =
        tasks.iter().map(|(id, t)| (t["correlation_id"].as_str().unwrap(), id.as_str())).collect();
    assert_eq!((keys.len(), acknowledged.len()), (tasks.len(), tasks.len()));
    for (key, task_id) in acknowledged.iter() {
        assert_eq!(keys.get(key.as_str()), Some(&task_id.as_str()), "{key}");
    }
    let mut http = Http::connect(address).unwrap();
    let (effects, ends) = (world.effects.lock().unwrap(), world.ends.lock().unwrap());
    for (task_id, listed) in tasks {
        let task = get(&mut http, &format!("/tasks/{task_id}"));
        assert_eq!(task["status"], listed["status"]);
        let attempts = task["attempts"].as_array().unwrap();
        let runs = 1 + world.requeued.lock().unwrap().get(task_id).copied().unwrap_or(0);
        assert!(attempts.len() <= 4 * runs, "more attempts than retries allow: {task}");
        let numbers: HashSet<u64> =
            attempts.iter().map(|a| a["attempt"].as_u64().unwrap()).collect();
        assert_eq!(numbers.len(), attempts.len(), "an attempt ended twice: {task}");
        let acted = effects.get(task_id).copied().unwrap_or(0);
        assert!(acted <= 1, "{task_id} acted {acted} times: {task}");
        let is_outside = task["command_type"] == OUTSIDE;
        if is_outside && task["status"] == "succeeded" {
            assert_eq!(acted, 1, "{task}");
        }
        if matches!(task["status"].as_str().unwrap(), "denied" | "expired") {
            assert_eq!(acted, 0, "nobody said yes: {task}");
        }
        for (attempt, bytes) in ends.iter().filter(|((of, _), _)| of == task_id) {
            assert_eq!(bytes.len(), 1, "two ends of {attempt:?} were taken: {bytes:?}");
        }
        if task["status"] == "succeeded" {
            let last = (task_id.clone(), task["attempt"].as_u64().unwrap());
            let said = task["result"]["by"].as_str().unwrap();
            // Its answer may not have been heard, but no other end was.
            let others = ends.get(&last).is_some_and(|ends| !ends.contains(said));
            assert!(!others, "another end was taken: {task}");
        }
    }
}

/// The log has no hole, each task ends once in it, and its last word is how the task stands.
fn check_log(
    world: &World,
    (beginning, end): (&Log, &Log),
    log: &BTreeMap<u64, Value>,
    tasks: &HashMap<String, Value>,
) {
    let numbers: Vec<u64> = log.keys().copied().collect();
    let expected: Vec<u64> = (beginning.number + 1..=end.number).collect();
    assert_eq!(numbers, expected, "the log has a hole");
    let mut last: HashMap<&str, &Value> = HashMap::new();
    for change in log.values().flat_map(|report| report["changes"].as_array().unwrap()) {
        if change["collection"] != "tasks" || change["op"] != "upsert" {
            continue;
        }
        let (id, value) = (change["id"].as_str().unwrap(), &change["value"]);
        if let Some(before) = last.insert(id, value)
            && before["done"] == true
        {
            // What is held can still be called off, and a dead letter goes back to work when asked.
            let again = match before["status"].as_str().unwrap() {
                "held" => value["status"] == "cancelled",
                "dead" => world.requeued.lock().unwrap().contains_key(id),
                _ => false,
            };
            assert!(again, "{id} went on after its end: {before} then {value}");
        }
    }
    assert_eq!(last.len(), tasks.len());
    for (id, value) in last {
        let task = &tasks[id];
        for member in ["status", "attempt", "retry_count", "failure_code"] {
            assert_eq!(
                value.get(member),
                task.get(member).filter(|v| !v.is_null()),
                "{member} of {id}"
            );
        }
    }
}

/// Each task is in the list of its own status and in no other, and the gauges say as many.
fn check_boxes(address: SocketAddr, tasks: &HashMap<String, Value>) {
    let mut http = Http::connect(address).unwrap();
    let mut found = 0;
    let mut counts = HashMap::new();
    for status in OVER.iter().chain(&["queued", "running", "retrying", "waiting_approval"]) {
        let listed = list(&mut http, &format!("&status={status}"));
        for task in &listed {
            assert_eq!(tasks[task["task_id"].as_str().unwrap()]["status"], *status);
        }
        found += listed.len();
        counts.insert(*status, listed.len());
    }
    assert_eq!(found, tasks.len());
    let started = Instant::now();
    loop {
        let (_, metrics) = http.call("GET", "/metrics", ADMIN_KEY, "", None).unwrap();
        let gauge = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap().parse::<usize>().unwrap()
        };
        let same = gauge("nexus_dlq_size") == counts["dead"]
            && gauge("nexus_hold_size") == counts["held"]
            && gauge("nexus_alarm_size") == counts["alarmed"]
            && gauge("nexus_queue_depth") == 0;
        if same {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "the gauges do not say {counts:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
