//! The report: a table for people, and everything for programs.

use std::time::Duration;

use serde::Serialize;

use crate::measure::{Fsyncs, Row};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Cores of this machine; clients and server share them.
    pub cores: usize,
    /// One 4 KiB write with fdatasync, in microseconds.
    pub disk_sync_us: f64,
    /// Finished tasks that were there before.
    pub old_tasks: u64,
    /// The database with them, in MiB.
    pub database_mib: f64,
    /// From the start of the process to its first "ready": on an empty directory.
    pub cold_start_empty_ms: f64,
    /// With the old tasks.
    pub cold_start_ms: f64,
    /// Resident memory when nothing happens, in MiB.
    pub idle_rss_mib: f64,
    /// One for each case.
    pub cases: Vec<Row>,
    /// If they were counted.
    pub fsyncs: Vec<Fsyncs>,
}

/// Milliseconds with their fraction.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The report in Markdown.
pub fn markdown(report: &Report) -> String {
    let mut out = format!(
        "Cold start {:.0} ms empty, {:.0} ms with {} old tasks ({:.0} MiB); idle RSS {:.1} MiB; \
         {} cores; a synchronised 4 KiB write takes {:.0} µs.\n\n",
        report.cold_start_empty_ms,
        report.cold_start_ms,
        report.old_tasks,
        report.database_mib,
        report.idle_rss_mib,
        report.cores,
        report.disk_sync_us
    );
    let accepting = Table {
        head: &[
            "tenants",
            "clients",
            "accepted/s",
            "p50 ms",
            "p99 ms",
            "max ms",
            "gap ms",
            "errors",
            "finished/s",
            "expired/s",
            "backlog",
            "drain s",
        ],
        cells: |row| {
            vec![
                row.tenants.to_string(),
                row.clients.to_string(),
                format!("{:.0}", row.accepted_per_second),
                format!("{:.2}", row.p50_ms),
                format!("{:.2}", row.p99_ms),
                format!("{:.1}", row.max_ms),
                format!("{:.1}", row.gap_ms),
                row.errors.values().sum::<u64>().to_string(),
                format!("{:.0}", row.finished_per_second),
                format!("{:.0}", row.expired_per_second),
                row.backlog.to_string(),
                row.drain_seconds.map_or("never".to_owned(), |s| format!("{s:.1}")),
            ]
        },
    };
    let costs = Table {
        head: &[
            "tenants",
            "clients",
            "commits/s",
            "writes/commit",
            "statements/command",
            "round trips/command",
            "commits/command",
            "checkpoints",
            "their s",
            "slowest ≤ ms",
            "streamed/s",
            "server CPU s",
            "writer CPU s",
            "client CPU s",
            "CPU µs/command",
            "RSS MiB",
            "WAL MiB",
        ],
        cells: |row| {
            vec![
                row.tenants.to_string(),
                row.clients.to_string(),
                format!("{:.0}", row.commits / row.seconds),
                format!("{:.1}", row.writes / row.commits.max(1.0)),
                format!("{:.1}", row.statements_per_command),
                format!("{:.1}", row.round_trips_per_command),
                format!("{:.3}", row.commits_per_command),
                format!("{:.0}", row.checkpoints),
                format!("{:.2}", row.checkpoint_seconds),
                format!("{:.0}", row.checkpoint_max_ms),
                format!("{:.0}", row.reports_streamed / row.seconds),
                format!("{:.2}", row.server_cpu),
                format!("{:.2}", row.writer_cpu),
                format!("{:.2}", row.client_cpu),
                format!("{:.0}", row.server_cpu * 1e6 / row.accepted.max(1) as f64),
                format!("{:.1}", row.rss_mib),
                format!("{:.1}", row.wal_mib),
            ]
        },
    };
    for table in [accepting, costs] {
        out.push_str(&table.markdown(&report.cases));
        out.push('\n');
    }
    for counted in &report.fsyncs {
        out.push_str(&format!(
            "Under strace, {} clients: {} commands, {} fsyncs, {:.3} each.\n",
            counted.clients, counted.accepted, counted.fsyncs, counted.fsyncs_per_command
        ));
    }
    out
}

struct Table {
    head: &'static [&'static str],
    cells: fn(&Row) -> Vec<String>,
}

impl Table {
    fn markdown(&self, rows: &[Row]) -> String {
        let mut out =
            format!("| {} |\n|{}\n", self.head.join(" | "), "---:|".repeat(self.head.len()));
        for row in rows {
            out.push_str(&format!("| {} |\n", (self.cells)(row).join(" | ")));
        }
        out
    }
}
