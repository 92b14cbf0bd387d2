//! Migrations: forwards only, each in a transaction of its own.

use std::path::Path;

use rusqlite::Connection;

use crate::db::{DbError, Migrated, newer_store};

mod sqlite {
    refinery::embed_migrations!("migrations/sqlite");
}

/// Brings the store to this version.
pub(super) fn run(path: &Path) -> Result<Migrated, DbError> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let failed = |error: refinery::Error| DbError::Failed(format!("a migration failed: {error}"));
    let runner = sqlite::migrations::runner();
    let from = version(&connection)?;
    let newest = runner.get_migrations().iter().map(refinery::Migration::version).max();
    let to = newest.unwrap_or_default();
    if from.is_some_and(|from| from > to) {
        return Err(newer_store(from.unwrap_or_default(), to));
    }
    runner.run(&mut connection).map_err(failed)?;
    Ok(Migrated { from, to })
}

/// The version that a file has; none for a new one.
fn version(connection: &Connection) -> Result<Option<i32>, DbError> {
    let known = connection.table_exists(None, "refinery_schema_history")?;
    let newest = "SELECT MAX(version) FROM refinery_schema_history";
    if !known {
        return Ok(None);
    }
    Ok(connection.query_row(newest, [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sample rows for each migration, as users would have them before the next one comes.
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

    #[test]
    fn every_migration_runs_on_a_store_that_is_not_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nexus.db");
        let mut connection = Connection::open(&path).unwrap();
        let runner = sqlite::migrations::runner();
        let mut versions: Vec<i32> =
            runner.get_migrations().iter().map(|migration| migration.version()).collect();
        // They are listed by the names of their files, and run by their numbers.
        versions.sort_unstable();
        let sampled: Vec<i32> = SAMPLES.iter().map(|(version, _)| *version).collect();
        assert_eq!(versions, sampled, "each migration needs a sample");
        for (version, sample) in SAMPLES {
            let target = refinery::Target::Version(*version);
            sqlite::migrations::runner().set_target(target).run(&mut connection).unwrap();
            connection.execute_batch(sample).unwrap();
        }
        drop(connection);
        let newest = sampled.last().copied().unwrap();
        assert_eq!(run(&path).unwrap(), Migrated { from: Some(newest), to: newest });
    }

    /// A store with the samples before a version, brought to that version.
    fn before(version: i32) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        for (at, sample) in SAMPLES.iter().filter(|(at, _)| *at <= version) {
            let target = refinery::Target::Version(*at);
            sqlite::migrations::runner().set_target(target).run(&mut connection).unwrap();
            connection.execute_batch(if *at < version { sample } else { "" }).unwrap();
        }
        connection
    }

    fn read(connection: &Connection, sql: &str) -> Vec<String> {
        let mut found = connection.prepare(sql).unwrap();
        let rows = found.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.collect::<Result<Vec<String>, _>>().unwrap()
    }

    #[test]
    fn a_base_of_one_text_is_a_row_for_each_item() {
        let store = before(9);
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
        assert_eq!(read(&store, items), expected);
    }

    #[test]
    fn what_failed_before_there_were_boxes_stands_in_them() {
        let store = before(5);
        let read = |sql: &str| read(&store, sql);
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
    }

    #[test]
    fn a_migration_that_fails_in_the_middle_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nexus.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE worklog (somebody_elses BIGINT)").unwrap();
        let refused = run(&path).unwrap_err().to_string();
        assert!(refused.contains("already exists"), "{refused}");
        let tables = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'
                      AND name NOT IN ('worklog', 'refinery_schema_history')";
        let left = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(left(tables), 0, "no table of ours");
        assert_eq!(left("SELECT COUNT(*) FROM refinery_schema_history"), 0);
        connection.execute_batch("DROP TABLE worklog").unwrap();
        assert_eq!(run(&path).unwrap().from, None);
    }

    #[test]
    fn a_store_of_a_newer_program_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nexus.db");
        run(&path).unwrap();
        let connection = Connection::open(&path).unwrap();
        let newer = "UPDATE refinery_schema_history SET version = version + 100";
        connection.execute_batch(newer).unwrap();
        assert!(run(&path).unwrap_err().to_string().contains("newer program"));
    }
}
