//! A server of a few lines: it answers each request as the test says, to the byte.

use std::sync::{Arc, Mutex};

use nexus_client::{Api, Credential};
use nexus_core::tenant::Tenant;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How a request is answered.
pub enum Answer {
    /// These bytes of a stream, then the connection breaks.
    Cut(Vec<u8>),
    /// These bytes of a stream, then silence.
    Open(Vec<u8>),
    /// Something else than a stream: the head after `HTTP/1.1 `, and the body.
    Other(&'static str, &'static str),
}

/// The server, and the `Last-Event-ID` of each request so far.
pub struct Peer {
    pub url: String,
    asked: Arc<Mutex<Vec<Option<String>>>>,
}

impl Peer {
    /// Answers by a function of the cursor that was sent and of how many requests came before.
    pub async fn new(
        answer: impl Fn(Option<&str>, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Option<String>>>>::default();
        let (seen, answer) = (asked.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, seen.clone(), answer.clone()));
            }
        });
        Self { url, asked }
    }

    /// Answers the first request by the first, and so on; nobody may come more often than that.
    pub async fn plays(answers: Vec<Answer>) -> Self {
        let answers = Mutex::new(answers.into_iter().map(Some).collect::<Vec<_>>());
        Self::new(move |_, before| {
            let next = answers.lock().unwrap().get_mut(before).and_then(Option::take);
            next.unwrap_or(Answer::Other("418 no more was expected", "{}"))
        })
        .await
    }

    pub fn asked(&self) -> Vec<Option<String>> {
        self.asked.lock().unwrap().clone()
    }

    pub fn api(&self) -> Api {
        let tenant = Tenant::new("o", "p").unwrap();
        Api::new(&self.url, &tenant, &Credential::Key("a-key".into())).unwrap()
    }
}

async fn serve(
    mut socket: TcpStream,
    seen: Arc<Mutex<Vec<Option<String>>>>,
    answer: Arc<impl Fn(Option<&str>, usize) -> Answer>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = socket.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(head.starts_with("get /agent/reports/stream "), "{head}");
    for header in ["x-api-key: a-key", "x-org-id: o", "x-project-id: p"] {
        assert!(head.contains(header), "{header} is missing in {head}");
    }
    let sent = head.lines().find_map(|line| line.strip_prefix("last-event-id: "));
    let before = {
        let mut seen = seen.lock().unwrap();
        seen.push(sent.map(str::to_owned));
        seen.len() - 1
    };
    let ok = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_owned();
    let (bytes, open) = match answer(sent, before) {
        Answer::Cut(bytes) => ([ok.into_bytes(), bytes].concat(), false),
        Answer::Open(bytes) => ([ok.into_bytes(), bytes].concat(), true),
        Answer::Other(head, body) => {
            let length = body.len();
            let text = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}");
            (text.into_bytes(), false)
        }
    };
    let _ = socket.write_all(&bytes).await;
    if open {
        // Until the client goes.
        let _ = socket.read_u8().await;
    }
}

/// The view at a number: every task up to it, of which the newest four are kept.
pub fn tasks(number: u64) -> Value {
    let first = number.saturating_sub(3).max(1);
    (first..=number).map(|n| (format!("t{n}"), json!({"seq": n, "done": true}))).collect()
}

/// A snapshot of the log `aaaa` at a number.
pub fn snapshot(number: u64) -> String {
    snapshot_of("aaaa", number)
}

pub fn snapshot_of(epoch: &str, number: u64) -> String {
    let cursor = format!("{epoch}.{number}");
    let keep = json!({"worklog": 4, "tasks": 4, "asks": 4, "autopilot": 4, "alerts": 4});
    let view = json!({"tasks": tasks(number)});
    let data = json!({"cursor": cursor, "reason": "initial", "keep": keep, "view": view});
    format!("event: snapshot\nid: {cursor}\ndata: {data}\n\n")
}

/// The report of that number, which brings one task.
pub fn report(number: u64) -> String {
    report_of("aaaa", number, &format!("rpt_{number}"))
}

pub fn report_of(epoch: &str, number: u64, report_id: &str) -> String {
    let value = json!({"seq": number, "done": true});
    let change =
        json!({"op": "upsert", "collection": "tasks", "id": format!("t{number}"), "value": value});
    let cursor = format!("{epoch}.{number}");
    let data = json!({"report_id": report_id, "cursor": cursor, "changes": [change]});
    format!("event: report\nid: {cursor}\ndata: {data}\n\n")
}

pub fn ping(cursor: &str) -> String {
    format!("event: ping\ndata: {}\n\n", json!({"cursor": cursor}))
}

pub fn bye(reason: &str, reconnect: bool) -> String {
    let data = json!({"reason": reason, "reconnect": reconnect, "retry_ms": 2345});
    format!("event: bye\ndata: {data}\n\n")
}

/// The frame that says that a cursor was taken.
pub fn accepted(cursor: &str) -> String {
    format!("id: {cursor}\n\n")
}
