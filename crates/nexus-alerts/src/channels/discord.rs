//! Discord: one embed by a webhook. Nobody is ever mentioned, and markdown of others is escaped.

use nexus_core::alert::Severity;
use serde_json::{Value, json};

use super::{Message, escaped, filled};

/// Limits of an embed, which together stay below the 6,000 of all its texts.
const TITLE: usize = 200;
const DESCRIPTION: usize = 1_500;
const NAME: usize = 60;
const VALUE: usize = 300;
const FIELDS: usize = 8;
const FOOTER: usize = 300;
const CONTENT: usize = 300;

pub(super) fn body(message: &Message) -> Value {
    let mut fields: Vec<Value> = message
        .facts
        .iter()
        .take(FIELDS)
        .map(|(name, value)| field(name, &text(value, VALUE)))
        .collect();
    let links: Vec<String> = message
        .short_links(3)
        // A link of ours, in a field of its own; an URL that would end it early is left out.
        .filter(|(_, url)| url.len() <= 300 && !url.contains([')', ' ', '<', '>']))
        .map(|(label, url)| format!("[{}]({url})", text(label, NAME)))
        .collect();
    if !links.is_empty() {
        fields.push(json!({"name": "→", "value": links.join(" · "), "inline": false}));
    }
    let description = format!("{}\n\n{}", message.text, message.advice);
    let colour = match message.severity {
        Severity::Info => 0x3b_82_f6,
        Severity::Warning => 0xf5_9e_0b,
        Severity::Critical => 0xdc_26_26,
    };
    let footer = format!("{} · {}", message.owner, message.event.as_str());
    json!({
        "content": text(&message.headline(), CONTENT),
        "embeds": [{
            "title": text(&message.title, TITLE),
            "description": text(&description, DESCRIPTION),
            "color": colour,
            "fields": fields,
            "footer": {"text": text(&footer, FOOTER)},
            "timestamp": message.at,
        }],
        "allowed_mentions": {"parse": []},
    })
}

fn field(name: &str, value: &str) -> Value {
    json!({"name": text(name, NAME), "value": value, "inline": true})
}

fn text(text: &str, most: usize) -> String {
    filled(escaped(text, most, escape))
}

/// Everything that its markdown reads.
fn escape(c: char, out: &mut String) {
    if matches!(
        c,
        '\\' | '*'
            | '_'
            | '~'
            | '`'
            | '|'
            | '>'
            | '#'
            | '['
            | ']'
            | '('
            | ')'
            | '<'
            | '-'
            | '@'
            | ':'
    ) {
        out.push('\\');
    }
    out.push(c);
}
