//! How many tasks run at once: caps of a tenant and of types in it, counted by the claims that are
//! held. There is no counter that could be wrong, and where nothing is capped nothing is counted.

use std::collections::{BTreeMap, HashMap};

use nexus_core::tenant::Tenant;
use nexus_kit::settings::Tasks;

use crate::Work;
use crate::catalogue::Bundle;

/// The caps that hold in one tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caps {
    all: Option<u32>,
    by_type: BTreeMap<String, u32>,
}

impl Caps {
    /// What the settings say, and the tenant's own types where they say otherwise. A tenant whose
    /// types are not known yet has the settings' alone; whoever claims knows them.
    pub fn of(settings: &Tasks, bundle: Option<&Bundle>) -> Self {
        let mut by_type = settings.type_concurrency.clone();
        let own = bundle.into_iter().flat_map(|bundle| bundle.types.values());
        by_type.extend(own.filter_map(|known| Some((known.name.clone(), known.concurrency?))));
        Self { all: settings.tenant_concurrency, by_type }
    }

    /// Whether nothing is capped.
    pub fn none(&self) -> bool {
        self.all.is_none() && self.by_type.is_empty()
    }

    /// Whether a claim of this type counts.
    pub fn count(&self, command_type: &str) -> bool {
        self.all.is_some() || self.by_type.contains_key(command_type)
    }
}

/// What may still be claimed in a tenant: its caps less what runs.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    all: Option<u32>,
    by_type: HashMap<String, u32>,
}

impl Room {
    /// `running` has how many claims of each type are held and count.
    pub fn new(caps: &Caps, running: &[(String, u32)]) -> Self {
        let held = |name: &str| -> u32 {
            running.iter().filter(|(of, _)| of == name).map(|(_, count)| count).sum()
        };
        let all: u32 = running.iter().map(|(_, count)| count).sum();
        Self {
            all: caps.all.map(|cap| cap.saturating_sub(all)),
            by_type: caps
                .by_type
                .iter()
                .map(|(name, cap)| (name.clone(), cap.saturating_sub(held(name))))
                .collect(),
        }
    }

    /// How many more tasks of a type may run, at most `most`.
    pub fn of(&self, command_type: &str, most: usize) -> usize {
        let caps = [self.all, self.by_type.get(command_type).copied()];
        let bound = |most: usize, cap: u32| most.min(usize::try_from(cap).unwrap_or(usize::MAX));
        caps.into_iter().flatten().fold(most, bound)
    }

    /// Takes the place of one task; says whether there was one.
    pub fn take(&mut self, command_type: &str) -> bool {
        if self.of(command_type, 1) == 0 {
            return false;
        }
        if let Some(all) = &mut self.all {
            *all -= 1;
        }
        if let Some(of_type) = self.by_type.get_mut(command_type) {
            *of_type -= 1;
        }
        true
    }
}

impl Work {
    /// The caps of a tenant, as far as this process knows them.
    pub(crate) fn caps(&self, tenant: &Tenant) -> Caps {
        Caps::of(&self.app.settings.tasks, self.catalogue.known(tenant).as_deref())
    }

    /// A task of the tenant runs no more: whoever waits to claim looks again, if a cap held it back.
    pub(crate) fn freed(&self, tenant: &Tenant) {
        if !self.caps(tenant).none() {
            self.app.wake.notify();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(all: Option<u32>, by_type: &[(&str, u32)]) -> Caps {
        let by_type = by_type.iter().map(|(name, cap)| ((*name).to_owned(), *cap)).collect();
        Caps { all, by_type }
    }

    #[test]
    fn both_caps_hold_and_what_is_not_capped_is_free() {
        let none = caps(None, &[]);
        assert!(none.none() && !none.count("a.b"));
        let mut room = Room::new(&none, &[]);
        assert!((0..1_000).all(|_| room.take("a.b")));

        let both = caps(Some(3), &[("a.b", 2)]);
        let mut room = Room::new(&both, &[("a.b".to_owned(), 1)]);
        assert_eq!((room.of("a.b", 64), room.of("c.d", 64), room.of("c.d", 1)), (1, 2, 1));
        assert!(room.take("a.b") && !room.take("a.b"));
        assert!(room.take("c.d") && !room.take("c.d"), "three run in the tenant");

        // A cap that was lowered below what runs claims nothing until enough has ended.
        let lowered = Room::new(&caps(Some(1), &[]), &[("a.b".to_owned(), 5)]);
        assert_eq!(lowered.of("a.b", 64), 0);
        let of_type = caps(None, &[("a.b", 2)]);
        assert!(of_type.count("a.b") && !of_type.count("c.d"));
    }
}
