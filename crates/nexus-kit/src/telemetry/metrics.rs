//! Metrics: one typed registry for each `App`, no globals. Every name starts with `nexus_`.
//!
//! Labels are closed sets or short lists that the code controls (route patterns, codes), never
//! something that a caller chose: a label's values are memory that is not given back.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::process::Process;

/// The content type of what [`Metrics::render`] writes.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
    )*};
}

labels! {
    /// Labels of requests.
    Http {
        /// The method, or `OTHER`.
        method: &'static str,
        /// The route's pattern, or `(none)`.
        route: Arc<str>,
        /// The answer's status.
        status: u16,
    }
    /// Labels of request durations.
    Route {
        /// The route's pattern, or `(none)`.
        route: Arc<str>,
    }
    /// Labels of created tasks.
    Risk {
        /// `green`, `yellow` or `red`.
        risk: &'static str,
    }
    /// Labels of what counts by status.
    Status {
        /// The status that was reached.
        status: &'static str,
    }
    /// Labels of callbacks.
    Callback {
        /// What the agent said: `running`, `progress`, `succeeded` or `failed`.
        status: &'static str,
        /// What came of it: `applied`, `replayed`, `stale` or a refusal's code.
        outcome: &'static str,
    }
    /// Labels of what counts by outcome.
    Outcome {
        /// How it ended.
        outcome: &'static str,
    }
    /// Labels of what counts by reason.
    Reason {
        /// Why.
        reason: &'static str,
    }
    /// Labels of what counts by code.
    Code {
        /// A failure or problem code.
        code: &'static str,
    }
    /// Labels of panics.
    Task {
        /// The supervised task or the request that panicked.
        task: &'static str,
    }
}

/// The registry's handles; cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Meters>);

impl std::ops::Deref for Metrics {
    type Target = Meters;

    fn deref(&self) -> &Meters {
        &self.0
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Everything that is counted.
pub struct Meters {
    registry: Registry,
    /// Tasks created, by risk.
    pub task_create: Family<Risk, Counter>,
    /// Transitions of tasks, by the status reached.
    pub task_status: Family<Status, Counter>,
    /// Callbacks, by what they said and what came of them.
    pub callback: Family<Callback, Counter>,
    /// Retries scheduled.
    pub retries: Counter,
    /// Failures of agents, by failure code.
    pub agent_fail: Family<Code, Counter>,
    /// Tasks in the dead-letter box.
    pub dlq_size: Gauge,
    /// Tasks held.
    pub hold_size: Gauge,
    /// Tasks that wait in the alarm box.
    pub alarm_size: Gauge,
    /// Tasks that can be claimed.
    pub queue_depth: Gauge,
    /// Age of the oldest task that is due and not claimed.
    pub queue_age: Gauge<f64, AtomicU64>,
    /// Alerts and their messages, by what came of them.
    pub alerts: Family<Outcome, Counter>,
    /// Asks closed, by outcome.
    pub approvals: Family<Outcome, Counter>,
    /// From ask to decision or expiry.
    pub approval_wait: Histogram,
    /// Open streams.
    pub sse_connections: Gauge,
    /// Attempts to open a stream, by outcome.
    pub sse_opens: Family<Outcome, Counter>,
    /// Streams ended, by reason.
    pub sse_closes: Family<Reason, Counter>,
    /// Reports delivered to streams.
    pub sse_reports: Counter,
    /// Reports that streams resumed behind of, and that were sent to them again.
    pub sse_replayed: Counter,
    /// From the commit's news to the write to the last stream that could take it.
    pub sse_lag: Histogram,
    /// Cursors that had to turn to the store, because the ring had lost what follows them.
    pub sse_ring_misses: Counter,
    /// Times that the hub was behind the store without having been told.
    pub sse_repairs: Counter,
    /// Reads of base and log, to fill a ring or to fold a view.
    pub sse_loads: Counter,
    /// Time to make a snapshot, waiting for another's not included.
    pub sse_snapshot: Histogram,
    /// Requests.
    pub http_requests: Family<Http, Counter>,
    /// Time to the head of the answer, by route.
    pub http_duration: Family<Route, Histogram, fn() -> Histogram>,
    /// Connections open.
    pub http_connections: Gauge,
    /// Commits.
    pub store_commits: Counter,
    /// Writes that were committed.
    pub store_writes: Counter,
    /// Statements run.
    pub store_statements: Counter,
    /// Writes that shared a commit.
    pub store_batch_size: Histogram,
    /// Times that a writer waited for the database's answer; none on SQLite.
    pub store_round_trips: Counter,
    /// Writes that wait.
    pub store_queue: Gauge,
    /// From a write's arrival to its turn.
    pub store_wait: Histogram,
    /// Time of commits, the flush to disk in it.
    pub store_commit: Histogram,
    /// Queries that wait.
    pub store_reads_waiting: Gauge,
    /// Time of WAL checkpoints.
    pub store_checkpoint: Histogram,
    /// Panics caught, by what panicked.
    pub panics: Family<Task, Counter>,
    /// Refusals, by problem code.
    pub refusals: Family<Code, Counter>,
}

/// From 0.5 ms to about 16 s.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}

/// From 0.06 ms to about 1 s.
fn short_durations() -> Histogram {
    Histogram::new(exponential_buckets(0.000_062_5, 2.0, 15))
}

/// Registers a metric and hands it back.
struct Book(Registry);

impl Book {
    fn add<M: prometheus_client::registry::Metric + Clone>(
        &mut self,
        metric: M,
        name: &str,
        help: &str,
    ) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn seconds<M: prometheus_client::registry::Metric + Clone>(
        &mut self,
        metric: M,
        name: &str,
        help: &str,
    ) -> M {
        self.0.register_with_unit(name, help, Unit::Seconds, metric.clone());
        metric
    }
}

impl Metrics {
    /// A fresh registry with everything at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("nexus");
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Which build runs", build);
        registry.register_collector(Box::new(Process));
        let mut book = Book(registry);
        // The library adds `_total` to counters and the unit to the name.
        let mut meters = Meters {
            task_create: book.add(Family::default(), "task_create", "Tasks created"),
            task_status: book.add(Family::default(), "task_status", "Status reached by tasks"),
            callback: book.add(Family::default(), "callback", "Callbacks of agents"),
            retries: book.add(Counter::default(), "retries", "Retries scheduled"),
            agent_fail: book.add(Family::default(), "agent_fail", "Failures of agents"),
            dlq_size: book.add(Gauge::default(), "dlq_size", "Dead letters"),
            hold_size: book.add(Gauge::default(), "hold_size", "Tasks held"),
            alarm_size: book.add(Gauge::default(), "alarm_size", "Tasks in the alarm box"),
            queue_depth: book.add(Gauge::default(), "queue_depth", "Tasks that can be claimed"),
            queue_age: book.seconds(Gauge::default(), "queue_age", "Age of the oldest due task"),
            alerts: book.add(Family::default(), "alerts", "Alerts and their messages"),
            approvals: book.add(Family::default(), "approvals", "Asks closed"),
            approval_wait: book.seconds(
                Histogram::new([1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 180.0, 240.0, 300.0, 600.0]),
                "approval_wait",
                "From ask to decision or expiry",
            ),
            sse_connections: book.add(Gauge::default(), "sse_connections", "Open streams"),
            sse_opens: book.add(Family::default(), "sse_opens", "Attempts to open a stream"),
            sse_closes: book.add(Family::default(), "sse_closes", "Streams ended"),
            sse_reports: book.add(Counter::default(), "sse_reports", "Reports sent to streams"),
            sse_replayed: book.add(Counter::default(), "sse_replayed", "Reports sent again"),
            sse_lag: book.seconds(
                Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
                "sse_lag",
                "From a commit to the write to its streams",
            ),
            sse_ring_misses: book.add(
                Counter::default(),
                "sse_ring_misses",
                "Cursors whose next reports had left the ring",
            ),
            sse_repairs: book.add(
                Counter::default(),
                "sse_repairs",
                "Times that the hub was behind the store",
            ),
            sse_loads: book.add(Counter::default(), "sse_loads", "Reads of base and log"),
            sse_snapshot: book.seconds(durations(), "sse_snapshot", "Time to make a snapshot"),
            http_requests: book.add(Family::default(), "http_requests", "Requests"),
            http_duration: book.seconds(
                Family::new_with_constructor(durations as fn() -> Histogram),
                "http_request_duration",
                "Time to the head of the answer",
            ),
            http_connections: book.add(Gauge::default(), "http_connections", "Open connections"),
            store_commits: book.add(Counter::default(), "store_commits", "Commits"),
            store_writes: book.add(Counter::default(), "store_writes", "Writes committed"),
            store_statements: book.add(Counter::default(), "store_statements", "Statements run"),
            store_batch_size: book.add(
                Histogram::new(exponential_buckets(1.0, 2.0, 10)),
                "store_batch_size",
                "Writes that shared a commit",
            ),
            store_round_trips: book.add(
                Counter::default(),
                "store_round_trips",
                "Times that a writer waited for the database",
            ),
            store_queue: book.add(Gauge::default(), "store_queue", "Writes that wait"),
            store_wait: book.seconds(
                short_durations(),
                "store_wait",
                "From a write's arrival to its turn",
            ),
            store_commit: book.seconds(short_durations(), "store_commit", "Commits"),
            store_reads_waiting: book.add(
                Gauge::default(),
                "store_reads_waiting",
                "Queries that wait",
            ),
            store_checkpoint: book.seconds(durations(), "store_checkpoint", "WAL checkpoints"),
            panics: book.add(Family::default(), "panics", "Panics caught"),
            refusals: book.add(Family::default(), "refusals", "Refusals by problem code"),
            registry: Registry::default(),
        };
        meters.registry = book.0;
        Self(Arc::new(meters))
    }

    /// Everything in OpenMetrics text.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(16 << 10);
        // Writing to a String cannot fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }

    /// Counts a task that was made.
    pub fn task_created(&self, risk: &'static str) {
        self.task_create.get_or_create(&Risk { risk }).inc();
    }

    /// Counts a status that a task reached.
    pub fn task_reached(&self, status: &'static str) {
        self.task_status.get_or_create(&Status { status }).inc();
    }

    /// Counts a callback by what it said and what came of it.
    pub fn called_back(&self, status: &'static str, outcome: &'static str) {
        self.callback.get_or_create(&Callback { status, outcome }).inc();
    }

    /// Counts an ask that closed, and how long it waited.
    pub fn ask_closed(&self, outcome: &'static str, waited: Duration) {
        self.approvals.get_or_create(&Outcome { outcome }).inc();
        self.approval_wait.observe(waited.as_secs_f64());
    }

    /// Counts a failure of an agent.
    pub fn agent_failed(&self, code: &'static str) {
        self.agent_fail.get_or_create(&Code { code }).inc();
    }

    /// Counts a batch of writes that was committed, or tried.
    pub fn store_batch(&self, writes: usize, statements: u64, round_trips: u64) {
        self.store_commits.inc();
        self.store_writes.inc_by(writes as u64);
        self.store_statements.inc_by(statements);
        self.store_round_trips.inc_by(round_trips);
        self.store_batch_size.observe(writes as f64);
    }

    /// Counts a write whose turn has come, and how long it waited.
    pub fn store_taken(&self, waited: Duration) {
        self.store_queue.dec();
        self.store_wait.observe(waited.as_secs_f64());
    }

    /// Counts a panic.
    pub fn panicked(&self, task: &'static str) {
        self.panics.get_or_create(&Task { task }).inc();
    }

    /// Counts a refusal.
    pub fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&Code { code }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_can_be_read() {
        let metrics = Metrics::new();
        metrics.task_create.get_or_create(&Risk { risk: "red" }).inc();
        metrics.dlq_size.set(3);
        metrics.queue_age.set(1.5);
        metrics.refused("bad_host");
        metrics.panicked("dispatcher");
        metrics.store_batch_size.observe(7.0);
        let request = Http { method: "GET", route: "/tasks/{id}".into(), status: 200 };
        metrics.http_requests.get_or_create(&request).inc();
        let route = Route { route: "/tasks/{id}".into() };
        metrics.http_duration.get_or_create(&route).observe(0.004);
        let text = metrics.render();
        for line in [
            "nexus_task_create_total{risk=\"red\"} 1",
            "nexus_dlq_size 3",
            "nexus_queue_age_seconds 1.5",
            "nexus_refusals_total{code=\"bad_host\"} 1",
            "nexus_panics_total{task=\"dispatcher\"} 1",
            "nexus_store_batch_size_bucket{le=\"8.0\"} 1",
            "nexus_http_requests_total{method=\"GET\",route=\"/tasks/{id}\",status=\"200\"} 1",
            "nexus_http_request_duration_seconds_count{route=\"/tasks/{id}\"} 1",
            concat!("nexus_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "nexus_retries_total 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(text.contains("nexus_process_resident_memory_bytes "), "{text}");
        assert!(text.contains("nexus_process_cpu_seconds_total "), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn two_registries_share_nothing() {
        let (one, two) = (Metrics::new(), Metrics::new());
        one.retries.inc();
        assert_eq!((one.retries.get(), two.retries.get()), (1, 0));
    }
}
