//! Looking into the boxes: what stands there, how much of what, and which causes it has. Nothing here
//! changes anything.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use nexus_core::cause::normalise;
use nexus_core::failure::FailureCode;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_core::triage::Decision;
use nexus_kit::db::Scope;
use nexus_kit::http::principal::Whose;

use super::Box;
use super::filter::Filter;
use super::sql::{self, Failure};
use super::triage::Triage;
use crate::Work;
use crate::contract::sql::tenants;
use crate::error::WorkError;

/// How old a failure is, at most, to be counted in a bucket; what is older goes into the last one.
pub(super) const AGES: [(&str, Option<Duration>); 5] = [
    ("1h", Some(Duration::from_secs(3_600))),
    ("24h", Some(Duration::from_secs(86_400))),
    ("7d", Some(Duration::from_secs(604_800))),
    ("30d", Some(Duration::from_secs(2_592_000))),
    ("older", None),
];

/// Causes of a tenant that are looked at: the largest.
pub(super) const MOST_CAUSES: u64 = 1_000;

/// A place in a box: when the last task failed, and which it was.
pub(super) type Before = (i64, String);

/// A task in a box, with what triage says about it.
#[derive(Debug)]
pub(super) struct Peeked {
    pub tenant: Tenant,
    pub failure: Failure,
    pub decision: Decision,
    pub may_requeue: bool,
}

/// The tenants that are asked about.
pub(super) async fn among(work: &Work, whose: &Whose) -> Result<Vec<Tenant>, WorkError> {
    match whose {
        Whose::One(tenant) => Ok(vec![tenant.clone()]),
        Whose::All => Ok(work.app.db.read(Scope::System, tenants).await?),
    }
}

/// The `limit` tasks that failed last, of those that a filter lets through and that failed before
/// `before`.
pub(super) async fn peek(
    work: &Work,
    whose: &Whose,
    of: Box,
    filter: &Filter,
    before: Option<&Before>,
    limit: usize,
) -> Result<Vec<Peeked>, WorkError> {
    let mut found = Vec::new();
    for tenant in among(work, whose).await? {
        let (scope, filter, before) = (tenant.clone(), filter.clone(), before.cloned());
        let usual = work.app.settings.failures.policy.clone();
        let most = work.app.settings.operations.auto_max_runs;
        let peeked = work.app.db.read(&scope, move |q| {
            let failures = sql::peek(q, &tenant, of, &filter, before.as_ref(), limit)?;
            let triage = Triage::load(q, &tenant, &usual)?;
            let peeked = failures.into_iter().map(|failure| Peeked {
                tenant: tenant.clone(),
                decision: triage.policy.decide_run(failure.failed.code, failure.run, most),
                may_requeue: triage.may_requeue(&failure.failed),
                failure,
            });
            Ok::<_, WorkError>(peeked.collect::<Vec<_>>())
        });
        found.extend(peeked.await?);
    }
    // Each tenant's are in order already.
    if matches!(whose, Whose::All) {
        found.sort_by(|a, b| b.failure.place().cmp(&a.failure.place()));
        found.truncate(limit);
    }
    Ok(found)
}

/// How much of what stands in a box.
#[derive(Debug, Default)]
pub(super) struct Stats {
    pub count: u64,
    pub by_code: BTreeMap<FailureCode, u64>,
    pub by_type: BTreeMap<String, u64>,
    pub by_age: [u64; AGES.len()],
    pub by_decision: BTreeMap<Decision, u64>,
}

/// Counts what a filter lets through.
pub(super) async fn stats(
    work: &Work,
    whose: &Whose,
    of: Box,
    filter: &Filter,
    now: Time,
) -> Result<Stats, WorkError> {
    let mut stats = Stats::default();
    for tenant in among(work, whose).await? {
        let (scope, filter) = (tenant.clone(), filter.clone());
        let usual = work.app.settings.failures.policy.clone();
        let most = work.app.settings.operations.auto_max_runs;
        let ages = AGES.map(|(_, age)| age.map(|age| now.minus(age)));
        let counted = work.app.db.read(&scope, move |q| {
            let groups = sql::groups(q, &tenant, of, &filter, &ages, most)?;
            Ok::<_, WorkError>((groups, Triage::load(q, &tenant, &usual)?))
        });
        let (groups, triage) = counted.await?;
        for group in groups {
            stats.count += group.count;
            *stats.by_code.entry(group.code).or_default() += group.count;
            *stats.by_type.entry(group.task_type).or_default() += group.count;
            for (run, count) in [(1, group.count - group.worn), (most, group.worn)] {
                let decision = triage.policy.decide_run(group.code, run, most);
                *stats.by_decision.entry(decision).or_default() += count;
            }
            for (all, more) in stats.by_age.iter_mut().zip(group.by_age) {
                *all += more;
            }
        }
    }
    Ok(stats)
}

/// One cause, and how many tasks have it.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    /// Of the sample.
    pub tenant: Tenant,
    pub cause: String,
    pub code: FailureCode,
    pub task_type: String,
    pub message: String,
    pub count: u64,
    pub first: Time,
    pub last: Time,
    /// A task that has it.
    pub sample: String,
}

impl Cause {
    /// What the list sorts by: the largest first.
    pub fn place(&self) -> (Reverse<u64>, String) {
        (Reverse(self.count), self.cause.clone())
    }
}

/// What a filter lets through by its causes, the largest first, behind a place in that list: as many
/// tasks as the cause before had, and its name.
pub(super) async fn causes(
    work: &Work,
    whose: &Whose,
    of: Box,
    filter: &Filter,
    behind: Option<(u64, String)>,
    limit: usize,
) -> Result<Vec<Cause>, WorkError> {
    let mut known: BTreeMap<String, Cause> = BTreeMap::new();
    for tenant in among(work, whose).await? {
        let (scope, filter) = (tenant.clone(), filter.clone());
        let found =
            work.app.db.read(&scope, move |q| sql::causes(q, &tenant, of, &filter, MOST_CAUSES));
        for cause in found.await? {
            match known.get_mut(&cause.cause) {
                // The same error of another tenant.
                Some(same) => {
                    same.count += cause.count;
                    same.first = same.first.min(cause.first);
                    same.last = same.last.max(cause.last);
                }
                None => drop(known.insert(cause.cause.clone(), cause)),
            }
        }
    }
    let behind = behind.map(|(count, cause)| (Reverse(count), cause));
    let mut causes: Vec<Cause> = known
        .into_values()
        .filter(|cause| behind.as_ref().is_none_or(|behind| cause.place() > *behind))
        .collect();
    causes.sort_by_key(Cause::place);
    causes.truncate(limit);
    for cause in &mut causes {
        cause.message = normalise(&cause.message);
    }
    Ok(causes)
}
