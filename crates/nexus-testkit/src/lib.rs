//! Whole NEXUS instances for tests, speaking the user's language.
//!
//! A [`World`] is a server on a free port over a temporary directory, with a clock that stands
//! still until a test moves it, a receiver of webhooks and an agent that fails on demand. Every
//! world listens to its own stream from the first report on, and [`World::finish`] holds what every
//! test must hold: no panic, whole audit chains, and the fold law.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "everything here is a test"
)]

mod agent;
mod answer;
mod audit;
mod backlog;
mod client;
mod follower;
mod outside;
mod people;
mod raw;
mod socket;
mod sse;
mod view;
mod world;

pub use agent::{Hands, TestAgent};
pub use answer::Answer;
pub use audit::Entry;
pub use client::Client;
pub use follower::{Follower, Report};
pub use outside::{Envelope, OutsideAgent};
pub use people::{PASSWORD, Somebody, token_of};
pub use raw::raw;
pub use socket::RawStream;
pub use sse::{Event, Stream};
pub use view::View;
pub use world::{ADMIN_KEY, Builder, PATIENCE, SERVICE_KEY, START, World};
