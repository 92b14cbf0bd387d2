//! A run of the autopilot, pure: its steps, how it moves on, and how it shows.

use nexus_core::task::Status;
use nexus_core::text::{clip, visible};
use nexus_core::time::Time;
use nexus_kit::log::ReportChange;
use nexus_work::Standing;
use serde::Serialize;

use super::words::{self, Lang};

/// Longest goal and longest preview of params that the view shows, in bytes.
const GOAL_BYTES: usize = 1_000;
const PREVIEW_BYTES: usize = 200;
const ERROR_BYTES: usize = 400;

/// `stopping` of a run that somebody cancelled.
pub const CANCELLED: &str = "cancelled";
/// `stopping` of a run that took too long.
pub const OVER_TIME: &str = "over_time";

macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// The stable text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads the stable text.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

texts! {
    /// How far a run is.
    Phase {
        /// Its message is not read yet.
        Planned = "planned",
        /// Its steps are being done.
        Active = "active",
        /// Every step went well.
        Succeeded = "succeeded",
        /// A step failed, the message could not be read, or it took too long.
        Failed = "failed",
        /// A person said no to a step.
        Denied = "denied",
        /// Nobody decided on a step in time.
        Expired = "expired",
        /// Called off.
        Cancelled = "cancelled",
    }
}

texts! {
    /// How a step stands.
    StepState {
        /// Not begun.
        Planned = "planned",
        /// Its task waits for a decision.
        Waiting = "waiting_approval",
        /// Its task is due or runs.
        Running = "running",
        /// Done.
        Succeeded = "succeeded",
        /// Its task failed for good, or the door refused it.
        Failed = "failed",
        /// A person said no.
        Denied = "denied",
        /// Nobody decided in time.
        Expired = "expired",
        /// Called off.
        Cancelled = "cancelled",
        /// Not run, because the run ended before.
        Skipped = "skipped",
    }
}

impl StepState {
    fn over(self) -> bool {
        !matches!(self, Self::Planned | Self::Waiting | Self::Running)
    }

    /// What a task's status means for its step.
    fn of(status: Status) -> Self {
        match status {
            Status::WaitingApproval => Self::Waiting,
            Status::Queued | Status::Running | Status::Retrying => Self::Running,
            Status::Succeeded => Self::Succeeded,
            Status::Dead | Status::Held | Status::Alarmed => Self::Failed,
            Status::Denied => Self::Denied,
            Status::Expired => Self::Expired,
            Status::Cancelled => Self::Cancelled,
        }
    }

    /// How a run ends with such a step.
    fn ends(self) -> Phase {
        match self {
            Self::Denied => Phase::Denied,
            Self::Expired => Phase::Expired,
            Self::Cancelled => Phase::Cancelled,
            _ => Phase::Failed,
        }
    }
}

/// A run as the store has it.
#[derive(Clone, Debug)]
pub struct Run {
    /// `run_…`.
    pub run_id: String,
    /// The report that brought it.
    pub seq: u64,
    /// What was asked for.
    pub goal: String,
    /// The language of that.
    pub language: Lang,
    /// Which conversation.
    pub session_id: String,
    /// The task of the message.
    pub task_id: String,
    /// Who sent the message, and so asks for every step.
    pub requested_by: String,
    /// What others call them, if they are a person.
    pub requested_by_name: Option<String>,
    /// Ties its steps together.
    pub correlation_id: String,
    /// How far it is.
    pub phase: Phase,
    /// Whether somebody paused it.
    pub paused: bool,
    /// Why it is being ended, if it is: [`CANCELLED`] or [`OVER_TIME`].
    pub stopping: Option<String>,
    /// How it ended, in a line.
    pub summary: Option<String>,
    /// When it came.
    pub created_at: Time,
    /// When it last moved.
    pub updated_at: Time,
    /// When it is over at the latest.
    pub deadline_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// A step as the store has it.
#[derive(Clone, Debug)]
pub struct Step {
    /// From 1.
    pub number: u64,
    /// What.
    pub command_type: String,
    /// With what, as JSON.
    pub params: String,
    /// Params that come from an earlier step's result: `{"name": {"step": 1, "pointer": "/…"}}`.
    pub inputs: Option<String>,
    /// How it stands.
    pub state: StepState,
    /// What it is rated.
    pub risk: Option<String>,
    /// Its task, once it has one.
    pub task_id: Option<String>,
    /// The ask that it waits for or was decided by.
    pub ask_id: Option<String>,
    /// When it began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// Why it failed.
    pub failure_code: Option<String>,
    /// What a person reads about that.
    pub error: Option<String>,
}

/// What is to be done so that a run moves on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Nothing; a report will say when there is.
    Nothing,
    /// Read the message.
    Plan,
    /// Send the command of this step, by index.
    Submit(usize),
    /// Call this task off.
    Cancel(String),
}

/// What moving on came to.
#[derive(Debug)]
pub struct Advance {
    /// Whether run or steps are different now.
    pub changed: bool,
    /// What there is to say about it.
    pub lines: Vec<String>,
    /// What to do next, once the change is written.
    pub todo: Todo,
}

impl Run {
    /// Whether nothing more happens to it.
    pub fn over(&self) -> bool {
        !matches!(self.phase, Phase::Planned | Phase::Active)
    }

    /// The index of the step that it is at.
    pub fn current(steps: &[Step]) -> Option<usize> {
        steps.iter().position(|step| !step.state.over())
    }

    /// Ends it: what was not begun is skipped, and a line says what happened.
    pub fn finish(&mut self, steps: &mut [Step], phase: Phase, now: Time) -> String {
        for step in steps.iter_mut().filter(|step| !step.state.over()) {
            step.state = StepState::Skipped;
        }
        self.phase = phase;
        self.updated_at = now;
        self.finished_at = Some(now);
        let summary = words::summary(self.language, self, steps);
        self.summary = Some(summary.clone());
        summary
    }

    fn stopped(&self) -> Option<Phase> {
        let stopping = self.stopping.as_deref()?;
        Some(if stopping == CANCELLED { Phase::Cancelled } else { Phase::Failed })
    }

    /// Moves on as far as can be without doing anything; `task` is how the current step's task
    /// stands, `late` whether its time is over. Looking twice changes nothing more.
    pub fn advance(
        &mut self,
        steps: &mut [Step],
        task: Option<&Standing>,
        now: Time,
        late: bool,
    ) -> Advance {
        let mut advance = Advance { changed: false, lines: Vec::new(), todo: Todo::Nothing };
        if self.over() {
            return advance;
        }
        if self.stopping.is_none() && late {
            self.stopping = Some(OVER_TIME.to_owned());
            self.updated_at = now;
            advance.changed = true;
        }
        if self.phase == Phase::Planned {
            match self.stopped() {
                Some(phase) => advance.end(self, steps, phase, now),
                None => advance.todo = Todo::Plan,
            }
            return advance;
        }
        let Some(at) = Self::current(steps) else {
            advance.end(self, steps, Phase::Succeeded, now);
            return advance;
        };
        let Some(task_id) = steps[at].task_id.clone() else {
            match self.stopped() {
                Some(phase) => advance.end(self, steps, phase, now),
                None if self.paused => {}
                None => advance.todo = Todo::Submit(at),
            }
            return advance;
        };
        if steps[at].follow(task, self.language, now) {
            advance.changed = true;
            self.updated_at = now;
            let result = task.and_then(|task| task.result.as_deref());
            advance.lines.extend(words::step(self.language, &steps[at], result));
        }
        let state = steps[at].state;
        if state == StepState::Succeeded {
            // What follows is this run's own next report's business, or its end.
            if at + 1 == steps.len() {
                advance.end(self, steps, Phase::Succeeded, now);
            } else if let Some(phase) = self.stopped() {
                advance.end(self, steps, phase, now);
            }
        } else if state.over() {
            let phase = match (state, self.stopped()) {
                (StepState::Cancelled, Some(phase)) => phase,
                _ => state.ends(),
            };
            advance.end(self, steps, phase, now);
        } else if self.stopping.is_some() && task.is_some_and(|task| !task.cancel_requested) {
            advance.todo = Todo::Cancel(task_id);
        }
        advance
    }

    /// How it reads: what it waits for, or how it ended.
    pub fn state(&self, steps: &[Step]) -> &'static str {
        match self.phase {
            Phase::Active if self.stopping.is_some() => "cancelling",
            Phase::Active | Phase::Planned if self.paused => "paused",
            Phase::Active => match Self::current(steps).map(|at| steps[at].state) {
                Some(StepState::Waiting) => "waiting_approval",
                _ => "running",
            },
            phase => phase.as_str(),
        }
    }

    /// The change that brings its present state.
    pub fn change(&self, steps: &[Step]) -> ReportChange {
        let elapsed = self.finished_at.unwrap_or(self.updated_at).since(self.created_at);
        let value = RunValue {
            seq: self.seq,
            done: self.over(),
            state: self.state(steps),
            goal: clip(&visible(&self.goal), GOAL_BYTES),
            steps: steps.iter().map(StepValue::from).collect(),
            cost_usd: 0,
            elapsed_seconds: elapsed.as_secs_f64(),
            summary: self.summary.as_deref(),
            session_id: &self.session_id,
            task_id: &self.task_id,
            correlation_id: &self.correlation_id,
            requested_by: &self.requested_by,
            requested_by_name: self.requested_by_name.as_deref(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            deadline_at: self.deadline_at,
            finished_at: self.finished_at,
        };
        ReportChange::upsert("autopilot", self.run_id.as_str(), &value)
    }
}

impl Advance {
    fn end(&mut self, run: &mut Run, steps: &mut [Step], phase: Phase, now: Time) {
        self.changed = true;
        let summary = run.finish(steps, phase, now);
        self.lines.push(summary);
    }
}

impl Step {
    /// A step that was planned.
    pub fn planned(number: u64, command_type: &str, params: String) -> Self {
        Self {
            number,
            command_type: command_type.to_owned(),
            params,
            inputs: None,
            state: StepState::Planned,
            risk: None,
            task_id: None,
            ask_id: None,
            started_at: None,
            finished_at: None,
            failure_code: None,
            error: None,
        }
    }

    /// Takes over how its task stands; says whether that was new.
    fn follow(&mut self, task: Option<&Standing>, lang: Lang, now: Time) -> bool {
        let Some(task) = task else {
            self.fail("INTERNAL_ERROR", words::gone(lang), now);
            return true;
        };
        let state = StepState::of(task.status);
        if state == self.state && self.ask_id == task.ask_id {
            return false;
        }
        self.state = state;
        self.ask_id.clone_from(&task.ask_id);
        self.risk = Some(task.risk.as_str().to_owned());
        if state.over() {
            self.finished_at = Some(now);
            self.failure_code = task.failure_code.map(|code| code.as_str().to_owned());
            self.error = task.last_error.as_deref().map(|error| clip(error, ERROR_BYTES));
        }
        true
    }

    /// Ends it badly without a task, or because its task is gone.
    pub fn fail(&mut self, code: &str, why: &str, now: Time) {
        self.state = StepState::Failed;
        self.failure_code = Some(code.to_owned());
        self.error = Some(clip(why, ERROR_BYTES));
        self.finished_at = Some(now);
    }
}

#[derive(Serialize)]
struct RunValue<'a> {
    seq: u64,
    done: bool,
    state: &'static str,
    goal: String,
    steps: Vec<StepValue<'a>>,
    cost_usd: u64,
    elapsed_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    session_id: &'a str,
    task_id: &'a str,
    correlation_id: &'a str,
    requested_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by_name: Option<&'a str>,
    created_at: Time,
    updated_at: Time,
    deadline_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Time>,
}

#[derive(Serialize)]
struct StepValue<'a> {
    step: u64,
    command_type: &'a str,
    params: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> From<&'a Step> for StepValue<'a> {
    fn from(step: &'a Step) -> Self {
        Self {
            step: step.number,
            command_type: &step.command_type,
            params: clip(&visible(&step.params), PREVIEW_BYTES),
            state: step.state.as_str(),
            risk: step.risk.as_deref(),
            task_id: step.task_id.as_deref(),
            ask_id: step.ask_id.as_deref(),
            started_at: step.started_at,
            finished_at: step.finished_at,
            failure_code: step.failure_code.as_deref(),
            error: step.error.as_deref(),
        }
    }
}
