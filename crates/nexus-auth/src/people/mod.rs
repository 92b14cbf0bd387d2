//! People: who they are, how they sign in, where they are a member.
//!
//! Invariants: a password is stored as Argon2id with its parameters, a session's and a link's
//! secret as its hash; wrong password, unknown user and disabled user are one answer after the same
//! work; every try to sign in is counted on disk before its password is looked at; a link works
//! once; what a session may do is looked up, never carried by it.

pub(crate) mod first;
pub mod http;
pub(crate) mod links;
pub(crate) mod members;
pub(crate) mod password;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod sql;
pub(crate) mod token;
mod tries;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use nexus_core::text::is_hidden;
use nexus_core::time::Time;
use nexus_kit::entropy::Entropy;
use nexus_kit::http::principal::Person;
use nexus_kit::http::problem::FieldError;
use nexus_kit::settings;

use crate::Hash;
use crate::error::AuthError;
use password::Hasher;

/// Longest e-mail, in bytes.
pub(crate) const MAX_EMAIL: usize = 254;

/// Longest name of a person, in characters.
pub(crate) const MAX_NAME: usize = 100;

/// What this room keeps in memory, none of which is a record.
pub(crate) struct People {
    pub settings: settings::People,
    pub entropy: Entropy,
    pub hasher: Hasher,
    remembered: Mutex<HashMap<Hash, Remembered>>,
}

struct Remembered {
    until: Time,
    last_seen: Time,
    person: Person,
}

impl People {
    pub fn new(settings: &settings::People, entropy: &Entropy) -> Self {
        Self {
            settings: settings.clone(),
            entropy: entropy.clone(),
            hasher: Hasher::new(settings, entropy),
            remembered: Mutex::default(),
        }
    }
}

/// Where a request came from.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The address of the other end.
    pub(crate) peer: String,
    pub(crate) user_agent: String,
    pub(crate) correlation_id: String,
}

/// Somebody who has just signed in.
pub(crate) struct Signed {
    pub user_id: String,
    pub email: String,
    pub name: String,
    pub session_id: String,
    /// Shown once.
    pub token: String,
    pub expires_at: Time,
}

/// An e-mail as it is stored and compared; `None` for what cannot be one.
pub(crate) fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, domain) = text.rsplit_once('@')?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | ',');
    let fits = text.len() <= MAX_EMAIL
        && !local.is_empty()
        && !local.contains('@')
        && !domain.is_empty()
        && text.chars().all(plain);
    fits.then_some(text)
}

/// A name as people read it.
pub(crate) fn name(text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    let count = text.chars().count();
    // Whoever decides reads it: nothing in it may turn the text around or stay unseen.
    let plain = |c: char| !c.is_control() && !is_hidden(c);
    if (1..=MAX_NAME).contains(&count) && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err(field("/name", "1 to 100 characters, none of them hidden"))
}

pub(crate) fn field(path: &str, message: impl Into<String>) -> FieldError {
    FieldError { path: path.to_owned(), message: message.into() }
}

/// Removes what nobody can use any more and no limit looks at.
pub(crate) async fn sweep(app: &nexus_kit::app::App) -> Result<(), AuthError> {
    const KEEP: Duration = Duration::from_secs(30 * 86_400);
    const TRIES: Duration = Duration::from_secs(86_400);
    let now = app.clock.expiry();
    app.db
        .write(nexus_kit::db::Scope::System, move |tx| {
            sql::tries::forget(tx, now.minus(TRIES))?;
            sql::session::forget(tx, now.minus(KEEP))?;
            sql::link::forget(tx, now.minus(KEEP))?;
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_hides_nothing() {
        assert_eq!(name(" 김미나 ").unwrap(), "김미나");
        let long = "가".repeat(101);
        for bad in ["", " ", "a\nb", "a\u{202e}b", "a\u{200b}b", long.as_str()] {
            assert_eq!(name(bad).unwrap_err().path, "/name", "{bad:?}");
        }
    }

    #[test]
    fn an_email_is_one_address_in_lower_case() {
        assert_eq!(email(" Mina@Example.COM "), Some("mina@example.com".into()));
        assert_eq!(email("미나@예시.한국"), Some("미나@예시.한국".into()));
        let long = format!("{}@example.com", "x".repeat(250));
        for bad in ["", "mina", "@x", "x@", "a b@x", "a@b@c", "a\n@b", "<a@b>", long.as_str()] {
            assert_eq!(email(bad), None, "{bad:?}");
        }
    }
}
