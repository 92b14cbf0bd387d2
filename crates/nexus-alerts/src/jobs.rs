//! What goes on by itself: every tenant's log is followed, what is due is done, what is measured is
//! watched.
//!
//! Nothing here asks tenant by tenant. The writer says whose log has news, and one query for all looks
//! for what nobody said, once a minute.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use nexus_core::alert::Event;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_core::view::Keep;
use nexus_kit::db::{DbError, Place, Read, Scope, Tx};
use nexus_kit::log::follow::{self, Ahead, Mark, Sieve};
use nexus_kit::log::load;
use nexus_kit::supervise::Supervisor;

use crate::actions::{FORGET_EVERY, Raised, Rules, destinations, raise};
use crate::news::{self, News};
use crate::route::Destination;
use crate::row::{Due, Owner};
use crate::{Alerts, sql, watch};

/// The follower's name in the store.
const FOLLOWER: &str = "alerts";

/// Reports that one look at a log reads.
const BATCH: u64 = 200;

/// Reports without news, after which the cursor is moved past them all the same, and a tenant is looked
/// at by itself: well within what the log keeps.
const LAZY: u64 = 400;

/// How often all logs are compared with the cursors in one query, and what is due is looked for though
/// nobody said so: what another node wrote.
const REPAIR: Duration = Duration::from_secs(60);

/// Logs that are followed at once.
const FOLLOWING: usize = 8;

/// Messages that leave at once.
const SENDING: usize = 16;

/// Messages of one owner that leave at once: whoever has many destinations that hang leaves room for
/// others.
const SENDING_OF_ONE: usize = SENDING / 2;

/// Lanes that one look finds.
const LANES: u64 = 200;

/// Within this an attempt has ended, or whoever made it has: then it is another's.
const LEASE: Duration = Duration::from_secs(60);

/// Rows that are forgotten in one transaction at most.
const FORGET_ROWS: u64 = 300;

/// The wait after a store that failed.
const AFTER_ERROR: Duration = Duration::from_millis(500);

pub(crate) fn start(alerts: &Arc<Alerts>, supervisor: &Supervisor) {
    // Half of the smallest window that the log may keep would still be enough.
    let every = LAZY.min((alerts.app.settings.stream.event_keep / 4).max(1));
    alerts.app.alerts.listen(Sieve { concerns: news::concerns, every });
    every_time(
        alerts,
        supervisor,
        "alerts-follow",
        |alerts| async move { alerts.follow_all().await },
    );
    every_time(alerts, supervisor, "alerts-send", |alerts| async move { alerts.do_due().await });
    every_time(
        alerts,
        supervisor,
        "alerts-watch",
        |alerts| async move { watch::run(&alerts).await },
    );
}

fn every_time<Fut: Future<Output = ()> + Send>(
    alerts: &Arc<Alerts>,
    supervisor: &Supervisor,
    name: &'static str,
    job: impl Fn(Arc<Alerts>) -> Fut + Copy + Send + Sync + 'static,
) {
    let alerts = alerts.clone();
    supervisor.forever(name, move |stop| {
        let alerts = alerts.clone();
        async move {
            tokio::select! {
                () = job(alerts) => {}
                () = stop.triggered() => {}
            }
        }
    });
}

impl Alerts {
    async fn follow_all(&self) {
        loop {
            if let Err(error) = self.find_behind().await {
                tracing::warn!(%error, "logs with news could not be looked for; tried again shortly");
            }
            let repair = self.app.clock.expiry().plus(REPAIR);
            loop {
                tokio::select! {
                    moved = self.app.alerts.moved() => {
                        for some in moved.chunks(FOLLOWING) {
                            join_all(some.iter().map(|tenant| self.follow(tenant))).await;
                        }
                    }
                    () = self.app.clock.sleep_until(repair) => break,
                }
            }
        }
    }

    /// Looks again at every tenant whose log is ahead of what was looked at.
    async fn find_behind(&self) -> Result<(), DbError> {
        let behind = self.app.db.read(Scope::System, |q| follow::behind(q, FOLLOWER)).await?;
        for (tenant, head) in behind {
            if self.app.alerts.quiet_after(&tenant, self.seen(&tenant)) != head.last
                || self.seen(&tenant) == 0
            {
                self.app.alerts.again(&tenant);
            }
        }
        Ok(())
    }

    fn seen(&self, tenant: &Tenant) -> u64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(tenant).copied().unwrap_or(0)
    }

    fn set_seen(&self, tenant: &Tenant, number: u64) {
        self.app.alerts.looked(tenant, number);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(tenant.clone(), number);
    }

    /// Acts on everything that lies ahead in a tenant's log.
    pub(crate) async fn follow(&self, tenant: &Tenant) {
        loop {
            match self.step(tenant).await {
                Ok(true) => {}
                Ok(false) | Err(DbError::NoTenant) => return,
                Err(error) => {
                    tracing::warn!(tenant_id = %tenant, %error, "a log could not be followed for alerts; tried again shortly");
                    tokio::time::sleep(AFTER_ERROR).await;
                    self.app.alerts.again(tenant);
                    return;
                }
            }
        }
    }

    /// Acts on the next reports of a log; says whether there may be more.
    async fn step(&self, tenant: &Tenant) -> Result<bool, DbError> {
        let seen = self.app.alerts.quiet_after(tenant, self.seen(tenant));
        let (whose, rules, now) = (tenant.clone(), self.rules.clone(), self.app.clock.now());
        let ahead = self.app.db.read(tenant, move |q| {
            let ahead = follow::ahead(q, &whose, FOLLOWER, seen, BATCH)?;
            let told = matches!(ahead, Ahead::Reports(..) | Ahead::Missed(..))
                && tells_of_asks(q, &Owner::Tenant(whose.clone()), &rules, now)?;
            Ok::<_, DbError>((ahead, told))
        });
        let (ahead, told) = ahead.await?;
        match ahead {
            Ahead::NotFollowed => {
                // From its first report on.
                let whose = tenant.clone();
                let began = self.app.db.write(tenant, move |tx| {
                    let head = nexus_kit::log::head(tx, &whose)?;
                    follow::begin(tx, FOLLOWER, &Place { epoch: head.epoch, number: 1 })
                });
                began.await?;
                Ok(true)
            }
            Ahead::UpToDate(mark) => {
                let at = seen.max(mark.number);
                self.set_seen(tenant, at);
                self.move_lazily(tenant, mark, at).await?;
                Ok(false)
            }
            Ahead::Missed(mark, head) => {
                tracing::warn!(tenant_id = %tenant, "reports left the log before they were looked at for alerts; what waits and what failed is looked at as a whole");
                let (whose, to) = (tenant.clone(), head.clone());
                let keep =
                    Keep { worklog: self.app.settings.stream.worklog_keep, ..Keep::default() };
                let view = self.app.db.read(tenant, move |q| load(q, &whose, keep)).await?;
                let mut news = news::read_view(tenant, &view.view.to_json());
                if !told {
                    news.forget_asks();
                }
                self.act(tenant, news, mark, to).await?;
                self.set_seen(tenant, head.number);
                Ok(true)
            }
            Ahead::Reports(mark, reports) => {
                let mut all = News::default();
                for (_, body) in reports.iter().filter(|(_, body)| news::concerns(body)) {
                    let News { happened, asks, closed, .. } = news::read(tenant, body);
                    all.happened.extend(happened);
                    // Whatever came later about an ask counts.
                    all.asks.retain(|(id, _)| !closed.contains(id));
                    all.asks.extend(asks);
                    all.closed.extend(closed);
                }
                if !told {
                    all.forget_asks();
                }
                let last = reports.last().map_or(mark.number, |(number, _)| *number);
                if all.happened.is_empty() && all.closed.is_empty() {
                    self.set_seen(tenant, last);
                    self.move_lazily(tenant, mark, last).await?;
                } else {
                    let to = Mark { number: last, ..mark.clone() };
                    self.act(tenant, all, mark, to).await?;
                    self.set_seen(tenant, last);
                }
                Ok(true)
            }
        }
    }

    /// Moves the cursor past reports without news, now and then.
    async fn move_lazily(&self, tenant: &Tenant, mark: Mark, to: u64) -> Result<(), DbError> {
        if to.saturating_sub(mark.number) < LAZY {
            return Ok(());
        }
        let moved = self.app.db.write(tenant, move |tx| {
            let epoch = mark.epoch.clone();
            follow::advance(tx, FOLLOWER, &mark, &epoch, to)
        });
        moved.await.map(|_| ())
    }

    /// Writes news down, in the transaction that moves the cursor past them.
    async fn act(&self, tenant: &Tenant, news: News, from: Mark, to: Mark) -> Result<(), DbError> {
        let owner = Owner::Tenant(tenant.clone());
        let (rules, remind) = (self.rules.clone(), self.rules.settings.ask_remind);
        let raised = self.app.db.write(tenant, move |tx| {
            if !follow::advance(tx, FOLLOWER, &from, &to.epoch, to.number)? {
                // Another was here first.
                return Ok(Raised::default());
            }
            remember(tx, &owner, &news, remind)?;
            let now = tx.expiry();
            // What was decided meanwhile, or is over, needs nobody any more.
            let live = |ask: &str| {
                news.asks.iter().any(|(id, until)| id == ask && now < *until)
                    && !decided_later(&news, ask)
            };
            let happened =
                news.happened.iter().filter(|one| one.notice.ask_id.as_deref().is_none_or(live));
            raise(tx, &owner, happened.cloned().collect(), &rules)
        });
        self.told(raised.await?);
        Ok(())
    }

    /// Counts what was raised, and has it sent.
    pub(crate) fn told(&self, raised: Raised) {
        let metrics = &self.app.metrics;
        metrics.alerts.get_or_create(&outcome("raised")).inc_by(raised.made);
        metrics.alerts.get_or_create(&outcome("counted")).inc_by(raised.counted);
        if raised.messages > 0 || raised.made > 0 {
            self.due.notify_one();
        }
    }

    /// Does what is due, when it is: each lane one thing after the other.
    async fn do_due(&self) {
        let mut busy: HashSet<(String, String, String)> = HashSet::new();
        let mut doing = FuturesUnordered::new();
        loop {
            let now = self.app.clock.expiry();
            let found = self.app.db.read(Scope::System, move |q| {
                Ok::<_, DbError>((sql::due(q, now, LANES)?, sql::next_due(q, now)?))
            });
            let next = match found.await {
                Ok((due, next)) => {
                    for lane in due {
                        let key = (lane.owner.clone(), lane.kind.clone(), lane.lane.clone());
                        let own = busy.iter().filter(|(owner, ..)| *owner == lane.owner).count();
                        let room = doing.len() < SENDING && own < SENDING_OF_ONE;
                        if room && busy.insert(key.clone()) {
                            doing.push(async move {
                                self.do_one(&lane).await;
                                key
                            });
                        }
                    }
                    next.unwrap_or(now.plus(REPAIR)).min(now.plus(REPAIR))
                }
                Err(error) => {
                    tracing::warn!(%error, "what is due of alerts could not be read; tried again shortly");
                    tokio::time::sleep(AFTER_ERROR).await;
                    now
                }
            };
            tokio::select! {
                Some(key) = doing.next(), if !doing.is_empty() => { busy.remove(&key); }
                () = self.due.notified() => {}
                () = self.app.clock.sleep_until(next) => {}
            }
        }
    }

    /// Does the first thing of a lane that is due, if nobody else does.
    async fn do_one(&self, lane: &Due) {
        let (whose, now) = (lane.clone(), self.app.clock.expiry());
        let owner = Owner::of(&lane.owner);
        let taken = self.app.db.write(owner.scope(), move |tx| {
            let Some(due) = sql::first_of_lane(tx, &whose, now)? else { return Ok(None) };
            let mine = sql::move_due(tx, &due, now.plus(LEASE))?;
            Ok::<_, DbError>(mine.then_some(due))
        });
        let done = match taken.await {
            Ok(None) => return,
            Ok(Some(due)) => match due.kind.as_str() {
                "send" => self.send_due(&owner, &due).await,
                "remind" => self.remind(&owner, &due).await,
                _ => self.forget(&owner, &due).await,
            },
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::warn!(tenant_id = lane.owner, kind = lane.kind, %error, "something due of alerts was not done; tried again");
            tokio::time::sleep(AFTER_ERROR).await;
        }
    }

    /// Reminds of an ask that nobody has decided.
    async fn remind(&self, owner: &Owner, due: &Due) -> Result<(), DbError> {
        if let Some(tenant) = owner.tenant() {
            // Whatever was decided by now is looked at first.
            self.follow(tenant).await;
        }
        let (whose, ask_id, rules) = (owner.clone(), due.id.clone(), self.rules.clone());
        let over = due.at.plus(rules.settings.ask_remind);
        let raised = self.app.db.write(owner.scope(), move |tx| {
            if !sql::is_due(tx, whose.key(), "remind", &ask_id)? {
                return Ok::<_, DbError>(Raised::default());
            }
            sql::drop_due(tx, whose.key(), "remind", &ask_id)?;
            if over <= tx.expiry() {
                // Nobody can decide it any more.
                return Ok(Raised::default());
            }
            let source = format!("ask.created/{ask_id}");
            match sql::seen_notice(tx, whose.key(), &source)? {
                Some(said) => raise(tx, &whose, vec![news::reminder(&ask_id, said)], &rules),
                None => Ok(Raised::default()),
            }
        });
        self.told(raised.await?);
        Ok(())
    }

    /// Forgets what is old, in pieces, and looks again tomorrow while anything is left.
    async fn forget(&self, owner: &Owner, due: &Due) -> Result<(), DbError> {
        let before = self.app.clock.now().minus(self.rules.settings.keep);
        loop {
            let whose = owner.clone();
            let more = self
                .app
                .db
                .write(owner.scope(), move |tx| sql::forget(tx, whose.key(), before, FORGET_ROWS));
            if !more.await? {
                break;
            }
        }
        let (whose, id) = (owner.clone(), due.id.clone());
        self.app
            .db
            .write(owner.scope(), move |tx| {
                sql::drop_due(tx, whose.key(), "forget", &id)?;
                if sql::anything(tx, whose.key())? {
                    let at = tx.expiry().plus(FORGET_EVERY);
                    sql::schedule(tx, whose.key(), "forget", &id, "", at)?;
                }
                Ok::<_, DbError>(())
            })
            .await
    }
}

/// Whether anybody is told of asks: where nobody is, an ask costs no write.
fn tells_of_asks(q: &Read, owner: &Owner, rules: &Rules, now: Time) -> Result<bool, DbError> {
    let takes = |to: &Destination| {
        [Event::AskCreated, Event::AskExpiring]
            .iter()
            .any(|event| to.takes(*event, event.severity(), owner.key()))
    };
    Ok(destinations(q, owner, rules, now)?.iter().any(takes))
}

/// Whether a report of the same batch closed an ask after it was made.
fn decided_later(news: &News, ask_id: &str) -> bool {
    news.closed.iter().any(|id| id == ask_id)
}

/// Plans the reminders of asks that wait, and calls off those of asks that do not.
fn remember(
    tx: &mut Tx<'_>,
    owner: &Owner,
    news: &News,
    before_end: Duration,
) -> Result<(), DbError> {
    let now: Time = tx.expiry();
    if news.whole {
        sql::drop_kind(tx, owner.key(), "remind")?;
    }
    for (ask_id, until) in &news.asks {
        let at = until.minus(before_end);
        // An ask that was made with less time than that is not reminded of; one that was lost sight of
        // meanwhile is, at once.
        let in_time = now < at || (news.whole && now < *until);
        if !before_end.is_zero() && in_time && !decided_later(news, ask_id) {
            sql::schedule(tx, owner.key(), "remind", ask_id, "", at)?;
        }
    }
    for ask_id in &news.closed {
        sql::drop_due(tx, owner.key(), "remind", ask_id)?;
    }
    Ok(())
}

/// A label of the metrics.
pub(crate) fn outcome(outcome: &'static str) -> nexus_kit::telemetry::metrics::Outcome {
    nexus_kit::telemetry::metrics::Outcome { outcome }
}
