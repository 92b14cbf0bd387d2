//! What is to be done about failed tasks: the tenant's own policy or the settings', and what somebody
//! says is resolved. `nexus_core::triage` decides; here it is loaded, tried and changed.

mod actions;
pub mod http;
pub(crate) mod sql;

use nexus_core::failure::FailureCode;
use nexus_core::tenant::Tenant;
use nexus_core::triage::{Decision, Failed, Policy, Resolved};
use nexus_kit::db::{DbError, Read};
use nexus_kit::log::ReportChange;
use serde_json::json;

pub(crate) use actions::{COUNTED_DAYS, day};
use sql::ResolvedCode;

/// All that decides about the failed tasks of a tenant, at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Triage {
    /// Of the tenant's own policy; 0 where it never had one.
    pub version: u64,
    /// Whether the policy is the tenant's own.
    pub own: bool,
    /// Which codes are requeued, held and alarmed.
    pub policy: Policy,
    /// Codes whose cause is said to be gone, and since when.
    pub resolved: Resolved,
}

impl Triage {
    /// Reads it; `settings` is the policy of tenants that have none of their own.
    pub fn load(q: &Read, tenant: &Tenant, settings: &Policy) -> Result<Self, DbError> {
        Ok(Current::load(q, tenant, settings)?.triage)
    }

    /// What is to be done about a task that failed with this code.
    pub fn decide(&self, code: FailureCode) -> Decision {
        self.policy.decide(code)
    }

    /// Whether a failed task may be requeued at all.
    pub fn may_requeue(&self, failed: &Failed) -> bool {
        self.policy.may_requeue(failed, &self.resolved)
    }
}

/// The same with who resolved what, for people.
#[derive(Clone, Debug)]
struct Current {
    triage: Triage,
    resolved: Vec<ResolvedCode>,
}

impl Current {
    fn load(q: &Read, tenant: &Tenant, settings: &Policy) -> Result<Self, DbError> {
        let (version, own) = sql::policy(q, tenant)?;
        let resolved = sql::resolved(q, tenant)?;
        let since = resolved.iter().map(|it| (it.failure_code, it.at)).collect();
        let triage = Triage {
            version,
            own: own.is_some(),
            policy: own.unwrap_or_else(|| settings.clone()),
            resolved: Resolved(since),
        };
        Ok(Self { triage, resolved })
    }

    /// Where the policy comes from.
    fn source(&self) -> &'static str {
        if self.triage.own { "tenant" } else { "settings" }
    }

    /// How the stream shows it.
    fn change(&self) -> ReportChange {
        let resolved: Vec<FailureCode> = self.resolved.iter().map(|it| it.failure_code).collect();
        let value = json!({
            "version": self.triage.version, "source": self.source(), "resolved": resolved,
        });
        ReportChange::upsert("system", "dlq_policy", &value)
    }
}
