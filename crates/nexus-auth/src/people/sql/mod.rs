//! People in the store. What is of no tenant is reached in the system's scope alone.

pub(crate) mod link;
pub(crate) mod member;
pub(crate) mod person;
pub(crate) mod session;
pub(crate) mod tries;

use nexus_core::role::Role;
use nexus_core::tenant::Tenant;
use nexus_kit::db::DbError;

fn bad(what: &str) -> DbError {
    DbError::Failed(format!("a stored {what} cannot be read"))
}

fn role(text: &str) -> Result<Role, DbError> {
    Role::parse(text).ok_or_else(|| bad("role"))
}

fn tenant(text: &str) -> Result<Tenant, DbError> {
    Tenant::parse(text).map_err(|_| bad("tenant"))
}
