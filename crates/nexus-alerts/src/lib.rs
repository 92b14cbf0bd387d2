//! Alerts: what people are told of, wherever they are.
//!
//! A follower of every tenant's report log ([`jobs`]) finds what somebody should hear of ([`news`]) and
//! writes it down, with one message for each destination, in the transaction that moves its cursor
//! ([`actions`]). What is due is sent later ([`send`]), through the egress guard, in the form of its
//! vendor ([`channels`]).
//!
//! Invariants: an occurrence is written down once, however often its report is read; nothing is sent
//! that is not a row first; a message leaves at least once or ends as `failed` with its code, after a
//! bounded number of attempts; where it goes is looked up when it is sent, so that a route that is gone
//! is called no more; every text in it was masked before it was stored; a tenant's own destinations
//! were approved by a person (`alerts.route` is RED, and nothing lowers it).
//!
//! [`Event`](nexus_core::alert::Event) is the one list of what there is to tell. Another slice that has
//! something to tell says it in a report; [`news`] reads it.

mod actions;
mod agent;
mod channels;
mod error;
pub mod http;
mod jobs;
mod news;
mod notice;
mod route;
mod row;
mod send;
mod sql;
mod watch;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use nexus_core::tenant::Tenant;
use nexus_kit::app::App;
use nexus_kit::egress::Guard;
use nexus_kit::supervise::Supervisor;
use nexus_work::agent::Agent;
use tokio::sync::Notify;

use actions::Rules;
pub use error::AlertError;

/// The slice.
pub struct Alerts {
    app: App,
    guard: Arc<Guard>,
    rules: Rules,
    /// Up to where each log was looked at, beyond the cursor in the store; no record.
    seen: Mutex<HashMap<Tenant, u64>>,
    /// Something may be due earlier than the sender thinks.
    due: Notify,
    /// Where people reach this server.
    public: OnceLock<String>,
}

impl Alerts {
    /// Puts the slice together; `guard` judges every call to the outside.
    ///
    /// # Errors
    /// What is wrong with the routes of the settings.
    pub fn new(app: &App, guard: Arc<Guard>) -> Result<Arc<Self>, String> {
        let server = Arc::new(route::of_settings(&app.settings)?);
        let rules = Rules { server, settings: app.settings.alerts.clone() };
        Ok(Arc::new(Self {
            app: app.clone(),
            guard,
            rules,
            seen: Mutex::default(),
            due: Notify::new(),
            public: OnceLock::new(),
        }))
    }

    /// The built-in agent that changes a tenant's routes, once a person has said yes.
    pub fn agent(self: &Arc<Self>) -> Arc<dyn Agent> {
        Arc::new(agent::Routes(self.clone()))
    }

    /// Starts to follow, to send and to watch; `address` is where this server listens.
    pub fn start(self: &Arc<Self>, address: SocketAddr, supervisor: &Supervisor) {
        let set = &self.app.settings.http.public_url;
        let own = if set.is_empty() { format!("http://{address}") } else { set.clone() };
        self.public.get_or_init(|| own);
        jobs::start(self, supervisor);
    }

    fn public(&self) -> &str {
        self.public.get().map_or("", String::as_str)
    }
}
