//! What waits at the door: closures with the place where their answer goes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::oneshot;

use super::session::{Read, Tx};
use super::{DbError, Scope};

/// Tells a caller how it went: whether its batch was committed, or what its own part failed at.
pub(super) type Answer = Box<dyn FnOnce(Result<(), DbError>) + Send>;

/// Run with a transaction, or without one where there is none to be had; says whether to keep what
/// it did.
type Action = Box<dyn FnOnce(Option<&mut Tx<'_>>) -> (bool, Answer) + Send>;

/// One write that waits its turn.
pub(super) struct WriteJob {
    pub scope: Scope,
    pub action: Action,
    /// When it came.
    pub since: Instant,
}

impl WriteJob {
    pub fn new<T, E>(
        scope: Scope,
        action: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        answer: oneshot::Sender<Result<T, E>>,
    ) -> Self
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let action = move |tx: Option<&mut Tx<'_>>| -> (bool, Answer) {
            let run = |tx| catch_unwind(AssertUnwindSafe(|| action(tx)));
            let result = tx.map(|tx| {
                run(tx).unwrap_or_else(|_| {
                    tracing::error!("an action panicked in its transaction; it is rolled back");
                    Err(DbError::Failed("an action panicked".into()).into())
                })
            });
            let keep = result.as_ref().is_some_and(Result::is_ok);
            // Refusals wait for the commit too: they may rest on what the same batch wrote. Nobody
            // may be listening any more; the write stands all the same.
            let reply: Answer = Box::new(move |committed| {
                let _ = answer.send(match (committed, result) {
                    (Ok(()), Some(result)) => result,
                    (Ok(()), None) => Err(DbError::Stopped.into()),
                    (Err(error), _) => Err(error.into()),
                });
            });
            (keep, reply)
        };
        Self { scope, action: Box::new(action), since: Instant::now() }
    }
}

type Query = Box<dyn FnOnce(Result<&Read, DbError>) + Send>;

/// One query that waits its turn; run with a session in a transaction of its own, or with the reason
/// why there is none.
pub(super) struct ReadJob {
    pub scope: Scope,
    pub query: Query,
}

impl ReadJob {
    pub fn new<T, E>(
        scope: Scope,
        query: impl FnOnce(&Read) -> Result<T, E> + Send + 'static,
        answer: oneshot::Sender<Result<T, E>>,
    ) -> Self
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let query = move |session: Result<&Read, DbError>| {
            let result = session.map_err(E::from).and_then(|session| {
                catch_unwind(AssertUnwindSafe(|| query(session))).unwrap_or_else(|_| {
                    tracing::error!("a query panicked");
                    Err(DbError::Failed("a query panicked".into()).into())
                })
            });
            // The caller may have gone; a query has nothing to undo.
            let _ = answer.send(result);
        };
        Self { scope, query: Box::new(query) }
    }
}

/// A thread of the store.
pub(super) fn thread(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, DbError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| DbError::Failed(format!("no thread for {name}: {error}")))
}
