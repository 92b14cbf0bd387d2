//! Accepting a command.

use std::sync::Arc;
use std::time::Duration;

use nexus_audit::{Entry, ask_end, record_after};
use nexus_core::id::TaskId;
use nexus_core::json::{canonical, sha256_hex};
use nexus_core::policy::Risk;
use nexus_core::task::Status;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::db::{Place, Read, Tx};
use nexus_kit::log::{Report, ReportChange};
use nexus_kit::settings::Approval;
use serde_json::{Value, json};

use super::judge::{Judged, check_precondition, judge_params};
use super::sql;
use crate::Work;
use crate::approvals::actions::{NewAsk, open};
use crate::catalogue::Bundle;
use crate::error::WorkError;
use crate::policy::sql::{ask_switches, asked_switches};
use crate::tasks::row::Task;
use crate::tasks::sql::{self as tasks, Due};
use crate::tasks::view;
use crate::worklog::{self, Level, NewLine};

/// How long an Idempotency-Key is remembered.
pub(crate) const IDEMPOTENCY: Duration = Duration::from_secs(86_400);

/// A command as it was sent.
#[derive(Clone, Debug)]
pub struct Command {
    /// What.
    pub command_type: String,
    /// With what.
    pub params: Value,
    /// Ties everything together.
    pub correlation_id: String,
    /// The caller's own caution.
    pub risk: Option<Risk>,
    /// What the caller expects of the world.
    pub precondition: Option<Value>,
    /// −10 to 10; higher goes first.
    pub priority: i64,
    /// How long it is worth anything.
    pub deadline: Option<Duration>,
    /// Who asks.
    pub requested_by: String,
    /// What others call them, if they are a person.
    pub requested_by_name: Option<String>,
    /// The key, and the digest of the whole request.
    pub idempotency: Option<(String, String)>,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// `tsk_…`.
    pub task_id: String,
    /// Ties everything together.
    pub correlation_id: String,
}

/// A task as it has just been accepted.
#[derive(Clone, Debug)]
pub struct Begun {
    /// `tsk_…`.
    pub task_id: String,
    /// What it was rated.
    pub risk: Risk,
    /// The ask that it waits for, if it waits.
    pub ask_id: Option<String>,
}

/// What else is written in the transaction that accepts a command, and goes with its report. What it
/// refuses is not accepted either.
pub trait Beside: Send + Sync {
    /// Whether it makes the command itself, so that this may be one that nobody sends by hand.
    fn makes(&self) -> bool {
        false
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the command is not wanted any more.
    fn write(
        &self,
        tx: &mut Tx<'_>,
        place: &Place,
        begun: &Begun,
    ) -> Result<Vec<ReportChange>, WorkError>;
}

/// Digest of a request for its Idempotency-Key.
pub(crate) fn request_digest(request: &Value) -> String {
    sha256_hex(canonical(request).as_bytes())
}

/// Accepts a command: judged first, then task, ask, audit entry and report in one transaction.
pub async fn accept(work: &Work, tenant: &Tenant, command: Command) -> Result<Accepted, WorkError> {
    accept_beside(work, tenant, command, None).await
}

/// Accepts a command together with what somebody else writes because of it: both are done or
/// neither.
pub async fn accept_beside(
    work: &Work,
    tenant: &Tenant,
    command: Command,
    beside: Option<Arc<dyn Beside>>,
) -> Result<Accepted, WorkError> {
    if let Some(accepted) = known_already(work, tenant, &command).await? {
        return Ok(accepted);
    }
    let mut judging = work.judging(tenant).await?;
    loop {
        let accepted = accept_by(work, tenant, &command, &beside, judging.bundle.clone()).await;
        match accepted {
            Ok(accepted) => return Ok(accepted),
            Err(error) => judging.again(work, tenant, error).await?,
        }
    }
}

/// What the same request was answered before. Looked up before anything is judged: the world has
/// moved on since, often by this very command, and the answer is the same all the same.
async fn known_already(
    work: &Work,
    tenant: &Tenant,
    command: &Command,
) -> Result<Option<Accepted>, WorkError> {
    let Some((key, digest)) = command.idempotency.clone() else { return Ok(None) };
    let (whose, after) = (tenant.clone(), work.app.clock.now().minus(IDEMPOTENCY));
    work.app.db.read(tenant, move |q| answered(q, &whose, &key, &digest, after)).await
}

/// The answer that a key has had, if it has had one.
fn answered(
    q: &Read,
    tenant: &Tenant,
    key: &str,
    digest: &str,
    after: Time,
) -> Result<Option<Accepted>, WorkError> {
    let Some(used) = sql::used(q, tenant, key, after)? else { return Ok(None) };
    if used.digest != *digest {
        return Err(WorkError::IdempotencyConflict);
    }
    let first = tasks::load(q, tenant, &used.task_id)?.ok_or(WorkError::NoTask)?;
    Ok(Some(Accepted { task_id: used.task_id, correlation_id: first.correlation_id }))
}

/// Accepts a command as one catalogue judges it.
async fn accept_by(
    work: &Work,
    tenant: &Tenant,
    command: &Command,
    beside: &Option<Arc<dyn Beside>>,
    bundle: Arc<Bundle>,
) -> Result<Accepted, WorkError> {
    let known = bundle.find(&command.command_type)?;
    if !beside.as_ref().is_some_and(|beside| beside.makes()) {
        known.check_by_hand()?;
    }
    let params = command.params.clone();
    let judged = judge_params(tenant, bundle, known, params, command.risk).await?;
    let precondition = command.precondition.as_ref().map(Value::to_string);
    if let Some(stored) = &precondition {
        check_precondition(work, tenant, stored).await?;
    }
    let (whose, command, beside) = (tenant.clone(), command.clone(), beside.clone());
    let settings = work.app.settings.approval.clone();
    let level = judged.verdict.level;
    let written = work
        .app
        .db
        .write(tenant, move |tx| {
            let accepting = Accepting { judged, precondition, beside: beside.as_deref() };
            accept_in(tx, &whose, &command, accepting, &settings)
        })
        .await;
    match written {
        Ok(accepted) => {
            work.app.metrics.task_created(level.level());
            Ok(accepted)
        }
        Err(Refusal::Known(accepted)) => Ok(accepted),
        Err(Refusal::Work(error)) => Err(error),
    }
}

/// Rolls the transaction back, for a good or a bad reason.
enum Refusal {
    /// The same request was accepted before.
    Known(Accepted),
    Work(WorkError),
}

impl<E: Into<WorkError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Work(error.into())
    }
}

/// A command as it was judged, and what goes with it.
struct Accepting<'a> {
    judged: Judged,
    precondition: Option<String>,
    beside: Option<&'a dyn Beside>,
}

fn accept_in(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    command: &Command,
    accepting: Accepting<'_>,
    settings: &Approval,
) -> Result<Accepted, Refusal> {
    let Accepting { judged, precondition, beside } = accepting;
    // The place first: it locks the tenant's log, so that nobody else answers the same key. If the
    // command is refused, the number is given back.
    let place = tx.ask_place()?;
    let (stands, end) = (ask_switches(tx, tenant)?, ask_end(tx, tenant.key())?);
    let place = tx.place(place)?;
    judged.check_versions(&asked_switches(tx, tenant, stands)?)?;
    let now = tx.now();
    if let Some((key, digest)) = &command.idempotency
        && let Some(accepted) = answered(tx, tenant, key, digest, now.minus(IDEMPOTENCY))?
    {
        return Err(Refusal::Known(accepted));
    }
    let waits = judged.verdict.waits;
    let mut task = new_task(tx, tenant, place.number, command, &judged, precondition);
    record_after(
        tx,
        tenant.key(),
        end,
        &Entry {
            actor: &task.requested_by,
            action: "command.accepted",
            target: task.task_id.as_str(),
            correlation_id: &task.correlation_id,
            details: json!({
                "command_type": task.command_type, "risk": task.risk, "rule": task.rule,
                "params_sha256": sha256_hex(task.params.as_bytes()),
            }),
        },
    )?;
    let mut changes = Vec::new();
    if waits {
        let new = NewAsk {
            known: &judged.known,
            verdict: &judged.verdict,
            bound: judged.bound.clone(),
            changed: None,
            edited_by: None,
        };
        changes.extend(open(tx, &place, &mut task, new, settings)?);
    }
    if task.risk == Risk::Yellow {
        let text = format!("{}: {}", task.command_type, judged.verdict.why);
        let line = NewLine {
            level: Level::Warn,
            agent: "nexus",
            text: &text,
            correlation_id: &task.correlation_id,
            task_id: Some(task.task_id.as_str()),
            requested_by: &task.requested_by,
        };
        changes.push(worklog::write(tx, &place, changes.len(), &line)?);
    }
    if let Some((key, digest)) = &command.idempotency {
        sql::insert(tx, tenant, key, digest, task.task_id.as_str())?;
    }
    tasks::insert(tx, &task, if waits { Due::Same } else { Due::Ready(now) })?;
    changes.insert(0, view::change(&task));
    if let Some(beside) = beside {
        let begun = Begun {
            task_id: task.task_id.to_string(),
            risk: task.risk,
            ask_id: task.ask_id.clone(),
        };
        changes.extend(beside.write(tx, &place, &begun)?);
    }
    let report = Report {
        kind: "task.accepted",
        correlation_id: &task.correlation_id,
        meta: view::meta(&task),
        changes,
    };
    tx.report(&place, &report)?;
    Ok(Accepted { task_id: task.task_id.to_string(), correlation_id: task.correlation_id })
}

/// The task that a command becomes, before anything has happened to it.
fn new_task(
    tx: &Tx<'_>,
    tenant: &Tenant,
    seq: u64,
    command: &Command,
    judged: &Judged,
    precondition: Option<String>,
) -> Task {
    let now = tx.now();
    let status = if judged.verdict.waits { Status::WaitingApproval } else { Status::Queued };
    Task {
        tenant: tenant.clone(),
        task_id: TaskId::new(now, &tx.id_entropy()),
        seq,
        command_type: command.command_type.clone(),
        params: judged.params.clone(),
        status,
        risk: judged.verdict.level,
        rule: judged.verdict.rule.clone(),
        waits: judged.verdict.waits,
        requested_risk: command.risk,
        precondition,
        priority: command.priority,
        correlation_id: command.correlation_id.clone(),
        requested_by: command.requested_by.clone(),
        requested_by_name: command.requested_by_name.clone(),
        created_at: now,
        updated_at: now,
        deadline_at: command.deadline.map(|deadline| tx.expiry().plus(deadline)),
        ask_id: None,
        attempt: 0,
        retry_count: 0,
        agent: None,
        attempt_token: None,
        lease_owner: None,
        lease_until: None,
        attempt_until: None,
        said_at: None,
        held: Vec::new(),
        started_at: None,
        progress: None,
        cancel_requested: false,
        finished_at: None,
        result: None,
        failure_code: None,
        last_error: None,
        callback: None,
        run: 1,
        agent_code: None,
        stored: status,
    }
}
