//! Policy: the tenant's rules, the levels and types that admins set, and the stop switch.

pub(crate) mod actions;
pub mod http;
pub(crate) mod sql;
