//! Who holds a stream: so many a tenant, one a session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use nexus_core::tenant::Tenant;
use tokio::sync::watch;

/// The open streams of this process.
#[derive(Default)]
pub(crate) struct Places(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    next: u64,
    tenants: HashMap<Tenant, usize>,
    sessions: HashMap<(Tenant, String), Holder>,
}

struct Holder {
    number: u64,
    superseded: watch::Sender<bool>,
}

/// A place that is held until it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    tenant: Tenant,
    session: Option<String>,
    number: u64,
    superseded: watch::Receiver<bool>,
}

impl Places {
    /// Takes a place; a session's newer stream ends its older one, which gives its place up.
    pub fn take(
        self: &Arc<Self>,
        tenant: &Tenant,
        session: Option<String>,
        most: usize,
    ) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = session.clone().map(|session| (tenant.clone(), session));
        let replaces = key.as_ref().is_some_and(|key| taken.sessions.contains_key(key));
        let held = taken.tenants.get(tenant).copied().unwrap_or(0);
        if held >= most && !replaces {
            return None;
        }
        taken.next += 1;
        let number = taken.next;
        let (superseding, superseded) = watch::channel(false);
        if let Some(key) = key {
            let holder = Holder { number, superseded: superseding };
            if let Some(older) = taken.sessions.insert(key, holder) {
                older.superseded.send_replace(true);
            }
        }
        *taken.tenants.entry(tenant.clone()).or_default() += 1;
        drop(taken);
        let places = self.clone();
        Some(Place { places, tenant: tenant.clone(), session, number, superseded })
    }
}

impl Place {
    /// Returns when a newer stream of the same session has come.
    pub async fn superseded(&mut self) {
        if self.superseded.wait_for(|superseded| *superseded).await.is_err() {
            // Without a session there is nobody who could supersede it.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = taken.tenants.get_mut(&self.tenant) {
            *held -= 1;
            if *held == 0 {
                taken.tenants.remove(&self.tenant);
            }
        }
        if let Some(session) = self.session.take() {
            let key = (self.tenant.clone(), session);
            if taken.sessions.get(&key).is_some_and(|holder| holder.number == self.number) {
                taken.sessions.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newer_stream_of_a_session_ends_the_older() {
        let places = Arc::new(Places::default());
        let tenant = Tenant::parse("o:p").unwrap();
        let mut first = places.take(&tenant, Some("tab".into()), 1).unwrap();
        assert!(places.take(&tenant, Some("other".into()), 1).is_none(), "the tenant is full");
        let second = places.take(&tenant, Some("tab".into()), 1).unwrap();
        first.superseded().await;
        drop(first);
        assert!(places.take(&tenant, None, 1).is_none(), "the second still holds it");
        drop(second);
        assert!(places.take(&tenant, None, 1).is_some());
    }
}
