//! A tenant's folder on the disk. Every component of a path is opened by itself, relative to the
//! folder opened before it and never through a link, so that neither a link nor a race leads out.
//!
//! Everything here blocks.

use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nexus_core::json::{hex, sha256_hex};
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_work::agent::Bound;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::path::{BadPath, FilePath, RESERVED_PREFIX, check_component};

/// Most bytes of a file that is read or written through a command.
pub const FILE_MAX_BYTES: usize = 1 << 20;
/// Most entries of one listing.
pub const LIST_MAX_ENTRIES: usize = 1000;

/// Why something cannot be done with a path.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The path breaks a rule.
    #[error("The path is not allowed: {0}")]
    BadPath(#[from] BadPath),
    /// A component is a symbolic link.
    #[error("The path leads through a symbolic link, which is never followed")]
    Link,
    /// Nothing there.
    #[error("There is no such file or folder")]
    NotFound,
    /// A component on the way, or what was to be listed, is no folder.
    #[error("A part of the path is a file, not a folder")]
    NotAFolder,
    /// A folder where a file is needed.
    #[error("The path is a folder, not a file")]
    IsAFolder,
    /// A pipe, socket or device.
    #[error("The path is not a regular file")]
    NotAFile,
    /// More bytes than [`FILE_MAX_BYTES`].
    #[error("The file has {0} bytes; at most {FILE_MAX_BYTES} can be read or written at once")]
    TooLarge(u64),
    /// The disk failed; the cause is for the log.
    #[error("The disk failed")]
    Disk(#[source] io::Error),
}

impl FileError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadPath(_) | Self::Link => "invalid_path",
            Self::NotFound => "file_not_found",
            Self::NotAFolder => "not_a_folder",
            Self::IsAFolder => "is_a_folder",
            Self::NotAFile => "not_a_file",
            Self::TooLarge(_) => "file_too_large",
            Self::Disk(_) => "storage_error",
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<Errno> for FileError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT => Self::NotFound,
            Errno::LOOP | Errno::MLINK => Self::Link,
            Errno::NOTDIR => Self::NotAFolder,
            Errno::ISDIR => Self::IsAFolder,
            // What opening a socket or a dead device says.
            Errno::NXIO | Errno::NODEV | Errno::OPNOTSUPP => Self::NotAFile,
            // This disk has narrower names than ours.
            Errno::NAMETOOLONG => Self::BadPath(BadPath::TooLong),
            other => Self::Disk(other.into()),
        }
    }
}

/// One tenant's folder; cheap to make, touches nothing before it is used.
#[derive(Clone, Debug)]
pub struct Folder {
    data_dir: PathBuf,
    tenant: Tenant,
}

/// What a listing found.
#[derive(Debug, PartialEq, Eq)]
pub struct Listing {
    /// The first [`LIST_MAX_ENTRIES`] by name.
    pub entries: Vec<Entry>,
    /// How many there are.
    pub total: u64,
    /// Entries left out because no path can name them: not UTF-8, a control character, a backslash.
    pub unnameable: u64,
}

/// One entry of a folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// `file`, `folder`, `link` or `other`.
    pub kind: &'static str,
    /// Bytes; files only.
    pub size: Option<u64>,
    /// When its content last changed.
    pub modified: Time,
}

/// What a write did.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Lower-case hex.
    pub sha256: String,
    /// Whether there was no file of that name before.
    pub created: bool,
}

/// Why a deletion did not come to its end.
#[derive(Debug)]
pub enum NotDeleted {
    /// The file is there, and is not what was hashed.
    Changed,
    /// The file is there.
    Untouched(FileError),
    /// The file is gone, and the disk would not confirm it.
    Unsettled(FileError),
}

impl Folder {
    /// `<data_dir>/files/{org}/{project}`.
    pub fn new(data_dir: &Path, tenant: &Tenant) -> Self {
        Self { data_dir: data_dir.to_owned(), tenant: tenant.clone() }
    }

    /// What is in a folder, or in the tenant's whole folder; a tenant that never wrote has none.
    ///
    /// # Errors
    /// No such folder, or a path through a link.
    pub fn list(&self, path: Option<&FilePath>) -> Result<Listing, FileError> {
        let opened = match path {
            Some(path) => self.walk(path.components(), false),
            None => match self.walk(std::iter::empty(), false) {
                Err(FileError::NotFound) => {
                    return Ok(Listing { entries: Vec::new(), total: 0, unnameable: 0 });
                }
                opened => opened,
            },
        };
        let folder = opened?;
        let (mut total, mut unnameable) = (0, 0);
        // Keeps the first names only, so that a folder of millions costs no memory.
        let mut first = BinaryHeap::new();
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let name = match entry.file_name().to_bytes() {
                b"." | b".." => continue,
                other => std::str::from_utf8(other),
            };
            let name = match name {
                Ok(name) if name.starts_with(RESERVED_PREFIX) => continue,
                Ok(name) if check_component(name).is_ok() => name,
                _ => {
                    unnameable += 1;
                    continue;
                }
            };
            total += 1;
            first.push(name.to_owned());
            if first.len() > LIST_MAX_ENTRIES {
                first.pop();
            }
        }
        let mut entries = Vec::with_capacity(first.len());
        for name in first.into_sorted_vec() {
            let stat = match rustix::fs::statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                // Gone since it was read.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            let kind = match file_type(&stat) {
                FileType::RegularFile => "file",
                FileType::Directory => "folder",
                FileType::Symlink => "link",
                _ => "other",
            };
            let size = (kind == "file").then(|| size(&stat));
            entries.push(Entry { name, kind, size, modified: modified(&stat) });
        }
        Ok(Listing { entries, total, unnameable })
    }

    /// A whole file.
    ///
    /// # Errors
    /// No such file, more than [`FILE_MAX_BYTES`], or a path through a link.
    pub fn read(&self, path: &FilePath) -> Result<Vec<u8>, FileError> {
        let (_, file, stat) = self.open(path)?;
        let size = size(&stat);
        if size > FILE_MAX_BYTES as u64 {
            return Err(FileError::TooLarge(size));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.take(FILE_MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        // It grew while it was read.
        if bytes.len() > FILE_MAX_BYTES {
            return Err(FileError::TooLarge(bytes.len() as u64));
        }
        Ok(bytes)
    }

    /// Puts a file in its place, whole or not at all, with the folders on the way; on the disk when
    /// it returns.
    ///
    /// # Errors
    /// A folder, link or device of that name, more than [`FILE_MAX_BYTES`], or a path through a
    /// link.
    pub fn write(&self, path: &FilePath, bytes: &[u8]) -> Result<Written, FileError> {
        if bytes.len() > FILE_MAX_BYTES {
            return Err(FileError::TooLarge(bytes.len() as u64));
        }
        let (folders, name) = path.split();
        let folder = self.walk(folders, true)?;
        let created = match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => regular(&stat).map(|()| false)?,
            Err(Errno::NOENT) => true,
            Err(error) => return Err(error.into()),
        };
        let mut draft = Draft::create(&folder)?;
        draft.file.write_all(bytes)?;
        draft.file.sync_all()?;
        draft.rename(name)?;
        rustix::fs::fsync(&folder)?;
        Ok(Written { sha256: sha256_hex(bytes), created })
    }

    /// Finds and hashes a file of any size, and holds on to it.
    ///
    /// # Errors
    /// No such file, or a path through a link.
    pub fn find(&self, path: &FilePath) -> Result<Found, FileError> {
        let (folder, mut file, stat) = self.open(path)?;
        let mut hash = Sha256::new();
        let mut size = 0;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            hash.update(&buffer[..n]);
            size += n as u64;
        }
        let (_, name) = path.split();
        Ok(Found {
            bound: Bound { path: path.to_string(), size, sha256: hex(&hash.finalize()) },
            name: name.to_owned(),
            folder,
            _file: file,
            stat,
        })
    }

    /// The folder that the last name of a path is in, and the file itself.
    fn open(&self, path: &FilePath) -> Result<(OwnedFd, File, Stat), FileError> {
        let (folders, name) = path.split();
        let folder = self.walk(folders, false)?;
        // Not blocking: a pipe that nobody writes to would hold the thread for ever.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, name, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&file)?;
        regular(&stat)?;
        Ok((folder, file.into(), stat))
    }

    /// Goes down from the data folder, which alone is the operator's to place, link or not.
    fn walk<'a>(
        &'a self,
        below: impl Iterator<Item = &'a str>,
        make: bool,
    ) -> Result<OwnedFd, FileError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = rustix::fs::openat(CWD, &self.data_dir, flags, Mode::empty())
            .map_err(|error| FileError::Disk(error.into()))?;
        let top = ["files", self.tenant.org(), self.tenant.project()];
        for name in top.into_iter().chain(below) {
            folder = enter(&folder, name, make)?;
        }
        Ok(folder)
    }
}

fn enter(folder: &OwnedFd, name: &str, make: bool) -> Result<OwnedFd, FileError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        Ok(below) => Ok(below),
        Err(Errno::NOENT) if make => {
            match rustix::fs::mkdirat(folder, name, Mode::RWXU) {
                Ok(()) => rustix::fs::fsync(folder)?,
                // Another write made it.
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            enter(folder, name, false)
        }
        // Linux says the same of a file and of a link.
        Err(Errno::NOTDIR) => {
            let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let link = file_type(&stat) == FileType::Symlink;
            Err(if link { FileError::Link } else { FileError::NotAFolder })
        }
        Err(error) => Err(error.into()),
    }
}

/// A file that was hashed, held open so that its inode cannot become another file's.
#[derive(Debug)]
pub struct Found {
    bound: Bound,
    name: String,
    folder: OwnedFd,
    _file: File,
    stat: Stat,
}

impl Found {
    /// Path, size and digest.
    pub fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Deletes the file if its name still leads to what was hashed, unchanged since.
    ///
    /// # Errors
    /// Says whether the file is still there.
    pub fn delete(self) -> Result<(), NotDeleted> {
        let now = match rustix::fs::statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(now) => now,
            Err(Errno::NOENT) => return Err(NotDeleted::Changed),
            Err(error) => return Err(NotDeleted::Untouched(error.into())),
        };
        // The change time moves with every write and cannot be set back.
        if identity(&now) != identity(&self.stat) || self.bound.size != size(&now) {
            return Err(NotDeleted::Changed);
        }
        rustix::fs::unlinkat(&self.folder, &self.name, AtFlags::empty())
            .map_err(|error| NotDeleted::Untouched(error.into()))?;
        rustix::fs::fsync(&self.folder).map_err(|error| NotDeleted::Unsettled(error.into()))
    }
}

fn identity(stat: &Stat) -> (u64, u64, i64, i64, i64) {
    (stat.st_dev, stat.st_ino, stat.st_size, stat.st_ctime, stat.st_ctime_nsec as i64)
}

/// A file under way; gone if it never gets its name.
struct Draft<'a> {
    folder: &'a OwnedFd,
    name: Option<String>,
    file: File,
}

impl<'a> Draft<'a> {
    /// In the folder of the final name: a rename does not cross file systems, and an operator may
    /// have mounted one anywhere.
    fn create(folder: &'a OwnedFd) -> Result<Self, FileError> {
        let mut random = [0; 12];
        getrandom::fill(&mut random)
            .map_err(|e| FileError::Disk(io::Error::other(e.to_string())))?;
        let name = format!("{RESERVED_PREFIX}{}", hex(&random));
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(folder, &name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Self { folder, name: Some(name), file: file.into() })
    }

    fn rename(mut self, to: &str) -> Result<(), FileError> {
        if let Some(name) = &self.name {
            rustix::fs::renameat(self.folder.as_fd(), name, self.folder.as_fd(), to)?;
        }
        self.name = None;
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name
            && let Err(error) = rustix::fs::unlinkat(self.folder, name, AtFlags::empty())
        {
            tracing::warn!(%error, file.name = name, "A half-written file could not be removed");
        }
    }
}

fn regular(stat: &Stat) -> Result<(), FileError> {
    match file_type(stat) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(FileError::IsAFolder),
        FileType::Symlink => Err(FileError::Link),
        _ => Err(FileError::NotAFile),
    }
}

fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

fn modified(stat: &Stat) -> Time {
    Time::from_micros(stat.st_mtime.saturating_mul(1_000_000) + stat.st_mtime_nsec as i64 / 1_000)
}
