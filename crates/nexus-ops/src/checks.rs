//! What NEXUS depends on, asked one by one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;

/// A check that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Answers younger than this are given again: whoever asks often must not load what he asks about.
const FRESH: Duration = Duration::from_secs(1);

type Asked = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// One dependency and how to ask whether it works.
#[derive(Clone)]
pub struct Check {
    name: &'static str,
    ask: Arc<dyn Fn() -> Asked + Send + Sync>,
}

impl Check {
    /// A dependency by its name, and a question that ends with what is wrong with it.
    pub fn new<F, Fut>(name: &'static str, ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { name, ask: Arc::new(move || Box::pin(ask())) }
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// Whether something works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It works.
    Ok,
    /// It does not.
    Failed,
}

/// What came of one check.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CheckReport {
    /// The dependency.
    #[schema(example = "store")]
    pub name: &'static str,
    /// Whether it works.
    pub status: Status,
    /// How long it took to answer.
    #[schema(example = 0.4)]
    pub latency_ms: f64,
}

/// All checks, and what they last said.
#[derive(Debug)]
pub(crate) struct Checks {
    list: Vec<Check>,
    last: tokio::sync::Mutex<Option<(Instant, Arc<[CheckReport]>)>>,
}

impl Checks {
    pub(crate) fn new(list: Vec<Check>) -> Self {
        Self { list, last: tokio::sync::Mutex::new(None) }
    }

    /// Asks all at once. Who comes meanwhile waits for the same answer.
    pub(crate) async fn run(&self) -> Arc<[CheckReport]> {
        let mut last = self.last.lock().await;
        if let Some((at, reports)) = &*last
            && at.elapsed() < FRESH
        {
            return Arc::clone(reports);
        }
        let mut asked = JoinSet::new();
        for (place, check) in self.list.iter().cloned().enumerate() {
            asked.spawn(async move { (place, ask(&check).await) });
        }
        // A check that panics is one that has failed.
        let mut reports: Vec<_> = self.list.iter().map(|check| failed(check.name)).collect();
        while let Some(outcome) = asked.join_next().await {
            match outcome {
                Ok((place, report)) => reports[place] = report,
                Err(error) => tracing::error!(%error, "a health check panicked"),
            }
        }
        let reports: Arc<[CheckReport]> = reports.into();
        *last = Some((Instant::now(), Arc::clone(&reports)));
        reports
    }
}

fn failed(name: &'static str) -> CheckReport {
    CheckReport { name, status: Status::Failed, latency_ms: 0.0 }
}

async fn ask(check: &Check) -> CheckReport {
    let started = Instant::now();
    let answer = tokio::time::timeout(TIMEOUT, (check.ask)()).await;
    let latency_ms = (started.elapsed().as_secs_f64() * 1e6).round() / 1e3;
    let why = match answer {
        Ok(Ok(())) => return CheckReport { name: check.name, status: Status::Ok, latency_ms },
        Ok(Err(why)) => why,
        Err(_) => format!("no answer within {TIMEOUT:?}"),
    };
    tracing::warn!(check = check.name, why, "a health check failed");
    CheckReport { latency_ms, ..failed(check.name) }
}
