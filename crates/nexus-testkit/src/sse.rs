//! A strict reader of server-sent events.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

use crate::world::PATIENCE;

/// One event, or one frame that only sets the id.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// `snapshot`, `report`, `ping`, `bye`; empty for a frame without an event.
    pub event: String,
    /// The `id` line, if there was one.
    pub id: Option<String>,
    /// The data as JSON; `Null` without data.
    pub data: Value,
    /// The `retry` line, if there was one.
    pub retry: Option<u64>,
}

/// An open stream.
pub struct Stream {
    response: Response,
    buffer: Vec<u8>,
    /// The head of the answer, for tests of its headers.
    pub headers: reqwest::header::HeaderMap,
}

impl Stream {
    pub(crate) fn new(response: Response) -> Self {
        let headers = response.headers().clone();
        assert_eq!(headers["content-type"], "text/event-stream");
        Self { response, buffer: Vec::new(), headers }
    }

    /// The next frame with an event, an id or data; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\n\n") {
                let frame: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let event = parse(std::str::from_utf8(&frame[..end]).expect("frames are UTF-8"));
                if event.event.is_empty() && event.id.is_none() {
                    continue;
                }
                return Some(event);
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.buffer.extend_from_slice(&bytes),
                Ok(None) | Err(_) => {
                    assert!(self.buffer.is_empty(), "a stream ends between two frames");
                    return None;
                }
            }
        }
    }

    /// The next event, which must come.
    pub async fn expect(&mut self, name: &str) -> Event {
        let event = self.soon().await.unwrap_or_else(|| panic!("the stream ended before {name}"));
        assert_eq!(event.event, name, "{event:?}");
        event
    }

    /// The next frame, which must come, or the end.
    pub async fn soon(&mut self) -> Option<Event> {
        let waited = tokio::time::timeout(PATIENCE, self.next()).await;
        waited.unwrap_or_else(|_| panic!("nothing came on the stream"))
    }

    /// Everything up to the end, which must come.
    pub async fn rest(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.soon().await {
            events.push(event);
        }
        events
    }

    /// Reads on until an event of that name; what came before it is returned too.
    pub async fn until(&mut self, name: &str) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.soon().await.unwrap_or_else(|| panic!("ended before {name}"));
            let found = event.event == name;
            events.push(event);
            if found {
                return events;
            }
        }
    }

    /// Whether nothing comes for a moment. For what must not happen there is no event to wait for.
    pub async fn is_silent(&mut self, moment: Duration) -> bool {
        tokio::time::timeout(moment, self.next()).await.is_err()
    }
}

fn parse(frame: &str) -> Event {
    let mut event = Event { event: String::new(), id: None, data: Value::Null, retry: None };
    for line in frame.split('\n') {
        assert!(!line.contains('\r') && !line.contains('\0'), "{line:?}");
        match line.split_once(':') {
            Some(("", _)) => {}
            Some(("event", value)) => event.event = value.trim_start().to_owned(),
            Some(("id", value)) => event.id = Some(value.trim_start().to_owned()),
            Some(("retry", value)) => event.retry = Some(value.trim().parse().unwrap()),
            Some(("data", value)) => {
                assert!(event.data.is_null(), "data is one line");
                event.data = serde_json::from_str(value).expect("data is JSON");
            }
            _ => panic!("a frame has the line {line:?}"),
        }
    }
    event
}
