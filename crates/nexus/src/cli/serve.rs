//! `nexus serve`.

use clap::Args;
use nexus_kit::settings::keys;
use nexus_kit::settings::load::{Loaded, load};

use super::context::{Ctx, Done, Fail};
use super::exit::Exit;
use super::text;

/// `serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// TOML file of settings [nexus.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
}

/// Loads the settings, makes the keys of a first run, and serves.
pub async fn run(ctx: &Ctx, args: &ServeArgs) -> Done {
    let loaded = prepare(ctx, args)?;
    for warning in &loaded.warnings {
        ctx.warn(warning.get(ctx.lang()));
    }
    crate::serve(loaded, |page| ctx.note(text::first_admin(ctx.lang(), page)))
        .await
        .map_err(Fail::Other)?;
    Ok(Exit::Ok)
}

/// Settings as a server needs them, with keys that open at least one door unless somebody closed
/// both.
pub fn prepare(ctx: &Ctx, args: &ServeArgs) -> Result<Loaded, Fail> {
    let mut inputs = ctx.inputs.clone();
    inputs.config.clone_from(&args.config);
    let loaded = load(&inputs)?;
    if !loaded.wants_keys() {
        return Ok(loaded);
    }
    let data_dir = inputs.dir.join(&loaded.settings.store.data_dir);
    let path = data_dir.join(keys::FILE);
    let failed =
        |why: String| Fail::Other(text::keys_failed(ctx.lang(), &path.display().to_string(), &why));
    let mut entropy: keys::Entropy = [0; 64];
    getrandom::fill(&mut entropy).map_err(|why| failed(why.to_string()))?;
    if keys::ensure_keys(&data_dir, &entropy).map_err(|why| failed(why.to_string()))? {
        ctx.note(text::keys_made(ctx.lang(), &path.display().to_string()));
    }
    Ok(load(&inputs)?)
}
