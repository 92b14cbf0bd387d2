//! The event-stream format, read as the WHATWG HTML standard says (9.2.6), from chunks of bytes
//! that may be cut anywhere.

use std::time::Duration;

/// Most bytes of one event: a snapshot is large, a stream that never ends an event is an attack.
pub const MAX_EVENT: usize = 64 << 20;

/// One event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// `event:`, or `message`.
    pub name: String,
    /// The `data:` lines.
    pub data: String,
    /// The last id that the stream had named when this event ended.
    pub id: String,
}

/// An event grew beyond [`MAX_EVENT`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an event is larger than {MAX_EVENT} bytes")]
pub struct TooLarge;

/// Reads one connection.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    data: String,
    has_data: bool,
    name: String,
    /// What an `id:` line of the unfinished event says.
    next_id: String,
    /// What holds once an event has ended.
    id: String,
    first_id: String,
    retry: Option<Duration>,
    after_cr: bool,
    started: bool,
}

impl Parser {
    /// The last id that an ended event named, also one without data.
    pub fn last_id(&self) -> &str {
        &self.id
    }

    /// The first id that an ended event named, also one without data; empty before.
    pub fn first_id(&self) -> &str {
        &self.first_id
    }

    /// How long the server asks to wait before coming back.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Takes the next bytes and returns the events that they end.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        let mut rest = chunk;
        while !rest.is_empty() {
            // A CR ends a line at once; a LF right after it belongs to it.
            if std::mem::take(&mut self.after_cr) && rest[0] == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let part = &rest[..end.unwrap_or(rest.len())];
            if self.line.len() + part.len() + self.data.len() > MAX_EVENT {
                return Err(TooLarge);
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { break };
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.line);
            events.extend(self.line(&line));
            // Keeps what was allocated for the next line.
            self.line = line;
            self.line.clear();
        }
        Ok(events)
    }

    fn line(&mut self, line: &[u8]) -> Option<Event> {
        let mut line = line;
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return self.end();
        }
        let (field, value) = match line.iter().position(|b| *b == b':') {
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.has_data = true;
                self.data.push_str(&String::from_utf8_lossy(value));
            }
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            b"id" if !value.contains(&0) => {
                self.next_id = String::from_utf8_lossy(value).into_owned();
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let millis = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                self.retry = millis.map(Duration::from_millis).or(self.retry);
            }
            // A comment, or a field of a later standard.
            _ => {}
        }
        None
    }

    fn end(&mut self) -> Option<Event> {
        self.id.clone_from(&self.next_id);
        if self.first_id.is_empty() {
            self.first_id.clone_from(&self.id);
        }
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        if !std::mem::take(&mut self.has_data) {
            return None;
        }
        let name = if name.is_empty() { "message".to_owned() } else { name };
        Some(Event { name, data, id: self.id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &[u8]) -> Vec<(String, String, String)> {
        Parser::default()
            .push(text)
            .unwrap()
            .into_iter()
            .map(|event| (event.name, event.data, event.id))
            .collect()
    }

    fn data(text: &str) -> Vec<String> {
        read(text.as_bytes()).into_iter().map(|(_, data, _)| data).collect()
    }

    /// The vectors of the web platform tests, by their names there.
    #[test]
    fn the_web_platform_vectors() {
        // format-bom, format-bom-2
        assert_eq!(data("\u{feff}data:1\n\n\u{feff}data:2\n\ndata:3\n\n"), ["1", "3"]);
        assert_eq!(data("\u{feff}\u{feff}data:1\n\ndata:2\n\ndata:3\n\n"), ["2", "3"]);
        // format-comments
        let long = "x".repeat(2048);
        let text =
            format!("data:1\r:\0\n:\r\ndata:2\n:{long}\rdata:3\n:data:fail\r:{long}\ndata:4\n\n");
        assert_eq!(data(&text), ["1\n2\n3\n4"]);
        // format-field-data
        assert_eq!(data("data:\n\ndata\ndata\n\ndata:test\n\n"), ["", "\n", "test"]);
        // format-data-before-final-empty-line
        assert_eq!(data("retry:1000\ndata:test1\n\nid:test\ndata:test2"), ["test1"]);
        // format-field-event, format-field-event-empty
        assert_eq!(read(b"event:test\ndata:x\n\ndata:x\n\n")[0].0, "test");
        assert_eq!(read(b"event:test\ndata:x\n\ndata:x\n\n")[1].0, "message");
        assert_eq!(read(b"event:\ndata:data\n\n")[0].0, "message");
        // format-field-parsing
        let text = "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n";
        assert_eq!(data(text), ["\0\n 2\n1\n3\n\n4"]);
        // format-field-unknown
        assert_eq!(
            data("data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\n\n"),
            ["test\n"]
        );
        // format-leading-space
        assert_eq!(data("data:\ttest\rdata: \ndata:test\n\n"), ["\ttest\n\ntest"]);
        // format-newlines
        assert_eq!(data("data:test\r\ndata\ndata:test\r\n\r\n"), ["test\n\ntest"]);
        // format-null-character
        assert_eq!(data("data:\0\n\n\n\n"), ["\0"]);
        // format-utf-8
        assert_eq!(data("data:ok…\n\n"), ["ok…"]);
        assert_eq!(read(b"data:a\xffb\n\n")[0].1, "a\u{fffd}b");
    }

    #[test]
    fn ids_stay_until_they_change() {
        let ids: Vec<String> = read(b"id: 1\ndata:a\n\ndata:b\n\nid\ndata:c\n\nid:2\0\ndata:d\n\nid:\xea\xb0\x80\ndata:e\n\n")
            .into_iter()
            .map(|(.., id)| id)
            .collect();
        assert_eq!(ids, ["1", "1", "", "", "가"]);
        // An id without data is no event and is remembered, but only once its event has ended.
        let mut parser = Parser::default();
        assert_eq!(parser.push(b"id: e.1\n\nid: e.2\n").unwrap(), []);
        assert_eq!(parser.last_id(), "e.1");
        assert_eq!(parser.push(b"\n").unwrap(), []);
        assert_eq!(parser.last_id(), "e.2");
        let mut parser = Parser::default();
        parser.push(b": hi\n\nid: e.1\n\nid: e.2\ndata: x\n\n").unwrap();
        assert_eq!((parser.first_id(), parser.last_id()), ("e.1", "e.2"));
    }

    #[test]
    fn retry_is_digits_only() {
        let mut parser = Parser::default();
        for (text, millis) in [
            ("retry:1500\n", Some(1500)),
            ("retry:1000x\n", Some(1500)),
            ("retry:-1\n", Some(1500)),
            ("retry:\n", Some(1500)),
            ("retry:99999999999999999999999\n", Some(1500)),
            ("retry: 3\n", Some(3)),
        ] {
            parser.push(text.as_bytes()).unwrap();
            assert_eq!(parser.retry(), millis.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn an_event_that_never_ends_is_refused() {
        let mut parser = Parser::default();
        let chunk = vec![b'x'; 1 << 20];
        parser.push(b"data:").unwrap();
        let refused = (0..70).any(|_| parser.push(&chunk).is_err());
        assert!(refused);
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_events(
            lines in proptest::collection::vec(
                (proptest::sample::select(vec![
                    "data:a", "data: 한글", "data", "event:report", "id:e.7", "id:\0", "retry:5",
                    ":c", "", "", "\u{feff}data:b", "x:y",
                ]), proptest::sample::select(vec!["\n", "\r", "\r\n"])),
                0..30,
            ),
            cuts in proptest::collection::vec(0usize..400, 0..40),
        ) {
            let text: String = lines.iter().flat_map(|(line, end)| [*line, *end]).collect();
            let bytes = text.as_bytes();
            let mut whole = Parser::default();
            let expected = whole.push(bytes).unwrap();

            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for pair in cuts.windows(2) {
                events.extend(parser.push(&bytes[pair[0]..pair[1]]).unwrap());
            }
            prop_assert_eq!(events, expected);
            prop_assert_eq!(parser.last_id(), whole.last_id());
            prop_assert_eq!(parser.retry(), whole.retry());
        }
    }
}
