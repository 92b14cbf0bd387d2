//! What a built-in agent is: the same envelope, attempt and callback that outside agents get over
//! HTTP, as a trait.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use nexus_core::failure::FailureCode;
use nexus_core::policy::Risk;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::db::{DbError, Place, Tx};
use nexus_kit::log::ReportChange;
use serde_json::Value;

use crate::worklog::Level;

/// A command type that a built-in agent performs.
#[derive(Clone, Debug)]
pub struct TypeSpec {
    /// `file.read`.
    pub name: &'static str,
    /// The built-in level.
    pub risk: Risk,
    /// Whether no policy, override or grant takes it below RED: sharing, sending, deleting,
    /// changing the system.
    pub floor: bool,
    /// What a person reads, in English.
    pub title_en: &'static str,
    /// What a person reads, in Korean.
    pub title_ko: &'static str,
    /// JSON Schema (2020-12) of the params.
    pub params_schema: Value,
    /// JSON Pointer to the param that a person would call the target: a URL, a path.
    pub target: Option<&'static str>,
    /// How long one attempt may take.
    pub timeout: Duration,
}

pub use nexus_core::approval::Bound;

/// A param that the schema allows and the agent cannot take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamError {
    /// JSON Pointer into the params, `/path`.
    pub path: String,
    /// Stable code of the refusal: `invalid_path`, `egress_blocked`, `file_not_found`, …
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// What became of bytes that were to leave the house when an attempt failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// Nothing left; another attempt is safe.
    Nothing,
    /// Everything left and the other side answered: it is known what happened.
    Sent,
    /// Some bytes may have left; nobody knows.
    Unknown,
}

/// Why an attempt failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// From the one taxonomy.
    pub code: FailureCode,
    /// For a person; no secrets, no internals.
    pub message: String,
    /// What became of the effect.
    pub left: Left,
    /// Overrides whether another attempt may help.
    pub retryable: Option<bool>,
}

impl Failure {
    /// A failure before anything left the house.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), left: Left::Nothing, retryable: None }
    }

    /// Says what became of the effect.
    pub fn left(mut self, left: Left) -> Self {
        self.left = left;
        self
    }
}

/// What an agent is handed: one attempt of one task.
#[derive(Clone, Debug)]
pub struct Job {
    /// Whose.
    pub tenant: Tenant,
    /// `tsk_…`.
    pub task_id: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What to do.
    pub command_type: String,
    /// With what, exactly as bound by the approval.
    pub params: Value,
    /// Files that the approval binds; empty for what is not RED.
    pub bound: Vec<Bound>,
    /// Carries on.
    pub correlation_id: String,
    /// When the attempt is over at the latest.
    pub deadline: Time,
}

/// A future that an agent returns.
pub type Performing<'a> = Pin<Box<dyn Future<Output = Result<Value, Failure>> + Send + 'a>>;

/// How a running attempt speaks to NEXUS before it is done; the executor gives it to the agent.
pub trait Supervisor: Send + Sync {
    /// Writes the intent to act on `target` (a URL without its query, an address) with exactly
    /// these bytes. Nothing may leave the house before it is `Ok`.
    fn intent<'a>(
        &'a self,
        target: &'a str,
        payload: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

    /// Adds a line to the worklog; `level` is `info`, `warn` or `error`.
    fn line<'a>(
        &'a self,
        level: &'a str,
        text: &'a str,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

/// What an agent is handed that acts on the tenant's own state.
pub struct Settling<'a> {
    /// What to do.
    pub job: &'a Job,
    /// Who asked for it.
    pub requested_by: &'a str,
    /// What others call them, if they are a person.
    pub requested_by_name: Option<&'a str>,
    /// The place of the report that ends the attempt; what changes in the view goes with it.
    pub place: &'a Place,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Settled {
    /// The task's result.
    pub result: Value,
    /// What changes in the view, besides the task.
    pub changes: Vec<ReportChange>,
    /// Lines for the worklog.
    pub lines: Vec<(Level, String)>,
}

/// Why nothing came of it; whatever was written is rolled back.
#[derive(Debug)]
pub enum Unsettled {
    /// The attempt failed.
    Failed(Failure),
    /// The store did; it is tried again.
    Store(DbError),
}

impl From<Failure> for Unsettled {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<DbError> for Unsettled {
    fn from(error: DbError) -> Self {
        Self::Store(error)
    }
}

/// An agent that lives in this process.
pub trait Agent: Send + Sync + 'static {
    /// Its name in reports and the worklog.
    fn name(&self) -> &'static str;

    /// What it performs.
    fn types(&self) -> Vec<TypeSpec>;

    /// Refuses params that the schema allows and this agent cannot take; no I/O beyond the local
    /// disk, called on a blocking thread before a command is accepted.
    fn check(
        &self,
        tenant: &Tenant,
        command_type: &str,
        params: &Value,
    ) -> Result<(), Vec<ParamError>>;

    /// The files that the params name, hashed, for an approval to bind; blocking, called before the
    /// ask is made and again before execution.
    fn bind(
        &self,
        tenant: &Tenant,
        command_type: &str,
        params: &Value,
    ) -> Result<Vec<Bound>, Vec<ParamError>>;

    /// Why a type cannot be used as things are set up, if it cannot: what to do about it.
    fn disabled(&self, _command_type: &str) -> Option<String> {
        None
    }

    /// For a type that nobody sends, because the server makes its commands from another request: which
    /// request that is.
    fn made_by(&self, _command_type: &str) -> Option<&'static str> {
        None
    }

    /// Whether a type acts on nothing but the tenant's state in the store: then [`Agent::settle`]
    /// does it, and [`Agent::perform`] is not called.
    fn settles(&self, _command_type: &str) -> bool {
        false
    }

    /// Does the work in the very transaction that ends the attempt. It is done exactly once, however
    /// often an attempt is repeated: either the task has ended and its state is changed, or neither.
    ///
    /// # Errors
    /// When the attempt fails; nothing is changed then.
    fn settle(&self, _tx: &mut Tx<'_>, settling: &Settling<'_>) -> Result<Settled, Unsettled> {
        let message = format!("{} is not settled in the store", settling.job.command_type);
        Err(Failure::new(FailureCode::UnknownTaskType, message).into())
    }

    /// Does the work of one attempt and returns its result.
    fn perform<'a>(&'a self, job: &'a Job, supervisor: &'a dyn Supervisor) -> Performing<'a>;
}
