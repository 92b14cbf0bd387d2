//! What only Postgres can do wrong: row security, roles, migrations that fail, connections that
//! break.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nexus_core::cursor::Epoch;
use nexus_core::masked::Reader;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_core::view::Keep;
use nexus_kit::args;
use nexus_kit::clock::Clock;
use nexus_kit::db::{AfterCommit, Db, DbError, Migrated, Scope, Tx};
use nexus_kit::entropy::Entropy;
use nexus_kit::hub::{Hub, Next, RingSize};
use nexus_kit::log::{Committed, Meta, Report};
use nexus_kit::settings::{Secret, Store};
use nexus_kit::telemetry::metrics::Metrics;
use nexus_testdb::TestDatabase;

/// Tables that the system reads before it knows the tenant, or for all of them.
const ROUTING: [&str; 7] =
    ["alert_due", "api_key", "log_follower", "membership", "stream_head", "tenant", "work_due"];
/// Tables that hold nothing of a tenant.
const NO_TENANT: [&str; 2] = ["refinery_schema_history", "webhook_seen"];
/// Tables of people, who may belong to several tenants: the system's alone.
const SYSTEM: [&str; 5] = ["link", "login_try", "password", "person", "session"];

#[derive(Default)]
struct Heard {
    hub: Option<Arc<Hub>>,
    failed: AtomicBool,
}

impl AfterCommit for Heard {
    fn reports(&self, reports: Vec<Committed>) {
        if let Some(hub) = &self.hub {
            hub.committed(reports);
        }
    }
    fn wake(&self) {}
    fn store_failed(&self) {
        self.failed.store(true, Ordering::SeqCst);
    }
}

fn settings(url: String) -> Store {
    let node_wait = Duration::ZERO;
    Store { database_url: Secret::new(url), writers: 2, node_wait, ..Store::default() }
}

fn open_with(settings: &Store, heard: Arc<Heard>) -> Result<Db, DbError> {
    let clock = Clock::test(Time::from_millis(1_000_000));
    // Another life, other ids.
    static LIVES: AtomicU64 = AtomicU64::new(1);
    let seed = LIVES.fetch_add(1, Ordering::SeqCst);
    Db::open(settings, clock, Entropy::seeded(seed), Metrics::default(), heard)
}

fn open(settings: &Store) -> Result<Db, DbError> {
    open_with(settings, Arc::default())
}

fn refusal(settings: &Store) -> String {
    match open(settings) {
        Ok(_) => panic!("it should be refused"),
        Err(error) => error.to_string(),
    }
}

fn tenant() -> Tenant {
    Tenant::parse("kaist:lab").unwrap()
}

async fn make_tenant(db: &Db) {
    let made = db.write(Scope::Tenant(tenant()), |tx| {
        let epoch = Epoch::new(&[7; 8]);
        tx.exec(
            "INSERT INTO stream_head (tenant, epoch, last, worklog_keep) VALUES ($1, $2, 0, 200)",
            args!["kaist:lab", epoch.as_str()],
        )
    });
    made.await.map(|_| ()).unwrap_or_else(|error: DbError| panic!("{error}"));
}

fn line(tx: &mut Tx<'_>) -> Result<u64, DbError> {
    let place = tx.next_place()?;
    let report =
        Report { kind: "test", correlation_id: "cor_1", meta: Meta::default(), changes: vec![] };
    tx.report(&place, &report)?;
    Ok(place.number)
}

fn one(database: &TestDatabase, sql: &str) -> String {
    let rows = database.rows(sql);
    rows.last().and_then(|row| row[0].clone()).unwrap_or_default()
}

fn tables(database: &TestDatabase) -> Vec<String> {
    let sql = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
               AND relkind IN ('r', 'p') ORDER BY relname";
    database.rows(sql).into_iter().filter_map(|row| row[0].clone()).collect()
}

#[tokio::test]
async fn every_table_is_behind_its_row_policy() {
    let database = TestDatabase::new();
    let _db = open(&settings(database.url())).unwrap();
    let own = "(tenant = current_setting('nexus.tenant'::text, true))";
    let system = "(current_setting('nexus.tenant'::text, true) = 'platform'::text)";
    let either = format!("({own} OR {system})");
    let policies = database.rows(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, p.policies, p.permissive, p.cmd,
             p.qual, p.with_check
         FROM pg_class c LEFT JOIN (
             SELECT tablename, COUNT(*) AS policies, MIN(permissive) AS permissive, MIN(cmd) AS cmd,
                 MIN(qual) AS qual, MIN(with_check) AS with_check
             FROM pg_policies GROUP BY tablename) p ON p.tablename = c.relname
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')",
    );
    assert!(policies.len() > 15, "{policies:?}");
    for row in policies {
        let text = |column: usize| row[column].as_deref().unwrap_or_default();
        let table = text(0);
        if NO_TENANT.contains(&table) {
            continue;
        }
        assert_eq!((text(1), text(2)), ("t", "t"), "{table}: enabled and forced");
        // A second permissive policy would widen the first.
        assert_eq!((text(3), text(4), text(5)), ("1", "PERMISSIVE", "ALL"), "{table}");
        let expected = match table {
            table if ROUTING.contains(&table) => either.as_str(),
            table if SYSTEM.contains(&table) => system,
            _ => own,
        };
        assert_eq!((text(6), text(7)), (expected, expected), "{table}");
    }
}

#[tokio::test]
async fn the_serving_role_owns_nothing_and_cannot_empty_a_table() {
    let database = TestDatabase::new();
    let _db = open(&settings(database.url())).unwrap();
    let count = |sql: &str| one(&database, sql);
    let role = "SELECT rolsuper OR rolbypassrls OR rolcanlogin OR rolcreaterole OR rolcreatedb
                FROM pg_roles WHERE rolname = 'nexus_app'";
    assert_eq!(count(role), "f");
    let owned = "SELECT COUNT(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
                 WHERE r.rolname = 'nexus_app'";
    assert_eq!(count(owned), "0");
    for right in ["TRUNCATE", "REFERENCES", "TRIGGER"] {
        let sql = format!(
            "SELECT COUNT(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace
             AND relkind = 'r' AND has_table_privilege('nexus_app', oid, '{right}')"
        );
        assert_eq!(count(&sql), "0", "{right}");
    }
    for right in ["UPDATE", "DELETE"] {
        let sql = format!("SELECT has_table_privilege('nexus_app', 'audit', '{right}')");
        assert_eq!(count(&sql), "f", "the audit log is only added to");
    }
    // Views would run as their owner, and materialised ones know no row security.
    let views = "SELECT COUNT(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace
                 AND relkind IN ('v', 'm')";
    assert_eq!(count(views), "0");
    assert_eq!(
        count(
            "SELECT COUNT(*) FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
        ),
        "0"
    );
}

/// A row for a tenant in any table, made from the catalogue.
fn insert(database: &TestDatabase, table: &str, tenant: &str) -> String {
    let columns = database.rows(&format!(
        "SELECT column_name, data_type FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name = '{table}' AND is_nullable = 'NO'
             OR table_name = '{table}' AND column_name = 'tenant'"
    ));
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for column in columns {
        let (name, kind) = (column[0].clone().unwrap(), column[1].clone().unwrap());
        values.push(match (name.as_str(), kind.as_str()) {
            ("tenant", _) => format!("'{tenant}'"),
            (_, "text") => format!("'{tenant}-x'"),
            (_, "bytea") => "'\\x00'".to_owned(),
            _ => "1".to_owned(),
        });
        names.push(name);
    }
    format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "))
}

/// Runs a statement as the serving role inside a tenant, and undoes it.
fn inside(tenant: &str, sql: &str) -> String {
    format!(
        "BEGIN; SET LOCAL ROLE nexus_app; SELECT set_config('nexus.tenant', '{tenant}', true);
         {sql}; ROLLBACK"
    )
}

#[tokio::test]
async fn a_forgotten_condition_shows_nobody_elses_rows() {
    let database = TestDatabase::new();
    let _db = open(&settings(database.url())).unwrap();
    for table in SYSTEM {
        database.execute(&insert(&database, table, "x"));
        let seen = |tenant: &str| {
            one(&database, &inside(tenant, &format!("SELECT COUNT(*) FROM {table}")))
        };
        assert_eq!((seen("platform"), seen("a:p"), seen("")), ("1".into(), "0".into(), "0".into()));
    }
    let of_tenants: Vec<String> = tables(&database)
        .into_iter()
        .filter(|table| !NO_TENANT.contains(&table.as_str()) && !SYSTEM.contains(&table.as_str()))
        .collect();
    for table in &of_tenants {
        for tenant in ["a:p", "b:p"] {
            database.execute(&insert(&database, table, tenant));
        }
    }
    for table in of_tenants {
        let seen = |tenant: &str| {
            let sql = format!("SELECT string_agg(tenant, ',' ORDER BY tenant) FROM {table}");
            one(&database, &inside(tenant, &sql))
        };
        assert_eq!(seen("a:p"), "a:p", "{table}");
        assert_eq!(seen(""), "", "{table}: no tenant, no rows");
        let all = if ROUTING.contains(&table.as_str()) { "a:p,b:p" } else { "" };
        assert_eq!(seen("platform"), all, "{table}: what the system sees");
        if table != "audit" {
            let sql = format!(
                "WITH gone AS (DELETE FROM {table} RETURNING tenant)
                               SELECT string_agg(tenant, ',') FROM gone"
            );
            assert_eq!(
                one(&database, &inside("a:p", &sql)),
                "a:p",
                "{table}: deletes its own alone"
            );
        }
        let foreign = insert(&database, &table, "c:p");
        let refused = format!(
            "DO $$ BEGIN {foreign}; RAISE 'another tenant''s row was accepted';
             EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
        );
        database.execute(&inside("a:p", &refused));
    }
}

#[tokio::test]
async fn the_tenant_of_one_transaction_is_not_the_next_ones() {
    let database = TestDatabase::new();
    let settings = Store { writers: 1, readers: 1, ..settings(database.url()) };
    let db = open(&settings).unwrap();
    make_tenant(&db).await;
    let sql = "SELECT COALESCE(current_setting('nexus.tenant', true), '')";
    for n in 0..50 {
        let tenant = Tenant::new("org", &format!("p{n}")).unwrap();
        let scopes = [Scope::System, Scope::Tenant(tenant)];
        let scope = scopes[n % 2].clone();
        let named = scope.clone();
        let seen = db.read(scope, move |q| {
            if n % 5 == 0 {
                return Err(DbError::Failed("a query that fails".to_owned()));
            }
            q.one(sql, &[], |row| row.text(0))
        });
        let expected = match named {
            Scope::System => "platform".to_owned(),
            Scope::Tenant(tenant) => tenant.key().to_owned(),
        };
        assert!(seen.await.is_ok_and(|seen| seen == expected) || n % 5 == 0);
    }
}

#[tokio::test]
async fn a_role_that_row_security_does_not_bind_is_refused_with_the_reason() {
    let database = TestDatabase::new();
    let roles = [("free", "LOGIN BYPASSRLS"), ("plain", "LOGIN"), ("owner", "LOGIN")];
    let name = |role: &str| format!("nexus_test_{role}_{}", std::process::id());
    for (role, rights) in roles {
        database.execute(&format!("CREATE ROLE {} {rights}", name(role)));
    }
    let owner = name("owner");
    database.execute(&format!("GRANT ALL ON SCHEMA public TO {owner}"));

    let owned_by = |app: &str| Store {
        owner_url: Secret::new(database.url_as(&owner)),
        ..settings(database.url_as(app))
    };
    let refused = refusal(&settings(database.url_as(&name("free"))));
    assert!(refused.contains("Run nexus migrate with the owner"), "{refused}");
    let free = refusal(&owned_by(&name("free")));
    assert!(free.contains("DATABASE_URL") && free.contains("BYPASSRLS"), "{free}");
    let same = refusal(&owned_by(&owner));
    assert!(same.contains("owns the table"), "{same}");
    let root = refusal(&Store { database_url: Secret::new(database.url()), ..owned_by(&owner) });
    assert!(root.contains("is a superuser"), "{root}");
    let alone = refusal(&settings(database.url_as(&owner)));
    assert!(alone.contains("may not put itself under another"), "{alone}");
    assert!(alone.contains("GRANT nexus_app TO"), "and what to do: {alone}");

    // Two addresses as they should be; afterwards the plain role serves without the owner's.
    let db = open(&owned_by(&name("plain"))).unwrap();
    make_tenant(&db).await;
    assert_eq!(db.write(&tenant(), line).await.unwrap(), 1);
    drop(db);
    let wait =
        Store { node_wait: Duration::from_secs(10), ..settings(database.url_as(&name("plain"))) };
    let db = open(&wait).unwrap();
    assert_eq!(db.write(&tenant(), line).await.unwrap(), 2);

    database.execute("ALTER TABLE task NO FORCE ROW LEVEL SECURITY");
    drop(db);
    let off = refusal(&owned_by(&name("plain")));
    assert!(off.contains("row security is off for the table task"), "{off}");
    for (role, _) in roles {
        database.execute(&format!("DROP OWNED BY {} CASCADE; DROP ROLE {0}", name(role)));
    }
}

#[tokio::test]
async fn a_migration_that_fails_in_the_middle_leaves_nothing() {
    let database = TestDatabase::new();
    database.execute("CREATE TABLE worklog (somebody_elses BIGINT)");
    let refused = refusal(&settings(database.url()));
    assert!(refused.contains("already exists") && refused.contains("undone"), "{refused}");
    let left = tables(&database);
    assert_eq!(left, ["refinery_schema_history", "worklog"]);
    assert_eq!(one(&database, "SELECT COUNT(*) FROM refinery_schema_history"), "0");

    database.execute("DROP TABLE worklog");
    let settings = settings(database.url());
    let first = Db::migrate(&settings).unwrap();
    assert_eq!(first.from, None);
    assert_eq!(Db::migrate(&settings).unwrap(), Migrated { from: Some(first.to), to: first.to });
    database.execute("UPDATE refinery_schema_history SET version = version + 100");
    assert!(refusal(&settings).contains("newer program"));
}

#[tokio::test]
async fn a_second_node_is_told_who_the_first_is() {
    let database = TestDatabase::new();
    let settings = settings(database.url());
    let first = open(&settings).unwrap();
    let refused = refusal(&settings);
    assert!(refused.contains("a node on 127.0.0.1, connected since"), "{refused}");
    drop(first);
    open(&Store { node_wait: Duration::from_secs(10), ..settings }).unwrap();
}

#[tokio::test]
async fn lost_connections_are_made_anew() {
    let database = TestDatabase::new();
    let db = open(&settings(database.url())).unwrap();
    make_tenant(&db).await;
    let mut written = 0;
    for _ in 0..3 {
        written += 1;
        assert_eq!(db.write(&tenant(), line).await.unwrap(), written);
        // And waits until they have ended.
        database.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
    }
    let last = db.read(&tenant(), |q| nexus_kit::log::head(q, &tenant())).await.unwrap().last;
    assert_eq!(last, 3);
}

/// Every commit of a report ends its connection, before or after it is on disk.
const KILL_AT_COMMIT: &str = "
    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER die AFTER INSERT ON report DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION die();";

#[tokio::test]
async fn a_commit_without_an_answer_is_called_uncertain() {
    let database = TestDatabase::new();
    let db = open(&settings(database.url())).unwrap();
    make_tenant(&db).await;
    database.execute(KILL_AT_COMMIT);
    let lost = db.write(&tenant(), line).await;
    assert!(matches!(lost, Err(DbError::Uncertain(_))), "{lost:?}");
    database.execute("DROP TRIGGER die ON report");
    // Nothing of it is left over in the next transaction of the same thread.
    assert_eq!(db.write(&tenant(), line).await.unwrap(), 1);
}

#[tokio::test]
async fn the_hub_makes_up_for_a_commit_that_nobody_told_of() {
    let database = TestDatabase::new();
    let size = RingSize { reports: 100, bytes: 1 << 20 };
    let hub = Arc::new(Hub::new(Keep::default(), size, Metrics::new()));
    let heard = Arc::new(Heard { hub: Some(hub.clone()), ..Heard::default() });
    let db = open_with(&settings(database.url()), heard).unwrap();
    make_tenant(&db).await;
    db.write(&tenant(), line).await.unwrap();
    let channel = hub.channel(&db, &tenant()).await.unwrap();
    let (epoch, head) = channel.head().unwrap();
    assert_eq!(head, 1);
    database.execute(
        "UPDATE stream_head SET last = 2;
         INSERT INTO report SELECT tenant, 2, 'rpt_lost', body FROM report",
    );
    // The first look may have met a commit of this moment; the second is sure.
    hub.repair(&db).await.unwrap();
    assert!(matches!(channel.after(&epoch, 1, &Reader::Clear), Next::UpToDate));
    hub.repair(&db).await.unwrap();
    assert!(matches!(channel.after(&epoch, 1, &Reader::Clear), Next::Missed), "the store has it");
    assert_eq!(channel.head().unwrap().1, 2);
    db.write(&tenant(), line).await.unwrap();
    assert!(
        matches!(channel.after(&epoch, 2, &Reader::Clear), Next::Frames(batch) if batch.last == 3),
        "live again"
    );
}

#[tokio::test]
async fn a_statement_that_fails_unseen_undoes_its_action_alone() {
    let database = TestDatabase::new();
    let db = open(&settings(database.url())).unwrap();
    make_tenant(&db).await;
    let twice = db.write(Scope::Tenant(tenant()), |tx| {
        let number = line(tx)?;
        for _ in 0..2 {
            // Nobody waits for the second, which cannot be.
            tx.put("INSERT INTO callback_seen VALUES ($1, 't', 1, 'd')", args!["kaist:lab"])?;
        }
        Ok::<_, DbError>(number)
    });
    let good = db.write(Scope::Tenant(tenant()), line);
    let (twice, good) = tokio::join!(twice, good);
    assert!(matches!(twice, Err(DbError::Unique(_))), "{twice:?}");
    assert_eq!(good.unwrap(), 1, "the number was given back");
}
