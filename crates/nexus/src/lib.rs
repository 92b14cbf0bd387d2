//! The NEXUS control plane: one binary.

pub mod cli;
pub mod client;

use nexus_core::tenant::Tenant;
use nexus_kit::settings::Settings;
use nexus_kit::settings::load::Loaded;

/// Runs a server until it is told to stop.
pub async fn serve(loaded: Loaded) -> Result<(), String> {
    let bind = loaded.settings.http.bind;
    Err(format!("this build has no server to listen on {bind}"))
}

/// What a walk along one tenant's audit chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditVerdict {
    /// `{org}:{project}`.
    pub tenant: String,
    /// Entries that were read.
    pub entries: u64,
    /// Number and hash of the newest entry, to be kept somewhere else and given as `--expect`.
    pub head: Option<(u64, String)>,
    /// What is wrong, in words; none if the chain is whole.
    pub broken: Option<String>,
}

/// Walks the audit chains in the data directory: of one tenant, or of all. `expect` is a number and
/// the hash that the entry with it must have.
pub fn audit_verify(
    settings: &Settings,
    tenant: Option<&Tenant>,
    expect: Option<&(u64, String)>,
) -> Result<Vec<AuditVerdict>, String> {
    let _ = (tenant, expect);
    Err(format!("there is no audit chain in {}", settings.store.data_dir.display()))
}
