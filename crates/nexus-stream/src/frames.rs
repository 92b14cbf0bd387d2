//! The frames of a stream besides reports. Only what this program makes goes into `id` and `event`,
//! and data is one line of JSON.

use bytes::Bytes;
use nexus_core::cursor::{Cursor, Epoch};
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_core::view::Keep;
use nexus_kit::hub::Snapshot;
use serde_json::json;

/// Why a stream starts with a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    /// No cursor was sent.
    Initial,
    /// The cursor is older than what is kept.
    Expired,
    /// The cursor is of another life of the log.
    Epoch,
    /// The cursor is beyond the newest report.
    Ahead,
    /// The cursor is none.
    BadCursor,
    /// The reader may see more by now, or less; this comes in the middle of a stream.
    Rights,
}

impl Reason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Expired => "expired",
            Self::Epoch => "epoch",
            Self::Ahead => "ahead",
            Self::BadCursor => "bad_cursor",
            Self::Rights => "rights",
        }
    }
}

/// Why the server ends a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bye {
    Idle,
    Rotate,
    Shutdown,
    Superseded,
    Slow,
    AuthExpired,
    Limit,
}

impl Bye {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Rotate => "rotate",
            Self::Shutdown => "shutdown",
            Self::Superseded => "superseded",
            Self::Slow => "slow",
            Self::AuthExpired => "auth_expired",
            Self::Limit => "limit",
        }
    }

    /// Whether coming back makes sense.
    const fn reconnect(self) -> bool {
        !matches!(self, Self::Superseded | Self::AuthExpired)
    }
}

/// The first bytes: when to come back after a break, and a comment that wakes proxies.
pub(crate) fn prelude(retry_ms: u64) -> Bytes {
    format!("retry: {retry_ms}\n: nexus\n\n").into()
}

/// The accepted cursor, alone: no event, but the client's last event id from now on.
pub(crate) fn accepted(cursor: &Cursor) -> Bytes {
    format!("id: {cursor}\n\n").into()
}

/// A snapshot in three pieces; the view itself is shared by all newcomers.
pub(crate) fn snapshot(
    snapshot: &Snapshot,
    reason: Reason,
    tenant: &Tenant,
    keep: Keep,
    now: Time,
) -> [Bytes; 3] {
    let cursor = Cursor { epoch: snapshot.epoch.clone(), number: snapshot.number };
    let head = json!({
        "cursor": cursor.to_string(), "reason": reason.as_str(), "server_time": now,
        "tenant": tenant, "keep": keep,
    });
    let head = head.to_string();
    let open = head.strip_suffix('}').unwrap_or(&head);
    [
        format!("event: snapshot\nid: {cursor}\ndata: {open},\"view\":").into(),
        snapshot.view.clone(),
        Bytes::from_static(b"}\n\n"),
    ]
}

/// Proves that the line is alive and says how far the log is; no id, so it is no place to resume.
pub(crate) fn ping(epoch: &Epoch, number: u64, now: Time) -> Bytes {
    let cursor = Cursor { epoch: epoch.clone(), number }.to_string();
    format!("event: ping\ndata: {}\n\n", json!({"cursor": cursor, "server_time": now})).into()
}

/// Announces the end.
pub(crate) fn bye(why: Bye, retry_ms: u64) -> Bytes {
    let data = json!({
        "reason": why.as_str(), "reconnect": why.reconnect(), "retry_ms": retry_ms,
    });
    format!("retry: {retry_ms}\nevent: bye\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_one_line_of_json_with_its_parts() {
        let epoch = Epoch::parse("abcdefgh").unwrap();
        let view = Bytes::from_static(b"{\"tasks\":{}}");
        let at = Snapshot { epoch, number: 7, view };
        let tenant = Tenant::parse("o:p").unwrap();
        let pieces = snapshot(&at, Reason::Epoch, &tenant, Keep::default(), Time::from_millis(0));
        let frame = pieces.concat();
        let frame = std::str::from_utf8(&frame).unwrap();
        let data = frame.strip_prefix("event: snapshot\nid: abcdefgh.7\ndata: ").unwrap();
        let data = data.strip_suffix("\n\n").unwrap();
        assert!(!data.contains('\n'));
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["cursor"], "abcdefgh.7");
        assert_eq!(data["reason"], "epoch");
        assert_eq!(data["tenant"], "o:p");
        assert_eq!(data["keep"]["worklog"], 200);
        assert_eq!(data["view"], json!({"tasks": {}}));
    }
}
