//! The command line. One file per group of verbs; [`out`] is the only one that prints, [`text`] has
//! every sentence in both languages, [`exit`] every way to end.

pub mod agent;
pub mod alerts;
pub mod approve;
pub mod audit;
pub mod boxes;
pub mod config;
pub mod context;
pub mod exit;
pub mod help;
mod help_ko;
pub mod key;
pub mod login;
pub mod migrate;
pub mod out;
pub mod params;
pub mod policy;
pub mod render;
pub mod runbook;
pub mod send;
pub mod serve;
pub mod session;
pub mod shell;
pub mod stream;
pub mod table;
pub mod task;
pub mod tenant;
pub mod text;
pub mod types;
pub mod user;
pub mod watch;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use nexus_client::Patience;
use nexus_kit::settings::Lang;
use nexus_kit::settings::load::{Inputs, load_client};

use context::{Ctx, Done, Person};
use exit::Exit;
use out::Out;

/// The control plane for AI agents.
#[derive(Debug, Parser)]
#[command(
    name = "nexus",
    version,
    disable_help_flag = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    pub version: Option<bool>,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options that every command takes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = help::GLOBAL)]
pub struct Global {
    /// The server [NEXUS_URL; http://127.0.0.1:8000]
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// The organisation [NEXUS_ORG; default]
    #[arg(long, global = true, value_name = "ORG")]
    pub org: Option<String>,
    /// The project [NEXUS_PROJECT; default]
    #[arg(long, global = true, value_name = "PROJECT")]
    pub project: Option<String>,
    /// Print JSON lines for machines
    #[arg(long, global = true)]
    pub json: bool,
    /// Language: ko or en [NEXUS_LANG, LC_ALL, LANG]
    #[arg(long, global = true, value_name = "LANG")]
    pub lang: Option<LangArg>,
    /// Read the API key from this file
    #[arg(long, global = true, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Print help
    #[arg(short, long, global = true, action = ArgAction::Help)]
    pub help: Option<bool>,
}

/// A language on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LangArg {
    /// Korean.
    #[value(help = None)]
    Ko,
    /// English.
    #[value(help = None)]
    En,
}

impl From<LangArg> for Lang {
    fn from(lang: LangArg) -> Self {
        match lang {
            LangArg::Ko => Self::Ko,
            LangArg::En => Self::En,
        }
    }
}

/// Every verb.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the server
    Serve(serve::ServeArgs),
    /// Send a command and follow it to its end
    Send(send::SendArgs),
    /// Watch the stream of a tenant
    Watch(watch::WatchArgs),
    /// The stream itself
    #[command(subcommand)]
    Stream(stream::StreamVerb),
    /// Approve what waits for a person
    Approve(approve::ApproveArgs),
    /// Deny what waits for a person
    Deny(approve::DenyArgs),
    /// List what waits for a person
    Asks(approve::AsksArgs),
    /// Look at tasks and steer them
    #[command(subcommand)]
    Task(task::TaskVerb),
    /// Dead letters: what failed for good
    #[command(subcommand)]
    Dlq(boxes::DlqVerb),
    /// What failed and waits for a fix
    #[command(subcommand)]
    Hold(boxes::HoldVerb),
    /// What failed and needs a person now
    #[command(subcommand)]
    Alarm(boxes::AlarmVerb),
    /// Bulk operations on them
    #[command(subcommand)]
    Operations(boxes::operations::OperationsVerb),
    /// What people are told of, and where
    #[command(subcommand)]
    Alerts(alerts::AlertsVerb),
    /// The catalogue of commands
    #[command(subcommand)]
    Types(types::TypesVerb),
    /// What decides how risky a command is
    #[command(subcommand)]
    Policy(policy::PolicyVerb),
    /// Sign in as a person
    Login(login::LoginArgs),
    /// End the sign-in
    Logout,
    /// Say by what this terminal acts, and as whom
    Whoami,
    /// Who belongs to a tenant
    #[command(subcommand)]
    User(user::UserVerb),
    /// Tenants
    #[command(subcommand)]
    Tenant(tenant::TenantVerb),
    /// Keys of programs and agents
    #[command(subcommand)]
    Key(key::KeyVerb),
    /// What a failure code means and what to do about it
    Runbook(runbook::RunbookArgs),
    /// For authors of agents: a starter, a check
    #[command(subcommand)]
    Agent(agent::AgentVerb),
    /// Settings: check, show, document
    #[command(subcommand)]
    Config(config::ConfigVerb),
    /// Bring the store to this version
    Migrate(migrate::MigrateArgs),
    /// The audit chain
    #[command(subcommand)]
    Audit(audit::AuditVerb),
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
    /// Print the version
    Version,
}

/// The whole program.
pub fn main() -> ExitCode {
    let inputs = Inputs { env: std::env::vars_os().collect(), dir: PathBuf::new(), config: None };
    run(std::env::args_os().collect(), inputs).into()
}

fn run(args: Vec<OsString>, inputs: Inputs) -> Exit {
    let lang = language(&args, &inputs);
    let set = |name: &str| inputs.env.iter().any(|(key, value)| key == name && !value.is_empty());
    let no_color = set("NO_COLOR");
    let cli = match help::parse(args, lang) {
        Ok(cli) => cli,
        Err(error) => {
            let out = Out::process(lang, false, no_color);
            return help::show(&out, &error);
        }
    };
    let out = Out::process(lang, cli.global.json, no_color);
    let ctx = Ctx {
        out,
        global: cli.global,
        inputs,
        person: Person::Terminal,
        patience: Patience::default(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            ctx.out.note(&out::Line::plain(error.to_string()));
            return Exit::Failed;
        }
    };
    let exit = runtime.block_on(perform(&ctx, cli.verb));
    // A prompt may still wait for a line that nobody types.
    runtime.shutdown_background();
    exit
}

/// Does what was asked and says what went wrong.
async fn perform(ctx: &Ctx, verb: Verb) -> Exit {
    // A server ends its own way on Ctrl-C: it hands back what is running.
    let done = if let Verb::Serve(args) = verb {
        serve::run(ctx, &args).await
    } else {
        let watching = matches!(verb, Verb::Watch(_));
        tokio::select! {
            done = dispatch(ctx, verb) => done,
            _ = tokio::signal::ctrl_c() => {
                let lang = ctx.out.lang;
                let said = if watching { text::stopped(lang) } else { text::interrupted(lang) };
                ctx.note(said);
                Ok(if watching { Exit::Ok } else { Exit::Interrupted })
            }
        }
    };
    match done {
        Ok(exit) => exit,
        Err(fail) => {
            fail.print(&ctx.out);
            fail.exit()
        }
    }
}

async fn dispatch(ctx: &Ctx, verb: Verb) -> Done {
    match verb {
        Verb::Serve(args) => serve::run(ctx, &args).await,
        Verb::Send(args) => send::run(ctx, &args).await,
        Verb::Watch(args) => watch::run(ctx, &args).await,
        Verb::Stream(verb) => stream::run(ctx, &verb).await,
        Verb::Approve(args) => approve::approve(ctx, &args).await,
        Verb::Deny(args) => approve::deny(ctx, &args).await,
        Verb::Asks(args) => approve::asks(ctx, &args).await,
        Verb::Task(verb) => task::run(ctx, &verb).await,
        Verb::Dlq(verb) => boxes::dlq(ctx, &verb).await,
        Verb::Hold(verb) => boxes::hold(ctx, &verb).await,
        Verb::Alarm(verb) => boxes::alarm(ctx, &verb).await,
        Verb::Operations(verb) => boxes::operations::run(ctx, &verb).await,
        Verb::Alerts(verb) => alerts::run(ctx, &verb).await,
        Verb::Types(verb) => types::run(ctx, &verb).await,
        Verb::Policy(verb) => policy::run(ctx, &verb).await,
        Verb::Login(args) => login::login(ctx, &args).await,
        Verb::Logout => login::logout(ctx).await,
        Verb::Whoami => login::whoami(ctx).await,
        Verb::User(verb) => user::run(ctx, &verb).await,
        Verb::Tenant(verb) => tenant::run(ctx, &verb).await,
        Verb::Key(verb) => key::run(ctx, &verb).await,
        Verb::Runbook(args) => runbook::run(ctx, &args),
        Verb::Agent(verb) => agent::run(ctx, &verb).await,
        Verb::Config(verb) => config::run(ctx, &verb),
        Verb::Migrate(args) => migrate::run(ctx, &args),
        Verb::Audit(verb) => audit::run(ctx, &verb),
        Verb::Completions(args) => shell::completions(ctx, &args),
        Verb::Version => shell::version(ctx),
    }
}

/// The language, before anything is parsed: `--lang`, `NEXUS_LANG` wherever settings stand, and what
/// the locale says.
fn language(args: &[OsString], inputs: &Inputs) -> Lang {
    let words: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let words = words.split(|word| *word == "--").next().unwrap_or_default();
    let asked = words.iter().enumerate().find_map(|(index, word)| match *word {
        "--lang" => words.get(index + 1).copied(),
        word => word.strip_prefix("--lang="),
    });
    if let Some(lang) = asked.and_then(Lang::parse) {
        return lang;
    }
    if let Some(lang) = load_client(inputs).ok().and_then(|loaded| loaded.settings.client.lang) {
        return lang;
    }
    // The first of them that is set decides, also when it names a language that is none of ours.
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| inputs.env.iter().find(|(key, _)| key == name))
        .find(|(_, value)| !value.is_empty())
        .and_then(|(_, value)| value.to_str())
        .and_then(Lang::parse)
        .unwrap_or_default()
}
