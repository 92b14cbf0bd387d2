//! What no caller sees: a box is a status; causes of what failed before there were any; counts that
//! are forgotten.

use nexus_core::cause;
use nexus_core::failure::FailureCode;
use nexus_core::task::Status;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::clock::Clock;
use nexus_kit::db::{Db, DbError};
use nexus_kit::entropy::Entropy;
use nexus_kit::settings::Store;

use super::filter::FilterIn;
use super::triage::sql::forget_counts;
use super::{Box, sql};

fn store() -> (tempfile::TempDir, Db, Tenant) {
    let dir = tempfile::tempdir().unwrap();
    let settings = Store { data_dir: dir.path().to_owned(), ..Store::default() };
    let clock = Clock::test(Time::from_millis(10_000_000));
    let db = Db::visit(&settings, clock, Entropy::seeded(1)).unwrap();
    (dir, db, Tenant::parse("kaist:lab").unwrap())
}

#[tokio::test]
async fn what_failed_before_there_were_causes_gets_one_in_pieces() {
    let (_dir, db, tenant) = store();
    let whose = tenant.clone();
    let made = db.write(&tenant, move |tx| {
        for number in 0..250 {
            let id = format!("tsk_{number:03}");
            tx.put(
                "INSERT INTO task (tenant, task_id, seq, command_type, params, status, risk, rule,
                     waits, priority, correlation_id, requested_by, created_at, updated_at, attempt,
                     retry_count, cancel_requested, finished_at, last_error, agent_code)
                 VALUES ($1, $2, 1, 'file.read', '{}', 'dead', 'GREEN', 'builtin', 0, 0, 'c',
                     'service', 1, 1, 1, 0, 0, 1, $3, 'E_Ö')",
                args![&whose, &id, &format!("줄 {number}: ÄRGER")],
            )?;
            tx.put(
                "INSERT INTO failed (tenant, task_id, box, failed_at, failure_code, command_type,
                     cause, text)
                 VALUES ($1, $2, 'dlq', 1, 'AGENT_ERROR', 'file.read', '', 'as sqlite folds it')",
                args![&whose, &id],
            )?;
        }
        Ok::<_, DbError>(())
    });
    made.await.unwrap();
    let mut pieces = 0;
    loop {
        pieces += 1;
        let whose = tenant.clone();
        if !db.write(&tenant, move |tx| sql::name_causes(tx, &whose, 100)).await.unwrap() {
            break;
        }
    }
    assert_eq!(pieces, 3);
    let one = cause::id(FailureCode::AgentError, "file.read", "줄 1: ÄRGER");
    for sent in [
        FilterIn { cause: super::filter::Names(vec![one]), ..FilterIn::default() },
        FilterIn { text: Some("ärger E_ö".into()), ..FilterIn::default() },
    ] {
        let filter = sent.at(Time::from_millis(1), "").unwrap();
        let whose = tenant.clone();
        let found = db.read(&tenant, move |q| sql::ids(q, &whose, Box::Dlq, &filter, 1_000));
        assert_eq!(found.await.unwrap().len(), 250);
    }
}

#[tokio::test]
async fn counts_of_old_days_are_forgotten_and_no_others() {
    let (_dir, db, tenant) = store();
    let whose = tenant.clone();
    let left = db.write(&tenant, move |tx| {
        for day in 0..10_i64 {
            tx.put(
                "INSERT INTO failure_count (tenant, day, failure_code, count)
                 VALUES ($1, $2, 'AGENT_ERROR', 1)",
                args![&whose, day],
            )?;
        }
        let gone = [forget_counts(tx, &whose, 7, 5)?, forget_counts(tx, &whose, 7, 5)?];
        assert_eq!(gone, [5, 2], "in pieces");
        tx.all(
            "SELECT day FROM failure_count WHERE tenant = $1 ORDER BY day",
            args![&whose],
            |row| row.int(0),
        )
    });
    assert_eq!(left.await.unwrap(), [7, 8, 9]);
}

#[test]
fn a_box_is_a_status() {
    for it in Box::ALL {
        assert_eq!(Box::of(it.status()), Some(it));
        assert_eq!(Box::parse(it.as_str()), Some(it));
        assert!(it.status().done());
    }
    let others = Status::ALL.iter().filter(|status| Box::of(**status).is_none());
    assert_eq!(others.count(), Status::ALL.len() - Box::ALL.len());
    assert_eq!(Box::parse("dead"), None);
}
