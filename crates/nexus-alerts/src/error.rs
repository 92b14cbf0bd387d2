//! What this slice refuses, and how each refusal reads over HTTP.

use nexus_kit::db::DbError;
use nexus_kit::http::problem::{FieldError, Problem};

/// Why something was not done; nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// The store did not do it.
    #[error(transparent)]
    Store(DbError),
    /// No such alert here.
    #[error("there is no such alert")]
    NoAlert,
    /// No such route of this tenant's own.
    #[error("there is no such route")]
    NoRoute,
    /// Only webhooks are signed.
    #[error("the route is no webhook")]
    NotSigned,
    /// Fields that are wrong.
    #[error("fields are wrong")]
    Fields(Vec<FieldError>),
}

impl From<DbError> for AlertError {
    fn from(error: DbError) -> Self {
        Self::Store(error)
    }
}

impl From<AlertError> for Problem {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::Store(error) => error.into(),
            AlertError::NoAlert => Self::not_found("unknown_alert", "There is no such alert here."),
            AlertError::NoRoute => Self::not_found(
                "unknown_route",
                "There is no such route here. GET /alerts/routes lists them.",
            ),
            AlertError::NotSigned => Self::conflict(
                "route_not_signed",
                "Only routes to webhooks are signed; this one needs no secret.",
            ),
            AlertError::Fields(errors) => {
                Self::unprocessable("invalid_fields", "Some fields are wrong.").with_errors(errors)
            }
        }
    }
}

impl axum::response::IntoResponse for AlertError {
    fn into_response(self) -> axum::response::Response {
        Problem::from(self).into_response()
    }
}
