//! Who writes when, and what a write that fails takes along: lines of tenants, their bounds, and
//! batches of writes of which some are refused.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
#![expect(clippy::disallowed_methods, reason = "what is spawned here is awaited here")]

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nexus_core::cursor::Epoch;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_core::view::Keep;
use nexus_kit::args;
use nexus_kit::clock::Clock;
use nexus_kit::db::{AfterCommit, Db, DbError, Read, Tx};
use nexus_kit::entropy::Entropy;
use nexus_kit::log::{self, Committed, Meta, Report, Trimmer};
use nexus_kit::settings::{Secret, Store};
use nexus_kit::telemetry::metrics::Metrics;
use nexus_testdb::TestDatabase;
use proptest::prelude::*;

/// The reports of each commit, in the order of commits.
#[derive(Default)]
struct Commits(Mutex<Vec<Vec<Committed>>>);

impl AfterCommit for Commits {
    fn reports(&self, reports: Vec<Committed>) {
        self.0.lock().unwrap().push(reports);
    }
    fn wake(&self) {}
    fn store_failed(&self) {}
}

struct World {
    db: Db,
    commits: Arc<Commits>,
    metrics: Metrics,
    _database: Option<TestDatabase>,
    _dir: tempfile::TempDir,
}

impl World {
    fn new(settings: impl FnOnce(&mut Store)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = TestDatabase::of_engine();
        let url = database.as_ref().map(TestDatabase::url).unwrap_or_default();
        let mut store = Store {
            data_dir: dir.path().to_owned(),
            database_url: Secret::new(url),
            ..Store::default()
        };
        settings(&mut store);
        let (commits, metrics) = (Arc::new(Commits::default()), Metrics::new());
        let clock = Clock::test(Time::from_millis(1_000_000));
        let (entropy, told) = (Entropy::seeded(1), commits.clone());
        let db = Db::open(&store, clock, entropy, metrics.clone(), told).unwrap();
        Self { db, commits, metrics, _database: database, _dir: dir }
    }

    async fn tenant(&self, name: &str) -> Tenant {
        let tenant = Tenant::new(name, "p").unwrap();
        let (whose, epoch) = (tenant.clone(), Epoch::new(&[7; 8]));
        let made = self.db.write(&tenant, move |tx| {
            tx.exec(
                "INSERT INTO stream_head (tenant, epoch, last, worklog_keep) VALUES ($1, $2, 0, 200)",
                args![&whose, epoch.as_str()],
            )
        });
        made.await.map_err(|error: DbError| error.to_string()).unwrap();
        tenant
    }

    /// Occupies the writer of a tenant until the answer is dropped.
    async fn occupy(&self, tenant: &Tenant) -> (Sender<()>, impl Future<Output = ()> + use<>) {
        let (let_go, held) = channel::<()>();
        let (started, running) = tokio::sync::oneshot::channel();
        let (db, tenant) = (self.db.clone(), tenant.clone());
        let write = tokio::spawn(async move {
            let holding = db.write(&tenant, move |_| {
                let _ = started.send(());
                let _ = held.recv();
                Ok::<_, DbError>(())
            });
            holding.await.unwrap();
        });
        running.await.unwrap();
        (let_go, async move { write.await.unwrap() })
    }

    /// Writes that are told to wait, in this order.
    async fn queue<T: Send + 'static, E: From<DbError> + Send + 'static>(
        &self,
        tenant: &Tenant,
        write: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> tokio::task::JoinHandle<Result<T, E>> {
        let (db, tenant) = (self.db.clone(), tenant.clone());
        let waiting = tokio::spawn(async move { db.write(&tenant, write).await });
        // The runtime of a test has one thread: the write waits when this goes on.
        tokio::task::yield_now().await;
        waiting
    }
}

fn report(tx: &mut Tx<'_>, kind: &'static str) -> Result<u64, DbError> {
    let place = tx.next_place()?;
    let report = Report { kind, correlation_id: "c", meta: Meta::default(), changes: vec![] };
    tx.report(&place, &report)?;
    Ok(place.number)
}

#[tokio::test]
async fn a_tenant_with_a_thousand_writes_waiting_delays_another_by_no_more_than_its_turn() {
    // With several writers, that of the quiet tenant runs when the machine lets it.
    let world = World::new(|store| (store.batch, store.writers) = (16, 1));
    let (busy, quiet) = (world.tenant("busy").await, world.tenant("quiet").await);
    let (let_go, held) = world.occupy(&busy).await;
    let mut waiting = Vec::new();
    for _ in 0..1_000 {
        waiting.push(world.queue(&busy, |tx| report(tx, "busy")).await);
    }
    waiting.push(world.queue(&quiet, |tx| report(tx, "quiet")).await);
    drop(let_go);
    held.await;
    for write in waiting {
        write.await.unwrap().unwrap();
    }
    let commits = world.commits.0.lock().unwrap();
    let of_quiet = commits.iter().position(|reports| reports.iter().any(|r| r.tenant == quiet));
    assert!(of_quiet.unwrap() <= 1, "in the batch under way or the next, not {of_quiet:?}");
    assert!(commits.len() > 30, "{} commits", commits.len());
    let order: Vec<u64> =
        commits.iter().flatten().filter(|r| r.tenant == busy).map(|r| r.number).collect();
    assert_eq!(order, (1..=1_000).collect::<Vec<_>>(), "each line keeps its order");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_at_once_and_one_tenant_cannot_keep_another_out() {
    let world = World::new(|store| (store.queue, store.tenant_queue) = (6, 4));
    let (busy, quiet) = (world.tenant("busy").await, world.tenant("quiet").await);
    let (let_go, held) = world.occupy(&busy).await;
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(world.queue(&busy, |tx| report(tx, "busy")).await);
    }
    let refused = world.db.write(&busy, |tx| report(tx, "too many")).await;
    assert!(matches!(refused, Err(DbError::Busy)), "its share: {refused:?}");
    // On Postgres a writer of its own takes the other tenant's at once.
    let other = world.queue(&quiet, |tx| report(tx, "quiet")).await;
    assert!(world.metrics.store_queue.get() >= 4);
    drop(let_go);
    held.await;
    other.await.unwrap().unwrap();
    for write in waiting {
        write.await.unwrap().unwrap();
    }
    assert_eq!(
        world.metrics.store_queue.get(),
        0,
        "whatever was refused is not counted as waiting"
    );
    let text = world.metrics.render();
    for counted in ["nexus_store_wait_seconds_count", "nexus_store_commit_seconds_count"] {
        assert!(text.lines().any(|l| l.starts_with(counted) && !l.ends_with(" 0")), "{text}");
    }
    assert_eq!(world.db.write(&busy, |tx| report(tx, "again")).await.unwrap(), 5);
}

#[tokio::test]
async fn queries_wait_in_lines_that_are_bounded_too() {
    let world = World::new(|store| (store.readers, store.queue, store.tenant_queue) = (1, 3, 2));
    let (busy, quiet) = (world.tenant("busy").await, world.tenant("quiet").await);
    let (let_go, held) = channel::<()>();
    let (started, running) = tokio::sync::oneshot::channel();
    let read = |tenant: &Tenant| {
        let (db, tenant) = (world.db.clone(), tenant.clone());
        let look = |q: &Read| q.one("SELECT COUNT(*) FROM report", args![], |row| row.count(0));
        tokio::spawn(async move { db.read(&tenant, look).await })
    };
    let (db, whose) = (world.db.clone(), busy.clone());
    let holding = tokio::spawn(async move {
        let hold = move |_: &Read| {
            let _ = started.send(());
            let _ = held.recv();
            Ok::<_, DbError>(())
        };
        db.read(&whose, hold).await
    });
    running.await.unwrap();
    let waiting = [read(&busy), read(&busy)];
    tokio::task::yield_now().await;
    let refused: Result<u64, DbError> = read(&busy).await.unwrap();
    assert!(matches!(refused, Err(DbError::Busy)), "its share: {refused:?}");
    let other = read(&quiet);
    tokio::task::yield_now().await;
    assert_eq!(world.metrics.store_reads_waiting.get(), 3);
    let refused = read(&quiet).await.unwrap();
    assert!(matches!(refused, Err(DbError::Busy)), "everything: {refused:?}");
    drop(let_go);
    holding.await.unwrap().unwrap();
    for read in waiting.into_iter().chain([other]) {
        read.await.unwrap().unwrap();
    }
    assert_eq!(world.metrics.store_reads_waiting.get(), 0);
}

#[tokio::test]
async fn trimming_goes_in_steps_that_cost_what_has_changed() {
    let world = World::new(|_| {});
    let tenant = world.tenant("kaist").await;
    let keep = Keep::default();
    let trimmer = Trimmer::new(keep, 100);
    // What is open never leaves the view, however much is trimmed after it.
    let open = |from: u64, to: u64| {
        world.db.write(&tenant, move |tx| {
            for id in from..to {
                let place = tx.next_place()?;
                let value = serde_json::json!({"seq": place.number, "done": false});
                let changes = vec![log::ReportChange::upsert("tasks", format!("t{id}"), &value)];
                let meta = log::Meta::default();
                let report = log::Report { kind: "test", correlation_id: "c", meta, changes };
                tx.report(&place, &report)?;
            }
            Ok::<_, DbError>(())
        })
    };
    open(0, 1_300).await.unwrap();
    let counts = || (world.metrics.store_commits.get(), world.metrics.store_statements.get());
    let trimmed = async || {
        let before = counts();
        trimmer.trim(&world.db, &tenant).await.unwrap();
        let after = counts();
        (after.0 - before.0, after.1 - before.1)
    };
    let (commits, statements) = trimmed().await;
    assert_eq!(commits, 6, "the base, four pieces of 250 reports and one of 200");
    assert!((1_200..1_300).contains(&statements), "an item each: {statements}");
    // One task changes again and again.
    for _ in 0..250 {
        open(7, 8).await.unwrap();
    }
    let (commits, statements) = trimmed().await;
    assert_eq!(commits, 3, "the base, a full piece and an empty one");
    assert!(statements < 130, "a hundred new items and one that changed, not all: {statements}");
    let whose = tenant.clone();
    let left = world.db.read(&tenant, move |q| {
        let reports = log::reports_after(q, &whose, 0, 10_000)?;
        Ok::<_, DbError>((reports, log::load(q, &whose, keep)?))
    });
    let (left, loaded) = left.await.unwrap();
    let left: Vec<u64> = left.into_iter().map(|(number, _)| number).collect();
    assert_eq!(left, (1_451..=1_550).collect::<Vec<_>>());
    assert_eq!(loaded.view.len(), 1_300);
    assert_eq!(loaded.view.get("tasks", "t7"), Some(r#"{"done":false,"seq":1550}"#));
}

/// A step of a write.
#[derive(Clone, Debug)]
enum Step {
    /// Sets a key; nobody needs to know how that went.
    Put(u8, u8),
    /// Sets a key and says how many rows changed.
    Exec(u8, u8),
    /// Sets a key and reads it back in the same statement.
    Returning(u8, u8),
    /// Looks a key up, which must be as the steps before left it.
    Look(u8),
    Report,
    Note(u8),
    /// A statement that cannot be done, and that nobody waits for.
    Fault,
    Refuse,
    Panic,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_u8, any::<u8>()).prop_map(|(k, v)| Step::Put(k, v)),
        2 => (0..4_u8, any::<u8>()).prop_map(|(k, v)| Step::Exec(k, v)),
        1 => (0..4_u8, any::<u8>()).prop_map(|(k, v)| Step::Returning(k, v)),
        3 => (0..4_u8).prop_map(Step::Look),
        4 => Just(Step::Report),
        2 => any::<u8>().prop_map(Step::Note),
        1 => Just(Step::Fault),
        1 => Just(Step::Refuse),
        1 => Just(Step::Panic),
    ]
}

const SET: &str = "INSERT INTO idempotency (tenant, key, digest, task_id, created_at)
     VALUES ($1, $2, $3, '', 0) ON CONFLICT (tenant, key) DO UPDATE SET digest = $3";
const SET_RETURNING: &str = "INSERT INTO idempotency (tenant, key, digest, task_id, created_at)
     VALUES ($1, $2, $3, '', 0) ON CONFLICT (tenant, key) DO UPDATE SET digest = $3
     RETURNING digest";
const FAULT: &str = "INSERT INTO stream_head (tenant, epoch, last, worklog_keep)
     VALUES ($1, 'a', 0, 200)";

fn value(q: &Read, tenant: &Tenant, key: u8) -> Result<Option<String>, DbError> {
    let key = key.to_string();
    let sql = "SELECT digest FROM idempotency WHERE tenant = $1 AND key = $2";
    q.opt(sql, args![tenant, &key], |row| row.text(0))
}

/// What the store should hold.
#[derive(Clone, Default, Debug, PartialEq)]
struct Model {
    values: BTreeMap<u8, u8>,
    reports: u64,
    note: Option<u8>,
}

/// Does the steps of one write, against what the model says that it must find.
fn act(tx: &mut Tx<'_>, tenant: &Tenant, steps: &[Step], mut model: Model) -> Result<(), DbError> {
    let set = |key: u8, value: u8| (key.to_string(), value.to_string());
    for step in steps {
        match step {
            Step::Put(key, value) => {
                let (name, text) = set(*key, *value);
                tx.put(SET, args![tenant, &name, &text])?;
                model.values.insert(*key, *value);
            }
            Step::Exec(key, value) => {
                let (name, text) = set(*key, *value);
                assert_eq!(tx.exec(SET, args![tenant, &name, &text])?, 1);
                model.values.insert(*key, *value);
            }
            Step::Returning(key, value) => {
                let (name, text) = set(*key, *value);
                let read = tx.one(SET_RETURNING, args![tenant, &name, &text], |row| row.text(0))?;
                assert_eq!(read, text);
                model.values.insert(*key, *value);
            }
            Step::Look(key) => {
                let expected = model.values.get(key).map(u8::to_string);
                assert_eq!(value(tx, tenant, *key)?, expected, "{steps:?}");
            }
            Step::Report => {
                model.reports += 1;
                assert_eq!(report(tx, "test")?, model.reports, "{steps:?}");
            }
            Step::Note(note) => {
                // A batch that took too long ended in between, and its notes with it.
                let noted = tx.noted::<u8>("n").copied();
                assert!(noted.is_none() || noted == model.note, "{noted:?} {steps:?}");
                model.note = Some(*note);
                tx.note("n", *note);
            }
            Step::Fault => tx.put(FAULT, args![tenant])?,
            Step::Refuse => return Err(DbError::Failed("refused".into())),
            Step::Panic => panic!("a fault of an action"),
        }
    }
    Ok(())
}

/// What a write leaves if it is kept: nothing, or everything.
fn expected(model: &Model, steps: &[Step]) -> Option<Model> {
    let mut after = model.clone();
    for step in steps {
        match step {
            Step::Put(key, value) | Step::Exec(key, value) | Step::Returning(key, value) => {
                after.values.insert(*key, *value);
            }
            Step::Report => after.reports += 1,
            Step::Note(note) => after.note = Some(*note),
            Step::Look(_) => {}
            Step::Fault | Step::Refuse | Step::Panic => return None,
        }
    }
    Some(after)
}

/// Has one batch of writes done, of which some fail, and holds the store against the model.
async fn one_batch(world: &World, writes: &[Vec<Step>]) {
    static TENANTS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = TENANTS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let tenant = world.tenant(&format!("t{number}")).await;
    let (let_go, held) = world.occupy(&tenant).await;
    let (mut model, mut waiting) = (Model::default(), Vec::new());
    for steps in writes {
        let (whose, own, before) = (tenant.clone(), steps.clone(), model.clone());
        let after = expected(&model, steps);
        let write = world.queue(&tenant, move |tx| act(tx, &whose, &own, before)).await;
        waiting.push((write, after.is_some()));
        model = after.unwrap_or(model);
    }
    drop(let_go);
    held.await;
    for ((write, kept), steps) in waiting.into_iter().zip(writes) {
        let result = write.await.unwrap();
        assert_eq!(result.is_ok(), kept, "{steps:?}: {result:?}");
    }
    let whose = tenant.clone();
    let stored = world.db.read(&tenant, move |q| {
        let mut values = BTreeMap::new();
        for key in 0..4 {
            values.extend(value(q, &whose, key)?.map(|text| (key, text.parse().unwrap())));
        }
        let head = log::head(q, &whose)?.last;
        let numbers = log::reports_after(q, &whose, 0, 1_000)?;
        Ok::<_, DbError>((values, head, numbers.len() as u64))
    });
    assert_eq!(stored.await.unwrap(), (model.values, model.reports, model.reports));
    let commits = world.commits.0.lock().unwrap();
    let told: Vec<u64> =
        commits.iter().flatten().filter(|r| r.tenant == tenant).map(|r| r.number).collect();
    assert_eq!(told, (1..=model.reports).collect::<Vec<_>>(), "without a hole, in order");
}

/// Whatever writes share a commit, and whatever of them fails how: each is done whole or not at all,
/// sees what those before it did, and numbers have no hole.
#[test]
fn writes_that_share_a_commit_do_not_share_their_failures() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(async { World::new(|_| {}) });
    let hook = std::panic::take_hook();
    // Panics of actions are caught, and wanted here.
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some("a fault of an action") {
            hook(info);
        }
    }));
    let batches = prop::collection::vec(prop::collection::vec(any_step(), 1..6), 1..12);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&batches, |writes| {
        let patient = async {
            tokio::time::timeout(Duration::from_secs(30), one_batch(&world, &writes)).await
        };
        runtime.block_on(patient).map_err(|_| TestCaseError::fail("it hangs"))
    });
    outcome.map_err(|error| error.to_string()).unwrap();
}
