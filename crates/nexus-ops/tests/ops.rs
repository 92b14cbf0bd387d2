//! Health, metrics and the description, as a monitoring system and a browser meet them.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use nexus_kit::telemetry::metrics::Metrics;
use nexus_ops::{Check, Ops, api, docs, health, metrics};
use serde_json::Value;
use tower_service::Service as _;

async fn get(router: &Router, path: &str) -> (u16, HeaderMap, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().call(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    (parts.status.as_u16(), parts.headers, String::from_utf8_lossy(&bytes).into_owned())
}

fn ops(checks: Vec<Check>) -> Ops {
    Ops::new(Metrics::new(), checks, Instant::now())
}

#[tokio::test]
async fn ready_follows_the_dependencies_and_live_does_not() {
    let works = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&works);
    let router = health(ops(vec![
        Check::new("store", async || Ok(())),
        Check::new("queue", move || {
            let works = switch.load(Ordering::SeqCst);
            async move { if works { Ok(()) } else { Err("password=hunter2 refused".to_owned()) } }
        }),
    ]));
    let (status, _, body) = get(&router, "/health/ready").await;
    let report: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &report["status"]), (503, &"failed".into()));
    assert_eq!(report["checks"][0]["name"], "store");
    assert_eq!(report["checks"][0]["status"], "ok");
    assert!(report["checks"][0]["latency_ms"].is_number());
    assert_eq!(report["checks"][1]["status"], "failed");
    assert!(!body.contains("hunter2"), "why it failed is for the log");

    assert_eq!(get(&router, "/health/live").await.0, 200);
    let (status, _, body) = get(&router, "/health").await;
    let summary: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &summary["status"]), (200, &"failed".into()));
    assert_eq!(summary["version"], env!("CARGO_PKG_VERSION"));
    assert!(summary["uptime_seconds"].is_u64());

    works.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(get(&router, "/health/ready").await.0, 200);
}

#[tokio::test]
async fn many_questions_are_one_and_a_panic_is_a_failure() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let router = health(ops(vec![
        Check::new("counted", move || {
            count.fetch_add(1, Ordering::SeqCst);
            async { Ok(()) }
        }),
        Check::new("broken", async || if true { panic!("on purpose") } else { Ok(()) }),
    ]));
    for _ in 0..20 {
        assert_eq!(get(&router, "/health/ready").await.0, 503);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_never_answers_has_failed() {
    let router = health(ops(vec![Check::new("stuck", async || {
        std::future::pending::<()>().await;
        Ok(())
    })]));
    assert_eq!(get(&router, "/health/ready").await.0, 503);
}

#[tokio::test]
async fn metrics_are_openmetrics_text() {
    let (status, headers, body) = get(&metrics(ops(Vec::new())), "/metrics").await;
    assert_eq!(status, 200);
    assert!(headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    assert!(body.contains("nexus_build_info{"), "{body}");
    assert!(body.ends_with("# EOF\n"));
}

#[tokio::test]
async fn the_description_and_its_page_need_no_other_host() {
    let router = docs(&api());
    let (status, _, body) = get(&router, "/openapi.json").await;
    let description: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &description["openapi"]), (200, &"3.1.0".into()));
    for path in ["/health", "/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"] {
        assert!(description["paths"][path]["get"]["responses"]["200"].is_object(), "{path}");
    }

    let (status, headers, page) = get(&router, "/docs").await;
    assert_eq!(status, 200);
    assert!(!page.contains("://"), "{page}");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    // Nothing in the page itself for which the policy would have to be wider.
    assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("onload"));
    let links: Vec<_> =
        page.split(['"']).filter(|part| part.starts_with("docs/")).map(str::to_owned).collect();
    assert_eq!(links.len(), 4);
    for link in links {
        let (status, headers, body) = get(&router, &format!("/{link}")).await;
        assert_eq!(status, 200, "{link}");
        let kind = headers["content-type"].to_str().unwrap();
        let right = match link.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript",
            "css" => "text/css",
            _ => "image/png",
        };
        assert!(kind.starts_with(right), "{link}: {kind}");
        assert!(!body.is_empty());
    }
    for absent in ["/docs/index.html", "/docs/..%2fCargo.toml", "/docs/oauth2-redirect.html"] {
        assert_eq!(get(&router, absent).await.0, 404, "{absent}");
    }
    let (status, headers, _) = get(&router, "/docs/").await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (308, "../docs"));
}
