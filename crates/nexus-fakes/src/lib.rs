//! Stateful fakes of what NEXUS talks to, for tests, benchmarks and demonstrations.

pub mod webhook;
pub mod youtube;
