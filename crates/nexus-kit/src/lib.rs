//! What every slice of NEXUS stands on: store, report log, hub, HTTP conventions, settings,
//! telemetry, egress guard.

pub mod egress;
pub mod http;
pub mod settings;
