//! Who is asking: tenants, the keys of programs, and people ([`people`]).
//!
//! Invariants: a tenant exists because an admin (or the first run) made it, never because somebody
//! named it; a key is stored as a hash and shown once; an empty key closes its door; a revoked key
//! is refused from the next request on in this process and within [`CACHE`] elsewhere.

mod actions;
mod audit;
mod error;
pub mod http;
mod key;
pub mod people;
mod sql;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::app::App;
use nexus_kit::clock::Clock;
use nexus_kit::db::{Db, DbError, Scope};
use nexus_kit::entropy::Entropy;
use nexus_kit::http::principal::{Authenticating, Authenticator, Look, Person, Principal, Refused};
use nexus_kit::http::problem::Problem;
use nexus_kit::settings::Settings;
use nexus_kit::supervise::Shutdown;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;

pub use actions::{NewKey, create_tenant, ensure_default_tenant};
pub use error::AuthError;
use people::People;

/// How long a looked-up key is believed.
pub const CACHE: Duration = Duration::from_secs(5);

/// How often what is over is removed.
const SWEEP: Duration = Duration::from_secs(3_600);

/// Keys that are remembered at once.
const CACHE_SIZE: usize = 10_000;

type Hash = [u8; 32];

/// Knows keys and tenants.
pub struct Auth {
    admin: Option<Hash>,
    service: Option<Hash>,
    db: Db,
    clock: Clock,
    people: People,
    tenants: RwLock<HashSet<Tenant>>,
    keys: Mutex<HashMap<Hash, (Time, Option<Principal>)>>,
    refusals: audit::Refusals,
    changed: watch::Sender<()>,
}

impl Auth {
    /// From the settings and the store.
    pub fn new(settings: &Settings, db: &Db, clock: &Clock, entropy: &Entropy) -> Arc<Self> {
        let keys = &settings.keys;
        let hash = |secret: &nexus_kit::settings::Secret| {
            (!secret.is_empty()).then(|| sha256(secret.expose().as_bytes()))
        };
        Arc::new(Self {
            admin: hash(&keys.admin),
            service: hash(&keys.service),
            db: db.clone(),
            clock: clock.clone(),
            people: People::new(&settings.people, entropy),
            tenants: RwLock::default(),
            keys: Mutex::default(),
            refusals: audit::Refusals::default(),
            changed: watch::Sender::new(()),
        })
    }

    /// Writes refusals to the audit log until the server stops.
    pub async fn run_audit(&self, stop: &Shutdown) {
        self.refusals.run(&self.db, &self.clock, stop).await;
    }

    /// Removes sessions, links and tries that are over, now and then.
    pub async fn run_sweep(&self, app: &App) {
        loop {
            if let Err(error) = people::sweep(app).await {
                tracing::warn!(%error, "old sessions and links were not removed");
            }
            self.clock.sleep(SWEEP).await;
        }
    }

    /// Makes a link by which somebody becomes the first admin, while nobody who can sign in is an
    /// admin; its path below the server's address.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn first_admin_link(&self, app: &App) -> Result<Option<String>, AuthError> {
        let correlation_id = app.new_correlation();
        let entropy = &self.people.entropy;
        people::first::link(&self.db, &self.clock, entropy, true, correlation_id).await
    }

    /// Forgets looked-up keys, so that a revocation bites at once.
    fn forget_keys(&self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.changed.send_replace(());
    }

    fn remembered(&self, hash: &Hash) -> Option<Option<Principal>> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, principal) = keys.get(hash)?;
        (self.clock.expiry() < *until).then(|| principal.clone())
    }

    async fn look_up(
        &self,
        key: &str,
        hash: Hash,
        look: Look,
    ) -> Result<Option<Principal>, Problem> {
        let Some((key_id, secret_hash)) = key::parse(key) else { return Ok(None) };
        let found = self.db.read(Scope::System, move |q| sql::key(q, &key_id)).await;
        let found = found.map_err(AuthError::from)?;
        let now = self.clock.expiry();
        let live = found.filter(|row| {
            bool::from(row.secret_hash.ct_eq(&secret_hash))
                && row.revoked_at.is_none()
                && row.expires_at.is_none_or(|at| now < at)
        });
        let principal = live.as_ref().and_then(sql::KeyRow::principal);
        if let Some(row) = &live
            && look != Look::Fresh
        {
            let (key_id, seen) = (row.key_id.clone(), self.clock.now());
            // Last use is for people; it must not make a request wait or fail.
            let db = self.db.clone();
            let noted = db.write(Scope::System, move |tx| sql::touch_key(tx, &key_id, seen)).await;
            if let Err(error) = noted {
                tracing::debug!(%error, "the last use of a key was not noted");
            }
        }
        let until = live.and_then(|row| row.expires_at).unwrap_or(now.plus(CACHE));
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= CACHE_SIZE {
            keys.clear();
        }
        keys.insert(hash, (until.min(now.plus(CACHE)), principal.clone()));
        Ok(principal)
    }
}

/// Makes a link to become admin for whoever has the machine, admins or not; its path below the
/// server's address.
///
/// # Errors
/// When the store cannot.
pub async fn first_admin_link(
    db: &Db,
    clock: &Clock,
    entropy: &Entropy,
    correlation_id: String,
) -> Result<String, AuthError> {
    let made = people::first::link(db, clock, entropy, false, correlation_id).await?;
    made.ok_or(AuthError::NoLink)
}

fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

impl Authenticator for Auth {
    fn authenticate<'a>(
        &'a self,
        key: &'a str,
        look: Look,
    ) -> Authenticating<'a, Option<Principal>> {
        Box::pin(async move {
            // Hashes of equal length are compared, so that time tells neither length nor prefix.
            let hash = sha256(key.as_bytes());
            let is = |known: &Option<Hash>| known.is_some_and(|known| known.ct_eq(&hash).into());
            if is(&self.admin) {
                return Ok(Some(Principal::PlatformAdmin));
            }
            if is(&self.service) {
                return Ok(Some(Principal::Service));
            }
            match self.remembered(&hash) {
                Some(known) if look != Look::Fresh => Ok(known),
                _ => self.look_up(key, hash, look).await,
            }
        })
    }

    fn session<'a>(&'a self, token: &'a str, look: Look) -> Authenticating<'a, Option<Person>> {
        Box::pin(self.find_session(token, look))
    }

    fn tenant_exists<'a>(&'a self, tenant: &'a Tenant) -> Authenticating<'a, bool> {
        Box::pin(async move {
            if self.tenants.read().unwrap_or_else(PoisonError::into_inner).contains(tenant) {
                return Ok(true);
            }
            let whose = tenant.clone();
            let exists = self.db.read(Scope::System, move |q| sql::tenant_exists(q, &whose)).await;
            let exists = exists.map_err(AuthError::from)?;
            if exists {
                let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
                tenants.insert(tenant.clone());
            }
            Ok(exists)
        })
    }

    fn refused(&self, refused: Refused) {
        self.refusals.note(refused);
    }

    fn changed(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

/// What this slice's handlers share.
#[derive(Clone)]
pub struct AuthState {
    /// The parts of the server.
    pub app: App,
    /// Keys and tenants.
    pub auth: Arc<Auth>,
}

impl axum::extract::FromRef<AuthState> for App {
    fn from_ref(state: &AuthState) -> Self {
        state.app.clone()
    }
}

impl From<DbError> for AuthError {
    fn from(error: DbError) -> Self {
        Self::Store(error)
    }
}
