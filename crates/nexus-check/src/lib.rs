//! The conformance kit: what a stream of NEXUS promises, checked from outside, by HTTP alone.
//!
//! [`run`] goes through [`CHECKS`], a table of named functions, each of which proves one clause of
//! the contract, and tells a [`Listener`] what holds and what does not. It knows nothing of a
//! server's inside, so it says as much about a proxy in front of one as about the server. To see
//! reports it sends GREEN commands that touch nothing but the tenant's queue of videos.
//!
//! Invariants: a check fails only for what it is named after; what it needs from another and does
//! not get makes it skip. Chance comes from one seed, which is printed, and a limit that the server
//! sets (`429`, `503`) is honoured and never counted as a fault.

mod campaign;
mod checks;
mod client;
mod dial;
mod kit;
mod outcome;
mod publish;
mod random;
mod stopwatch;
mod text;
mod wire;

use std::time::Duration;

use nexus_core::tenant::Tenant;

pub use checks::{CHECKS, Check, Cost};
pub use outcome::{Happening, Listener, Outcome};
pub use text::Text;

use client::Client;
use kit::Kit;
use random::Random;
use stopwatch::Stopwatch;

/// What proves who asks.
#[derive(Clone)]
pub enum Credential {
    /// A key, sent as `x-api-key`.
    Key(String),
    /// A person's session, sent as a bearer token.
    Session(String),
}

impl Credential {
    fn header(&self) -> (&'static str, String) {
        match self {
            Self::Key(key) => ("x-api-key", key.clone()),
            Self::Session(token) => ("authorization", format!("Bearer {token}")),
        }
    }
}

/// Whom to check.
#[derive(Clone)]
pub struct Target {
    /// `http` or `https`, with a path if a proxy adds one.
    pub url: String,
    /// The tenant that is written into; best one of its own.
    pub tenant: Tenant,
    /// Another tenant of the same server that the key opens, for the checks of isolation.
    pub other: Option<Tenant>,
    /// Who asks; must be allowed to send commands.
    pub credential: Credential,
}

/// What to do, and what this server is set to.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Leaves out what takes long or disturbs others, and opens fewer than 50 streams.
    pub quick: bool,
    /// Leaves out what disturbs others in the tenant.
    pub gentle: bool,
    /// HTTP/2 for everything, with prior knowledge where the address is plain.
    pub http2: bool,
    /// Only checks whose name is one of these, or begins with one and a dot.
    pub only: Vec<String>,
    /// Decides every choice that is left to chance.
    pub seed: u64,
    /// `STREAM_EVENT_KEEP` of the server.
    pub event_keep: u64,
    /// `STREAM_MAX_PER_TENANT` of the server.
    pub max_per_tenant: usize,
    /// `STREAM_PING_SECONDS` of the server.
    pub ping: Duration,
    /// How long anything is waited for before it counts as missing.
    pub patience: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            quick: false,
            gentle: false,
            http2: false,
            only: Vec::new(),
            seed: 0,
            event_keep: 2000,
            max_per_tenant: 100,
            ping: Duration::from_secs(30),
            patience: Duration::from_secs(15),
        }
    }
}

impl Plan {
    /// Whether it has this check.
    pub fn has(&self, check: &Check) -> bool {
        let named = |only: &String| {
            let rest = check.name.strip_prefix(only.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if !self.only.is_empty() {
            return self.only.iter().any(named);
        }
        match check.cost {
            Cost::Small => true,
            Cost::Long => !self.quick,
            Cost::Disturbs => !self.quick && !self.gentle,
        }
    }
}

/// What the run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Checks that hold.
    pub held: usize,
    /// Checks that do not.
    pub failed: usize,
    /// Checks that could not be made.
    pub skipped: usize,
    /// Streams that were opened.
    pub opens: u64,
    /// Commands that were accepted.
    pub commands: u64,
}

/// Goes through the plan's checks, one after the other.
///
/// # Errors
/// When the address is none, or certificates of this machine cannot be read.
pub async fn run(target: Target, plan: Plan, listener: Listener) -> std::io::Result<Summary> {
    let client = Client::new(target.clone(), &plan, listener.clone())?;
    let random = Random::new(plan.seed);
    let mut kit = Kit::new(client.clone(), target, plan.clone(), random);
    let mut summary = Summary::default();
    for check in CHECKS.iter().filter(|check| plan.has(check)) {
        listener(&Happening::Begins(check));
        let watch = Stopwatch::start();
        let outcome = Outcome::from((check.run)(&mut kit).await);
        match &outcome {
            Outcome::Holds(_) => summary.held += 1,
            Outcome::Fails { .. } => summary.failed += 1,
            Outcome::Skipped(_) => summary.skipped += 1,
        }
        listener(&Happening::Ends { check, outcome: &outcome, took: watch.read() });
    }
    kit.tidy_up().await;
    (summary.opens, summary.commands) = client.counts();
    Ok(summary)
}
