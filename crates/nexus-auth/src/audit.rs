//! Refusals for security, in the audit log: each kind at once, and then counted, so that nobody
//! fills the log by knocking.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nexus_audit::{Entry, PLATFORM, record};
use nexus_core::time::Time;
use nexus_kit::clock::Clock;
use nexus_kit::db::{Db, DbError, Scope, Tx};
use nexus_kit::http::principal::Refused;
use nexus_kit::log::{Meta, Report};
use nexus_kit::supervise::Shutdown;
use serde_json::json;
use tokio::sync::Notify;

use crate::sql;

/// How long refusals of one kind gather before they are written again.
const GATHER: Duration = Duration::from_secs(60);

/// The refusal of somebody who opens streams faster than `STREAM_OPENS_PER_MINUTE`.
const STREAM_STORM: &str = "stream_storm";

/// Kinds that gather at once; beyond that the oldest window is dropped.
const KINDS: usize = 1_000;

#[derive(Default)]
pub(crate) struct Refusals {
    waiting: Mutex<HashMap<Kind, (u64, Refused)>>,
    wake: Notify,
}

type Kind = (String, Option<String>, &'static str, String);

impl Refusals {
    pub fn note(&self, refused: Refused) {
        tracing::warn!(
            code = refused.code,
            peer = %refused.peer,
            correlation_id = %refused.correlation_id,
            request = %refused.request,
            "a request was refused"
        );
        let tenant = refused.tenant.as_ref().map_or_else(String::new, ToString::to_string);
        let kind = (tenant, refused.principal.clone(), refused.code, refused.peer.clone());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < KINDS || waiting.contains_key(&kind) {
            waiting.entry(kind).or_insert((0, refused)).0 += 1;
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// Writes what is noted until the server stops, and then what still gathers.
    pub async fn run(&self, db: &Db, clock: &Clock, stop: &Shutdown) {
        let mut written: HashMap<Kind, Time> = HashMap::new();
        loop {
            tokio::select! {
                () = self.wake.notified() => {}
                () = gathered(clock, self.next(&written)) => {}
                () = stop.triggered() => {}
            }
            let (now, last) = (clock.expiry(), stop.is_triggered());
            written.retain(|_, at| !last && now.since(*at) < GATHER);
            for (kind, (count, refused)) in self.due(&written) {
                if let Err(error) = write(db, count, refused).await {
                    tracing::warn!(%error, "a refusal was not written to the audit log");
                }
                written.insert(kind, now);
            }
            if last {
                return;
            }
        }
    }

    /// When the first kind that waits has gathered long enough.
    fn next(&self, written: &HashMap<Kind, Time>) -> Option<Time> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.keys().filter_map(|kind| written.get(kind)).min().map(|at| at.plus(GATHER))
    }

    /// Takes what need not gather any longer.
    fn due(&self, written: &HashMap<Kind, Time>) -> Vec<(Kind, (u64, Refused))> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extract_if(|kind, _| !written.contains_key(kind)).collect()
    }
}

async fn gathered(clock: &Clock, until: Option<Time>) {
    match until {
        Some(until) => clock.sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Tells whoever follows the tenant's log that somebody opens streams in a circle: a report that
/// changes nothing in the view, at most one a minute for each principal and address.
fn tell_of_flood(tx: &mut Tx<'_>, refused: &Refused) -> Result<(), DbError> {
    let place = tx.next_place()?;
    let report = Report {
        kind: "stream.flood",
        correlation_id: &refused.correlation_id,
        meta: Meta { agent: refused.principal.as_deref(), ..Meta::default() },
        changes: Vec::new(),
    };
    tx.report(&place, &report).map(|_| ())
}

async fn write(db: &Db, count: u64, refused: Refused) -> Result<(), DbError> {
    let known = match refused.tenant.clone() {
        None => None,
        Some(tenant) => {
            let whose = tenant.clone();
            let exists = db.read(Scope::System, move |q| sql::tenant_exists(q, &whose)).await?;
            exists.then_some(tenant)
        }
    };
    let scope = known.as_ref().map_or(Scope::System, Scope::from);
    db.write(scope, move |tx| {
        let chain = known.as_ref().map_or(PLATFORM, |tenant| tenant.key());
        if known.is_some() && refused.code == STREAM_STORM {
            tell_of_flood(tx, &refused)?;
        }
        record(
            tx,
            chain,
            &Entry {
                actor: refused.principal.as_deref().unwrap_or("anonymous"),
                action: "access.refused",
                target: &refused.request,
                correlation_id: &refused.correlation_id,
                details: json!({"code": refused.code, "peer": refused.peer, "count": count}),
            },
        )
    })
    .await
}
