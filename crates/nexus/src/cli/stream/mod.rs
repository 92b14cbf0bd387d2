//! `nexus stream …`

mod check;

use clap::Subcommand;

use super::context::{Ctx, Done};

pub use check::CheckArgs;

/// Verbs of the stream.
#[derive(Debug, Subcommand)]
pub enum StreamVerb {
    /// Check whether a stream holds what it promises
    Check(CheckArgs),
}

/// Does one of them.
pub async fn run(ctx: &Ctx, verb: &StreamVerb) -> Done {
    match verb {
        StreamVerb::Check(args) => check::run(ctx, args).await,
    }
}
