//! Callbacks: what an attempt says while it runs and when it ends. Each is fenced by the attempt
//! and its token, and has one effect however often it comes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use nexus_core::failure::FailureCode;
use nexus_core::json::sha256_hex;
use nexus_core::task::{Effect, Status};
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::db::{Place, Tx};
use nexus_kit::log::ReportChange;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::ending::{self, End, Failed};
use super::{pace, sql};
use crate::Work;
use crate::agent::{Agent, Failure as AgentFailure, Job, Settling, Unsettled};
use crate::error::WorkError;
use crate::tasks::row::Task;
use crate::tasks::sql::{self as tasks, Due};
use crate::worklog::{self, Level, NewLine};

/// Lines of one callback at most.
pub(crate) const MAX_LINES: usize = 64;

/// What an agent says.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub tenant: Tenant,
    pub task_id: String,
    pub attempt: u32,
    pub token: String,
    pub agent: String,
    pub saying: Saying,
    pub lines: Vec<Line>,
    pub progress: Option<f64>,
    /// Digest of the whole callback, by which a repeated one is known.
    pub digest: String,
    /// The id of a signed callback; one that was taken before does nothing.
    pub signed: Option<String>,
    /// The types that its key is for; none where no key was needed.
    pub types: Option<Vec<String>>,
}

/// A line for the worklog.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// `info` unless said otherwise.
    #[serde(default = "info")]
    pub level: Level,
    /// What it says.
    pub text: String,
}

fn info() -> Level {
    Level::Info
}

/// How the attempt stands.
#[derive(Clone, Debug)]
pub(crate) enum Saying {
    Running,
    Succeeded {
        result: String,
    },
    /// The work itself is done in the transaction that ends the attempt.
    Settles(Settles),
    Failed(Failure),
}

/// What is done in the transaction that ends an attempt.
#[derive(Clone)]
pub(crate) struct Settles {
    pub agent: Arc<dyn Agent>,
    pub job: Arc<Job>,
}

impl std::fmt::Debug for Settles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Settles({})", self.job.command_type)
    }
}

/// How an attempt failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub code: FailureCode,
    pub agent_code: Option<String>,
    pub message: String,
    pub retryable: Option<bool>,
    /// `None` where the executor knows nothing more than the store.
    pub effect: Option<Effect>,
}

/// What a callback led to.
#[derive(Debug)]
pub(crate) struct Heard {
    /// How the task stands after it.
    pub status: Status,
    /// The failure, if it told of one.
    pub failed: Option<Failed>,
    /// The same callback was taken before; nothing changed.
    pub repeated: bool,
    /// When what it said must be shown, if nothing else shows it before.
    pub show_at: Option<Time>,
}

impl Heard {
    fn of(status: Status) -> Self {
        Self { status, failed: None, repeated: false, show_at: None }
    }
}

/// Takes a callback.
pub(crate) async fn hear(work: &Work, callback: Callback) -> Result<Heard, WorkError> {
    let tenant = callback.tenant.clone();
    let retry = work.retry_policy();
    let said = match callback.saying {
        Saying::Running => "running",
        Saying::Succeeded { .. } | Saying::Settles(_) => "succeeded",
        Saying::Failed(_) => "failed",
    };
    let again = matches!(callback.saying, Saying::Settles(_)).then(|| callback.clone());
    let task_id = callback.task_id.clone();
    let heard = work.app.db.write(&tenant, move |tx| hear_in(tx, callback, &retry)).await;
    if let Ok(Heard { show_at: Some(at), .. }) = &heard {
        work.paced.show_at(*at, &tenant, task_id);
    }
    let heard = match (heard, again) {
        // What it had written is rolled back; that it failed is written on its own.
        (Err(Unheard::Unsettled(failure)), Some(mut callback)) => {
            callback.saying = Saying::Failed(failure);
            return Box::pin(hear(work, callback)).await;
        }
        (heard, _) => heard,
    };
    let heard = match heard {
        Err(Unheard::Repeated(status)) => Ok(Heard { repeated: true, ..Heard::of(status) }),
        Err(Unheard::Unsettled(failure)) => Err(WorkError::Precondition(failure.message)),
        Err(Unheard::Work(error)) => Err(error),
        Ok(heard) => Ok(heard),
    };
    let outcome = match &heard {
        Ok(Heard { repeated: true, .. }) => "repeated",
        Ok(_) => "taken",
        Err(WorkError::StaleAttempt) => "stale",
        Err(_) => "refused",
    };
    work.app.metrics.called_back(said, outcome);
    if let Ok(heard) = &heard
        && !heard.repeated
        && said != "running"
    {
        work.freed(&tenant);
        match &heard.failed {
            Some(failed) => failed.tell(&work.app.metrics),
            None => work.app.metrics.task_reached(heard.status.as_str()),
        }
    }
    heard
}

/// Rolls the transaction back, because there is nothing to write or because it is refused.
enum Unheard {
    Repeated(Status),
    Unsettled(Failure),
    Work(WorkError),
}

impl<E: Into<WorkError>> From<E> for Unheard {
    fn from(error: E) -> Self {
        Self::Work(error.into())
    }
}

/// Refuses whoever is not the current attempt.
pub(crate) fn check_current(task: &Task, attempt: u32, token: &str) -> Result<(), WorkError> {
    let hash = sha256_hex(token.as_bytes());
    let known = task.attempt_token.as_deref().unwrap_or_default();
    let current = task.status == Status::Running
        && task.attempt == attempt
        && bool::from(known.as_bytes().ct_eq(hash.as_bytes()));
    if current { Ok(()) } else { Err(WorkError::StaleAttempt) }
}

/// Hides tasks of types that a key is not for, as if they were not there.
pub(crate) fn check_visible(task: &Task, types: Option<&[String]>) -> Result<(), WorkError> {
    match types {
        Some(types) if !types.contains(&task.command_type) => Err(WorkError::NoTask),
        _ => Ok(()),
    }
}

fn hear_in(
    tx: &mut Tx<'_>,
    callback: Callback,
    retry: &nexus_core::task::RetryPolicy,
) -> Result<Heard, Unheard> {
    let tenant = &callback.tenant;
    // Word of an attempt that runs may be too little for a report; its end never is.
    let ends = !matches!(callback.saying, Saying::Running);
    let place = ends.then(|| tx.ask_place()).transpose()?;
    let asked = tasks::ask(tx, tenant, &callback.task_id)?;
    let place = place.map(|asked| tx.place(asked)).transpose()?;
    let mut task = tasks::asked_for(tx, tenant, asked)?.ok_or(WorkError::NoTask)?;
    check_visible(&task, callback.types.as_deref())?;
    // In the transaction of what the callback does: one that is refused, or that the store could
    // not take, comes again under the same id.
    if let Some(id) = &callback.signed
        && !sql::note_signature(tx, id)?
    {
        return Err(Unheard::Repeated(task.status));
    }
    let (task_id, attempt) = (&callback.task_id, callback.attempt);
    let in_time = task.attempt_until.is_none_or(|until| tx.expiry() < until);
    let current = check_current(&task, attempt, &callback.token);
    let current = current.and(if in_time { Ok(()) } else { Err(WorkError::StaleAttempt) });
    if let Err(stale) = current {
        // The same callback twice has the same answer, also after the end.
        if sql::callback_known(tx, tenant, task_id, attempt, &callback.digest)? {
            return Err(Unheard::Repeated(task.status));
        }
        return Err(stale.into());
    }
    if matches!(callback.saying, Saying::Running) {
        let early = pace::early(tx, &task);
        if callback.lines.is_empty() && (callback.progress.is_none() || early.is_some()) {
            return Ok(Heard::of(task.status));
        }
        if !sql::note_callback(tx, tenant, task_id, attempt, &callback.digest)? {
            return Err(Unheard::Repeated(task.status));
        }
        if let Some(show_at) = early
            && pace::fits(&task, &callback.lines)
        {
            let first = task.held.is_empty();
            pace::hold(&mut task, &callback.agent, callback.lines);
            task.progress = callback.progress.or(task.progress);
            tasks::save(tx, &task, Due::Same)?;
            return Ok(Heard { show_at: first.then_some(show_at), ..Heard::of(task.status) });
        }
    }
    let mut place = match place {
        Some(place) => place,
        None => tx.next_place()?,
    };
    pace::hold(&mut task, &callback.agent, callback.lines);
    let (status, failed) = match callback.saying {
        Saying::Running => {
            task.progress = callback.progress.or(task.progress);
            pace::show(tx, place, &mut task)?;
            (task.status, None)
        }
        Saying::Succeeded { result } => {
            let changes = pace::lines(tx, &mut place, &mut task)?;
            ending::succeed(tx, &place, &mut task, result, Some(callback.digest), changes)?;
            (task.status, None)
        }
        Saying::Settles(settles) => {
            let mut changes = pace::lines(tx, &mut place, &mut task)?;
            let result = settle(tx, &place, &task, &settles, &mut changes)?;
            ending::succeed(tx, &place, &mut task, result, Some(callback.digest), changes)?;
            (task.status, None)
        }
        Saying::Failed(failure) => {
            let changes = pace::lines(tx, &mut place, &mut task)?;
            let end = End {
                effect: effect(tx, &task, &failure)?,
                code: failure.code,
                agent_code: failure.agent_code,
                message: failure.message,
                retryable: failure.retryable,
                callback: Some(callback.digest),
                changes,
            };
            let failed = ending::fail(tx, &place, &mut task, end, retry)?;
            (failed.status, Some(failed))
        }
    };
    Ok(Heard { failed, ..Heard::of(status) })
}

/// Has the agent act on the tenant's state; an agent that panics has crashed, and nothing is written.
fn settle(
    tx: &mut Tx<'_>,
    place: &Place,
    task: &Task,
    settles: &Settles,
    changes: &mut Vec<ReportChange>,
) -> Result<String, Unheard> {
    let settling = Settling {
        job: &settles.job,
        requested_by: &task.requested_by,
        requested_by_name: task.requested_by_name.as_deref(),
        place,
    };
    let settled = catch_unwind(AssertUnwindSafe(|| settles.agent.settle(tx, &settling)));
    let settled = match settled {
        Ok(Ok(settled)) => settled,
        Ok(Err(Unsettled::Store(error))) => return Err(error.into()),
        Ok(Err(Unsettled::Failed(failure))) => return Err(Unheard::Unsettled(failure.into())),
        Err(_) => {
            let crashed = AgentFailure::new(FailureCode::AgentCrashed, "the agent crashed");
            return Err(Unheard::Unsettled(crashed.into()));
        }
    };
    changes.extend(settled.changes);
    for (level, text) in &settled.lines {
        let line = NewLine {
            level: *level,
            agent: settles.agent.name(),
            text,
            correlation_id: &task.correlation_id,
            task_id: Some(task.task_id.as_str()),
            requested_by: &task.requested_by,
        };
        changes.push(worklog::write(tx, place, changes.len(), &line)?);
    }
    Ok(settled.result.to_string())
}

/// What became of the effect: what the executor knows; for an agent outside, what it says about
/// repeating: only an agent that says that it is safe is believed that nothing left.
fn effect(tx: &mut Tx<'_>, task: &Task, failure: &Failure) -> Result<Effect, WorkError> {
    if !tasks::open_intent(tx, task)? {
        return Ok(Effect::None);
    }
    Ok(match (failure.effect, failure.retryable) {
        (Some(effect), _) => effect,
        (None, Some(true)) => Effect::None,
        (None, _) => Effect::Sent,
    })
}

/// What a heartbeat is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beat {
    pub cancel: bool,
    pub lease_until: Time,
}

/// Renews the lease of the current attempt, up to the end of the attempt.
pub(crate) async fn heartbeat(
    work: &Work,
    speaker: super::effect::Speaker,
    types: Option<Vec<String>>,
) -> Result<Beat, WorkError> {
    let lock_ttl = work.app.settings.tasks.lock_ttl;
    work.app
        .db
        .write(&speaker.tenant.clone(), move |tx| {
            let task =
                tasks::load(tx, &speaker.tenant, &speaker.task_id)?.ok_or(WorkError::NoTask)?;
            check_visible(&task, types.as_deref())?;
            check_current(&task, speaker.attempt, &speaker.token)?;
            let now = tx.expiry();
            if task.lease_until.is_none_or(|until| until <= now) {
                return Err(WorkError::StaleAttempt);
            }
            let paused = crate::policy::sql::switches(tx, &speaker.tenant)?.paused;
            let lease_until = task.lease_at_most(now.plus(lock_ttl));
            tasks::renew(tx, &task, lease_until)?;
            Ok(Beat { cancel: task.cancel_requested || paused, lease_until })
        })
        .await
}
