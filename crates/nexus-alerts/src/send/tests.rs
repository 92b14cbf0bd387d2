//! Destinations that misbehave, and names that lead somewhere else the second time.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use nexus_core::alert::{Event, Route, Severity};
use nexus_fakes::smtp::{MailSink, Mood};
use nexus_fakes::vendor::Vendor;
use nexus_fakes::webhook::{Behaviour, WebhookSink};
use nexus_kit::egress::{Looking, Resolve};
use nexus_kit::settings::{Egress, Mail, MailTls, Secret};

use super::*;
use crate::channels::Signer;
use crate::notice::{Both, Notice};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const KEY: &str = "0123456789abcdef0123456789abcdef";

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

fn settings(allow: &[String]) -> Egress {
    Egress { allow: allow.to_vec(), timeout: Duration::from_millis(800), ..Egress::default() }
}

fn guard(allow: &[&str]) -> Guard {
    let allow: Vec<String> = allow.iter().map(|one| (*one).to_owned()).collect();
    Guard::new(&settings(&allow)).unwrap()
}

fn alert() -> Alert {
    Alert {
        alert_id: "alr_1".into(),
        seq: 1,
        event: Event::TaskHeld,
        severity: Severity::Warning,
        key: "k".into(),
        count: 1,
        settled: false,
        notice: Notice::of(Event::TaskHeld, Both::new("held", "보류")),
        created_at: Time::from_millis(1_767_225_600_000),
        last_at: Time::from_millis(1_767_225_600_000),
        until: Time::from_millis(1_767_225_600_000),
    }
}

fn to(channel: Channel, to: &str) -> Destination {
    Destination {
        route: Route::all("r", channel, String::new()),
        to: Secret::new(to),
        signer: Signer::new(SECRET),
        lane: "server/r".into(),
    }
}

async fn tries(guard: &Guard, mail: &Mail, pagerduty: &str, to: &Destination) -> Attempt {
    let owner = Owner::of("kaist:lab");
    let settings = Settings::default();
    let message = message(&alert(), &owner, Language::Ko, &settings, "https://nexus.example");
    let way = Way { guard, mail, pagerduty_url: pagerduty };
    let now = Time::from_millis(1_767_225_600_500);
    attempt(&way, to, &message, "dlv_1", now).await
}

async fn try_url(guard: &Guard, url: &str) -> Attempt {
    tries(guard, &Mail::default(), "", &to(Channel::Webhook, url)).await
}

#[tokio::test]
async fn every_vendor_takes_what_it_is_sent() {
    let sink = WebhookSink::start().await.unwrap();
    let guard = guard(&["127.0.0.1"]);
    let vendors = [
        (Channel::Slack, Vendor::Slack, 200),
        (Channel::Discord, Vendor::Discord, 204),
        (Channel::Teams, Vendor::Teams, 202),
        (Channel::Pagerduty, Vendor::Pagerduty(vec![KEY.to_owned()]), 202),
        (Channel::Webhook, Vendor::Signed(SECRET.to_owned()), 200),
    ];
    for (channel, vendor, status) in vendors {
        let path = format!("/{}", channel.as_str());
        sink.on(&path, Behaviour::Vendor(vendor));
        let url = sink.url(&path);
        let target = if channel == Channel::Pagerduty { KEY } else { &url };
        let tried = tries(&guard, &Mail::default(), &url, &to(channel, target)).await;
        assert_eq!(tried, Attempt::Sent(Some(status)), "{channel:?}: {:?}", sink.faults());
    }
    let received = sink.received();
    let last = received.last().unwrap();
    assert_eq!(last.header("webhook-id"), Some("dlv_1"));
    assert_eq!(last.header("webhook-timestamp"), Some("1767225600"));
    assert!(received[..4].iter().all(|one| one.header("webhook-signature").is_none()));
    let slack = String::from_utf8(received[0].body.to_vec()).unwrap();
    assert!(slack.contains("작업이 보류되었습니다"), "in the route's language: {slack}");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_nothing_else() {
    let sink = WebhookSink::start().await.unwrap();
    let inside = WebhookSink::start().await.unwrap();
    let guard = guard(&["127.0.0.1"]);
    for status in [400, 401, 403, 404, 410, 413, 422] {
        sink.on("/x", Behaviour::Status(status));
        let tried = try_url(&guard, &sink.url("/x")).await;
        assert!(
            matches!(tried, Attempt::Never { status: Some(s), code: FailureCode::DeliveryFailed, .. } if s == status),
            "{tried:?}"
        );
    }
    for status in [408, 425, 429, 500, 502, 503, 504] {
        sink.on("/x", Behaviour::Status(status));
        let tried = try_url(&guard, &sink.url("/x")).await;
        assert!(
            matches!(tried, Attempt::Again { status: Some(s), after: None, .. } if s == status),
            "{tried:?}"
        );
    }
    sink.on("/x", Behaviour::StatusWithHeader(429, "retry-after", "17".into()));
    let tried = try_url(&guard, &sink.url("/x")).await;
    assert!(
        matches!(tried, Attempt::Again { after: Some(wait), .. } if wait.as_secs() == 17),
        "{tried:?}"
    );
    sink.on("/x", Behaviour::StatusWithHeader(503, "retry-after", "999999".into()));
    let tried = try_url(&guard, &sink.url("/x")).await;
    assert!(
        matches!(tried, Attempt::Again { after: Some(wait), .. } if wait == LONGEST_WAIT),
        "{tried:?}"
    );

    sink.on("/x", Behaviour::Redirect(inside.url("/")));
    let tried = try_url(&guard, &sink.url("/x")).await;
    assert!(matches!(tried, Attempt::Never { status: Some(307), .. }), "{tried:?}");
    assert_eq!(inside.connections(), 0, "a redirect is not followed");
}

#[tokio::test]
async fn silence_and_broken_answers_are_bounded() {
    let sink = WebhookSink::start().await.unwrap();
    let guard = guard(&["127.0.0.1"]);
    for behaviour in [Behaviour::Hang, Behaviour::CloseBeforeAnswer] {
        sink.on("/x", behaviour);
        let tried = try_url(&guard, &sink.url("/x")).await;
        assert!(matches!(tried, Attempt::Again { status: None, .. }), "{tried:?}");
    }
    // A status has come: what follows of the body changes nothing and is bounded.
    for behaviour in [Behaviour::CloseMidAnswer, Behaviour::HugeBody(1 << 40), Behaviour::SlowBody]
    {
        sink.on("/x", behaviour);
        assert_eq!(try_url(&guard, &sink.url("/x")).await, Attempt::Sent(Some(200)));
    }
}

#[tokio::test]
async fn no_alert_goes_inside_by_whatever_name() {
    let sink = WebhookSink::start().await.unwrap();
    for url in [
        sink.url("/"),
        "https://127.0.0.1/".into(),
        "https://[::ffff:10.0.0.1]/".into(),
        "https://169.254.169.254/latest/meta-data".into(),
        "https://metadata.internal/".into(),
        "http://example.com/".into(),
        "https://user:pass@example.com/".into(),
    ] {
        let tried = try_url(&guard(&[]), &url).await;
        let blocked = matches!(tried, Attempt::Never { code: FailureCode::EgressBlocked, .. });
        assert!(blocked, "{url}: {tried:?}");
    }
    assert_eq!(sink.connections(), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_the_second_time_is_not_followed_there() {
    let sink = WebhookSink::start().await.unwrap();
    let port = sink.address().port();
    // The first look-up is judged and connected to: there is no other within an attempt.
    let names = Names(Mutex::new(vec!["10.0.0.1", "127.0.0.1"]));
    let allow = settings(&["127.0.0.1".to_owned()]);
    let guard = Guard::with_resolver(&allow, Arc::new(names)).unwrap();
    let url = format!("https://hooks.example.com:{port}/");
    // Neither the port nor the scheme is open to a name that is not listed.
    let tried = try_url(&guard, &url).await;
    assert!(matches!(tried, Attempt::Never { code: FailureCode::EgressBlocked, .. }), "{tried:?}");

    let names = Arc::new(Names(Mutex::new(vec!["10.0.0.1", "127.0.0.1"])));
    let listed = settings(&[format!("hooks.example.com:{port}")]);
    let guard = Guard::with_resolver(&listed, names.clone()).unwrap();
    let url = format!("http://hooks.example.com:{port}/");
    assert_eq!(try_url(&guard, &url).await, Attempt::Sent(Some(200)));
    assert_eq!(names.0.lock().unwrap().len(), 1, "looked up once, connected to what was found");

    // A public name whose next answer is inside: blocked at the delivery, though it was fine before.
    let names = Names(Mutex::new(vec!["10.0.0.1"]));
    let guard = Guard::with_resolver(&settings(&[]), Arc::new(names)).unwrap();
    let tried = try_url(&guard, "https://hooks.example.com/").await;
    assert!(matches!(tried, Attempt::Never { code: FailureCode::EgressBlocked, .. }), "{tried:?}");
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test]
async fn a_refused_connection_and_a_lost_name_are_tried_again() {
    let guard_here = guard(&["127.0.0.1"]);
    let url = WebhookSink::start().await.unwrap().url("/");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(matches!(try_url(&guard_here, &url).await, Attempt::Again { .. }));
    let nowhere = Guard::with_resolver(&settings(&[]), Arc::new(Names(Mutex::default()))).unwrap();
    let tried = try_url(&nowhere, "https://hooks.example.com/").await;
    assert!(matches!(tried, Attempt::Again { .. }), "{tried:?}");
}

#[tokio::test]
async fn nothing_leaves_unsigned() {
    let sink = WebhookSink::start().await.unwrap();
    let unsigned =
        Destination { signer: Signer::default(), ..to(Channel::Webhook, &sink.url("/")) };
    let tried = tries(&guard(&["127.0.0.1"]), &Mail::default(), "", &unsigned).await;
    assert!(matches!(tried, Attempt::Never { .. }), "{tried:?}");
    assert_eq!(sink.connections(), 0);
}

fn mail(sink: &MailSink) -> Mail {
    Mail {
        host: "127.0.0.1".into(),
        port: sink.address().port(),
        tls: MailTls::None,
        from: "nexus@example.com".into(),
        ..Mail::default()
    }
}

#[tokio::test]
async fn mail_arrives_and_its_refusals_are_told_apart() {
    let sink = MailSink::start().await.unwrap();
    let guard_here = guard(&["127.0.0.1"]);
    let route = to(Channel::Email, "mina@example.com,ops@example.com");
    let tried = tries(&guard_here, &mail(&sink), "", &route).await;
    assert_eq!(tried, Attempt::Sent(None));
    let mails = sink.mails();
    assert_eq!(mails[0].to, ["mina@example.com", "ops@example.com"]);
    assert_eq!(mails[0].from, "nexus@example.com");
    assert_eq!(mails[0].header("Message-ID").as_deref(), Some("<alr_1@example.com>"));
    let subject = mails[0].header("Subject").unwrap();
    assert!(subject.is_ascii() && subject.contains("=?utf-8?b?"), "Korean is encoded: {subject}");

    for (mood, again) in
        [(Mood::Refuses, false), (Mood::Busy, true), (Mood::Silent, true), (Mood::Closes, true)]
    {
        sink.be(mood);
        let tried = tries(&guard_here, &mail(&sink), "", &route).await;
        assert_eq!(matches!(tried, Attempt::Again { .. }), again, "{mood:?}: {tried:?}");
        assert_eq!(matches!(tried, Attempt::Never { .. }), !again, "{mood:?}: {tried:?}");
    }
}

#[tokio::test]
async fn a_mail_server_inside_must_be_listed_and_no_password_travels_in_the_clear() {
    let sink = MailSink::start().await.unwrap();
    let route = to(Channel::Email, "mina@example.com");
    let tried = tries(&guard(&[]), &mail(&sink), "", &route).await;
    assert!(matches!(tried, Attempt::Never { code: FailureCode::EgressBlocked, .. }), "{tried:?}");

    // The sink offers no STARTTLS: whoever wants it says nothing more.
    let secret = Mail {
        tls: MailTls::StartTls,
        user: "nexus".into(),
        password: Secret::new("hunter2"),
        ..mail(&sink)
    };
    let tried = tries(&guard(&["127.0.0.1"]), &secret, "", &route).await;
    assert!(!matches!(tried, Attempt::Sent(_)), "{tried:?}");
    let said = sink.said();
    assert!(
        said.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")),
        "{said:?}"
    );
}

#[test]
fn waits_grow_with_jitter_and_then_it_is_given_up() {
    let delays = [5, 30].map(Duration::from_secs);
    let mut delivery = Delivery {
        delivery_id: "dlv_1".into(),
        alert_id: "alr_1".into(),
        route: "r".into(),
        channel: Channel::Slack,
        state: State::Pending,
        attempts: 0,
        status: None,
        code: None,
        error: None,
        created_at: Time::from_millis(0),
        next_at: None,
        finished_at: None,
    };
    let again = |after| Some(Attempt::Again { status: Some(503), error: "x".into(), after });
    let now = Time::from_millis(0);
    let first = apply(&mut delivery, again(None), &delays, 80, now);
    assert_eq!(first, Some((Duration::from_secs(4), false)));
    let asked = Some(Duration::from_secs(90));
    let second = apply(&mut delivery, again(asked), &delays, 120, now);
    assert_eq!(second, Some((Duration::from_secs(90), true)), "what it asks for counts");
    assert_eq!(apply(&mut delivery, again(None), &delays, 100, now), None);
    assert_eq!((delivery.state, delivery.attempts), (State::Failed, 3));
    assert_eq!(delivery.code.as_deref(), Some("DELIVERY_FAILED"));
}
