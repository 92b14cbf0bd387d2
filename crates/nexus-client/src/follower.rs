//! A stream that comes back by itself: it resumes where it was, gives every report once, notices a
//! connection that died without a word, and a hole that should not be there.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use nexus_core::cursor::Cursor;
use serde_json::Value;
use tokio::time::Instant;

use crate::api::Api;
use crate::refusal::{ApiError, chain};
use crate::sse::{Event, Parser};

/// Seconds between attempts; the last one repeats. A report or a ping starts over.
pub const BACKOFF: [u64; 6] = [1, 2, 4, 8, 16, 30];

/// Without a byte for this long the connection is dead: the server pings every 30 s.
pub const WATCHDOG: Duration = Duration::from_secs(75);

/// Longest wait that a server may ask for.
pub const LONGEST: Duration = Duration::from_secs(600);

/// Shortest wait after a server said good-bye, whatever it says.
const SHORTEST: Duration = Duration::from_millis(10);

/// Ids of reports that are remembered; a replay is never longer than a server keeps.
const REMEMBERED: usize = 4096;

/// The data of a snapshot or report.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its place in the log.
    pub cursor: Cursor,
    /// As JSON.
    pub data: Value,
    /// As it came, byte for byte.
    pub text: String,
}

/// What happens on a stream.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The whole view; whatever was known before is void.
    Snapshot(Message),
    /// The server took the cursor: what was missed follows, without a snapshot.
    Resumed,
    /// One change.
    Report(Message),
    /// The server ends the stream for this reason.
    Bye {
        /// `idle`, `rotate`, `shutdown`, …
        reason: String,
        /// Whether to come back.
        reconnect: bool,
        /// When, if so.
        wait: Duration,
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
    /// Longest wait that a server may ask for.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            backoff: BACKOFF.map(Duration::from_secs).to_vec(),
            watchdog: WATCHDOG,
            longest: LONGEST,
        }
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
    /// Attempts since the last report or ping.
    attempts: usize,
    /// When to come back.
    return_at: Option<Instant>,
    /// After which cursor the stream could not go on once already.
    stumbled: Option<String>,
    over: bool,
}

#[derive(Debug)]
struct Connection {
    response: reqwest::Response,
    parser: Parser,
    pending: VecDeque<Event>,
    /// The next bytes must have come by then.
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
            return_at: None,
            stumbled: None,
            over: false,
        }
    }

    /// The last cursor that was handed out; `None` before the first, and while the stream starts
    /// over.
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
                if let Some(at) = self.return_at {
                    tokio::time::sleep_until(at).await;
                    self.return_at = None;
                }
                if let Some(lost) = self.open().await? {
                    return Ok(Some(lost));
                }
            }
            let happening = match self.read().await {
                Ok(()) => self.placed().or_else(|| self.event()),
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
                    parser: Parser::default(),
                    pending: VecDeque::new(),
                    deadline: Instant::now() + self.patience.watchdog,
                    placed: false,
                });
                Ok(None)
            }
            // A page that stands where the server should be is gone sooner or later.
            Err(error) if error.passing() || matches!(error, ApiError::Strange(_)) => {
                let after = error.refusal().and_then(|refusal| refusal.retry_after);
                let after = after.map(|seconds| Duration::from_secs(seconds.max(1)));
                let mut lost = self.lose(error.to_string(), after);
                if let Happening::Lost { error: place, .. } = &mut lost {
                    *place = Some(Box::new(error));
                }
                Ok(Some(lost))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads on if there is nothing left of what was read.
    async fn read(&mut self) -> Result<(), String> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        if connection.pending.is_empty() {
            // `chunk` loses nothing when it is dropped half-way.
            let chunk = tokio::time::timeout_at(connection.deadline, connection.response.chunk());
            let bytes = match chunk.await {
                Err(_) => return Err("the stream fell silent".into()),
                Ok(Err(error)) => return Err(chain(&error)),
                Ok(Ok(None)) => return Err("the stream ended without a word".into()),
                Ok(Ok(Some(bytes))) => bytes,
            };
            connection.deadline = Instant::now() + self.patience.watchdog;
            let events = connection.parser.push(&bytes).map_err(|error| error.to_string())?;
            connection.pending.extend(events);
        }
        Ok(())
    }

    /// On resume the first frame carries the accepted cursor and nothing else.
    fn placed(&mut self) -> Option<Happening> {
        let connection = self.connection.as_mut()?;
        let accepted = !connection.placed
            && self.cursor.as_deref().is_some_and(|cursor| cursor == connection.parser.first_id());
        if !accepted {
            return None;
        }
        connection.placed = true;
        Some(Happening::Resumed)
    }

    fn event(&mut self) -> Option<Happening> {
        let event = self.connection.as_mut()?.pending.pop_front()?;
        if !matches!(event.name.as_str(), "snapshot" | "report" | "ping" | "bye") {
            // A later server may say more.
            return None;
        }
        let data: Value = match serde_json::from_str(&event.data) {
            Ok(data) => data,
            Err(_) => return Some(self.stumble(&format!("a {} that is not JSON", event.name))),
        };
        match event.name.as_str() {
            "ping" => self.ping(&data),
            "bye" => Some(self.bye(&data)),
            name => {
                let cursor = data.get("cursor").and_then(Value::as_str).unwrap_or(&event.id);
                let Some(cursor) = Cursor::parse(cursor) else {
                    return Some(self.stumble(&format!("a {name} without a cursor")));
                };
                let message = Message { cursor, data, text: event.data };
                if name == "report" {
                    return self.report(message);
                }
                self.forget();
                self.place(&message.cursor);
                Some(Happening::Snapshot(message))
            }
        }
    }

    fn report(&mut self, report: Message) -> Option<Happening> {
        let next = &report.cursor;
        let Some(last) = self.cursor.as_deref().and_then(Cursor::parse) else {
            return Some(self.restart("a report came before a snapshot"));
        };
        if last.epoch != next.epoch {
            // Another life of the log without a snapshot: nothing known holds any more.
            return Some(self.restart("the stream changed its epoch"));
        }
        if next.number <= last.number {
            return None;
        }
        if next.number > last.number + 1 {
            return Some(self.stumble("reports are missing"));
        }
        self.attempts = 0;
        self.place(next);
        let report_id = report.data.get("report_id").and_then(Value::as_str).map(str::to_owned);
        let report_id = report_id.unwrap_or_else(|| next.to_string());
        if !self.seen.insert(report_id.clone()) {
            return None;
        }
        self.order.push_back(report_id);
        if self.order.len() > REMEMBERED
            && let Some(old) = self.order.pop_front()
        {
            self.seen.remove(&old);
        }
        Some(Happening::Report(report))
    }

    /// A ping names the head, which proves that nothing is missing.
    fn ping(&mut self, data: &Value) -> Option<Happening> {
        let head = data.get("cursor").and_then(Value::as_str).and_then(Cursor::parse);
        let last = self.cursor.as_deref().and_then(Cursor::parse);
        if let (Some(head), Some(last)) = (head, last)
            && (head.epoch != last.epoch || head.number > last.number)
        {
            return Some(self.stumble("reports are missing"));
        }
        self.attempts = 0;
        None
    }

    /// An announced end is no failed attempt, and the server chose a moment for this client, so that
    /// not all come back at once.
    fn bye(&mut self, data: &Value) -> Happening {
        let reason = data.get("reason").and_then(Value::as_str).unwrap_or("unknown").to_owned();
        let reconnect = data
            .get("reconnect")
            .and_then(Value::as_bool)
            .unwrap_or(!matches!(reason.as_str(), "superseded" | "auth_expired"));
        self.over = !reconnect;
        let retry = self.connection.take().and_then(|connection| connection.parser.retry());
        let asked = data.get("retry_ms").and_then(Value::as_u64).map(Duration::from_millis);
        let first = self.patience.backoff.first().copied();
        let wait = asked.or(retry).or(first).unwrap_or_default();
        let wait = wait.max(SHORTEST).min(self.patience.longest);
        self.return_at = Some(Instant::now() + wait);
        Happening::Bye { reason, reconnect, wait }
    }

    /// What came cannot follow what was handed out. The first time it is asked for again; if the
    /// server cannot give it, only a snapshot tells the truth.
    fn stumble(&mut self, why: &str) -> Happening {
        if self.cursor.is_none() {
            return self.restart(why);
        }
        if self.stumbled == self.cursor {
            return self.restart(&format!("{why} again"));
        }
        self.stumbled.clone_from(&self.cursor);
        self.lose(why.into(), Some(Duration::ZERO))
    }

    /// Ends the connection and forgets everything: what comes next begins with a snapshot. It waits
    /// as after any loss, because a server that is never right must not be asked in a circle.
    pub fn restart(&mut self, why: &str) -> Happening {
        self.forget();
        self.lose(why.into(), None)
    }

    fn forget(&mut self) {
        self.cursor = None;
        self.stumbled = None;
        self.seen.clear();
        self.order.clear();
    }

    fn place(&mut self, cursor: &Cursor) {
        if let Some(connection) = &mut self.connection {
            connection.placed = true;
        }
        self.cursor = Some(cursor.to_string());
    }

    fn lose(&mut self, why: String, wait: Option<Duration>) -> Happening {
        let retry = self.connection.take().and_then(|connection| connection.parser.retry());
        let wait = wait.unwrap_or_else(|| match retry {
            // The first time back the server's own choice spreads the herd.
            Some(retry) if self.attempts == 0 => {
                self.attempts = 1;
                retry
            }
            _ => self.delay(),
        });
        let wait = wait.min(self.patience.longest);
        self.return_at = Some(Instant::now() + wait);
        Happening::Lost { why, wait, error: None }
    }

    fn delay(&mut self) -> Duration {
        let steps = &self.patience.backoff;
        let step = steps.get(self.attempts).or(steps.last()).copied().unwrap_or_default();
        self.attempts += 1;
        step
    }
}
