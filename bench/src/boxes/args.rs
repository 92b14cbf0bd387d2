//! What the benchmark can be asked to do.

use std::path::PathBuf;

use clap::Parser;

/// How fast the boxes of what failed can be looked into, over HTTP.
#[derive(Clone, Debug, Parser)]
#[command(name = "boxes", version)]
pub struct Args {
    /// The server to measure; the `nexus` beside this program unless said otherwise
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Where the data directory is made
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Measure on this Postgres database, which is emptied first; on SQLite without it
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Dead letters
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub failures: u64,
    /// Tasks beside them that went well
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub old_tasks: u64,
    /// On Postgres: the tables are analysed and not vacuumed, as before autovacuum comes by
    #[arg(long)]
    pub no_vacuum: bool,
    /// How often each question is asked
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub calls: usize,
    /// 10,000 dead letters beside 20,000 tasks, each question ten times
    #[arg(long)]
    pub quick: bool,
    /// Also write everything that was measured into a file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Args {
    /// With what `--quick` means.
    pub fn meant(mut self) -> Self {
        if self.quick {
            (self.failures, self.old_tasks, self.calls) = (10_000, 20_000, 10);
        }
        self.calls = self.calls.max(1);
        self
    }
}
