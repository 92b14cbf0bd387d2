//! `nexus key …`: keys of programs and agents.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use nexus_client::segment;
use serde_json::{Value, json};

use super::context::{Ctx, Done, Door};
use super::exit::Exit;
use super::out::{Line, Style};
use super::render::field;
use super::{table, text};

/// Verbs of keys.
#[derive(Debug, Subcommand)]
pub enum KeyVerb {
    /// Make a key; it is shown once
    Create(CreateArgs),
    /// List keys
    List(ListArgs),
    /// End a key
    Revoke(RevokeArgs),
    /// Make a new key in the place of one
    Rotate(RotateArgs),
}

/// `key create`
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Whose key
    #[arg(long, value_name = "KIND")]
    pub kind: KindArg,
    /// What people read
    #[arg(long, value_name = "TEXT")]
    pub title: String,
    /// A command type that the key may perform; may stand several times
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// When it ends by itself
    #[arg(long, value_name = "TIME")]
    pub expires_at: Option<String>,
    /// Good for every tenant
    #[arg(long)]
    pub all_tenants: bool,
}

/// Kinds of keys.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KindArg {
    /// A program that sends commands.
    #[value(help = None)]
    Service,
    /// A program that performs them.
    #[value(help = None)]
    Agent,
}

/// `key list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Keys of all tenants instead of this one's
    #[arg(long)]
    pub all_tenants: bool,
}

/// `key rotate`
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// The key's id
    #[arg(value_name = "KEY_ID", value_parser = NonEmptyStringValueParser::new())]
    pub key_id: String,
    /// Seconds that the old key lives on [86400]
    #[arg(long, value_name = "SECONDS")]
    pub overlap: Option<u32>,
    /// It is a key of all tenants
    #[arg(long)]
    pub all_tenants: bool,
}

/// `key revoke`
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The key's id
    #[arg(value_name = "KEY_ID", value_parser = NonEmptyStringValueParser::new())]
    pub key_id: String,
    /// It is a key of all tenants
    #[arg(long)]
    pub all_tenants: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Does one of them.
pub async fn run(ctx: &Ctx, verb: &KeyVerb) -> Done {
    let api = ctx.api(Door::Admin)?;
    let lang = ctx.lang();
    match verb {
        KeyVerb::Create(args) => {
            let kind = match args.kind {
                KindArg::Service => "service",
                KindArg::Agent => "agent",
            };
            let mut body = json!({"kind": kind, "title": args.title});
            if !args.types.is_empty() {
                body["types"] = args.types.clone().into();
            }
            if let Some(time) = &args.expires_at {
                body["expires_at"] = time.clone().into();
            }
            if args.all_tenants {
                body["all_tenants"] = true.into();
            }
            let answer = api.post("/keys", &body).await?;
            made(ctx, &answer, text::key_made(lang, field(&answer, "key_id")));
        }
        KeyVerb::Rotate(args) => {
            let path = format!("/keys/{}/rotate", segment(&args.key_id));
            let body = match args.overlap {
                Some(seconds) => json!({"overlap_seconds": seconds}),
                None => json!({}),
            };
            let answer = api.post_to(&path, &scope(args.all_tenants), &body).await?;
            made(ctx, &answer, text::rotated(lang, field(&answer, "key_id")));
        }
        KeyVerb::Revoke(args) => {
            if !ctx.confirm(&text::revoke_question(lang, &args.key_id), args.yes).await? {
                ctx.note(text::nothing_sent(lang));
                return Ok(Exit::Failed);
            }
            let mut query = scope(args.all_tenants);
            query.push(("confirm", &args.key_id));
            api.delete(&format!("/keys/{}", segment(&args.key_id)), &query).await?;
            if ctx.out.json {
                ctx.out.json(&json!({"event": "revoked", "key_id": args.key_id}));
            } else {
                let done = Line::new(Style::Good, text::revoked(lang));
                ctx.out.line(&done.and(Style::Name, args.key_id.as_str()));
            }
        }
        KeyVerb::List(args) => {
            let keys = api.all("/keys", &scope(args.all_tenants)).await?;
            if ctx.out.json {
                keys.iter().for_each(|key| ctx.out.json(key));
                return Ok(Exit::Ok);
            }
            let rows: Vec<Vec<(Style, String)>> = keys
                .iter()
                .map(|key| {
                    vec![
                        (Style::Name, field(key, "key_id").to_owned()),
                        (Style::Plain, field(key, "kind").to_owned()),
                        (Style::Plain, field(key, "title").to_owned()),
                        (Style::Plain, types(key)),
                        (Style::Dim, ctx.out.moment(field(key, "expires_at"))),
                        (Style::Dim, ctx.out.moment(field(key, "last_used"))),
                        (Style::Warn, state(ctx, key)),
                    ]
                })
                .collect();
            table::print(&ctx.out, &text::keys_heading(lang), &rows);
        }
    }
    Ok(Exit::Ok)
}

fn scope(all_tenants: bool) -> Vec<(&'static str, &'static str)> {
    if all_tenants { vec![("all_tenants", "true")] } else { Vec::new() }
}

fn types(key: &Value) -> String {
    let types = key.get("types").and_then(Value::as_array).into_iter().flatten();
    types.filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

fn state(ctx: &Ctx, key: &Value) -> String {
    let mut words = Vec::new();
    if key.get("all_tenants") == Some(&Value::Bool(true)) {
        words.push(text::every_tenant(ctx.lang()));
    }
    if !field(key, "revoked_at").is_empty() {
        words.push(text::revoked(ctx.lang()));
    }
    words.join(", ")
}

/// The key alone on standard output, so that a script can keep it; the rest beside it.
fn made(ctx: &Ctx, answer: &Value, note: String) {
    if ctx.out.json {
        ctx.out.json(answer);
    } else {
        ctx.note(note);
        ctx.out.line(&Line::plain(field(answer, "key")));
    }
}
