//! Under which role requests are served: one that owns no table and cannot look past row security.
//!
//! Either `DATABASE_URL` names such a role and `DATABASE_OWNER_URL` the owner of the tables, or
//! `DATABASE_URL` names the owner alone, and every session puts itself under [`APP_ROLE`], which is
//! made if need be.

use tokio_postgres::Client;

use super::connect::Connector;
use super::{apart, migrate};
use crate::db::{DbError, Migrated};
use crate::settings::Store;

/// The role that sessions of the owner put themselves under.
const APP_ROLE: &str = "nexus_app";

/// Before it a statement's statistics could show rows that row security hides (CVE-2025-8713).
const OLDEST_SAFE: [(i32, i32); 3] = [(15, 150_014), (16, 160_010), (17, 170_006)];

/// Tables without row security: they hold nothing of a tenant.
const WITHOUT_TENANT: [&str; 2] = ["refinery_schema_history", "webhook_seen"];

fn unusable(text: impl Into<String>) -> DbError {
    DbError::Unusable(text.into())
}

/// Migrates, grants, checks, and says how requests are served.
pub(super) fn prepare(settings: &Store) -> Result<(Connector, Migrated), DbError> {
    let two = !settings.owner_url.is_empty();
    let (setting, url) = match two {
        true => ("DATABASE_OWNER_URL", &settings.owner_url),
        false => ("DATABASE_URL", &settings.database_url),
    };
    let owner = Connector::new(setting, url)?;
    let app = Connector::new("DATABASE_URL", &settings.database_url)?;
    apart(async move {
        let mut client = reach(setting, &owner).await?;
        check_server(&client).await?;
        if !two && let Some(migrated) = served_already(&client).await? {
            check(&client, "DATABASE_URL").await?;
            return Ok((app, migrated));
        }
        may_make_tables(&client, setting).await?;
        let migrated = migrate::run(&mut client).await?;
        let (app, role) = match two {
            true => {
                let user = text(&reach("DATABASE_URL", &app).await?, "SELECT current_user").await?;
                (app, user)
            }
            false => {
                make_role(&client).await?;
                (app.under(Some(APP_ROLE)), APP_ROLE.to_owned())
            }
        };
        grant(&client, &role).await?;
        check(&reach("DATABASE_URL", &app).await?, "DATABASE_URL").await?;
        Ok((app, migrated))
    })
}

/// How requests are served on a database that is ready.
pub(super) fn served(settings: &Store) -> Result<Connector, DbError> {
    let app = Connector::new("DATABASE_URL", &settings.database_url)?;
    apart(async move {
        let client = reach("DATABASE_URL", &app).await?;
        if migrate::version(&client).await? != Some(migrate::newest()) {
            return Err(unusable("the database is of another version; run nexus migrate"));
        }
        match check(&client, "DATABASE_URL").await {
            Ok(()) => Ok(app),
            Err(_) => Ok(app.under(Some(APP_ROLE))),
        }
    })
}

async fn reach(setting: &str, connector: &Connector) -> Result<Client, DbError> {
    connector.connect().await.map_err(|error| match error {
        DbError::Unreachable(why) | DbError::Failed(why) => {
            unusable(format!("{setting}: Postgres cannot be used: {why}"))
        }
        other => other,
    })
}

async fn text(client: &Client, sql: &str) -> Result<String, DbError> {
    Ok(client.query_one(sql, &[]).await?.try_get(0)?)
}

async fn check_server(client: &Client) -> Result<(), DbError> {
    let version = text(client, "SELECT current_setting('server_version_num')").await?;
    let version: i32 = version.parse().unwrap_or_default();
    if version < 150_000 {
        return Err(unusable("Postgres 15 or newer is needed"));
    }
    if text(client, "SELECT current_setting('server_encoding')").await? != "UTF8" {
        return Err(unusable(
            "the database's encoding must be UTF8: CREATE DATABASE … ENCODING 'UTF8'",
        ));
    }
    let floor = OLDEST_SAFE.iter().find(|(major, _)| *major == version / 10_000);
    if floor.is_some_and(|(_, floor)| version < *floor) {
        tracing::warn!(
            version,
            "this Postgres has a known hole in row-level security (CVE-2025-8713); update it"
        );
    }
    Ok(())
}

/// Whether the role of `DATABASE_URL` is one that serves and the database is ready for it.
async fn served_already(client: &Client) -> Result<Option<Migrated>, DbError> {
    let newest = migrate::newest();
    let version = migrate::version(client).await?;
    if version != Some(newest) || check(client, "DATABASE_URL").await.is_err() {
        return Ok(None);
    }
    Ok(Some(Migrated { from: version, to: newest }))
}

/// Whether this role can be the owner of tables.
async fn may_make_tables(client: &Client, setting: &str) -> Result<(), DbError> {
    let sql = "SELECT COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false)";
    if client.query_one(sql, &[]).await?.try_get(0)? {
        return Ok(());
    }
    let version = migrate::version(client).await?;
    let stands = version.map_or("has no tables yet".to_owned(), |v| format!("is of version {v}"));
    Err(unusable(format!(
        "{setting}: the database {stands}, version {} is needed, and this role may not make tables. \
         Run nexus migrate with the owner as DATABASE_OWNER_URL",
        migrate::newest()
    )))
}

/// Makes the role that sessions put themselves under, and lets this one do so.
async fn make_role(client: &Client) -> Result<(), DbError> {
    let made = client
        .batch_execute(&format!(
            "DO $$ BEGIN
                 IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
                     CREATE ROLE {APP_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE
                         NOINHERIT;
                 END IF;
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
             END $$;
             DO $$ BEGIN
                 IF NOT pg_has_role(current_user, '{APP_ROLE}', 'MEMBER') THEN
                     EXECUTE format('GRANT {APP_ROLE} TO %I', current_user);
                 END IF;
             END $$"
        ))
        .await;
    made.map_err(|error| {
        unusable(format!(
            "DATABASE_URL names a role that owns the tables or can bypass row security, and it may \
             not put itself under another ({}). Either let an administrator run: CREATE ROLE \
             {APP_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS; GRANT {APP_ROLE} TO <that role>; or give \
             the owner as DATABASE_OWNER_URL and a plain role as DATABASE_URL",
            DbError::from(error)
        ))
    })
}

/// What the serving role may do: rows, not tables. The audit log is only added to; its details can
/// be erased, its chain cannot.
async fn grant(client: &Client, role: &str) -> Result<(), DbError> {
    let schema = text(client, "SELECT quote_ident(current_schema())").await?;
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let sql = format!(
        "GRANT USAGE ON SCHEMA {schema} TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
         REVOKE INSERT, UPDATE, DELETE ON refinery_schema_history FROM {role};
         REVOKE UPDATE, DELETE ON audit FROM {role};
         GRANT UPDATE (salt, details) ON audit TO {role}"
    );
    client.batch_execute(&sql).await.map_err(|error| {
        let why = DbError::from(error);
        unusable(format!("the role {role} cannot be given its rights on the tables: {why}"))
    })
}

/// Refuses a role that row security does not bind.
async fn check(client: &Client, setting: &str) -> Result<(), DbError> {
    let row = client
        .query_one(
            "SELECT rolname::text, rolsuper, rolbypassrls,
                 (SELECT MIN(relname)::text FROM pg_class
                  WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
                      AND pg_has_role(current_user, relowner, 'USAGE')),
                 (SELECT MIN(relname)::text FROM pg_class
                  WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
                      AND NOT (relrowsecurity AND relforcerowsecurity)
                      AND relname <> ALL ($1::text[]::name[]))
             FROM pg_roles WHERE rolname = current_user",
            &[&WITHOUT_TENANT.as_slice()],
        )
        .await?;
    let role: String = row.try_get(0)?;
    let refused = |why: String| {
        Err(unusable(format!(
            "{setting}: the role {role} {why}, so that a forgotten condition could show one tenant \
             another's rows. Use a plain role that owns nothing, with the owner as \
             DATABASE_OWNER_URL"
        )))
    };
    if row.try_get(1)? {
        return refused("is a superuser".to_owned());
    }
    if row.try_get(2)? {
        return refused("can bypass row security (BYPASSRLS)".to_owned());
    }
    if let Some(table) = row.try_get::<_, Option<String>>(3)? {
        return refused(format!("owns the table {table}"));
    }
    match row.try_get::<_, Option<String>>(4)? {
        Some(table) => Err(unusable(format!("row security is off for the table {table}"))),
        None => Ok(()),
    }
}
