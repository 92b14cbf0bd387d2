//! What people do to a task: call it off, ask again.

use std::sync::Arc;

use nexus_audit::{Entry, record};
use nexus_core::approval::Decider;
use nexus_core::task::{Event, Status};
use nexus_core::tenant::Tenant;
use nexus_core::triage::Policy;
use nexus_kit::db::Tx;
use nexus_kit::log::Report;
use serde_json::json;

use super::row::Task;
use super::sql::{self, Due};
use super::view;
use crate::Work;
use crate::approvals::actions::{NewAsk, call_off, open};
use crate::boxes::error::BoxesError;
use crate::boxes::operations;
use crate::boxes::sql::find;
use crate::boxes::triage::Triage;
use crate::catalogue::Bundle;
use crate::commands::judge::{Judged, judge_params};
use crate::error::WorkError;
use crate::policy::sql::switches;

/// Calls a task off. One that runs is told so and ends when its agent does; another ends at once.
///
/// # Errors
/// When there is no such task, or it has ended.
pub async fn cancel(
    work: &Work,
    tenant: &Tenant,
    task_id: &str,
    actor: &Decider,
) -> Result<(), WorkError> {
    let (whose, task_id, actor) = (tenant.clone(), task_id.to_owned(), actor.clone());
    let grace = work.app.settings.tasks.cancel_grace;
    work.app
        .db
        .write(tenant, move |tx| {
            let place = tx.next_place()?;
            let mut task = sql::load(tx, &whose, &task_id)?.ok_or(WorkError::NoTask)?;
            let mut changes = Vec::new();
            if task.status == Status::Running {
                task.cancel_requested = true;
                task.updated_at = tx.now();
                // One outside hears it by its next heartbeat, and has not for ever to stop.
                task.attempt_until = task.attempt_until.map(|at| at.min(tx.expiry().plus(grace)));
                task.lease_until = task.lease_until.map(|until| task.lease_at_most(until));
                sql::save(tx, &task, Due::Same)?;
                if let Some(until) = task.lease_until {
                    sql::renew(tx, &task, until)?;
                }
            } else {
                let now = tx.now();
                task.advance(Event::Cancelled, now)?;
                changes.extend(call_off(tx, &task, &actor)?);
                sql::save(tx, &task, Due::No)?;
                changes.extend(operations::task_ended(tx, &task)?);
            }
            audit(tx, &task, "task.cancelled", &actor.name)?;
            changes.insert(0, view::change(&task));
            let report = Report {
                kind: "task.cancelled",
                correlation_id: &task.correlation_id,
                meta: view::meta(&task),
                changes,
            };
            tx.report(&place, &report)?;
            Ok(())
        })
        .await
}

/// Makes a new ask for a task whose ask expired, or that was refused because it was not what was
/// approved.
pub(crate) async fn ask_again(
    work: &Work,
    tenant: &Tenant,
    task_id: &str,
    actor: &str,
) -> Result<(), WorkError> {
    let mut judging = work.judging(tenant).await?;
    loop {
        match ask_again_by(work, tenant, task_id, actor, judging.bundle.clone()).await {
            Ok(()) => return Ok(()),
            Err(error) => judging.again(work, tenant, error).await?,
        }
    }
}

async fn ask_again_by(
    work: &Work,
    tenant: &Tenant,
    task_id: &str,
    actor: &str,
    bundle: Arc<Bundle>,
) -> Result<(), WorkError> {
    let (whose, id) = (tenant.clone(), task_id.to_owned());
    let task = work.app.db.read(tenant, move |q| sql::load(q, &whose, &id)).await?;
    let task = task.ok_or(WorkError::NoTask)?;
    let known = bundle.find(&task.command_type)?;
    let params = serde_json::from_str(&task.params).unwrap_or_default();
    let judged = judge_params(tenant, bundle, known, params, task.requested_risk).await?;
    let (whose, id, actor) = (tenant.clone(), task_id.to_owned(), actor.to_owned());
    let settings = work.app.settings.approval.clone();
    let policy = work.app.settings.failures.policy.clone();
    work.app
        .db
        .write(tenant, move |tx| ask_again_in(tx, &whose, &id, &actor, judged, &settings, &policy))
        .await
}

fn ask_again_in(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    task_id: &str,
    actor: &str,
    judged: Judged,
    settings: &nexus_kit::settings::Approval,
    policy: &Policy,
) -> Result<(), WorkError> {
    judged.check_versions(&switches(tx, tenant)?)?;
    let place = tx.next_place()?;
    let mut task = sql::load(tx, tenant, task_id)?.ok_or(WorkError::NoTask)?;
    let from = task.status;
    if !task.waits || !matches!(from, Status::Expired | Status::Dead) {
        let event = Event::AskedAgain;
        return Err(nexus_core::task::NoTransition { from, event }.into());
    }
    // Another run is another run, by whichever door: what raised an alarm has none before somebody
    // says that it is over.
    if let Some((_, failed)) = find(tx, tenant, task_id)?
        && !Triage::load(tx, tenant, policy)?.may_requeue(&failed)
    {
        return Err(WorkError::from(BoxesError::AlarmNoRequeue(failed.code.to_string())));
    }
    let now = tx.now();
    task.advance(Event::AskedAgain, now)?;
    // Whatever the rules say by now, somebody asks for a decision: it waits for one.
    judged.put_into(&mut task);
    task.waits = true;
    task.retry_count = 0;
    task.failure_code = None;
    task.agent_code = None;
    task.last_error = None;
    let new = NewAsk {
        known: &judged.known,
        verdict: &judged.verdict,
        bound: judged.bound.clone(),
        changed: Some(format!("asked again; it was {from}")),
        edited_by: None,
    };
    let opened = open(tx, &place, &mut task, new, settings)?;
    sql::save(tx, &task, Due::No)?;
    audit(tx, &task, "task.asked_again", actor)?;
    let mut changes = vec![view::change(&task)];
    changes.extend(opened);
    let report = Report {
        kind: "ask.created",
        correlation_id: &task.correlation_id,
        meta: view::meta(&task),
        changes,
    };
    tx.report(&place, &report)?;
    Ok(())
}

fn audit(tx: &mut Tx<'_>, task: &Task, action: &str, actor: &str) -> Result<(), WorkError> {
    record(
        tx,
        task.tenant.key(),
        &Entry {
            actor,
            action,
            target: task.task_id.as_str(),
            correlation_id: &task.correlation_id,
            details: json!({"status": task.status}),
        },
    )?;
    Ok(())
}
