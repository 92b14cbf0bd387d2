//! How fast what a running task says is shown: text and progress together make at most two reports a
//! second. What comes in between is kept with the task, so that nothing is lost, and shown with what
//! comes next, with the end, or when it is time.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::clock::Clock;
use nexus_kit::db::{Place, Tx};
use nexus_kit::log::{Report, ReportChange};
use tokio::sync::Notify;

use super::callback::Line;
use crate::Work;
use crate::error::WorkError;
use crate::tasks::row::{HeldLine, Task};
use crate::tasks::sql::{self as tasks, Due};
use crate::tasks::view;
use crate::worklog::{self, LINES_BYTES, NewLine};

/// Between two reports that show what a task says.
const PACE: Duration = Duration::from_millis(500);

/// When something may be shown again, if that is not now.
pub(super) fn early(tx: &Tx<'_>, task: &Task) -> Option<Time> {
    let at = task.said_at?.plus(PACE);
    (tx.expiry() < at).then_some(at)
}

/// Whether one report can still carry what waits and these lines; whoever says more is shown at once.
pub(super) fn fits(task: &Task, lines: &[Line]) -> bool {
    let waiting: usize = task.held.iter().map(|line| line.text.len()).sum();
    waiting + lines.iter().map(|line| line.text.len()).sum::<usize>() <= LINES_BYTES
}

/// Keeps lines with the task; the caller saves it.
pub(super) fn hold(task: &mut Task, agent: &str, lines: Vec<Line>) {
    let held = |Line { level, text }| HeldLine { level, agent: agent.to_owned(), text };
    task.held.extend(lines.into_iter().map(held));
}

/// Writes the lines that wait; those that one report cannot carry go in reports before it.
pub(super) fn lines(
    tx: &mut Tx<'_>,
    place: &mut Place,
    task: &mut Task,
) -> Result<Vec<ReportChange>, WorkError> {
    let mut changes = Vec::new();
    let mut size = 0;
    for held in std::mem::take(&mut task.held) {
        if size > LINES_BYTES {
            report(tx, place, "worklog", task, std::mem::take(&mut changes))?;
            *place = tx.next_place()?;
            size = 0;
        }
        let change = line(tx, place, changes.len(), task, &held)?;
        size += change.size();
        changes.push(change);
    }
    Ok(changes)
}

/// Writes the lines that wait of a task whose agent says nothing any more: they fit into one report.
pub(super) fn last_lines(
    tx: &mut Tx<'_>,
    place: &Place,
    task: &mut Task,
) -> Result<Vec<ReportChange>, WorkError> {
    let held = std::mem::take(&mut task.held);
    held.iter().enumerate().map(|(nth, held)| line(tx, place, nth, task, held)).collect()
}

fn line(
    tx: &mut Tx<'_>,
    place: &Place,
    nth: usize,
    task: &Task,
    held: &HeldLine,
) -> Result<ReportChange, WorkError> {
    let line = NewLine {
        level: held.level,
        agent: &held.agent,
        text: &held.text,
        correlation_id: &task.correlation_id,
        task_id: Some(task.task_id.as_str()),
        requested_by: &task.requested_by,
    };
    Ok(worklog::write(tx, place, nth, &line)?)
}

/// Shows what waits, and how far the task has come.
pub(super) fn show(tx: &mut Tx<'_>, mut place: Place, task: &mut Task) -> Result<(), WorkError> {
    let mut changes = lines(tx, &mut place, task)?;
    task.updated_at = tx.now();
    task.said_at = Some(tx.expiry());
    tasks::save(tx, task, Due::Same)?;
    changes.insert(0, view::change(task));
    report(tx, &place, "task.progress", task, changes)
}

fn report(
    tx: &mut Tx<'_>,
    place: &Place,
    kind: &'static str,
    task: &Task,
    changes: Vec<ReportChange>,
) -> Result<(), WorkError> {
    let report =
        Report { kind, correlation_id: &task.correlation_id, meta: view::meta(task), changes };
    tx.report(place, &report)?;
    Ok(())
}

/// Which tasks have something to show, and when. What is forgotten with the process is in the store,
/// and shown when the next one looks at what its claims are, or with what comes next.
#[derive(Default)]
pub(crate) struct Paced {
    due: Mutex<BTreeSet<(Time, Tenant, String)>>,
    wake: Notify,
}

impl Paced {
    /// Has something shown at this time.
    pub fn show_at(&self, at: Time, tenant: &Tenant, task_id: String) {
        self.due().insert((at, tenant.clone(), task_id));
        self.wake.notify_one();
    }

    /// Waits for what is to be shown next, and takes it.
    async fn next(&self, clock: &Clock) -> Vec<(Tenant, String)> {
        loop {
            let first = self.due().first().map(|(at, ..)| *at);
            let time = async {
                match first {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // Something earlier may have come.
                () = self.wake.notified() => {}
                () = time => {
                    let now = clock.expiry();
                    let mut taken = Vec::new();
                    let mut due = self.due();
                    while due.first().is_some_and(|(at, ..)| *at <= now) {
                        taken.extend(due.pop_first().map(|(_, tenant, task_id)| (tenant, task_id)));
                    }
                    return taken;
                }
            }
        }
    }

    fn due(&self) -> MutexGuard<'_, BTreeSet<(Time, Tenant, String)>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows what is due, for ever.
pub(crate) async fn run(work: &Work) {
    loop {
        let due = work.paced.next(&work.app.clock).await;
        // All at once, so that they share commits.
        join_all(due.into_iter().map(|(tenant, task_id)| show_one(work, tenant, task_id))).await;
    }
}

async fn show_one(work: &Work, tenant: Tenant, task_id: String) {
    let (whose, id) = (tenant.clone(), task_id.clone());
    let shown = work.app.db.write(&tenant, move |tx| {
        match tasks::load(tx, &whose, &id)?.filter(|task| !task.held.is_empty()) {
            Some(mut task) => {
                let place = tx.next_place()?;
                show(tx, place, &mut task)
            }
            None => Ok(()),
        }
    });
    if let Err(error) = shown.await {
        tracing::warn!(tenant_id = %tenant, task_id, %error, "what a task said was not shown; it is tried again");
        work.paced.show_at(work.app.clock.expiry().plus(PACE), &tenant, task_id);
    }
}
