//! Those who send, call off, approve, deny and requeue.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{ADMIN_KEY, SERVICE_KEY};
use crate::{Chance, OUTSIDE, PLAIN, World};

/// Sends commands, some twice, and calls some off.
pub fn client(world: &World, mut chance: Chance, number: u64) {
    let mut sent: Vec<(String, String, String)> = Vec::new();
    while world.sending.load(Ordering::Acquire) {
        let key = format!("c{number}-{}", sent.len());
        let name = if chance.once_in(5) { OUTSIDE } else { PLAIN };
        let mut body = json!({"command_type": name, "params": {}, "correlation_id": key});
        if chance.once_in(8) {
            body["deadline_seconds"] = json!(1 + chance.below(4));
        }
        if chance.once_in(6) {
            body["priority"] = json!(chance.below(10));
        }
        let body = body.to_string();
        let task_id = send(world, &key, &body);
        world.acknowledged.lock().unwrap().insert(key.clone(), task_id.clone());
        sent.push((key, body, task_id));
        let some = usize::try_from(chance.below(sent.len() as u64)).unwrap();
        let (key, body, first) = &sent[some];
        if chance.once_in(15) {
            let second = send(world, key, body);
            if second != *first {
                world.wrong(format!("{key} became {first} and, sent again, {second}"));
            }
        }
        if chance.once_in(12) {
            let path = format!("/tasks/{first}/cancel");
            let (status, answer) = world.ask("POST", &path, SERVICE_KEY, "", "{}");
            if !matches!(status, 202 | 409) {
                world.wrong(format!("a cancellation was answered with {status} {answer}"));
            }
        }
        // About as much as the agents get done, slow as some of them are.
        std::thread::sleep(Duration::from_millis(40));
    }
}

fn send(world: &World, key: &str, body: &str) -> String {
    let once = format!("idempotency-key: {key}\r\n");
    let (status, answer) = world.ask("POST", "/sidecar/command", SERVICE_KEY, &once, body);
    if status != 202 {
        world.wrong(format!("{key} was answered with {status} {answer}"));
        return String::new();
    }
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer["task_id"].as_str().unwrap().to_owned()
}

/// Says yes to most asks.
pub fn approver(world: &World, mut chance: Chance, _: u64) {
    while world.working.load(Ordering::Acquire) {
        let Some(mut http) = world.server.connect() else { continue };
        let path = "/approvals?status=pending&limit=200";
        let Ok((200, pending)) = http.call("GET", path, ADMIN_KEY, "", None) else { continue };
        let pending: Value = serde_json::from_str(&pending).unwrap();
        if chance.once_in(10) && !world.calm.load(Ordering::Acquire) {
            requeue(world, &mut chance);
        }
        for ask in pending["items"].as_array().unwrap() {
            let decision = if chance.once_in(6) { "deny" } else { "approve" };
            let body = json!({"decision": decision, "digest": ask["digest"]}).to_string();
            let path = format!("/approvals/{}/decide", ask["ask_id"].as_str().unwrap());
            let (status, answer) = world.ask("POST", &path, ADMIN_KEY, "", &body);
            if !matches!(status, 202 | 409) {
                world.wrong(format!("a decision was answered with {status} {answer}"));
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a dead letter back to work.
fn requeue(world: &World, chance: &mut Chance) {
    let (status, dead) = world.ask("GET", "/dlq/peek?limit=50", ADMIN_KEY, "", "");
    if status != 200 {
        return world.wrong(format!("dead letters were answered with {status} {dead}"));
    }
    let dead: Value = serde_json::from_str(&dead).unwrap();
    let dead = dead["items"].as_array().unwrap();
    if dead.is_empty() {
        return;
    }
    let one = &dead[usize::try_from(chance.below(dead.len() as u64)).unwrap()];
    let task_id = one["task_id"].as_str().unwrap();
    // Before it is asked for: it may be done although nobody hears of it.
    *world.requeued.lock().unwrap().entry(task_id.to_owned()).or_default() += 1;
    let body = json!({"ids": [task_id]}).to_string();
    let (status, answer) = world.ask("POST", "/dlq/requeue", ADMIN_KEY, "", &body);
    if !matches!(status, 202 | 409) {
        world.wrong(format!("a requeue was answered with {status} {answer}"));
    }
}
