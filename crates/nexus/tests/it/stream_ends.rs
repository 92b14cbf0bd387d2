//! How streams end when the server wants it so, and how few may be opened: limits, storms, rotation,
//! draining, readers who do not read.

use std::time::Duration;

use nexus_testkit::{Event, RawStream, Stream, World};
use serde_json::{Value, json};

fn bye(events: &[Event]) -> &Value {
    let last = events.last().unwrap();
    assert_eq!(last.event, "bye");
    &last.data
}

fn numbers(events: &[Event]) -> Vec<u64> {
    let reports = events.iter().filter(|event| event.event == "report");
    let ids = reports.filter_map(|report| report.id.as_deref()?.split_once('.'));
    ids.map(|(_, number)| number.parse().unwrap()).collect()
}

async fn step(world: &World) {
    let path = "/policy?confirm=default:default";
    world.admin().put(path, &json!({"rules": []})).await.expect(200);
}

async fn lines(world: &World, count: usize) {
    let lines: Vec<String> = (0..count).map(|n| format!("{n} {}", "x".repeat(3_000))).collect();
    for lines in lines.chunks(40) {
        world.run("test.echo", json!({"lines": lines}), "succeeded").await;
    }
}

#[tokio::test]
async fn who_opens_too_many_streams_waits_a_while() {
    let world =
        World::builder().settings(|settings| settings.stream.opens_per_minute = 3).start().await;
    let stream = "/agent/reports/stream";
    // Of the service key; the test itself listens as an admin.
    for _ in 0..3 {
        world.service().stream(None).await.expect("snapshot").await;
    }
    let refused = world.service().get(stream).await;
    refused.refused(429, "stream_storm");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((20..40).contains(&wait), "{wait}");
    let path = format!("{stream}?on_limit=event");
    let mut plain: Stream = world.service().open(world.service().request("GET", &path)).await;
    let rest = plain.rest().await;
    assert_eq!((rest.len(), &bye(&rest)["reason"]), (1, &json!("limit")));
    assert!(rest[0].retry.unwrap() >= 20_000);
    // Another caller is not concerned.
    let (_, other) = world.tenant_key("default:default").await;
    other.stream(None).await.expect("snapshot").await;
    let fits = |entry: &nexus_testkit::Entry| {
        entry.actor == "service" && entry.details["code"] == "stream_storm"
    };
    world.until_audited("default:default", fits).await;
    assert_eq!(world.metric("nexus_sse_opens_total{outcome=\"storm\"}"), Some(2.0));
    world.advance_seconds(wait);
    world.service().stream(None).await.expect("snapshot").await;
    world.finish().await;
}

#[tokio::test]
async fn a_stream_is_replaced_now_and_then_also_when_it_is_busy() {
    let world = World::builder()
        .settings(|settings| settings.stream.rotate = Duration::from_secs(600))
        .start()
        .await;
    let mut stream = world.service().stream(None).await;
    stream.expect("snapshot").await;
    for _ in 0..60 {
        world.advance_seconds(10);
        step(&world).await;
    }
    let rest = stream.rest().await;
    let data = bye(&rest);
    assert_eq!((&data["reason"], &data["reconnect"]), (&json!("rotate"), &json!(true)));
    let last = *numbers(&rest).last().unwrap();
    assert!((48..=60).contains(&last), "after 600 s, less up to 20 %: {last}");
    let cursor = rest.iter().rev().find_map(|event| event.id.clone()).unwrap();
    let mut next = world.service().stream(Some(&cursor)).await;
    assert_eq!(next.soon().await.unwrap().id, Some(cursor));
    step(&world).await;
    while next.expect("report").await.id.unwrap().split_once('.').unwrap().1 != "61" {}
    world.finish().await;
}

#[tokio::test]
async fn a_shutdown_ends_streams_over_a_window() {
    let mut world = World::builder()
        .settings(|settings| {
            settings.stream.drain = Duration::from_secs(10);
            settings.http.shutdown = Duration::from_secs(30);
        })
        .start()
        .await;
    let mut streams = Vec::new();
    for _ in 0..39 {
        let mut stream = world.service().stream(None).await;
        stream.expect("snapshot").await;
        streams.push(stream);
    }
    // With the test's own there are 40 streams: 50 ms for each make two seconds.
    let clock = world.clock();
    let stopping = tokio::spawn(world.stopping());
    let mut open = Vec::new();
    for mut stream in streams {
        assert!(stream.is_silent(Duration::from_millis(2)).await, "not as a herd");
        open.push(stream);
    }
    clock.advance(Duration::from_secs(1));
    let some = async {
        while open.len() > 34 {
            let mut left = Vec::new();
            for mut stream in std::mem::take(&mut open) {
                if stream.is_silent(Duration::from_millis(2)).await {
                    left.push(stream);
                }
            }
            open = left;
        }
    };
    tokio::time::timeout(nexus_testkit::PATIENCE, some).await.expect("some end in the first half");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(open.len() > 5, "and others in the second: {} are left", open.len());
    clock.advance(Duration::from_millis(1_100));
    for mut stream in open {
        let rest = stream.rest().await;
        assert!(rest.is_empty() || bye(&rest)["reason"] == "shutdown", "{rest:?}");
    }
    assert_eq!(stopping.await.unwrap(), Vec::<&str>::new(), "nothing had to be cut off");
    world.start_again().await;
    world.finish().await;
}

#[tokio::test]
async fn a_reader_that_never_reads_is_cut_off_and_holds_up_nobody() {
    let world = World::start().await;
    let stuck = RawStream::open(&world.service(), "1.1", "").await;
    let mut other = world.service().stream(None).await;
    other.expect("snapshot").await;
    lines(&world, 400).await;
    let head = world.follower().position().1;
    let mut read = 0;
    while read < head {
        let report = other.expect("report").await;
        read = report.id.unwrap().split_once('.').unwrap().1.parse().unwrap();
    }
    world.advance_seconds(19);
    assert_eq!(world.metric("nexus_sse_connections"), Some(3.0));
    world.advance_seconds(2);
    world.until_metric("nexus_sse_closes_total{reason=\"slow\"}", |closed| closed == 1.0).await;
    // What it was sent is still on its way; it ends without the end that HTTP has for a whole body.
    let (text, whole) = stuck.rest().await;
    assert!(text.starts_with("retry: ") && !whole);
    assert_eq!(world.metric("nexus_sse_connections"), Some(2.0));
    world.finish().await;
}

#[tokio::test]
async fn a_reader_that_never_reads_holds_up_no_shutdown() {
    let mut world = World::builder()
        .settings(|settings| settings.http.shutdown = Duration::from_secs(15))
        .start()
        .await;
    let stuck = RawStream::open(&world.service(), "1.1", "").await;
    lines(&world, 400).await;
    let clock = world.clock();
    let stopping = tokio::spawn(world.stopping());
    let over = async {
        while !stopping.is_finished() {
            clock.advance(Duration::from_millis(100));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let before = clock.expiry();
    tokio::time::timeout(nexus_testkit::PATIENCE, over).await.expect("an end");
    assert_eq!(stopping.await.unwrap(), Vec::<&str>::new(), "nothing had to be cut off");
    // The drain's five seconds, not the twenty of a reader who is stuck in the middle of the day.
    assert!(clock.expiry().since(before) < Duration::from_secs(10));
    drop(stuck);
    world.start_again().await;
    world.finish().await;
}

#[tokio::test]
async fn a_reader_of_one_byte_a_second_is_cut_off_and_resumes_without_loss() {
    let world = World::start().await;
    let mut slow = RawStream::open(&world.service(), "1.1", "").await;
    lines(&world, 400).await;
    let head = world.follower().position().1;
    for _ in 0..45 {
        slow.read(1).await;
        world.advance_seconds(1);
    }
    world.until_metric("nexus_sse_closes_total{reason=\"slow\"}", |closed| closed == 1.0).await;
    let (text, _) = slow.rest().await;
    let frames = text.rsplit_once("\n\n").unwrap().0;
    let cursor = frames.rsplit("\nid: ").next().unwrap().split('\n').next().unwrap().to_owned();
    let at: u64 = cursor.split_once('.').unwrap().1.parse().unwrap();
    assert!(at < head, "it was far behind: {at} of {head}");
    let mut resumed = world.service().stream(Some(&cursor)).await;
    assert_eq!(resumed.soon().await.unwrap().id, Some(cursor));
    for number in at + 1..=head {
        let id = resumed.expect("report").await.id.unwrap();
        assert_eq!(id.split_once('.').unwrap().1, number.to_string());
    }
    world.finish().await;
}

#[tokio::test]
async fn a_reader_that_vanished_without_a_word_is_found_out_by_a_ping() {
    let world = World::builder()
        .settings(|settings| settings.stream.stuck = Duration::from_secs(1))
        .start()
        .await;
    let mut gone = RawStream::open(&world.service(), "1.1", "").await;
    gone.until("event: snapshot").await;
    // From here on its machine drops whatever comes: nothing is acknowledged, nothing is closed.
    let drop_all = [socket2::SockFilter::new(6, 0, 0, 0)];
    socket2::SockRef::from(&gone.socket).attach_filter(&drop_all).unwrap();
    assert_eq!(world.metric("nexus_sse_connections"), Some(2.0));
    world.advance_seconds(30);
    world.until_metric("nexus_sse_connections", |open| open == 1.0).await;
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_goes_on_talking_is_not_listened_to() {
    use tokio::io::AsyncWriteExt as _;
    let world = World::start().await;
    let mut loud = RawStream::open(&world.service(), "1.1", "").await;
    loud.until("event: snapshot").await;
    let again = b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n";
    loud.socket.write_all(again).await.unwrap();
    step(&world).await;
    loud.until("event: report").await;
    let flood = vec![b'x'; 256 << 10];
    let _ = loud.socket.write_all(&flood).await;
    world.until_metric("nexus_sse_connections", |open| open == 1.0).await;
    world.finish().await;
}

#[tokio::test]
async fn the_body_is_chunked_as_http_says_and_so_is_its_end() {
    let mut world = World::start().await;
    let mut stream = RawStream::open(&world.service(), "1.1", "").await;
    assert!(stream.head.contains("transfer-encoding: chunked"), "{}", stream.head);
    assert!(stream.head.contains("connection: close"), "{}", stream.head);
    lines(&world, 100).await;
    let head = world.follower().position();
    // Who has not read everything when the server stops may be too slow to be told so.
    stream.until(&format!("id: {}.{}\n", head.0, head.1)).await;
    world.stop().await;
    let (text, whole) = stream.rest().await;
    assert!(whole && text.ends_with("\n\n"));
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.contains("event: bye\ndata: {\"reason\":\"shutdown\""), "{last}");
    world.start_again().await;
    world.finish().await;
}

/// HTTP/1.0 has no chunks, so its streams are bodies like those of HTTP/2.
#[tokio::test]
async fn a_stream_without_a_socket_of_its_own_says_the_same() {
    let mut world = World::start().await;
    let (key_id, program) = world.tenant_key("default:default").await;
    let mut stream = RawStream::open(&world.service(), "1.0", "").await;
    let mut revoked = RawStream::open(&program, "1.0", "").await;
    let mut older = RawStream::open(&world.service(), "1.0", "x-session-id: tab\r\n").await;
    let mut newer = RawStream::open(&world.service(), "1.1", "x-session-id: tab\r\n").await;
    assert!(!stream.head.contains("chunked"), "{}", stream.head);
    for stream in [&mut stream, &mut revoked, &mut older, &mut newer] {
        stream.until("event: snapshot").await;
    }
    assert!(older.rest().await.0.contains("\"reason\":\"superseded\""));
    lines(&world, 100).await;
    let head = world.follower().position();
    stream.until(&format!("id: {}.{}\n", head.0, head.1)).await;
    world.advance_seconds(30);
    stream.until("event: ping").await;
    world.admin().delete(&format!("/keys/{key_id}?confirm={key_id}")).await.expect(204);
    assert!(revoked.rest().await.0.contains("\"reason\":\"auth_expired\""));
    world.stop().await;
    let (text, _) = stream.rest().await;
    assert!(text.contains("\"reason\":\"shutdown\""));
    let ids: Vec<u64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("id: ")?.split_once('.')?.1.parse().ok())
        .collect();
    assert!(ids.windows(2).all(|two| two[1] == two[0] + 1), "{ids:?}");
    world.start_again().await;
    world.finish().await;
}

#[tokio::test]
async fn head_asks_for_headers_and_opens_nothing() {
    let world = World::start().await;
    let client = world.service();
    let answer = client.send(client.request("HEAD", "/agent/reports/stream")).await;
    answer.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(world.metric("nexus_sse_connections"), Some(1.0));
    world.finish().await;
}
