//! HTTP conventions that every slice follows: an accept loop with bounds, strict bodies and
//! queries, pages, refusals in one form, and a context for each request.

pub mod body;
pub mod context;
pub mod edge;
mod fields;
pub mod handover;
pub mod page;
pub mod principal;
pub mod problem;
pub mod query;
pub mod seen;
pub mod server;

pub use body::{Body, Raw};
pub use context::RequestContext;
pub use edge::{Edge, finish};
pub use problem::Problem;
pub use query::Query;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// An answer in JSON.
pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> Response {
    json_with(StatusCode::OK, value)
}

/// An answer in JSON with a status of its own.
pub fn json_with<T: serde::Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => {
            let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            (status, [kind], body).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            Problem::internal().into_response()
        }
    }
}
