//! `nexus types …`: the catalogue of commands.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use nexus_kit::settings::Lang;

use super::context::{Ctx, Done, Door};
use super::exit::Exit;
use super::out::{Line, Style};
use super::render::{self, field};
use super::{table, text};
use crate::client::api::segment;

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
}

/// Does one of them.
pub async fn run(ctx: &Ctx, verb: &TypesVerb) -> Done {
    match verb {
        TypesVerb::List => list(ctx).await,
        TypesVerb::Put(args) => put(ctx, args).await,
    }
}

async fn list(ctx: &Ctx) -> Done {
    let types = ctx.api(Door::Service)?.list("/commands/types", &[], 10_000).await?;
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
            let name = match field(row, "type") {
                "" => field(row, "command_type"),
                name => name,
            };
            let risk = field(row, "risk");
            let enabled = row.get("enabled").and_then(serde_json::Value::as_bool) != Some(false);
            let why = if enabled {
                String::new()
            } else {
                text::disabled(ctx.lang(), &render::plain(row, "why"))
            };
            vec![
                (Style::Name, name.to_owned()),
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
    let answer = ctx.api(Door::Admin)?.put(&path, &description).await?;
    if ctx.out.json {
        ctx.out.json(&answer);
    } else {
        let done = Line::new(Style::Good, text::registered(ctx.lang()));
        ctx.out.line(&done.and(Style::Name, args.command_type.as_str()));
    }
    Ok(Exit::Ok)
}
