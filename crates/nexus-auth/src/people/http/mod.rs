//! `/auth` and `/me`: signing in and out, one-time links, one's own sessions.

pub mod members;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nexus_core::id::SessionId;
use nexus_core::time::Time;
use nexus_kit::db::Scope;
use nexus_kit::http::body::Body;
use nexus_kit::http::context::RequestContext;
use nexus_kit::http::principal::{SESSION_COOKIE, SignedIn, check_origin, csrf_token};
use nexus_kit::http::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::links::{self, Redeeming};
use super::sql::member::Mine;
use super::{Signed, Visitor, sessions, sign_in, sql};
use crate::AuthState;
use crate::error::AuthError;

/// Longest user agent that a session remembers, in bytes.
const MAX_AGENT: usize = 200;

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // A browser that another page made sign in would act as somebody else.
        check_origin(parts)?;
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let user_agent = agent.unwrap_or_default().chars().take(MAX_AGENT).collect();
        let context = RequestContext::from_request_parts(parts, state).await?;
        Ok(Self {
            peer: context.peer_address(),
            user_agent,
            correlation_id: context.correlation_id.to_string(),
        })
    }
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginIn {
    /// Of the account.
    #[schema(example = "mina@example.com")]
    email: String,
    /// At most 1024 bytes.
    password: String,
    /// For browsers: the session comes as a cookie, not in the answer.
    #[serde(default)]
    cookie: bool,
}

/// A one-time link's token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkIn {
    /// What follows `/ui#/welcome/`.
    token: String,
}

/// What a link is for.
#[derive(Serialize, ToSchema)]
pub struct LinkOut {
    /// `first_admin`, `invite` or `reset`.
    purpose: &'static str,
    /// Whom it is for; null for a first admin, who chooses.
    email: Option<String>,
    /// What they are called so far.
    name: Option<String>,
    /// When it works no more.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
}

/// Uses a link up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemIn {
    /// The link's token.
    token: String,
    /// Only for a first admin.
    #[serde(default)]
    email: Option<String>,
    /// What others call you; 1 to 100 characters.
    #[serde(default)]
    name: Option<String>,
    /// At least 8 characters with a special one, at most 1024 bytes, not one that is tried first.
    password: String,
    /// For browsers: the session comes as a cookie, not in the answer.
    #[serde(default)]
    cookie: bool,
}

/// A person.
#[derive(Serialize, ToSchema)]
pub struct UserOut {
    /// `usr_…`.
    user_id: String,
    /// In lower case.
    email: String,
    /// What others call them.
    name: String,
}

/// A session, as an answer to its owner names it.
#[derive(Serialize, ToSchema)]
pub struct SessionOut {
    /// `ses_…`.
    session_id: String,
    /// When it ends at the latest; earlier if nothing is done in it.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
}

/// A tenant that the person belongs to.
#[derive(Serialize, ToSchema)]
pub struct MembershipOut {
    org_id: String,
    project_id: String,
    title: String,
    /// `viewer`, `operator`, `approver` or `admin`.
    role: &'static str,
    /// Whether all execution stands still.
    paused: bool,
}

impl From<Mine> for MembershipOut {
    fn from(mine: Mine) -> Self {
        Self {
            org_id: mine.tenant.org().to_owned(),
            project_id: mine.tenant.project().to_owned(),
            title: mine.title,
            role: mine.role.as_str(),
            paused: mine.paused,
        }
    }
}

/// Who is signed in, and where they may do what.
#[derive(Serialize, ToSchema)]
pub struct SignedOut {
    user: UserOut,
    session: SessionOut,
    /// Send it as `x-csrf-token` with every write by cookie.
    csrf_token: String,
    /// Send it as `Authorization: Bearer`. Missing where the session came as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    memberships: Vec<MembershipOut>,
}

async fn memberships(state: &AuthState, user_id: &str) -> Result<Vec<MembershipOut>, AuthError> {
    let user_id = user_id.to_owned();
    let found = state
        .app
        .db
        .read(Scope::System, move |q| sql::member::of_user(q, &user_id).map_err(AuthError::from));
    Ok(found.await?.into_iter().map(MembershipOut::from).collect())
}

async fn signed(state: &AuthState, signed: Signed, cookie: bool) -> Result<Response, Problem> {
    let memberships = memberships(state, &signed.user_id).await?;
    let out = SignedOut {
        user: UserOut { user_id: signed.user_id, email: signed.email, name: signed.name },
        session: SessionOut { session_id: signed.session_id, expires_at: signed.expires_at },
        csrf_token: csrf_token(&signed.token),
        access_token: (!cookie).then(|| signed.token.clone()),
        memberships,
    };
    let mut response = Json(out).into_response();
    if cookie {
        set_cookie(&mut response, &signed.token, "");
    }
    Ok(response)
}

fn set_cookie(response: &mut Response, value: &str, more: &str) {
    let cookie =
        format!("{SESSION_COOKIE}={value}; Path=/; HttpOnly; Secure; SameSite=Strict{more}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

/// Signs a person in. Wrong password, unknown and disabled user are one answer.
#[utoipa::path(post, path = "/auth/login", tag = "people", request_body = LoginIn,
    responses((status = 200, body = SignedOut), (status = 401, description = "`login_failed`", body = Problem), (status = 403, description = "`origin_refused`", body = Problem),
        (status = 422, body = Problem), (status = 429, description = "`login_throttled`, with `Retry-After`", body = Problem),
        (status = 503, description = "`sign_in_busy`, with `Retry-After`", body = Problem)))]
pub async fn login(
    State(state): State<AuthState>,
    visitor: Visitor,
    Body(body): Body<LoginIn>,
) -> Result<Response, Problem> {
    let who =
        sign_in::sign_in(&state.app, &state.auth, &body.email, &body.password, visitor).await?;
    signed(&state, who, body.cookie).await
}

/// Says what a one-time link is for, without using it.
#[utoipa::path(post, path = "/auth/link", tag = "people", request_body = LinkIn,
    responses((status = 200, body = LinkOut), (status = 404, description = "`link_invalid`: unknown, used or over", body = Problem), (status = 422, body = Problem)))]
pub async fn look_at_link(
    State(state): State<AuthState>,
    Body(body): Body<LinkIn>,
) -> Result<Json<LinkOut>, Problem> {
    let link = links::look(&state.app, &body.token).await?;
    Ok(Json(LinkOut {
        purpose: link.purpose.as_str(),
        email: link.email,
        name: link.name,
        expires_at: link.expires_at,
    }))
}

/// Uses a one-time link: sets the password and signs its person in.
#[utoipa::path(post, path = "/auth/redeem", tag = "people", request_body = RedeemIn,
    responses((status = 200, body = SignedOut), (status = 403, description = "`origin_refused`", body = Problem), (status = 404, description = "`link_invalid`", body = Problem),
        (status = 422, body = Problem), (status = 503, description = "`sign_in_busy`, with `Retry-After`", body = Problem)))]
pub async fn redeem(
    State(state): State<AuthState>,
    visitor: Visitor,
    Body(body): Body<RedeemIn>,
) -> Result<Response, Problem> {
    let redeeming = Redeeming {
        token: body.token,
        email: body.email,
        name: body.name,
        password: body.password,
    };
    let who = links::redeem(&state.app, &state.auth, redeeming, visitor).await?;
    signed(&state, who, body.cookie).await
}

/// Who is signed in, and where they may do what. No tenant headers.
#[utoipa::path(get, path = "/me", tag = "people", security(("session" = []), ("cookie" = [])),
    responses((status = 200, body = SignedOut), (status = 401, description = "`session_missing`, `session_ended`", body = Problem), (status = 403, body = Problem)))]
pub async fn me(
    State(state): State<AuthState>,
    caller: SignedIn,
) -> Result<Json<SignedOut>, Problem> {
    let person = caller.person;
    let expires_at = sessions::expires_at(&state.app, &person.session_id).await?;
    let memberships = memberships(&state, &person.user_id).await?;
    Ok(Json(SignedOut {
        session: SessionOut {
            session_id: person.session_id,
            expires_at: expires_at.ok_or(AuthError::NoSession)?,
        },
        user: UserOut { user_id: person.user_id, email: person.email, name: person.name },
        csrf_token: caller.csrf_token,
        access_token: None,
        memberships,
    }))
}

/// Ends this session at once.
#[utoipa::path(post, path = "/auth/logout", tag = "people", security(("session" = []), ("cookie" = [])),
    responses((status = 204, description = "Signed out; the cookie is gone"), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn logout(State(state): State<AuthState>, caller: SignedIn) -> Result<Response, Problem> {
    let person = &caller.person;
    sessions::end(
        &state.app,
        &state.auth,
        person,
        &person.session_id,
        "logout",
        &caller.correlation_id,
    )
    .await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&mut response, "", "; Max-Age=0");
    Ok(response)
}

/// One of the person's own sessions.
#[derive(Serialize, ToSchema)]
pub struct OwnSessionOut {
    session_id: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    last_seen: Time,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
    user_agent: String,
    peer: String,
    /// Whether it is the one that asks.
    current: bool,
}

/// All of them that live.
#[derive(Serialize, ToSchema)]
pub struct OwnSessionsOut {
    sessions: Vec<OwnSessionOut>,
}

/// Lists the person's sessions, the newest first.
#[utoipa::path(get, path = "/auth/sessions", tag = "people", security(("session" = []), ("cookie" = [])),
    responses((status = 200, body = OwnSessionsOut), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list_sessions(
    State(state): State<AuthState>,
    caller: SignedIn,
) -> Result<Json<OwnSessionsOut>, Problem> {
    let own = sessions::list(&state.app, &state.auth, &caller.person.user_id).await?;
    let sessions = own.into_iter().map(|one| OwnSessionOut {
        current: one.session_id == caller.person.session_id,
        session_id: one.session_id,
        created_at: one.created_at,
        last_seen: one.last_seen,
        expires_at: one.expires_at,
        user_agent: one.user_agent,
        peer: one.peer,
    });
    Ok(Json(OwnSessionsOut { sessions: sessions.collect() }))
}

/// Ends one of the person's sessions at once.
#[utoipa::path(delete, path = "/auth/sessions/{session_id}", tag = "people", params(("session_id" = String, Path)), security(("session" = []), ("cookie" = [])),
    responses((status = 204, description = "The session is over"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn end_session(
    State(state): State<AuthState>,
    caller: SignedIn,
    Path(session_id): Path<String>,
) -> Result<StatusCode, Problem> {
    let session_id = SessionId::parse(&session_id).map_err(|_| AuthError::NoSession)?;
    sessions::end(
        &state.app,
        &state.auth,
        &caller.person,
        session_id.as_str(),
        "session.ended",
        &caller.correlation_id,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
