//! From the transaction to the receipt: what is published is on disk before anybody sees it.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nexus_bench::order::Order;
use nexus_bench::report::{correlation, now};
use nexus_bench::{Error, http};

use crate::args::{Args, Case};
use crate::fan::{SETTLE, percentile};
use crate::pin::Cores;
use crate::pool::Pool;
use crate::subject::{From, Kind, Subject};
use crate::table::{Row, compared, value};

/// The longest wait for what is still under way at the end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reports that a command makes until it is done: accepted, claimed, finished and a line of the
/// worklog come to about as many.
const REPORTS: f64 = 4.0;

/// When each report, by its number, was acknowledged to whoever published it.
type Acks = HashMap<u64, u64>;

/// Publishes at the rate through the store of a server.
///
/// # Errors
/// The server fails.
pub fn run(args: &Args, cores: Cores, kind: Kind) -> Result<Vec<Row>, Error> {
    let mut subject = Subject::start(kind, args, cores, 1)?;
    let mut pool = Pool::new()?;
    let request = subject.subscribe(0, &From::Now);
    for _ in 0..args.subscribers {
        pool.open_in_turn(subject.address, &request, 0, kind.count(), kind.first())?;
    }
    pool.all_up()?;
    pool.rest(SETTLE)?;
    pool.sampling = true;

    let started = Instant::now();
    let cpu = subject.process.cpu().all;
    let mut way = Way::open(&subject)?;
    if let Way::Http { stream, .. } = &way {
        pool.watch(stream)?;
    }
    let reports = if kind == Kind::NexusServe { REPORTS } else { 1.0 };
    let (mut sent, rate) = (0_u64, args.rate as f64 / reports);
    while started.elapsed() < args.time() && pool.ended() == 0 {
        let due = (started.elapsed().as_secs_f64() * rate) as u64;
        while sent < due {
            sent += 1;
            way.send(&mut subject, sent)?;
        }
        let next = Duration::from_secs_f64((due + 1) as f64 / rate);
        pool.pump(next.saturating_sub(started.elapsed()).min(Duration::from_millis(20)))?;
        if let Some(at) = pool.watched {
            way.read(at)?;
        }
    }
    let own = pool.subscribers.len();
    let seconds = started.elapsed().as_secs_f64();
    let waiting = Instant::now();
    while (pool.samples.len() as u64) < sent * own as u64 && pool.ended() == 0 {
        if waiting.elapsed() > PATIENCE {
            break;
        }
        pool.pump(Duration::from_millis(20))?;
        if let Some(at) = pool.watched {
            way.read(at)?;
        }
    }
    let spent = subject.process.cpu().all - cpu;
    let acks = way.finish(&mut subject, sent)?;

    let millis = |from: u64, to: u64| (to as f64 - from as f64) / 1e6;
    let sorted = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times
    };
    let receipts = sorted(pool.samples.iter().map(|one| millis(one.sent, one.got)).collect());
    let mut published: HashMap<u64, u64> = HashMap::new();
    published.extend(pool.samples.iter().map(|one| (one.number, one.sent)));
    let acked = |(number, ack): (&u64, &u64)| Some(millis(*published.get(number)?, *ack));
    let acknowledged = sorted(acks.iter().filter_map(acked).collect());
    let after = |one: &crate::reader::Sample| Some(millis(*acks.get(&one.number)?, one.got));
    let added = sorted(pool.samples.iter().filter_map(after).collect());
    let name = match kind {
        Kind::Nexus => "NEXUS, transactions",
        Kind::NexusServe => "nexus serve, commands by HTTP",
        _ => kind.name(),
    };
    let values = vec![
        value("published a second", sent as f64 / seconds, 0),
        value("reports a second", pool.delivered() as f64 / own as f64 / seconds, 0),
        compared("to the receipt p50 ms", percentile(&receipts, 0.5), 2),
        compared("to the receipt p99 ms", percentile(&receipts, 0.99), 2),
        value("to the answer p50 ms", percentile(&acknowledged, 0.5), 2),
        value("to the answer p99 ms", percentile(&acknowledged, 0.99), 2),
        value("answer to receipt p50 ms", percentile(&added, 0.5), 2),
        value("answer to receipt p99 ms", percentile(&added, 0.99), 2),
        value("lost", (sent * own as u64).abs_diff(receipts.len() as u64) as f64, 0),
        value("out of order", pool.breaks() as f64, 0),
        value("server CPU s", spent, 2),
    ];
    Ok(vec![Row { case: Case::Durable, server: name.to_owned(), values, threads: BTreeMap::new() }])
}

/// How reports get into a store.
enum Way {
    /// By an order to the process, which runs a transaction for each.
    Order,
    /// By requests on one connection; their answers come in their order.
    Http { stream: TcpStream, path: &'static str, buffer: Vec<u8>, answered: u64, acks: Acks },
}

impl Way {
    fn open(subject: &Subject) -> Result<Self, Error> {
        let path = match subject.kind {
            Kind::NexusServe => "/sidecar/command",
            Kind::DurableStreamsWal => "/p0",
            _ => return Ok(Self::Order),
        };
        let stream = TcpStream::connect(subject.address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self::Http { stream, path, buffer: Vec::new(), answered: 0, acks: Acks::new() })
    }

    fn send(&mut self, subject: &mut Subject, number: u64) -> Result<(), Error> {
        match self {
            Self::Order => subject.process.order(Order::Commit(0, 1, 1)),
            Self::Http { stream, path, .. } => {
                // A few hundred bytes always fit while answers are read.
                Ok(stream.write_all(&request(subject.kind, path, number))?)
            }
        }
    }

    /// Reads answers that have come by this time.
    fn read(&mut self, at: u64) -> Result<(), Error> {
        let Self::Http { stream, buffer, answered, acks, .. } = self else { return Ok(()) };
        let mut more = [0; 16 << 10];
        loop {
            match stream.read(&mut more) {
                Ok(0) => return Err("the server closed the publisher's connection".into()),
                Ok(read) => buffer.extend_from_slice(&more[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            while let Some((status, head, body)) = http::parse(buffer)?
                && buffer.len() >= head + body
            {
                if !(200..300).contains(&status) {
                    return Err(format!("a report was answered with {status}").into());
                }
                buffer.drain(..head + body);
                *answered += 1;
                acks.insert(*answered, at);
            }
        }
    }

    fn finish(mut self, subject: &mut Subject, sent: u64) -> Result<Acks, Error> {
        let started = Instant::now();
        loop {
            self.read(now())?;
            match &mut self {
                Self::Order => {
                    subject.process.order(Order::Acks)?;
                    let acks = subject.process.says("acks")?;
                    let pairs = acks.split(' ').filter_map(|pair| pair.split_once(':'));
                    return Ok(pairs
                        .filter_map(|(number, at)| Some((number.parse().ok()?, at.parse().ok()?)))
                        .collect());
                }
                Self::Http { answered, acks, .. } if *answered >= sent => {
                    return Ok(std::mem::take(acks));
                }
                Self::Http { .. } if started.elapsed() > PATIENCE => {
                    return Err("not every report was answered".into());
                }
                Self::Http { .. } => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

/// A report of 300 bytes, or for NEXUS a command that makes one, and others later.
fn request(kind: Kind, path: &str, number: u64) -> Vec<u8> {
    let stamp = now();
    if kind == Kind::NexusServe {
        let body = r#"{"command_type":"file.list","params":{}}"#;
        let request = http::request("POST", path, Some(0), Some(body));
        let request = String::from_utf8_lossy(&request);
        let id = format!("x-correlation-id: {}\r\ncontent-type", correlation(number, stamp));
        return request.replacen("content-type", &id, 1).into_bytes();
    }
    let body = nexus_bench::report::body(number, stamp);
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
