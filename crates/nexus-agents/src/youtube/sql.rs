//! The player in the store.

use nexus_core::tenant::Tenant;
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
