//! Many streams over one connection, as a browser behind a proxy that speaks HTTP/2 has them.

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use nexus_testkit::{PATIENCE, SERVICE_KEY, World};
use serde_json::json;
use tokio::task::JoinSet;

/// One stream of the connection.
struct Stream {
    body: Incoming,
    text: String,
}

impl Stream {
    async fn until(&mut self, text: &str) {
        while !self.text.contains(text) {
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await;
            let frame = frame.unwrap_or_else(|_| panic!("no {text}")).expect("not the end");
            let bytes = frame.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

async fn connect(world: &World, tasks: &mut JoinSet<()>) -> SendRequest<String> {
    // As much as browsers take of a stream that nobody reads, and no more.
    connect_taking(world, tasks, 64 << 10).await
}

async fn connect_taking(
    world: &World,
    tasks: &mut JoinSet<()>,
    window: u32,
) -> SendRequest<String> {
    let socket = tokio::net::TcpStream::connect(world.service().address()).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(socket);
    let executor = hyper_util::rt::TokioExecutor::new();
    let mut builder = hyper::client::conn::http2::Builder::new(executor);
    builder.initial_stream_window_size(window).initial_connection_window_size(16 << 20);
    let (sender, connection) = builder.handshake::<_, String>(io).await.unwrap();
    tasks.spawn(async move { drop(connection.await) });
    sender
}

async fn open(sender: &mut SendRequest<String>) -> Result<Stream, u16> {
    let request = hyper::Request::get("http://nexus/agent/reports/stream")
        .header("x-api-key", SERVICE_KEY)
        .header("x-org-id", "default")
        .header("x-project-id", "default")
        .body(String::new())
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    match answer.status().as_u16() {
        200 => Ok(Stream { body: answer.into_body(), text: String::new() }),
        status => Err(status),
    }
}

#[tokio::test]
async fn seven_tabs_share_a_connection_and_the_stuck_one_harms_nobody() {
    // Seven, and the one by which the test itself listens.
    let world =
        World::builder().settings(|settings| settings.stream.max_per_tenant = 8).start().await;
    let mut tasks = JoinSet::new();
    let mut sender = connect(&world, &mut tasks).await;
    let mut streams = Vec::new();
    for _ in 0..7 {
        let mut stream = open(&mut sender).await.unwrap_or_else(|status| panic!("{status}"));
        stream.until("event: snapshot").await;
        streams.push(stream);
    }
    assert_eq!(open(&mut sender).await.err(), Some(429));
    let stuck = streams.pop().unwrap();
    let lines: Vec<String> = (0..40).map(|n| format!("{n} {}", "x".repeat(3_000))).collect();
    for _ in 0..3 {
        world.run("test.echo", json!({"lines": lines}), "succeeded").await;
    }
    let (epoch, head) = world.follower().position();
    for stream in &mut streams {
        stream.until(&format!("id: {epoch}.{head}\n")).await;
    }
    // Those who take their pings keep their place; the stuck one's goes to another.
    world.advance_seconds(30);
    for stream in &mut streams {
        stream.until("event: ping").await;
    }
    world.advance_seconds(24);
    let next = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Ok(stream) = open(&mut sender).await {
                return stream;
            }
            tokio::task::yield_now().await;
        }
    });
    let next = next.await.expect("the place of the stuck one is free");
    // Tabs that are closed give their places up at once.
    drop((stuck, next));
    drop(streams);
    world.until_metric("nexus_sse_connections", |open| open == 1.0).await;
    drop(sender);
    world.finish().await;
}

#[tokio::test]
async fn a_stream_that_never_takes_a_byte_loses_its_place() {
    // One, and the one by which the test itself listens.
    let settings = |settings: &mut nexus_kit::settings::Settings| {
        (settings.stream.max_per_tenant, settings.stream.opens_per_minute) = (2, 10_000);
    };
    let world = World::builder().settings(settings).start().await;
    let mut tasks = JoinSet::new();
    let mut deaf = connect_taking(&world, &mut tasks, 0).await;
    let stuck = open(&mut deaf).await.unwrap_or_else(|status| panic!("{status}"));
    let mut sender = connect(&world, &mut tasks).await;
    assert_eq!(open(&mut sender).await.err(), Some(429));
    world.advance_seconds(60);
    let next = tokio::time::timeout(PATIENCE, async {
        while open(&mut sender).await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    next.await.expect("the place of the stuck one is free");
    drop((stuck, deaf, sender));
    world.until_metric("nexus_sse_connections", |open| open == 1.0).await;
    world.finish().await;
}

#[tokio::test]
async fn streams_over_http2_end_with_the_server() {
    let mut world = World::start().await;
    let mut tasks = JoinSet::new();
    let mut sender = connect(&world, &mut tasks).await;
    let mut stream = open(&mut sender).await.unwrap_or_else(|status| panic!("{status}"));
    stream.until("event: snapshot").await;
    assert_eq!(world.stop().await, Vec::<&str>::new());
    stream.until("\"reason\":\"shutdown\"").await;
    while let Some(frame) = stream.body.frame().await {
        let frame = frame.expect("a clean end");
        assert!(frame.into_data().is_ok_and(|data| data.is_empty()), "nothing after bye");
    }
    world.start_again().await;
    world.finish().await;
}
