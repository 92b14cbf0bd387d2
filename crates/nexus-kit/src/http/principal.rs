//! Who is asking, for which tenant, and what they may do, as extractors: a handler that names one
//! has already proven it.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use nexus_core::tenant::Tenant;

use super::context::RequestContext;
use super::problem::Problem;
use crate::app::App;

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// `ADMIN_API_KEY`.
    PlatformAdmin,
    /// `NEXUS_API_KEY`: an operator of every tenant.
    Service,
    /// A service key that was made for one tenant.
    TenantService {
        /// `key_…`.
        key_id: String,
        /// Whose.
        tenant: Tenant,
    },
    /// An agent key.
    Agent(AgentKey),
}

/// What an agent key may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentKey {
    /// `key_…`.
    pub key_id: String,
    /// Whose; `None` for all tenants.
    pub tenant: Option<Tenant>,
    /// Which command types it may claim.
    pub types: Vec<String>,
}

impl Principal {
    /// How audit, asks and reports name it.
    pub fn name(&self) -> String {
        match self {
            Self::PlatformAdmin => "admin".to_owned(),
            Self::Service => "service".to_owned(),
            Self::TenantService { key_id, .. } => format!("service:{key_id}"),
            Self::Agent(key) => format!("agent:{}", key.key_id),
        }
    }

    /// The tenant that its key is bound to.
    pub fn bound_tenant(&self) -> Option<&Tenant> {
        match self {
            Self::PlatformAdmin | Self::Service => None,
            Self::TenantService { tenant, .. } => Some(tenant),
            Self::Agent(key) => key.tenant.as_ref(),
        }
    }

    /// Whether it may decide asks: a person with the right to do so, or the platform admin.
    /// Service, device and agent keys never may, whatever their scopes. This is the one function
    /// that says so, for every door.
    pub fn may_decide(&self) -> bool {
        match self {
            Self::PlatformAdmin => true,
            Self::Service | Self::TenantService { .. } | Self::Agent(_) => false,
        }
    }

    fn role(&self) -> Role {
        match self {
            Self::PlatformAdmin => Role::Admin,
            Self::Service | Self::TenantService { .. } => Role::Operator,
            Self::Agent(_) => Role::None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Role {
    None,
    Viewer,
    Operator,
    Admin,
}

/// A future that an [`Authenticator`] returns.
pub type Authenticating<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// A refusal that the audit log should know of.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The tenant that was named, if it could be read.
    pub tenant: Option<Tenant>,
    /// Who asked, if that is known.
    pub principal: Option<String>,
    /// The problem's code.
    pub code: &'static str,
    /// Method and path.
    pub request: String,
    /// Where it came from.
    pub peer: String,
    /// Ties it to the log.
    pub correlation_id: String,
}

/// Knows keys and tenants.
pub trait Authenticator: Send + Sync + 'static {
    /// Whose key this is; `None` for a key that nobody has.
    fn authenticate<'a>(&'a self, key: &'a str) -> Authenticating<'a, Option<Principal>>;

    /// Whether an admin made this tenant.
    fn tenant_exists<'a>(&'a self, tenant: &'a Tenant) -> Authenticating<'a, bool>;

    /// Writes a refusal to the audit log, many alike as one.
    fn refused(&self, refused: Refused);
}

/// A caller with at least the role `R` in the tenant that the request names.
#[derive(Clone, Debug)]
pub struct Caller<R> {
    /// The one tenant of the request.
    pub tenant: Tenant,
    /// Who is asking.
    pub principal: Principal,
    /// Ties everything that comes of the request together.
    pub correlation_id: String,
    role: PhantomData<R>,
}

/// May look.
#[derive(Clone, Debug)]
pub struct Viewer;
/// May look and send commands.
#[derive(Clone, Debug)]
pub struct Operator;
/// May decide asks.
#[derive(Clone, Debug)]
pub struct Approver;
/// May administer the tenant.
#[derive(Clone, Debug)]
pub struct Admin;

/// What a role demands.
pub trait Demand: Send + Sync {
    /// Why this principal may not, if it may not.
    fn refuse(principal: &Principal) -> Option<Problem>;
}

macro_rules! demands {
    ($($name:ident => $role:expr, $needs:literal;)*) => {$(
        impl Demand for $name {
            fn refuse(principal: &Principal) -> Option<Problem> {
                (principal.role() < $role)
                    .then(|| Problem::forbidden("forbidden", concat!("This needs ", $needs, ".")))
            }
        }
    )*};
}

demands! {
    Viewer => Role::Viewer, "at least the role viewer; an agent key claims and reports, nothing else";
    Operator => Role::Operator, "at least the role operator; an agent key claims and reports, nothing else";
    Admin => Role::Admin, "the role admin or the platform's ADMIN_API_KEY";
}

impl Demand for Approver {
    fn refuse(principal: &Principal) -> Option<Problem> {
        (!principal.may_decide()).then(|| {
            Problem::forbidden(
                "may_not_decide",
                "Keys of services, devices and agents never decide. Decide as a person with the \
                 role approver, or with the platform's ADMIN_API_KEY.",
            )
        })
    }
}

impl<S, R> FromRequestParts<S> for Caller<R>
where
    S: Send + Sync,
    App: FromRef<S>,
    R: Demand,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = App::from_ref(state);
        let mut seen = Seen::default();
        let result = caller::<R>(parts, &app, &mut seen).await;
        result.inspect_err(|problem| audit(parts, &app, seen, problem))
    }
}

/// The platform admin, on routes that name no tenant.
#[derive(Clone, Debug)]
pub struct PlatformAdmin {
    /// Ties everything that comes of the request together.
    pub correlation_id: String,
}

impl<S> FromRequestParts<S> for PlatformAdmin
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = App::from_ref(state);
        let mut seen = Seen::default();
        let result = async {
            match authenticate(parts, &app, &mut seen).await? {
                Principal::PlatformAdmin => Ok(Self { correlation_id: correlation(parts) }),
                _ => {
                    Err(Problem::forbidden("forbidden", "This needs the platform's ADMIN_API_KEY."))
                }
            }
        };
        let result = result.await;
        result.inspect_err(|problem| audit(parts, &app, seen, problem))
    }
}

/// A program of the operator's own: `ADMIN_API_KEY` or `NEXUS_API_KEY`, on routes that name no
/// tenant.
#[derive(Clone, Debug)]
pub struct PlatformKey;

impl<S> FromRequestParts<S> for PlatformKey
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = App::from_ref(state);
        let mut seen = Seen::default();
        let result = async {
            match authenticate(parts, &app, &mut seen).await? {
                Principal::PlatformAdmin | Principal::Service => Ok(Self),
                _ => {
                    let why = "This needs NEXUS_API_KEY or ADMIN_API_KEY.";
                    Err(Problem::forbidden("forbidden", why))
                }
            }
        };
        let result = result.await;
        result.inspect_err(|problem| audit(parts, &app, seen, problem))
    }
}

/// An agent, by its key: it claims, beats and reports. `NEXUS_API_KEY` is no agent.
#[derive(Clone, Debug)]
pub struct AgentCaller {
    /// What the key may do.
    pub key: AgentKey,
    /// The tenant that the request names, or that the key is bound to; `None` for an agent of all
    /// tenants that named none.
    pub tenant: Option<Tenant>,
    /// Ties everything that comes of the request together.
    pub correlation_id: String,
}

impl<S> FromRequestParts<S> for AgentCaller
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = App::from_ref(state);
        let mut seen = Seen::default();
        let result = async {
            let Principal::Agent(key) = authenticate(parts, &app, &mut seen).await? else {
                return Err(Problem::forbidden("forbidden", "This needs an agent key."));
            };
            let named = named_tenant(parts)?;
            let tenant = resolve_tenant(&Principal::Agent(key.clone()), named, &mut seen)?;
            if let Some(tenant) = &tenant
                && !app.auth.tenant_exists(tenant).await?
            {
                return Err(not_a_member());
            }
            Ok(Self { key, tenant, correlation_id: correlation(parts) })
        };
        let result = result.await;
        result.inspect_err(|problem| audit(parts, &app, seen, problem))
    }
}

#[derive(Default)]
struct Seen {
    tenant: Option<Tenant>,
    principal: Option<String>,
}

async fn caller<R: Demand>(
    parts: &mut Parts,
    app: &App,
    seen: &mut Seen,
) -> Result<Caller<R>, Problem> {
    let principal = authenticate(parts, app, seen).await?;
    let named = named_tenant(parts)?;
    let Some(tenant) = resolve_tenant(&principal, named, seen)? else {
        return Err(Problem::bad_request(
            "tenant_missing",
            "Name the tenant by the headers x-org-id and x-project-id.",
        ));
    };
    if !app.auth.tenant_exists(&tenant).await? {
        return Err(match principal {
            Principal::PlatformAdmin => Problem::not_found(
                "unknown_tenant",
                format!("There is no tenant {tenant}. POST /tenants makes one."),
            ),
            _ => not_a_member(),
        });
    }
    if let Some(problem) = R::refuse(&principal) {
        return Err(problem);
    }
    Ok(Caller { tenant, principal, correlation_id: correlation(parts), role: PhantomData })
}

fn not_a_member() -> Problem {
    Problem::forbidden("not_a_member", "This key does not belong to the tenant that it names.")
}

fn correlation(parts: &Parts) -> String {
    parts
        .extensions
        .get::<RequestContext>()
        .map(|context| context.correlation_id.to_string())
        .unwrap_or_default()
}

async fn authenticate(parts: &Parts, app: &App, seen: &mut Seen) -> Result<Principal, Problem> {
    let key = key(parts)?;
    let Some(principal) = app.auth.authenticate(key).await? else {
        return Err(Problem::unauthorized("key_invalid", "Nobody has this key, or it has ended."));
    };
    let name = principal.name();
    tracing::Span::current().record("user_id", name.as_str());
    seen.principal = Some(name);
    Ok(principal)
}

/// The key of `x-api-key`, or, for clients that know no other way, of `Authorization: Bearer`.
fn key(parts: &Parts) -> Result<&str, Problem> {
    let twice = || Problem::unauthorized("key_invalid", "Send exactly one key, once.");
    let key = one_header(parts, "x-api-key").map_err(|()| twice())?;
    let bearer = one_header(parts, "authorization").map_err(|()| twice())?;
    let bearer = bearer.map(|value| value.strip_prefix("Bearer ").unwrap_or_default());
    match (key, bearer) {
        (Some(_), Some(_)) => Err(twice()),
        (Some(key), None) | (None, Some(key)) => Ok(key),
        (None, None) => {
            Err(Problem::unauthorized("key_missing", "Send a key in the header x-api-key."))
        }
    }
}

/// The header's one value; `Err` for two, an empty one or one that is not visible ASCII.
fn one_header<'a>(parts: &'a Parts, name: &str) -> Result<Option<&'a str>, ()> {
    let mut values = parts.headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(());
    }
    match first.to_str() {
        Ok(text) if !text.is_empty() => Ok(Some(text)),
        _ => Err(()),
    }
}

/// The tenant that headers and query name; naming it twice alike is fine, otherwise it is an error.
fn named_tenant(parts: &Parts) -> Result<Option<Tenant>, Problem> {
    let header = |name: &'static str| {
        one_header(parts, name).map_err(|()| {
            Problem::bad_request("tenant_malformed", format!("Send exactly one {name}."))
        })
    };
    let headers = pair(header("x-org-id")?, header("x-project-id")?)?;
    let query = parts.uri.query().unwrap_or("");
    let find = |name: &str| {
        let mut values = query.split('&').filter_map(|part| {
            part.split_once('=').filter(|(key, _)| *key == name).map(|(_, v)| v)
        });
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => {
                Err(Problem::bad_request("tenant_malformed", format!("Send exactly one {name}.")))
            }
        }
    };
    let query = pair(find("org_id")?, find("project_id")?)?;
    match (headers, query) {
        (Some(a), Some(b)) if a != b => Err(Problem::bad_request(
            "tenant_mismatch",
            "The headers and the query name two tenants.",
        )),
        (a, b) => Ok(a.or(b)),
    }
}

fn pair(org: Option<&str>, project: Option<&str>) -> Result<Option<Tenant>, Problem> {
    match (org, project) {
        (None, None) => Ok(None),
        (Some(org), Some(project)) => Tenant::new(org, project)
            .map(Some)
            .map_err(|error| Problem::bad_request("tenant_malformed", error.to_string())),
        _ => Err(Problem::bad_request(
            "tenant_missing",
            "Name both, x-org-id and x-project-id (or org_id and project_id in the query).",
        )),
    }
}

fn resolve_tenant(
    principal: &Principal,
    named: Option<Tenant>,
    seen: &mut Seen,
) -> Result<Option<Tenant>, Problem> {
    seen.tenant.clone_from(&named);
    if let Some(tenant) = named.as_ref().or(principal.bound_tenant()) {
        tracing::Span::current().record("tenant_id", tenant.key());
    }
    match (principal.bound_tenant(), named) {
        (Some(bound), Some(named)) if *bound != named => Err(not_a_member()),
        (Some(bound), _) => Ok(Some(bound.clone())),
        (None, named) => Ok(named),
    }
}

fn audit(parts: &Parts, app: &App, seen: Seen, problem: &Problem) {
    if problem.status != 401 && problem.status != 403 {
        return;
    }
    let context = parts.extensions.get::<RequestContext>();
    app.auth.refused(Refused {
        tenant: seen.tenant,
        principal: seen.principal,
        code: problem.code,
        request: format!("{} {}", parts.method, parts.uri.path()),
        peer: context
            .and_then(|context| context.peer)
            .map_or_else(|| "unknown".to_owned(), |peer| peer.ip().to_string()),
        correlation_id: correlation(parts),
    });
}
