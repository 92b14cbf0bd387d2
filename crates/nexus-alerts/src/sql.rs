//! All SQL of alerts. `owner` is a tenant, or `platform`, whose rows live in the system's scope.

use nexus_core::alert::{Channel, Event, Route, Severity};
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Row, Sql, Tx};

use crate::notice::Notice;
use crate::route::Stored;
use crate::row::{Alert, Delivery, Due, State};

const ALERT: &str = "SELECT alert_id, seq, event, severity, dedupe_key, count, settled, notice, \
     created_at, last_at, until FROM alert ";

fn broken(what: &str) -> DbError {
    DbError::Failed(format!("{what} that is stored is not one"))
}

fn alert(row: &Row<'_>) -> Result<Alert, DbError> {
    let notice: Notice =
        serde_json::from_str(&row.text(7)?).map_err(|_| broken("the notice of an alert"))?;
    Ok(Alert {
        alert_id: row.text(0)?,
        seq: row.count(1)?,
        event: Event::parse(&row.text(2)?).ok_or_else(|| broken("an event"))?,
        severity: Severity::parse(&row.text(3)?).ok_or_else(|| broken("a severity"))?,
        key: row.text(4)?,
        count: row.count(5)?,
        settled: row.flag(6)?,
        notice,
        created_at: row.time(8)?,
        last_at: row.time(9)?,
        until: row.time(10)?,
    })
}

/// The newest alert with a key, whether or not its time is over.
pub(crate) fn newest(q: &Read, owner: &str, key: &str) -> Result<Option<Alert>, DbError> {
    q.opt(
        "SELECT alert_id, seq, event, severity, dedupe_key, count, settled, notice, created_at,
             last_at, until
         FROM alert WHERE tenant = $1 AND dedupe_key = $2 ORDER BY created_at DESC LIMIT 1",
        args![owner, key],
        alert,
    )
}

/// How many alerts of an event were made since a time.
pub(crate) fn made_since(q: &Read, owner: &str, event: Event, since: Time) -> Result<u64, DbError> {
    q.one(
        "SELECT COUNT(*) FROM alert WHERE tenant = $1 AND event = $2 AND created_at > $3",
        args![owner, event.as_str(), since],
        |row| row.count(0),
    )
}

pub(crate) fn load(q: &Read, owner: &str, alert_id: &str) -> Result<Option<Alert>, DbError> {
    q.opt(
        "SELECT alert_id, seq, event, severity, dedupe_key, count, settled, notice, created_at,
             last_at, until
         FROM alert WHERE tenant = $1 AND alert_id = $2",
        args![owner, alert_id],
        alert,
    )
}

/// Which alerts are listed.
#[derive(Default)]
pub(crate) struct Filter {
    pub event: Option<Event>,
    pub severity: Option<Severity>,
    pub before: Option<String>,
    pub most: i64,
}

/// Alerts, the newest first.
pub(crate) fn list(q: &Read, owner: &str, filter: &Filter) -> Result<Vec<Alert>, DbError> {
    let mut sql = Sql::new(ALERT);
    sql.push("WHERE tenant = ").bind(owner);
    if let Some(event) = filter.event {
        sql.push(" AND event = ").bind(event.as_str());
    }
    if let Some(severity) = filter.severity {
        sql.push(" AND severity = ").bind(severity.as_str());
    }
    if let Some(before) = &filter.before {
        sql.push(" AND alert_id < ").bind(before);
    }
    sql.push(" ORDER BY alert_id DESC LIMIT ").bind_int(filter.most);
    q.all_built(&sql, alert)
}

pub(crate) fn insert(tx: &mut Tx<'_>, owner: &str, alert: &Alert) -> Result<(), DbError> {
    let notice = serde_json::to_string(&alert.notice).unwrap_or_default();
    tx.put(
        "INSERT INTO alert (tenant, alert_id, seq, event, severity, dedupe_key, count, settled,
             notice, created_at, last_at, until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        args![
            owner,
            &alert.alert_id,
            alert.seq,
            alert.event.as_str(),
            alert.severity.as_str(),
            &alert.key,
            alert.count,
            alert.settled,
            &notice,
            alert.created_at,
            alert.last_at,
            alert.until
        ],
    )
}

/// Writes what changes about an alert.
pub(crate) fn save(tx: &mut Tx<'_>, owner: &str, alert: &Alert) -> Result<(), DbError> {
    tx.put(
        "UPDATE alert SET count = $3, settled = $4, last_at = $5
         WHERE tenant = $1 AND alert_id = $2",
        args![owner, &alert.alert_id, alert.count, alert.settled, alert.last_at],
    )
}

/// Notes an occurrence; says whether it is new.
pub(crate) fn see(
    tx: &mut Tx<'_>,
    owner: &str,
    source: &str,
    at: Time,
    notice: Option<&Notice>,
) -> Result<bool, DbError> {
    let notice = notice.and_then(|notice| serde_json::to_string(notice).ok());
    let new = tx.exec(
        "INSERT INTO alert_seen (tenant, source, seen_at, notice) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, source) DO NOTHING",
        args![owner, source, at, notice.as_deref()],
    )?;
    Ok(new > 0)
}

/// What was to be said of an occurrence.
pub(crate) fn seen_notice(q: &Read, owner: &str, source: &str) -> Result<Option<Notice>, DbError> {
    let found = q.opt(
        "SELECT notice FROM alert_seen WHERE tenant = $1 AND source = $2",
        args![owner, source],
        |row| row.opt_text(0),
    )?;
    Ok(found.flatten().and_then(|text| serde_json::from_str(&text).ok()))
}

fn delivery(row: &Row<'_>) -> Result<Delivery, DbError> {
    Ok(Delivery {
        delivery_id: row.text(0)?,
        alert_id: row.text(1)?,
        route: row.text(2)?,
        channel: Channel::parse(&row.text(3)?).ok_or_else(|| broken("a channel"))?,
        state: State::parse(&row.text(4)?).ok_or_else(|| broken("a state"))?,
        attempts: row.small(5)?,
        status: row.opt_int(6)?.and_then(|status| u16::try_from(status).ok()),
        code: row.opt_text(7)?,
        error: row.opt_text(8)?,
        created_at: row.time(9)?,
        next_at: row.opt_time(10)?,
        finished_at: row.opt_time(11)?,
    })
}

/// The deliveries of an alert.
pub(crate) fn deliveries_of(
    q: &Read,
    owner: &str,
    alert_id: &str,
) -> Result<Vec<Delivery>, DbError> {
    q.all(
        "SELECT delivery_id, alert_id, route, channel, state, attempts, status, code, error,
             created_at, next_at, finished_at
         FROM alert_delivery WHERE tenant = $1 AND alert_id = $2 ORDER BY delivery_id",
        args![owner, alert_id],
        delivery,
    )
}

/// Deliveries, the newest first.
pub(crate) fn deliveries(
    q: &Read,
    owner: &str,
    state: Option<State>,
    before: Option<&str>,
    most: i64,
) -> Result<Vec<Delivery>, DbError> {
    let mut sql = Sql::new(
        "SELECT delivery_id, alert_id, route, channel, state, attempts, status, code, error, \
         created_at, next_at, finished_at FROM alert_delivery WHERE tenant = ",
    );
    sql.bind(owner);
    if let Some(state) = state {
        sql.push(" AND state = ").bind(state.as_str());
    }
    if let Some(before) = before {
        sql.push(" AND delivery_id < ").bind(before);
    }
    sql.push(" ORDER BY delivery_id DESC LIMIT ").bind_int(most);
    q.all_built(&sql, delivery)
}

pub(crate) fn load_delivery(
    q: &Read,
    owner: &str,
    delivery_id: &str,
) -> Result<Option<Delivery>, DbError> {
    q.opt(
        "SELECT delivery_id, alert_id, route, channel, state, attempts, status, code, error,
             created_at, next_at, finished_at
         FROM alert_delivery WHERE tenant = $1 AND delivery_id = $2",
        args![owner, delivery_id],
        delivery,
    )
}

pub(crate) fn insert_delivery(
    tx: &mut Tx<'_>,
    owner: &str,
    delivery: &Delivery,
) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO alert_delivery (tenant, delivery_id, alert_id, route, channel, state, attempts,
             created_at, next_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            owner,
            &delivery.delivery_id,
            &delivery.alert_id,
            &delivery.route,
            delivery.channel.as_str(),
            delivery.state.as_str(),
            delivery.attempts,
            delivery.created_at,
            delivery.next_at
        ],
    )
}

pub(crate) fn save_delivery(
    tx: &mut Tx<'_>,
    owner: &str,
    delivery: &Delivery,
) -> Result<(), DbError> {
    tx.put(
        "UPDATE alert_delivery SET state = $3, attempts = $4, status = $5, code = $6, error = $7,
             next_at = $8, finished_at = $9
         WHERE tenant = $1 AND delivery_id = $2",
        args![
            owner,
            &delivery.delivery_id,
            delivery.state.as_str(),
            delivery.attempts,
            delivery.status.map(i64::from),
            delivery.code.as_deref(),
            delivery.error.as_deref(),
            delivery.next_at,
            delivery.finished_at
        ],
    )
}

/// Has something done at a time; what is due already stays as it is.
pub(crate) fn schedule(
    tx: &mut Tx<'_>,
    owner: &str,
    kind: &str,
    id: &str,
    lane: &str,
    at: Time,
) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO alert_due (tenant, kind, id, lane, due_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, kind, id) DO NOTHING",
        args![owner, kind, id, lane, at],
    )
}

/// Moves something that is due, unless somebody else has; says whether.
pub(crate) fn move_due(tx: &mut Tx<'_>, due: &Due, to: Time) -> Result<bool, DbError> {
    let moved = tx.exec(
        "UPDATE alert_due SET due_at = $5 WHERE tenant = $1 AND kind = $2 AND id = $3 AND due_at = $4",
        args![&due.owner, &due.kind, &due.id, due.at, to],
    )?;
    Ok(moved > 0)
}

/// Whether something is still to be done.
pub(crate) fn is_due(q: &Read, owner: &str, kind: &str, id: &str) -> Result<bool, DbError> {
    let found = q.opt(
        "SELECT due_at FROM alert_due WHERE tenant = $1 AND kind = $2 AND id = $3",
        args![owner, kind, id],
        |row| row.time(0),
    )?;
    Ok(found.is_some())
}

/// Takes something off the list of what is due.
pub(crate) fn drop_due(tx: &mut Tx<'_>, owner: &str, kind: &str, id: &str) -> Result<(), DbError> {
    tx.put(
        "DELETE FROM alert_due WHERE tenant = $1 AND kind = $2 AND id = $3",
        args![owner, kind, id],
    )
}

/// Takes everything of a kind off the list of what is due.
pub(crate) fn drop_kind(tx: &mut Tx<'_>, owner: &str, kind: &str) -> Result<(), DbError> {
    tx.put("DELETE FROM alert_due WHERE tenant = $1 AND kind = $2", args![owner, kind])
}

/// Nothing leaves on a lane before a time.
pub(crate) fn hold_lane(
    tx: &mut Tx<'_>,
    owner: &str,
    lane: &str,
    until: Time,
) -> Result<(), DbError> {
    tx.put(
        "UPDATE alert_due SET due_at = $3
         WHERE tenant = $1 AND kind = 'send' AND lane = $2 AND due_at < $3",
        args![owner, lane, until],
    )
}

/// The first thing that is due of each lane, across tenants.
pub(crate) fn due(q: &Read, now: Time, most: u64) -> Result<Vec<Due>, DbError> {
    q.all(
        "SELECT tenant, kind, lane, MIN(due_at), MIN(id) FROM alert_due WHERE due_at <= $1
         GROUP BY tenant, kind, lane ORDER BY MIN(due_at) LIMIT $2",
        args![now, most],
        |row| {
            Ok(Due {
                owner: row.text(0)?,
                kind: row.text(1)?,
                lane: row.text(2)?,
                at: row.time(3)?,
                id: row.text(4)?,
            })
        },
    )
}

/// The first thing of a lane that is due by now.
pub(crate) fn first_of_lane(q: &Read, lane: &Due, now: Time) -> Result<Option<Due>, DbError> {
    q.opt(
        "SELECT id, due_at FROM alert_due
         WHERE tenant = $1 AND kind = $2 AND lane = $3 AND due_at <= $4
         ORDER BY due_at, id LIMIT 1",
        args![&lane.owner, &lane.kind, &lane.lane, now],
        |row| Ok(Due { id: row.text(0)?, at: row.time(1)?, ..lane.clone() }),
    )
}

/// When something is due next, after now.
pub(crate) fn next_due(q: &Read, now: Time) -> Result<Option<Time>, DbError> {
    q.one("SELECT MIN(due_at) FROM alert_due WHERE due_at > $1", args![now], |row| row.opt_time(0))
}

fn stored(row: &Row<'_>) -> Result<Stored, DbError> {
    let route: Route = serde_json::from_str(&row.text(0)?).map_err(|_| broken("a route"))?;
    Ok(Stored {
        route,
        secret: row.opt_text(1)?,
        old_secret: row.opt_text(2)?,
        old_until: row.opt_time(3)?,
    })
}

/// A tenant's own routes, in their order.
pub(crate) fn routes(q: &Read, owner: &str) -> Result<Vec<Stored>, DbError> {
    q.all(
        "SELECT route, secret, old_secret, old_until FROM alert_route WHERE tenant = $1
         ORDER BY place",
        args![owner],
        stored,
    )
}

/// Puts other routes in the place of a tenant's own.
pub(crate) fn replace_routes(
    tx: &mut Tx<'_>,
    owner: &str,
    routes: &[Stored],
    at: Time,
    by: &str,
) -> Result<(), DbError> {
    tx.put("DELETE FROM alert_route WHERE tenant = $1", args![owner])?;
    for (place, stored) in routes.iter().enumerate() {
        let route = serde_json::to_string(&stored.route).unwrap_or_default();
        tx.put(
            "INSERT INTO alert_route (tenant, name, place, route, secret, old_secret, old_until,
                 changed_at, changed_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            args![
                owner,
                &stored.route.name,
                place as u64,
                &route,
                stored.secret.as_deref(),
                stored.old_secret.as_deref(),
                stored.old_until,
                at,
                by
            ],
        )?;
    }
    Ok(())
}

/// Forgets some of what is older than a time: alerts that are settled, with their deliveries, and
/// what was seen. Says whether there may be more.
pub(crate) fn forget(
    tx: &mut Tx<'_>,
    owner: &str,
    before: Time,
    most: u64,
) -> Result<bool, DbError> {
    tx.put(
        "DELETE FROM alert_delivery WHERE tenant = $1 AND alert_id IN
             (SELECT alert_id FROM alert WHERE tenant = $1 AND created_at < $2 AND settled = 1
              ORDER BY created_at LIMIT $3)",
        args![owner, before, most],
    )?;
    let alerts = tx.exec(
        "DELETE FROM alert WHERE tenant = $1 AND alert_id IN
             (SELECT alert_id FROM alert WHERE tenant = $1 AND created_at < $2 AND settled = 1
              ORDER BY created_at LIMIT $3)",
        args![owner, before, most],
    )?;
    let seen = tx.exec(
        "DELETE FROM alert_seen WHERE tenant = $1 AND source IN
             (SELECT source FROM alert_seen WHERE tenant = $1 AND seen_at < $2
              ORDER BY seen_at LIMIT $3)",
        args![owner, before, most],
    )?;
    Ok(alerts == most || seen == most)
}

/// Whether anything of an owner is left that will be forgotten one day.
pub(crate) fn anything(q: &Read, owner: &str) -> Result<bool, DbError> {
    let found = q.opt(
        "SELECT 1 FROM alert WHERE tenant = $1 UNION ALL
         SELECT 1 FROM alert_seen WHERE tenant = $1 LIMIT 1",
        args![owner],
        |row| row.int(0),
    )?;
    Ok(found.is_some())
}
