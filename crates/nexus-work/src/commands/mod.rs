//! Commands: what is asked of NEXUS becomes a task, with its ask if it is RED, its audit entry and
//! its report, on disk in one transaction before the 202 leaves.

pub(crate) mod actions;
pub mod http;
pub(crate) mod judge;
pub(crate) mod sql;
