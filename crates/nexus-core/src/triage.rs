//! What is to be done about a task that failed for good: one pure decision by its code, for the
//! settings' policy as for a tenant's own, and the rule that keeps alarms from being waved through.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::FailureCode;
use crate::time::Time;

/// What a policy says about a failed task.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Back to work, as a new run.
    Requeue,
    /// To the box of what needs a fix of data, prompt or code.
    Hold,
    /// To the box of what needs a person now.
    Alarm,
    /// It stays where it is until somebody looks.
    Ignore,
}

impl Decision {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Requeue, Self::Hold, Self::Alarm, Self::Ignore];

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requeue => "requeue",
            Self::Hold => "hold",
            Self::Alarm => "alarm",
            Self::Ignore => "ignore",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which codes are requeued, held and alarmed; all others are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Codes whose tasks go back to work.
    pub requeue: Vec<FailureCode>,
    /// Codes whose tasks are held.
    pub hold: Vec<FailureCode>,
    /// Codes whose tasks need a person now.
    pub alarm: Vec<FailureCode>,
    /// Whether nothing that failed with an alarm code is requeued before the code, or the task, is
    /// acknowledged as resolved.
    pub enforce_alarm_no_requeue: bool,
}

impl Default for Policy {
    fn default() -> Self {
        use FailureCode as C;
        Self {
            requeue: vec![C::ProviderTimeout, C::ProviderUpstreamError, C::ProviderRateLimit],
            hold: vec![C::SchemaParseError, C::SchemaValidationError, C::SchemaRepairFailed],
            alarm: vec![C::ProviderAuthError, C::ProviderDisabled],
            enforce_alarm_no_requeue: true,
        }
    }
}

/// Why a policy is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// A code says two things.
    #[error("{code} stands in {first} and in {second}; a code has one decision")]
    Twice {
        /// Which.
        code: FailureCode,
        /// The list where it stands first.
        first: Decision,
        /// The list where it stands again; the same list if it stands there twice.
        second: Decision,
    },
    /// Something may have been sent: only a person can say whether to do it again.
    #[error(
        "EFFECT_UNKNOWN is never requeued by policy: what may have been sent would be sent again"
    )]
    EffectUnknown,
}

impl BadPolicy {
    /// The list that is to be changed.
    pub const fn list(&self) -> Decision {
        match self {
            Self::Twice { second, .. } => *second,
            Self::EffectUnknown => Decision::Requeue,
        }
    }
}

impl Policy {
    /// The three lists with what they decide.
    pub fn lists(&self) -> [(Decision, &[FailureCode]); 3] {
        [
            (Decision::Requeue, &self.requeue),
            (Decision::Hold, &self.hold),
            (Decision::Alarm, &self.alarm),
        ]
    }

    /// Whether every code has one decision, and one that it may have.
    ///
    /// # Errors
    /// The first code that has not.
    pub fn check(&self) -> Result<(), BadPolicy> {
        let mut known = BTreeMap::new();
        for (second, codes) in self.lists() {
            for code in codes {
                if let Some(first) = known.insert(*code, second) {
                    return Err(BadPolicy::Twice { code: *code, first, second });
                }
            }
        }
        match known.get(&FailureCode::EffectUnknown) {
            Some(Decision::Requeue) => Err(BadPolicy::EffectUnknown),
            _ => Ok(()),
        }
    }

    /// What is to be done about a task that failed with this code.
    pub fn decide(&self, code: FailureCode) -> Decision {
        let mut lists = self.lists().into_iter();
        let found = lists.find(|(_, codes)| codes.contains(&code));
        found.map_or(Decision::Ignore, |(decision, _)| decision)
    }

    /// The same for a task that was put to work `run` times: what failed in `most` runs is not helped
    /// by yet another, and waits for a person.
    pub fn decide_run(&self, code: FailureCode, run: u32, most: u32) -> Decision {
        match self.decide(code) {
            Decision::Requeue if run >= most => Decision::Ignore,
            decision => decision,
        }
    }

    /// Whether a task that failed may be requeued at all, by policy or by hand: not with an alarm
    /// code while the rule holds, unless the code was resolved after it had failed, or the task was.
    pub fn may_requeue(&self, failed: &Failed, resolved: &Resolved) -> bool {
        !self.enforce_alarm_no_requeue
            || !self.alarm.contains(&failed.code)
            || failed.resolved
            || resolved.0.get(&failed.code).is_some_and(|at| failed.failed_at <= *at)
    }
}

/// What is asked about a failed task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Why it failed.
    pub code: FailureCode,
    /// When it failed for good.
    pub failed_at: Time,
    /// Whether this very task was acknowledged as resolved since.
    pub resolved: bool,
}

/// Codes whose cause somebody says is gone, and when they said so: what failed later failed of
/// something that is not gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved(pub BTreeMap<FailureCode, Time>);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    /// Each code with a decision, or none.
    fn policies() -> impl Strategy<Value = Policy> {
        let each = proptest::collection::vec(select(&Decision::ALL[..]), FailureCode::ALL.len());
        (each, any::<bool>()).prop_map(|(decisions, enforce_alarm_no_requeue)| {
            let of = |wanted| {
                let pairs = FailureCode::ALL.iter().zip(&decisions);
                pairs.filter(|(_, d)| **d == wanted).map(|(code, _)| *code).collect()
            };
            Policy {
                requeue: of(Decision::Requeue),
                hold: of(Decision::Hold),
                alarm: of(Decision::Alarm),
                enforce_alarm_no_requeue,
            }
        })
    }

    fn at(millis: i64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn the_usual_policy_is_one() {
        let usual = Policy::default();
        assert_eq!(usual.check(), Ok(()));
        assert_eq!(usual.decide(FailureCode::ProviderTimeout), Decision::Requeue);
        assert_eq!(usual.decide(FailureCode::SchemaParseError), Decision::Hold);
        assert_eq!(usual.decide(FailureCode::ProviderAuthError), Decision::Alarm);
        assert_eq!(usual.decide(FailureCode::InternalError), Decision::Ignore);
        let runs = [1, 2, 3, 4].map(|run| usual.decide_run(FailureCode::ProviderTimeout, run, 3));
        assert_eq!(runs[1..3], [Decision::Requeue, Decision::Ignore], "{runs:?}");
        assert_eq!(usual.decide_run(FailureCode::SchemaParseError, 9, 3), Decision::Hold);
    }

    #[test]
    fn a_resolved_code_frees_what_failed_before_it_was_resolved() {
        let policy = Policy::default();
        let resolved = Resolved(BTreeMap::from([(FailureCode::ProviderAuthError, at(100))]));
        let failed = |code, when| Failed { code, failed_at: at(when), resolved: false };
        let auth = FailureCode::ProviderAuthError;
        assert!(!policy.may_requeue(&failed(auth, 50), &Resolved::default()));
        assert!(policy.may_requeue(&failed(auth, 100), &resolved));
        assert!(!policy.may_requeue(&failed(auth, 101), &resolved), "it happened again");
        assert!(!policy.may_requeue(&failed(FailureCode::ProviderDisabled, 50), &resolved));
        let this = Failed { resolved: true, ..failed(auth, 101) };
        assert!(policy.may_requeue(&this, &resolved), "this very task");
    }

    proptest! {
        #[test]
        fn a_policy_that_is_one_says_one_thing_of_each_code(policy in policies()) {
            let unknown = policy.requeue.contains(&FailureCode::EffectUnknown);
            prop_assert_eq!(policy.check().is_ok(), !unknown);
            for code in FailureCode::ALL {
                let listed = policy.lists().into_iter().filter(|(_, codes)| codes.contains(code));
                let listed: Vec<Decision> = listed.map(|(decision, _)| decision).collect();
                let decided = policy.decide(*code);
                prop_assert_eq!(listed, Vec::from_iter((decided != Decision::Ignore).then_some(decided)));
            }
            let json = serde_json::to_string(&policy).unwrap();
            prop_assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
        }

        #[test]
        fn a_code_that_stands_twice_is_refused(
            policy in policies(), from in 0usize..3, to in 0usize..3, code in select(FailureCode::ALL),
        ) {
            let mut policy = policy;
            for list in [from, to] {
                match list {
                    0 => policy.requeue.push(code),
                    1 => policy.hold.push(code),
                    _ => policy.alarm.push(code),
                }
            }
            let twice = matches!(policy.check(), Err(BadPolicy::Twice { code: found, .. }) if found == code);
            prop_assert!(twice);
        }

        #[test]
        fn no_alarm_is_waved_through(
            policy in policies(), code in select(FailureCode::ALL), failed_at in 0i64..200,
            codes in subsequence(FailureCode::ALL, 0..4), when in 0i64..200,
        ) {
            let resolved = Resolved(codes.iter().map(|code| (*code, at(when))).collect());
            let failed = Failed { code, failed_at: at(failed_at), resolved: false };
            let alarm = policy.decide(code) == Decision::Alarm && policy.enforce_alarm_no_requeue;
            let since = codes.contains(&code) && failed_at <= when;
            prop_assert_eq!(policy.may_requeue(&failed, &resolved), !alarm || since);
        }
    }
}
