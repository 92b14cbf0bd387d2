//! Whoever changes, removes, reorders or cuts off an entry is found out; erasing details is not
//! tampering.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use nexus_audit::{ChainHead, Entry, Verdict, record, verify};
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::clock::Clock;
use nexus_kit::db::{AfterCommit, Db, DbError, Scope};
use nexus_kit::entropy::Entropy;
use nexus_kit::log::Committed;
use nexus_kit::settings::{Secret, Store};
use nexus_kit::telemetry::metrics::Metrics;
use nexus_testdb::TestDatabase;
use serde_json::json;

struct Deaf;
impl AfterCommit for Deaf {
    fn reports(&self, _: Vec<Committed>) {}
    fn wake(&self) {}
    fn store_failed(&self) {}
}

struct World {
    db: Db,
    database: Option<TestDatabase>,
    _dir: tempfile::TempDir,
}

const CHAIN: &str = "kaist:lab";

impl World {
    async fn with_entries(count: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = TestDatabase::of_engine();
        let settings = Store {
            data_dir: dir.path().to_owned(),
            database_url: Secret::new(database.as_ref().map(TestDatabase::url).unwrap_or_default()),
            ..Store::default()
        };
        let clock = Clock::test(Time::from_millis(1));
        let db = Db::open(&settings, clock, Entropy::seeded(3), Metrics::default(), Arc::new(Deaf))
            .unwrap();
        let tenant = Tenant::parse(CHAIN).unwrap();
        for n in 0..count {
            db.write(&tenant, move |tx| {
                record(
                    tx,
                    CHAIN,
                    &Entry {
                        actor: "service",
                        action: "command.accepted",
                        target: &format!("tsk_{n}"),
                        correlation_id: "cor_1",
                        details: json!({"n": n}),
                    },
                )
            })
            .await
            .unwrap();
        }
        Self { db, database, _dir: dir }
    }

    /// As somebody does who has the store in his hands.
    async fn tamper(&self, sql: &'static str) {
        if let Some(database) = &self.database {
            return database.execute(&sql.replace("x'00'", "'\\x00'"));
        }
        self.db
            .write(Scope::System, move |tx| tx.exec(sql, &[]).map(|_| ()))
            .await
            .unwrap_or_else(|error: DbError| panic!("{error}"));
    }

    async fn verify(&self, expect: Option<ChainHead>) -> Verdict {
        self.db
            .read(&Tenant::parse(CHAIN).unwrap(), move |q| verify(q, CHAIN, expect.as_ref()))
            .await
            .unwrap_or_else(|error: DbError| panic!("{error}"))
    }

    async fn broken_at(&self) -> Option<u64> {
        self.verify(None).await.broken.map(|broken| broken.seq)
    }
}

#[tokio::test]
async fn an_untouched_chain_is_whole() {
    let world = World::with_entries(20).await;
    let verdict = world.verify(None).await;
    assert_eq!((verdict.entries, verdict.broken.clone()), (20, None));
    assert_eq!(world.verify(Some(verdict.head)).await.broken, None);
}

#[tokio::test]
async fn every_kind_of_tampering_is_found() {
    for (sql, at) in [
        ("UPDATE audit SET actor = 'nobody' WHERE seq = 5", 5),
        ("UPDATE audit SET details = '{\"n\":99}' WHERE seq = 5", 5),
        ("UPDATE audit SET at = at + 1 WHERE seq = 5", 5),
        ("UPDATE audit SET action = 'command', target = '.accepted' WHERE seq = 5", 5),
        ("DELETE FROM audit WHERE seq = 5", 6),
        ("UPDATE audit SET hash = x'00' WHERE seq = 5", 5),
        ("UPDATE audit SET seq = 100 WHERE seq = 5", 6),
    ] {
        let world = World::with_entries(10).await;
        world.tamper(sql).await;
        assert_eq!(world.broken_at().await, Some(at), "{sql}");
    }
}

#[tokio::test]
async fn a_cut_end_is_found_by_whoever_wrote_the_head_down() {
    let world = World::with_entries(10).await;
    let head = world.verify(None).await.head;
    world.tamper("DELETE FROM audit WHERE seq > 7").await;
    assert_eq!(world.broken_at().await, None, "from within it looks whole");
    assert_eq!(world.verify(Some(head)).await.broken.unwrap().seq, 8);
}

#[tokio::test]
async fn erased_details_leave_the_chain_whole() {
    let world = World::with_entries(10).await;
    world.tamper("UPDATE audit SET salt = NULL, details = NULL WHERE seq = 5").await;
    let verdict = world.verify(None).await;
    assert_eq!((verdict.erased, verdict.broken), (1, None));
}
