//! Statements on Postgres: one connection, driven by the thread that uses it.
//!
//! What nobody has to wait for (savepoints, inserts) is sent and not waited for; it is settled with
//! the next answer. So an action costs a round trip a question, not one a statement.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

use super::connect::Connector;
use super::runtime;
use crate::db::batch::scope_key;
use crate::db::session::Text;
use crate::db::value::{Owned, Source};
use crate::db::{Arg, DbError, Row, Scope};

/// Statements put together at run time that a connection remembers at most.
const BUILT: usize = 256;

/// A statement that was sent and whose answer nobody has read.
type Pending = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send>>;

/// A question that was sent, and whose answer nobody has read.
pub(in crate::db) type Asked =
    Pin<Box<dyn Future<Output = Result<Vec<tokio_postgres::Row>, Error>> + Send>>;

/// A connection and its statements.
struct Live {
    client: Arc<Client>,
    fixed: HashMap<(usize, usize), Statement>,
    built: HashMap<String, Statement>,
}

/// One connection of one thread; connects again when it was lost.
pub(in crate::db) struct Session {
    runtime: Runtime,
    connector: Arc<Connector>,
    live: RefCell<Option<Live>>,
    pending: RefCell<Vec<Pending>>,
    statements: Cell<u64>,
    trips: Cell<u64>,
}

impl Session {
    /// A session that connects when it is first used.
    pub(super) fn new(connector: Arc<Connector>) -> Result<Self, DbError> {
        Ok(Self {
            runtime: runtime()?,
            connector,
            live: RefCell::new(None),
            pending: RefCell::default(),
            statements: Cell::new(0),
            trips: Cell::new(0),
        })
    }

    /// The connection that the transaction is on. Never a new one: what a transaction had done on the
    /// old one is gone with it.
    fn client(&self) -> Result<Arc<Client>, DbError> {
        let live = self.live.borrow();
        let live = live.as_ref().ok_or_else(|| DbError::Unreachable("no connection".to_owned()))?;
        Ok(live.client.clone())
    }

    /// Makes sure of a connection before a transaction begins.
    fn connect(&self) -> Result<(), DbError> {
        // What an earlier transaction left unread has nothing to do with this one.
        self.pending.take();
        // A look at the socket, so that a connection that was lost meanwhile is found before anything
        // is entrusted to it: once to hear of it, once for the driver to end.
        self.runtime.block_on(async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        });
        if self.is_alive() {
            return Ok(());
        }
        let connected = self.runtime.block_on(self.connector.connect());
        // Whatever a server says to whom it does not let in: there is no connection.
        let client = Arc::new(connected.map_err(|error| DbError::Unreachable(error.to_string()))?);
        let fresh = Live { client, fixed: HashMap::new(), built: HashMap::new() };
        self.live.replace(Some(fresh));
        Ok(())
    }

    /// Whether the connection of this moment still stands.
    fn is_alive(&self) -> bool {
        self.live.borrow().as_ref().is_some_and(|live| !live.client.is_closed())
    }

    fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.trips.set(self.trips.get() + 1);
        self.runtime.block_on(what)
    }

    /// The statement, which is then run once.
    fn prepared(&self, client: &Client, text: Text<'_>) -> Result<Statement, DbError> {
        self.statements.set(self.statements.get() + 1);
        let known = |live: &Live| match text {
            Text::Fixed(sql) => live.fixed.get(&(sql.as_ptr() as usize, sql.len())).cloned(),
            Text::Built(sql) => live.built.get(sql).cloned(),
        };
        if let Some(found) = self.live.borrow().as_ref().and_then(known) {
            return Ok(found);
        }
        let (Text::Fixed(sql) | Text::Built(sql)) = text;
        let statement = match self.wait(client.prepare(sql)) {
            Ok(statement) => statement,
            // Where something before it has failed, that is the reason.
            Err(error) => return Err(self.settle().err().unwrap_or_else(|| error.into())),
        };
        if let Some(live) = self.live.borrow_mut().as_mut() {
            match text {
                Text::Fixed(sql) => {
                    live.fixed.insert((sql.as_ptr() as usize, sql.len()), statement.clone());
                }
                Text::Built(sql) => {
                    if live.built.len() >= BUILT {
                        live.built.clear();
                    }
                    live.built.insert(sql.to_owned(), statement.clone());
                }
            }
        }
        Ok(statement)
    }

    /// Sends a statement without waiting for its answer.
    fn send(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<(), DbError> {
        let client = self.client()?;
        let statement = self.prepared(&client, Text::Fixed(sql))?;
        let args: Vec<Owned> = args.iter().map(Owned::from).collect();
        let mut sent: Pending = Box::pin(async move { client.execute_raw(&statement, args).await });
        // The first poll puts the statement into the connection's queue, in order.
        match sent.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => {
                result?;
            }
            Poll::Pending => self.pending.borrow_mut().push(sent),
        }
        Ok(())
    }

    /// Waits for what was sent, and for `last` with it; the first failure is the one that counts.
    fn settle_with<T>(&self, last: impl Future<Output = Result<T, Error>>) -> Result<T, DbError> {
        let pending = self.pending.take();
        self.wait(async {
            let mut failed = None;
            let all = async {
                for sent in pending {
                    if let Err(error) = sent.await {
                        failed.get_or_insert(error);
                    }
                }
            };
            // Polled first, so that it is sent before anything is waited for.
            let (last, ()) = futures_util::future::join(last, all).await;
            match failed {
                Some(error) => Err(error.into()),
                None => Ok(last?),
            }
        })
    }

    /// Hands each row of an answer to `each`, until it says that it has enough.
    pub fn each<E: From<DbError>>(
        &self,
        text: Text<'_>,
        args: &[Arg<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let client = self.client()?;
        let statement = self.prepared(&client, text)?;
        let args: Vec<Owned> = args.iter().map(Owned::from).collect();
        let rows = self.settle_with(async {
            let args = args.iter().map(|arg| arg as &(dyn ToSql + Sync)).collect::<Vec<_>>();
            client.query(&statement, &args).await
        })?;
        for row in &rows {
            if !each(&Row(Source::Postgres(row)))? {
                break;
            }
        }
        Ok(())
    }

    pub fn change(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, DbError> {
        let client = self.client()?;
        let statement = self.prepared(&client, Text::Fixed(sql))?;
        let args: Vec<Owned> = args.iter().map(Owned::from).collect();
        self.settle_with(client.execute_raw(&statement, args))
    }

    /// Sends a question without waiting for its answer.
    pub fn ask(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<Asked, DbError> {
        let client = self.client()?;
        let statement = self.prepared(&client, Text::Fixed(sql))?;
        let args: Vec<Owned> = args.iter().map(Owned::from).collect();
        let mut asked: Asked = Box::pin(async move {
            let args = args.iter().map(|arg| arg as &(dyn ToSql + Sync)).collect::<Vec<_>>();
            client.query(&statement, &args).await
        });
        match asked.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Ok(Box::pin(std::future::ready(answer))),
            Poll::Pending => Ok(asked),
        }
    }

    /// The first row of an answer.
    pub fn answer<T, E: From<DbError>>(
        &self,
        mut asked: Asked,
        row: impl FnOnce(&Row<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        // It often came with the answer to another question.
        let rows = match asked.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(rows)) => rows,
            // Where something before it has failed, that is the reason.
            Poll::Ready(Err(error)) => {
                return Err(self.settle().err().unwrap_or_else(|| error.into()).into());
            }
            Poll::Pending => self.settle_with(asked)?,
        };
        rows.first().map(|found| row(&Row(Source::Postgres(found)))).transpose()
    }

    pub fn put(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<(), DbError> {
        self.send(sql, args)
    }

    /// The row policies know the tenant from the first statement on.
    fn enter(&self, begin: &'static str, scope: &Scope) -> Result<(), DbError> {
        self.connect()?;
        self.send(begin, &[])?;
        self.send("SELECT set_config('nexus.tenant', $1, true)", &[Arg::Text(scope_key(scope))])
    }

    pub fn begin(&self, scope: &Scope) -> Result<(), DbError> {
        self.enter("BEGIN", scope)
    }

    pub fn savepoint(&self) -> Result<(), DbError> {
        self.send("SAVEPOINT job", &[])
    }

    fn settle(&self) -> Result<(), DbError> {
        if self.pending.borrow().is_empty() {
            return Ok(());
        }
        self.settle_with(async { Ok(()) })
    }

    /// A savepoint of a transaction that has failed cannot be released: so a job whose failure
    /// nobody noticed is not kept either.
    pub fn release(&self) -> Result<(), DbError> {
        self.change("RELEASE job", &[]).map(|_| ())
    }

    pub fn roll_back_job(&self) -> Result<(), DbError> {
        // Its unread answers went with it.
        self.pending.take();
        self.send("ROLLBACK TO job", &[])?;
        self.change("RELEASE job", &[]).map(|_| ())
    }

    /// A connection that is gone took its transaction along; the next statement says so.
    pub fn lost_transaction(&self) -> Option<DbError> {
        None
    }

    pub fn commit(&self) -> Result<(), DbError> {
        self.settle()?;
        self.change("COMMIT", &[]).map(|_| ()).map_err(|error| match error {
            DbError::Unreachable(why) => DbError::Uncertain(why),
            other => other,
        })
    }

    pub fn roll_back(&self) {
        self.pending.take();
        if self.is_alive() && self.change("ROLLBACK", &[]).is_err() {
            // Whatever state it is in, nobody else shall find it there.
            self.live.take();
        }
    }

    pub fn begin_read(&self, scope: &Scope) -> Result<(), DbError> {
        self.enter("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", scope)
    }

    pub fn end_read(&self) {
        self.pending.take();
        if self.is_alive() && self.change("ROLLBACK", &[]).is_err() {
            self.live.take();
        }
    }

    /// Statements and round trips since the last call.
    pub fn take_counts(&self) -> (u64, u64) {
        (self.statements.take(), self.trips.take())
    }
}
