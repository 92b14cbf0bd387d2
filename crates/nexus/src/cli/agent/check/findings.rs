//! What is looked at, and what came of it.

use std::collections::BTreeMap;

/// One thing that an agent must do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Check {
    /// Its claims can be read.
    Claim,
    /// It waits for work.
    LongPoll,
    /// It ignores what it does not know.
    UnknownFields,
    /// Its callbacks fit the schema.
    Schema,
    /// Callbacks and heartbeats name the attempt and its token.
    Proof,
    /// Its callbacks are signed.
    Signature,
    /// What it sends is not too large.
    Size,
    /// It says the end again after a 503.
    Unavailable,
    /// It says the end again when no answer came.
    Lost,
    /// It stops when its attempt is over.
    Stale,
    /// It performs what was approved.
    Approved,
    /// It performs nothing else.
    Digest,
    /// It keeps its claim.
    Heartbeat,
    /// It stops when it is told to.
    Cancel,
    /// It outlives a restart of the server.
    Away,
    /// It ends on SIGTERM.
    Sigterm,
}

impl Check {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 16] = [
        Self::Claim,
        Self::LongPoll,
        Self::UnknownFields,
        Self::Schema,
        Self::Proof,
        Self::Signature,
        Self::Size,
        Self::Unavailable,
        Self::Lost,
        Self::Stale,
        Self::Approved,
        Self::Digest,
        Self::Heartbeat,
        Self::Cancel,
        Self::Away,
        Self::Sigterm,
    ];

    /// Its name for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::LongPoll => "long_poll",
            Self::UnknownFields => "unknown_fields",
            Self::Schema => "callback_schema",
            Self::Proof => "attempt_token",
            Self::Signature => "signature",
            Self::Size => "result_size",
            Self::Unavailable => "repeat_503",
            Self::Lost => "repeat_lost",
            Self::Stale => "stale_attempt",
            Self::Approved => "approved",
            Self::Digest => "digest",
            Self::Heartbeat => "heartbeat",
            Self::Cancel => "cancel",
            Self::Away => "server_away",
            Self::Sigterm => "sigterm",
        }
    }
}

/// What came of a check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// As it should be.
    Passed,
    /// It is not, by this.
    Failed(String),
    /// It could not be seen, because of this.
    Skipped(String),
}

/// What came of all checks so far.
#[derive(Debug, Default)]
pub struct Findings(BTreeMap<Check, Verdict>);

impl Findings {
    /// Fits, unless it was seen to fail before.
    pub fn pass(&mut self, check: Check) {
        self.0.entry(check).or_insert(Verdict::Passed);
    }

    /// Fails; the first fault is the one that is shown.
    pub fn fail(&mut self, check: Check, seen: impl Into<String>) {
        let verdict = self.0.entry(check).or_insert(Verdict::Passed);
        if !matches!(verdict, Verdict::Failed(_)) {
            *verdict = Verdict::Failed(seen.into());
        }
    }

    /// Could not be seen.
    pub fn skip(&mut self, check: Check, why: impl Into<String>) {
        self.0.entry(check).or_insert_with(|| Verdict::Skipped(why.into()));
    }

    /// What came of one.
    pub fn of(&self, check: Check) -> Verdict {
        self.0.get(&check).cloned().unwrap_or_else(|| Verdict::Skipped(String::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_stays() {
        let mut findings = Findings::default();
        findings.pass(Check::Claim);
        findings.fail(Check::Claim, "first");
        findings.fail(Check::Claim, "second");
        findings.pass(Check::Claim);
        findings.skip(Check::Claim, "too late");
        assert_eq!(findings.of(Check::Claim), Verdict::Failed("first".into()));
        assert_eq!(findings.of(Check::Away), Verdict::Skipped(String::new()));
    }
}
