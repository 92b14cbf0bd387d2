//! The second look: between the yes and the execution everything that rated the command is
//! evaluated again, outside the transaction that will use it, and checked there by version.

use nexus_core::approval::{AskStatus, Bound, digest};
use nexus_core::failure::FailureCode;
use nexus_core::task::Event;
use nexus_core::tenant::Tenant;
use nexus_kit::db::{Place, Tx};
use nexus_kit::log::ReportChange;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::actions::{NewAsk, open};
use super::sql;
use crate::Work;
use crate::commands::judge::{Judged, bind, check_precondition, judge_stored};
use crate::error::WorkError;
use crate::policy::sql::Switches;
use crate::tasks::row::Task;
use crate::tasks::sql as tasks;

/// What the world looks like just before a task runs.
#[derive(Clone)]
pub(crate) struct Review {
    judged: Judged,
    /// The files as they are now, or why they cannot be read.
    bound: Result<Vec<Bound>, String>,
    precondition: Result<(), String>,
}

/// The approval that an envelope carries.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Approval {
    /// `ask_…`.
    pub ask_id: String,
    /// Who said yes.
    pub approver: String,
    /// SHA-256 of params and files; whoever executes computes it again.
    pub digest: String,
    /// Files that must be found unchanged.
    #[schema(value_type = Vec<Object>)]
    pub bound: Vec<Bound>,
}

/// What a review leads to.
pub(crate) enum Reviewed {
    /// It may run, under this approval if it needed one.
    Go(Option<Approval>),
    /// A new ask was made; the caller saves the task and reports it with these changes.
    AskAgain(Vec<ReportChange>),
    /// It never runs.
    Refuse(FailureCode, String),
}

/// Whether a task must be looked at again before it runs.
pub(crate) fn needed(task: &Task) -> bool {
    task.waits || task.precondition.is_some()
}

/// Looks at everything again; `None` when the task has gone.
pub(crate) async fn review(
    work: &Work,
    tenant: &Tenant,
    task_id: &str,
) -> Result<Option<Review>, WorkError> {
    let (whose, id) = (tenant.clone(), task_id.to_owned());
    let task = work.app.db.read(tenant, move |q| tasks::load(q, &whose, &id)).await?;
    let Some(task) = task else { return Ok(None) };
    let bundle = work.catalogue.refresh(&work.app.db, tenant).await?;
    let known = bundle.find(&task.command_type)?;
    let judged = judge_stored(&bundle, known, &task);
    let params: Value = serde_json::from_str(&task.params).unwrap_or(Value::Null);
    let bound = if task.waits { bind(tenant, &judged.known, &params).await } else { Ok(vec![]) };
    let bound = bound.map_err(|error| match error {
        WorkError::Params(_, errors) => {
            errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    });
    let precondition = match &task.precondition {
        None => Ok(()),
        Some(stored) => match check_precondition(work, tenant, stored).await {
            Err(WorkError::Precondition(why)) => Err(why),
            other => return other.map(|()| None),
        },
    };
    Ok(Some(Review { judged, bound, precondition }))
}

/// Uses a review in the transaction that claims the task.
pub(crate) fn confirm(
    tx: &mut Tx<'_>,
    place: &Place,
    task: &mut Task,
    review: Review,
    switches: &Switches,
    settings: &nexus_kit::settings::Approval,
) -> Result<Reviewed, WorkError> {
    review.judged.check_versions(switches)?;
    if !task.waits {
        return Ok(match review.precondition {
            Ok(()) => Reviewed::Go(None),
            Err(why) => Reviewed::Refuse(FailureCode::InvalidParams, why),
        });
    }
    let mismatch =
        |why: &str| Reviewed::Refuse(FailureCode::ApprovalParamsMismatch, why.to_owned());
    let Some(ask_id) = task.ask_id.clone() else { return Ok(mismatch("it was never asked for")) };
    let ask =
        sql::load(tx, &task.tenant, &ask_id)?.filter(|ask| ask.task_id == task.task_id.as_str());
    let Some(ask) = ask else { return Ok(mismatch("its ask is gone")) };
    if ask.status != AskStatus::Approved {
        return Ok(mismatch("its ask was not approved"));
    }
    if digest(&task.params, &ask.bound) != ask.digest {
        return Ok(mismatch("the params are not those that were approved"));
    }
    match &review.bound {
        Err(why) => {
            return Ok(mismatch(&format!("a file that was approved cannot be read: {why}")));
        }
        Ok(bound) if *bound != ask.bound => {
            return Ok(mismatch("a file changed after it was approved"));
        }
        Ok(_) => {}
    }
    let verdict = &review.judged.verdict;
    let changed = if verdict.level != ask.risk {
        Some(format!("the level was {} and is {}", ask.risk.as_str(), verdict.level.as_str()))
    } else if verdict.rule != ask.rule {
        Some(format!("{} decided, now {} does", ask.rule, verdict.rule))
    } else {
        review.precondition.err().map(|why| format!("the precondition fails: {why}"))
    };
    let Some(changed) = changed else {
        return Ok(Reviewed::Go(Some(Approval {
            ask_id: ask.ask_id,
            approver: ask.decided_by.unwrap_or_default(),
            digest: ask.digest,
            bound: ask.bound,
        })));
    };
    let now = tx.now();
    task.advance(Event::AskedAgain, now)?;
    task.risk = verdict.level;
    task.rule.clone_from(&verdict.rule);
    let new = NewAsk {
        known: &review.judged.known,
        verdict,
        bound: ask.bound,
        changed: Some(changed),
        edited_by: None,
    };
    Ok(Reviewed::AskAgain(open(tx, place, task, new, settings)?))
}
