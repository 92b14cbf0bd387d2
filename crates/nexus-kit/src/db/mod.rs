//! The store's one door: plain closures, one SQL text, synchronous inside, two engines behind it.
//!
//! `db.write(scope, |tx| …)` runs on a thread of the store, where writers that wait share one
//! transaction (each in a savepoint) and one flush to disk; the answer leaves only after the commit.
//! `db.read(scope, |q| …)` runs on a reader thread and sees one consistent state. There is no
//! `await` in a closure, so no network call sits inside a transaction and no cancelled future
//! leaves half of one.

mod batch;
mod error;
mod job;
mod lanes;
mod notes;
mod postgres;
mod session;
mod sqlite;
mod value;

use std::sync::Arc;

use nexus_core::tenant::Tenant;
use tokio::sync::oneshot;

pub use error::DbError;
pub use session::{Asked, AskedPlace, Place, Read, Sql, Tx};
pub use value::{Arg, Row};

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::log::Committed;
use crate::settings::Store;
use crate::telemetry::metrics::Metrics;
use batch::Context;
use job::{ReadJob, WriteJob};

/// Whose rows a closure may touch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

/// An engine, as the door needs it.
trait Door: Send + Sync {
    /// Lets a write wait for its turn, or says why it cannot.
    fn write(&self, job: WriteJob) -> Result<(), DbError>;
    /// Lets a query wait for its turn, or says why it cannot.
    fn read(&self, job: ReadJob) -> Result<(), DbError>;
}

/// What a migration did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version before; none for a new store.
    pub from: Option<i32>,
    /// The version now.
    pub to: i32,
}

/// Somebody went back to an older program.
fn newer_store(theirs: i32, ours: i32) -> DbError {
    DbError::Unusable(format!(
        "the store is of version {theirs}, this program knows versions up to {ours}; run the newer \
         program, or restore the backup from before the upgrade"
    ))
}

/// Whether whoever opens a store is the one node that serves it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stay {
    Node,
    Visitor,
}

/// A visitor's commits are told to nobody.
struct Nobody;

impl AfterCommit for Nobody {
    fn reports(&self, _: Vec<Committed>) {}
    fn wake(&self) {}
    fn store_failed(&self) {}
}

/// The store; cheap to clone.
#[derive(Clone)]
pub struct Db {
    door: Arc<dyn Door>,
    metrics: Metrics,
    shared: bool,
}

impl Db {
    /// Opens the store that the settings name, migrates it and starts its threads. Blocks meanwhile.
    ///
    /// # Errors
    /// When it cannot be used, or a migration fails; nothing is half done then.
    pub fn open(
        settings: &Store,
        clock: Clock,
        entropy: Entropy,
        metrics: Metrics,
        after: Arc<dyn AfterCommit>,
    ) -> Result<Self, DbError> {
        Self::enter(settings, clock, entropy, metrics, after, Stay::Node)
    }

    /// The same for a short visit, also while a server runs: what it writes stands beside the
    /// server's own and is told to nobody.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn visit(settings: &Store, clock: Clock, entropy: Entropy) -> Result<Self, DbError> {
        let nobody = Arc::new(Nobody);
        Self::enter(settings, clock, entropy, Metrics::new(), nobody, Stay::Visitor)
    }

    fn enter(
        settings: &Store,
        clock: Clock,
        entropy: Entropy,
        metrics: Metrics,
        after: Arc<dyn AfterCommit>,
        stay: Stay,
    ) -> Result<Self, DbError> {
        let runtime = tokio::runtime::Handle::try_current().ok();
        let batch = settings.batch.max(1);
        let context = Context { clock, entropy, metrics: metrics.clone(), after, runtime, batch };
        let shared = !settings.database_url.is_empty();
        let door: Arc<dyn Door> = match shared {
            false => Arc::new(sqlite::open(settings, context)?),
            true => Arc::new(postgres::open(settings, context, stay)?),
        };
        Ok(Self { door, metrics, shared })
    }

    /// Whether it is on the far side of a network, where a commit's answer can be lost and others
    /// may write too.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Brings the store to this version, and does nothing else.
    ///
    /// # Errors
    /// When it cannot be used, or a migration fails; nothing is half done then.
    pub fn migrate(settings: &Store) -> Result<Migrated, DbError> {
        if settings.database_url.is_empty() {
            sqlite::migrate(settings)
        } else {
            postgres::migrate(settings)
        }
    }

    /// Looks into an existing store, also while a server runs on it; blocks meanwhile.
    ///
    /// # Errors
    /// When there is no store or it is of another version, and whatever `query` fails at.
    pub fn look<T: Send, E: From<DbError> + Send>(
        settings: &Store,
        scope: &Scope,
        query: impl FnOnce(&Read) -> Result<T, E> + Send,
    ) -> Result<T, E> {
        let open = || match settings.database_url.is_empty() {
            true => sqlite::look(settings),
            false => postgres::look(settings),
        };
        // A thread of its own: a session on Postgres drives a runtime, and one inside another is
        // not allowed.
        let looking = std::thread::scope(|threads| {
            let looking = threads.spawn(|| {
                let session = open()?;
                session.begin_read(scope)?;
                let found = query(&session);
                session.end_read();
                found
            });
            looking.join()
        });
        looking.unwrap_or_else(|_| Err(DbError::Failed("a query panicked".into()).into()))
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
        let job = WriteJob::new(scope.into(), action, answer);
        self.metrics.store_queue.inc();
        self.door.write(job).inspect_err(|_| {
            self.metrics.store_queue.dec();
        })?;
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
        let job = ReadJob::new(scope.into(), query, answer);
        self.metrics.store_reads_waiting.inc();
        self.door.read(job).inspect_err(|_| {
            self.metrics.store_reads_waiting.dec();
        })?;
        answered.await.unwrap_or_else(|_| Err(DbError::Stopped.into()))
    }
}
