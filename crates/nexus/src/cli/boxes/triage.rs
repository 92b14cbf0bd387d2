//! `nexus dlq triage`, `nexus dlq policy …`, `nexus alarm resolve`: what is to be done about what
//! failed.

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, Subcommand};
use nexus_core::failure::FailureCode;
use serde_json::{Value, json};

use super::select::FilterArgs;
use super::text;
use crate::cli::context::{Ctx, Done, Door, Fail};
use crate::cli::exit::Exit;
use crate::cli::out::{Line, Style};
use crate::cli::render::{field, plain};
use crate::cli::table;

/// Ids of each decision that are shown.
const SHOWN: usize = 5;

/// What of a policy can be set.
const FIELDS: [&str; 4] = ["requeue", "hold", "alarm", "enforce_alarm_no_requeue"];

/// `dlq triage`
#[derive(Debug, Args)]
pub struct TriageArgs {
    /// These tasks
    #[arg(value_name = "TASK_ID", value_parser = NonEmptyStringValueParser::new())]
    pub ids: Vec<String>,
    /// Those that these let through.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// In all tenants; needs ADMIN_API_KEY
    #[arg(long)]
    pub all_tenants: bool,
}

/// Verbs of the triage policy.
#[derive(Debug, Subcommand)]
pub enum PolicyVerb {
    /// Show the triage policy
    Get,
    /// Give the tenant a triage policy of its own
    Set(SetArgs),
    /// Go back to the policy of the server's settings
    Reset(ResetArgs),
    /// Try a policy on what failed in the last days
    Simulate(SimulateArgs),
}

/// `dlq policy set`
#[derive(Debug, Args)]
pub struct SetArgs {
    /// A JSON file with requeue, hold and alarm, as get prints it with --json; - for standard input
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Replace this version only
    #[arg(long, value_name = "N")]
    pub version: Option<u64>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `dlq policy reset`
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `dlq policy simulate`
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// A JSON file with requeue, hold and alarm, as get prints it with --json; - for standard input
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Days of UTC, today among them
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub days: u32,
}

/// `alarm resolve`
#[derive(Debug, Args)]
pub struct ResolveArgs {
    /// These tasks
    #[arg(value_name = "TASK_ID", value_parser = NonEmptyStringValueParser::new(),
        required_unless_present = "failure_code")]
    pub ids: Vec<String>,
    /// All that failed with this code until now
    #[arg(long, value_name = "CODE", ignore_case = true, hide_possible_values = true,
        conflicts_with = "ids",
        value_parser = PossibleValuesParser::new(FailureCode::ALL.iter().map(|code| code.as_str())))]
    pub failure_code: Option<String>,
    /// What was done about it
    #[arg(long, value_name = "TEXT")]
    pub note: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Says what the policy would do.
pub async fn triage(ctx: &Ctx, args: &TriageArgs) -> Done {
    let mut body = json!({});
    if !args.ids.is_empty() {
        body["ids"] = json!(args.ids);
    }
    if let Some(filter) = args.filter.body() {
        body["filter"] = filter;
    }
    let query: &[(&str, &str)] = if args.all_tenants { &[("tenant", "*")] } else { &[] };
    let said = ctx.api(Door::Admin)?.post_to("/dlq/triage", query, &body).await?;
    if ctx.out.json {
        ctx.out.json(&said);
        return Ok(Exit::Ok);
    }
    let lang = ctx.lang();
    let decisions = said.get("decisions").and_then(Value::as_array).into_iter().flatten();
    for decision in decisions {
        let called = text::triage(lang, field(decision, "triage"));
        let line = Line::new(Style::Plain, format!("{:>7}", plain(decision, "count")));
        ctx.out.line(&line.and(Style::Bold, called));
        let ids = decision.get("ids").and_then(Value::as_array).into_iter().flatten();
        let mut ids = ids.filter_map(Value::as_str);
        for id in ids.by_ref().take(SHOWN) {
            ctx.out.line(&Line::new(Style::Name, format!("          {id}")));
        }
        if ids.next().is_some() {
            ctx.out.line(&Line::new(Style::Dim, "          …"));
        }
    }
    let missing = said.get("missing").and_then(Value::as_array).map_or(0, Vec::len);
    if missing > 0 {
        ctx.warn(&text::missing(lang, missing));
    }
    ctx.note(text::apply_hint(lang));
    Ok(Exit::Ok)
}

/// Does one of the verbs of the policy.
pub async fn policy(ctx: &Ctx, verb: &PolicyVerb) -> Done {
    match verb {
        PolicyVerb::Get => {
            let policy = ctx.api(Door::Admin)?.get("/dlq/policy", &[]).await?;
            show(ctx, &policy);
            Ok(Exit::Ok)
        }
        PolicyVerb::Set(args) => set(ctx, args).await,
        PolicyVerb::Reset(args) => reset(ctx, args).await,
        PolicyVerb::Simulate(args) => simulate(ctx, args).await,
    }
}

/// A policy out of a file, and the version that was written with it.
fn read(ctx: &Ctx, file: &str) -> Result<(Value, Option<u64>), Fail> {
    let source = if file == "-" { "-".to_owned() } else { format!("@{file}") };
    let Value::Object(written) = ctx.json_argument(&source)? else {
        return Err(Fail::Usage(text::no_policy(ctx.lang())));
    };
    let lists = FIELDS[..3].iter().all(|name| written.get(*name).is_some_and(Value::is_array));
    if !lists {
        return Err(Fail::Usage(text::no_policy(ctx.lang())));
    }
    let version = written.get("version").and_then(Value::as_u64);
    let set = written.into_iter().filter(|(name, _)| FIELDS.contains(&name.as_str()));
    Ok((Value::Object(set.collect()), version))
}

async fn set(ctx: &Ctx, args: &SetArgs) -> Done {
    let (mut policy, written) = read(ctx, &args.file)?;
    let api = ctx.api(Door::Admin)?;
    if !ctx.confirm(&text::set_question(ctx.lang(), api.tenant()), args.yes).await? {
        ctx.note(crate::cli::text::nothing_sent(ctx.lang()));
        return Ok(Exit::Failed);
    }
    if let Some(version) = args.version.or(written) {
        policy["expected_version"] = version.into();
    }
    let policy = api.put("/dlq/policy", Some(api.tenant()), &policy).await?;
    show(ctx, &policy);
    Ok(Exit::Ok)
}

async fn reset(ctx: &Ctx, args: &ResetArgs) -> Done {
    let api = ctx.api(Door::Admin)?;
    if !ctx.confirm(&text::reset_question(ctx.lang(), api.tenant()), args.yes).await? {
        ctx.note(crate::cli::text::nothing_sent(ctx.lang()));
        return Ok(Exit::Failed);
    }
    let policy = api.delete("/dlq/policy", &[("confirm", api.tenant())]).await?;
    show(ctx, &policy);
    Ok(Exit::Ok)
}

fn show(ctx: &Ctx, policy: &Value) {
    if ctx.out.json {
        ctx.out.json(policy);
        return;
    }
    let lang = ctx.lang();
    let version = plain(policy, "version");
    let from = text::source(lang, field(policy, "source"), &version);
    ctx.out.line(&Line::new(Style::Bold, from));
    for list in &FIELDS[..3] {
        let codes = policy.get(*list).and_then(Value::as_array).into_iter().flatten();
        let codes: Vec<&str> = codes.filter_map(Value::as_str).collect();
        let codes = if codes.is_empty() { "-".to_owned() } else { codes.join(", ") };
        let label = Line::new(Style::Dim, format!("  {}:", text::triage(lang, list)));
        ctx.out.line(&label.and(Style::Plain, codes));
    }
    if policy.get("enforce_alarm_no_requeue") == Some(&Value::Bool(false)) {
        ctx.warn(&text::not_enforced(lang));
    }
    let resolved = policy.get("resolved").and_then(Value::as_array).into_iter().flatten();
    for code in resolved {
        let at = ctx.out.moment(field(code, "at"));
        let called = crate::cli::render::who(code, "by");
        let line = Line::new(Style::Good, text::resolved(lang, field(code, "failure_code")));
        let line = line.and(Style::Dim, at).and(Style::Plain, called);
        ctx.out.line(&line.and(Style::Plain, field(code, "note")));
    }
}

async fn simulate(ctx: &Ctx, args: &SimulateArgs) -> Done {
    let (policy, _) = read(ctx, &args.file)?;
    let body = json!({"policy": policy, "days": args.days});
    let said = ctx.api(Door::Admin)?.post("/dlq/policy/simulate", &body).await?;
    if ctx.out.json {
        ctx.out.json(&said);
        return Ok(Exit::Ok);
    }
    let lang = ctx.lang();
    let failed = text::failed_in(lang, &plain(&said, "count"), args.days);
    ctx.out.line(&Line::new(Style::Bold, failed));
    let codes = said.get("by_code").and_then(Value::as_array).into_iter().flatten();
    let rows: Vec<Vec<(Style, String)>> = codes
        .map(|code| {
            let (now, then) = (field(code, "now"), field(code, "then"));
            let changed = if now == then { Style::Plain } else { Style::Warn };
            vec![
                (Style::Plain, plain(code, "count")),
                (Style::Name, field(code, "failure_code").to_owned()),
                (Style::Plain, text::triage(lang, now).to_owned()),
                (changed, text::triage(lang, then).to_owned()),
            ]
        })
        .collect();
    table::print(&ctx.out, &text::simulate_heading(lang), &rows);
    let changed = said.get("changed").and_then(Value::as_array).map_or(0, Vec::len);
    ctx.note(text::codes_change(lang, changed));
    Ok(Exit::Ok)
}

/// Says that something is gone, so that its tasks may be requeued.
pub async fn resolve(ctx: &Ctx, args: &ResolveArgs) -> Done {
    let lang = ctx.lang();
    let mut body = json!({"note": args.note});
    let what = match &args.failure_code {
        Some(code) => {
            let code = code.to_ascii_uppercase();
            body["failure_code"] = code.as_str().into();
            text::all_of_code(lang, &code)
        }
        None => {
            body["ids"] = json!(args.ids);
            text::tasks(lang, args.ids.len())
        }
    };
    if !ctx.confirm(&text::resolve_question(lang, &what), args.yes).await? {
        ctx.note(crate::cli::text::nothing_sent(lang));
        return Ok(Exit::Failed);
    }
    let resolved = ctx.api(Door::Admin)?.post("/alarm/resolve", &body).await?;
    if ctx.out.json {
        ctx.out.json(&resolved);
        return Ok(Exit::Ok);
    }
    let count = plain(&resolved, "count");
    ctx.out.line(&Line::new(Style::Good, text::may_be_requeued(lang, &count)));
    let missing = resolved.get("missing").and_then(Value::as_array).map_or(0, Vec::len);
    if missing > 0 {
        ctx.warn(&text::missing(lang, missing));
    }
    Ok(Exit::Ok)
}
