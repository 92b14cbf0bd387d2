//! Statements on SQLite.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::db::session::Text;
use crate::db::value::Source;
use crate::db::{Arg, DbError, Row, Scope};

/// One connection with its statements.
pub(in crate::db) struct Session {
    connection: Connection,
    /// `$n` is a *named* parameter to SQLite, numbered by first use; `?n` is the n-th argument.
    texts: RefCell<HashMap<(usize, usize), Arc<str>>>,
}

impl Session {
    pub(super) fn new(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(256);
        Self { connection, texts: RefCell::default() }
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
        let text = self.text(text);
        let mut statement = self.connection.prepare_cached(&text).map_err(DbError::from)?;
        let mut rows = statement.query(params_from_iter(args)).map_err(DbError::from)?;
        while let Some(row) = rows.next().map_err(DbError::from)? {
            if !each(&Row(Source::Sqlite(row)))? {
                break;
            }
        }
        Ok(())
    }

    pub fn change(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, DbError> {
        let text = self.text(Text::Fixed(sql));
        let mut statement = self.connection.prepare_cached(&text)?;
        let changed = statement.execute(params_from_iter(args))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    pub fn put(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<(), DbError> {
        self.change(sql, args).map(|_| ())
    }

    fn control(&self, sql: &'static str) -> Result<(), DbError> {
        self.change(sql, &[]).map(|_| ())
    }

    /// SQLite has one door for all: the statements themselves name the tenant.
    pub fn begin(&self, _scope: &Scope) -> Result<(), DbError> {
        self.control("BEGIN IMMEDIATE")
    }

    pub fn savepoint(&self) -> Result<(), DbError> {
        self.control("SAVEPOINT job")
    }

    pub fn release(&self) -> Result<(), DbError> {
        self.control("RELEASE job")
    }

    pub fn roll_back_job(&self) -> Result<(), DbError> {
        self.control("ROLLBACK TO job")?;
        self.control("RELEASE job")
    }

    pub fn lost_transaction(&self) -> bool {
        self.connection.is_autocommit()
    }

    pub fn commit(&self) -> Result<(), DbError> {
        self.control("COMMIT")
    }

    pub fn roll_back(&self) {
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

    /// SQLite is in this process.
    pub fn take_trips(&self) -> u64 {
        0
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
