//! Webhooks against a receiver that misbehaves.

use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use nexus_core::json::sha256_hex;
use nexus_core::policy::Risk;
use nexus_fakes::webhook::{Behaviour, WebhookSink};
use nexus_kit::egress::{Looking, Resolve};
use nexus_kit::settings::Egress;
use nexus_work::agent::Left;
use serde_json::json;

use super::*;
use crate::testing::{self, Recorder};

/// Gives one answer a look-up; none is a failure.
struct Names(Mutex<Vec<&'static str>>);

impl Resolve for Names {
    fn look_up<'a>(&'a self, _: &'a str) -> Looking<'a> {
        let answer = self.0.lock().unwrap().pop();
        Box::pin(async move {
            let address: IpAddr = answer.ok_or(io::ErrorKind::NotFound)?.parse().unwrap();
            Ok(vec![address])
        })
    }
}

fn settings(allow: &[&str]) -> Egress {
    Egress {
        allow: allow.iter().map(|a| (*a).to_owned()).collect(),
        timeout: Duration::from_millis(1000),
        ..Egress::default()
    }
}

fn agent(allow: &[&str]) -> Share {
    Share::new(Arc::new(Guard::new(&settings(allow)).unwrap()))
}

fn agent_with(allow: &[&str], answers: &[&'static str]) -> Share {
    let names = Names(Mutex::new(answers.iter().rev().copied().collect()));
    Share::new(Arc::new(Guard::with_resolver(&settings(allow), Arc::new(names)).unwrap()))
}

fn tenant() -> Tenant {
    Tenant::new("acme", "lab").unwrap()
}

async fn send(agent: &Share, url: &str, recorder: &Recorder) -> Result<Value, Failure> {
    let payload = json!({"b": 1.0, "a": "값", "list": [null, true]});
    let params = json!({"url": url, "payload": payload});
    agent.perform(&testing::job(&tenant(), "share.webhook", params), recorder).await
}

#[test]
fn it_is_red_for_good_and_strict_about_its_params() {
    let spec = agent(&[]).types().remove(0);
    assert_eq!((spec.name, spec.risk, spec.floor), ("share.webhook", Risk::Red, true));
    let schema = jsonschema::draft202012::new(&spec.params_schema).unwrap();
    for payload in [json!(null), json!(1), json!("x"), json!([]), json!({"a": {}})] {
        assert!(schema.is_valid(&json!({"url": "https://a.b", "payload": payload})));
    }
    for bad in [
        json!({"url": "https://a.b"}),
        json!({"payload": 1}),
        json!({"url": 1, "payload": 1}),
        json!({"url": "", "payload": 1}),
        json!({"url": "x".repeat(2049), "payload": 1}),
        json!({"url": "https://a.b", "payload": 1, "headers": {}}),
    ] {
        assert!(!schema.is_valid(&bad), "{bad}");
    }
}

#[test]
fn a_destination_that_is_not_allowed_is_refused_at_the_door() {
    let agent = agent(&[]);
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://0x7f.1/",
        "https://x.local/",
        "https://a@example.com/",
        "https://example.com:22/",
        "nonsense",
    ] {
        let params = json!({"url": url, "payload": 1});
        let errors = agent.check(&tenant(), "share.webhook", &params).unwrap_err();
        assert_eq!((errors[0].path.as_str(), errors[0].code), ("/url", "egress_blocked"), "{url}");
    }
    let fine = json!({"url": "https://example.com/", "payload": 1});
    assert!(agent.check(&tenant(), "share.webhook", &fine).is_ok());
    assert!(agent.check(&tenant(), "share.webhook", &json!({"payload": 1})).is_err());
    assert!(agent.check(&tenant(), "share.other", &fine).is_err());
    assert_eq!(agent.bind(&tenant(), "share.webhook", &fine), Ok(vec![]));
}

#[tokio::test]
async fn canonical_bytes_leave_after_their_intent() {
    let sink = Arc::new(WebhookSink::start().await.unwrap());
    let watched = sink.clone();
    // Nothing, not even a connection, may be there when the intent is being written.
    let recorder = Recorder::then(move || assert_eq!(watched.connections(), 0));
    let result = send(&agent(&["127.0.0.1"]), &sink.url("/hook?key=1#x"), &recorder).await.unwrap();

    let body = r#"{"a":"값","b":1,"list":[null,true]}"#.as_bytes();
    assert_eq!(result, json!({"status": 200, "sha256": sha256_hex(body), "bytes": body.len()}));
    assert_eq!(recorder.intents(), [(sink.url("/hook"), body.to_vec())]);
    let received = sink.wait_for(1, Duration::from_secs(1)).await.unwrap();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].body, body);
    assert_eq!(received[0].query.as_deref(), Some("key=1"));
    assert_eq!(received[0].header("content-type"), Some("application/json"));
    assert_eq!(received[0].header("webhook-id"), Some("tsk_1"));
    let user_agent = format!("nexus/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(received[0].header("user-agent"), Some(user_agent.as_str()));
}

#[tokio::test]
async fn an_answer_that_is_no_success_is_final_and_tells_only_its_status() {
    let sink = WebhookSink::start().await.unwrap();
    let inside = WebhookSink::start().await.unwrap();
    let agent = agent(&["127.0.0.1"]);
    sink.on("/307", Behaviour::Redirect(inside.url("/")));
    for status in [307, 400, 404, 429, 500, 503] {
        let path = format!("/{status}");
        if status != 307 {
            sink.on(&path, Behaviour::Status(status));
        }
        let recorder = Recorder::default();
        let failed = send(&agent, &sink.url(&path), &recorder).await.unwrap_err();
        assert_eq!(failed.code, FailureCode::DeliveryFailed);
        assert_eq!((failed.left, failed.retryable), (Left::Sent, Some(false)));
        assert_eq!(failed.message, format!("The webhook answered {status}"));
        assert_eq!(recorder.intents().len(), 1);
    }
    assert_eq!((sink.received().len(), inside.connections()), (6, 0));
    sink.on("/late", Behaviour::Delay(Duration::from_millis(100)));
    sink.on("/half", Behaviour::CloseMidAnswer);
    sink.on("/huge", Behaviour::HugeBody(1 << 30));
    for path in ["/late", "/half", "/huge"] {
        let result = send(&agent, &sink.url(path), &Recorder::default()).await.unwrap();
        assert_eq!(result["status"], 200, "{path}");
    }
}

#[tokio::test]
async fn silence_after_sending_is_an_unknown_effect() {
    let sink = WebhookSink::start().await.unwrap();
    let agent = agent(&["127.0.0.1"]);
    sink.on("/hang", Behaviour::Hang);
    sink.on("/close", Behaviour::CloseBeforeAnswer);
    for path in ["/hang", "/close"] {
        let failed = send(&agent, &sink.url(path), &Recorder::default()).await.unwrap_err();
        assert_eq!(
            (failed.code, failed.left),
            (FailureCode::EffectUnknown, Left::Unknown),
            "{path}"
        );
        assert!(!failed.retryable.unwrap_or(failed.code.retryable()));
    }
    assert_eq!(sink.received().len(), 2);
}

#[tokio::test]
async fn what_is_blocked_or_leads_nowhere_writes_no_intent() {
    let recorder = Recorder::default();
    let blocked = send(&agent(&[]), "https://[::ffff:10.0.0.1]/", &recorder).await.unwrap_err();
    assert_eq!((blocked.code, blocked.left), (FailureCode::EgressBlocked, Left::Nothing));

    // A public name at the door that leads inside when it comes to sending.
    let rebinding = agent_with(&[], &["10.0.0.1"]);
    let failed = send(&rebinding, "https://hooks.example.com/", &recorder).await.unwrap_err();
    assert_eq!((failed.code, failed.left), (FailureCode::EgressBlocked, Left::Nothing));
    assert!(!failed.retryable.unwrap_or(failed.code.retryable()));

    let nowhere = agent_with(&[], &[]);
    let failed = send(&nowhere, "https://hooks.example.com/", &recorder).await.unwrap_err();
    assert_eq!((failed.code, failed.left), (FailureCode::DeliveryFailed, Left::Nothing));
    assert!(failed.retryable.unwrap_or(failed.code.retryable()));

    let job = testing::job(&tenant(), "share.webhook", json!({"url": "https://example.com/"}));
    let unusable = agent(&[]).perform(&job, &recorder).await.unwrap_err();
    assert_eq!(unusable.code, FailureCode::InvalidParams);
    let job = testing::job(&tenant(), "share.other", json!({}));
    let unknown = agent(&[]).perform(&job, &recorder).await.unwrap_err();
    assert_eq!(unknown.code, FailureCode::UnknownTaskType);
    assert!(recorder.intents().is_empty());
}

#[tokio::test]
async fn a_refused_connection_leaves_nothing_and_may_be_tried_again() {
    let url = WebhookSink::start().await.unwrap().url("/");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let recorder = Recorder::default();
    let failed = send(&agent(&["127.0.0.1"]), &url, &recorder).await.unwrap_err();
    assert_eq!((failed.code, failed.left), (FailureCode::DeliveryFailed, Left::Nothing));
    assert!(failed.retryable.unwrap_or(failed.code.retryable()));
    assert_eq!(recorder.intents().len(), 1);
}

#[tokio::test]
async fn a_name_looked_up_again_at_each_attempt_goes_where_it_was_judged() {
    let sink = WebhookSink::start().await.unwrap();
    let port = sink.address().port();
    let agent = agent_with(&[&format!("hooks.example.com:{port}")], &["127.0.0.1"]);
    let url = format!("http://hooks.example.com:{port}/");
    assert!(send(&agent, &url, &Recorder::default()).await.is_ok());
    assert!(send(&agent, &url, &Recorder::default()).await.is_err(), "looked up once per attempt");
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test]
async fn without_a_written_intent_nothing_leaves() {
    let sink = WebhookSink::start().await.unwrap();
    let failed = send(&agent(&["127.0.0.1"]), &sink.url("/"), &Recorder::refusing()).await;
    assert_eq!(failed.unwrap_err().code, FailureCode::InternalError);
    assert_eq!(sink.connections(), 0);
}
