//! What chat and paging vendors refuse, as their documents say: a request is checked against each
//! limit, and what a vendor would read as markup of somebody else's is found.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use http::HeaderMap;
use serde_json::Value;
use sha2::Sha256;

/// A vendor whose checks a path of the sink makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Incoming webhooks.
    Slack,
    /// Webhooks.
    Discord,
    /// A workflow's URL.
    Teams,
    /// Events v2; with the integration keys that it knows.
    Pagerduty(Vec<String>),
    /// Standard Webhooks, by this secret, at any time.
    Signed(String),
}

impl Vendor {
    /// Status and body of the answer to a request that is right.
    pub fn accepts(&self) -> (u16, &'static str) {
        match self {
            Self::Slack => (200, "ok"),
            Self::Discord => (204, ""),
            Self::Teams => (202, ""),
            Self::Pagerduty(_) => (202, r#"{"status":"success"}"#),
            Self::Signed(_) => (200, "ok"),
        }
    }

    /// What is wrong with a request, if anything is.
    pub fn fault(&self, headers: &HeaderMap, body: &[u8]) -> Option<String> {
        let kind = headers.get("content-type").and_then(|value| value.to_str().ok());
        if kind.is_none_or(|kind| !kind.starts_with("application/json")) {
            return Some("content-type must be application/json".to_owned());
        }
        if let Self::Signed(secret) = self {
            return signature_fault(headers, body, secret);
        }
        self.body_fault(body)
    }

    /// What is wrong with a body, if anything is.
    pub fn body_fault(&self, body: &[u8]) -> Option<String> {
        let value: Value = match serde_json::from_slice(body) {
            Ok(value) => value,
            Err(error) => return Some(format!("no JSON: {error}")),
        };
        let mut faults = Faults::default();
        match self {
            Self::Slack => slack(&value, &mut faults),
            Self::Discord => discord(&value, &mut faults),
            Self::Teams => teams(&value, body.len(), &mut faults),
            Self::Pagerduty(keys) => pagerduty(&value, body.len(), keys, &mut faults),
            Self::Signed(_) => {}
        }
        faults.0
    }
}

/// The first fault that is found.
#[derive(Default)]
struct Faults(Option<String>);

impl Faults {
    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.0.is_none() {
            self.0 = Some(what());
        }
    }

    /// A text that is there and has at most so many UTF-16 units, the strictest count there is.
    fn text(&mut self, value: &Value, name: &str, most: usize) {
        let text = value.as_str().unwrap_or_default();
        let units = text.encode_utf16().count();
        self.must(value.is_string() && !text.trim().is_empty(), || format!("{name} is empty"));
        self.must(units <= most, || format!("{name} has {units} of {most} characters"));
    }

    fn list<'a>(&mut self, value: &'a Value, name: &str, most: usize) -> &'a [Value] {
        let items = value.as_array().map_or(&[][..], Vec::as_slice);
        self.must(items.len() <= most, || format!("{name} has {} of {most} items", items.len()));
        items
    }

    fn url(&mut self, value: &Value, most: usize) {
        let url = value.as_str().unwrap_or_default();
        let fits = url.len() <= most && (url.starts_with("https://") || url.starts_with("http://"));
        self.must(fits, || "a URL is none, or too long".to_owned());
    }
}

fn slack(body: &Value, faults: &mut Faults) {
    faults.text(&body["text"], "text", 40_000);
    let fallback = body["text"].as_str().unwrap_or_default();
    // Links and mentions stand between these, and none of ours is in a text.
    faults.must(!fallback.contains(['<', '>']), || "markup in the fallback".to_owned());
    let blocks = faults.list(&body["blocks"], "blocks", 50);
    faults.must(!blocks.is_empty(), || "no blocks".to_owned());
    for block in blocks {
        match block["type"].as_str() {
            Some("header") => plain(&block["text"], 150, faults),
            Some("section") => {
                if block["fields"].is_null() {
                    plain(&block["text"], 3_000, faults);
                }
                for field in faults.list(&block["fields"], "fields", 10) {
                    plain(field, 2_000, faults);
                }
            }
            Some("context") => {
                for element in faults.list(&block["elements"], "context", 10) {
                    plain(element, 3_000, faults);
                }
            }
            Some("actions") => {
                for button in faults.list(&block["elements"], "actions", 25) {
                    faults.must(button["type"] == "button", || "no button".to_owned());
                    plain(&button["text"], 75, faults);
                    faults.url(&button["url"], 3_000);
                    faults.text(&button["action_id"], "action_id", 255);
                }
            }
            other => faults.must(false, || format!("a block of type {other:?}")),
        }
    }
}

/// What others wrote is plain text: in `mrkdwn` it would have to be without markup.
fn plain(text: &Value, most: usize, faults: &mut Faults) {
    faults.must(text["type"] == "plain_text", || format!("{} is read as markup", text["text"]));
    faults.must(text["emoji"] != true, || "colons are read as emoji".to_owned());
    faults.text(&text["text"], "a text", most);
}

fn discord(body: &Value, faults: &mut Faults) {
    faults.must(body["allowed_mentions"]["parse"] == serde_json::json!([]), || {
        "mentions are allowed".to_owned()
    });
    faults.text(&body["content"], "content", 2_000);
    markdown(&body["content"], faults);
    let mut all = 0;
    let mut count = |value: &Value| {
        all += value.as_str().map_or(0, |text| text.encode_utf16().count());
    };
    for embed in faults.list(&body["embeds"], "embeds", 10) {
        faults.text(&embed["title"], "title", 256);
        faults.text(&embed["description"], "description", 4_096);
        faults.text(&embed["footer"]["text"], "footer", 2_048);
        faults.must(embed["color"].as_u64().is_some_and(|c| c <= 0xff_ff_ff), || "colour".into());
        for part in [&embed["title"], &embed["description"], &embed["footer"]["text"]] {
            markdown(part, faults);
            count(part);
        }
        for field in faults.list(&embed["fields"], "fields", 25) {
            faults.text(&field["name"], "a field's name", 256);
            faults.text(&field["value"], "a field's value", 1_024);
            markdown(&field["name"], faults);
            // The one field with links is ours.
            if field["inline"] == true {
                markdown(&field["value"], faults);
            }
            count(&field["name"]);
            count(&field["value"]);
        }
    }
    faults.must(all <= 6_000, || format!("embeds have {all} of 6000 characters"));
}

/// Whether a character that begins markdown stands without a backslash before it.
fn markdown(value: &Value, faults: &mut Faults) {
    let mut escaped = false;
    for c in value.as_str().unwrap_or_default().chars() {
        let special = "*_~`|[]<@#".contains(c);
        faults.must(escaped || !special, || format!("{c} is read as markdown in {value}"));
        escaped = c == '\\' && !escaped;
    }
}

fn teams(body: &Value, bytes: usize, faults: &mut Faults) {
    faults.must(bytes <= 28 << 10, || format!("{bytes} bytes of 28 KB"));
    faults.must(body["type"] == "message", || "type must be message".to_owned());
    let attachments = faults.list(&body["attachments"], "attachments", 1);
    faults.must(attachments.len() == 1, || "'attachments' is of type 'Null'".to_owned());
    for attachment in attachments {
        let kind = &attachment["contentType"];
        faults.must(kind == "application/vnd.microsoft.card.adaptive", || "contentType".into());
        let card = &attachment["content"];
        faults.must(card["type"] == "AdaptiveCard", || "no AdaptiveCard".to_owned());
        let version = card["version"].as_str().unwrap_or_default();
        faults.must(["1.2", "1.3", "1.4", "1.5"].contains(&version), || "version".to_owned());
        faults.must(card["msteams"]["entities"].is_null(), || "somebody is mentioned".to_owned());
        let items = faults.list(&card["body"], "body", 1_000);
        faults.must(!items.is_empty(), || "an empty card".to_owned());
        for item in items {
            // A TextBlock or a FactSet would read markdown.
            faults.must(item["type"] == "RichTextBlock", || format!("{item} reads markdown"));
            for run in faults.list(&item["inlines"], "inlines", 100) {
                faults.must(run["type"] == "TextRun", || "no TextRun".to_owned());
                faults.must(run["text"].is_string(), || "a run without text".to_owned());
            }
        }
        for action in faults.list(&card["actions"], "actions", 6) {
            faults.must(action["type"] == "Action.OpenUrl", || "needs a bot".to_owned());
            faults.text(&action["title"], "title", 200);
            faults.url(&action["url"], 3_000);
        }
    }
}

fn pagerduty(body: &Value, bytes: usize, keys: &[String], faults: &mut Faults) {
    faults.must(bytes <= 512 << 10, || format!("{bytes} bytes of 512 KB"));
    let key = body["routing_key"].as_str().unwrap_or_default();
    faults.must(keys.iter().any(|known| known == key), || "unknown routing_key".to_owned());
    let action = body["event_action"].as_str().unwrap_or_default();
    faults.must(["trigger", "acknowledge", "resolve"].contains(&action), || "event_action".into());
    faults.text(&body["dedup_key"], "dedup_key", 255);
    let payload = &body["payload"];
    faults.text(&payload["summary"], "summary", 1_024);
    faults.text(&payload["source"], "source", 1_024);
    let severity = payload["severity"].as_str().unwrap_or_default();
    faults.must(["critical", "warning", "error", "info"].contains(&severity), || "severity".into());
    for link in faults.list(&body["links"], "links", 50) {
        faults.url(&link["href"], 3_000);
    }
}

fn signature_fault(headers: &HeaderMap, body: &[u8], secret: &str) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(stamp), Some(signatures)) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"))
    else {
        return Some("a header of Standard Webhooks is missing".to_owned());
    };
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or_default());
    let key = key.unwrap_or_default();
    let fits = signatures.split(' ').any(|signature| {
        let signature = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        let mac = Hmac::<Sha256>::new_from_slice(&key).ok();
        let (Some(signature), Some(mut mac)) = (signature, mac) else { return false };
        mac.update(format!("{id}.{stamp}.").as_bytes());
        mac.update(body);
        mac.verify_slice(&signature).is_ok()
    });
    (!fits || key.is_empty()).then(|| "no signature fits".to_owned())
}
