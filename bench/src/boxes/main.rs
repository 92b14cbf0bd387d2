//! How fast the boxes of what failed can be looked into: the built program as a process, over HTTP,
//! with a hundred thousand dead letters beside a million tasks that went well.

mod args;
mod failures;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use clap::Parser as _;
use nexus_bench::http::{Connection, request, tenant};
use nexus_bench::server::{self, Server};
use nexus_bench::{Error, say, seed};
use serde::Serialize;
use serde_json::Value;

use crate::args::Args;

/// Most of what is seeded, and nothing that raises an alarm.
const MANY: &str = "PROVIDER_TIMEOUT,AGENT_ERROR,SCHEMA_PARSE_ERROR";

/// What was asked, and how long the answers took.
#[derive(Debug, Serialize)]
struct Row {
    question: &'static str,
    /// What the answer counts or lists.
    found: u64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    /// What half of the answers may take at most.
    bound_ms: f64,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Report {
    failures: u64,
    old_tasks: u64,
    database_mib: f64,
    rows: Vec<Row>,
}

/// A question, by name, and its bound in milliseconds.
struct Question {
    name: &'static str,
    bound: f64,
    request: Vec<u8>,
}

fn main() -> Result<(), Error> {
    let args = Args::parse().meant();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&args))
}

async fn run(args: &Args) -> Result<(), Error> {
    let program = server::program(args.server.as_deref())?;
    let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let dir = tempfile::tempdir_in(&place)?;
    let database = args.database.as_deref();
    let store = seed::Store::open(dir.path(), database).await?;
    let server = Server::start(&program, dir.path(), database).await?;
    server.make_tenants(1).await?;
    server.stop()?;
    say::progress(&format!("seeding {} tasks that went well", args.old_tasks));
    store.old_tasks(args.old_tasks, 1).await?;
    say::progress(&format!("seeding {} dead letters", args.failures));
    failures::write(&store, args.failures, !args.no_vacuum).await?;
    let size = store.size().await?;

    let server = Server::start(&program, dir.path(), database).await?;
    let mut connection = Connection::open(server.address).await?;
    let mut rows = Vec::new();
    for question in questions(&mut connection).await? {
        say::progress(question.name);
        rows.push(ask(&mut connection, &question, args.calls).await?);
    }
    server.stop()?;
    let report = Report {
        failures: args.failures,
        old_tasks: args.old_tasks,
        database_mib: size as f64 / f64::from(1 << 20),
        rows,
    };
    say::line(&markdown(&report));
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}

/// Everything that is asked. Looking may take 50 ms, searching texts 200.
async fn questions(connection: &mut Connection) -> Result<Vec<Question>, Error> {
    let (looking, searching) = (50.0, 200.0);
    let get = |path: &str| {
        let sign = if path.contains('?') { '&' } else { '?' };
        request("GET", &format!("{path}{sign}tenant={}", tenant(0)), None, None)
    };
    let causes = answer(connection, &get("/dlq/causes?limit=1")).await?;
    let cause = causes["items"][0]["cause"].as_str().ok_or("there is no cause")?.to_owned();
    let text = |list: &str, text: &str| get(&format!("/dlq/{list}?text={}", encoded(text)));
    // The previews of operations choose their ids by the same statement.
    let triage = |body: &str| {
        let caller = request("POST", "/dlq/triage", None, Some(body));
        with_tenant(&caller)
    };
    let dry = |path: &str, body: &str| {
        let body = format!(r#"{{"dry_run":true,{body}}}"#);
        with_tenant(&request("POST", path, None, Some(&body)))
    };
    let question = |name, bound, request| Question { name, bound, request };
    Ok(vec![
        question("peek", looking, get("/dlq/peek")),
        question("peek, 200", looking, get("/dlq/peek?limit=200")),
        question("peek, a code", looking, get("/dlq/peek?failure_code=SCHEMA_PARSE_ERROR")),
        question("peek, a rare code", looking, get("/dlq/peek?failure_code=DELIVERY_FAILED")),
        question("peek, a code without any", looking, get("/dlq/peek?failure_code=STORAGE_ERROR")),
        question("peek, a type", looking, get("/dlq/peek?task_type=file.read")),
        question("peek, a type without any", looking, get("/dlq/peek?task_type=kakao.send")),
        question("peek, older than 20 days", looking, get("/dlq/peek?older_than=1728000")),
        question(
            "peek, code, type and age",
            looking,
            get("/dlq/peek?failure_code=AGENT_ERROR&task_type=rag.search&older_than=1728000"),
        ),
        question("peek, a cause", looking, get(&format!("/dlq/peek?cause={cause}"))),
        question("stats", looking, get("/dlq/stats")),
        question("stats, a code", looking, get("/dlq/stats?failure_code=PROVIDER_TIMEOUT")),
        question("causes", looking, get("/dlq/causes")),
        question("text, many", searching, text("peek", "overloaded")),
        question("text, one", searching, text("peek", "req_00000000deadbeef")),
        question("text, none", searching, text("peek", "there is no such text")),
        question("text, Korean, many", searching, text("peek", "문서")),
        question("text, Korean, none", searching, text("peek", "없음")),
        question("stats, text", searching, text("stats", "reset by peer")),
        question("stats, Korean text", searching, text("stats", "형식입니다")),
        question("causes, Korean text", searching, text("causes", "예상하지")),
        question("dry run, 1,000 ids of each decision", searching, triage("{}")),
        question("dry run, 10,000 ids", searching, triage(r#"{"limit":10000}"#)),
        question(
            "dry run, a code and an age",
            searching,
            triage(r#"{"filter":{"failure_code":"AGENT_ERROR","newer_than":864000}}"#),
        ),
        question("dry run of a purge of all", searching, dry("/dlq/purge", r#""all":true"#)),
        question(
            "dry run of a requeue of all of three codes",
            searching,
            dry("/dlq/requeue", &format!(r#""filter":{{"failure_code":"{MANY}"}}"#)),
        ),
        question(
            "dry run of a requeue by policy",
            searching,
            dry("/dlq/requeue", r#""mode":"auto""#),
        ),
        question(
            "dry run of the whole policy",
            searching,
            dry(
                "/dlq/apply",
                r#""max_requeue":100000,"max_hold":100000,"max_alarm":100000,"max_age_seconds":31536000"#,
            ),
        ),
    ])
}

/// A request of the platform admin about the tenant of the benchmark.
fn with_tenant(request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let (org, project) = ("bench", "p0");
    let headers = format!("x-org-id: {org}\r\nx-project-id: {project}\r\nhost:");
    text.replacen("host:", &headers, 1).into_bytes()
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "%{byte:02X}");
        out
    })
}

async fn answer(connection: &mut Connection, request: &[u8]) -> Result<Value, Error> {
    let (status, body) = connection.call(request).await?;
    if status != 200 {
        let body = String::from_utf8_lossy(&body).into_owned();
        return Err(format!("a question was answered with {status}: {body}").into());
    }
    Ok(serde_json::from_slice(&body)?)
}

async fn ask(connection: &mut Connection, question: &Question, calls: usize) -> Result<Row, Error> {
    // Once before, so that what is measured is not the disk.
    let found = answer(connection, &question.request).await?;
    let listed = found["items"].as_array().map(Vec::len);
    let found = found["count"].as_u64().or(listed.map(|listed| listed as u64));
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        let asked = Instant::now();
        connection.call(&question.request).await?;
        times.push(asked.elapsed());
    }
    times.sort();
    let at = |share: usize| millis(times[(times.len() - 1) * share / 100]);
    Ok(Row {
        question: question.name,
        found: found.unwrap_or_default(),
        p50_ms: at(50),
        p99_ms: at(99),
        max_ms: at(100),
        bound_ms: question.bound,
    })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The report in Markdown.
fn markdown(report: &Report) -> String {
    let mut out = format!(
        "{} dead letters beside {} tasks that went well ({:.0} MiB).\n\n\
         | question | found | p50 ms | p99 ms | max ms | bound ms | |\n|---|---:|---:|---:|---:|---:|---|\n",
        report.failures, report.old_tasks, report.database_mib
    );
    for row in &report.rows {
        let kept = if row.p50_ms <= row.bound_ms { "" } else { "over" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| {} | {} | {:.1} | {:.1} | {:.1} | {:.0} | {kept} |",
            row.question, row.found, row.p50_ms, row.p99_ms, row.max_ms, row.bound_ms
        );
    }
    out
}
