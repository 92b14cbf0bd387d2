//! `nexus serve`: a server until somebody stops it.

use nexus_kit::clock::Clock;
use nexus_kit::entropy::Entropy;
use nexus_kit::settings::load::Loaded;
use nexus_kit::telemetry::logs;
use tokio::signal::unix::{SignalKind, signal};

use crate::first_admin::page;
use crate::start;

/// Runs a server until it is told to stop. `welcome` shows somebody at the terminal the page where
/// they become the first admin; it works like a password, so it goes to no log.
///
/// # Errors
/// When it cannot start, or its store failed while it ran.
pub async fn serve(loaded: Loaded, welcome: impl FnOnce(&str)) -> Result<(), String> {
    // Whatever this process writes is its own.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let clock = Clock::system();
    let told = clock.clone();
    logs::init(&loaded.settings.log, std::sync::Arc::new(move || told.now()))
        .map_err(|error| error.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let settings = loaded.settings;
    let (service, admin) = (settings.keys.service.is_empty(), settings.keys.admin.is_empty());
    let running = start(settings, clock, Entropy::system(), Vec::new());
    let running = running.await.map_err(|error| error.to_string())?;
    for (closed, name) in [(service, "NEXUS_API_KEY"), (admin, "ADMIN_API_KEY")] {
        if closed {
            tracing::warn!("{name} is empty: its door is closed");
        }
    }
    if running.first_run {
        tracing::info!("first run: made the tenant default:default");
    }
    tracing::info!(address = %running.address, version = env!("CARGO_PKG_VERSION"), "NEXUS listens");
    if let Some(path) = &running.first_admin {
        welcome(&page(running.address, path));
    }
    let failed = tokio::select! {
        () = running.failed() => true,
        _ = tokio::signal::ctrl_c() => false,
        _ = terminate.recv() => false,
    };
    tracing::info!("stopping: no new requests, what runs may end");
    running.stop().await;
    if failed {
        return Err("the store failed; what was acknowledged is on disk".to_owned());
    }
    tracing::info!("stopped");
    Ok(())
}
