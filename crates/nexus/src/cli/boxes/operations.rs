//! `nexus operations …`: how far bulk operations are, and calling one off.

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, Subcommand};
use nexus_client::{Api, ApiError, Follower, Happening, segment};
use serde_json::{Value, json};

use super::look::print;
use super::text;
use crate::cli::context::{Ctx, Done, Door, Fail};
use crate::cli::exit::Exit;
use crate::cli::out::{Line, Style};
use crate::cli::render::{field, plain, who};

/// Where an operation can stand.
const STATUSES: [&str; 5] = ["waiting_approval", "running", "stopped", "aborted", "done"];

/// Tasks that did not go as asked that `show` lists.
const SHOWN: usize = 20;

/// Verbs of operations.
#[derive(Debug, Subcommand)]
pub enum OperationsVerb {
    /// List operations, newest first
    List(ListArgs),
    /// Show one, and which tasks did not go as asked
    Show(OneArgs),
    /// Call one off; what is done stays done
    Abort(OneArgs),
    /// Watch one to its end
    Watch(OneArgs),
}

/// `operations list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Operations with this status
    #[arg(long, value_name = "STATUS", hide_possible_values = true,
        value_parser = PossibleValuesParser::new(STATUSES))]
    pub status: Option<String>,
    /// Operations on this box
    #[arg(long, value_name = "BOX", value_parser = PossibleValuesParser::new(["dlq", "hold", "alarm"]))]
    pub r#box: Option<String>,
    /// In all tenants; needs ADMIN_API_KEY
    #[arg(long)]
    pub all_tenants: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// One operation.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// The operation
    #[arg(value_name = "OPERATION_ID", value_parser = NonEmptyStringValueParser::new())]
    pub operation_id: String,
}

/// Does one of them.
pub async fn run(ctx: &Ctx, verb: &OperationsVerb) -> Done {
    match verb {
        OperationsVerb::List(args) => list(ctx, args).await,
        OperationsVerb::Show(args) => show(ctx, args).await,
        OperationsVerb::Abort(args) => abort(ctx, args).await,
        OperationsVerb::Watch(args) => follow(ctx, ctx.api(Door::Admin)?, &args.operation_id).await,
    }
}

async fn list(ctx: &Ctx, args: &ListArgs) -> Done {
    let given = [("status", args.status.as_deref()), ("box", args.r#box.as_deref())];
    let all = ("tenant", args.all_tenants.then_some("*"));
    let query: Vec<(&str, &str)> = given
        .into_iter()
        .chain([all])
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect();
    let operations = ctx.api(Door::Admin)?.list("/operations", &query, args.limit).await?;
    print(ctx, &operations, args.all_tenants, &text::operations_heading(ctx.lang()), |op| {
        let status = field(op, "status");
        vec![
            (Style::Name, field(op, "operation_id").to_owned()),
            (Style::Dim, ctx.out.moment(field(op, "created_at"))),
            (style(status), text::status(ctx.lang(), status)),
            (Style::Plain, format!("{} {}", field(op, "box"), field(op, "action"))),
            (Style::Plain, format!("{}/{}", plain(op, "done"), plain(op, "count"))),
            (Style::Plain, who(op, "requested_by")),
        ]
    });
    Ok(Exit::Ok)
}

fn path(id: &str) -> String {
    format!("/operations/{}", segment(id))
}

async fn show(ctx: &Ctx, args: &OneArgs) -> Done {
    let api = ctx.api(Door::Admin)?;
    let op = api.get(&path(&args.operation_id), &[]).await?;
    if ctx.out.json {
        ctx.out.json(&op);
        return Ok(Exit::Ok);
    }
    ctx.out.line(&line(ctx, &op));
    for name in ["requested_by", "created_at", "finished_at", "task_id", "ask_id", "note", "why"] {
        let value = match name {
            "requested_by" => who(&op, name),
            "created_at" | "finished_at" => ctx.out.moment(field(&op, name)),
            _ => field(&op, name).to_owned(),
        };
        if !field(&op, name).is_empty() {
            let label = crate::cli::text::label(ctx.lang(), name);
            ctx.out.line(&Line::new(Style::Dim, format!("  {label}:")).and(Style::Plain, value));
        }
    }
    let items = format!("{}/items", path(&args.operation_id));
    for outcome in ["failed", "skipped"] {
        for item in api.list(&items, &[("outcome", outcome)], SHOWN).await? {
            let line = Line::new(Style::Name, format!("  {}", field(&item, "task_id")));
            let line = line.and(Style::Bad, text::outcome(ctx.lang(), outcome));
            ctx.out.line(&line.and(Style::Plain, field(&item, "why")));
        }
    }
    Ok(Exit::Ok)
}

async fn abort(ctx: &Ctx, args: &OneArgs) -> Done {
    let api = ctx.api(Door::Admin)?;
    api.post(&format!("{}/abort", path(&args.operation_id)), &json!({})).await?;
    if ctx.out.json {
        ctx.out
            .json(&json!({"event": "sent", "operation_id": args.operation_id, "order": "abort"}));
    } else {
        let sent = Line::new(Style::Good, crate::cli::text::sent(ctx.lang()));
        ctx.out.line(&sent.and(Style::Name, args.operation_id.as_str()));
    }
    Ok(Exit::Ok)
}

/// Follows an operation by the stream until it is over, and ends as it did. One that is over already
/// needs no stream.
pub async fn follow(ctx: &Ctx, api: Api, id: &str) -> Done {
    let op = api.get(&path(id), &[]).await?;
    if over(&op) {
        return ended(ctx, &api, &op).await;
    }
    tell(ctx, &op);
    let mut stream = Follower::new(api, None, ctx.patience.clone());
    loop {
        let Some(happening) = stream.next().await? else { return Ok(Exit::TimedOut) };
        let found = match happening {
            Happening::Snapshot(message) => {
                message.data.pointer(&format!("/view/system/{id}")).cloned()
            }
            Happening::Report(message) => value_of(&message.data, id),
            Happening::Lost { why, wait, .. } => {
                ctx.note(crate::cli::text::lost(ctx.lang(), &why, wait.as_secs()));
                None
            }
            Happening::Bye { reconnect: false, reason, .. } => {
                ctx.warn(&crate::cli::text::bye_for_good(ctx.lang(), &reason));
                return Ok(Exit::Refused);
            }
            Happening::Resumed | Happening::Bye { .. } => None,
        };
        let Some(op) = found else { continue };
        if over(&op) {
            // Another door, because the stream keeps its own.
            return ended(ctx, &ctx.api(Door::Admin)?, &op).await;
        }
        tell(ctx, &op);
    }
}

fn value_of(report: &Value, id: &str) -> Option<Value> {
    let changes = report.get("changes").and_then(Value::as_array)?;
    let of = |change: &&Value| field(change, "collection") == "system" && field(change, "id") == id;
    changes.iter().rev().find(of)?.get("value").cloned()
}

fn over(op: &Value) -> bool {
    matches!(field(op, "status"), "stopped" | "aborted" | "done")
}

/// Says how an operation ended; one whose command nobody approved ends as that command did.
async fn ended(ctx: &Ctx, api: &Api, op: &Value) -> Done {
    tell(ctx, op);
    let failed = op.get("failed").and_then(Value::as_u64).unwrap_or_default();
    if !ctx.out.json && failed > 0 {
        ctx.note(text::see_items(ctx.lang(), field(op, "operation_id")));
    }
    let task_id = field(op, "task_id");
    Ok(match field(op, "status") {
        "done" if failed == 0 => Exit::Ok,
        "aborted" => Exit::Cancelled,
        "stopped" if !task_id.is_empty() => {
            let task = api.get(&format!("/tasks/{}", segment(task_id)), &[]).await;
            let task = match task {
                Ok(task) => task,
                Err(ApiError::Refused(_)) => Value::Null,
                Err(error) => return Err(Fail::Api(error)),
            };
            let status = field(&task, "status");
            let end = Exit::of_task(status, field(&task, "failure_code"));
            end.filter(|end| *end != Exit::Ok).unwrap_or(Exit::Failed)
        }
        _ => Exit::Failed,
    })
}

fn tell(ctx: &Ctx, op: &Value) {
    if ctx.out.json {
        ctx.out.json(&json!({"event": "operation", "operation": op}));
        return;
    }
    ctx.out.line(&line(ctx, op));
    let why = field(op, "why");
    if over(op) && !why.is_empty() {
        ctx.out.line(&Line::new(Style::Warn, format!("  {why}")));
    }
}

/// An operation in one line.
fn line(ctx: &Ctx, op: &Value) -> Line {
    let status = field(op, "status");
    let lang = ctx.lang();
    let counts = text::counts(
        lang,
        &plain(op, "done"),
        &plain(op, "count"),
        &plain(op, "changed"),
        &plain(op, "skipped"),
        &plain(op, "failed"),
    );
    Line::new(Style::Name, field(op, "operation_id"))
        .and(Style::Plain, format!("{} {}", field(op, "box"), field(op, "action")))
        .and(style(status), text::status(lang, status))
        .and(Style::Plain, counts)
}

fn style(status: &str) -> Style {
    match status {
        "done" => Style::Good,
        "stopped" => Style::Bad,
        "waiting_approval" | "aborted" => Style::Warn,
        _ => Style::Plain,
    }
}
