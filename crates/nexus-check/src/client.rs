//! Whoever asks: requests with key and tenant, and streams that are read frame by frame.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use nexus_core::tenant::Tenant;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use crate::dial::{Connection, Dialer, Version};
use crate::outcome::{Happening, Listener, Stop, fails};
use crate::stopwatch::Stopwatch;
use crate::text::{Text, both, plain, shown};
use crate::wire::{Frame, Splitter};
use crate::{Plan, Target};

/// Where streams are opened.
pub(crate) const STREAM: &str = "/agent/reports/stream";

/// Largest answer that is no stream.
const MAX_ANSWER: usize = 8 << 20;

/// Longest that a check waits for a place in the limit of opens.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// Asks one server as one tenant. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client(Arc<Inner>);

struct Inner {
    dialer: Dialer,
    target: Target,
    version: Version,
    patience: Duration,
    listener: Listener,
    opens: AtomicU64,
    commands: AtomicU64,
    /// Tells this run's commands from those of another run with the same seed.
    run: u64,
}

/// How a stream is opened.
#[derive(Clone, Default)]
pub(crate) struct Opening {
    /// `Last-Event-ID`.
    pub cursor: Option<Vec<u8>>,
    /// Already escaped, without `?`.
    pub query: String,
    pub headers: Vec<(&'static str, String)>,
    /// Another tenant than the target's.
    pub tenant: Option<Tenant>,
    /// Another version than the plan's.
    pub version: Option<Version>,
}

impl Opening {
    /// After a cursor.
    pub fn after(cursor: impl AsRef<[u8]>) -> Self {
        Self { cursor: Some(cursor.as_ref().to_vec()), ..Self::default() }
    }

    /// With a query.
    pub fn query(query: impl Into<String>) -> Self {
        Self { query: query.into(), ..Self::default() }
    }
}

/// An answer that is no stream.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; null for what is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The `code` of a problem document; empty if it is none.
    pub fn code(&self) -> String {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("application/problem+json")) {
            return String::new();
        }
        self.json().get("code").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// `Retry-After` in seconds.
    pub fn retry_after(&self) -> Option<u64> {
        self.headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()
    }

    /// In a few words, for whoever reads what was seen.
    pub fn summary(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        format!("{} {}", self.status, shown(body.trim()))
    }
}

/// An open stream, or what came in its place.
pub(crate) enum Opened {
    Stream(Box<Stream>),
    Refused(Answer),
}

/// An open stream; dropping it cuts the connection.
pub(crate) struct Stream {
    pub headers: HeaderMap,
    /// From the request to the head of the answer.
    pub head_after: Duration,
    /// From the request to the first byte of the body.
    pub first_after: Option<Duration>,
    since: Stopwatch,
    body: Incoming,
    _driver: JoinSet<()>,
    splitter: Splitter,
    patience: Duration,
}

/// What reading a stream gave.
pub(crate) enum Read {
    Frame(Frame),
    /// The stream ended, or broke.
    End,
    /// Nothing came for as long as the kit is patient.
    Silence,
}

fn broken(what: &str, error: &io::Error) -> Stop {
    let what = what.to_owned();
    fails(both!("an answer to {what}", "{what}에 대한 응답"), plain(error.to_string()))
}

impl Client {
    pub fn new(target: Target, plan: &Plan, listener: Listener) -> io::Result<Self> {
        let inner = Inner {
            dialer: Dialer::new(&target.url)?,
            version: if plan.http2 { Version::Http2 } else { Version::Http1 },
            patience: plan.patience,
            target,
            listener,
            opens: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            run: RandomState::new().build_hasher().finish(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The tenant that is written into.
    pub fn tenant(&self) -> &Tenant {
        &self.0.target.tenant
    }

    /// The version that ordinary requests are made in.
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// How long anything is waited for.
    pub fn patience(&self) -> Duration {
        self.0.patience
    }

    /// Streams that were opened, and commands that were accepted.
    pub fn counts(&self) -> (u64, u64) {
        (self.0.opens.load(Ordering::Relaxed), self.0.commands.load(Ordering::Relaxed))
    }

    /// What no other run has.
    pub fn run(&self) -> u64 {
        self.0.run
    }

    /// Counts a command that was accepted.
    pub fn accepted(&self) {
        self.0.commands.fetch_add(1, Ordering::Relaxed);
    }

    /// Says something beside the verdicts.
    pub fn note(&self, text: &Text) {
        (self.0.listener)(&Happening::Note(text));
    }

    /// A connection of the plan's version.
    pub async fn connect(&self) -> Result<Connection, Stop> {
        self.connect_by(self.0.version).await.map_err(|error| broken("TCP", &error))
    }

    /// A connection of one version.
    pub async fn connect_by(&self, version: Version) -> io::Result<Connection> {
        self.0.dialer.connect(version).await
    }

    /// A request with the tenant's headers, and the key unless `keyless`.
    pub fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        opening: &Opening,
        keyless: bool,
    ) -> Result<Request<Full<Bytes>>, Stop> {
        let version = opening.version.unwrap_or(self.0.version);
        let url = &self.0.dialer.url;
        let path = format!("{}{path}", url.path().trim_end_matches('/'));
        let authority = self.0.dialer.authority();
        let uri = match version {
            Version::Http1 => path,
            Version::Http2 => format!("{}://{authority}{path}", url.scheme()),
        };
        let wrong = |error: http::Error| broken("HTTP", &io::Error::other(error));
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() =
            uri.parse().map_err(|error: http::uri::InvalidUri| wrong(error.into()))?;
        let headers = request.headers_mut();
        let mut put = |name: &'static str, value: &[u8]| {
            let value = HeaderValue::from_bytes(value).map_err(|error| wrong(error.into()))?;
            headers.insert(HeaderName::from_static(name), value);
            Ok(())
        };
        if version == Version::Http1 {
            put("host", authority.as_bytes())?;
        }
        let tenant = opening.tenant.as_ref().unwrap_or(&self.0.target.tenant);
        put("x-org-id", tenant.org().as_bytes())?;
        put("x-project-id", tenant.project().as_bytes())?;
        put("user-agent", concat!("nexus-check/", env!("CARGO_PKG_VERSION")).as_bytes())?;
        if !keyless {
            let (name, value) = self.0.target.credential.header();
            put(name, value.as_bytes())?;
        }
        if let Some(cursor) = &opening.cursor {
            put("last-event-id", cursor)?;
        }
        for (name, value) in &opening.headers {
            put(name, value.as_bytes())?;
        }
        Ok(request)
    }

    /// A request on a connection of its own, and its whole answer.
    pub async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Answer, Stop> {
        let mut connection = self.connect().await?;
        self.answer_on(&mut connection, request).await
    }

    /// A request on a connection that stands, and its whole answer.
    pub async fn answer_on(
        &self,
        connection: &mut Connection,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, Stop> {
        let what = format!("{} {}", request.method(), request.uri().path());
        let asked = async { answer(connection.send(request).await?).await };
        match tokio::time::timeout(self.0.patience, asked).await {
            Ok(asked) => asked.map_err(|error| broken(&what, &error)),
            Err(_) => Err(fails(
                both!("an answer to {what}", "{what}에 대한 응답"),
                both!("none within {:?}", "{:?} 안에 응답 없음", self.0.patience),
            )),
        }
    }

    /// Opens a stream once, whatever is answered. `method` is GET but for checks of the door.
    pub async fn open_once(&self, opening: &Opening) -> Result<Opened, Stop> {
        let path = match opening.query.as_str() {
            "" => STREAM.to_owned(),
            query => format!("{STREAM}?{query}"),
        };
        let version = opening.version.unwrap_or(self.0.version);
        let mut request = self.request(Method::GET, &path, Bytes::new(), opening, false)?;
        let accept = HeaderValue::from_static("text/event-stream");
        request.headers_mut().insert(header::ACCEPT, accept);
        let what = format!("GET {STREAM}");
        let mut connection =
            self.connect_by(version).await.map_err(|error| broken(&what, &error))?;
        let since = Stopwatch::start();
        let response = match tokio::time::timeout(self.0.patience, connection.send(request)).await {
            Ok(response) => response.map_err(|error| broken(&what, &error))?,
            Err(_) => {
                return Err(fails(
                    both!("the head of the answer at once", "응답 헤더가 바로 옴"),
                    both!("nothing within {:?}", "{:?} 동안 아무것도 오지 않음", self.0.patience),
                ));
            }
        };
        if response.status() != StatusCode::OK {
            let refused = answer(response).await.map_err(|error| broken(&what, &error))?;
            return Ok(Opened::Refused(refused));
        }
        self.0.opens.fetch_add(1, Ordering::Relaxed);
        let (head, body) = response.into_parts();
        Ok(Opened::Stream(Box::new(Stream {
            headers: head.headers,
            head_after: since.read(),
            first_after: None,
            since,
            body,
            _driver: connection.into_driver(),
            splitter: Splitter::default(),
            patience: self.0.patience,
        })))
    }

    /// Opens a stream, and waits where the server limits how many may be opened in a minute.
    pub async fn try_open(&self, opening: &Opening) -> Result<Opened, Stop> {
        let waiting = Stopwatch::start();
        loop {
            match self.open_once(opening).await? {
                Opened::Refused(answer) if is_storm(&answer) && waiting.read() < MAX_WAIT => {
                    let code = answer.code();
                    let seconds = answer.retry_after().unwrap_or(5).clamp(1, 120);
                    self.note(&both!(
                        "429 {code}: the server limits opens; waiting {seconds} s as it asks",
                        "429 {code}: 서버가 여는 횟수를 제한함. 요청대로 {seconds}초 대기"
                    ));
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                }
                opened => return Ok(opened),
            }
        }
    }

    /// Opens a stream that must open.
    pub async fn open(&self, opening: &Opening) -> Result<Box<Stream>, Stop> {
        match self.try_open(opening).await? {
            Opened::Stream(stream) => Ok(stream),
            Opened::Refused(answer) => {
                Err(fails(both!("200 and a stream", "200과 스트림"), plain(answer.summary())))
            }
        }
    }

    /// Opens a stream over HTTP/1.1 with a header whose bytes no client library lets through, and
    /// returns what came until `enough` is in it, the end, or patience is over.
    pub async fn open_raw(&self, cursor: &[u8], enough: &str) -> Result<String, Stop> {
        let tenant = self.tenant();
        let (name, value) = self.0.target.credential.header();
        let path = format!("{}{STREAM}", self.0.dialer.url.path().trim_end_matches('/'));
        let mut request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nx-org-id: {}\r\nx-project-id: {}\r\n\
             {name}: {value}\r\nconnection: close\r\nlast-event-id: ",
            self.0.dialer.authority(),
            tenant.org(),
            tenant.project(),
        )
        .into_bytes();
        request.extend_from_slice(cursor);
        request.extend_from_slice(b"\r\n\r\n");
        let mut bytes = Vec::new();
        let reading = async {
            let mut wire = self.0.dialer.wire(Version::Http1).await?;
            wire.write_all(&request).await?;
            let mut chunk = [0; 8 << 10];
            while !String::from_utf8_lossy(&bytes).contains(enough) {
                match wire.read(&mut chunk).await? {
                    0 => break,
                    n => bytes.extend_from_slice(&chunk[..n]),
                }
            }
            Ok::<_, io::Error>(())
        };
        let read = tokio::time::timeout(self.0.patience, reading).await;
        match read {
            // What came before a reset is the answer.
            Ok(Err(error)) if bytes.is_empty() => Err(broken("GET", &error)),
            _ => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

/// Whether so many streams were opened in so short a time that the server refuses more for a while,
/// which is no fault; a tenant without a place left is something else.
fn is_storm(answer: &Answer) -> bool {
    let code = answer.code();
    answer.status == StatusCode::TOO_MANY_REQUESTS && !code.is_empty() && code != "stream_limit"
}

async fn answer(response: Response<Incoming>) -> io::Result<Answer> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(io::Error::other)?;
    Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
}

impl Stream {
    /// The next frame that is no ping, the end, or silence. Nothing is lost when this is given up
    /// half way.
    pub async fn read(&mut self) -> Read {
        let watch = Stopwatch::start();
        loop {
            match self.read_for(self.patience.saturating_sub(watch.read())).await {
                Read::Frame(frame) if frame.is("ping") => {}
                read => return read,
            }
        }
    }

    /// The next frame of any kind, with a patience of its own.
    pub async fn read_for(&mut self, patience: Duration) -> Read {
        let watch = Stopwatch::start();
        loop {
            if let Some(frame) = self.splitter.pop() {
                return Read::Frame(frame);
            }
            // Bytes that never make a frame are silence, too.
            let left = patience.saturating_sub(watch.read());
            let bytes = match tokio::time::timeout(left, self.body.frame()).await {
                Err(_) => return Read::Silence,
                Ok(None | Some(Err(_))) => return Read::End,
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            };
            if !bytes.is_empty() && self.first_after.is_none() {
                self.first_after = Some(self.since.read());
            }
            self.splitter.push(&bytes);
        }
    }

    /// Reads at least so many bytes, or up to silence, and looks at none of them.
    pub async fn read_bytes(&mut self, bytes: usize) {
        while self.splitter.unfinished() < bytes {
            let next = tokio::time::timeout(self.patience, self.body.frame()).await;
            let Ok(Some(Ok(frame))) = next else { return };
            self.splitter.push(&frame.into_data().unwrap_or_default());
        }
    }

    /// The next frame that says something, which must come.
    pub async fn next(&mut self) -> Result<Frame, Stop> {
        loop {
            match self.read().await {
                Read::Frame(frame) if frame.event.is_some() || frame.id.is_some() => {
                    return Ok(frame);
                }
                Read::Frame(_) => {}
                Read::End => {
                    return Err(fails(
                        both!("a frame", "프레임"),
                        both!("the stream ended", "스트림이 끝남"),
                    ));
                }
                Read::Silence => {
                    let patience = self.patience;
                    return Err(fails(
                        both!("a frame", "프레임"),
                        both!("nothing for {patience:?}", "{patience:?} 동안 아무것도 오지 않음"),
                    ));
                }
            }
        }
    }
}
