//! One node a database: it holds an advisory lock for as long as it lives; a second one is told who
//! the first is. The server lets go of the lock when the connection ends, however it ends.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::connect::Connector;
use super::runtime;
use crate::db::job::thread;
use crate::db::{AfterCommit, DbError};

/// How often the lock is looked after.
const BEAT: Duration = Duration::from_secs(2);

/// The lock, held by a thread of its own until this is dropped.
pub(super) struct Node {
    _stop: SyncSender<()>,
}

/// Whether the lock could be taken, or who has it.
enum Taken {
    Yes(Client),
    By(String),
}

impl Node {
    /// Takes the lock, and waits for it as long as `patience`.
    ///
    /// # Errors
    /// When another node has it and does not end within some seconds.
    pub fn join(
        connector: Arc<Connector>,
        after: Arc<dyn AfterCommit>,
        patience: Duration,
    ) -> Result<Self, DbError> {
        let (joined, joining) = sync_channel(1);
        let (stop, stopped) = sync_channel::<()>(1);
        thread("nexus-node", move || {
            let first =
                runtime().and_then(|runtime| Ok((wait(&runtime, &connector, patience)?, runtime)));
            let (mut client, runtime) = match first {
                Ok(first) => first,
                Err(error) => return drop(joined.send(Err(error))),
            };
            let _ = joined.send(Ok(()));
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                if runtime.block_on(client.batch_execute("SELECT 1")).is_ok() {
                    continue;
                }
                match runtime.block_on(take(&connector)) {
                    Ok(Taken::Yes(again)) => client = again,
                    Ok(Taken::By(who)) => {
                        tracing::error!("{who} has taken over the database; this node stops");
                        after.store_failed();
                        return;
                    }
                    Err(error) => tracing::warn!(%error, "Postgres cannot be reached"),
                }
            }
        })?;
        joining.recv().unwrap_or(Err(DbError::Stopped))?;
        Ok(Self { _stop: stop })
    }
}

fn wait(
    runtime: &tokio::runtime::Runtime,
    connector: &Connector,
    patience: Duration,
) -> Result<Client, DbError> {
    let started = Instant::now();
    loop {
        match runtime.block_on(take(connector))? {
            Taken::Yes(client) => return Ok(client),
            Taken::By(who) if started.elapsed() >= patience => {
                return Err(DbError::Unusable(format!(
                    "{who} is already running on this database; this version runs one node"
                )));
            }
            Taken::By(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

async fn take(connector: &Connector) -> Result<Taken, DbError> {
    let client = connector.connect().await?;
    let sql = "SELECT pg_try_advisory_lock(hashtext('nexus.node'))";
    if client.query_one(sql, &[]).await?.try_get(0)? {
        return Ok(Taken::Yes(client));
    }
    let holder = client.query_opt(
        "SELECT COALESCE(host(client_addr), 'this machine'), backend_start::timestamptz(0)::text
         FROM pg_locks JOIN pg_stat_activity USING (pid)
         WHERE locktype = 'advisory' AND granted AND pg_locks.database =
                 (SELECT oid FROM pg_database WHERE datname = current_database())
             AND objid = hashtext('nexus.node')::oid",
        &[],
    );
    let who = match holder.await? {
        Some(row) => {
            let (from, since): (Option<String>, Option<String>) =
                (row.try_get(0)?, row.try_get(1)?);
            let from = from.unwrap_or_else(|| "another machine".to_owned());
            format!("a node on {from}, connected since {}", since.unwrap_or_default())
        }
        None => "another node".to_owned(),
    };
    Ok(Taken::By(who))
}
