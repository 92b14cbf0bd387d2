//! Who is asking, for which tenant, and what they may do, as extractors: a handler that names one
//! has already proven it.

mod credential;
mod doors;
mod tenant;

use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use nexus_core::approval::Decider;
use nexus_core::masked::Reader;
use nexus_core::role::Role;
use nexus_core::tenant::Tenant;

use super::problem::Problem;
use tokio::sync::watch;

pub use credential::{CSRF_HEADER, SESSION_COOKIE, SESSION_PREFIX, check_origin, csrf_token};

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
    /// A person who signed in.
    User(Person),
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

/// A person by one of their sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// `usr_…`.
    pub user_id: String,
    /// In lower case.
    pub email: String,
    /// What others call them.
    pub name: String,
    /// `ses_…`.
    pub session_id: String,
    /// Where they are a member, and as what.
    pub roles: Arc<BTreeMap<Tenant, Role>>,
}

impl Principal {
    /// How audit, asks and reports name it.
    pub fn name(&self) -> String {
        match self {
            Self::PlatformAdmin => "admin".to_owned(),
            Self::Service => "service".to_owned(),
            Self::TenantService { key_id, .. } => format!("service:{key_id}"),
            Self::Agent(key) => format!("agent:{}", key.key_id),
            Self::User(person) => format!("user:{}", person.user_id),
        }
    }

    /// What others call it, where its name is no word for people.
    pub fn display_name(&self) -> Option<&str> {
        match self {
            Self::User(person) => Some(&person.name),
            _ => None,
        }
    }

    /// The tenant that its key is bound to.
    pub fn bound_tenant(&self) -> Option<&Tenant> {
        match self {
            Self::PlatformAdmin | Self::Service | Self::User(_) => None,
            Self::TenantService { tenant, .. } => Some(tenant),
            Self::Agent(key) => key.tenant.as_ref(),
        }
    }

    /// Whether it may decide asks of a tenant: a person with the role approver there (which an
    /// admin has), or the platform admin. Service, device and agent keys never may, whatever their
    /// scopes. This is the one function that says so, for every door.
    pub fn may_decide(&self, tenant: &Tenant) -> bool {
        match self {
            Self::PlatformAdmin => true,
            Self::User(person) => {
                person.roles.get(tenant).is_some_and(|role| *role >= Role::Approver)
            }
            Self::Service | Self::TenantService { .. } | Self::Agent(_) => false,
        }
    }

    /// In which class it sees a tenant's values: clear where it may decide or administer, otherwise
    /// masked but for what it asked for itself. This is the one function that says so.
    pub fn reader(&self, tenant: &Tenant) -> Reader {
        if self.may_decide(tenant) || self.role(tenant) == Some(Role::Admin) {
            Reader::Clear
        } else {
            Reader::Masked { own: self.name() }
        }
    }

    /// It as the one who decides; what a rule's `approvers` may call it.
    pub fn decider(&self, tenant: &Tenant) -> Decider {
        let called = match self {
            Self::PlatformAdmin => None,
            Self::User(person) => {
                let own = person.roles.get(tenant);
                let roles = Role::ALL.iter().filter(|role| Some(*role) <= own);
                let roles = roles.map(|role| format!("role:{role}"));
                Some(std::iter::once(self.name()).chain(roles).collect())
            }
            Self::Service | Self::TenantService { .. } | Self::Agent(_) => Some(Vec::new()),
        };
        Decider { name: self.name(), display_name: self.display_name().map(str::to_owned), called }
    }

    /// What it may do in a tenant, besides deciding; nothing for agents, which claim and report.
    fn role(&self, tenant: &Tenant) -> Option<Role> {
        match self {
            Self::PlatformAdmin => Some(Role::Admin),
            Self::Service | Self::TenantService { .. } => Some(Role::Operator),
            Self::Agent(_) => None,
            Self::User(person) => person.roles.get(tenant).copied(),
        }
    }

    /// Whether it has anything to do with a tenant.
    fn belongs_to(&self, tenant: &Tenant) -> bool {
        match self {
            Self::User(person) => person.roles.contains_key(tenant),
            _ => self.bound_tenant().is_none_or(|bound| bound == tenant),
        }
    }
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

/// How a key or a session is looked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// For a request: the session lives on.
    Active,
    /// For what runs by itself: the session grows no younger.
    Quiet,
    /// As [`Look::Quiet`], and nothing that is remembered is believed.
    Fresh,
}

/// Knows keys, sessions and tenants.
pub trait Authenticator: Send + Sync + 'static {
    /// Whose key this is; `None` for a key that nobody has.
    fn authenticate<'a>(
        &'a self,
        key: &'a str,
        look: Look,
    ) -> Authenticating<'a, Option<Principal>>;

    /// Whose session this is; `None` for one that has ended.
    fn session<'a>(&'a self, token: &'a str, look: Look) -> Authenticating<'a, Option<Person>>;

    /// Whether an admin made this tenant.
    fn tenant_exists<'a>(&'a self, tenant: &'a Tenant) -> Authenticating<'a, bool>;

    /// Writes a refusal to the audit log, many alike as one.
    fn refused(&self, refused: Refused);

    /// Moves whenever this process has taken a right away or changed one.
    fn changed(&self) -> watch::Receiver<()>;
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
    proof: Proof,
    role: PhantomData<R>,
}

/// What a caller can be asked to prove again later.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Proof {
    /// A key of the settings, which stands as long as the process.
    Standing,
    Key(String),
    Session(String),
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof")
    }
}

impl<R: Demand> Caller<R> {
    /// The right that this caller came with, for what goes on after the request was checked.
    pub fn right(&self) -> Right {
        Right {
            tenant: self.tenant.clone(),
            proof: self.proof.clone(),
            refuse: R::refuse,
            reader: self.reader(),
        }
    }

    /// In which class it sees values.
    pub fn reader(&self) -> Reader {
        self.principal.reader(&self.tenant)
    }
}

/// A right that can end while it is used.
#[derive(Clone, Debug)]
pub struct Right {
    tenant: Tenant,
    proof: Proof,
    refuse: fn(&Principal, &Tenant) -> Option<Problem>,
    reader: Reader,
}

impl Right {
    /// One that stands as long as the process.
    pub fn standing(tenant: Tenant, reader: Reader) -> Self {
        Self { tenant, proof: Proof::Standing, refuse: |_, _| None, reader }
    }

    /// Whose it is: rights that are equal in this stand and fall together.
    pub fn holder(&self) -> impl Ord + '_ {
        (&self.proof, &self.tenant)
    }

    /// Whether it can end before the process does.
    pub fn can_end(&self) -> bool {
        !matches!(self.proof, Proof::Standing)
    }

    /// In which class it sees values.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// In which class it sees values by now; none where it no longer stands, because key or session
    /// have ended or the role is too low.
    ///
    /// # Errors
    /// When it cannot be looked up now: what was known before stands until it can.
    pub async fn stands(&self, auth: &dyn Authenticator) -> Result<Option<Reader>, Problem> {
        let found = match &self.proof {
            Proof::Standing => return Ok(Some(self.reader.clone())),
            Proof::Key(key) => auth.authenticate(key, Look::Fresh).await,
            Proof::Session(token) => {
                auth.session(token, Look::Fresh).await.map(|found| found.map(Principal::User))
            }
        };
        Ok(found?.and_then(|principal| match (self.refuse)(&principal, &self.tenant) {
            None => Some(principal.reader(&self.tenant)),
            Some(_) => None,
        }))
    }
}

/// May look.
#[derive(Clone, Debug)]
pub struct Viewer;
/// May look, and does so by itself: listening keeps no session alive.
#[derive(Clone, Debug)]
pub struct Listener;
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
    /// How the session of a person is looked up.
    const LOOK: Look = Look::Active;

    /// Why this principal may not do it in this tenant, if it may not.
    fn refuse(principal: &Principal, tenant: &Tenant) -> Option<Problem>;
}

fn below(principal: &Principal, tenant: &Tenant, role: Role, needs: &str) -> Option<Problem> {
    (principal.role(tenant) < Some(role))
        .then(|| Problem::forbidden("forbidden", format!("This needs {needs}.")))
}

impl Demand for Viewer {
    fn refuse(principal: &Principal, tenant: &Tenant) -> Option<Problem> {
        let needs = "at least the role viewer; an agent key claims and reports, nothing else";
        below(principal, tenant, Role::Viewer, needs)
    }
}

impl Demand for Listener {
    const LOOK: Look = Look::Quiet;

    fn refuse(principal: &Principal, tenant: &Tenant) -> Option<Problem> {
        Viewer::refuse(principal, tenant)
    }
}

impl Demand for Operator {
    fn refuse(principal: &Principal, tenant: &Tenant) -> Option<Problem> {
        let needs = "at least the role operator; an agent key claims and reports, nothing else";
        below(principal, tenant, Role::Operator, needs)
    }
}

impl Demand for Admin {
    fn refuse(principal: &Principal, tenant: &Tenant) -> Option<Problem> {
        let needs = "the role admin or the platform's ADMIN_API_KEY";
        below(principal, tenant, Role::Admin, needs)
    }
}

impl Demand for Approver {
    fn refuse(principal: &Principal, tenant: &Tenant) -> Option<Problem> {
        (!principal.may_decide(tenant)).then(|| {
            Problem::forbidden(
                "may_not_decide",
                "Keys of services, devices and agents never decide. Decide as a person with the \
                 role approver, or with the platform's ADMIN_API_KEY.",
            )
        })
    }
}

/// The platform admin, on routes that name no tenant.
#[derive(Clone, Debug)]
pub struct PlatformAdmin {
    /// Ties everything that comes of the request together.
    pub correlation_id: String,
}

/// Whose rows an admin asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// One tenant's.
    One(Tenant),
    /// Those of every tenant there is.
    All,
}

/// An admin of the tenant that the request names; or the platform admin, who may name any tenant by
/// `?tenant={org}:{project}` instead, or all by `?tenant=*`.
#[derive(Clone, Debug)]
pub struct Overseer {
    /// What they ask about.
    pub whose: Whose,
    /// Who is asking.
    pub principal: Principal,
    /// Ties everything that comes of the request together.
    pub correlation_id: String,
}

/// A program of the operator's own: `ADMIN_API_KEY` or `NEXUS_API_KEY`, on routes that name no
/// tenant.
#[derive(Clone, Debug)]
pub struct PlatformKey;

/// A person, on routes about themselves that name no tenant.
#[derive(Clone)]
pub struct SignedIn {
    /// Who, and by which session.
    pub person: Person,
    /// Proves that a write by cookie comes from the page.
    pub csrf_token: String,
    /// Ties everything that comes of the request together.
    pub correlation_id: String,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn person(role: Role) -> Principal {
        Principal::User(Person {
            user_id: "usr_1".into(),
            email: "mina@example.com".into(),
            name: "Mina".into(),
            session_id: "ses_1".into(),
            roles: Arc::new(BTreeMap::from([(here(), role)])),
        })
    }

    fn here() -> Tenant {
        Tenant::parse("here:now").unwrap()
    }

    #[test]
    fn persons_decide_where_they_are_approvers_and_programs_never() {
        let elsewhere = Tenant::parse("else:where").unwrap();
        for (role, decides) in [
            (Role::Viewer, false),
            (Role::Operator, false),
            (Role::Approver, true),
            (Role::Admin, true),
        ] {
            assert_eq!(person(role).may_decide(&here()), decides, "{role}");
            assert!(!person(role).may_decide(&elsewhere));
        }
        assert!(Principal::PlatformAdmin.may_decide(&here()));
        let key = || "key_1".to_owned();
        let agent = AgentKey { key_id: key(), tenant: None, types: Vec::new() };
        for program in [
            Principal::Service,
            Principal::TenantService { key_id: key(), tenant: here() },
            Principal::Agent(agent),
        ] {
            assert!(!program.may_decide(&here()), "{program:?}");
        }
    }

    /// A store that nobody can ask.
    struct Away;

    impl Authenticator for Away {
        fn authenticate<'a>(
            &'a self,
            _: &'a str,
            _: Look,
        ) -> Authenticating<'a, Option<Principal>> {
            Box::pin(async { Err(Problem::internal()) })
        }
        fn session<'a>(&'a self, _: &'a str, _: Look) -> Authenticating<'a, Option<Person>> {
            Box::pin(async { Err(Problem::internal()) })
        }
        fn tenant_exists<'a>(&'a self, _: &'a Tenant) -> Authenticating<'a, bool> {
            Box::pin(async { Ok(true) })
        }
        fn refused(&self, _: Refused) {}
        fn changed(&self) -> watch::Receiver<()> {
            watch::channel(()).1
        }
    }

    #[tokio::test]
    async fn a_right_that_cannot_be_looked_up_neither_stands_nor_falls() {
        let refuse: fn(&Principal, &Tenant) -> Option<Problem> = |_, _| None;
        for proof in [Proof::Key("nxs_x".into()), Proof::Session("nxs_y".into())] {
            // Who saw values in the clear once may have lost that since.
            let right = Right { tenant: here(), proof, refuse, reader: Reader::Clear };
            assert!(right.stands(&Away).await.is_err());
        }
    }

    #[test]
    fn each_role_may_what_the_lower_ones_may() {
        let may = |role, refuse: fn(&Principal, &Tenant) -> Option<Problem>| {
            refuse(&person(role), &here()).is_none()
        };
        for role in Role::ALL {
            assert!(may(role, Viewer::refuse) && may(role, Listener::refuse));
            assert_eq!(may(role, Operator::refuse), role >= Role::Operator);
            assert_eq!(may(role, Approver::refuse), role >= Role::Approver);
            assert_eq!(may(role, Admin::refuse), role == Role::Admin);
        }
    }
}
