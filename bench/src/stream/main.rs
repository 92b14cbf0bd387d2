//! What the stream costs and how fast it is: NEXUS as a process, with our own clients, and beside it
//! servers that do something like it, in the same run.

mod args;
mod cases;
mod durable;
mod fan;
mod pin;
mod pool;
mod process;
mod publisher;
mod reader;
mod subject;
mod table;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use clap::{Parser as _, ValueEnum as _};
use nexus_bench::{Error, say};

use crate::args::{Args, Peer};
use crate::cases::Bench;
use crate::pin::Cores;
use crate::subject::Kind;
use crate::table::Report;

fn main() -> Result<(), Error> {
    let args = Args::parse();
    let cores = std::thread::available_parallelism()?.get();
    pin::raise_files()?;
    let bench = Bench { args: &args, cores: Cores::take()? };
    let (servers, missing) = installed(&args)?;
    let mut report = Report {
        cores,
        apart: bench.cores.are_apart(),
        load_before: load(),
        load_after: String::new(),
        servers,
        missing,
        failures: Vec::new(),
        rows: Vec::new(),
    };
    for case in args.cases() {
        let rows = bench.run(case, &mut report.failures);
        report.rows.extend(rows);
    }
    report.load_after = load();
    say::line(&table::markdown(&report));
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
    }
    if report.failures.is_empty() { Ok(()) } else { Err("not every case could be measured".into()) }
}

/// The load of the machine: of one, five and fifteen minutes.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The servers that are there with their versions, and what is wanted and missing.
fn installed(args: &Args) -> Result<(BTreeMap<String, String>, Vec<String>), Error> {
    let (mut servers, mut missing) = (BTreeMap::new(), Vec::new());
    for kind in Kind::value_variants() {
        let wanted = match kind {
            Kind::Nexus | Kind::NexusServe => true,
            Kind::Axum | Kind::AxumBatched => args.wants(Peer::Axum),
            Kind::Nchan => args.wants(Peer::Nchan),
            Kind::DurableStreams | Kind::DurableStreamsWal => args.wants(Peer::DurableStreams),
        };
        match kind.program(args) {
            Some(program) if wanted => {
                servers.insert(kind.name().to_owned(), version(*kind, &program));
            }
            None if matches!(kind, Kind::Nexus | Kind::NexusServe) => {
                return Err(format!("{} is not built beside this program", kind.name()).into());
            }
            None if wanted => missing.push(kind.name().to_owned()),
            Some(_) | None => {}
        }
    }
    Ok((servers, missing))
}

/// What a program says its version is, or what put it where it is.
fn version(kind: Kind, program: &Path) -> String {
    let said = |program: &Path, arguments: &[&str]| {
        let said = Command::new(program).args(arguments).output();
        let said = said.map(|out| [out.stdout, out.stderr].concat()).unwrap_or_default();
        String::from_utf8_lossy(&said).trim().to_owned()
    };
    match kind {
        Kind::NexusServe => said(program, &["--version"]),
        Kind::Nchan => {
            let package = ["-W", "-f", "${Package} ${Version}", "libnginx-mod-nchan"];
            let package = said(Path::new("dpkg-query"), &package);
            format!("{}, {package}", said(program, &["-v"]))
        }
        Kind::DurableStreams | Kind::DurableStreamsWal => {
            // Where `cargo install` notes what it has put beside this list.
            let notes = program.ancestors().nth(2).map(|root| root.join(".crates.toml"));
            let notes = notes.and_then(|file| std::fs::read_to_string(file).ok());
            let notes = notes.unwrap_or_default();
            let noted = notes.lines().find(|line| line.contains("durable-streams-server"));
            let noted = noted.and_then(|line| line.split('"').nth(1)).unwrap_or("unknown");
            noted.split(" (").next().unwrap_or(noted).to_owned()
        }
        Kind::Nexus => "the library of this build, mimalloc".to_owned(),
        Kind::Axum | Kind::AxumBatched => "as in Cargo.lock, mimalloc".to_owned(),
    }
}
