//! Signing in with e-mail and password.

use nexus_audit::{Entry, PLATFORM, record};
use nexus_core::id::SessionId;
use nexus_kit::app::App;
use nexus_kit::db::{Scope, Tx};
use nexus_kit::entropy::Entropy;
use nexus_kit::http::principal::Refused;
use nexus_kit::settings;
use serde_json::json;

use super::password::{Compared, MOST_BYTES};
use super::sql::person::PersonRow;
use super::sql::session::NewSession;
use super::tries::Try;
use super::{Signed, Visitor, email, field, sql, token, tries};
use crate::Auth;
use crate::error::AuthError;

/// Signs somebody in. Whoever is unknown, disabled or has no password yet costs what a wrong
/// password costs: one try, one hash, one entry in the audit log.
pub(crate) async fn sign_in(
    app: &App,
    auth: &Auth,
    given: &str,
    password: &str,
    visitor: Visitor,
) -> Result<Signed, AuthError> {
    if password.len() > MOST_BYTES {
        return Err(AuthError::Fields(vec![field("/password", "at most 1024 bytes")]));
    }
    // What cannot be an e-mail is nobody's, and is treated like any unknown one.
    let email = email(given).unwrap_or_else(|| given.chars().take(64).collect());
    let made = take(app, auth, &email, &visitor).await?;
    let found = {
        let email = email.clone();
        app.db
            .read(Scope::System, move |q| sql::person::by_email(q, &email).map_err(AuthError::from))
    };
    let found = found.await?;
    let stored = found.as_ref().filter(|person| !person.disabled);
    let stored = stored.and_then(|person| person.password.clone());
    let compared = match auth.people.hasher.compare(stored.clone(), password).await {
        Ok(compared) => compared,
        Err(error) => {
            give_back(app, made).await;
            return Err(error);
        }
    };
    let (Some(person), Compared::Right { renew }) = (found, compared) else {
        return Err(failed(app, &email, &visitor).await);
    };
    // A renewal that finds no turn waits for the next sign-in.
    let renewed = if renew { auth.people.hasher.hash(password).await.ok() } else { None };
    let (settings, entropy) = (auth.people.settings.clone(), auth.people.entropy.clone());
    app.db
        .write(Scope::System, move |tx| {
            // The password may have been set anew while it was compared.
            let now = sql::person::by_id(tx, &person.user_id)?;
            if now.is_none_or(|now| now.disabled || now.password != person.password) {
                return Err(AuthError::LoginFailed);
            }
            if let (Some(old), Some(new)) = (&person.password, &renewed) {
                sql::person::renew_password(tx, &person.user_id, old, new)?;
            }
            sql::tries::clear(tx, &made.account, &made.peer)?;
            begin(tx, &entropy, &settings, person, &visitor)
        })
        .await
}

async fn take(app: &App, auth: &Auth, email: &str, visitor: &Visitor) -> Result<Try, AuthError> {
    let (email, peer) = (email.to_owned(), visitor.peer.clone());
    let settings = auth.people.settings.clone();
    let taken = app.db.write(Scope::System, move |tx| {
        tries::take(tx, &email, &peer, &settings).map_err(AuthError::from)
    });
    taken.await?.map_err(|seconds| {
        nexus_kit::http::principal::Authenticator::refused(
            auth,
            Refused {
                tenant: None,
                principal: None,
                code: "login_throttled",
                request: "POST /auth/login".to_owned(),
                peer: visitor.peer.clone(),
                correlation_id: visitor.correlation_id.clone(),
            },
        );
        AuthError::Throttled(seconds)
    })
}

/// A try that nobody could judge counts for nothing.
async fn give_back(app: &App, made: Try) {
    let given = app
        .db
        .write(Scope::System, move |tx| sql::tries::give_back(tx, &made).map_err(AuthError::from));
    if let Err(error) = given.await {
        tracing::warn!(%error, "a try to sign in was counted although nobody judged it");
    }
}

async fn failed(app: &App, email: &str, visitor: &Visitor) -> AuthError {
    let (account, visitor) = (tries::account(email), visitor.clone());
    let written = app.db.write(Scope::System, move |tx| {
        let entry = Entry {
            actor: "anonymous",
            action: "login.failed",
            target: &account,
            correlation_id: &visitor.correlation_id,
            details: json!({"peer": visitor.peer, "user_agent": visitor.user_agent}),
        };
        record(tx, PLATFORM, &entry).map_err(AuthError::from)
    });
    written.await.err().unwrap_or(AuthError::LoginFailed)
}

/// Begins a session, in the transaction of what proved the person.
pub(crate) fn begin(
    tx: &mut Tx<'_>,
    entropy: &Entropy,
    settings: &settings::People,
    person: PersonRow,
    visitor: &Visitor,
) -> Result<Signed, AuthError> {
    let session_id = SessionId::new(tx.now(), &tx.id_entropy());
    let (token, secret_hash) = token::session(&session_id, entropy);
    let expires_at = tx.expiry().plus(settings.session);
    sql::session::insert(
        tx,
        &NewSession {
            session_id: session_id.as_str(),
            user_id: &person.user_id,
            secret_hash: &secret_hash,
            expires_at,
            user_agent: &visitor.user_agent,
            peer: &visitor.peer,
        },
    )?;
    let now = tx.now();
    sql::person::signed_in(tx, &person.user_id, now)?;
    let entry = Entry {
        actor: &format!("user:{}", person.user_id),
        action: "login",
        target: session_id.as_str(),
        correlation_id: &visitor.correlation_id,
        details: json!({"peer": visitor.peer, "user_agent": visitor.user_agent}),
    };
    record(tx, PLATFORM, &entry)?;
    Ok(Signed {
        user_id: person.user_id,
        email: person.email,
        name: person.name,
        session_id: session_id.to_string(),
        token,
        expires_at,
    })
}
