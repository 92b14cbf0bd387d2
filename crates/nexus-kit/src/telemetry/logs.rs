//! Log lines: JSON for machines, readable text on a terminal; masked before they are written.
//!
//! A JSON line has `timestamp`, `level`, `tenant_id`, `user_id`, `correlation_id` and `message`
//! first, always all six, then `target` and every field of the event and of the spans around it;
//! an inner field hides an outer one of the same name.

use std::fmt::{Debug, Write as _};
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nexus_core::mask;
use nexus_core::time::Time;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::settings;

/// Fields with a place of their own at the top of a line.
const TOP: [&str; 3] = ["tenant_id", "user_id", "correlation_id"];

/// Longest field that is written; what is longer is cut.
const MAX_FIELD: usize = 8 << 10;

/// Where lines go: standard error, or a list in a test.
pub type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// Lines of level error that this process has written; not of any one server in it.
static ERROR_LINES: AtomicU64 = AtomicU64::new(0);

/// How many lines of level error this process has written so far.
pub fn error_lines() -> u64 {
    ERROR_LINES.load(Ordering::Relaxed)
}

/// Tells the time of a line.
pub type Now = Arc<dyn Fn() -> Time + Send + Sync>;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For people.
    Text {
        /// With colours.
        colour: bool,
    },
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `NEXUS_LOG` is none of the levels.
    #[error("{0:?} is no log level; error, warn, info, debug and trace are")]
    Level(String),
    /// `NEXUS_LOG_FORMAT` is none of the formats.
    #[error("{0:?} is no log format; json, text and auto are")]
    Format(String),
    /// There is a subscriber already.
    #[error("logging is set up already")]
    Twice,
}

/// Sets up logging for the process, once, and sends panics there too.
pub fn init(settings: &settings::Log, now: Now) -> Result<(), LogError> {
    let terminal = std::io::stderr().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none();
    let format = match settings.format.as_str() {
        "json" => Format::Json,
        "text" => Format::Text { colour },
        "auto" if terminal => Format::Text { colour },
        "auto" => Format::Json,
        other => return Err(LogError::Format(other.to_owned())),
    };
    let sink: Sink = Arc::new(|line| {
        // When nobody reads the log there is nowhere to say so.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    });
    let subscriber = subscriber(&settings.level, format, now, sink)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        tracing::error!(place, panic = text.unwrap_or("no message"), "a thread panicked");
    }));
    Ok(())
}

/// A subscriber that writes lines of `level` and above to `sink`.
pub fn subscriber(
    level: &str,
    format: Format,
    now: Now,
    sink: Sink,
) -> Result<impl Subscriber + Send + Sync, LogError> {
    let level: Level = level.parse().map_err(|_| LogError::Level(level.to_owned()))?;
    let lines = Lines { format, now, sink };
    let registry = tracing_subscriber::registry();
    // Libraries speak at info of what only their authors need.
    let quiet = tracing_subscriber::filter::filter_fn(move |metadata| {
        let ours = metadata.target().starts_with("nexus");
        *metadata.level() <= if ours { level } else { level.min(Level::WARN) }
    });
    Ok(registry.with(lines.with_filter(quiet)).with(LevelFilter::from_level(level)))
}

/// The layer that writes lines.
struct Lines {
    format: Format,
    now: Now,
    sink: Sink,
}

/// The fields of a span.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // A Debug that fails leaves what it wrote until then.
        let _ = write!(text, "{value:?}");
        self.put(field, Value::String(text));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

impl Fields {
    fn put(&mut self, field: &Field, mut value: Value) {
        if let Value::String(text) = &mut value
            && text.len() > MAX_FIELD
        {
            let end = (0..=MAX_FIELD).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            text.push('…');
        }
        self.0.insert(field.name().to_owned(), value);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut all = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<Fields>() {
                all.0.extend(fields.0.clone());
            }
        }
        event.record(&mut all);
        let mut fields = all.0;
        let message = match fields.remove("message") {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let metadata = event.metadata();
        if *metadata.level() == Level::ERROR {
            ERROR_LINES.fetch_add(1, Ordering::Relaxed);
        }
        let line = Line {
            time: (self.now)(),
            level: *metadata.level(),
            target: metadata.target(),
            message,
            fields,
        };
        (self.sink)(&match self.format {
            Format::Json => line.json(),
            Format::Text { colour } => line.text(colour),
        });
    }
}

struct Line<'a> {
    time: Time,
    level: Level,
    target: &'a str,
    message: String,
    fields: Map<String, Value>,
}

impl Line<'_> {
    /// Written by hand for the order of the first fields; a map would sort them.
    fn json(mut self) -> String {
        let mut out = String::with_capacity(256);
        let level = self.level.as_str().to_ascii_lowercase();
        let _ = write!(out, "{{\"timestamp\":\"{}\",\"level\":\"{level}\"", self.time);
        for name in TOP {
            let value = self.fields.remove(name).unwrap_or(Value::Null);
            member(&mut out, name, masked(name, value));
        }
        member(&mut out, "message", masked("message", self.message.into()));
        member(&mut out, "target", self.target.into());
        for (name, value) in self.fields {
            let value = masked(&name, value);
            // A field that is named as one of the first would make two of it.
            let name = match name.as_str() {
                "timestamp" | "level" | "target" => format!("field_{name}"),
                _ => name,
            };
            member(&mut out, &name, value);
        }
        out.push_str("}\n");
        out
    }

    fn text(self, colour: bool) -> String {
        let (paint, dim, plain) = match (colour, self.level) {
            (false, _) => ("", "", ""),
            (_, Level::ERROR) => ("\x1b[31m", "\x1b[2m", "\x1b[0m"),
            (_, Level::WARN) => ("\x1b[33m", "\x1b[2m", "\x1b[0m"),
            (_, Level::INFO) => ("\x1b[32m", "\x1b[2m", "\x1b[0m"),
            _ => ("\x1b[34m", "\x1b[2m", "\x1b[0m"),
        };
        let mut out = String::with_capacity(128);
        let _ = write!(out, "{dim}{}{plain} {paint}{:>5}{plain} ", self.time, self.level);
        out.push_str(&printable(&mask::mask(&self.message)));
        for (name, value) in self.fields {
            let text = match masked(&name, value) {
                Value::String(text) => printable(&text),
                Value::Null => continue,
                other => other.to_string(),
            };
            let _ = write!(out, " {dim}{name}={plain}{text}");
        }
        let _ = writeln!(out, " {dim}{}{plain}", self.target);
        out
    }
}

fn member(out: &mut String, name: &str, value: Value) {
    let _ = write!(out, ",{}:{value}", Value::from(name));
}

/// A field's value as it may be written.
fn masked(name: &str, value: Value) -> Value {
    let mut field = Map::from_iter([(name.to_owned(), value)]).into();
    mask::mask_value(&mut field);
    match field {
        Value::Object(mut fields) => fields.remove(name).unwrap_or(Value::Null),
        other => other,
    }
}

/// Nothing in a text may look like a second line or move the terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_control() {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn lines(level: &str, format: Format, work: impl FnOnce()) -> Vec<String> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&seen);
        let sink: Sink = Arc::new(move |line| list.lock().unwrap().push(line.to_owned()));
        let now: Now = Arc::new(|| Time::from_millis(1_712_151_000_007));
        tracing::subscriber::with_default(subscriber(level, format, now, sink).unwrap(), work);
        std::mem::take(&mut seen.lock().unwrap())
    }

    #[test]
    fn json_lines_have_the_named_fields_first_and_merge_spans() {
        let lines = lines("info", Format::Json, || {
            let request = tracing::info_span!(
                "request",
                correlation_id = "cor-1",
                tenant_id = tracing::field::Empty,
                attempt = 1,
            );
            request.record("tenant_id", "default:default");
            let _request = request.enter();
            let _task = tracing::info_span!("task", task_id = "tsk_1", attempt = 2).entered();
            tracing::warn!(took = 1.5, ok = false, level = "x", "it \"took\"\nlong");
        });
        assert_eq!(
            lines,
            ["{\"timestamp\":\"2024-04-03T13:30:00.007Z\",\"level\":\"warn\",\
              \"tenant_id\":\"default:default\",\"user_id\":null,\"correlation_id\":\"cor-1\",\
              \"message\":\"it \\\"took\\\"\\nlong\",\
              \"target\":\"nexus_kit::telemetry::logs::tests\",\
              \"attempt\":2,\"field_level\":\"x\",\"ok\":false,\"task_id\":\"tsk_1\",\"took\":1.5}\n"]
        );
    }

    #[test]
    fn secrets_and_personal_data_never_reach_a_line() {
        for format in [Format::Json, Format::Text { colour: true }] {
            let lines = lines("trace", format, || {
                let error = std::io::Error::other("no mailbox for user@example.com");
                let _span = tracing::info_span!("call", phone = "010-1234-5678").entered();
                tracing::info!(
                    password = "hunter2",
                    api_key = 12_345,
                    ?error,
                    "sent 900101-1234567 with Bearer abc.DEF.123 and nxs_abcdefgh12345678"
                );
            });
            let line = &lines[0];
            for secret in ["user@", "1234", "hunter2", "12345", "abc.DEF", "nxs_abc", "900101"] {
                assert!(!line.contains(secret), "{secret} is in {line}");
            }
            assert!(line.contains("u***@e***.com"), "{line}");
        }
    }

    #[test]
    fn text_is_one_line_and_cannot_move_the_cursor() {
        let lines = lines("info", Format::Text { colour: false }, || {
            tracing::info!(name = "a\x1b[2Jb", "one\ntwo");
            tracing::debug!("not asked for");
        });
        assert_eq!(
            lines,
            ["2024-04-03T13:30:00.007Z  INFO one\\ntwo name=a\\u{1b}[2Jb \
              nexus_kit::telemetry::logs::tests\n"]
        );
    }

    #[test]
    fn libraries_are_heard_from_warn_on() {
        let lines = lines("info", Format::Json, || {
            tracing::info!(target: "hyper::proto", "chatter");
            tracing::warn!(target: "hyper::proto", "trouble");
        });
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn a_long_field_is_cut() {
        let lines = lines("info", Format::Json, || {
            tracing::info!(text = "한".repeat(10_000), "long");
        });
        assert!(lines[0].len() < MAX_FIELD + 512);
        assert!(matches!(
            subscriber("loud", Format::Json, Arc::new(Time::default), Arc::new(|_| ())),
            Err(LogError::Level(_))
        ));
    }
}
