//! What a running NEXUS is made of; handed to every slice.

use std::sync::Arc;

use nexus_core::id::{BootId, CorrelationId};
use nexus_core::view::Keep;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::db::{AfterCommit, Db, DbError};
use crate::entropy::Entropy;
use crate::http::principal::Authenticator;
use crate::hub::{Hub, RingSize};
use crate::log::follow::Followed;
use crate::log::{Committed, Trimmer};
use crate::settings::Settings;
use crate::telemetry::metrics::Metrics;

/// The parts that every slice stands on; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// See [`App`].
pub struct Parts {
    /// Everything that can be set.
    pub settings: Settings,
    /// What time it is.
    pub clock: Clock,
    /// Where randomness comes from.
    pub entropy: Entropy,
    /// The state of record.
    pub db: Db,
    /// What is live.
    pub hub: Arc<Hub>,
    /// Folds what leaves the kept window.
    pub trimmer: Arc<Trimmer>,
    /// Says that something became due.
    pub wake: Wake,
    /// Says which logs have moved, for the autopilot's follower.
    pub autopilot: Arc<Followed>,
    /// The same for whoever sends alerts, who listens to every tenant.
    pub alerts: Arc<Followed>,
    /// What can be counted.
    pub metrics: Metrics,
    /// Who is asking.
    pub auth: Arc<dyn Authenticator>,
    /// This life of this process.
    pub boot: BootId,
    /// Turns true when the store has failed and the process should end.
    pub failed: watch::Receiver<bool>,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Counts up whenever something becomes due; whoever waits looks again.
#[derive(Clone)]
pub struct Wake(Arc<watch::Sender<u64>>);

impl Wake {
    fn new() -> Self {
        Self(Arc::new(watch::channel(0).0))
    }

    /// Wakes all who wait.
    pub fn notify(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A place to wait at.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

struct Commits {
    hub: Arc<Hub>,
    trimmer: Arc<Trimmer>,
    wake: Wake,
    autopilot: Arc<Followed>,
    alerts: Arc<Followed>,
    failed: watch::Sender<bool>,
}

impl AfterCommit for Commits {
    fn reports(&self, reports: Vec<Committed>) {
        for report in &reports {
            self.trimmer.reached(&report.tenant, report.number);
            self.autopilot.reached(&report.tenant);
            self.alerts.committed(report);
        }
        self.hub.committed(reports);
    }

    fn wake(&self) {
        self.wake.notify();
    }

    fn store_failed(&self) {
        self.failed.send_replace(true);
    }
}

impl App {
    /// Opens the store and puts the parts together; `auth` is made from the store.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn open(
        settings: Settings,
        clock: Clock,
        entropy: Entropy,
        metrics: Metrics,
        auth: impl FnOnce(&Settings, &Db, &Clock) -> Arc<dyn Authenticator>,
    ) -> Result<Self, DbError> {
        let keep = Keep { worklog: settings.stream.worklog_keep, ..Keep::default() };
        let size =
            RingSize { reports: settings.stream.event_keep, bytes: settings.stream.ring_bytes };
        let hub = Arc::new(Hub::new(keep, size, metrics.clone()));
        let trimmer = Arc::new(Trimmer::new(keep, settings.stream.event_keep));
        let wake = Wake::new();
        let autopilot = Arc::new(Followed::default());
        let alerts = Arc::new(Followed::default());
        let (failing, failed) = watch::channel(false);
        let commits = Commits {
            hub: hub.clone(),
            trimmer: trimmer.clone(),
            wake: wake.clone(),
            autopilot: autopilot.clone(),
            alerts: alerts.clone(),
            failed: failing,
        };
        let db = Db::open(
            &settings.store,
            clock.clone(),
            entropy.clone(),
            metrics.clone(),
            Arc::new(commits),
        )?;
        let auth = auth(&settings, &db, &clock);
        let boot = BootId::new(clock.now(), &entropy.bytes());
        Ok(Self(Arc::new(Parts {
            settings,
            clock,
            entropy,
            db,
            hub,
            trimmer,
            wake,
            autopilot,
            alerts,
            metrics,
            auth,
            boot,
            failed,
        })))
    }

    /// A correlation id for a request that brought none.
    pub fn new_correlation(&self) -> String {
        CorrelationId::new(self.clock.now(), &self.entropy.bytes()).to_string()
    }
}
