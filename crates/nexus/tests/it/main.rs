//! What NEXUS promises, as a caller meets it: each test is a world of its own, spoken to over HTTP.

mod agents;
mod approvals;
mod commands;
mod fold;
mod manifest;
mod policy;
mod refusals;
mod stream;
mod tasks;
mod tenants;
