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
    System { started: Instant, lead: Lead },
    Test { hands: Arc<Hands>, lead: Lead },
}

/// How far the expiry clock runs ahead of the monotonic one, in microseconds: as far as the wall clock
/// ever did.
struct Lead(AtomicI64);

impl Lead {
    fn none() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }

    /// The expiry clock, of what both others say.
    fn expiry(&self, wall: Time, steady: i64) -> Time {
        let lead = wall.micros().saturating_sub(steady);
        let lead = self.0.fetch_max(lead, Ordering::SeqCst).max(lead);
        Time::from_micros(steady.saturating_add(lead))
    }
}

/// What a test moves.
struct Hands {
    steady: AtomicI64,
    wall: AtomicI64,
    moved: watch::Sender<()>,
}

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Self {
        Self(Arc::new(Source::System { started: Instant::now(), lead: Lead::none() }))
    }

    /// A clock that stands still until a test moves it.
    pub fn test(start: Time) -> Self {
        let (moved, _) = watch::channel(());
        let (steady, wall) = (AtomicI64::new(0), AtomicI64::new(start.micros()));
        let hands = Arc::new(Hands { steady, wall, moved });
        Self(Arc::new(Source::Test { hands, lead: Lead::none() }))
    }

    /// The same clock as a process has it that starts now and knows nothing of the one before.
    pub fn restarted(&self) -> Self {
        match &*self.0 {
            Source::System { .. } => Self::system(),
            Source::Test { hands, .. } => {
                let hands = hands.clone();
                Self(Arc::new(Source::Test { hands, lead: Lead::none() }))
            }
        }
    }

    /// The wall clock, for what is written down.
    pub fn now(&self) -> Time {
        match &*self.0 {
            Source::System { .. } => wall(),
            Source::Test { hands, .. } => Time::from_micros(hands.wall.load(Ordering::SeqCst)),
        }
    }

    /// The clock for rights and expiry. It goes on as the monotonic clock does, whatever happens to
    /// the wall clock: where that is set forwards it follows, where that is set back it does not. So
    /// nothing lives longer because of it, and whoever sleeps until then wakes in time.
    pub fn expiry(&self) -> Time {
        match &*self.0 {
            Source::System { started, lead } => {
                let steady = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
                lead.expiry(wall(), steady)
            }
            Source::Test { hands, lead } => {
                lead.expiry(self.now(), hands.steady.load(Ordering::SeqCst))
            }
        }
    }

    /// A moment of the monotonic clock, for measuring.
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    /// Lets time go by on a test clock; does nothing to the machine's.
    pub fn advance(&self, by: Duration) {
        if let Source::Test { hands, .. } = &*self.0 {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            // As it was before counts too, though nobody looked.
            self.expiry();
            hands.steady.fetch_add(by, Ordering::SeqCst);
            hands.wall.fetch_add(by, Ordering::SeqCst);
            hands.moved.send_replace(());
        }
    }

    /// Sets the wall clock of a test clock by so many seconds, forwards or back, while no time goes
    /// by; does nothing to the machine's.
    pub fn set_wall(&self, seconds: i64) {
        if let Source::Test { hands, .. } = &*self.0 {
            self.expiry();
            hands.wall.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
            hands.moved.send_replace(());
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
            Source::Test { hands, .. } => {
                let mut moved = hands.moved.subscribe();
                while self.expiry() < until {
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
    fn the_expiry_clock_follows_the_wall_clock_forwards_never_back_and_never_stands_still() {
        let clock = Clock::test(Time::from_millis(10_000_000));
        clock.set_wall(-3_600);
        assert_eq!(clock.now(), Time::from_millis(6_400_000));
        assert_eq!(clock.expiry(), Time::from_millis(10_000_000));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.expiry(), Time::from_millis(10_001_000));
        clock.set_wall(7_200);
        assert_eq!(clock.expiry(), clock.now());
        assert_eq!(clock.now(), Time::from_millis(13_601_000));
        clock.set_wall(-3_600);
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.expiry(), Time::from_millis(13_602_000), "it goes on from there");
        assert_eq!(clock.restarted().expiry(), clock.now(), "whoever starts knows no better");
    }

    #[test]
    fn the_expiry_clock_does_not_run_behind() {
        let clock = Clock::system();
        let first = clock.expiry();
        assert!(clock.expiry() >= first);
    }
}
