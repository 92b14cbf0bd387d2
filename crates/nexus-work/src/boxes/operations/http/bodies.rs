//! What the operations are asked with. Each body is written out rather than flattened, which would hide
//! from a refusal which field is wrong.

use nexus_core::id::TaskId;
use nexus_core::time::Time;
use nexus_kit::http::problem::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::boxes::error::BoxesError;
use crate::boxes::filter::{Filter, FilterIn};
use crate::boxes::operations::select::Wanted;
use crate::error::WorkError;

/// Longest note, in bytes.
const NOTE_BYTES: usize = 2_000;

/// Most tasks a second that can be asked for.
const MOST_PER_SECOND: u64 = 10_000;

/// Most tasks of a canary.
const MOST_CANARY: u64 = 1_000;

/// What `confirm` says where a person answers for what nobody knows.
pub(super) const NOTHING_WAS_SENT: &str = "nothing_was_sent";

/// Who chooses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Whoever asks: the tasks that they name.
    Manual,
    /// Policy: of those, the ones that it says this about.
    Auto,
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// These tasks; one of `ids`, `filter` and `all` must be there.
            pub(super) ids: Option<Vec<String>>,
            /// Those that the filter lets through; an empty one is refused.
            pub(super) filter: Option<FilterIn>,
            /// All of the box.
            pub(super) all: bool,
            /// Only say which tasks it would be.
            pub(super) dry_run: bool,
            /// The first so many of each tenant, those that failed first first.
            pub(super) limit: Option<u64>,
            /// Tasks a second, for what is not finished before the answer.
            pub(super) per_second: Option<u64>,
            /// For the record.
            pub(super) note: Option<String>,
            $($(#[$fdoc])* pub(super) $field: $type,)*
        }

        impl $name {
            pub(super) fn common(&self) -> Common<'_> {
                Common {
                    ids: self.ids.as_deref(),
                    filter: self.filter.as_ref(),
                    all: self.all,
                    limit: self.limit,
                    per_second: self.per_second,
                    note: self.note.as_deref(),
                }
            }
        }
    )*};
}

bodies! {
    /// Back to work.
    RequeueIn {
        /// `manual` unless said otherwise.
        mode: Option<Mode>,
        /// So many first; the rest when they have ended, unless too many of them failed again.
        canary: Option<u64>,
        /// `nothing_was_sent`: that is so of every task whose effect is unknown.
        confirm: Option<String>,
    }
    /// To hold, or to alarm.
    MoveIn {
        /// `auto` unless said otherwise: what policy says this about; it needs no selection.
        mode: Option<Mode>,
    }
    /// Away for good, or seen.
    TakeIn {}
    /// What policy says: alarm, hold, requeue.
    ApplyIn {
        /// Most that are requeued; `DLQ_APPLY_MAX_REQUEUE`.
        max_requeue: Option<u64>,
        /// Most that are moved to hold; `DLQ_APPLY_MAX_HOLD`.
        max_hold: Option<u64>,
        /// Most that are moved to alarm; `DLQ_APPLY_MAX_ALARM`.
        max_alarm: Option<u64>,
        /// Only what failed less than so many seconds ago; `DLQ_APPLY_MAX_AGE_SECONDS`.
        max_age_seconds: Option<u64>,
    }
}

/// What all of them have.
pub(super) struct Common<'a> {
    pub ids: Option<&'a [String]>,
    pub filter: Option<&'a FilterIn>,
    pub all: bool,
    pub limit: Option<u64>,
    pub per_second: Option<u64>,
    pub note: Option<&'a str>,
}

impl Common<'_> {
    /// Which tasks are meant. Where policy chooses, no selection means all that it says this about.
    pub fn wanted(&self, now: Time, by_policy: bool) -> Result<Wanted, Problem> {
        match (self.ids, self.filter, self.all) {
            (Some(ids), None, false) => {
                let wrong: Vec<FieldError> = ids
                    .iter()
                    .enumerate()
                    .filter_map(|(at, id)| {
                        let message = TaskId::parse(id).err()?.to_string();
                        Some(FieldError { path: format!("/ids/{at}"), message })
                    })
                    .take(20)
                    .collect();
                if !wrong.is_empty() {
                    return Err(WorkError::Fields(wrong).into());
                }
                if ids.is_empty() {
                    return Err(WorkError::from(BoxesError::SelectionRequired).into());
                }
                Ok(Wanted::Ids(ids.to_vec()))
            }
            (None, Some(filter), false) if filter.is_empty() => {
                Err(WorkError::from(BoxesError::SelectionRequired).into())
            }
            (None, Some(filter), false) => Ok(Wanted::Matching(filter.at(now, "/filter")?)),
            (None, None, true) => Ok(Wanted::Matching(Filter::default())),
            (None, None, false) if by_policy => Ok(Wanted::Matching(Filter::default())),
            (None, None, false) => Err(WorkError::from(BoxesError::SelectionRequired).into()),
            _ => Err(WorkError::field("/ids", "one of ids, filter and all, not several").into()),
        }
    }

    /// Refuses numbers and notes that are out of bounds.
    pub fn check(&self, max_tasks: u64) -> Result<(), WorkError> {
        check("/limit", self.limit, max_tasks)?;
        check("/per_second", self.per_second, MOST_PER_SECOND)?;
        if self.note.is_some_and(|note| note.len() > NOTE_BYTES) {
            return Err(WorkError::field("/note", format!("at most {NOTE_BYTES} bytes")));
        }
        Ok(())
    }
}

fn check(path: &str, number: Option<u64>, most: u64) -> Result<(), WorkError> {
    match number {
        Some(number) if !(1..=most).contains(&number) => {
            Err(WorkError::field(path, format!("1 to {most}")))
        }
        _ => Ok(()),
    }
}

impl RequeueIn {
    /// Whether somebody answers for what nobody knows; any other word is a mistake.
    pub(super) fn nothing_was_sent(&self) -> Result<bool, WorkError> {
        match self.confirm.as_deref() {
            None => Ok(false),
            Some(NOTHING_WAS_SENT) => Ok(true),
            Some(_) => Err(WorkError::field("/confirm", format!("only {NOTHING_WAS_SENT:?}"))),
        }
    }

    /// Tasks of the canary; 0 for none.
    pub(super) fn canary(&self) -> Result<u64, WorkError> {
        check("/canary", self.canary, MOST_CANARY)?;
        Ok(self.canary.unwrap_or(0))
    }
}
