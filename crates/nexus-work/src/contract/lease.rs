//! Leases that ran out, and those of a process that is gone.

use futures_util::future::join_all;
use nexus_core::failure::FailureCode;
use nexus_core::id::BootId;
use nexus_core::task::{Effect, Status};
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::db::{Scope, Tx};

use super::ending::{self, End};
use super::pace;
use super::sql::{self, DueItem};
use crate::Work;
use crate::error::WorkError;
use crate::tasks::row::Task;
use crate::tasks::sql as tasks;

/// Why a task ends that nobody took in time.
pub(crate) const TOO_LATE: &str = "its deadline passed before it ran";

/// Leases that one pass looks at.
const PASS: u64 = 256;

/// Ends attempts whose lease has run out; says whether there may be more of them.
pub(crate) async fn lapse(work: &Work) -> Result<bool, WorkError> {
    let now = work.app.clock.expiry();
    let due = work.app.db.read(Scope::System, move |q| sql::due(q, "lease", now, PASS)).await?;
    let full = due.len() as u64 == PASS;
    let any = ended(due, |item| end(work, item, None)).await;
    Ok(full && any)
}

/// Ends every attempt of earlier lives of this process: nobody works on them any more.
pub(crate) async fn release_dead(work: &Work) -> Result<usize, WorkError> {
    let held = work.app.db.read(Scope::System, sql::leases).await?;
    let mut ended = 0;
    for item in held {
        ended += usize::from(end(work, item, Some(work.app.boot.clone())).await?);
    }
    Ok(ended)
}

/// Ends one attempt: because its lease is over, or, given the living boot, because its owner is
/// another boot.
async fn end(work: &Work, item: DueItem, living: Option<BootId>) -> Result<bool, WorkError> {
    let retry = work.retry_policy();
    let tenant = item.tenant.clone();
    let failed = work
        .app
        .db
        .write(&tenant, move |tx| end_in(tx, &item.tenant, &item.id, living.as_ref(), &retry))
        .await?;
    if let Some(failed) = &failed {
        failed.tell(&work.app.metrics);
        work.freed(&failed.tenant);
    }
    Ok(failed.is_some())
}

/// Ends tasks whose own deadline has passed while nobody took them; says whether there may be more.
pub(crate) async fn expire_waiting(work: &Work) -> Result<bool, WorkError> {
    let now = work.app.clock.expiry();
    let due = work.app.db.read(Scope::System, move |q| sql::expired(q, now, PASS)).await?;
    let full = due.len() as u64 == PASS;
    let any = ended(due, |item| expire(work, item)).await;
    Ok(full && any)
}

/// Ends all at once, so that they share commits; one that cannot be ended stops no other. Says whether
/// any did.
async fn ended<Fut: Future<Output = Result<bool, WorkError>>>(
    due: Vec<DueItem>,
    end: impl Fn(DueItem) -> Fut,
) -> bool {
    let ending = due.into_iter().map(|item| {
        let (tenant, task_id) = (item.tenant.clone(), item.id.clone());
        let ending = end(item);
        async move {
            ending.await.unwrap_or_else(|error| {
                tracing::warn!(tenant_id = %tenant, task_id, %error, "what is over could not be ended; the next pass tries again");
                false
            })
        }
    });
    join_all(ending).await.contains(&true)
}

async fn expire(work: &Work, item: DueItem) -> Result<bool, WorkError> {
    let retry = work.retry_policy();
    let tenant = item.tenant.clone();
    let failed: Result<_, WorkError> = work
        .app
        .db
        .write(&tenant, move |tx| {
            let task = tasks::load(tx, &item.tenant, &item.id)?;
            let waits = |task: &Task| matches!(task.status, Status::Queued | Status::Retrying);
            let Some(mut task) = task.filter(waits) else { return Ok(None) };
            if task.deadline_at.is_none_or(|deadline| tx.expiry() < deadline) {
                return Ok(None);
            }
            let place = tx.next_place()?;
            let end = End::unstarted(FailureCode::AgentTimeout, TOO_LATE);
            ending::fail(tx, &place, &mut task, end, &retry).map(Some)
        })
        .await;
    let failed = failed?;
    if let Some(failed) = &failed {
        failed.tell(&work.app.metrics);
    }
    Ok(failed.is_some())
}

/// Why the time of an attempt is over.
fn why_over(task: &Task, now: Time) -> &'static str {
    let passed = |at: Option<Time>| at.is_some_and(|at| at <= now);
    if !passed(task.attempt_until) {
        "the agent sent no heartbeat in time"
    } else if task.cancel_requested {
        "it was called off, and its agent did not stop in time"
    } else if passed(task.deadline_at) {
        "its deadline passed while it ran"
    } else {
        "the attempt took longer than its type allows"
    }
}

fn end_in(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    task_id: &str,
    living: Option<&BootId>,
    retry: &nexus_core::task::RetryPolicy,
) -> Result<Option<ending::Failed>, WorkError> {
    let task = tasks::load(tx, tenant, task_id)?.filter(|task| task.status == Status::Running);
    let Some(mut task) = task else {
        // Whatever ends an attempt takes its lease off the list; a list must not be believed more.
        sql::drop_due(tx, tenant, task_id, "lease")?;
        return Ok(None);
    };
    let (code, why) = match living {
        Some(living) => {
            let owner = task.lease_owner.as_deref().unwrap_or_default();
            if !owner.starts_with(BootId::PREFIX) || owner == living.as_str() {
                // Nobody else remembers that it has something to show.
                if !task.held.is_empty() {
                    let place = tx.next_place()?;
                    pace::show(tx, place, &mut task)?;
                }
                return Ok(None);
            }
            (FailureCode::AgentCrashed, "the server that worked on it ended")
        }
        None => {
            if task.lease_until.is_some_and(|until| tx.expiry() < until) {
                return Ok(None);
            }
            (FailureCode::AgentTimeout, why_over(&task, tx.expiry()))
        }
    };
    let effect = if tasks::open_intent(tx, &task)? { Effect::Unknown } else { Effect::None };
    let place = tx.next_place()?;
    ending::fail(tx, &place, &mut task, End::lost(code, why, effect), retry).map(Some)
}
