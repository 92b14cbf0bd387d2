//! The built-in agent that performs a bulk requeue or purge once a person has said yes to it: it lets
//! the operation go on that waits for exactly this command.

use std::sync::Arc;
use std::time::Duration;

use nexus_audit::{Entry, record};
use nexus_core::failure::FailureCode;
use nexus_core::policy::Risk;
use nexus_core::tenant::Tenant;
use nexus_kit::app::App;
use nexus_kit::db::Tx;
use serde_json::{Value, json};

use super::row::{Operation, OperationStatus};
use super::runner::Operations;
use super::{sql, start};
use crate::agent::{Agent, Bound, Failure, Job, ParamError, Performing, Supervisor, TypeSpec};
use crate::error::WorkError;

/// Many tasks back to work.
pub(super) const REQUEUE: &str = "boxes.requeue";

/// Many tasks away for good.
pub(super) const PURGE: &str = "boxes.purge";

/// Whether a type is one of these.
pub(super) fn is_ours(command_type: &str) -> bool {
    matches!(command_type, REQUEUE | PURGE)
}

/// The agent.
pub(crate) struct Boxes {
    app: App,
    operations: Arc<Operations>,
}

impl Boxes {
    /// The agent that lets these operations go on.
    pub(crate) fn new(app: App, operations: Arc<Operations>) -> Self {
        Self { app, operations }
    }

    /// Repeats safely: an operation is let go on once.
    async fn release(&self, job: &Job) -> Result<Value, Failure> {
        let store = |error: WorkError| {
            Failure::new(FailureCode::StorageError, format!("the store did not do it: {error}"))
        };
        let (whose, task_id) = (job.tenant.clone(), job.task_id.clone());
        let read = self.app.db.read(&job.tenant, move |q| {
            let Some(op) = sql::of_task(q, &whose, &task_id)? else { return Ok(None) };
            let ids = sql::ids(q, &whose, &op.operation_id)?;
            let digest = start::digest(ids.iter().map(String::as_str));
            Ok::<_, WorkError>(Some((op, digest)))
        });
        let Some((op, digest)) = read.await.map_err(store)? else {
            let why = "no operation waits for this command";
            return Err(Failure::new(FailureCode::InvalidParams, why));
        };
        let approved = job.params["operation_id"] == op.operation_id.as_str()
            && job.params["digest"] == digest.as_str()
            && job.params["count"] == op.count
            && job.params["action"] == op.action.as_str()
            && op.digest == digest;
        if !approved {
            let why = "the tasks of the operation are not those that were approved";
            return Err(Failure::new(FailureCode::ApprovalParamsMismatch, why));
        }
        let (of, job_task) = (op.clone(), job.task_id.clone());
        let released =
            self.app.db.write(&job.tenant, move |tx| release_in(tx, &of, &job_task)).await;
        if !released.map_err(store)? {
            let why = format!("the operation is {} and does not go on", op.status);
            return Err(Failure::new(FailureCode::InvalidParams, why));
        }
        self.operations.wake();
        Ok(json!({"operation_id": op.operation_id, "count": op.count}))
    }
}

/// Lets an operation go on that waits; says whether it does, or did already.
fn release_in(tx: &mut Tx<'_>, op: &Operation, task_id: &str) -> Result<bool, WorkError> {
    let found = sql::load(tx, &op.tenant, &op.operation_id)?;
    let Some(mut op) = found.filter(|op| op.task_id.as_deref() == Some(task_id)) else {
        return Ok(false);
    };
    match op.status {
        OperationStatus::WaitingApproval => {}
        OperationStatus::Running | OperationStatus::Done => return Ok(true),
        OperationStatus::Stopped | OperationStatus::Aborted => return Ok(op.done() > 0),
    }
    let place = tx.next_place()?;
    op.status = OperationStatus::Running;
    sql::accept(tx, &op)?;
    let due = tx.expiry();
    sql::set_due(tx, &op.tenant, &op.operation_id, due)?;
    let entry = Entry {
        actor: "nexus",
        action: "operation.released",
        target: &op.operation_id,
        correlation_id: &op.correlation_id,
        details: json!({"task_id": op.task_id, "ask_id": op.ask_id, "digest": op.digest}),
    };
    record(tx, op.tenant.key(), &entry)?;
    tx.report(&place, &op.report("operation.released", vec![op.change()]))?;
    Ok(true)
}

impl Agent for Boxes {
    fn name(&self) -> &'static str {
        "boxes"
    }

    fn types(&self) -> Vec<TypeSpec> {
        let schema = json!({
            "type": "object",
            "properties": {
                "operation_id": {"type": "string", "pattern": "^op_[0-9a-f]{32}$"},
                "tasks": {"type": "string", "maxLength": 100},
                "box": {"enum": ["dlq", "hold", "alarm"]},
                "action": {"enum": ["requeue", "apply", "purge"]},
                "count": {"type": "integer", "minimum": 1},
                "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "by_code": {"type": "object", "additionalProperties": {"type": "integer"}},
                "ids": {"type": "string", "maxLength": 200},
                "note": {"type": ["string", "null"]},
                "nothing_was_sent": {"type": "boolean"},
            },
            "required": ["operation_id", "box", "action", "count", "digest"],
            "additionalProperties": false,
        });
        let spec = |name, title_en, title_ko| TypeSpec {
            name,
            risk: Risk::Red,
            floor: true,
            title_en,
            title_ko,
            params_schema: schema.clone(),
            target: Some("/tasks"),
            timeout: Duration::from_secs(300),
        };
        vec![
            spec(PURGE, "Purge many failed tasks", "실패한 작업 여러 건 영구 삭제"),
            spec(REQUEUE, "Requeue many failed tasks", "실패한 작업 여러 건 다시 실행"),
        ]
    }

    fn check(&self, _: &Tenant, _: &str, _: &Value) -> Result<(), Vec<ParamError>> {
        Ok(())
    }

    fn bind(&self, _: &Tenant, _: &str, _: &Value) -> Result<Vec<Bound>, Vec<ParamError>> {
        Ok(Vec::new())
    }

    fn made_by(&self, command_type: &str) -> Option<&'static str> {
        Some(match command_type {
            PURGE => {
                "POST /dlq/purge, /hold/purge or /alarm/purge of more than DLQ_RED_ABOVE tasks"
            }
            _ => {
                "POST /dlq/requeue, /hold/requeue, /alarm/requeue or /dlq/apply of more than \
                 DLQ_RED_ABOVE tasks"
            }
        })
    }

    fn perform<'a>(&'a self, job: &'a Job, _: &'a dyn Supervisor) -> Performing<'a> {
        std::boxed::Box::pin(self.release(job))
    }
}
