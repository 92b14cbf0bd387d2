//! A server of a few lines: it answers what a test says, streams what a test says, and remembers
//! what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: Value,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What happens on a stream.
pub enum Step {
    /// Bytes leave.
    Send(String),
    /// Nothing more until somebody asked this (`POST /…`).
    After(&'static str),
    /// Silence.
    Silence(u64),
}

/// An answer.
pub enum Reply {
    Json(u16, Value),
    Stream(Vec<Step>),
    /// The connection ends without a word.
    Drop,
}

pub struct Fake {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Answers that panicked: what the test expected of a request did not hold.
    faults: Arc<std::sync::atomic::AtomicUsize>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        let faults = self.faults.load(std::sync::atomic::Ordering::SeqCst);
        assert!(std::thread::panicking() || faults == 0, "an answer panicked, see above");
    }
}

impl Fake {
    /// Answers each request by a function of it and of how often the same line was asked before.
    pub fn new(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let faults = Arc::<std::sync::atomic::AtomicUsize>::default();
        let (seen, answer, counted) = (asked.clone(), Arc::new(answer), faults.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (seen, answer, faults) = (seen.clone(), answer.clone(), counted.clone());
                std::thread::spawn(move || {
                    let work = || serve(connection.unwrap(), &seen, &*answer);
                    // A client that goes away in the middle is part of the tests, a panic is not.
                    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
                        faults.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
        Self { url, asked, faults }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

fn serve(
    stream: TcpStream,
    seen: &Mutex<Vec<Asked>>,
    answer: &(dyn Fn(&Asked, usize) -> Reply + Send + Sync),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split_whitespace();
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(()) };
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut asked = Asked { method: method.into(), path: path.into(), headers, body: Value::Null };
    let length = asked.header("content-length").parse().unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    asked.body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let before = {
        let mut seen = seen.lock().unwrap();
        let before = seen.iter().filter(|old| old.line() == asked.line()).count();
        seen.push(asked.clone());
        before
    };

    let mut out = stream;
    match answer(&asked, before) {
        Reply::Drop => {}
        Reply::Json(status, value) => {
            let kind = if status < 400 { "application/json" } else { "application/problem+json" };
            let body = if value.is_null() { String::new() } else { value.to_string() };
            write!(
                out,
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )?;
        }
        Reply::Stream(steps) => {
            write!(
                out,
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
            )?;
            for step in steps {
                match step {
                    Step::Send(text) => out.write_all(text.as_bytes())?,
                    Step::Silence(millis) => std::thread::sleep(Duration::from_millis(millis)),
                    Step::After(line) => {
                        let patience = Instant::now() + Duration::from_secs(5);
                        while !seen.lock().unwrap().iter().any(|asked| asked.line() == line) {
                            assert!(Instant::now() < patience, "nobody asked {line}");
                            std::thread::sleep(Duration::from_millis(2));
                        }
                    }
                }
            }
        }
    }
    out.flush()
}

/// A snapshot of nothing at this number.
pub fn snapshot(number: u64) -> Step {
    let data = json!({
        "cursor": format!("aaaa.{number}"), "reason": "initial", "tenant": "default:default",
        "view": {"tasks": {}, "asks": {}},
    });
    Step::Send(format!("retry: 10\nevent: snapshot\nid: aaaa.{number}\ndata: {data}\n\n"))
}

/// A report of one change.
pub fn report(number: u64, collection: &str, id: &str, value: Value) -> Step {
    let data = json!({
        "report_id": format!("rpt_{number}"), "cursor": format!("aaaa.{number}"),
        "at": "2026-11-21T05:04:03.123Z", "correlation_id": "cor_1", "kind": "task", "meta": {},
        "changes": [{"op": "upsert", "collection": collection, "id": id, "value": value}],
    });
    Step::Send(format!("event: report\nid: aaaa.{number}\ndata: {data}\n\n"))
}

/// A worklog line of a task.
pub fn line(number: u64, text: &str) -> Step {
    let id = format!("wlg_{number}");
    report(
        number,
        "worklog",
        &id,
        json!({"text": text, "level": "info", "agent": "files", "task_id": "tsk_1"}),
    )
}

/// A new status of the task.
pub fn status(number: u64, status: &str) -> Step {
    report(
        number,
        "tasks",
        "tsk_1",
        json!({"command_type": "file.read", "status": status, "risk": "GREEN", "attempt": 1}),
    )
}

/// The server says good-bye.
pub fn bye(reason: &str, reconnect: bool) -> Step {
    let data = json!({"reason": reason, "reconnect": reconnect});
    Step::Send(format!("event: bye\ndata: {data}\n\n"))
}

/// The task as `GET /tasks/tsk_1` has it.
pub fn task(status: &str) -> Value {
    json!({
        "task_id": "tsk_1", "command_type": "file.read", "status": status, "risk": "GREEN",
        "correlation_id": "cor_1", "params": {"path": "a"}, "result": {"text": "hi\u{202e}"},
        "attempts": [{"attempt": 1, "agent": "files", "started_at": "2026-11-21T05:04:03.000Z", "outcome": status}],
    })
}
