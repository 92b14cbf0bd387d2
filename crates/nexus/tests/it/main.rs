//! What NEXUS promises, as a caller meets it: each test is a world of its own, spoken to over HTTP.

mod approvals;
mod commands;
mod policy;
mod refusals;
mod tasks;
