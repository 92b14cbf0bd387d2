//! Applying the policy to the dead letters: by hand, and by itself every so often.

use std::sync::Arc;
use std::time::Duration;

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::db::{DbError, Scope, Tx};

use super::row::Action;
use super::select::{Bounds, Caps, Chosen, choose_by_policy};
use super::sql;
use super::start::{Asker, Asking, start};
use crate::Work;
use crate::boxes::Box;
use crate::boxes::filter::Filter;
use crate::contract::sql::tenants;
use crate::error::WorkError;

/// Who asks for what runs by itself.
const SCHEDULE: &str = "system:schedule";

/// The wait after a turn that failed.
const AFTER_ERROR: Duration = Duration::from_secs(1);

impl Work {
    /// What the settings say about operations.
    pub(crate) fn bounds(&self) -> Bounds {
        let settings = &self.app.settings;
        Bounds {
            policy: settings.failures.policy.clone(),
            max_tasks: settings.operations.max_tasks,
            max_runs: settings.operations.auto_max_runs,
        }
    }
}

/// What policy says about a tenant's dead letters, changing nothing.
pub(super) async fn preview(
    work: &Work,
    tenant: &Tenant,
    filter: Filter,
    caps: Caps,
) -> Result<Chosen, WorkError> {
    let (whose, bounds) = (tenant.clone(), work.bounds());
    let db = &work.app.db;
    db.read(tenant, move |q| choose_by_policy(q, &whose, &filter, &caps, &bounds)).await
}

/// Applies the policy every `DLQ_APPLY_EVERY_SECONDS`, also across restarts: when the next turn is due
/// stands in the store.
pub(crate) async fn schedule(work: &Arc<Work>) {
    let every = work.app.settings.operations.apply_every;
    loop {
        match turn(work, every).await {
            Ok(Some(next)) => work.app.clock.sleep_until(next).await,
            Ok(None) => return std::future::pending().await,
            Err(error) => {
                tracing::warn!(%error, "the policy was not applied; tried again shortly");
                tokio::time::sleep(AFTER_ERROR).await;
            }
        }
    }
}

/// Takes the turn if it is due; says when the next one is, if there is one.
async fn turn(work: &Work, every: Duration) -> Result<Option<Time>, WorkError> {
    let db = &work.app.db;
    let (mine, next) = db.write(Scope::System, move |tx| take_turn(tx, every)).await?;
    if mine {
        for tenant in db.read(Scope::System, tenants).await? {
            if let Err(error) = apply(work, &tenant).await {
                tracing::warn!(tenant_id = %tenant, %error, "the policy was not applied to a tenant; the next turn tries again");
            }
        }
    }
    Ok(next)
}

/// Whether this turn is the caller's, and when the next is due. Whoever moves the mark has the turn.
fn take_turn(tx: &mut Tx<'_>, every: Duration) -> Result<(bool, Option<Time>), DbError> {
    if every.is_zero() {
        sql::clear_turn(tx)?;
        return Ok((false, None));
    }
    let now = tx.expiry();
    let next = now.plus(every);
    match sql::turn(tx)? {
        Some(due) if due <= now => Ok((sql::move_turn(tx, due, next)?, Some(next))),
        // Also when it was to come later by other settings.
        Some(due) if due <= next => Ok((false, Some(due))),
        _ => {
            sql::set_turn(tx, next)?;
            Ok((false, Some(next)))
        }
    }
}

async fn apply(work: &Work, tenant: &Tenant) -> Result<(), WorkError> {
    let settings = &work.app.settings.operations;
    let whose = tenant.clone();
    let busy =
        work.app.db.read(tenant, move |q| sql::under_way(q, &whose, Action::Apply, SCHEDULE));
    if busy.await.map_err(WorkError::Store)? {
        return Ok(());
    }
    let caps = Caps {
        // What runs by itself asks nobody: it stays below what needs a yes.
        max_requeue: settings.apply_max_requeue.min(settings.red_above),
        max_hold: settings.apply_max_hold,
        max_alarm: settings.apply_max_alarm,
        failed_after: work.app.clock.now().minus(work.app.settings.failures.apply_max_age),
    };
    let chosen = preview(work, tenant, Filter::default(), caps).await?;
    if chosen.tasks.is_empty() {
        return Ok(());
    }
    let asking = Asking {
        from: Box::Dlq,
        action: Action::Apply,
        tasks: chosen.tasks,
        per_second: None,
        canary: 0,
        note: None,
        nothing_was_sent: false,
        asker: Asker {
            name: SCHEDULE.to_owned(),
            display_name: None,
            correlation_id: work.app.new_correlation(),
        },
    };
    start(work, tenant, asking).await.map(drop)
}
