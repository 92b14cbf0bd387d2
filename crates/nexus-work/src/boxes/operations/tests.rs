//! What was written down and never accepted is seen by nobody, and goes in bounded pieces.

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::clock::Clock;
use nexus_kit::db::{Db, DbError};
use nexus_kit::entropy::Entropy;
use nexus_kit::settings::Store;

use super::row::{Action, Item, Operation, OperationStatus};
use super::sql;
use crate::boxes::Box;

fn operation(tenant: &Tenant) -> Operation {
    Operation {
        tenant: tenant.clone(),
        operation_id: "op_1".to_owned(),
        from: Box::Dlq,
        action: Action::Purge,
        status: OperationStatus::Running,
        count: 250,
        changed: 0,
        skipped: 0,
        failed: 0,
        per_second: 0,
        canary: 0,
        canary_passed: false,
        note: None,
        nothing_was_sent: false,
        digest: "00".to_owned(),
        task_id: None,
        ask_id: None,
        correlation_id: "cor_1".to_owned(),
        requested_by: "admin".to_owned(),
        requested_by_name: None,
        created_at: Time::from_millis(1),
        finished_at: None,
        why: None,
        shown: true,
    }
}

#[tokio::test]
async fn what_was_never_accepted_is_seen_by_nobody_and_goes_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Store { data_dir: dir.path().to_owned(), ..Store::default() };
    let clock = Clock::test(Time::from_millis(10_000_000));
    let db = Db::visit(&settings, clock, Entropy::seeded(1)).unwrap();
    let tenant = Tenant::parse("kaist:lab").unwrap();
    let new = operation(&tenant);
    let written = db.write(&tenant, move |tx| {
        sql::prepare(tx, &new)?;
        let now = tx.expiry();
        sql::set_due(tx, &new.tenant, "op_1", now)?;
        for position in 1..=250 {
            let task_id = format!("tsk_{position:03}");
            let item = Item { position, task_id, action: Action::Purge };
            sql::insert_item(tx, &new.tenant, "op_1", &item)?;
        }
        Ok::<_, DbError>(())
    });
    written.await.unwrap();
    let whose = tenant.clone();
    let seen = db.read(&tenant, move |q| {
        let listed = sql::list(q, &whose, &sql::Filter::default(), 10)?;
        Ok::<_, DbError>((sql::load(q, &whose, "op_1")?.is_some(), listed.len()))
    });
    assert_eq!(seen.await.unwrap(), (false, 0));
    let mut left = Vec::new();
    loop {
        let whose = tenant.clone();
        let more = db.write(&tenant, move |tx| sql::forget(tx, &whose, "op_1", 100)).await.unwrap();
        let counted = db.read(&tenant, |q| {
            let count = |sql: &'static str| q.one(sql, args![], |row| row.count(0));
            Ok::<_, DbError>([
                count("SELECT COUNT(*) FROM operation_item")?,
                count("SELECT COUNT(*) FROM operation")?,
                count("SELECT COUNT(*) FROM work_due")?,
            ])
        });
        left.push(counted.await.unwrap());
        if !more {
            break;
        }
    }
    assert_eq!(left, [[150, 1, 1], [50, 1, 1], [0, 0, 0]]);
}
