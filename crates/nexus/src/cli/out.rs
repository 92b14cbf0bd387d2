//! The only place that prints. Text of others goes through [`visible`] on its way, so nothing that a
//! server, an agent or a document says can move the cursor, hide a word or pretend to be NEXUS.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;
use nexus_core::text::is_hidden;
use nexus_kit::settings::Lang;
use serde_json::Value;

/// How a piece of a line looks on a terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// As it comes.
    Plain,
    /// Less important.
    Dim,
    /// More important.
    Bold,
    /// Went well, GREEN.
    Good,
    /// Look at it, YELLOW.
    Warn,
    /// Went wrong, RED.
    Bad,
    /// A name or an id.
    Name,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "\x1b[2m",
            Self::Bold => "\x1b[1m",
            Self::Good => "\x1b[32m",
            Self::Warn => "\x1b[33m",
            Self::Bad => "\x1b[31m",
            Self::Name => "\x1b[36m",
        }
    }
}

/// A line in pieces.
#[derive(Clone, Debug, Default)]
pub struct Line(Vec<(Style, String)>);

impl Line {
    /// A line that begins with a piece.
    pub fn new(style: Style, text: impl Into<String>) -> Self {
        Self(vec![(style, text.into())])
    }

    /// A line without a look of its own.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(Style::Plain, text)
    }

    /// And a piece, after a blank.
    pub fn and(mut self, style: Style, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            if !self.0.is_empty() {
                self.0.push((Style::Plain, " ".to_owned()));
            }
            self.0.push((style, text));
        }
        self
    }

    /// And a line, after a blank.
    pub fn and_line(self, line: Self) -> Self {
        line.0.into_iter().fold(self, |all, (style, text)| all.and(style, text))
    }

    fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        for (style, text) in &self.0 {
            let text = visible(text);
            if colour && !style.code().is_empty() {
                let _ = write!(out, "{}{text}\x1b[0m", style.code());
            } else {
                out.push_str(&text);
            }
        }
        out
    }
}

#[derive(Clone)]
enum Sink {
    Process,
    Memory(Arc<Mutex<(String, String)>>),
}

/// Standard output and error of a command.
#[derive(Clone)]
pub struct Out {
    /// The language of what is said.
    pub lang: Lang,
    /// JSON lines on standard output instead of text.
    pub json: bool,
    /// Where the person who reads this is.
    zone: TimeZone,
    colour: bool,
    colour_errors: bool,
    sink: Sink,
    closed: Arc<AtomicBool>,
}

impl Out {
    /// The terminal or pipe of this process; `no_color` is whether `NO_COLOR` is set and not empty.
    pub fn process(lang: Lang, json: bool, no_color: bool) -> Self {
        Self {
            lang,
            json,
            zone: TimeZone::system(),
            colour: !no_color && io::stdout().is_terminal(),
            colour_errors: !no_color && io::stderr().is_terminal(),
            sink: Sink::Process,
            closed: Arc::default(),
        }
    }

    /// Keeps what is printed, for tests.
    pub fn memory(lang: Lang, json: bool) -> Self {
        Self {
            lang,
            json,
            zone: TimeZone::UTC,
            colour: false,
            colour_errors: false,
            sink: Sink::Memory(Arc::default()),
            closed: Arc::default(),
        }
    }

    /// What was kept: standard output and standard error.
    pub fn kept(&self) -> (String, String) {
        match &self.sink {
            Sink::Process => Default::default(),
            Sink::Memory(kept) => kept.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Whether whoever read standard output went away, as `head` does: time to stop, and no error.
    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// `14:04:03` where the reader is, of an RFC 3339 time.
    pub fn clock(&self, at: &str) -> String {
        self.time(at, "%H:%M:%S")
    }

    /// `2026-11-21 14:04:03` where the reader is.
    pub fn moment(&self, at: &str) -> String {
        self.time(at, "%Y-%m-%d %H:%M:%S")
    }

    fn time(&self, at: &str, format: &str) -> String {
        match at.parse::<jiff::Timestamp>() {
            Ok(time) => time.to_zoned(self.zone.clone()).strftime(format).to_string(),
            Err(_) => at.to_owned(),
        }
    }

    /// A line of the answer.
    pub fn line(&self, line: &Line) {
        self.write(false, &line.render(self.colour));
    }

    /// A line beside the answer: progress, hints, errors.
    pub fn note(&self, line: &Line) {
        self.write(true, &line.render(self.colour_errors));
    }

    /// A document of our own making: help, completions, the settings matrix.
    pub fn document(&self, text: &str) {
        self.write(false, text.strip_suffix('\n').unwrap_or(text));
    }

    /// The same beside the answer.
    pub fn document_note(&self, text: &str) {
        self.write(true, text.strip_suffix('\n').unwrap_or(text));
    }

    /// One JSON line.
    pub fn json(&self, value: &Value) {
        self.write(false, &escaped(&value.to_string()));
    }

    /// JSON for people, below a heading.
    pub fn pretty(&self, value: &Value) {
        let text = escaped(&serde_json::to_string_pretty(value).unwrap_or_default());
        let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
        self.write(false, &lines.join("\n"));
    }

    /// Asks beside the answer and waits on the same line.
    pub fn prompt(&self, text: &str) {
        if let Sink::Process = self.sink {
            let mut stderr = io::stderr().lock();
            // Who cannot be asked cannot answer either.
            let _ = write!(stderr, "{} ", visible(text)).and_then(|()| stderr.flush());
        } else {
            self.write(true, text);
        }
    }

    fn write(&self, error: bool, text: &str) {
        let result = match &self.sink {
            Sink::Process if error => writeln!(io::stderr().lock(), "{text}"),
            Sink::Process => {
                let mut stdout = io::stdout().lock();
                writeln!(stdout, "{text}").and_then(|()| stdout.flush())
            }
            Sink::Memory(kept) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let text = format!("{text}\n");
                if error {
                    kept.1.push_str(&text)
                } else {
                    kept.0.push_str(&text)
                }
                Ok(())
            }
        };
        // A full disk or a closed pipe: nobody listens, and there is nobody to tell.
        if result.is_err() && !error {
            self.closed.store(true, Ordering::Relaxed);
        }
    }
}

/// The text with everything hidden written out, on one line.
pub fn visible(text: &str) -> String {
    nexus_core::text::visible(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// JSON text that means the same and hides nothing: such characters stand in strings only, where
/// JSON has an escape for them.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_reaches_a_terminal() {
        let evil = "a\x1b[2Jb\u{202e}c\u{200b}\r\nd\u{9b}e\u{e0041}";
        let line = Line::plain("x").and(Style::Bad, evil);
        let out = line.render(true);
        assert!(
            out.contains("⟨U+001B⟩[2J") && out.contains("⟨U+202E⟩") && out.contains("⟨U+E0041⟩")
        );
        assert_eq!(out.matches('\x1b').count(), 2, "only our own colours");
        assert_eq!(visible("한글 → ok"), "한글 → ok");
    }

    #[test]
    fn times_are_those_of_the_reader() {
        let mut out = Out::memory(Lang::Ko, false);
        out.zone = TimeZone::fixed(jiff::tz::offset(9));
        assert_eq!(out.clock("2026-11-21T20:04:03.123Z"), "05:04:03");
        assert_eq!(out.moment("2026-11-21T20:04:03.123Z"), "2026-11-22 05:04:03");
        assert_eq!(out.moment("no time"), "no time");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({"a": "x\u{202e}y\u{1b}\u{e0041}"});
        let out = Out::memory(Lang::En, true);
        out.json(&value);
        let (text, _) = out.kept();
        assert!(text.is_ascii());
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        out.pretty(&value);
    }
}
