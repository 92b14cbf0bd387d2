//! Following the log with a durable cursor: how a slice hears of what others did.
//!
//! A follower has a name and, in each tenant where it waits for something, one row: the report up to
//! which it has acted. It moves that cursor in the transaction of what a report made it do, so that
//! a crash loses nothing and doubles nothing. The row says where; [`Followed`] says when to look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use nexus_core::cursor::Epoch;
use nexus_core::tenant::Tenant;
use tokio::sync::Notify;

use super::load::{head, reports_after};
use crate::args;
use crate::db::{DbError, Place, Read, Tx};

/// How far a follower has come in a tenant's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which life of the log.
    pub epoch: Epoch,
    /// The last report that it has acted on.
    pub number: u64,
    /// Counts how often somebody wanted it to follow; see [`end`].
    pub wanted: u64,
}

/// What lies before a follower.
#[derive(Debug)]
pub enum Ahead {
    /// It does not follow this tenant.
    NotFollowed,
    /// It has acted on everything.
    UpToDate(Mark),
    /// These follow, without a gap: their numbers and bodies.
    Reports(Mark, Vec<(u64, String)>),
    /// What follows has left the log, or the log has a new life: look at everything once, then go on
    /// from this head.
    Missed(Mark, Mark),
}

/// Makes a follower follow from this place on, if it does not yet.
///
/// # Errors
/// When the store fails.
pub fn begin(tx: &mut Tx<'_>, name: &str, place: &Place) -> Result<(), DbError> {
    let tenant = tx.tenant()?;
    tx.exec(
        "INSERT INTO log_follower (tenant, name, epoch, number, wanted) VALUES ($1, $2, $3, $4, 1)
         ON CONFLICT (tenant, name) DO UPDATE SET wanted = log_follower.wanted + 1",
        args![&tenant, name, place.epoch.as_str(), place.number - 1],
    )?;
    Ok(())
}

/// Where a follower stands.
///
/// # Errors
/// When the store fails.
pub fn mark(q: &Read, tenant: &Tenant, name: &str) -> Result<Option<Mark>, DbError> {
    q.opt(
        "SELECT epoch, number, wanted FROM log_follower WHERE tenant = $1 AND name = $2",
        args![tenant, name],
        |row| {
            let epoch = Epoch::parse(&row.text(0)?)
                .ok_or_else(|| DbError::Failed("a stored epoch is not one".into()))?;
            Ok(Mark { epoch, number: row.count(1)?, wanted: row.count(2)? })
        },
    )
}

/// Where a follower is wanted; content-free, and so read across tenants.
///
/// # Errors
/// When the store fails.
pub fn tenants(q: &Read, name: &str) -> Result<Vec<Tenant>, DbError> {
    q.all("SELECT tenant FROM log_follower WHERE name = $1 ORDER BY tenant", args![name], |row| {
        Tenant::parse(&row.text(0)?)
            .map_err(|_| DbError::Failed("a stored tenant is not one".into()))
    })
}

/// What lies before a follower, at most `limit` reports of it. `seen` is a number up to which it has
/// found nothing to act on and has not moved its cursor for it.
///
/// # Errors
/// When the store fails.
pub fn ahead(
    q: &Read,
    tenant: &Tenant,
    name: &str,
    seen: u64,
    limit: u64,
) -> Result<Ahead, DbError> {
    let Some(mark) = mark(q, tenant, name)? else { return Ok(Ahead::NotFollowed) };
    let head = head(q, tenant)?;
    let at_head = Mark { epoch: head.epoch, number: head.last, wanted: mark.wanted };
    if mark.epoch != at_head.epoch || mark.number > at_head.number {
        return Ok(Ahead::Missed(mark, at_head));
    }
    let from = if seen > at_head.number { mark.number } else { seen.max(mark.number) };
    if from == at_head.number {
        return Ok(Ahead::UpToDate(mark));
    }
    let reports = reports_after(q, tenant, from, limit)?;
    match reports.first() {
        Some((first, _)) if *first == from + 1 => Ok(Ahead::Reports(mark, reports)),
        _ => Ok(Ahead::Missed(mark, at_head)),
    }
}

/// Moves a follower on from where it stood; says whether it stood there. Whoever acts on a report
/// does so in the transaction that moves it, and does nothing where this is `false`: another has.
///
/// # Errors
/// When the store fails.
#[must_use = "nothing may be done for a report that another has acted on"]
pub fn advance(
    tx: &mut Tx<'_>,
    name: &str,
    from: &Mark,
    epoch: &Epoch,
    to: u64,
) -> Result<bool, DbError> {
    let tenant = tx.tenant()?;
    let moved = tx.exec(
        "UPDATE log_follower SET epoch = $5, number = $6
         WHERE tenant = $1 AND name = $2 AND epoch = $3 AND number = $4",
        args![&tenant, name, from.epoch.as_str(), from.number, epoch.as_str(), to],
    )?;
    Ok(moved > 0)
}

/// Ends the following of a tenant, unless somebody has wanted it since the mark was read.
///
/// # Errors
/// When the store fails.
pub fn end(tx: &mut Tx<'_>, name: &str, at: &Mark) -> Result<bool, DbError> {
    let tenant = tx.tenant()?;
    let ended = tx.exec(
        "DELETE FROM log_follower WHERE tenant = $1 AND name = $2 AND wanted = $3",
        args![&tenant, name, at.wanted],
    )?;
    Ok(ended > 0)
}

/// Which tenants' logs have moved since somebody last looked; only those that are watched are noted.
#[derive(Default)]
pub struct Followed {
    tenants: Mutex<Noted>,
    moved: Notify,
}

#[derive(Default)]
struct Noted {
    /// With how often each was watched so far.
    watched: BTreeMap<Tenant, u64>,
    moved: BTreeSet<Tenant>,
}

impl Followed {
    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a tenant's reports from now on; counts as moved, so that it is looked at once.
    pub fn watch(&self, tenant: &Tenant) {
        let mut noted = self.noted();
        *noted.watched.entry(tenant.clone()).or_default() += 1;
        noted.moved.insert(tenant.clone());
        drop(noted);
        self.moved.notify_one();
    }

    /// How often a tenant was watched so far; for [`Followed::unwatch`].
    pub fn times(&self, tenant: &Tenant) -> Option<u64> {
        self.noted().watched.get(tenant).copied()
    }

    /// No longer notes a tenant's reports, unless it was watched again since somebody counted.
    pub fn unwatch(&self, tenant: &Tenant, times: u64) {
        let mut noted = self.noted();
        if noted.watched.get(tenant) == Some(&times) {
            noted.watched.remove(tenant);
        }
    }

    /// The tenants that are watched.
    pub fn watched(&self) -> Vec<Tenant> {
        self.noted().watched.keys().cloned().collect()
    }

    /// After a commit: this tenant's log has moved.
    pub fn reached(&self, tenant: &Tenant) {
        let mut noted = self.noted();
        if noted.watched.contains_key(tenant) && noted.moved.insert(tenant.clone()) {
            drop(noted);
            self.moved.notify_one();
        }
    }

    /// Waits until a watched log has moved, and says which.
    pub async fn moved(&self) -> Vec<Tenant> {
        loop {
            let moved = std::mem::take(&mut self.noted().moved);
            if !moved.is_empty() {
                return moved.into_iter().collect();
            }
            self.moved.notified().await;
        }
    }
}
