//! Back to work: the same task with its whole history, as a new run.

use std::collections::HashMap;
use std::sync::Arc;

use nexus_core::failure::FailureCode;
use nexus_core::task::Event;
use nexus_core::tenant::Tenant;
use nexus_kit::db::{Place, Tx};
use nexus_kit::log::ReportChange;
use nexus_kit::settings::Approval;
use serde_json::Value;

use super::row::Operation;
use crate::Work;
use crate::approvals::actions::{NewAsk, open};
use crate::catalogue::Bundle;
use crate::commands::judge::{Judged, judge_params, judge_stored};
use crate::error::WorkError;
use crate::policy::sql::{ask_switches, asked_switches};
use crate::tasks::row::Task;
use crate::tasks::sql::{self as tasks, Due};
use crate::tasks::view;

/// What a look at a task before its requeue came to.
pub(super) enum Ready {
    /// It can go, rated by the rules of now.
    Judged(Judged),
    /// It cannot.
    Refused(String),
}

/// Looks at tasks before any transaction: how the rules of now rate them, and, for those that a
/// person will be asked about, the files that they bind now.
pub(super) async fn ready(
    work: &Work,
    tenant: &Tenant,
    bundle: &Arc<Bundle>,
    ids: Vec<String>,
) -> Result<HashMap<String, Ready>, WorkError> {
    let whose = tenant.clone();
    let found = work.app.db.read(tenant, move |q| {
        let tasks: Result<Vec<_>, _> = ids.iter().map(|id| tasks::load(q, &whose, id)).collect();
        Ok::<_, WorkError>(tasks?)
    });
    let mut readied = HashMap::new();
    for task in found.await?.into_iter().flatten() {
        let one = judge(tenant, bundle, &task).await?;
        readied.insert(task.task_id.to_string(), one);
    }
    Ok(readied)
}

async fn judge(tenant: &Tenant, bundle: &Arc<Bundle>, task: &Task) -> Result<Ready, WorkError> {
    let known = match bundle.find(&task.command_type) {
        Ok(known) => known,
        Err(error) => return Ok(Ready::Refused(error.to_string())),
    };
    let rated = judge_stored(bundle, known.clone(), task);
    if !rated.verdict.waits && !task.waits {
        return Ok(Ready::Judged(rated));
    }
    let params: Value = serde_json::from_str(&task.params).unwrap_or_default();
    match judge_params(tenant, bundle.clone(), known, params, task.requested_risk).await {
        Ok(mut judged) => {
            // Whatever the rules say by now: what waited for a yes once waits for a new one.
            judged.verdict.waits = true;
            Ok(Ready::Judged(judged))
        }
        Err(WorkError::Params(code, errors)) => {
            let errors: Vec<String> = errors.into_iter().map(|error| error.message).collect();
            Ok(Ready::Refused(format!("{code}: {}", errors.join("; "))))
        }
        // What may pass is tried again; anything else would stop the tasks behind it for ever.
        Err(WorkError::Store(error)) if error.may_pass() => Err(WorkError::Store(error)),
        Err(error) => Ok(Ready::Refused(error.to_string())),
    }
}

/// Begins a new run of a task that lies in a box; returns the kind of its report and what changes.
pub(super) fn requeue(
    tx: &mut Tx<'_>,
    place: &Place,
    op: &Operation,
    task: &mut Task,
    judged: &Judged,
    settings: &Approval,
) -> Result<(&'static str, Vec<ReportChange>), WorkError> {
    let stands = ask_switches(tx, &task.tenant)?;
    judged.check_versions(&asked_switches(tx, &task.tenant, stands)?)?;
    let now = tx.now();
    let why = why(tx, op, task)?;
    if task.failure_code == Some(FailureCode::EffectUnknown) {
        // Somebody answers for it; the operation was accepted with their word.
        tasks::settle_effect(tx, task, "void")?;
    }
    task.run += 1;
    task.retry_count = 0;
    task.failure_code = None;
    task.agent_code = None;
    task.last_error = None;
    task.result = None;
    task.callback = None;
    task.started_at = None;
    task.cancel_requested = false;
    // It is worth something for as long again as whoever sent it said.
    let worth = task.deadline_at.map(|deadline| deadline.since(task.created_at));
    task.deadline_at = worth.map(|worth| tx.expiry().plus(worth));
    task.risk = judged.verdict.level;
    task.rule.clone_from(&judged.verdict.rule);
    task.waits = judged.verdict.waits;
    let (kind, opened) = if task.waits {
        task.advance(Event::AskedAgain, now)?;
        let new = NewAsk {
            known: &judged.known,
            verdict: &judged.verdict,
            bound: judged.bound.clone(),
            changed: Some(why),
            // Where another person must decide, whoever requeued it is not that person.
            edited_by: Some(op.requested_by.clone()),
        };
        let opened = open(tx, place, task, new, settings)?;
        tasks::save(tx, task, Due::No)?;
        ("ask.created", opened)
    } else {
        task.advance(Event::Requeued, now)?;
        tasks::save(tx, task, Due::Ready(now))?;
        ("task.requeued", Vec::new())
    };
    tasks::set_deadline(tx, task)?;
    let mut changes = vec![view::change(task)];
    changes.extend(opened);
    Ok((kind, changes))
}

/// What a person who is asked again reads about it.
fn why(tx: &Tx<'_>, op: &Operation, task: &Task) -> Result<String, WorkError> {
    let who = op.requested_by_name.as_ref().unwrap_or(&op.requested_by);
    let code = task.failure_code.map_or("nothing known", FailureCode::as_str);
    let mut why = format!("{who} requeued it out of {}; it had failed with {code}", op.from);
    if task.failure_code == Some(FailureCode::EffectUnknown) {
        why.push_str(", and they say that nothing was sent");
    }
    if task.waits {
        let effects = tasks::effects(tx, &task.tenant, task.task_id.as_str())?;
        if let Some(sent) = effects.iter().rev().find(|effect| effect.state == "sent") {
            why.push_str(&format!("; attempt {} has sent to {}", sent.attempt, sent.target));
        }
    }
    Ok(why)
}
