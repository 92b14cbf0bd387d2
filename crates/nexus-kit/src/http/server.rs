//! The accept loop: HTTP/1.1 and HTTP/2 (prior knowledge) over TCP, with bounds on connections,
//! headers and slow senders.
//!
//! Lifecycle of a connection: accepted if fewer than `max_connections` are open, else closed at
//! once and counted; told apart by its first bytes within the header time-out; served until the
//! peer leaves, idles too long or stops reading, or until a handler takes the socket over
//! ([`super::handover`]); at a shutdown it takes no new request, ends what is running, and is cut
//! off after `settings.shutdown`.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::edge::{self, Edge, Peer};
use super::handover::{Handover, Socket, Taker, Watched};
use crate::settings;
use crate::supervise::{Shutdown, Supervisor};

/// What every HTTP/2 connection starts with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;

/// HTTP/2: a peer that is silent this long is asked whether it is there, and given as long again.
const PING_AFTER: Duration = Duration::from_secs(20);

/// HTTP/2: a connection without a new request for this long takes no more; what runs on it ends in
/// its own time. HTTP/1.1 has the header time-out for that.
const IDLE: Duration = Duration::from_secs(120);

/// A peer that acknowledges nothing of what was sent for this long is gone. With a ping of the stream
/// every 30 s, a half-open stream is found out within a minute.
const STUCK: Duration = Duration::from_secs(20);

/// Pause after an accept that failed, most often for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server that listens.
#[derive(Debug)]
pub struct Serving {
    /// Where it listens; the port is the real one when 0 was asked for.
    pub address: SocketAddr,
}

/// Serves `router` (with [`super::finish`] around it) on `listener` until the supervisor stops.
pub fn serve(
    listener: TcpListener,
    router: Router,
    edge: Edge,
    supervisor: &Supervisor,
) -> std::io::Result<Serving> {
    let address = listener.local_addr()?;
    let doors = Arc::new(Doors { http1: http1(&edge.settings), router, edge });
    let supervisor_of_all = supervisor.clone();
    supervisor.spawn("http accept", accept(listener, doors, supervisor_of_all));
    Ok(Serving { address })
}

/// What all connections share.
struct Doors {
    http1: http1::Builder,
    router: Router,
    edge: Edge,
}

async fn accept(listener: TcpListener, doors: Arc<Doors>, supervisor: Supervisor) {
    let shutdown = supervisor.shutdown_signal();
    let free = Arc::new(Semaphore::new(doors.edge.settings.max_connections));
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.triggered() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
            doors.edge.metrics.refused("too_many_connections");
            drop(stream);
            continue;
        };
        let open = Open::new(&doors.edge);
        let doors = Arc::clone(&doors);
        let streams = Streams(supervisor.clone());
        let shutdown = shutdown.clone();
        supervisor.spawn("http connection", async move {
            connection(stream, peer, doors, streams, shutdown, Box::new((permit, open))).await;
        });
    }
}

/// Counts a connection while it lives.
struct Open(crate::telemetry::metrics::Metrics);

impl Open {
    fn new(edge: &Edge) -> Self {
        edge.metrics.http_connections.inc();
        Self(edge.metrics.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.http_connections.dec();
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    doors: Arc<Doors>,
    streams: Streams,
    shutdown: Shutdown,
    held: Box<dyn Send>,
) {
    // Small frames must leave at once, and a peer that never reads must not hold its place.
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_tcp_user_timeout(&stream, STUCK.as_millis() as u32);
    let settings = &doors.edge.settings;
    let version = tokio::select! {
        version = tokio::time::timeout(settings.header_timeout, version(&stream)) => version,
        () = shutdown.triggered() => return,
    };
    let requests = Arc::new(AtomicU64::new(0));
    let mut service =
        Door { doors: Arc::clone(&doors), peer, requests: Arc::clone(&requests), handover: None };
    let io = TokioIo::new(stream);
    match version {
        Ok(Ok(Some(Version::Http1))) => {
            let handover = Handover::default();
            service.handover = Some(handover.clone());
            // Upgrades are not served: no route of ours asks for one.
            let io = Watched::new(io, &handover);
            let connection = Some(doors.http1.serve_connection(io, service));
            let connection = Http1 { connection, handover };
            let taken = drive(connection, settings, &shutdown, std::future::pending()).await;
            if let Some(Some((stream, taker))) = taken {
                match stream.into_std() {
                    Ok(stream) => taker(Socket { stream, held }),
                    Err(error) => tracing::debug!(%error, "a socket could not be handed over"),
                }
            }
        }
        Ok(Ok(Some(Version::Http2))) => {
            let connection = http2(settings, streams).serve_connection(io, service);
            drive(connection, settings, &shutdown, idle(&requests)).await;
        }
        // Left, failed or silent before it asked for anything.
        Ok(Ok(None) | Err(_)) => {}
        Err(_) => doors.edge.metrics.refused("header_timeout"),
    }
}

/// A connection that can be told to take no more requests.
trait Graceful: Future {
    fn graceful(self: Pin<&mut Self>);
}

/// An HTTP/1.1 connection, until it ends or its socket is taken over.
struct Http1 {
    connection: Option<http1::Connection<Watched<TokioIo<TcpStream>>, Door>>,
    handover: Handover,
}

impl Future for Http1 {
    type Output = hyper::Result<Option<(TcpStream, Taker)>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(connection) = &mut self.connection else { return Poll::Pending };
        if let Poll::Ready(outcome) = Pin::new(connection).poll(cx) {
            return Poll::Ready(outcome.map(|()| None));
        }
        let Some(taker) = self.handover.ready() else { return Poll::Pending };
        // What the peer sent beyond its request is not read: the answer has no end.
        let socket = self.connection.take().map(|connection| connection.into_parts().io);
        Poll::Ready(Ok(socket.map(|io| (io.into_inner().into_inner(), taker))))
    }
}

impl Graceful for Http1 {
    fn graceful(mut self: Pin<&mut Self>) {
        if let Some(connection) = &mut self.connection {
            Pin::new(connection).graceful_shutdown();
        }
    }
}

impl<I, E> Graceful for http2::Connection<I, Door, Streams>
where
    Self: Future<Output = Result<(), E>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    fn graceful(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Runs a connection to its end and says what became of it, if it went well.
async fn drive<C, T, E>(
    connection: C,
    settings: &settings::Http,
    shutdown: &Shutdown,
    idle: impl Future<Output = ()>,
) -> Option<T>
where
    C: Graceful<Output = Result<T, E>>,
    E: std::fmt::Display,
{
    let mut connection = pin!(connection);
    let mut idle = pin!(idle);
    let mut told = false;
    let outcome = loop {
        tokio::select! {
            outcome = &mut connection => break outcome,
            () = shutdown.triggered() => {
                connection.as_mut().graceful();
                match tokio::time::timeout(settings.shutdown, connection.as_mut()).await {
                    Ok(outcome) => break outcome,
                    Err(_) => {
                        tracing::warn!("a connection did not end in time and is cut off");
                        return None;
                    }
                }
            }
            () = &mut idle, if !told => {
                told = true;
                connection.as_mut().graceful();
            }
        }
    };
    // Peers that leave are everyday.
    outcome.inspect_err(|error| tracing::debug!(%error, "a connection ended")).ok()
}

/// Returns when no request came for [`IDLE`].
async fn idle(requests: &AtomicU64) {
    let mut seen = requests.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(IDLE).await;
        let now = requests.load(Ordering::Relaxed);
        if now == seen {
            return;
        }
        seen = now;
    }
}

enum Version {
    Http1,
    Http2,
}

/// Tells the protocols apart without taking anything off the socket; `None` when the peer left.
async fn version(stream: &TcpStream) -> std::io::Result<Option<Version>> {
    let mut start = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut start).await?;
        if count == 0 {
            return Ok(None);
        }
        if start[..count] != PREFACE[..count] {
            return Ok(Some(Version::Http1));
        }
        if count == PREFACE.len() {
            return Ok(Some(Version::Http2));
        }
        // What was peeked at stays readable, so there is no event to wait for.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn http1(settings: &settings::Http) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        // Wider than ours, so that what is a little too much is refused with a reason.
        .max_buf_size(2 * (settings.max_header_bytes + settings.max_uri_bytes) + 8192);
    if settings.max_headers >= 100 {
        builder.max_headers(settings.max_headers + 1);
    }
    builder
}

fn http2(settings: &settings::Http, streams: Streams) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(streams);
    let headers = 2 * (settings.max_header_bytes + settings.max_uri_bytes);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(headers).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PING_AFTER);
    builder
}

/// Runs the requests of an HTTP/2 connection as supervised tasks.
#[derive(Clone)]
struct Streams(Supervisor);

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn("http stream", future);
    }
}

/// Takes the requests of one connection.
struct Door {
    doors: Arc<Doors>,
    peer: SocketAddr,
    requests: Arc<AtomicU64>,
    /// Where the socket can be had.
    handover: Option<Handover>,
}

impl Service<Request<Incoming>> for Door {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let edge = &self.doors.edge;
        if let Err(problem) = edge::check(&request, &edge.settings) {
            let response = edge::refuse(problem, request.method(), edge);
            return Box::pin(std::future::ready(Ok(response)));
        }
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(Peer(self.peer));
        // The chunked coding, which whoever takes the socket goes on in, is HTTP/1.1's.
        if let Some(handover) = self.handover.clone()
            && request.version() == axum::http::Version::HTTP_11
        {
            request.extensions_mut().insert(handover);
        }
        // A router is ready at all times.
        let mut router = self.doors.router.clone();
        Box::pin(tower_service::Service::call(&mut router, request))
    }
}
