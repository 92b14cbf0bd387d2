//! The fold law: a snapshot at *a* with the reports *a+1…b* is the snapshot at *b*, for every
//! *a ≤ b*, over histories that the running server has made.

use std::time::Duration;

use nexus_testkit::{Client, View, World};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::json;

/// One thing that somebody does.
#[derive(Clone, Debug)]
enum Act {
    Echo(usize),
    Yellow,
    Fail {
        retryable: bool,
    },
    Ask,
    Decide {
        approve: bool,
    },
    Cancel,
    AskAgain,
    Pause,
    Resume,
    Policy,
    Advance(u64),
    /// A snapshot is taken here, to be held against the fold later.
    Cut,
    /// What has left the window is folded into the base.
    Trim,
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0usize..6).prop_map(Act::Echo),
        2 => Just(Act::Yellow),
        2 => any::<bool>().prop_map(|retryable| Act::Fail { retryable }),
        4 => Just(Act::Ask),
        4 => any::<bool>().prop_map(|approve| Act::Decide { approve }),
        1 => Just(Act::Cancel),
        1 => Just(Act::AskAgain),
        1 => Just(Act::Pause),
        2 => Just(Act::Resume),
        1 => Just(Act::Policy),
        3 => prop::sample::select(vec![1, 5, 30, 60, 300, 301]).prop_map(Act::Advance),
        5 => Just(Act::Cut),
        2 => Just(Act::Trim),
        1 => Just(Act::Restart),
    ]
}

struct History {
    world: World,
    /// A program of the tenant's own; it sees what it asked for, and the rest masked.
    program: Client,
    tasks: Vec<String>,
    cuts: Vec<(u64, View)>,
}

impl History {
    async fn play(&mut self, act: &Act) {
        let world = &mut self.world;
        match act {
            Act::Echo(lines) => {
                let lines: Vec<_> =
                    (0..*lines).map(|n| format!("line {n} to kim{n}@example.com")).collect();
                let params = json!({"lines": lines, "phone": "010-1234-5678"});
                // Two who ask: what one asked for the other sees masked.
                let who = if lines.len() % 2 == 0 { &world.service() } else { &self.program };
                self.tasks.push(who.command("test.echo", params).await);
            }
            Act::Yellow => self.tasks.push(world.send("test.yellow", json!({})).await),
            Act::Fail { retryable } => {
                self.tasks.push(world.send("test.fail", json!({"retryable": retryable})).await);
            }
            Act::Ask => {
                let params = json!({"target": "kim@example.com", "then": "nothing"});
                self.tasks.push(world.send("test.outside", params).await);
            }
            Act::Decide { approve } => {
                let asks = world.service().get("/approvals?status=pending&limit=1").await;
                if let Some(ask_id) = asks.expect(200)["items"][0]["ask_id"].as_str() {
                    let decision = if *approve { "approve" } else { "deny" };
                    let answer = world.admin().decide(ask_id, decision).await;
                    // It may have expired meanwhile.
                    assert!(matches!(answer.status, 202 | 409), "{}", answer.json);
                }
            }
            Act::Cancel | Act::AskAgain => {
                if let Some(task_id) = self.tasks.last() {
                    let what = if matches!(act, Act::Cancel) { "cancel" } else { "ask_again" };
                    let path = format!("/tasks/{task_id}/{what}");
                    let answer = world.service().post(&path, &json!({})).await;
                    assert!(matches!(answer.status, 202 | 409), "{}", answer.json);
                }
            }
            Act::Pause => drop(world.admin().post("/tenant/pause", &json!({})).await),
            Act::Resume => drop(world.admin().post("/tenant/resume", &json!({})).await),
            Act::Policy => {
                let rule = json!({"id": "r", "type": "test.yellow", "level": "RED", "why": "w"});
                let body = json!({"rules": [rule]});
                world.admin().put("/policy?confirm=default:default", &body).await.expect(200);
            }
            Act::Advance(seconds) => world.advance(Duration::from_secs(*seconds)),
            Act::Cut => {
                let (cursor, view) = world.snapshot().await;
                let number = cursor.split_once('.').unwrap().1.parse().unwrap();
                self.cuts.push((number, view));
            }
            Act::Trim => world.trim().await,
            Act::Restart => world.restart().await,
        }
    }

    /// Holds every snapshot against the fold from every one before it, and resumes at some.
    async fn check(self) {
        let world = self.world;
        let follower = world.follower();
        let last = world.snapshot().await;
        let number = last.0.split_once('.').unwrap().1.parse().unwrap();
        follower.reach(number).await;
        let cuts = [&self.cuts[..], &[(number, last.1)]].concat();
        let reports = follower.reports();
        for (index, (a, from)) in cuts.iter().enumerate() {
            let mut view = from.clone();
            let mut at = *a;
            for (b, to) in &cuts[index + 1..] {
                for report in reports.iter().filter(|r| r.number > at && r.number <= *b) {
                    view.apply(&report.data);
                }
                at = *b;
                assert!(view == *to, "{a} to {b}: {:#?}", view.differences(to));
            }
        }
        // What a client gets that resumes there is what was told live.
        // A little may still be on its way: not quite the whole window.
        if let Some((a, _)) = cuts.iter().find(|(a, _)| number - a <= 40 && *a < number) {
            let cursor = format!("{}.{a}", follower.position().0);
            let mut stream = world.admin().stream(Some(&cursor)).await;
            assert_eq!(stream.soon().await.unwrap().id, Some(cursor));
            for report in reports.iter().filter(|r| r.number > *a && r.number <= number) {
                let again = stream.expect("report").await;
                assert_eq!(
                    (again.id.as_deref(), &again.data),
                    (Some(&*report.cursor), &report.data)
                );
            }
        }
        world.finish().await;
    }
}

/// Small bounds, so that a history of some dozens of acts drops items from the view.
fn small(settings: &mut nexus_kit::settings::Settings) {
    settings.stream.worklog_keep = 6;
    settings.stream.event_keep = 60;
}

async fn history(seed: u64) {
    let config = Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() };
    let acts = prop::collection::vec(act(), 20..50);
    let acts = acts.new_tree(&mut TestRunner::new(config)).unwrap().current();
    let world = World::builder().settings(small).seed(seed).start().await;
    let (_, program) = world.tenant_key("default:default").await;
    // The law is checked for each of them at the end.
    world.follow_as(program.clone()).await;
    world.follow_as(world.service()).await;
    let mut history = History { world, program, tasks: Vec::new(), cuts: Vec::new() };
    for act in &acts {
        history.play(act).await;
    }
    history.check().await;
}

#[tokio::test]
async fn the_fold_law_holds_over_real_histories() {
    for seed in 0..8 {
        history(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fold_law_holds_over_real_histories_in_parallel() {
    for seed in 100..108 {
        history(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_report_is_lost_or_doubled_between_replay_and_live() {
    let world = World::builder().settings(small).start().await;
    let mut writing = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let service = world.service();
        writing.spawn(async move {
            for n in 0..15 {
                service.command("test.echo", json!({"lines": [format!("{n}")]})).await;
            }
        });
    }
    // While they write, others come, read a little, go, and come back where they were.
    let mut reading = tokio::task::JoinSet::new();
    for reader in 0..6_u64 {
        let service = world.service();
        reading.spawn(async move {
            let mut stream = service.stream(None).await;
            let first = stream.expect("snapshot").await;
            let mut view = View::of_snapshot(&first.data);
            let cursor = first.id.unwrap();
            let (epoch, number) = cursor.split_once('.').unwrap();
            let mut number: u64 = number.parse().unwrap();
            for round in 0..8 {
                for _ in 0..(reader + round) % 4 {
                    let report = stream.expect("report").await;
                    number += 1;
                    assert_eq!(report.id, Some(format!("{epoch}.{number}")));
                    view.apply(&report.data);
                }
                stream = service.stream(Some(&format!("{epoch}.{number}"))).await;
                let accepted = stream.soon().await.unwrap();
                if accepted.event == "snapshot" {
                    // Too far back by now, which it says.
                    assert_eq!(accepted.data["reason"], "expired");
                    view = View::of_snapshot(&accepted.data);
                    let cursor = accepted.id.unwrap();
                    number = cursor.split_once('.').unwrap().1.parse().unwrap();
                } else {
                    assert_eq!(accepted.id, Some(format!("{epoch}.{number}")));
                }
            }
            (number, view)
        });
    }
    writing.join_all().await;
    // What the readers may still wait for.
    for _ in 0..10 {
        world.run("test.echo", json!({"lines": ["more"]}), "succeeded").await;
    }
    for (number, view) in reading.join_all().await {
        world.follower().reach(number).await;
        let expected = world.follower().view_at(number);
        assert!(view == expected, "at {number}: {:#?}", view.differences(&expected));
    }
    world.finish().await;
}
