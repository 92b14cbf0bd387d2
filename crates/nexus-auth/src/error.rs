//! What this slice refuses.

use axum::response::{IntoResponse, Response};
use nexus_kit::db::DbError;
use nexus_kit::http::problem::Problem;

/// Why something about tenants or keys was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthError {
    /// The store did not do it.
    #[error(transparent)]
    Store(DbError),
    /// The tenant exists.
    #[error("the tenant exists")]
    TenantExists,
    /// A field is wrong.
    #[error("{1}")]
    Field(&'static str, &'static str),
    /// No such key in this tenant.
    #[error("there is no such key")]
    NoKey,
    /// The caller must say again what it means.
    #[error("confirm with ?confirm={0}")]
    Confirm(String),
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        use nexus_kit::http::problem::FieldError;
        match error {
            AuthError::Store(error) => error.into(),
            AuthError::TenantExists => Self::conflict("tenant_exists", "This tenant exists."),
            AuthError::Field(path, message) => {
                let field = FieldError { path: path.to_owned(), message: message.to_owned() };
                Self::unprocessable("invalid_fields", "Some fields are wrong.")
                    .with_errors(vec![field])
            }
            AuthError::NoKey => Self::not_found("unknown_key_id", "There is no such key here."),
            AuthError::Confirm(target) => Self::bad_request(
                "confirmation_required",
                format!("This ends something for good. Repeat it with ?confirm={target}."),
            ),
        }
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
