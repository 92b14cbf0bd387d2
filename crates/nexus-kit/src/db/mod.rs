//! The store's one door: plain closures, one SQL text, synchronous inside.
//!
//! `db.write(scope, |tx| …)` runs on the store's writer thread, where writers that wait share one
//! transaction (each in a savepoint) and one fsync; the answer leaves only after the commit.
//! `db.read(scope, |q| …)` runs on a reader thread and sees one consistent state. There is no
//! `await` in a closure, so no network call sits inside a transaction and no cancelled future
//! leaves half of one.

mod error;
mod migrate;
mod reader;
mod session;
mod value;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use nexus_core::tenant::Tenant;
use tokio::sync::oneshot;

pub use error::DbError;
pub use session::{Place, Read, Sql, Tx};
pub use value::{Arg, Row};

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::log::Committed;
use crate::settings::Store;
use crate::telemetry::metrics::Metrics;

/// Whose rows a closure may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One tenant's.
    Tenant(Tenant),
    /// The few content-free tables that are read across tenants: what is due, stream heads, key
    /// look-up, the list of tenants.
    System,
}

impl From<&Tenant> for Scope {
    fn from(tenant: &Tenant) -> Self {
        Self::Tenant(tenant.clone())
    }
}

/// What a commit tells the rest of the process, in commit order, on the writer's thread; must be
/// quick and never block.
pub trait AfterCommit: Send + Sync + 'static {
    /// Reports that are now on disk.
    fn reports(&self, reports: Vec<Committed>);
    /// Something became due: tasks to claim, or an earlier timer.
    fn wake(&self);
    /// The store has stopped for good; the process should end and be started again.
    fn store_failed(&self);
}

/// The store; cheap to clone.
#[derive(Clone)]
pub struct Db {
    writes: SyncSender<writer::Job>,
    reads: SyncSender<reader::Job>,
    metrics: Metrics,
    _alive: Arc<reader::Threads>,
}

impl Db {
    /// Opens the store in a data directory, migrates it and starts its threads.
    ///
    /// # Errors
    /// When the directory or file cannot be used, or a migration fails; nothing is half done then.
    pub fn open(
        settings: &Store,
        clock: Clock,
        entropy: Entropy,
        metrics: Metrics,
        after: Arc<dyn AfterCommit>,
    ) -> Result<Self, DbError> {
        let path = settings.data_dir.join("nexus.db");
        migrate::run(&path)?;
        let (reads, read_threads) = reader::start(&path, settings.readers.max(1), settings.queue)?;
        let runtime = tokio::runtime::Handle::try_current().ok();
        let context = writer::Context { clock, entropy, metrics: metrics.clone(), after, runtime };
        let (writes, writer) = writer::start(&path, settings, context)?;
        let alive = Arc::new(reader::Threads::new(read_threads, writer));
        Ok(Self { writes, reads, metrics, _alive: alive })
    }

    /// Opens an existing store for reading alone, also while a server runs on it.
    ///
    /// # Errors
    /// When there is no store or it is of another version.
    pub fn open_read_only(data_dir: &Path) -> Result<Read, DbError> {
        reader::connect(&data_dir.join("nexus.db"))
    }

    /// Runs `action` in a transaction and answers after its commit. What the action returns as an
    /// error is rolled back, alone.
    pub async fn write<T, E>(
        &self,
        scope: impl Into<Scope>,
        action: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = writer::Job::new(scope.into(), action, answer);
        match self.writes.try_send(job) {
            Ok(()) => {
                self.metrics.store_queue.inc();
            }
            Err(TrySendError::Full(_)) => return Err(DbError::Busy.into()),
            Err(TrySendError::Disconnected(_)) => return Err(DbError::Stopped.into()),
        };
        answered.await.unwrap_or_else(|_| Err(DbError::Stopped.into()))
    }

    /// Runs `query` on one consistent state.
    pub async fn read<T, E>(
        &self,
        scope: impl Into<Scope>,
        query: impl FnOnce(&Read) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = reader::Job::new(scope.into(), query, answer);
        match self.reads.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(DbError::Busy.into()),
            Err(TrySendError::Disconnected(_)) => return Err(DbError::Stopped.into()),
        }
        answered.await.unwrap_or_else(|_| Err(DbError::Stopped.into()))
    }
}
