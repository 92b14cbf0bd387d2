//! Arguments and rows, the same for both engines.

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;

use super::DbError;

/// An argument of a statement: 64-bit integers, doubles, text and bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arg<'a> {
    /// NULL.
    Null,
    /// Integers, times in microseconds, booleans as 0 and 1.
    Int(i64),
    /// A double.
    Real(f64),
    /// Ids, JSON, anything written.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Arg<'_> {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<u64> for Arg<'_> {
    /// Counts of this program stay far below 2^63.
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Arg<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<f64> for Arg<'_> {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<Time> for Arg<'_> {
    fn from(value: Time) -> Self {
        Self::Int(value.micros())
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a Tenant> for Arg<'a> {
    fn from(value: &'a Tenant) -> Self {
        Self::Text(value.key())
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, T: Into<Arg<'a>>> From<Option<T>> for Arg<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// An argument that outlives the call that brought it.
#[derive(Debug)]
pub(super) enum Owned {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<&Arg<'_>> for Owned {
    fn from(arg: &Arg<'_>) -> Self {
        match arg {
            Arg::Null => Self::Null,
            Arg::Int(value) => Self::Int(*value),
            Arg::Real(value) => Self::Real(*value),
            Arg::Text(value) => Self::Text((*value).to_owned()),
            Arg::Bytes(value) => Self::Bytes(value.to_vec()),
        }
    }
}

impl<'a> From<&'a Owned> for Arg<'a> {
    fn from(owned: &'a Owned) -> Self {
        match owned {
            Owned::Null => Self::Null,
            Owned::Int(value) => Self::Int(*value),
            Owned::Real(value) => Self::Real(*value),
            Owned::Text(value) => Self::Text(value),
            Owned::Bytes(value) => Self::Bytes(value),
        }
    }
}

/// Builds the arguments of a statement: `args![tenant, id, now]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Arg::from($value)),*] };
}

/// One row of an answer; columns are numbered from 0 in the order of the statement.
pub struct Row<'a>(pub(super) Source<'a>);

pub(super) enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// The column as this type, from either engine.
macro_rules! get {
    ($row:expr, $column:expr, $type:ty) => {
        match $row {
            Source::Sqlite(row) => Ok(row.get::<_, $type>($column)?),
            Source::Postgres(row) => Ok(row.try_get::<_, $type>($column)?),
        }
    };
}

impl Row<'_> {
    /// A text that is not NULL.
    pub fn text(&self, column: usize) -> Result<String, DbError> {
        get!(self.0, column, String)
    }

    /// A text or NULL.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>, DbError> {
        get!(self.0, column, Option<String>)
    }

    /// An integer that is not NULL.
    pub fn int(&self, column: usize) -> Result<i64, DbError> {
        get!(self.0, column, i64)
    }

    /// An integer or NULL.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, DbError> {
        get!(self.0, column, Option<i64>)
    }

    /// A count that is not NULL.
    pub fn count(&self, column: usize) -> Result<u64, DbError> {
        Ok(u64::try_from(self.int(column)?).unwrap_or(0))
    }

    /// A small count that is not NULL.
    pub fn small(&self, column: usize) -> Result<u32, DbError> {
        Ok(u32::try_from(self.int(column)?).unwrap_or(0))
    }

    /// A boolean, stored as 0 or 1.
    pub fn flag(&self, column: usize) -> Result<bool, DbError> {
        Ok(self.int(column)? != 0)
    }

    /// A time, stored in microseconds.
    pub fn time(&self, column: usize) -> Result<Time, DbError> {
        Ok(Time::from_micros(self.int(column)?))
    }

    /// A time or NULL.
    pub fn opt_time(&self, column: usize) -> Result<Option<Time>, DbError> {
        Ok(self.opt_int(column)?.map(Time::from_micros))
    }

    /// A double or NULL.
    pub fn opt_real(&self, column: usize) -> Result<Option<f64>, DbError> {
        get!(self.0, column, Option<f64>)
    }

    /// Bytes that are not NULL.
    pub fn bytes(&self, column: usize) -> Result<Vec<u8>, DbError> {
        get!(self.0, column, Vec<u8>)
    }

    /// Bytes or NULL.
    pub fn opt_bytes(&self, column: usize) -> Result<Option<Vec<u8>>, DbError> {
        get!(self.0, column, Option<Vec<u8>>)
    }
}
