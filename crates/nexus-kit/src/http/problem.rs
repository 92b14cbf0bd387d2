//! Every refusal: RFC 9457 `application/problem+json` with a stable `code`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::db::DbError;

/// One field that is wrong.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) to the field.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// A refusal: what happened and what to do, never internals.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `https://nexus.dev/problems/{code}`; a name, not necessarily a page.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened and what to do.
    pub detail: String,
    /// Machine-readable and stable.
    pub code: &'static str,
    /// Ties the refusal to log lines and audit entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Each field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The ask that a refused decision was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask_id: Option<String>,
    /// Seconds to wait, also sent as `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A refusal with its code and what to do about it.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("https://nexus.dev/problems/{code}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            correlation_id: None,
            errors: Vec::new(),
            ask_id: None,
            retry_after: None,
        }
    }

    /// 400.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401.
    pub fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// 403.
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404; also for what exists in another tenant.
    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 409.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422.
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 503 with `Retry-After`.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.retry_after = Some(1);
        problem
    }

    /// 500; the cause goes to the log, never to the caller.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "NEXUS failed. The log has the cause under this correlation_id; look at what was asked for \
             before you send it again.",
        )
    }

    /// With the fields that are wrong.
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// With the correlation id of the request.
    pub fn with_correlation(mut self, correlation_id: impl Into<String>) -> Self {
        self.correlation_id = Some(correlation_id.into());
        self
    }

    /// With the ask that it is about.
    pub fn with_ask(mut self, ask_id: impl Into<String>) -> Self {
        self.ask_id = Some(ask_id.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // Rides along so that the layers outside can count it and write it again with its id.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        problem.into_response()
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Busy => Self::unavailable(
                "store_busy",
                "The store has more to write than it can. Nothing was changed; try again.",
            ),
            DbError::Full => {
                let mut problem = Self::unavailable(
                    "storage_full",
                    "The disk of NEXUS_DATA_DIR is full. Nothing was changed; free space there, \
                     then try again.",
                );
                problem.retry_after = Some(60);
                problem
            }
            DbError::Stopped => Self::unavailable(
                "shutting_down",
                "NEXUS is stopping. Nothing was changed; try again when it runs.",
            ),
            DbError::NoTenant => Self::not_found(
                "unknown_tenant",
                "There is no such tenant. POST /tenants makes one.",
            ),
            DbError::Unreachable(_) => {
                tracing::warn!(%error, "a request was refused");
                Self::unavailable(
                    "store_unreachable",
                    "The database cannot be reached. Nothing was changed; try again.",
                )
            }
            DbError::Uncertain(_) => {
                tracing::warn!(%error, "a request has no known outcome");
                Self::unavailable(
                    "outcome_unknown",
                    "The database was lost while it wrote: the change was made or it was not. Look \
                     before you send it again, or send it again with the same Idempotency-Key.",
                )
            }
            // Listed one by one, so that a new kind is thought about here.
            DbError::Unique(_)
            | DbError::ReportTooLarge(_)
            | DbError::Disk(_)
            | DbError::Unusable(_)
            | DbError::Failed(_) => {
                tracing::error!(%error, "the store failed a request");
                Self::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_cannot_just_now_says_so_and_when_to_come_again() {
        for (error, code, seconds) in
            [(DbError::Busy, "store_busy", "1"), (DbError::Full, "storage_full", "60")]
        {
            let problem = Problem::from(error);
            assert_eq!(problem.code, code);
            assert!(problem.detail.contains("Nothing was changed"), "{}", problem.detail);
            let response = problem.into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()["retry-after"], seconds);
        }
    }
}
