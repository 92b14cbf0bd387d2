//! How many commands a second NEXUS accepts, how long each takes, and what that costs: the built
//! program as a process, over HTTP, with the workers, the stream and the expiry of asks going on.

mod args;
mod load;
mod measure;
mod table;

use std::path::Path;
use std::time::Duration;

use clap::Parser as _;
use nexus_bench::{Error, http, say, seed, server};

use crate::args::Args;
use crate::load::{Case, Listener};
use crate::server::Server;
use crate::table::Report;

/// How long a server is left alone before its idle memory is read.
const IDLE: Duration = Duration::from_secs(2);

fn main() -> Result<(), Error> {
    let args = Args::parse();
    // One thread: on a small machine the clients should not crowd out the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&args))
}

async fn run(args: &Args) -> Result<(), Error> {
    let program = server::program(args.server.as_deref())?;
    let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let dir = tempfile::tempdir_in(&place)?;
    let data_dir = dir.path();
    let tenants = args.tenants.iter().copied().max().unwrap_or(1).max(1);

    let database = args.database.as_deref();
    let store = seed::Store::open(data_dir, database).await?;
    let server = Server::start(&program, data_dir, database).await?;
    let cold_start_empty = server.cold_start;
    server.make_tenants(tenants).await?;
    server.stop()?;
    say::progress(&format!("seeding {} old tasks", args.old_tasks()));
    store.old_tasks(args.old_tasks(), tenants).await?;
    let size = store.size().await?;
    let disk_sync_us = measure::disk(data_dir)?;

    let server = Server::start(&program, data_dir, database).await?;
    tokio::time::sleep(IDLE).await;
    let mut report = Report {
        cores: std::thread::available_parallelism()?.get(),
        disk_sync_us,
        old_tasks: args.old_tasks(),
        database_mib: size as f64 / f64::from(1 << 20),
        cold_start_empty_ms: table::millis(cold_start_empty),
        cold_start_ms: table::millis(server.cold_start),
        idle_rss_mib: server.rss(),
        cases: Vec::new(),
        fsyncs: Vec::new(),
    };
    let listener = Listener::open(server.address).await?;
    say::progress(&format!("server process {}", server.pid()));
    cases(args, &server, &store, data_dir, &mut report).await?;
    if !listener.reads() {
        return Err("the stream was not read to the end".into());
    }
    server.stop()?;
    say::line(&table::markdown(&report));
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}

async fn cases(
    args: &Args,
    server: &Server,
    store: &seed::Store,
    data_dir: &Path,
    report: &mut Report,
) -> Result<(), Error> {
    for tenants in &args.tenants {
        for clients in &args.clients {
            let (tenants, clients) = ((*tenants).max(1), (*clients).max(1));
            let case = Case { clients, tenants, red: args.red, time: args.case() };
            say::progress(&format!("{clients} clients, {tenants} tenants"));
            report.cases.push(measure::case(server, store, data_dir, case).await?);
        }
    }
    if args.strace {
        for clients in &args.clients {
            say::progress(&format!("{clients} clients under strace"));
            let time = Duration::from_secs(3);
            let case = Case { clients: (*clients).max(1), tenants: 1, red: args.red, time };
            report.fsyncs.push(measure::fsyncs(server, store, data_dir, case).await?);
        }
    }
    Ok(())
}
