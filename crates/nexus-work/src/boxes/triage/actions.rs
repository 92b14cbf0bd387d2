//! Changing a tenant's triage policy, trying one, saying what is resolved. Each change is audited and
//! reported in its own transaction.

use std::collections::{BTreeMap, BTreeSet};

use nexus_audit::{Entry, record};
use nexus_core::failure::FailureCode;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_core::triage::{Decision, Policy};
use nexus_kit::db::{Place, Read, Tx};
use nexus_kit::log::{Meta, Report, ReportChange};
use serde_json::{Value, json};

use super::sql::{self, ResolvedCode};
use super::{Current, Triage};
use crate::Work;
use crate::boxes::Box;
use crate::boxes::error::BoxesError;
use crate::boxes::filter::Filter;
use crate::boxes::read::AGES;
use crate::boxes::sql as boxes;
use crate::error::WorkError;
use crate::worklog::{self, Level, NewLine};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Days back that failures are counted, and that a policy can be tried on.
pub(crate) const COUNTED_DAYS: u32 = 90;

/// Who changes something, and in which request.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub name: String,
    pub display_name: Option<String>,
    pub correlation_id: String,
}

/// The policy of a tenant as it stands.
pub(super) async fn current(work: &Work, tenant: &Tenant) -> Result<Current, WorkError> {
    let usual = work.app.settings.failures.policy.clone();
    let whose = tenant.clone();
    work.app.db.read(tenant, move |q| Ok(Current::load(q, &whose, &usual)?)).await
}

/// Gives a tenant a policy of its own, or takes it away; `expected` is the version that the caller
/// read.
pub(super) async fn put_policy(
    work: &Work,
    tenant: &Tenant,
    policy: Option<Policy>,
    expected: Option<u64>,
    actor: Actor,
) -> Result<Current, WorkError> {
    if let Some(Err(bad)) = policy.as_ref().map(Policy::check) {
        return Err(WorkError::field(format!("/{}", bad.list()), bad.to_string()));
    }
    let usual = work.app.settings.failures.policy.clone();
    let whose = tenant.clone();
    work.app
        .db
        .write(tenant, move |tx| {
            // Whoever has the place is alone with the tenant until the commit.
            let place = tx.next_place()?;
            let (version, own) = sql::policy(tx, &whose)?;
            if expected.is_some_and(|expected| expected != version) {
                return Err(WorkError::from(BoxesError::TriagePolicyVersion(version)));
            }
            if policy.is_none() && own.is_none() {
                return Err(WorkError::from(BoxesError::NothingToReset));
            }
            let json = policy.as_ref().map(serde_json::to_string).transpose();
            let json = json.map_err(|error| WorkError::field("/", error.to_string()))?;
            sql::put_policy(tx, &whose, version, json.as_deref(), &actor.name)?;
            let details = json!({"version": version + 1, "policy": policy});
            let kind = "dlq_policy.changed";
            audit(tx, &whose, &actor, kind, whose.key(), details)?;
            let current = Current::load(tx, &whose, &usual)?;
            report(tx, &place, kind, &actor, vec![current.change()])?;
            Ok(current)
        })
        .await
}

/// What a policy would do about a code, beside what is done now.
#[derive(Debug)]
pub(super) struct Simulated {
    pub code: FailureCode,
    pub count: u64,
    pub now: Decision,
    pub then: Decision,
}

/// Tries a policy on what failed for good in the last `days` days of UTC, today among them; also on
/// what was dealt with since. Every code has its line.
pub(super) async fn simulate(
    work: &Work,
    tenant: &Tenant,
    policy: Policy,
    days: u32,
) -> Result<Vec<Simulated>, WorkError> {
    if let Err(bad) = policy.check() {
        return Err(WorkError::field(format!("/policy/{}", bad.list()), bad.to_string()));
    }
    let usual = work.app.settings.failures.policy.clone();
    let since = day(work.app.clock.now()) - i64::from(days) + 1;
    let whose = tenant.clone();
    let read = work.app.db.read(tenant, move |q| {
        let failures: BTreeMap<_, _> = sql::failures(q, &whose, since)?.into_iter().collect();
        Ok::<_, WorkError>((Triage::load(q, &whose, &usual)?, failures))
    });
    let (triage, failures) = read.await?;
    let simulated = FailureCode::ALL.iter().map(|code| Simulated {
        code: *code,
        count: failures.get(code).copied().unwrap_or_default(),
        now: triage.decide(*code),
        then: policy.decide(*code),
    });
    Ok(simulated.collect())
}

/// The day of a moment, since 1970.
pub(crate) fn day(now: Time) -> i64 {
    now.micros().div_euclid(DAY)
}

/// What the policy would do with dead letters.
#[derive(Debug, Default)]
pub(super) struct Preview {
    /// The version of the policy that says it, and whether it is the tenant's own; several tenants have
    /// several.
    pub policy: Option<(u64, bool)>,
    /// How many of each decision, and the first of their ids in the order in which they failed.
    pub decisions: BTreeMap<Decision, (u64, Vec<String>)>,
    /// Ids that were asked for and are no dead letters here.
    pub missing: Vec<String>,
}

impl Preview {
    /// Those of several tenants together.
    pub fn of_all(all: Vec<Self>, limit: u64) -> Self {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut together = Self::default();
        for (number, one) in all.into_iter().enumerate() {
            for (decision, (count, ids)) in one.decisions {
                let (sum, known) = together.decisions.entry(decision).or_default();
                *sum += count;
                known.extend(ids);
                known.truncate(most);
            }
            // Missing is what stands in the box of none of them.
            match number {
                0 => together.missing = one.missing,
                _ => together.missing.retain(|id| one.missing.contains(id)),
            }
        }
        together
    }
}

/// Which dead letters are looked at.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    Filter(Filter),
    Ids(Vec<String>),
}

/// Says what the policy would do with dead letters, and changes nothing; at most `limit` ids for each
/// decision.
pub(super) async fn preview(
    work: &Work,
    tenant: &Tenant,
    selection: Selection,
    limit: u64,
) -> Result<Preview, WorkError> {
    let usual = work.app.settings.failures.policy.clone();
    let most = work.app.settings.operations.auto_max_runs;
    let whose = tenant.clone();
    work.app
        .db
        .read(tenant, move |q| {
            let triage = Triage::load(q, &whose, &usual)?;
            let policy = Some((triage.version, triage.own));
            let mut preview = Preview { policy, ..Preview::default() };
            match selection {
                Selection::Ids(ids) => {
                    for id in ids {
                        match boxes::find(q, &whose, &id)? {
                            Some((Box::Dlq, failed)) => {
                                let run = boxes::run(q, &whose, &id)?;
                                let decision = triage.policy.decide_run(failed.code, run, most);
                                let (count, known) = preview.decisions.entry(decision).or_default();
                                *count += 1;
                                known.push(id);
                            }
                            _ => preview.missing.push(id),
                        }
                    }
                }
                Selection::Filter(filter) => {
                    preview.decisions = by_filter(q, &whose, &triage, &filter, most, limit)?;
                }
            }
            Ok(preview)
        })
        .await
}

/// How many dead letters that a filter lets through fall to each decision, and their first ids.
fn by_filter(
    q: &Read,
    tenant: &Tenant,
    triage: &Triage,
    filter: &Filter,
    most: u32,
    limit: u64,
) -> Result<BTreeMap<Decision, (u64, Vec<String>)>, WorkError> {
    let mut decisions: BTreeMap<Decision, (u64, BTreeSet<FailureCode>)> = BTreeMap::new();
    let mut worn = BTreeSet::new();
    for group in boxes::groups(q, tenant, Box::Dlq, filter, &[None; AGES.len()], most)? {
        let decision = triage.decide(group.code);
        let requeue = decision == Decision::Requeue;
        let left = if requeue { group.worn } else { 0 };
        let (count, codes) = decisions.entry(decision).or_default();
        *count += group.count - left;
        codes.insert(group.code);
        if left > 0 {
            worn.insert(group.code);
            decisions.entry(Decision::Ignore).or_default().0 += left;
        }
    }
    let mut found = BTreeMap::new();
    for (decision, (count, codes)) in decisions {
        let or_worn = (decision == Decision::Ignore && !worn.is_empty())
            .then(|| (worn.iter().copied().collect(), most));
        let runs_below = (decision == Decision::Requeue).then_some(most);
        let codes = codes.into_iter().collect();
        let filter = Filter { codes, or_worn, runs_below, ..filter.clone() };
        found.insert(decision, (count, boxes::ids(q, tenant, Box::Dlq, &filter, limit)?));
    }
    Ok(found)
}

/// What is said to be resolved.
#[derive(Clone, Debug)]
pub(super) enum Resolves {
    /// Whatever failed with it until now.
    Code(FailureCode),
    /// These tasks.
    Ids(Vec<String>),
}

/// What became of it.
#[derive(Debug)]
pub(super) struct ResolvedOut {
    pub at: Time,
    /// Tasks in the boxes that may be requeued again.
    pub count: u64,
    /// Ids that stand in no box here.
    pub missing: Vec<String>,
}

/// Says that the cause of a code, or of some tasks, is gone: then they may be requeued again.
pub(super) async fn resolve(
    work: &Work,
    tenant: &Tenant,
    what: Resolves,
    note: String,
    actor: Actor,
) -> Result<ResolvedOut, WorkError> {
    let usual = work.app.settings.failures.policy.clone();
    let whose = tenant.clone();
    work.app
        .db
        .write(tenant, move |tx| {
            let place = tx.next_place()?;
            let at = tx.now();
            let mut out = ResolvedOut { at, count: 0, missing: Vec::new() };
            let text = match what {
                Resolves::Code(code) => {
                    let resolved = ResolvedCode {
                        failure_code: code,
                        at,
                        by: actor.name.clone(),
                        by_name: actor.display_name.clone(),
                        note: note.clone(),
                    };
                    sql::resolve_code(tx, &whose, &resolved)?;
                    out.count = sql::count_code(tx, &whose, code, at)?;
                    let details = json!({"note": note, "count": out.count});
                    audit(tx, &whose, &actor, "failure_code.resolved", code.as_str(), details)?;
                    format!("{code} is resolved: {note}")
                }
                Resolves::Ids(ids) => {
                    for id in ids {
                        if !sql::resolve_task(tx, &whose, &id)? {
                            out.missing.push(id);
                            continue;
                        }
                        out.count += 1;
                        audit(tx, &whose, &actor, "task.resolved", &id, json!({"note": note}))?;
                    }
                    if out.count == 0 {
                        return Err(WorkError::NoTask);
                    }
                    format!("{} failed tasks are resolved: {note}", out.count)
                }
            };
            let line = NewLine {
                level: Level::Info,
                agent: "nexus",
                text: &text,
                correlation_id: &actor.correlation_id,
                task_id: None,
                requested_by: &actor.name,
            };
            let line = worklog::write(tx, &place, 0, &line)?;
            let current = Current::load(tx, &whose, &usual)?;
            report(tx, &place, "failure.resolved", &actor, vec![line, current.change()])?;
            Ok(out)
        })
        .await
}

fn audit(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    actor: &Actor,
    action: &str,
    target: &str,
    details: Value,
) -> Result<(), WorkError> {
    let correlation_id = &actor.correlation_id;
    let entry = Entry { actor: &actor.name, action, target, correlation_id, details };
    record(tx, tenant.key(), &entry)?;
    Ok(())
}

fn report(
    tx: &mut Tx<'_>,
    place: &Place,
    kind: &'static str,
    actor: &Actor,
    changes: Vec<ReportChange>,
) -> Result<(), WorkError> {
    let meta = Meta { agent: Some("nexus"), ..Meta::default() };
    let report = Report { kind, correlation_id: &actor.correlation_id, meta, changes };
    tx.report(place, &report)?;
    Ok(())
}
