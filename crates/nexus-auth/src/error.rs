//! What this slice refuses.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use nexus_kit::db::DbError;
use nexus_kit::http::problem::{FieldError, Problem};

/// Why something about tenants, keys or people was not done.
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
    /// Several fields are wrong, or one by a reason found at run time.
    #[error("fields are wrong")]
    Fields(Vec<FieldError>),
    /// Wrong password, unknown user, disabled user: one answer.
    #[error("the sign-in failed")]
    LoginFailed,
    /// Too many tries failed; the next may come after so many seconds.
    #[error("too many tries; wait {0} s")]
    Throttled(u64),
    /// Too many hash at once.
    #[error("too many sign in at once")]
    Busy,
    /// A password could not be hashed; a fault of this program or of what is stored.
    #[error("a password could not be hashed: {0}")]
    Hash(String),
    /// No such link, or it was used, or its time is over.
    #[error("the link does not work")]
    NoLink,
    /// No such session of this person.
    #[error("there is no such session")]
    NoSession,
    /// No such user in this tenant.
    #[error("there is no such user")]
    NoUser,
    /// They are a member.
    #[error("they are a member")]
    AlreadyMember,
    /// The last admin would take their own role away.
    #[error("the last admin stays")]
    LastAdmin,
    /// They belong to a tenant that the caller does not administer.
    #[error("they belong to another tenant too")]
    NotAlone,
    /// No such key in this tenant.
    #[error("there is no such key")]
    NoKey,
    /// The caller must say again what it means.
    #[error("confirm with ?confirm={0}")]
    Confirm(String),
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Store(error) => error.into(),
            AuthError::TenantExists => Self::conflict("tenant_exists", "This tenant exists."),
            AuthError::Field(path, message) => {
                let field = FieldError { path: path.to_owned(), message: message.to_owned() };
                wrong(vec![field])
            }
            AuthError::Fields(errors) => wrong(errors),
            AuthError::LoginFailed => Self::unauthorized(
                "login_failed",
                "E-mail and password do not belong together, or the account is closed.",
            ),
            AuthError::Throttled(seconds) => {
                let mut problem = Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "login_throttled",
                    format!("Too many tries failed. The next one may come in {seconds} s."),
                );
                problem.retry_after = Some(seconds);
                problem
            }
            AuthError::Busy => Self::unavailable(
                "sign_in_busy",
                "Too many people sign in at once. Nothing was changed; try again.",
            ),
            AuthError::Hash(error) => {
                tracing::error!(%error, "a password could not be hashed or compared");
                Self::internal()
            }
            AuthError::NoLink => Self::not_found(
                "link_invalid",
                "This link does not work: it is unknown, was used, or its time is over. Ask for \
                 a new one.",
            ),
            AuthError::NoSession => Self::not_found("unknown_session", "You have no such session."),
            AuthError::NoUser => Self::not_found("unknown_user", "There is no such user here."),
            AuthError::AlreadyMember => Self::conflict(
                "already_member",
                "They belong to this tenant. PUT /tenants/{org}/{project}/members/{user_id} \
                 changes the role.",
            ),
            AuthError::LastAdmin => Self::conflict(
                "last_admin",
                "You are the last admin of this tenant. Make somebody else admin first.",
            ),
            AuthError::NotAlone => Self::forbidden(
                "member_elsewhere",
                "They belong to a tenant that you do not administer. ADMIN_API_KEY can make this \
                 link.",
            ),
            AuthError::NoKey => Self::not_found("unknown_key_id", "There is no such key here."),
            AuthError::Confirm(target) => Self::bad_request(
                "confirmation_required",
                format!("This ends something for good. Repeat it with ?confirm={target}."),
            ),
        }
    }
}

fn wrong(errors: Vec<FieldError>) -> Problem {
    Problem::unprocessable("invalid_fields", "Some fields are wrong; errors names each.")
        .with_errors(errors)
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
