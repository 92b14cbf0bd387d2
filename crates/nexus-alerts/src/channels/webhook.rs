//! A webhook of one's own: JSON, signed by Standard Webhooks 1.0.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::Message;

/// The whole alert.
pub(super) fn body(message: &Message) -> Value {
    let (org, project) = message.owner.split_once(':').unzip();
    let facts = message.facts.iter().map(|(name, value)| json!({"name": name, "value": value}));
    let links = message.links.iter().map(|(label, url)| json!({"label": label, "url": url}));
    json!({
        "type": message.event.as_str(),
        "timestamp": message.at,
        "data": {
            "alert_id": message.alert_id,
            "severity": message.severity,
            "org_id": org,
            "project_id": project,
            "title": message.title,
            "text": message.text,
            "facts": facts.collect::<Vec<_>>(),
            "advice": message.advice,
            "links": links.collect::<Vec<_>>(),
            "task_id": message.task_id,
            "ask_id": message.ask_id,
            "failure_code": message.failure_code,
            "correlation_id": message.correlation_id,
            "key": message.key,
            "count": message.count,
        },
    })
}

/// Secrets that sign, the newest first; never shown.
#[derive(Clone, Default)]
pub(crate) struct Signer(Vec<String>);

impl Signer {
    /// Of `whsec_…`, or two of them separated by a comma.
    pub fn new(secrets: &str) -> Self {
        let secrets = secrets.split(',').map(str::trim).filter(|secret| !secret.is_empty());
        Self(secrets.take(2).map(str::to_owned).collect())
    }

    /// Whether it signs at all: nothing leaves unsigned.
    pub fn can_sign(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|secret| !key(secret).is_empty())
    }

    /// The value of `webhook-signature`: one signature for each secret.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let all: Vec<String> =
            self.0.iter().map(|secret| signature(secret, id, seconds, body)).collect();
        all.join(" ")
    }
}

fn key(secret: &str) -> Vec<u8> {
    match secret.strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).unwrap_or_default(),
        None => secret.as_bytes().to_vec(),
    }
}

/// `v1,` and the HMAC-SHA256 of id, time and body, by a secret.
fn signature(secret: &str, id: &str, seconds: i64, body: &[u8]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key(secret)) else { return String::new() };
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
