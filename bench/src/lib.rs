//! What the benchmarks share: a lean HTTP client, the server's process, and reports to publish.

pub mod http;
pub mod order;
pub mod report;
pub mod say;
pub mod seed;
pub mod server;

/// Whatever stops a benchmark.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
