//! Which tasks an operation takes: exactly those that its dry run names.

use std::collections::{BTreeSet, HashSet};

use nexus_core::failure::FailureCode;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_core::triage::{Decision, Policy};
use nexus_kit::db::{DbError, Read};

use super::row::Action;
use super::sql::{self, Candidate};
use crate::boxes::Box;
use crate::boxes::error::BoxesError;
use crate::boxes::filter::Filter;
use crate::boxes::sql::find;
use crate::boxes::triage::Triage;
use crate::error::WorkError;

/// Which tasks somebody means.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// These.
    Ids(Vec<String>),
    /// Those that a filter lets through; an empty one means all.
    Matching(Filter),
}

/// What an operation is to take.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub from: Box,
    pub action: Action,
    pub wanted: Wanted,
    /// Only what policy says about them.
    pub by_policy: bool,
    /// The first so many.
    pub limit: Option<u64>,
    /// Somebody says that nothing was sent where nobody knows.
    pub nothing_was_sent: bool,
}

/// What the settings say about it.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// The policy of tenants that have none of their own.
    pub policy: Policy,
    /// Tasks of one operation at most.
    pub max_tasks: u64,
    /// Runs after which policy requeues a task no more.
    pub max_runs: u32,
}

/// What it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// In this order.
    pub tasks: Vec<(String, Action)>,
    /// Ids that were asked for and are not in the box, or that policy does not say this about.
    pub left_out: Vec<String>,
}

/// What policy must say for an action.
const fn decision(action: Action) -> Option<Decision> {
    match action {
        Action::Requeue => Some(Decision::Requeue),
        Action::Route => Some(Decision::Hold),
        Action::Alarm => Some(Decision::Alarm),
        Action::Purge | Action::Ack | Action::Apply => None,
    }
}

/// Chooses, changing nothing.
///
/// # Errors
/// [`BoxesError::AlarmNoRequeue`], [`BoxesError::EffectUnknown`], [`BoxesError::TooManyTasks`].
pub(crate) fn choose(
    q: &Read,
    tenant: &Tenant,
    choice: &Choice,
    bounds: &Bounds,
) -> Result<Chosen, WorkError> {
    let triage = Triage::load(q, tenant, &bounds.policy)?;
    let most = choice.limit.unwrap_or(bounds.max_tasks).min(bounds.max_tasks);
    let (mut found, left_out) = match &choice.wanted {
        Wanted::Ids(ids) => by_ids(q, tenant, choice, &triage, ids)?,
        Wanted::Matching(filter) => {
            (matching(q, tenant, choice, &triage, filter, bounds, most + 1)?, Vec::new())
        }
    };
    if found.len() as u64 > most {
        if choice.limit.is_none() {
            return Err(WorkError::from(BoxesError::TooManyTasks(bounds.max_tasks)));
        }
        found.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    }
    if choice.action == Action::Requeue {
        check(q, tenant, choice, &triage, &found)?;
    }
    let tasks = found.into_iter().map(|one| (one.task_id, choice.action)).collect();
    Ok(Chosen { tasks, left_out })
}

/// Those of the ids that lie in the box, each once.
fn by_ids(
    q: &Read,
    tenant: &Tenant,
    choice: &Choice,
    triage: &Triage,
    ids: &[String],
) -> Result<(Vec<Candidate>, Vec<String>), DbError> {
    let (mut found, mut left_out, mut known) = (Vec::new(), Vec::new(), HashSet::new());
    for id in ids {
        if !known.insert(id) {
            continue;
        }
        match find(q, tenant, id)? {
            Some((from, failed)) if from == choice.from && fits(choice, triage, failed.code) => {
                found.push(Candidate { task_id: id.clone(), failed });
            }
            _ => left_out.push(id.clone()),
        }
    }
    Ok((found, left_out))
}

fn fits(choice: &Choice, triage: &Triage, code: FailureCode) -> bool {
    !choice.by_policy || decision(choice.action) == Some(triage.decide(code))
}

fn matching(
    q: &Read,
    tenant: &Tenant,
    choice: &Choice,
    triage: &Triage,
    filter: &Filter,
    bounds: &Bounds,
    limit: u64,
) -> Result<Vec<Candidate>, DbError> {
    if !choice.by_policy {
        return sql::candidates(q, tenant, choice.from, filter, None, limit);
    }
    let mut filter = filter.clone();
    let codes = FailureCode::ALL.iter().copied().filter(|code| fits(choice, triage, *code));
    let codes: Vec<FailureCode> =
        codes.filter(|code| filter.codes.is_empty() || filter.codes.contains(code)).collect();
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    filter.codes = codes;
    // What fails again and again is not helped by yet another run.
    let runs = (choice.action == Action::Requeue).then_some(bounds.max_runs);
    sql::candidates(q, tenant, choice.from, &filter, runs, limit)
}

/// Refuses a requeue of what raised an alarm, and of what may have left the house.
fn check(
    q: &Read,
    tenant: &Tenant,
    choice: &Choice,
    triage: &Triage,
    found: &[Candidate],
) -> Result<(), WorkError> {
    let mut alarms = BTreeSet::new();
    let mut unknown = 0;
    for one in found {
        unknown += u64::from(one.failed.code == FailureCode::EffectUnknown);
        if triage.may_requeue(&one.failed) || alarms.contains(one.failed.code.as_str()) {
            continue;
        }
        let looked_up = find(q, tenant, &one.task_id)?;
        if !looked_up.is_some_and(|(_, failed)| triage.may_requeue(&failed)) {
            alarms.insert(one.failed.code.as_str());
        }
    }
    if !alarms.is_empty() {
        return Err(WorkError::from(BoxesError::AlarmNoRequeue(Vec::from_iter(alarms).join(", "))));
    }
    if unknown > 0 && !choice.nothing_was_sent {
        return Err(WorkError::from(BoxesError::EffectUnknown(unknown)));
    }
    Ok(())
}

/// How many tasks one application of the policy moves at most, and how old they are at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caps {
    pub max_requeue: u64,
    pub max_hold: u64,
    pub max_alarm: u64,
    pub failed_after: Time,
}

/// Chooses what policy says about the dead letters: requeue, route or alarm, each up to its cap.
pub(crate) fn choose_by_policy(
    q: &Read,
    tenant: &Tenant,
    filter: &Filter,
    caps: &Caps,
    bounds: &Bounds,
) -> Result<Chosen, WorkError> {
    let after = filter.after.map_or(caps.failed_after, |after| after.max(caps.failed_after));
    let filter = Filter { after: Some(after), ..filter.clone() };
    let mut tasks = Vec::new();
    for (action, limit) in [
        (Action::Alarm, caps.max_alarm),
        (Action::Route, caps.max_hold),
        (Action::Requeue, caps.max_requeue),
    ] {
        let choice = Choice {
            from: Box::Dlq,
            action,
            wanted: Wanted::Matching(filter.clone()),
            by_policy: true,
            limit: Some(limit),
            nothing_was_sent: false,
        };
        tasks.extend(choose(q, tenant, &choice, bounds)?.tasks);
    }
    Ok(Chosen { tasks, left_out: Vec::new() })
}
