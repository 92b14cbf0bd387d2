//! Reports to many subscribers, at a rate or as fast as it goes.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use nexus_bench::Error;
use nexus_bench::server::{Cpu, process_cpu};

use crate::args::{Args, Case};
use crate::pin::Cores;
use crate::pool::Pool;
use crate::subject::{From, Kind, Subject};
use crate::table::{Row, compared, value};

/// The longest wait for what was published and has not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time between the last stream's beginning and the first report.
pub const SETTLE: Duration = Duration::from_millis(300);

/// Time between the last delivery and the look at the server's memory.
const GIVE_BACK: Duration = Duration::from_secs(1);

/// How fast.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Reports a second of each tenant, one at a time.
    Rate(f64),
    /// Batches of so many reports, at most so many ahead of the slowest who reads.
    Burst(u64, u64),
}

/// Who listens.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Tenants.
    pub tenants: usize,
    /// Subscribers of each.
    pub each: usize,
    /// How fast.
    pub pace: Pace,
    /// More subscribers, of the first tenant, that never read.
    pub stuck: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Deliveries that came.
    pub delivered: u64,
    /// Deliveries that did not come, and those out of order.
    pub wrong: u64,
    /// Subscribers whose stream ended.
    pub ended: usize,
    /// From the first report to the last delivery, in seconds.
    pub seconds: f64,
    /// Time that the server spent.
    pub server: Cpu,
    /// Time that the clients spent, in CPU seconds.
    pub clients: f64,
    /// Milliseconds from the publication to the receipt, sorted.
    pub latencies: Vec<f64>,
    /// The server's memory with all subscribers, and at the end, in MiB.
    pub rss: [f64; 2],
}

/// The value that this share of sorted numbers does not exceed.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let index = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

/// Starts a server, opens streams, publishes and waits for all of it.
///
/// # Errors
/// The server fails.
pub fn fan(kind: Kind, shape: Shape, args: &Args, cores: Cores) -> Result<Outcome, Error> {
    let mut subject = Subject::start(kind, args, cores, shape.tenants)?;
    let mut pool = Pool::new()?;
    for tenant in 0..shape.tenants {
        let request = subject.subscribe(tenant, &From::Now);
        for _ in 0..shape.each {
            pool.open_in_turn(subject.address, &request, tenant, kind.count(), kind.first())?;
        }
    }
    pool.all_up()?;
    let stuck = stuck(&subject, shape.stuck)?;
    pool.rest(SETTLE)?;
    let rss_open = subject.process.rss();

    pool.sampling = matches!(shape.pace, Pace::Rate(_));
    let (before, own, started) = (subject.process.cpu(), process_cpu("self"), Instant::now());
    let published = publish(&mut subject, &mut pool, shape, args.time())?;
    let all = |pool: &Pool| {
        (0..shape.tenants).all(|tenant| pool.slowest(tenant) >= published[tenant])
            || pool.ended() == pool.subscribers.len()
    };
    pool.until(PATIENCE, all)?;
    let (seconds, after) = (started.elapsed().as_secs_f64(), subject.process.cpu());
    let clients = process_cpu("self") - own;
    // What an allocator gives back by itself is not counted.
    pool.rest(GIVE_BACK)?;
    let rss_end = subject.process.rss();
    drop(stuck);

    let total: u64 = published.iter().sum();
    let (expected, delivered) = (total * shape.each as u64, pool.delivered());
    let mut latencies: Vec<f64> = pool
        .samples
        .iter()
        .map(|sample| sample.got.saturating_sub(sample.sent) as f64 / 1e6)
        .collect();
    latencies.sort_by(f64::total_cmp);
    let threads = after.threads.iter().map(|(name, seconds)| {
        let spent = seconds - before.of(name);
        (name.clone(), (spent * 100.0).round() / 100.0)
    });
    Ok(Outcome {
        delivered,
        wrong: expected.abs_diff(delivered) + pool.breaks(),
        ended: pool.ended(),
        seconds,
        server: Cpu { all: after.all - before.all, threads: threads.collect() },
        clients,
        latencies,
        rss: [rss_open, rss_end],
    })
}

/// Streams that are opened and never read.
fn stuck(subject: &Subject, count: usize) -> Result<Vec<TcpStream>, Error> {
    use std::io::Write as _;
    let request = subject.subscribe(0, &From::Now);
    let open = |_| {
        let mut stream = TcpStream::connect(subject.address)?;
        stream.write_all(&request)?;
        Ok(stream)
    };
    (0..count).map(open).collect()
}

/// Publishes for this long; says how many reports each tenant got.
fn publish(
    subject: &mut Subject,
    pool: &mut Pool,
    shape: Shape,
    time: Duration,
) -> Result<Vec<u64>, Error> {
    let mut published = vec![0_u64; shape.tenants];
    let started = Instant::now();
    while started.elapsed() < time && pool.ended() == 0 {
        let wait = match shape.pace {
            Pace::Rate(rate) => {
                let due = (started.elapsed().as_secs_f64() * rate) as u64;
                for (tenant, published) in published.iter_mut().enumerate() {
                    while *published < due {
                        subject.publish(tenant, 1)?;
                        *published += 1;
                    }
                }
                let next = Duration::from_secs_f64((due + 1) as f64 / rate);
                next.saturating_sub(started.elapsed()).min(Duration::from_millis(20))
            }
            Pace::Burst(batch, window) => {
                for (tenant, published) in published.iter_mut().enumerate() {
                    let slowest = pool.slowest(tenant);
                    while *published + batch <= slowest + window {
                        subject.publish(tenant, batch)?;
                        *published += batch;
                    }
                }
                Duration::from_millis(20)
            }
        };
        pool.pump(wait)?;
    }
    Ok(published)
}

/// What a case of this kind comes to.
pub fn row(case: Case, kind: Kind, outcome: Outcome, shape: Shape) -> Row {
    let million = outcome.delivered.max(1) as f64 / 1e6;
    let busy = |cpu: f64| 100.0 * cpu / outcome.seconds;
    let mut values = vec![
        value("deliveries", outcome.delivered as f64, 0),
        match shape.pace {
            Pace::Rate(_) => value("a second", outcome.delivered as f64 / outcome.seconds, 0),
            Pace::Burst(..) => compared("a second", outcome.delivered as f64 / outcome.seconds, 0),
        },
        compared("server CPU s per million", outcome.server.all / million, 2),
        value("server busy %", busy(outcome.server.all), 0),
        value("clients' CPU s per million", outcome.clients / million, 2),
        value("clients busy %", busy(outcome.clients), 0),
    ];
    if matches!(shape.pace, Pace::Rate(_)) {
        values.push(compared("p50 ms", percentile(&outcome.latencies, 0.5), 2));
        values.push(compared("p99 ms", percentile(&outcome.latencies, 0.99), 2));
        values.push(value("max ms", percentile(&outcome.latencies, 1.0), 1));
    }
    values.push(value("lost or out of order", outcome.wrong as f64, 0));
    values.push(value("streams ended", outcome.ended as f64, 0));
    values.push(value("RSS MiB", outcome.rss[1], 1));
    Row { case, server: kind.name().to_owned(), values, threads: outcome.server.threads }
}
