//! The first admin: a link on the terminal, while there is nobody who could invite anybody.

use nexus_audit::{Entry, PLATFORM, record};
use nexus_core::tenant::Tenant;
use nexus_kit::app::App;
use nexus_kit::clock::Clock;
use nexus_kit::db::{Db, Scope, Tx};
use nexus_kit::entropy::Entropy;
use serde_json::json;

use super::links::{NewLink, Purpose};
use super::{sql, token};
use crate::error::AuthError;

/// Who made the link that a start prints.
pub(crate) const BY_START: &str = "system:start";

/// Who made the link that somebody with the machine asked for.
pub(crate) const BY_TERMINAL: &str = "system:terminal";

/// Who made the first admin.
pub(crate) const BY_LINK: &str = "system:first_admin";

/// Makes a link to become admin and returns the page that takes it. A start makes one only while
/// nobody who can sign in is an admin; whoever has the machine may always make one.
pub(crate) async fn link(
    db: &Db,
    clock: &Clock,
    entropy: &Entropy,
    by_start: bool,
    correlation_id: String,
) -> Result<Option<String>, AuthError> {
    let entropy = entropy.clone();
    let expires_at = clock.expiry().plus(Purpose::FirstAdmin.lifetime());
    db.write(Scope::System, move |tx| {
        if by_start && sql::member::any_admin(tx)? {
            return Ok(None);
        }
        let by = if by_start { BY_START } else { BY_TERMINAL };
        let (token, hash) = token::link(&entropy);
        sql::link::close_first(tx)?;
        sql::link::insert(tx, &hash, Purpose::FirstAdmin, None, by, expires_at)?;
        tell_platform(tx, by, &correlation_id)?;
        Ok(Some(NewLink { purpose: Purpose::FirstAdmin, token, expires_at }.path()))
    })
    .await
}

fn tell_platform(tx: &mut Tx<'_>, by: &str, correlation_id: &str) -> Result<(), AuthError> {
    let entry = Entry {
        actor: by,
        action: "link.created",
        target: "first_admin",
        correlation_id,
        details: json!({"purpose": Purpose::FirstAdmin.as_str()}),
    };
    record(tx, PLATFORM, &entry)?;
    Ok(())
}

/// Writes into the tenant's own chain who became its admin.
pub(crate) async fn tell_tenant(
    app: &App,
    tenant: &Tenant,
    user_id: &str,
    correlation_id: &str,
) -> Result<(), AuthError> {
    let (whose, user_id) = (tenant.clone(), user_id.to_owned());
    let correlation_id = correlation_id.to_owned();
    app.db
        .write(tenant, move |tx| {
            let entry = Entry {
                actor: BY_LINK,
                action: "member.added",
                target: &user_id,
                correlation_id: &correlation_id,
                details: json!({"role": "admin"}),
            };
            record(tx, whose.key(), &entry)?;
            Ok(())
        })
        .await
}
