//! The cases.

use std::rc::Rc;
use std::time::{Duration, Instant};

use nexus_bench::Error;
use nexus_bench::http::{Connection, request, request_by};
use nexus_bench::server::{ADMIN_KEY, Metrics, Server, process_cpu};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::agent::{self, Done, TYPE};

/// A built-in type that does nothing but look at the tenant's own state.
const BUILT_IN: &str = "youtube.queue.list";

/// Connections that send commands when there are many, and those of the agent's callbacks.
const SENDERS: usize = 32;
const CALLBACKS: usize = 64;

/// The longest that a case may take to come to its end.
const PATIENCE: Duration = Duration::from_secs(300);

/// A tenant with a type of its own and an agent's key for it.
pub struct Stage {
    key: String,
}

/// One at a time.
#[derive(Debug, Serialize)]
pub struct One {
    /// Whether the agent is outside.
    pub outside: bool,
    /// Tasks.
    pub tasks: usize,
    /// Milliseconds from the first byte of the command to its end on disk, for half of them.
    pub p50_ms: f64,
    /// For 99 of 100.
    pub p99_ms: f64,
    /// The same from the command's 202 on.
    pub accepted_p50_ms: f64,
    /// For 99 of 100.
    pub accepted_p99_ms: f64,
    /// What it cost.
    pub cost: Cost,
}

/// Many at once.
#[derive(Debug, Serialize)]
pub struct Many {
    /// Whether the agent is outside.
    pub outside: bool,
    /// Tasks.
    pub tasks: usize,
    /// Commands accepted a second, while agents work.
    pub enqueued_per_s: f64,
    /// Tasks a second, from the first command to the last end.
    pub finished_per_s: f64,
    /// What it cost.
    pub cost: Cost,
}

/// What was spent on each task.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// SQL statements.
    pub statements: f64,
    /// Transactions.
    pub commits: f64,
    /// Times that the writer waited for Postgres.
    pub round_trips: f64,
    /// Microseconds of CPU of the server.
    pub server_us: f64,
    /// Of them the store's writer.
    pub writer_us: f64,
    /// Microseconds of CPU of clients and agent, which share the machine.
    pub client_us: f64,
}

/// Nothing to do.
#[derive(Debug, Serialize)]
pub struct Idle {
    /// Tenants.
    pub tenants: usize,
    /// Seconds.
    pub seconds: f64,
    /// CPU seconds of the server a minute.
    pub cpu_per_minute: f64,
    /// SQL statements a minute.
    pub statements_per_minute: f64,
    /// Transactions a minute.
    pub commits_per_minute: f64,
    /// Resident memory, in MiB.
    pub rss_mib: f64,
}

/// What is counted before and after.
struct Before {
    metrics: Metrics,
    server: f64,
    writer: f64,
    own: f64,
}

impl Before {
    async fn now(server: &Server) -> Result<Self, Error> {
        let cpu = server.cpu();
        Ok(Self {
            metrics: server.metrics().await?,
            server: cpu.all,
            writer: cpu.of("nexus-writer"),
            own: process_cpu("self"),
        })
    }

    async fn cost(&self, server: &Server, tasks: usize) -> Result<Cost, Error> {
        let after = Self::now(server).await?;
        let tasks = tasks.max(1) as f64;
        let grown = |name: &str| (after.metrics.get(name) - self.metrics.get(name)) / tasks;
        Ok(Cost {
            statements: grown("nexus_store_statements_total"),
            commits: grown("nexus_store_commits_total"),
            round_trips: grown("nexus_store_round_trips_total"),
            server_us: (after.server - self.server) * 1e6 / tasks,
            writer_us: (after.writer - self.writer) * 1e6 / tasks,
            client_us: (after.own - self.own) * 1e6 / tasks,
        })
    }
}

impl Stage {
    /// Makes tenant, type and key.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn set(server: &Server) -> Result<Self, Error> {
        server.make_tenants(1).await?;
        let mut connection = Connection::open(server.address).await?;
        let mut ask = async |method: &str, path: &str, body: Value| {
            let body = body.to_string();
            let asking = request_by(ADMIN_KEY, method, path, Some(0), Some(&body));
            let (status, answer) = connection.call(&asking).await?;
            match status {
                200 | 201 => Ok(serde_json::from_slice::<Value>(&answer)?),
                _ => Err(Error::from(format!("{path} was answered with {status} {answer:?}"))),
            }
        };
        let put = format!("/commands/types/{TYPE}?confirm={TYPE}");
        ask("PUT", &put, json!({"params_schema": {"type": "object"}, "risk": "GREEN"})).await?;
        let body = json!({"kind": "agent", "title": "bench", "types": [TYPE]});
        let made = ask("POST", "/keys", body).await?;
        let key = made["key"].as_str().ok_or("no key")?.to_owned();
        Ok(Self { key })
    }

    /// Starts whoever tells of ends: the agent outside, or somebody who reads the stream.
    async fn tell(&self, server: &Server, outside: bool, done: &Rc<Done>) -> Result<(), Error> {
        if outside {
            return agent::start(server.address, &self.key, CALLBACKS, done).await;
        }
        let mut stream = Connection::open(server.address).await?;
        stream.send(&request("GET", "/agent/reports/stream", Some(0), None)).await?;
        let done = done.clone();
        tokio::task::spawn_local(async move {
            // The end of what was read last, in case a mark is cut in two.
            let mut rest = Vec::new();
            // The snapshot tells of earlier tasks: what counts are reports.
            while let Ok(read) = stream.more().await {
                rest.extend_from_slice(&read);
                let mut ends = 0;
                let mut kept = 0;
                for line in rest.split_inclusive(|byte| *byte == b'\n') {
                    if line.last() != Some(&b'\n') {
                        break;
                    }
                    kept += line.len();
                    let head = &line[..line.len().min(120)];
                    let has = |text: &[u8], what: &[u8]| memchr::memmem::find(text, what).is_some();
                    ends += usize::from(has(head, b"\"report_id\":") && has(line, ENDED));
                }
                rest.drain(..kept);
                if ends > 0 {
                    done.add(ends);
                }
            }
        });
        // The snapshot first.
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(())
    }

    /// Tasks one after the other.
    ///
    /// # Errors
    /// Something was refused, or did not come to its end.
    pub async fn one(&self, server: &Server, outside: bool, tasks: usize) -> Result<One, Error> {
        let done = Rc::new(Done::default());
        let work = async {
            self.tell(server, outside, &done).await?;
            let mut connection = Connection::open(server.address).await?;
            let sending = command(outside);
            let (mut whole, mut accepted) = (Vec::new(), Vec::new());
            let before = Before::now(server).await?;
            for task in 1..=tasks {
                let began = Instant::now();
                let (status, answer) = connection.call(&sending).await?;
                let at = Instant::now();
                if status != 202 {
                    return Err(format!("a command was answered with {status} {answer:?}").into());
                }
                done.reach(task).await;
                whole.push(began.elapsed());
                accepted.push(at.elapsed());
            }
            let cost = before.cost(server, tasks).await?;
            let (p50_ms, p99_ms) = percentiles(whole);
            let (accepted_p50_ms, accepted_p99_ms) = percentiles(accepted);
            Ok(One { outside, tasks, p50_ms, p99_ms, accepted_p50_ms, accepted_p99_ms, cost })
        };
        in_time(LocalSet::new().run_until(work)).await
    }

    /// Tasks as fast as they are taken.
    ///
    /// # Errors
    /// Something was refused, or did not come to its end.
    pub async fn many(&self, server: &Server, outside: bool, tasks: usize) -> Result<Many, Error> {
        let done = Rc::new(Done::default());
        let work = async {
            self.tell(server, outside, &done).await?;
            let before = Before::now(server).await?;
            let began = Instant::now();
            let each = tasks.div_ceil(SENDERS);
            let tasks = each * SENDERS;
            let sending = (0..SENDERS).map(|_| {
                let address = server.address;
                tokio::task::spawn_local(async move {
                    let mut connection = Connection::open(address).await?;
                    let sending = command(outside);
                    for _ in 0..each {
                        let (status, answer) = connection.call(&sending).await?;
                        if status != 202 {
                            let why = format!("a command was answered with {status} {answer:?}");
                            return Err(Error::from(why));
                        }
                    }
                    Ok(())
                })
            });
            for sent in futures_util::future::join_all(sending).await {
                sent??;
            }
            let enqueued = began.elapsed();
            done.reach(tasks).await;
            let finished = began.elapsed();
            Ok(Many {
                outside,
                tasks,
                enqueued_per_s: tasks as f64 / enqueued.as_secs_f64(),
                finished_per_s: tasks as f64 / finished.as_secs_f64(),
                cost: before.cost(server, tasks).await?,
            })
        };
        in_time(LocalSet::new().run_until(work)).await
    }
}

/// What a report of an end has.
const ENDED: &[u8] = b"\"status\":\"succeeded\"";

fn command(outside: bool) -> Vec<u8> {
    let name = if outside { TYPE } else { BUILT_IN };
    let body = json!({"command_type": name, "params": {}}).to_string();
    request("POST", "/sidecar/command", Some(0), Some(&body))
}

async fn in_time<T>(case: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let ended = tokio::time::timeout(PATIENCE, case).await;
    ended.map_err(|_| "the case did not come to its end")?
}

/// Milliseconds that half, and 99 of 100, do not exceed.
fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |share: f64| {
        let last = times.len().saturating_sub(1);
        let index = (last as f64 * share).round() as usize;
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    (at(0.5), at(0.99))
}

/// Nothing to do, with so many tenants, each of which has had a task once.
///
/// # Errors
/// The server refuses.
pub async fn idle(server: &Server, tenants: usize, time: Duration) -> Result<Idle, Error> {
    let mut connection = Connection::open(server.address).await?;
    for number in 0..tenants {
        let body = json!({"org_id": "bench", "project_id": format!("p{number}")}).to_string();
        // The first may be there already.
        connection.call(&request("POST", "/tenants", None, Some(&body))).await?;
        let body = json!({"command_type": BUILT_IN, "params": {}}).to_string();
        let sending = request("POST", "/sidecar/command", Some(number), Some(&body));
        let (status, answer) = connection.call(&sending).await?;
        if status != 202 {
            return Err(format!("a command was answered with {status} {answer:?}").into());
        }
    }
    // What follows from that, and what is done once after a change.
    tokio::time::sleep(Duration::from_secs(75)).await;
    let before = Before::now(server).await?;
    let began = Instant::now();
    tokio::time::sleep(time).await;
    let after = Before::now(server).await?;
    let seconds = began.elapsed().as_secs_f64();
    let grown = |name: &str| after.metrics.get(name) - before.metrics.get(name);
    Ok(Idle {
        tenants,
        seconds,
        cpu_per_minute: (after.server - before.server) * 60.0 / seconds,
        statements_per_minute: grown("nexus_store_statements_total") * 60.0 / seconds,
        commits_per_minute: grown("nexus_store_commits_total") * 60.0 / seconds,
        rss_mib: server.rss(),
    })
}
