//! The player of a tenant: what plays, what waits, and that each command has its effect once.

use std::sync::Arc;

use nexus_fakes::youtube::YoutubeApi;
use nexus_kit::settings::Secret;
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

const KEY: &str = "AIzaSyA-fake-key-for-tests-0123456789ab";

/// A world with a key, and the provider that it is for.
async fn world_with_search() -> (World, Arc<YoutubeApi>) {
    let api = Arc::new(YoutubeApi::start(KEY).await.unwrap());
    api.publish("jazz0000001", "Tom & Jerry's \"재즈\" 피아노");
    api.publish("jazz0000002", "밤의 재즈");
    let (url, address) = (api.url(), api.address().to_string());
    let world = World::builder().settings(move |settings| {
        settings.youtube.api_key = Secret::new(KEY);
        settings.youtube.api_url.clone_from(&url);
        settings.egress.allow.push(address.clone());
    });
    (world.start().await, api)
}

async fn result_of(world: &World, params: Value) -> Value {
    let task_id = world.run("youtube.search", params, "succeeded").await;
    world.service().task(&task_id).await["result"].clone()
}

#[tokio::test]
async fn a_search_without_a_key_says_what_to_do() {
    let world = World::start().await;
    let types = world.service().get("/commands/types").await;
    let types = types.expect(200)["items"].as_array().unwrap().clone();
    let search = types.iter().find(|known| known["command_type"] == "youtube.search").unwrap();
    assert_eq!(search["enabled"], false);
    assert!(search["disabled_because"].as_str().unwrap().contains("YOUTUBE_API_KEY"));
    let add = types.iter().find(|known| known["command_type"] == "youtube.queue.add").unwrap();
    assert_eq!((&add["enabled"], &add["disabled_because"]), (&json!(true), &Value::Null));

    let task_id = world.run("youtube.search", json!({"query": "재즈"}), "dead").await;
    let task = world.service().task(&task_id).await;
    assert_eq!(task["failure_code"], "PROVIDER_DISABLED");
    assert!(task["last_error"].as_str().unwrap().contains("Data API v3"));
    world.finish().await;
}

#[tokio::test]
async fn a_search_asks_the_provider_once_and_remembers() {
    let (world, api) = world_with_search().await;
    let found = result_of(&world, json!({"query": " 재즈 ", "max_results": 2})).await;
    assert_eq!(found["items"].as_array().unwrap().len(), 2);
    let first = &found["items"][0];
    assert_eq!(first["title"], "Tom & Jerry's \"재즈\" 피아노");
    assert_eq!(first["url"], "https://www.youtube.com/watch?v=jazz0000001");
    assert_eq!(
        (&found["cached"], &found["units"], &found["units_today"]),
        (&json!(false), &json!(100), &json!(100))
    );
    let asked = api.searches().remove(0);
    for (name, value) in [
        ("q", "재즈"),
        ("part", "snippet"),
        ("type", "video"),
        ("regionCode", "KR"),
        ("relevanceLanguage", "ko"),
        ("maxResults", "2"),
        ("videoEmbeddable", "true"),
    ] {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!asked.contains_key("key"), "the key is in no address");

    let again = result_of(&world, json!({"query": "재즈", "max_results": 2})).await;
    assert_eq!((&again["items"], &again["cached"]), (&found["items"], &json!(true)));
    assert_eq!((&again["units"], &again["units_today"]), (&json!(0), &json!(100)));
    assert_eq!(api.searches().len(), 1);
    // Another question, or the same hours later, is asked again.
    let english = json!({"query": "재즈", "region": "us", "language": "en"});
    result_of(&world, english).await;
    assert_eq!(api.searches()[1]["regionCode"], "US");
    world.advance_seconds(6 * 3_600 + 1);
    let later = result_of(&world, json!({"query": "재즈", "max_results": 2})).await;
    assert_eq!((&later["cached"], &later["units_today"]), (&json!(false), &json!(300)));
    world.finish().await;
}

#[tokio::test]
async fn what_the_provider_refuses_has_a_code_and_a_way_out() {
    let (mut world, api) = world_with_search().await;
    let fails = async |world: &World, query: &str, status: &str| {
        let task_id = world.run("youtube.search", json!({"query": query}), status).await;
        world.service().task(&task_id).await
    };
    api.fail_next(503);
    let task = fails(&world, "one", "retrying").await;
    assert_eq!(task["failure_code"], "PROVIDER_UPSTREAM_ERROR");
    world.advance_seconds(5);
    world.until(task["task_id"].as_str().unwrap(), "succeeded").await;
    api.set_units_left(99);
    let task = fails(&world, "two", "dead").await;
    assert_eq!(task["failure_code"], "QUOTA_EXCEEDED");
    assert!(task["last_error"].as_str().unwrap().contains("midnight"));
    world.restart_with(|settings| settings.youtube.api_key = Secret::new("wrong")).await;
    let task = fails(&world, "three", "dead").await;
    assert_eq!(task["failure_code"], "PROVIDER_AUTH_ERROR");
    assert!(task["last_error"].as_str().unwrap().contains("YOUTUBE_API_KEY"));
    world.finish().await;
}

#[tokio::test]
async fn a_message_searches_and_queues_the_first_hit() {
    let (world, api) = world_with_search().await;
    let ended = async |text: &str, state: &'static str| {
        let chat = world.run("chat.message", json!({"text": text}), "succeeded").await;
        let run_id = world.service().task(&chat).await["result"]["run_id"].clone();
        let run_id = run_id.as_str().unwrap().to_owned();
        let fits = |value: &Value| value["state"] == state;
        let follower = world.follower();
        let found =
            follower.find(state, 0, |r| r.value("autopilot", &run_id).is_some_and(fits)).await;
        found.1.value("autopilot", &run_id).unwrap().clone()
    };
    let run = ended("/youtube 재즈", "succeeded").await;
    let steps: Vec<&Value> =
        run["steps"].as_array().unwrap().iter().map(|s| &s["command_type"]).collect();
    assert_eq!(steps, ["youtube.search", "youtube.queue.add"]);
    let (_, view) = world.snapshot().await;
    let item = &view.get("youtube", "now_playing")["item"];
    assert_eq!(item["video_id"], "jazz0000001");
    assert_eq!(item["title"], "Tom & Jerry's \"재즈\" 피아노");
    let run = ended("/유튜브 이런 영상은 없다", "failed").await;
    assert_eq!(run["steps"][1]["error"], "이어서 처리할 결과가 없습니다");
    assert_eq!(api.searches().len(), 2);
    world.finish().await;
}
