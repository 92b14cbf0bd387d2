//! What this slice refuses, and how each refusal reads over HTTP.

use nexus_core::approval::Refused;
use nexus_core::task::NoTransition;
use nexus_kit::db::DbError;
use nexus_kit::http::problem::{FieldError, Problem};

use crate::agent::ParamError;
use crate::boxes::error::BoxesError;
use crate::catalogue::by_server;

/// Why something was not done; nothing was changed then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WorkError {
    /// The store did not do it.
    #[error(transparent)]
    Store(DbError),
    /// The catalogue or policy changed while the request was being judged; judge it again.
    #[error("the policy changed meanwhile")]
    Stale,
    /// No such task in this tenant.
    #[error("there is no such task")]
    NoTask,
    /// No such ask in this tenant.
    #[error("there is no such ask")]
    NoAsk,
    /// Nobody performs this type here.
    #[error("there is no command type {0:?}")]
    UnknownType(String),
    /// Nobody sends or edits a command of this type: the server makes it from that request.
    #[error("{0} is made by the server")]
    NotByHand(String, &'static str),
    /// Params that miss the type's schema or that its agent cannot take.
    #[error("the params do not fit")]
    Params(&'static str, Vec<FieldError>),
    /// Other fields that are wrong.
    #[error("fields are wrong")]
    Fields(Vec<FieldError>),
    /// The key was used for another request.
    #[error("the Idempotency-Key was used for another request")]
    IdempotencyConflict,
    /// What the caller expected of the world is not so.
    #[error("the precondition does not hold: {0}")]
    Precondition(String),
    /// The task cannot go there from where it stands.
    #[error(transparent)]
    Transition(#[from] NoTransition),
    /// A decision that is refused, about this ask.
    #[error("{0}")]
    Decision(Refused, String),
    /// The attempt is not the current one.
    #[error("the attempt is not current")]
    StaleAttempt,
    /// The agent key is not for this type.
    #[error("the key may not claim {0:?}")]
    TypeNotAllowed(String),
    /// The policy has another version than the caller thought.
    #[error("the policy has version {0}")]
    PolicyVersion(u64),
    /// The caller must say again what it means.
    #[error("confirm with ?confirm={0}")]
    Confirm(String),
    /// The tenant is paused.
    #[error("the tenant is paused")]
    Paused,
    /// What concerns failed tasks.
    #[error(transparent)]
    Boxes(#[from] BoxesError),
}

impl From<DbError> for WorkError {
    fn from(error: DbError) -> Self {
        Self::Store(error)
    }
}

impl WorkError {
    /// One wrong field.
    pub(crate) fn field(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Fields(vec![FieldError { path: path.into(), message: message.into() }])
    }

    /// Params that an agent cannot take; paths become paths into the request.
    pub(crate) fn params(errors: Vec<ParamError>) -> Self {
        let code = errors.first().map_or("invalid_params", |error| error.code);
        let errors = errors.into_iter().map(|error| FieldError {
            path: format!("/params{}", error.path),
            message: error.message,
        });
        Self::Params(code, errors.collect())
    }
}

impl From<WorkError> for Problem {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Store(error) => error.into(),
            WorkError::Stale => Self::unavailable(
                "policy_changing",
                "The policy changed several times while this was judged. Send it again.",
            ),
            WorkError::NoTask => Self::not_found("unknown_task", "There is no such task here."),
            WorkError::NoAsk => Self::not_found("unknown_ask", "There is no such ask here."),
            WorkError::UnknownType(name) => Self::unprocessable(
                "unknown_command_type",
                format!("There is no command type {name:?} here. GET /commands/types lists them."),
            ),
            WorkError::NotByHand(name, request) => Self::unprocessable(
                "made_by_server",
                format!("Nobody sends or edits {name}; {}.", by_server(request)),
            ),
            WorkError::Params(code, errors) => {
                Self::unprocessable(code, "The params do not fit the command type.")
                    .with_errors(errors)
            }
            WorkError::Fields(errors) => {
                Self::unprocessable("invalid_fields", "Some fields are wrong.").with_errors(errors)
            }
            WorkError::IdempotencyConflict => Self::unprocessable(
                "idempotency_conflict",
                "This Idempotency-Key was used for another request in the last 24 hours.",
            ),
            WorkError::Precondition(detail) => Self::conflict("precondition_failed", detail),
            WorkError::Transition(refused) => Self::conflict("wrong_state", format!("{refused}.")),
            WorkError::Decision(refused @ Refused::NotAmong, ask_id) => {
                Self::forbidden(refused.code(), format!("{refused}.")).with_ask(ask_id)
            }
            WorkError::Decision(refused, ask_id) => {
                Self::conflict(refused.code(), format!("{refused}.")).with_ask(ask_id)
            }
            WorkError::StaleAttempt => Self::conflict(
                "stale_attempt",
                "This attempt is not the current one; what it did changes nothing here.",
            ),
            WorkError::TypeNotAllowed(name) => Self::forbidden(
                "type_not_allowed",
                format!("This key may not claim {name:?}. An admin makes keys with their types."),
            ),
            WorkError::PolicyVersion(version) => Self::conflict(
                "policy_version",
                format!(
                    "The policy has version {version} by now. Read it and apply your change to that."
                ),
            ),
            WorkError::Confirm(target) => Self::bad_request(
                "confirmation_required",
                format!("This changes what may run. Repeat it with ?confirm={target}."),
            ),
            WorkError::Boxes(error) => error.into(),
            WorkError::Paused => Self::conflict(
                "tenant_paused",
                "All execution of this tenant is paused. POST /tenant/resume lets it go on.",
            ),
        }
    }
}

impl axum::response::IntoResponse for WorkError {
    fn into_response(self) -> axum::response::Response {
        Problem::from(self).into_response()
    }
}
