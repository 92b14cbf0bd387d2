//! An agent of changing mood.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Chance, OUTSIDE, PLAIN, World};

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Succeeds,
    /// Says so twice, in the same bytes.
    SaysItTwice,
    FailsForNow,
    FailsForGood,
    /// Is never heard of again, before it has done anything or after.
    Dies,
    DiesAfterwards,
    /// Comes back when its claim has run out.
    IsLate,
    /// Keeps its claim beyond every deadline.
    NeverEnds,
}

impl Mood {
    fn of(chance: &mut Chance, calm: bool) -> Self {
        match chance.below(60) {
            _ if calm => Self::Succeeds,
            0..33 => Self::Succeeds,
            33..38 => Self::SaysItTwice,
            38..47 => Self::FailsForNow,
            47..50 => Self::FailsForGood,
            50..53 => Self::Dies,
            53..56 => Self::DiesAfterwards,
            56..59 => Self::IsLate,
            _ => Self::NeverEnds,
        }
    }
}

/// Claims and works until it is told to end.
pub fn work(world: &World, mut chance: Chance, number: u64) {
    while world.working.load(Ordering::Acquire) {
        let max = 1 + chance.below(8);
        let body = json!({"agent": format!("a{number}"), "types": [PLAIN, OUTSIDE], "max": max});
        let Some(mut http) = world.server.connect() else { continue };
        let claim =
            http.call("POST", "/agent/tasks/claim", &world.agent_key, "", Some(&body.to_string()));
        // A claim whose answer is lost is a worker that died: its leases run out.
        let Ok((200, claimed)) = claim else { continue };
        let claimed: Value = serde_json::from_str(&claimed).unwrap();
        let tasks = claimed["tasks"].as_array().unwrap().clone();
        if tasks.is_empty() {
            std::thread::sleep(Duration::from_millis(10));
        }
        for task in tasks {
            let mood = Mood::of(&mut chance, world.calm.load(Ordering::Acquire));
            attempt(world, &mut chance, &task, mood);
        }
    }
}

fn attempt(world: &World, chance: &mut Chance, task: &Value, mood: Mood) {
    let task_id = task["task_id"].as_str().unwrap().to_owned();
    // Those before it in the same claim may have taken long: whoever acts outside asks first.
    let outside = task["task_type"] == OUTSIDE;
    if outside && !beat(world, task) {
        return;
    }
    let acts = !matches!(mood, Mood::Dies | Mood::FailsForNow | Mood::FailsForGood);
    if outside && acts {
        *world.effects.lock().unwrap().entry(task_id).or_default() += 1;
    }
    let by = format!("{:x}", chance.below(u64::MAX));
    let done = json!({"status": "succeeded", "result": {"by": by}});
    let failed = |retryable: bool| {
        json!({"status": "failed", "error": {
            "failure_code": "AGENT_ERROR", "message": "on purpose", "retryable": retryable,
        }})
    };
    match mood {
        Mood::Succeeds => end(world, task, &by, done),
        Mood::SaysItTwice => {
            end(world, task, &by, done.clone());
            end(world, task, &by, done);
        }
        Mood::FailsForNow => end(world, task, &by, failed(true)),
        Mood::FailsForGood => end(world, task, &by, failed(false)),
        Mood::Dies | Mood::DiesAfterwards => {}
        Mood::IsLate => {
            std::thread::sleep(Duration::from_millis(1_100));
            end(world, task, &by, done);
        }
        Mood::NeverEnds => {
            // Longer than the type allows: the server ends it.
            for _ in 0..15 {
                if !beat(world, task) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(300));
            }
            world.wrong(format!("an attempt was kept beyond its deadline: {task}"));
        }
    }
}

/// Says how an attempt ended, until somebody answers.
fn end(world: &World, task: &Value, by: &str, mut body: Value) {
    for member in ["task_id", "attempt", "attempt_token"] {
        body[member] = task[member].clone();
    }
    body["agent"] = json!("soak");
    let (status, answer) =
        world.ask("POST", "/agent/callback", &world.agent_key, "", &body.to_string());
    match status {
        202 => {
            let attempt =
                (task["task_id"].as_str().unwrap().to_owned(), task["attempt"].as_u64().unwrap());
            world.ends.lock().unwrap().entry(attempt).or_default().insert(by.to_owned());
        }
        409 => {}
        _ => world.wrong(format!("an end was answered with {status} {answer}")),
    }
}

/// Beats the heart; says whether the attempt may go on.
fn beat(world: &World, task: &Value) -> bool {
    let path = format!("/agent/tasks/{}/heartbeat", task["task_id"].as_str().unwrap());
    let body = json!({"attempt": task["attempt"], "attempt_token": task["attempt_token"]});
    let (status, answer) = world.ask("POST", &path, &world.agent_key, "", &body.to_string());
    match status {
        200 => true,
        409 => false,
        _ => {
            world.wrong(format!("a heartbeat was answered with {status} {answer}"));
            false
        }
    }
}
