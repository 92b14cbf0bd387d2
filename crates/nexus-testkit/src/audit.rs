//! The audit log as the store has it.

use nexus_core::tenant::Tenant;
use nexus_kit::args;
use nexus_kit::db::{Db, DbError, Scope};
use nexus_kit::settings::Store;
use serde_json::Value;

/// An entry of an audit chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Who.
    pub actor: String,
    /// `ask.approved`, `access.refused`, …
    pub action: String,
    /// To what.
    pub target: String,
    /// What else it says.
    pub details: Value,
}

/// A chain's entries: of a tenant, or of `platform`.
pub(crate) fn entries(store: &Store, chain: &str) -> Vec<Entry> {
    let scope = Tenant::parse(chain).map_or(Scope::System, Scope::Tenant);
    let found = Db::look(store, &scope, |q| {
        q.all(
            "SELECT actor, action, target, details FROM audit WHERE tenant = $1 ORDER BY seq",
            args![chain],
            |row| {
                let details = row.opt_text(3)?.unwrap_or_default();
                Ok::<_, DbError>(Entry {
                    actor: row.text(0)?,
                    action: row.text(1)?,
                    target: row.text(2)?,
                    details: serde_json::from_str(&details).unwrap_or(Value::Null),
                })
            },
        )
    });
    found.expect("the audit log can be read")
}
