//! Approvals: an ask is a single-use capability for exactly one command with exactly these params.
//!
//! Invariants: an ask binds the digest of what would be executed; exactly one decision closes it,
//! and the statement that closes it checks the time; the yes and the release of the task to the
//! queue are one transaction.

pub(crate) mod actions;
pub mod http;
pub(crate) mod review;
pub(crate) mod row;
pub(crate) mod sql;
