//! What happened becomes alerts: in the transaction that has learnt of it, with their messages and the
//! report that shows them.

use std::collections::BTreeMap;
use std::time::Duration;

use nexus_core::alert::{Channel, Event};
use nexus_core::id::{AlertId, DeliveryId};
use nexus_core::time::Time;
use nexus_kit::db::{DbError, Tx};
use nexus_kit::log::{Meta, Report, ReportChange};
use nexus_kit::settings;

use crate::notice::{Both, Happened, Notice};
use crate::route::{self, Destination};
use crate::row::{Alert, Delivery, Owner, State};
use crate::sql;

/// Bytes of changes that one report takes at most; a report may have 64 KiB.
const REPORT_BYTES: usize = 48 << 10;

const MINUTE: Duration = Duration::from_secs(60);

/// How often an owner's old alerts are looked for.
pub(crate) const FORGET_EVERY: Duration = Duration::from_secs(86_400);

/// What raising needs to know of the world.
#[derive(Clone)]
pub(crate) struct Rules {
    /// The server's own destinations.
    pub server: std::sync::Arc<Vec<Destination>>,
    pub settings: settings::Alerts,
}

/// What raising did, for whoever counts.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Raised {
    /// Alerts that were made.
    pub made: u64,
    /// Occurrences that were counted on another.
    pub counted: u64,
    /// Messages that were made.
    pub messages: u64,
}

/// Every destination of an owner: the server's, then its own.
pub(crate) fn destinations(
    q: &nexus_kit::db::Read,
    owner: &Owner,
    rules: &Rules,
    now: Time,
) -> Result<Vec<Destination>, DbError> {
    let mut all = rules.server.as_ref().clone();
    if owner.tenant().is_some() {
        all.extend(route::of_tenant(&sql::routes(q, owner.key())?, now));
    }
    Ok(all)
}

/// Makes alerts of what happened and nobody has seen yet. The same within its time, and what is more
/// than a minute may have of one event, is counted on an alert that is there.
pub(crate) fn raise(
    tx: &mut Tx<'_>,
    owner: &Owner,
    happened: Vec<Happened>,
    rules: &Rules,
) -> Result<Raised, DbError> {
    let now = tx.now();
    let destinations = destinations(tx, owner, rules, now)?;
    let mut batch = Batch { now, new: Vec::new(), known: BTreeMap::new(), made: BTreeMap::new() };
    let mut raised = Raised::default();
    for one in happened {
        // The notice of an ask is what its reminder will say.
        let keep = (one.event == Event::AskCreated).then_some(&one.notice);
        if !sql::see(tx, owner.key(), &one.source, now, keep)? {
            continue;
        }
        let goes: Vec<&Destination> = destinations
            .iter()
            .filter(|to| to.takes(one.event, one.severity, owner.key()))
            .collect();
        // An ask is on the stream itself: it is an alert where somebody is told of it elsewhere.
        let told = matches!(one.event, Event::AskCreated | Event::AskExpiring);
        if told && goes.is_empty() {
            continue;
        }
        batch.take(tx, owner, one, &goes, rules, &mut raised)?;
    }
    if !sql::is_due(tx, owner.key(), "forget", "")? && (raised.made > 0 || raised.counted > 0) {
        let at = tx.expiry().plus(FORGET_EVERY);
        sql::schedule(tx, owner.key(), "forget", "", "", at)?;
    }
    batch.write(tx, owner)?;
    Ok(raised)
}

/// Alerts of one transaction.
struct Batch {
    now: Time,
    new: Vec<(Alert, Vec<Delivery>)>,
    /// Alerts that were there and have counted.
    known: BTreeMap<String, Alert>,
    /// How many of an event the last minute has.
    made: BTreeMap<Event, u64>,
}

impl Batch {
    fn take(
        &mut self,
        tx: &mut Tx<'_>,
        owner: &Owner,
        one: Happened,
        goes: &[&Destination],
        rules: &Rules,
        raised: &mut Raised,
    ) -> Result<(), DbError> {
        if self.count_on(tx, owner, &one.key)? {
            raised.counted += 1;
            return Ok(());
        }
        let settings = &rules.settings;
        let made = match self.made.get(&one.event) {
            Some(made) => *made,
            None => sql::made_since(tx, owner.key(), one.event, self.now.minus(MINUTE))?,
        };
        self.made.insert(one.event, made + 1);
        let mut one = one;
        let mut ttl = settings.dedupe_ttl;
        if made >= settings.burst_per_minute && one.event != Event::Test {
            one.key = format!("{}/burst", one.event.as_str());
            if self.count_on(tx, owner, &one.key)? {
                raised.counted += 1;
                return Ok(());
            }
            one.notice = burst(one.event, settings.burst_per_minute);
            ttl = ttl.max(MINUTE);
        }
        let before = self.before(tx, owner, &one.key)?;
        if before > 1 {
            one.notice =
                one.notice.fact("Repeated before", "이전 반복 횟수", &(before - 1).to_string());
        }
        let alert = Alert {
            alert_id: AlertId::new(self.now, &tx.id_entropy()).to_string(),
            seq: 0,
            event: one.event,
            severity: one.severity,
            key: one.key,
            count: 1,
            settled: goes.is_empty(),
            notice: one.notice,
            created_at: self.now,
            last_at: self.now,
            until: self.now.plus(ttl),
        };
        let mut deliveries = Vec::new();
        for to in goes {
            deliveries.push(deliver(tx, owner, &alert, to, self.now)?);
        }
        raised.made += 1;
        raised.messages += deliveries.len() as u64;
        self.new.push((alert, deliveries));
        Ok(())
    }

    /// Counts an occurrence on an alert with the same key whose time is not over; says whether.
    fn count_on(&mut self, tx: &Tx<'_>, owner: &Owner, key: &str) -> Result<bool, DbError> {
        let now = self.now;
        if let Some((alert, _)) = self.new.iter_mut().find(|(alert, _)| alert.key == key) {
            // A time of nothing lets everything through, also what happens at one moment.
            if alert.until <= now {
                return Ok(false);
            }
            (alert.count, alert.last_at) = (alert.count + 1, now);
            return Ok(true);
        }
        if !self.known.contains_key(key)
            && let Some(found) = sql::newest(tx, owner.key(), key)?
        {
            self.known.insert(key.to_owned(), found);
        }
        match self.known.get_mut(key) {
            Some(alert) if now < alert.until => {
                (alert.count, alert.last_at) = (alert.count + 1, now);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// How often the alert before counted that had this key.
    fn before(&self, tx: &Tx<'_>, owner: &Owner, key: &str) -> Result<u64, DbError> {
        Ok(match self.known.get(key) {
            Some(alert) => alert.count,
            None => sql::newest(tx, owner.key(), key)?.map_or(0, |alert| alert.count),
        })
    }

    /// Writes everything, and the report that shows it.
    fn write(mut self, tx: &mut Tx<'_>, owner: &Owner) -> Result<(), DbError> {
        let key = owner.key();
        self.known.retain(|_, alert| alert.last_at == self.now);
        let mut changes = Vec::new();
        for alert in self.known.values() {
            sql::save(tx, key, alert)?;
            changes.push(alert.change(&sql::deliveries_of(tx, key, &alert.alert_id)?));
        }
        if owner.tenant().is_none() {
            for (alert, _) in &self.new {
                sql::insert(tx, key, alert)?;
            }
            return Ok(());
        }
        if self.new.is_empty() && changes.is_empty() {
            return Ok(());
        }
        let correlation_id = self
            .new
            .first()
            .map(|(alert, _)| alert)
            .or_else(|| self.known.values().next())
            .map_or_else(String::new, |alert| alert.notice.correlation_id.clone());
        let mut new = self.new.into_iter();
        loop {
            let place = tx.next_place()?;
            let mut size: usize = changes.iter().map(ReportChange::size).sum();
            for (mut alert, deliveries) in new.by_ref() {
                alert.seq = place.number;
                sql::insert(tx, key, &alert)?;
                let change = alert.change(&deliveries);
                size += change.size();
                changes.push(change);
                if size > REPORT_BYTES {
                    break;
                }
            }
            let changes = std::mem::take(&mut changes);
            report(tx, &place, "alert.raised", &correlation_id, changes)?;
            if new.len() == 0 {
                return Ok(());
            }
        }
    }
}

/// Writes a report about alerts.
pub(crate) fn report(
    tx: &mut Tx<'_>,
    place: &nexus_kit::db::Place,
    kind: &'static str,
    correlation_id: &str,
    changes: Vec<ReportChange>,
) -> Result<(), DbError> {
    let meta = Meta { agent: Some("alerts"), ..Meta::default() };
    tx.report(place, &Report { kind, correlation_id, meta, changes })?;
    Ok(())
}

/// Writes one message down and has it sent.
fn deliver(
    tx: &mut Tx<'_>,
    owner: &Owner,
    alert: &Alert,
    to: &Destination,
    now: Time,
) -> Result<Delivery, DbError> {
    let due = tx.expiry();
    let delivery = Delivery {
        delivery_id: DeliveryId::new(now, &tx.id_entropy()).to_string(),
        alert_id: alert.alert_id.clone(),
        route: to.route.name.clone(),
        channel: to.route.channel,
        state: State::Pending,
        attempts: 0,
        status: None,
        code: None,
        error: None,
        created_at: now,
        next_at: Some(due),
        finished_at: None,
    };
    sql::insert_delivery(tx, owner.key(), &delivery)?;
    sql::schedule(tx, owner.key(), "send", &delivery.delivery_id, &to.lane, due)?;
    Ok(delivery)
}

/// What is said of an event that happens too often to be told each time.
fn burst(event: Event, most: u64) -> Notice {
    let text = Both::new(
        format!("More than {most} within a minute. The rest is counted here and told no more."),
        format!("1분에 {most}건을 넘었습니다. 나머지는 여기에 횟수만 세고 더 알리지 않습니다."),
    );
    let title = Both::new(
        format!("{}: very many", event.title_en()),
        format!("{}: 매우 많음", event.title_ko()),
    );
    Notice::of(event, text).titled(title)
}

/// Shows how an alert stands after one of its messages has ended.
pub(crate) fn settle(tx: &mut Tx<'_>, owner: &Owner, alert: &mut Alert) -> Result<(), DbError> {
    let deliveries = sql::deliveries_of(tx, owner.key(), &alert.alert_id)?;
    if deliveries.iter().any(|delivery| delivery.state == State::Pending) {
        return Ok(());
    }
    alert.settled = true;
    sql::save(tx, owner.key(), alert)?;
    if owner.tenant().is_some() {
        let place = tx.next_place()?;
        let changes = vec![alert.change(&deliveries)];
        report(tx, &place, "alert.delivered", &alert.notice.correlation_id, changes)?;
    }
    Ok(())
}

/// The runbook of a failure, below `base`, or on this server at `public`.
pub(crate) fn runbook(base: &str, public: &str, code: &str) -> String {
    if base.is_empty() { format!("{public}/runbooks/{code}") } else { format!("{base}/{code}") }
}

/// Whether a channel is called by HTTP.
pub(crate) fn is_http(channel: Channel) -> bool {
    channel != Channel::Email
}

#[cfg(test)]
mod tests;
