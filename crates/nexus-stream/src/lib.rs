//! The SSE door: `GET /agent/reports/stream`, the only source of live UI state.
//!
//! Invariants: between a snapshot or an accepted cursor and whatever follows no report is missing
//! and none comes twice, because replay and live are one loop over one cursor; ids are only ever
//! made by this program; every end of a stream that the server chooses is announced by `bye`.

mod body;
mod feed;
mod frames;
pub mod http;
mod opens;
mod places;
mod reactor;
mod rights;

use std::sync::Arc;
use std::time::Duration;

use nexus_kit::app::App;
use nexus_kit::supervise::{Shutdown, Supervisor};

use opens::Opens;
use places::Places;
use reactor::Reactor;

/// How often channels that nobody listens to are dropped.
const SWEEP: Duration = nexus_kit::hub::IDLE_CHANNEL;

/// How often the hub is compared with a store that others may write to.
const REPAIR: Duration = Duration::from_secs(1);

/// What this slice's handlers share.
#[derive(Clone)]
pub struct StreamState {
    pub(crate) app: App,
    pub(crate) places: Arc<Places>,
    pub(crate) opens: Arc<Opens>,
    pub(crate) reactor: Reactor,
    pub(crate) stop: Shutdown,
}

impl axum::extract::FromRef<StreamState> for App {
    fn from_ref(state: &StreamState) -> Self {
        state.app.clone()
    }
}

/// Puts the slice together and starts what runs by itself: trimming, sweeping, watching rights, and
/// the threads that write.
///
/// # Errors
/// When the system has no thread or no poll left.
pub fn start(app: &App, supervisor: &Supervisor) -> std::io::Result<StreamState> {
    let places: Arc<Places> = Arc::default();
    let (watching, watched) = (app.clone(), places.clone());
    supervisor.forever("stream-rights", move |stop| {
        let (app, places) = (watching.clone(), watched.clone());
        async move {
            tokio::select! {
                () = rights::watch(&app, &places) => {}
                () = stop.triggered() => {}
            }
        }
    });
    let trimming = app.clone();
    supervisor.forever("trimmer", move |stop| {
        let app = trimming.clone();
        async move {
            tokio::select! {
                () = app.trimmer.run(&app.db) => {}
                () = stop.triggered() => {}
            }
        }
    });
    let sweeping = app.clone();
    supervisor.forever("hub-sweep", move |stop| {
        let app = sweeping.clone();
        async move {
            loop {
                tokio::select! {
                    () = app.clock.sleep(SWEEP) => app.hub.sweep(),
                    () = stop.triggered() => return,
                }
            }
        }
    });
    if app.db.is_shared() {
        let repairing = app.clone();
        supervisor.forever("hub-repair", move |stop| {
            let app = repairing.clone();
            async move {
                loop {
                    tokio::select! {
                        () = app.clock.sleep(REPAIR) => {}
                        () = stop.triggered() => return,
                    }
                    if let Err(error) = app.hub.repair(&app.db).await {
                        tracing::debug!(%error, "the heads could not be compared");
                    }
                }
            }
        });
    }
    Ok(StreamState {
        app: app.clone(),
        places,
        opens: Arc::default(),
        reactor: Reactor::start(app, supervisor)?,
        stop: supervisor.shutdown_signal(),
    })
}
