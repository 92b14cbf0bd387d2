//! A real server in this process, and the real binary as somebody at a terminal runs it.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod sample;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nexus::Running;
use nexus_kit::clock::Clock;
use nexus_kit::entropy::Entropy;
use nexus_kit::settings::load::{Inputs, load};
use nexus_testdb::TestDatabase;
use serde_json::Value;
use tempfile::TempDir;

/// Longest that anything here may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What programs sign in with.
pub const SERVICE: &str = "service-key-of-the-tests-0123456789";
/// What the platform admin signs in with.
pub const ADMIN: &str = "admin-key-of-the-tests-0123456789";

/// A server on a directory of its own.
pub struct Server {
    running: Option<Running>,
    pub url: String,
    pub home: TempDir,
    settings: Vec<(String, String)>,
    /// On Postgres; the `.env` of the directory names it.
    _database: Option<TestDatabase>,
}

impl Server {
    /// Starts one with these settings.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let home = tempfile::tempdir().unwrap();
        let database = TestDatabase::of_engine();
        if let Some(database) = &database {
            let env = format!("DATABASE_URL={}\n", database.url());
            std::fs::write(home.path().join(".env"), env).unwrap();
        }
        let mut server =
            Self { running: None, url: String::new(), home, settings, _database: database };
        server.run("127.0.0.1:0").await;
        server
    }

    async fn run(&mut self, bind: &str) {
        let mut env = vec![
            ("NEXUS_BIND".into(), bind.into()),
            ("NEXUS_API_KEY".into(), SERVICE.into()),
            ("ADMIN_API_KEY".into(), ADMIN.into()),
        ];
        env.extend(self.settings.iter().map(|(name, value)| (name.into(), value.into())));
        let inputs = Inputs { env, dir: self.home.path().to_owned(), config: None };
        let mut settings = load(&inputs).unwrap().settings;
        settings.store.data_dir = self.home.path().join("data");
        let running = nexus::start(settings, Clock::system(), Entropy::system(), vec![]);
        let running = running.await.unwrap();
        self.url = format!("http://{}", running.address);
        self.running = Some(running);
    }

    /// Stops it as SIGTERM does.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Starts it again where it was.
    pub async fn start_again(&mut self) {
        let bind = self.url.strip_prefix("http://").unwrap().to_owned();
        self.run(&bind).await;
    }

    /// Somebody types `nexus …` at a terminal of their own.
    pub fn types(&self, line: &[&str]) -> Terminal {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nexus"));
        command
            .args(line)
            .env_clear()
            .env("NEXUS_URL", &self.url)
            .env("NEXUS_API_KEY", SERVICE)
            .env("ADMIN_API_KEY", ADMIN)
            .stdin(Stdio::null())
            .current_dir(self.home.path());
        Terminal::run(command)
    }

    /// Somebody without keys, with a home of their own, types; `input` is on standard input.
    pub fn person_does(&self, home: &str, line: &[&str], input: &str) -> Did {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nexus"));
        let home = self.home.path().join(home);
        std::fs::create_dir_all(&home).unwrap();
        let typed = home.join("typed");
        std::fs::write(&typed, input).unwrap();
        command
            .args(line)
            .env_clear()
            .env("NEXUS_URL", &self.url)
            .env("HOME", &home)
            .stdin(std::fs::File::open(&typed).unwrap())
            .current_dir(home);
        Terminal::run(command).end()
    }

    /// The same as [`Server::types`], to its end.
    pub fn does(&self, line: &[&str]) -> Did {
        self.types(line).end()
    }

    /// An answer in JSON lines.
    pub fn json(&self, line: &[&str]) -> Vec<Value> {
        let did = self.does(&[line, &["--json"]].concat());
        assert_eq!(did.code, 0, "{line:?}: {}{}", did.out, did.err);
        did.json()
    }
}

/// What a command did.
#[derive(Debug)]
pub struct Did {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Did {
    /// Every line of standard output, which must all be JSON.
    pub fn json(&self) -> Vec<Value> {
        let read = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.out.lines().map(read).collect()
    }
}

/// A process whose lines are read while it runs.
pub struct Terminal {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    err: Arc<Mutex<String>>,
    beside: Option<JoinHandle<()>>,
}

impl Terminal {
    pub fn run(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (tell, lines) = channel();
        let (out, beside) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            each_line(out, |line| {
                // Whoever waited for it may be gone.
                let _ = tell.send(line);
            });
        });
        let err = Arc::<Mutex<String>>::default();
        let kept = err.clone();
        let beside = std::thread::spawn(move || {
            each_line(beside, |line| {
                let _ = writeln!(kept.lock().unwrap(), "{line}");
            });
        });
        Self { child, lines, seen: Vec::new(), err, beside: Some(beside) }
    }

    /// Waits for a line of standard output that has all these in it, and returns it.
    pub fn line(&mut self, parts: &[&str]) -> String {
        let fits = |line: &str| parts.iter().all(|part| line.contains(part));
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if fits(&line) {
                        return line;
                    }
                }
                Err(why) => {
                    panic!("no line with {parts:?} ({why}) in {:#?}\n{}", self.seen, self.err())
                }
            }
        }
    }

    /// Standard error so far.
    pub fn err(&self) -> String {
        self.err.lock().unwrap().clone()
    }

    /// Waits until standard error has this in it.
    pub fn says(&self, part: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.err().contains(part) {
            assert!(Instant::now() < until, "no {part:?} in\n{}", self.err());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end.
    pub fn end(mut self) -> Did {
        let until = Instant::now() + PATIENCE;
        let mut seen = std::mem::take(&mut self.seen);
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it hangs: {seen:#?}\n{}", self.err()),
            }
        }
        let status: ExitStatus = self.child.wait().unwrap();
        if let Some(beside) = self.beside.take() {
            beside.join().unwrap();
        }
        let out = seen.iter().fold(String::new(), |out, line| out + line + "\n");
        Did { code: status.code().unwrap_or(-1), out, err: self.err() }
    }

    /// Ends it without a word, as a crash does.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.kill();
    }
}

fn each_line(from: impl Read, mut take: impl FnMut(String)) {
    for line in BufReader::new(from).lines() {
        let Ok(line) = line else { return };
        take(line);
    }
}

/// Where the repository is.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
