//! Clients that send as fast as they are answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::Error;
use crate::http::{Connection, request};
use crate::server::NOWHERE;

/// One case.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Keep-alive clients.
    pub clients: usize,
    /// Tenants that they send for, in turn.
    pub tenants: usize,
    /// Of a hundred commands, how many are RED.
    pub red: u64,
    /// How long.
    pub time: Duration,
}

/// What the clients saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Time to each 202, in microseconds, sorted.
    pub latencies: Vec<u32>,
    /// Of the 202s, those of RED commands.
    pub red: u64,
    /// Other answers by status; 0 is a connection that broke.
    pub errors: BTreeMap<u16, u64>,
    /// From the first request to the last answer.
    pub time: Duration,
    /// The longest time in which no client was answered.
    pub gap: Duration,
}

impl Seen {
    /// The latency that this share of the answers does not exceed, in milliseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let index = (last as f64 * share).round() as usize;
        self.latencies.get(index).map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
    }
}

/// What all clients of a case share.
struct Shared {
    address: SocketAddr,
    case: Case,
    started: Instant,
    /// GREEN and RED, by tenant.
    requests: Vec<[Vec<u8>; 2]>,
    /// When the last answer came, and the longest gap, in microseconds since the start.
    last: AtomicU64,
    gap: AtomicU64,
}

impl Shared {
    fn answered(&self) {
        let now = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let before = self.last.swap(now, Ordering::Relaxed);
        self.gap.fetch_max(now.saturating_sub(before), Ordering::Relaxed);
    }
}

/// Runs a case.
///
/// # Errors
/// The server cannot be reached.
pub async fn run(address: SocketAddr, case: Case) -> Result<Seen, Error> {
    let shared = Arc::new(Shared {
        address,
        case,
        started: Instant::now(),
        requests: (0..case.tenants).map(requests).collect(),
        last: AtomicU64::new(0),
        gap: AtomicU64::new(0),
    });
    let mut clients = JoinSet::new();
    for number in 0..case.clients {
        clients.spawn(client(shared.clone(), number));
    }
    let mut seen = Seen::default();
    while let Some(client) = clients.join_next().await {
        let client = client??;
        seen.latencies.extend(client.latencies);
        seen.red += client.red;
        for (status, count) in client.errors {
            *seen.errors.entry(status).or_default() += count;
        }
    }
    seen.latencies.sort_unstable();
    seen.time = shared.started.elapsed();
    seen.gap = Duration::from_micros(shared.gap.load(Ordering::Relaxed));
    Ok(seen)
}

fn requests(tenant: usize) -> [Vec<u8>; 2] {
    let green = json!({"command_type": "file.list", "params": {}});
    let url = format!("http://{NOWHERE}/");
    let params = json!({"url": url, "payload": {"text": "보고서가 준비되었습니다", "n": 1}});
    let red = json!({"command_type": "share.webhook", "params": params});
    [green, red]
        .map(|body| request("POST", "/sidecar/command", Some(tenant), Some(&body.to_string())))
}

async fn client(shared: Arc<Shared>, number: usize) -> Result<Seen, Error> {
    let case = shared.case;
    let mut seen = Seen::default();
    let mut connection = Connection::open(shared.address).await?;
    for turn in number.. {
        if shared.started.elapsed() >= case.time {
            break;
        }
        let hundredth = (turn as u64).wrapping_mul(37) % 100;
        let red = hundredth < case.red;
        let requests = &shared.requests[(turn + turn / 10) % case.tenants];
        let sent = Instant::now();
        match connection.call(&requests[usize::from(red)]).await {
            Ok((202, _)) => {
                let micros = sent.elapsed().as_micros();
                seen.latencies.push(u32::try_from(micros).unwrap_or(u32::MAX));
                seen.red += u64::from(red);
                shared.answered();
            }
            Ok((status, _)) => *seen.errors.entry(status).or_default() += 1,
            Err(_broken) => {
                *seen.errors.entry(0).or_default() += 1;
                connection = Connection::open(shared.address).await?;
            }
        }
    }
    Ok(seen)
}

/// Reads the stream of the first tenant until it is dropped; whenever it ends it is opened again.
pub struct Listener(JoinSet<()>);

impl Listener {
    /// Opens the stream.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn open(address: SocketAddr) -> Result<Self, Error> {
        let opening = request("GET", "/agent/reports/stream", Some(0), None);
        let mut connection = Connection::open(address).await?;
        connection.send(&opening).await?;
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            loop {
                while connection.drain().await.is_ok() {}
                tokio::time::sleep(Duration::from_millis(100)).await;
                let Ok(mut again) = Connection::open(address).await else { continue };
                if again.send(&opening).await.is_ok() {
                    connection = again;
                }
            }
        });
        Ok(Self(reading))
    }

    /// Whether it still reads.
    pub fn reads(&self) -> bool {
        !self.0.is_empty()
    }
}
