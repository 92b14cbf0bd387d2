//! Kills the real server while runs of the autopilot are on their way: every message becomes one
//! run, every step one task, and every video is queued once.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod process;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use process::{Home, Http, PATIENCE, SERVICE_KEY, Server};
use serde_json::{Value, json};

const LIVES: usize = 8;
const MESSAGES: usize = 10;

/// Sends a message until it is answered; the same key is the same message.
fn say(http: &mut Http, number: usize) -> std::io::Result<()> {
    let text =
        format!("/youtube video{number:06}\n/file write {number}.txt x\n/파일 읽기 {number}.txt");
    let body = json!({"command_type": "chat.message", "params": {"text": text}}).to_string();
    let once = format!("idempotency-key: m{number}\r\n");
    let (status, answer) =
        http.call("POST", "/sidecar/command", SERVICE_KEY, &once, Some(&body))?;
    assert_eq!(status, 202, "{answer}");
    Ok(())
}

fn get(address: SocketAddr, path: &str) -> Value {
    let mut http = Http::connect(address).unwrap();
    let (status, body) = http.call("GET", path, SERVICE_KEY, "", None).unwrap();
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn tasks(address: SocketAddr, command_type: &str) -> Vec<Value> {
    let page = get(address, &format!("/tasks?type={command_type}&limit=200"));
    page["items"].as_array().unwrap().clone()
}

#[test]
fn a_killed_server_neither_loses_nor_doubles_a_step() {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    let dir = Home::new();
    let settings = [("RETRY_DELAYS_SECONDS", "1,1,1"), ("MAX_RETRIES", "20")];
    let mut server = Server::spawn(dir.path(), 0, &settings);
    for life in 1..=LIVES {
        let address = server.ready();
        for number in (life - 1) * MESSAGES..life * MESSAGES {
            let mut http = Http::connect(address).unwrap();
            say(&mut http, number).unwrap();
        }
        std::thread::sleep(Duration::from_millis(u64::from(seed[life - 1])));
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        server = Server::spawn(dir.path(), life, &settings);
    }
    let address = server.ready();
    let started = Instant::now();
    let all = LIVES * MESSAGES;
    // The last step of each run is the last thing that happens.
    let mut moved = (0, started);
    loop {
        let read = tasks(address, "file.read");
        let done = read.iter().filter(|task| task["status"] == "succeeded").count();
        if done >= all {
            break;
        }
        if done > moved.0 {
            moved = (done, Instant::now());
        }
        assert!(moved.1.elapsed() < PATIENCE, "{done} of {all} runs ended\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    for command_type in ["chat.message", "youtube.queue.add", "file.write", "file.read"] {
        let tasks = tasks(address, command_type);
        assert_eq!(tasks.len(), all, "each message has one {command_type}");
        assert!(tasks.iter().all(|task| task["status"] == "succeeded"));
        let correlations: BTreeSet<&str> =
            tasks.iter().map(|task| task["correlation_id"].as_str().unwrap()).collect();
        assert_eq!(correlations.len(), all);
    }
    let mut http = Http::connect(address).unwrap();
    let body = json!({"command_type": "youtube.queue.list", "params": {}}).to_string();
    http.call("POST", "/sidecar/command", SERVICE_KEY, "", Some(&body)).unwrap();
    let listed = loop {
        let listed = tasks(address, "youtube.queue.list").remove(0);
        if listed["status"] == "succeeded" {
            break get(address, &format!("/tasks/{}", listed["task_id"].as_str().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let queue = listed["result"]["queue"].as_array().unwrap();
    let mut videos: Vec<&str> =
        queue.iter().map(|item| item["video_id"].as_str().unwrap()).collect();
    videos.push(listed["result"]["now_playing"]["item"]["video_id"].as_str().unwrap());
    let distinct: BTreeSet<&str> = videos.iter().copied().collect();
    assert_eq!((videos.len(), distinct.len()), (all, all), "every video is queued once");
    eprintln!("{LIVES} kills, {all} runs, {:.1} s", started.elapsed().as_secs_f64());
    server.stop();
}
