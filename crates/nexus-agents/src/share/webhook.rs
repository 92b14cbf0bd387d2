//! `share.webhook`: posts JSON to a URL, once.

use std::time::Duration;

use nexus_core::failure::FailureCode;
use nexus_core::json::{canonical, sha256_hex};
use nexus_core::policy::Risk;
use nexus_kit::egress::{self, Guard, SendError};
use nexus_work::agent::{Failure, Job, Left, ParamError, Supervisor, TypeSpec};
use serde_json::{Value, json};

pub(super) const TYPE: &str = "share.webhook";

/// Most characters of a URL.
const URL_MAX: usize = 2048;

const USER_AGENT: &str = concat!("nexus/", env!("CARGO_PKG_VERSION"));

pub(super) fn spec(call_timeout: Duration) -> TypeSpec {
    TypeSpec {
        name: TYPE,
        risk: Risk::Red,
        floor: true,
        title_en: "Send to a webhook",
        title_ko: "웹훅으로 보내기",
        params_schema: json!({
            "type": "object",
            "properties": {
                "url": {"type": "string", "minLength": 1, "maxLength": URL_MAX},
                "payload": {},
            },
            "required": ["url", "payload"],
            "additionalProperties": false,
        }),
        // The call bounds itself; the rest is for writing down the intent.
        target: Some("/url"),
        timeout: call_timeout + Duration::from_secs(20),
    }
}

pub(super) fn check(guard: &Guard, params: &Value) -> Result<(), Vec<ParamError>> {
    let refused = |code, message| Err(vec![ParamError { path: "/url".into(), code, message }]);
    match params.get("url").and_then(Value::as_str) {
        Some(url) => match guard.check_url(url) {
            Ok(_) => Ok(()),
            Err(refusal) => refused("egress_blocked", refusal.to_string()),
        },
        None => refused("url_needed", "A URL is needed, as a string".into()),
    }
}

pub(super) async fn send(
    guard: &Guard,
    job: &Job,
    supervisor: &dyn Supervisor,
) -> Result<Value, Failure> {
    let (Some(url), Some(payload)) =
        (job.params.get("url").and_then(Value::as_str), job.params.get("payload"))
    else {
        let message = "A webhook needs a url and a payload";
        return Err(Failure::new(FailureCode::InvalidParams, message));
    };
    // What was checked when the command came in may have been closed since.
    let destination = guard.check_url(url).map_err(|refusal| failure(refusal.into()))?;
    // Before the intent is written: a name that leads nowhere must not look like something sent.
    let pinned = guard.resolve(&destination).await.map_err(failure)?;

    let body = canonical(payload).into_bytes();
    let (sha256, bytes) = (sha256_hex(&body), body.len());
    supervisor.intent(&destination.target(), &body).await?;

    let headers = [
        ("content-type", "application/json"),
        ("user-agent", USER_AGENT),
        // The same for every attempt, so that a receiver can drop what it has seen.
        ("webhook-id", job.task_id.as_str()),
    ];
    let answer = pinned.post(&headers, body.into()).await.map_err(failure)?;
    if !(200..300).contains(&answer.status) {
        let message = format!("The webhook answered {}", answer.status);
        let mut failure = Failure::new(FailureCode::DeliveryFailed, message).left(Left::Sent);
        failure.retryable = Some(false);
        return Err(failure);
    }
    Ok(json!({"status": answer.status, "sha256": sha256, "bytes": bytes}))
}

fn failure(error: SendError) -> Failure {
    let code = match (&error, error.left()) {
        (SendError::Blocked(_), _) => FailureCode::EgressBlocked,
        (_, egress::Left::Nothing) => FailureCode::DeliveryFailed,
        (_, egress::Left::Unknown) => FailureCode::EffectUnknown,
    };
    let left = match error.left() {
        egress::Left::Nothing => Left::Nothing,
        egress::Left::Unknown => Left::Unknown,
    };
    Failure::new(code, error.to_string()).left(left)
}
