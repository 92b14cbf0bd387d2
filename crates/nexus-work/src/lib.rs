//! Commands, approvals, tasks and the agent contract. They share transactions, so they share a
//! house, one room each.
//!
//! Invariants: before a 202 leaves, the command, its task, its ask if it waits, its audit entry and
//! its report are on disk, in one transaction. Nothing that waits for a yes is claimed before
//! exactly that was approved, and the executor checks it once more. Every write about an attempt
//! is fenced by its number and token. A status changes by the table in `nexus_core::task` alone.

pub mod agent;
pub mod approvals;
pub mod boxes;
mod catalogue;
pub mod commands;
pub mod contract;
mod error;
mod jobs;
pub mod policy;
pub mod tasks;
mod worker;
pub mod worklog;

use std::sync::{Arc, Mutex, OnceLock};

use nexus_core::task::RetryPolicy;
use nexus_core::tenant::Tenant;
use nexus_kit::app::App;
use nexus_kit::db::Scope;
use nexus_kit::supervise::{Shutdown, Supervisor};

use crate::agent::Agent;
use crate::boxes::operations::agent::Boxes;
use crate::boxes::operations::{self, Operations};
use crate::catalogue::{Bundle, Catalogue};
pub use crate::commands::actions::{Accepted, Begun, Beside, Command, accept, accept_beside};
pub use crate::commands::judge::{Examined, examine};
use crate::contract::caps::Caps;
use crate::contract::pace::Paced;
use crate::contract::pick::{Taking, Turn};
pub use crate::error::WorkError;
pub use crate::tasks::actions::cancel;
pub use crate::tasks::row::{Standing, standing};

/// How often something is judged again because the policy changed meanwhile.
const STALE_TRIES: usize = 5;

/// The slice: its parts and what it remembers between calls, none of which is a record.
pub struct Work {
    pub(crate) app: App,
    pub(crate) catalogue: Arc<Catalogue>,
    /// Whose turn it is to be served by a claim.
    pub(crate) turn: Mutex<Turn>,
    /// What claims of this process are taking just now.
    pub(crate) taking: Taking,
    /// What running tasks have said and that is to be shown.
    pub(crate) paced: Paced,
    pub(crate) callback_url: String,
    pub(crate) operations: Arc<Operations>,
    /// Tells those who wait for work that the process is ending; set by [`Work::start`].
    closing: OnceLock<Shutdown>,
}

/// What this slice's handlers share.
#[derive(Clone)]
pub struct WorkState(pub Arc<Work>);

impl axum::extract::FromRef<WorkState> for App {
    fn from_ref(state: &WorkState) -> Self {
        state.0.app.clone()
    }
}

impl Work {
    /// Puts the slice together; `callback_url` is where outside agents send callbacks.
    ///
    /// # Errors
    /// When two agents perform the same type, or a schema of theirs is none.
    pub fn new(
        app: App,
        agents: &[Arc<dyn Agent>],
        callback_url: String,
    ) -> Result<Arc<Self>, String> {
        let operations = Arc::new(Operations::new());
        let mut agents = agents.to_vec();
        agents.push(Arc::new(Boxes::new(app.clone(), operations.clone())));
        let catalogue = Arc::new(Catalogue::new(&agents)?);
        Ok(Arc::new(Self {
            app,
            catalogue,
            turn: Mutex::default(),
            taking: Taking::default(),
            paced: Paced::default(),
            callback_url,
            operations,
            closing: OnceLock::new(),
        }))
    }

    /// Ends what earlier lives of this process left running, then starts the timer and the worker
    /// for the built-in agents.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(self: &Arc<Self>, supervisor: &Supervisor) -> Result<(), WorkError> {
        self.closing.get_or_init(|| supervisor.shutdown_signal());
        let released = contract::lease::release_dead(self).await?;
        if released > 0 {
            tracing::warn!(
                tasks = released,
                "ended what an earlier life of this server left running"
            );
        }
        if !Caps::of(&self.app.settings.tasks, None).none() {
            self.app.db.write(Scope::System, contract::sql::cap_all_leases).await?;
        }
        jobs::start(self, supervisor);
        worker::start(self, supervisor);
        operations::start(self, supervisor);
        Ok(())
    }

    /// Returns when the process is ending.
    pub(crate) async fn closing(&self) {
        match self.closing.get() {
            Some(shutdown) => shutdown.triggered().await,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        let tasks = &self.app.settings.tasks;
        RetryPolicy { max_retries: tasks.max_retries, delays: tasks.retry_delays.clone() }
    }

    /// The tenant's catalogue as this process knows it, to judge by; see [`Judging::again`].
    pub(crate) async fn judging(&self, tenant: &Tenant) -> Result<Judging, WorkError> {
        let bundle = self.catalogue.bundle(&self.app.db, tenant).await?;
        Ok(Judging { bundle, left: STALE_TRIES })
    }
}

/// Judging by a catalogue that the store may have outrun: try, and try again with a fresh one.
pub(crate) struct Judging {
    /// What to judge by.
    pub bundle: Arc<Bundle>,
    left: usize,
}

impl Judging {
    /// Reads the catalogue again if that can help with `error`; hands it back if not.
    pub async fn again(
        &mut self,
        work: &Work,
        tenant: &Tenant,
        error: WorkError,
    ) -> Result<(), WorkError> {
        let outrun = matches!(error, WorkError::Stale | WorkError::UnknownType(_));
        if !outrun || self.left == 0 {
            return Err(error);
        }
        self.left -= 1;
        let fresh = work.catalogue.refresh(&work.app.db, tenant).await?;
        let same = fresh.types_version == self.bundle.types_version;
        if same && matches!(error, WorkError::UnknownType(_)) {
            return Err(error);
        }
        self.bundle = fresh;
        Ok(())
    }
}
