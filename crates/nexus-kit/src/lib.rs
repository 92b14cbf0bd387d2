//! What every slice of NEXUS stands on: store, report log, hub, HTTP conventions, settings,
//! telemetry, egress guard.

pub mod http;
pub mod settings;
pub mod supervise;
pub mod telemetry;
