//! Changing what may run: each change is audited and reported in its own transaction.

use std::time::Duration;

use nexus_audit::{Entry, record};
use nexus_core::policy::{Risk, Rule, check_rules};
use nexus_core::tenant::Tenant;
use nexus_kit::db::Tx;
use nexus_kit::http::problem::FieldError;
use nexus_kit::log::{Meta, Report, ReportChange};
use serde_json::{Value, json};

use super::sql::{self, TypeRow};
use crate::Work;
use crate::catalogue::compile;
use crate::contract;
use crate::error::WorkError;

/// Largest schema of a registered type, in bytes.
const SCHEMA_BYTES: usize = 64 << 10;

/// The highest cap on how many tasks of a type run at once.
const MAX_CONCURRENCY: u32 = 1_000_000;

/// Namespaces of built-in types, also of those to come; no outside type takes a name in them.
const RESERVED: &[&str] = &[
    "autofix.",
    "autopilot.",
    "boxes.",
    "chat.",
    "dlq.",
    "excel_kakao.",
    "file.",
    "kakao.",
    "mcp.",
    "rag.",
    "share.",
    "system.",
    "youtube.",
];

/// Who changes something, and in which request.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub name: String,
    pub correlation_id: String,
}

/// Replaces the tenant's rules; `expected` is the version that the caller read.
pub(crate) async fn put_rules(
    work: &Work,
    tenant: &Tenant,
    rules: Vec<Rule>,
    expected: Option<u64>,
    actor: Actor,
) -> Result<u64, WorkError> {
    let bad = check_rules(&rules);
    if !bad.is_empty() {
        let fields = bad.into_iter().map(|b| FieldError { path: b.path, message: b.message });
        return Err(WorkError::Fields(fields.collect()));
    }
    let json = serde_json::to_string(&rules)
        .map_err(|error| WorkError::field("/rules", error.to_string()))?;
    let whose = tenant.clone();
    let version = work
        .app
        .db
        .write(tenant, move |tx| {
            let current = sql::switches(tx, &whose)?.policy_version;
            if expected.is_some_and(|expected| expected != current) {
                return Err(WorkError::PolicyVersion(current));
            }
            let now = tx.now();
            if !sql::put_rules(tx, &whose, current, &json, now, &actor.name)? {
                return Err(WorkError::Stale);
            }
            let version = current + 1;
            let details = json!({"version": version, "rules": rules.len()});
            audit(tx, &whose, &actor, "policy.changed", whose.key(), details)?;
            let value = json!({"version": version, "changed_by": actor.name});
            report(tx, "policy.changed", &actor, "policy", &value)?;
            Ok(version)
        })
        .await?;
    work.catalogue.refresh(&work.app.db, tenant).await?;
    Ok(version)
}

/// A type as an admin sets it.
#[derive(Clone, Debug)]
pub(crate) struct TypeChange {
    pub params_schema: Option<Value>,
    pub title_en: Option<String>,
    pub title_ko: Option<String>,
    pub timeout_seconds: u32,
    pub retryable: bool,
    pub sends_outside: bool,
    pub risk: Option<Risk>,
    pub concurrency: Option<u32>,
}

/// Registers a type that an outside agent performs, or sets the level of a built-in one.
pub(crate) async fn put_type(
    work: &Work,
    tenant: &Tenant,
    name: &str,
    change: TypeChange,
    actor: Actor,
) -> Result<(), WorkError> {
    if change.concurrency.is_some_and(|count| !(1..=MAX_CONCURRENCY).contains(&count)) {
        return Err(WorkError::field("/concurrency", "1 to 1000000"));
    }
    let row = match work.catalogue.builtin_type(name) {
        Some(builtin) => {
            if change.params_schema.is_some() {
                let why = "a built-in type has its own schema; set its risk alone";
                return Err(WorkError::field("/params_schema", why));
            }
            if builtin.floor && change.risk.is_some_and(|risk| risk < Risk::Red) {
                let why = "what shares, sends, deletes or changes the system stays RED";
                return Err(WorkError::field("/risk", why));
            }
            TypeRow {
                command_type: name.to_owned(),
                builtin: true,
                risk: change.risk,
                sends_outside: builtin.floor,
                title_en: builtin.title_en.clone(),
                title_ko: builtin.title_ko.clone(),
                params_schema: Value::Bool(true),
                timeout: builtin.timeout,
                retryable: true,
                concurrency: change.concurrency,
            }
        }
        None => registered(name, change)?,
    };
    let whose = tenant.clone();
    work.app
        .db
        .write(tenant, move |tx| {
            let now = tx.now();
            sql::put_type(tx, &whose, &row, now, &actor.name)?;
            if row.concurrency.is_some() {
                // What runs already counts from now on.
                contract::sql::cap_leases(tx, &whose, &row.command_type)?;
            }
            let details = json!({
                "risk": row.risk, "builtin": row.builtin, "sends_outside": row.sends_outside,
                "concurrency": row.concurrency,
            });
            audit(tx, &whose, &actor, "command_type.changed", &row.command_type, details)?;
            let id = format!("type:{}", row.command_type);
            let value = json!({"command_type": row.command_type, "risk": row.risk});
            report(tx, "command_type.changed", &actor, &id, &value)?;
            Ok::<_, WorkError>(())
        })
        .await?;
    work.catalogue.refresh(&work.app.db, tenant).await?;
    // A cap that was lifted lets more of them be claimed.
    work.app.wake.notify();
    Ok(())
}

fn registered(name: &str, change: TypeChange) -> Result<TypeRow, WorkError> {
    let well_formed = (3..=128).contains(&name.len())
        && name.contains('.')
        && name.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        });
    if !well_formed {
        let why =
            "a type is two or more names of a-z 0-9 _ joined by dots, such as billing.invoice";
        return Err(WorkError::field("/type", why));
    }
    if RESERVED.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(WorkError::field("/type", "this namespace belongs to built-in agents"));
    }
    let Some(schema) = change.params_schema else {
        return Err(WorkError::field(
            "/params_schema",
            "a new type needs the schema of its params",
        ));
    };
    if schema.to_string().len() > SCHEMA_BYTES {
        return Err(WorkError::field("/params_schema", "at most 64 KiB"));
    }
    compile(&schema).map_err(|error| WorkError::field("/params_schema", error))?;
    if !(1..=86_400).contains(&change.timeout_seconds) {
        return Err(WorkError::field("/timeout_seconds", "1 to 86400"));
    }
    let title = |title: Option<String>, path: &str| match title {
        Some(title) if title.is_empty() || title.len() > 200 => {
            Err(WorkError::field(path, "1 to 200 bytes"))
        }
        Some(title) => Ok(title),
        None => Ok(name.to_owned()),
    };
    Ok(TypeRow {
        command_type: name.to_owned(),
        builtin: false,
        risk: change.risk,
        sends_outside: change.sends_outside,
        title_en: title(change.title_en, "/title_en")?,
        title_ko: title(change.title_ko, "/title_ko")?,
        params_schema: schema,
        timeout: Duration::from_secs(u64::from(change.timeout_seconds)),
        retryable: change.retryable,
        concurrency: change.concurrency,
    })
}

/// Stops all execution of a tenant at once, or lets it go on.
pub(crate) async fn set_paused(
    work: &Work,
    tenant: &Tenant,
    paused: bool,
    actor: Actor,
) -> Result<(), WorkError> {
    let whose = tenant.clone();

    work.app
        .db
        .write(tenant, move |tx| {
            let now = tx.now();
            if !sql::set_paused(tx, &whose, paused.then_some(now), &actor.name)? {
                // As asked already: there is nothing to report.
                return Ok(());
            }
            let kind = if paused { "tenant.paused" } else { "tenant.resumed" };
            audit(tx, &whose, &actor, kind, whose.key(), json!({}))?;
            let value = json!({"paused": paused, "by": actor.name, "at": now});
            report(tx, kind, &actor, "tenant", &value)?;
            tx.wake();
            Ok::<_, WorkError>(())
        })
        .await
}

fn audit(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    actor: &Actor,
    action: &str,
    target: &str,
    details: Value,
) -> Result<(), WorkError> {
    let entry = Entry {
        actor: &actor.name,
        action,
        target,
        correlation_id: &actor.correlation_id,
        details,
    };
    record(tx, tenant.key(), &entry)?;
    Ok(())
}

fn report(
    tx: &mut Tx<'_>,
    kind: &'static str,
    actor: &Actor,
    id: &str,
    value: &Value,
) -> Result<(), WorkError> {
    let place = tx.next_place()?;
    let report = Report {
        kind,
        correlation_id: &actor.correlation_id,
        meta: Meta { agent: Some("nexus"), ..Meta::default() },
        changes: vec![ReportChange::upsert("system", id, value)],
    };
    tx.report(&place, &report)?;
    Ok(())
}
