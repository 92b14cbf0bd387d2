//! Somebody between a client and a NEXUS who gets one thing wrong.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What is done wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// The fifth report that starts a task is lost.
    Drops,
    /// The fifth report comes twice.
    Doubles,
    /// The fifth report comes after the sixth.
    Swaps,
    /// On coming back, the first report that is new since then is lost.
    DropsBetweenReplayAndLive,
    /// On coming back, the first report is lost.
    DropsFirstOfReplay,
    /// A number in values is another.
    ChangesValues,
    /// Korean becomes question marks.
    BreaksText,
    /// Reports have no id.
    StripsIds,
    /// Reports have the same report_id.
    RepeatsReportIds,
    /// Data stands on two lines.
    SplitsData,
    /// The first bytes come late.
    Delays,
    /// Compresses for whoever can take it.
    Compresses,
    /// Lets caches change what they like.
    StripsCacheControl,
    /// Everybody comes back at the same time.
    FixesRetry,
    /// A cursor that is none is an error.
    RefusesBadCursors,
    /// Takes the query's cursor before the header's.
    PrefersQuery,
    /// Sessions are not told apart.
    DropsSessions,
    /// Pings are places to resume.
    AddsIdsToPings,
    /// Every seventh stream is one too many, for a second.
    LimitsOpens,
    /// After the eighth report the stream goes on in another, as in a server that rotates.
    Rotates,
    /// Parameters that nobody knows are passed over.
    DropsUnknownParameters,
}

/// Listens on a port of its own, and forwards.
pub struct Meddler {
    pub url: String,
    /// Ends when it is dropped.
    _serving: JoinSet<()>,
}

#[derive(Clone)]
struct Way {
    upstream: String,
    fault: Fault,
    http: reqwest::Client,
    /// The newest number that went through.
    newest: Arc<AtomicU64>,
    streams: Arc<AtomicU64>,
}

impl Meddler {
    pub async fn start(upstream: &str, fault: Fault) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let way = Way {
            upstream: upstream.to_owned(),
            fault,
            http,
            newest: Arc::default(),
            streams: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(forward).with_state(way);
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, _serving: serving }
    }
}

async fn forward(State(way): State<Way>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mut path = head.uri.path_and_query().unwrap().as_str().to_owned();
    let resumed = head.headers.contains_key("last-event-id");
    let takes_gzip = head.headers.contains_key(header::ACCEPT_ENCODING);
    match way.fault {
        Fault::PrefersQuery if path.contains("last_event_id") => {
            head.headers.remove("last-event-id");
        }
        Fault::DropsSessions => {
            head.headers.remove("x-session-id");
            path = path.replace("session_id=check", "last_event_id=");
        }
        Fault::DropsUnknownParameters => path = path.replace("?last_event=x", ""),
        _ => {}
    }
    head.headers.remove(header::HOST);
    let url = format!("{}{path}", way.upstream);
    let sent = way.http.request(head.method, url).headers(head.headers).body(body).send().await;
    let answer = sent.unwrap();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let is_stream = kind.is_some_and(|kind| kind == "text/event-stream");
    if !is_stream || answer.content_length() == Some(0) {
        *response.body_mut() = Body::from(answer.bytes().await.unwrap());
        return response;
    }
    let streams = way.streams.fetch_add(1, Ordering::Relaxed);
    if way.fault == Fault::LimitsOpens && streams % 7 == 6 {
        let headers = [("content-type", "application/problem+json"), ("retry-after", "1")];
        let problem = "{\"status\":429,\"code\":\"stream_storm\"}";
        return (StatusCode::TOO_MANY_REQUESTS, headers, problem).into_response();
    }
    let mut passing = Passing::new(way, answer, resumed);
    match passing.way.fault {
        Fault::StripsCacheControl => drop(response.headers_mut().remove(header::CACHE_CONTROL)),
        Fault::Compresses if takes_gzip => {
            let gzip = HeaderValue::from_static("gzip");
            response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
            passing.compresses = true;
        }
        Fault::RefusesBadCursors => {
            while passing.frames.len() < 2 && passing.fill().await {}
            let bad =
                passing.frames.iter().any(|frame| frame.contains("\"reason\":\"bad_cursor\""));
            if bad {
                return (StatusCode::BAD_REQUEST, "that is no cursor").into_response();
            }
        }
        _ => {}
    }
    *response.body_mut() = Body::from_stream(passing.into_stream());
    response
}

/// A stream on its way through.
struct Passing {
    way: Way,
    answer: reqwest::Response,
    resumed: bool,
    /// The newest number that had gone through when it began.
    before: u64,
    compresses: bool,
    bytes: Vec<u8>,
    frames: VecDeque<String>,
    held: Option<String>,
    sent: usize,
    reports: usize,
    starts: usize,
    dropped: bool,
    over: bool,
}

impl Passing {
    fn new(way: Way, answer: reqwest::Response, resumed: bool) -> Self {
        let before = way.newest.load(Ordering::Relaxed);
        Self {
            way,
            answer,
            resumed,
            before,
            compresses: false,
            bytes: Vec::new(),
            frames: VecDeque::new(),
            held: None,
            sent: 0,
            reports: 0,
            starts: 0,
            dropped: false,
            over: false,
        }
    }

    fn into_stream(self) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
        futures_util::stream::unfold(self, |mut passing| async move {
            Some((Ok(passing.next().await?), passing))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        loop {
            if let Some(frame) = self.frames.pop_front() {
                let out = self.meddle(frame);
                if out.is_empty() {
                    continue;
                }
                if self.way.fault == Fault::Delays && self.sent == 0 {
                    tokio::time::sleep(Duration::from_secs(3)).await;
                }
                self.sent += 1;
                if self.compresses {
                    return Some(Bytes::from_static(b"\x1f\x8b\x08\0\0\0\0\0\0\xff"));
                }
                return Some(out.into());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Takes more from the server; `false` at the end.
    async fn fill(&mut self) -> bool {
        let Ok(Some(bytes)) = self.answer.chunk().await else { return false };
        self.bytes.extend_from_slice(&bytes);
        while let Some(end) = self.bytes.windows(2).position(|two| two == b"\n\n") {
            let frame: Vec<u8> = self.bytes.drain(..end + 2).collect();
            self.frames.push_back(String::from_utf8(frame).unwrap());
        }
        true
    }

    /// What leaves for a frame that came.
    fn meddle(&mut self, frame: String) -> String {
        if !frame.starts_with("event: report") {
            return match self.way.fault {
                Fault::FixesRetry if frame.starts_with("retry:") && !frame.contains("event:") => {
                    "retry: 3000\n\n".to_owned()
                }
                Fault::AddsIdsToPings if frame.starts_with("event: ping") => {
                    frame.replacen("event: ping", "event: ping\nid: aaaaaaaa.1", 1)
                }
                _ => frame,
            };
        }
        self.reports += 1;
        self.starts += usize::from(frame.contains("\"status\":\"running\""));
        let number = number(&frame);
        self.way.newest.fetch_max(number, Ordering::Relaxed);
        let fifth = self.reports == 5;
        match self.way.fault {
            Fault::Drops if self.starts == 5 && !std::mem::replace(&mut self.dropped, true) => {
                String::new()
            }
            Fault::DropsFirstOfReplay if self.resumed && self.reports == 1 => String::new(),
            Fault::DropsBetweenReplayAndLive
                if self.resumed
                    && self.reports > 1
                    && number > self.before
                    && !std::mem::replace(&mut self.dropped, true) =>
            {
                String::new()
            }
            Fault::Rotates if self.reports == 8 => {
                self.over = true;
                let bye = "{\"reason\":\"rotate\",\"reconnect\":true,\"retry_ms\":1000}";
                format!("{frame}retry: 1000\nevent: bye\ndata: {bye}\n\n")
            }
            Fault::Doubles if fifth => frame.repeat(2),
            Fault::Swaps if fifth => {
                self.held = Some(frame);
                String::new()
            }
            Fault::Swaps => frame + &self.held.take().unwrap_or_default(),
            Fault::ChangesValues => frame.replace("\"retry_count\":0", "\"retry_count\":7"),
            Fault::BreaksText => frame.replace("한국어", "???"),
            Fault::StripsIds => without_id(&frame),
            Fault::RepeatsReportIds => same_report_id(&frame),
            Fault::SplitsData => frame.replacen(",\"kind\"", "\ndata: ,\"kind\"", 1),
            _ => frame,
        }
    }
}

fn number(frame: &str) -> u64 {
    let id = frame.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    id.split_once('.').unwrap().1.parse().unwrap()
}

fn without_id(frame: &str) -> String {
    let lines = frame.split_inclusive('\n').filter(|line| !line.starts_with("id:"));
    lines.collect()
}

fn same_report_id(frame: &str) -> String {
    let at = frame.find("rpt_").unwrap();
    let end = at + frame[at..].find('"').unwrap();
    format!("{}rpt_0{}", &frame[..at], &frame[end..])
}
