//! Making tenants and keys: load, decide, save and audit in one transaction.

use std::time::Duration;

use nexus_audit::{Entry, PLATFORM, record};
use nexus_core::id::KeyId;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::app::App;
use nexus_kit::db::Scope;
use serde_json::json;

use crate::error::AuthError;
use crate::key::{self, Kind};
use crate::sql::{self, KeyRow};

/// How long the old key lives on after a rotation, unless the caller says otherwise.
pub(crate) const ROTATION_OVERLAP: Duration = Duration::from_secs(86_400);

/// A key that was just made; its text is never shown again.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// `key_…`.
    pub key_id: String,
    /// The key itself.
    pub key: String,
}

/// Makes a tenant.
///
/// # Errors
/// [`AuthError::TenantExists`].
pub async fn create_tenant(
    app: &App,
    tenant: &Tenant,
    title: &str,
    actor: &str,
    correlation_id: &str,
) -> Result<(), AuthError> {
    if title.len() > 200 {
        return Err(AuthError::Field("/title", "at most 200 bytes"));
    }
    let (whose, title, actor) = (tenant.clone(), title.to_owned(), actor.to_owned());
    let correlation_id = correlation_id.to_owned();
    let keep = app.settings.stream.worklog_keep as u64;
    app.db
        .write(tenant, move |tx| {
            if !sql::insert_tenant(tx, &whose, &title, keep)? {
                return Err(AuthError::TenantExists);
            }
            let entry = Entry {
                actor: &actor,
                action: "tenant.created",
                target: whose.key(),
                correlation_id: &correlation_id,
                details: json!({"title": title}),
            };
            record(tx, whose.key(), &entry)?;
            Ok(())
        })
        .await
}

/// Makes `default:default` if there is no tenant at all; says whether it did.
pub async fn ensure_default_tenant(app: &App) -> Result<bool, AuthError> {
    if !app.db.read(Scope::System, sql::no_tenants).await? {
        return Ok(false);
    }
    let Ok(tenant) = Tenant::parse(Tenant::DEFAULT_KEY) else { return Ok(false) };
    let correlation_id = app.new_correlation();
    create_tenant(app, &tenant, "Default", "system:first_run", &correlation_id).await?;
    Ok(true)
}

/// What a new key is to be.
pub(crate) struct KeyRequest {
    pub tenant: Option<Tenant>,
    pub kind: Kind,
    pub title: String,
    pub types: Vec<String>,
    pub expires_at: Option<Time>,
}

pub(crate) async fn create_key(
    app: &App,
    request: KeyRequest,
    actor: &str,
    correlation_id: &str,
) -> Result<NewKey, AuthError> {
    if request.title.is_empty() || request.title.len() > 200 {
        return Err(AuthError::Field("/title", "1 to 200 bytes"));
    }
    match request.kind {
        Kind::Agent if request.types.is_empty() || request.types.len() > 200 => {
            return Err(AuthError::Field("/types", "an agent key names 1 to 200 command types"));
        }
        Kind::Service if !request.types.is_empty() => {
            return Err(AuthError::Field("/types", "a service key claims nothing; leave this out"));
        }
        _ => {}
    }
    if request.types.iter().any(|name| name.is_empty() || name.len() > 128) {
        return Err(AuthError::Field("/types", "a command type has 1 to 128 bytes"));
    }
    if request.expires_at.is_some_and(|at| at <= app.clock.expiry()) {
        return Err(AuthError::Field("/expires_at", "lies in the past"));
    }
    let scope = request.tenant.as_ref().map_or(Scope::System, Scope::from);
    let (actor, correlation_id) = (actor.to_owned(), correlation_id.to_owned());
    let entropy = app.entropy.clone();
    app.db
        .write(scope, move |tx| {
            let key_id = KeyId::new(tx.now(), &tx.id_entropy());
            let (text, secret_hash) = key::make(request.kind, &key_id, &entropy);
            let row = KeyRow {
                key_id: key_id.to_string(),
                tenant: request.tenant,
                kind: request.kind.as_str().to_owned(),
                title: request.title,
                secret_hash,
                types: request.types,
                created_at: tx.now(),
                created_by: actor,
                expires_at: request.expires_at,
                last_used: None,
                revoked_at: None,
            };
            sql::insert_key(tx, &row)?;
            let details = json!({"kind": row.kind, "title": row.title, "types": row.types});
            audit(tx, &row, &row.created_by, "key.created", &correlation_id, details)?;
            Ok(NewKey { key_id: row.key_id, key: text })
        })
        .await
}

pub(crate) async fn revoke_key(
    app: &App,
    tenant: Option<&Tenant>,
    key_id: &str,
    actor: &str,
    correlation_id: &str,
) -> Result<(), AuthError> {
    let (key_id, actor) = (key_id.to_owned(), actor.to_owned());
    let (whose, correlation_id) = (tenant.cloned(), correlation_id.to_owned());
    app.db
        .write(tenant.map_or(Scope::System, Scope::from), move |tx| {
            let row = sql::key(tx, &key_id)?.filter(|row| row.tenant == whose);
            let row = row.ok_or(AuthError::NoKey)?;
            let now = tx.now();
            if sql::revoke_key(tx, &key_id, now)? > 0 {
                audit(tx, &row, &actor, "key.revoked", &correlation_id, json!({}))?;
            }
            Ok(())
        })
        .await
}

/// Makes a key like the old one, which lives on for `overlap`.
pub(crate) async fn rotate_key(
    app: &App,
    tenant: Option<&Tenant>,
    key_id: &str,
    overlap: Duration,
    actor: &str,
    correlation_id: &str,
) -> Result<NewKey, AuthError> {
    let (key_id, actor) = (key_id.to_owned(), actor.to_owned());
    let (whose, correlation_id) = (tenant.cloned(), correlation_id.to_owned());
    let entropy = app.entropy.clone();
    app.db
        .write(tenant.map_or(Scope::System, Scope::from), move |tx| {
            let old = sql::key(tx, &key_id)?
                .filter(|row| row.tenant == whose && row.revoked_at.is_none())
                .ok_or(AuthError::NoKey)?;
            let kind = Kind::parse(&old.kind).ok_or(AuthError::NoKey)?;
            let new_id = KeyId::new(tx.now(), &tx.id_entropy());
            let (text, secret_hash) = key::make(kind, &new_id, &entropy);
            let ends = tx.expiry().plus(overlap);
            sql::expire_key(tx, &old.key_id, ends)?;
            let row = KeyRow {
                key_id: new_id.to_string(),
                secret_hash,
                created_at: tx.now(),
                created_by: actor,
                last_used: None,
                ..old
            };
            sql::insert_key(tx, &row)?;
            let details = json!({"replaces": key_id, "old_key_ends": ends});
            audit(tx, &row, &row.created_by, "key.rotated", &correlation_id, details)?;
            Ok(NewKey { key_id: row.key_id, key: text })
        })
        .await
}

fn audit(
    tx: &mut nexus_kit::db::Tx<'_>,
    row: &KeyRow,
    actor: &str,
    action: &str,
    correlation_id: &str,
    details: serde_json::Value,
) -> Result<(), AuthError> {
    let chain = row.tenant.as_ref().map_or(PLATFORM, |tenant| tenant.key());
    record(tx, chain, &Entry { actor, action, target: &row.key_id, correlation_id, details })?;
    Ok(())
}
