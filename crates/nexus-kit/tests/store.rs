//! The store's door and the report log, as a slice uses them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use nexus_core::cursor::Epoch;
use nexus_core::masked::Reader;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_core::view::{Keep, View};
use nexus_kit::args;
use nexus_kit::clock::Clock;
use nexus_kit::db::{AfterCommit, Db, DbError, Read, Scope, Tx};
use nexus_kit::entropy::Entropy;
use nexus_kit::hub::{Hub, Next, RingSize};
use nexus_kit::log::follow::{self, Ahead, Followed, Mark};
use nexus_kit::log::{self, Committed, Meta, Report, ReportChange, Trimmer};
use nexus_kit::settings::{Secret, Store};
use nexus_kit::telemetry::metrics::Metrics;
use nexus_testdb::TestDatabase;
use serde_json::json;

#[derive(Default)]
struct Heard {
    reports: Mutex<Vec<Committed>>,
    batches: AtomicUsize,
    wakes: AtomicU64,
    hub: Option<Arc<Hub>>,
}

impl AfterCommit for Heard {
    fn reports(&self, reports: Vec<Committed>) {
        self.batches.fetch_add(1, Ordering::SeqCst);
        self.reports.lock().unwrap().extend(reports.iter().cloned());
        if let Some(hub) = &self.hub {
            hub.committed(reports);
        }
    }
    fn wake(&self) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
    }
    fn store_failed(&self) {}
}

struct World {
    db: Db,
    heard: Arc<Heard>,
    tenant: Tenant,
    _database: Option<TestDatabase>,
    _dir: tempfile::TempDir,
}

async fn world_with(hub: Option<Arc<Hub>>) -> World {
    let dir = tempfile::tempdir().unwrap();
    let heard = Arc::new(Heard { hub, ..Heard::default() });
    let database = TestDatabase::of_engine();
    let settings = Store {
        data_dir: dir.path().to_owned(),
        database_url: Secret::new(database.as_ref().map(TestDatabase::url).unwrap_or_default()),
        ..Store::default()
    };
    let clock = Clock::test(Time::from_millis(1_000_000));
    let db =
        Db::open(&settings, clock, Entropy::seeded(1), Metrics::default(), heard.clone()).unwrap();
    let tenant = Tenant::parse("kaist:lab").unwrap();
    make_tenant(&db, &tenant).await;
    World { db, heard, tenant, _database: database, _dir: dir }
}

async fn make_tenant(db: &Db, tenant: &Tenant) {
    let epoch = Epoch::new(&[7; 8]);
    let whose = tenant.clone();
    db.write(tenant, move |tx| {
        tx.exec(
            "INSERT INTO stream_head (tenant, epoch, last, worklog_keep) VALUES ($1, $2, 0, 200)",
            args![&whose, epoch.as_str()],
        )
    })
    .await
    .map(|_| ())
    .unwrap_or_else(|error: DbError| panic!("{error}"));
}

fn line(tx: &mut Tx<'_>, text: &str) -> Result<u64, DbError> {
    let place = tx.next_place()?;
    let value = json!({"seq": place.number, "done": true, "text": text});
    let id = format!("wlg_{:06}", place.number);
    tx.report(
        &place,
        &Report {
            kind: "worklog",
            correlation_id: "cor_1",
            meta: Meta::default(),
            changes: vec![ReportChange::upsert("worklog", id, &value)],
        },
    )?;
    Ok(place.number)
}

#[tokio::test]
async fn writers_that_wait_share_a_commit_and_a_refusal_takes_no_number() {
    let world = world_with(None).await;
    let before = world.heard.batches.load(Ordering::SeqCst);
    let writes = (0..200).map(|n| {
        let db = world.db.clone();
        let tenant = world.tenant.clone();
        async move {
            db.write(&tenant, move |tx| {
                let number = line(tx, &format!("line {n}"))?;
                if n % 3 == 0 {
                    return Err(DbError::Failed("refused after its report".into()));
                }
                Ok(number)
            })
            .await
        }
    });
    let mut tasks = tokio::task::JoinSet::new();
    for write in writes {
        tasks.spawn(write);
    }
    let results = tasks.join_all().await;
    let mut numbers: Vec<u64> = results.into_iter().filter_map(Result::ok).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=133).collect::<Vec<_>>(), "no gap, although 67 were rolled back");
    let heard = world.heard.reports.lock().unwrap();
    let order: Vec<u64> = heard.iter().map(|report| report.number).collect();
    assert_eq!(order, (1..=133).collect::<Vec<_>>(), "told in commit order");
    let batches = world.heard.batches.load(Ordering::SeqCst) - before;
    assert!(batches < 100, "{batches} commits for 200 writes");
}

#[tokio::test]
async fn an_action_that_panics_loses_only_itself() {
    let world = world_with(None).await;
    let lost = world.db.write(&world.tenant, |tx| -> Result<u64, DbError> {
        line(tx, "never seen")?;
        panic!("a fault");
    });
    assert!(matches!(lost.await, Err(DbError::Failed(_))));
    let kept = world.db.write(&world.tenant, |tx| line(tx, "seen")).await.unwrap();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn a_reader_cannot_write_and_unknown_tenants_have_no_log() {
    let world = world_with(None).await;
    let other = Tenant::parse("nobody:here").unwrap();
    let refused = world.db.write(&other, |tx| line(tx, "x")).await;
    assert!(matches!(refused, Err(DbError::NoTenant)));
    let written = world.db.read(Scope::System, |q| {
        q.all("DELETE FROM report RETURNING number", args![], |row| row.int(0))
    });
    assert!(written.await.is_err());
}

#[tokio::test]
async fn trimming_changes_no_view_and_keeps_the_window() {
    let world = world_with(None).await;
    let keep = Keep { worklog: 10, ..Keep::default() };
    for n in 0..60 {
        world.db.write(&world.tenant, move |tx| line(tx, &format!("줄 {n}"))).await.unwrap();
    }
    let load = async |tenant: Tenant| {
        let scope = Scope::from(&tenant);
        world.db.read(scope, move |q| log::load(q, &tenant, keep)).await
    };
    let before = load(world.tenant.clone()).await.unwrap();
    let trimmer = Trimmer::new(keep, 20);
    for _ in 0..2 {
        trimmer.trim(&world.db, &world.tenant).await.unwrap();
        let after = load(world.tenant.clone()).await.unwrap();
        assert_eq!(after.view, before.view);
        assert_eq!(after.head, before.head);
    }
    let tenant = world.tenant.clone();
    let kept = world.db.read(&world.tenant, move |q| log::reports_after(q, &tenant, 0, 1000));
    let numbers: Vec<u64> = kept.await.unwrap().into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, (41..=60).collect::<Vec<_>>());
}

/// A line that `n` says whose it is, with something to mask in every other one.
fn line_of(tx: &mut Tx<'_>, n: u64) -> Result<(), DbError> {
    let place = tx.next_place()?;
    let value = |n: u64| {
        let text = if n.is_multiple_of(2) { format!("{n} kim@example.com") } else { n.to_string() };
        let by = format!("user:{}", n % 3);
        json!({"seq": place.number, "done": true, "text": text, "requested_by": by})
    };
    // Now and then one report has lines of several people.
    let mut changes = vec![ReportChange::upsert("worklog", format!("w{n}"), &value(n))];
    if n.is_multiple_of(5) {
        changes.push(ReportChange::upsert("worklog", format!("x{n}"), &value(n + 2)));
    }
    let report = Report { kind: "test", correlation_id: "c", meta: Meta::default(), changes };
    tx.report(&place, &report)?;
    Ok(())
}

const RING: RingSize = RingSize { reports: 2000, bytes: 8 << 20 };

/// What a reader folds from a snapshot and live frames while somebody writes, held against the
/// snapshot at the end.
async fn fold_as(hub: &Hub, world: &World, keep: Keep, last: u64, reader: Reader) {
    let channel = hub.channel(&world.db, &world.tenant).await.unwrap();
    let mut head = channel.watch();
    let start = channel.snapshot(&world.db, keep, &reader).await.unwrap();
    let mut view = View::from_json(std::str::from_utf8(&start.view).unwrap(), keep).unwrap();
    let mut at = start.number;
    while at < last {
        head.borrow_and_update();
        match channel.after(&start.epoch, at, &reader) {
            Next::Frames(batch) => {
                let frames = batch.frames();
                for text in std::str::from_utf8(&frames).unwrap().split_inclusive("\n\n") {
                    at += 1;
                    assert!(text.contains(&format!(".{at}\n")), "{at} in {text}");
                    view.apply(text.split_once("data: ").unwrap().1.trim_end()).unwrap();
                }
                assert_eq!(at, batch.last);
                // A snapshot in the middle is what was folded so far, if nothing came meanwhile.
                let middle = channel.snapshot(&world.db, keep, &reader).await.unwrap();
                if middle.number == at {
                    assert_eq!(view.to_json(), std::str::from_utf8(&middle.view).unwrap());
                }
            }
            Next::UpToDate => head.changed().await.unwrap(),
            other => panic!("{other:?}"),
        }
    }
    let end = channel.snapshot(&world.db, keep, &reader).await.unwrap();
    assert_eq!(end.number, last);
    let json = std::str::from_utf8(&end.view).unwrap();
    assert_eq!(view.to_json(), json, "the fold law");
    match &reader {
        Reader::Clear => assert!(json.contains("kim@example.com")),
        Reader::Masked { own } => {
            let shown: serde_json::Value = serde_json::from_str(json).unwrap();
            for line in shown["worklog"].as_object().unwrap().values() {
                let clear = line["text"].as_str().unwrap().contains("kim@example.com");
                assert!(!clear || line["requested_by"] == *own, "{line}");
            }
            let any_clear = json.contains("kim@example.com");
            assert_eq!(any_clear, own != "nobody", "one's own lines are clear");
        }
    }
}

#[tokio::test]
async fn the_fold_law_holds_for_readers_of_every_class() {
    let keep = Keep { worklog: 40, ..Keep::default() };
    let hub = Arc::new(Hub::new(keep, RING, Metrics::new()));
    let world = world_with(Some(hub.clone())).await;
    for n in 0..50 {
        world.db.write(&world.tenant, move |tx| line_of(tx, n)).await.unwrap();
    }
    let writer = async {
        for n in 50..200 {
            world.db.write(&world.tenant, move |tx| line_of(tx, n)).await.unwrap();
        }
    };
    let own = |own: &str| fold_as(&hub, &world, keep, 200, Reader::Masked { own: own.to_owned() });
    let clear = fold_as(&hub, &world, keep, 200, Reader::Clear);
    tokio::join!(writer, clear, own("user:0"), own("user:1"), own("nobody"));
}

#[tokio::test]
async fn the_newest_reports_are_read_up_to_a_bound() {
    let world = world_with(None).await;
    for _ in 0..200 {
        world.db.write(&world.tenant, |tx| line(tx, &"x".repeat(1_000))).await.unwrap();
    }
    for (most, bytes, first) in [(2_000, 1 << 20, 1), (50, 1 << 20, 151), (2_000, 10_000, 137)] {
        let whose = world.tenant.clone();
        let read =
            world.db.read(&world.tenant, move |q| log::newest_reports(q, &whose, most, bytes));
        let numbers: Vec<u64> = read.await.unwrap().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (first..=200).collect::<Vec<u64>>(), "{most} {bytes}");
    }
}

#[tokio::test]
async fn who_waited_for_a_load_that_failed_still_hears_of_every_commit() {
    let hub = Arc::new(Hub::new(Keep::default(), RING, Metrics::new()));
    let world = world_with(Some(hub.clone())).await;
    let tenant = Tenant::parse("kaist:late").unwrap();
    // No reader has time until the gates open.
    let (gates, mut held): (Vec<_>, Vec<_>) = (0..16)
        .map(|_| {
            let (gate, opened) = std::sync::mpsc::channel::<()>();
            let wait = move |_: &Read| {
                let _ = opened.recv();
                Ok::<_, DbError>(())
            };
            (gate, Box::pin(world.db.read(&world.tenant, wait)))
        })
        .unzip();
    let mut first = pin!(hub.channel(&world.db, &tenant));
    let mut second = pin!(hub.channel(&world.db, &tenant));
    // The first reads the store; the second waits for it.
    poll_fn(|cx| {
        assert!(held.iter_mut().all(|read| read.as_mut().poll(cx).is_pending()));
        assert!(first.as_mut().poll(cx).is_pending() && second.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    drop(gates);
    assert!(matches!(first.await, Err(DbError::NoTenant)));
    make_tenant(&world.db, &tenant).await;
    let channel = second.await.unwrap();
    world.db.write(&tenant, |tx| line(tx, "heard")).await.unwrap();
    assert_eq!(channel.head().unwrap().1, 1);
}

#[tokio::test]
async fn replay_meets_live_without_a_hole_while_others_write() {
    let keep = Keep::default();
    let hub = Arc::new(Hub::new(keep, RING, Metrics::new()));
    let world = world_with(Some(hub.clone())).await;
    let writer = {
        let (db, tenant) = (world.db.clone(), world.tenant.clone());
        async move {
            for n in 0..300 {
                db.write(&tenant, move |tx| line(tx, &n.to_string())).await.unwrap();
            }
        }
    };
    let reader = async {
        let channel = hub.channel(&world.db, &world.tenant).await.unwrap();
        let mut head = channel.watch();
        let start = channel.snapshot(&world.db, keep, &Reader::Clear).await.unwrap();
        let mut view = View::from_json(std::str::from_utf8(&start.view).unwrap(), keep).unwrap();
        let mut at = start.number;
        while at < 300 {
            head.borrow_and_update();
            match channel.after(&start.epoch, at, &Reader::Clear) {
                Next::Frames(batch) => {
                    let frames = batch.frames();
                    for text in std::str::from_utf8(&frames).unwrap().split_inclusive("\n\n") {
                        at += 1;
                        assert!(text.contains(&format!(".{at}\n")), "{at} in {text}");
                        view.apply(text.split_once("data: ").unwrap().1.trim_end()).unwrap();
                    }
                    assert_eq!(at, batch.last);
                }
                Next::UpToDate => head.changed().await.unwrap(),
                other => panic!("{other:?}"),
            }
        }
        let end = channel.snapshot(&world.db, keep, &Reader::Clear).await.unwrap();
        assert_eq!(end.number, 300);
        assert_eq!(view.to_json(), std::str::from_utf8(&end.view).unwrap(), "the fold law");
    };
    tokio::join!(writer, reader);
}

/// What lies before the follower `f`: its numbers, or how it stands.
async fn ahead(world: &World, seen: u64) -> (Option<Mark>, Vec<u64>, &'static str) {
    let tenant = world.tenant.clone();
    let ahead = world.db.read(&world.tenant, move |q| follow::ahead(q, &tenant, "f", seen, 3));
    match ahead.await.unwrap() {
        Ahead::NotFollowed => (None, vec![], "not followed"),
        Ahead::UpToDate(mark) => (Some(mark), vec![], "up to date"),
        Ahead::Reports(mark, reports) => {
            (Some(mark), reports.into_iter().map(|(number, _)| number).collect(), "reports")
        }
        Ahead::Missed(mark, _) => (Some(mark), vec![], "missed"),
    }
}

async fn advance(world: &World, from: &Mark, to: u64) -> bool {
    let from = from.clone();
    let moved =
        world.db.write(&world.tenant, move |tx| follow::advance(tx, "f", &from, &from.epoch, to));
    moved.await.unwrap()
}

async fn begin(world: &World) {
    let begun = world.db.write(&world.tenant, move |tx| {
        let place = tx.next_place()?;
        follow::begin(tx, "f", &place)?;
        let report =
            Report { kind: "test", correlation_id: "c", meta: Meta::default(), changes: vec![] };
        tx.report(&place, &report)?;
        Ok::<_, DbError>(())
    });
    begun.await.unwrap();
}

#[tokio::test]
async fn a_follower_sees_every_report_once_and_knows_when_it_missed_some() {
    let world = world_with(None).await;
    for n in 0..5 {
        world.db.write(&world.tenant, move |tx| line(tx, &n.to_string())).await.unwrap();
    }
    assert_eq!(ahead(&world, 0).await.2, "not followed");
    // From the report that made it follow on.
    begin(&world).await;
    let (mark, numbers, _) = ahead(&world, 0).await;
    let mark = mark.unwrap();
    assert_eq!((mark.number, numbers), (5, vec![6]));
    for n in 0..4 {
        world.db.write(&world.tenant, move |tx| line(tx, &n.to_string())).await.unwrap();
    }
    assert_eq!(ahead(&world, 0).await.1, [6, 7, 8], "in pieces");
    assert_eq!(ahead(&world, 8).await.1, [9, 10], "beyond what it has seen");
    assert!(advance(&world, &mark, 8).await);
    assert!(!advance(&world, &mark, 8).await, "whoever comes second does nothing");
    let (mark, numbers, _) = ahead(&world, 0).await;
    assert_eq!(numbers, [9, 10]);
    assert_eq!(ahead(&world, 10).await.2, "up to date");
    let tenants = world.db.read(Scope::System, |q| follow::tenants(q, "f")).await.unwrap();
    assert!(tenants.iter().eq([&world.tenant]), "{tenants:?}");

    // Wanted again since the mark was read: it does not end.
    begin(&world).await;
    let mark = mark.unwrap();
    let old = mark.clone();
    let ended = world.db.write(&world.tenant, move |tx| follow::end(tx, "f", &old));
    assert!(!ended.await.unwrap());
    // What has left the log is missed, not skipped.
    for n in 0..30 {
        world.db.write(&world.tenant, move |tx| line(tx, &n.to_string())).await.unwrap();
    }
    Trimmer::new(Keep::default(), 5).trim(&world.db, &world.tenant).await.unwrap();
    let (mark, _, stands) = ahead(&world, 0).await;
    assert_eq!(stands, "missed");
    let mark = mark.unwrap();
    let ended = world.db.write(&world.tenant, move |tx| follow::end(tx, "f", &mark));
    assert!(ended.await.unwrap());
    assert_eq!(ahead(&world, 0).await.2, "not followed");
}

#[tokio::test]
async fn a_log_that_is_watched_says_that_it_moved() {
    let followed = Followed::default();
    let (one, other) = (Tenant::parse("a:b").unwrap(), Tenant::parse("c:d").unwrap());
    followed.watch(&one);
    assert!(followed.moved().await.iter().eq([&one]), "looked at once");
    followed.reached(&other);
    followed.reached(&one);
    followed.reached(&one);
    assert!(followed.moved().await.iter().eq([&one]), "only what is watched");
    // Watched again since somebody counted: it stays.
    let times = followed.times(&one).unwrap();
    followed.watch(&one);
    followed.unwatch(&one, times);
    assert!(followed.watched().iter().eq([&one]));
    followed.unwatch(&one, times + 1);
    assert_eq!(followed.watched(), []);
}
