//! Who belongs to a tenant: inviting, changing roles, removing, links.

use nexus_audit::{Entry, PLATFORM, record};
use nexus_core::id::UserId;
use nexus_core::role::Role;
use nexus_core::tenant::Tenant;
use nexus_kit::app::App;
use nexus_kit::db::{Scope, Tx};
use nexus_kit::http::principal::Principal;
use serde_json::{Value, json};

use super::links::{self, NewLink, Purpose};
use super::sql::member::Member;
use super::sql::person::PersonRow;
use super::{email, field, name, sql};
use crate::Auth;
use crate::error::AuthError;

/// Who changes members, and of which tenant.
pub(crate) struct Acting<'a> {
    pub app: &'a App,
    pub auth: &'a Auth,
    pub tenant: &'a Tenant,
    pub principal: &'a Principal,
    pub correlation_id: &'a str,
}

/// What an audit entry needs, to go into a closure.
#[derive(Clone)]
struct Told {
    actor: String,
    correlation_id: String,
}

impl Told {
    fn tell(
        &self,
        tx: &mut Tx<'_>,
        chain: &str,
        action: &str,
        user_id: &str,
        details: Value,
    ) -> Result<(), AuthError> {
        let (actor, correlation_id) = (self.actor.as_str(), self.correlation_id.as_str());
        record(tx, chain, &Entry { actor, action, target: user_id, correlation_id, details })?;
        Ok(())
    }
}

/// Somebody who was invited, and the link for them where there is one.
pub(crate) struct Invited {
    pub user_id: String,
    pub link: Option<NewLink>,
}

impl Acting<'_> {
    fn told(&self) -> Told {
        let correlation_id = self.correlation_id.to_owned();
        Told { actor: self.principal.name(), correlation_id }
    }

    /// The person that this caller is, if it is one.
    fn own_id(&self) -> Option<&str> {
        match self.principal {
            Principal::User(person) => Some(&person.user_id),
            _ => None,
        }
    }

    pub async fn list(&self) -> Result<Vec<Member>, AuthError> {
        let tenant = self.tenant.clone();
        let found = self.app.db.read(Scope::System, move |q| {
            sql::member::of_tenant(q, &tenant).map_err(AuthError::from)
        });
        found.await
    }

    /// Makes somebody a member; a person whom nobody knew yet gets a link to come in by.
    pub async fn invite(
        &self,
        given: &str,
        called: Option<&str>,
        role: Role,
    ) -> Result<Invited, AuthError> {
        let wrong = || field("/email", "an e-mail address, at most 254 bytes");
        let email = email(given).ok_or_else(|| AuthError::Fields(vec![wrong()]))?;
        let local = email.split('@').next().unwrap_or(&email);
        let name = name(called.unwrap_or(local)).map_err(|error| AuthError::Fields(vec![error]))?;
        if let Some(invited) = self.invite_stranger(&email, &name, role).await? {
            return Ok(invited);
        }
        let person = self.person(move |q| sql::person::by_email(q, &email)).await?;
        let (tenant, told, user_id) = (self.tenant.clone(), self.told(), person.user_id.clone());
        let added = self.app.db.write(self.tenant, move |tx| {
            if !sql::member::insert(tx, &tenant, &user_id, role, &told.actor)? {
                return Err(AuthError::AlreadyMember);
            }
            told.tell(tx, tenant.key(), "member.added", &user_id, json!({"role": role}))
        });
        added.await?;
        self.auth.forget_sessions();
        // Who was invited before and never came belongs to nobody else: they still need a link.
        let link = match person.password {
            None if self.alone(&person.user_id).await? => {
                Some(self.make_link(&person.user_id, Purpose::Invite).await?)
            }
            _ => None,
        };
        Ok(Invited { user_id: person.user_id, link })
    }

    /// Makes a person, their membership and their link in one; `None` where the e-mail is known.
    async fn invite_stranger(
        &self,
        email: &str,
        name: &str,
        role: Role,
    ) -> Result<Option<Invited>, AuthError> {
        let (email, name, told) = (email.to_owned(), name.to_owned(), self.told());
        let (tenant, entropy) = (self.tenant.clone(), self.auth.people.entropy.clone());
        let made = self.app.db.write(Scope::System, move |tx| {
            let user_id = UserId::new(tx.now(), &tx.id_entropy()).to_string();
            if !sql::person::insert(tx, &user_id, &email, &name, &told.actor)? {
                return Ok(None);
            }
            sql::member::insert(tx, &tenant, &user_id, role, &told.actor)?;
            let link = links::make(tx, &entropy, Purpose::Invite, &user_id, &told.actor)?;
            let details = json!({"tenant": tenant, "role": role});
            told.tell(tx, PLATFORM, "user.invited", &user_id, details)?;
            Ok::<_, AuthError>(Some(Invited { user_id, link: Some(link) }))
        });
        let made = made.await?;
        if let Some(invited) = &made {
            // The platform's chain has it on disk; the tenant's own shows it to the tenant.
            self.tell_tenant("member.added", &invited.user_id, json!({"role": role})).await?;
        }
        Ok(made)
    }

    /// Gives a member another role. Only the platform admin makes members of persons that the
    /// tenant does not know.
    pub async fn set_role(&self, user_id: &str, role: Role) -> Result<(), AuthError> {
        if *self.principal == Principal::PlatformAdmin {
            let user_id = user_id.to_owned();
            self.person(move |q| sql::person::by_id(q, &user_id)).await?;
        }
        let (tenant, told, user_id) = (self.tenant.clone(), self.told(), user_id.to_owned());
        let (by_platform, own) = (*self.principal == Principal::PlatformAdmin, self.is(&user_id));
        let changed = self.app.db.write(self.tenant, move |tx| {
            sql::member::lock(tx, &tenant)?;
            let Some(before) = sql::member::load(tx, &tenant, &user_id)? else {
                if !by_platform {
                    return Err(AuthError::NoUser);
                }
                sql::member::insert(tx, &tenant, &user_id, role, &told.actor)?;
                let details = json!({"role": role});
                return told.tell(tx, tenant.key(), "member.added", &user_id, details);
            };
            if before == role {
                return Ok(());
            }
            keep_an_admin(tx, &tenant, &user_id, before, own)?;
            sql::member::set_role(tx, &tenant, &user_id, role)?;
            let details = json!({"role": role, "before": before});
            told.tell(tx, tenant.key(), "member.role", &user_id, details)
        });
        changed.await?;
        self.auth.forget_sessions();
        Ok(())
    }

    /// Ends a membership; the person stays, and so do their other tenants.
    pub async fn remove(&self, user_id: &str) -> Result<(), AuthError> {
        let (tenant, told, own) = (self.tenant.clone(), self.told(), self.is(user_id));
        let user_id = user_id.to_owned();
        let removed = self.app.db.write(self.tenant, move |tx| {
            sql::member::lock(tx, &tenant)?;
            let before = sql::member::load(tx, &tenant, &user_id)?.ok_or(AuthError::NoUser)?;
            keep_an_admin(tx, &tenant, &user_id, before, own)?;
            sql::member::delete(tx, &tenant, &user_id)?;
            told.tell(tx, tenant.key(), "member.removed", &user_id, json!({"role": before}))
        });
        removed.await?;
        self.auth.forget_sessions();
        Ok(())
    }

    /// Makes a link for a member: to come in by, or to set a new password. Whoever can do that can
    /// become that person, so it takes an admin of every tenant that the person belongs to.
    pub async fn link(&self, user_id: &str) -> Result<NewLink, AuthError> {
        let (tenant, wanted) = (self.tenant.clone(), user_id.to_owned());
        let person = self.person(move |q| match sql::member::load(q, &tenant, &wanted)? {
            Some(_) => sql::person::by_id(q, &wanted),
            None => Ok(None),
        });
        let person = person.await?;
        if !self.above(&person.user_id).await? {
            return Err(AuthError::NotAlone);
        }
        let purpose = match person.password {
            Some(_) => Purpose::Reset,
            None => Purpose::Invite,
        };
        self.make_link(&person.user_id, purpose).await
    }

    async fn make_link(&self, user_id: &str, purpose: Purpose) -> Result<NewLink, AuthError> {
        let (told, entropy) = (self.told(), self.auth.people.entropy.clone());
        let (owner, tenant) = (user_id.to_owned(), self.tenant.clone());
        let made = self.app.db.write(Scope::System, move |tx| {
            let link = links::make(tx, &entropy, purpose, &owner, &told.actor)?;
            let details = json!({"purpose": purpose.as_str(), "tenant": tenant});
            told.tell(tx, PLATFORM, "link.created", &owner, details)?;
            Ok::<_, AuthError>(link)
        });
        let link = made.await?;
        let details = json!({"purpose": purpose.as_str()});
        self.tell_tenant("link.created", user_id, details).await?;
        Ok(link)
    }

    async fn tell_tenant(
        &self,
        action: &'static str,
        user_id: &str,
        details: Value,
    ) -> Result<(), AuthError> {
        let (tenant, told, user_id) = (self.tenant.clone(), self.told(), user_id.to_owned());
        let written = self
            .app
            .db
            .write(self.tenant, move |tx| told.tell(tx, tenant.key(), action, &user_id, details));
        written.await
    }

    /// Whether the caller administers every tenant of a person.
    async fn above(&self, user_id: &str) -> Result<bool, AuthError> {
        let own = match self.principal {
            Principal::PlatformAdmin => return Ok(true),
            Principal::User(person) => person.roles.clone(),
            _ => return Ok(false),
        };
        let user_id = user_id.to_owned();
        let theirs = self
            .app
            .db
            .read(Scope::System, move |q| sql::member::roles(q, &user_id).map_err(AuthError::from));
        Ok(theirs.await?.keys().all(|tenant| own.get(tenant) == Some(&Role::Admin)))
    }

    /// Whether a person belongs to this tenant and no other.
    async fn alone(&self, user_id: &str) -> Result<bool, AuthError> {
        let user_id = user_id.to_owned();
        let roles = self
            .app
            .db
            .read(Scope::System, move |q| sql::member::roles(q, &user_id).map_err(AuthError::from));
        Ok(roles.await?.keys().all(|tenant| tenant == self.tenant))
    }

    fn is(&self, user_id: &str) -> bool {
        self.own_id() == Some(user_id)
    }

    async fn person(
        &self,
        find: impl FnOnce(&nexus_kit::db::Read) -> Result<Option<PersonRow>, nexus_kit::db::DbError>
        + Send
        + 'static,
    ) -> Result<PersonRow, AuthError> {
        let found =
            self.app.db.read(Scope::System, move |q| find(q).map_err(AuthError::from)).await?;
        found.ok_or(AuthError::NoUser)
    }
}

/// Closes an account everywhere and at once, or opens it again; the platform admin's alone.
pub(crate) async fn disable(
    app: &App,
    auth: &Auth,
    user_id: &str,
    disabled: bool,
    correlation_id: &str,
) -> Result<(), AuthError> {
    let told = Told { actor: "admin".to_owned(), correlation_id: correlation_id.to_owned() };
    let user_id = user_id.to_owned();
    let changed = app.db.write(Scope::System, move |tx| {
        let since = disabled.then(|| tx.now());
        if !sql::person::disable(tx, &user_id, since)? {
            return Err(AuthError::NoUser);
        }
        if disabled {
            sql::session::end_all(tx, &user_id)?;
            sql::link::close_of(tx, &user_id)?;
        }
        let action = if disabled { "user.disabled" } else { "user.enabled" };
        told.tell(tx, PLATFORM, action, &user_id, json!({}))
    });
    changed.await?;
    auth.forget_sessions();
    Ok(())
}

/// The last admin does not take their own role away: nobody could give it back.
fn keep_an_admin(
    tx: &Tx<'_>,
    tenant: &Tenant,
    user_id: &str,
    before: Role,
    own: bool,
) -> Result<(), AuthError> {
    if own && before == Role::Admin && sql::member::other_admins(tx, tenant, user_id)? == 0 {
        return Err(AuthError::LastAdmin);
    }
    Ok(())
}
