//! Doing something to many: a preview first, then exactly that, then how it ends.

use clap::Args;
use nexus_client::Api;
use serde_json::{Value, json};

use super::select::{FilterArgs, HowArgs, SelectArgs};
use super::{operations, text};
use crate::cli::context::{Ctx, Done, Door};
use crate::cli::exit::Exit;
use crate::cli::out::{Line, Style};
use crate::cli::render::{field, plain};

/// Ids that a preview shows.
const SHOWN: usize = 10;

/// Ids that are sent back after a question, so that what was shown is what is touched; more do not
/// fit into a request.
const SENT_BACK: usize = 20_000;

/// `requeue`
#[derive(Debug, Args)]
pub struct RequeueArgs {
    /// Which.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Of these, only what the policy requeues
    #[arg(long)]
    pub auto: bool,
    /// So many first; the rest when they went well
    #[arg(long, value_name = "N")]
    pub canary: Option<u64>,
    /// Answer for it that nothing was sent where nobody knows (EFFECT_UNKNOWN)
    #[arg(long)]
    pub nothing_was_sent: bool,
    /// How.
    #[command(flatten)]
    pub how: HowArgs,
}

/// `route`, `alarm`
#[derive(Debug, Args)]
pub struct MoveArgs {
    /// Which.
    #[command(flatten)]
    pub select: SelectArgs,
    /// These, whatever the policy says
    #[arg(long)]
    pub manual: bool,
    /// How.
    #[command(flatten)]
    pub how: HowArgs,
}

/// `purge`
#[derive(Debug, Args)]
pub struct TakeArgs {
    /// Which.
    #[command(flatten)]
    pub select: SelectArgs,
    /// How.
    #[command(flatten)]
    pub how: HowArgs,
}

/// `alarm ack`
#[derive(Debug, Args)]
pub struct AckArgs {
    /// Which.
    #[command(flatten)]
    pub select: SelectArgs,
    /// What is being done about it
    #[arg(long, value_name = "TEXT")]
    pub note: String,
    /// In all tenants; needs ADMIN_API_KEY
    #[arg(long)]
    pub all_tenants: bool,
    /// Only show what it would be
    #[arg(long)]
    pub dry_run: bool,
}

/// `dlq apply`
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Most that are requeued
    #[arg(long, value_name = "N")]
    pub max_requeue: Option<u64>,
    /// Most that are moved to hold
    #[arg(long, value_name = "N")]
    pub max_hold: Option<u64>,
    /// Most that are moved to alarm
    #[arg(long, value_name = "N")]
    pub max_alarm: Option<u64>,
    /// Only what failed less than so many seconds ago
    #[arg(long, value_name = "SECONDS")]
    pub max_age_seconds: Option<u64>,
    /// How.
    #[command(flatten)]
    pub how: HowArgs,
}

/// Puts tasks back to work.
pub async fn requeue(ctx: &Ctx, from: &str, args: &RequeueArgs) -> Done {
    let mut body = args.select.body();
    body["mode"] = if args.auto { "auto" } else { "manual" }.into();
    if let Some(canary) = args.canary {
        body["canary"] = canary.into();
    }
    if args.nothing_was_sent {
        body["confirm"] = "nothing_was_sent".into();
    }
    operate(ctx, &format!("/{from}/requeue"), body, &args.how).await
}

/// Moves dead letters.
pub async fn shift(ctx: &Ctx, verb: &str, args: &MoveArgs) -> Done {
    let mut body = args.select.body();
    body["mode"] = if args.manual { "manual" } else { "auto" }.into();
    operate(ctx, &format!("/dlq/{verb}"), body, &args.how).await
}

/// Deletes tasks for good.
pub async fn purge(ctx: &Ctx, from: &str, args: &TakeArgs) -> Done {
    operate(ctx, &format!("/{from}/purge"), args.select.body(), &args.how).await
}

/// Says that somebody has seen them. It changes nothing that could be regretted, so nobody is asked.
pub async fn acknowledge(ctx: &Ctx, args: &AckArgs) -> Done {
    let how = HowArgs {
        note: Some(args.note.clone()),
        all_tenants: args.all_tenants,
        dry_run: args.dry_run,
        yes: !args.dry_run,
        ..HowArgs::default()
    };
    operate(ctx, "/alarm/ack", args.select.body(), &how).await
}

/// Does what the policy says.
pub async fn apply(ctx: &Ctx, args: &ApplyArgs) -> Done {
    let mut body = json!({});
    if let Some(filter) = args.filter.body() {
        body["filter"] = filter;
    }
    for (name, number) in [
        ("max_requeue", args.max_requeue),
        ("max_hold", args.max_hold),
        ("max_alarm", args.max_alarm),
        ("max_age_seconds", args.max_age_seconds),
    ] {
        if let Some(number) = number {
            body[name] = number.into();
        }
    }
    operate(ctx, "/dlq/apply", body, &args.how).await
}

/// Previews, asks, does it, and follows it to its end.
async fn operate(ctx: &Ctx, path: &str, mut body: Value, how: &HowArgs) -> Done {
    let lang = ctx.lang();
    let api = ctx.api(Door::Admin)?;
    if let Some(per_second) = how.per_second {
        body["per_second"] = per_second.into();
    }
    if let Some(note) = &how.note {
        body["note"] = note.as_str().into();
    }
    if !how.yes {
        let mut asked = body.clone();
        asked["dry_run"] = true.into();
        let preview = send(&api, path, how, &asked).await?;
        show(ctx, &preview);
        let count = preview.get("count").and_then(Value::as_u64).unwrap_or_default();
        if how.dry_run {
            return Ok(Exit::Ok);
        }
        if count == 0 {
            ctx.note(text::nothing_to_do(lang));
            return Ok(Exit::Ok);
        }
        if !ctx.confirm(&text::question(lang, path, count), false).await? {
            ctx.note(crate::cli::text::nothing_sent(lang));
            return Ok(Exit::Failed);
        }
        exactly(&mut body, &preview, path, how);
    }
    let accepted = send(&api, path, how, &body).await?;
    if ctx.out.json {
        let mut line = accepted.clone();
        line["event"] = "accepted".into();
        ctx.out.json(&line);
    }
    if let Some(operations) = accepted.get("operations").and_then(Value::as_array) {
        operations.iter().for_each(|one| told(ctx, one));
        if !ctx.out.json {
            left_out(ctx, &accepted);
        }
        if operations.is_empty() {
            ctx.note(text::nothing_to_do(lang));
        }
        let waits = operations.iter().any(|one| one.get("ask_id").is_some());
        return Ok(if waits { Exit::Held } else { Exit::Ok });
    }
    told(ctx, &accepted);
    if how.no_wait {
        return Ok(if accepted.get("ask_id").is_some() { Exit::Held } else { Exit::Ok });
    }
    operations::follow(ctx, api, field(&accepted, "operation_id")).await
}

/// What was shown is what is asked for: the same ids, where a request can hold them and nobody but
/// whoever asks chooses.
fn exactly(body: &mut Value, preview: &Value, path: &str, how: &HowArgs) {
    let ids = preview.get("ids").and_then(Value::as_array).filter(|ids| ids.len() <= SENT_BACK);
    let Some(ids) = ids.filter(|_| path != "/dlq/apply" && !how.all_tenants) else { return };
    if let Value::Object(fields) = body {
        for name in ["filter", "all", "limit"] {
            fields.remove(name);
        }
        fields.insert("ids".to_owned(), json!(ids));
    }
}

async fn send(
    api: &Api,
    path: &str,
    how: &HowArgs,
    body: &Value,
) -> Result<Value, nexus_client::ApiError> {
    let query: &[(&str, &str)] = if how.all_tenants { &[("tenant", "*")] } else { &[] };
    api.post_to(path, query, body).await
}

fn show(ctx: &Ctx, preview: &Value) {
    let lang = ctx.lang();
    if ctx.out.json {
        let mut line = preview.clone();
        line["event"] = "preview".into();
        ctx.out.json(&line);
        return;
    }
    let count = |value: &Value| value.as_array().map_or(0, Vec::len);
    ctx.out.line(&Line::new(Style::Bold, text::would_touch(lang, &plain(preview, "count"))));
    for action in ["alarm", "hold", "requeue"] {
        if let Some(ids) = preview.pointer(&format!("/by_action/{action}")) {
            ctx.out.line(&Line::plain(format!("  {}: {}", text::action(lang, action), count(ids))));
        }
    }
    let tenants = preview.get("by_tenant").and_then(Value::as_object).into_iter().flatten();
    for (tenant, ids) in tenants {
        ctx.out.line(&Line::plain(format!("  {tenant}: {}", count(ids))));
    }
    let ids = preview.get("ids").and_then(Value::as_array).into_iter().flatten();
    for id in ids.take(SHOWN).filter_map(Value::as_str) {
        ctx.out.line(&Line::new(Style::Name, format!("  {id}")));
    }
    if preview.get("ids").map_or(0, count) > SHOWN {
        ctx.out.line(&Line::new(Style::Dim, "  …"));
    }
    left_out(ctx, preview);
}

fn left_out(ctx: &Ctx, answer: &Value) {
    let left = answer.get("left_out").and_then(Value::as_array).map_or(0, Vec::len);
    if left > 0 {
        ctx.warn(&text::left_out(ctx.lang(), left));
    }
}

fn told(ctx: &Ctx, accepted: &Value) {
    if ctx.out.json {
        return;
    }
    let lang = ctx.lang();
    let line = Line::new(Style::Good, text::accepted(lang, &plain(accepted, "count")));
    ctx.out.line(&line.and(Style::Name, field(accepted, "operation_id")));
    left_out(ctx, accepted);
    let ask_id = field(accepted, "ask_id");
    if !ask_id.is_empty() {
        ctx.out.line(&Line::new(Style::Warn, text::waits(lang, ask_id)));
    }
}
