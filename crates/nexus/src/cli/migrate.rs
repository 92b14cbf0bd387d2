//! `nexus migrate`: brings the store to this version, as the owner of its tables.

use clap::Args;
use nexus_kit::db::Db;
use nexus_kit::settings::load::load;
use serde_json::json;

use super::context::{Ctx, Done, Fail};
use super::exit::Exit;
use super::out::{Line, Style};
use super::text;
use crate::lock;

/// `migrate`
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// TOML file of settings [nexus.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
}

/// Migrates and says from where to where.
pub fn run(ctx: &Ctx, args: &MigrateArgs) -> Done {
    let mut inputs = ctx.inputs.clone();
    inputs.config.clone_from(&args.config);
    let store = load(&inputs)?.settings.store;
    // A file that a server of another version has open is left alone; Postgres has a lock of its own.
    let _lock = match store.database_url.is_empty() {
        true => Some(lock::take(&store.data_dir).map_err(|error| Fail::Other(error.to_string()))?),
        false => None,
    };
    let done = Db::migrate(&store).map_err(|error| Fail::Other(error.to_string()))?;
    if ctx.out.json {
        ctx.out.json(&json!({"from": done.from, "to": done.to}));
        return Ok(Exit::Ok);
    }
    let lang = ctx.lang();
    let said = match done.from {
        None => text::store_made(lang, done.to),
        Some(from) if from == done.to => text::store_current(lang, done.to),
        Some(from) => text::store_migrated(lang, from, done.to),
    };
    ctx.out.line(&Line::new(Style::Good, said));
    Ok(Exit::Ok)
}
