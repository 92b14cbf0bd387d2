//! Who takes part in the soak.

pub mod agent;
pub mod people;
