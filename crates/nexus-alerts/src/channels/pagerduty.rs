//! PagerDuty: a trigger of Events v2. What is the same alert has the same `dedup_key`, so that it
//! joins the incident that is open.

use nexus_core::alert::Severity;
use nexus_core::json::sha256_hex;
use serde_json::{Map, Value, json};

use super::{Message, filled};
use crate::notice::cut;

const SUMMARY: usize = 1_024;
const DETAIL: usize = 4_000;
const DETAILS: usize = 20;

pub(super) fn body(message: &Message, routing_key: &str) -> Value {
    let severity = match message.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    };
    let mut details: Map<String, Value> = Map::new();
    details.insert("text".into(), cut(&message.text, DETAIL).into());
    details.insert("advice".into(), cut(&message.advice, DETAIL).into());
    for (name, value) in message.facts.iter().take(DETAILS) {
        details.insert(cut(name, 100), cut(value, DETAIL).into());
    }
    let links: Vec<Value> = message
        .short_links(3)
        .map(|(text, href)| json!({"href": href, "text": filled(cut(text, 100))}))
        .collect();
    let key = sha256_hex(format!("{}/{}", message.owner, message.key).as_bytes());
    json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": format!("nexus-{key}"),
        "client": "NEXUS",
        "payload": {
            "summary": cut(&message.headline(), SUMMARY),
            "source": cut(&message.owner, 200),
            "severity": severity,
            "timestamp": message.at,
            "component": "nexus",
            "class": message.event.as_str(),
            "custom_details": details,
        },
        "links": links,
    })
}
