//! The accept loop and the conventions around routes, met over real sockets.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use nexus_core::id::CorrelationId;
use nexus_core::time::Time;
use nexus_kit::http::{self, Body, Edge, Query, Raw, RequestContext, server};
use nexus_kit::settings;
use nexus_kit::supervise::Supervisor;
use nexus_kit::telemetry::metrics::Metrics;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

struct World {
    address: SocketAddr,
    metrics: Metrics,
    supervisor: Supervisor,
}

#[derive(Deserialize)]
struct Note {
    text: String,
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    limit: http::page::Limit,
}

fn routes() -> Router {
    Router::new()
        .route(
            "/notes/{id}",
            get(async |context: RequestContext| context.correlation_id.to_string()),
        )
        .route("/notes", post(async |Body(note): Body<Note>| note.text))
        .route("/raw", post(async |Raw(bytes): Raw| bytes.len().to_string()))
        .route("/search", get(async |Query(q): Query<Search>| q.limit.get().to_string()))
        .route("/peer", get(async |context: RequestContext| context.peer.unwrap().ip().to_string()))
        .route("/panic", get(async || if true { panic!("on purpose") } else { "" }))
        .route("/own", get(async || ([("content-security-policy", "default-src 'self'")], "")))
        .route(
            "/slow",
            get(async || {
                tokio::time::sleep(Duration::from_millis(400)).await;
                "done"
            }),
        )
        .route("/never", get(async || std::future::pending::<()>().await))
}

async fn start(settings: settings::Http) -> World {
    let metrics = Metrics::new();
    let supervisor = Supervisor::new(metrics.clone());
    let made = AtomicU64::new(0);
    let edge = Edge {
        settings: Arc::new(settings),
        metrics: metrics.clone(),
        new_correlation: Arc::new(move || {
            let number = made.fetch_add(1, Ordering::Relaxed) as u8;
            CorrelationId::new(Time::from_millis(1_800_000_000_000), &[number; 10])
        }),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let router = http::finish(routes(), &edge);
    let serving = server::serve(listener, router, edge, &supervisor).unwrap();
    World { address: serving.address, metrics, supervisor }
}

fn short() -> settings::Http {
    settings::Http {
        header_timeout: Duration::from_millis(300),
        body_timeout: Duration::from_millis(300),
        shutdown: Duration::from_millis(600),
        ..settings::Http::default()
    }
}

/// Sends bytes and returns all that comes back until the server closes.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // A reset is an end too.
    let _ = tokio::time::timeout(Duration::from_secs(10), read).await.expect("it never closed");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn request(address: SocketAddr, line: &str, headers: &str, body: &str) -> String {
    let length =
        if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let text = format!(
        "{line} HTTP/1.1\r\nhost: nexus\r\nconnection: close\r\n{headers}{length}\r\n{body}"
    );
    exchange(address, text.as_bytes()).await
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn problem(answer: &str) -> Value {
    assert_eq!(header(answer, "content-type"), Some("application/problem+json"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn code(answer: &str) -> String {
    let problem = problem(answer);
    assert_eq!(problem["status"], status(answer), "{answer}");
    assert_eq!(problem["correlation_id"].as_str(), header(answer, "x-correlation-id"), "{answer}");
    assert!(header(answer, "content-security-policy").is_some(), "{answer}");
    problem["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_answer_carries_its_correlation_id_and_safe_headers() {
    let world = start(settings::Http::default()).await;
    let at = world.address;
    let answer = request(at, "GET /notes/1", "x-correlation-id: mine/1:a\r\n", "").await;
    assert_eq!(status(&answer), 200);
    assert!(answer.ends_with("\r\n\r\nmine/1:a"), "{answer}");
    assert_eq!(header(&answer, "x-correlation-id"), Some("mine/1:a"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(header(&answer, name), Some(value));
    }
    for bad in [
        "",
        "x-correlation-id: \r\n",
        "x-correlation-id: a b\r\n",
        "x-correlation-id: a\r\nx-correlation-id: b\r\n",
    ] {
        let answer = request(at, "GET /notes/1", bad, "").await;
        let id = header(&answer, "x-correlation-id").unwrap();
        assert!(CorrelationId::parse(id).is_ok(), "{bad:?} gave {id}");
    }
    let own = request(at, "GET /own", "", "").await;
    assert_eq!(header(&own, "content-security-policy"), Some("default-src 'self'"));
    assert!(request(at, "GET /peer", "", "").await.ends_with("127.0.0.1"));
    let text = world.metrics.render();
    let counted =
        "nexus_http_requests_total{method=\"GET\",route=\"/notes/{id}\",status=\"200\"} 5";
    assert!(text.contains(counted), "{text}");
    assert!(text.contains("nexus_http_request_duration_seconds_count{route=\"/own\"} 1"), "{text}");
}

#[tokio::test]
async fn what_nobody_serves_is_refused_in_one_form() {
    let world = start(settings::Http::default()).await;
    let at = world.address;
    let answer = request(at, "GET /nothing", "x-correlation-id: mine\r\n", "").await;
    assert_eq!((status(&answer), code(&answer).as_str()), (404, "unknown_path"));
    assert_eq!(problem(&answer)["correlation_id"], "mine");
    let answer = request(at, "DELETE /notes", "", "").await;
    assert_eq!((status(&answer), code(&answer).as_str()), (405, "method_not_allowed"));
    assert_eq!(header(&answer, "allow"), Some("POST"));
    let answer = request(at, "BREW /notes", "", "").await;
    assert_eq!(status(&answer), 405);
    let answer = request(at, "GET /panic", "", "").await;
    assert_eq!((status(&answer), code(&answer).as_str()), (500, "internal_error"));
    assert!(!answer.contains("on purpose"), "{answer}");
    let answer = request(at, "GET /search?limt=3", "", "").await;
    assert_eq!((status(&answer), code(&answer).as_str()), (400, "unknown_parameter"));
    assert!(request(at, "GET /search?limit=3", "", "").await.ends_with('3'));
    let text = world.metrics.render();
    for line in [
        "nexus_panics_total{task=\"request\"} 1",
        "nexus_refusals_total{code=\"unknown_path\"} 1",
        "nexus_http_requests_total{method=\"OTHER\",route=\"/notes\",status=\"405\"} 1",
        "nexus_http_requests_total{method=\"GET\",route=\"(none)\",status=\"404\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn bodies_are_strict_json_within_their_bounds() {
    let world = start(settings::Http { max_body_bytes: 64, ..short() }).await;
    let at = world.address;
    let json = "content-type: application/json\r\n";
    let post = async |headers: &str, body: &str| {
        let answer = request(at, "POST /notes", headers, body).await;
        if status(&answer) == 200 { "ok".to_owned() } else { code(&answer) }
    };
    assert_eq!(post(json, r#"{"text":"hi"}"#).await, "ok");
    assert_eq!(
        post("content-type: Application/JSON; charset=utf-8\r\n", r#"{"text":""}"#).await,
        "ok"
    );
    assert_eq!(post("content-type: application/vnd.nexus+json\r\n", r#"{"text":""}"#).await, "ok");
    for kind in [
        "",
        "content-type: text/plain\r\n",
        "content-type: application/jsonx\r\n",
        "content-type: text/json\r\n",
        "content-type: application/json\r\ncontent-type: text/plain\r\n",
        "content-type: application/json\r\ncontent-encoding: gzip\r\n",
    ] {
        assert_eq!(post(kind, r#"{"text":"hi"}"#).await, "unsupported_media_type", "{kind}");
    }
    assert_eq!(post(json, r#"{"text":"hi","text":"ho"}"#).await, "duplicate_key");
    assert_eq!(post(json, r#"{"text":9007199254740993}"#).await, "unsafe_integer");
    assert_eq!(post(json, "{").await, "not_json");
    assert_eq!(post(json, "").await, "invalid_fields", "no body is an object without members");
    assert_eq!(post(json, &json!({"text": "x".repeat(60)}).to_string()).await, "body_too_large");

    let answer = request(at, "POST /notes", json, r#"{"txt":"hi"}"#).await;
    assert_eq!((status(&answer), code(&answer).as_str()), (422, "invalid_fields"));
    let paths: Vec<_> =
        problem(&answer)["errors"].as_array().unwrap().iter().map(|e| e["path"].clone()).collect();
    assert_eq!(paths, [json!("/txt"), json!("/text")]);

    // The length is not announced: the bound holds while the body comes.
    let chunked = "transfer-encoding: chunked\r\ncontent-type: application/json\r\n";
    let chunks = format!("32\r\n{}\r\n32\r\n{}\r\n0\r\n\r\n", "x".repeat(50), "x".repeat(50));
    let text =
        format!("POST /raw HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{chunked}\r\n{chunks}");
    assert_eq!(code(&exchange(at, text.as_bytes()).await), "body_too_large");

    let late = "POST /raw HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 9\r\n\r\nabc";
    let answer = exchange(at, late.as_bytes()).await;
    assert_eq!((status(&answer), code(&answer).as_str()), (408, "body_timeout"));
}

#[tokio::test]
async fn heads_are_bounded_and_name_one_host() {
    let world = start(settings::Http::default()).await;
    let at = world.address;
    let long = format!("GET /{}", "a".repeat(9_000));
    let answer = request(at, &long, "", "").await;
    assert_eq!((status(&answer), code(&answer).as_str()), (414, "uri_too_long"));
    let many: String = (0..70).map(|n| format!("x-{n}: 1\r\n")).collect();
    let answer = request(at, "GET /notes/1", &many, "").await;
    assert_eq!((status(&answer), code(&answer).as_str()), (431, "headers_too_large"));
    let wide = format!("x-wide: {}\r\n", "a".repeat(17 << 10));
    let answer = request(at, "GET /notes/1", &wide, "").await;
    assert_eq!((status(&answer), code(&answer).as_str()), (431, "headers_too_large"));
    // Beyond the transport's own bounds there is no body, but there is an end.
    for headers in [
        format!("x-wide: {}\r\n", "a".repeat(300_000)),
        (0..500).map(|n| format!("x-{n}: 1\r\n")).collect(),
    ] {
        let answer = request(at, "GET /notes/1", &headers, "").await;
        assert!(matches!(status(&answer), 431 | 0), "{answer}");
    }
    for hosts in ["", "host: a\r\nhost: a\r\n", "host: a\r\nhost: b\r\n", "host: a, b\r\n"] {
        let text = format!("GET /notes/1 HTTP/1.1\r\nconnection: close\r\n{hosts}\r\n");
        let answer = exchange(at, text.as_bytes()).await;
        assert_eq!((status(&answer), code(&answer).as_str()), (400, "bad_host"), "{hosts}");
    }
    assert!(world.metrics.render().contains("nexus_refusals_total{code=\"bad_host\"} 4"));
}

#[tokio::test]
async fn whoever_sends_too_slowly_is_closed() {
    let world = start(short()).await;
    for start in [
        "",
        "GET /notes/1 HTTP/1.1\r\nhost: a\r\n",
        "PRI * HT",
        // Answered, then idle.
        "GET /notes/1 HTTP/1.1\r\nhost: a\r\n\r\n",
    ] {
        let begun = std::time::Instant::now();
        exchange(world.address, start.as_bytes()).await;
        assert!(begun.elapsed() < Duration::from_secs(3), "{start:?}");
    }
    world.supervisor.shutdown(Duration::from_secs(5)).await;
    assert_eq!(world.metrics.http_connections.get(), 0);
}

#[tokio::test]
async fn a_connection_too_many_is_closed_at_once() {
    let world = start(settings::Http { max_connections: 2, ..settings::Http::default() }).await;
    let _one = TcpStream::connect(world.address).await.unwrap();
    let two = TcpStream::connect(world.address).await.unwrap();
    assert_eq!(exchange(world.address, b"GET /notes/1 HTTP/1.1\r\nhost: a\r\n\r\n").await, "");
    assert!(world.metrics.render().contains("refusals_total{code=\"too_many_connections\"} 1"));
    drop(two);
    // Its place comes free as soon as the server has seen it leave.
    for _ in 0..100 {
        if status(&request(world.address, "GET /notes/1", "", "").await) == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place never came free");
}

#[tokio::test]
async fn a_shutdown_ends_what_runs_and_cuts_what_does_not_end() {
    let world = start(short()).await;
    let at = world.address;
    let shutdown = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        world.supervisor.shutdown(Duration::from_secs(5)).await
    };
    let (slow, never, left) =
        tokio::join!(request(at, "GET /slow", "", ""), request(at, "GET /never", "", ""), shutdown);
    assert!(slow.ends_with("done"), "{slow}");
    assert_eq!(never, "");
    assert_eq!(left, Vec::<&str>::new());
    assert!(TcpStream::connect(at).await.is_err());
}

#[tokio::test]
async fn http2_with_prior_knowledge_meets_the_same_rules() {
    let world = start(settings::Http::default()).await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let mut set = tokio::task::JoinSet::new();
    set.spawn(async move { connection.await.is_ok() });
    let ask = |path: &str| {
        axum::http::Request::get(format!("http://nexus{path}"))
            .header("x-correlation-id", "h2")
            .body(String::new())
            .unwrap()
    };
    let answer = sender.send_request(ask("/notes/1")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-correlation-id"], "h2");
    let answer = sender.send_request(ask(&format!("/{}", "a".repeat(9_000)))).await.unwrap();
    assert_eq!(answer.status(), 414);
    // The shutdown says goodbye, and an idle connection ends at once.
    assert!(world.supervisor.shutdown(Duration::from_secs(5)).await.is_empty());
    drop(sender);
    set.join_next().await.unwrap().unwrap();
}
