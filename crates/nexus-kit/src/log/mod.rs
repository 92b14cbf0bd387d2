//! The report log: every change of a tenant's state, numbered without gaps in commit order.
//!
//! The view is base + log: the base (`stream_base`, `base_item`) holds the fold of everything below
//! the kept window, and a snapshot is that base with the reports above it applied. A write costs no projection.

pub mod follow;
mod load;
mod trim;

use std::fmt::Write as _;
use std::sync::Arc;

use nexus_core::cursor::{Cursor, Epoch};
use nexus_core::id::ReportId;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use serde::Serialize;

pub use load::{Head, Loaded, head, heads, load, newest_reports, reports_after};
pub use trim::{Trimmer, adopt_keep};

/// Largest report, in bytes of JSON.
pub const MAX_REPORT_BYTES: usize = 64 << 10;

/// What a report says about itself besides its changes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Meta<'a> {
    /// `green`, `yellow` or `red`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_level: Option<&'a str>,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<&'a str>,
    /// Of what type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_type: Option<&'a str>,
    /// Which task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<&'a str>,
    /// Which ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask_id: Option<&'a str>,
    /// Who asked for what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<&'a str>,
}

/// One change of the view that a report brings.
#[derive(Clone, Debug, Serialize)]
pub struct ReportChange {
    op: &'static str,
    collection: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Box<serde_json::value::RawValue>>,
}

impl ReportChange {
    /// The id now has this whole value. Values of bounded collections have `seq` and `done`.
    pub fn upsert(collection: &'static str, id: impl Into<String>, value: &impl Serialize) -> Self {
        // Values are this program's own structs, which always serialise; without a value the fold
        // would refuse the report loudly.
        let value = serde_json::value::to_raw_value(value).ok();
        Self { op: "upsert", collection, id: id.into(), value }
    }

    /// About how many bytes of a report it takes.
    pub fn size(&self) -> usize {
        64 + self.id.len() + self.value.as_ref().map_or(0, |value| value.get().len())
    }

    /// The id is gone.
    pub fn remove(collection: &'static str, id: impl Into<String>) -> Self {
        Self { op: "remove", collection, id: id.into(), value: None }
    }
}

/// One state change of a tenant, before it has an id.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// `task.accepted`, `ask.decided`, …
    pub kind: &'static str,
    /// Ties it to the request that caused it.
    pub correlation_id: &'a str,
    /// What it says about itself.
    pub meta: Meta<'a>,
    /// What changes in the view.
    pub changes: Vec<ReportChange>,
}

#[derive(Serialize)]
struct Body<'a> {
    report_id: &'a ReportId,
    correlation_id: &'a str,
    kind: &'a str,
    at: Time,
    meta: &'a Meta<'a>,
    changes: &'a [ReportChange],
}

impl Report<'_> {
    /// The JSON of the report without its cursor, which depends on the log's epoch.
    pub(crate) fn body(&self, report_id: &ReportId, at: Time) -> String {
        let body = Body {
            report_id,
            correlation_id: self.correlation_id,
            kind: self.kind,
            at,
            meta: &self.meta,
            changes: &self.changes,
        };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// A report that is on disk.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Whose.
    pub tenant: Tenant,
    /// Which life of the log.
    pub epoch: Epoch,
    /// Which report of it.
    pub number: u64,
    /// Its JSON without the cursor.
    pub body: Arc<str>,
}

/// A report as an SSE frame, with its cursor as id and in its data.
pub fn frame(epoch: &Epoch, number: u64, body: &str) -> String {
    let cursor = Cursor { epoch: epoch.clone(), number };
    let mut out = String::with_capacity(body.len() + 96);
    // Writing to a String cannot fail. A body is one line: JSON escapes what would break it.
    let _ = write!(out, "event: report\nid: {cursor}\ndata: {{\"cursor\":\"{cursor}\",");
    out.push_str(body.strip_prefix('{').unwrap_or(body));
    out.push_str("\n\n");
    out
}
