//! Old tasks, written straight into the store of a server that does not run.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};

use crate::Error;
use crate::http::tenant;

/// Finished over this time before now: less than the server keeps, so that it deletes none.
const SPREAD_MICROS: u64 = 6 * 86_400_000_000;

/// Writes finished tasks with their attempts, in one transaction. They have no audit entries and no
/// reports: they are older than what the log keeps.
///
/// # Errors
/// The store has another schema.
pub fn old_tasks(data_dir: &Path, count: u64, tenants: usize) -> Result<(), Error> {
    let mut store = Connection::open(data_dir.join("nexus.db"))?;
    // Nobody needs this to survive a power loss, and the server sets its own.
    store.pragma_update(None, "journal_mode", "MEMORY")?;
    store.pragma_update(None, "synchronous", "OFF")?;
    store.pragma_update(None, "cache_size", -262_144)?;
    let now = u64::try_from(now()?.as_micros())?;
    let first = now - SPREAD_MICROS;
    let transaction = store.transaction()?;
    {
        let mut task = transaction.prepare(
            "INSERT INTO task (tenant, task_id, seq, command_type, params, status, risk, rule,
                 waits, priority, correlation_id, requested_by, created_at, updated_at, attempt,
                 retry_count, agent, started_at, cancel_requested, finished_at, result)
             VALUES (?1, ?2, 0, 'file.list', '{}', 'succeeded', 'green', 'builtin', 0, 0, ?3,
                 'service', ?4, ?5, 1, 0, 'files', ?4, 0, ?5,
                 '{\"entries\":[],\"path\":\"\",\"truncated\":false}')",
        )?;
        let mut attempt = transaction.prepare(
            "INSERT INTO attempt (tenant, task_id, attempt, agent, started_at, finished_at,
                 outcome, callback)
             VALUES (?1, ?2, 1, 'files', ?3, ?4, 'succeeded', ?5)",
        )?;
        for number in 0..tenants as u64 {
            let tenant = tenant(usize::try_from(number)?);
            // One tenant after another, each in the order of time: rows come in key order.
            let share = count / tenants as u64 + u64::from(number < count % tenants as u64);
            for n in 0..share {
                let at = first + SPREAD_MICROS * n / share;
                let id = format!("{:012x}7{:03x}8{:015x}", at / 1_000, n % 4_096, n);
                let (created, finished) = (i64::try_from(at)?, i64::try_from(at + 5_000)?);
                let (task_id, correlation) = (format!("tsk_{id}"), format!("cor_{id}"));
                task.execute(params![tenant, task_id, correlation, created, finished])?;
                let digest = format!("{id}{id}");
                attempt.execute(params![tenant, task_id, created, finished, digest])?;
            }
        }
    }
    transaction.commit()?;
    store.pragma_update(None, "journal_mode", "WAL")?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "there is no server yet whose clock could be asked")]
fn now() -> Result<std::time::Duration, Error> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}

/// What waits in the store: tasks to claim or claimed, and asks that nobody decided.
///
/// # Errors
/// The store cannot be read.
pub fn waiting(data_dir: &Path) -> Result<(u64, u64), Error> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store = Connection::open_with_flags(data_dir.join("nexus.db"), flags)?;
    let count = |kinds: &str| -> Result<u64, Error> {
        let sql = format!("SELECT count(*) FROM work_due WHERE kind IN ({kinds})");
        Ok(store.query_row(&sql, [], |row| row.get::<_, i64>(0))?.try_into()?)
    };
    Ok((count("'ready', 'lease'")?, count("'ask'")?))
}
