//! What the engine writes for one report: the run as it is found, a step that begins, what is said.

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_core::view::Changes;
use nexus_kit::db::{DbError, Place, Read, Tx};
use nexus_kit::log::ReportChange;
use nexus_kit::log::follow::{self, Mark};
use nexus_work::worklog::{self, Level, NewLine};
use nexus_work::{Begun, Beside, Standing, WorkError, standing};

use super::FOLLOWER;
use super::run::{Advance, Phase, Run, Step, StepState, Todo};
use super::sql::{self, Said};

/// Which runs each report concerns, in order; reports that concern none are left out.
pub(super) fn concerned(
    q: &Read,
    tenant: &Tenant,
    reports: &[(u64, String)],
) -> Result<Vec<(u64, Vec<String>)>, DbError> {
    let mut all = Vec::new();
    for (number, body) in reports {
        let report: Changes<'_> = serde_json::from_str(body)
            .map_err(|error| DbError::Failed(format!("report {number} cannot be read: {error}")))?;
        let mut runs: Vec<String> = Vec::new();
        for change in &report.changes {
            let run = match &*change.collection {
                "autopilot" => Some(change.id.clone().into_owned()),
                "tasks" => sql::run_of_task(q, tenant, &change.id)?,
                _ => None,
            };
            runs.extend(run.filter(|run| !runs.contains(run)));
        }
        if !runs.is_empty() {
            all.push((*number, runs));
        }
    }
    Ok(all)
}

/// A run as it is found.
pub(super) struct Found {
    pub run: Run,
    pub steps: Vec<Step>,
    /// How the current step's task stands.
    pub task: Option<Standing>,
}

impl Found {
    pub fn advance(&mut self, now: Time, late: bool) -> Advance {
        self.run.advance(&mut self.steps, self.task.as_ref(), now, late)
    }
}

pub(super) fn load(q: &Read, tenant: &Tenant, run_id: &str) -> Result<Option<Found>, WorkError> {
    let Some((run, steps)) = sql::load(q, tenant, run_id)? else { return Ok(None) };
    let current = Run::current(&steps).and_then(|at| steps[at].task_id.clone());
    let task = match current {
        Some(task_id) => standing(q, tenant, &task_id)?,
        None => None,
    };
    Ok(Some(Found { run, steps, task }))
}

pub(super) fn outrun() -> WorkError {
    WorkError::Precondition("the run has moved on meanwhile".to_owned())
}

/// What one report makes the engine do with one run.
#[derive(Clone)]
pub(super) struct Reaction {
    pub tenant: Tenant,
    pub run_id: String,
    pub mark: Mark,
    pub to: u64,
}

impl Reaction {
    /// Moves the cursor, and reads the run as it is in this transaction.
    pub fn take(&self, tx: &mut Tx<'_>) -> Result<Found, WorkError> {
        if !follow::advance(tx, FOLLOWER, &self.mark, &self.mark.epoch, self.to)? {
            return Err(outrun());
        }
        load(tx, &self.tenant, &self.run_id)?.ok_or_else(outrun)
    }
}

/// A step begins in the transaction that accepts its command.
pub(super) struct Begins {
    pub reaction: Reaction,
    pub at: usize,
}

impl Beside for Begins {
    fn write(
        &self,
        tx: &mut Tx<'_>,
        _: &Place,
        begun: &Begun,
    ) -> Result<Vec<ReportChange>, WorkError> {
        let Found { mut run, mut steps, task } = self.reaction.take(tx)?;
        let now = tx.now();
        let late = tx.expiry() >= run.deadline_at;
        let advance = run.advance(&mut steps, task.as_ref(), now, late);
        if advance.changed || advance.todo != Todo::Submit(self.at) {
            return Err(outrun());
        }
        let step = &mut steps[self.at];
        step.state = StepState::Running;
        step.task_id = Some(begun.task_id.clone());
        step.risk = Some(begun.risk.as_str().to_owned());
        step.started_at = Some(now);
        run.updated_at = now;
        sql::save(tx, &self.reaction.tenant, &run, &steps)?;
        Ok(vec![run.change(&steps)])
    }
}

/// Writes what the assistant says: into the worklog and the conversation.
pub(super) fn say(
    tx: &mut Tx<'_>,
    place: &Place,
    tenant: &Tenant,
    run: &Run,
    lines: &[String],
) -> Result<Option<ReportChange>, WorkError> {
    let level = match run.phase {
        Phase::Failed => Level::Error,
        Phase::Denied | Phase::Expired | Phase::Cancelled => Level::Warn,
        _ => Level::Info,
    };
    if lines.is_empty() {
        return Ok(None);
    }
    // One line of the worklog: two of one report would have no order.
    let text = lines.join("\n");
    let line = NewLine {
        level,
        agent: "assistant",
        text: &text,
        correlation_id: &run.correlation_id,
        task_id: Some(&run.task_id),
        requested_by: &run.requested_by,
    };
    let change = worklog::write(tx, place, 0, &line)?;
    let said = Said {
        session_id: &run.session_id,
        seq: place.number,
        role: "assistant",
        text: &text,
        run_id: &run.run_id,
        requested_by: &run.requested_by,
    };
    sql::say(tx, tenant, &said)?;
    Ok(Some(change))
}
