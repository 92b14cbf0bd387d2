//! Whether the first tasks of a requeue went well enough for the rest. Pure.

use nexus_core::task::Status;

/// How a task of the canary stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Canary {
    /// The run that the operation began goes on, or waits for a person.
    Open,
    /// It ended, and not in a box.
    Well,
    /// It lies in a box again, or did until somebody requeued it once more.
    FailedAgain,
}

impl Canary {
    /// By its status, if it is still there, and whether this is still the run that was begun.
    pub(super) fn of(status: Option<Status>, same_run: bool) -> Self {
        match status {
            Some(_) if !same_run => Self::FailedAgain,
            Some(status) if status.in_box() => Self::FailedAgain,
            Some(status) if !status.done() => Self::Open,
            // Forgotten, because it ended well long ago, or somebody decided what was to become of it.
            _ => Self::Well,
        }
    }
}

/// What follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Some have not ended.
    Wait,
    /// The rest may go.
    GoOn,
    /// So many of so many failed again.
    Stop(usize, usize),
}

/// Decides; more than `percent` of the canary that failed again is too much, and known as soon as it
/// cannot become less.
pub(super) fn judge(canary: &[Canary], percent: u64) -> Verdict {
    let count = |wanted| canary.iter().filter(|one| **one == wanted).count();
    let (failed, all) = (count(Canary::FailedAgain), canary.len());
    let percent = usize::try_from(percent).unwrap_or(usize::MAX);
    if failed.saturating_mul(100) > all.saturating_mul(percent) {
        Verdict::Stop(failed, all)
    } else if count(Canary::Open) > 0 {
        Verdict::Wait
    } else {
        Verdict::GoOn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_waited_for_until_enough_is_known() {
        use Canary::{FailedAgain as F, Open as O, Well as W};
        for (canary, percent, expected) in [
            (&[][..], 20, Verdict::GoOn),
            (&[W, W, W, W, F], 20, Verdict::GoOn),
            (&[W, W, W, F, F], 20, Verdict::Stop(2, 5)),
            (&[O, O, O, F, F], 20, Verdict::Stop(2, 5)),
            (&[O, W, W, W, F], 20, Verdict::Wait),
            (&[W, F], 0, Verdict::Stop(1, 2)),
            (&[F, F], 100, Verdict::GoOn),
        ] {
            assert_eq!(judge(canary, percent), expected, "{canary:?} {percent}");
        }
    }

    #[test]
    fn how_a_task_stands_says_how_its_run_went() {
        for status in Status::ALL {
            let again = Canary::of(Some(*status), false);
            assert_eq!(again, Canary::FailedAgain, "somebody had to requeue it once more");
            let expected = match status {
                Status::Dead | Status::Held | Status::Alarmed => Canary::FailedAgain,
                status if status.done() => Canary::Well,
                _ => Canary::Open,
            };
            assert_eq!(Canary::of(Some(*status), true), expected, "{status}");
        }
        assert_eq!(Canary::of(None, false), Canary::Well);
    }
}
