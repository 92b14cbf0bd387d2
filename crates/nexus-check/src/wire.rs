//! Frames as they stand on the wire. A client's parser forgives, as the standard demands; this one
//! keeps every byte and notes what a conforming server never writes.

use nexus_core::cursor::Cursor;

use crate::text::{Text, both, shown};

/// What stands between two empty lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// Its bytes with the empty line that ends it.
    pub raw: Vec<u8>,
    /// `retry:`, in milliseconds.
    pub retry: Option<u64>,
    /// `id:`.
    pub id: Option<String>,
    /// `event:`.
    pub event: Option<String>,
    /// `data:`; several lines are joined, and noted as a fault.
    pub data: Option<String>,
    /// What no conforming server writes.
    pub fault: Option<Text>,
}

impl Frame {
    fn parse(raw: Vec<u8>) -> Self {
        let mut frame = Self::default();
        let text = match std::str::from_utf8(&raw) {
            Ok(text) => text,
            Err(error) => {
                frame.fault = Some(both!("not UTF-8: {error}", "UTF-8이 아님: {error}"));
                frame.raw = raw;
                return frame;
            }
        };
        for line in text.lines().filter(|line| !line.is_empty()) {
            frame.line(line);
        }
        if text.contains(['\r', '\0']) {
            frame.fault = Some(both!("a CR or NUL byte in a frame", "프레임 안의 CR 또는 NUL"));
        }
        frame.raw = raw;
        frame
    }

    fn line(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "retry" => {
                self.retry = value.parse().ok();
                if self.retry.is_none() {
                    let line = shown(line);
                    self.fault = Some(both!("{line} is no number", "{line}은(는) 숫자가 아님"));
                }
            }
            "id" => self.id = Some(value.to_owned()),
            "event" => self.event = Some(value.to_owned()),
            "data" => match &mut self.data {
                None => self.data = Some(value.to_owned()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                    self.fault = Some(both!("data on several lines", "여러 줄로 나뉜 data"));
                }
            },
            // A comment, or a field of a later standard.
            _ => {}
        }
    }

    /// Whether it is an event of this name.
    pub fn is(&self, event: &str) -> bool {
        self.event.as_deref() == Some(event)
    }

    /// Whether it only carries a cursor.
    pub fn is_id_only(&self) -> bool {
        self.id.is_some() && self.event.is_none() && self.data.is_none()
    }

    /// The number in its id.
    pub fn number(&self) -> Option<u64> {
        Cursor::parse(self.id.as_deref()?).map(|cursor| cursor.number)
    }

    /// The data as JSON; null for what is none.
    pub fn json(&self) -> serde_json::Value {
        let data = self.data.as_deref().unwrap_or_default();
        serde_json::from_str(data).unwrap_or_default()
    }

    /// In a few words, for whoever reads what was seen.
    pub fn summary(&self) -> String {
        let event = self.event.as_deref().unwrap_or("-");
        let id = self.id.as_deref().unwrap_or("-");
        let data = self.data.as_deref().map_or("-".to_owned(), shown);
        format!("event={event} id={id} data={data}")
    }
}

/// Cuts a stream of bytes into frames.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    buffer: Vec<u8>,
    /// Up to here no frame ends.
    searched: usize,
}

impl Splitter {
    /// Takes bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame.
    pub fn pop(&mut self) -> Option<Frame> {
        let from = self.searched.saturating_sub(1);
        match self.buffer[from..].windows(2).position(|two| two == b"\n\n") {
            Some(at) => {
                let rest = self.buffer.split_off(from + at + 2);
                let raw = std::mem::replace(&mut self.buffer, rest);
                self.searched = 0;
                Some(Frame::parse(raw))
            }
            None => {
                self.searched = self.buffer.len();
                None
            }
        }
    }

    /// Bytes of a frame that has not ended.
    pub fn unfinished(&self) -> usize {
        self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn frames(bytes: &[u8], chunk: usize) -> Vec<Frame> {
        let mut splitter = Splitter::default();
        let mut frames = Vec::new();
        for part in bytes.chunks(chunk) {
            splitter.push(part);
            frames.extend(std::iter::from_fn(|| splitter.pop()));
        }
        frames
    }

    #[test]
    fn frames_are_the_same_however_their_bytes_come() {
        let text = "retry: 1200\n: nexus\n\nid: abcd.1\n\nevent: report\nid: abcd.2\ndata: {\"a\":\"가\"}\n\nda";
        for chunk in 1..text.len() {
            let found = frames(text.as_bytes(), chunk);
            assert_eq!(found.len(), 3);
            assert_eq!(found[0].retry, Some(1200));
            assert!(found[1].is_id_only());
            assert!(found[2].is("report") && found[2].number() == Some(2));
            assert_eq!(found[2].json()["a"], "가");
            assert!(found.iter().all(|frame| frame.fault.is_none()));
        }
    }

    #[test]
    fn what_no_conforming_server_writes_is_noted() {
        for wrong in ["data: a\ndata: b\n\n", "data: a\r\n\n", "retry: soon\n\n"] {
            assert!(frames(wrong.as_bytes(), 64)[0].fault.is_some(), "{wrong:?}");
        }
        assert!(frames(b"data: \xff\n\n", 64)[0].fault.is_some());
    }
}
