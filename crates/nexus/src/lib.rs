//! The NEXUS control plane: one binary, and a library that starts a whole one.
//!
//! This crate wires: it alone names adapters and knows every slice. What it starts, it stops.

pub mod audit;
pub mod cli;
mod first_admin;
mod lock;
pub mod openapi;
pub mod routes;
mod serve;
mod start;

pub use audit::{AuditVerdict, audit_verify};
pub use first_admin::{first_admin, page};
pub use serve::serve;
pub use start::{Running, StartError, start};
