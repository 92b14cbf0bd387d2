//! An operation as the store has it, and how it shows.

use std::fmt;

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::log::{Meta, Report, ReportChange};
use serde::{Deserialize, Serialize};

use crate::boxes::Box;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, utoipa::ToSchema)]
        // What is written and what is described are one: both derive from the variants.
        #[serde(rename_all = "snake_case")]
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

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What an operation does.
    Action {
        /// Back to work, as a new run.
        Requeue = "requeue",
        /// To the hold box.
        Route = "route",
        /// To the alarm box.
        Alarm = "alarm",
        /// Away for good; the failure goes to the audit log.
        Purge = "purge",
        /// Somebody has seen it.
        Ack = "ack",
        /// Each task what policy says: requeue, route or alarm.
        Apply = "apply",
    }
}

words! {
    /// Where an operation stands.
    OperationStatus {
        /// A person has to say yes first.
        WaitingApproval = "waiting_approval",
        /// It goes on.
        Running = "running",
        /// It ended before its time: too much failed again, or nobody said yes.
        Stopped = "stopped",
        /// Somebody called it off.
        Aborted = "aborted",
        /// Every task has been dealt with.
        Done = "done",
    }
}

impl OperationStatus {
    /// Whether nothing more happens.
    pub const fn over(self) -> bool {
        matches!(self, Self::Stopped | Self::Aborted | Self::Done)
    }
}

words! {
    /// What became of one task.
    Outcome {
        /// Done as asked.
        Changed = "changed",
        /// It was no longer there, or no longer so.
        Skipped = "skipped",
        /// It could not be done; it lies where it lay.
        Failed = "failed",
    }
}

/// Every column of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub tenant: Tenant,
    pub operation_id: String,
    pub from: Box,
    pub action: Action,
    pub status: OperationStatus,
    pub count: u64,
    pub changed: u64,
    pub skipped: u64,
    pub failed: u64,
    /// Tasks a second; 0 for as fast as it goes.
    pub per_second: u64,
    /// Tasks whose end is waited for before the rest; 0 for none.
    pub canary: u64,
    pub canary_passed: bool,
    pub note: Option<String>,
    /// Somebody says that nothing was sent where nobody knows.
    pub nothing_was_sent: bool,
    /// SHA-256 of the ids, in order.
    pub digest: String,
    /// The RED command that it waits for.
    pub task_id: Option<String>,
    pub ask_id: Option<String>,
    pub correlation_id: String,
    pub requested_by: String,
    pub requested_by_name: Option<String>,
    pub created_at: Time,
    pub finished_at: Option<Time>,
    pub why: Option<String>,
    /// Whether the view has it.
    pub shown: bool,
}

/// One task of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub position: u64,
    pub task_id: String,
    pub action: Action,
}

/// An operation as people read it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct OperationOut {
    /// `op_…`.
    pub operation_id: String,
    /// `{org}:{project}`.
    pub tenant_id: String,
    /// The box that its tasks come from.
    #[serde(rename = "box")]
    #[schema(value_type = String)]
    pub from: Box,
    /// What it does.
    pub action: Action,
    /// Where it stands.
    pub status: OperationStatus,
    /// Its tasks, fixed when it was accepted.
    pub count: u64,
    /// Tasks that were dealt with: `changed`, `skipped` and `failed` together.
    pub done: u64,
    /// Tasks that were changed as asked.
    pub changed: u64,
    /// Tasks that had left the box meanwhile, or may not be touched any more.
    pub skipped: u64,
    /// Tasks that could not be changed and lie where they lay.
    pub failed: u64,
    /// Tasks a second; missing where it goes as fast as it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u64>,
    /// Tasks whose end is waited for before the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<u64>,
    /// What whoever asked for it wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// SHA-256 of the tasks' ids, one a line, in order.
    pub digest: String,
    /// The command that waits for a yes, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// The ask of that command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask_id: Option<String>,
    /// Ties it to the request.
    pub correlation_id: String,
    /// Who asked for it; `system:schedule` for what runs by itself.
    pub requested_by: String,
    /// What they were called then, if they are a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by_name: Option<String>,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Time>,
    /// Why it stopped, or what it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Operation {
    /// Tasks that were dealt with.
    pub fn done(&self) -> u64 {
        self.changed + self.skipped + self.failed
    }

    /// As people read it.
    pub fn out(&self) -> OperationOut {
        let limit = |number: u64| Some(number).filter(|number| *number > 0);
        OperationOut {
            operation_id: self.operation_id.clone(),
            tenant_id: self.tenant.key().to_owned(),
            from: self.from,
            action: self.action,
            status: self.status,
            count: self.count,
            done: self.done(),
            changed: self.changed,
            skipped: self.skipped,
            failed: self.failed,
            per_second: limit(self.per_second),
            canary: limit(self.canary),
            note: self.note.clone(),
            digest: self.digest.clone(),
            task_id: self.task_id.clone(),
            ask_id: self.ask_id.clone(),
            correlation_id: self.correlation_id.clone(),
            requested_by: self.requested_by.clone(),
            requested_by_name: self.requested_by_name.clone(),
            created_at: self.created_at,
            finished_at: self.finished_at,
            why: self.why.clone(),
        }
    }

    /// The change that brings its present state.
    pub fn change(&self) -> ReportChange {
        ReportChange::upsert("system", self.operation_id.as_str(), &self.out())
    }

    /// What a report about it says about itself.
    pub fn meta(&self) -> Meta<'_> {
        Meta {
            agent: Some("nexus"),
            task_id: self.task_id.as_deref(),
            ask_id: self.ask_id.as_deref(),
            requested_by: Some(&self.requested_by),
            ..Meta::default()
        }
    }

    /// A report of how it stands.
    pub fn report<'a>(&'a self, kind: &'static str, changes: Vec<ReportChange>) -> Report<'a> {
        Report { kind, correlation_id: &self.correlation_id, meta: self.meta(), changes }
    }
}
