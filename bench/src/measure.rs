//! A case and everything that was counted while it ran.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Error;
use crate::load::{self, Case};
use crate::seed::Store;
use crate::server::{Metrics, Server, process_cpu, signal};

/// The longest wait for what a case left behind.
const DRAIN: Duration = Duration::from_secs(180);

/// What a case came to.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Keep-alive clients.
    pub clients: usize,
    /// Tenants.
    pub tenants: usize,
    /// Length, in seconds.
    pub seconds: f64,
    /// 202s.
    pub accepted: usize,
    /// 202s of RED commands.
    pub accepted_red: u64,
    /// 202s a second.
    pub accepted_per_second: f64,
    /// Milliseconds to a 202: half of them.
    pub p50_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// The longest time without any answer, in milliseconds.
    pub gap_ms: f64,
    /// Other answers, by status; 0 is a broken connection.
    pub errors: BTreeMap<u16, u64>,
    /// Tasks that succeeded, a second.
    pub finished_per_second: f64,
    /// Asks that expired, a second.
    pub expired_per_second: f64,
    /// Tasks that were not done at the end.
    pub backlog: u64,
    /// Asks that were open at the end.
    pub asks: u64,
    /// Seconds until the backlog was worked off, if it was.
    pub drain_seconds: Option<f64>,
    /// Transactions.
    pub commits: f64,
    /// Writes in them.
    pub writes: f64,
    /// SQL statements.
    pub statements: f64,
    /// SQL statements for each accepted command, with all that follows from it.
    pub statements_per_command: f64,
    /// Waits for the database for each accepted command, with all that follows from it.
    pub round_trips_per_command: f64,
    /// Transactions for each accepted command.
    pub commits_per_command: f64,
    /// Checkpoints.
    pub checkpoints: f64,
    /// Seconds that they took.
    pub checkpoint_seconds: f64,
    /// The slowest took at most this, in milliseconds (a bucket's bound).
    pub checkpoint_max_ms: f64,
    /// Reports delivered to the stream.
    pub reports_streamed: f64,
    /// CPU seconds of the server.
    pub server_cpu: f64,
    /// Of them, the store's writer thread.
    pub writer_cpu: f64,
    /// All its threads.
    pub threads_cpu: BTreeMap<String, f64>,
    /// CPU seconds of the clients.
    pub client_cpu: f64,
    /// Resident memory at the end, in MiB.
    pub rss_mib: f64,
    /// The write-ahead log at the end, in MiB.
    pub wal_mib: f64,
}

/// Runs a case and measures it.
///
/// # Errors
/// The server cannot be reached or the store cannot be read.
pub async fn case(
    server: &Server,
    store: &Store,
    data_dir: &Path,
    case: Case,
) -> Result<Row, Error> {
    let (metrics, cpu, own) = (server.metrics().await?, server.cpu(), process_cpu("self"));
    let seen = load::run(server.address, case).await?;
    let (own_after, cpu_after) = (process_cpu("self"), server.cpu());
    let after = server.metrics().await?;
    let (backlog, asks) = store.waiting().await?;
    let rss_mib = server.rss();
    let wal = std::fs::metadata(data_dir.join("nexus.db-wal")).map_or(0, |file| file.len());
    let drain_seconds = drain(store).await?;

    let seconds = seen.time.as_secs_f64();
    let grown = |name: &str| after.get(name) - metrics.get(name);
    let accepted = seen.latencies.len();
    let each = |total: f64| total / accepted.max(1) as f64;
    let (commits, statements) =
        (grown("nexus_store_commits_total"), grown("nexus_store_statements_total"));
    let threads = cpu_after.threads.keys().map(|name| {
        let spent = cpu_after.of(name) - cpu.of(name);
        (name.clone(), (spent * 100.0).round() / 100.0)
    });
    Ok(Row {
        clients: case.clients,
        tenants: case.tenants,
        seconds,
        accepted,
        accepted_red: seen.red,
        accepted_per_second: accepted as f64 / seconds,
        p50_ms: seen.percentile(0.5),
        p99_ms: seen.percentile(0.99),
        max_ms: seen.percentile(1.0),
        gap_ms: seen.gap.as_secs_f64() * 1_000.0,
        finished_per_second: grown("nexus_task_status_total{status=\"succeeded\"}") / seconds,
        expired_per_second: grown("nexus_approvals_total{outcome=\"expired\"}") / seconds,
        errors: seen.errors,
        backlog,
        asks,
        drain_seconds,
        commits,
        writes: grown("nexus_store_writes_total"),
        statements,
        statements_per_command: each(statements),
        round_trips_per_command: each(grown("nexus_store_round_trips_total")),
        commits_per_command: each(commits),
        checkpoints: grown("nexus_store_checkpoint_seconds_count"),
        checkpoint_seconds: grown("nexus_store_checkpoint_seconds_sum"),
        checkpoint_max_ms: slowest(&metrics, &after, "nexus_store_checkpoint_seconds") * 1_000.0,
        reports_streamed: grown("nexus_sse_reports_total"),
        server_cpu: cpu_after.all - cpu.all,
        writer_cpu: cpu_after.of("nexus-writer") - cpu.of("nexus-writer"),
        threads_cpu: threads.collect(),
        client_cpu: own_after - own,
        rss_mib,
        wal_mib: wal as f64 / f64::from(1 << 20),
    })
}

/// The bound of the highest bucket of a histogram that grew.
fn slowest(before: &Metrics, after: &Metrics, histogram: &str) -> f64 {
    let (before, after) = (before.buckets(histogram), after.buckets(histogram));
    let grown = |buckets: &[(f64, f64)], at: usize| {
        let below = at.checked_sub(1).and_then(|below| buckets.get(below));
        buckets.get(at).map_or(0.0, |(_, all)| all - below.map_or(0.0, |(_, below)| *below))
    };
    let grew = (0..after.len()).rev().find(|at| grown(&after, *at) > grown(&before, *at));
    grew.and_then(|at| after.get(at)).map_or(0.0, |(bound, _)| *bound)
}

/// Waits until every task is done, so that the next case starts with nothing but asks.
async fn drain(store: &Store) -> Result<Option<f64>, Error> {
    let started = Instant::now();
    while store.waiting().await?.0 > 0 {
        if started.elapsed() > DRAIN {
            return Ok(None);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(Some(started.elapsed().as_secs_f64()))
}

/// Fsyncs for each accepted command, counted from outside while `strace` slows the server down.
#[derive(Debug, Serialize)]
pub struct Fsyncs {
    /// Keep-alive clients.
    pub clients: usize,
    /// 202s.
    pub accepted: usize,
    /// Calls of fsync and fdatasync, by clients, workers and checkpoints together.
    pub fsyncs: u64,
    /// Calls for each 202.
    pub fsyncs_per_command: f64,
}

/// Counts fsyncs of a short case.
///
/// # Errors
/// `strace` is not there or may not attach.
pub async fn fsyncs(
    server: &Server,
    store: &Store,
    data_dir: &Path,
    case: Case,
) -> Result<Fsyncs, Error> {
    let counted = data_dir.join("strace.txt");
    let told = data_dir.join("strace.log");
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-e", "trace=fsync,fdatasync", "-o"])
        .arg(&counted)
        .args(["-p", &server.pid().to_string()])
        .stdout(Stdio::null())
        .stderr(File::create(&told)?)
        .spawn()
        .map_err(|error| format!("strace cannot be run: {error}"))?;
    while !std::fs::read_to_string(&told)?.contains("attached") {
        if strace.try_wait()?.is_some() {
            let why = std::fs::read_to_string(&told)?;
            return Err(format!("strace cannot attach: {why}").into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let seen = load::run(server.address, case).await?;
    signal(strace.id(), "INT")?;
    strace.wait()?;
    let fsyncs = calls(&std::fs::read_to_string(&counted)?);
    let accepted = seen.latencies.len();
    let fsyncs_per_command = fsyncs as f64 / accepted.max(1) as f64;
    drain(store).await?;
    Ok(Fsyncs { clients: case.clients, accepted, fsyncs, fsyncs_per_command })
}

/// Sums the calls in the table that `strace -c` writes: share, seconds, time of one, calls, errors
/// if there were some, name.
fn calls(table: &str) -> u64 {
    let of = |line: &str| -> Option<u64> {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let counted = columns.last().is_some_and(|name| ["fsync", "fdatasync"].contains(name));
        if counted { columns.get(3)?.parse().ok() } else { None }
    };
    table.lines().filter_map(of).sum()
}

/// What one small synchronised write costs on this disk, in microseconds.
///
/// # Errors
/// The file cannot be written.
pub fn disk(dir: &Path) -> Result<f64, Error> {
    const TIMES: u32 = 200;
    let mut file = tempfile::tempfile_in(dir)?;
    let started = Instant::now();
    for _ in 0..TIMES {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
    }
    Ok(started.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_summed_over_both_names() {
        let table = "% time     seconds  usecs/call     calls    errors syscall\n\
                     ------ ----------- ----------- --------- --------- ----------------\n \
                      60.00    0.000300          10        30           fdatasync\n \
                      40.00    0.000200          20        10         1 fsync\n\
                     ------ ----------- ----------- --------- --------- ----------------\n\
                     100.00    0.000500          12        40         1 total\n";
        assert_eq!(calls(table), 40);
    }
}
