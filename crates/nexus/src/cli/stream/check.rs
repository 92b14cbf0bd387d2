//! `nexus stream check`: the conformance kit in a terminal.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use nexus_check::{CHECKS, Check, Cost, Happening, Outcome, Plan, Text};
use nexus_client::ApiError;
use nexus_core::tenant::Tenant;
use nexus_kit::settings::Lang;
use serde_json::json;

use crate::cli::context::{Ctx, Done, Door, Fail};
use crate::cli::exit::Exit;
use crate::cli::out::{Line, Out, Style};
use crate::cli::text;

/// `stream check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Leave out what takes long or disturbs others, and open fewer than 50 streams
    #[arg(long)]
    pub quick: bool,
    /// Leave out what disturbs others in the tenant
    #[arg(long)]
    pub gentle: bool,
    /// Only this check, or this group of checks, as `cursor` or `replay.storm`
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Print the checks and the clauses that they prove
    #[arg(long)]
    pub list: bool,
    /// Ask everything over HTTP/2
    #[arg(long)]
    pub http2: bool,
    /// A second tenant, for the check of isolation
    #[arg(long, value_name = "ORG:PROJECT")]
    pub other: Option<String>,
    /// STREAM_EVENT_KEEP of the server
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub event_keep: u64,
    /// STREAM_MAX_PER_TENANT of the server
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub max_streams: usize,
    /// STREAM_PING_SECONDS of the server
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub ping_seconds: u64,
    /// How long anything is waited for before it counts as missing
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    pub patience: u64,
    /// Repeat what an earlier run left to chance
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Runs the kit.
pub async fn run(ctx: &Ctx, args: &CheckArgs) -> Done {
    let lang = ctx.lang();
    let plan = plan(args)?;
    for only in &args.only {
        let alone = Plan { only: vec![only.clone()], ..plan.clone() };
        if !CHECKS.iter().any(|check| alone.has(check)) {
            return Err(Fail::Usage(text::check_none(lang, only)));
        }
    }
    if args.list {
        for check in CHECKS.iter().filter(|check| plan.has(check)) {
            list(&ctx.out, check);
        }
        return Ok(Exit::Ok);
    }
    let mut target = ctx.check_target(Door::Service)?;
    if let Some(other) = &args.other {
        let other = Tenant::parse(other).map_err(|_| Fail::Usage(text::bad_tenant(lang, other)))?;
        target.other = Some(other);
    }
    let tenant = target.tenant.key().to_owned();
    ctx.warn(&text::check_writes(lang, &tenant));
    if !ctx.confirm(&text::check_question(lang, &tenant), args.yes).await? {
        ctx.note(text::nothing_sent(lang));
        return Ok(Exit::Failed);
    }
    find(ctx, args.http2 && target.url.starts_with("http://")).await?;
    let seed = plan.seed;
    if !ctx.out.json {
        ctx.note(text::check_begins(lang, &origin(&target.url), &tenant, seed));
    }
    let out = ctx.out.clone();
    let listener = Arc::new(move |happening: &Happening<'_>| tell(&out, happening));
    let done = nexus_check::run(target, plan, listener).await;
    let summary = done.map_err(|error| Fail::Other(error.to_string()))?;
    if ctx.out.json {
        ctx.out.json(&json!({
            "event": "done", "held": summary.held, "failed": summary.failed,
            "skipped": summary.skipped, "opens": summary.opens, "commands": summary.commands,
            "seed": seed,
        }));
    } else {
        let style = if summary.failed == 0 { Style::Good } else { Style::Bad };
        let (held, failed, skipped) = (summary.held, summary.failed, summary.skipped);
        let over = text::check_over(lang, held, failed, skipped, summary.opens, summary.commands);
        ctx.out.line(&Line::new(style, over));
    }
    Ok(if summary.failed == 0 { Exit::Ok } else { Exit::Failed })
}

/// A server that is not there, or opens this tenant to nobody with this key, fails no check: nothing
/// can be checked. One that speaks HTTP/2 alone, without TLS, is asked by the checks themselves.
async fn find(ctx: &Ctx, http2_alone: bool) -> Result<(), Fail> {
    match ctx.api(Door::Service)?.get("/commands/types", &[]).await {
        Err(error @ ApiError::Unreachable(_)) if !http2_alone => Err(Fail::Api(error)),
        Err(ApiError::Refused(refusal)) if matches!(refusal.status, 401 | 403) => {
            Err(Fail::Api(ApiError::Refused(refusal)))
        }
        _ => Ok(()),
    }
}

fn plan(args: &CheckArgs) -> Result<Plan, Fail> {
    let seed = match args.seed {
        Some(seed) => seed,
        None => {
            let mut bytes = [0; 4];
            getrandom::fill(&mut bytes).map_err(|error| Fail::Other(error.to_string()))?;
            u64::from(u32::from_le_bytes(bytes))
        }
    };
    Ok(Plan {
        quick: args.quick,
        gentle: args.gentle,
        http2: args.http2,
        only: args.only.clone(),
        seed,
        event_keep: args.event_keep,
        max_per_tenant: args.max_streams,
        ping: Duration::from_secs(args.ping_seconds),
        patience: Duration::from_secs(args.patience),
    })
}

/// Scheme, host and port: no more of the address is ever shown.
fn origin(url: &str) -> String {
    url::Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

fn in_lang(lang: Lang, text: &Text) -> &str {
    match lang {
        Lang::En => &text.en,
        Lang::Ko => &text.ko,
    }
}

fn title(lang: Lang, check: &Check) -> &'static str {
    match lang {
        Lang::En => check.en,
        Lang::Ko => check.ko,
    }
}

fn list(out: &Out, check: &Check) {
    let cost = match check.cost {
        Cost::Small => "quick",
        Cost::Long => "long",
        Cost::Disturbs => "disturbs",
    };
    if out.json {
        out.json(&json!({
            "name": check.name, "title_en": check.en, "title_ko": check.ko,
            "clause": check.clause, "cost": cost,
        }));
        return;
    }
    let name = Line::new(Style::Name, check.name);
    let name = if check.cost == Cost::Small { name } else { name.and(Style::Warn, cost) };
    out.line(&name.and(Style::Plain, title(out.lang, check)));
    out.line(&Line::new(Style::Dim, format!("    {}", check.clause)));
}

/// Prints what happens as it happens.
fn tell(out: &Out, happening: &Happening<'_>) {
    match happening {
        Happening::Begins(_) => {}
        Happening::Note(text) => {
            out.note(&Line::new(Style::Dim, format!("  {}", in_lang(out.lang, text))));
        }
        Happening::Ends { check, outcome, took } if out.json => {
            let text = |text: &Text| in_lang(out.lang, text).to_owned();
            let mut line = json!({
                "event": "check", "name": check.name, "ms": took.as_millis() as u64,
                "clause": check.clause,
            });
            match outcome {
                Outcome::Holds(seen) => {
                    line["outcome"] = "holds".into();
                    line["seen"] = text(seen).into();
                }
                Outcome::Fails { expected, seen } => {
                    line["outcome"] = "fails".into();
                    line["expected"] = text(expected).into();
                    line["seen"] = text(seen).into();
                }
                Outcome::Skipped(why) => {
                    line["outcome"] = "skipped".into();
                    line["why"] = text(why).into();
                }
            }
            out.json(&line);
        }
        Happening::Ends { check, outcome, took } => person(out, check, outcome, *took),
    }
}

fn person(out: &Out, check: &Check, outcome: &Outcome, took: Duration) {
    let lang = out.lang;
    let (mark, style) = match outcome {
        Outcome::Holds(_) => ("✓", Style::Good),
        Outcome::Fails { .. } => ("✗", Style::Bad),
        Outcome::Skipped(_) => ("–", Style::Warn),
    };
    let line = Line::new(style, mark)
        .and(Style::Name, check.name)
        .and(Style::Plain, title(lang, check))
        .and(Style::Dim, format!("({took:.1?})"));
    out.line(&line);
    let below = |label: String, text: &str| {
        out.line(&Line::new(Style::Dim, format!("    {label}")).and(Style::Plain, text));
    };
    match outcome {
        Outcome::Holds(seen) => {
            out.line(&Line::new(Style::Dim, format!("    {}", in_lang(lang, seen))));
        }
        Outcome::Fails { expected, seen } => {
            below(text::check_expected(lang), in_lang(lang, expected));
            below(text::check_seen(lang), in_lang(lang, seen));
            below(text::check_clause(lang), check.clause);
        }
        Outcome::Skipped(why) => {
            out.line(&Line::new(Style::Dim, format!("    {}", in_lang(lang, why))));
        }
    }
}
