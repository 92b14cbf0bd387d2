//! Time as NEXUS stores and shows it: microseconds since 1970 inside, RFC 3339 UTC with
//! milliseconds outside.

use std::fmt;
use std::time::Duration;

/// A moment, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub i64);

impl Time {
    /// From microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds since 1970; stays at the first or last moment there is.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since 1970, as stored.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This moment and `duration` more; stays at the last moment there is.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This moment less `duration`.
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero if it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_microsecond()))
    }
}

/// Bytes of a time as it is written, in the years 0 to 9999.
const WRITTEN: usize = 24;

impl Time {
    /// `2026-11-21T05:04:03.123Z`, by hand because every report carries several; none outside of the
    /// years that have four digits.
    fn written(self) -> Option<[u8; WRITTEN]> {
        let millis = self.millis();
        let rest = millis.rem_euclid(86_400_000);
        let (year, month, day) = civil(millis.div_euclid(86_400_000));
        if !(0..=9_999).contains(&year) {
            return None;
        }
        let mut out = *b"0000-00-00T00:00:00.000Z";
        let mut put = |end: usize, digits: usize, value: i64| {
            let mut left = value.unsigned_abs();
            for place in out.iter_mut().take(end).rev().take(digits) {
                *place = b'0' + (left % 10) as u8;
                left /= 10;
            }
        };
        put(4, 4, year);
        put(7, 2, month);
        put(10, 2, day);
        put(13, 2, rest / 3_600_000);
        put(16, 2, rest / 60_000 % 60);
        put(19, 2, rest / 1_000 % 60);
        put(23, 3, rest % 1_000);
        Some(out)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.written();
        match written.as_ref().and_then(|written| std::str::from_utf8(written).ok()) {
            Some(text) => f.write_str(text),
            None => {
                let (year, month, day) = civil(self.millis().div_euclid(86_400_000));
                write!(f, "{year:04}-{month:02}-{day:02}T00:00:00.000Z")
            }
        }
    }
}

/// Days since 1970 to year, month, day (H. Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let written = self.written();
        match written.as_ref().and_then(|written| std::str::from_utf8(written).ok()) {
            Some(text) => s.serialize_str(text),
            None => s.collect_str(self),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_what_a_calendar_library_reads(millis in 0i64..253_402_300_799_999) {
            let time = Time::from_millis(millis);
            prop_assert_eq!(Time::parse(&time.to_string()), Some(time));
        }
    }

    #[test]
    fn times_are_rfc_3339_utc_with_milliseconds() {
        assert_eq!(Time::from_millis(1_712_151_000_007).to_string(), "2024-04-03T13:30:00.007Z");
    }
}
