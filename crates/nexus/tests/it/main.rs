//! What NEXUS promises, as a caller meets it: each test is a world of its own, spoken to over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "everything here is a test"
)]

mod agents;
mod approvals;
mod assistant;
mod away;
mod classes;
mod commands;
mod console;
mod fold;
mod manifest;
mod people;
mod policy;
mod races;
mod refusals;
mod stream;
mod tasks;
mod tenants;
mod youtube;
