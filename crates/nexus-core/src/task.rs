//! The life of a task: one table of transitions, and what a failure leads to.

use std::fmt;
use std::time::Duration;

use crate::failure::{FailureCode, Triage};

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads the stable text.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }
    };
}

names! {
    /// Where a task stands.
    Status {
        /// RED and not decided.
        WaitingApproval = "waiting_approval",
        /// Due, or soon.
        Queued = "queued",
        /// Claimed by a worker.
        Running = "running",
        /// Done, with a result.
        Succeeded = "succeeded",
        /// Failed and to be attempted again.
        Retrying = "retrying",
        /// Failed for good: a dead letter.
        Dead = "dead",
        /// Failed and waiting for a person's answer.
        Held = "held",
        /// Failed and in need of a person now.
        Alarmed = "alarmed",
        /// A person said no.
        Denied = "denied",
        /// Nobody decided in time.
        Expired = "expired",
        /// Called off.
        Cancelled = "cancelled",
    }
}

impl Status {
    /// Whether nothing more happens to it by itself.
    pub const fn done(self) -> bool {
        !matches!(self, Self::WaitingApproval | Self::Queued | Self::Running | Self::Retrying)
    }

    /// Whether it failed and lies in a box (dead letters, hold, alarm) until somebody deals with it.
    /// Only from there can a task be requeued, and only there can it be purged, which is no
    /// transition: what is purged has no status any more.
    pub const fn in_box(self) -> bool {
        matches!(self, Self::Dead | Self::Held | Self::Alarmed)
    }
}

names! {
    /// What happens to a task.
    Event {
        /// A person said yes.
        Approved = "approved",
        /// A person said no.
        Denied = "denied",
        /// Nobody decided in time.
        Expired = "expired",
        /// A new ask was made: again by the requester, or because the world changed.
        AskedAgain = "asked_again",
        /// A worker took it.
        Claimed = "claimed",
        /// The attempt brought a result.
        Succeeded = "succeeded",
        /// The attempt failed; another will follow.
        RetryPlanned = "retry_planned",
        /// It failed for good.
        Died = "died",
        /// It failed and waits for a person's answer.
        Held = "held",
        /// Its worker gave it back untouched.
        HandedBack = "handed_back",
        /// Called off.
        Cancelled = "cancelled",
        /// Back to work out of a box, as a new run.
        Requeued = "requeued",
        /// Moved from the dead letters to those that wait for a fix.
        Routed = "routed",
        /// Moved to those that need a person now.
        Alarmed = "alarmed",
    }
}

/// Every transition there is; whatever is not here does not happen.
pub const TRANSITIONS: &[(Status, Event, Status)] = {
    use Status as S;
    &[
        (S::WaitingApproval, Event::Approved, S::Queued),
        (S::WaitingApproval, Event::Denied, S::Denied),
        (S::WaitingApproval, Event::Expired, S::Expired),
        (S::WaitingApproval, Event::Cancelled, S::Cancelled),
        (S::WaitingApproval, Event::AskedAgain, S::WaitingApproval),
        (S::Expired, Event::AskedAgain, S::WaitingApproval),
        (S::Dead, Event::AskedAgain, S::WaitingApproval),
        (S::Dead, Event::Requeued, S::Queued),
        (S::Dead, Event::Routed, S::Held),
        (S::Dead, Event::Alarmed, S::Alarmed),
        (S::Queued, Event::Claimed, S::Running),
        (S::Queued, Event::AskedAgain, S::WaitingApproval),
        (S::Queued, Event::Died, S::Dead),
        (S::Queued, Event::Cancelled, S::Cancelled),
        (S::Retrying, Event::Claimed, S::Running),
        (S::Retrying, Event::AskedAgain, S::WaitingApproval),
        (S::Retrying, Event::Died, S::Dead),
        (S::Retrying, Event::Cancelled, S::Cancelled),
        (S::Running, Event::Succeeded, S::Succeeded),
        (S::Running, Event::RetryPlanned, S::Retrying),
        (S::Running, Event::Died, S::Dead),
        (S::Running, Event::Held, S::Held),
        (S::Running, Event::HandedBack, S::Queued),
        (S::Running, Event::Cancelled, S::Cancelled),
        (S::Held, Event::Cancelled, S::Cancelled),
        (S::Held, Event::AskedAgain, S::WaitingApproval),
        (S::Held, Event::Requeued, S::Queued),
        (S::Alarmed, Event::AskedAgain, S::WaitingApproval),
        (S::Alarmed, Event::Requeued, S::Queued),
    ]
};

/// What does not happen to a task that stands there.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("a task that is {from} cannot be {event}")]
pub struct NoTransition {
    /// Where the task stands.
    pub from: Status,
    /// What was to happen.
    pub event: Event,
}

/// Where `event` takes a task that stands at `from`.
pub fn next(from: Status, event: Event) -> Result<Status, NoTransition> {
    TRANSITIONS
        .iter()
        .find(|(at, on, _)| *at == from && *on == event)
        .map(|(.., to)| *to)
        .ok_or(NoTransition { from, event })
}

/// How often and when a failed task is attempted again.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// Retries after the first attempt.
    pub max_retries: u32,
    /// The wait before each; the last one repeats.
    pub delays: Vec<Duration>,
}

/// What became of an attempt's effect outside NEXUS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing left the house.
    None,
    /// Something left, and it is known what.
    Sent,
    /// Something may have left.
    Unknown,
}

/// How an attempt ended badly.
#[derive(Clone, Copy, Debug)]
pub struct FailedAttempt {
    /// Why.
    pub code: FailureCode,
    /// What the agent said about another attempt, if it said anything.
    pub retryable: Option<bool>,
    /// What became of its effect.
    pub effect: Effect,
    /// Retries that the task has had.
    pub retry_count: u32,
    /// Whether somebody asked to call the task off.
    pub cancel_requested: bool,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AfterFailure {
    /// Attempt it again after this wait.
    Retry(Duration),
    /// It is over, with this event and this code.
    End(Event, FailureCode),
}

/// Decides what follows: an unknown effect is held and never retried; what left is never sent
/// again under the same approval; the rest climbs the ladder while it may help.
pub fn after_failure(failed: &FailedAttempt, policy: &RetryPolicy) -> AfterFailure {
    if failed.effect == Effect::Unknown {
        return AfterFailure::End(Event::Held, FailureCode::EffectUnknown);
    }
    if failed.cancel_requested {
        return AfterFailure::End(Event::Cancelled, failed.code);
    }
    let may_help = failed.retryable.unwrap_or(failed.code.retryable());
    if may_help && failed.effect == Effect::None && failed.retry_count < policy.max_retries {
        let rung = usize::try_from(failed.retry_count).unwrap_or(usize::MAX);
        let wait = policy.delays.get(rung).or(policy.delays.last()).copied().unwrap_or_default();
        return AfterFailure::Retry(wait);
    }
    match failed.code.triage() {
        Triage::Dead => AfterFailure::End(Event::Died, failed.code),
        Triage::Hold => AfterFailure::End(Event::Held, failed.code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: FailureCode) -> FailedAttempt {
        FailedAttempt {
            code,
            retryable: None,
            effect: Effect::None,
            retry_count: 0,
            cancel_requested: false,
        }
    }

    #[test]
    fn nothing_runs_that_was_denied_or_expired() {
        for status in [Status::Denied, Status::Expired, Status::Cancelled, Status::Succeeded] {
            assert!(next(status, Event::Claimed).is_err());
            assert!(next(status, Event::Approved).is_err());
        }
        assert_eq!(next(Status::WaitingApproval, Event::Approved), Ok(Status::Queued));
        assert!(next(Status::WaitingApproval, Event::Claimed).is_err());
    }

    #[test]
    fn the_table_has_one_way_for_each_event() {
        for (index, (from, event, _)) in TRANSITIONS.iter().enumerate() {
            let again = TRANSITIONS[index + 1..].iter().any(|(f, e, _)| f == from && e == event);
            assert!(!again, "{from} {event} twice");
        }
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(*status));
        }
    }

    #[test]
    fn boxes_are_left_by_a_new_run_a_new_ask_or_for_a_graver_box() {
        for from in Status::ALL {
            let requeued = next(*from, Event::Requeued);
            let boxed = from.in_box();
            assert_eq!(requeued.is_ok(), boxed, "{from}");
            assert_eq!(requeued.unwrap_or(Status::Queued), Status::Queued);
            assert!(!boxed || from.done());
            for event in [Event::Routed, Event::Alarmed] {
                assert_eq!(next(*from, event).is_ok(), *from == Status::Dead, "{from} {event}");
            }
            // What was RED goes back to a person from every box.
            if boxed {
                assert_eq!(next(*from, Event::AskedAgain), Ok(Status::WaitingApproval));
                assert!(next(*from, Event::Claimed).is_err(), "nothing runs out of a box");
            }
        }
        for (from, event, to) in TRANSITIONS {
            let moves = matches!(event, Event::Routed | Event::Alarmed);
            assert_eq!(moves, from.in_box() && to.in_box(), "{from} {event} {to}");
        }
    }

    #[test]
    fn failures_climb_the_ladder_and_stop() {
        let policy =
            RetryPolicy { max_retries: 3, delays: [5, 30, 300].map(Duration::from_secs).to_vec() };
        let mut attempt = failed(FailureCode::AgentError);
        for (count, seconds) in [(0, 5), (1, 30), (2, 300)] {
            attempt.retry_count = count;
            let wait = Duration::from_secs(seconds);
            assert_eq!(after_failure(&attempt, &policy), AfterFailure::Retry(wait));
        }
        attempt.retry_count = 3;
        let dead = AfterFailure::End(Event::Died, FailureCode::AgentError);
        assert_eq!(after_failure(&attempt, &policy), dead);
        let params = failed(FailureCode::InvalidParams);
        let dead = AfterFailure::End(Event::Died, FailureCode::InvalidParams);
        assert_eq!(after_failure(&params, &policy), dead);
    }

    #[test]
    fn what_may_have_left_is_held_and_what_left_is_not_sent_again() {
        let policy = RetryPolicy { max_retries: 3, delays: vec![Duration::from_secs(1)] };
        for code in FailureCode::ALL {
            for retryable in [None, Some(true), Some(false)] {
                let unknown = FailedAttempt { effect: Effect::Unknown, retryable, ..failed(*code) };
                let held = AfterFailure::End(Event::Held, FailureCode::EffectUnknown);
                assert_eq!(after_failure(&unknown, &policy), held);
                let sent = FailedAttempt { effect: Effect::Sent, retryable, ..failed(*code) };
                assert!(!matches!(after_failure(&sent, &policy), AfterFailure::Retry(_)));
            }
        }
    }
}
