//! Old things go in bounded pieces, so that no writer waits long for one.

use std::time::Duration;

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::clock::Clock;
use nexus_kit::db::{Db, DbError, Tx};
use nexus_kit::entropy::Entropy;
use nexus_kit::settings::Store;

use super::sql::delete_finished;
use crate::commands::sql::forget;
use crate::contract::sql::forget_signatures;

const ROWS: u64 = 100;

/// Runs a step in transactions of its own until it says that there is no more, and returns how many
/// rows went in each.
async fn pieces(
    db: &Db,
    tenant: &Tenant,
    step: impl Fn(&mut Tx<'_>) -> Result<(u64, bool), DbError> + Clone + Send + 'static,
) -> Vec<u64> {
    let mut gone = Vec::new();
    loop {
        let (rows, more) = db.write(tenant, step.clone()).await.unwrap();
        gone.push(rows);
        if !more {
            return gone;
        }
    }
}

fn task(tx: &mut Tx<'_>, tenant: &Tenant, id: &str, status: &str, at: i64) -> Result<(), DbError> {
    tx.put(
        "INSERT INTO task (tenant, task_id, seq, command_type, params, status, risk, rule, waits,
             priority, correlation_id, requested_by, created_at, updated_at, attempt, retry_count,
             cancel_requested, finished_at)
         VALUES ($1, $2, 1, 'file.list', '{}', $3, 'GREEN', 'builtin', 0, 0, 'c', 'service', $4, $4,
             1, 0, 0, $4)",
        args![tenant, id, status, at],
    )?;
    tx.put(
        "INSERT INTO attempt (tenant, task_id, attempt, agent, started_at, finished_at, outcome)
         VALUES ($1, $2, 1, 'files', 1, 1, 'failed')",
        args![tenant, id],
    )
}

async fn store() -> (tempfile::TempDir, Db, Tenant) {
    let dir = tempfile::tempdir().unwrap();
    let settings = Store { data_dir: dir.path().to_owned(), ..Store::default() };
    let clock = Clock::test(Time::from_millis(10_000_000));
    let db = Db::visit(&settings, clock, Entropy::seeded(1)).unwrap();
    (dir, db, Tenant::parse("kaist:lab").unwrap())
}

#[tokio::test]
async fn finished_tasks_go_in_pieces_whatever_hangs_on_one() {
    let (_dir, db, tenant) = store().await;
    let whose = tenant.clone();
    let filled = db.write(&tenant, move |tx| {
        for n in 0..120 {
            task(tx, &whose, &format!("tsk_{n:03}"), "succeeded", 1_000 + n)?;
        }
        task(tx, &whose, "tsk_dead", "dead", 1)?;
        task(tx, &whose, "tsk_new", "succeeded", 9_000)?;
        // One that talked a lot.
        for n in 0..450 {
            let (line, digest) = (format!("wlg_{n:04}"), format!("{n:04}"));
            tx.put(
                "INSERT INTO worklog (tenant, line_id, seq, at, level, agent, text, correlation_id,
                     task_id) VALUES ($1, $2, 1, 1, 'info', 'files', 'x', 'c', 'tsk_007')",
                args![&whose, &line],
            )?;
            tx.put(
                "INSERT INTO callback_seen (tenant, task_id, attempt, digest)
                 VALUES ($1, 'tsk_007', 1, $2)",
                args![&whose, &digest],
            )?;
        }
        Ok::<_, DbError>(())
    });
    filled.await.unwrap();
    let (whose, before) = (tenant.clone(), Time::from_micros(5_000));
    let gone = pieces(&db, &tenant, move |tx| delete_finished(tx, &whose, before, ROWS)).await;
    assert!(gone.iter().all(|rows| *rows <= ROWS), "{gone:?}");
    assert_eq!(gone.iter().sum::<u64>(), 120 * 2 + 2 * 450, "{gone:?}");
    let left = db.read(&tenant, |q| {
        let count = |sql: &'static str| q.one(sql, args![], |row| row.count(0));
        Ok::<_, DbError>([
            count("SELECT COUNT(*) FROM task")?,
            count("SELECT COUNT(*) FROM attempt")?,
            count("SELECT COUNT(*) FROM worklog")?,
            count("SELECT COUNT(*) FROM callback_seen")?,
        ])
    });
    assert_eq!(left.await.unwrap(), [2, 2, 0, 0], "what failed stays, and what is not old yet");
}

#[tokio::test]
async fn used_keys_and_signatures_go_in_pieces_the_oldest_first() {
    let (_dir, db, tenant) = store().await;
    let whose = tenant.clone();
    let filled = db.write(&tenant, move |tx| {
        for n in 0..250_i64 {
            let name = format!("{n:03}");
            tx.put(
                "INSERT INTO idempotency (tenant, key, digest, task_id, created_at)
                 VALUES ($1, $2, '', '', $3)",
                args![&whose, &name, n],
            )?;
            tx.put("INSERT INTO webhook_seen (id, seen_at) VALUES ($1, $2)", args![&name, n])?;
        }
        Ok::<_, DbError>(())
    });
    filled.await.unwrap();
    let before = Time::from_micros(0).plus(Duration::from_micros(230));
    let (whose, full) = (tenant.clone(), |gone: u64| (gone, gone == ROWS));
    let keys = pieces(&db, &tenant, move |tx| forget(tx, &whose, before, ROWS).map(full)).await;
    assert_eq!(keys, [100, 100, 30]);
    let ids = pieces(&db, &tenant, move |tx| forget_signatures(tx, before, ROWS).map(full)).await;
    assert_eq!(ids, [100, 100, 30]);
    let left = db.read(&tenant, |q| {
        q.one("SELECT MIN(created_at), COUNT(*) FROM idempotency", args![], |row| {
            Ok::<_, DbError>((row.int(0)?, row.count(1)?))
        })
    });
    assert_eq!(left.await.unwrap(), (230, 20));
}
