//! What the benchmark can be asked to do.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde::Serialize;

/// What the stream costs and how fast it is, beside servers that do something like it.
#[derive(Clone, Debug, Parser)]
#[command(name = "stream", version)]
pub struct Args {
    /// The server for the cases that need no tap; the `nexus` beside this program unless said
    /// otherwise
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Where data directories are made
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// What is measured beside NEXUS
    #[arg(long, value_delimiter = ',', value_enum,
        default_values_t = [Peer::Axum, Peer::Nchan, Peer::DurableStreams])]
    pub peers: Vec<Peer>,
    /// Only NEXUS
    #[arg(long, conflicts_with = "peers")]
    pub no_peers: bool,
    /// nginx, with nchan as Debian packs it; from PATH unless said otherwise
    #[arg(long, value_name = "PATH")]
    pub nginx: Option<PathBuf>,
    /// durable-streams-server; from PATH unless said otherwise
    #[arg(long, value_name = "PATH")]
    pub durable_streams: Option<PathBuf>,
    /// Only these cases
    #[arg(long, value_delimiter = ',', value_enum)]
    pub only: Vec<Case>,
    /// Length of a case that has one; at most 50, because durable-streams ends streams after a minute
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=50))]
    pub seconds: u64,
    /// Subscribers
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub subscribers: u64,
    /// Reports a second of a tenant, in the cases that are paced
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub rate: u64,
    /// Idle connections
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=20_000))]
    pub idle: u64,
    /// Reports of a batch, in the cases that go as fast as they can
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub batch: u64,
    /// Reports that the publisher may be ahead of the slowest who reads
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=1_900))]
    pub window: u64,
    /// Three seconds a case
    #[arg(long)]
    pub quick: bool,
    /// Also write everything that was measured into a file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// What is measured beside NEXUS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Peer {
    /// axum's `Sse`, and axum with shared bytes and 2 ms batches
    Axum,
    /// nginx with nchan
    Nchan,
    /// The durable-streams server
    DurableStreams,
}

/// One question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// One tenant, its reports at a rate
    Paced,
    /// One tenant, as fast as it goes
    Burst,
    /// Ten tenants, each at the rate
    TenantsPaced,
    /// Ten tenants, as fast as it goes
    TenantsBurst,
    /// Connections to which nothing is sent
    Idle,
    /// All come back at once after 1,000 missed reports
    Resume,
    /// One comes back after 2,000 missed reports
    Replay,
    /// One that never reads among the others
    Stuck,
    /// From the transaction to the receipt
    Durable,
}

impl Args {
    /// How long a case is that has a length.
    pub fn time(&self) -> Duration {
        Duration::from_secs(if self.quick { 3 } else { self.seconds })
    }

    /// How often a short measurement is repeated.
    pub fn times(&self) -> usize {
        if self.quick { 3 } else { 9 }
    }

    /// The cases, in their order.
    pub fn cases(&self) -> Vec<Case> {
        let all = Case::value_variants().iter().copied();
        all.filter(|case| self.only.is_empty() || self.only.contains(case)).collect()
    }

    /// Whether a peer is wanted.
    pub fn wants(&self, peer: Peer) -> bool {
        !self.no_peers && self.peers.contains(&peer)
    }
}
