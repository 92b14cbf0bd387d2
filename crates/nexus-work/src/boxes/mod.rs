//! The boxes of what failed for good: dead letters (`dlq`), what needs a fix (`hold`), what needs a
//! person now (`alarm`).
//!
//! A box is a status of the task. Beside each such task stands one narrow row (`failed`), which is
//! what is listed, counted and searched; `tasks::sql::save`, which alone writes a status, keeps it in
//! the same transaction, so counts are exact whatever moves meanwhile. A task that goes well never
//! has one.

pub mod error;
pub mod filter;
pub mod http;
pub mod operations;
mod read;
pub(crate) mod sql;
pub mod triage;

#[cfg(test)]
mod tests;

use std::fmt;

use nexus_core::task::Status;

/// Where a task stands that failed for good.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Box {
    /// Dead letters.
    Dlq,
    /// What needs a fix of data, prompt or code.
    Hold,
    /// What needs a person now.
    Alarm,
}

impl Box {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dlq, Self::Hold, Self::Alarm];

    /// The stable text, as in paths.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dlq => "dlq",
            Self::Hold => "hold",
            Self::Alarm => "alarm",
        }
    }

    /// Reads the stable text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// The status of a task in it.
    pub const fn status(self) -> Status {
        match self {
            Self::Dlq => Status::Dead,
            Self::Hold => Status::Held,
            Self::Alarm => Status::Alarmed,
        }
    }

    /// The box of a task that stands there, if it stands in one.
    pub const fn of(status: Status) -> Option<Self> {
        match status {
            Status::Dead => Some(Self::Dlq),
            Status::Held => Some(Self::Hold),
            Status::Alarmed => Some(Self::Alarm),
            Status::WaitingApproval
            | Status::Queued
            | Status::Running
            | Status::Succeeded
            | Status::Retrying
            | Status::Denied
            | Status::Expired
            | Status::Cancelled => None,
        }
    }
}

impl fmt::Display for Box {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
