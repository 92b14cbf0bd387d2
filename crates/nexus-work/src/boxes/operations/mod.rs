//! Bulk operations on the boxes: requeue, route, alarm, apply, purge, acknowledge.
//!
//! Invariants: what an operation touches is written down, as its items, before it is accepted. Each
//! item is done in one transaction together with what says that it is done, so that a crash repeats
//! nothing and loses nothing. A task that has left the box meanwhile is skipped. What is RED goes back
//! to a person instead of running on an old yes; what raised an alarm, or may have left the house,
//! goes nowhere before a person has said so. A requeue or purge of many is a RED command itself, and
//! its ask binds exactly these tasks.
//!
//! Small operations are finished before they answer. Others go on in a supervised task
//! ([`runner`]), which a commit wakes and which finds what was left open after a restart.

pub(crate) mod agent;
mod apply;
mod canary;
mod failure;
pub mod http;
mod item;
mod requeue;
mod row;
mod runner;
mod select;
pub(crate) mod sql;
mod start;
mod steer;
#[cfg(test)]
mod tests;

pub use failure::Envelope;
pub(crate) use failure::envelope;
pub(crate) use runner::{Operations, start};
pub(crate) use steer::{task_ended, task_waits_again};
