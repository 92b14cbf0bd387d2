//! Commands, approvals, tasks and the agent contract.

pub mod agent;
