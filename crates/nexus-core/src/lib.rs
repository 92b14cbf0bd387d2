//! The pure domain of NEXUS: no I/O, no clock, no randomness; those come in as arguments.
//!
//! Invariants that live here: the table of task transitions ([`task`]), the fold of reports into
//! the view ([`view`]), what rates a command ([`policy`]), what an approval binds ([`approval`]).

pub mod alert;
pub mod approval;
pub mod cause;
pub mod cursor;
pub mod failure;
pub mod id;
pub mod json;
pub mod mask;
pub mod masked;
pub mod policy;
pub mod role;
pub mod task;
pub mod tenant;
pub mod text;
pub mod time;
pub mod triage;
pub mod view;
