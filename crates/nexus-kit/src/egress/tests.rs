//! The guard against URLs, names and peers that try to get past it.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use nexus_fakes::webhook::{Behaviour, WebhookSink};

use super::*;
use crate::settings;

/// Gives a list of answers, one a look-up, the last one for ever.
struct Script {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Script {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers =
            answers.iter().map(|a| a.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }
}

impl Resolve for Script {
    fn look_up<'a>(&'a self, _: &'a str) -> Looking<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let next = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(next) })
    }
}

struct Never;

impl Resolve for Never {
    fn look_up<'a>(&'a self, _: &'a str) -> Looking<'a> {
        Box::pin(std::future::pending())
    }
}

struct Failing;

impl Resolve for Failing {
    fn look_up<'a>(&'a self, _: &'a str) -> Looking<'a> {
        Box::pin(async { Err(io::Error::other("the name server at 10.0.0.2 is on fire")) })
    }
}

fn settings(allow: &[&str]) -> settings::Egress {
    settings::Egress {
        allow: allow.iter().map(|a| (*a).to_owned()).collect(),
        timeout: Duration::from_millis(1500),
        max_answer_bytes: 64 << 10,
    }
}

fn guard(allow: &[&str]) -> Guard {
    Guard::new(&settings(allow)).unwrap()
}

fn scripted(allow: &[&str], script: &Arc<Script>) -> Guard {
    Guard::with_resolver(&settings(allow), script.clone()).unwrap()
}

async fn post(guard: &Guard, url: &str) -> Result<Answer, SendError> {
    let destination = guard.check_url(url)?;
    guard.post(&destination, &[("x-mark", "1")], Bytes::from_static(b"{}")).await
}

#[test]
fn public_https_passes() {
    let guard = guard(&[]);
    for url in [
        "https://example.com",
        "https://example.com:443/x?y#z",
        "HTTPS://Example.COM:8443/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://한글.kr/",
        "https://a.b.c/",
        "https://notlocalhost.com/",
        "https://mylocal.net",
        "https://internal.example.com/",
        "https://example.com/@me?next=http://10.0.0.1/",
    ] {
        assert!(guard.check_url(url).is_ok(), "{url}");
    }
    let seen = guard.check_url("https://Example.com.:443/a%20b?key=1#frag").unwrap();
    assert_eq!(seen.url(), "https://example.com/a%20b?key=1");
    assert_eq!(seen.target(), "https://example.com/a%20b");
    assert_eq!((seen.host(), seen.port()), ("example.com", 443));
    assert!(!format!("{seen:?}").contains("key"));
}

#[test]
fn every_spelling_of_a_private_address_is_refused() {
    let guard = guard(&[]);
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "0x7f.1",
        "0x7F.0x0.0x0.0x1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "0177.0.0.01",
        "127.0.1",
        "0",
        "0.0.0.0",
        "0x0",
        "１２７.０.０.１",
        "127。0。0。1",
        "１２７．０．０．１",
        "127｡0｡0｡1",
        "①②⑦.0.0.1",
        "%31%32%37.0.0.1",
        "10.0.0.1",
        "012.0.0.1",
        "0xa.1",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:10.0.0.1]",
        "[::127.0.0.1]",
        "[::ffff:8.8.8.8]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::8.8.8.8]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001:0:1::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[2001:db8::1]",
    ] {
        let refused = guard.check_url(&format!("https://{host}/")).unwrap_err();
        assert_eq!(refused, EgressError::NotPublic, "{host}");
    }
}

#[test]
fn internal_names_are_refused_without_a_look_up() {
    let guard = guard(&[]);
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "a.b.localhost.",
        "ｌｏｃａｌｈｏｓｔ",
        "%6cocalhost",
        "localhost.localdomain",
        "printer.local",
        "metadata.google.internal",
        "router.home.arpa",
        "nas.lan",
        "x.corp",
        "x.home",
        "x.intranet",
        "x.private",
        "postgres",
        "redis.",
        "xn--bj0bj06e",
    ] {
        let refused = guard.check_url(&format!("https://{host}/")).unwrap_err();
        assert_eq!(refused, EgressError::InternalName, "{host}");
    }
}

#[test]
fn what_is_not_a_plain_https_url_is_refused() {
    let guard = guard(&[]);
    let cases: &[(EgressError, &[&str])] = &[
        (
            EgressError::Scheme,
            &[
                "http://example.com/",
                "http://8.8.8.8/",
                "ftp://example.com/",
                "file:///etc/passwd",
                "gopher://example.com/",
                "HTTP://example.com",
            ],
        ),
        (
            EgressError::Port,
            &[
                "https://example.com:80/",
                "https://example.com:22/",
                "https://example.com:0/",
                "https://8.8.8.8:8080/",
                "https://example.com:6443/",
            ],
        ),
        (
            EgressError::UserInfo,
            &[
                "https://user@example.com/",
                "https://user:pw@example.com/",
                "https://@example.com/",
                "https://:@example.com/",
                "https://example.com@127.0.0.1/",
                "https://a%40b@example.com/",
            ],
        ),
        (
            EgressError::BadUrl,
            &[
                "",
                "example.com",
                "//example.com/",
                "https:example.com",
                "https:/example.com",
                "https://",
                "https:///example.com",
                "https://?x",
                " https://a.b/",
                "https://a.b/ ",
                "https://a.b/x y",
                "https://a.b\\@c.d/",
                "https://a.b/\n",
                "ht\ntps://a.b",
                "https://a.b\t/",
                "https://a.b/\0",
                "https://a..b/",
                "https://.a.b/",
                "https://a.b../",
                "https://a.b:99999/",
                "https://[::1/",
                "https://[fe80::1%25eth0]/",
                "https://1.2.3.4.5/",
                "https://256.1.1.1/",
                "https://a b/",
                "https://a.b\u{a0}/",
                "https:\\\\a.b\\",
                "https://a.b\u{3000}/",
                "mailto:a@b.c",
                "https://\u{ad}/",
                "https://a%00b.c/",
            ],
        ),
    ];
    for (expected, urls) in cases {
        for url in *urls {
            assert_eq!(guard.check_url(url).unwrap_err(), *expected, "{url:?}");
        }
    }
}

#[test]
fn what_is_listed_is_open_and_nothing_beside_it() {
    let guard = guard(&["sink.internal:9000", "dev", "10.1.0.0/16", "[fd00::5]:81", "example.com"]);
    for open in [
        "http://sink.internal:9000/",
        "https://sink.internal.:9000/",
        "http://dev/",
        "http://dev:1/",
        "http://10.1.2.3:8080/",
        "https://10.1.2.3/",
        "http://0xa.0x01.3:8080/",
        "http://[::ffff:10.1.0.1]/",
        "http://[fd00::5]:81/",
        "http://example.com:8080/",
    ] {
        assert!(guard.check_url(open).is_ok(), "{open}");
    }
    for shut in [
        "http://sink.internal/",
        "https://sink.internal/",
        "http://a.sink.internal:9000/",
        "http://a.dev.local/",
        "http://10.2.0.1/",
        "http://[fd00::5]/",
        "http://[fd00::6]:81/",
        "http://[64:ff9b::10.1.0.1]/",
        "http://a.example.com/",
        "http://user@dev/",
        "ftp://dev/",
    ] {
        assert!(guard.check_url(shut).is_err(), "{shut}");
    }
    assert!(Guard::new(&settings(&["https://dev"])).is_err());
}

#[tokio::test]
async fn a_public_name_that_leads_inside_is_refused() {
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["8.8.8.8", "10.0.0.1"],
        &["10.0.0.1", "8.8.8.8"],
        &["2606:4700:4700::1111", "::1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["2002:7f00:1::1"],
        &["0.0.0.0"],
        &["fe80::1"],
    ] {
        let script = Script::new(&[addresses]);
        let guard = scripted(&[], &script);
        let failed = post(&guard, "https://127.0.0.1.nip.example/").await.unwrap_err();
        assert_eq!(failed, SendError::Blocked(EgressError::NotPublic), "{addresses:?}");
        assert_eq!(failed.left(), Left::Nothing);
        assert!(!failed.to_string().contains(addresses[0]));
    }
}

#[tokio::test]
async fn a_listed_network_opens_what_a_name_leads_to_but_not_http() {
    let script = Script::new(&[&["10.0.0.7"]]);
    let guard = scripted(&["10.0.0.0/24"], &script);
    let destination = guard.check_url("https://hooks.example.com/").unwrap();
    assert!(guard.resolve(&destination).await.is_ok());
    assert_eq!(guard.check_url("http://hooks.example.com/").unwrap_err(), EgressError::Scheme);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_pinned_and_judged_again_at_each_call() {
    let script = Script::new(&[&["93.184.215.14"], &["127.0.0.1"]]);
    let guard = scripted(&[], &script);
    let destination = guard.check_url("https://rebind.example.com/").unwrap();
    assert!(guard.resolve(&destination).await.is_ok());
    let second = guard.resolve(&destination).await.unwrap_err();
    assert_eq!(second, SendError::Blocked(EgressError::NotPublic));

    // The connection goes to what was judged: the second answer of the resolver is never asked for.
    let (sink, other) = (WebhookSink::start().await.unwrap(), WebhookSink::start().await.unwrap());
    let port = sink.address().port();
    let script = Script::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let guard = scripted(&[&format!("rebind.example.com:{port}")], &script);
    let url = format!("http://Rebind.Example.com.:{port}/hook");
    let answer = post(&guard, &url).await.unwrap();
    assert_eq!((answer.status, answer.whole), (200, true));
    assert_eq!(script.asked.load(Ordering::SeqCst), 1);
    let seen = sink.received();
    assert_eq!(seen[0].header("host"), Some(format!("rebind.example.com:{port}").as_str()));
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_post_carries_its_headers_and_bytes() {
    let sink = WebhookSink::start().await.unwrap();
    let guard = guard(&["127.0.0.1"]);
    let destination = guard.check_url(&sink.url("/a?b=c#d")).unwrap();
    let body = Bytes::from_static(b"{\"a\":1}");
    let headers = [("content-type", "application/json"), ("x-mark", "7")];
    let answer = guard.post(&destination, &headers, body.clone()).await.unwrap();
    assert_eq!(answer, Answer { status: 200, length: 8, whole: true, retry_after: None });
    let seen = &sink.received()[0];
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/a"));
    assert_eq!(seen.query.as_deref(), Some("b=c"));
    assert_eq!(seen.body, body);
    assert_eq!(seen.header("x-mark"), Some("7"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    for name in ["cookie", "authorization", "referer", "accept-encoding"] {
        assert_eq!(seen.header(name), None);
    }
}

#[tokio::test]
async fn redirects_are_answers() {
    let (sink, inside) = (WebhookSink::start().await.unwrap(), WebhookSink::start().await.unwrap());
    sink.on("/go", Behaviour::Redirect(inside.url("/secret")));
    let answer = post(&guard(&["127.0.0.1"]), &sink.url("/go")).await.unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!((sink.received().len(), inside.connections()), (1, 0));
}

#[tokio::test]
async fn the_status_is_told_and_retry_after_in_seconds() {
    let sink = WebhookSink::start().await.unwrap();
    let guard = guard(&["127.0.0.1"]);
    sink.on("/busy", Behaviour::StatusWithHeader(503, "retry-after", "120".into()));
    sink.on("/date", Behaviour::StatusWithHeader(429, "retry-after", "Fri, 1 Jan 2027".into()));
    let busy = post(&guard, &sink.url("/busy")).await.unwrap();
    assert_eq!((busy.status, busy.retry_after), (503, Some(Duration::from_secs(120))));
    let date = post(&guard, &sink.url("/date")).await.unwrap();
    assert_eq!((date.status, date.retry_after), (429, None));
    assert_eq!(sink.received().len(), 2, "no answer is retried");
}

#[tokio::test]
async fn a_huge_answer_is_cut_and_a_slow_one_left() {
    let sink = WebhookSink::start().await.unwrap();
    let guard = guard(&["127.0.0.1"]);
    sink.on("/huge", Behaviour::HugeBody(1 << 40));
    let huge = post(&guard, &sink.url("/huge")).await.unwrap();
    assert_eq!((huge.status, huge.length, huge.whole), (200, 64 << 10, false));

    sink.on("/slow", Behaviour::SlowBody);
    let started = Instant::now();
    let slow = post(&guard, &sink.url("/slow")).await.unwrap();
    assert_eq!((slow.status, slow.whole), (200, false));
    assert!(started.elapsed() < Duration::from_secs(3));

    sink.on("/half", Behaviour::CloseMidAnswer);
    let half = post(&guard, &sink.url("/half")).await.unwrap();
    assert_eq!((half.status, half.length, half.whole), (200, 4, false));
}

#[tokio::test]
async fn after_the_request_may_have_left_nobody_knows() {
    let sink = WebhookSink::start().await.unwrap();
    let guard = guard(&["127.0.0.1"]);
    sink.on("/hang", Behaviour::Hang);
    let started = Instant::now();
    let hung = post(&guard, &sink.url("/hang")).await.unwrap_err();
    assert!(matches!(hung, SendError::TimedOut(_)), "{hung:?}");
    assert_eq!(hung.left(), Left::Unknown);
    assert!(started.elapsed() < Duration::from_secs(3));

    sink.on("/close", Behaviour::CloseBeforeAnswer);
    let closed = post(&guard, &sink.url("/close")).await.unwrap_err();
    assert_eq!((closed, closed.left()), (SendError::Broken, Left::Unknown));
    assert_eq!(sink.received().len(), 2, "a request that may have left is not sent again");
}

#[tokio::test]
async fn before_a_connection_nothing_has_left() {
    // A port that was free a moment ago: nobody listens there.
    let gone = WebhookSink::start().await.unwrap().url("/");
    let guard = guard(&["127.0.0.1"]);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let refused = post(&guard, &gone).await.unwrap_err();
    assert_eq!((refused, refused.left()), (SendError::Connect, Left::Nothing));

    // Speaks no TLS: answers the greeting with something else.
    let sink = WebhookSink::start().await.unwrap();
    let plain = post(&guard, &sink.url("/").replace("http:", "https:")).await.unwrap_err();
    assert_eq!((plain, plain.left()), (SendError::Connect, Left::Nothing));
    assert!(sink.received().is_empty());

    // Accepts (the kernel does) and never says a word of TLS.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", mute.local_addr().unwrap());
    let silent = post(&guard, &url).await.unwrap_err();
    assert_eq!((silent, silent.left()), (SendError::Connect, Left::Nothing));

    let header = guard.check_url(&sink.url("/")).unwrap();
    let bad = guard.post(&header, &[("x", "a\r\nb: c")], Bytes::new()).await.unwrap_err();
    assert_eq!((bad, bad.left()), (SendError::Unprepared, Left::Nothing));
    assert!(sink.received().is_empty());
}

#[tokio::test]
async fn a_name_that_leads_nowhere_leaves_nothing() {
    let url = "https://hooks.example.com/";
    let empty = Script::new(&[&[]]);
    for resolver in [empty as Arc<dyn Resolve>, Arc::new(Never), Arc::new(Failing)] {
        let guard = Guard::with_resolver(&settings(&[]), resolver).unwrap();
        let failed = post(&guard, url).await.unwrap_err();
        assert_eq!((failed, failed.left()), (SendError::Lookup, Left::Nothing));
        assert!(!failed.to_string().contains("10.0.0.2"));
    }
}
