//! The player in the store.

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Tx};

use super::player::Player;

fn unreadable(error: &serde_json::Error) -> DbError {
    DbError::Failed(format!("a stored player cannot be read: {error}"))
}

/// The player of a tenant; an empty one where nothing was ever added.
pub(super) fn load(q: &Read, tenant: &Tenant) -> Result<Player, DbError> {
    let found = q.opt(
        "SELECT queue, now, past FROM youtube_player WHERE tenant = $1",
        args![tenant],
        |row| Ok::<_, DbError>((row.text(0)?, row.opt_text(1)?, row.text(2)?)),
    )?;
    let Some((queue, now, past)) = found else { return Ok(Player::default()) };
    Ok(Player {
        queue: serde_json::from_str(&queue).map_err(|e| unreadable(&e))?,
        now: now
            .map(|now| serde_json::from_str(&now))
            .transpose()
            .map_err(|error| unreadable(&error))?,
        past: serde_json::from_str(&past).map_err(|e| unreadable(&e))?,
    })
}

pub(super) fn save(tx: &mut Tx<'_>, tenant: &Tenant, player: &Player) -> Result<(), DbError> {
    let text = |error: serde_json::Error| DbError::Failed(error.to_string());
    let queue = serde_json::to_string(&player.queue).map_err(text)?;
    let now = player.now.as_ref().map(serde_json::to_string).transpose().map_err(text)?;
    let past = serde_json::to_string(&player.past).map_err(text)?;
    tx.exec(
        "INSERT INTO youtube_player (tenant, queue, now, past) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant) DO UPDATE SET queue = $2, now = $3, past = $4",
        args![tenant, &queue, now.as_ref(), &past],
    )?;
    Ok(())
}

/// Searches that a tenant's store remembers at most.
const KEPT_SEARCHES: u64 = 200;

/// What a search found after `since`.
pub(super) fn found(
    q: &Read,
    tenant: &Tenant,
    hash: &str,
    since: Time,
) -> Result<Option<String>, DbError> {
    q.opt(
        "SELECT result FROM youtube_search
         WHERE tenant = $1 AND query_hash = $2 AND found_at > $3",
        args![tenant, hash, since],
        |row| row.text(0),
    )
}

/// Remembers what a search found, and forgets what is older than `before` or too much.
pub(super) fn remember(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    hash: &str,
    result: &str,
    before: Time,
) -> Result<(), DbError> {
    let now = tx.now();
    tx.exec(
        "INSERT INTO youtube_search (tenant, query_hash, result, found_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, query_hash) DO UPDATE SET result = $3, found_at = $4",
        args![tenant, hash, result, now],
    )?;
    tx.exec(
        "DELETE FROM youtube_search WHERE tenant = $1 AND found_at <= $2",
        args![tenant, before],
    )?;
    tx.exec(
        "DELETE FROM youtube_search WHERE tenant = $1 AND found_at <
             (SELECT found_at FROM youtube_search WHERE tenant = $1
              ORDER BY found_at DESC LIMIT 1 OFFSET $2)",
        args![tenant, KEPT_SEARCHES - 1],
    )?;
    Ok(())
}

/// Units that a tenant has used in a day.
pub(super) fn units(q: &Read, tenant: &Tenant, day: &str) -> Result<u64, DbError> {
    let units = q.opt(
        "SELECT units FROM youtube_quota WHERE tenant = $1 AND day = $2",
        args![tenant, day],
        |row| row.count(0),
    )?;
    Ok(units.unwrap_or(0))
}

/// Counts units, and says how many the day has by then; one row a day is kept, for people to look
/// back.
pub(super) fn count(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    day: &str,
    units: u64,
) -> Result<u64, DbError> {
    tx.exec(
        "INSERT INTO youtube_quota (tenant, day, units) VALUES ($1, $2, $3)
         ON CONFLICT (tenant, day) DO UPDATE SET units = youtube_quota.units + $3",
        args![tenant, day, units],
    )?;
    self::units(tx, tenant, day)
}
