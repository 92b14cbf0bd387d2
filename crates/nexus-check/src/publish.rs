//! Makes reports: GREEN commands that act on nothing but the tenant's own queue of videos.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use serde_json::{Value, json};

use crate::client::{Answer, Client, Opening};
use crate::dial::Connection;
use crate::outcome::{Stop, fails};
use crate::random::Random;
use crate::stopwatch::Stopwatch;
use crate::text::{both, plain};

/// The commands that are sent; all of them are GREEN by themselves.
pub(crate) const ADD: &str = "youtube.queue.add";
const CLEAR: &str = "youtube.queue.clear";
const LIST: &str = "youtube.queue.list";

/// How often a request is made again that was refused for a while.
const TRIES: u32 = 10;

/// Between two looks at a task.
const PAUSE: Duration = Duration::from_millis(20);

/// Titles that a careless encoder breaks a stream with.
const TITLES: [&str; 8] = [
    "one\nline\r\nand\ranother",
    "a\u{2028}b\u{2029}c\u{85}d",
    "\"quoted\" \\ and \\\" and \\n",
    "한국어 제목, 끝까지 그대로",
    "👩‍👩‍👧‍👦 🏳️‍🌈 \u{1f1f0}\u{1f1f7}",
    "data: x\n\nevent: report\nid: zzzz.1",
    "\u{feff}\u{202e}txt.exe\u{0}\u{1b}[2J",
    "</script><!-- &amp; %0A %00 ${x} {{y}}",
];

/// One who sends commands, over a connection that is kept.
pub(crate) struct Publisher {
    client: Client,
    connection: Option<Connection>,
    random: Random,
    sent: u64,
}

/// A command that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub task_id: String,
    /// Whether its title is one of those that break careless encoders.
    pub titled: bool,
}

impl Publisher {
    pub fn new(client: Client, random: Random) -> Self {
        Self { client, connection: None, random, sent: 0 }
    }

    /// Sends the next command: mostly additions, and now and then the queue is emptied.
    pub async fn next(&mut self) -> Result<Sent, Stop> {
        self.sent += 1;
        match self.sent % 4 {
            0 => self.clear().await,
            2 => self.command(LIST, json!({})).await,
            _ => {
                let title = TITLES[self.random.below(TITLES.len() as u64) as usize];
                self.add(title).await
            }
        }
    }

    /// Adds a video.
    pub async fn add(&mut self, title: &str) -> Result<Sent, Stop> {
        let video_id = self.random.word(11);
        let sent = self.command(ADD, json!({"video_id": video_id, "title": title})).await?;
        Ok(Sent { titled: true, ..sent })
    }

    /// Empties the queue.
    pub async fn clear(&mut self) -> Result<Sent, Stop> {
        self.command(CLEAR, json!({})).await
    }

    async fn command(&mut self, command_type: &str, params: Value) -> Result<Sent, Stop> {
        let body = json!({"command_type": command_type, "params": params}).to_string();
        let key = format!("check-{:x}-{}", self.client.run(), self.random.word(24));
        let answer = self.call(Method::POST, "/sidecar/command", body, Some(&key)).await?;
        let task_id = answer.json().get("task_id").and_then(Value::as_str).map(str::to_owned);
        match task_id {
            Some(task_id) if answer.status == 202 => {
                self.client.accepted();
                Ok(Sent { task_id, titled: false })
            }
            _ => Err(fails(
                both!("202 to {command_type}", "{command_type}에 202"),
                plain(answer.summary()),
            )),
        }
    }

    /// A task as `GET /tasks/{id}` has it.
    pub async fn task(&mut self, task_id: &str) -> Result<Value, Stop> {
        let path = format!("/tasks/{task_id}");
        let answer = self.call(Method::GET, &path, String::new(), None).await?;
        if answer.status != 200 {
            return Err(fails(both!("200 to {path}", "{path}에 200"), plain(answer.summary())));
        }
        Ok(answer.json())
    }

    /// Waits until a task is over, so that nothing more comes of it.
    pub async fn until_over(&mut self, sent: &Sent) -> Result<(), Stop> {
        let watch = Stopwatch::start();
        while self.task(&sent.task_id).await?["finished_at"].is_null() {
            if watch.read() > self.client.patience() {
                let id = &sent.task_id;
                let expected = both!("the end of {id}", "{id}의 끝");
                return Err(fails(expected, both!("it goes on", "계속됨")));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// The catalogue's entry of what is sent; where it is not GREEN nothing can be sent.
    pub async fn rating(&mut self) -> Result<Option<String>, Stop> {
        let answer = self.call(Method::GET, "/commands/types", String::new(), None).await?;
        if answer.status != 200 {
            let expected = both!("200 to GET /commands/types", "GET /commands/types에 200");
            return Err(fails(expected, plain(answer.summary())));
        }
        let types = answer.json();
        let items = types.get("items").and_then(Value::as_array);
        let found = items.into_iter().flatten().find(|item| item["command_type"] == ADD);
        Ok(found.map(|item| item["risk"].as_str().unwrap_or("?").to_owned()))
    }

    /// A request whose repetition has one effect; what is refused for a while is sent again.
    async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: String,
        key: Option<&str>,
    ) -> Result<Answer, Stop> {
        let mut tries = 0;
        loop {
            tries += 1;
            let opening = Opening::default();
            let body = Bytes::from(body.clone());
            let mut request = self.client.request(method.clone(), path, body, &opening, false)?;
            let headers = request.headers_mut();
            if let Some(key) = key.and_then(|key| HeaderValue::from_str(key).ok()) {
                headers.insert("idempotency-key", key);
                let json = HeaderValue::from_static("application/json");
                headers.insert(header::CONTENT_TYPE, json);
            }
            match self.send(request).await {
                Ok(answer) if matches!(answer.status.as_u16(), 429 | 503) && tries < TRIES => {
                    let seconds = answer.retry_after().unwrap_or(1).clamp(1, 60);
                    let status = answer.status;
                    self.client.note(&both!(
                        "{status} to a command; waiting {seconds} s",
                        "명령에 {status}. {seconds}초 대기"
                    ));
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                }
                // A kept connection may have been closed meanwhile.
                Err(_) if tries < 3 => self.connection = None,
                answered => return answered,
            }
        }
    }

    async fn send(
        &mut self,
        request: http::Request<http_body_util::Full<Bytes>>,
    ) -> Result<Answer, Stop> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.client.connect().await?,
        };
        let answered = self.client.answer_on(&mut connection, request).await?;
        self.connection = Some(connection);
        Ok(answered)
    }
}
