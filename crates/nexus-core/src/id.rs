//! Prefixed ids, sortable by time and random enough never to be guessed: `tsk_` + a UUIDv7 in hex.

use crate::time::Time;

/// Ten random bytes, the part of an id that nobody can guess.
pub type Entropy = [u8; 10];

/// Why a text is no id of the wanted kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an id that starts with {0} and has 32 hex digits after it")]
pub struct BadId(pub &'static str);

fn make(prefix: &str, now: Time, entropy: &Entropy) -> Box<str> {
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    let uuid = uuid::Builder::from_unix_timestamp_millis(millis, entropy).into_uuid();
    format!("{prefix}{}", uuid.simple()).into()
}

fn check(prefix: &'static str, text: &str) -> Result<Box<str>, BadId> {
    let hex = text.strip_prefix(prefix).ok_or(BadId(prefix))?;
    let valid = hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if valid { Ok(text.into()) } else { Err(BadId(prefix)) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(Box<str>);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id of this moment.
            pub fn new(now: Time, entropy: &Entropy) -> Self {
                Self(make($prefix, now, entropy))
            }

            /// Reads one that somebody sent.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                check($prefix, text).map(Self)
            }

            /// The whole id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A task.
    TaskId = "tsk_";
    /// An approval request.
    AskId = "ask_";
    /// A report on the stream.
    ReportId = "rpt_";
    /// A line of the worklog.
    WorklogId = "wlg_";
    /// An API key.
    KeyId = "key_";
    /// A person.
    UserId = "usr_";
    /// A sign-in of a person.
    SessionId = "ses_";
    /// What ties everything that came of one request together; made where none was sent.
    CorrelationId = "cor_";
    /// A run of the autopilot.
    RunId = "run_";
    /// Something in a player's queue.
    ItemId = "yti_";
    /// An alert.
    AlertId = "alr_";
    /// One message of an alert to one destination.
    DeliveryId = "dlv_";
    /// One life of one server process.
    BootId = "bot_";
    /// A bulk operation on a box.
    OperationId = "op_";
}

/// Most characters of a `correlation_id` that a caller sends.
pub const MAX_CORRELATION: usize = 128;

/// Whether a caller's own `correlation_id` can be carried: 1 to 128 of `A-Z a-z 0-9 . _ : / -`.
pub fn valid_correlation(text: &str) -> bool {
    (1..=MAX_CORRELATION).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'/' | b'-'))
}

impl WorklogId {
    /// A new id that sorts after those of earlier reports of its tenant, and after those that stand
    /// before it in its own, also within one millisecond: lines have no other order.
    pub fn in_order(now: Time, report: u64, nth: usize, entropy: &Entropy) -> Self {
        let [.., a, b, c, d, e] = *entropy;
        let random = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]) >> 2;
        let nth = u64::try_from(nth).unwrap_or(u64::MAX).min(0xfff);
        // Behind the time stand 12 bits, then, in a word whose first two are fixed, 62 more.
        let [_, _, _, _, _, _, first, second] = (report >> 12 & 0xfff).to_be_bytes();
        let rest = ((report & 0xfff) << 50 | nth << 38 | random).to_be_bytes();
        let mut ordered = [first, second, 0, 0, 0, 0, 0, 0, 0, 0];
        ordered[2..].copy_from_slice(&rest);
        Self::new(now, &ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_parse_back() {
        let early = TaskId::new(Time::from_millis(1_000), &[0xff; 10]);
        let late = TaskId::new(Time::from_millis(1_001), &[0; 10]);
        assert!(early < late);
        assert_eq!(TaskId::parse(early.as_str()).unwrap(), early);
        assert_eq!(AskId::parse(early.as_str()), Err(BadId("ask_")));
        for bad in
            ["", "tsk_", "tsk_0", "tsk_0192F", &format!("{late}0"), "tsk_../../../etc/passwd"]
        {
            assert!(TaskId::parse(bad).is_err(), "{bad}");
        }
    }
    #[test]
    fn lines_of_one_millisecond_sort_as_they_were_said() {
        let now = Time::from_millis(1_000);
        let mut before: Option<WorklogId> = None;
        for report in (4_090..4_100).chain((1 << 24) - 3..1 << 24) {
            for nth in [0, 1, 63, 4_095] {
                // Randomness that would turn them around.
                let random = [255 - u8::try_from(nth % 251).unwrap(); 10];
                let id = WorklogId::in_order(now, report, nth, &random);
                assert_eq!(WorklogId::parse(id.as_str()).as_ref(), Ok(&id));
                assert!(before.is_none_or(|before| before < id), "{report} {nth}");
                before = Some(id);
            }
        }
        let later = WorklogId::in_order(Time::from_millis(1_001), 0, 0, &[0; 10]);
        assert!(before.is_some_and(|before| before < later));
    }
}
