//! Claiming: whoever takes a task gets an attempt, a token and a lease, and only then starts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use nexus_core::failure::FailureCode;
use nexus_core::json::{hex, sha256_hex};
use nexus_core::policy::Risk;
use nexus_core::task::{Event, Status};
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::db::{DbError, Tx};
use nexus_kit::log::Report;
use serde::Serialize;
use serde_json::value::RawValue;

use super::caps::{Caps, Room};
use super::ending::{self, End, Failed};
use super::lease::TOO_LATE;
use super::pick::{Picked, pick};
use super::sql;
use crate::Work;
use crate::approvals::review::{Approval, Review, Reviewed, confirm, needed, review};
use crate::catalogue::Bundle;
use crate::error::WorkError;
use crate::policy::sql::{Switches, ask_switches, asked_switches};
use crate::tasks::row::Task;
use crate::tasks::sql::{self as tasks, Due};
use crate::tasks::view;

/// Tasks that one claim takes at most.
pub const MAX_CLAIM: usize = 64;

/// How often a claim looks again when all that it had picked turned out to be taken.
const LOOKS: usize = 8;

/// Who claims.
#[derive(Clone, Debug)]
pub(crate) struct Claimer {
    /// Its name in reports.
    pub agent: String,
    /// The boot id of a process, or the id of a key.
    pub owner: String,
    /// What it can do.
    pub types: Vec<String>,
    /// One tenant's, or all.
    pub tenant: Option<Tenant>,
    /// An agent over HTTP: what it does with a RED task is an effect that nobody sees.
    pub outside: bool,
}

/// What an agent is handed. The field order is the order in which agents read about it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Envelope {
    /// 1.
    pub version: u32,
    /// `tsk_…`.
    pub task_id: String,
    /// From 1; every callback names it.
    pub attempt: u32,
    /// Proves that a callback comes from this attempt.
    pub attempt_token: String,
    /// `{org}:{project}`.
    #[schema(value_type = String)]
    pub tenant: Tenant,
    /// What to do.
    pub task_type: String,
    /// With what; the bytes that were approved, if it is RED.
    #[schema(value_type = Object)]
    pub params: Box<RawValue>,
    /// Carries on.
    pub correlation_id: String,
    /// The level.
    #[schema(value_type = String)]
    pub risk: Risk,
    /// Who said yes, to what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// When it was claimed.
    #[schema(value_type = String, format = DateTime)]
    pub issued_at: Time,
    /// When the attempt is over at the latest.
    #[schema(value_type = String, format = DateTime)]
    pub deadline: Time,
    /// Until when the claim holds without a heartbeat.
    #[schema(value_type = String, format = DateTime)]
    pub lease_until: Time,
    /// Where callbacks go.
    pub callback_url: String,
    /// W3C trace context.
    pub traceparent: String,
}

/// Claims up to `max` due tasks, a fair share from each tenant that has some.
pub(crate) async fn claim(
    work: &Work,
    claimer: &Claimer,
    max: usize,
) -> Result<Vec<Envelope>, WorkError> {
    for _ in 0..LOOKS {
        let picked = pick(work, claimer, max.clamp(1, MAX_CLAIM)).await?;
        if picked.is_empty() {
            break;
        }
        let envelopes = claim_picked(work, claimer, &picked).await;
        if envelopes.is_err() {
            // Others have passed by what was not claimed after all.
            drop(picked);
            work.app.wake.notify();
        }
        let envelopes = envelopes?;
        if !envelopes.is_empty() {
            return Ok(envelopes);
        }
        // Somebody else was quicker, or a cap that this process had not known held them back.
    }
    Ok(Vec::new())
}

async fn claim_picked(
    work: &Work,
    claimer: &Claimer,
    picked: &Picked,
) -> Result<Vec<Envelope>, WorkError> {
    // All tenants at once, so that they share a commit. What one was claimed for is handed out even
    // when another failed: nobody else would perform it before its lease runs out.
    let claiming = picked.ids().map(|(tenant, ids)| async move {
        let claimed = claim_ids(work, claimer, &tenant, ids).await;
        claimed.inspect_err(|error| {
            tracing::warn!(tenant_id = %tenant, %error, "tasks of a tenant were not claimed");
        })
    });
    let mut envelopes = Vec::new();
    let mut failed = None;
    for claimed in join_all(claiming).await {
        match claimed {
            Ok(claimed) => envelopes.extend(claimed),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if envelopes.is_empty() => Err(error),
        _ => Ok(envelopes),
    }
}

/// Claims tasks of one tenant by id; those that somebody else has are left out.
pub(crate) async fn claim_ids(
    work: &Work,
    claimer: &Claimer,
    tenant: &Tenant,
    ids: Vec<String>,
) -> Result<Vec<Envelope>, WorkError> {
    let mut reviews: HashMap<String, Review> = HashMap::new();
    let mut waiting = ids;
    let mut envelopes = Vec::new();
    // At most: once for those that need no second look, once with it, once more if the policy
    // changed in between. What is left then is picked again by a later claim.
    for _ in 0..3 {
        let taken = std::mem::take(&mut waiting);
        let round = claim_round(work, claimer, tenant, taken, std::mem::take(&mut reviews)).await;
        let (claimed, to_review) = match round {
            Ok(round) => round,
            // What the first round claimed is running: it is handed out whatever became of the rest.
            Err(error) if !envelopes.is_empty() => {
                tracing::warn!(tenant_id = %tenant, %error, "some tasks were not claimed; a later claim tries again");
                break;
            }
            Err(error) => return Err(error),
        };
        for failed in &claimed.ended {
            failed.tell(&work.app.metrics);
        }
        envelopes.extend(claimed.envelopes);
        if to_review.is_empty() {
            break;
        }
        for id in &to_review {
            match review(work, tenant, id).await {
                Ok(Some(found)) => {
                    reviews.insert(id.clone(), found);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(tenant_id = %tenant, task_id = %id, %error, "a task could not be looked at again before it runs; it stays queued");
                }
            }
        }
        waiting = to_review.into_iter().filter(|id| reviews.contains_key(id)).collect();
        if waiting.is_empty() {
            break;
        }
    }
    Ok(envelopes)
}

/// Claims what can be claimed in one transaction; names what must be looked at first.
async fn claim_round(
    work: &Work,
    claimer: &Claimer,
    tenant: &Tenant,
    ids: Vec<String>,
    reviews: HashMap<String, Review>,
) -> Result<(Claimed, Vec<String>), WorkError> {
    let bundle = work.catalogue.bundle(&work.app.db, tenant).await?;
    let batch = Batch {
        tenant: tenant.clone(),
        claimer: claimer.clone(),
        caps: Caps::of(&work.app.settings.tasks, Some(&bundle)),
        bundle,
        reviews,
        approval: work.app.settings.approval.clone(),
        lock_ttl: work.app.settings.tasks.lock_ttl,
        retry: work.retry_policy(),
        callback_url: work.callback_url.clone(),
    };
    work.app.db.write(tenant, move |tx| batch.run(tx, ids)).await
}

#[derive(Default)]
struct Claimed {
    envelopes: Vec<Envelope>,
    /// Tasks that ended instead of running.
    ended: Vec<Failed>,
}

/// One transaction's worth of claims.
struct Batch {
    tenant: Tenant,
    claimer: Claimer,
    bundle: Arc<Bundle>,
    caps: Caps,
    reviews: HashMap<String, Review>,
    approval: nexus_kit::settings::Approval,
    lock_ttl: Duration,
    retry: nexus_core::task::RetryPolicy,
    callback_url: String,
}

impl Batch {
    fn run(
        mut self,
        tx: &mut Tx<'_>,
        ids: Vec<String>,
    ) -> Result<(Claimed, Vec<String>), WorkError> {
        let mut claimed = Claimed::default();
        let mut to_review = Vec::new();
        let stands = ask_switches(tx, &self.tenant)?;
        let ask = |id: String| Ok((tasks::ask(tx, &self.tenant, &id)?, id));
        let asked: Result<Vec<_>, DbError> = ids.into_iter().map(ask).collect();
        let asked = asked?;
        let switches = asked_switches(tx, &self.tenant, stands)?;
        let now = tx.expiry();
        // Counted in this transaction: a tenant's changes are serial, so nobody claims in between.
        let mut room = match self.caps.none() {
            true => None,
            false => Some(Room::new(&self.caps, &sql::running(tx, &self.tenant)?)),
        };
        let (mut plain, mut special) = (Vec::new(), Vec::new());
        for (asked, id) in asked {
            let Some(task) = tasks::asked_for(tx, &self.tenant, asked)? else { continue };
            let claimable = matches!(task.status, Status::Queued | Status::Retrying)
                && self.claimer.types.contains(&task.command_type);
            if switches.paused || !claimable {
                continue;
            }
            let late = task.deadline_at.is_some_and(|deadline| deadline <= now);
            if late {
                special.push((id, task));
            } else if room.as_mut().is_none_or(|room| room.take(&task.command_type)) {
                if needed(&task) { special.push((id, task)) } else { plain.push(task) }
            }
        }
        let places: Result<Vec<_>, _> = plain.iter().map(|_| tx.ask_place()).collect();
        for (mut task, place) in plain.into_iter().zip(places?) {
            let place = tx.place(place)?;
            claimed.envelopes.push(self.start(tx, &place, &mut task, None, now)?);
        }
        for (id, mut task) in special {
            match self.reviews.remove(&id) {
                None if needed(&task) => to_review.push(id),
                _ if task.deadline_at.is_some_and(|deadline| deadline <= now) => {
                    let code = FailureCode::AgentTimeout;
                    claimed.ended.push(self.refuse(tx, &mut task, code, TOO_LATE)?);
                }
                None => {}
                Some(found) => {
                    let again = self.go_on(tx, &mut task, found, &switches, &mut claimed)?;
                    to_review.extend(again.then_some(id));
                }
            }
        }
        Ok((claimed, to_review))
    }

    /// Does what the second look at a task came to; says whether it has to be looked at once more.
    fn go_on(
        &self,
        tx: &mut Tx<'_>,
        task: &mut Task,
        found: Review,
        switches: &Switches,
        claimed: &mut Claimed,
    ) -> Result<bool, WorkError> {
        let place = tx.next_place()?;
        let now = tx.expiry();
        match confirm(tx, &place, task, found, switches, &self.approval) {
            // Judged by older rules.
            Err(WorkError::Stale) => {
                give_back(tx, &place, task)?;
                return Ok(true);
            }
            Err(error) => return Err(error),
            Ok(Reviewed::Go(approval)) => {
                claimed.envelopes.push(self.start(tx, &place, task, approval, now)?);
            }
            Ok(Reviewed::AskAgain(opened)) => {
                tasks::save(tx, task, Due::No)?;
                let mut changes = vec![view::change(task)];
                changes.extend(opened);
                report(tx, &place, "ask.created", task, changes)?;
            }
            Ok(Reviewed::Refuse(code, why)) => {
                claimed.ended.push(self.refuse_at(tx, &place, task, code, &why)?);
            }
        }
        Ok(false)
    }

    /// Starts an attempt.
    fn start(
        &self,
        tx: &mut Tx<'_>,
        place: &nexus_kit::db::Place,
        task: &mut Task,
        approval: Option<Approval>,
        now: Time,
    ) -> Result<Envelope, WorkError> {
        let issued_at = tx.now();
        let token = hex(&tx.random::<24>());
        let known = self.bundle.types.get(&task.command_type);
        let deadline = now.plus(known.map_or(self.lock_ttl, |known| known.timeout));
        let deadline = task.deadline_at.map_or(deadline, |at| at.min(deadline));
        // An agent in this process is stopped by its executor; of one outside only the lease is held.
        task.attempt_until = self.claimer.outside.then_some(deadline);
        let lease_until = task.lease_at_most(now.plus(self.lock_ttl));
        task.advance(Event::Claimed, issued_at)?;
        task.attempt += 1;
        let builtin = known.and_then(|known| known.agent.as_ref()).map(|agent| agent.name());
        task.agent = Some(builtin.map_or_else(|| self.claimer.agent.clone(), str::to_owned));
        task.attempt_token = Some(sha256_hex(token.as_bytes()));
        task.lease_owner = Some(self.claimer.owner.clone());
        task.lease_until = Some(lease_until);
        task.started_at = Some(issued_at);
        let capped = self.caps.count(&task.command_type);
        tasks::save(tx, task, Due::Lease { until: lease_until, capped })?;
        if self.claimer.outside && task.risk == Risk::Red {
            // What the agent does is out of sight: the claim itself is the intent.
            let digest = sha256_hex(task.params.as_bytes());
            let target = format!("agent:{}", self.claimer.agent);
            tasks::insert_intent(tx, task, &target, &digest, task.params.as_bytes())?;
        }
        report(tx, place, "task.status", task, vec![view::change(task)])?;
        let trace = hex(&tx.random::<16>());
        let span = hex(&tx.random::<8>());
        Ok(Envelope {
            version: 1,
            task_id: task.task_id.to_string(),
            attempt: task.attempt,
            attempt_token: token,
            tenant: self.tenant.clone(),
            task_type: task.command_type.clone(),
            params: RawValue::from_string(task.params.clone())
                .map_err(|_| nexus_kit::db::DbError::Failed("stored params are no JSON".into()))?,
            correlation_id: task.correlation_id.clone(),
            risk: task.risk,
            approval,
            issued_at,
            deadline,
            lease_until,
            callback_url: self.callback_url.clone(),
            traceparent: format!("00-{trace}-{span}-01"),
        })
    }

    fn refuse(
        &self,
        tx: &mut Tx<'_>,
        task: &mut Task,
        code: FailureCode,
        why: &str,
    ) -> Result<Failed, WorkError> {
        let place = tx.next_place()?;
        self.refuse_at(tx, &place, task, code, why)
    }

    /// Ends a task that never ran.
    fn refuse_at(
        &self,
        tx: &mut Tx<'_>,
        place: &nexus_kit::db::Place,
        task: &mut Task,
        code: FailureCode,
        why: &str,
    ) -> Result<Failed, WorkError> {
        ending::fail(tx, place, task, End::unstarted(code, why), &self.retry)
    }
}

/// A place was taken and nothing changed: the report says how the task stands, so that no number is
/// missing.
fn give_back(tx: &mut Tx<'_>, place: &nexus_kit::db::Place, task: &Task) -> Result<(), WorkError> {
    report(tx, place, "task.status", task, vec![view::change(task)])
}

fn report(
    tx: &mut Tx<'_>,
    place: &nexus_kit::db::Place,
    kind: &'static str,
    task: &Task,
    changes: Vec<nexus_kit::log::ReportChange>,
) -> Result<(), WorkError> {
    let report =
        Report { kind, correlation_id: &task.correlation_id, meta: view::meta(task), changes };
    tx.report(place, &report)?;
    Ok(())
}
