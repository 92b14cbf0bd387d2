//! Following the log with a durable cursor: how a slice hears of what others did.
//!
//! A follower has a name and, in each tenant where it waits for something, one row: the report up to
//! which it has acted. It moves that cursor in the transaction of what a report made it do, so that
//! a crash loses nothing and doubles nothing. The row says where; [`Followed`] says when to look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};

use nexus_core::cursor::Epoch;
use nexus_core::tenant::Tenant;
use tokio::sync::Notify;

use super::Committed;
use super::load::{Head, head, read_head, reports_after};
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

/// Every tenant whose log is ahead of this follower, or that it does not follow yet, with where the
/// log stands: one look for all of them, content-free.
///
/// # Errors
/// When the store fails.
pub fn behind(q: &Read, name: &str) -> Result<Vec<(Tenant, Head)>, DbError> {
    q.all(
        "SELECT h.tenant, h.epoch, h.last FROM stream_head h
         LEFT JOIN log_follower f ON f.tenant = h.tenant AND f.name = $1
         WHERE f.number IS NULL OR f.epoch <> h.epoch OR f.number <> h.last ORDER BY h.tenant",
        args![name],
        |row| {
            let tenant = Tenant::parse(&row.text(0)?)
                .map_err(|_| DbError::Failed("a stored tenant is not one".into()))?;
            Ok((tenant, read_head(row, 1)?))
        },
    )
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

/// Which reports may concern the follower of every tenant; see [`Followed::listen`].
#[derive(Clone, Copy)]
pub struct Sieve {
    /// Whether a report, as JSON, may concern it; must be quick, for the writer waits.
    pub concerns: fn(&str) -> bool,
    /// A tenant counts as moved at the latest after so many reports that do not.
    pub every: u64,
}

/// Which tenants' logs have moved since somebody last looked; only those that are watched are noted.
#[derive(Default)]
pub struct Followed {
    tenants: Mutex<Noted>,
    moved: Notify,
    sieve: OnceLock<Sieve>,
}

#[derive(Default)]
struct Noted {
    /// With how often each was watched so far.
    watched: BTreeMap<Tenant, u64>,
    moved: BTreeSet<Tenant>,
    /// What a sieve has let go, without a gap.
    quiet: BTreeMap<Tenant, Quiet>,
}

/// Reports after `from` up to `to` concern nobody.
#[derive(Clone, Copy)]
struct Quiet {
    from: u64,
    to: u64,
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

    /// Notes every tenant from now on, but only at reports that may concern the follower.
    pub fn listen(&self, sieve: Sieve) {
        self.sieve.get_or_init(|| sieve);
    }

    /// After a commit, with the report.
    pub fn committed(&self, report: &Committed) {
        let Some(sieve) = self.sieve.get() else { return };
        let concerns = (sieve.concerns)(&report.body);
        let mut noted = self.noted();
        let (before, number) = (report.number - 1, report.number);
        let quiet = match noted.quiet.get_mut(&report.tenant) {
            Some(quiet) => quiet,
            None => {
                let new = Quiet { from: before, to: before };
                noted.quiet.entry(report.tenant.clone()).or_insert(new)
            }
        };
        if !concerns && quiet.to == before {
            quiet.to = number;
            if number % sieve.every != 0 {
                return;
            }
        }
        if noted.moved.insert(report.tenant.clone()) {
            drop(noted);
            self.moved.notify_one();
        }
    }

    /// Up to where nothing concerns a follower that has looked at everything up to `seen`.
    pub fn quiet_after(&self, tenant: &Tenant, seen: u64) -> u64 {
        match self.noted().quiet.get(tenant) {
            Some(quiet) if quiet.from <= seen => quiet.to.max(seen),
            _ => seen,
        }
    }

    /// A follower has looked at everything up to `number`.
    pub fn looked(&self, tenant: &Tenant, number: u64) {
        let mut noted = self.noted();
        let quiet = noted.quiet.entry(tenant.clone()).or_insert(Quiet { from: number, to: number });
        // What a sieve let go beyond it stays let go, if nothing lies between.
        if quiet.from > number || quiet.to < number {
            *quiet = Quiet { from: number, to: number };
        }
    }

    /// Looks at a tenant again.
    pub fn again(&self, tenant: &Tenant) {
        if self.noted().moved.insert(tenant.clone()) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> Tenant {
        Tenant::parse("kaist:lab").unwrap()
    }

    fn commit(followed: &Followed, number: u64, body: &str) {
        let epoch = Epoch::parse("abcdefgh").unwrap();
        followed.committed(&Committed { tenant: tenant(), epoch, number, body: body.into() });
    }

    /// The tenants that moved, without waiting.
    fn moved(followed: &Followed) -> usize {
        std::mem::take(&mut followed.noted().moved).len()
    }

    fn listening() -> Followed {
        let followed = Followed::default();
        followed.listen(Sieve { concerns: |body| body == "news", every: 100 });
        followed
    }

    #[test]
    fn a_log_without_news_is_not_read() {
        let followed = listening();
        followed.looked(&tenant(), 6);
        for number in 7..=99 {
            commit(&followed, number, "nothing");
        }
        assert_eq!(moved(&followed), 0);
        assert_eq!(followed.quiet_after(&tenant(), 6), 99, "all of it needs no look");
        assert_eq!(followed.quiet_after(&tenant(), 5), 5, "but for what was before");
        commit(&followed, 100, "nothing");
        assert_eq!(moved(&followed), 1, "now and then the cursor moves");
    }

    #[test]
    fn news_are_never_skipped_whatever_follows() {
        let followed = listening();
        followed.looked(&tenant(), 10);
        for (number, body) in [(11, "nothing"), (12, "news"), (13, "nothing"), (14, "nothing")] {
            commit(&followed, number, body);
        }
        assert_eq!(moved(&followed), 1);
        assert_eq!(followed.quiet_after(&tenant(), 10), 11, "up to the news, not beyond");
        followed.looked(&tenant(), 14);
        commit(&followed, 15, "nothing");
        assert_eq!((moved(&followed), followed.quiet_after(&tenant(), 14)), (0, 15));
        // A gap: somebody else wrote what nobody told of.
        commit(&followed, 17, "nothing");
        assert_eq!((moved(&followed), followed.quiet_after(&tenant(), 15)), (1, 15));
    }

    #[test]
    fn nobody_listens_until_somebody_does() {
        let followed = Followed::default();
        commit(&followed, 1, "news");
        assert_eq!(moved(&followed), 0);
    }
}
