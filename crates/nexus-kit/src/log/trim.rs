//! Trimming: what leaves the kept window is folded into the base.
//!
//! The fold is computed beside the writer, from reports that never change, and a step of so many
//! reports at a time: the writer then moves the base's number, which fails if anybody else has moved
//! it, and writes the items that are not as they were. A step costs what has changed in it, however
//! large the view is. The reports below the base, which nobody needs any more, go in small pieces.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use nexus_core::cursor::Epoch;
use nexus_core::tenant::Tenant;
use nexus_core::view::Keep;
use tokio::sync::Notify;

use super::load::{Changed, head, heads, load_base};
use crate::args;
use crate::db::{Db, DbError, Scope, Tx};
use crate::entropy::Entropy;

/// Reports beyond the window that gather before they are folded, so that the base is not read for
/// each report.
const SLACK: u64 = 4_000;

/// The same for each item of the view: what is open never leaves it, and a base of ten thousand
/// waiting tasks must not be read as often as one of ten.
const SLACK_PER_ITEM: u64 = 4;

/// Reports folded at a time. Most items of a large step come and go within it, and are never stored.
const STEP: u64 = 4_000;

/// Reports deleted in one transaction; other writers wait for one.
const DELETE_STEP: u64 = 250;

/// Folds and deletes what is below the window; one per process.
pub struct Trimmer {
    keep: Keep,
    event_keep: u64,
    bases: Mutex<HashMap<Tenant, Base>>,
    due: Mutex<Vec<Tenant>>,
    wake: Notify,
}

/// What this process knows of a tenant's base.
struct Base {
    /// The number at which it stands, or will after the trim that is due.
    number: u64,
    /// Reports that gather beyond the window.
    slack: u64,
}

impl Trimmer {
    /// A trimmer that keeps the newest `event_keep` reports.
    pub fn new(keep: Keep, event_keep: u64) -> Self {
        Self {
            keep,
            event_keep,
            bases: Mutex::default(),
            due: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Notes that a tenant's log has reached `number`; called after each commit.
    pub fn reached(&self, tenant: &Tenant, number: u64) {
        let mut bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        let base = match bases.get_mut(tenant) {
            Some(base) => base,
            None => bases.entry(tenant.clone()).or_insert(Base { number: 0, slack: SLACK }),
        };
        if number <= base.number + self.event_keep + base.slack {
            return;
        }
        // Not noted again before this much more has gathered.
        base.number = number - self.event_keep;
        drop(bases);
        self.due.lock().unwrap_or_else(PoisonError::into_inner).push(tenant.clone());
        self.wake.notify_one();
    }

    /// Trims whenever there is something to trim; never returns.
    pub async fn run(&self, db: &Db) {
        loop {
            let due = std::mem::take(&mut *self.due.lock().unwrap_or_else(PoisonError::into_inner));
            for tenant in due {
                if let Err(error) = self.trim(db, &tenant).await {
                    tracing::warn!(tenant_id = %tenant, %error, "trimming failed; the next report that leaves the window tries again");
                }
            }
            self.wake.notified().await;
        }
    }

    /// Folds what is below the window into the base and deletes it.
    pub async fn trim(&self, db: &Db, tenant: &Tenant) -> Result<(), DbError> {
        let (keep, event_keep, whose) = (self.keep, self.event_keep, tenant.clone());
        let read = db.read(tenant, move |q| {
            let cut = head(q, &whose)?.last.saturating_sub(event_keep);
            Ok::<_, DbError>((cut, load_base(q, &whose, keep)?))
        });
        let (cut, mut base) = read.await?;
        if let Some(known) =
            self.bases.lock().unwrap_or_else(PoisonError::into_inner).get_mut(tenant)
        {
            known.slack = SLACK.max(base.view.len() as u64 * SLACK_PER_ITEM);
        }
        while base.number < cut {
            let (from, to) = (base.number, cut.min(base.number + STEP));
            let whose = tenant.clone();
            let folding = db.read(tenant, move |q| {
                base.fold(q, &whose, to)?;
                Ok::<_, DbError>(base)
            });
            base = folding.await?;
            let (whose, items) = (tenant.clone(), base.take_changed());
            if !db.write(tenant, move |tx| step(tx, &whose, from, to, &items)).await? {
                return Ok(());
            }
            // With them whatever an earlier trim that was cut short has left.
            loop {
                let whose = tenant.clone();
                let deleted = db.write(tenant, move |tx| delete_below(tx, &whose, to));
                if deleted.await? < DELETE_STEP {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Deletes the lowest reports up to `cut`, at most [`DELETE_STEP`] of them; says how many.
fn delete_below(tx: &mut Tx<'_>, tenant: &Tenant, cut: u64) -> Result<u64, DbError> {
    let lowest = tx.one(
        "SELECT COALESCE(MIN(number), 0) FROM report WHERE tenant = $1",
        args![tenant],
        |row| row.count(0),
    )?;
    // One bound, known before: with two, every piece would look at all that is left.
    let to = cut.min(lowest + DELETE_STEP - 1);
    tx.exec("DELETE FROM report WHERE tenant = $1 AND number <= $2", args![tenant, to])
}

/// Moves the base on; says whether it stood at `from`.
fn step(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    from: u64,
    to: u64,
    items: &[Changed],
) -> Result<bool, DbError> {
    tx.put(
        "INSERT INTO stream_base (tenant, number) VALUES ($1, 0) ON CONFLICT (tenant) DO NOTHING",
        args![tenant],
    )?;
    let moved = tx.exec(
        "UPDATE stream_base SET number = $2 WHERE tenant = $1 AND number = $3",
        args![tenant, to, from],
    )?;
    if moved == 0 {
        return Ok(false);
    }
    for Changed { collection, id, value } in items {
        match value {
            Some(value) => tx.put(
                "INSERT INTO base_item (tenant, collection, id, value) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant, collection, id) DO UPDATE SET value = excluded.value",
                args![tenant, *collection, id, value],
            )?,
            None => tx.put(
                "DELETE FROM base_item WHERE tenant = $1 AND collection = $2 AND id = $3",
                args![tenant, *collection, id],
            )?,
        }
    }
    Ok(true)
}

/// Gives a new epoch to every log whose worklog was kept to another length: its clients hold views
/// that this setting would not have made.
pub async fn adopt_keep(db: &Db, entropy: &Entropy, keep: Keep) -> Result<(), DbError> {
    let tenants = db.read(Scope::System, heads).await?;
    for (tenant, _) in tenants {
        let epoch = Epoch::new(&entropy.bytes());
        let whose = tenant.clone();
        let worklog = keep.worklog as u64;
        db.write(&tenant, move |tx| {
            tx.exec(
                "UPDATE stream_head SET epoch = $2, worklog_keep = $3
                 WHERE tenant = $1 AND worklog_keep <> $3",
                args![&whose, epoch.as_str(), worklog],
            )
        })
        .await?;
    }
    Ok(())
}
