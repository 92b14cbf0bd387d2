//! Stateful fakes of what NEXUS talks to, for tests, benchmarks and demonstrations.

pub mod smtp;
pub mod vendor;
pub mod webhook;
pub mod youtube;
