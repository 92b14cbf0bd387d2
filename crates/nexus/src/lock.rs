//! One server a data directory: a second one finds the first's lock and says so.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::StartError;

/// Held while the server runs; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct DataLock(#[expect(dead_code, reason = "held, not used")] File);

/// Takes a data directory, or says who has it.
pub fn take(data_dir: &Path) -> Result<DataLock, StartError> {
    let failed = |what: &str, error: std::io::Error| {
        StartError::DataDir(format!("{what} {}: {error}", data_dir.display()))
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|error| failed("cannot make", error))?;
    let path = data_dir.join("nexus.lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| failed("cannot write in", error))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut holder = String::new();
        // Who it is is a help, no more; the lock itself is what counts.
        let _ = file.read_to_string(&mut holder);
        let holder = if holder.is_empty() { "another server" } else { holder.trim() };
        return Err(StartError::DataDir(format!(
            "{holder} is already running on {}; SQLite serves one node",
            data_dir.display()
        )));
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "process {}", std::process::id()));
    written.map_err(|error| failed("cannot write in", error))?;
    Ok(DataLock(file))
}
