//! Sessions: whose they are, and their end.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use nexus_audit::{Entry, PLATFORM, record};
use nexus_core::time::Time;
use nexus_kit::app::App;
use nexus_kit::db::Scope;
use nexus_kit::http::principal::{Look, Person};
use nexus_kit::http::problem::Problem;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::sql::session::{OwnSession, SessionRow};
use super::{Remembered, sql, token};
use crate::error::AuthError;
use crate::{Auth, CACHE, CACHE_SIZE, Hash, sha256};

/// How often at most a session's last use is written down.
const TOUCH: Duration = Duration::from_secs(60);

impl Auth {
    /// Whose session this is, while it lives.
    pub(crate) async fn find_session(
        &self,
        text: &str,
        look: Look,
    ) -> Result<Option<Person>, Problem> {
        let hash = sha256(text.as_bytes());
        let now = self.clock.expiry();
        if look != Look::Fresh
            && let Some((person, last_seen)) = self.remembered_session(&hash, now)
            && (look == Look::Quiet || now.since(last_seen) < TOUCH)
        {
            return Ok(Some(person));
        }
        let Some((session_id, secret_hash)) = token::parse_session(text) else { return Ok(None) };
        let found = self.db.read(Scope::System, move |q| {
            let Some(row) = sql::session::load(q, &session_id)? else { return Ok(None) };
            let roles = sql::member::roles(q, &row.user_id)?;
            Ok::<_, AuthError>(Some((row, roles)))
        });
        let Some((row, roles)) = found.await? else { return Ok(None) };
        if !self.lives(&row, &secret_hash, now) {
            return Ok(None);
        }
        let mut last_seen = row.last_seen;
        if look == Look::Active && now.since(last_seen) >= TOUCH {
            let session_id = row.session_id.clone();
            let noted = self.db.write(Scope::System, move |tx| {
                sql::session::touch(tx, &session_id, now).map_err(AuthError::from)
            });
            noted.await?;
            last_seen = now;
        }
        let person = Person {
            user_id: row.user_id,
            email: row.email,
            name: row.name,
            session_id: row.session_id,
            roles: Arc::new(roles),
        };
        let until = now
            .plus(CACHE)
            .min(row.expires_at)
            .min(last_seen.plus(self.people.settings.session_idle));
        self.remember_session(hash, Remembered { until, last_seen, person: person.clone() });
        Ok(Some(person))
    }

    fn lives(&self, row: &SessionRow, secret_hash: &Hash, now: Time) -> bool {
        bool::from(row.secret_hash.ct_eq(secret_hash))
            && !row.ended
            && !row.disabled
            && now < row.expires_at
            && now < row.last_seen.plus(self.people.settings.session_idle)
    }

    fn remembered_session(&self, hash: &Hash, now: Time) -> Option<(Person, Time)> {
        let all = self.people.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let one = all.get(hash).filter(|one| now < one.until)?;
        Some((one.person.clone(), one.last_seen))
    }

    fn remember_session(&self, hash: Hash, one: Remembered) {
        let mut all = self.people.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= CACHE_SIZE {
            all.clear();
        }
        all.insert(hash, one);
    }

    /// Forgets looked-up sessions, so that an end or another role bites at once.
    pub(crate) fn forget_sessions(&self) {
        self.people.remembered.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.changed.send_replace(());
    }

    /// A session that was used last before this has ended by itself.
    fn idle_since(&self) -> Time {
        self.clock.expiry().minus(self.people.settings.session_idle)
    }
}

/// The sessions of a person that live.
pub(crate) async fn list(
    app: &App,
    auth: &Auth,
    user_id: &str,
) -> Result<Vec<OwnSession>, AuthError> {
    let (user_id, now, idle_since) = (user_id.to_owned(), app.clock.expiry(), auth.idle_since());
    let found = app.db.read(Scope::System, move |q| {
        sql::session::live(q, &user_id, now, idle_since).map_err(AuthError::from)
    });
    found.await
}

/// When a person's session ends by itself at the latest.
pub(crate) async fn expires_at(app: &App, session_id: &str) -> Result<Option<Time>, AuthError> {
    let session_id = session_id.to_owned();
    let found = app
        .db
        .read(Scope::System, move |q| sql::session::load(q, &session_id).map_err(AuthError::from));
    Ok(found.await?.map(|row| row.expires_at))
}

/// Ends a session of a person; `action` says how in the audit log.
pub(crate) async fn end(
    app: &App,
    auth: &Auth,
    person: &Person,
    session_id: &str,
    action: &'static str,
    correlation_id: &str,
) -> Result<(), AuthError> {
    let (user_id, session_id) = (person.user_id.clone(), session_id.to_owned());
    let correlation_id = correlation_id.to_owned();
    let idle_since = auth.idle_since();
    let ended = app.db.write(Scope::System, move |tx| {
        if !sql::session::end(tx, &user_id, &session_id, idle_since)? {
            return Err(AuthError::NoSession);
        }
        let entry = Entry {
            actor: &format!("user:{user_id}"),
            action,
            target: &session_id,
            correlation_id: &correlation_id,
            details: json!({}),
        };
        record(tx, PLATFORM, &entry)?;
        Ok(())
    });
    ended.await?;
    auth.forget_sessions();
    Ok(())
}
