//! The report: tables for people, and everything for programs.

use serde::Serialize;

use crate::cases::{Cost, Idle, Many, One};
use crate::peers::Row;

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// One at a time.
    pub ones: Vec<One>,
    /// Many at once.
    pub manys: Vec<Many>,
    /// Nothing to do.
    pub idle: Option<Idle>,
    /// Others.
    pub peers: Vec<Row>,
}

/// Where an agent is.
pub fn place(outside: bool) -> &'static str {
    if outside { "outside" } else { "built in" }
}

fn costs(cost: &Cost) -> String {
    format!(
        "{:.1} | {:.3} | {:.1} | {:.0} | {:.0} | {:.0}",
        cost.statements,
        cost.commits,
        cost.round_trips,
        cost.server_us,
        cost.writer_us,
        cost.client_us
    )
}

const COSTS: &str = "statements a task | commits a task | round trips a task | server CPU µs | of it the writer | clients' CPU µs";

/// The report in Markdown.
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    if !report.ones.is_empty() {
        out.push_str(&format!(
            "One at a time:\n\n| agent | tasks | p50 ms | p99 ms | from the 202 on: p50 ms | p99 ms | {COSTS} |\n|---|{}\n",
            "---:|".repeat(11)
        ));
    }
    for one in &report.ones {
        out.push_str(&format!(
            "| {} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {} |\n",
            place(one.outside),
            one.tasks,
            one.p50_ms,
            one.p99_ms,
            one.accepted_p50_ms,
            one.accepted_p99_ms,
            costs(&one.cost)
        ));
    }
    if !report.manys.is_empty() {
        out.push_str(&format!(
            "\nMany at once:\n\n| agent | tasks | accepted/s | finished/s | {COSTS} |\n|---|{}\n",
            "---:|".repeat(9)
        ));
    }
    for many in &report.manys {
        out.push_str(&format!(
            "| {} | {} | {:.0} | {:.0} | {} |\n",
            place(many.outside),
            many.tasks,
            many.enqueued_per_s,
            many.finished_per_s,
            costs(&many.cost)
        ));
    }
    if let Some(idle) = &report.idle {
        out.push_str(&format!(
            "\nIdle with {} tenants for {:.0} s, a minute: {:.2} CPU s, {:.0} statements, {:.0} commits; {:.0} MiB.\n",
            idle.tenants,
            idle.seconds,
            idle.cpu_per_minute,
            idle.statements_per_minute,
            idle.commits_per_minute,
            idle.rss_mib
        ));
    }
    if !report.peers.is_empty() {
        out.push_str("\nOthers:\n\n| | version | p50 ms | p99 ms | enqueued/s | finished/s |\n|---|---|---:|---:|---:|---:|\n");
    }
    for peer in &report.peers {
        match &peer.said {
            Some(said) => out.push_str(&format!(
                "| {} | {} | {:.2} | {:.2} | {:.0} | {:.0} |\n",
                peer.name,
                said.version,
                said.p50_ms,
                said.p99_ms,
                said.enqueued_per_s,
                said.finished_per_s
            )),
            None => out.push_str(&format!("| {} | not installed | | | | |\n", peer.name)),
        }
    }
    out
}
