//! Judging a command before any transaction: its schema, its agent's own checks, its level, the
//! files that it names. What was judged holds as long as the versions do.

use std::sync::Arc;

use nexus_core::approval::Bound;
use nexus_core::json::canonical;
use nexus_core::policy::{Risk, Verdict};
use nexus_core::tenant::Tenant;
use nexus_kit::db::DbError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Work;
use crate::catalogue::{Bundle, KnownType};
use crate::error::WorkError;
use crate::policy::sql::Switches;
use crate::tasks::row::Task;

/// A command as it was judged.
#[derive(Clone)]
pub(crate) struct Judged {
    pub known: Arc<KnownType>,
    /// Canonical JSON.
    pub params: String,
    pub verdict: Verdict,
    /// Files that an ask binds; empty where nobody is asked.
    pub bound: Vec<Bound>,
    policy_version: u64,
    types_version: u64,
}

impl Judged {
    /// Refuses to act on a judgement that the store has outrun.
    pub fn check_versions(&self, switches: &Switches) -> Result<(), WorkError> {
        let current = (switches.policy_version, switches.types_version);
        if (self.policy_version, self.types_version) == current {
            Ok(())
        } else {
            Err(WorkError::Stale)
        }
    }

    /// Makes a task be what was judged.
    pub fn put_into(&self, task: &mut Task) {
        task.params.clone_from(&self.params);
        task.risk = self.verdict.level;
        task.rule.clone_from(&self.verdict.rule);
        task.waits = self.verdict.waits;
    }
}

/// Judges params that somebody sent.
pub(crate) async fn judge_params(
    tenant: &Tenant,
    bundle: Arc<Bundle>,
    known: Arc<KnownType>,
    params: Value,
    requested: Option<Risk>,
) -> Result<Judged, WorkError> {
    known.check_schema(&params)?;
    if let Some(agent) = &known.agent {
        agent.check(tenant, &known.name, &params).map_err(WorkError::params)?;
    }
    let verdict = bundle.rate(&known, &params, requested);
    let bound = if verdict.waits { bind(tenant, &known, &params).await? } else { Vec::new() };
    Ok(Judged {
        params: canonical(&params),
        verdict,
        bound,
        known,
        policy_version: bundle.policy_version,
        types_version: bundle.types_version,
    })
}

/// What a command would be, if it were sent now.
#[derive(Clone, Debug)]
pub struct Examined {
    /// How it would be rated.
    pub risk: Risk,
    /// Whether somebody would be asked first.
    pub waits: bool,
    /// Why the type cannot be used as things are set up, if it cannot.
    pub disabled: Option<String>,
    /// The params, with texts read as what the type's schema asks for where [`examine`] was told to.
    pub params: Value,
}

/// Looks at a command as the door would, without sending it and without the files that it names.
/// With `texts`, params that came as `key=value` are read as what the schema asks for.
///
/// # Errors
/// As the door would refuse it.
pub async fn examine(
    work: &Work,
    tenant: &Tenant,
    command_type: &str,
    mut params: Value,
    texts: bool,
) -> Result<Examined, WorkError> {
    let bundle = work.catalogue.refresh(&work.app.db, tenant).await?;
    let known = bundle.find(command_type)?;
    known.check_by_hand()?;
    if texts && let Some(params) = params.as_object_mut() {
        for (name, value) in params {
            read_text(&known.schema["properties"][name.as_str()]["type"], value);
        }
    }
    known.check_schema(&params)?;
    if let Some(agent) = &known.agent {
        agent.check(tenant, &known.name, &params).map_err(WorkError::params)?;
    }
    let verdict = bundle.rate(&known, &params, None);
    let disabled = known.disabled();
    Ok(Examined { risk: verdict.level, waits: verdict.waits, disabled, params })
}

/// Reads a text as JSON, unless the schema asks for a text or it is no JSON.
fn read_text(wanted: &Value, value: &mut Value) {
    if wanted == "string" {
        return;
    }
    if let Some(text) = value.as_str()
        && let Ok(read) = nexus_core::json::parse(text.as_bytes())
    {
        *value = read;
    }
}

/// Rates a task that is stored, with the rules of now; binds nothing.
pub(crate) fn judge_stored(bundle: &Bundle, known: Arc<KnownType>, task: &Task) -> Judged {
    let params: Value = serde_json::from_str(&task.params).unwrap_or(Value::Null);
    Judged {
        verdict: bundle.rate(&known, &params, task.requested_risk),
        params: task.params.clone(),
        bound: Vec::new(),
        known,
        policy_version: bundle.policy_version,
        types_version: bundle.types_version,
    }
}

/// Hashes the files that params name, off the threads that serve requests.
pub(crate) async fn bind(
    tenant: &Tenant,
    known: &Arc<KnownType>,
    params: &Value,
) -> Result<Vec<Bound>, WorkError> {
    let Some(agent) = known.agent.clone() else { return Ok(Vec::new()) };
    let (tenant, name, params) = (tenant.clone(), known.name.clone(), params.clone());
    tokio::task::spawn_blocking(move || agent.bind(&tenant, &name, &params))
        .await
        .map_err(|_| DbError::Failed("hashing files panicked".into()))?
        .map_err(WorkError::params)
}

/// What a caller expects of the world; checked when the command is accepted and again just before
/// it runs.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Precondition {
    /// Files of the tenant as they must be.
    pub files: Vec<FileState>,
}

/// A file as it must be.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileState {
    /// Path below the tenant's folder.
    pub path: String,
    /// SHA-256 in lower-case hex; `null` where there must be no file.
    pub sha256: Option<String>,
}

/// Files that a precondition names at most.
const MAX_FILES: usize = 20;

/// The agent type that can tell what a file is.
const FILE_TYPE: &str = "file.delete";

/// Checks a stored precondition.
pub(crate) async fn check_precondition(
    work: &Work,
    tenant: &Tenant,
    stored: &str,
) -> Result<(), WorkError> {
    let precondition: Precondition = serde_json::from_str(stored)
        .map_err(|error| WorkError::field("/precondition", error.to_string()))?;
    if precondition.files.len() > MAX_FILES {
        return Err(WorkError::field("/precondition/files", format!("at most {MAX_FILES} files")));
    }
    for (index, file) in precondition.files.iter().enumerate() {
        let known = work
            .catalogue
            .builtin_type(FILE_TYPE)
            .ok_or_else(|| WorkError::UnknownType(FILE_TYPE.to_owned()))?;
        let found = match bind(tenant, known, &json!({"path": file.path})).await {
            Ok(bound) => bound.into_iter().next().map(|bound| bound.sha256),
            Err(WorkError::Params("file_not_found", _)) => None,
            Err(WorkError::Params(code, mut errors)) => {
                for error in &mut errors {
                    error.path = format!("/precondition/files/{index}/path");
                }
                return Err(WorkError::Params(code, errors));
            }
            Err(error) => return Err(error),
        };
        if found != file.sha256 {
            let is = found.as_deref().unwrap_or("not there");
            return Err(WorkError::Precondition(format!("{} is {is}", file.path)));
        }
    }
    Ok(())
}
