//! What an approval binds, and who decides it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json::{canonical, sha256_hex};
use crate::time::Time;

/// Who decides an ask that nobody decided in time.
pub const DECIDED_BY_TIMEOUT: &str = "system:timeout";

/// Largest params that an ask on the stream shows whole, in bytes of canonical JSON.
pub const PREVIEW_BYTES: usize = 16 << 10;

/// A file that an ask binds: what is executed must find it unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Path below the tenant's folder.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// SHA-256 of `{"bound": […], "params": …}` as RFC 8785 writes it; `params` are already canonical.
///
/// Made when an ask is made and computed again by whoever executes: what differs by one byte is
/// something else, and nobody approved it.
pub fn digest(canonical_params: &str, bound: &[Bound]) -> String {
    let files: Vec<serde_json::Value> = bound
        .iter()
        .map(
            |file| serde_json::json!({"path": file.path, "sha256": file.sha256, "size": file.size}),
        )
        .collect();
    let bound = canonical(&serde_json::Value::Array(files));
    sha256_hex(format!("{{\"bound\":{bound},\"params\":{canonical_params}}}").as_bytes())
}

/// Where an ask stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskStatus {
    /// Waits for a decision.
    Pending,
    /// A person said yes.
    Approved,
    /// A person said no.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// Another ask took its place: the command was edited, or the world changed.
    Superseded,
    /// The command was called off.
    Cancelled,
}

impl AskStatus {
    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the stable text.
    pub fn parse(text: &str) -> Option<Self> {
        use AskStatus as S;
        [S::Pending, S::Approved, S::Denied, S::Expired, S::Superseded, S::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

impl fmt::Display for AskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a person decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Yes, to exactly this.
    Approve,
    /// No.
    Deny,
}

/// Who decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decider {
    /// How audit and asks name them.
    pub name: String,
    /// What others call them.
    pub display_name: Option<String>,
    /// What a rule's `approvers` may call them; `None` for the platform admin, who always may.
    pub called: Option<Vec<String>>,
}

impl Decider {
    /// Whether they are among those whom a rule names; a rule that names nobody means all.
    pub fn among(&self, approvers: Option<&[String]>) -> bool {
        let (Some(approvers), Some(called)) = (approvers, &self.called) else { return true };
        approvers.is_empty() || approvers.iter().any(|one| called.contains(one))
    }
}

/// An ask as far as a decision depends on it.
#[derive(Clone, Debug)]
pub struct OpenAsk<'a> {
    /// Where it stands.
    pub status: AskStatus,
    /// When it is over.
    pub expires_at: Time,
    /// What it binds.
    pub digest: &'a str,
    /// Approvals needed.
    pub quorum: u32,
    /// Who said yes so far.
    pub approvals: &'a [String],
    /// Who asked.
    pub requested_by: &'a str,
    /// Whom a rule names, if it does.
    pub approvers: Option<&'a [String]>,
    /// Whether approver and requester must differ.
    pub other_person: bool,
    /// Whether this ask came of an edit, and by whom: the editor is never the other person.
    pub edited_by: Option<&'a str>,
}

/// Why a decision is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// It is decided.
    #[error("the ask is already decided; the stream says how")]
    AlreadyDecided,
    /// Its time is over.
    #[error("the ask has expired; the requester can ask again")]
    Expired,
    /// The digest is not the ask's.
    #[error("the digest is not the ask's: what you saw is not what would be executed")]
    DigestMismatch,
    /// This person said yes before.
    #[error("you have already approved; another approver is needed")]
    AlreadyVoted,
    /// The requester or editor cannot be the other person.
    #[error("the tenant demands another person than the one who asked or edited")]
    SamePerson,
    /// A rule leaves this decision to others.
    #[error("a rule leaves this decision to others; the ask says to whom")]
    NotAmong,
}

impl Refused {
    /// The stable code of the refusal.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AlreadyDecided => "ask_already_decided",
            Self::Expired => "ask_expired",
            Self::DigestMismatch => "digest_mismatch",
            Self::AlreadyVoted => "already_approved_by_you",
            Self::SamePerson => "other_person_required",
            Self::NotAmong => "not_among_approvers",
        }
    }
}

/// What a decision leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The ask closes with this status.
    Closes(AskStatus),
    /// One yes more; others are needed.
    Counts,
}

/// The one place where a decision is judged, whatever door it came through.
pub fn decide(
    ask: &OpenAsk<'_>,
    decision: Decision,
    decider: &Decider,
    seen_digest: Option<&str>,
    now: Time,
) -> Result<Outcome, Refused> {
    match ask.status {
        AskStatus::Pending => {}
        AskStatus::Expired => return Err(Refused::Expired),
        _ => return Err(Refused::AlreadyDecided),
    }
    if now >= ask.expires_at {
        return Err(Refused::Expired);
    }
    if seen_digest.is_some_and(|seen| seen != ask.digest) {
        return Err(Refused::DigestMismatch);
    }
    if !decider.among(ask.approvers) {
        return Err(Refused::NotAmong);
    }
    if decision == Decision::Deny {
        return Ok(Outcome::Closes(AskStatus::Denied));
    }
    let decider = decider.name.as_str();
    if ask.other_person && (decider == ask.requested_by || Some(decider) == ask.edited_by) {
        return Err(Refused::SamePerson);
    }
    if ask.approvals.iter().any(|earlier| earlier == decider) {
        return Err(Refused::AlreadyVoted);
    }
    let count = u32::try_from(ask.approvals.len()).unwrap_or(u32::MAX).saturating_add(1);
    if count >= ask.quorum { Ok(Outcome::Closes(AskStatus::Approved)) } else { Ok(Outcome::Counts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(approvals: &[String]) -> OpenAsk<'_> {
        OpenAsk {
            status: AskStatus::Pending,
            expires_at: Time::from_millis(300_000),
            digest: "d",
            quorum: 1,
            approvals,
            requested_by: "key:service",
            approvers: None,
            other_person: false,
            edited_by: None,
        }
    }

    fn person(name: &str) -> Decider {
        let called = vec![name.to_owned(), "role:approver".to_owned()];
        Decider { name: name.to_owned(), display_name: None, called: Some(called) }
    }

    const NOW: Time = Time::from_millis(299_999);

    #[test]
    fn one_byte_more_is_another_digest() {
        let file = |sha: &str| Bound { path: "a.txt".into(), size: 3, sha256: sha.into() };
        let first = digest(r#"{"url":"https://a.example/"}"#, &[]);
        assert_ne!(first, digest(r#"{"url":"https://a.example"}"#, &[]));
        assert_ne!(digest("{}", &[file("aa")]), digest("{}", &[file("ab")]));
        assert_eq!(first.len(), 64);
        assert_eq!(
            digest("{}", &[]),
            sha256_hex(br#"{"bound":[],"params":{}}"#),
            "anybody can compute it"
        );
    }

    #[test]
    fn an_ask_is_decided_once_and_in_time() {
        let yes = |ask: &OpenAsk<'_>, now| {
            decide(ask, Decision::Approve, &person("admin"), Some("d"), now)
        };
        assert_eq!(yes(&ask(&[]), NOW), Ok(Outcome::Closes(AskStatus::Approved)));
        assert_eq!(yes(&ask(&[]), Time::from_millis(300_000)), Err(Refused::Expired));
        let decided = OpenAsk { status: AskStatus::Denied, ..ask(&[]) };
        assert_eq!(yes(&decided, NOW), Err(Refused::AlreadyDecided));
        let seen = decide(&ask(&[]), Decision::Approve, &person("admin"), Some("other"), NOW);
        assert_eq!(seen, Err(Refused::DigestMismatch));
    }

    #[test]
    fn a_quorum_counts_persons_and_the_first_no_closes() {
        let first = ["a".to_owned()];
        let two = OpenAsk { quorum: 2, ..ask(&first) };
        assert_eq!(
            decide(&two, Decision::Approve, &person("a"), None, NOW),
            Err(Refused::AlreadyVoted)
        );
        assert_eq!(
            decide(&two, Decision::Approve, &person("b"), None, NOW),
            Ok(Outcome::Closes(AskStatus::Approved))
        );
        let none = OpenAsk { quorum: 2, ..ask(&[]) };
        assert_eq!(decide(&none, Decision::Approve, &person("a"), None, NOW), Ok(Outcome::Counts));
        assert_eq!(
            decide(&none, Decision::Deny, &person("a"), None, NOW),
            Ok(Outcome::Closes(AskStatus::Denied))
        );
    }

    #[test]
    fn the_other_person_is_another_person() {
        let other = OpenAsk { other_person: true, edited_by: Some("editor"), ..ask(&[]) };
        for same in ["key:service", "editor"] {
            let refused = decide(&other, Decision::Approve, &person(same), None, NOW);
            assert_eq!(refused, Err(Refused::SamePerson));
            assert!(decide(&other, Decision::Deny, &person(same), None, NOW).is_ok());
        }
    }

    #[test]
    fn a_rule_can_leave_a_decision_to_some() {
        let named = |who: &str| vec![who.to_owned()];
        let decides = |who: &Decider, approvers: &[String]| {
            let ask = OpenAsk { approvers: Some(approvers), ..ask(&[]) };
            let both = [Decision::Approve, Decision::Deny].map(|d| decide(&ask, d, who, None, NOW));
            assert_eq!(both[0].is_ok(), both[1].is_ok());
            both[0].is_ok()
        };
        assert!(decides(&person("user:a"), &named("user:a")));
        assert!(decides(&person("user:a"), &named("role:approver")));
        assert!(decides(&person("user:a"), &[]));
        assert!(!decides(&person("user:b"), &named("user:a")));
        let platform = Decider { name: "admin".into(), display_name: None, called: None };
        assert!(decides(&platform, &named("user:a")));
    }
}
