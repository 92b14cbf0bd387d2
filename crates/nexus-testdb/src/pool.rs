//! Databases that tests use one after the other: to make one, migrate it and drop it again takes longer
//! than most tests do, and to empty its tables takes a moment.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use tokio_postgres::Client;

use crate::{address, connect, runtime};

/// Databases that are made before those of another schema are made anew.
const MOST: i32 = 8;

/// A catalogue that has grown so large makes its database slow: every emptying leaves dead rows there.
const BLOATED: i64 = 8 << 20;

/// Takes a free database, with empty tables or none, for as long as this process lives: a connection
/// holds its lock. A server may outlive its test a little and look for its database again, so nobody else
/// has it before the process has ended.
pub(crate) fn take(server: &str) -> String {
    let (taken, taking) = std::sync::mpsc::channel();
    let server = server.to_owned();
    std::thread::spawn(move || {
        runtime().block_on(async {
            let client = connect(&server).await;
            let _ = taken.send(pick(&client, &server).await);
            std::future::pending::<()>().await;
        });
    });
    taking.recv().expect("a database of the pool")
}

/// What the tables are like: databases of another schema are of no use.
fn schema() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nexus-kit/migrations/postgres");
    let files = std::fs::read_dir(&folder).expect("the migrations stand beside the tests");
    let mut files: Vec<_> = files.map(|file| file.expect("a migration").path()).collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        std::fs::read(&file).expect("a migration").hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

async fn pick(client: &Client, server: &str) -> String {
    let schema = schema();
    let known =
        "SELECT substr(datname, 17)::int, shobj_description(oid, 'pg_database') FROM pg_database
                 WHERE datname ~ '^nexus_test_pool_[0-9]{1,4}$' ORDER BY 1";
    let known = client.query(known, &[]).await.expect("the databases");
    let known: Vec<(i32, Option<String>)> =
        known.iter().map(|row| (row.get(0), row.get(1))).collect();
    let fits = |(_, of): &&(i32, Option<String>)| of.as_ref() == Some(&schema);
    let mut numbers: Vec<i32> = known.iter().filter(fits).map(|(number, _)| *number).collect();
    if known.len() >= usize::try_from(MOST).unwrap_or_default() {
        numbers.extend(known.iter().filter(|it| !fits(it)).map(|(number, _)| *number));
    }
    let new = |number: &i32| known.iter().all(|(other, _)| other != number);
    numbers.extend((0..1_000).filter(new));
    for number in numbers {
        let lock = "SELECT pg_try_advisory_lock(hashtext('nexus_test_pool'), $1)";
        let mine: bool = client.query_one(lock, &[&number]).await.expect("a lock").get(0);
        if mine {
            let name = format!("nexus_test_pool_{number}");
            if !emptied(client, server, &name, &schema).await {
                remake(client, &name, &schema).await;
            }
            return name;
        }
    }
    panic!("every database of the pool is in use")
}

/// Empties the tables of a database, unless it had better be made anew.
async fn emptied(client: &Client, server: &str, name: &str, schema: &str) -> bool {
    let of = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1";
    let of = client.query_opt(of, &[&name]).await.expect("the databases");
    if of.and_then(|row| row.get::<_, Option<String>>(0)).as_deref() != Some(schema) {
        return false;
    }
    // Whoever had it before may have been killed, or may have locked others out.
    let alone = format!(
        "ALTER DATABASE {name} ALLOW_CONNECTIONS true;
         SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    client.batch_execute(&alone).await.expect("a database of one's own");
    let inside = connect(&address(server, name, None)).await;
    let size = inside.query_one("SELECT pg_total_relation_size('pg_class')", &[]).await;
    if size.expect("a size").get::<_, i64>(0) > BLOATED {
        return false;
    }
    let empty = "DO $$ DECLARE used text; BEGIN
            SELECT string_agg(oid::regclass::text, ', ') INTO used FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                AND relname <> 'refinery_schema_history' AND pg_relation_size(oid) > 0;
            IF used IS NOT NULL THEN EXECUTE 'TRUNCATE ' || used; END IF;
        END $$";
    inside.batch_execute(empty).await.expect("empty tables");
    true
}

async fn remake(client: &Client, name: &str, schema: &str) {
    for statement in [
        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"),
        format!("COMMENT ON DATABASE {name} IS '{schema}'"),
    ] {
        let done = client.batch_execute(&statement).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }
}
