//! What is refused about failed tasks, and how each refusal reads over HTTP.

use nexus_kit::http::problem::Problem;

/// Why nothing was done about failed tasks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoxesError {
    /// The triage policy has another version than the caller thought.
    #[error("the triage policy has version {0}")]
    TriagePolicyVersion(u64),
    /// The tenant has no triage policy of its own to take away.
    #[error("the tenant has no triage policy of its own")]
    NothingToReset,
    /// Nobody said which tasks are meant.
    #[error("no tasks were selected")]
    SelectionRequired,
    /// Tasks with these codes raised an alarm, and nobody says that it is over.
    #[error("what raised an alarm is not requeued: {0}")]
    AlarmNoRequeue(String),
    /// So many of the tasks may have sent something, and nobody says that they did not.
    #[error("something may have been sent by {0} of the tasks")]
    EffectUnknown(u64),
    /// More tasks than one operation takes.
    #[error("more than {0} tasks")]
    TooManyTasks(u64),
    /// No such operation in this tenant.
    #[error("there is no such operation")]
    NoOperation,
    /// It has ended.
    #[error("the operation is over")]
    OperationOver,
}

impl From<BoxesError> for Problem {
    fn from(error: BoxesError) -> Self {
        match error {
            BoxesError::TriagePolicyVersion(version) => Self::conflict(
                "triage_policy_version",
                format!(
                    "The triage policy has version {version} by now. Read it and apply your change \
                     to that."
                ),
            ),
            BoxesError::NothingToReset => Self::conflict(
                "no_own_policy",
                "This tenant has no triage policy of its own: the one of the settings holds already.",
            ),
            BoxesError::SelectionRequired => Self::bad_request(
                "selection_required",
                "Say which tasks: ids, a filter that says something, or all.",
            ),
            BoxesError::AlarmNoRequeue(codes) => Self::conflict(
                "alarm_no_requeue",
                format!(
                    "Nothing was done: what failed with {codes} raised an alarm and is not requeued, \
                     from any box, while its cause stands (ENFORCE_ALARM_NO_REQUEUE). POST \
                     /alarm/resolve says that it is gone, for the code or for single tasks; or leave \
                     these tasks out with a filter."
                ),
            ),
            BoxesError::EffectUnknown(count) => Self::conflict(
                "effect_unknown",
                format!(
                    "Nothing was done: {count} of these tasks may have sent something outside, and \
                     nobody knows (EFFECT_UNKNOWN). Requeued, they would send it again. Look at the \
                     other side first; if nothing arrived, repeat this with \
                     \"confirm\": \"nothing_was_sent\", which is written down as your word. If \
                     something did arrive, purge them."
                ),
            ),
            BoxesError::TooManyTasks(most) => Self::unprocessable(
                "too_many_tasks",
                format!(
                    "One operation takes at most {most} tasks (DLQ_MAX_TASKS). Name a limit or a narrower filter."
                ),
            ),
            BoxesError::NoOperation => {
                Self::not_found("unknown_operation", "There is no such operation here.")
            }
            BoxesError::OperationOver => Self::conflict(
                "operation_over",
                "The operation has ended; there is nothing left to call off.",
            ),
        }
    }
}
