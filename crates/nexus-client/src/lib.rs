//! A client of NEXUS for programs: requests, and the stream as something that comes back by itself.
//!
//! - [`Api`] is a server, a tenant and a key: requests, and refusals as [`ApiError`].
//! - [`Follower`] is the stream: it resumes where it was, gives every report once and in order, and
//!   notices a connection that died without a word and a hole that should not be there.
//! - [`Live`] is the follower with the tenant's view folded, always the one of the last report.
//!
//! ```no_run
//! use nexus_client::{Api, Credential, Happening, Live};
//! use nexus_core::tenant::Tenant;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let tenant = Tenant::new("default", "default")?;
//! let key = Credential::Key(std::env::var("NEXUS_API_KEY")?);
//! let api = Api::new("http://127.0.0.1:8000", &tenant, &key)?;
//! let mut live = Live::new(api);
//! while let Some(happening) = live.next().await? {
//!     if let (Happening::Report(report), Some(view)) = (&happening, live.view()) {
//!         println!("{} {}: {} tasks", report.cursor, report.data["kind"], view.len_of("tasks"));
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: between what a follower hands out nothing is missing and nothing comes twice; what it
//! keeps is bounded, whatever a server sends; it asks no server in a circle.

mod api;
mod follower;
mod live;
mod refusal;
pub mod sse;

pub use api::{Api, Credential, loopback, segment};
pub use follower::{BACKOFF, Follower, Happening, LONGEST, Message, Patience, WATCHDOG};
pub use live::Live;
pub use refusal::{ApiError, FieldFault, Refusal};
