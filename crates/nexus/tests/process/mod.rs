//! The real program as a process, and a plain blocking HTTP client to talk to it.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nexus_testdb::TestDatabase;
use tempfile::TempDir;

/// What programs sign in with.
pub const SERVICE_KEY: &str = "service-0123456789abcdef0123456789";
/// What the platform admin signs in with.
pub const ADMIN_KEY: &str = "admin-0123456789abcdef0123456789ab";

/// The longest wait for a start or an answer, on a machine that does other things too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A directory for a server, and on Postgres a database: its `.env` names it.
pub struct Home {
    dir: TempDir,
    _database: Option<TestDatabase>,
}

impl Home {
    pub fn new() -> Self {
        let (dir, database) = (tempfile::tempdir().unwrap(), TestDatabase::of_engine());
        if let Some(database) = &database {
            let env = format!("DATABASE_URL={}\n", database.url());
            std::fs::write(dir.path().join(".env"), env).unwrap();
        }
        Self { dir, _database: database }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Where the server is just now, if it lives.
#[derive(Default)]
pub struct Place(Mutex<Option<SocketAddr>>);

impl Place {
    /// Says where it is from now on.
    pub fn set(&self, address: Option<SocketAddr>) {
        *self.0.lock().unwrap() = address;
    }

    pub fn get(&self) -> Option<SocketAddr> {
        *self.0.lock().unwrap()
    }

    /// A connection to the server that lives now, or a short wait.
    pub fn connect(&self) -> Option<Http> {
        let http = self.get().and_then(|address| Http::connect(address).ok());
        if http.is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        http
    }
}

/// A `nexus` process without the settings of whoever runs the tests.
pub fn nexus(data_dir: &Path) -> Command {
    prepared(Command::new(env!("CARGO_BIN_EXE_nexus")), data_dir)
}

fn prepared(mut command: Command, data_dir: &Path) -> Command {
    command
        .env_clear()
        .current_dir(data_dir)
        .env("NEXUS_DATA_DIR", data_dir)
        .env("NEXUS_BIND", "127.0.0.1:0")
        .env("NEXUS_API_KEY", SERVICE_KEY)
        .env("ADMIN_API_KEY", ADMIN_KEY)
        .env("NEXUS_LOG_FORMAT", "json");
    command
}

/// A server process; killed when dropped.
pub struct Server {
    /// The process itself.
    pub child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts one that logs into a file of this life.
    pub fn spawn(data_dir: &Path, life: usize, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nexus"));
        command.arg("serve");
        Self::start(command, data_dir, life, settings)
    }

    /// Starts one by another program, such as a shell, which is given the server's as its last
    /// argument and must become it.
    pub fn spawn_as(
        mut program: Command,
        data_dir: &Path,
        life: usize,
        settings: &[(&str, &str)],
    ) -> Self {
        program.arg(env!("CARGO_BIN_EXE_nexus"));
        Self::start(program, data_dir, life, settings)
    }

    fn start(command: Command, data_dir: &Path, life: usize, settings: &[(&str, &str)]) -> Self {
        let log = data_dir.join(format!("server-{life}.log"));
        let out = File::create(&log).unwrap();
        let child = prepared(command, data_dir)
            .envs(settings.iter().copied())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// Waits until it is ready and says where it listens.
    pub fn ready(&mut self) -> SocketAddr {
        let started = Instant::now();
        loop {
            if let Some(address) = self.address()
                && Http::connect(address)
                    .and_then(|mut http| http.call("GET", "/health/ready", ADMIN_KEY, "", None))
                    .is_ok_and(|(status, _)| status == 200)
            {
                return address;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {ended:?}\n{}", self.log());
            assert!(started.elapsed() < PATIENCE, "the server is not ready\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn address(&self) -> Option<SocketAddr> {
        let log = self.log();
        let line = log.lines().find(|line| line.contains("NEXUS listens"))?;
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        line["address"].as_str()?.parse().ok()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "the server stopped with {status}\n{}", self.log());
                return;
            }
            assert!(started.elapsed() < PATIENCE, "the server does not stop\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One keep-alive connection of the tenant `default:default`.
pub struct Http(pub BufReader<TcpStream>);

impl Http {
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request and reads the whole answer: status and body.
    pub fn call(
        &mut self,
        method: &str,
        path: &str,
        key: &str,
        headers: &str,
        body: Option<&str>,
    ) -> io::Result<(u16, String)> {
        self.send(method, path, key, headers, body)?;
        self.answer()
    }

    /// Sends a request; `headers` are whole lines.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        key: &str,
        headers: &str,
        body: Option<&str>,
    ) -> io::Result<()> {
        let of_body = body.map_or(String::new(), |body| {
            format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len())
        });
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n\
             x-org-id: default\r\nx-project-id: default\r\n{headers}{of_body}\r\n{}",
            body.unwrap_or_default()
        );
        self.0.get_mut().write_all(request.as_bytes())
    }

    /// Reads an answer whose length is told.
    pub fn answer(&mut self) -> io::Result<(u16, String)> {
        let (status, length) = self.head()?;
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body)?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Reads the head of an answer: its status, and the length of its body if it is told.
    pub fn head(&mut self) -> io::Result<(u16, Option<usize>)> {
        let broken = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut length = None;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                return Ok((status.ok_or_else(broken)?, length));
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok();
            }
        }
    }

    /// Reads a line without its end.
    pub fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 || !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        Ok(line)
    }
}
