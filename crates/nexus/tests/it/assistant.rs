//! Messages become runs: plain commands in English and Korean, each step a command of its own.

use std::time::Duration;

use nexus_testkit::{Client, World};
use serde_json::{Value, json};

/// Sends a message and returns its run.
async fn say(world: &World, text: &str) -> String {
    say_by(world, &world.service(), text).await
}

async fn say_by(world: &World, who: &Client, text: &str) -> String {
    let task_id = who.command("chat.message", json!({"text": text})).await;
    let value = world.until(&task_id, "succeeded").await;
    value["result"]["run_id"].as_str().expect("a message makes a run").to_owned()
}

/// Waits until a run has a state and returns its value then.
async fn until(world: &World, run_id: &str, state: &str) -> Value {
    let fits = |value: &Value| value["state"] == state;
    let what = format!("{run_id} {state}");
    let follower = world.follower();
    let found = follower.find(&what, 0, |r| r.value("autopilot", run_id).is_some_and(fits)).await;
    found.1.value("autopilot", run_id).unwrap().clone()
}

/// Sends a message, waits for the end of its run, and returns how it ended.
async fn run(world: &World, text: &str, state: &str) -> Value {
    let run_id = say(world, text).await;
    until(world, &run_id, state).await
}

/// What the assistant said about a run, in order.
fn said(world: &World, run: &Value) -> Vec<String> {
    let mut said = Vec::new();
    for report in world.follower().reports() {
        for change in report.data["changes"].as_array().unwrap() {
            let line = &change["value"];
            if change["collection"] == "worklog" && line["agent"] == "assistant" {
                assert_eq!(line["correlation_id"], report.data["correlation_id"]);
                let text = line["text"].as_str().unwrap();
                let lines = text.split('\n').map(str::to_owned);
                said.extend(lines.filter(|_| line["task_id"] == run["task_id"]));
            }
        }
    }
    said
}

fn states(run: &Value) -> Vec<&str> {
    run["steps"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect()
}

/// The ask that the current step of a run waits for.
async fn ask_of(world: &World, run_id: &str) -> String {
    let run = until(world, run_id, "waiting_approval").await;
    let steps = run["steps"].as_array().unwrap();
    let waiting = steps.iter().find(|step| step["state"] == "waiting_approval").unwrap();
    waiting["ask_id"].as_str().unwrap().to_owned()
}

/// Waits until the task of the step that runs has been told to stop, and lets its heart beat.
async fn told_to_stop(world: &World, run_id: &str) {
    let run = until(world, run_id, "cancelling").await;
    let steps = run["steps"].as_array().unwrap();
    let running = steps.iter().find(|step| step["state"] == "running").unwrap();
    let task_id = running["task_id"].as_str().unwrap();
    let told = |value: &Value| value["cancel_requested"] == true;
    let follower = world.follower();
    follower.find("a cancel", 0, |r| r.value("tasks", task_id).is_some_and(told)).await;
    world.advance_seconds(25);
}

async fn tasks(world: &World, command_type: &str) -> Vec<Value> {
    let answer = world.service().get(&format!("/tasks?type={command_type}&limit=200")).await;
    answer.expect(200)["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn several_lines_are_done_one_after_the_other() {
    let world = World::start().await;
    let text = "/file write notes.txt first\n/file read notes.txt\n/youtube dQw4w9WgXcQ";
    let ended = run(&world, text, "succeeded").await;
    assert_eq!(states(&ended), ["succeeded"; 3]);
    assert_eq!((&ended["done"], &ended["cost_usd"]), (&json!(true), &json!(0)));
    assert_eq!(ended["goal"], text);
    assert_eq!(ended["requested_by"], "service");
    assert_eq!(ended["summary"], "Done: 3 of 3 steps succeeded.");
    assert_eq!(ended["steps"][0]["risk"], "YELLOW");
    let lines = said(&world, &ended);
    assert_eq!(lines[0], "Plan of 3 steps: 1. file.write, 2. file.read, 3. youtube.queue.add");
    assert_eq!(lines[1], "Step 1 (file.write): notes.txt, 5 B");
    assert_eq!(lines[2], "Step 2 (file.read): first");
    assert_eq!(lines.last().unwrap(), "Done: 3 of 3 steps succeeded.");

    // Each step is a task like any other, of the one who asked, under the message's correlation.
    let chat = world.service().task(ended["task_id"].as_str().unwrap()).await;
    for step in ended["steps"].as_array().unwrap() {
        let task = world.service().task(step["task_id"].as_str().unwrap()).await;
        assert_eq!(task["command_type"], step["command_type"]);
        assert_eq!(task["requested_by"], "service");
        assert_eq!(task["correlation_id"], chat["correlation_id"]);
        let audited = world.audited("default:default", "command.accepted");
        assert!(audited.iter().any(|entry| entry.target == step["task_id"]));
    }
    let (_, view) = world.snapshot().await;
    let seq = |at: usize| {
        view.get("tasks", ended["steps"][at]["task_id"].as_str().unwrap())["seq"].as_u64()
    };
    assert!(seq(0) < seq(1) && seq(1) < seq(2), "begun in order");
    world.finish().await;
}

#[tokio::test]
async fn korean_is_understood_and_answered_in_korean() {
    let world = World::start().await;
    let ended = run(
        &world,
        "/파일 쓰기 \"회의 록.txt\" 안녕하세요\n/파일 읽기 \"회의 록.txt\"",
        "succeeded",
    )
    .await;
    let lines = said(&world, &ended);
    assert_eq!(lines[0], "계획 2단계: 1. file.write, 2. file.read");
    assert_eq!(lines[2], "2단계(file.read): 안녕하세요");
    assert_eq!(ended["summary"], "완료: 2단계 중 2단계 성공.");

    let help = run(&world, "/도움말", "succeeded").await;
    assert!(help["summary"].as_str().unwrap().contains("/유튜브"));
    let plain = run(&world, "안녕, 오늘 뭐 해?", "succeeded").await;
    assert!(plain["summary"].as_str().unwrap().contains("언어 모델 없이"));
    let plain = run(&world, "hello there", "succeeded").await;
    assert!(plain["summary"].as_str().unwrap().contains("without a model"));
    assert_eq!(plain["steps"], json!([]));

    for (text, state) in [
        ("/youtube dQw4w9WgXcQ", Some("dQw4w9WgXcQ")),
        ("/유튜브 https://youtu.be/video000002", Some("dQw4w9WgXcQ")),
        ("/유튜브 다음", Some("video000002")),
        ("/youtube previous", Some("dQw4w9WgXcQ")),
        ("/youtube 비우기\n/유튜브 다음", None),
    ] {
        run(&world, text, "succeeded").await;
        let (_, view) = world.snapshot().await;
        let now =
            view.get("youtube", "now_playing")["item"]["video_id"].as_str().map(str::to_owned);
        assert_eq!(now.as_deref(), state, "{text}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_message_that_cannot_be_read_runs_nothing() {
    let world = World::start().await;
    for (text, why) in [
        ("/file write a.txt x\n/nonsense", "Line 2: /nonsense is no command; see /help"),
        ("/file write a.txt x\n/file read", "Line 2: write it as"),
        ("/share webhook https://a.b/ {\"a\": }", "this is no JSON"),
        ("/file write a.txt x\n/test.unknown a=1", "There is no command type"),
        ("/file write a.txt x\n/file read ../../etc/passwd", "Step 2 (file.read)"),
        ("/share webhook http://127.0.0.1:1/ hi", "Step 1 (share.webhook)"),
        ("/youtube.queue.move video_id=dQw4w9WgXcQ position=first", "/params/position"),
        ("/chat.message text=again", "There is no command type"),
    ] {
        let ended = run(&world, text, "failed").await;
        let summary = ended["summary"].as_str().unwrap();
        assert!(summary.contains(why), "{text}: {summary}");
        assert_eq!(ended["steps"], json!([]), "{text}");
    }
    let many = vec!["/file list"; 21].join("\n");
    let ended = run(&world, &many, "failed").await;
    assert!(ended["summary"].as_str().unwrap().contains("21 steps are more than the 20"));
    let ended = run(&world, "/공유 웹훅 https://a.b", "failed").await;
    assert!(ended["summary"].as_str().unwrap().contains("이렇게 쓰세요"));
    assert_eq!(tasks(&world, "file.write").await.len(), 0);

    for params in [
        json!({"text": ""}),
        json!({"text": "  \n "}),
        json!({"text": "x".repeat(8_001)}),
        json!({"text": "x", "session_id": "a:b"}),
        json!({"text": "x", "model": "m"}),
    ] {
        let body = json!({"command_type": "chat.message", "params": params});
        world.service().post("/sidecar/command", &body).await.expect(422);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_red_step_stops_for_its_ask_and_the_run_goes_on_after_it() {
    let world = World::start().await;
    let url = world.sink.url("/hook");
    let text = format!("/file write a.txt x\n/share webhook {url} {{\"n\": 1}}\n/file list");
    let run_id = say(&world, &text).await;
    let ask_id = ask_of(&world, &run_id).await;
    let waiting = until(&world, &run_id, "waiting_approval").await;
    assert_eq!(states(&waiting), ["succeeded", "waiting_approval", "planned"]);
    assert_eq!(waiting["done"], false);
    let ask = world.admin().ask(&ask_id).await;
    assert_eq!(ask["requested_by"], "service");
    assert_eq!(ask["params"], json!({"payload": {"n": 1}, "url": url}));
    assert_eq!(world.sink.received().len(), 0);

    world.approve(&ask_id).await;
    let ended = until(&world, &run_id, "succeeded").await;
    assert_eq!(states(&ended), ["succeeded"; 3]);
    let received = world.received(1).await;
    assert_eq!(received[0].body, "{\"n\":1}");
    assert_eq!(received[0].header("webhook-id"), ended["steps"][1]["task_id"].as_str());
    assert!(
        said(&world, &ended).contains(&"Step 2 (share.webhook) waits for a decision.".to_owned())
    );
    world.finish().await;
}

#[tokio::test]
async fn a_denial_is_a_denial_and_nothing_follows_it() {
    let world = World::start().await;
    let url = world.sink.url("/hook");
    let text = format!("/공유 웹훅 {url} 안녕하세요\n/파일 쓰기 뒤.txt x");
    let run_id = say(&world, &text).await;
    let ask_id = ask_of(&world, &run_id).await;
    let body = json!({"decision": "deny", "reason": "아직 이릅니다"});
    world.admin().post(&format!("/approvals/{ask_id}/decide"), &body).await.accepted();
    let ended = until(&world, &run_id, "denied").await;
    assert_eq!(states(&ended), ["denied", "skipped"]);
    assert_eq!(ended["steps"][0]["error"], "아직 이릅니다");
    assert_eq!(ended["summary"], "거절됨: 2단계 중 0단계 성공, 1단계는 실행하지 않음.");
    let lines = said(&world, &ended);
    assert!(lines.contains(&"1단계(share.webhook)가 거절되었습니다: 아직 이릅니다".to_owned()));
    assert_eq!(tasks(&world, "file.write").await.len(), 0);
    assert_eq!(world.sink.received().len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn an_ask_that_nobody_decides_ends_the_run_as_expired() {
    let world = World::start().await;
    let text = format!("/share webhook {} hi\n/file list", world.sink.url("/hook"));
    let run_id = say(&world, &text).await;
    ask_of(&world, &run_id).await;
    world.advance_seconds(301);
    let ended = until(&world, &run_id, "expired").await;
    assert_eq!(states(&ended), ["expired", "skipped"]);
    assert_eq!(ended["elapsed_seconds"], 301.0);
    assert_eq!(world.sink.received().len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn a_step_that_fails_ends_the_run_with_its_code() {
    let world = World::start().await;
    let ended = run(&world, "/file read nothing.txt\n/file list", "failed").await;
    assert_eq!(states(&ended), ["failed", "skipped"]);
    assert!(ended["steps"][0]["failure_code"].is_string());
    assert_eq!(ended["summary"], "Failed: 0 of 2 steps succeeded, 1 not run.");
    // What the door refuses only when it comes to it: the file to delete is not there.
    let ended = run(&world, "/file list\n/file delete nothing.txt\n/file list", "failed").await;
    assert_eq!(states(&ended), ["succeeded", "failed", "skipped"]);
    assert!(ended["steps"][1].get("task_id").is_none());
    let error = ended["steps"][1]["error"].as_str().unwrap();
    assert!(error.contains("/params/path"), "{error}");
    world.finish().await;
}

#[tokio::test]
async fn a_run_is_paused_resumed_and_cancelled() {
    let world = World::start().await;
    let run_id =
        say(&world, "/test.slow name=one\n/file list\n/test.slow name=two\n/file list").await;
    world.hands.started("one").await;
    let steer = |command: &'static str| world.run(command, json!({"run_id": run_id}), "succeeded");
    steer("autopilot.pause").await;
    world.hands.release("one");
    let paused = until(&world, &run_id, "paused").await;
    assert_eq!(paused["done"], false);
    let follower = world.follower();
    let after = |value: &Value| value["steps"][0]["state"] == "succeeded";
    let (_, report) =
        follower.find("one is done", 0, |r| r.value("autopilot", &run_id).is_some_and(after)).await;
    assert_eq!(report.value("autopilot", &run_id).unwrap()["state"], "paused");
    world.advance_seconds(5);
    assert_eq!(tasks(&world, "file.list").await.len(), 0, "nothing begins while it is paused");

    steer("autopilot.resume").await;
    world.hands.started("two").await;
    assert_eq!(tasks(&world, "file.list").await.len(), 1);
    steer("autopilot.cancel").await;
    told_to_stop(&world, &run_id).await;
    let ended = until(&world, &run_id, "cancelled").await;
    assert_eq!(states(&ended), ["succeeded", "succeeded", "cancelled", "skipped"]);
    for verb in ["pause", "resume", "cancel"] {
        let params = json!({"run_id": run_id});
        let task_id = world.run(&format!("autopilot.{verb}"), params, "dead").await;
        let task = world.service().task(&task_id).await;
        assert_eq!(task["failure_code"], "INVALID_PARAMS");
        assert!(task["last_error"].as_str().unwrap().contains("it is cancelled"));
    }
    world.run("autopilot.cancel", json!({"run_id": "run_unknown"}), "dead").await;
    world.finish().await;
}

#[tokio::test]
async fn cancelling_takes_back_an_ask_that_waits() {
    let world = World::start().await;
    let run_id = say(&world, &format!("/share webhook {} hi", world.sink.url("/hook"))).await;
    let ask_id = ask_of(&world, &run_id).await;
    world.run("autopilot.cancel", json!({"run_id": run_id}), "succeeded").await;
    let ended = until(&world, &run_id, "cancelled").await;
    assert_eq!(states(&ended), ["cancelled"]);
    assert_eq!(world.admin().ask(&ask_id).await["status"], "cancelled");
    let late = world.admin().decide(&ask_id, "approve").await;
    late.refused(409, "ask_already_decided");
    world.finish().await;
}

#[tokio::test]
async fn a_run_is_bounded_in_time() {
    let world = World::builder()
        .settings(|settings| settings.autopilot.max_time = Duration::from_secs(15))
        .start()
        .await;
    let run_id = say(&world, "/test.slow name=long\n/file list").await;
    world.hands.started("long").await;
    world.advance_seconds(16);
    told_to_stop(&world, &run_id).await;
    let ended = until(&world, &run_id, "failed").await;
    assert_eq!(states(&ended), ["cancelled", "skipped"]);
    assert!(ended["summary"].as_str().unwrap().starts_with("Stopped, because it took longer"));
    world.finish().await;
}

#[tokio::test]
async fn a_run_goes_on_after_a_restart_wherever_it_was() {
    let mut world = World::start().await;
    let url = world.sink.url("/hook");
    let waits =
        say(&world, &format!("/file write a.txt x\n/share webhook {url} hi\n/file list")).await;
    let ask_id = ask_of(&world, &waits).await;
    // Accepted, and not read by the time of the stop.
    world.admin().post("/tenant/pause", &json!({})).await.accepted();
    let unread = world
        .service()
        .command("chat.message", json!({"text": "/file list\n/file read a.txt"}))
        .await;
    world.restart().await;
    world.admin().post("/tenant/resume", &json!({})).await.accepted();
    world.approve(&ask_id).await;
    let ended = until(&world, &waits, "succeeded").await;
    assert_eq!(states(&ended), ["succeeded"; 3]);
    let value = world.until(&unread, "succeeded").await;
    let ended = until(&world, value["result"]["run_id"].as_str().unwrap(), "succeeded").await;
    assert_eq!(states(&ended), ["succeeded"; 2]);
    assert_eq!(world.received(1).await.len(), 1);
    assert_eq!(tasks(&world, "share.webhook").await.len(), 1);
    assert_eq!(tasks(&world, "file.list").await.len(), 2);
    world.restart().await;
    assert_eq!(tasks(&world, "file.list").await.len(), 2, "what is done is not done again");
    world.finish().await;
}

#[tokio::test]
async fn a_run_goes_on_although_the_log_has_a_new_life() {
    let mut world = World::start().await;
    let run_id =
        say(&world, &format!("/share webhook {} hi\n/file list", world.sink.url("/"))).await;
    let ask_id = ask_of(&world, &run_id).await;
    world.stop().await;
    world.change_settings(|settings| settings.stream.worklog_keep = 50);
    world.start_again_afresh().await;
    world.approve(&ask_id).await;
    until(&world, &run_id, "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn runs_of_two_tenants_do_not_mix() {
    let world = World::start().await;
    world.tenant("kaist:lab").await;
    let lab = world.service().of("kaist:lab");
    let here = say(&world, "/file write a.txt here").await;
    let there = lab.command("chat.message", json!({"text": "/파일 쓰기 a.txt 저기"})).await;
    let follower = world.follower_of("kaist:lab");
    let value = follower.until(&there, "succeeded").await;
    let there = value["result"]["run_id"].as_str().unwrap().to_owned();
    until(&world, &here, "succeeded").await;
    let done = |value: &Value| value["state"] == "succeeded";
    follower.find("the other run", 0, |r| r.value("autopilot", &there).is_some_and(done)).await;
    let (_, view) = world.snapshot().await;
    assert_eq!(view.all("autopilot").keys().collect::<Vec<_>>(), [&here]);
    // A run of another tenant is no run.
    world.run("autopilot.pause", json!({"run_id": there}), "dead").await;
    world.finish().await;
}

#[tokio::test]
async fn a_command_alone_is_answered_in_the_language_of_the_conversation() {
    let world = World::start().await;
    let english = run(&world, "/file list", "succeeded").await;
    assert!(said(&world, &english).iter().any(|line| line.starts_with("Done")));
    run(&world, "안녕하세요", "succeeded").await;
    let korean = run(&world, "/file list", "succeeded").await;
    let lines = said(&world, &korean);
    assert!(lines.iter().all(|line| !line.starts_with("Done")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("완료")), "{lines:?}");
    world.finish().await;
}
