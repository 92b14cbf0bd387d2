//! `nexus audit verify`: reads the store itself, also while a server runs on it.

use nexus_audit::{ChainHead, chains, verify};
use nexus_core::tenant::Tenant;
use nexus_kit::db::{Db, DbError, Scope};
use nexus_kit::settings::Settings;

/// What a walk along one audit chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditVerdict {
    /// `{org}:{project}`, or `platform`.
    pub tenant: String,
    /// Entries that were read.
    pub entries: u64,
    /// Number and hash of the newest entry, to be kept somewhere else and given as `--expect`.
    pub head: Option<(u64, String)>,
    /// What is wrong, in words; none if the chain is whole.
    pub broken: Option<String>,
}

/// Walks the audit chains in the store: of one tenant, or of all. `expect` is a number and
/// the hash that the entry with it must have.
///
/// # Errors
/// When there is no store, or no such tenant in it.
pub fn audit_verify(
    settings: &Settings,
    tenant: Option<&Tenant>,
    expect: Option<&(u64, String)>,
) -> Result<Vec<AuditVerdict>, String> {
    let store = &settings.store;
    let failed = |error: DbError| error.to_string();
    let known = Db::look(store, &Scope::System, chains).map_err(failed)?;
    let wanted = match tenant {
        None => known,
        Some(tenant) if known.iter().any(|chain| chain == tenant.key()) => {
            vec![tenant.key().to_owned()]
        }
        Some(tenant) => return Err(format!("there is no audit chain of {tenant}")),
    };
    let expect = expect.map(|(seq, hash)| ChainHead { seq: *seq, hash: hash.clone() });
    let walk = |chain: String| {
        // A chain is read as the tenant that it belongs to.
        let scope = Tenant::parse(&chain).map_or(Scope::System, Scope::Tenant);
        let verdict = Db::look(store, &scope, |q| verify(q, &chain, expect.as_ref()));
        let verdict = verdict.map_err(failed)?;
        Ok(AuditVerdict {
            tenant: verdict.chain,
            entries: verdict.entries,
            head: (verdict.head.seq > 0).then_some((verdict.head.seq, verdict.head.hash)),
            broken: verdict.broken.map(|broken| format!("entry {}: {}", broken.seq, broken.why)),
        })
    };
    wanted.into_iter().map(walk).collect()
}
