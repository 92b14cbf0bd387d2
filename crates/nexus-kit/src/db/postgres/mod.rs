//! The engine for more than one machine: Postgres, behind row-level security.
//!
//! Every transaction names its tenant first; the role that serves requests owns no table and cannot
//! look past the row policies. Writes of one tenant share commits, tenants go side by side.

mod connect;
mod migrate;
mod node;
mod role;
mod session;
mod types;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub(super) use session::{Asked, Session};

use super::batch::{self, Context};
use super::job::{ReadJob, WriteJob, thread};
use super::lanes::Lanes;
use super::session::Engine;
use super::{DbError, Door, Migrated, Read, Stay};
use crate::settings::Store;
use connect::Connector;
use node::Node;

/// Writes that share a commit at most: a backend keeps track of 64 savepoints by itself; beyond
/// that every other transaction has to look them up.
const BATCH: usize = 64;

/// The door to a database.
pub(super) struct Postgres {
    writes: Arc<Lanes<WriteJob>>,
    reads: Arc<Lanes<ReadJob>>,
    _node: Arc<Option<Node>>,
}

/// Migrates the database, makes sure that this is its only node, and starts the threads.
pub(super) fn open(settings: &Store, context: Context, stay: Stay) -> Result<Postgres, DbError> {
    let context = Context { batch: context.batch.min(BATCH), ..context };
    let (served, _) = role::prepare(settings)?;
    let connector = Arc::new(served.limited());
    // Under its own name, so that it may see who else is there.
    let named = Arc::new((*connector).clone().under(None));
    let node = match stay {
        Stay::Node => Some(Node::join(named, context.after.clone(), settings.node_wait)?),
        Stay::Visitor => None,
    };
    let node = Arc::new(node);
    let writes = Arc::new(Lanes::new(settings.queue, settings.tenant_queue));
    let reads = Arc::new(Lanes::new(settings.queue, settings.tenant_queue));
    for _ in 0..settings.writers.max(1) {
        let (writes, context) = (writes.clone(), context.clone());
        let (connector, node) = (connector.clone(), node.clone());
        thread("nexus-writer", move || {
            // The lanes are empty before the node leaves.
            let _node = node;
            write(&writes, &context, connector);
        })?;
    }
    for _ in 0..settings.readers.max(1) {
        let (reads, connector) = (reads.clone(), connector.clone());
        let metrics = context.metrics.clone();
        thread("nexus-reader", move || {
            let Some(session) = session(connector) else { return };
            batch::serve_reads(&session, &reads, &metrics);
        })?;
    }
    Ok(Postgres { writes, reads, _node: node })
}

fn write(lanes: &Lanes<WriteJob>, context: &Context, connector: Arc<Connector>) {
    let Some(session) = session(connector) else { return };
    while let Some((scope, first)) = lanes.next_scope() {
        let commit = || batch::commit(&session, context, first, || lanes.more_of(&scope));
        let committed = catch_unwind(AssertUnwindSafe(commit));
        lanes.done(&scope);
        let Ok(committed) = committed else {
            // Actions that panic are caught where they run; this is the store's own fault, and a
            // tenant that nobody writes for any more must not go unnoticed.
            tracing::error!("a writer panicked; the store stops, restart the server");
            lanes.close();
            return context.after.store_failed();
        };
        if matches!(committed, Err(DbError::Uncertain(_))) {
            // What was committed all the same may hold work that nobody was told of.
            context.after.wake();
        }
    }
}

fn session(connector: Arc<Connector>) -> Option<Read> {
    let session = Session::new(connector)
        .inspect_err(|error| tracing::error!(%error, "a thread of the store did not start"));
    session.ok().map(|session| Read::new(Engine::Postgres(session)))
}

/// A session that only looks, also while a server runs.
pub(super) fn look(settings: &Store) -> Result<Read, DbError> {
    let served = role::served(settings)?;
    Ok(Read::new(Engine::Postgres(Session::new(Arc::new(served.limited()))?)))
}

/// Brings the database to this version.
pub(super) fn migrate(settings: &Store) -> Result<Migrated, DbError> {
    role::prepare(settings).map(|(_, migrated)| migrated)
}

impl Door for Postgres {
    fn write(&self, job: WriteJob) -> Result<(), DbError> {
        self.writes.push(&job.scope.clone(), job)
    }

    fn read(&self, job: ReadJob) -> Result<(), DbError> {
        self.reads.push(&job.scope.clone(), job)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
    }
}

/// Runs `work` to its end on a thread of its own, which may be inside anybody's runtime.
fn apart<T: Send>(work: impl Future<Output = Result<T, DbError>> + Send) -> Result<T, DbError> {
    let done = std::thread::scope(|threads| threads.spawn(|| runtime()?.block_on(work)).join());
    done.unwrap_or_else(|_| Err(DbError::Failed("a thread of the store panicked".into())))
}

fn runtime() -> Result<tokio::runtime::Runtime, DbError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| DbError::Failed(format!("no runtime for Postgres: {error}")))
}
