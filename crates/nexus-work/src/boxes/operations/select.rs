//! Which tasks an operation takes: exactly those that its dry run names.

use std::collections::{BTreeSet, HashSet};

use nexus_core::failure::FailureCode;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_core::triage::{Decision, Failed, Policy};
use nexus_kit::db::{DbError, Read};

use super::row::Action;
use crate::boxes::Box;
use crate::boxes::error::BoxesError;
use crate::boxes::filter::Filter;
use crate::boxes::sql::{find, ids, last_of_codes};
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

impl Choice {
    /// Tasks that it takes at most.
    fn most(&self, bounds: &Bounds) -> u64 {
        self.limit.unwrap_or(bounds.max_tasks).min(bounds.max_tasks)
    }
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

impl Chosen {
    /// These tasks, in this order.
    fn of(ids: impl Iterator<Item = String>, action: Action) -> Self {
        Self { tasks: ids.map(|id| (id, action)).collect(), left_out: Vec::new() }
    }
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
    match &choice.wanted {
        Wanted::Ids(ids) => by_ids(q, tenant, choice, &triage, ids, bounds),
        Wanted::Matching(filter) => matching(q, tenant, choice, &triage, filter, bounds),
    }
}

/// Cuts off what is too much, and refuses it where nobody set a limit; says whether it was too much.
fn cut<T>(found: &mut Vec<T>, choice: &Choice, bounds: &Bounds) -> Result<bool, BoxesError> {
    let most = usize::try_from(choice.most(bounds)).unwrap_or(usize::MAX);
    if found.len() <= most {
        return Ok(false);
    }
    if choice.limit.is_none() {
        return Err(BoxesError::TooManyTasks(bounds.max_tasks));
    }
    found.truncate(most);
    Ok(true)
}

/// Those of the ids that lie in the box, each once.
fn by_ids(
    q: &Read,
    tenant: &Tenant,
    choice: &Choice,
    triage: &Triage,
    ids: &[String],
    bounds: &Bounds,
) -> Result<Chosen, WorkError> {
    let (mut found, mut left_out, mut known) = (Vec::new(), Vec::new(), HashSet::new());
    for id in ids {
        if !known.insert(id) {
            continue;
        }
        match find(q, tenant, id)? {
            Some((from, failed)) if from == choice.from && fits(choice, triage, failed.code) => {
                found.push((id.clone(), failed));
            }
            _ => left_out.push(id.clone()),
        }
    }
    cut(&mut found, choice, bounds)?;
    if choice.action == Action::Requeue {
        check(choice, triage, found.iter().map(|(_, failed)| (*failed, 1)))?;
    }
    Ok(Chosen { left_out, ..Chosen::of(found.into_iter().map(|(id, _)| id), choice.action) })
}

fn fits(choice: &Choice, triage: &Triage, code: FailureCode) -> bool {
    !choice.by_policy || decision(choice.action) == Some(triage.decide(code))
}

/// Those that a filter lets through, the first first.
fn matching(
    q: &Read,
    tenant: &Tenant,
    choice: &Choice,
    triage: &Triage,
    filter: &Filter,
    bounds: &Bounds,
) -> Result<Chosen, WorkError> {
    let mut filter = filter.clone();
    if choice.by_policy {
        filter.codes = filter.of_codes(|code| fits(choice, triage, code));
        if filter.codes.is_empty() {
            return Ok(Chosen::default());
        }
        // What fails again and again is not helped by yet another run.
        filter.runs_below = (choice.action == Action::Requeue).then_some(bounds.max_runs);
    }
    let mut found = ids(q, tenant, choice.from, &filter, choice.most(bounds) + 1)?;
    let more = cut(&mut found, choice, bounds)?;
    if choice.action == Action::Requeue {
        let last = found.last().filter(|_| more);
        check(choice, triage, refusable(q, tenant, choice, triage, &filter, last)?.into_iter())?;
    }
    Ok(Chosen::of(found.into_iter(), choice.action))
}

/// How many tasks of codes that may be refused a filter lets through, up to the last that is taken;
/// with the last of each code.
fn refusable(
    q: &Read,
    tenant: &Tenant,
    choice: &Choice,
    triage: &Triage,
    filter: &Filter,
    last: Option<&String>,
) -> Result<Vec<(Failed, u64)>, DbError> {
    let codes = filter.of_codes(|code| {
        // What fails some day is not resolved yet.
        let failed = Failed { code, failed_at: Time::from_micros(i64::MAX), resolved: false };
        code == FailureCode::EffectUnknown || !triage.may_requeue(&failed)
    });
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let upto = match last {
        Some(id) => find(q, tenant, id)?.map(|(_, failed)| (failed.failed_at, id.as_str())),
        None => None,
    };
    last_of_codes(q, tenant, choice.from, &Filter { codes, ..filter.clone() }, upto)
}

/// Refuses a requeue of what raised an alarm, and of what may have left the house.
fn check(
    choice: &Choice,
    triage: &Triage,
    found: impl Iterator<Item = (Failed, u64)>,
) -> Result<(), BoxesError> {
    let (mut alarms, mut unknown) = (BTreeSet::new(), 0);
    for (failed, count) in found {
        if failed.code == FailureCode::EffectUnknown {
            unknown += count;
        }
        if !triage.may_requeue(&failed) {
            alarms.insert(failed.code.as_str());
        }
    }
    if !alarms.is_empty() {
        return Err(BoxesError::AlarmNoRequeue(Vec::from_iter(alarms).join(", ")));
    }
    if unknown > 0 && !choice.nothing_was_sent {
        return Err(BoxesError::EffectUnknown(unknown));
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
