//! Reports, tasks and asks as a person reads them.

use serde_json::Value;

use super::out::{Line, Out, Style};
use super::text;

/// A text field, or nothing.
pub fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

/// Any plain field as text.
pub fn plain(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A field as a person reads it: times are theirs.
fn told(out: &Out, value: &Value, name: &str) -> String {
    let text = plain(value, name);
    if name.ends_with("_at") { out.moment(&text) } else { text }
}

/// How a level or a status looks; words carry the meaning, colour only helps.
pub fn style(word: &str) -> Style {
    match word.to_ascii_lowercase().as_str() {
        "green" | "succeeded" | "approved" => Style::Good,
        "yellow" | "warn" | "waiting_approval" | "pending" | "retrying" | "held" => Style::Warn,
        "red" | "error" | "dead" | "alarmed" | "denied" | "expired" | "failed" => Style::Bad,
        _ => Style::Plain,
    }
}

/// Whether a change is about this task.
pub fn concerns(change: &Value, report: &Value, task_id: &str) -> bool {
    let value = change.get("value").unwrap_or(&Value::Null);
    match field(change, "collection") {
        "tasks" => field(change, "id") == task_id,
        "worklog" | "asks" => match field(value, "task_id") {
            "" => report.get("meta").is_some_and(|meta| field(meta, "task_id") == task_id),
            id => id == task_id,
        },
        _ => false,
    }
}

/// One change of a report as a line: time, kind, task, level, words.
pub fn change(out: &Out, report: &Value, change: &Value) -> Line {
    let lang = out.lang;
    let value = change.get("value").unwrap_or(&Value::Null);
    let id = field(change, "id");
    let kind = match field(change, "collection") {
        "tasks" => "task",
        "asks" => "ask",
        "alerts" => "alert",
        other => other,
    };
    let line = Line::new(Style::Dim, out.clock(field(report, "at")))
        .and(Style::Plain, format!("{kind:<9}"));
    if field(change, "op") == "remove" {
        return line.and(Style::Name, id).and(Style::Dim, text::removed(lang));
    }
    match kind {
        "worklog" => {
            let level = field(value, "level");
            line.and(Style::Name, field(value, "task_id"))
                .and(style(level), level)
                .and(Style::Dim, field(value, "agent"))
                .and(Style::Plain, field(value, "text"))
        }
        "task" => {
            let status = field(value, "status");
            let progress = value.get("progress").and_then(Value::as_f64);
            let attempt = value.get("attempt").and_then(Value::as_u64).filter(|n| *n > 1);
            line.and(Style::Name, id)
                .and(style(field(value, "risk")), field(value, "risk"))
                .and(Style::Plain, field(value, "command_type"))
                .and(style(status), text::status(lang, status))
                .and(Style::Dim, attempt.map(|n| text::attempt(lang, n)).unwrap_or_default())
                .and(Style::Dim, progress.map(|p| format!("{:.0}%", p * 100.0)).unwrap_or_default())
                .and(Style::Bad, field(value, "failure_code"))
                .and(Style::Plain, field(value, "last_error"))
        }
        "ask" => {
            let status = field(value, "status");
            line.and(Style::Name, id)
                .and(Style::Name, field(value, "task_id"))
                .and(style(status), text::status(lang, status))
                .and(Style::Plain, field(value, "question"))
                .and(Style::Dim, field(value, "decided_by"))
                .and(Style::Plain, field(value, "reason"))
        }
        _ => line.and(Style::Name, id).and(Style::Plain, summary(value)),
    }
}

/// A value of a collection that has no line of its own.
fn summary(value: &Value) -> String {
    let text = match value {
        Value::Object(object) => object
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "seq" | "done"))
            .map(|(name, value)| match value {
                Value::String(text) => format!("{name}={text}"),
                other => format!("{name}={other}"),
            })
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    };
    cut(&text, 200)
}

/// The beginning of a text, at most so many characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A task, whole.
pub fn task(out: &Out, task: &Value) {
    let lang = out.lang;
    let status = field(task, "status");
    out.line(
        &Line::new(Style::Name, field(task, "task_id"))
            .and(style(field(task, "risk")), field(task, "risk"))
            .and(Style::Bold, field(task, "command_type"))
            .and(style(status), text::status(lang, status)),
    );
    for name in [
        "correlation_id",
        "ask_id",
        "created_at",
        "finished_at",
        "retry_count",
        "failure_code",
        "last_error",
    ] {
        let value = told(out, task, name);
        if !value.is_empty() {
            out.line(&Line::new(Style::Dim, format!("  {name}:")).and(Style::Plain, value));
        }
    }
    if let Some(attempts) = task.get("attempts").and_then(Value::as_array) {
        for attempt in attempts {
            out.line(
                &Line::new(Style::Dim, format!("  #{}", plain(attempt, "attempt")))
                    .and(Style::Dim, out.moment(field(attempt, "started_at")))
                    .and(Style::Plain, field(attempt, "agent"))
                    .and(style(field(attempt, "outcome")), field(attempt, "outcome"))
                    .and(Style::Bad, field(attempt, "failure_code"))
                    .and(Style::Plain, field(attempt, "error")),
            );
        }
    }
    for (name, heading) in [("params", text::params(lang)), ("result", text::result(lang))] {
        if let Some(value) = task.get(name).filter(|value| !value.is_null()) {
            out.line(&Line::new(Style::Dim, format!("  {heading}:")));
            out.pretty(value);
        }
    }
}

/// An ask: everything that would be executed.
pub fn ask(out: &Out, ask: &Value) {
    let lang = out.lang;
    let status = field(ask, "status");
    out.line(
        &Line::new(Style::Name, field(ask, "ask_id"))
            .and(Style::Bold, field(ask, "command_type"))
            .and(style(status), text::status(lang, status)),
    );
    for name in [
        "question",
        "why",
        "rule",
        "target",
        "estimated_cost",
        "requested_by",
        "task_id",
        "expires_at",
        "decided_by",
        "reason",
    ] {
        let value = told(out, ask, name);
        if !value.is_empty() {
            out.line(&Line::new(Style::Dim, format!("  {name}:")).and(Style::Plain, value));
        }
    }
    if let Some(bound) =
        ask.get("bound").and_then(Value::as_array).filter(|bound| !bound.is_empty())
    {
        out.line(&Line::new(Style::Dim, format!("  {}:", text::bound(lang))));
        for file in bound {
            out.line(
                &Line::plain("   ")
                    .and(Style::Name, field(file, "path"))
                    .and(Style::Plain, format!("{} B", plain(file, "size")))
                    .and(Style::Dim, format!("sha256:{}", field(file, "sha256"))),
            );
        }
    }
    if let Some(params) = ask.get("params") {
        out.line(&Line::new(Style::Dim, format!("  {}:", text::params(lang))));
        out.pretty(params);
    }
    out.line(&Line::new(Style::Dim, "  digest:").and(Style::Bold, field(ask, "digest")));
}
