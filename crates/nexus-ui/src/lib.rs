//! The console: one self-contained HTML page, built from `ui/`, committed in `assets/` and embedded,
//! so that building NEXUS needs no Node.
//!
//! Invariants: the page loads nothing but itself; what it may do is said by a policy that names its
//! one script and one style sheet by their hashes, taken from the page itself.

mod http;
mod page;

pub use http::{api, console};
