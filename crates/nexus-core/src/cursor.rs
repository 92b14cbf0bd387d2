//! A place in a tenant's stream: `<epoch>.<number>`, at most 32 bytes of `[a-z0-9.]`.

use std::fmt;

/// Most bytes that a cursor has.
pub const MAX_CURSOR: usize = 32;

/// Names one life of a tenant's log; new when the log was created, replaced or restored, never by a
/// restart. 8 characters of `[a-z0-9]`.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct Epoch(Box<str>);

impl Epoch {
    const ALPHABET: &'static [u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

    /// A new epoch from eight random bytes.
    pub fn new(random: &[u8; 8]) -> Self {
        Self(random.iter().map(|b| char::from(Self::ALPHABET[usize::from(b & 31)])).collect())
    }

    /// Reads a stored or received one: 4 to 12 of `[a-z0-9]`.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = (4..=12).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        valid.then(|| Self(text.into()))
    }

    /// The epoch's characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The report `number` of the log `epoch`; number 0 is before the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// Which life of the log.
    pub epoch: Epoch,
    /// Which report of it.
    pub number: u64,
}

impl Cursor {
    /// Reads exactly what [`fmt::Display`] writes: no sign, no leading zero, nothing around it.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_CURSOR {
            return None;
        }
        let (epoch, number) = text.split_once('.')?;
        let canonical = number.bytes().all(|b| b.is_ascii_digit())
            && (1..=19).contains(&number.len())
            && (number == "0" || !number.starts_with('0'));
        if !canonical {
            return None;
        }
        Some(Self { epoch: Epoch::parse(epoch)?, number: number.parse().ok()? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch.as_str(), self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_is_a_cursor() {
        let cursor = Cursor { epoch: Epoch::new(&[0, 1, 2, 3, 250, 251, 252, 253]), number: 42 };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for bad in [
            "",
            ".",
            "abcd.",
            ".1",
            "abcd.01",
            "abcd.+1",
            "abcd.-1",
            "abcd.1 ",
            " abcd.1",
            "ABCD.1",
            "abc.1",
            "abcd.1.2",
            "abcd.99999999999999999999",
            "abcd.1\0",
            "abcd.１",
            "abcdefghijklm.1",
            "abcdefghijkl.12345678901234567890123",
        ] {
            assert_eq!(Cursor::parse(bad), None, "{bad:?}");
        }
    }
}
