//! Reports of 300 bytes that say when they were published.

use std::fmt::Write as _;

use rustix::time::{ClockId, clock_gettime};

/// Bytes of a report's JSON, before any server frames it.
pub const BYTES: usize = 300;

/// What stands before a report's mark: its number in 12 digits, a dot, and in 20 digits the
/// nanosecond at which it was published. The clients look for it instead of parsing JSON.
pub const MARK: &str = "\"correlation_id\":\"bench.";

/// Bytes of a mark.
pub const MARK_BYTES: usize = 12 + 1 + 20;

/// Nanoseconds of the clock that all processes of a machine share.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or_default()
}

/// A report's correlation id, which carries its mark.
pub fn correlation(number: u64, stamp: u64) -> String {
    format!("bench.{number:012}.{stamp:020}")
}

/// Number and nanosecond from the bytes behind [`MARK`]; none if they are not all there.
pub fn mark(bytes: &[u8]) -> Option<(u64, u64)> {
    let bytes = bytes.get(..MARK_BYTES)?;
    let digits = |of: &[u8]| {
        of.iter().fold(0_u64, |sum, digit| {
            sum.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')))
        })
    };
    Some((digits(&bytes[..12]), digits(&bytes[13..])))
}

/// The JSON of a report as NEXUS keeps it, without the cursor that its frame adds.
pub fn body(number: u64, stamp: u64) -> String {
    let mut out = String::with_capacity(BYTES);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "{{\"report_id\":\"rep_{number:012}\",{MARK}{number:012}.{stamp:020}\",\
         \"kind\":\"worklog.line\",\"at\":\"2026-01-01T00:00:00.000Z\",\"meta\":{{}},\
         \"changes\":[{{\"op\":\"upsert\",\"collection\":\"worklog\",\"id\":\"w{number:012}\",\
         \"value\":{{\"seq\":{number},\"done\":true,\"text\":\""
    );
    const END: &str = "\"}}]}";
    while out.len() < BYTES - END.len() {
        out.push('.');
    }
    out.push_str(END);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_json_of_the_given_size_and_its_mark_is_found() {
        for number in [1, 123_456] {
            let body = body(number, 42);
            assert_eq!(body.len(), BYTES);
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(json["correlation_id"], correlation(number, 42));
            assert_eq!(json["changes"][0]["value"]["seq"], number);
            let at = body.find(MARK).unwrap() + MARK.len();
            assert_eq!(mark(&body.as_bytes()[at..]), Some((number, 42)));
            assert_eq!(mark(&body.as_bytes()[at..at + 20]), None, "cut");
        }
    }
}
