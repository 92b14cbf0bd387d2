//! `nexus agent check`: plays the supervisor to an agent and tells its author what it gets wrong.

mod door;
mod findings;
mod scenes;
mod stage;

use std::ffi::OsString;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use nexus_core::json::{canonical, parse};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

pub use findings::Check;
use findings::Verdict;
use scenes::Script;
use stage::Stage;

use super::text;
use crate::cli::context::{Ctx, Done, Fail};
use crate::cli::exit::Exit;
use crate::cli::out::{Line, Style};

/// `agent check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The command type that the agent performs
    #[arg(long = "type", value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    pub command_type: String,
    /// Params of the tasks that it is given: JSON, @file or -; it performs them
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub params: String,
    /// Params of a task that takes longer than a lease [those of --params]
    #[arg(long, value_name = "JSON")]
    pub long_params: Option<String>,
    /// How long a claim holds without a heartbeat
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub lease: u64,
    /// How long to wait for anything that must come
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// Do not demand signatures
    #[arg(long)]
    pub unsigned: bool,
    /// What starts the agent; without it, start it yourself with what is printed
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Plays every scene and prints what was seen.
pub async fn run(ctx: &Ctx, args: &CheckArgs) -> Done {
    let params = params(ctx, &args.params)?;
    let long_params = match &args.long_params {
        Some(long) => self::params(ctx, long)?,
        None => params.clone(),
    };
    let other = |why: &dyn std::fmt::Display| Fail::Other(why.to_string());
    let (host, port) = place(ctx)?;
    let listener = TcpListener::bind((host.as_str(), port)).await.map_err(|why| {
        Fail::Usage(text::cannot_listen(ctx.lang(), &format!("{host}:{port}"), &why.to_string()))
    })?;
    let address = listener.local_addr().map_err(|why| other(&why))?;
    let url = format!("http://{host}:{}", address.port());
    let lease = Duration::from_secs(args.lease);
    let stage = Stage::new(url.clone(), args.command_type.clone(), lease, !args.unsigned)
        .map_err(|why| other(&why))?;
    let stage = Arc::new(stage);
    let environment = [
        ("NEXUS_URL", url.as_str()),
        ("NEXUS_AGENT_KEY", stage.key.as_str()),
        ("CALLBACK_SIGNATURE_SECRET", stage.secret.expose()),
    ];
    let mut agent = start(ctx, &args.command, &environment)?;
    let script = Script {
        params,
        long_params,
        patience: Duration::from_secs(args.timeout),
        process: agent.as_ref().and_then(Child::id).and_then(|id| i32::try_from(id).ok()),
    };
    let begins = |check: Check| {
        let title = text::check_title(ctx.lang(), check);
        ctx.note(text::looking(ctx.lang(), title));
    };
    tokio::select! {
        served = door::serve(stage.clone(), listener, address) => {
            let Err(why) = served;
            return Err(Fail::Other(why.to_string()));
        }
        () = watch(&stage, agent.as_mut()) => {}
        () = scenes::play(&stage, &script, &begins) => {}
    }
    Ok(show(ctx, &stage))
}

/// Where to listen: at `--url`, for an agent that runs elsewhere; else on a free port that this machine
/// alone reaches. `NEXUS_URL` is the real server's and does not count.
fn place(ctx: &Ctx) -> Result<(String, u16), Fail> {
    let Some(given) = &ctx.global.url else { return Ok(("127.0.0.1".to_owned(), 0)) };
    let url = url::Url::parse(given).ok().filter(|url| url.scheme() == "http" && url.path() == "/");
    let at = url
        .as_ref()
        .and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?)));
    at.ok_or_else(|| Fail::Usage(text::no_place(ctx.lang(), given)))
}

/// Params as a server hands them out: the bytes that RFC 8785 makes of them.
fn params(ctx: &Ctx, text: &str) -> Result<Value, Fail> {
    let params = ctx.json_argument(text)?;
    if !params.is_object() {
        return Err(Fail::Usage(crate::cli::text::params_not_object(ctx.lang())));
    }
    parse(canonical(&params).as_bytes()).map_err(|why| Fail::Usage(why.to_string()))
}

/// Starts the agent, or says how to; what it prints goes beside the answer.
fn start(
    ctx: &Ctx,
    command: &[OsString],
    environment: &[(&str, &str)],
) -> Result<Option<Child>, Fail> {
    let Some((program, arguments)) = command.split_first() else {
        for (name, value) in environment {
            if ctx.out.json {
                ctx.out.json(&json!({"event": "environment", "name": name, "value": value}));
            } else {
                ctx.out.line(&Line::plain(format!("export {name}={value}")));
            }
        }
        ctx.note(text::start_it(ctx.lang()));
        return Ok(None);
    };
    let child = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .kill_on_drop(true)
        .spawn();
    let shown = program.to_string_lossy();
    child
        .map(Some)
        .map_err(|why| Fail::Usage(text::cannot_start(ctx.lang(), &shown, &why.to_string())))
}

/// Notes the end of the agent's process; never returns.
async fn watch(stage: &Stage, agent: Option<&mut Child>) {
    if let Some(agent) = agent {
        let how = match agent.wait().await {
            Ok(status) => status.to_string(),
            Err(why) => why.to_string(),
        };
        stage.memory().gone = Some(how);
    }
    std::future::pending::<()>().await;
}

fn show(ctx: &Ctx, stage: &Stage) -> Exit {
    let (mut failed, mut skipped) = (0, 0);
    for check in Check::ALL {
        let verdict = stage.memory().findings.of(check);
        let title = text::check_title(ctx.lang(), check);
        let (mark, style, ok, seen) = match &verdict {
            Verdict::Passed => ("✓", Style::Good, Some(true), ""),
            Verdict::Failed(seen) => ("✗", Style::Bad, Some(false), seen.as_str()),
            Verdict::Skipped(why) => ("-", Style::Warn, None, why.as_str()),
        };
        failed += u32::from(ok == Some(false));
        skipped += u32::from(ok.is_none());
        let advice = match ok {
            Some(true) => String::new(),
            Some(false) => text::check_advice(ctx.lang(), check).to_owned(),
            None => text::not_seen(ctx.lang(), seen),
        };
        if ctx.out.json {
            ctx.out.json(&json!({
                "event": "check", "check": check.name(), "ok": ok, "title": title,
                "seen": seen, "advice": advice,
            }));
            continue;
        }
        ctx.out.line(&Line::new(style, mark).and(Style::Plain, title));
        if ok == Some(false) {
            ctx.out.line(&Line::plain("   ").and(Style::Bad, seen));
        }
        if !advice.is_empty() {
            ctx.out.line(&Line::plain("   ").and(Style::Dim, advice));
        }
    }
    let all = Check::ALL.len() as u32;
    let passed = all - failed - skipped;
    if ctx.out.json {
        ctx.out.json(&json!({
            "event": "checked", "passed": passed, "failed": failed, "skipped": skipped,
        }));
    } else {
        ctx.out.line(&Line::plain(text::checked(ctx.lang(), passed, failed, skipped)));
    }
    if failed == 0 { Exit::Ok } else { Exit::Failed }
}
