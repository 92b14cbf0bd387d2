//! Opening, deciding and closing asks.

use std::sync::Arc;
use std::time::Duration;

use nexus_audit::{Entry, record};
use nexus_core::approval::{
    AskStatus, Bound, DECIDED_BY_TIMEOUT, Decider, Decision, Outcome, Refused, decide as judge,
    digest,
};
use nexus_core::id::AskId;
use nexus_core::policy::Verdict;
use nexus_core::task::Event;
use nexus_core::tenant::Tenant;
use nexus_kit::db::{Place, Tx};
use nexus_kit::log::{Meta, Report, ReportChange};
use nexus_kit::settings::Approval;
use serde_json::{Value, json};

use super::row::{Ask, question};
use super::sql;
use crate::Work;
use crate::boxes::operations;
use crate::catalogue::{Bundle, KnownType};
use crate::commands::judge::{Judged, judge_params};
use crate::contract::sql::drop_due;
use crate::error::WorkError;
use crate::policy::sql::switches;
use crate::tasks::row::Task;
use crate::tasks::sql::{self as tasks, Due};
use crate::tasks::view;

/// Longest reason of a decision, in bytes.
pub(crate) const REASON_BYTES: usize = 2_000;

/// What a new ask is about, besides its task.
pub(crate) struct NewAsk<'a> {
    pub known: &'a KnownType,
    pub verdict: &'a Verdict,
    pub bound: Vec<Bound>,
    /// What is different from the ask before it.
    pub changed: Option<String>,
    /// Who edited the command of the ask before it.
    pub edited_by: Option<String>,
}

/// Makes an ask for a task that waits and names it on the task; the caller saves the task. Returns what
/// changes in the view besides the task: the ask, and the operation that the task stands for, which
/// waits for this ask now.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    place: &Place,
    task: &mut Task,
    new: NewAsk<'_>,
    settings: &Approval,
) -> Result<Vec<ReportChange>, WorkError> {
    let now = tx.now();
    let params: Value = serde_json::from_str(&task.params).unwrap_or(Value::Null);
    let target = new.known.target_of(&params);
    let (question, question_ko) = question(new.known, asker(task), target.as_deref());
    let allowed = new.verdict.timeout_seconds.map_or(Duration::MAX, Duration::from_secs);
    let ask = Ask {
        ask_id: AskId::new(now, &tx.id_entropy()).to_string(),
        seq: place.number,
        task_id: task.task_id.to_string(),
        status: AskStatus::Pending,
        command_type: task.command_type.clone(),
        params: task.params.clone(),
        digest: digest(&task.params, &new.bound),
        bound: new.bound,
        risk: new.verdict.level,
        rule: new.verdict.rule.clone(),
        why: new.verdict.why.clone(),
        question,
        question_ko,
        target,
        approvers: new.verdict.approvers.clone(),
        changed: new.changed,
        quorum: settings.quorum.max(1),
        other_person: settings.require_other_person,
        edited_by: new.edited_by,
        requested_by: task.requested_by.clone(),
        requested_by_name: task.requested_by_name.clone(),
        correlation_id: task.correlation_id.clone(),
        created_at: now,
        expires_at: tx.expiry().plus(settings.timeout.min(allowed)),
        decided_at: None,
        decided_by: None,
        decided_by_name: None,
        reason: None,
        votes: Vec::new(),
    };
    let tenant = task.tenant.clone();
    sql::insert(tx, &tenant, &ask)?;
    task.ask_id = Some(ask.ask_id.clone());
    record(
        tx,
        tenant.key(),
        &Entry {
            actor: &task.requested_by,
            action: "ask.created",
            target: &ask.ask_id,
            correlation_id: &task.correlation_id,
            details: json!({
                "task_id": task.task_id.as_str(), "digest": ask.digest, "rule": ask.rule,
                "risk": ask.risk, "expires_at": ask.expires_at, "changed": ask.changed,
            }),
        },
    )?;
    let mut changes = vec![ask.change()];
    changes.extend(operations::task_waits_again(tx, task)?);
    Ok(changes)
}

/// A decision as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Deciding {
    pub decision: Decision,
    pub reason: Option<String>,
    /// What the decider saw.
    pub digest: Option<String>,
    /// Edited params, with a yes.
    pub params: Option<Value>,
    /// Who decides.
    pub decider: Decider,
}

/// Decides an ask; the outcome arrives as a report.
pub(crate) async fn decide(
    work: &Work,
    tenant: &Tenant,
    ask_id: &str,
    deciding: Deciding,
) -> Result<(), WorkError> {
    if deciding.reason.as_ref().is_some_and(|reason| reason.len() > REASON_BYTES) {
        return Err(WorkError::field("/reason", format!("at most {REASON_BYTES} bytes")));
    }
    if deciding.params.is_some() && deciding.decision == Decision::Deny {
        return Err(WorkError::field("/params", "only an approval can edit the params"));
    }
    let mut judging = work.judging(tenant).await?;
    loop {
        match decide_by(work, tenant, ask_id, &deciding, judging.bundle.clone()).await {
            Ok(()) => return Ok(()),
            Err(error) => judging.again(work, tenant, error).await?,
        }
    }
}

/// Decides an ask; edited params are judged by one catalogue.
async fn decide_by(
    work: &Work,
    tenant: &Tenant,
    ask_id: &str,
    deciding: &Deciding,
    bundle: Arc<Bundle>,
) -> Result<(), WorkError> {
    let edited = match &deciding.params {
        None => None,
        Some(params) => {
            let (whose, id) = (tenant.clone(), ask_id.to_owned());
            let found = work.app.db.read(tenant, move |q| {
                let ask = sql::load(q, &whose, &id)?.ok_or(WorkError::NoAsk)?;
                let task = tasks::load(q, &whose, &ask.task_id)?;
                Ok::<_, WorkError>((ask.command_type, task.and_then(|task| task.requested_risk)))
            });
            let (command_type, requested) = found.await?;
            let known = bundle.find(&command_type)?;
            known.check_by_hand()?;
            Some(judge_params(tenant, bundle, known, params.clone(), requested).await?)
        }
    };
    let (whose, id, deciding) = (tenant.clone(), ask_id.to_owned(), deciding.clone());
    let settings = work.app.settings.approval.clone();
    let closed = work
        .app
        .db
        .write(tenant, move |tx| decide_in(tx, &whose, &id, &deciding, edited, &settings))
        .await?;
    if let Some(ask) = closed {
        let waited = work.app.clock.now().since(ask.created_at);
        work.app.metrics.ask_closed(ask.status.as_str(), waited);
    }
    Ok(())
}

/// Decides within a transaction; returns the ask if that closed it.
fn decide_in(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    ask_id: &str,
    deciding: &Deciding,
    edited: Option<Judged>,
    settings: &Approval,
) -> Result<Option<Ask>, WorkError> {
    let place = tx.next_place()?;
    let mut ask = sql::load(tx, tenant, ask_id)?.ok_or(WorkError::NoAsk)?;
    let mut task = tasks::load(tx, tenant, &ask.task_id)?.ok_or(WorkError::NoTask)?;
    if let Some(edited) = &edited {
        edited.check_versions(&switches(tx, tenant)?)?;
    }
    let refused = |refused| WorkError::Decision(refused, ask_id.to_owned());
    let outcome = judge(
        &ask.open(),
        deciding.decision,
        &deciding.decider,
        deciding.digest.as_deref(),
        tx.expiry(),
    )
    .map_err(refused)?;
    ask.reason.clone_from(&deciding.reason);
    let mut opened = Vec::new();
    let closed = match (outcome, edited) {
        (_, Some(edited)) if ask.quorum > 1 || ask.other_person => {
            opened = supersede(tx, &place, &mut ask, &mut task, edited, deciding, settings)?;
            true
        }
        (Outcome::Counts, _) => {
            sql::insert_vote(tx, tenant, ask_id, &deciding.decider.name)?;
            ask.votes.push(deciding.decider.name.clone());
            false
        }
        (Outcome::Closes(status), edited) => {
            if let Some(edited) = edited {
                edited.put_into(&mut task);
                rewrite(&mut ask, &task, edited, &deciding.decider);
            }
            if status == AskStatus::Approved {
                sql::insert_vote(tx, tenant, ask_id, &deciding.decider.name)?;
                ask.votes.push(deciding.decider.name.clone());
            }
            close(tx, tenant, &mut ask, status, &deciding.decider)?;
            let now = tx.now();
            let due = if status == AskStatus::Approved {
                task.advance(Event::Approved, now)?;
                Due::Ready(now)
            } else {
                task.advance(Event::Denied, now)?;
                task.last_error.clone_from(&deciding.reason);
                Due::No
            };
            tasks::save(tx, &task, due)?;
            true
        }
    };
    let action = match (deciding.decision, closed) {
        (Decision::Approve, true) => "ask.approved",
        (Decision::Approve, false) => "ask.vote",
        (Decision::Deny, _) => "ask.denied",
    };
    audit(tx, tenant, &ask, action, &deciding.decider.name)?;
    let mut changes = vec![ask.change(), view::change(&task)];
    changes.extend(operations::task_ended(tx, &task)?);
    changes.extend(opened);
    report(tx, &place, "ask.decided", &ask, &task, changes)?;
    Ok(closed.then_some(ask))
}

/// Makes an ask say what was approved instead of what was asked for.
fn rewrite(ask: &mut Ask, task: &Task, edited: Judged, editor: &Decider) {
    let params: Value = serde_json::from_str(&task.params).unwrap_or(Value::Null);
    ask.target = edited.known.target_of(&params);
    (ask.question, ask.question_ko) = question(&edited.known, asker(task), ask.target.as_deref());
    ask.changed = Some(edited_by(editor));
    ask.edited_by = Some(editor.name.clone());
    ask.digest = digest(&task.params, &edited.bound);
    ask.params.clone_from(&task.params);
    ask.bound = edited.bound;
    ask.risk = task.risk;
    ask.rule.clone_from(&task.rule);
    ask.why = edited.verdict.why;
}

/// Who asks, as people call them.
fn asker(task: &Task) -> &str {
    task.requested_by_name.as_ref().unwrap_or(&task.requested_by)
}

fn edited_by(editor: &Decider) -> String {
    format!("{} edited the params", editor.display_name.as_ref().unwrap_or(&editor.name))
}

/// Closes an ask in its time; the statement itself decides whether it was.
fn close(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    ask: &mut Ask,
    status: AskStatus,
    by: &Decider,
) -> Result<(), WorkError> {
    let now = tx.expiry();
    ask.status = status;
    ask.decided_at = Some(tx.now());
    ask.decided_by = Some(by.name.clone());
    ask.decided_by_name.clone_from(&by.display_name);
    if sql::close(tx, tenant, ask, Some(now))? {
        Ok(())
    } else {
        Err(WorkError::Decision(Refused::Expired, ask.ask_id.clone()))
    }
}

/// An edit where several or other persons must agree: a new ask without votes takes its place. Returns
/// what that changes in the view.
fn supersede(
    tx: &mut Tx<'_>,
    place: &Place,
    ask: &mut Ask,
    task: &mut Task,
    edited: Judged,
    deciding: &Deciding,
    settings: &Approval,
) -> Result<Vec<ReportChange>, WorkError> {
    let tenant = task.tenant.clone();
    close(tx, &tenant, ask, AskStatus::Superseded, &deciding.decider)?;
    edited.put_into(task);
    let now = tx.now();
    task.advance(Event::AskedAgain, now)?;
    let new = NewAsk {
        known: &edited.known,
        verdict: &edited.verdict,
        bound: edited.bound.clone(),
        changed: Some(edited_by(&deciding.decider)),
        edited_by: Some(deciding.decider.name.clone()),
    };
    let opened = open(tx, place, task, new, settings)?;
    tasks::save(tx, task, Due::No)?;
    Ok(opened)
}

/// Closes an ask whose time is over; says whether it was still pending.
pub(crate) fn expire(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    ask_id: &str,
) -> Result<Option<Ask>, WorkError> {
    let ask = sql::load(tx, tenant, ask_id)?.filter(|ask| ask.status == AskStatus::Pending);
    let Some(mut ask) = ask else {
        // Closing an ask takes it off the list of what is due; a list must not be believed more.
        drop_due(tx, tenant, ask_id, "ask")?;
        return Ok(None);
    };
    if tx.expiry() < ask.expires_at {
        return Ok(None);
    }
    let Some(mut task) = tasks::load(tx, tenant, &ask.task_id)? else { return Ok(None) };
    let place = tx.next_place()?;
    let now = tx.now();
    ask.status = AskStatus::Expired;
    ask.decided_at = Some(now);
    ask.decided_by = Some(DECIDED_BY_TIMEOUT.to_owned());
    sql::close(tx, tenant, &ask, None)?;
    task.advance(Event::Expired, now)?;
    tasks::save(tx, &task, Due::No)?;
    audit(tx, tenant, &ask, "ask.expired", DECIDED_BY_TIMEOUT)?;
    let mut changes = vec![ask.change(), view::change(&task)];
    changes.extend(operations::task_ended(tx, &task)?);
    report(tx, &place, "ask.expired", &ask, &task, changes)?;
    Ok(Some(ask))
}

/// Closes the pending ask of a task that is called off; returns the change that shows it.
pub(crate) fn call_off(
    tx: &mut Tx<'_>,
    task: &Task,
    actor: &Decider,
) -> Result<Option<ReportChange>, WorkError> {
    let Some(ask_id) = &task.ask_id else { return Ok(None) };
    let Some(mut ask) = sql::load(tx, &task.tenant, ask_id)? else { return Ok(None) };
    if ask.status != AskStatus::Pending {
        return Ok(None);
    }
    ask.status = AskStatus::Cancelled;
    ask.decided_at = Some(tx.now());
    ask.decided_by = Some(actor.name.clone());
    ask.decided_by_name.clone_from(&actor.display_name);
    sql::close(tx, &task.tenant, &ask, None)?;
    Ok(Some(ask.change()))
}

fn audit(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    ask: &Ask,
    action: &str,
    actor: &str,
) -> Result<(), WorkError> {
    record(
        tx,
        tenant.key(),
        &Entry {
            actor,
            action,
            target: &ask.ask_id,
            correlation_id: &ask.correlation_id,
            details: json!({
                "task_id": ask.task_id, "digest": ask.digest, "status": ask.status,
                "reason": ask.reason,
            }),
        },
    )?;
    Ok(())
}

fn report(
    tx: &mut Tx<'_>,
    place: &Place,
    kind: &'static str,
    ask: &Ask,
    task: &Task,
    changes: Vec<ReportChange>,
) -> Result<(), WorkError> {
    let meta = Meta { ask_id: Some(&ask.ask_id), ..view::meta(task) };
    let report = Report { kind, correlation_id: &task.correlation_id, meta, changes };
    tx.report(place, &report)?;
    Ok(())
}
