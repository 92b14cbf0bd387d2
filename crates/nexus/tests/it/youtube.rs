//! The player of a tenant: what plays, what waits, and that each command has its effect once.

use nexus_testkit::World;
use serde_json::{Value, json};

/// A video by a number.
fn id(n: usize) -> String {
    format!("video{n:06}")
}

async fn add(world: &World, n: usize) -> String {
    world.run("youtube.queue.add", json!({"video_id": id(n)}), "succeeded").await
}

async fn failed(world: &World, command: &str, params: Value) -> String {
    let task_id = world.run(&format!("youtube.queue.{command}"), params, "dead").await;
    let task = world.service().task(&task_id).await;
    assert_eq!(task["failure_code"], "INVALID_PARAMS");
    assert_eq!(task["attempt"], 1, "nothing that cannot work is tried again");
    task["last_error"].as_str().unwrap().to_owned()
}

/// What plays and what waits, by the view.
async fn player(world: &World) -> (Option<String>, Vec<String>) {
    player_of(world, "default:default").await
}

async fn player_of(world: &World, tenant: &str) -> (Option<String>, Vec<String>) {
    let (_, view) = world.snapshot_of(tenant).await;
    let text = |item: &Value| item["video_id"].as_str().unwrap().to_owned();
    let now = view.get("youtube", "now_playing");
    let queue = view.get("youtube", "queue")["items"].as_array().cloned().unwrap_or_default();
    ((!now.is_null()).then(|| text(&now["item"])), queue.iter().map(text).collect())
}

#[tokio::test]
async fn the_first_video_plays_and_the_rest_waits_in_order() {
    let world = World::start().await;
    let url = "https://music.youtube.com/watch?v=dQw4w9WgXcQ&list=RDAMVM&t=42s";
    let params = json!({"url": url, "title": "재즈\n피아노"});
    let task_id = world.send("youtube.queue.add", params).await;
    let value = world.until(&task_id, "succeeded").await;
    assert_eq!(value["result"]["position"], Value::Null, "it plays at once");
    let (_, view) = world.snapshot().await;
    let now = view.get("youtube", "now_playing");
    assert_eq!(now["since"], "2026-01-01T00:00:00.000Z");
    for (member, value) in [
        ("video_id", "dQw4w9WgXcQ"),
        ("url", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
        ("title", "재즈 피아노"),
        ("added_by", "service"),
        ("added_at", "2026-01-01T00:00:00.000Z"),
        ("task_id", &task_id),
    ] {
        assert_eq!(now["item"][member], value, "{member}");
    }
    assert!(now["item"]["item_id"].as_str().unwrap().starts_with("yti_"));

    for n in 1..=3 {
        add(&world, n).await;
    }
    world.run("youtube.queue.move", json!({"video_id": id(3), "position": 1}), "succeeded").await;
    let first = || Some("dQw4w9WgXcQ".to_owned());
    assert_eq!(player(&world).await, (first(), vec![id(3), id(1), id(2)]));
    world.run("youtube.queue.remove", json!({"video_id": id(1)}), "succeeded").await;
    world.run("youtube.queue.next", json!({}), "succeeded").await;
    assert_eq!(player(&world).await, (Some(id(3)), vec![id(2)]));
    world.run("youtube.queue.previous", json!({}), "succeeded").await;
    assert_eq!(player(&world).await, (first(), vec![id(3), id(2)]));
    let list = world.run("youtube.queue.list", json!({}), "succeeded").await;
    let listed = world.service().task(&list).await;
    assert_eq!(listed["result"]["queue"][0]["video_id"], id(3));
    assert_eq!(listed["result"]["now_playing"]["item"]["video_id"], "dQw4w9WgXcQ");
    world.run("youtube.queue.clear", json!({}), "succeeded").await;
    assert_eq!(player(&world).await, (first(), vec![]));
    world.run("youtube.queue.next", json!({}), "succeeded").await;
    assert_eq!(player(&world).await, (None, vec![]));
    world.finish().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_what_to_do() {
    let world = World::start().await;
    let next = failed(&world, "next", json!({})).await;
    assert!(next.contains("add a video first"), "{next}");
    let previous = failed(&world, "previous", json!({})).await;
    assert!(previous.contains("Nothing played before"), "{previous}");
    add(&world, 1).await;
    add(&world, 2).await;
    let removed = failed(&world, "remove", json!({"video_id": id(1)})).await;
    assert!(removed.contains("not in the queue"), "it plays: {removed}");
    let params = json!({"video_id": id(2), "position": 2});
    let moved = failed(&world, "move", params).await;
    assert!(moved.contains("from 1 to 1"), "{moved}");

    for (params, code) in [
        (json!({"url": "https://vimeo.com/1"}), "not_a_video"),
        (json!({"url": "https://www.youtube.com/playlist?list=PLx"}), "not_a_video"),
        (json!({"video_id": "too-short"}), "not_a_video"),
        (json!({}), "invalid_params"),
        (json!({"video_id": id(1), "url": "https://youtu.be/dQw4w9WgXcQ"}), "invalid_params"),
        (json!({"video_id": id(1), "volume": 11}), "invalid_params"),
    ] {
        let body = json!({"command_type": "youtube.queue.add", "params": params});
        let answer = world.service().post("/sidecar/command", &body).await;
        answer.refused(422, code);
    }
    assert_eq!(player(&world).await, (Some(id(1)), vec![id(2)]), "nothing of this changed it");
    world.finish().await;
}

#[tokio::test]
async fn a_full_queue_says_so_and_still_fits_into_a_report() {
    let world = World::start().await;
    let title = "\"긴 제목\"".repeat(40);
    for n in 0..=100 {
        let params = json!({"video_id": id(n), "title": title});
        world.send("youtube.queue.add", params).await;
    }
    let full = world.follower();
    let filled = |value: &Value| value["items"].as_array().is_some_and(|items| items.len() == 100);
    full.find("a full queue", 0, |r| r.value("youtube", "queue").is_some_and(filled)).await;
    let params = json!({"video_id": id(999)});
    let refused = failed(&world, "add", params).await;
    assert!(refused.contains("The queue is full"), "{refused}");
    world.finish().await;
}

#[tokio::test]
async fn the_player_survives_a_restart_and_each_command_counts_once() {
    let mut world = World::start().await;
    add(&world, 0).await;
    // Accepted and not run yet: the stop comes before them.
    world.admin().post("/tenant/pause", &json!({})).await.accepted();
    let mut waiting = Vec::new();
    for n in 1..=5 {
        let params = json!({"video_id": id(n)});
        waiting.push(world.send("youtube.queue.add", params).await);
    }
    world.restart().await;
    world.admin().post("/tenant/resume", &json!({})).await.accepted();
    for task_id in &waiting {
        world.until(task_id, "succeeded").await;
    }
    world.restart().await;
    let (now, mut queue) = player(&world).await;
    queue.sort();
    assert_eq!((now, queue), (Some(id(0)), (1..=5).map(id).collect()));
    world.run("youtube.queue.next", json!({}), "succeeded").await;
    world.run("youtube.queue.previous", json!({}), "succeeded").await;
    assert_eq!(player(&world).await.0, Some(id(0)));
    world.finish().await;
}

#[tokio::test]
async fn every_tenant_has_a_player_of_its_own() {
    let world = World::start().await;
    world.tenant("kaist:lab").await;
    add(&world, 1).await;
    let lab = world.service().of("kaist:lab");
    let task_id = lab.command("youtube.queue.add", json!({"video_id": id(2)})).await;
    world.follower_of("kaist:lab").until(&task_id, "succeeded").await;
    assert_eq!(player(&world).await, (Some(id(1)), vec![]));
    assert_eq!(player_of(&world, "kaist:lab").await, (Some(id(2)), vec![]));
    world.finish().await;
}
