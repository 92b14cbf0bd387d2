//! `nexus policy …`: what decides how risky a command is.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::{Ctx, Done, Door, Fail};
use super::exit::Exit;
use super::out::{Line, Style};
use super::params::params;
use super::render;
use super::send::RiskArg;
use super::{table, text};

/// Verbs of the policy.
#[derive(Debug, Subcommand)]
pub enum PolicyVerb {
    /// Show the rules
    Show,
    /// Replace the rules
    Set(SetArgs),
    /// Say which rule decides for a command
    Explain(ExplainArgs),
}

/// `policy set`
#[derive(Debug, Args)]
pub struct SetArgs {
    /// A JSON file with a list of rules, or an object with rules; - for standard input
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Replace this version only
    #[arg(long, value_name = "N")]
    pub version: Option<u64>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `policy explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The type of the command
    #[arg(value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    pub command_type: String,
    /// Params, as for send
    #[arg(value_name = "KEY=VALUE")]
    pub words: Vec<String>,
    /// All params at once: JSON, @file or -
    #[arg(long, value_name = "JSON")]
    pub params: Option<String>,
    /// The level that the caller would ask for
    #[arg(long, value_name = "RISK", ignore_case = true)]
    pub risk: Option<RiskArg>,
}

/// Does one of them.
pub async fn run(ctx: &Ctx, verb: &PolicyVerb) -> Done {
    match verb {
        PolicyVerb::Show => {
            let policy = ctx.api(Door::Service)?.get("/policy", &[]).await?;
            if ctx.out.json {
                ctx.out.json(&policy);
            } else {
                show(ctx, &policy);
            }
        }
        PolicyVerb::Set(args) => return set(ctx, args).await,
        PolicyVerb::Explain(args) => {
            let mut body = json!({
                "command_type": args.command_type,
                "params": params(args.params.as_deref(), &args.words, ctx.lang()).map_err(Fail::Usage)?,
            });
            if let Some(risk) = args.risk {
                body["risk"] = risk.name().into();
            }
            let answer = ctx.api(Door::Service)?.post("/policy/explain", &body).await?;
            if ctx.out.json {
                ctx.out.json(&answer);
            } else {
                render::verdict(&ctx.out, &args.command_type, &answer);
            }
        }
    }
    Ok(Exit::Ok)
}

async fn set(ctx: &Ctx, args: &SetArgs) -> Done {
    let source = if args.file == "-" { "-".to_owned() } else { format!("@{}", args.file) };
    let read = ctx.json_argument(&source)?;
    // What `policy show --json` printed can be edited and set: its version is the one it replaces.
    let (rules, written) = match read {
        Value::Array(_) => (read, None),
        Value::Object(mut object) => {
            let written = object.get("version").and_then(Value::as_u64);
            match object.remove("rules") {
                Some(rules @ Value::Array(_)) => (rules, written),
                _ => return Err(Fail::Usage(text::no_rules(ctx.lang()))),
            }
        }
        _ => return Err(Fail::Usage(text::no_rules(ctx.lang()))),
    };
    let count = rules.as_array().map_or(0, Vec::len);
    let api = ctx.api(Door::Admin)?;
    if !ctx.confirm(&text::policy_question(ctx.lang(), api.tenant(), count), args.yes).await? {
        ctx.note(text::nothing_sent(ctx.lang()));
        return Ok(Exit::Failed);
    }
    let mut body = json!({"rules": rules});
    if let Some(version) = args.version.or(written) {
        body["version"] = version.into();
    }
    let answer = api.put("/policy", Some(api.tenant()), &body).await?;
    if ctx.out.json {
        ctx.out.json(&answer);
    } else {
        let version = render::plain(&answer, "version");
        ctx.out.line(&Line::new(Style::Good, text::policy_set(ctx.lang(), &version)));
    }
    Ok(Exit::Ok)
}

fn show(ctx: &Ctx, policy: &Value) {
    let rules = policy.get("rules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    ctx.note(text::policy_version(ctx.lang(), &render::plain(policy, "version")));
    if rules.is_empty() {
        ctx.note(text::no_rules_yet(ctx.lang()));
    }
    let rows: Vec<Vec<(Style, String)>> = rules
        .iter()
        .map(|rule| {
            let level = render::field(rule, "level");
            let waits = rule.get("wait") == Some(&Value::Bool(true)) && level != "RED";
            let waits = if waits { format!("{level}+wait") } else { level.to_owned() };
            vec![
                (Style::Name, render::field(rule, "id").to_owned()),
                (Style::Plain, render::field(rule, "type").to_owned()),
                (Style::Plain, conditions(rule)),
                (render::style(level), waits),
                (Style::Plain, render::field(rule, "why").to_owned()),
            ]
        })
        .collect();
    table::print(&ctx.out, &text::rules_heading(ctx.lang()), &rows);
}

fn conditions(rule: &Value) -> String {
    let when = rule.get("when").and_then(Value::as_array).into_iter().flatten();
    let when = when.map(|condition| {
        let value = condition.get("value").filter(|value| !value.is_null());
        let value = value.map(|value| format!(" {value}")).unwrap_or_default();
        let (pointer, op) = (render::field(condition, "pointer"), render::field(condition, "op"));
        format!("{pointer} {op}{value}")
    });
    when.collect::<Vec<_>>().join(" & ")
}
