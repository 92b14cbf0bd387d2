//! The embedded engine: one file, one writer thread, a few readers.

mod migrate;
mod reader;
mod session;
mod shelf;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) use session::Session;

use super::batch::Context;
use super::job::{ReadJob, WriteJob};
use super::lanes::Lanes;
use super::{DbError, Door, Read};
use crate::settings::Store;

/// The door to a file.
pub(super) struct Sqlite {
    writes: Arc<Lanes<WriteJob>>,
    reads: Arc<Lanes<ReadJob>>,
}

/// The file in a data directory.
fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("nexus.db")
}

/// Migrates the file and starts its threads.
pub(super) fn open(settings: &Store, context: Context) -> Result<Sqlite, DbError> {
    let path = file(&settings.data_dir);
    migrate::run(&path)?;
    let door = Sqlite {
        writes: Arc::new(Lanes::new(settings.queue, settings.tenant_queue)),
        reads: Arc::new(Lanes::new(settings.queue, settings.tenant_queue)),
    };
    reader::start(&path, settings.readers.max(1), &door.reads, &context.metrics)?;
    writer::start(&path, door.writes.clone(), context)?;
    Ok(door)
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
        self.writes.push(&job.scope.clone(), job)
    }

    fn read(&self, job: ReadJob) -> Result<(), DbError> {
        self.reads.push(&job.scope.clone(), job)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
    }
}
