//! The two classes in which a tenant's values exist: clear, and masked for those who may see that
//! something happens and not about whom.
//!
//! Clear is for those who may decide or administer, and for whoever asked for the thing, which each
//! value names as `requested_by`. To the others every text of a value is masked ([`crate::mask`])
//! but for ids, times and words of a fixed list, which this program writes itself. So masking
//! changes nothing that the fold reads: a masked snapshot with masked reports applied is the masked
//! snapshot, and it makes no difference whether a value is masked before or after it is folded.
//!
//! A masked value is a function of the clear value's text alone, and masking twice changes nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::mask::{STARS, mask, names_secret};
use crate::view::{Change, Changes};

/// Who reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reader {
    /// Somebody who may see everything of the tenant.
    Clear,
    /// Somebody who sees clearly only what they asked for themselves: their name as values have it.
    Masked {
        /// `service`, `user:usr_…`.
        own: String,
    },
}

/// Fields whose texts are ids, times or one of some words, by collection; `*` stands for any field
/// or position. Everything else is masked.
fn plain(collection: &str) -> &'static [&'static str] {
    match collection {
        "tasks" => TASKS,
        "worklog" => &["id", "level", "agent", "at", "correlation_id", "task_id", "requested_by"],
        "asks" => &[
            "ask_id",
            "type",
            "task_id",
            "status",
            "rule",
            "risk",
            "command_type",
            "digest",
            "bound/*/sha256",
            "requested_by",
            "decided_by",
            "edited_by",
            "approvers/*",
            "approvals/*",
            "correlation_id",
            "created_at",
            "expires_at",
            "decided_at",
        ],
        "autopilot" => &[
            "state",
            "session_id",
            "task_id",
            "correlation_id",
            "requested_by",
            "created_at",
            "updated_at",
            "deadline_at",
            "finished_at",
            "steps/*/command_type",
            "steps/*/state",
            "steps/*/risk",
            "steps/*/task_id",
            "steps/*/ask_id",
            "steps/*/failure_code",
            "steps/*/started_at",
            "steps/*/finished_at",
        ],
        "alerts" => ALERTS,
        "youtube" => &[
            "since",
            "items/*/item_id",
            "items/*/video_id",
            "items/*/url",
            "items/*/added_by",
            "items/*/added_at",
            "items/*/task_id",
            "item/item_id",
            "item/video_id",
            "item/url",
            "item/added_by",
            "item/added_at",
            "item/task_id",
        ],
        "system" => SYSTEM,
        _ => &["id", "at", "status", "state", "level", "kind", "code"],
    }
}

/// The same of tasks.
const TASKS: &[&str] = &[
    "task_id",
    "command_type",
    "status",
    "risk",
    "rule",
    "agent",
    "correlation_id",
    "requested_by",
    "ask_id",
    "failure_code",
    "failure_title",
    "failure_title_ko",
    "created_at",
    "updated_at",
    "started_at",
    "finished_at",
    "deadline_at",
    "attempts/*/agent",
    "attempts/*/outcome",
    "attempts/*/failure_code",
    "attempts/*/started_at",
    "attempts/*/finished_at",
    "failure/failure_code",
    "failure/failed_at",
    "failure/agent",
    "failure/lines/*/at",
    "failure/lines/*/level",
    "failure/lines/*/agent",
    "sent/*/digest",
    "sent/*/kept_at",
    "sent/*/state",
    "sent/*/intended_at",
    "sent/*/settled_at",
];

/// The same of alerts, which were masked before they were stored.
const ALERTS: &[&str] = &[
    "alert_id",
    "event",
    "severity",
    "correlation_id",
    "task_id",
    "ask_id",
    "failure_code",
    "created_at",
    "last_at",
    "deliveries/*/channel",
    "deliveries/*/state",
];

/// Those of whatever `system` shows: policies, tenants, operations.
const SYSTEM: &[&str] = &[
    "id",
    "at",
    "status",
    "state",
    "level",
    "kind",
    "code",
    "operation_id",
    "tenant_id",
    "box",
    "action",
    "digest",
    "task_id",
    "ask_id",
    "correlation_id",
    "requested_by",
    "created_at",
    "finished_at",
];

/// Walks a value along the paths of the plain fields.
struct Walk {
    /// The paths that still fit, cut to what is left of them.
    plain: Vec<&'static str>,
    changed: bool,
}

impl Walk {
    fn step(&self, step: &str) -> Vec<&'static str> {
        let fits = self.plain.iter().filter_map(|path| {
            let (first, rest) = path.split_once('/').unwrap_or((path, ""));
            (first == step || first == "*").then_some(rest)
        });
        fits.collect()
    }

    fn value(&mut self, value: &mut Value) {
        // A path ends here: the text is an id, a time or a word.
        let ends = self.plain.contains(&"");
        match value {
            Value::String(text) if !ends => {
                if let Cow::Owned(masked) = mask(text) {
                    *text = masked;
                    self.changed = true;
                }
            }
            Value::Number(number) if !ends => {
                let text = number.to_string();
                // Long enough for a phone, a card or a person's number.
                if text.len() >= 9
                    && number.is_u64()
                    && let Cow::Owned(masked) = mask(&text)
                {
                    *value = Value::String(masked);
                    self.changed = true;
                }
            }
            Value::Array(items) => {
                let inner = self.step("*");
                for item in items {
                    self.inside(inner.clone(), item);
                }
            }
            Value::Object(fields) => self.object(fields),
            _ => {}
        }
    }

    fn object(&mut self, fields: &mut Map<String, Value>) {
        let mut renamed = false;
        for (name, field) in fields.iter_mut() {
            // The path of a plain field ends here: neither its name, which is this program's own, nor
            // its text is to be masked. That is most of every value.
            if !field.is_object() && !field.is_array() && self.plain.contains(&name.as_str()) {
                continue;
            }
            let inner = self.step(name);
            if inner.is_empty() && names_secret(name) {
                let shown = matches!(field, Value::Null | Value::Bool(_)) || *field == STARS;
                if !shown {
                    *field = Value::from(STARS);
                    self.changed = true;
                }
                continue;
            }
            self.inside(inner, field);
            renamed |= matches!(mask(name), Cow::Owned(_));
        }
        if renamed {
            let all = std::mem::take(fields);
            fields.extend(all.into_iter().map(|(name, field)| (mask(&name).into_owned(), field)));
            self.changed = true;
        }
    }

    fn inside(&mut self, plain: Vec<&'static str>, value: &mut Value) {
        let outside = std::mem::replace(&mut self.plain, plain);
        self.value(value);
        self.plain = outside;
    }
}

/// Fields of every value that the fold and the eviction read; they are never texts.
const MARKS: [&str; 2] = ["seq", "done"];

/// Masks a value of a collection in place; says whether anything was masked.
pub fn mask_item(collection: &str, value: &mut Value) -> bool {
    let mut walk = Walk { plain: plain(collection).to_vec(), changed: false };
    match value {
        Value::Object(fields) => {
            let marks = MARKS.map(|mark| (mark, fields.remove(mark)));
            walk.object(fields);
            for (mark, kept) in marks {
                fields.extend(kept.map(|kept| (mark.to_owned(), kept)));
            }
        }
        other => walk.value(other),
    }
    walk.changed
}

/// The text of a value as those see it who may see only masked ones; the same text where nothing is
/// to be masked.
pub fn masked<'a>(collection: &str, json: &'a str) -> Cow<'a, str> {
    // What cannot be read is shown to nobody; it can only be a value that this program did not write.
    let Ok(mut value) = serde_json::from_str::<Value>(json) else { return Cow::Borrowed("null") };
    if mask_item(collection, &mut value) {
        Cow::Owned(value.to_string())
    } else {
        Cow::Borrowed(json)
    }
}

#[derive(Deserialize)]
struct Whose<'a> {
    #[serde(borrow, default)]
    requested_by: Option<Cow<'a, str>>,
}

/// Who asked for what a value is about, if it says.
pub fn requester(json: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Whose<'_>>(json).ok()?.requested_by
}

/// A report as those see it who may see only masked ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Masked {
    /// Nothing is to be masked: it is the same for everybody.
    Same,
    /// Its text, and who asked for the values in it that are masked; none for a value of nobody's.
    Other(String, BTreeSet<Option<String>>),
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow)]
    changes: &'a RawValue,
}

/// A report's text with its values masked, but for those that `own` asked for.
///
/// The text outside `changes` stays as it is, byte for byte.
pub fn masked_report(report: &str, own: Option<&str>) -> Masked {
    let Ok(outer) = serde_json::from_str::<Outer<'_>>(report) else { return Masked::Same };
    let Ok(inner) = serde_json::from_str::<Changes<'_>>(report) else { return Masked::Same };
    let mut owners = BTreeSet::new();
    let mut values: Vec<Option<Box<RawValue>>> = Vec::with_capacity(inner.changes.len());
    for change in &inner.changes {
        values.push(change.value.and_then(|value| {
            let Cow::Owned(text) = masked(&change.collection, value.get()) else { return None };
            let whose = requester(value.get());
            if own.is_some() && whose.as_deref() == own {
                return None;
            }
            owners.insert(whose.map(Cow::into_owned));
            RawValue::from_string(text).ok()
        }));
    }
    if owners.is_empty() {
        return Masked::Same;
    }
    let changes: Vec<Change<'_>> = inner
        .changes
        .iter()
        .zip(&values)
        .map(|(change, masked)| Change {
            value: masked.as_deref().or(change.value),
            ..change.clone()
        })
        .collect();
    // Changes are strings and JSON texts, which always serialise.
    let changes = serde_json::to_string(&changes).unwrap_or_default();
    let old = outer.changes.get();
    let start = old.as_ptr() as usize - report.as_ptr() as usize;
    let text = [&report[..start], &changes, &report[start + old.len()..]].concat();
    Masked::Other(text, owners)
}

#[cfg(test)]
mod tests;
