//! One-time links: to become the first admin, to accept an invitation, to set a password anew.

use std::time::Duration;

use nexus_audit::{Entry, PLATFORM, record};
use nexus_core::id::UserId;
use nexus_core::role::Role;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::app::App;
use nexus_kit::db::{Scope, Tx};
use nexus_kit::http::problem::FieldError;
use serde_json::json;

use super::sign_in::begin;
use super::sql::link::LinkRow;
use super::{Signed, Visitor, email, field, first, name, password, sql, token, tries};
use crate::error::AuthError;
use crate::{Auth, Hash};

/// What a link is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    FirstAdmin,
    Invite,
    Reset,
}

impl Purpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstAdmin => "first_admin",
            Self::Invite => "invite",
            Self::Reset => "reset",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::FirstAdmin, Self::Invite, Self::Reset].into_iter().find(|p| p.as_str() == text)
    }

    /// How long a link works.
    pub fn lifetime(self) -> Duration {
        match self {
            Self::FirstAdmin => Duration::from_secs(24 * 3_600),
            Self::Invite => Duration::from_secs(72 * 3_600),
            Self::Reset => Duration::from_secs(3_600),
        }
    }
}

/// A link that was just made; its token is shown once.
pub(crate) struct NewLink {
    pub purpose: Purpose,
    pub token: String,
    pub expires_at: Time,
}

impl NewLink {
    /// The page that takes the token. It stands in the fragment, which no server and no log sees.
    pub fn path(&self) -> String {
        format!("/ui#/welcome/{}", self.token)
    }
}

/// Makes a link for a person; the ones before it work no more.
pub(crate) fn make(
    tx: &mut Tx<'_>,
    entropy: &nexus_kit::entropy::Entropy,
    purpose: Purpose,
    user_id: &str,
    actor: &str,
) -> Result<NewLink, AuthError> {
    let (token, hash) = token::link(entropy);
    let expires_at = tx.expiry().plus(purpose.lifetime());
    sql::link::close_of(tx, user_id)?;
    sql::link::insert(tx, &hash, purpose, Some(user_id), actor, expires_at)?;
    Ok(NewLink { purpose, token, expires_at })
}

/// What a link is for, while it works.
pub(crate) async fn look(app: &App, token: &str) -> Result<LinkRow, AuthError> {
    let hash = token::parse_link(token).ok_or(AuthError::NoLink)?;
    let now = app.clock.expiry();
    let found = app.db.read(Scope::System, move |q| working(q, &hash, now));
    found.await
}

fn working(q: &nexus_kit::db::Read, hash: &Hash, now: Time) -> Result<LinkRow, AuthError> {
    let link = sql::link::load(q, hash, now)?.ok_or(AuthError::NoLink)?;
    // A link that a start printed ends when somebody became admin another way.
    if link.created_by == first::BY_START && sql::member::any_admin(q)? {
        return Err(AuthError::NoLink);
    }
    Ok(link)
}

/// What somebody who has a link sends.
pub(crate) struct Redeeming {
    pub token: String,
    pub email: Option<String>,
    pub name: Option<String>,
    pub password: String,
}

/// Who will be signed in by a link.
struct Redeemer {
    email: String,
    name: Option<String>,
}

/// Uses a link: sets the password and signs the person in.
pub(crate) async fn redeem(
    app: &App,
    auth: &Auth,
    redeeming: Redeeming,
    visitor: Visitor,
) -> Result<Signed, AuthError> {
    let hash = token::parse_link(&redeeming.token).ok_or(AuthError::NoLink)?;
    let link = look(app, &redeeming.token).await?;
    let tenants = tenants_of(app, link.user_id.as_deref()).await?;
    let redeemer = check(&link, &redeeming, &tenants)?;
    let phc = auth.people.hasher.hash(&redeeming.password).await?;
    let purpose = link.purpose;
    let (settings, entropy) = (auth.people.settings.clone(), auth.people.entropy.clone());
    let asked = visitor.clone();
    let (signed, tenant) = app
        .db
        .write(Scope::System, move |tx| {
            // Everything that was looked at is looked at again where it is used.
            let link = working(tx, &hash, tx.expiry())?;
            if !sql::link::consume(tx, &hash)? {
                return Err(AuthError::NoLink);
            }
            let (user_id, tenant) = match link.user_id {
                Some(user_id) => (user_id, None),
                None => first_admin(tx, &redeemer)?,
            };
            if let Some(name) = &redeemer.name {
                sql::person::rename(tx, &user_id, name)?;
            }
            sql::link::close_of(tx, &user_id)?;
            sql::session::end_all(tx, &user_id)?;
            sql::person::set_password(tx, &user_id, &phc)?;
            sql::tries::clear_account(tx, &tries::account(&redeemer.email))?;
            let person = sql::person::by_id(tx, &user_id)?.ok_or(AuthError::NoLink)?;
            let entry = Entry {
                actor: &format!("user:{user_id}"),
                action: "link.redeemed",
                target: &user_id,
                correlation_id: &asked.correlation_id,
                details: json!({"purpose": purpose.as_str(), "peer": asked.peer}),
            };
            record(tx, PLATFORM, &entry)?;
            let signed = begin(tx, &entropy, &settings, person, &asked)?;
            Ok((signed, tenant))
        })
        .await?;
    auth.forget_sessions();
    if let Some(tenant) = tenant {
        first::tell_tenant(app, &tenant, &signed.user_id, &visitor.correlation_id).await?;
    }
    Ok(signed)
}

/// The names of a person's organisations and projects, which make no password.
async fn tenants_of(app: &App, user_id: Option<&str>) -> Result<Vec<Tenant>, AuthError> {
    let Some(user_id) = user_id.map(str::to_owned) else { return Ok(Vec::new()) };
    let roles = app
        .db
        .read(Scope::System, move |q| sql::member::roles(q, &user_id).map_err(AuthError::from));
    Ok(roles.await?.into_keys().collect())
}

fn check(link: &LinkRow, redeeming: &Redeeming, tenants: &[Tenant]) -> Result<Redeemer, AuthError> {
    let mut errors: Vec<FieldError> = Vec::new();
    let email = match (&link.email, redeeming.email.as_deref()) {
        (Some(known), None) => known.clone(),
        (Some(known), Some(sent)) if email(sent).as_deref() == Some(known) => known.clone(),
        (Some(_), Some(_)) => {
            errors.push(field("/email", "this link is for another e-mail; leave this out"));
            String::new()
        }
        (None, sent) => sent.and_then(email).unwrap_or_else(|| {
            errors.push(field("/email", "an e-mail address, at most 254 bytes"));
            String::new()
        }),
    };
    let name = redeeming.name.as_deref().map(name).transpose().unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    let mut context = vec![email.as_str()];
    context.extend(name.as_deref().or(link.name.as_deref()));
    context.extend(tenants.iter().flat_map(|tenant| [tenant.org(), tenant.project()]));
    if let Some(why) = password::refuse(&redeeming.password, &context) {
        errors.push(field("/password", why));
    }
    if errors.is_empty() { Ok(Redeemer { email, name }) } else { Err(AuthError::Fields(errors)) }
}

/// Makes the first admin, or makes a person who is there an admin again.
fn first_admin(
    tx: &mut Tx<'_>,
    redeemer: &Redeemer,
) -> Result<(String, Option<Tenant>), AuthError> {
    let tenant = sql::member::first_tenant(tx)?.ok_or(AuthError::NoLink)?;
    let user_id = match sql::person::by_email(tx, &redeemer.email)? {
        Some(person) if person.disabled => return Err(AuthError::NoLink),
        Some(person) => person.user_id,
        None => {
            let user_id = UserId::new(tx.now(), &tx.id_entropy()).to_string();
            let local = redeemer.email.split('@').next().unwrap_or(&redeemer.email);
            sql::person::insert(tx, &user_id, &redeemer.email, local, first::BY_LINK)?;
            user_id
        }
    };
    if !sql::member::insert(tx, &tenant, &user_id, Role::Admin, first::BY_LINK)? {
        sql::member::set_role(tx, &tenant, &user_id, Role::Admin)?;
    }
    sql::link::close_first(tx)?;
    Ok((user_id, Some(tenant)))
}
