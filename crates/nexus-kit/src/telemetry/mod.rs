//! What an operator sees: metrics and logs.

pub mod metrics;
mod process;
