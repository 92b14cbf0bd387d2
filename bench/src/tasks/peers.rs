//! Other programs that do something like it, each asked by a driver of its own
//! (`bench/peers/tasks`), which says in its last line how it went.

use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::args::Peer;

/// What a peer did.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// None where it is not installed, or failed.
    pub said: Option<Said>,
}

/// What a driver's last line has.
#[derive(Debug, Serialize, Deserialize)]
pub struct Said {
    /// Its version.
    pub version: String,
    /// One at a time.
    pub p50_ms: f64,
    /// One at a time.
    pub p99_ms: f64,
    /// Many at once.
    pub enqueued_per_s: f64,
    /// Many at once.
    pub finished_per_s: f64,
}

/// Runs one.
pub fn run(peer: &Peer) -> Row {
    let ran = Command::new("sh").args(["-c", &peer.command]).stdin(Stdio::null()).output();
    let said = ran.ok().filter(|ran| ran.status.success()).and_then(|ran| {
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        serde_json::from_str(out.lines().next_back()?).ok()
    });
    Row { name: peer.name.clone(), said }
}
