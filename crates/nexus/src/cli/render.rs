//! Reports, tasks and asks as a person reads them.

use std::collections::HashMap;

use nexus_kit::settings::Lang;
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

/// Who did something: what a person is called, else how audit names whoever it was.
pub fn who(value: &Value, name: &str) -> String {
    match field(value, &format!("{name}_name")) {
        "" => plain(value, name),
        called => called.to_owned(),
    }
}

/// The fields that have a value, each on a line under its name; times are the reader's.
fn fields(out: &Out, value: &Value, names: &[&str]) {
    for name in names {
        let text = match value.get(*name) {
            Some(Value::Array(items)) => {
                let words = items.iter().filter_map(Value::as_str);
                words.collect::<Vec<_>>().join(", ")
            }
            _ if who(value, name) != plain(value, name) => {
                format!("{} ({})", who(value, name), plain(value, name))
            }
            _ => plain(value, name),
        };
        let text = if name.ends_with("_at") { out.moment(&text) } else { text };
        if !text.is_empty() {
            labelled(out, name, &text);
        }
    }
}

fn labelled(out: &Out, name: &str, text: &str) {
    let label = format!("  {}:", text::label(out.lang, name));
    out.line(&Line::new(Style::Dim, label).and(Style::Plain, text));
}

/// What an ask asks, in the reader's language.
pub fn question(lang: Lang, ask: &Value) -> String {
    let question = match lang {
        Lang::Ko => Some(field(ask, "question_ko")).filter(|text| !text.is_empty()),
        Lang::En => None,
    };
    question.unwrap_or_else(|| field(ask, "question")).to_owned()
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

/// One change of a report as a line: time, kind, task, level, words. Where all is about one task,
/// its id is not repeated.
pub fn change(out: &Out, report: &Value, change: &Value, one_task: bool) -> Line {
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
        .and(Style::Plain, format!("{kind:<8}"));
    let task = |id: &str| if one_task { String::new() } else { id.to_owned() };
    if field(change, "op") == "remove" {
        return line.and(Style::Name, id).and(Style::Dim, text::removed(lang));
    }
    match kind {
        "worklog" => {
            let level = field(value, "level");
            line.and(Style::Name, task(field(value, "task_id")))
                .and(style(level), level)
                .and(Style::Dim, field(value, "agent"))
                .and(Style::Plain, field(value, "text"))
        }
        "task" => {
            let status = field(value, "status");
            let running = status == "running";
            let progress = value.get("progress").and_then(Value::as_f64).filter(|_| running);
            let attempt = value.get("attempt").and_then(Value::as_u64).filter(|n| *n > 1);
            line.and(Style::Name, task(id))
                .and(style(field(value, "risk")), field(value, "risk"))
                .and(Style::Plain, field(value, "command_type"))
                .and(style(status), text::status(lang, status))
                .and(Style::Dim, attempt.map(|n| text::attempt(lang, n)).unwrap_or_default())
                .and(Style::Dim, progress.map(percent).unwrap_or_default())
                .and(Style::Bad, field(value, "failure_code"))
                .and(Style::Plain, field(value, "last_error"))
        }
        "ask" => {
            let status = field(value, "status");
            let line = line.and(Style::Name, id).and(style(status), text::status(lang, status));
            if status == "pending" {
                let until = text::until(lang, &out.clock(field(value, "expires_at")));
                return line
                    .and(Style::Dim, votes(value))
                    .and(Style::Dim, until)
                    .and(Style::Plain, question(lang, value));
            }
            let by = match who(value, "decided_by") {
                by if by.is_empty() => by,
                by => text::by(lang, &by),
            };
            line.and(Style::Name, task(field(value, "task_id")))
                .and(Style::Dim, by)
                .and(Style::Plain, field(value, "reason"))
        }
        _ => line.and(Style::Name, id).and(Style::Plain, summary(value)),
    }
}

/// `1/2` where one of two has said yes; nothing where one is enough.
fn votes(ask: &Value) -> String {
    let quorum = ask.get("quorum").and_then(Value::as_u64).filter(|quorum| *quorum > 1);
    quorum.map(|n| format!("{}/{n}", items(ask, "approvals").count())).unwrap_or_default()
}

/// What was said of each task that is under way: most reports about a task bring lines of its
/// worklog and say nothing new about the task itself.
#[derive(Debug, Default)]
pub struct Said(HashMap<String, String>);

impl Said {
    /// Whether a change tells anything that was not told before.
    pub fn is_new(&mut self, change: &Value) -> bool {
        if field(change, "collection") != "tasks" {
            return true;
        }
        let id = field(change, "id").to_owned();
        let value = change.get("value").unwrap_or(&Value::Null);
        if value.get("done") != Some(&Value::Bool(false)) {
            self.0.remove(&id);
            return true;
        }
        let shown = ["status", "attempt", "progress", "failure_code", "last_error"]
            .map(|name| plain(value, name))
            .join("\n");
        let before = self.0.insert(id, shown.clone());
        before.as_ref() != Some(&shown)
    }
}

fn percent(part: f64) -> String {
    format!("{:.0}%", part * 100.0)
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

/// How a task ended: what was not seen on the way, its failure and its result.
pub fn outcome(out: &Out, task: &Value) {
    heading(out, task);
    failure(out, task);
    sent(out, task);
    json_under(out, task, "result", &text::result(out.lang));
    let task_id = field(task, "task_id");
    match field(task, "status") {
        "expired" => out.note(&Line::new(Style::Dim, text::ask_again_hint(out.lang, task_id))),
        "succeeded" | "denied" | "cancelled" => {}
        _ => out.note(&Line::new(Style::Dim, text::show_hint(out.lang, task_id))),
    }
}

/// A task, whole.
pub fn task(out: &Out, task: &Value) {
    heading(out, task);
    let names = ["rule", "requested_by", "correlation_id", "ask_id", "agent", "created_at"];
    fields(out, task, &names);
    fields(out, task, &["deadline_at", "finished_at"]);
    if task.get("retry_count").and_then(Value::as_u64).is_some_and(|count| count > 0) {
        fields(out, task, &["retry_count"]);
    }
    if let Some(progress) = task.get("progress").and_then(Value::as_f64) {
        labelled(out, "progress", &percent(progress));
    }
    failure(out, task);
    for attempt in items(task, "attempts") {
        out.line(
            &Line::new(Style::Dim, format!("  #{}", plain(attempt, "attempt")))
                .and(Style::Dim, out.moment(field(attempt, "started_at")))
                .and(Style::Plain, field(attempt, "agent"))
                .and(style(field(attempt, "outcome")), field(attempt, "outcome"))
                .and(Style::Bad, field(attempt, "failure_code"))
                .and(Style::Bad, field(attempt, "agent_code"))
                .and(Style::Plain, field(attempt, "error")),
        );
    }
    sent(out, task);
    json_under(out, task, "params", &text::params(out.lang));
    json_under(out, task, "result", &text::result(out.lang));
}

fn heading(out: &Out, task: &Value) {
    let status = field(task, "status");
    let cancelling = task.get("cancel_requested") == Some(&Value::Bool(true));
    let cancelling = cancelling && matches!(status, "running");
    let cancelling = if cancelling { text::cancelling(out.lang) } else { String::new() };
    out.line(
        &Line::new(Style::Name, field(task, "task_id"))
            .and(style(field(task, "risk")), field(task, "risk"))
            .and(Style::Bold, field(task, "command_type"))
            .and(style(status), text::status(out.lang, status))
            .and(Style::Warn, cancelling),
    );
}

fn failure(out: &Out, task: &Value) {
    let code = field(task, "failure_code");
    if !code.is_empty() {
        let title = match out.lang {
            Lang::En => "failure_title",
            Lang::Ko => "failure_title_ko",
        };
        labelled(out, "failure", &format!("{code} {}", field(task, title)));
    }
    let error = field(task, "last_error");
    if !error.is_empty() {
        // A person's no is no error.
        let denied = field(task, "status") == "denied";
        labelled(out, if denied { "reason" } else { "last_error" }, error);
    }
}

/// What was done to the world outside.
fn sent(out: &Out, task: &Value) {
    for effect in items(task, "sent") {
        let state = field(effect, "state");
        out.line(
            &Line::new(Style::Dim, format!("  {}:", text::label(out.lang, "effect")))
                .and(
                    if state == "sent" { Style::Good } else { Style::Warn },
                    text::effect(out.lang, state),
                )
                .and(Style::Plain, field(effect, "target"))
                .and(Style::Plain, format!("{} B", plain(effect, "bytes")))
                .and(Style::Dim, format!("sha256:{}", field(effect, "digest"))),
        );
    }
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn json_under(out: &Out, value: &Value, name: &str, heading: &str) {
    if let Some(value) = value.get(name).filter(|value| !value.is_null()) {
        out.line(&Line::new(Style::Dim, format!("  {heading}:")));
        out.pretty(value);
    }
}

/// An ask: everything that would be executed.
pub fn ask(out: &Out, ask: &Value) {
    let lang = out.lang;
    let status = field(ask, "status");
    out.line(
        &Line::new(Style::Name, field(ask, "ask_id"))
            .and(style(field(ask, "risk")), field(ask, "risk"))
            .and(Style::Bold, field(ask, "command_type"))
            .and(style(status), text::status(lang, status)),
    );
    labelled(out, "question", &question(lang, ask));
    fields(out, ask, &["why", "rule", "changed", "target", "estimated_cost", "requested_by"]);
    fields(out, ask, &["task_id", "approvers"]);
    let votes = votes(ask);
    if !votes.is_empty() {
        labelled(out, "approvals", &votes);
    }
    fields(out, ask, &["expires_at", "decided_at", "decided_by", "reason"]);
    let mut bound = items(ask, "bound").peekable();
    if bound.peek().is_some() {
        out.line(&Line::new(Style::Dim, format!("  {}:", text::bound(lang))));
    }
    for file in bound {
        out.line(
            &Line::new(Style::Name, format!("    {}", field(file, "path")))
                .and(Style::Plain, format!("{} B", plain(file, "size")))
                .and(Style::Dim, format!("sha256:{}", field(file, "sha256"))),
        );
    }
    json_under(out, ask, "params", &text::params(lang));
}

/// How a command would be rated.
pub fn verdict(out: &Out, command_type: &str, verdict: &Value) {
    let level = field(verdict, "level");
    let waits = verdict.get("waits") == Some(&Value::Bool(true));
    out.line(
        &Line::new(style(level), level)
            .and(Style::Bold, command_type)
            .and(Style::Warn, if waits { text::waits(out.lang) } else { String::new() }),
    );
    fields(out, verdict, &["rule", "why", "matched", "approvers", "timeout_seconds"]);
    fields(out, verdict, &["policy_version"]);
}
