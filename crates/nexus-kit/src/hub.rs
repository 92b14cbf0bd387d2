//! The hub: what is live. Per tenant with listeners a ring of encoded frames, the folded view and
//! a watched head. A connection is a cursor into it, not a queue: replay and live are one loop, and
//! a slow reader holds no memory.
//!
//! The hub knows nothing that the store does not: it can be emptied at any moment.

mod batch;
mod folded;
mod frame;
mod ring;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;
use nexus_core::cursor::Epoch;
use nexus_core::masked::Reader;
use nexus_core::tenant::Tenant;
use nexus_core::view::Keep;
use tokio::sync::watch;

use crate::db::{Db, DbError, Scope};
use crate::log::{self, Committed};
use crate::telemetry::metrics::Metrics;
use batch::Batches;
pub use batch::{BATCH_BYTES, Batch, CHUNK_END, chunk_head};
use folded::Folded;
pub use frame::shown;
use ring::{Ahead, Ring};

/// How long a channel without listeners is kept warm.
pub const IDLE_CHANNEL: Duration = Duration::from_secs(60);

/// Commits that wait at most while a channel is loaded.
const MOST_WAITING: usize = 1_000;

/// The live side of the report log; one per process.
pub struct Hub {
    keep: Keep,
    size: RingSize,
    metrics: Metrics,
    channels: RwLock<HashMap<Tenant, Arc<Channel>>>,
}

/// How much a ring holds at most.
#[derive(Clone, Copy, Debug)]
pub struct RingSize {
    /// Reports; also how many reports back a cursor may lie.
    pub reports: u64,
    /// Bytes of encoded frames, of each class.
    pub bytes: usize,
}

/// One tenant's live log.
pub struct Channel {
    tenant: Tenant,
    metrics: Metrics,
    state: Mutex<Live>,
    batches: Batches,
    head: watch::Sender<u64>,
    /// Woken when the head moves; see [`Channel::wake`].
    woken: Mutex<Option<Waker>>,
    /// When what no reader has been sent yet began to wait.
    moved_at: Mutex<Option<Instant>>,
    folded: tokio::sync::Mutex<Option<Folded>>,
    /// Counts how often somebody began to fold the view on for newcomers.
    folds: AtomicU64,
    /// Where the store's head was at the last look.
    stored: AtomicU64,
    /// Guards the first load, so that a herd of newcomers reads the store once.
    loading: tokio::sync::Mutex<()>,
}

enum Live {
    /// Commits that came while the store was being read.
    Loading(Vec<Committed>),
    /// The newest frames.
    Ready(Ring),
}

/// A view for a newcomer.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Which life of the log.
    pub epoch: Epoch,
    /// The report up to which it is folded.
    pub number: u64,
    /// The view as JSON.
    pub view: Bytes,
}

/// What a cursor finds in the ring.
#[derive(Debug)]
pub enum Next {
    /// These frames follow.
    Frames(Batch),
    /// Nothing newer yet.
    UpToDate,
    /// What follows has left the ring; the store has it.
    Missed,
    /// The log has a new life; only a snapshot helps.
    OtherEpoch,
}

impl Hub {
    /// An empty hub.
    pub fn new(keep: Keep, size: RingSize, metrics: Metrics) -> Self {
        Self { keep, size, metrics, channels: RwLock::default() }
    }

    /// How many items each bounded collection keeps.
    pub fn keep(&self) -> Keep {
        self.keep
    }

    /// How many reports back a cursor may lie.
    pub fn event_keep(&self) -> u64 {
        self.size.reports
    }

    /// Takes what was committed, in commit order.
    pub fn committed(&self, reports: Vec<Committed>) {
        let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner);
        if channels.is_empty() {
            return;
        }
        let mut touched: Vec<&Arc<Channel>> = Vec::new();
        for report in reports {
            if let Some(channel) = channels.get(&report.tenant) {
                channel.append(report);
                if !touched.iter().any(|seen| Arc::ptr_eq(seen, channel)) {
                    touched.push(channel);
                }
            }
        }
        // One wake-up a batch and tenant, after all of its frames are there.
        for channel in touched {
            channel.announce();
        }
    }

    /// The tenant's channel, loaded from the store if nobody listened before.
    pub async fn channel(&self, db: &Db, tenant: &Tenant) -> Result<Arc<Channel>, DbError> {
        loop {
            let channel = self.known(tenant).unwrap_or_else(|| {
                // Registered before the store is read: a commit after the read is heard, one before
                // it is in what was read.
                let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
                let new = || Arc::new(Channel::new(tenant.clone(), self.metrics.clone()));
                channels.entry(tenant.clone()).or_insert_with(new).clone()
            });
            if let Err(error) = channel.load(db, self.size).await {
                self.forget(&channel);
                return Err(error);
            }
            // One that another's failed load took off the list hears of no commit any more.
            if self.known(tenant).is_some_and(|known| Arc::ptr_eq(&known, &channel)) {
                return Ok(channel);
            }
        }
    }

    fn known(&self, tenant: &Tenant) -> Option<Arc<Channel>> {
        self.channels.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    /// Takes a channel off the list that could not be loaded, unless somebody else has loaded it.
    fn forget(&self, channel: &Arc<Channel>) {
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        let same = channels.get(&channel.tenant).is_some_and(|known| Arc::ptr_eq(known, channel));
        if same && matches!(&*channel.live(), Live::Loading(_)) {
            channels.remove(&channel.tenant);
        }
    }

    /// Compares every channel with the store. A head that the store passed and that no commit told of
    /// (its answer was lost, or another node wrote) is made up for by the second look.
    pub async fn repair(&self, db: &Db) -> Result<(), DbError> {
        let channels: Vec<Arc<Channel>> = {
            let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner);
            channels.values().cloned().collect()
        };
        if channels.is_empty() {
            return Ok(());
        }
        let heads: HashMap<Tenant, log::Head> =
            db.read(Scope::System, log::heads).await?.into_iter().collect();
        for channel in channels {
            if let Some(head) = heads.get(&channel.tenant) {
                channel.repair(head);
            }
        }
        Ok(())
    }

    /// Drops channels that nobody holds; called now and then.
    pub fn sweep(&self) {
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|_, channel| Arc::strong_count(channel) > 1);
    }
}

impl Channel {
    fn new(tenant: Tenant, metrics: Metrics) -> Self {
        let (head, _) = watch::channel(0);
        Self {
            tenant,
            metrics,
            state: Mutex::new(Live::Loading(Vec::new())),
            batches: Batches::default(),
            head,
            woken: Mutex::default(),
            moved_at: Mutex::default(),
            folded: tokio::sync::Mutex::default(),
            folds: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            loading: tokio::sync::Mutex::default(),
        }
    }

    fn live(&self) -> std::sync::MutexGuard<'_, Live> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, report: Committed) {
        match &mut *self.live() {
            Live::Loading(waiting) => {
                // Who was to load it may have gone away. What is forgotten here is a hole in the
                // ring, and the store has it.
                if waiting.len() == MOST_WAITING {
                    waiting.clear();
                }
                waiting.push(report);
            }
            Live::Ready(ring) => ring.append(&report),
        }
    }

    /// See [`Hub::repair`].
    fn repair(&self, stored: &log::Head) {
        let mut live = self.live();
        let Live::Ready(ring) = &mut *live else { return };
        // A commit of this moment may be known to the store before it is told of.
        let seen = self.stored.swap(stored.last, Ordering::AcqRel);
        if *ring.epoch() == stored.epoch && ring.head() >= seen.min(stored.last) {
            return;
        }
        tracing::warn!(tenant_id = %self.tenant, from = ring.head(), to = stored.last, "the live log was behind the store and is repaired");
        ring.skip_to(stored);
        drop(live);
        self.metrics.sse_repairs.inc();
        self.announce();
    }

    fn announce(&self) {
        let head = match &*self.live() {
            Live::Loading(_) => return,
            Live::Ready(ring) => ring.head(),
        };
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if woken.is_some() || self.head.receiver_count() > 0 {
            self.moved_at().get_or_insert_with(Instant::now);
        }
        self.head.send_replace(head);
        if let Some(waker) = woken {
            waker.wake();
        }
    }

    fn moved_at(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.moved_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose log this is.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Wakes this whenever the head moves, instead of whatever was woken before.
    pub fn wake(&self, waker: Option<Waker>) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = waker;
    }

    /// Notes that readers have been sent what there is.
    pub fn delivered(&self) {
        if let Some(since) = self.moved_at().take() {
            self.metrics.sse_lag.observe(since.elapsed().as_secs_f64());
        }
    }

    async fn load(&self, db: &Db, size: RingSize) -> Result<(), DbError> {
        if matches!(&*self.live(), Live::Ready(_)) {
            return Ok(());
        }
        let _one = self.loading.lock().await;
        if matches!(&*self.live(), Live::Ready(_)) {
            return Ok(());
        }
        let tenant = self.tenant.clone();
        let (head, reports) = db
            .read(&self.tenant, move |q| {
                let head = log::head(q, &tenant)?;
                // No more than the ring holds: reports may be large, and many tenants come at once.
                let reports = log::newest_reports(q, &tenant, size.reports, size.bytes)?;
                Ok::<_, DbError>((head, reports))
            })
            .await?;
        self.metrics.sse_loads.inc();
        let mut ring = Ring::new(head.epoch.clone(), head.last, size);
        ring.fill(reports);
        let mut live = self.live();
        if let Live::Loading(waiting) = std::mem::replace(&mut *live, Live::Loading(Vec::new())) {
            for report in waiting {
                ring.append(&report);
            }
        }
        let head = ring.head();
        *live = Live::Ready(ring);
        drop(live);
        self.head.send_replace(head);
        Ok(())
    }

    /// Wakes when the head moves; its value is the newest number.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Which life of the log this is, and its newest number.
    pub fn head(&self) -> Option<(Epoch, u64)> {
        match &*self.live() {
            Live::Loading(_) => None,
            Live::Ready(ring) => Some((ring.epoch().clone(), ring.head())),
        }
    }

    /// What follows `number`, as a reader gets it, at most about [`BATCH_BYTES`] of it.
    pub fn after(&self, epoch: &Epoch, number: u64, reader: &Reader) -> Next {
        let (ahead, head) = match &*self.live() {
            Live::Loading(_) => return Next::UpToDate,
            Live::Ready(ring) => {
                let head = ring.head();
                if ring.epoch() == epoch
                    && number < head
                    && let Some(batch) = self.batches.find(epoch, number, head, reader)
                {
                    return Next::Frames(batch);
                }
                (ring.after(epoch, number, BATCH_BYTES), head)
            }
        };
        // Masking and copying happen here, where they hold up nobody who writes.
        match ahead {
            Ahead::Frames(frames) => {
                Next::Frames(self.batches.make(epoch, number, head, &frames, reader))
            }
            Ahead::UpToDate => Next::UpToDate,
            Ahead::Missed => {
                self.metrics.sse_ring_misses.inc();
                Next::Missed
            }
            Ahead::OtherEpoch => Next::OtherEpoch,
        }
    }

    /// The view as a reader gets it, never older than the question, folded on from the last one that was
    /// asked for. Newcomers who wait share the next one that is begun.
    pub async fn snapshot(
        &self,
        db: &Db,
        keep: Keep,
        reader: &Reader,
    ) -> Result<Snapshot, DbError> {
        let before = self.folds.load(Ordering::Acquire);
        let mut folded = self.folded.lock().await;
        let started = Instant::now();
        // Only what was begun after this newcomer came is as new as what it would make itself.
        let shared = self.folds.load(Ordering::Acquire) > before;
        if !shared {
            self.folds.fetch_add(1, Ordering::AcqRel);
        }
        let newer = folded.as_ref().map(|at| match shared {
            true => self.reaches(&at.epoch, at.number).then(Vec::new),
            false => self.bodies_after(&at.epoch, at.number),
        });
        let mut current = match (folded.take(), newer) {
            (Some(at), Some(Some(bodies))) if bodies.is_empty() => at,
            (Some(mut at), Some(Some(bodies))) => {
                beside(move || at.apply(&bodies).map(|()| at)).await??
            }
            _ => {
                let tenant = self.tenant.clone();
                let load = move |q: &_| log::load(q, &tenant, keep).map(Folded::new);
                self.metrics.sse_loads.inc();
                db.read(&self.tenant, load).await?
            }
        };
        let view = match current.ready(reader) {
            Some(view) => view,
            None => {
                let reader = reader.clone();
                let (shown, at) = beside(move || (current.shown(&reader), current)).await?;
                current = at;
                shown
            }
        };
        let snapshot = Snapshot { epoch: current.epoch.clone(), number: current.number, view };
        *folded = Some(current);
        self.metrics.sse_snapshot.observe(started.elapsed().as_secs_f64());
        Ok(snapshot)
    }

    /// Whether the ring has everything after `number`.
    fn reaches(&self, epoch: &Epoch, number: u64) -> bool {
        match &*self.live() {
            Live::Loading(_) => false,
            Live::Ready(ring) => {
                let found = ring.after(epoch, number, 0);
                matches!(found, Ahead::UpToDate | Ahead::Frames(_))
            }
        }
    }

    /// The bodies of all reports after `number`, or nothing if the ring lacks one of them.
    fn bodies_after(&self, epoch: &Epoch, number: u64) -> Option<Vec<String>> {
        match &*self.live() {
            Live::Loading(_) => None,
            Live::Ready(ring) => match ring.after(epoch, number, usize::MAX) {
                Ahead::Frames(frames) => {
                    Some(frames.iter().map(|frame| frame.data().to_owned()).collect())
                }
                Ahead::UpToDate => Some(Vec::new()),
                Ahead::Missed | Ahead::OtherEpoch => None,
            },
        }
    }
}

/// Runs what takes a while where it holds up nobody.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DbError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| DbError::Failed("folding panicked".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_nobody_loads_keeps_little() {
        let tenant = Tenant::parse("o:p").expect("a tenant");
        let channel = Channel::new(tenant.clone(), Metrics::new());
        let epoch = Epoch::parse("abcdefgh").expect("an epoch");
        for number in 1..=2_500 {
            let (tenant, epoch) = (tenant.clone(), epoch.clone());
            channel.append(Committed { tenant, epoch, number, body: "{}".into() });
        }
        let Live::Loading(waiting) = &*channel.live() else { panic!("nobody loaded it") };
        assert!(waiting.len() <= MOST_WAITING);
        assert_eq!(waiting.last().map(|report| report.number), Some(2_500));
    }
}
