//! `nexus agent …`: for authors of agents.

mod check;
mod new;
mod text;

use clap::Subcommand;

use super::context::{Ctx, Done};

/// Verbs for authors of agents.
#[derive(Debug, Subcommand)]
pub enum AgentVerb {
    /// Write a starter
    New(new::NewArgs),
    /// Play the supervisor to an agent and say what it gets wrong
    Check(check::CheckArgs),
}

/// Does one of them.
pub async fn run(ctx: &Ctx, verb: &AgentVerb) -> Done {
    match verb {
        AgentVerb::New(args) => new::run(ctx, args),
        AgentVerb::Check(args) => check::run(ctx, args).await,
    }
}
