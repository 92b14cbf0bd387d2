//! `nexus approve`, `nexus deny`, `nexus asks`: what waits for a person.

use clap::Args;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use nexus_client::{ApiError, segment};
use nexus_core::approval::{Bound, digest as digest_of};
use nexus_core::json::canonical;
use serde_json::{Value, json};

use super::context::{Ctx, Done, Door, Fail};
use super::exit::Exit;
use super::out::{Line, Style};
use super::render::{self, field};
use super::{table, text};

/// `approve`
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The ask
    #[arg(value_name = "ASK_ID", value_parser = NonEmptyStringValueParser::new())]
    pub ask_id: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Approve with these params instead: JSON, @file or -
    #[arg(long, value_name = "JSON")]
    pub params: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `deny`
#[derive(Debug, Args)]
pub struct DenyArgs {
    /// The ask
    #[arg(value_name = "ASK_ID", value_parser = NonEmptyStringValueParser::new())]
    pub ask_id: String,
    /// Why; the requester reads it
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `asks`
#[derive(Debug, Args)]
pub struct AsksArgs {
    /// Asks with this status
    #[arg(long, value_name = "STATUS", default_value = "pending",
        hide_possible_values = true, value_parser = PossibleValuesParser::new(STATUSES))]
    pub status: String,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
}

/// Where an ask can stand.
const STATUSES: [&str; 6] = ["pending", "approved", "denied", "expired", "superseded", "cancelled"];

/// Approves exactly what was shown.
pub async fn approve(ctx: &Ctx, args: &ApproveArgs) -> Done {
    let params = args.params.as_deref().map(|text| ctx.json_argument(text)).transpose()?;
    let decision = Decision { word: "approve", reason: args.reason.as_deref(), params };
    decide(ctx, &args.ask_id, decision, args.yes).await
}

/// Denies.
pub async fn deny(ctx: &Ctx, args: &DenyArgs) -> Done {
    let decision = Decision { word: "deny", reason: args.reason.as_deref(), params: None };
    decide(ctx, &args.ask_id, decision, args.yes).await
}

struct Decision<'a> {
    word: &'static str,
    reason: Option<&'a str>,
    params: Option<Value>,
}

async fn decide(ctx: &Ctx, ask_id: &str, decision: Decision<'_>, yes: bool) -> Done {
    let lang = ctx.lang();
    let api = ctx.api(Door::Admin)?;
    let path = format!("/approvals/{}", segment(ask_id));
    let ask = api.get(&path, &[]).await?;
    let digest = field(&ask, "digest");
    if digest.is_empty() {
        // Without it nothing would tie the yes to what was shown.
        return Err(Fail::Api(ApiError::Strange("the ask has no digest".into())));
    }
    let seen = seen(&ask, digest);
    if ctx.out.json {
        ctx.out.json(&json!({"event": "ask", "ask": ask}));
    } else {
        render::ask(&ctx.out, &ask);
        let note = match &seen {
            Seen::Same => Line::new(Style::Good, text::digest_checked(lang)),
            Seen::Hidden => Line::new(Style::Warn, text::digest_unchecked(lang)),
            Seen::Other(shown) => Line::new(Style::Bad, shown.as_str()),
        };
        let label = format!("  {}:", text::label(lang, "digest"));
        ctx.out.line(&Line::new(Style::Dim, label).and(Style::Bold, digest).and_line(note));
        if let Some(params) = &decision.params {
            ctx.out.line(&Line::new(Style::Warn, text::edited(lang)));
            ctx.out.pretty(params);
        }
    }
    match field(&ask, "status") {
        "" | "pending" => {}
        status => return Err(over(ctx, &ask, ask_id, status)),
    }
    if decision.word == "approve" {
        match seen {
            Seen::Same => {}
            Seen::Hidden => ctx.warn(&text::hidden_written_out(lang)),
            Seen::Other(shown) => {
                return Err(Fail::Stopped {
                    exit: Exit::Refused,
                    code: "digest_mismatch",
                    detail: text::digest_differs(lang, &shown),
                    hint: None,
                });
            }
        }
    }
    let question = match decision.word {
        "approve" => text::approve_question(lang),
        _ => text::deny_question(lang),
    };
    if !ctx.confirm(&question, yes).await? {
        ctx.note(text::nothing_sent(lang));
        return Ok(Exit::Failed);
    }
    let mut body = json!({"decision": decision.word, "digest": digest});
    if let Some(reason) = decision.reason {
        body["reason"] = reason.into();
    }
    if let Some(params) = decision.params {
        body["params"] = params;
    }
    api.post(&format!("{path}/decide"), &body).await?;
    if ctx.out.json {
        ctx.out.json(&json!({"event": "sent", "ask_id": ask_id, "decision": decision.word}));
    } else {
        // What comes of it is a later report, never this answer.
        ctx.out.line(&Line::new(Style::Good, text::decision_sent(lang)).and(Style::Name, ask_id));
        ctx.note(text::watch_hint(lang));
    }
    Ok(Exit::Ok)
}

/// Whether the digest is that of what was shown.
enum Seen {
    /// It is.
    Same,
    /// Hidden characters are written out, so it cannot be told.
    Hidden,
    /// It is of something else; this is the digest of what was shown.
    Other(String),
}

fn seen(ask: &Value, digest: &str) -> Seen {
    if ask.get("hidden_characters") == Some(&Value::Bool(true)) {
        return Seen::Hidden;
    }
    let bound = ask.get("bound").cloned().unwrap_or_else(|| json!([]));
    let bound: Vec<Bound> = serde_json::from_value(bound).unwrap_or_default();
    let shown = digest_of(&canonical(ask.get("params").unwrap_or(&Value::Null)), &bound);
    if shown == digest { Seen::Same } else { Seen::Other(shown) }
}

/// An ask that is over needs no answer from the server to say so.
fn over(ctx: &Ctx, ask: &Value, ask_id: &str, status: &str) -> Fail {
    let lang = ctx.lang();
    let (code, hint) = match status {
        "expired" => ("ask_expired", Some(text::ask_again_hint(lang, field(ask, "task_id")))),
        _ => ("ask_already_decided", None),
    };
    Fail::Stopped {
        exit: Exit::Refused,
        code,
        detail: text::ask_over(lang, ask_id, &text::status(lang, status)),
        hint,
    }
}

/// Lists asks.
pub async fn asks(ctx: &Ctx, args: &AsksArgs) -> Done {
    let api = ctx.api(Door::Service)?;
    let asks = api.list("/approvals", &[("status", &args.status)], args.limit).await?;
    if ctx.out.json {
        asks.iter().for_each(|ask| ctx.out.json(ask));
        return Ok(Exit::Ok);
    }
    if asks.is_empty() {
        ctx.note(text::nothing_here(ctx.lang()));
    }
    let rows: Vec<Vec<(Style, String)>> = asks
        .iter()
        .map(|ask| {
            let status = field(ask, "status");
            vec![
                (Style::Name, field(ask, "ask_id").to_owned()),
                (render::style(status), text::status(ctx.lang(), status)),
                (Style::Plain, field(ask, "command_type").to_owned()),
                (Style::Plain, render::who(ask, "requested_by")),
                (Style::Dim, ctx.out.moment(field(ask, "expires_at"))),
                (Style::Plain, render::question(ctx.lang(), ask)),
            ]
        })
        .collect();
    table::print(&ctx.out, &text::asks_heading(ctx.lang()), &rows);
    Ok(Exit::Ok)
}
