//! How an attempt ends: one place where a result or a failure becomes the task's next state.

use std::time::Duration;

use nexus_audit::{Entry, record};
use nexus_core::failure::FailureCode;
use nexus_core::task::{
    AfterFailure, Effect, Event, FailedAttempt, RetryPolicy, Status, after_failure,
};
use nexus_core::tenant::Tenant;
use nexus_core::text::clip;
use nexus_kit::db::{Place, Tx};
use nexus_kit::log::{Report, ReportChange};
use nexus_kit::telemetry::metrics::Metrics;
use serde_json::json;

use super::pace;
use crate::boxes::operations;
use crate::error::WorkError;
use crate::tasks::row::Task;
use crate::tasks::sql::{self as tasks, Attempt, Due};
use crate::tasks::view::{self, ERROR_BYTES};
use crate::worklog::{self, Level, NewLine};

/// A bad end of an attempt.
pub(crate) struct End {
    pub code: FailureCode,
    /// The agent's own code, if it has one.
    pub agent_code: Option<String>,
    pub message: String,
    pub retryable: Option<bool>,
    pub effect: Effect,
    /// Digest of the callback that said so.
    pub callback: Option<String>,
    /// Lines that came with it.
    pub changes: Vec<ReportChange>,
}

impl End {
    /// A task that never started.
    pub fn unstarted(code: FailureCode, why: &str) -> Self {
        Self {
            code,
            agent_code: None,
            message: why.to_owned(),
            retryable: Some(false),
            effect: Effect::None,
            callback: None,
            changes: Vec::new(),
        }
    }

    /// An attempt whose worker is gone. `effect` is unknown if it had an open intent.
    pub fn lost(code: FailureCode, why: &str, effect: Effect) -> Self {
        Self { retryable: None, effect, ..Self::unstarted(code, why) }
    }
}

/// What a bad end led to.
#[derive(Debug)]
pub(crate) struct Failed {
    pub tenant: Tenant,
    pub task_id: String,
    pub correlation_id: String,
    pub attempt: u32,
    pub code: FailureCode,
    pub status: Status,
    pub message: String,
}

impl Failed {
    /// Counts and logs it; called after the commit, for every failure there is.
    pub fn tell(&self, metrics: &Metrics) {
        metrics.task_reached(self.status.as_str());
        metrics.agent_failed(self.code.as_str());
        if self.status == Status::Retrying {
            metrics.retries.inc();
        }
        tracing::warn!(
            tenant_id = %self.tenant,
            correlation_id = %self.correlation_id,
            task_id = %self.task_id,
            attempt = self.attempt,
            failure_code = %self.code,
            status = %self.status,
            error = %self.message,
            "an attempt failed"
        );
    }
}

/// Ends an attempt badly: retry, dead letter, held or cancelled, as the pure decision says.
pub(crate) fn fail(
    tx: &mut Tx<'_>,
    place: &Place,
    task: &mut Task,
    end: End,
    retry: &RetryPolicy,
) -> Result<Failed, WorkError> {
    let now = tx.now();
    let started = task.status == Status::Running;
    // Another attempt is worth nothing after the task's own deadline.
    let late = task.deadline_at.is_some_and(|deadline| deadline <= tx.expiry());
    let after = after_failure(
        &FailedAttempt {
            code: end.code,
            retryable: if late { Some(false) } else { end.retryable },
            effect: end.effect,
            retry_count: task.retry_count,
            cancel_requested: task.cancel_requested,
        },
        retry,
    );
    let message = clip(&end.message, ERROR_BYTES);
    match end.effect {
        Effect::None => {
            tasks::settle_effect(tx, task, "void")?;
        }
        Effect::Sent => settle_sent(tx, task)?,
        // Stays an intent: nobody knows.
        Effect::Unknown => {}
    }
    let (event, code, due) = match after {
        AfterFailure::Retry(wait) => {
            task.retry_count += 1;
            (Event::RetryPlanned, end.code, Due::Ready(tx.expiry().plus(wait)))
        }
        AfterFailure::End(event, code) => (event, code, Due::No),
    };
    if started {
        let attempt = Attempt {
            attempt: task.attempt,
            agent: task.agent.clone().unwrap_or_default(),
            started_at: task.started_at.unwrap_or(now),
            finished_at: now,
            outcome: "failed".to_owned(),
            failure_code: Some(code.as_str().to_owned()),
            agent_code: end.agent_code.clone(),
            error: Some(message.clone()),
            callback: end.callback,
        };
        tasks::insert_attempt(tx, task, &attempt)?;
    }
    task.advance(event, now)?;
    task.failure_code = Some(code);
    task.last_error = Some(message.clone());
    task.agent_code = end.agent_code;
    let level = if task.status == Status::Retrying { Level::Warn } else { Level::Error };
    let text = match after {
        AfterFailure::Retry(wait) => {
            format!("{code}: {message} (again in {} s)", Duration::as_secs(&wait))
        }
        AfterFailure::End(..) => format!("{code}: {message}"),
    };
    let mut changes = end.changes;
    changes.extend(pace::last_lines(tx, place, task)?);
    let agent = task.agent.clone().unwrap_or_else(|| "nexus".to_owned());
    let line = NewLine {
        level,
        agent: &agent,
        text: &text,
        correlation_id: &task.correlation_id,
        task_id: Some(task.task_id.as_str()),
        requested_by: &task.requested_by,
    };
    changes.push(worklog::write(tx, place, changes.len(), &line)?);
    tasks::save(tx, task, due)?;
    changes.insert(0, view::change(task));
    changes.extend(operations::task_ended(tx, task)?);
    report(tx, place, task, changes)?;
    Ok(Failed {
        tenant: task.tenant.clone(),
        task_id: task.task_id.to_string(),
        correlation_id: task.correlation_id.clone(),
        attempt: task.attempt,
        code,
        status: task.status,
        message,
    })
}

/// Ends an attempt well.
pub(crate) fn succeed(
    tx: &mut Tx<'_>,
    place: &Place,
    task: &mut Task,
    result: String,
    callback: Option<String>,
    mut changes: Vec<ReportChange>,
) -> Result<(), WorkError> {
    let now = tx.now();
    settle_sent(tx, task)?;
    task.advance(Event::Succeeded, now)?;
    task.result = Some(result);
    task.callback = callback;
    task.failure_code = None;
    task.last_error = None;
    task.agent_code = None;
    tasks::save(tx, task, Due::No)?;
    changes.insert(0, view::change(task));
    report(tx, place, task, changes)
}

/// What left the house is known now, and audited.
fn settle_sent(tx: &mut Tx<'_>, task: &Task) -> Result<(), WorkError> {
    // Only what is RED acts on the outside; the others have no intent to look for.
    if !task.waits || !tasks::settle_effect(tx, task, "sent")? {
        return Ok(());
    }
    let effects = tasks::effects(tx, &task.tenant, task.task_id.as_str())?;
    let Some(effect) = effects.into_iter().find(|effect| effect.attempt == task.attempt) else {
        return Ok(());
    };
    record(
        tx,
        task.tenant.key(),
        &Entry {
            actor: task.agent.as_deref().unwrap_or("nexus"),
            action: "effect.sent",
            target: task.task_id.as_str(),
            correlation_id: &task.correlation_id,
            details: json!({
                "attempt": effect.attempt, "target": effect.target, "digest": effect.digest,
                "bytes": effect.bytes, "ask_id": task.ask_id,
            }),
        },
    )?;
    Ok(())
}

fn report(
    tx: &mut Tx<'_>,
    place: &Place,
    task: &Task,
    changes: Vec<ReportChange>,
) -> Result<(), WorkError> {
    let report = Report {
        kind: "task.status",
        correlation_id: &task.correlation_id,
        meta: view::meta(task),
        changes,
    };
    tx.report(place, &report)?;
    Ok(())
}
