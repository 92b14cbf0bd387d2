//! The server that is measured: its process, and what the kernel and its metrics say about it.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Error;
use crate::http::{Connection, request};

/// What the clients sign in with.
pub const SERVICE_KEY: &str = "service-0123456789abcdef0123456789";
/// What the platform admin signs in with.
pub const ADMIN_KEY: &str = "admin-0123456789abcdef0123456789ab";

/// Where RED commands would send, if anybody said yes.
pub const NOWHERE: &str = "127.0.0.1:9";

/// How long an ask waits, so that expiry is part of the load.
const ASK_SECONDS: &str = "20";

/// The kernel counts CPU time in hundredths of a second on every Linux that NEXUS runs on.
const TICKS: f64 = 100.0;

/// The longest that a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The settings that every server of the benchmarks has.
pub fn settings(data_dir: &Path, address: SocketAddr) -> [(&'static str, OsString); 5] {
    [
        ("NEXUS_DATA_DIR", data_dir.into()),
        ("NEXUS_BIND", address.to_string().into()),
        ("NEXUS_API_KEY", SERVICE_KEY.into()),
        ("ADMIN_API_KEY", ADMIN_KEY.into()),
        ("EGRESS_ALLOW", NOWHERE.into()),
    ]
}

/// The program to measure: the one that was named, or the `nexus` beside this one.
///
/// # Errors
/// There is none.
pub fn program(named: Option<&Path>) -> Result<PathBuf, Error> {
    let program = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()?.with_file_name("nexus"),
    };
    program.canonicalize().map_err(|error| format!("{}: {error}", program.display()).into())
}

/// A server process; killed when dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process to its first "ready".
    pub cold_start: Duration,
}

impl Server {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(
        program: &Path,
        data_dir: &Path,
        database: Option<&str>,
    ) -> Result<Self, Error> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let log = File::create(data_dir.join("server.log"))?;
        let started = Instant::now();
        let child = Command::new(program)
            .arg("serve")
            .env_clear()
            .current_dir(data_dir)
            .envs(settings(data_dir, address))
            .env("APPROVAL_TIMEOUT_SECONDS", ASK_SECONDS)
            .envs(database.map(|url| ("DATABASE_URL", url)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Self { child, address, cold_start: Duration::ZERO };
        let ready = request("GET", "/health/ready", None, None);
        loop {
            if let Ok(mut connection) = Connection::open(address).await
                && let Ok((200, _)) = connection.call(&ready).await
            {
                server.cold_start = started.elapsed();
                return Ok(server);
            }
            if server.child.try_wait()?.is_some() || started.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(data_dir.join("server.log"))?;
                return Err(format!("the server did not start:\n{log}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it in good order.
    ///
    /// # Errors
    /// It does not stop.
    pub fn stop(mut self) -> Result<(), Error> {
        signal(self.pid(), "TERM")?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > PATIENCE {
                return Err("the server does not stop".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Makes the tenants of the benchmark.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn make_tenants(&self, count: usize) -> Result<(), Error> {
        make_tenants(self.address, count).await
    }

    /// Its metrics, each by its name with labels.
    ///
    /// # Errors
    /// They cannot be had.
    pub async fn metrics(&self) -> Result<Metrics, Error> {
        metrics(self.address).await
    }

    /// Its CPU time so far, and of its threads by name.
    pub fn cpu(&self) -> Cpu {
        cpu(self.pid())
    }

    /// Resident memory now, in MiB.
    pub fn rss(&self) -> f64 {
        rss(self.pid())
    }
}

/// Makes the tenants of the benchmark at a server.
///
/// # Errors
/// The server refuses.
pub async fn make_tenants(address: SocketAddr, count: usize) -> Result<(), Error> {
    let mut connection = Connection::open(address).await?;
    for number in 0..count {
        let body = format!(r#"{{"org_id":"bench","project_id":"p{number}"}}"#);
        let made = connection.call(&request("POST", "/tenants", None, Some(&body))).await?;
        if made.0 != 201 {
            return Err(format!("a tenant was answered with {made:?}").into());
        }
    }
    Ok(())
}

/// A server's metrics, each by its name with labels.
///
/// # Errors
/// They cannot be had.
pub async fn metrics(address: SocketAddr) -> Result<Metrics, Error> {
    let mut connection = Connection::open(address).await?;
    let (status, body) = connection.call(&request("GET", "/metrics", None, None)).await?;
    if status != 200 {
        return Err(format!("metrics were answered with {status}").into());
    }
    let lines = std::str::from_utf8(&body)?.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    });
    Ok(Metrics(pairs.collect()))
}

/// CPU time of a process so far, and of its threads by name.
pub fn cpu(pid: u32) -> Cpu {
    let tasks = PathBuf::from(format!("/proc/{pid}/task"));
    let mut threads: BTreeMap<String, f64> = BTreeMap::new();
    for task in std::fs::read_dir(tasks).into_iter().flatten().flatten() {
        if let Some((name, seconds)) = cpu_of(&task.path().join("stat")) {
            *threads.entry(name).or_default() += seconds;
        }
    }
    Cpu { all: process_cpu(&pid.to_string()), threads }
}

/// Resident memory of a process now, in MiB.
pub fn rss(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process.
///
/// # Errors
/// There is no such process.
pub fn signal(pid: u32, name: &str) -> Result<(), Error> {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status()?;
    if sent.success() { Ok(()) } else { Err(format!("SIG{name} could not be sent").into()) }
}

/// CPU seconds.
#[derive(Debug, Default)]
pub struct Cpu {
    /// Of the whole process.
    pub all: f64,
    /// Of its threads, by name.
    pub threads: BTreeMap<String, f64>,
}

impl Cpu {
    /// Of one thread, or of all threads with this name.
    pub fn of(&self, thread: &str) -> f64 {
        self.threads.get(thread).copied().unwrap_or_default()
    }
}

/// CPU seconds of a process: its id, or `self`.
pub fn process_cpu(pid: &str) -> f64 {
    let path = PathBuf::from(format!("/proc/{pid}/stat"));
    cpu_of(&path).map(|(_, seconds)| seconds).unwrap_or_default()
}

/// Name and CPU seconds from a `stat` file.
fn cpu_of(stat: &Path) -> Option<(String, f64)> {
    let text = std::fs::read_to_string(stat).ok()?;
    let (start, rest) = text.rsplit_once(") ")?;
    let (_, name) = start.split_once('(')?;
    // After the name come state and ten more; then time in the program and time in the kernel.
    let mut fields = rest.split(' ').skip(11).map(str::parse::<f64>);
    let (user, kernel) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some((name.to_owned(), (user + kernel) / TICKS))
}

/// What a server counted.
#[derive(Debug, Default)]
pub struct Metrics(HashMap<String, f64>);

impl Metrics {
    /// One number; 0 where it was never counted.
    pub fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// One number, if the server counts it at all.
    pub fn known(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// The upper bounds of a histogram's buckets with what is in each, without those below.
    pub fn buckets(&self, histogram: &str) -> Vec<(f64, f64)> {
        let start = format!("{histogram}_bucket{{le=\"");
        let bound = |name: &str| -> Option<f64> {
            match name.strip_prefix(&start)?.strip_suffix("\"}")? {
                "+Inf" => Some(f64::INFINITY),
                bound => bound.parse().ok(),
            }
        };
        let mut buckets: Vec<(f64, f64)> =
            self.0.iter().filter_map(|(name, value)| Some((bound(name)?, *value))).collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        buckets
    }
}
