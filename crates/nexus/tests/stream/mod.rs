//! Reading a tenant's stream, once or through many lives of a server.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::World;
use crate::process::{Http, PATIENCE, SERVICE_KEY};

/// Where the log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub epoch: String,
    pub number: u64,
}

impl Log {
    /// Where the log of a server stands now.
    pub fn now(address: SocketAddr) -> Self {
        let mut stream = Sse::open(address, None).unwrap();
        loop {
            let frame = stream.frame().unwrap();
            if frame.event == "snapshot" {
                return Self::parse(&frame.id);
            }
        }
    }

    fn parse(cursor: &str) -> Self {
        let (epoch, number) = cursor.split_once('.').unwrap();
        Self { epoch: epoch.to_owned(), number: number.parse().unwrap() }
    }

    fn cursor(&self) -> String {
        format!("{}.{}", self.epoch, self.number)
    }
}

/// Reads every report after `from` up to `to`.
pub fn read_again(address: SocketAddr, from: &Log, to: &Log) -> BTreeMap<u64, Value> {
    let mut stream = Sse::open(address, Some(from)).unwrap();
    let mut reports = BTreeMap::new();
    let mut last = from.number;
    while last < to.number {
        let frame = stream.frame().unwrap();
        assert_ne!(frame.event, "snapshot", "a cursor within the log needs no snapshot");
        if frame.event == "report" {
            last = Log::parse(&frame.id).number;
            reports.insert(last, serde_json::from_str(&frame.data).unwrap());
        }
    }
    reports
}

/// A thread that reads the stream and comes back whenever it breaks.
pub struct Follower {
    reports: Arc<Mutex<BTreeMap<u64, Value>>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Follower {
    pub fn start(world: Arc<World>, from: Log) -> Self {
        let reports: Arc<Mutex<BTreeMap<u64, Value>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (kept, stopped) = (reports.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut at = from;
            while !stopped.load(Ordering::Acquire) {
                // A broken stream is what the test is about: come back where it broke.
                let _ = follow(&world, &mut at, &kept, &stopped);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self { reports, stop, thread }
    }

    /// Waits until it has read as far as `end`, and returns what it read.
    pub fn stop_at(self, end: &Log) -> BTreeMap<u64, Value> {
        let started = Instant::now();
        while self.reports.lock().unwrap().keys().next_back().is_none_or(|n| *n < end.number) {
            let late = started.elapsed() > PATIENCE || self.thread.is_finished();
            assert!(!late, "the follower did not come to {end:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        // The thread waits for a report that never comes; it ends with the server.
        self.stop.store(true, Ordering::Release);
        std::mem::take(&mut *self.reports.lock().unwrap())
    }
}

fn follow(
    world: &World,
    at: &mut Log,
    reports: &Mutex<BTreeMap<u64, Value>>,
    stop: &AtomicBool,
) -> io::Result<()> {
    let Some(address) = world.server.get() else { return Ok(()) };
    let mut stream = Sse::open(address, Some(at))?;
    while !stop.load(Ordering::Acquire) {
        let frame = stream.frame()?;
        if frame.event == "snapshot" {
            world.wrong.lock().unwrap().push(format!("at {at:?} a snapshot came: {}", frame.id));
            *at = Log::parse(&frame.id);
        }
        if frame.event == "report" {
            let now = Log::parse(&frame.id);
            let next = Log { epoch: at.epoch.clone(), number: at.number + 1 };
            if now != next {
                world.wrong.lock().unwrap().push(format!("after {at:?} came {now:?}"));
            }
            *at = now;
            let report = serde_json::from_str(&frame.data)?;
            reports.lock().unwrap().insert(at.number, report);
        }
    }
    Ok(())
}

/// What one frame says.
#[derive(Default)]
struct Frame {
    event: String,
    id: String,
    data: String,
}

/// An open stream, in chunks of HTTP/1.1.
struct Sse {
    http: Http,
    /// What came and is no whole line yet.
    rest: Vec<u8>,
}

impl Sse {
    fn open(address: SocketAddr, from: Option<&Log>) -> io::Result<Self> {
        let mut http = Http::connect(address)?;
        let last = from.map_or(String::new(), |at| format!("last-event-id: {}\r\n", at.cursor()));
        http.send("GET", "/agent/reports/stream", SERVICE_KEY, &last, None)?;
        match http.head()? {
            (200, _) => Ok(Self { http, rest: Vec::new() }),
            (status, _) => Err(io::Error::other(format!("the stream answered {status}"))),
        }
    }

    fn frame(&mut self) -> io::Result<Frame> {
        let mut frame = Frame::default();
        loop {
            let line = self.line()?;
            match line.split_once(": ") {
                _ if line.is_empty() && frame.event.is_empty() => {}
                _ if line.is_empty() => return Ok(frame),
                Some(("event", value)) => value.clone_into(&mut frame.event),
                Some(("id", value)) => value.clone_into(&mut frame.id),
                Some(("data", value)) => value.clone_into(&mut frame.data),
                _ => {}
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.chunk()?;
        }
    }

    fn chunk(&mut self) -> io::Result<()> {
        let length = usize::from_str_radix(&self.http.line()?, 16).map_err(io::Error::other)?;
        let have = self.rest.len();
        self.rest.resize(have + length, 0);
        self.http.0.read_exact(&mut self.rest[have..])?;
        self.http.line()?;
        // The last chunk is empty.
        if length == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}
