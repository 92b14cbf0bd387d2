//! Agent `assistant`: a message becomes a run of the autopilot.
//!
//! `chat.message` only writes the run down, in the transaction that ends its task. The
//! [`engine`] reads the message, sends each step as a command of its own through the same door as
//! everybody, and follows the report log to learn what became of it. So a step that is RED stops for
//! its ask, a denial is a denial, and nothing is lost or done twice when the process ends anywhere.
//! Without a model the planner is [`parse`]: plain commands in English and Korean.

pub mod engine;
mod parse;
mod planner;
mod reaction;
mod run;
mod sql;
mod words;

use std::time::Duration;

use nexus_core::failure::FailureCode;
use nexus_core::id::RunId;
use nexus_core::policy::Risk;
use nexus_core::tenant::Tenant;
use nexus_kit::app::App;
use nexus_kit::db::Tx;
use nexus_kit::log::follow;
use nexus_work::agent::{
    Agent, Bound, Failure, Job, ParamError, Performing, Settled, Settling, Supervisor, TypeSpec,
    Unsettled,
};
use nexus_work::worklog::Level;
use serde_json::{Value, json};

use run::{Phase, Run};
use sql::Said;

/// The follower's name in the store.
pub(crate) const FOLLOWER: &str = "autopilot";

/// Longest message, in characters.
const TEXT_MAX: usize = 8_000;

/// Performs `chat.message` and `autopilot.*`.
pub struct Assistant {
    app: App,
}

impl Assistant {
    /// An assistant whose runs the [`engine`] of the same `app` moves on.
    pub fn new(app: App) -> Self {
        Self { app }
    }

    /// Writes a message down as a run that waits to be planned.
    fn chat(&self, tx: &mut Tx<'_>, settling: &Settling<'_>) -> Result<Settled, Unsettled> {
        let Settling { job, requested_by, requested_by_name, place } = settling;
        let tenant = &job.tenant;
        let text = job.params["text"].as_str().unwrap_or_default();
        // A colon cannot stand in an id that somebody sends: nobody joins another's own conversation.
        let session_id = job.params["session_id"]
            .as_str()
            .map_or_else(|| format!("by:{requested_by}"), str::to_owned);
        // A command alone has no language of its own; it is answered in that of the conversation.
        let spoken = parse::language(text);
        let earlier = match spoken {
            words::Lang::En if text.trim_start().starts_with('/') => {
                sql::language(tx, tenant, &session_id)?
            }
            _ => None,
        };
        let now = tx.now();
        let settings = &self.app.settings.autopilot;
        sql::forget(tx, tenant, &session_id, now.minus(self.app.settings.tasks.ttl))?;
        let run = Run {
            run_id: RunId::new(now, &tx.id_entropy()).to_string(),
            seq: place.number,
            goal: text.to_owned(),
            language: earlier.unwrap_or(spoken),
            session_id: session_id.clone(),
            task_id: job.task_id.clone(),
            requested_by: (*requested_by).to_owned(),
            requested_by_name: requested_by_name.map(str::to_owned),
            correlation_id: job.correlation_id.clone(),
            phase: Phase::Planned,
            paused: false,
            stopping: None,
            summary: None,
            created_at: now,
            updated_at: now,
            deadline_at: tx.expiry().plus(settings.max_time),
            finished_at: None,
        };
        sql::insert(tx, tenant, &run)?;
        let said = Said {
            session_id: &session_id,
            seq: place.number,
            role: "user",
            text,
            run_id: &run.run_id,
            requested_by,
        };
        sql::say(tx, tenant, &said)?;
        follow::begin(tx, FOLLOWER, place)?;
        self.app.autopilot.watch(tenant);
        Ok(Settled {
            result: json!({"run_id": run.run_id, "session_id": session_id}),
            changes: vec![run.change(&[])],
            lines: Vec::new(),
        })
    }
}

/// Pauses a run, lets it go on, or has it end; the engine does the rest.
fn steer(tx: &mut Tx<'_>, settling: &Settling<'_>) -> Result<Settled, Unsettled> {
    let job = settling.job;
    let refused = |message: String| {
        let mut failure = Failure::new(FailureCode::InvalidParams, message);
        failure.retryable = Some(false);
        failure
    };
    let run_id = job.params["run_id"].as_str().unwrap_or_default();
    let found = sql::load(tx, &job.tenant, run_id)?;
    let (mut run, steps) = found.ok_or_else(|| refused("There is no such run here".to_owned()))?;
    if run.over() {
        let how = run.phase.as_str();
        return Err(refused(format!("The run has ended: it is {how}")).into());
    }
    match job.command_type.as_str() {
        "autopilot.pause" => run.paused = true,
        "autopilot.resume" => run.paused = false,
        _ => run.stopping = Some(run.stopping.unwrap_or_else(|| run::CANCELLED.to_owned())),
    }
    run.updated_at = tx.now();
    sql::save(tx, &job.tenant, &run, &[])?;
    let said = words::steered(run.language, &job.command_type).to_owned();
    Ok(Settled {
        result: json!({"run_id": run.run_id, "state": run.state(&steps)}),
        changes: vec![run.change(&steps)],
        lines: vec![(Level::Info, said)],
    })
}

impl Agent for Assistant {
    fn name(&self) -> &'static str {
        "assistant"
    }

    fn types(&self) -> Vec<TypeSpec> {
        let spec = |name, title_en, title_ko, params_schema| TypeSpec {
            name,
            risk: Risk::Green,
            floor: false,
            title_en,
            title_ko,
            params_schema,
            target: None,
            timeout: Duration::from_secs(30),
        };
        let steer = || {
            json!({
                "type": "object",
                "properties": {"run_id": {"type": "string", "minLength": 1, "maxLength": 64}},
                "required": ["run_id"],
                "additionalProperties": false,
            })
        };
        let message = json!({
            "type": "object",
            "properties": {
                "text": {"type": "string", "minLength": 1, "maxLength": TEXT_MAX},
                "session_id": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
            },
            "required": ["text"],
            "additionalProperties": false,
        });
        vec![
            spec("chat.message", "Tell the assistant", "어시스턴트에게 말하기", message),
            spec("autopilot.pause", "Pause a run", "실행 일시 정지", steer()),
            spec("autopilot.resume", "Let a run go on", "실행 재개", steer()),
            spec("autopilot.cancel", "Cancel a run", "실행 취소", steer()),
        ]
    }

    fn check(&self, _: &Tenant, _: &str, params: &Value) -> Result<(), Vec<ParamError>> {
        let text = params.get("text").and_then(Value::as_str);
        if text.is_some_and(|text| text.trim().is_empty()) {
            let message = "A message has some text".to_owned();
            return Err(vec![ParamError { path: "/text".into(), code: "text_needed", message }]);
        }
        Ok(())
    }

    fn bind(&self, _: &Tenant, _: &str, _: &Value) -> Result<Vec<Bound>, Vec<ParamError>> {
        Ok(Vec::new())
    }

    fn settles(&self, _: &str) -> bool {
        true
    }

    fn settle(&self, tx: &mut Tx<'_>, settling: &Settling<'_>) -> Result<Settled, Unsettled> {
        match settling.job.command_type.as_str() {
            "chat.message" => self.chat(tx, settling),
            _ => steer(tx, settling),
        }
    }

    fn perform<'a>(&'a self, job: &'a Job, _: &'a dyn Supervisor) -> Performing<'a> {
        Box::pin(async move {
            let message = format!("Agent assistant does not perform {}", job.command_type);
            Err(Failure::new(FailureCode::UnknownTaskType, message))
        })
    }
}
