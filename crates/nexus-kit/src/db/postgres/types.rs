//! Arguments as Postgres takes them.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::db::DbError;
use crate::db::value::Owned;

impl ToSql for Owned {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *ty == Type::INT8 => value.to_sql(ty, out),
            // A literal beside an argument makes it a smaller integer.
            Self::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Self::Real(value) if *ty == Type::FLOAT8 => value.to_sql(ty, out),
            // Postgres has no NUL in texts.
            Self::Text(value) if <&str as ToSql>::accepts(ty) && value.contains('\0') => {
                value.replace('\0', "\u{fffd}").to_sql(ty, out)
            }
            Self::Text(value) if <&str as ToSql>::accepts(ty) => value.to_sql(ty, out),
            Self::Bytes(value) if *ty == Type::BYTEA => value.to_sql(ty, out),
            other => Err(format!("{other:?} where the statement has {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        let Some(state) = error.code() else {
            // Without a code it is not the server that speaks: the connection is gone, or a value
            // was not what the program took it for.
            let gone =
                error.is_closed() || error.source().is_some_and(|e| e.is::<std::io::Error>());
            let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            return if gone { Self::Unreachable(text) } else { Self::Failed(error.to_string()) };
        };
        let text =
            error.as_db_error().map_or_else(|| error.to_string(), |e| e.message().to_owned());
        match state.code() {
            code if *state == SqlState::UNIQUE_VIOLATION || code.starts_with("23") => {
                Self::Unique(text)
            }
            _ if *state == SqlState::DISK_FULL => Self::Full,
            // Administrator's shutdown, crash of a server process, not accepting connections yet.
            // Transactions that stood in each other's way; this one was undone.
            code if code.starts_with("40") || code == "55P03" => Self::Busy,
            code if code.starts_with("57P") || code.starts_with("08") || code.starts_with("53") => {
                Self::Unreachable(text)
            }
            code => Self::Failed(format!("{code} {text}")),
        }
    }
}
