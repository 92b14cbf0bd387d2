//! Microsoft Teams: an Adaptive Card by a workflow. What others wrote stands in text runs alone,
//! which read no markdown.

use nexus_core::alert::Severity;
use serde_json::{Value, json};

use super::{Message, filled};
use crate::notice::cut;

/// Teams takes about 28 KB; what is measured here is the JSON as it leaves.
const MOST: usize = 24 << 10;
const TITLE: usize = 200;
const TEXT: usize = 2_000;
const FACT: usize = 600;
const FACTS: usize = 10;
const LABEL: usize = 60;

pub(super) fn body(message: &Message) -> Value {
    let colour = match message.severity {
        Severity::Info => "accent",
        Severity::Warning => "warning",
        Severity::Critical => "attention",
    };
    let title = json!({"type": "TextRun", "text": cut(&message.headline(), TITLE), "weight": "bolder", "size": "large", "color": colour});
    let mut items = vec![runs(vec![title]), runs(vec![run(&message.text, TEXT)])];
    for (name, value) in message.facts.iter().take(FACTS) {
        let name = format!("{}: ", cut(name, LABEL));
        let name = json!({"type": "TextRun", "text": name, "weight": "bolder"});
        items.push(runs(vec![name, run(value, FACT)]));
    }
    items.push(runs(vec![run(&message.advice, TEXT)]));
    let footer = format!("{} · {} · {}", message.owner, message.event.as_str(), message.at);
    let footer =
        json!({"type": "TextRun", "text": cut(&footer, FACT), "isSubtle": true, "size": "small"});
    items.push(runs(vec![footer]));
    let actions: Vec<Value> = message
        .short_links(3)
        .map(|(label, url)| json!({"type": "Action.OpenUrl", "title": filled(cut(label, LABEL)), "url": url}))
        .collect();
    loop {
        let card = card(&items, &actions);
        // The headline, which is short, always fits.
        if card.to_string().len() <= MOST || items.len() == 1 {
            return card;
        }
        items.pop();
    }
}

fn run(text: &str, most: usize) -> Value {
    json!({"type": "TextRun", "text": filled(cut(text, most))})
}

fn runs(inlines: Vec<Value>) -> Value {
    json!({"type": "RichTextBlock", "inlines": inlines})
}

fn card(items: &[Value], actions: &[Value]) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.5",
                "msteams": {"width": "Full"},
                "body": items,
                "actions": actions,
            },
        }],
    })
}
