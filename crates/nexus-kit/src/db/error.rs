//! What can go wrong at the store's door.

/// Why the store did not do as asked; the texts are for logs, never for callers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DbError {
    /// Too many wait; nothing was done, try again.
    #[error("the store's queue is full")]
    Busy,
    /// The disk takes no more, because it is full or a quota is; nothing was done.
    #[error("the disk is full, or a quota or a limit of file sizes is reached")]
    Full,
    /// A row with this key exists.
    #[error("a row with this key exists: {0}")]
    Unique(String),
    /// The server is stopping, or the store has failed and stopped.
    #[error("the store has stopped")]
    Stopped,
    /// A tenant that does not exist.
    #[error("no such tenant")]
    NoTenant,
    /// A report larger than the stream carries.
    #[error("a report of {0} bytes is larger than the stream carries")]
    ReportTooLarge(usize),
    /// The disk failed under the store.
    #[error("the disk failed: {0}")]
    Disk(String),
    /// The store is not one that this program can or may use; the text says why and what to do.
    #[error("{0}")]
    Unusable(String),
    /// The database cannot be reached; nothing was done, try again.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The connection broke while the commit was under way: it was done or it was not. Only looking
    /// again tells.
    #[error("the connection broke during the commit: {0}")]
    Uncertain(String),
    /// Whatever else: a fault of this program or of the disk.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::{ErrorCode as Code, ffi};
        // What a file system says beyond "no space": a quota, a limit of file sizes. The write was
        // refused, so unlike after a failed sync everything before it stands.
        let refused = [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_SHMSIZE];
        match error.sqlite_error_code() {
            Some(Code::DiskFull) => Self::Full,
            Some(Code::SystemIoFailure)
                if error.sqlite_error().is_some_and(|e| refused.contains(&e.extended_code)) =>
            {
                Self::Full
            }
            Some(Code::SystemIoFailure) => Self::Disk(error.to_string()),
            Some(Code::ConstraintViolation) => Self::Unique(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl DbError {
    /// Whether the same can go well later, with the store as it is.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Busy | Self::Full | Self::Unreachable(_) | Self::Uncertain(_))
    }

    /// Whether a commit that failed so may not be retried: the kernel may have dropped the pages
    /// that it could not write, so nothing that follows can be trusted.
    pub(super) fn poisons(&self) -> bool {
        matches!(self, Self::Disk(_))
    }
}
