//! `nexus user first-admin`: writes into the store itself, also while a server runs on it.

use nexus_core::id::CorrelationId;
use nexus_kit::clock::Clock;
use nexus_kit::db::{Db, DbError, Scope};
use nexus_kit::entropy::Entropy;
use nexus_kit::settings::Settings;

/// Makes a new one-time link to become admin and returns its page below the server's address. Those
/// before it work no more.
///
/// # Errors
/// When there is no store, or it cannot be written.
pub async fn first_admin(settings: &Settings) -> Result<String, String> {
    let store = &settings.store;
    // A store is made by the server's first run, not by a mistyped directory.
    Db::look(store, &Scope::System, |_| Ok::<_, DbError>(())).map_err(|error| error.to_string())?;
    let (clock, entropy) = (Clock::system(), Entropy::system());
    let db = Db::visit(store, clock.clone(), entropy.clone());
    let db = db.map_err(|error| error.to_string())?;
    let correlation_id = CorrelationId::new(clock.now(), &entropy.bytes()).to_string();
    let path = nexus_auth::first_admin_link(&db, &clock, &entropy, correlation_id).await;
    path.map_err(|error| error.to_string())
}

/// The address of a page as somebody at this machine opens it.
pub fn page(mut address: std::net::SocketAddr, path: &str) -> String {
    if address.ip().is_unspecified() {
        address.set_ip([127, 0, 0, 1].into());
    }
    format!("http://{address}{path}")
}
