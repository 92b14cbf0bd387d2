//! The only place that knows what time it is. Everything else takes time from here, so that tests
//! decide it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nexus_core::time::Time;
use tokio::sync::watch;

/// A source of time; cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<Source>);

enum Source {
    System { wall: Time, started: Instant },
    Test { now: AtomicI64, moved: watch::Sender<()> },
}

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Self {
        Self(Arc::new(Source::System { wall: wall(), started: Instant::now() }))
    }

    /// A clock that stands still until a test moves it.
    pub fn test(start: Time) -> Self {
        let (moved, _) = watch::channel(());
        Self(Arc::new(Source::Test { now: AtomicI64::new(start.micros()), moved }))
    }

    /// The wall clock, for what is written down.
    pub fn now(&self) -> Time {
        match &*self.0 {
            Source::System { .. } => wall(),
            Source::Test { now, .. } => Time::from_micros(now.load(Ordering::SeqCst)),
        }
    }

    /// The clock for rights and expiry: of wall clock and monotonic clock the one that says later,
    /// so that setting the wall clock back makes nothing live longer.
    pub fn expiry(&self) -> Time {
        match &*self.0 {
            Source::System { wall: anchor, started } => wall().max(anchor.plus(started.elapsed())),
            Source::Test { .. } => self.now(),
        }
    }

    /// A moment of the monotonic clock, for measuring.
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    /// Moves a test clock; does nothing to the machine's.
    pub fn advance(&self, by: Duration) {
        if let Source::Test { now, moved } = &*self.0 {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            now.fetch_add(by, Ordering::SeqCst);
            moved.send_replace(());
        }
    }

    /// Waits until the expiry clock says `until`.
    pub async fn sleep_until(&self, until: Time) {
        match &*self.0 {
            Source::System { .. } => loop {
                let now = self.expiry();
                if now >= until {
                    return;
                }
                // In steps, so that a wall clock that jumps forward is noticed.
                tokio::time::sleep(until.since(now).min(Duration::from_secs(5))).await;
            },
            Source::Test { moved, .. } => {
                let mut moved = moved.subscribe();
                while self.now() < until {
                    if moved.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Waits for `duration` of the expiry clock.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.expiry().plus(duration)).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn wall() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_test_clock_wakes_sleepers_when_it_is_moved() {
        let clock = Clock::test(Time::from_millis(0));
        let sleeper = clock.clone();
        let slept = async { sleeper.sleep(Duration::from_secs(300)).await };
        let moved = async {
            for _ in 0..300 {
                tokio::task::yield_now().await;
                clock.advance(Duration::from_secs(1));
            }
        };
        tokio::join!(slept, moved);
        assert_eq!(clock.now(), Time::from_millis(300_000));
    }

    #[test]
    fn the_expiry_clock_does_not_run_behind() {
        let clock = Clock::system();
        let first = clock.expiry();
        assert!(clock.expiry() >= first);
    }
}
