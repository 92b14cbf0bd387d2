//! The disk is full for a while, under the real server and in the middle of its load: what was
//! acknowledged stays, the rest is refused by name, who reads goes on reading, and when there is room
//! again the same process goes on by itself.
//!
//! No file of the process may grow past a limit (`RLIMIT_FSIZE`), which needs no privilege and fills
//! "the disk" at a moment that the test chooses. Its log file is under the limit too.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod process;
mod stream;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use process::{Http, PATIENCE, Place, SERVICE_KEY, Server, nexus};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use stream::{Follower, Log};

const CLIENTS: usize = 8;

/// Bytes that a file may have while the disk is full.
const FULL: u64 = 16 << 10;

/// What the threads share.
struct World {
    server: Place,
    sending: AtomicBool,
    /// The tasks of the commands that were acknowledged.
    acknowledged: Mutex<Vec<String>>,
    /// How often each client was told that the disk is full, and how often it was accepted since.
    refused: Vec<AtomicUsize>,
    accepted: Vec<AtomicUsize>,
    /// What no server should ever say.
    wrong: Mutex<Vec<String>>,
}

impl World {
    fn wait_until(&self, server: &Server, what: &str, is: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is(self) {
            let late = started.elapsed() > PATIENCE;
            assert!(!late, "{what}: {:?}\n{}", self.wrong.lock().unwrap(), server.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Sends one command after the other on one connection, which must never break.
fn client(world: &World, number: usize) {
    let address = world.server.get().unwrap();
    let mut http = Http::connect(address).unwrap();
    let command = json!({"command_type": "file.list", "params": {}}).to_string();
    while world.sending.load(Ordering::Acquire) {
        match http.call("POST", "/sidecar/command", SERVICE_KEY, "", Some(&command)) {
            Ok((202, answer)) => {
                let answer: Value = serde_json::from_str(&answer).unwrap();
                let task_id = answer["task_id"].as_str().unwrap().to_owned();
                world.acknowledged.lock().unwrap().push(task_id);
                world.accepted[number].fetch_add(1, Ordering::SeqCst);
            }
            Ok((503, answer)) if answer.contains("\"storage_full\"") => {
                world.accepted[number].store(0, Ordering::SeqCst);
                world.refused[number].fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(10));
            }
            other => world.wrong.lock().unwrap().push(format!("{other:?}")),
        }
    }
}

fn limit(server: &Server, bytes: Option<u64>) {
    let pid = Pid::from_child(&server.child);
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

fn get(http: &mut Http, path: &str) -> Value {
    let (status, body) = http.call("GET", path, SERVICE_KEY, "", None).unwrap();
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn a_full_disk_refuses_what_it_cannot_keep_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    // Without this the kernel ends a process that writes past its limit.
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" serve"]);
    let mut server = Server::spawn_as(shell, dir.path(), 0, &[("STREAM_EVENT_KEEP", "1000000")]);
    let address = server.ready();
    let world = Arc::new(World {
        server: Place::default(),
        sending: AtomicBool::new(true),
        acknowledged: Mutex::default(),
        refused: (0..CLIENTS).map(|_| AtomicUsize::new(0)).collect(),
        accepted: (0..CLIENTS).map(|_| AtomicUsize::new(0)).collect(),
        wrong: Mutex::default(),
    });
    world.server.set(Some(address));
    let beginning = Log::now(address);
    let follower = Follower::start(world.clone(), beginning.clone());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let world = world.clone();
            std::thread::spawn(move || client(&world, number))
        })
        .collect();
    let all = |counts: &[AtomicUsize], least: usize| {
        counts.iter().all(|count| count.load(Ordering::SeqCst) >= least)
    };

    for _ in 0..2 {
        world.wait_until(&server, "commands are accepted", |world| all(&world.accepted, 20));
        world.refused.iter().for_each(|count| count.store(0, Ordering::SeqCst));
        limit(&server, Some(FULL));
        world.wait_until(&server, "commands are refused", |world| all(&world.refused, 5));
        // Who reads notices nothing.
        let mut http = Http::connect(address).unwrap();
        let some = world.acknowledged.lock().unwrap().last().cloned().unwrap();
        get(&mut http, &format!("/tasks/{some}"));
        get(&mut http, "/tasks?limit=10");
        assert_eq!(Log::now(address).epoch, beginning.epoch);
        limit(&server, None);
    }
    world.wait_until(&server, "commands are accepted again", |world| all(&world.accepted, 20));
    world.sending.store(false, Ordering::Release);
    for client in clients {
        client.join().unwrap();
    }

    // Every command that was acknowledged is there and is performed, and the log has no hole.
    let mut http = Http::connect(address).unwrap();
    for task_id in world.acknowledged.lock().unwrap().iter() {
        let started = Instant::now();
        while get(&mut http, &format!("/tasks/{task_id}"))["status"] != "succeeded" {
            assert!(started.elapsed() < PATIENCE, "{task_id}\n{}", server.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let end = Log::now(address);
    let followed: BTreeMap<u64, Value> = follower.stop_at(&end);
    assert_eq!(followed, stream::read_again(address, &beginning, &end));
    assert!(followed.keys().copied().eq(beginning.number + 1..=end.number), "a hole");
    assert_eq!(*world.wrong.lock().unwrap(), Vec::<String>::new());
    server.stop();
    let verified = nexus(dir.path()).args(["audit", "verify"]).output().unwrap();
    assert!(verified.status.success(), "audit verify: {verified:?}");
}
