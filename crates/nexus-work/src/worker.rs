//! The worker of this process: claims for the built-in agents, runs them, and reports for them by
//! the same functions that agents over HTTP use.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nexus_core::approval::digest;
use nexus_core::failure::FailureCode;
use nexus_core::json::sha256_hex;
use nexus_core::policy::Risk;
use nexus_core::task::Effect;
use nexus_core::time::Time;
use nexus_kit::supervise::Supervisor;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::Work;
use crate::agent::{Agent, Failure as AgentFailure, Job, Left, Supervisor as Speaks};
use crate::contract::callback::{self, Callback, Failure, Line, Saying, Settles};
use crate::contract::claim::{Claimer, Envelope, MAX_CLAIM, claim};
use crate::contract::effect::{Speaker, intend};
use crate::error::WorkError;
use crate::worklog::Level;

/// The wait after a claim that failed.
const AFTER_ERROR: Duration = Duration::from_millis(500);

/// The wait before an end that could not be written is written again.
const WRITE_AGAIN: Duration = Duration::from_millis(200);

pub(crate) fn start(work: &Arc<Work>, supervisor: &Supervisor) {
    let (work, running) = (work.clone(), supervisor.clone());
    let slots = Arc::new(Semaphore::new(work.app.settings.tasks.workers.max(1)));
    supervisor.forever("worker", move |_| {
        let (work, running, slots) = (work.clone(), running.clone(), slots.clone());
        async move { run(&work, &running, slots).await }
    });
}

async fn run(work: &Arc<Work>, supervisor: &Supervisor, slots: Arc<Semaphore>) {
    let claimer = Claimer {
        agent: "nexus".to_owned(),
        owner: work.app.boot.to_string(),
        types: work.catalogue.builtin().map(str::to_owned).collect(),
        tenant: None,
        outside: false,
    };
    let stop = supervisor.shutdown_signal();
    let mut due = work.app.wake.subscribe();
    while !stop.is_triggered() {
        due.borrow_and_update();
        let Ok(first) = slots.clone().acquire_owned().await else { return };
        let mut free = vec![first];
        while free.len() < MAX_CLAIM
            && let Ok(more) = slots.clone().try_acquire_owned()
        {
            free.push(more);
        }
        let claimed = match claim(work, &claimer, free.len()).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(%error, "a claim failed; tried again shortly");
                tokio::time::sleep(AFTER_ERROR).await;
                continue;
            }
        };
        let none = claimed.is_empty();
        for (envelope, slot) in claimed.into_iter().zip(free) {
            let work = work.clone();
            supervisor.spawn("attempt", async move {
                attempt(&work, envelope).await;
                drop(slot);
            });
        }
        if none {
            tokio::select! {
                changed = due.changed() => if changed.is_err() { return },
                () = stop.triggered() => return,
            }
        }
    }
}

/// Runs one attempt to its end and writes the end down.
async fn attempt(work: &Arc<Work>, envelope: Envelope) {
    let speaker = Speaker {
        tenant: envelope.tenant.clone(),
        task_id: envelope.task_id.clone(),
        attempt: envelope.attempt,
        token: envelope.attempt_token.clone(),
    };
    let agent =
        work.catalogue.builtin_type(&envelope.task_type).and_then(|known| known.agent.clone());
    let name = agent.as_ref().map_or("nexus", |agent| agent.name());
    let saying = match agent {
        Some(agent) => match check(&envelope) {
            Ok(job) if agent.settles(&job.command_type) => {
                Saying::Settles(Settles { agent, job: Arc::new(job) })
            }
            Ok(job) => perform(work, &*agent, job, &speaker).await,
            Err(failure) => Saying::Failed(failure),
        },
        None => Saying::Failed(failure(
            FailureCode::UnknownTaskType,
            "nobody in this process performs this type",
            Effect::None,
        )),
    };
    let digest = sha256_hex(format!("end {} {}", envelope.task_id, envelope.attempt).as_bytes());
    let callback = Callback {
        tenant: speaker.tenant,
        task_id: speaker.task_id,
        attempt: speaker.attempt,
        token: speaker.token,
        agent: name.to_owned(),
        saying,
        lines: Vec::new(),
        progress: None,
        digest,
        signed: None,
        types: None,
    };
    write_end(work, callback).await;
}

/// Writes an end down, and does not give up on a store that is busy, full or away: the work is done,
/// and only this says so. An end that was written all the same is known by its digest, and a stale
/// attempt's changes nothing, which is right.
async fn write_end(work: &Work, callback: Callback) {
    loop {
        match callback::hear(work, callback.clone()).await {
            Ok(_) => return,
            Err(WorkError::Store(error)) if error.may_pass() => {
                tracing::warn!(task_id = %callback.task_id, %error, "the end of an attempt could not be written yet");
                tokio::time::sleep(WRITE_AGAIN).await;
            }
            Err(error) => {
                tracing::warn!(tenant_id = %callback.tenant, task_id = %callback.task_id, attempt = callback.attempt, %error, "the end of an attempt was not taken");
                return;
            }
        }
    }
}

fn failure(code: FailureCode, message: impl Into<String>, effect: Effect) -> Failure {
    Failure {
        code,
        agent_code: None,
        message: message.into(),
        retryable: None,
        effect: Some(effect),
    }
}

/// The executor's own check: what it was handed is exactly what was approved, whoever planned it.
fn check(envelope: &Envelope) -> Result<Job, Failure> {
    let mismatch = |why: &str| failure(FailureCode::ApprovalParamsMismatch, why, Effect::None);
    let bound = match &envelope.approval {
        Some(approval) => {
            if digest(envelope.params.get(), &approval.bound) != approval.digest {
                return Err(mismatch("the params are not those that were approved"));
            }
            approval.bound.clone()
        }
        None if envelope.risk == Risk::Red => {
            return Err(mismatch("a RED task came without an approval"));
        }
        None => Vec::new(),
    };
    let params: Value = serde_json::from_str(envelope.params.get())
        .map_err(|_| failure(FailureCode::InvalidParams, "the params are no JSON", Effect::None))?;
    Ok(Job {
        tenant: envelope.tenant.clone(),
        task_id: envelope.task_id.clone(),
        attempt: envelope.attempt,
        command_type: envelope.task_type.clone(),
        params,
        bound,
        correlation_id: envelope.correlation_id.clone(),
        deadline: envelope.deadline,
    })
}

/// Performs, beats the heart, and stops at the deadline or when somebody calls it off.
async fn perform(work: &Work, agent: &dyn Agent, job: Job, speaker: &Speaker) -> Saying {
    let speaks = InProcess { work, speaker, agent: agent.name(), intended: AtomicBool::new(false) };
    let mut performing = pin!(unpanicked(agent.perform(&job, &speaks)));
    let mut beating = pin!(beat(work, speaker));
    let deadline: Time = job.deadline;
    let mut over = pin!(work.app.clock.sleep_until(deadline));
    let mut called_off = false;
    let outcome = loop {
        tokio::select! {
            outcome = &mut performing => break outcome,
            () = &mut over => break Err(AgentFailure::new(
                FailureCode::AgentTimeout, "the attempt took longer than its type allows")
                .left(speaks.left_when_dropped())),
            () = &mut beating, if !called_off => {
                called_off = true;
                if !speaks.intended.load(Ordering::Acquire) {
                    break Err(AgentFailure::new(FailureCode::AgentError, "called off while it ran"));
                }
                // Something is leaving the house: what became of it is worth knowing.
            }
        }
    };
    match outcome {
        Ok(result) => Saying::Succeeded { result: result.to_string() },
        Err(failed) => Saying::Failed(failed.into()),
    }
}

impl From<AgentFailure> for Failure {
    fn from(failed: AgentFailure) -> Self {
        Self {
            code: failed.code,
            agent_code: None,
            message: failed.message,
            retryable: failed.retryable,
            effect: Some(match failed.left {
                Left::Nothing => Effect::None,
                Left::Sent => Effect::Sent,
                Left::Unknown => Effect::Unknown,
            }),
        }
    }
}

/// Renews the lease until somebody wants the attempt to stop or it is no longer current.
async fn beat(work: &Work, speaker: &Speaker) {
    let every = work.app.settings.tasks.lock_ttl / 3;
    loop {
        work.app.clock.sleep(every).await;
        match callback::heartbeat(work, speaker.clone(), None).await {
            Ok(beat) if beat.cancel => return,
            Ok(_) | Err(WorkError::Store(_)) => {}
            Err(_) => return,
        }
    }
}

type Done = Result<Value, AgentFailure>;

/// An agent that panics has crashed; the worker has not.
fn unpanicked<'a>(
    mut performing: Pin<Box<dyn Future<Output = Done> + Send + 'a>>,
) -> impl Future<Output = Done> + Send + 'a {
    poll_fn(move |context| {
        let poll = AssertUnwindSafe(|| performing.as_mut().poll(context));
        catch_unwind(poll).unwrap_or_else(|_| {
            let failed = AgentFailure::new(FailureCode::AgentCrashed, "the agent crashed");
            // It may have crashed anywhere, also after something left.
            std::task::Poll::Ready(Err(failed.left(Left::Unknown)))
        })
    })
}

struct InProcess<'a> {
    work: &'a Work,
    speaker: &'a Speaker,
    agent: &'static str,
    intended: AtomicBool,
}

impl InProcess<'_> {
    fn left_when_dropped(&self) -> Left {
        if self.intended.load(Ordering::Acquire) { Left::Unknown } else { Left::Nothing }
    }
}

impl Speaks for InProcess<'_> {
    fn intent<'a>(
        &'a self,
        target: &'a str,
        payload: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = Result<(), AgentFailure>> + Send + 'a>> {
        Box::pin(async move {
            intend(self.work, self.speaker, target, payload).await.map_err(
                |error| match error {
                    WorkError::Store(error) => AgentFailure::new(
                        FailureCode::StorageError,
                        format!("the intent could not be written, so nothing was sent: {error}"),
                    ),
                    WorkError::Precondition(why) => {
                        AgentFailure::new(FailureCode::ApprovalParamsMismatch, why)
                    }
                    error => AgentFailure::new(FailureCode::AgentError, error.to_string()),
                },
            )?;
            self.intended.store(true, Ordering::Release);
            Ok(())
        })
    }

    fn line<'a>(
        &'a self,
        level: &'a str,
        text: &'a str,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let level = match level {
                "error" => Level::Error,
                "warn" => Level::Warn,
                _ => Level::Info,
            };
            // A line said twice is two lines: the digest carries what makes it this one.
            let nonce: [u8; 8] = self.work.app.entropy.bytes();
            let callback = Callback {
                tenant: self.speaker.tenant.clone(),
                task_id: self.speaker.task_id.clone(),
                attempt: self.speaker.attempt,
                token: self.speaker.token.clone(),
                agent: self.agent.to_owned(),
                saying: Saying::Running,
                lines: vec![Line { level, text: text.to_owned() }],
                progress: None,
                digest: nexus_core::json::hex(&nonce),
                signed: None,
                types: None,
            };
            if let Err(error) = callback::hear(self.work, callback).await {
                tracing::debug!(%error, "a worklog line was not written");
            }
        })
    }
}
