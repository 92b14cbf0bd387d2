//! `nexus config …`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use nexus_kit::settings::docs;
use nexus_kit::settings::load::{Loaded, Source, load};
use serde_json::json;

use super::context::{Ctx, Done};
use super::exit::Exit;
use super::out::{Line, Style};
use super::{table, text};

/// Verbs of settings.
#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Check every source and list every problem
    Check(ConfigArgs),
    /// Show every value and where it comes from
    Show(ConfigArgs),
    /// Print the matrix of every setting
    Docs(DocsArgs),
}

/// `config check`, `config show`
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// TOML file of settings [nexus.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `config docs`
#[derive(Debug, Args)]
pub struct DocsArgs {
    /// Print .env.example instead
    #[arg(long)]
    pub example: bool,
}

/// Does one of them.
pub fn run(ctx: &Ctx, verb: &ConfigVerb) -> Done {
    match verb {
        ConfigVerb::Check(args) => {
            let loaded = read(ctx, args)?;
            if ctx.out.json {
                let warnings: Vec<&str> =
                    loaded.warnings.iter().map(|warning| warning.get(ctx.lang())).collect();
                ctx.out.json(&json!({"ok": true, "warnings": warnings}));
            } else {
                warn(ctx, &loaded);
                ctx.out.line(&Line::new(Style::Good, text::settings_ok(ctx.lang())));
            }
        }
        ConfigVerb::Show(args) => {
            let loaded = read(ctx, args)?;
            if ctx.out.json {
                for (name, value, source) in &loaded.values {
                    let line = json!({"name": name, "value": value, "source": source.to_string()});
                    ctx.out.json(&line);
                }
            } else {
                let rows: Vec<Vec<(Style, String)>> = loaded
                    .values
                    .iter()
                    .map(|(name, value, source)| {
                        let style =
                            if *source == Source::Default { Style::Dim } else { Style::Plain };
                        vec![
                            (Style::Name, name.clone()),
                            (style, value.clone()),
                            (Style::Dim, source.to_string()),
                        ]
                    })
                    .collect();
                table::print(&ctx.out, &text::config_heading(ctx.lang()), &rows);
                warn(ctx, &loaded);
            }
        }
        ConfigVerb::Docs(DocsArgs { example: true }) => ctx.out.document(&docs::example()),
        ConfigVerb::Docs(DocsArgs { example: false }) => ctx.out.document(&docs::matrix()),
    }
    Ok(Exit::Ok)
}

fn read(ctx: &Ctx, args: &ConfigArgs) -> Result<Loaded, super::context::Fail> {
    let mut inputs = ctx.inputs.clone();
    inputs.config.clone_from(&args.config);
    Ok(load(&inputs)?)
}

fn warn(ctx: &Ctx, loaded: &Loaded) {
    for warning in &loaded.warnings {
        ctx.warn(warning.get(ctx.lang()));
    }
}
