//! [`WebhookSink`]: a receiver of webhooks that remembers everything and misbehaves on demand.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use crate::vendor::Vendor;

/// What a path does with a request, after it has been recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers with a status and a short body.
    Status(u16),
    /// Answers with a status and one header.
    StatusWithHeader(u16, &'static str, String),
    /// Answers as a vendor does: refuses with 400 what it would refuse, and notes why.
    Vendor(Vendor),
    /// Waits, then answers 200.
    Delay(Duration),
    /// Never answers and keeps the connection open.
    Hang,
    /// Closes the connection without an answer.
    CloseBeforeAnswer,
    /// Answers 200, promises a body, sends half of it and closes the connection.
    CloseMidAnswer,
    /// Answers 307 to a URL.
    Redirect(String),
    /// Answers 200 with a body of so many bytes.
    HugeBody(u64),
    /// Answers 200 and sends one byte of body now and then, for ever.
    SlowBody,
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// `POST`.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Query without its question mark.
    pub query: Option<String>,
    /// Names are lower-case.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Since the sink started.
    pub at: Duration,
}

impl Received {
    /// A header's value, if it came once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }
}

#[derive(Default)]
struct Book {
    behaviours: HashMap<String, Behaviour>,
    received: Vec<Received>,
    faults: Vec<String>,
    connections: usize,
}

struct Shared {
    book: Mutex<Book>,
    count: watch::Sender<usize>,
    started: Instant,
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A real HTTP/1.1 server on a free port of 127.0.0.1; answers 200 unless told otherwise, and stops
/// when dropped.
pub struct WebhookSink {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

impl WebhookSink {
    /// Starts to listen; needs a Tokio runtime.
    ///
    /// # Errors
    /// No port could be had.
    #[expect(clippy::disallowed_methods, reason = "a fake has no supervisor; it ends on drop")]
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            book: Mutex::default(),
            count: watch::Sender::new(0),
            started: Instant::now(),
        });
        let server = tokio::spawn(serve(listener, shared.clone())).abort_handle();
        Ok(Self { address, shared, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:<port><path>`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What a path does from now on.
    pub fn on(&self, path: &str, behaviour: Behaviour) {
        self.shared.book().behaviours.insert(path.to_owned(), behaviour);
    }

    /// Every request so far, in the order in which their bodies were complete.
    pub fn received(&self) -> Vec<Received> {
        self.shared.book().received.clone()
    }

    /// Connections accepted so far, also those that never brought a request.
    pub fn connections(&self) -> usize {
        self.shared.book().connections
    }

    /// What vendors refused so far, and why.
    pub fn faults(&self) -> Vec<String> {
        self.shared.book().faults.clone()
    }

    /// Waits until at least `n` requests have come and returns them all.
    ///
    /// # Errors
    /// The time is up: what had come by then.
    pub async fn wait_for(
        &self,
        n: usize,
        timeout: Duration,
    ) -> Result<Vec<Received>, Vec<Received>> {
        let mut count = self.shared.count.subscribe();
        match tokio::time::timeout(timeout, count.wait_for(|have| *have >= n)).await {
            Ok(Ok(_)) => Ok(self.received()),
            _ => Err(self.received()),
        }
    }
}

impl Drop for WebhookSink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Aborting this task drops the set, which aborts every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                shared.book().connections += 1;
                connections.spawn(connection(stream, shared.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { answer(request, &shared).await }
    });
    // A broken connection is what several behaviours are for.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// What ends a connection in the middle.
#[derive(Debug, PartialEq, Eq)]
struct Close;

impl std::fmt::Display for Close {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Close {}

type Answering = Result<Response<UnsyncBoxBody<Bytes, Close>>, Close>;

async fn answer(request: Request<Incoming>, shared: &Shared) -> Answering {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Close)?.to_bytes();
    let path = parts.uri.path().to_owned();
    let refused;
    let (behaviour, have) = {
        let mut book = shared.book();
        let behaviour = book.behaviours.get(&path).cloned();
        let fault = match &behaviour {
            Some(Behaviour::Vendor(vendor)) => vendor.fault(&parts.headers, &body),
            _ => None,
        };
        refused = fault.is_some();
        book.faults.extend(fault);
        book.received.push(Received {
            method: parts.method.to_string(),
            query: parts.uri.query().map(str::to_owned),
            path,
            headers: parts.headers,
            body,
            at: shared.started.elapsed(),
        });
        (behaviour.unwrap_or(Behaviour::Status(200)), book.received.len())
    };
    shared.count.send_replace(have);

    match behaviour {
        Behaviour::Status(status) => respond(status, None, text("answered")),
        Behaviour::StatusWithHeader(status, name, value) => {
            respond(status, Some((name, value)), text("answered"))
        }
        Behaviour::Vendor(_) if refused => respond(400, None, text("invalid_payload")),
        Behaviour::Vendor(vendor) => {
            let (status, body) = vendor.accepts();
            respond(status, None, text(body))
        }
        Behaviour::Delay(delay) => {
            tokio::time::sleep(delay).await;
            respond(200, None, text("late"))
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::CloseBeforeAnswer => Err(Close),
        Behaviour::CloseMidAnswer => respond(
            200,
            Some((header::CONTENT_LENGTH.as_str(), "8".into())),
            Trickle {
                left: 4,
                step: 4,
                every: Duration::from_millis(50),
                fails: true,
                pause: None,
            }
            .boxed_unsync(),
        ),
        Behaviour::Redirect(to) => respond(307, Some((header::LOCATION.as_str(), to)), text("")),
        Behaviour::HugeBody(bytes) => respond(
            200,
            None,
            Trickle {
                left: bytes,
                step: 16 << 10,
                every: Duration::ZERO,
                fails: false,
                pause: None,
            }
            .boxed_unsync(),
        ),
        Behaviour::SlowBody => respond(
            200,
            None,
            Trickle {
                left: u64::MAX,
                step: 1,
                every: Duration::from_millis(20),
                fails: false,
                pause: None,
            }
            .boxed_unsync(),
        ),
    }
}

fn text(body: &'static str) -> UnsyncBoxBody<Bytes, Close> {
    Full::new(Bytes::from_static(body.as_bytes()))
        .map_err(|e: Infallible| match e {})
        .boxed_unsync()
}

fn respond(
    status: u16,
    header: Option<(&str, String)>,
    body: UnsyncBoxBody<Bytes, Close>,
) -> Answering {
    let mut response = Response::builder().status(StatusCode::from_u16(status).map_err(|_| Close)?);
    if let Some((name, value)) = header {
        response = response.header(name, value);
    }
    response.body(body).map_err(|_| Close)
}

/// A body that comes in steps with pauses, and may fail where it should end.
struct Trickle {
    left: u64,
    step: u64,
    every: Duration,
    fails: bool,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Body for Trickle {
    type Data = Bytes;
    type Error = Close;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Close>>> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        if self.left == 0 {
            return Poll::Ready(self.fails.then_some(Err(Close)));
        }
        let step = self.left.min(self.step);
        self.left -= step;
        if !self.every.is_zero() {
            self.pause = Some(Box::pin(tokio::time::sleep(self.every)));
        }
        let bytes = vec![b'x'; usize::try_from(step).unwrap_or(1)];
        Poll::Ready(Some(Ok(Frame::data(bytes.into()))))
    }
}
