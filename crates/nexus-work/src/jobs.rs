//! What happens by itself: asks expire, leases lapse, retries come due, old things are forgotten.
//! One pass takes no input and can run at any time; it runs when something is due and at least
//! once a second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::db::{DbError, Scope, Tx};
use nexus_kit::supervise::Supervisor;

use crate::Work;
use crate::approvals::actions::expire;
use crate::boxes::triage;
use crate::commands::actions::IDEMPOTENCY;
use crate::contract::sql::DueItem;
use crate::contract::{lease, pace, signature, sql};
use crate::error::WorkError;
use crate::{boxes, commands, tasks};

/// Longest wait between two passes.
const TICK: Duration = Duration::from_secs(1);

/// Asks that one pass expires at most.
const PASS: u64 = 256;

/// How often old things are forgotten, and how many rows go in one transaction at most: writers wait
/// for each piece, not for the whole.
const FORGET_EVERY: Duration = Duration::from_secs(60);
const FORGET_ROWS: u64 = 300;

/// How often the gauges of queue and boxes are read.
const MEASURE_EVERY: Duration = Duration::from_secs(10);

pub(crate) fn start(work: &Arc<Work>, supervisor: &Supervisor) {
    every(work, supervisor, "work-timer", |work| async move { timer(&work).await });
    every(work, supervisor, "work-show", |work| async move { pace::run(&work).await });
    every(work, supervisor, "work-forget", |work| async move {
        let mut known = HashMap::new();
        loop {
            if let Err(error) = forget(&work, &mut known).await {
                tracing::warn!(%error, "old tasks were not forgotten; the next pass tries again");
            }
            work.app.clock.sleep(FORGET_EVERY).await;
        }
    });
    every(work, supervisor, "work-measure", |work| async move {
        let mut known = HashMap::new();
        loop {
            if let Err(error) = measure(&work, &mut known).await {
                tracing::debug!(%error, "the queue could not be measured");
            }
            work.app.clock.sleep(MEASURE_EVERY).await;
        }
    });
}

/// Keeps a job running until the shutdown, which may cut it at any wait: a pass takes no input, and
/// what it had handed to the store is done or not done whole.
fn every<Fut: Future<Output = ()> + Send>(
    work: &Arc<Work>,
    supervisor: &Supervisor,
    name: &'static str,
    job: impl Fn(Arc<Work>) -> Fut + Copy + Send + Sync + 'static,
) {
    let work = work.clone();
    supervisor.forever(name, move |stop| {
        let work = work.clone();
        async move {
            tokio::select! {
                () = job(work) => {}
                () = stop.triggered() => {}
            }
        }
    });
}

async fn timer(work: &Work) {
    let mut last = work.app.clock.expiry();
    loop {
        // What comes due while this pass runs is the next one's, which then follows at once.
        let now = work.app.clock.expiry();
        match pass(work).await {
            // There may be more of the same.
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "a timer pass failed; the next one tries again"),
        }
        let next = work.app.db.read(Scope::System, move |q| sql::next_due(q, last)).await;
        if matches!(next, Ok(Some(due)) if due <= now) {
            // A retry came due since the last look: whoever waits to claim looks again.
            work.app.wake.notify();
        }
        last = now;
        let due = next.ok().flatten().filter(|due| *due > now);
        let until = due.map_or(now.plus(TICK), |due| due.min(now.plus(TICK)));
        work.app.clock.sleep_until(until).await;
    }
}

/// Expires asks and ends attempts and tasks whose time is over; says whether there may be more of these.
async fn pass(work: &Work) -> Result<bool, WorkError> {
    loop {
        let now = work.app.clock.expiry();
        let due = work.app.db.read(Scope::System, move |q| sql::due(q, "ask", now, PASS)).await?;
        let full = due.len() as u64 == PASS;
        // All at once, so that they share commits; one that cannot be expired stops no other.
        let expired = join_all(due.into_iter().map(|item| expire_one(work, item))).await;
        if !full || !expired.contains(&true) {
            break;
        }
    }
    let more = lease::lapse(work).await?;
    Ok(lease::expire_waiting(work).await? || more)
}

/// Expires an ask, and says whether it did.
async fn expire_one(work: &Work, DueItem { tenant, id }: DueItem) -> bool {
    let (whose, ask_id) = (tenant.clone(), id.clone());
    let expired = work.app.db.write(&tenant, move |tx| expire(tx, &whose, &ask_id)).await;
    match expired {
        Ok(Some(ask)) => {
            work.app.metrics.ask_closed("expired", work.app.clock.now().since(ask.created_at));
            work.app.metrics.task_reached("expired");
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::warn!(tenant_id = %tenant, ask_id = %id, %error, "an ask was not expired; the next pass tries again");
            false
        }
    }
}

/// Forgets finished tasks after their time, used keys and seen signatures. `known` has when there
/// can be something to forget of a tenant: until then it is not looked at.
async fn forget(work: &Work, known: &mut HashMap<Tenant, Time>) -> Result<(), WorkError> {
    let now: Time = work.app.clock.now();
    let ttl = work.app.settings.tasks.ttl;
    let tenants = work.app.db.read(Scope::System, sql::tenants).await?;
    for tenant in tenants {
        if known.get(&tenant).is_some_and(|next| now < *next) {
            continue;
        }
        let (before, used_before) = (now.minus(ttl), now.minus(IDEMPOTENCY));
        let whose = tenant.clone();
        in_pieces(work, &tenant, move |tx| boxes::sql::name_causes(tx, &whose, FORGET_ROWS))
            .await?;
        let whose = tenant.clone();
        in_pieces(work, &tenant, move |tx| {
            tasks::sql::delete_finished(tx, &whose, before, FORGET_ROWS).map(|(_, more)| more)
        })
        .await?;
        let (whose, uncounted) =
            (tenant.clone(), triage::day(now) - i64::from(triage::COUNTED_DAYS));
        in_pieces(work, &tenant, move |tx| {
            let gone = triage::sql::forget_counts(tx, &whose, uncounted, FORGET_ROWS)?;
            Ok(gone == FORGET_ROWS)
        })
        .await?;
        let whose = tenant.clone();
        in_pieces(work, &tenant, move |tx| {
            let gone = commands::sql::forget(tx, &whose, used_before, FORGET_ROWS)?;
            Ok(gone == FORGET_ROWS)
        })
        .await?;
        let whose = tenant.clone();
        let (task, key) = work
            .app
            .db
            .read(&tenant, move |q| {
                let task = tasks::sql::oldest_finished(q, &whose)?;
                Ok::<_, DbError>((task, commands::sql::oldest(q, &whose)?))
            })
            .await?;
        // What is not there yet is not old before its time either.
        let next = task.unwrap_or(now).plus(ttl).min(key.unwrap_or(now).plus(IDEMPOTENCY));
        known.insert(tenant, next);
    }
    let seen_before = now.minus(signature::REMEMBER);
    in_pieces(work, Scope::System, move |tx| {
        Ok(sql::forget_signatures(tx, seen_before, FORGET_ROWS)? == FORGET_ROWS)
    })
    .await
}

/// Runs a step in one transaction after the other, until it says that there is no more.
async fn in_pieces(
    work: &Work,
    scope: impl Into<Scope>,
    step: impl Fn(&mut Tx<'_>) -> Result<bool, DbError> + Clone + Send + 'static,
) -> Result<(), WorkError> {
    let scope = scope.into();
    while work.app.db.write(scope.clone(), step.clone()).await? {}
    Ok(())
}

/// Where a tenant's log stood when its boxes were counted, and what was in them.
type Boxes = (u64, [u64; 3]);

/// Reads the gauges. A tenant whose log has not moved has the counts that it had.
async fn measure(work: &Work, known: &mut HashMap<Tenant, Boxes>) -> Result<(), WorkError> {
    let db = &work.app.db;
    let (depth, oldest) = db.read(Scope::System, sql::backlog).await?;
    for (tenant, head) in db.read(Scope::System, sql::heads).await? {
        if known.get(&tenant).is_some_and(|(then, _)| *then == head) {
            continue;
        }
        let whose = tenant.clone();
        let boxes = db.read(&tenant, move |q| {
            let count = |status| sql::count_status(q, &whose, status);
            Ok::<_, WorkError>([count("dead")?, count("held")?, count("alarmed")?])
        });
        let boxes = boxes.await?;
        known.insert(tenant, (head, boxes));
    }
    let mut counts = [0; 3];
    for (_, boxes) in known.values() {
        for (count, more) in counts.iter_mut().zip(boxes) {
            *count += more;
        }
    }
    let [dead, held, alarmed] = counts;
    let age = oldest.map_or(0.0, |oldest| work.app.clock.now().since(oldest).as_secs_f64());
    let metrics = &work.app.metrics;
    let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    metrics.queue_depth.set(gauge(depth));
    metrics.queue_age.set(age);
    metrics.dlq_size.set(gauge(dead));
    metrics.hold_size.set(gauge(held));
    metrics.alarm_size.set(gauge(alarmed));
    Ok(())
}
