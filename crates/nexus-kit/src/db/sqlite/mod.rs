//! The embedded engine: one file, one writer thread, a few readers.

mod migrate;
mod reader;
mod session;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError};

pub(super) use session::Session;

use super::batch::Context;
use super::job::{ReadJob, WriteJob};
use super::{DbError, Door, Read};
use crate::settings::Store;

/// The door to a file.
pub(super) struct Sqlite {
    writes: SyncSender<WriteJob>,
    reads: SyncSender<ReadJob>,
}

/// The file in a data directory.
fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("nexus.db")
}

/// Migrates the file and starts its threads.
pub(super) fn open(settings: &Store, context: Context) -> Result<Sqlite, DbError> {
    let path = file(&settings.data_dir);
    migrate::run(&path)?;
    let (reads, _) = reader::start(&path, settings.readers.max(1), settings.queue)?;
    let (writes, _) = writer::start(&path, settings.queue, context)?;
    Ok(Sqlite { writes, reads })
}

/// A session that only looks, also while a server runs on the file.
pub(super) fn look(settings: &Store) -> Result<Read, DbError> {
    reader::connect(&file(&settings.data_dir))
}

/// Brings the file to this version.
pub(super) fn migrate(settings: &Store) -> Result<super::Migrated, DbError> {
    migrate::run(&file(&settings.data_dir))
}

impl Door for Sqlite {
    fn write(&self, job: WriteJob) -> Result<(), DbError> {
        self.writes.try_send(job).map_err(refused)
    }

    fn read(&self, job: ReadJob) -> Result<(), DbError> {
        self.reads.try_send(job).map_err(refused)
    }
}

fn refused<T>(error: TrySendError<T>) -> DbError {
    match error {
        TrySendError::Full(_) => DbError::Busy,
        TrySendError::Disconnected(_) => DbError::Stopped,
    }
}
