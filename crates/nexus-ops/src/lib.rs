//! What an operator looks at first: health, metrics, the API's description, and the runbooks of the
//! failure codes.
//!
//! Invariants: nothing here shows a tenant's data; `/health/live` touches nothing but
//! the process, so a broken store never gets a healthy process killed; why a check failed goes to
//! the log and not to whoever asks.

mod checks;
mod http;
mod runbooks;

pub use checks::{Check, CheckReport, Status};
pub use http::docs::docs;
pub use http::runbooks::{RunbookOut, runbook_pages, runbooks};
pub use http::{Health, Liveness, Ops, Readiness, api, health, metrics};
pub use runbooks::runbook;
