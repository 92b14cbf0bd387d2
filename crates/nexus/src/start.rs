//! Starting a whole NEXUS: settings in, a server that listens out.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nexus_alerts::Alerts;
use nexus_alerts::http::AlertState;
use nexus_auth::{Auth, AuthState, ensure_default_tenant};
use nexus_core::id::CorrelationId;
use nexus_core::view::Keep;
use nexus_kit::app::App;
use nexus_kit::clock::Clock;
use nexus_kit::db::{DbError, Scope};
use nexus_kit::egress::Guard;
use nexus_kit::entropy::Entropy;
use nexus_kit::http::Edge;
use nexus_kit::http::principal::Authenticator;
use nexus_kit::http::server;
use nexus_kit::log::adopt_keep;
use nexus_kit::settings::Settings;
use nexus_kit::supervise::Supervisor;
use nexus_kit::telemetry::metrics::Metrics;
use nexus_ops::{Check, Ops};
use nexus_work::agent::Agent;
use nexus_work::{Work, WorkState};
use tokio::net::TcpListener;

use crate::lock::{self, DataLock};
use crate::routes::{self, States};

/// What a shutdown gives beyond the time that connections have.
const CUT: Duration = Duration::from_secs(2);

/// Why a server did not start; nothing runs then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error("{0}")]
    DataDir(String),
    /// The store cannot be opened or migrated.
    #[error("the store cannot be used: {0}")]
    Store(#[from] DbError),
    /// `NEXUS_BIND` cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, std::io::Error),
    /// A setting that only the parts can judge.
    #[error("{0}")]
    Setting(String),
    /// A fault of this program.
    #[error("NEXUS cannot be put together: {0}")]
    Wiring(String),
}

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its parts.
    pub app: App,
    /// Whether this was the first run, which made the tenant `default:default`.
    pub first_run: bool,
    /// The page, below the address, where somebody becomes the first admin; works once. None while
    /// there is an admin.
    pub first_admin: Option<String>,
    supervisor: Supervisor,
    _lock: DataLock,
}

impl Running {
    /// Stops accepting, lets what runs end within the time that the settings give, ends streams,
    /// and names what had to be cut off.
    pub async fn stop(self) -> Vec<&'static str> {
        // Connections allow themselves the whole time; what is cut off after it comes on top.
        self.supervisor.shutdown(self.app.settings.http.shutdown + CUT).await
    }

    /// Returns when the store has failed and the process should end.
    pub async fn failed(&self) {
        let mut failed = self.app.failed.clone();
        if failed.wait_for(|failed| *failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Starts a server with the built-in agents and any `more`.
///
/// # Errors
/// When the data directory, the store, the address or a setting cannot be used.
pub async fn start(
    settings: Settings,
    clock: Clock,
    entropy: Entropy,
    more: Vec<Arc<dyn Agent>>,
) -> Result<Running, StartError> {
    let lock = lock::take(&settings.store.data_dir)?;
    let bind = settings.http.bind;
    let listener = TcpListener::bind(bind).await.map_err(|error| StartError::Bind(bind, error))?;
    let address = listener.local_addr().map_err(|error| StartError::Bind(bind, error))?;
    let guard = Guard::new(&settings.egress).map_err(|e| StartError::Setting(e.to_string()))?;

    let metrics = Metrics::new();
    let supervisor = Supervisor::new(metrics.clone());
    let made: Arc<Mutex<Option<Arc<Auth>>>> = Arc::default();
    let keep_auth = made.clone();
    let random = entropy.clone();
    let app = App::open(settings, clock, entropy, metrics.clone(), move |settings, db, clock| {
        let auth = Auth::new(settings, db, clock, &random);
        *keep_auth.lock().unwrap_or_else(PoisonError::into_inner) = Some(auth.clone());
        auth as Arc<dyn Authenticator>
    })?;
    let auth = made.lock().unwrap_or_else(PoisonError::into_inner).take();
    let auth = auth.ok_or_else(|| StartError::Wiring("no authenticator was made".to_owned()))?;
    let wiring = |error: String| StartError::Wiring(error);
    let first_run = ensure_default_tenant(&app).await.map_err(|e| wiring(e.to_string()))?;
    let keep = Keep { worklog: app.settings.stream.worklog_keep, ..Keep::default() };
    let first_admin = auth.first_admin_link(&app).await.map_err(|e| wiring(e.to_string()))?;
    adopt_keep(&app.db, &app.entropy, keep).await?;

    let auditing = auth.clone();
    supervisor.forever("audit-refusals", move |stop| {
        let auth = auditing.clone();
        async move { auth.run_audit(&stop).await }
    });
    let (sweeping, swept) = (auth.clone(), app.clone());
    supervisor.forever("people-sweep", move |stop| {
        let (auth, app) = (sweeping.clone(), swept.clone());
        async move {
            tokio::select! {
                () = auth.run_sweep(&app) => {}
                () = stop.triggered() => {}
            }
        }
    });
    let guard = Arc::new(guard);
    let alerts = Alerts::new(&app, guard.clone()).map_err(StartError::Setting)?;
    let mut agents = nexus_agents::built_in(&app, guard);
    agents.push(alerts.agent());
    agents.extend(more);
    let work = Work::new(app.clone(), &agents, format!("http://{address}/agent/callback"))
        .map_err(wiring)?;
    work.start(&supervisor).await.map_err(|e| wiring(e.to_string()))?;
    nexus_agents::assistant::engine::start(&app, &work, &supervisor);
    alerts.start(address, &supervisor);
    let states = States {
        app: app.clone(),
        auth: AuthState { app: app.clone(), auth },
        alerts: AlertState { alerts, work: WorkState(work.clone()) },
        work: WorkState(work),
        stream: nexus_stream::start(&app, &supervisor).map_err(|e| wiring(e.to_string()))?,
        ops: Ops::new(metrics.clone(), vec![store_check(&app)], app.clock.instant()),
    };
    let (clock, entropy) = (app.clock.clone(), app.entropy.clone());
    let edge = Edge {
        settings: Arc::new(app.settings.http.clone()),
        metrics,
        new_correlation: Arc::new(move || CorrelationId::new(clock.now(), &entropy.bytes())),
    };
    let router = nexus_kit::http::finish(routes::router(states), &edge);
    server::serve(listener, router, edge, &supervisor)
        .map_err(|error| StartError::Bind(bind, error))?;
    Ok(Running { address, app, first_run, first_admin, supervisor, _lock: lock })
}

/// The store works when its writer commits: an empty transaction costs no fsync.
fn store_check(app: &App) -> Check {
    let db = app.db.clone();
    Check::new("store", move || {
        let db = db.clone();
        async move { db.write(Scope::System, |_| Ok::<_, DbError>(())).await.map_err(|e| e.to_string()) }
    })
}
