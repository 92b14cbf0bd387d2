//! Who sees what clearly: approvers and admins everything, others what they asked for themselves.

use nexus_testkit::{Client, World};
use serde_json::{Value, json};

const PERSONAL: [&str; 3] = ["kim@example.com", "010-1234-5678", "hunter2"];

fn params() -> Value {
    json!({"lines": ["to kim@example.com"], "phone": "010-1234-5678", "password": "hunter2"})
}

fn clear(text: &str) -> bool {
    PERSONAL.iter().all(|word| text.contains(word))
}

fn masked(text: &str) -> bool {
    PERSONAL.iter().all(|word| !text.contains(word))
}

/// What somebody reads about a task, by every route.
async fn read(who: &Client, task_id: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for path in [format!("/tasks/{task_id}"), "/tasks?limit=200".to_owned()] {
        let answer = who.get(&path).await;
        let answer = answer.expect(200).clone();
        let items = answer["items"].as_array().cloned().unwrap_or(vec![answer]);
        let found = items.iter().find(|item| item["task_id"] == task_id).unwrap();
        texts.push(found.to_string());
    }
    texts
}

#[tokio::test]
async fn what_one_asked_for_is_masked_for_the_other_and_clear_for_who_decides() {
    let world = World::start().await;
    let (_, asker) = world.tenant_key("default:default").await;
    let (_, other) = world.tenant_key("default:default").await;
    let (asking, looking) =
        (world.follow_as(asker.clone()).await, world.follow_as(other.clone()).await);
    let task_id = asker.command("test.echo", params()).await;
    world.until(&task_id, "succeeded").await;

    for (who, follower, sees) in [
        (&asker, &asking, true),
        (&other, &looking, false),
        (&world.service(), &looking, false),
        (&world.admin(), &world.follower(), true),
    ] {
        let fits = |text: &str| if sees { clear(text) } else { masked(text) };
        let done = |value: &Value| value["status"] == "succeeded";
        let (_, report) =
            follower.find("the end", 0, |r| r.value("tasks", &task_id).is_some_and(done)).await;
        let value = report.value("tasks", &task_id).unwrap();
        assert_eq!(value["result"]["password"] == "hunter2", sees);
        for member in ["status", "command_type", "correlation_id", "requested_by", "created_at"] {
            assert!(value[member].is_string(), "{member} is for everybody");
        }
        let (_, view) = world.snapshot_as(who).await;
        assert!(fits(&view.get("tasks", &task_id).to_string()));
        let line = view.all("worklog").values().next().unwrap();
        let text = if sees { "to kim@example.com" } else { "to k***@e***.com" };
        assert_eq!(line["text"], text);
        for text in read(who, &task_id).await {
            assert!(fits(&text), "{text}");
        }
        let lines = who.get(&format!("/worklog?task_id={task_id}")).await;
        assert_eq!(lines.expect(200)["items"][0]["text"], text);
    }
    world.finish().await;
}

#[tokio::test]
async fn an_ask_is_whole_for_who_decides_and_for_who_asked() {
    let world = World::start().await;
    let (_, other) = world.tenant_key("default:default").await;
    let looking = world.follow_as(other.clone()).await;
    let params = json!({"target": "kim@example.com", "payload": {"phone": "010-1234-5678"}});
    let task_id = world.send("test.outside", params.clone()).await;
    let ask_id = world.ask_of(&task_id).await;
    for who in [world.admin(), world.service()] {
        let ask = who.ask(&ask_id).await;
        assert_eq!((&ask["params"], &ask["target"]), (&params, &json!("kim@example.com")));
    }
    let ask = other.ask(&ask_id).await;
    assert_eq!(ask["target"], "k***@e***.com");
    assert_eq!(
        ask["params"],
        json!({"payload": {"phone": "***-****-****"}, "target": "k***@e***.com"})
    );
    assert!(!ask["question"].as_str().unwrap().contains("kim@example.com"));
    let whole = world.admin().ask(&ask_id).await;
    for kept in ["digest", "ask_id", "task_id", "requested_by", "expires_at", "status", "why"] {
        assert_eq!(ask[kept], whole[kept], "{kept}");
    }
    looking.until(&task_id, "waiting_approval").await;
    assert!(looking.view().get("asks", &ask_id).to_string().contains("k***@e***.com"));
    world.finish().await;
}

#[tokio::test]
async fn a_run_and_the_player_are_masked_like_the_rest() {
    let world = World::start().await;
    let (_, other) = world.tenant_key("default:default").await;
    let looking = world.follow_as(other.clone()).await;
    let text = "/file write kim.txt kim@example.com\n/youtube.queue.add video_id=dQw4w9WgXcQ title=kim@example.com";
    let chat = world.run("chat.message", json!({"text": text}), "succeeded").await;
    let value = world.service().task(&chat).await;
    let run_id = value["result"]["run_id"].as_str().unwrap().to_owned();
    let follower = world.follower();
    let done = |value: &Value| value["done"] == true;
    let ended =
        follower.find("the end", 0, |r| r.value("autopilot", &run_id).is_some_and(done)).await;
    looking.reach(ended.1.number).await;
    let (mine, theirs) = (follower.view(), looking.view());
    assert!(mine.get("autopilot", &run_id).to_string().contains("kim@example.com"));
    let masked = theirs.get("autopilot", &run_id);
    assert!(!masked.to_string().contains("kim@example.com"), "{masked}");
    assert_eq!(
        masked["steps"][0]["task_id"],
        mine.get("autopilot", &run_id)["steps"][0]["task_id"]
    );
    let playing = &theirs.get("youtube", "now_playing")["item"];
    assert_eq!(
        (&playing["title"], &playing["video_id"]),
        (&json!("k***@e***.com"), &json!("dQw4w9WgXcQ"))
    );
    world.finish().await;
}

#[tokio::test]
async fn who_steers_anothers_run_gets_no_clear_view_of_it_by_that() {
    let world = World::start().await;
    let (_, other) = world.tenant_key("default:default").await;
    let looking = world.follow_as(other.clone()).await;
    let text = format!("/share webhook {} kim@example.com", world.sink.url("/hook"));
    let chat = world.run("chat.message", json!({"text": text}), "succeeded").await;
    let run_id = world.service().task(&chat).await["result"]["run_id"].as_str().unwrap().to_owned();
    let in_state = |state: &'static str| move |value: &Value| value["state"] == state;
    let waits = in_state("waiting_approval");
    looking.find("an ask", 0, |r| r.value("autopilot", &run_id).is_some_and(waits)).await;
    other.command("autopilot.pause", json!({"run_id": run_id})).await;
    let paused = in_state("paused");
    let (_, report) =
        looking.find("a pause", 0, |r| r.value("autopilot", &run_id).is_some_and(paused)).await;
    assert_eq!(report.data["meta"]["requested_by"].as_str().unwrap()[..8], *"service:");
    let text = report.data.to_string();
    assert!(!text.contains("kim@example.com") && text.contains("k***@e***.com"), "{text}");
    world.finish().await;
}

#[tokio::test]
async fn a_masked_reader_resumes_where_it_was_in_its_own_class() {
    let mut world = World::start().await;
    let (_, other) = world.tenant_key("default:default").await;
    let (cursor, _) = world.snapshot_as(&other).await;
    let task_id = world.run("test.echo", params(), "succeeded").await;
    for _ in 0..2 {
        let mut stream = other.stream(Some(&cursor)).await;
        assert_eq!(stream.soon().await.unwrap().id.as_deref(), Some(&*cursor));
        let mut texts = String::new();
        while !texts.contains("\"succeeded\"") {
            texts.push_str(&stream.expect("report").await.data.to_string());
        }
        assert!(texts.contains(&task_id) && masked(&texts), "{texts}");
        // From the store as well as from the ring.
        world.restart().await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_role_decides_the_class_and_a_new_one_brings_a_fresh_snapshot() {
    let world = World::start().await;
    let viewer = world.user("viewer@example.com", "viewer").await;
    let approver = world.user("approver@example.com", "approver").await;
    let task_id = world.run("test.echo", params(), "succeeded").await;
    let (_, view) = world.snapshot_as(&approver).await;
    assert!(clear(&view.get("tasks", &task_id).to_string()));
    for text in read(&viewer, &task_id).await {
        assert!(masked(&text), "{text}");
    }
    let mut stream = viewer.stream(None).await;
    let first = stream.expect("snapshot").await;
    assert!(masked(&first.data["view"]["tasks"][&task_id].to_string()));

    let id = &viewer.user_id;
    for (role, sees) in [("approver", true), ("operator", false)] {
        let member = format!("/tenants/default/default/members/{id}?confirm={id}");
        world.admin().put(&member, &json!({"role": role})).await.expect(200);
        world.advance_seconds(5);
        let fresh = stream.until("snapshot").await.pop().unwrap();
        assert_eq!(fresh.data["reason"], "rights");
        let task = fresh.data["view"]["tasks"][&task_id].to_string();
        assert!(if sees { clear(&task) } else { masked(&task) }, "{role}: {task}");
        // What comes after it is of the same class.
        let next = world.run("test.echo", params(), "succeeded").await;
        let mut texts = String::new();
        while !texts.contains("\"succeeded\"") {
            let report = stream.until("report").await.pop().unwrap();
            let about = report.data["meta"]["task_id"] == next;
            texts.push_str(&if about { report.data.to_string() } else { String::new() });
        }
        assert!(if sees { clear(&texts) } else { masked(&texts) }, "{role}: {texts}");
    }
    world.finish().await;
}
