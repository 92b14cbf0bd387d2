//! Slack: Block Kit by an incoming webhook. What others wrote stands in `plain_text` alone, where
//! Slack reads no markup; the fallback, which it does read, is escaped.

use serde_json::{Value, json};

use super::{Message, escaped, filled};
use crate::notice::cut;

/// Limits of Block Kit.
const HEADER: usize = 150;
const SECTION: usize = 3_000;
const FIELD: usize = 2_000;
const FIELDS: usize = 10;
const BUTTON: usize = 75;
const BUTTONS: usize = 5;
/// Slack takes 40,000 characters; nobody reads so many of a notification.
const FALLBACK: usize = 1_000;

pub(super) fn body(message: &Message) -> Value {
    let plain = |text: &str, most| json!({"type": "plain_text", "text": filled(cut(text, most)), "emoji": false});
    let mut blocks = vec![json!({"type": "header", "text": plain(&message.headline(), HEADER)})];
    blocks.push(json!({"type": "section", "text": plain(&message.text, SECTION)}));
    let fields: Vec<Value> = message
        .facts
        .iter()
        .take(FIELDS)
        .map(|(name, value)| plain(&format!("{name}: {value}"), FIELD))
        .collect();
    if !fields.is_empty() {
        blocks.push(json!({"type": "section", "fields": fields}));
    }
    let footer = format!("{} · {} · {}", message.owner, message.event.as_str(), message.at);
    blocks.push(json!({"type": "context", "elements": [plain(&message.advice, FIELD), plain(&footer, FIELD)]}));
    let buttons: Vec<Value> = message
        .short_links(BUTTONS)
        .enumerate()
        .map(|(at, (label, url))| {
            json!({"type": "button", "text": plain(label, BUTTON), "url": url, "action_id": format!("open_{at}")})
        })
        .collect();
    if !buttons.is_empty() {
        blocks.push(json!({"type": "actions", "elements": buttons}));
    }
    let fallback = format!("{}: {}", message.headline(), message.text);
    json!({"text": escaped(&fallback, FALLBACK, escape), "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
}

/// The three characters of Slack's markup.
fn escape(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        c => out.push(c),
    }
}
