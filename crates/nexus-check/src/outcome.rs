//! What a check comes to, and what is told while it runs.

use std::sync::Arc;
use std::time::Duration;

use crate::text::Text;

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The clause holds; what was seen.
    Holds(Text),
    /// It does not.
    Fails {
        /// What the contract demands.
        expected: Text,
        /// What came.
        seen: Text,
    },
    /// It could not be looked at; why.
    Skipped(Text),
}

/// Why a check does not hold; the error of everything in the kit.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    Fails { expected: Text, seen: Text },
    Skip(Text),
}

/// A check that does not hold.
pub(crate) fn fails(expected: Text, seen: Text) -> Stop {
    Stop::Fails { expected, seen }
}

impl From<Result<Text, Stop>> for Outcome {
    fn from(result: Result<Text, Stop>) -> Self {
        match result {
            Ok(seen) => Self::Holds(seen),
            Err(Stop::Fails { expected, seen }) => Self::Fails { expected, seen },
            Err(Stop::Skip(why)) => Self::Skipped(why),
        }
    }
}

/// What is told while the kit runs.
#[derive(Debug)]
pub enum Happening<'a> {
    /// A check begins.
    Begins(&'a crate::Check),
    /// It ended.
    Ends {
        /// Which.
        check: &'a crate::Check,
        /// With what.
        outcome: &'a Outcome,
        /// How long it took.
        took: Duration,
    },
    /// Something beside: a wait, and why.
    Note(&'a Text),
}

/// Is told.
pub type Listener = Arc<dyn Fn(&Happening<'_>) + Send + Sync>;
