//! What an operator looks at first: health, metrics and the API's description.
//!
//! Invariants: nothing here needs a tenant or shows one's data; `/health/live` touches nothing but
//! the process, so a broken store never gets a healthy process killed; why a check failed goes to
//! the log and not to whoever asks.

mod checks;
mod http;

pub use checks::{Check, CheckReport, Status};
pub use http::docs::docs;
pub use http::{Health, Liveness, Ops, Readiness, api, health, metrics};
