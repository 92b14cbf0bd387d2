//! The questions, one function each. Every answer is of a server that was started for it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nexus_bench::order::Order;
use nexus_bench::{Error, say, server};

use crate::args::{Args, Case, Peer};
use crate::durable;
use crate::fan::{Pace, SETTLE, Shape, fan, percentile, row};
use crate::pin::Cores;
use crate::pool::Pool;
use crate::subject::{From, Kind, Subject};
use crate::table::{Row, Value, compared, value};

/// Tenants in the cases of several.
const TENANTS: usize = 10;

/// Reports that are missed before all come back.
const MISSED: u64 = 1_000;

/// Reports of a full replay.
const WINDOW: u64 = 2_000;

/// Reports that a transaction has where many are committed beforehand.
const AT_ONCE: u64 = 100;

/// The longest wait for a replay.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all cases need.
pub struct Bench<'a> {
    /// What was asked for.
    pub args: &'a Args,
    /// Who runs where.
    pub cores: Cores,
}

impl Bench<'_> {
    /// Those of the candidates that are wanted and installed.
    fn kinds(&self, candidates: &[Kind]) -> Vec<Kind> {
        let wanted = |kind: &Kind| match kind {
            Kind::Nexus | Kind::NexusServe => true,
            Kind::Axum | Kind::AxumBatched => self.args.wants(Peer::Axum),
            Kind::Nchan => self.args.wants(Peer::Nchan),
            Kind::DurableStreams | Kind::DurableStreamsWal => self.args.wants(Peer::DurableStreams),
        };
        let there = |kind: &Kind| kind.program(self.args).is_some();
        candidates.iter().copied().filter(wanted).filter(there).collect()
    }

    fn start(&self, kind: Kind, tenants: usize) -> Result<Subject, Error> {
        Subject::start(kind, self.args, self.cores, tenants)
    }

    /// Answers a question for every server that can. A server that fails is named among the failures and left out.
    pub fn run(&self, case: Case, failures: &mut Vec<String>) -> Vec<Row> {
        const FAN: [Kind; 5] =
            [Kind::Nexus, Kind::Axum, Kind::AxumBatched, Kind::Nchan, Kind::DurableStreams];
        const HISTORY: [Kind; 3] = [Kind::Nexus, Kind::Nchan, Kind::DurableStreams];
        let candidates: &[Kind] = match case {
            Case::Paced | Case::Burst | Case::TenantsPaced | Case::TenantsBurst => &FAN,
            Case::Idle => &[
                Kind::NexusServe,
                Kind::Axum,
                Kind::AxumBatched,
                Kind::Nchan,
                Kind::DurableStreams,
            ],
            Case::Resume | Case::Replay | Case::Stuck => &HISTORY,
            Case::Durable => &[Kind::Nexus, Kind::NexusServe, Kind::DurableStreamsWal],
        };
        let mut rows = Vec::new();
        for kind in self.kinds(candidates) {
            say::progress(&format!("{case:?}: {}", kind.name()));
            match self.answer(case, kind) {
                Ok(more) => rows.extend(more),
                Err(error) => failures.push(format!("{case:?}: {}: {error}", kind.name())),
            }
        }
        rows
    }

    fn answer(&self, case: Case, kind: Kind) -> Result<Vec<Row>, Error> {
        let subscribers = usize::try_from(self.args.subscribers)?;
        let paced = Pace::Rate(self.args.rate as f64);
        let burst = Pace::Burst(self.args.batch, self.args.window);
        let shape = |tenants: usize, pace: Pace| {
            let each = subscribers.div_ceil(tenants);
            Shape { tenants, each, pace, stuck: 0 }
        };
        let fanned = |shape: Shape| -> Result<Vec<Row>, Error> {
            Ok(vec![row(case, kind, fan(kind, shape, self.args, self.cores)?, shape)])
        };
        match case {
            Case::Paced => fanned(shape(1, paced)),
            Case::Burst => fanned(shape(1, burst)),
            Case::TenantsPaced => fanned(shape(TENANTS, paced)),
            Case::TenantsBurst => fanned(shape(TENANTS, burst)),
            Case::Idle => self.idle(kind),
            Case::Resume => self.resume(kind),
            Case::Replay => self.replay(kind),
            Case::Stuck => self.stuck(kind, shape(1, burst)),
            Case::Durable => durable::run(self.args, self.cores, kind),
        }
    }

    /// Memory of connections to which nothing is sent.
    fn idle(&self, kind: Kind) -> Result<Vec<Row>, Error> {
        let subject = self.start(kind, TENANTS)?;
        let mut pool = Pool::new()?;
        let mut open = |count: usize| -> Result<(), Error> {
            for number in 0..count {
                let tenant = number % TENANTS;
                let request = subject.subscribe(tenant, &From::Now);
                pool.open_in_turn(subject.address, &request, tenant, kind.count(), kind.first())?;
            }
            pool.all_up()?;
            pool.rest(Duration::from_secs(2))
        };
        // What the first streams of each tenant make is not counted to the others.
        open(10 * TENANTS)?;
        let (before, cpu) = (subject.process.rss(), subject.process.cpu().all);
        let count = usize::try_from(self.args.idle)?;
        open(count)?;
        let (after, opened) = (subject.process.rss(), subject.process.cpu().all);
        let quiet = Duration::from_secs(5);
        pool.rest(quiet)?;
        let spent = subject.process.cpu().all - opened;
        let values = vec![
            value("connections", count as f64, 0),
            compared("KB a connection", (after - before) * 1024.0 / count as f64, 2),
            value("RSS MiB before", before, 1),
            value("RSS MiB", after, 1),
            value("CPU ms to open one", (opened - cpu) * 1e3 / count as f64, 3),
            value("busy % while idle", 100.0 * spent / quiet.as_secs_f64(), 1),
            value("streams ended", pool.ended() as f64, 0),
        ];
        Ok(vec![self.row(Case::Idle, kind.name(), values)])
    }

    fn row(&self, case: Case, server: &str, values: Vec<Value>) -> Row {
        Row { case, server: server.to_owned(), values, threads: BTreeMap::new() }
    }

    /// All come back at once.
    fn resume(&self, kind: Kind) -> Result<Vec<Row>, Error> {
        let count = usize::try_from(self.args.subscribers)?;
        let times = self.args.times();
        let mut rows = vec![self.come_back(kind, Case::Resume, count, MISSED, false, times)?];
        if kind == Kind::Nexus {
            rows.push(self.come_back(kind, Case::Resume, count, MISSED, true, times)?);
        }
        Ok(rows)
    }

    /// One comes back after everything that a server keeps for it.
    fn replay(&self, kind: Kind) -> Result<Vec<Row>, Error> {
        let times = self.args.times();
        let mut rows = vec![self.come_back(kind, Case::Replay, 1, WINDOW, false, times)?];
        if kind == Kind::Nexus {
            rows.push(self.come_back(kind, Case::Replay, 1, WINDOW, true, times)?);
        }
        Ok(rows)
    }

    /// So many come back at once after so many reports: to the process that they left, or, `cold`,
    /// to one that has just been started and finds the reports in its store.
    fn come_back(
        &self,
        kind: Kind,
        case: Case,
        count: usize,
        missed: u64,
        cold: bool,
        times: usize,
    ) -> Result<Row, Error> {
        let mut subject = self.start(kind, 1)?;
        let mut wrong = 0;
        if kind == Kind::Nchan {
            subject.publish(0, 1)?;
        }
        std::thread::sleep(SETTLE);
        let cursor = subject.cursor(0)?;
        if cold {
            subject.process.order(Order::Commit(0, missed, AT_ONCE))?;
            subject.process.order(Order::Acks)?;
            subject.process.says("acks")?;
        } else {
            let mut left = missed;
            while left > 0 {
                let batch = left.min(AT_ONCE);
                subject.publish(0, batch)?;
                left -= batch;
            }
            std::thread::sleep(SETTLE * 2);
        }
        let last = match kind {
            Kind::Nexus | Kind::NexusServe => None,
            // Its first message is the one that the cursor names.
            Kind::Nchan => Some(1),
            _ => Some(0),
        };
        let (mut took, mut loads, mut spent) = (Vec::new(), None, 0.0);
        for _ in 0..times {
            if cold {
                subject = subject.again(self.args, self.cores)?;
            }
            let before = self.loads(&subject)?;
            let cpu = subject.process.cpu().all;
            let request = subject.subscribe(0, &From::Cursor(cursor.clone()));
            let mut pool = Pool::new()?;
            let started = Instant::now();
            for _ in 0..count {
                pool.open(subject.address, &request, 0, kind.count(), last)?;
            }
            let all = |pool: &Pool| pool.slowest(0) >= missed || pool.ended() > 0;
            pool.until(PATIENCE, all)?;
            took.push(started.elapsed().as_secs_f64() * 1e3);
            spent += subject.process.cpu().all - cpu;
            wrong += (missed * count as u64).abs_diff(pool.delivered()) + pool.breaks();
            let after = self.loads(&subject)?;
            loads = before.zip(after).map(|(before, after)| after - before);
            drop(pool);
            std::thread::sleep(SETTLE);
        }
        took.sort_by(f64::total_cmp);
        let name =
            if cold { format!("{}, from the store", kind.name()) } else { kind.name().to_owned() };
        let values = vec![
            value("subscribers", count as f64, 0),
            value("missed", missed as f64, 0),
            compared("ms until all have all, median", percentile(&took, 0.5), 1),
            value("slowest ms", percentile(&took, 1.0), 1),
            value("server CPU ms", spent * 1e3 / times as f64, 1),
            value("lost or out of order", wrong as f64, 0),
            Value { name: "reads of base and log", value: loads, digits: 0, compared: false },
        ];
        Ok(self.row(case, &name, values))
    }

    /// How often NEXUS has read base and log of a tenant, if it counts that.
    fn loads(&self, subject: &Subject) -> Result<Option<f64>, Error> {
        if !matches!(subject.kind, Kind::Nexus | Kind::NexusServe) {
            return Ok(None);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let metrics = runtime.block_on(server::metrics(subject.address))?;
        let misses = metrics.known("nexus_sse_ring_misses_total").unwrap_or_default();
        Ok(metrics.known("nexus_sse_loads_total").map(|loads| loads + misses))
    }

    /// All but one read; then the same without that one.
    fn stuck(&self, kind: Kind, shape: Shape) -> Result<Vec<Row>, Error> {
        let shape = Shape { each: shape.each.saturating_sub(1).max(1), ..shape };
        let mut rows = Vec::new();
        let mut rates = Vec::new();
        for stuck in [0, 1] {
            let shape = Shape { stuck, ..shape };
            let outcome = fan(kind, shape, self.args, self.cores)?;
            let rate = outcome.delivered as f64 / outcome.seconds;
            rates.push((rate, outcome.rss[1] - outcome.rss[0]));
            let values = vec![
                value("subscribers that read", shape.each as f64, 0),
                value("that never read", stuck as f64, 0),
                value("deliveries a second", rate, 0),
                value("of it without one %", 100.0 * rate / rates[0].0, 1),
                value(
                    "server CPU s per million",
                    outcome.server.all * 1e6 / outcome.delivered.max(1) as f64,
                    2,
                ),
                value("RSS MiB with all open", outcome.rss[0], 1),
                value("RSS MiB at the end", outcome.rss[1], 1),
                value("more than without one MiB", rates[rates.len() - 1].1 - rates[0].1, 2),
                value("lost or out of order", outcome.wrong as f64, 0),
                value("streams ended", outcome.ended as f64, 0),
            ];
            rows.push(self.row(Case::Stuck, kind.name(), values));
        }
        Ok(rows)
    }
}
