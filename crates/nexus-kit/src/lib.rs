//! What every slice of NEXUS stands on: store, report log, hub, HTTP conventions, settings,
//! telemetry, egress guard.

pub mod app;
pub mod clock;
pub mod db;
pub mod egress;
pub mod entropy;
pub mod http;
pub mod hub;
pub mod log;
pub mod settings;
pub mod supervise;
pub mod telemetry;
