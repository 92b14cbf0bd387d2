//! What the benchmark can be asked to do.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;

/// What the life of a task costs, and what NEXUS costs when there is none.
#[derive(Clone, Debug, Parser)]
#[command(name = "tasks", version)]
pub struct Args {
    /// The server to measure; the `nexus` beside this program unless said otherwise
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Where the data directory is made; must be on the disk that is to be measured
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Measure on this Postgres database, which must be empty; on SQLite without it
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Which cases: one, many, idle
    #[arg(long, value_name = "CASE", value_delimiter = ',',
        default_values = ["one", "many", "idle"])]
    pub only: Vec<String>,
    /// Tasks one after the other
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub one: usize,
    /// Tasks at once
    #[arg(long, value_name = "N", default_value_t = 40_000)]
    pub many: usize,
    /// Tenants of the idle case
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub tenants: usize,
    /// Length of the idle case
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub idle: u64,
    /// A tenth of everything
    #[arg(long)]
    pub quick: bool,
    /// Also run this, and show what it says of itself in its last line (see bench/README.md)
    #[arg(long = "peer", value_name = "NAME=COMMAND")]
    pub peers: Vec<Peer>,
    /// Also write everything that was measured into a file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Another program that does something like it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// What it is called.
    pub name: String,
    /// What the shell is asked to run.
    pub command: String,
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, command) = text.split_once('=').ok_or("NAME=COMMAND")?;
        Ok(Self { name: name.to_owned(), command: command.to_owned() })
    }
}

impl Args {
    /// Whether a case is wanted.
    pub fn runs(&self, case: &str) -> bool {
        self.only.iter().any(|wanted| wanted == case)
    }

    fn part(&self, whole: usize) -> usize {
        if self.quick { whole.div_ceil(10) } else { whole.max(1) }
    }

    /// Tasks one after the other.
    pub fn one(&self) -> usize {
        self.part(self.one)
    }

    /// Tasks at once.
    pub fn many(&self) -> usize {
        self.part(self.many)
    }

    /// Length of the idle case.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(if self.quick { 12 } else { self.idle.max(1) })
    }
}
