//! Migrations: forwards only, each in a transaction of its own.

use std::path::Path;

use rusqlite::Connection;

use super::DbError;

mod sqlite {
    refinery::embed_migrations!("migrations/sqlite");
}

/// Brings the store to this version.
pub(super) fn run(path: &Path) -> Result<(), DbError> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    sqlite::migrations::runner()
        .run(&mut connection)
        .map_err(|error| DbError::Failed(format!("a migration failed: {error}")))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sample rows for each migration, as users would have them before the next one comes.
    const SAMPLES: &[(i32, &str)] = &[
        (1, include_str!("../../migrations/samples/V1.sql")),
        (2, include_str!("../../migrations/samples/V2.sql")),
    ];

    #[test]
    fn every_migration_runs_on_a_store_that_is_not_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nexus.db");
        let mut connection = Connection::open(&path).unwrap();
        let runner = sqlite::migrations::runner();
        let versions: Vec<i32> =
            runner.get_migrations().iter().map(|migration| migration.version()).collect();
        let sampled: Vec<i32> = SAMPLES.iter().map(|(version, _)| *version).collect();
        assert_eq!(versions, sampled, "each migration needs a sample");
        for (version, sample) in SAMPLES {
            let target = refinery::Target::Version(*version);
            sqlite::migrations::runner().set_target(target).run(&mut connection).unwrap();
            connection.execute_batch(sample).unwrap();
        }
        drop(connection);
        run(&path).unwrap();
        run(&path).unwrap();
    }
}
