//! `/users` and `/tenants/{org}/{project}/members`: who belongs to a tenant.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use nexus_core::id::UserId;
use nexus_core::role::Role;
use nexus_core::time::Time;
use nexus_kit::http::body::Body;
use nexus_kit::http::principal::{Admin, Caller, PlatformAdmin};
use nexus_kit::http::problem::Problem;
use nexus_kit::http::query::Query;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::AuthState;
use crate::error::AuthError;
use crate::people::links::NewLink;
use crate::people::members::{Acting, disable};

/// A member.
#[derive(Serialize, ToSchema)]
pub struct MemberOut {
    /// `usr_…`.
    user_id: String,
    email: String,
    name: String,
    /// `viewer`, `operator`, `approver` or `admin`.
    role: &'static str,
    /// Since when they belong to the tenant.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_login: Option<Time>,
    /// Whether they may not sign in.
    disabled: bool,
}

/// All members.
#[derive(Serialize, ToSchema)]
pub struct MembersOut {
    users: Vec<MemberOut>,
}

/// Somebody to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteIn {
    #[schema(example = "mina@example.com")]
    email: String,
    /// What others call them, until they say otherwise.
    #[serde(default)]
    name: Option<String>,
    #[schema(value_type = String, example = "approver")]
    role: Role,
}

/// Somebody who was invited.
#[derive(Serialize, ToSchema)]
pub struct InvitedOut {
    user_id: String,
    /// The page by which they come in; works once. Missing for somebody who can sign in already.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
}

/// A link that was just made.
#[derive(Serialize, ToSchema)]
pub struct NewLinkOut {
    /// `invite` for somebody who never signed in, else `reset`.
    purpose: &'static str,
    /// The page that takes it; works once.
    link: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
}

impl From<NewLink> for NewLinkOut {
    fn from(link: NewLink) -> Self {
        Self { purpose: link.purpose.as_str(), link: link.path(), expires_at: link.expires_at }
    }
}

/// A role to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleIn {
    #[schema(value_type = String, example = "operator")]
    role: Role,
}

/// A membership as it is now.
#[derive(Serialize, ToSchema)]
pub struct RoleOut {
    user_id: String,
    role: &'static str,
}

/// Whose membership; the tenant in the path is what the caller was checked against.
#[derive(Deserialize)]
pub struct MemberPath {
    user_id: String,
}

/// Says once more who is meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    /// The user's id.
    #[serde(default)]
    confirm: Option<String>,
}

fn acting<'a>(state: &'a AuthState, caller: &'a Caller<Admin>) -> Acting<'a> {
    Acting {
        app: &state.app,
        auth: &state.auth,
        tenant: &caller.tenant,
        principal: &caller.principal,
        correlation_id: &caller.correlation_id,
    }
}

fn user_id(text: &str) -> Result<UserId, AuthError> {
    UserId::parse(text).map_err(|_| AuthError::NoUser)
}

fn confirmed(wanted: &UserId, confirmed: Confirmed) -> Result<(), AuthError> {
    match confirmed.confirm.as_deref() == Some(wanted.as_str()) {
        true => Ok(()),
        false => Err(AuthError::Confirm(wanted.to_string())),
    }
}

/// Lists the members of the tenant.
#[utoipa::path(get, path = "/users", tag = "people", security(("api_key" = [])),
    responses((status = 200, body = MembersOut), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_users(
    State(state): State<AuthState>,
    caller: Caller<Admin>,
) -> Result<Json<MembersOut>, Problem> {
    let found = acting(&state, &caller).list().await?;
    let users = found.into_iter().map(|member| MemberOut {
        user_id: member.user_id,
        email: member.email,
        name: member.name,
        role: member.role.as_str(),
        created_at: member.granted_at,
        last_login: member.last_login,
        disabled: member.disabled,
    });
    Ok(Json(MembersOut { users: users.collect() }))
}

/// Invites somebody into the tenant. Whoever has an account becomes a member at once; whoever has
/// none gets a link, which this answer alone shows.
#[utoipa::path(post, path = "/users", tag = "people", request_body = InviteIn, security(("api_key" = [])),
    responses((status = 201, body = InvitedOut), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, description = "`already_member`", body = Problem), (status = 422, body = Problem)))]
pub async fn invite_user(
    State(state): State<AuthState>,
    caller: Caller<Admin>,
    Body(body): Body<InviteIn>,
) -> Result<(StatusCode, Json<InvitedOut>), Problem> {
    let acting = acting(&state, &caller);
    let invited = acting.invite(&body.email, body.name.as_deref(), body.role).await?;
    let out = InvitedOut {
        user_id: invited.user_id,
        expires_at: invited.link.as_ref().map(|link| link.expires_at),
        link: invited.link.map(|link| link.path()),
    };
    Ok((StatusCode::CREATED, Json(out)))
}

/// An account as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountIn {
    /// Whether nobody may sign in to it.
    disabled: bool,
}

/// Closes an account in all its tenants at once, open streams too, or opens it again. Only the
/// platform admin; no tenant headers. Repeat the id as `?confirm=`.
#[utoipa::path(put, path = "/users/{user_id}", tag = "people", request_body = AccountIn, params(("user_id" = String, Path), Confirmed), security(("api_key" = [])),
    responses((status = 204, description = "It is so from now on"), (status = 400, description = "`confirmation_required`", body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn put_user(
    State(state): State<AuthState>,
    caller: PlatformAdmin,
    Path(user): Path<String>,
    Query(query): Query<Confirmed>,
    Body(body): Body<AccountIn>,
) -> Result<StatusCode, Problem> {
    let user = user_id(&user)?;
    confirmed(&user, query)?;
    let (app, auth) = (&state.app, &state.auth);
    disable(app, auth, user.as_str(), body.disabled, &caller.correlation_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a one-time link for a member: to come in by, or to set a new password. It takes an admin
/// of every tenant that the member belongs to.
#[utoipa::path(post, path = "/users/{user_id}/link", tag = "people", params(("user_id" = String, Path)), security(("api_key" = [])),
    responses((status = 201, body = NewLinkOut), (status = 401, body = Problem), (status = 403, description = "`member_elsewhere`", body = Problem), (status = 404, body = Problem)))]
pub async fn link_user(
    State(state): State<AuthState>,
    caller: Caller<Admin>,
    Path(user): Path<String>,
) -> Result<(StatusCode, Json<NewLinkOut>), Problem> {
    let user = user_id(&user)?;
    let link = acting(&state, &caller).link(user.as_str()).await?;
    Ok((StatusCode::CREATED, Json(link.into())))
}

/// Gives a member another role. Repeat their id as `?confirm=`. The path names the tenant; headers
/// may repeat it.
#[utoipa::path(put, path = "/tenants/{org}/{project}/members/{user_id}", tag = "people", request_body = RoleIn,
    params(("org" = String, Path), ("project" = String, Path), ("user_id" = String, Path), Confirmed), security(("api_key" = [])),
    responses((status = 200, body = RoleOut), (status = 400, description = "`confirmation_required`", body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, description = "`last_admin`", body = Problem), (status = 422, body = Problem)))]
pub async fn put_member(
    State(state): State<AuthState>,
    caller: Caller<Admin>,
    Path(path): Path<MemberPath>,
    Query(query): Query<Confirmed>,
    Body(body): Body<RoleIn>,
) -> Result<Json<RoleOut>, Problem> {
    let user = user_id(&path.user_id)?;
    confirmed(&user, query)?;
    acting(&state, &caller).set_role(user.as_str(), body.role).await?;
    Ok(Json(RoleOut { user_id: user.to_string(), role: body.role.as_str() }))
}

/// Ends a membership at once, open streams too. Repeat the id as `?confirm=`.
#[utoipa::path(delete, path = "/tenants/{org}/{project}/members/{user_id}", tag = "people",
    params(("org" = String, Path), ("project" = String, Path), ("user_id" = String, Path), Confirmed), security(("api_key" = [])),
    responses((status = 204, description = "They belong to the tenant no more"), (status = 400, description = "`confirmation_required`", body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, description = "`last_admin`", body = Problem)))]
pub async fn remove_member(
    State(state): State<AuthState>,
    caller: Caller<Admin>,
    Path(path): Path<MemberPath>,
    Query(query): Query<Confirmed>,
) -> Result<StatusCode, Problem> {
    let user = user_id(&path.user_id)?;
    confirmed(&user, query)?;
    acting(&state, &caller).remove(user.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}
