//! Where alerts go. Each vendor has a file: it turns a [`Message`] into what that vendor takes, within
//! its limits for any message, and escapes what it would read as markup. Nothing here sends.

mod discord;
pub(crate) mod email;
mod pagerduty;
mod slack;
mod teams;
#[cfg(test)]
mod tests;
mod webhook;

use nexus_core::alert::{Channel, Event, Severity};
use nexus_core::time::Time;
use serde_json::Value;

pub(crate) use webhook::Signer;

/// Longest link; what is longer is left out.
const LINK: usize = 2_000;

/// An alert in one language, ready to be put into a vendor's form.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub alert_id: String,
    pub event: Event,
    pub severity: Severity,
    /// `{org}:{project}`, or `platform`.
    pub owner: String,
    pub title: String,
    pub text: String,
    pub facts: Vec<(String, String)>,
    pub advice: String,
    /// Label and URL.
    pub links: Vec<(String, String)>,
    pub task_id: Option<String>,
    pub ask_id: Option<String>,
    pub failure_code: Option<String>,
    pub correlation_id: String,
    /// What is the same incident has the same key.
    pub key: String,
    /// How often it happened so far.
    pub count: u64,
    pub at: Time,
}

impl Message {
    /// Links that a vendor can take.
    fn short_links(&self, most: usize) -> impl Iterator<Item = &(String, String)> {
        self.links.iter().filter(|(_, url)| url.len() <= LINK).take(most)
    }

    /// `[critical] title`.
    fn headline(&self) -> String {
        format!("[{}] {}", self.severity.as_str(), self.title)
    }
}

/// The body of an HTTP request to a channel; none for mail. `key` is PagerDuty's.
pub(crate) fn body(channel: Channel, message: &Message, key: &str) -> Option<Value> {
    Some(match channel {
        Channel::Webhook => webhook::body(message),
        Channel::Slack => slack::body(message),
        Channel::Discord => discord::body(message),
        Channel::Teams => teams::body(message),
        Channel::Pagerduty => pagerduty::body(message, key),
        Channel::Email => return None,
    })
}

/// As much of a text as fits into `most` UTF-16 units after each character was escaped.
fn escaped(text: &str, most: usize, escape: impl Fn(char, &mut String)) -> String {
    let (mut out, mut units) = (String::new(), 0);
    let mut piece = String::new();
    let mut room = 0;
    for c in text.chars() {
        piece.clear();
        escape(c, &mut piece);
        units += piece.encode_utf16().count();
        if units > most {
            out.truncate(room);
            out.push('…');
            return out;
        }
        out.push_str(&piece);
        if units < most {
            room = out.len();
        }
    }
    out
}

/// Vendors refuse an empty text.
fn filled(text: String) -> String {
    if text.trim().is_empty() { "-".to_owned() } else { text }
}
