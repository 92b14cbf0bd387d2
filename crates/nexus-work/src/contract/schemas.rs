//! The JSON Schemas (2020-12) of what goes over the wire, for authors of agents and clients. They are
//! files of the repository; tests hold them against what the server sends and takes.

/// What an agent is handed.
pub const ENVELOPE: &str = include_str!("../../../../schemas/envelope.json");

/// What an agent says.
pub const CALLBACK: &str = include_str!("../../../../schemas/callback.json");

/// What the stream brings.
pub const REPORT: &str = include_str!("../../../../schemas/report.json");

/// The schema that is served under a name.
pub(crate) fn named(name: &str) -> Option<&'static str> {
    match name {
        "envelope.json" => Some(ENVELOPE),
        "callback.json" => Some(CALLBACK),
        "report.json" => Some(REPORT),
        _ => None,
    }
}
