//! Tenants and keys in the store.

use nexus_core::cursor::Epoch;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Row, Tx};
use nexus_kit::http::principal::{AgentKey, Principal};

use crate::Hash;
use crate::key::Kind;

pub(crate) struct TenantRow {
    pub tenant: Tenant,
    pub title: String,
    pub created_at: Time,
    pub paused_at: Option<Time>,
}

pub(crate) struct KeyRow {
    pub key_id: String,
    pub tenant: Option<Tenant>,
    pub kind: String,
    pub title: String,
    pub secret_hash: Hash,
    pub types: Vec<String>,
    pub created_at: Time,
    pub created_by: String,
    pub expires_at: Option<Time>,
    pub last_used: Option<Time>,
    pub revoked_at: Option<Time>,
}

impl KeyRow {
    pub fn principal(&self) -> Option<Principal> {
        Some(match (Kind::parse(&self.kind)?, &self.tenant) {
            (Kind::Agent, tenant) => Principal::Agent(AgentKey {
                key_id: self.key_id.clone(),
                tenant: tenant.clone(),
                types: self.types.clone(),
            }),
            (Kind::Service, Some(tenant)) => {
                Principal::TenantService { key_id: self.key_id.clone(), tenant: tenant.clone() }
            }
            (Kind::Service, None) => return None,
        })
    }
}

fn bad(what: &str) -> DbError {
    DbError::Failed(format!("a stored {what} cannot be read"))
}

pub(crate) fn tenant_exists(q: &Read, tenant: &Tenant) -> Result<bool, DbError> {
    let found =
        q.opt("SELECT 1 FROM tenant WHERE tenant = $1", args![tenant], |_| Ok::<_, DbError>(()));
    Ok(found?.is_some())
}

pub(crate) fn tenants(q: &Read) -> Result<Vec<TenantRow>, DbError> {
    q.all(
        "SELECT tenant, title, created_at, paused_at FROM tenant ORDER BY tenant",
        args![],
        |row| {
            Ok(TenantRow {
                tenant: Tenant::parse(&row.text(0)?).map_err(|_| bad("tenant"))?,
                title: row.text(1)?,
                created_at: row.time(2)?,
                paused_at: row.opt_time(3)?,
            })
        },
    )
}

pub(crate) fn no_tenants(q: &Read) -> Result<bool, DbError> {
    q.one("SELECT COUNT(*) FROM tenant", args![], |row| Ok(row.int(0)? == 0))
}

/// Makes a tenant and its log; says whether it is new.
pub(crate) fn insert_tenant(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    title: &str,
    worklog_keep: u64,
) -> Result<bool, DbError> {
    let now = tx.now();
    let made = tx.exec(
        "INSERT INTO tenant (tenant, title, created_at, policy_version, types_version)
         VALUES ($1, $2, $3, 0, 0) ON CONFLICT (tenant) DO NOTHING",
        args![tenant, title, now],
    )?;
    if made == 0 {
        return Ok(false);
    }
    let epoch = Epoch::new(&tx.random());
    tx.put(
        "INSERT INTO stream_head (tenant, epoch, last, worklog_keep) VALUES ($1, $2, 0, $3)",
        args![tenant, epoch.as_str(), worklog_keep],
    )?;
    Ok(true)
}

fn key_row(row: &Row<'_>) -> Result<KeyRow, DbError> {
    let tenant = row.opt_text(1)?.map(|text| Tenant::parse(&text).map_err(|_| bad("tenant")));
    let types = row.opt_text(5)?.unwrap_or_else(|| "[]".to_owned());
    Ok(KeyRow {
        key_id: row.text(0)?,
        tenant: tenant.transpose()?,
        kind: row.text(2)?,
        title: row.text(3)?,
        secret_hash: row.bytes(4)?.try_into().map_err(|_| bad("hash"))?,
        types: serde_json::from_str(&types).map_err(|_| bad("list of types"))?,
        created_at: row.time(6)?,
        created_by: row.text(7)?,
        expires_at: row.opt_time(8)?,
        last_used: row.opt_time(9)?,
        revoked_at: row.opt_time(10)?,
    })
}

pub(crate) fn key(q: &Read, key_id: &str) -> Result<Option<KeyRow>, DbError> {
    q.opt(
        "SELECT key_id, tenant, kind, title, secret_hash, types, created_at, created_by,
                expires_at, last_used, revoked_at FROM api_key WHERE key_id = $1",
        args![key_id],
        key_row,
    )
}

/// The keys of a tenant; `None` for those of all tenants.
pub(crate) fn keys(q: &Read, tenant: Option<&Tenant>) -> Result<Vec<KeyRow>, DbError> {
    q.all(
        "SELECT key_id, tenant, kind, title, secret_hash, types, created_at, created_by,
                expires_at, last_used, revoked_at FROM api_key
         WHERE tenant = $1 OR (tenant IS NULL AND $1 IS NULL) ORDER BY key_id",
        args![tenant],
        key_row,
    )
}

pub(crate) fn insert_key(tx: &mut Tx<'_>, row: &KeyRow) -> Result<(), DbError> {
    let types = serde_json::json!(row.types).to_string();
    tx.put(
        "INSERT INTO api_key (key_id, tenant, kind, title, secret_hash, types, created_at,
                              created_by, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            &row.key_id,
            row.tenant.as_ref(),
            &row.kind,
            &row.title,
            row.secret_hash.as_slice(),
            &types,
            row.created_at,
            &row.created_by,
            row.expires_at,
        ],
    )?;
    Ok(())
}

pub(crate) fn revoke_key(tx: &mut Tx<'_>, key_id: &str, now: Time) -> Result<u64, DbError> {
    tx.exec(
        "UPDATE api_key SET revoked_at = $2 WHERE key_id = $1 AND revoked_at IS NULL",
        args![key_id, now],
    )
}

pub(crate) fn expire_key(tx: &mut Tx<'_>, key_id: &str, at: Time) -> Result<u64, DbError> {
    tx.exec(
        "UPDATE api_key SET expires_at = $2
         WHERE key_id = $1 AND (expires_at IS NULL OR expires_at > $2)",
        args![key_id, at],
    )
}

pub(crate) fn touch_key(tx: &mut Tx<'_>, key_id: &str, now: Time) -> Result<u64, DbError> {
    tx.exec("UPDATE api_key SET last_used = $2 WHERE key_id = $1", args![key_id, now])
}
