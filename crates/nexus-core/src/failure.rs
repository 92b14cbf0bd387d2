//! The one taxonomy of failures: used by tasks, callbacks, metrics and docs.

use std::fmt;

use crate::task::Status;

/// Where a failed task goes when its retries are spent or it has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Triage {
    /// Stays a dead letter until somebody looks.
    Dead,
    /// Waits for a person's answer and is never retried by itself.
    Hold,
}

impl Triage {
    /// The [status](crate::task::Status) of such a task.
    pub const fn status(self) -> Status {
        match self {
            Self::Dead => Status::Dead,
            Self::Hold => Status::Held,
        }
    }
}

macro_rules! failure_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $retry:literal, $triage:ident, $en:literal, $ko:literal;)*) => {
        /// Why a task or an attempt failed.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum FailureCode {
            $($(#[$doc])* $name,)*
        }

        impl FailureCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable text of the code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Whether another attempt may help.
            pub const fn retryable(self) -> bool {
                match self { $(Self::$name => $retry,)* }
            }

            /// Where a task that failed so for good goes.
            pub const fn triage(self) -> Triage {
                match self { $(Self::$name => Triage::$triage,)* }
            }

            /// What a person reads, in English.
            pub const fn title_en(self) -> &'static str {
                match self { $(Self::$name => $en,)* }
            }

            /// What a person reads, in Korean.
            pub const fn title_ko(self) -> &'static str {
                match self { $(Self::$name => $ko,)* }
            }

            /// Reads a code's stable text.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

failure_codes! {
    /// An outside API did not answer in time.
    ProviderTimeout = "PROVIDER_TIMEOUT", true, Dead, "The provider did not answer in time", "제공자가 제때 응답하지 않았습니다";
    /// An outside API answered with an error of its own.
    ProviderUpstreamError = "PROVIDER_UPSTREAM_ERROR", true, Dead, "The provider failed", "제공자 쪽에서 오류가 났습니다";
    /// An outside API asked to slow down.
    ProviderRateLimit = "PROVIDER_RATE_LIMIT", true, Dead, "The provider limits our rate", "제공자가 요청 속도를 제한했습니다";
    /// An outside API refused the credentials.
    ProviderAuthError = "PROVIDER_AUTH_ERROR", false, Dead, "The provider refused the credentials", "제공자가 인증을 거부했습니다";
    /// No credentials, or switched off.
    ProviderDisabled = "PROVIDER_DISABLED", false, Dead, "The provider is not set up", "제공자가 설정되어 있지 않습니다";
    /// A model's answer was not JSON.
    SchemaParseError = "SCHEMA_PARSE_ERROR", false, Dead, "The answer could not be read", "응답을 해석할 수 없습니다";
    /// A model's answer missed its schema.
    SchemaValidationError = "SCHEMA_VALIDATION_ERROR", false, Dead, "The answer misses its schema", "응답이 스키마와 맞지 않습니다";
    /// Repairing a model's answer failed.
    SchemaRepairFailed = "SCHEMA_REPAIR_FAILED", false, Dead, "The answer could not be repaired", "응답을 고칠 수 없습니다";
    /// The day's money is spent.
    BudgetExceeded = "BUDGET_EXCEEDED", false, Dead, "The budget is spent", "예산을 모두 썼습니다";
    /// The tenant's allowance is used up.
    QuotaExceeded = "QUOTA_EXCEEDED", false, Dead, "The quota is used up", "할당량을 모두 썼습니다";
    /// The agent's lease ran out.
    AgentTimeout = "AGENT_TIMEOUT", true, Dead, "The agent stopped answering", "에이전트가 응답을 멈췄습니다";
    /// The agent's process ended in the middle.
    AgentCrashed = "AGENT_CRASHED", true, Dead, "The agent crashed", "에이전트가 비정상 종료되었습니다";
    /// The agent said that it failed.
    AgentError = "AGENT_ERROR", true, Dead, "The agent failed", "에이전트가 실패했습니다";
    /// The agent cannot work with these params.
    InvalidParams = "INVALID_PARAMS", false, Dead, "The parameters cannot be used", "매개변수를 사용할 수 없습니다";
    /// A document of a kind that cannot be read.
    UnsupportedDocument = "UNSUPPORTED_DOCUMENT", false, Dead, "The document cannot be read", "읽을 수 없는 문서입니다";
    /// What would run is not what was approved.
    ApprovalParamsMismatch = "APPROVAL_PARAMS_MISMATCH", false, Dead, "This is not what was approved", "승인된 내용과 다릅니다";
    /// Nobody performs this type.
    UnknownTaskType = "UNKNOWN_TASK_TYPE", false, Dead, "Nobody performs this type", "이 유형을 처리할 에이전트가 없습니다";
    /// Something may have left the house, and nobody knows.
    EffectUnknown = "EFFECT_UNKNOWN", false, Hold, "It is not known whether it was sent", "전송되었는지 알 수 없습니다";
    /// The egress guard refused the destination.
    EgressBlocked = "EGRESS_BLOCKED", false, Dead, "The destination is not allowed", "허용되지 않은 목적지입니다";
    /// Mail, chat or webhook was not taken.
    DeliveryFailed = "DELIVERY_FAILED", true, Dead, "The delivery failed", "전달에 실패했습니다";
    /// GitHub refused or failed.
    GithubError = "GITHUB_ERROR", true, Dead, "GitHub refused or failed", "GitHub 요청이 실패했습니다";
    /// A disk or bucket failed.
    StorageError = "STORAGE_ERROR", true, Dead, "The storage failed", "저장소에 오류가 있습니다";
    /// A fault of NEXUS itself.
    InternalError = "INTERNAL_ERROR", true, Dead, "NEXUS itself failed", "NEXUS 내부 오류입니다";
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for FailureCode {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for FailureCode {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a failure code"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_is_titled() {
        for code in FailureCode::ALL {
            assert_eq!(FailureCode::parse(code.as_str()), Some(*code));
            assert!(!code.title_en().is_empty() && !code.title_ko().is_empty());
        }
        assert_eq!(FailureCode::ALL.len(), 23);
        assert!(!FailureCode::EffectUnknown.retryable());
    }
}
