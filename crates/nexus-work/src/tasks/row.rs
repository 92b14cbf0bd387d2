//! A task as the store has it.

use nexus_core::failure::FailureCode;
use nexus_core::id::TaskId;
use nexus_core::policy::Risk;
use nexus_core::task::{Event, NoTransition, Status, next};
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::db::{DbError, Read};

use crate::worklog::Level;

/// Every column of a task; the row is the truth.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub tenant: Tenant,
    pub task_id: TaskId,
    /// Number of the report that first brought it.
    pub seq: u64,
    pub command_type: String,
    /// Canonical JSON (RFC 8785); executed from exactly these bytes.
    pub params: String,
    pub status: Status,
    pub risk: Risk,
    /// What decided the level.
    pub rule: String,
    /// Whether a person must say yes before it runs.
    pub waits: bool,
    pub requested_risk: Option<Risk>,
    pub precondition: Option<String>,
    pub priority: i64,
    pub correlation_id: String,
    pub requested_by: String,
    /// What they were called then, if they are a person.
    pub requested_by_name: Option<String>,
    pub created_at: Time,
    pub updated_at: Time,
    pub deadline_at: Option<Time>,
    pub ask_id: Option<String>,
    /// The current or last attempt; 0 before the first.
    pub attempt: u32,
    pub retry_count: u32,
    pub agent: Option<String>,
    /// SHA-256 of the current attempt's token, in hex.
    pub attempt_token: Option<String>,
    /// A boot id or a key id.
    pub lease_owner: Option<String>,
    pub lease_until: Option<Time>,
    /// When the attempt is over whatever its heartbeats say; only agents outside have it.
    pub attempt_until: Option<Time>,
    pub started_at: Option<Time>,
    pub progress: Option<f64>,
    pub cancel_requested: bool,
    pub finished_at: Option<Time>,
    pub result: Option<String>,
    pub failure_code: Option<FailureCode>,
    pub last_error: Option<String>,
    /// Digest of the callback that ended it well.
    pub callback: Option<String>,
    /// How often somebody put it to work, from 1.
    pub run: u32,
    /// What the agent itself called the failure.
    pub agent_code: Option<String>,
    /// When something that it said was shown last, by the expiry clock.
    pub said_at: Option<Time>,
    /// What it has said since and that is not shown yet.
    pub held: Vec<HeldLine>,
    /// Where the store has it standing: it may be about to leave that box, or to enter one.
    pub stored: Status,
}

/// A line that waits until it may be shown.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct HeldLine {
    pub level: Level,
    pub agent: String,
    pub text: String,
}

/// How a task stands, for whoever follows it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its status.
    pub status: Status,
    /// What it was rated; another look before it runs may have changed it.
    pub risk: Risk,
    /// The ask that it waits for or was decided by.
    pub ask_id: Option<String>,
    /// Whether somebody asked to call it off.
    pub cancel_requested: bool,
    /// What it brought.
    pub result: Option<String>,
    /// Why it failed.
    pub failure_code: Option<FailureCode>,
    /// What a person reads about that, or what the person who said no wrote.
    pub last_error: Option<String>,
}

/// How a task stands; none where it is not, or no longer, in the store.
///
/// # Errors
/// When the store fails.
pub fn standing(q: &Read, tenant: &Tenant, task_id: &str) -> Result<Option<Standing>, DbError> {
    let task = super::sql::load(q, tenant, task_id)?;
    Ok(task.map(|task| Standing {
        status: task.status,
        risk: task.risk,
        ask_id: task.ask_id,
        cancel_requested: task.cancel_requested,
        result: task.result,
        failure_code: task.failure_code,
        last_error: task.last_error,
    }))
}

impl Task {
    /// Moves it along the one table of transitions; nothing else sets a status.
    pub fn advance(&mut self, event: Event, now: Time) -> Result<(), NoTransition> {
        self.status = next(self.status, event)?;
        self.updated_at = now;
        // From one box to another: when it failed stays what it is.
        if !matches!(event, Event::Routed | Event::Alarmed) {
            self.finished_at = self.status.done().then_some(now);
        }
        if self.status != Status::Running {
            self.attempt_token = None;
            self.lease_owner = None;
            self.lease_until = None;
            self.attempt_until = None;
            self.progress = None;
            self.said_at = None;
        }
        Ok(())
    }

    /// The end of a lease: as wanted, but not beyond the end of the attempt.
    pub fn lease_at_most(&self, wanted: Time) -> Time {
        self.attempt_until.map_or(wanted, |until| until.min(wanted))
    }

    /// `green`, `yellow` or `red`.
    pub fn level(&self) -> &'static str {
        self.risk.level()
    }
}
