//! `nexus approve`, `nexus deny`, `nexus asks`: what waits for a person.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Value, json};

use super::context::{Ctx, Done, Door, Fail};
use super::exit::Exit;
use super::out::{Line, Style};
use super::render::{self, field};
use super::{table, text};
use crate::client::api::{ApiError, segment};

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
    #[arg(long, value_name = "STATUS", default_value = "pending")]
    pub status: String,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
}

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
    if ctx.out.json {
        ctx.out.json(&json!({"event": "ask", "ask": ask}));
    } else {
        render::ask(&ctx.out, &ask);
        if let Some(params) = &decision.params {
            ctx.out.line(&Line::new(Style::Warn, text::edited(lang)));
            ctx.out.pretty(params);
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
                (Style::Plain, render::plain(ask, "requested_by")),
                (Style::Dim, ctx.out.moment(field(ask, "expires_at"))),
                (Style::Plain, render::cut(field(ask, "question"), 80)),
            ]
        })
        .collect();
    table::print(&ctx.out, &text::asks_heading(ctx.lang()), &rows);
    Ok(Exit::Ok)
}
