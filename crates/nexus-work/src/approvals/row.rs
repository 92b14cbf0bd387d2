//! An ask as the store has it, and how it shows.

use nexus_core::approval::{AskStatus, Bound, OpenAsk, PREVIEW_BYTES};
use nexus_core::policy::Risk;
use nexus_core::text::{clip, visible_json};
use nexus_core::time::Time;
use nexus_kit::log::ReportChange;
use serde::Serialize;
use serde_json::Value;

use crate::catalogue::KnownType;

/// Every column of an ask.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub ask_id: String,
    pub seq: u64,
    pub task_id: String,
    pub status: AskStatus,
    pub command_type: String,
    /// Canonical JSON; what would be executed.
    pub params: String,
    pub bound: Vec<Bound>,
    pub digest: String,
    pub risk: Risk,
    pub rule: String,
    pub why: String,
    pub question: String,
    pub question_ko: String,
    pub target: Option<String>,
    pub approvers: Option<Vec<String>>,
    /// What is different from the ask before it, if there was one.
    pub changed: Option<String>,
    pub quorum: u32,
    pub other_person: bool,
    pub edited_by: Option<String>,
    pub requested_by: String,
    pub requested_by_name: Option<String>,
    pub correlation_id: String,
    pub created_at: Time,
    pub expires_at: Time,
    pub decided_at: Option<Time>,
    pub decided_by: Option<String>,
    pub decided_by_name: Option<String>,
    pub reason: Option<String>,
    /// Who said yes so far.
    pub votes: Vec<String>,
}

/// An ask as people read it: everything that would be executed, and why it stopped.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AskOut {
    /// `ask_…`.
    pub ask_id: String,
    /// `confirm`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The task that waits.
    pub task_id: String,
    /// `pending`, `approved`, `denied`, `expired`, `superseded` or `cancelled`.
    #[schema(value_type = String)]
    pub status: AskStatus,
    /// One sentence: who wants to do what to whom.
    pub question: String,
    /// The same in Korean.
    pub question_ko: String,
    /// Why it stopped.
    pub why: String,
    /// What said so: `builtin`, `rule:{id}`, `override`, `caller`, `floor`.
    pub rule: String,
    /// The level.
    #[schema(value_type = String)]
    pub risk: Risk,
    /// What would be done.
    pub command_type: String,
    /// With what; hidden characters are written out. Missing where the preview stands for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Value>,
    /// The beginning of params that are larger than 16 KiB; `GET /approvals/{ask_id}` has the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params_preview: Option<String>,
    /// Bytes of the params as they will be sent.
    pub params_bytes: usize,
    /// Whether characters that nobody sees were written out.
    pub hidden_characters: bool,
    /// To whom, or on what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// SHA-256 of params and files; a decision sends it back.
    pub digest: String,
    /// Files that must be found unchanged.
    #[schema(value_type = Vec<Object>)]
    pub bound: Vec<Bound>,
    /// Who asked: `user:usr_…`, `service`, …
    pub requested_by: String,
    /// What they were called then, if they are a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by_name: Option<String>,
    /// Who may decide, if a rule says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvers: Option<Vec<String>>,
    /// Approvals needed.
    pub quorum: u32,
    /// Who said yes so far.
    pub approvals: Vec<String>,
    /// What is different from the ask before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
    /// Ties it to the request.
    pub correlation_id: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    /// When it is over.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Time>,
    /// Who decided; `system:timeout` where nobody did in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// What they were called then, if they are a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by_name: Option<String>,
    /// What the decider said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Serialize)]
struct AskValue {
    seq: u64,
    done: bool,
    #[serde(flatten)]
    ask: AskOut,
}

impl Ask {
    /// As far as a decision depends on it.
    pub fn open(&self) -> OpenAsk<'_> {
        OpenAsk {
            status: self.status,
            expires_at: self.expires_at,
            digest: &self.digest,
            quorum: self.quorum,
            approvals: &self.votes,
            requested_by: &self.requested_by,
            approvers: self.approvers.as_deref(),
            other_person: self.other_person,
            edited_by: self.edited_by.as_deref(),
        }
    }

    /// As people read it; `whole` shows params of any size.
    pub fn out(&self, whole: bool) -> AskOut {
        let value: Value = serde_json::from_str(&self.params).unwrap_or(Value::Null);
        let (shown, hidden_characters) = visible_json(&value);
        // Writing hidden characters out makes a text up to four times as long.
        let fits = whole
            || (self.params.len() <= PREVIEW_BYTES
                && (!hidden_characters || shown.to_string().len() <= 2 * PREVIEW_BYTES));
        // A preview is read on the stream beside other things: a short beginning is enough there.
        let preview = (!fits).then(|| clip(&nexus_core::text::visible(&self.params), 4 << 10));
        AskOut {
            ask_id: self.ask_id.clone(),
            kind: "confirm",
            task_id: self.task_id.clone(),
            status: self.status,
            question: self.question.clone(),
            question_ko: self.question_ko.clone(),
            why: self.why.clone(),
            rule: self.rule.clone(),
            risk: self.risk,
            command_type: self.command_type.clone(),
            params: fits.then_some(shown),
            params_preview: preview,
            params_bytes: self.params.len(),
            hidden_characters,
            target: self.target.as_deref().map(nexus_core::text::visible),
            digest: self.digest.clone(),
            bound: self.bound.clone(),
            requested_by: self.requested_by.clone(),
            requested_by_name: self.requested_by_name.clone(),
            approvers: self.approvers.clone(),
            quorum: self.quorum,
            approvals: self.votes.clone(),
            changed: self.changed.clone(),
            correlation_id: self.correlation_id.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            decided_at: self.decided_at,
            decided_by: self.decided_by.clone(),
            decided_by_name: self.decided_by_name.clone(),
            reason: self.reason.clone(),
        }
    }

    /// The change that brings its present state.
    pub fn change(&self) -> ReportChange {
        let done = self.status != AskStatus::Pending;
        let value = AskValue { seq: self.seq, done, ask: self.out(false) };
        ReportChange::upsert("asks", self.ask_id.as_str(), &value)
    }
}

/// The sentence that an ask reads as, in English and Korean.
pub(crate) fn question(
    known: &KnownType,
    requested_by: &str,
    target: Option<&str>,
) -> (String, String) {
    let target = target.map(|target| clip(&nexus_core::text::visible(target), 300));
    let (to, to_ko) = match &target {
        Some(target) => (format!(": {target}"), format!(": {target}")),
        None => (String::new(), String::new()),
    };
    (
        format!("{requested_by} wants to run {} ({}){to}", known.name, known.title_en),
        format!("{requested_by} 님이 {} ({}) 실행을 요청합니다{to_ko}", known.name, known.title_ko),
    )
}
