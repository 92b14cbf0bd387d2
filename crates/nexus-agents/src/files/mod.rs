//! Agent `files`: list, read, write and delete in the tenant's own folder.

mod folder;
mod path;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use nexus_core::failure::FailureCode;
use nexus_core::json::{canonical, sha256_hex};
use nexus_core::policy::Risk;
use nexus_core::tenant::Tenant;
use nexus_work::agent::{
    Agent, Bound, Failure, Job, Left, ParamError, Performing, Supervisor, TypeSpec,
};
use serde_json::{Value, json};

pub use folder::{FILE_MAX_BYTES, FileError, Folder, LIST_MAX_ENTRIES, Listing};
use folder::{Found, NotDeleted};
pub use path::{BadPath, FilePath};

/// Performs `file.list`, `file.read`, `file.write` and `file.delete`.
#[derive(Debug)]
pub struct Files {
    data_dir: PathBuf,
}

const UNKNOWN_TYPE: &str = "unknown_type";

/// What a command asks, read once for the check and for the work.
enum Work {
    List(Option<FilePath>),
    Read(FilePath),
    Write(FilePath, Vec<u8>),
    Delete(FilePath),
}

impl Files {
    /// Over `<data_dir>/files/{org}/{project}`; `data_dir` must exist, the rest is made by the first
    /// write.
    pub fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned() }
    }

    fn folder(&self, tenant: &Tenant) -> Folder {
        Folder::new(&self.data_dir, tenant)
    }

    async fn run(&self, job: &Job, supervisor: &dyn Supervisor) -> Result<Value, Failure> {
        let folder = self.folder(&job.tenant);
        match Work::read(&job.command_type, &job.params).map_err(unusable)? {
            Work::List(path) => {
                let listed = path.clone();
                let listing = blocking(move || folder.list(listed.as_ref())).await??;
                Ok(list_result(path.as_ref(), listing))
            }
            Work::Read(path) => {
                let read = path.clone();
                let bytes = blocking(move || folder.read(&read)).await??;
                Ok(read_result(&path, bytes))
            }
            Work::Write(path, bytes) => {
                let (written_path, size) = (path.clone(), bytes.len());
                let written = blocking(move || folder.write(&written_path, &bytes)).await??;
                Ok(json!({
                    "path": path.as_str(),
                    "size": size,
                    "sha256": written.sha256,
                    "created": written.created,
                }))
            }
            Work::Delete(path) => {
                let found = find_as_approved(folder, path, &job.bound).await?;
                delete(found, supervisor).await
            }
        }
    }
}

impl Agent for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn types(&self) -> Vec<TypeSpec> {
        let path = json!({"type": "string", "minLength": 1, "maxLength": path::PATH_MAX_BYTES});
        let only_path = |required: Value| {
            json!({
                "type": "object",
                "properties": {"path": path},
                "required": required,
                "additionalProperties": false,
            })
        };
        let write = json!({
            "type": "object",
            "properties": {
                "path": path,
                "content": {"type": "string", "maxLength": FILE_MAX_BYTES},
                "content_base64": {
                    "type": "string",
                    "maxLength": FILE_MAX_BYTES.div_ceil(3) * 4,
                },
            },
            "required": ["path"],
            "oneOf": [{"required": ["content"]}, {"required": ["content_base64"]}],
            "additionalProperties": false,
        });
        let spec = |name, risk, title_en, title_ko, params_schema, seconds| TypeSpec {
            name,
            risk,
            floor: risk == Risk::Red,
            title_en,
            title_ko,
            params_schema,
            target: Some("/path"),
            timeout: Duration::from_secs(seconds),
        };
        vec![
            spec("file.list", Risk::Green, "List files", "파일 목록", only_path(json!([])), 30),
            spec(
                "file.read",
                Risk::Green,
                "Read a file",
                "파일 읽기",
                only_path(json!(["path"])),
                30,
            ),
            spec("file.write", Risk::Yellow, "Write a file", "파일 쓰기", write, 60),
            // Hashes the file first, however large.
            spec(
                "file.delete",
                Risk::Red,
                "Delete a file",
                "파일 삭제",
                only_path(json!(["path"])),
                300,
            ),
        ]
    }

    fn check(&self, _: &Tenant, command_type: &str, params: &Value) -> Result<(), Vec<ParamError>> {
        Work::read(command_type, params).map(|_| ())
    }

    fn bind(
        &self,
        tenant: &Tenant,
        command_type: &str,
        params: &Value,
    ) -> Result<Vec<Bound>, Vec<ParamError>> {
        match Work::read(command_type, params)? {
            Work::Delete(path) => match self.folder(tenant).find(&path) {
                Ok(found) => Ok(vec![found.bound().clone()]),
                Err(error) => {
                    log_disk(&error);
                    Err(vec![param("/path", error.code(), error.to_string())])
                }
            },
            _ => Ok(Vec::new()),
        }
    }

    fn perform<'a>(&'a self, job: &'a Job, supervisor: &'a dyn Supervisor) -> Performing<'a> {
        Box::pin(self.run(job, supervisor))
    }
}

impl Work {
    fn read(command_type: &str, params: &Value) -> Result<Self, Vec<ParamError>> {
        let path = match params.get("path") {
            Some(Value::String(text)) => Some(FilePath::parse(text).map_err(|error| {
                let error = FileError::from(error);
                vec![param("/path", error.code(), error.to_string())]
            })?),
            Some(_) => return Err(vec![param("/path", "invalid_path", "A path is a string")]),
            None => None,
        };
        let missing = || vec![param("/path", "invalid_path", "A path is needed")];
        match command_type {
            "file.list" => Ok(Self::List(path)),
            "file.read" => Ok(Self::Read(path.ok_or_else(missing)?)),
            "file.write" => Ok(Self::Write(path.ok_or_else(missing)?, content(params)?)),
            "file.delete" => Ok(Self::Delete(path.ok_or_else(missing)?)),
            _ => Err(vec![param("", UNKNOWN_TYPE, "Agent files does not perform this type")]),
        }
    }
}

/// The bytes to write, from exactly one of `content` and `content_base64`.
fn content(params: &Value) -> Result<Vec<u8>, Vec<ParamError>> {
    let (pointer, bytes) = match (params.get("content"), params.get("content_base64")) {
        (Some(Value::String(text)), None) => ("/content", text.clone().into_bytes()),
        (None, Some(Value::String(text))) => {
            let bytes = BASE64.decode(text).map_err(|_| {
                let message = "This is not base64 (standard alphabet, padded)";
                vec![param("/content_base64", "bad_base64", message)]
            })?;
            ("/content_base64", bytes)
        }
        _ => {
            let message = "Give exactly one of content (text) and content_base64, as a string";
            return Err(vec![param("/content", "one_content_needed", message)]);
        }
    };
    if bytes.len() > FILE_MAX_BYTES {
        let error = FileError::TooLarge(bytes.len() as u64);
        return Err(vec![param(pointer, error.code(), error.to_string())]);
    }
    Ok(bytes)
}

fn list_result(path: Option<&FilePath>, listing: Listing) -> Value {
    let entries: Vec<Value> = listing
        .entries
        .iter()
        .map(|entry| {
            let mut value =
                json!({"name": entry.name, "kind": entry.kind, "modified": entry.modified});
            if let Some(size) = entry.size {
                value["size"] = size.into();
            }
            value
        })
        .collect();
    json!({
        "path": path.map_or("", FilePath::as_str),
        "truncated": listing.total > LIST_MAX_ENTRIES as u64,
        "total": listing.total,
        "unnameable": listing.unnameable,
        "entries": entries,
    })
}

fn read_result(path: &FilePath, bytes: Vec<u8>) -> Value {
    let mut result = json!({
        "path": path.as_str(),
        "size": bytes.len(),
        "sha256": sha256_hex(&bytes),
    });
    match String::from_utf8(bytes) {
        Ok(text) => result["content"] = text.into(),
        Err(error) => result["content_base64"] = BASE64.encode(error.as_bytes()).into(),
    }
    result
}

/// The file that the approval bound, hashed again here: the executor trusts no planner.
async fn find_as_approved(
    folder: Folder,
    path: FilePath,
    bound: &[Bound],
) -> Result<Found, Failure> {
    let mismatch = |message| Failure::new(FailureCode::ApprovalParamsMismatch, message);
    let [bound] = bound else {
        return Err(mismatch("The approval binds no file, or more than one; nothing was deleted"));
    };
    let found = match blocking(move || folder.find(&path)).await? {
        Ok(found) => found,
        Err(error @ FileError::Disk(_)) => return Err(error.into()),
        Err(_) => {
            return Err(mismatch("The file that was approved is not there; nothing was deleted"));
        }
    };
    if found.bound() != bound {
        return Err(mismatch("The file is not the one that was approved; nothing was deleted"));
    }
    Ok(found)
}

async fn delete(found: Found, supervisor: &dyn Supervisor) -> Result<Value, Failure> {
    let bound = found.bound().clone();
    let record = json!({"path": bound.path, "size": bound.size, "sha256": bound.sha256});
    supervisor.intent(&format!("file:{}", bound.path), canonical(&record).as_bytes()).await?;
    match tokio::task::spawn_blocking(move || found.delete()).await {
        Ok(Ok(())) => Ok(record),
        Ok(Err(NotDeleted::Changed)) => Err(Failure::new(
            FailureCode::ApprovalParamsMismatch,
            "The file changed after it was checked; nothing was deleted",
        )),
        Ok(Err(NotDeleted::Untouched(error))) => Err(error.into()),
        Ok(Err(NotDeleted::Unsettled(error))) => {
            log_disk(&error);
            Err(unsettled())
        }
        Err(error) => {
            tracing::error!(%error, "A deletion ended in the middle");
            Err(unsettled())
        }
    }
}

fn unsettled() -> Failure {
    let message = "The disk did not confirm the deletion; look whether the file is still there";
    Failure::new(FailureCode::EffectUnknown, message).left(Left::Unknown)
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        log_disk(&error);
        let code = match error {
            FileError::Disk(_) => FailureCode::StorageError,
            _ => FailureCode::InvalidParams,
        };
        Self::new(code, error.to_string())
    }
}

fn log_disk(error: &FileError) {
    if let FileError::Disk(cause) = error {
        tracing::error!(error = %cause, "A tenant's folder could not be used");
    }
}

fn unusable(errors: Vec<ParamError>) -> Failure {
    let unknown = errors.iter().any(|e| e.code == UNKNOWN_TYPE);
    let code = if unknown { FailureCode::UnknownTaskType } else { FailureCode::InvalidParams };
    let messages: Vec<_> = errors.into_iter().map(|e| e.message).collect();
    Failure::new(code, messages.join("; "))
}

fn param(path: &str, code: &'static str, message: impl Into<String>) -> ParamError {
    ParamError { path: path.into(), code, message: message.into() }
}

/// Disk work off the async threads; fails only if the work panicked.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "Work on a tenant's folder ended in the middle");
        Failure::new(FailureCode::InternalError, "NEXUS failed while it used the tenant's folder")
    })
}
