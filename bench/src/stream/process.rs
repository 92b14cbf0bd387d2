//! A server's process with its children, and what the kernel says about them.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nexus_bench::order::Order;
use nexus_bench::server::{Cpu, cpu, rss};
use nexus_bench::{Error, say};
use rustix::process::{Pid, Signal, kill_process};

use crate::pin::Cores;

/// The longest that a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server; it is stopped when this is dropped.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    log: PathBuf,
}

impl Process {
    /// Starts a program on the server's core. Its output goes to `log` in `dir`, but for the
    /// standard output of a program that takes `orders`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(
        mut command: Command,
        dir: &Path,
        cores: Cores,
        orders: bool,
    ) -> Result<Self, Error> {
        let log = dir.join("server.log");
        let file = File::options().create(true).append(true).open(&log)?;
        command.current_dir(dir);
        if orders {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        } else {
            command.stdin(Stdio::null()).stdout(file.try_clone()?);
        }
        command.stderr(file);
        let mut child = cores.on_servers(|| Ok(command.spawn()?))?;
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Ok(Self { child, input, output, log })
    }

    /// The next line that a program of ours says, which begins with this word.
    ///
    /// # Errors
    /// It says nothing, or something else.
    pub fn says(&mut self, word: &str) -> Result<String, Error> {
        let mut line = String::new();
        let output = self.output.as_mut().ok_or("this program says nothing")?;
        // Logs go the same way.
        while output.read_line(&mut line)? > 0 {
            if let Some(rest) = line.trim_end().strip_prefix(word) {
                return Ok(rest.trim().to_owned());
            }
            line.clear();
        }
        Err(self.failed(&format!("it did not say {word}")))
    }

    /// Gives an order to a program of ours.
    ///
    /// # Errors
    /// It has ended.
    pub fn order(&mut self, order: Order) -> Result<(), Error> {
        let input = self.input.as_mut().ok_or("this program takes no orders")?;
        Ok(input.write_all(format!("{order}\n").as_bytes())?)
    }

    /// Waits until it accepts connections.
    ///
    /// # Errors
    /// It does not.
    pub fn listens(&mut self, address: SocketAddr) -> Result<(), Error> {
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if self.child.try_wait()?.is_some() || started.elapsed() > PATIENCE {
                return Err(self.failed("it does not listen"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn failed(&self, why: &str) -> Error {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        format!("a server failed, {why}:\n{log}").into()
    }

    /// Its process id, and those of its children.
    fn family(&self) -> Vec<u32> {
        let mut family = vec![self.child.id()];
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            // After the name, which may hold anything, come the state and the parent.
            let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1));
            if parent.and_then(|parent| parent.parse().ok()) == Some(self.child.id()) {
                family.push(pid);
            }
        }
        family
    }

    /// CPU time of all of them so far.
    pub fn cpu(&self) -> Cpu {
        let mut all = Cpu::default();
        for one in self.family().into_iter().map(cpu) {
            all.all += one.all;
            for (name, seconds) in one.threads {
                *all.threads.entry(name).or_default() += seconds;
            }
        }
        all
    }

    /// Resident memory of all of them, in MiB.
    pub fn rss(&self) -> f64 {
        self.family().into_iter().map(rss).sum()
    }

    /// Stops it in good order, or else by force.
    fn stop(&mut self) {
        drop(self.input.take());
        let family = self.family();
        signal(self.child.id(), Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            // A process that cannot be waited for is gone.
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        say::progress("a server did not stop and is killed");
        for pid in family {
            signal(pid, Signal::KILL);
        }
        // It has been killed: there is nothing to learn from how it ended.
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended already.
        let _ = kill_process(pid, signal);
    }
}
