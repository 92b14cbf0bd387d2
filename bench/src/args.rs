//! What the benchmark can be asked to do.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// How fast NEXUS accepts commands, over HTTP and with everything on.
#[derive(Clone, Debug, Parser)]
#[command(name = "accept", version)]
pub struct Args {
    /// The server to measure; the `nexus` beside this program unless said otherwise
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Where the data directory is made; must be on the disk that is to be measured
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Measure on this Postgres database, which is emptied first; on SQLite without it
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Length of each case
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub seconds: u64,
    /// Finished tasks that are there before the start
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub old_tasks: u64,
    /// Numbers of keep-alive clients, one case each
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 16, 64])]
    pub clients: Vec<usize>,
    /// Numbers of tenants, one set of cases each
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 10])]
    pub tenants: Vec<usize>,
    /// Of a hundred commands, how many are RED and wait for a person who never comes
    #[arg(long, value_name = "PERCENT", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(0..=100))]
    pub red: u64,
    /// Five seconds a case and 20,000 old tasks
    #[arg(long)]
    pub quick: bool,
    /// Counts fsyncs with strace in a short phase of its own (needs ptrace)
    #[arg(long)]
    pub strace: bool,
    /// Also write everything that was measured into a file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Args {
    /// How long a case is.
    pub fn case(&self) -> Duration {
        Duration::from_secs(if self.quick { 5 } else { self.seconds.max(1) })
    }

    /// How many finished tasks there are before.
    pub fn old_tasks(&self) -> u64 {
        if self.quick { 20_000 } else { self.old_tasks }
    }
}
