//! `nexus task …`

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, Subcommand};
use nexus_client::segment;
use nexus_core::task::Status;
use serde_json::json;

use super::context::{Ctx, Done, Door};
use super::exit::Exit;
use super::out::{Line, Style};
use super::render::{self, field};
use super::{table, text};

/// Verbs of tasks.
#[derive(Debug, Subcommand)]
pub enum TaskVerb {
    /// List tasks, newest first
    List(ListArgs),
    /// Show one task whole
    Show(TaskArgs),
    /// Cancel one
    Cancel(TaskArgs),
    /// Ask again for one that expired
    AskAgain(TaskArgs),
}

/// `task list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Tasks with this status
    #[arg(long, value_name = "STATUS", hide_possible_values = true,
        value_parser = PossibleValuesParser::new(Status::ALL.iter().map(|status| status.as_str())))]
    pub status: Option<String>,
    /// Tasks of this type
    #[arg(long, value_name = "TYPE")]
    pub r#type: Option<String>,
    /// Tasks with this correlation id
    #[arg(long, value_name = "ID")]
    pub correlation_id: Option<String>,
    /// Tasks made at or after this time
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Tasks made before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// One task.
#[derive(Debug, Args)]
pub struct TaskArgs {
    /// The task
    #[arg(value_name = "TASK_ID", value_parser = NonEmptyStringValueParser::new())]
    pub task_id: String,
}

/// Does one of them.
pub async fn run(ctx: &Ctx, verb: &TaskVerb) -> Done {
    match verb {
        TaskVerb::List(args) => list(ctx, args).await,
        TaskVerb::Show(args) => show(ctx, args).await,
        TaskVerb::Cancel(args) => order(ctx, args, "cancel").await,
        TaskVerb::AskAgain(args) => order(ctx, args, "ask_again").await,
    }
}

async fn list(ctx: &Ctx, args: &ListArgs) -> Done {
    let query: Vec<(&str, &str)> = [
        ("status", &args.status),
        ("type", &args.r#type),
        ("correlation_id", &args.correlation_id),
        ("since", &args.since),
        ("until", &args.until),
    ]
    .iter()
    .filter_map(|(name, value)| value.as_deref().map(|value| (*name, value)))
    .collect();
    let tasks = ctx.api(Door::Service)?.list("/tasks", &query, args.limit).await?;
    if ctx.out.json {
        tasks.iter().for_each(|task| ctx.out.json(task));
        return Ok(Exit::Ok);
    }
    if tasks.is_empty() {
        ctx.note(text::nothing_here(ctx.lang()));
    }
    let rows: Vec<Vec<(Style, String)>> = tasks
        .iter()
        .map(|task| {
            let status = field(task, "status");
            let risk = field(task, "risk");
            vec![
                (Style::Name, field(task, "task_id").to_owned()),
                (Style::Dim, ctx.out.moment(field(task, "created_at"))),
                (render::style(status), text::status(ctx.lang(), status)),
                (render::style(risk), risk.to_owned()),
                (Style::Plain, field(task, "command_type").to_owned()),
                (Style::Bad, field(task, "failure_code").to_owned()),
            ]
        })
        .collect();
    table::print(&ctx.out, &text::tasks_heading(ctx.lang()), &rows);
    Ok(Exit::Ok)
}

async fn show(ctx: &Ctx, args: &TaskArgs) -> Done {
    let task =
        ctx.api(Door::Service)?.get(&format!("/tasks/{}", segment(&args.task_id)), &[]).await?;
    if ctx.out.json {
        ctx.out.json(&task);
    } else {
        render::task(&ctx.out, &task);
        let code = field(&task, "failure_code");
        if !code.is_empty() {
            ctx.note(text::runbook_hint(ctx.lang(), code));
        }
    }
    Ok(Exit::Ok)
}

/// The server says 202 and nothing more; what comes of it is a report.
async fn order(ctx: &Ctx, args: &TaskArgs, word: &str) -> Done {
    let path = format!("/tasks/{}/{word}", segment(&args.task_id));
    ctx.api(Door::Service)?.post(&path, &json!({})).await?;
    if ctx.out.json {
        ctx.out.json(&json!({"event": "sent", "task_id": args.task_id, "order": word}));
    } else {
        let sent = Line::new(Style::Good, text::sent(ctx.lang()));
        ctx.out.line(&sent.and(Style::Name, args.task_id.as_str()));
        ctx.note(match word {
            "ask_again" => text::asks_hint(ctx.lang()),
            _ => text::watch_hint(ctx.lang()),
        });
    }
    Ok(Exit::Ok)
}
