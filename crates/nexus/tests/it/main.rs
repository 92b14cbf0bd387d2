//! What NEXUS promises, as a caller meets it: each test is a world of its own, spoken to over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "everything here is a test"
)]

mod agents;
mod alerts;
mod approvals;
mod assistant;
mod away;
mod callbacks;
mod classes;
mod client;
mod clocks;
mod commands;
mod console;
mod deadlines;
mod failures;
mod fairness;
mod fold;
mod manifest;
mod operations;
mod pace;
mod people;
mod policy;
mod races;
mod refusals;
mod runbooks;
mod schemas;
mod stream;
mod stream_ends;
mod stream_http2;
mod tasks;
mod tenants;
mod youtube;
