//! The agent contract: claim, heartbeat, intent, callback. Agents in this process and agents over
//! HTTP go through these same functions; nothing else moves a task that runs.

pub(crate) mod callback;
pub(crate) mod caps;
pub(crate) mod claim;
pub(crate) mod effect;
pub(crate) mod ending;
pub mod http;
pub(crate) mod lease;
pub(crate) mod pace;
pub(crate) mod pick;
pub mod schemas;
pub mod signature;
pub(crate) mod sql;
