//! A guard rail: what axum does as it comes. Each tenant is a tokio broadcast ring; a subscriber is
//! a receiver of it. `each` makes an SSE event for each report and subscriber, as axum's `Sse` is
//! meant to be used; `batched` shares bytes that were made once, of all reports within 2 ms. It has
//! no history, no snapshot and no rights, and it takes the same orders as NEXUS.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use clap::{Parser, ValueEnum};
use futures_util::stream::{self, Stream, StreamExt as _};
use nexus_bench::order::Order;
use nexus_bench::{Error, report, say};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};

/// The same allocator as in `nexus`, so that only the server differs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Reports, or batches, that a ring holds.
const RING: usize = 4096;

/// How long a batch is open.
const BATCH: Duration = Duration::from_millis(2);

/// Time between comments that keep a connection alive.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// An SSE server on axum alone.
#[derive(Parser)]
struct Args {
    /// How reports become bytes
    #[arg(long)]
    mode: Mode,
    /// Tenants
    #[arg(long)]
    tenants: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// An event for each report and subscriber
    Each,
    /// Bytes that are made once, of all reports within 2 ms
    Batched,
}

/// A report: its number and its JSON.
type Report = (u64, Arc<str>);

/// The ring of each tenant.
type Rings<T> = Arc<Vec<broadcast::Sender<T>>>;

/// Where a tenant's reports go.
enum Log {
    Each(broadcast::Sender<Report>),
    Batched(mpsc::UnboundedSender<String>),
}

fn main() -> Result<(), Error> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (router, logs) = match args.mode {
        Mode::Each => {
            let rings: Rings<Report> =
                Arc::new((0..args.tenants).map(|_| broadcast::channel(RING).0).collect());
            let logs: Vec<Log> = rings.iter().cloned().map(Log::Each).collect();
            (Router::new().route("/{tenant}", get(each)).with_state(rings), logs)
        }
        Mode::Batched => {
            let rings: Rings<Bytes> =
                Arc::new((0..args.tenants).map(|_| broadcast::channel(RING).0).collect());
            let logs = rings.iter().cloned().map(|ring| {
                let (batch, waiting) = mpsc::unbounded_channel();
                runtime.spawn(batches(waiting, ring));
                Log::Batched(batch)
            });
            let logs = logs.collect();
            (Router::new().route("/{tenant}", get(batched)).with_state(rings), logs)
        }
    };
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
    say::line(&format!("listening {}", listener.local_addr()?));
    // Small frames must leave at once, as in NEXUS.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    runtime.spawn(async move { axum::serve(listener, router).await });
    let mut last = vec![0; logs.len()];
    for line in std::io::stdin().lines() {
        let line = line?;
        let Some(Order::Publish(tenant, count)) = Order::parse(&line) else {
            return Err(format!("no order: {line}").into());
        };
        let log = logs.get(tenant).ok_or("no such tenant")?;
        publish(log, &mut last[tenant], count);
    }
    runtime.shutdown_background();
    Ok(())
}

fn publish(log: &Log, last: &mut u64, count: u64) {
    let stamp = report::now();
    for _ in 0..count {
        *last += 1;
        let body = report::body(*last, stamp);
        // Nobody listening is no error.
        match log {
            Log::Each(ring) => drop(ring.send((*last, body.into()))),
            Log::Batched(batch) => {
                drop(batch.send(format!("event: report\nid: {last}\ndata: {body}\n\n")));
            }
        }
    }
}

/// Makes batches of what comes within 2 ms of the first.
async fn batches(mut waiting: mpsc::UnboundedReceiver<String>, ring: broadcast::Sender<Bytes>) {
    while let Some(first) = waiting.recv().await {
        tokio::time::sleep(BATCH).await;
        let mut bytes = first.into_bytes();
        while let Ok(next) = waiting.try_recv() {
            bytes.extend_from_slice(next.as_bytes());
        }
        drop(ring.send(bytes.into()));
    }
}

/// What a ring gets from now on. A subscriber that has lost something is cut off, so that it shows.
fn items<T: Clone + Send + 'static>(ring: &broadcast::Sender<T>) -> impl Stream<Item = T> + use<T> {
    stream::unfold(ring.subscribe(), |mut receiver| async move {
        let item = receiver.recv().await.ok()?;
        Some((item, receiver))
    })
}

async fn each(State(rings): State<Rings<Report>>, Path(tenant): Path<usize>) -> Response {
    let Some(ring) = rings.get(tenant) else { return StatusCode::NOT_FOUND.into_response() };
    let events = items(ring).map(|(number, body)| {
        let event = Event::default().event("report").id(number.to_string()).data(&*body);
        Ok::<_, Infallible>(event)
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

async fn batched(State(rings): State<Rings<Bytes>>, Path(tenant): Path<usize>) -> Response {
    let Some(ring) = rings.get(tenant) else { return StatusCode::NOT_FOUND.into_response() };
    let head = [(header::CONTENT_TYPE, "text/event-stream")];
    (head, Body::from_stream(items(ring).map(Ok::<_, Infallible>))).into_response()
}
