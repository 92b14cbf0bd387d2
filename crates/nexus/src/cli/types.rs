//! `nexus types …`: the catalogue of commands.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use nexus_client::segment;
use nexus_kit::settings::Lang;

use super::context::{Ctx, Done, Door};
use super::exit::Exit;
use super::out::{Line, Style};
use super::render::{self, field};
use super::{table, text};

/// Verbs of the catalogue.
#[derive(Debug, Subcommand)]
pub enum TypesVerb {
    /// List what can be sent
    List,
    /// Register a type that an outside agent performs
    Put(PutArgs),
}

/// `types put`
#[derive(Debug, Args)]
pub struct PutArgs {
    /// The type
    #[arg(value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    pub command_type: String,
    /// Its description: JSON, @file or -
    #[arg(value_name = "JSON")]
    pub description: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Does one of them.
pub async fn run(ctx: &Ctx, verb: &TypesVerb) -> Done {
    match verb {
        TypesVerb::List => list(ctx).await,
        TypesVerb::Put(args) => put(ctx, args).await,
    }
}

async fn list(ctx: &Ctx) -> Done {
    let types = ctx.api(Door::Service)?.all("/commands/types", &[]).await?;
    if ctx.out.json {
        types.iter().for_each(|row| ctx.out.json(row));
        return Ok(Exit::Ok);
    }
    let title = match ctx.lang() {
        Lang::En => "title_en",
        Lang::Ko => "title_ko",
    };
    let rows: Vec<Vec<(Style, String)>> = types
        .iter()
        .map(|row| {
            let risk = field(row, "risk");
            let enabled = row.get("enabled").and_then(serde_json::Value::as_bool) != Some(false);
            let why = if enabled {
                String::new()
            } else {
                text::disabled(ctx.lang(), &render::plain(row, "disabled_because"))
            };
            vec![
                (Style::Name, field(row, "command_type").to_owned()),
                (render::style(risk), risk.to_owned()),
                (Style::Plain, field(row, "agent").to_owned()),
                (Style::Plain, field(row, title).to_owned()),
                (Style::Warn, why),
            ]
        })
        .collect();
    table::print(&ctx.out, &text::types_heading(ctx.lang()), &rows);
    Ok(Exit::Ok)
}

async fn put(ctx: &Ctx, args: &PutArgs) -> Done {
    let description = ctx.json_argument(&args.description)?;
    let path = format!("/commands/types/{}", segment(&args.command_type));
    let name = args.command_type.as_str();
    let api = ctx.api(Door::Admin)?;
    // Who rates a type decides what may run without being asked; the server wants it said twice.
    let risk = field(&description, "risk");
    let confirm = if risk.is_empty() {
        None
    } else if ctx.confirm(&text::rate_question(ctx.lang(), name, risk), args.yes).await? {
        Some(name)
    } else {
        ctx.note(text::nothing_sent(ctx.lang()));
        return Ok(Exit::Failed);
    };
    let answer = api.put(&path, confirm, &description).await?;
    if ctx.out.json {
        ctx.out.json(&answer);
    } else {
        let done = Line::new(Style::Good, text::registered(ctx.lang()));
        let risk = field(&answer, "risk");
        ctx.out.line(&done.and(Style::Name, name).and(render::style(risk), risk));
    }
    Ok(Exit::Ok)
}
