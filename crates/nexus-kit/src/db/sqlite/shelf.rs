//! Statements with their arguments, set aside to be run later or once more.

use std::ops::Range;

use crate::db::{Arg, DbError};

/// Bytes of texts, or of bytes, for which a shelf keeps room when it is cleared.
const ROOM: usize = 1 << 20;

/// Statements in the order in which they came. Their texts and bytes lie in buffers that are used
/// again for the next transaction.
#[derive(Default)]
pub(super) struct Shelf {
    statements: Vec<Shelved>,
    args: Vec<Kept>,
    texts: String,
    bytes: Vec<u8>,
}

/// A statement and where its arguments end, and their texts and bytes.
struct Shelved {
    sql: &'static str,
    args: usize,
    texts: usize,
    bytes: usize,
}

enum Kept {
    Null,
    Int(i64),
    Real(f64),
    Text(Range<usize>),
    Bytes(Range<usize>),
}

impl Shelf {
    /// How many statements it holds.
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Adds a statement.
    pub fn push(&mut self, sql: &'static str, args: &[Arg<'_>]) {
        for arg in args {
            let kept = match arg {
                Arg::Null => Kept::Null,
                Arg::Int(value) => Kept::Int(*value),
                Arg::Real(value) => Kept::Real(*value),
                Arg::Text(value) => {
                    self.texts.push_str(value);
                    Kept::Text(self.texts.len() - value.len()..self.texts.len())
                }
                Arg::Bytes(value) => {
                    self.bytes.extend_from_slice(value);
                    Kept::Bytes(self.bytes.len() - value.len()..self.bytes.len())
                }
            };
            self.args.push(kept);
        }
        let (args, texts, bytes) = (self.args.len(), self.texts.len(), self.bytes.len());
        self.statements.push(Shelved { sql, args, texts, bytes });
    }

    /// Keeps the first `length` statements.
    pub fn truncate(&mut self, length: usize) {
        self.statements.truncate(length);
        let last = self.statements.last();
        self.args.truncate(last.map_or(0, |last| last.args));
        self.texts.truncate(last.map_or(0, |last| last.texts));
        self.bytes.truncate(last.map_or(0, |last| last.bytes));
    }

    /// Takes everything away; a large transaction does not keep its memory for good.
    pub fn clear(&mut self) {
        self.truncate(0);
        self.texts.shrink_to(ROOM);
        self.bytes.shrink_to(ROOM);
    }

    /// Hands the statements of a range to `run`, in order, until one fails.
    pub fn each(
        &self,
        range: Range<usize>,
        mut run: impl FnMut(&'static str, &[Arg<'_>]) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let before = range.start.checked_sub(1).and_then(|last| self.statements.get(last));
        let mut from = before.map_or(0, |last| last.args);
        let mut args = Vec::new();
        for Shelved { sql, args: to, .. } in self.statements.get(range).unwrap_or_default() {
            args.clear();
            args.extend(
                self.args.get(from..*to).unwrap_or_default().iter().map(|kept| self.arg(kept)),
            );
            run(sql, &args)?;
            from = *to;
        }
        Ok(())
    }

    fn arg(&self, kept: &Kept) -> Arg<'_> {
        match kept {
            Kept::Null => Arg::Null,
            Kept::Int(value) => Arg::Int(*value),
            Kept::Real(value) => Arg::Real(*value),
            Kept::Text(range) => Arg::Text(self.texts.get(range.clone()).unwrap_or_default()),
            Kept::Bytes(range) => Arg::Bytes(self.bytes.get(range.clone()).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(shelf: &Shelf, range: Range<usize>) -> Vec<String> {
        let mut found = Vec::new();
        let each = |sql: &'static str, args: &[Arg<'_>]| {
            found.push(format!("{sql} {args:?}"));
            Ok(())
        };
        shelf.each(range, each).unwrap();
        found
    }

    #[test]
    fn what_is_set_aside_comes_back_as_it_was_and_in_order() {
        let mut shelf = Shelf::default();
        shelf.push("a", &[Arg::Text("한글"), Arg::Int(1)]);
        shelf.push("b", &[]);
        shelf.push("c", &[Arg::Bytes(&[0, 255]), Arg::Null, Arg::Real(0.5)]);
        assert_eq!(texts(&shelf, 0..1), ["a [Text(\"한글\"), Int(1)]"]);
        assert_eq!(texts(&shelf, 1..3), ["b []", "c [Bytes([0, 255]), Null, Real(0.5)]"]);
        shelf.truncate(1);
        shelf.push("d", &[Arg::Text("")]);
        assert_eq!(texts(&shelf, 0..shelf.len()), ["a [Text(\"한글\"), Int(1)]", "d [Text(\"\")]"]);
        shelf.truncate(0);
        assert_eq!(texts(&shelf, 0..0), [""; 0]);
    }
}
