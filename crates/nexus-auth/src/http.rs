//! `/tenants` and `/keys`.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::http::body::Body;
use nexus_kit::http::page::Page;
use nexus_kit::http::principal::{Admin, Caller, PlatformAdmin, Principal};
use nexus_kit::http::problem::Problem;
use nexus_kit::http::query::Query;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::AuthState;
use crate::actions::{self, KeyRequest, ROTATION_OVERLAP};
use crate::error::AuthError;
use crate::key::Kind;
use crate::sql::{self, KeyRow};

/// A tenant to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantIn {
    /// 1 to 64 of `A-Z a-z 0-9 . _ -`.
    org_id: String,
    /// 1 to 64 of `A-Z a-z 0-9 . _ -`.
    project_id: String,
    /// For people.
    #[serde(default)]
    title: Option<String>,
}

/// A tenant.
#[derive(Serialize, ToSchema)]
pub struct TenantOut {
    org_id: String,
    project_id: String,
    title: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// Since when all execution stands still.
    #[schema(value_type = Option<String>, format = DateTime)]
    paused_at: Option<Time>,
}

/// Makes a tenant. Only the platform admin; no tenant headers.
#[utoipa::path(post, path = "/tenants", tag = "tenants", request_body = TenantIn, security(("api_key" = [])),
    responses((status = 201, body = TenantOut), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, description = "`tenant_exists`", body = Problem), (status = 422, body = Problem)))]
pub async fn create_tenant(
    State(state): State<AuthState>,
    caller: PlatformAdmin,
    Body(body): Body<TenantIn>,
) -> Result<(StatusCode, Json<TenantOut>), AuthError> {
    let tenant = Tenant::new(&body.org_id, &body.project_id).map_err(|_| {
        AuthError::Field("/org_id", "org_id and project_id are 1 to 64 of A-Z a-z 0-9 . _ -")
    })?;
    let title = body.title.unwrap_or_else(|| tenant.to_string());
    actions::create_tenant(&state.app, &tenant, &title, "admin", &caller.correlation_id).await?;
    let out = TenantOut {
        org_id: body.org_id,
        project_id: body.project_id,
        title,
        created_at: state.app.clock.now(),
        paused_at: None,
    };
    Ok((StatusCode::CREATED, Json(out)))
}

/// Lists all tenants. Only the platform admin; no tenant headers.
#[utoipa::path(get, path = "/tenants", tag = "tenants", security(("api_key" = [])),
    responses((status = 200, description = "Every tenant", body = [TenantOut]), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_tenants(
    State(state): State<AuthState>,
    _: PlatformAdmin,
) -> Result<Json<Page<TenantOut>>, AuthError> {
    let rows = state.app.db.read(nexus_kit::db::Scope::System, sql::tenants).await?;
    let items = rows.into_iter().map(|row| TenantOut {
        org_id: row.tenant.org().to_owned(),
        project_id: row.tenant.project().to_owned(),
        title: row.title,
        created_at: row.created_at,
        paused_at: row.paused_at,
    });
    Ok(Json(Page { items: items.collect(), next: None }))
}

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyIn {
    /// `service` or `agent`.
    kind: String,
    /// For people.
    title: String,
    /// Command types that an agent may claim.
    #[serde(default)]
    types: Vec<String>,
    /// When the key ends by itself.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    /// An agent key of all tenants; only the platform admin.
    #[serde(default)]
    all_tenants: bool,
}

/// A key that was just made; `key` is never shown again.
#[derive(Serialize, ToSchema)]
pub struct KeyCreated {
    key_id: String,
    key: String,
}

/// A key, without what proves it.
#[derive(Serialize, ToSchema)]
pub struct KeyOut {
    key_id: String,
    kind: String,
    title: String,
    types: Vec<String>,
    all_tenants: bool,
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Time>,
}

impl From<KeyRow> for KeyOut {
    fn from(row: KeyRow) -> Self {
        Self {
            key_id: row.key_id,
            kind: row.kind,
            title: row.title,
            types: row.types,
            all_tenants: row.tenant.is_none(),
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used: row.last_used,
            revoked_at: row.revoked_at,
        }
    }
}

/// Makes a key for a program. The answer is the only one that shows it.
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = KeyIn, security(("api_key" = [])),
    responses((status = 201, body = KeyCreated), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn create_key(
    State(state): State<AuthState>,
    caller: Caller<Admin>,
    Body(body): Body<KeyIn>,
) -> Result<(StatusCode, Json<KeyCreated>), Problem> {
    let kind = Kind::parse(&body.kind).ok_or(AuthError::Field("/kind", "service or agent"))?;
    if body.all_tenants && kind != Kind::Agent {
        let error = AuthError::Field("/all_tenants", "only an agent key can be of all tenants");
        return Err(error.into());
    }
    if body.all_tenants && caller.principal != Principal::PlatformAdmin {
        return Err(Problem::forbidden(
            "forbidden",
            "Only ADMIN_API_KEY makes keys of all tenants.",
        ));
    }
    let request = KeyRequest {
        tenant: (!body.all_tenants).then(|| caller.tenant.clone()),
        kind,
        title: body.title,
        types: body.types,
        expires_at: body.expires_at,
    };
    let actor = caller.principal.name();
    let made = actions::create_key(&state.app, request, &actor, &caller.correlation_id).await?;
    Ok((StatusCode::CREATED, Json(KeyCreated { key_id: made.key_id, key: made.key })))
}

/// Which keys are meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct KeyScope {
    /// Keys of all tenants instead of this one's.
    #[serde(default)]
    all_tenants: bool,
    /// The key's id once more, where something ends for good.
    #[serde(default)]
    confirm: Option<String>,
}

impl KeyScope {
    fn tenant<'a>(&self, caller: &'a Caller<Admin>) -> Result<Option<&'a Tenant>, Problem> {
        if !self.all_tenants {
            return Ok(Some(&caller.tenant));
        }
        match caller.principal {
            Principal::PlatformAdmin => Ok(None),
            _ => {
                Err(Problem::forbidden("forbidden", "Only ADMIN_API_KEY sees keys of all tenants."))
            }
        }
    }
}

/// Lists the tenant's keys, never what proves them.
#[utoipa::path(get, path = "/keys", tag = "keys", params(KeyScope), security(("api_key" = [])),
    responses((status = 200, body = [KeyOut]), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_keys(
    State(state): State<AuthState>,
    caller: Caller<Admin>,
    Query(scope): Query<KeyScope>,
) -> Result<Json<Page<KeyOut>>, Problem> {
    let tenant = scope.tenant(&caller)?.cloned();
    let rows = state.app.db.read(nexus_kit::db::Scope::System, move |q| {
        sql::keys(q, tenant.as_ref()).map_err(AuthError::from)
    });
    let items = rows.await?.into_iter().map(KeyOut::from).collect();
    Ok(Json(Page { items, next: None }))
}

/// Ends a key at once. Repeat its id as `?confirm=`.
#[utoipa::path(delete, path = "/keys/{key_id}", tag = "keys", params(("key_id" = String, Path), KeyScope), security(("api_key" = [])),
    responses((status = 204, description = "The key is refused from now on"), (status = 400, description = "`confirmation_required`", body = Problem),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn revoke_key(
    State(state): State<AuthState>,
    caller: Caller<Admin>,
    Path(key_id): Path<String>,
    Query(scope): Query<KeyScope>,
) -> Result<StatusCode, Problem> {
    let tenant = scope.tenant(&caller)?;
    if scope.confirm.as_deref() != Some(key_id.as_str()) {
        return Err(AuthError::Confirm(key_id).into());
    }
    let actor = caller.principal.name();
    actions::revoke_key(&state.app, tenant, &key_id, &actor, &caller.correlation_id).await?;
    state.auth.forget_keys();
    Ok(StatusCode::NO_CONTENT)
}

/// How to rotate.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct RotateIn {
    /// How long the old key lives on; a day unless said otherwise.
    #[serde(default)]
    overlap_seconds: Option<u32>,
}

/// Makes a new key like the old one, which lives on for a while.
#[utoipa::path(post, path = "/keys/{key_id}/rotate", tag = "keys", request_body = RotateIn, params(("key_id" = String, Path), KeyScope), security(("api_key" = [])),
    responses((status = 201, body = KeyCreated), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn rotate_key(
    State(state): State<AuthState>,
    caller: Caller<Admin>,
    Path(key_id): Path<String>,
    Query(scope): Query<KeyScope>,
    Body(body): Body<RotateIn>,
) -> Result<(StatusCode, Json<KeyCreated>), Problem> {
    let tenant = scope.tenant(&caller)?;
    let overlap =
        body.overlap_seconds.map_or(ROTATION_OVERLAP, |s| Duration::from_secs(u64::from(s)));
    let actor = caller.principal.name();
    let made =
        actions::rotate_key(&state.app, tenant, &key_id, overlap, &actor, &caller.correlation_id)
            .await?;
    state.auth.forget_keys();
    Ok((StatusCode::CREATED, Json(KeyCreated { key_id: made.key_id, key: made.key })))
}
