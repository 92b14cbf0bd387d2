//! Policy and registered types in the store.

use std::time::Duration;

use nexus_core::policy::{Risk, Rule};
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{Asked, DbError, Read, Tx};
use serde_json::Value;

pub(crate) struct TypeRow {
    pub command_type: String,
    pub builtin: bool,
    pub risk: Option<Risk>,
    pub sends_outside: bool,
    pub title_en: String,
    pub title_ko: String,
    pub params_schema: Value,
    pub timeout: Duration,
    pub retryable: bool,
    pub concurrency: Option<u32>,
}

pub(crate) struct Stored {
    pub policy_version: u64,
    pub types_version: u64,
    pub rules: Vec<Rule>,
    pub types: Vec<TypeRow>,
}

/// What of a tenant's row decides about commands.
#[derive(Clone, Copy)]
pub(crate) struct Switches {
    pub policy_version: u64,
    pub types_version: u64,
    pub paused: bool,
}

/// Switches that were asked for, or that the transaction knows.
pub(crate) enum AskedSwitches {
    Known(Switches),
    Asked(Asked),
}

fn unreadable(what: &str) -> DbError {
    DbError::Failed(format!("a stored {what} cannot be read"))
}

pub(crate) fn switches(q: &Read, tenant: &Tenant) -> Result<Switches, DbError> {
    asked_for(q, ask(q, tenant)?)
}

/// Asks for them in a transaction, which remembers them for the writes that share it.
pub(crate) fn ask_switches(tx: &Tx<'_>, tenant: &Tenant) -> Result<AskedSwitches, DbError> {
    match tx.noted(tenant.key()) {
        Some(known) => Ok(AskedSwitches::Known(*known)),
        None => ask(tx, tenant).map(AskedSwitches::Asked),
    }
}

pub(crate) fn asked_switches(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    asked: AskedSwitches,
) -> Result<Switches, DbError> {
    match asked {
        AskedSwitches::Known(known) => Ok(known),
        AskedSwitches::Asked(asked) => {
            let switches = asked_for(tx, asked)?;
            tx.note(tenant.key(), switches);
            Ok(switches)
        }
    }
}

fn ask(q: &Read, tenant: &Tenant) -> Result<Asked, DbError> {
    q.ask(
        "SELECT policy_version, types_version, paused_at FROM tenant WHERE tenant = $1",
        args![tenant],
    )
}

fn asked_for(q: &Read, asked: Asked) -> Result<Switches, DbError> {
    let found = q.answer(asked, |row| {
        Ok::<_, DbError>(Switches {
            policy_version: row.count(0)?,
            types_version: row.count(1)?,
            paused: row.opt_int(2)?.is_some(),
        })
    });
    found?.ok_or(DbError::NoTenant)
}

pub(crate) fn stored_bundle(q: &Read, tenant: &Tenant) -> Result<Stored, DbError> {
    let switches = switches(q, tenant)?;
    Ok(Stored {
        rules: rules(q, tenant, switches.policy_version)?,
        types: types(q, tenant)?,
        policy_version: switches.policy_version,
        types_version: switches.types_version,
    })
}

pub(crate) fn rules(q: &Read, tenant: &Tenant, version: u64) -> Result<Vec<Rule>, DbError> {
    let stored = q.opt(
        "SELECT rules FROM policy WHERE tenant = $1 AND version = $2",
        args![tenant, version],
        |row| row.text(0),
    )?;
    match stored {
        None => Ok(Vec::new()),
        Some(json) => serde_json::from_str(&json).map_err(|_| unreadable("policy")),
    }
}

fn types(q: &Read, tenant: &Tenant) -> Result<Vec<TypeRow>, DbError> {
    q.all(
        "SELECT command_type, builtin, risk, sends_outside, title_en, title_ko, params_schema,
                timeout_seconds, retryable, concurrency
         FROM command_type WHERE tenant = $1 ORDER BY command_type",
        args![tenant],
        |row| {
            Ok(TypeRow {
                command_type: row.text(0)?,
                builtin: row.flag(1)?,
                risk: row.opt_text(2)?.and_then(|risk| Risk::parse(&risk)),
                sends_outside: row.flag(3)?,
                title_en: row.text(4)?,
                title_ko: row.text(5)?,
                params_schema: serde_json::from_str(&row.text(6)?)
                    .map_err(|_| unreadable("schema"))?,
                timeout: Duration::from_secs(row.count(7)?),
                retryable: row.flag(8)?,
                concurrency: row.opt_int(9)?.and_then(|count| u32::try_from(count).ok()),
            })
        },
    )
}

/// Writes the rules as the version after `version`; says whether that was the newest.
pub(crate) fn put_rules(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    version: u64,
    rules: &str,
    now: Time,
    actor: &str,
) -> Result<bool, DbError> {
    let moved = tx.exec(
        "UPDATE tenant SET policy_version = $2 + 1 WHERE tenant = $1 AND policy_version = $2",
        args![tenant, version],
    )?;
    if moved == 0 {
        return Ok(false);
    }
    tx.forget::<Switches>(tenant.key());
    tx.put(
        "INSERT INTO policy (tenant, version, rules, changed_at, changed_by)
         VALUES ($1, $2, $3, $4, $5)",
        args![tenant, version + 1, rules, now, actor],
    )?;
    Ok(true)
}

pub(crate) fn put_type(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    row: &TypeRow,
    now: Time,
    actor: &str,
) -> Result<(), DbError> {
    let schema = row.params_schema.to_string();
    tx.put(
        "INSERT INTO command_type (tenant, command_type, builtin, risk, sends_outside, title_en,
             title_ko, params_schema, timeout_seconds, retryable, changed_at, changed_by,
             concurrency)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (tenant, command_type) DO UPDATE SET builtin = $3, risk = $4,
             sends_outside = $5, title_en = $6, title_ko = $7, params_schema = $8,
             timeout_seconds = $9, retryable = $10, changed_at = $11, changed_by = $12,
             concurrency = $13",
        args![
            tenant,
            &row.command_type,
            row.builtin,
            row.risk.map(Risk::as_str),
            row.sends_outside,
            &row.title_en,
            &row.title_ko,
            &schema,
            row.timeout.as_secs(),
            row.retryable,
            now,
            actor,
            row.concurrency.map(i64::from),
        ],
    )?;
    tx.forget::<Switches>(tenant.key());
    tx.put("UPDATE tenant SET types_version = types_version + 1 WHERE tenant = $1", args![tenant])
}

/// Sets or clears the stop switch; says whether anything changed.
pub(crate) fn set_paused(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    paused_at: Option<Time>,
    actor: &str,
) -> Result<bool, DbError> {
    tx.forget::<Switches>(tenant.key());
    let changed = match paused_at {
        Some(at) => tx.exec(
            "UPDATE tenant SET paused_at = $2, paused_by = $3
             WHERE tenant = $1 AND paused_at IS NULL",
            args![tenant, at, actor],
        )?,
        None => tx.exec(
            "UPDATE tenant SET paused_at = NULL, paused_by = NULL
             WHERE tenant = $1 AND paused_at IS NOT NULL",
            args![tenant],
        )?,
    };
    Ok(changed > 0)
}
