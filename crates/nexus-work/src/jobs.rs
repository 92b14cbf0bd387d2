//! What happens by itself: asks expire, leases lapse, retries come due, old things are forgotten.
//! One pass takes no input and can run at any time; it runs when something is due and at least
//! once a second.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use nexus_core::time::Time;
use nexus_kit::db::Scope;
use nexus_kit::supervise::Supervisor;

use crate::Work;
use crate::approvals::actions::expire;
use crate::commands::actions::IDEMPOTENCY;
use crate::contract::sql::DueItem;
use crate::contract::{lease, signature, sql};
use crate::error::WorkError;
use crate::{commands, tasks};

/// Longest wait between two passes.
const TICK: Duration = Duration::from_secs(1);

/// Asks that one pass expires at most.
const PASS: u64 = 256;

/// How often old things are forgotten, and how many tasks go in one transaction.
const FORGET_EVERY: Duration = Duration::from_secs(60);
const FORGET_STEP: u64 = 50;

/// How often the gauges of queue and boxes are read.
const MEASURE_EVERY: Duration = Duration::from_secs(10);

pub(crate) fn start(work: &Arc<Work>, supervisor: &Supervisor) {
    every(work, supervisor, "work-timer", |work| async move { timer(&work).await });
    every(work, supervisor, "work-forget", |work| async move {
        loop {
            if let Err(error) = forget(&work).await {
                tracing::warn!(%error, "old tasks were not forgotten; the next pass tries again");
            }
            work.app.clock.sleep(FORGET_EVERY).await;
        }
    });
    every(work, supervisor, "work-measure", |work| async move {
        loop {
            if let Err(error) = measure(&work).await {
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

/// Expires asks and ends attempts whose time is over; says whether there may be more of these.
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
    lease::lapse(work).await
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

/// Forgets finished tasks after their time, used keys and seen signatures.
async fn forget(work: &Work) -> Result<(), WorkError> {
    let now: Time = work.app.clock.now();
    let tenants = work.app.db.read(Scope::System, sql::tenants).await?;
    for tenant in tenants {
        let before = now.minus(work.app.settings.tasks.ttl);
        loop {
            let whose = tenant.clone();
            let gone = work
                .app
                .db
                .write(&tenant, move |tx| {
                    tasks::sql::delete_finished(tx, &whose, before, FORGET_STEP)
                })
                .await?;
            if gone < FORGET_STEP {
                break;
            }
        }
        let whose = tenant.clone();
        let used_before = now.minus(IDEMPOTENCY);
        work.app
            .db
            .write(&tenant, move |tx| commands::sql::forget(tx, &whose, used_before))
            .await?;
    }
    let seen_before = now.minus(signature::REMEMBER);
    work.app.db.write(Scope::System, move |tx| sql::forget_signatures(tx, seen_before)).await?;
    Ok(())
}

async fn measure(work: &Work) -> Result<(), WorkError> {
    let db = &work.app.db;
    let (depth, oldest) = db.read(Scope::System, sql::backlog).await?;
    let mut counts = [0; 3];
    for tenant in db.read(Scope::System, sql::tenants).await? {
        let whose = tenant.clone();
        let boxes = db.read(&tenant, move |q| {
            let count = |status| sql::count_status(q, &whose, status);
            Ok::<_, WorkError>([count("dead")?, count("held")?, count("alarmed")?])
        });
        for (count, more) in counts.iter_mut().zip(boxes.await?) {
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
