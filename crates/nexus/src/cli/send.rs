//! `nexus send`: a command, and its reports to the end.

use std::time::Duration;

use base64::Engine as _;
use clap::{Args, ValueEnum};
use nexus_client::{Api, ApiError, Follower, Happening, segment};
use nexus_kit::settings::Lang;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::context::{Ctx, Done, Door, Fail};
use super::exit::Exit;
use super::out::{Line, Style};
use super::render::{self, field};
use super::{params::params, text};

/// Longest wait that a busy server may ask for before a command fails instead.
const PATIENCE: Duration = Duration::from_secs(30);

/// `send`
#[derive(Debug, Args)]
pub struct SendArgs {
    /// The type of the command, such as file.read
    #[arg(value_name = "TYPE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub command_type: String,
    /// Params: key=text, key=json, key:=json, key=@file
    #[arg(value_name = "KEY=VALUE")]
    pub words: Vec<String>,
    /// All params at once: JSON, @file or - for standard input
    #[arg(long, value_name = "JSON")]
    pub params: Option<String>,
    /// Ask for more caution than the server demands
    #[arg(long, value_name = "RISK", ignore_case = true)]
    pub risk: Option<RiskArg>,
    /// Send at most once under this key, for 24 hours
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Ties everything that comes of it together
    #[arg(long, value_name = "ID")]
    pub correlation_id: Option<String>,
    /// Seconds that the task may take
    #[arg(long, value_name = "SECONDS")]
    pub deadline: Option<u64>,
    /// Seconds to wait for the end; the task goes on after that
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Only send
    #[arg(long)]
    pub no_wait: bool,
}

/// A level on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RiskArg {
    /// Runs.
    #[value(name = "GREEN", help = None)]
    Green,
    /// Runs and warns.
    #[value(name = "YELLOW", help = None)]
    Yellow,
    /// Waits for a person.
    #[value(name = "RED", help = None)]
    Red,
}

impl RiskArg {
    /// As the server spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Green => "GREEN",
            Self::Yellow => "YELLOW",
            Self::Red => "RED",
        }
    }
}

/// Sends and follows.
pub async fn run(ctx: &Ctx, args: &SendArgs) -> Done {
    let lang = ctx.lang();
    let mut body = json!({
        "command_type": args.command_type,
        "params": params(args.params.as_deref(), &args.words, lang).map_err(Fail::Usage)?,
    });
    if let Some(risk) = args.risk {
        body["risk"] = risk.name().into();
    }
    if let Some(id) = &args.correlation_id {
        body["correlation_id"] = id.clone().into();
    }
    if let Some(seconds) = args.deadline {
        body["deadline_seconds"] = seconds.into();
    }
    let key = match &args.idempotency_key {
        Some(key) => key.clone(),
        None => random_key().map_err(Fail::Other)?,
    };
    let api = ctx.api(Door::Service)?;

    // The stream stands before the command leaves, so nothing can happen unseen.
    let mut stream = None;
    if !args.no_wait {
        let mut follower = Follower::new(api.clone(), None, ctx.patience.clone());
        stand(&mut follower, lang).await?;
        stream = Some(follower);
    }
    let accepted = deliver(ctx, &api, &body, &key).await?;
    let task_id = field(&accepted, "task_id").to_owned();
    let correlation_id = field(&accepted, "correlation_id");
    if ctx.out.json {
        ctx.out.json(&json!({
            "event": "accepted", "task_id": task_id, "correlation_id": correlation_id,
        }));
    } else {
        ctx.out.line(
            &Line::new(Style::Dim, text::accepted(lang))
                .and(Style::Name, task_id.as_str())
                .and(Style::Dim, correlation_id),
        );
    }
    let Some(mut stream) = stream else { return Ok(Exit::Ok) };

    let over = args.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let wait = watch(ctx, &api, &mut stream, &task_id);
    let exit = match over {
        None => wait.await?,
        Some(over) => match tokio::time::timeout_at(over, wait).await {
            Ok(exit) => exit?,
            Err(_) => {
                ctx.warn(&text::stopped_waiting(lang, &task_id));
                return Ok(Exit::TimedOut);
            }
        },
    };
    Ok(exit)
}

/// Waits until the stream has said where it begins.
async fn stand(follower: &mut Follower, lang: Lang) -> Result<(), Fail> {
    loop {
        match follower.next().await? {
            Some(Happening::Snapshot(_)) => return Ok(()),
            Some(Happening::Lost { error: Some(error), .. }) => return Err(Fail::Api(*error)),
            Some(Happening::Lost { why, .. }) => {
                return Err(Fail::Api(ApiError::Unreachable(why)));
            }
            Some(Happening::Bye { reason, .. }) => {
                return Err(Fail::Other(text::bye_for_good(lang, &reason)));
            }
            Some(Happening::Resumed | Happening::Report(_)) => {}
            None => return Err(Fail::Api(ApiError::Unreachable("bye".into()))),
        }
    }
}

/// Sends; a connection that breaks in the middle is no reason to send twice or not at all, since the
/// key makes the second time the same as the first.
async fn deliver(ctx: &Ctx, api: &Api, body: &Value, key: &str) -> Result<Value, Fail> {
    let mut waits = ctx.patience.backoff.iter().take(3);
    loop {
        match api.post_once("/sidecar/command", body, key).await {
            Ok(accepted) if field(&accepted, "task_id").is_empty() => {
                return Err(Fail::Api(ApiError::Strange("no task_id in the answer".into())));
            }
            Ok(accepted) => return Ok(accepted),
            Err(error) if error.passing() => {
                let asked = error.refusal().and_then(|refusal| refusal.retry_after);
                let wait = match (waits.next(), asked.map(Duration::from_secs)) {
                    (Some(_), Some(asked)) if asked <= PATIENCE => asked,
                    (Some(wait), None) => *wait,
                    _ => return Err(error.into()),
                };
                ctx.note(text::not_taken(ctx.lang(), &error.to_string(), wait.as_secs()));
                tokio::time::sleep(wait).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Prints what concerns the task until it has ended, then the task.
async fn watch(ctx: &Ctx, api: &Api, stream: &mut Follower, task_id: &str) -> Done {
    let path = format!("/tasks/{}", segment(task_id));
    let mut told = Told::default();
    loop {
        let ended = match stream.next().await? {
            Some(Happening::Report(report)) => {
                show(ctx, &report.data, task_id, &mut told);
                terminal(&report.data, task_id)
            }
            // What happened while nobody listened may be in the task alone.
            Some(Happening::Snapshot(_)) => true,
            Some(Happening::Lost { why, wait, .. }) => {
                ctx.note(text::lost(ctx.lang(), &why, wait.as_secs()));
                false
            }
            Some(Happening::Bye { reason, reconnect, .. }) => {
                if reconnect {
                    ctx.note(text::bye(ctx.lang(), &reason));
                }
                false
            }
            Some(Happening::Resumed) => {
                if !ctx.out.json {
                    let cursor = stream.cursor().unwrap_or_default();
                    ctx.note(text::resumed(ctx.lang(), cursor));
                }
                false
            }
            // The server does not want this stream back: a look now and then has to do.
            None => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                true
            }
        };
        if !ended {
            continue;
        }
        let task = match api.get(&path, &[]).await {
            Ok(task) => task,
            Err(error) if error.passing() => {
                ctx.note(error.to_string());
                tokio::time::sleep(Duration::from_secs(1)).await;
                match api.get(&path, &[]).await {
                    Ok(task) => task,
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(exit) = Exit::of_task(field(&task, "status"), field(&task, "failure_code")) {
            if ctx.out.json {
                ctx.out.json(&json!({"event": "task", "task": task}));
            } else {
                render::outcome(&ctx.out, &task);
            }
            return Ok(exit);
        }
    }
}

/// What was printed already.
#[derive(Default)]
struct Told {
    said: render::Said,
    /// The ask that was last named with what to do.
    hinted: String,
}

fn changes(report: &Value) -> impl Iterator<Item = &Value> {
    report.get("changes").and_then(Value::as_array).into_iter().flatten()
}

fn show(ctx: &Ctx, report: &Value, task_id: &str, told: &mut Told) {
    let ours = || changes(report).filter(|change| render::concerns(change, report, task_id));
    if ctx.out.json {
        if ours().next().is_some() {
            ctx.out.json(&json!({"event": "report", "report": report}));
        }
        return;
    }
    for change in ours() {
        if !told.said.is_new(change) {
            continue;
        }
        ctx.out.line(&render::change(&ctx.out, report, change, true));
        let ask = change.get("value").unwrap_or(&Value::Null);
        let ask_id = field(change, "id");
        let pending = field(change, "collection") == "asks" && field(ask, "status") == "pending";
        if pending && told.hinted != ask_id {
            ask_id.clone_into(&mut told.hinted);
            let until = ctx.out.clock(field(ask, "expires_at"));
            ctx.note(text::needs_approval(ctx.lang(), ask_id, &until));
        }
    }
}

fn terminal(report: &Value, task_id: &str) -> bool {
    changes(report)
        .filter(|change| field(change, "collection") == "tasks" && field(change, "id") == task_id)
        .filter_map(|change| change.get("value"))
        .any(|task| Exit::of_task(field(task, "status"), "").is_some())
}

fn random_key() -> Result<String, String> {
    let mut bytes = [0; 18];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(format!("cli-{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)))
}
