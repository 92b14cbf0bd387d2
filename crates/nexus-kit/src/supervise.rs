//! Every task of the process is started here: it has a name, a panic in it is logged and counted,
//! and a shutdown waits for it.
//!
//! Lifecycle: [`Supervisor::stop`] raises the [`Shutdown`] that every task watches; each ends when
//! it reaches a good place. [`Supervisor::shutdown`] does the same and then waits; what is still
//! running when the time is up is dropped where it stands, and named in the log.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::telemetry::metrics::Metrics;

/// First pause before a task that failed is started again; it doubles each time.
const BACKOFF: Duration = Duration::from_millis(100);

/// Longest pause.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// A task that ran this long starts with the first pause again.
const SOUND: Duration = Duration::from_secs(60);

/// Tells that the process is ending. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// A signal of its own, for tests and for parts that end before the rest.
    pub fn channel() -> (Stop, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stop(Arc::new(sender)), Self(receiver))
    }

    /// Whether it has been asked for.
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is asked for, at once if it has been.
    pub async fn triggered(&self) {
        // An error means that the sender is gone, and so is what would be waited for.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }
}

/// Raises a [`Shutdown`].
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// Raises it; once is enough and twice is harmless.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }
}

/// Starts tasks and answers for them. Clones share everything.
#[derive(Clone)]
pub struct Supervisor(Arc<Inner>);

struct Inner {
    metrics: Metrics,
    stop: Stop,
    shutdown: Shutdown,
    cut: Stop,
    cut_signal: Shutdown,
    running: Mutex<BTreeMap<&'static str, usize>>,
    count: watch::Sender<usize>,
}

impl Inner {
    fn running(&self) -> MutexGuard<'_, BTreeMap<&'static str, usize>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a task out when it ends, however it ends.
struct Entry {
    inner: Arc<Inner>,
    name: &'static str,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut running = self.inner.running();
        if let Some(count) = running.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                running.remove(self.name);
            }
        }
        drop(running);
        self.inner.count.send_modify(|count| *count -= 1);
    }
}

impl Supervisor {
    /// A supervisor without tasks.
    pub fn new(metrics: Metrics) -> Self {
        let (stop, shutdown) = Shutdown::channel();
        let (cut, cut_signal) = Shutdown::channel();
        Self(Arc::new(Inner {
            metrics,
            stop,
            shutdown,
            cut,
            cut_signal,
            running: Mutex::new(BTreeMap::new()),
            count: watch::Sender::new(0),
        }))
    }

    /// The signal that its tasks watch.
    pub fn shutdown_signal(&self) -> Shutdown {
        self.0.shutdown.clone()
    }

    /// Asks all tasks to end and does not wait.
    pub fn stop(&self) {
        self.0.stop.trigger();
    }

    /// Starts a task that ends by itself. A panic in it is logged and counted.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let inner = Arc::clone(&self.0);
        *inner.running().entry(name).or_default() += 1;
        inner.count.send_modify(|count| *count += 1);
        let entry = Entry { inner, name };
        let supervised = async move {
            let cut = entry.inner.cut_signal.clone();
            tokio::select! {
                biased;
                () = cut.triggered() => {}
                outcome = catch(task) => {
                    if let Err(panic) = outcome {
                        entry.inner.metrics.panicked(name);
                        tracing::error!(task = name, panic = %panic, "a task panicked");
                    }
                }
            }
        };
        #[expect(clippy::disallowed_methods, reason = "the one place where tasks are started")]
        drop(tokio::spawn(supervised));
    }

    /// Keeps a task running until the shutdown: when it ends or panics, it is started again after a
    /// pause that grows.
    pub fn forever<F, Fut>(&self, name: &'static str, mut make: F)
    where
        F: FnMut(Shutdown) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let shutdown = self.shutdown_signal();
        let metrics = self.0.metrics.clone();
        self.spawn(name, async move {
            let mut pause = BACKOFF;
            while !shutdown.is_triggered() {
                let started = Instant::now();
                let outcome = catch(make(shutdown.clone())).await;
                if shutdown.is_triggered() {
                    if outcome.is_ok() {
                        break;
                    }
                } else if started.elapsed() >= SOUND {
                    pause = BACKOFF;
                }
                match outcome {
                    Ok(()) => {
                        tracing::warn!(task = name, ?pause, "a task ended; starting it again")
                    }
                    Err(panic) => {
                        metrics.panicked(name);
                        tracing::error!(task = name, panic = %panic, ?pause,
                            "a task panicked; starting it again");
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = shutdown.triggered() => break,
                }
                pause = (pause * 2).min(MAX_BACKOFF);
            }
        });
    }

    /// How many tasks run.
    pub fn running(&self) -> usize {
        *self.0.count.borrow()
    }

    /// Asks all tasks to end and waits for them. Whatever runs on after `timeout` is dropped; its
    /// names come back, and an empty list means that all ended by themselves.
    pub async fn shutdown(&self, timeout: Duration) -> Vec<&'static str> {
        self.stop();
        let mut count = self.0.count.subscribe();
        if tokio::time::timeout(timeout, count.wait_for(|count| *count == 0)).await.is_ok() {
            return Vec::new();
        }
        let left: Vec<_> = self.0.running().keys().copied().collect();
        tracing::warn!(tasks = ?left, ?timeout, "tasks did not end in time and are cut off");
        self.0.cut.trigger();
        // A task that never yields cannot be dropped; it must not hold the process either.
        let _ =
            tokio::time::timeout(Duration::from_secs(1), count.wait_for(|count| *count == 0)).await;
        left
    }
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor").field("running", &*self.0.running()).finish()
    }
}

/// Runs a future; a panic in it comes back as its message.
pub async fn catch<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => std::task::Poll::Ready(Err(message(panic.as_ref()))),
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn panics(metrics: &Metrics, task: &'static str) -> u64 {
        metrics.panics.get_or_create(&crate::telemetry::metrics::Task { task }).get()
    }

    #[tokio::test]
    async fn a_panic_is_counted_and_the_rest_goes_on() {
        let metrics = Metrics::new();
        let supervisor = Supervisor::new(metrics.clone());
        supervisor.spawn("bad", async { panic!("on purpose") });
        let (sender, receiver) = tokio::sync::oneshot::channel();
        supervisor.spawn("good", async move { sender.send(()).unwrap() });
        receiver.await.unwrap();
        assert!(supervisor.shutdown(Duration::from_secs(5)).await.is_empty());
        assert_eq!(panics(&metrics, "bad"), 1);
        assert_eq!(supervisor.running(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn forever_starts_again_after_panics_and_ends_until_the_shutdown() {
        let metrics = Metrics::new();
        let supervisor = Supervisor::new(metrics.clone());
        let starts = Arc::new(AtomicUsize::new(0));
        let (seen, mut third) = tokio::sync::mpsc::channel(1);
        let counter = Arc::clone(&starts);
        supervisor.forever("loop", move |shutdown| {
            let start = counter.fetch_add(1, Ordering::SeqCst) + 1;
            let seen = seen.clone();
            async move {
                match start {
                    1 => panic!("on purpose"),
                    2 => {}
                    _ => {
                        seen.send(()).await.unwrap();
                        shutdown.triggered().await;
                    }
                }
            }
        });
        third.recv().await.unwrap();
        assert!(supervisor.shutdown(Duration::from_secs(5)).await.is_empty());
        assert_eq!(starts.load(Ordering::SeqCst), 3);
        assert_eq!(panics(&metrics, "loop"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_in_time_is_named_and_dropped() {
        let supervisor = Supervisor::new(Metrics::new());
        let guard = Arc::new(());
        let held = Arc::clone(&guard);
        supervisor.spawn("stuck", async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        assert_eq!(supervisor.shutdown(Duration::from_secs(3)).await, ["stuck"]);
        assert_eq!(Arc::strong_count(&guard), 1);
    }

    #[tokio::test]
    async fn the_signal_reaches_those_who_come_late() {
        let (stop, shutdown) = Shutdown::channel();
        assert!(!shutdown.is_triggered());
        stop.trigger();
        shutdown.clone().triggered().await;
        assert!(shutdown.is_triggered());
    }
}
