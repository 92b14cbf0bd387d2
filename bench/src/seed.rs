//! The store behind the server, past the server: old tasks written into it, what waits read from it.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};

use tokio_postgres::{Client, NoTls};

use crate::Error;
use crate::http::tenant;

/// Finished over this time before now: less than the server keeps, so that it deletes none.
const SPREAD_MICROS: u64 = 6 * 86_400_000_000;

/// Where a server keeps everything.
pub enum Store {
    /// A file in the data directory.
    Sqlite(PathBuf),
    /// A database, by its owner's address.
    Postgres(Box<Client>),
}

impl Store {
    /// The store of a server; on Postgres the database is emptied.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn open(data_dir: &Path, database: Option<&str>) -> Result<Self, Error> {
        let Some(url) = database else { return Ok(Self::Sqlite(data_dir.to_owned())) };
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::runtime::Handle::current().spawn(connection);
        client.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await?;
        Ok(Self::Postgres(Box::new(client)))
    }

    /// Writes finished tasks into it.
    ///
    /// # Errors
    /// The store has another schema.
    pub async fn old_tasks(&self, count: u64, tenants: usize) -> Result<(), Error> {
        match self {
            Self::Sqlite(data_dir) => old_tasks_in_file(data_dir, count, tenants),
            Self::Postgres(client) => old_tasks_in_database(client, count, tenants).await,
        }
    }

    /// Tasks that wait or run, and asks that nobody decided.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn waiting(&self) -> Result<(u64, u64), Error> {
        match self {
            Self::Sqlite(data_dir) => waiting_in_file(data_dir),
            Self::Postgres(client) => {
                let sql = "SELECT COUNT(*) FILTER (WHERE kind <> 'ask'),
                               COUNT(*) FILTER (WHERE kind = 'ask') FROM work_due";
                let row = client.query_one(sql, &[]).await?;
                Ok((row.get::<_, i64>(0).try_into()?, row.get::<_, i64>(1).try_into()?))
            }
        }
    }

    /// How large it is, in bytes.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn size(&self) -> Result<u64, Error> {
        match self {
            Self::Sqlite(data_dir) => Ok(std::fs::metadata(data_dir.join("nexus.db"))?.len()),
            Self::Postgres(client) => {
                let sql = "SELECT pg_database_size(current_database())";
                Ok(client.query_one(sql, &[]).await?.get::<_, i64>(0).try_into()?)
            }
        }
    }
}

async fn old_tasks_in_database(client: &Client, count: u64, tenants: usize) -> Result<(), Error> {
    let now = i64::try_from(now()?.as_micros())?;
    let first = now - i64::try_from(SPREAD_MICROS)?;
    for number in 0..tenants {
        let (tenant, share) = (tenant(number), i64::try_from(count / tenants as u64)?);
        let made = "WITH old AS (
                SELECT n, $2::BIGINT + $4::BIGINT * n / $3::BIGINT AS at,
                    lpad(to_hex(($2::BIGINT + $4::BIGINT * n / $3::BIGINT) / 1000), 12, '0')
                        || '7' || lpad(to_hex(n % 4096), 3, '0') || '8'
                        || lpad(to_hex(n), 15, '0') AS id
                FROM generate_series(0, $3::BIGINT - 1) AS n),
            tasks AS (
                INSERT INTO task (tenant, task_id, seq, command_type, params, status, risk, rule,
                    waits, priority, correlation_id, requested_by, created_at, updated_at, attempt,
                    retry_count, agent, started_at, cancel_requested, finished_at, result)
                SELECT $1::TEXT, 'tsk_' || id, 0, 'file.list', '{}', 'succeeded', 'green', 'builtin',
                    0, 0, 'cor_' || id, 'service', at, at + 5000, 1, 0, 'files', at, 0, at + 5000,
                    '{\"entries\":[],\"path\":\"\",\"truncated\":false}' FROM old)
            INSERT INTO attempt (tenant, task_id, attempt, agent, started_at, finished_at, outcome,
                callback)
            SELECT $1::TEXT, 'tsk_' || id, 1, 'files', at, at + 5000, 'succeeded', id || id FROM old";
        let spread = i64::try_from(SPREAD_MICROS)?;
        client.execute(made, &[&tenant, &first, &share, &spread]).await?;
    }
    client.batch_execute("VACUUM ANALYZE").await?;
    Ok(())
}

/// Writes finished tasks with their attempts, in one transaction. They have no audit entries and no
/// reports: they are older than what the log keeps.
///
/// # Errors
/// The store has another schema.
fn old_tasks_in_file(data_dir: &Path, count: u64, tenants: usize) -> Result<(), Error> {
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

/// Since 1970.
///
/// # Errors
/// The clock stands before that.
#[expect(clippy::disallowed_methods, reason = "there is no server yet whose clock could be asked")]
pub fn now() -> Result<std::time::Duration, Error> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}

/// What waits in the store: tasks to claim or claimed, and asks that nobody decided.
///
/// # Errors
/// The store cannot be read.
fn waiting_in_file(data_dir: &Path) -> Result<(u64, u64), Error> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store = Connection::open_with_flags(data_dir.join("nexus.db"), flags)?;
    let count = |kinds: &str| -> Result<u64, Error> {
        let sql = format!("SELECT count(*) FROM work_due WHERE kind IN ({kinds})");
        Ok(store.query_row(&sql, [], |row| row.get::<_, i64>(0))?.try_into()?)
    };
    Ok((count("'ready', 'lease'")?, count("'ask'")?))
}
