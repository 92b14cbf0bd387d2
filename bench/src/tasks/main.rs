//! What the life of a task costs, from the command that asks for it to the end that is on disk: one at
//! a time and many at once, with an agent outside that has nothing but HTTP and with one in the server;
//! and what NEXUS costs when nothing is to be done, with many tenants.

mod agent;
mod args;
mod cases;
mod peers;
mod table;

use clap::Parser as _;
use nexus_bench::server::{self, Server};
use nexus_bench::{Error, say};

use crate::args::Args;
use crate::table::Report;

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
    let server = Server::start(&program, dir.path(), args.database.as_deref()).await?;
    let mut report = Report::default();
    if args.runs("one") || args.runs("many") {
        let stage = cases::Stage::set(&server).await?;
        for outside in [true, false] {
            if args.runs("one") {
                say::progress(&format!("one at a time, agent {}", table::place(outside)));
                report.ones.push(stage.one(&server, outside, args.one()).await?);
            }
            if args.runs("many") {
                say::progress(&format!("many at once, agent {}", table::place(outside)));
                report.manys.push(stage.many(&server, outside, args.many()).await?);
            }
        }
    }
    if args.runs("idle") {
        say::progress(&format!("idle with {} tenants", args.tenants));
        report.idle = Some(cases::idle(&server, args.tenants, args.idle()).await?);
    }
    server.stop()?;
    for peer in &args.peers {
        say::progress(&peer.name);
        report.peers.push(peers::run(peer));
    }
    say::line(&table::markdown(&report));
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}
