//! A stream that comes back by itself: it resumes where it was, gives every report once, notices a
//! connection that died without a word, and a hole that should not be there.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use nexus_core::cursor::Cursor;
use serde_json::Value;
use tokio::time::Instant;

use super::api::{Api, ApiError};
use super::sse::{Event, Parser};

/// Waits between attempts; the last one repeats.
pub const BACKOFF: [u64; 6] = [1, 2, 4, 8, 16, 30];

/// Without an event for this long the connection is dead: the server pings every 30 s.
pub const WATCHDOG: Duration = Duration::from_secs(75);

/// Longest wait that a server may ask for.
const LONGEST: Duration = Duration::from_secs(120);

/// Ids of reports that are remembered; a replay is never longer than a server keeps.
const REMEMBERED: usize = 4096;

/// What happens on a stream.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The whole view; whatever was known before is void.
    Snapshot(Value),
    /// The server took the cursor: what was missed follows, without a snapshot.
    Resumed,
    /// One change.
    Report(Value),
    /// The server ends the stream for this reason.
    Bye {
        /// `idle`, `rotate`, `shutdown`, …
        reason: String,
        /// Whether to come back.
        reconnect: bool,
    },
    /// The connection is gone; the next one is tried after the wait.
    Lost {
        /// Why.
        why: String,
        /// How long until the next attempt.
        wait: Duration,
        /// What the server answered instead of a stream, if it did not open.
        error: Option<Box<ApiError>>,
    },
}

/// How patient a stream is; tests are less so.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Waits between attempts.
    pub backoff: Vec<Duration>,
    /// Longest silence.
    pub watchdog: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { backoff: BACKOFF.map(Duration::from_secs).to_vec(), watchdog: WATCHDOG }
    }
}

/// A stream that is followed.
#[derive(Debug)]
pub struct Follower {
    api: Api,
    patience: Patience,
    connection: Option<Connection>,
    /// The last cursor whose report was handed out, or where to begin.
    cursor: Option<String>,
    seen: HashSet<String>,
    order: VecDeque<String>,
    /// Attempts since the last event.
    attempts: usize,
    wait: Option<Duration>,
    /// Where a hole was found once already.
    hole: Option<String>,
    over: bool,
}

#[derive(Debug)]
struct Connection {
    response: reqwest::Response,
    parser: Parser,
    pending: VecDeque<Event>,
    /// The next event must have come by then.
    deadline: Instant,
    /// Whether the server has said where this connection begins.
    placed: bool,
}

impl Follower {
    /// A stream from a cursor, or from a snapshot of now.
    pub fn new(api: Api, since: Option<String>, patience: Patience) -> Self {
        Self {
            api,
            patience,
            connection: None,
            cursor: since.filter(|cursor| !cursor.is_empty()),
            seen: HashSet::new(),
            order: VecDeque::new(),
            attempts: 0,
            wait: None,
            hole: None,
            over: false,
        }
    }

    /// The last cursor that was handed out.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// What happens next; `None` after a `bye` that says not to come back. An error is final: the
    /// server refuses, and asking again would not help. May be dropped and called again.
    pub async fn next(&mut self) -> Result<Option<Happening>, ApiError> {
        loop {
            if self.over {
                return Ok(None);
            }
            if self.connection.is_none() {
                if let Some(wait) = self.wait {
                    tokio::time::sleep(wait).await;
                    self.wait = None;
                }
                if let Some(lost) = self.open().await? {
                    return Ok(Some(lost));
                }
            }
            let happening = match self.event().await {
                Ok(Some(event)) => self.take(event),
                Ok(None) => self.placed(),
                Err(why) => Some(self.lose(why, None)),
            };
            if happening.is_some() {
                return Ok(happening);
            }
        }
    }

    async fn open(&mut self) -> Result<Option<Happening>, ApiError> {
        match self.api.open_stream(self.cursor.as_deref()).await {
            Ok(response) => {
                self.connection = Some(Connection {
                    response,
                    parser: Parser::new(""),
                    pending: VecDeque::new(),
                    deadline: Instant::now() + self.patience.watchdog,
                    placed: false,
                });
                Ok(None)
            }
            Err(error) if error.passing() => {
                let after = error.refusal().and_then(|refusal| refusal.retry_after);
                let after = after.map(|seconds| Duration::from_secs(seconds.max(1)).min(LONGEST));
                let mut lost = self.lose(error.to_string(), after);
                if let Happening::Lost { error: place, .. } = &mut lost {
                    *place = Some(Box::new(error));
                }
                Ok(Some(lost))
            }
            Err(error) => Err(error),
        }
    }

    /// The next event of the connection; `None` when bytes came that ended none.
    async fn event(&mut self) -> Result<Option<Event>, String> {
        let Some(connection) = &mut self.connection else { return Ok(None) };
        if connection.pending.is_empty() {
            // `chunk` loses nothing when it is dropped half-way.
            let chunk = tokio::time::timeout_at(connection.deadline, connection.response.chunk());
            let bytes = match chunk.await {
                Err(_) => return Err("the stream fell silent".into()),
                Ok(Err(error)) => return Err(super::api::chain(&error)),
                Ok(Ok(None)) => return Err("the stream ended without a word".into()),
                Ok(Ok(Some(bytes))) => bytes,
            };
            let events = connection.parser.push(&bytes).map_err(|error| error.to_string())?;
            connection.pending.extend(events);
        }
        let event = connection.pending.pop_front();
        if event.is_some() {
            connection.deadline = Instant::now() + self.patience.watchdog;
            self.attempts = 0;
        }
        Ok(event)
    }

    /// On resume the first frame carries the accepted cursor and nothing else.
    fn placed(&mut self) -> Option<Happening> {
        let connection = self.connection.as_mut()?;
        let accepted = !connection.placed
            && self.cursor.as_deref().is_some_and(|cursor| cursor == connection.parser.last_id());
        if !accepted {
            return None;
        }
        connection.placed = true;
        self.attempts = 0;
        Some(Happening::Resumed)
    }

    fn take(&mut self, event: Event) -> Option<Happening> {
        let data: Value = match serde_json::from_str(&event.data) {
            Ok(data) => data,
            Err(_) => return Some(self.lose(format!("a {} that is not JSON", event.name), None)),
        };
        match event.name.as_str() {
            "snapshot" => {
                self.forget();
                self.place(&event.id);
                Some(Happening::Snapshot(data))
            }
            "report" => self.report(&event.id, data),
            "ping" => self.ping(&data),
            "bye" => Some(self.bye(&data)),
            // A later server may say more.
            _ => None,
        }
    }

    fn report(&mut self, id: &str, data: Value) -> Option<Happening> {
        let last = self.cursor.as_deref().and_then(Cursor::parse);
        if let (Some(last), Some(next)) = (last, Cursor::parse(id)) {
            if last.epoch != next.epoch {
                // Another life of the log without a snapshot: nothing known holds any more.
                return Some(self.restart("the stream changed its epoch"));
            }
            if next.number <= last.number {
                return None;
            }
            if next.number > last.number + 1 {
                return Some(self.gap());
            }
        }
        let report_id = data.get("report_id").and_then(Value::as_str).unwrap_or(id).to_owned();
        self.place(id);
        if !self.seen.insert(report_id.clone()) {
            return None;
        }
        self.order.push_back(report_id);
        if self.order.len() > REMEMBERED
            && let Some(old) = self.order.pop_front()
        {
            self.seen.remove(&old);
        }
        Some(Happening::Report(data))
    }

    /// A ping names the head, which proves that nothing is missing.
    fn ping(&mut self, data: &Value) -> Option<Happening> {
        let head = data.get("cursor").or_else(|| data.get("head")).and_then(Value::as_str);
        let head = head.and_then(Cursor::parse)?;
        let last = self.cursor.as_deref().and_then(Cursor::parse)?;
        let behind = head.epoch == last.epoch && head.number > last.number;
        behind.then(|| self.gap())
    }

    fn bye(&mut self, data: &Value) -> Happening {
        let reason = data.get("reason").and_then(Value::as_str).unwrap_or("unknown").to_owned();
        let reconnect = data
            .get("reconnect")
            .and_then(Value::as_bool)
            .unwrap_or(!matches!(reason.as_str(), "superseded" | "auth_expired"));
        self.over = !reconnect;
        let retry = self.connection.take().and_then(|connection| connection.parser.retry());
        // The server chose a moment for this client, so that not all come back at once.
        self.wait = Some(retry.map_or_else(|| self.delay(), |retry| retry.min(LONGEST)));
        Happening::Bye { reason, reconnect }
    }

    /// Reports are missing. The first time they are asked for again; if the server cannot give them,
    /// only a snapshot tells the truth.
    fn gap(&mut self) -> Happening {
        if self.hole.is_some() && self.hole == self.cursor {
            return self.restart("reports are missing again");
        }
        self.hole.clone_from(&self.cursor);
        self.lose("reports are missing".into(), Some(Duration::ZERO))
    }

    fn restart(&mut self, why: &str) -> Happening {
        self.forget();
        // Waits like after any loss: a server that is never right must not be asked in a circle.
        self.lose(why.into(), None)
    }

    fn forget(&mut self) {
        self.cursor = None;
        self.hole = None;
        self.seen.clear();
        self.order.clear();
    }

    fn place(&mut self, id: &str) {
        if let Some(connection) = &mut self.connection {
            connection.placed = true;
        }
        if !id.is_empty() {
            self.cursor = Some(id.to_owned());
        }
    }

    fn lose(&mut self, why: String, wait: Option<Duration>) -> Happening {
        let retry = self.connection.take().and_then(|connection| connection.parser.retry());
        let wait = wait.unwrap_or_else(|| match retry {
            // The first time back the server's own choice spreads the herd.
            Some(retry) if self.attempts == 0 => {
                self.attempts = 1;
                retry.min(LONGEST)
            }
            _ => self.delay(),
        });
        self.wait = Some(wait);
        Happening::Lost { why, wait, error: None }
    }

    fn delay(&mut self) -> Duration {
        let steps = &self.patience.backoff;
        let step = steps.get(self.attempts).or(steps.last()).copied().unwrap_or_default();
        self.attempts += 1;
        step
    }
}
