//! Looking into the boxes: what stands there, how much of what, which causes it has.

use clap::Args;
use serde_json::Value;

use super::select::FilterArgs;
use super::text;
use crate::cli::context::{Ctx, Done, Door};
use crate::cli::exit::Exit;
use crate::cli::out::{Line, Style};
use crate::cli::render::{field, plain};
use crate::cli::table;

/// `peek`, `causes`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// In all tenants; needs ADMIN_API_KEY
    #[arg(long)]
    pub all_tenants: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// `stats`
#[derive(Debug, Args)]
pub struct StatsArgs {
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// In all tenants; needs ADMIN_API_KEY
    #[arg(long)]
    pub all_tenants: bool,
}

/// A filter as a query.
fn query(filter: &FilterArgs, all_tenants: bool) -> Vec<(String, String)> {
    let body = filter.body();
    let fields = body.as_ref().and_then(Value::as_object).into_iter().flatten();
    let mut query: Vec<(String, String)> =
        fields.map(|(name, value)| (name.clone(), plain_value(value))).collect();
    if all_tenants {
        query.push(("tenant".to_owned(), "*".to_owned()));
    }
    query
}

fn plain_value(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Prints a list: a line of JSON for each item, or a table, in which each says whose it is where they are
/// `of_all` tenants.
pub fn print(
    ctx: &Ctx,
    items: &[Value],
    of_all: bool,
    heading: &[&'static str],
    row: impl Fn(&Value) -> Vec<(Style, String)>,
) {
    if ctx.out.json {
        items.iter().for_each(|item| ctx.out.json(item));
        return;
    }
    if items.is_empty() {
        ctx.note(crate::cli::text::nothing_here(ctx.lang()));
    }
    let whose = |item| of_all.then(|| (Style::Plain, field(item, "tenant_id").to_owned()));
    let rows: Vec<Vec<(Style, String)>> =
        items.iter().map(|item| whose(item).into_iter().chain(row(item)).collect()).collect();
    let whose = of_all.then(|| text::tenant_heading(ctx.lang())).into_iter().flatten();
    table::print(&ctx.out, &whose.chain(heading.iter().copied()).collect::<Vec<_>>(), &rows);
}

fn borrowed(query: &[(String, String)]) -> Vec<(&str, &str)> {
    query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Lists what stands in a box.
pub async fn peek(ctx: &Ctx, of: &str, args: &ListArgs) -> Done {
    let query = query(&args.filter, args.all_tenants);
    let api = ctx.api(Door::Admin)?;
    let items = api.list(&format!("/{of}/peek"), &borrowed(&query), args.limit).await?;
    print(ctx, &items, args.all_tenants, &text::peek_heading(ctx.lang()), |item| {
        let may = item.get("may_requeue") == Some(&Value::Bool(true));
        let own = field(item, "agent_code");
        let own = if own.is_empty() { String::new() } else { format!("[{own}] ") };
        vec![
            (Style::Name, field(item, "task_id").to_owned()),
            (Style::Dim, ctx.out.moment(field(item, "failed_at"))),
            (Style::Bad, field(item, "failure_code").to_owned()),
            (Style::Plain, field(item, "task_type").to_owned()),
            (
                if may { Style::Plain } else { Style::Warn },
                text::triage(ctx.lang(), field(item, "triage")).to_owned(),
            ),
            (Style::Plain, format!("{own}{}", field(item, "error"))),
        ]
    });
    if let Some(item) = items.first().filter(|_| !ctx.out.json) {
        ctx.note(crate::cli::text::runbook_hint(ctx.lang(), field(item, "failure_code")));
    }
    Ok(Exit::Ok)
}

/// Counts what stands in a box.
pub async fn stats(ctx: &Ctx, of: &str, args: &StatsArgs) -> Done {
    let query = query(&args.filter, args.all_tenants);
    let api = ctx.api(Door::Admin)?;
    let stats = api.get(&format!("/{of}/stats"), &borrowed(&query)).await?;
    if ctx.out.json {
        ctx.out.json(&stats);
        return Ok(Exit::Ok);
    }
    let lang = ctx.lang();
    let count = text::would_touch(lang, &plain(&stats, "count"));
    ctx.out.line(&Line::new(Style::Bold, count));
    for (list, name) in [
        ("by_code", "failure_code"),
        ("by_type", "task_type"),
        ("by_age", "bucket"),
        ("by_triage", "triage"),
    ] {
        ctx.out.line(&Line::new(Style::Dim, text::counted(lang, list)));
        let counts = stats.get(list).and_then(Value::as_array).into_iter().flatten();
        for it in counts.filter(|it| it.get("count").and_then(Value::as_u64) != Some(0)) {
            let called = match list {
                "by_code" => format!("{} — {}", field(it, name), text::title(lang, it)),
                "by_age" => text::age(lang, field(it, name)).to_owned(),
                "by_triage" => text::triage(lang, field(it, name)).to_owned(),
                _ => field(it, name).to_owned(),
            };
            let line = Line::new(Style::Plain, format!("  {:>7}", plain(it, "count")));
            ctx.out.line(&line.and(Style::Name, called));
        }
    }
    Ok(Exit::Ok)
}

/// Lists the causes of what stands in a box.
pub async fn causes(ctx: &Ctx, of: &str, args: &ListArgs) -> Done {
    let query = query(&args.filter, args.all_tenants);
    let api = ctx.api(Door::Admin)?;
    let items = api.list(&format!("/{of}/causes"), &borrowed(&query), args.limit).await?;
    // A cause is no tenant's: the same error of several is one.
    print(ctx, &items, false, &text::causes_heading(ctx.lang()), |item| {
        vec![
            (Style::Bold, plain(item, "count")),
            (Style::Name, field(item, "cause").to_owned()),
            (Style::Bad, field(item, "failure_code").to_owned()),
            (Style::Plain, field(item, "task_type").to_owned()),
            (Style::Dim, ctx.out.moment(field(item, "last_failed_at"))),
            (Style::Plain, field(item, "message").to_owned()),
        ]
    });
    if let Some(item) = items.first().filter(|_| !ctx.out.json) {
        ctx.note(text::cause_hint(ctx.lang(), of, field(item, "cause")));
    }
    Ok(Exit::Ok)
}
