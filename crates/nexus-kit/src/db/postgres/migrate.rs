//! Migrations: forwards only, each in a transaction of its own, one node at a time.

use tokio_postgres::Client;

use crate::db::{DbError, Migrated, newer_store};

mod embedded {
    refinery::embed_migrations!("migrations/postgres");
}

/// The newest version that this program knows.
pub(super) fn newest() -> i32 {
    let runner = embedded::migrations::runner();
    runner.get_migrations().iter().map(refinery::Migration::version).max().unwrap_or_default()
}

/// The version that a database has; none for a new one.
pub(super) async fn version(client: &Client) -> Result<Option<i32>, DbError> {
    let known = client.query_one("SELECT to_regclass('refinery_schema_history') IS NOT NULL", &[]);
    if !known.await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let newest = client.query_one("SELECT MAX(version) FROM refinery_schema_history", &[]);
    Ok(newest.await?.try_get(0)?)
}

/// Brings the database to this version; another node that does the same waits.
pub(super) async fn run(client: &mut Client) -> Result<Migrated, DbError> {
    client.batch_execute("SELECT pg_advisory_lock(hashtext('nexus.migrate'))").await?;
    let done = locked(client).await;
    client.batch_execute("SELECT pg_advisory_unlock(hashtext('nexus.migrate'))").await?;
    done
}

async fn locked(client: &mut Client) -> Result<Migrated, DbError> {
    let (from, to) = (version(client).await?, newest());
    match from {
        Some(theirs) if theirs > to => return Err(newer_store(theirs, to)),
        Some(theirs) if theirs == to => {}
        _ => {
            let ran = embedded::migrations::runner().run_async(client).await;
            ran.map_err(|error| explain(&error))?;
        }
    }
    Ok(Migrated { from, to })
}

fn explain(error: &refinery::Error) -> DbError {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    DbError::Unusable(format!(
        "a migration failed and was undone, the database is as it was before it: {text}"
    ))
}

#[cfg(test)]
mod tests {
    use nexus_testdb::TestDatabase;

    use super::*;

    /// Sample rows for each migration, the same as on SQLite.
    const SAMPLES: &[(i32, &str)] = &[
        (1, include_str!("../../../migrations/samples/V1.sql")),
        (2, include_str!("../../../migrations/samples/V2.sql")),
        (3, include_str!("../../../migrations/samples/V3.sql")),
        (4, include_str!("../../../migrations/samples/V4.sql")),
        (5, include_str!("../../../migrations/samples/V5.sql")),
        (6, include_str!("../../../migrations/samples/V6.sql")),
        (7, include_str!("../../../migrations/samples/V7.sql")),
        (8, include_str!("../../../migrations/samples/V8.sql")),
        (9, include_str!("../../../migrations/samples/V9.sql")),
        (10, include_str!("../../../migrations/samples/V10.sql")),
    ];

    #[tokio::test]
    async fn every_migration_runs_on_a_store_that_is_not_empty() {
        let database = TestDatabase::new();
        let connected = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await;
        let (mut client, connection) = connected.unwrap();
        let driver = tokio::runtime::Handle::current().spawn(connection);
        for (version, sample) in SAMPLES {
            let runner = embedded::migrations::runner();
            let runner = runner.set_target(refinery::Target::Version(*version));
            runner.run_async(&mut client).await.unwrap();
            // Bytes are written differently.
            client.batch_execute(&sample.replace("x'", "'\\x")).await.unwrap();
        }
        let newest = SAMPLES.last().map(|(version, _)| *version).unwrap_or_default();
        assert_eq!(newest, super::newest(), "each migration needs a sample");
        let done = run(&mut client).await.unwrap();
        assert_eq!(done, Migrated { from: Some(newest), to: newest });
        drop(client);
        driver.await.unwrap().unwrap();
    }

    /// The owner is no superuser, so row security binds it too, and it is no tenant.
    #[tokio::test]
    async fn what_an_older_program_has_written_is_moved() {
        let database = TestDatabase::new();
        let owner = format!("nexus_test_migrates_{}", std::process::id());
        database.execute(&format!("CREATE ROLE {owner} LOGIN"));
        database.execute(&format!("GRANT ALL ON SCHEMA public TO {owner}"));
        let url = database.url_as(&owner);
        let (mut client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        let driver = tokio::runtime::Handle::current().spawn(connection);
        for (version, sample) in SAMPLES.iter().take(5) {
            let runner = embedded::migrations::runner();
            let runner = runner.set_target(refinery::Target::Version(*version));
            runner.run_async(&mut client).await.unwrap();
            if *version < 5 {
                database.execute(&sample.replace("x'", "'\\x"));
            }
        }
        let read = |sql: &str| -> Vec<String> {
            database.rows(sql).into_iter().filter_map(|row| row[0].clone()).collect()
        };
        let failed =
            "SELECT task_id || ' ' || box || ' ' || failed_at || ' ' || failure_code || ' '
                          || cause || ' ' || text FROM failed ORDER BY task_id";
        let expected = [
            "tsk_4d dlq 172800000003 AGENT_ERROR  no such disk e_disk",
            "tsk_4h hold 3 INTERNAL_ERROR   ",
        ];
        assert_eq!(read(failed), expected);
        let counts =
            "SELECT day || ' ' || failure_code || ' ' || count FROM failure_count ORDER BY day";
        assert_eq!(read(counts), ["0 INTERNAL_ERROR 1", "2 AGENT_ERROR 1"]);
        assert_eq!(read("SELECT agent_code FROM task WHERE task_id = 'tsk_4d'"), ["E_DISK"]);
        let forced = "SELECT relname FROM pg_class WHERE relname IN ('task', 'attempt')
                      AND relforcerowsecurity ORDER BY relname";
        assert_eq!(read(forced), ["attempt", "task"], "as before");
        embedded::migrations::runner()
            .set_target(refinery::Target::Version(9))
            .run_async(&mut client)
            .await
            .unwrap();
        let items = "SELECT tenant || ' ' || collection || ' ' || id || ' ' || value FROM base_item
                     ORDER BY collection, id";
        let expected = [
            "kaist:lab rag index true",
            r#"kaist:lab rag name "둘 \"2\"""#,
            "kaist:lab rag none null",
            "kaist:lab rag size 1.5",
            r#"kaist:lab tasks tsk_1 {"seq":1,"done":false,"title":"하나"}"#,
            r#"kaist:lab youtube queue [1,"둘",{}]"#,
        ];
        assert_eq!(read(items), expected, "a base of one text is a row for each item");
        drop(client);
        driver.await.unwrap().unwrap();
        database.execute(&format!("DROP OWNED BY {owner} CASCADE; DROP ROLE {owner}"));
    }
}
