//! `nexus completions`, `nexus version`.

use clap::{Args, CommandFactory as _, ValueEnum};
use serde_json::json;

use super::context::{Ctx, Done};
use super::exit::Exit;
use super::out::{Line, Style};
use super::{Cli, help};

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Shells that are known.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Shell {
    /// bash
    #[value(help = None)]
    Bash,
    /// zsh
    #[value(help = None)]
    Zsh,
    /// fish
    #[value(help = None)]
    Fish,
    /// PowerShell
    #[value(name = "powershell", help = None)]
    PowerShell,
    /// elvish
    #[value(help = None)]
    Elvish,
}

/// Prints the script that a shell reads.
pub fn completions(ctx: &Ctx, args: &CompletionsArgs) -> Done {
    let shell = match args.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::PowerShell => clap_complete::Shell::PowerShell,
        Shell::Elvish => clap_complete::Shell::Elvish,
    };
    let mut command = help::localized(Cli::command(), ctx.lang());
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "nexus", &mut script);
    ctx.out.document(&String::from_utf8_lossy(&script));
    Ok(Exit::Ok)
}

/// Prints the version.
pub fn version(ctx: &Ctx) -> Done {
    let version = env!("CARGO_PKG_VERSION");
    if ctx.out.json {
        ctx.out.json(&json!({"name": "nexus", "version": version}));
    } else {
        ctx.out.line(&Line::plain("nexus").and(Style::Plain, version));
    }
    Ok(Exit::Ok)
}
