//! The extractors: each proves who is asking before its handler runs, and tells the audit log of
//! whom it refused.

use std::future::Future;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use nexus_core::tenant::Tenant;

use super::credential::{self, Credential, check_page, csrf_token};
use super::tenant::named;
use super::{
    Admin, AgentCaller, Caller, Demand, Look, Overseer, Person, PhantomData, PlatformAdmin,
    PlatformKey, Principal, Proof, Refused, SignedIn, Whose,
};
use crate::app::App;
use crate::http::context::RequestContext;
use crate::http::problem::Problem;

/// What was found out about a caller before it was refused.
#[derive(Default)]
struct Seen {
    tenant: Option<Tenant>,
    principal: Option<String>,
}

/// A way in.
trait Door: Sized {
    fn open(
        parts: &Parts,
        app: &App,
        seen: &mut Seen,
    ) -> impl Future<Output = Result<Self, Problem>> + Send;
}

async fn enter<D: Door>(parts: &Parts, app: App) -> Result<D, Problem> {
    let mut seen = Seen::default();
    let opened = D::open(parts, &app, &mut seen).await;
    opened.inspect_err(|problem| audit(parts, &app, seen, problem))
}

macro_rules! doors {
    ($([$($generic:ident)?] $door:ty;)*) => {$(
        impl<S: Send + Sync $(, $generic: Demand)?> FromRequestParts<S> for $door
        where
            App: FromRef<S>,
        {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
                enter(parts, App::from_ref(state)).await
            }
        }
    )*};
}

doors! {
    [R] Caller<R>;
    [] PlatformAdmin;
    [] PlatformKey;
    [] Overseer;
    [] SignedIn;
    [] AgentCaller;
}

impl<R: Demand> Door for Caller<R> {
    async fn open(parts: &Parts, app: &App, seen: &mut Seen) -> Result<Self, Problem> {
        let (principal, proof) = authenticate(parts, app, R::LOOK, seen).await?;
        if by_tenant(parts).is_some() {
            // Whoever names another tenant here must not be answered about, or act on, their own.
            return Err(Problem::bad_request(
                "unknown_parameter",
                "There is no ?tenant= here. Name the tenant by the headers x-org-id and x-project-id.",
            ));
        }
        let Some(tenant) = resolve(parts, &principal, seen)? else {
            return Err(Problem::bad_request(
                "tenant_missing",
                "Name the tenant by the headers x-org-id and x-project-id.",
            ));
        };
        if !app.auth.tenant_exists(&tenant).await? {
            return Err(match principal {
                Principal::PlatformAdmin => unknown_tenant(&tenant),
                _ => not_a_member(),
            });
        }
        if let Some(problem) = R::refuse(&principal, &tenant) {
            return Err(problem);
        }
        Ok(Self { tenant, principal, correlation_id: correlation(parts), proof, role: PhantomData })
    }
}

impl Door for PlatformAdmin {
    async fn open(parts: &Parts, app: &App, seen: &mut Seen) -> Result<Self, Problem> {
        match authenticate(parts, app, Look::Active, seen).await?.0 {
            Principal::PlatformAdmin => Ok(Self { correlation_id: correlation(parts) }),
            _ => Err(Problem::forbidden("forbidden", "This needs the platform's ADMIN_API_KEY.")),
        }
    }
}

impl Door for PlatformKey {
    async fn open(parts: &Parts, app: &App, seen: &mut Seen) -> Result<Self, Problem> {
        match authenticate(parts, app, Look::Active, seen).await?.0 {
            Principal::PlatformAdmin | Principal::Service => Ok(Self),
            _ => Err(Problem::forbidden("forbidden", "This needs NEXUS_API_KEY or ADMIN_API_KEY.")),
        }
    }
}

impl Door for Overseer {
    async fn open(parts: &Parts, app: &App, seen: &mut Seen) -> Result<Self, Problem> {
        let Some(wanted) = by_tenant(parts) else {
            let Caller { tenant, principal, correlation_id, .. } =
                Caller::<Admin>::open(parts, app, seen).await?;
            return Ok(Self { whose: Whose::One(tenant), principal, correlation_id });
        };
        let (principal, _) = authenticate(parts, app, Look::Active, seen).await?;
        if principal != Principal::PlatformAdmin {
            return Err(Problem::forbidden(
                "forbidden",
                "Only the platform's ADMIN_API_KEY names tenants by ?tenant=. Leave it out, and name \
                 your tenant by the headers x-org-id and x-project-id.",
            ));
        }
        let whose = if wanted == "*" {
            Whose::All
        } else {
            let tenant = Tenant::parse(&wanted)
                .map_err(|error| Problem::bad_request("tenant_malformed", error.to_string()))?;
            seen.tenant = Some(tenant.clone());
            if !app.auth.tenant_exists(&tenant).await? {
                return Err(unknown_tenant(&tenant));
            }
            Whose::One(tenant)
        };
        Ok(Self { whose, principal, correlation_id: correlation(parts) })
    }
}

/// What `?tenant=` names.
fn by_tenant(parts: &Parts) -> Option<String> {
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let mut pairs = url::form_urlencoded::parse(query);
    pairs.find(|(name, _)| name == "tenant").map(|(_, value)| value.into_owned())
}

fn unknown_tenant(tenant: &Tenant) -> Problem {
    Problem::not_found(
        "unknown_tenant",
        format!("There is no tenant {tenant}. POST /tenants makes one."),
    )
}

impl Door for SignedIn {
    async fn open(parts: &Parts, app: &App, seen: &mut Seen) -> Result<Self, Problem> {
        let token = match credential::read(parts)? {
            None => {
                return Err(Problem::unauthorized(
                    "session_missing",
                    "Sign in first: POST /auth/login.",
                ));
            }
            Some(Credential::Key(_)) => {
                authenticate(parts, app, Look::Active, seen).await?;
                return Err(Problem::forbidden(
                    "forbidden",
                    "This is about a person; a key is none. Sign in: POST /auth/login.",
                ));
            }
            Some(Credential::Bearer(token) | Credential::Cookie(token)) => token,
        };
        let person = person(parts, app, Look::Active, seen).await?;
        Ok(Self { person, csrf_token: csrf_token(token), correlation_id: correlation(parts) })
    }
}

impl Door for AgentCaller {
    async fn open(parts: &Parts, app: &App, seen: &mut Seen) -> Result<Self, Problem> {
        let (principal, _) = authenticate(parts, app, Look::Active, seen).await?;
        let Principal::Agent(key) = &principal else {
            return Err(Problem::forbidden("forbidden", "This needs an agent key."));
        };
        let tenant = resolve(parts, &principal, seen)?;
        if let Some(tenant) = &tenant
            && !app.auth.tenant_exists(tenant).await?
        {
            return Err(not_a_member());
        }
        Ok(Self { key: key.clone(), tenant, correlation_id: correlation(parts) })
    }
}

async fn authenticate(
    parts: &Parts,
    app: &App,
    look: Look,
    seen: &mut Seen,
) -> Result<(Principal, Proof), Problem> {
    let (principal, proof) = match credential::read(parts)? {
        None => {
            return Err(Problem::unauthorized(
                "key_missing",
                "Send a key in the header x-api-key, or sign in.",
            ));
        }
        Some(Credential::Key(key)) => {
            let Some(principal) = app.auth.authenticate(key, look).await? else {
                return Err(Problem::unauthorized(
                    "key_invalid",
                    "Nobody has this key, or it has ended.",
                ));
            };
            let standing = matches!(principal, Principal::PlatformAdmin | Principal::Service);
            let proof = if standing { Proof::Standing } else { Proof::Key(key.to_owned()) };
            (principal, proof)
        }
        Some(Credential::Bearer(token) | Credential::Cookie(token)) => {
            let person = person(parts, app, look, seen).await?;
            (Principal::User(person), Proof::Session(token.to_owned()))
        }
    };
    note(&principal, seen);
    Ok((principal, proof))
}

/// The person whose session the request brought, if the request may use it.
async fn person(parts: &Parts, app: &App, look: Look, seen: &mut Seen) -> Result<Person, Problem> {
    let ended = || Problem::unauthorized("session_ended", "This session has ended. Sign in again.");
    let (token, by_browser) = match credential::read(parts)? {
        Some(Credential::Bearer(token)) => (token, false),
        Some(Credential::Cookie(token)) => (token, true),
        _ => return Err(ended()),
    };
    let person = app.auth.session(token, look).await?.ok_or_else(ended)?;
    note(&Principal::User(person.clone()), seen);
    if by_browser {
        check_page(parts, token)?;
    }
    Ok(person)
}

fn note(principal: &Principal, seen: &mut Seen) {
    let name = principal.name();
    tracing::Span::current().record("user_id", name.as_str());
    seen.principal = Some(name);
}

fn not_a_member() -> Problem {
    Problem::forbidden("not_a_member", "You do not belong to the tenant that the request names.")
}

fn correlation(parts: &Parts) -> String {
    parts
        .extensions
        .get::<RequestContext>()
        .map(|context| context.correlation_id.to_string())
        .unwrap_or_default()
}

/// The tenant of a request: the one that it names, if its caller belongs there, or the one that
/// its key is bound to.
fn resolve(
    parts: &Parts,
    principal: &Principal,
    seen: &mut Seen,
) -> Result<Option<Tenant>, Problem> {
    let named = named(parts)?;
    seen.tenant.clone_from(&named);
    let tenant = named.or_else(|| principal.bound_tenant().cloned());
    if let Some(tenant) = &tenant {
        tracing::Span::current().record("tenant_id", tenant.key());
        if !principal.belongs_to(tenant) {
            return Err(not_a_member());
        }
    }
    Ok(tenant)
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
        peer: context.map_or_else(|| "unknown".to_owned(), RequestContext::peer_address),
        correlation_id: correlation(parts),
    });
}
