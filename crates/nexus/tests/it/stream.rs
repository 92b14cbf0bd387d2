//! The stream: every report once, in order, whatever happens in between.

use std::time::Duration;

use nexus_testkit::{Client, Event, Stream, World};
use serde_json::{Value, json};

/// Brings the stream forward by one report a call.
async fn step(world: &World, times: usize) {
    for _ in 0..times {
        let path = "/policy?confirm=default:default";
        world.admin().put(path, &json!({"rules": []})).await.expect(200);
    }
}

fn cursor(world: &World, number: u64) -> String {
    format!("{}.{number}", world.follower().position().0)
}

/// The next `count` reports' numbers.
async fn numbers(stream: &mut Stream, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        let report = stream.expect("report").await;
        let id = report.id.unwrap();
        assert_eq!(report.data["cursor"], *id);
        numbers.push(id.split_once('.').unwrap().1.parse().unwrap());
    }
    numbers
}

fn bye(events: &[Event]) -> &Value {
    let last = events.last().unwrap();
    assert_eq!(last.event, "bye");
    &last.data
}

async fn with_query(client: &Client, query: &str) -> Stream {
    client.open(client.request("GET", &format!("/agent/reports/stream?{query}"))).await
}

#[tokio::test]
async fn a_newcomer_gets_the_view_and_then_what_follows() {
    let world = World::start().await;
    let task_id = world.run("test.echo", json!({"n": 1}), "succeeded").await;
    let mut stream = world.service().stream(None).await;
    for (name, value) in [("cache-control", "no-cache, no-transform"), ("x-accel-buffering", "no")]
    {
        assert_eq!(stream.headers[name], value);
    }
    assert!(!stream.headers.contains_key("content-encoding"));
    let snapshot = stream.expect("snapshot").await;
    let data = &snapshot.data;
    assert_eq!(snapshot.id.as_deref(), data["cursor"].as_str());
    assert_eq!((&data["reason"], &data["tenant"]), (&json!("initial"), &json!("default:default")));
    assert_eq!(data["server_time"], "2026-01-01T00:00:00.000Z");
    let keep = json!({"worklog": 200, "tasks": 500, "asks": 500, "autopilot": 50, "alerts": 200});
    assert_eq!(data["keep"], keep);
    let collections: Vec<_> = data["view"].as_object().unwrap().keys().collect();
    let all = ["alerts", "asks", "autopilot", "rag", "system", "tasks", "worklog", "youtube"];
    assert_eq!(collections, all);
    assert_eq!(data["view"]["tasks"][&task_id]["result"], json!({"n": 1}));

    let next = world.run("test.yellow", json!({}), "succeeded").await;
    let first = data["cursor"].as_str().unwrap().split_once('.').unwrap().1.parse::<u64>().unwrap();
    let report = stream.expect("report").await;
    assert_eq!(report.id, Some(cursor(&world, first + 1)));
    let meta = &report.data["meta"];
    assert_eq!((&meta["task_id"], &meta["approval_level"]), (&json!(next), &json!("yellow")));
    assert_eq!(meta["command_type"], "test.yellow");
    assert!(report.data["kind"].is_string() && report.data["at"].is_string());
    world.finish().await;
}

#[tokio::test]
async fn a_cursor_in_the_window_brings_exactly_what_was_missed() {
    let world = World::start().await;
    step(&world, 10).await;
    for from in [0, 4, 9] {
        let mut stream = world.service().stream(Some(&cursor(&world, from))).await;
        // First of all the accepted cursor, alone.
        let accepted = stream.soon().await.unwrap();
        assert_eq!((accepted.event.as_str(), accepted.id), ("", Some(cursor(&world, from))));
        assert_eq!(accepted.data, Value::Null);
        let missed = numbers(&mut stream, 10 - from as usize).await;
        assert_eq!(missed, (from + 1..=10).collect::<Vec<_>>());
    }
    let mut stream = world.service().stream(Some(&cursor(&world, 10))).await;
    assert_eq!(stream.soon().await.unwrap().id, Some(cursor(&world, 10)));
    step(&world, 2).await;
    assert_eq!(numbers(&mut stream, 2).await, [11, 12], "replay and live are one");
    world.finish().await;
}

#[tokio::test]
async fn the_window_is_exact() {
    let world = World::builder().settings(|settings| settings.stream.event_keep = 8).start().await;
    step(&world, 20).await;
    let mut inside = world.service().stream(Some(&cursor(&world, 12))).await;
    assert_eq!(inside.soon().await.unwrap().id, Some(cursor(&world, 12)));
    assert_eq!(numbers(&mut inside, 8).await, (13..=20).collect::<Vec<_>>());
    let mut outside = world.service().stream(Some(&cursor(&world, 11))).await;
    let snapshot = outside.expect("snapshot").await;
    assert_eq!(
        (&snapshot.data["reason"], snapshot.id),
        (&json!("expired"), Some(cursor(&world, 20)))
    );
    world.finish().await;
}

#[tokio::test]
async fn the_window_is_exact_after_a_restart_too() {
    let mut world =
        World::builder().settings(|settings| settings.stream.event_keep = 8).start().await;
    step(&world, 20).await;
    world.restart().await;
    let mut inside = world.service().stream(Some(&cursor(&world, 12))).await;
    assert_eq!(inside.soon().await.unwrap().id, Some(cursor(&world, 12)));
    assert_eq!(numbers(&mut inside, 8).await, (13..=20).collect::<Vec<_>>());
    let mut outside = world.service().stream(Some(&cursor(&world, 11))).await;
    assert_eq!(outside.expect("snapshot").await.data["reason"], "expired");
    world.finish().await;
}

#[tokio::test]
async fn a_cursor_that_is_no_place_gets_a_snapshot_that_says_why() {
    let world = World::start().await;
    step(&world, 3).await;
    for (sent, reason) in [
        (cursor(&world, 4), "ahead"),
        (cursor(&world, 9_007_199_254_740_991), "ahead"),
        ("zzzzzzzz.3".to_owned(), "epoch"),
        ("3".to_owned(), "bad_cursor"),
        (String::new(), "bad_cursor"),
        (cursor(&world, 3) + " ", "bad_cursor"),
        (cursor(&world, 3).to_uppercase(), "bad_cursor"),
        (cursor(&world, 3).replace('.', ".0"), "bad_cursor"),
        (cursor(&world, 3).replace('.', ".-"), "bad_cursor"),
        (format!("{}.18446744073709551616", world.follower().position().0), "bad_cursor"),
        ("x".repeat(4_000), "bad_cursor"),
        ("'; DROP TABLE report; --".to_owned(), "bad_cursor"),
        ("커서".to_owned(), "bad_cursor"),
    ] {
        // A header's surrounding space is no part of its value: such a cursor goes by the query.
        let mut stream = if sent.ends_with(' ') || sent.is_empty() {
            let query = format!("last_event_id={}", sent.replace(' ', "%20"));
            with_query(&world.service(), &query).await
        } else {
            world.service().stream(Some(&sent)).await
        };
        let snapshot = stream.expect("snapshot").await;
        assert_eq!(snapshot.data["reason"], reason, "{sent:?}");
        assert_eq!(snapshot.id, Some(cursor(&world, 3)));
    }
    world.finish().await;
}

#[tokio::test]
async fn the_header_beats_the_query() {
    let world = World::start().await;
    step(&world, 5).await;
    let client = world.service();
    let path = format!("/agent/reports/stream?last_event_id={}", cursor(&world, 1));
    let mut by_query = client.open(client.request("GET", &path)).await;
    assert_eq!(by_query.soon().await.unwrap().id, Some(cursor(&world, 1)));
    let both = client.request("GET", &path).header("last-event-id", cursor(&world, 4));
    let mut by_header = client.open(both).await;
    assert_eq!(by_header.soon().await.unwrap().id, Some(cursor(&world, 4)));
    assert_eq!(numbers(&mut by_header, 1).await, [5]);
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_cannot_set_headers_names_the_tenant_in_the_query() {
    let world = World::start().await;
    let client = world.service().without_tenant();
    let mut stream = with_query(&client, "org_id=default&project_id=default").await;
    stream.expect("snapshot").await;
    client.get("/agent/reports/stream").await.refused(400, "tenant_missing");
    for query in ["on_limit=close", "on_limit=", "session_id=", "last_event=x"] {
        let path = format!("/agent/reports/stream?{query}");
        world.service().get(&path).await.problem(400);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_ping_proves_that_there_is_no_hole() {
    let world = World::start().await;
    step(&world, 3).await;
    let mut stream = world.service().stream(None).await;
    stream.expect("snapshot").await;
    world.advance_seconds(30);
    let ping = stream.expect("ping").await;
    assert_eq!(ping.id, None, "a ping is no place to resume");
    assert_eq!(ping.data["cursor"], cursor(&world, 3));
    assert_eq!(ping.data["server_time"], "2026-01-01T00:00:30.000Z");
    world.advance_seconds(30);
    stream.expect("ping").await;
    world.finish().await;
}

#[tokio::test]
async fn a_stream_without_a_report_ends_and_says_so() {
    let world = World::start().await;
    let mut stream = world.service().stream(None).await;
    stream.expect("snapshot").await;
    world.advance_seconds(200);
    stream.expect("ping").await;
    step(&world, 1).await;
    stream.expect("report").await;
    // A report was delivered: the time begins again.
    world.advance_seconds(239);
    stream.expect("ping").await;
    world.advance_seconds(61);
    let rest = stream.rest().await;
    let data = bye(&rest);
    assert_eq!((&data["reason"], &data["reconnect"]), (&json!("idle"), &json!(true)));
    assert!(rest.last().unwrap().retry.unwrap() >= 1_000);
    world.finish().await;
}

#[tokio::test]
async fn the_newer_stream_of_a_session_ends_the_older() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let mut older = with_query(&world.service(), "session_id=tab").await;
    older.expect("snapshot").await;
    let mut elsewhere = with_query(&world.service().of("other:team"), "session_id=tab").await;
    elsewhere.expect("snapshot").await;
    let client = world.service();
    let by_header = client.request("GET", "/agent/reports/stream").header("x-session-id", "tab");
    let mut newer = client.open(by_header).await;
    newer.expect("snapshot").await;
    let rest = older.rest().await;
    let data = bye(&rest);
    assert_eq!((&data["reason"], &data["reconnect"]), (&json!("superseded"), &json!(false)));
    step(&world, 1).await;
    newer.expect("report").await;
    world.admin().of("other:team").post("/tenant/pause", &json!({})).await.accepted();
    elsewhere.expect("report").await;
    world.finish().await;
}

#[tokio::test]
async fn a_tenant_has_so_many_streams_and_no_more() {
    let world =
        World::builder().settings(|settings| settings.stream.max_per_tenant = 3).start().await;
    // The test itself listens to the tenant, which makes three.
    let mut first = world.service().stream(None).await;
    let mut second = with_query(&world.service(), "session_id=tab").await;
    first.expect("snapshot").await;
    second.expect("snapshot").await;
    let refused = world.service().get("/agent/reports/stream").await;
    refused.refused(429, "stream_limit");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((20..40).contains(&wait), "{wait}");
    let mut plain = with_query(&world.service(), "on_limit=event").await;
    let rest = plain.rest().await;
    assert_eq!((rest.len(), &bye(&rest)["reason"]), (1, &json!("limit")));
    assert!(rest[0].retry.unwrap() >= 20_000);
    // A session that replaces its own stream needs no room.
    let mut replaced = with_query(&world.service(), "session_id=tab").await;
    replaced.expect("snapshot").await;
    assert_eq!(bye(&second.rest().await)["reason"], "superseded");
    // Who goes makes room.
    drop(first);
    let room = async {
        while world.service().request("GET", "/agent/reports/stream").send().await.unwrap().status()
            != 200
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(nexus_testkit::PATIENCE, room).await.expect("the place is free again");
    drop(replaced);
    let room = async {
        while world.admin().request("GET", "/agent/reports/stream").send().await.unwrap().status()
            != 200
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(nexus_testkit::PATIENCE, room).await.expect("the place is free again");
    world.finish().await;
}

#[tokio::test]
async fn a_restart_keeps_epoch_and_numbers() {
    let mut world = World::start().await;
    step(&world, 5).await;
    let mut stream = world.service().stream(None).await;
    stream.expect("snapshot").await;
    let head = cursor(&world, 5);
    world.stop().await;
    let rest = stream.rest().await;
    let data = bye(&rest);
    assert_eq!((&data["reason"], &data["reconnect"]), (&json!("shutdown"), &json!(true)));
    world.start_again().await;
    assert_eq!(world.snapshot().await.0, head);
    let mut resumed = world.service().stream(Some(&cursor(&world, 3))).await;
    assert_eq!(resumed.soon().await.unwrap().id, Some(cursor(&world, 3)));
    assert_eq!(numbers(&mut resumed, 2).await, [4, 5]);
    step(&world, 2).await;
    assert_eq!(numbers(&mut resumed, 2).await, [6, 7]);
    assert_eq!(world.follower().byes(), ["shutdown"]);
    world.finish().await;
}

#[tokio::test]
async fn a_revoked_key_ends_its_stream_within_five_seconds() {
    let world = World::start().await;
    let (key_id, program) = world.tenant_key("default:default").await;
    let mut stream = program.stream(None).await;
    stream.expect("snapshot").await;
    let mut other = world.service().stream(None).await;
    other.expect("snapshot").await;
    world.admin().delete(&format!("/keys/{key_id}?confirm={key_id}")).await.expect(204);
    world.advance_seconds(5);
    let rest = stream.rest().await;
    let data = bye(&rest);
    assert_eq!((&data["reason"], &data["reconnect"]), (&json!("auth_expired"), &json!(false)));
    step(&world, 1).await;
    other.until("report").await;
    program.get("/agent/reports/stream").await.refused(401, "key_invalid");
    world.finish().await;
}

#[tokio::test]
async fn a_key_that_expires_ends_its_stream() {
    let world = World::start().await;
    let body = json!({"kind": "service", "title": "t", "expires_at": "2026-01-01T00:01:00Z"});
    let made = world.admin().post("/keys", &body).await;
    let program = world.admin().with_key(made.expect(201)["key"].as_str().unwrap());
    let mut stream = program.stream(None).await;
    stream.expect("snapshot").await;
    world.advance_seconds(65);
    assert_eq!(bye(&stream.rest().await)["reason"], "auth_expired");
    world.finish().await;
}

#[tokio::test]
async fn a_busy_stream_of_a_revoked_key_ends_too() {
    let world = World::start().await;
    let (key_id, program) = world.tenant_key("default:default").await;
    let mut stream = program.stream(None).await;
    stream.expect("snapshot").await;
    world.admin().delete(&format!("/keys/{key_id}?confirm={key_id}")).await.expect(204);
    // A report comes each second: none of them puts the end off.
    for _ in 0..6 {
        world.advance_seconds(1);
        step(&world, 2).await;
    }
    world.advance_seconds(1);
    let rest = stream.rest().await;
    assert_eq!(bye(&rest)["reason"], "auth_expired");
    world.finish().await;
}

#[tokio::test]
async fn a_slow_reader_misses_nothing_that_the_store_still_has() {
    let world = World::start().await;
    let mut stream = world.service().stream(None).await;
    stream.expect("snapshot").await;
    let lines: Vec<String> = (0..40).map(|n| format!("{n} {}", "x".repeat(3_000))).collect();
    for _ in 0..3 {
        world.run("test.echo", json!({"lines": lines}), "succeeded").await;
    }
    let head = world.follower().position().1;
    let read = numbers(&mut stream, usize::try_from(head).unwrap()).await;
    assert_eq!(read, (1..=head).collect::<Vec<_>>());
    world.finish().await;
}

#[tokio::test]
async fn another_worklog_length_is_another_life_of_the_log() {
    let mut world = World::start().await;
    step(&world, 3).await;
    let before = cursor(&world, 3);
    world.stop().await;
    world.change_settings(|settings| settings.stream.worklog_keep = 5);
    world.start_again_afresh().await;
    let mut stream = world.service().stream(Some(&before)).await;
    let snapshot = stream.expect("snapshot").await;
    assert_eq!(snapshot.data["reason"], "epoch");
    assert_eq!(snapshot.data["keep"]["worklog"], 5);
    let lines: Vec<String> = (0..9).map(|n| format!("line {n}")).collect();
    world.run("test.echo", json!({"lines": lines}), "succeeded").await;
    let (_, view) = world.snapshot().await;
    assert_eq!(view.all("worklog").len(), 5);
    world.finish().await;
}

#[tokio::test]
async fn the_first_bytes_leave_at_once_and_say_when_to_come_back() {
    let world = World::start().await;
    let client = world.service();
    let mut response = client.request("GET", "/agent/reports/stream").send().await.unwrap();
    let first = tokio::time::timeout(Duration::from_secs(5), response.chunk()).await;
    let first = first.unwrap().unwrap().unwrap();
    assert!(first.starts_with(b"retry: "), "{first:?}");
    world.finish().await;
}

#[tokio::test]
async fn all_come_back_at_once_and_the_store_is_read_once() {
    let mut world = World::start().await;
    step(&world, 1_000).await;
    world.run("test.echo", json!({}), "succeeded").await;
    let (epoch, head) = world.follower().position();
    let from = head - 1_000;
    world.restart().await;
    let before = format!("{epoch}.{from}");
    let back = (0..60).map(|_| {
        let (client, before) = (world.service(), before.clone());
        tokio::spawn(async move {
            let mut stream = client.stream(Some(&before)).await;
            assert_eq!(stream.soon().await.unwrap().id, Some(before));
            numbers(&mut stream, 1_000).await
        })
    });
    for one in back.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), (from + 1..=head).collect::<Vec<_>>());
    }
    assert_eq!(world.metric("nexus_sse_loads_total"), Some(1.0));
    assert_eq!(world.metric("nexus_sse_replayed_total"), Some(60_000.0));
    assert_eq!(world.metric("nexus_sse_ring_misses_total"), Some(0.0));
    world.finish().await;
}

#[tokio::test]
async fn a_herd_of_newcomers_makes_one_snapshot() {
    let mut world = World::start().await;
    step(&world, 50).await;
    world.restart().await;
    let client = world.service();
    let herd: Vec<_> = (0..60)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut stream = client.stream(None).await;
                let cursor = stream.expect("snapshot").await.id.unwrap();
                (stream, cursor)
            })
        })
        .collect();
    step(&world, 20).await;
    let head = world.follower().position().1;
    for one in herd {
        let (mut stream, cursor) = one.await.unwrap();
        let from: u64 = cursor.split_once('.').unwrap().1.parse().unwrap();
        let count = usize::try_from(head - from).unwrap();
        assert_eq!(numbers(&mut stream, count).await, (from + 1..=head).collect::<Vec<_>>());
    }
    // The ring once, and base and log once; all else is folded on in memory.
    assert_eq!(world.metric("nexus_sse_loads_total"), Some(2.0));
    world.finish().await;
}

#[tokio::test]
async fn no_text_breaks_a_frame() {
    let world = World::start().await;
    let mut stream = world.service().stream(None).await;
    stream.expect("snapshot").await;
    let long = "한".repeat(16 << 10);
    let odd = ["a\r\nb", "c\rd\n\ne", "\u{2028}\u{2029}\u{85}", "data: x\nid: y", "\"\\", &long];
    world.run("test.echo", json!({"lines": odd}), "succeeded").await;
    // The reader refuses a frame with more than one line of data, or with CR anywhere.
    let head = world.follower().position().1;
    let mut texts = Vec::new();
    for _ in 0..head {
        let report = stream.expect("report").await;
        assert!(report.data.to_string().len() <= 64 << 10);
        for change in report.data["changes"].as_array().unwrap() {
            texts.extend(change["value"]["text"].as_str().map(str::to_owned));
        }
    }
    for line in &odd[..5] {
        assert!(texts.iter().any(|text| text.trim() == line.trim()), "{line:?} in {texts:?}");
    }
    assert!(texts.iter().any(|text| text.starts_with("한한")), "however long it was");
    world.finish().await;
}
