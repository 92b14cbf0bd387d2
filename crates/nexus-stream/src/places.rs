//! Who holds a stream: so many a tenant, one a session; and the bell by which a stream that waits is
//! told that something concerns it. A place is held by its stream and ends with it, so none leaks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::task::AtomicWaker;
use nexus_core::masked::Reader;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::http::principal::Right;

/// The open streams of this process.
#[derive(Default)]
pub(crate) struct Places(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    next: u64,
    tenants: HashMap<Tenant, usize>,
    sessions: HashMap<(Tenant, String), u64>,
    holders: HashMap<u64, Held>,
}

struct Held {
    tenant: Tenant,
    session: Option<(Tenant, String)>,
    holder: Arc<Holder>,
}

impl Taken {
    /// Gives a place up; once is enough and twice is harmless.
    fn give_up(&mut self, number: u64) {
        let Some(held) = self.holders.remove(&number) else { return };
        if let Some(count) = self.tenants.get_mut(&held.tenant) {
            *count -= 1;
            if *count == 0 {
                self.tenants.remove(&held.tenant);
            }
        }
        if let Some(session) = held.session
            && self.sessions.get(&session) == Some(&number)
        {
            self.sessions.remove(&session);
        }
    }
}

/// What a stream is told from outside, besides new reports.
pub(crate) struct Holder {
    right: Right,
    news: AtomicU8,
    /// In which class its values are from now on.
    reader: Mutex<Option<Reader>>,
    waker: AtomicWaker,
    /// When its reader was last seen to take something, in µs; far off where the socket tells.
    taken_at: AtomicI64,
}

const SUPERSEDED: u8 = 1;
const REVOKED: u8 = 2;
const OTHER_CLASS: u8 = 4;
const STUCK: u8 = 8;

/// What concerns a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum News {
    /// A newer stream of the same session has come.
    Superseded,
    /// The right to listen has ended.
    Revoked,
    /// The reader may see more by now, or less.
    OtherClass(Reader),
    /// Its reader took nothing for so long that its place was given away.
    Stuck,
}

/// A place that is held until it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    tenant: Tenant,
    number: u64,
    holder: Arc<Holder>,
}

impl Places {
    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place; a session's newer stream ends its older one, which gives its place up.
    pub fn take(
        self: &Arc<Self>,
        tenant: &Tenant,
        session: Option<String>,
        right: Right,
        most: usize,
    ) -> Option<Place> {
        let mut taken = self.taken();
        let key = session.map(|session| (tenant.clone(), session));
        let replaces = key.as_ref().is_some_and(|key| taken.sessions.contains_key(key));
        let held = taken.tenants.get(tenant).copied().unwrap_or(0);
        if held >= most && !replaces {
            return None;
        }
        taken.next += 1;
        let number = taken.next;
        let older = key.clone().and_then(|key| taken.sessions.insert(key, number));
        if let Some(older) = older.and_then(|older| taken.holders.get(&older)) {
            older.holder.tell(SUPERSEDED);
        }
        let holder = Arc::new(Holder {
            right,
            news: AtomicU8::new(0),
            reader: Mutex::default(),
            waker: AtomicWaker::new(),
            taken_at: AtomicI64::new(i64::MAX),
        });
        let of = tenant.clone();
        taken.holders.insert(number, Held { tenant: of, session: key, holder: holder.clone() });
        *taken.tenants.entry(tenant.clone()).or_default() += 1;
        drop(taken);
        Some(Place { places: self.clone(), tenant: tenant.clone(), number, holder })
    }

    /// How many streams are open.
    pub fn open(&self) -> usize {
        self.taken().holders.len()
    }

    /// Gives away the places of those whose readers have taken nothing since a time. Where a
    /// connection is shared (HTTP/2), its socket does not tell that one of its streams is stuck.
    pub fn give_away_stuck(&self, since: Time) {
        let mut taken = self.taken();
        let stuck = |held: &Held| held.holder.taken_at.load(Ordering::Acquire) < since.micros();
        let all = taken.holders.iter().filter(|(_, held)| stuck(held));
        for number in all.map(|(number, _)| *number).collect::<Vec<_>>() {
            if let Some(held) = taken.holders.get(&number) {
                held.holder.tell(STUCK);
            }
            taken.give_up(number);
        }
    }

    /// Those whose right to listen can end.
    pub fn revocable(&self) -> Vec<Arc<Holder>> {
        let taken = self.taken();
        let holders = taken.holders.values().map(|held| &held.holder);
        holders.filter(|holder| holder.right.can_end()).cloned().collect()
    }
}

impl Holder {
    /// What lets the client listen.
    pub fn right(&self) -> &Right {
        &self.right
    }

    /// Tells what became of the right: the class of its reader, or none if it no longer stands.
    pub fn judge(&self, reader: Option<&Reader>) {
        match reader {
            None => self.tell(REVOKED),
            Some(reader) => {
                let mut told = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
                if told.as_ref().unwrap_or(self.right.reader()) != reader {
                    *told = Some(reader.clone());
                    drop(told);
                    self.tell(OTHER_CLASS);
                }
            }
        }
    }

    fn tell(&self, news: u8) {
        self.news.fetch_or(news, Ordering::AcqRel);
        self.waker.wake();
    }
}

impl Place {
    /// Notes that its reader takes what it is sent.
    pub fn taken(&self, now: Time) {
        self.holder.taken_at.store(now.micros(), Ordering::Release);
    }

    /// Where to ring when there is news.
    pub fn waker(&self) -> &AtomicWaker {
        &self.holder.waker
    }

    /// Whose stream it is.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// How many streams are open, this one included.
    pub fn open(&self) -> usize {
        self.places.open()
    }

    /// Whether there is news.
    pub fn has_news(&self) -> bool {
        self.holder.news.load(Ordering::Acquire) != 0
    }

    /// What is new, the gravest first.
    pub fn news(&self) -> Option<News> {
        let news = self.holder.news.load(Ordering::Acquire);
        if news == 0 {
            return None;
        }
        if news & REVOKED != 0 {
            return Some(News::Revoked);
        }
        if news & SUPERSEDED != 0 {
            return Some(News::Superseded);
        }
        if news & STUCK != 0 {
            return Some(News::Stuck);
        }
        self.holder.news.fetch_and(!OTHER_CLASS, Ordering::AcqRel);
        let reader = self.holder.reader.lock().unwrap_or_else(PoisonError::into_inner).clone();
        reader.map(News::OtherClass)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().give_up(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Arc<Places>, session: Option<&str>, most: usize) -> Option<Place> {
        let tenant = Tenant::parse("o:p").unwrap();
        let right = Right::standing(tenant.clone(), Reader::Clear);
        places.take(&tenant, session.map(str::to_owned), right, most)
    }

    #[test]
    fn the_newer_stream_of_a_session_ends_the_older() {
        let places = Arc::new(Places::default());
        let first = take(&places, Some("tab"), 1).unwrap();
        assert!(take(&places, Some("other"), 1).is_none(), "the tenant is full");
        assert_eq!(first.news(), None);
        let second = take(&places, Some("tab"), 1).unwrap();
        assert_eq!(first.news(), Some(News::Superseded));
        drop(first);
        assert!(take(&places, None, 1).is_none(), "the second still holds it");
        assert_eq!(second.news(), None);
        drop(second);
        assert!(take(&places, None, 1).is_some());
    }

    #[test]
    fn a_reader_that_takes_nothing_loses_its_place() {
        let places = Arc::new(Places::default());
        let (stuck, other) =
            (take(&places, Some("a"), 2).unwrap(), take(&places, None, 2).unwrap());
        stuck.taken(Time::from_millis(1_000));
        other.taken(Time::from_millis(3_000));
        assert!(take(&places, None, 2).is_none());
        places.give_away_stuck(Time::from_millis(2_000));
        assert_eq!((stuck.news(), other.news()), (Some(News::Stuck), None));
        let third = take(&places, None, 2).unwrap();
        drop(stuck);
        assert!(take(&places, None, 2).is_none(), "a place is given up once");
        drop((other, third));
        assert_eq!(places.open(), 0);
    }

    #[test]
    fn a_stream_hears_once_of_another_class_and_for_ever_of_its_end() {
        let places = Arc::new(Places::default());
        let place = take(&places, None, 1).unwrap();
        let masked = Reader::Masked { own: "user:a".into() };
        place.holder.judge(Some(&Reader::Clear));
        assert_eq!(place.news(), None, "as before");
        place.holder.judge(Some(&masked));
        assert_eq!(place.news(), Some(News::OtherClass(masked.clone())));
        place.holder.judge(Some(&masked));
        assert_eq!(place.news(), None);
        place.holder.judge(None);
        assert_eq!([place.news(), place.news()], [Some(News::Revoked), Some(News::Revoked)]);
    }
}
