//! Statements on SQLite.
//!
//! What a job puts waits on a shelf until the job ends well. So a job that is refused has nothing to
//! undo, and one that is not needs no savepoint, whose price is a copy of every page that it touches.
//! A job that asks for something after it has put something, or must know what it changed, gets its
//! savepoint at that moment.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::shelf::Shelf;
use crate::db::session::Text;
use crate::db::value::Source;
use crate::db::{Arg, DbError, Row, Scope};

/// How what a job changes can be undone alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// No job runs; statements are run as they come.
    Outside,
    /// What the job puts waits: nothing of it is in the database.
    Waiting,
    /// The job has a savepoint, and its statements are run as they come.
    Saved,
}

/// One connection with its statements.
pub(in crate::db) struct Session {
    connection: Connection,
    /// `$n` is a *named* parameter to SQLite, numbered by first use; `?n` is the n-th argument.
    texts: RefCell<HashMap<(usize, usize), Arc<str>>>,
    statements: Cell<u64>,
    part: Cell<Part>,
    /// Everything that this transaction's jobs have changed and, after that, what waits.
    shelf: RefCell<Shelf>,
    /// How much of the shelf belongs to jobs that are done.
    done: Cell<usize>,
    /// Why SQLite ended the transaction by itself, if it did.
    lost: RefCell<Option<DbError>>,
}

impl Session {
    pub(super) fn new(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(256);
        Self {
            connection,
            texts: RefCell::default(),
            statements: Cell::new(0),
            part: Cell::new(Part::Outside),
            shelf: RefCell::default(),
            done: Cell::new(0),
            lost: RefCell::default(),
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    fn text(&self, text: Text<'_>) -> Arc<str> {
        match text {
            Text::Built(sql) => numbered(sql).into(),
            Text::Fixed(sql) => {
                let key = (sql.as_ptr() as usize, sql.len());
                let mut texts = self.texts.borrow_mut();
                texts.entry(key).or_insert_with(|| numbered(sql).into()).clone()
            }
        }
    }

    /// Hands each row of an answer to `each`, until it says that it has enough.
    pub fn each<E: From<DbError>>(
        &self,
        text: Text<'_>,
        args: &[Arg<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let sql = self.text(text);
        let mut statement = self.connection.prepare_cached(&sql).map_err(|e| self.failed(e))?;
        let changes = match text {
            _ if statement.readonly() => None,
            Text::Fixed(sql) => Some(sql),
            Text::Built(_) => {
                return Err(DbError::Failed("a change is a fixed statement".to_owned()).into());
            }
        };
        if changes.is_some() || self.something_waits() {
            self.save()?;
        }
        self.count();
        let mut rows = statement.query(params_from_iter(args)).map_err(|e| self.failed(e))?;
        while let Some(row) = rows.next().map_err(|e| self.failed(e))? {
            if !each(&Row(Source::Sqlite(row)))? {
                break;
            }
        }
        if let Some(sql) = changes {
            self.note_change(sql, args);
        }
        Ok(())
    }

    pub fn change(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, DbError> {
        self.save()?;
        let changed = self.run(sql, args)?;
        self.note_change(sql, args);
        Ok(changed)
    }

    pub fn put(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<(), DbError> {
        if self.part.get() == Part::Waiting {
            self.shelf.borrow_mut().push(sql, args);
            return Ok(());
        }
        self.change(sql, args).map(|_| ())
    }

    /// Runs a statement now.
    fn run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, DbError> {
        self.count();
        let text = self.text(Text::Fixed(sql));
        let mut statement = self.connection.prepare_cached(&text).map_err(|e| self.failed(e))?;
        let changed = statement.execute(params_from_iter(args)).map_err(|e| self.failed(e))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn control(&self, sql: &'static str) -> Result<(), DbError> {
        self.run(sql, &[]).map(|_| ())
    }

    fn failed(&self, error: rusqlite::Error) -> DbError {
        let error = DbError::from(error);
        if self.part.get() != Part::Outside && self.connection.is_autocommit() {
            // A full disk, for one, makes SQLite roll back the whole transaction.
            self.lost.borrow_mut().get_or_insert_with(|| error.clone());
        }
        error
    }

    fn count(&self) {
        self.statements.set(self.statements.get() + 1);
    }

    /// Whether the running job has put something that no query sees yet.
    fn something_waits(&self) -> bool {
        self.part.get() == Part::Waiting && self.shelf.borrow().len() > self.done.get()
    }

    /// Gives the running job its savepoint, if it has none, and puts there what waits.
    fn save(&self) -> Result<(), DbError> {
        if self.part.get() != Part::Waiting {
            return Ok(());
        }
        self.control("SAVEPOINT job")?;
        self.part.set(Part::Saved);
        self.run_shelved(self.done.get()..self.shelf.borrow().len())
    }

    /// What a job has changed at once is remembered as what it put is.
    fn note_change(&self, sql: &'static str, args: &[Arg<'_>]) {
        if self.part.get() == Part::Saved {
            self.shelf.borrow_mut().push(sql, args);
        }
    }

    fn run_shelved(&self, range: Range<usize>) -> Result<(), DbError> {
        self.shelf.borrow().each(range, |sql, args| self.run(sql, args).map(|_| ()))
    }

    /// SQLite has one door for all: the statements themselves name the tenant.
    pub fn begin(&self, _scope: &Scope) -> Result<(), DbError> {
        self.part.set(Part::Outside);
        self.lost.take();
        self.shelf.borrow_mut().clear();
        self.done.set(0);
        self.control("BEGIN IMMEDIATE")
    }

    fn forget_after(&self, length: usize) {
        self.shelf.borrow_mut().truncate(length);
    }

    pub fn savepoint(&self) -> Result<(), DbError> {
        self.part.set(Part::Waiting);
        Ok(())
    }

    pub fn release(&self) -> Result<(), DbError> {
        let kept = match self.part.get() {
            Part::Outside => Ok(()),
            Part::Saved => self.control("RELEASE job"),
            Part::Waiting => self.put_waiting(),
        };
        if kept.is_ok() {
            self.done.set(self.shelf.borrow().len());
        }
        self.part.set(Part::Outside);
        kept
    }

    /// Runs what waits. Where that fails in the middle, which is a fault of this program and not a
    /// refusal, the transaction begins again with everything that the jobs before it did.
    fn put_waiting(&self) -> Result<(), DbError> {
        let done = self.done.get();
        let fault = match self.run_shelved(done..self.shelf.borrow().len()) {
            Ok(()) => return Ok(()),
            Err(fault) => fault,
        };
        self.forget_after(done);
        if !self.connection.is_autocommit() {
            let again = self.control("ROLLBACK").and_then(|()| self.control("BEGIN IMMEDIATE"));
            if let Err(error) = again.and_then(|()| self.repeat(done)) {
                self.roll_back();
                self.lost.replace(Some(error));
            }
        }
        Err(fault)
    }

    /// Does again what the jobs before did.
    fn repeat(&self, done: usize) -> Result<(), DbError> {
        self.shelf.borrow().each(0..done, |sql, args| {
            self.count();
            let text = self.text(Text::Fixed(sql));
            let mut statement = self.connection.prepare_cached(&text)?;
            // Also what returned rows.
            let mut rows = statement.query(params_from_iter(args))?;
            while rows.next()?.is_some() {}
            Ok(())
        })
    }

    pub fn roll_back_job(&self) -> Result<(), DbError> {
        let part = self.part.replace(Part::Outside);
        self.forget_after(self.done.get());
        if part != Part::Saved {
            return Ok(());
        }
        self.control("ROLLBACK TO job")?;
        self.control("RELEASE job")
    }

    pub fn lost_transaction(&self) -> Option<DbError> {
        self.lost.borrow().clone()
    }

    pub fn commit(&self) -> Result<(), DbError> {
        self.control("COMMIT")
    }

    pub fn roll_back(&self) {
        self.part.set(Part::Outside);
        if !self.connection.is_autocommit() {
            let _ = self.control("ROLLBACK");
        }
    }

    pub fn begin_read(&self, _scope: &Scope) -> Result<(), DbError> {
        self.control("BEGIN")
    }

    pub fn end_read(&self) {
        let _ = self.control("COMMIT");
        self.roll_back();
    }

    /// Statements since the last call; SQLite is in this process, so nothing is waited for.
    pub fn take_counts(&self) -> (u64, u64) {
        (self.statements.take(), 0)
    }
}

/// `$1` as `?1`; statements hold no text literals with a dollar sign.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

impl ToSql for Arg<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}
