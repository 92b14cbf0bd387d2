//! Which due tasks a claim takes: tenants in turn, each by its weight, and of each the most urgent
//! that its caps let run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::db::{Read, Scope};

use super::caps::{Caps, Room};
use super::claim::Claimer;
use super::sql;
use crate::Work;
use crate::error::WorkError;

/// Tenants that one claim serves at most, so that a batch is worth its transaction.
const TENANTS_PER_CLAIM: usize = 16;

/// Whose turn it is: deficit round robin over the tenants that have something to claim.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn {
    /// The tenant that was served last.
    at: String,
    /// How many more it may have before it is the next one's turn.
    left: usize,
}

/// Tasks that claims of this process are taking just now: others that look meanwhile pass them by.
/// Only a hint, so that a crowd that wakes up does not run for one task; what decides is the
/// claiming transaction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taking(Arc<Mutex<HashMap<Tenant, HashSet<String>>>>);

impl Taking {
    fn lock(&self) -> MutexGuard<'_, HashMap<Tenant, HashSet<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many of a tenant's are being taken.
    fn count(&self, tenant: &Tenant) -> usize {
        self.lock().get(tenant).map_or(0, HashSet::len)
    }
}

/// What was picked; other claims of this process pass it by until this is dropped.
#[derive(Debug)]
pub(crate) struct Picked {
    /// Ids by tenant, the most urgent first.
    by_tenant: BTreeMap<Tenant, Vec<String>>,
    count: usize,
    taking: Taking,
}

impl Picked {
    /// Whether there is nothing to claim.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What was picked of each tenant.
    pub fn ids(&self) -> impl Iterator<Item = (Tenant, Vec<String>)> {
        self.by_tenant.iter().map(|(tenant, ids)| (tenant.clone(), ids.clone()))
    }

    /// Adds what nobody is taking and the room allows, at most `most`; says how many.
    fn add(&mut self, guest: &mut Guest, found: Vec<(String, String)>, most: usize) -> usize {
        let mut taking = self.taking.lock();
        let taken = taking.entry(guest.tenant.clone()).or_default();
        let mut added = Vec::new();
        for (id, command_type) in found {
            let fits = added.len() < most && !taken.contains(&id);
            if fits && guest.room.as_mut().is_none_or(|room| room.take(&command_type)) {
                taken.insert(id.clone());
                added.push(id);
            }
        }
        let count = added.len();
        self.count += count;
        if count > 0 {
            self.by_tenant.entry(guest.tenant.clone()).or_default().extend(added);
        }
        count
    }
}

impl Drop for Picked {
    fn drop(&mut self) {
        let mut taking = self.taking.lock();
        for (tenant, ids) in &self.by_tenant {
            if let Some(taken) = taking.get_mut(tenant) {
                ids.iter().for_each(|id| {
                    taken.remove(id);
                });
            }
        }
        taking.retain(|_, taken| !taken.is_empty());
    }
}

/// Names up to `max` due tasks for a claimer.
pub(crate) async fn pick(work: &Work, claimer: &Claimer, max: usize) -> Result<Picked, WorkError> {
    let look = Look {
        types: claimer.types.clone(),
        only: claimer.tenant.clone(),
        now: work.app.clock.expiry(),
        max,
        weights: work.app.settings.tasks.tenant_weights.clone(),
        taking: work.taking.clone(),
    };
    let before = work.turn.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (catalogue, settings) = (work.catalogue.clone(), work.app.settings.tasks.clone());
    let (picked, turn) = work
        .app
        .db
        .read(Scope::System, move |q| {
            let caps = |tenant: &Tenant| Caps::of(&settings, catalogue.known(tenant).as_deref());
            look.round(q, before, caps)
        })
        .await?;
    if claimer.tenant.is_none() {
        *work.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
    }
    Ok(picked)
}

/// One look at what is due.
struct Look {
    types: Vec<String>,
    /// One tenant's, or all.
    only: Option<Tenant>,
    now: Time,
    max: usize,
    weights: BTreeMap<String, u32>,
    taking: Taking,
}

/// A tenant in the round.
struct Guest {
    tenant: Tenant,
    room: Option<Room>,
    /// Its part of what is dealt.
    weight: usize,
    /// Whether there may be more of it.
    more: bool,
}

impl Look {
    fn round(
        &self,
        q: &Read,
        before: Turn,
        caps: impl Fn(&Tenant) -> Caps,
    ) -> Result<(Picked, Turn), WorkError> {
        let mut guests = self.guests(q, &before, caps)?;
        let taking = self.taking.clone();
        let mut picked = Picked { by_tenant: BTreeMap::new(), count: 0, taking };
        let weights: usize = guests.iter().map(|guest| guest.weight).sum();
        let share = self.max.div_ceil(weights.max(1));
        let mut turn = before;
        // Who has no more leaves the ring; what they did not need is for those who go round again.
        while picked.count < self.max && !guests.is_empty() {
            for guest in &mut guests {
                let goes_on = turn.left > 0 && guest.tenant.key() == turn.at;
                let quota = if goes_on { turn.left } else { share * guest.weight };
                let most = quota.min(self.max - picked.count);
                if most == 0 {
                    break;
                }
                guest.more = self.serve(q, guest, most, &mut picked)? == most;
                // One that was cut short goes on next time, but holds nobody up for long.
                turn.at = guest.tenant.key().to_owned();
                turn.left = if guest.more { (quota - most).min(guest.weight) } else { 0 };
            }
            guests.retain(|guest| guest.more);
        }
        Ok((picked, turn))
    }

    /// The tenants whose turn it is and that may run something: a ring that begins with the one that
    /// has something left of its turn, or after the one that was served last.
    fn guests(
        &self,
        q: &Read,
        before: &Turn,
        caps: impl Fn(&Tenant) -> Caps,
    ) -> Result<Vec<Guest>, WorkError> {
        let paused = sql::paused(q)?;
        let mut guests = Vec::new();
        let mut invite = |tenant: Tenant| -> Result<bool, WorkError> {
            let caps = caps(&tenant);
            let room = match caps.none() {
                true => None,
                false => Some(Room::new(&caps, &sql::running(q, &tenant)?)),
            };
            let fits = |room: &Room| self.types.iter().any(|name| room.of(name, 1) > 0);
            if !paused.contains(tenant.key()) && room.as_ref().is_none_or(fits) {
                let weight = self.weight(&tenant);
                guests.push(Guest { tenant, room, weight, more: true });
            }
            Ok(guests.len() >= TENANTS_PER_CLAIM)
        };
        if let Some(tenant) = &self.only {
            invite(tenant.clone())?;
            return Ok(guests);
        }
        let start = &before.at;
        let first = before.left > 0 && sql::has_ready(q, &self.types, start)?;
        if first {
            invite(sql::tenant(start)?)?;
        }
        // After the start to the end, then from the beginning to the start.
        for (from, to) in [(start.as_str(), None), ("", Some(start.as_str()))] {
            let mut after = from.to_owned();
            'ring: loop {
                let next = sql::next_tenants(q, &self.types, &after, TENANTS_PER_CLAIM)?;
                let more = next.len() == TENANTS_PER_CLAIM;
                for tenant in next {
                    let over = to.is_some_and(|to| tenant.key() > to);
                    if over || (first && tenant.key() == start) {
                        break 'ring;
                    }
                    tenant.key().clone_into(&mut after);
                    if invite(tenant)? {
                        return Ok(guests);
                    }
                }
                if !more {
                    break;
                }
            }
        }
        Ok(guests)
    }

    fn weight(&self, tenant: &Tenant) -> usize {
        let weight = self.weights.get(tenant.key()).copied().unwrap_or(1);
        usize::try_from(weight).unwrap_or(usize::MAX)
    }

    /// Picks the most urgent of a tenant, at most `most`, that its caps let run and nobody is
    /// taking; says how many.
    fn serve(
        &self,
        q: &Read,
        guest: &mut Guest,
        most: usize,
        picked: &mut Picked,
    ) -> Result<usize, WorkError> {
        let passed = self.taking.count(&guest.tenant);
        let of_type = |name: &String| {
            let fits = guest.room.as_ref().map_or(most, |room| room.of(name, most));
            (fits > 0).then(|| (name.clone(), fits + passed))
        };
        let bounds: Vec<(String, usize)> = self.types.iter().filter_map(of_type).collect();
        let found = sql::ready(q, &bounds, &guest.tenant, self.now, most + passed)?;
        Ok(picked.add(guest, found, most))
    }
}
