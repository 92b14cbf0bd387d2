//! A database of its own for each test, on a real Postgres. One body of tests, two engines: with
//! `NEXUS_TEST_ENGINE=postgres` every behaviour test runs on Postgres, without it on SQLite.
//!
//! Behaviour tests take theirs from a pool; a few databases `nexus_test_pool_…` stay on the server for
//! the next run.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test cannot have makes it fail"
)]

mod pool;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::{Client, Config, NoTls};

/// Which engine the behaviour tests run on: `postgres`, or `sqlite` (also when it is not set).
pub const ENGINE: &str = "NEXUS_TEST_ENGINE";

/// Names a Postgres whose role may make databases and roles.
pub const SERVER: &str = "NEXUS_TEST_POSTGRES";

const DEFAULT_SERVER: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// A database without a row, for nobody else.
#[derive(Debug)]
pub struct TestDatabase {
    server: String,
    name: String,
    /// Whether it stays on the server.
    stays: bool,
}

impl TestDatabase {
    /// One if the tests are to run on Postgres; `None` when they are to run on SQLite.
    pub fn of_engine() -> Option<Self> {
        match std::env::var(ENGINE).as_deref() {
            Ok("postgres") => Some(Self::of_pool()),
            Ok("sqlite") | Err(_) => None,
            Ok(other) => panic!("{ENGINE} is postgres or sqlite, not {other}"),
        }
    }

    /// One on Postgres, whatever the other tests run on: the first of a process is of the pool. Its
    /// tables may stand already, empty, and are to stay as they are: whoever changes tables takes a new
    /// one.
    pub fn of_pool() -> Self {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        if TAKEN.swap(true, Ordering::Relaxed) {
            return Self::new();
        }
        let server = server();
        Self { name: pool::take(&server), server, stays: true }
    }

    /// A new one on Postgres without any table, gone when this is dropped.
    #[expect(clippy::new_without_default, reason = "it makes something that lasts")]
    pub fn new() -> Self {
        let server = server();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nexus_test_{}_{count}", std::process::id());
        execute(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        execute(&server, &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"));
        Self { server, name, stays: false }
    }

    /// Its address, as the role that made it.
    pub fn url(&self) -> String {
        self.address(None)
    }

    /// Its address, as another role without a password.
    pub fn url_as(&self, role: &str) -> String {
        self.address(Some(role))
    }

    fn address(&self, role: Option<&str>) -> String {
        address(&self.server, &self.name, role)
    }

    /// Runs statements in it as the role that made it, past all row security.
    pub fn execute(&self, sql: &str) {
        execute(&self.url(), sql);
    }

    /// Lets connections in, or ends those that there are and lets no new one in.
    pub fn let_in(&self, open: bool) {
        let name = &self.name;
        execute(&self.server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {open}"));
        if !open {
            let end = format!(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                 WHERE datname = '{name}'"
            );
            execute(&self.server, &end);
        }
    }

    /// Every row of every table, as text.
    pub fn everything(&self) -> String {
        let tables = self.rows(
            "SELECT relname FROM pg_class WHERE relkind = 'r'
            AND relnamespace = 'public'::regnamespace",
        );
        let tables = tables.into_iter().filter_map(|row| row[0].clone());
        let rows = tables.flat_map(|table| self.rows(&format!("SELECT t::text FROM {table} t")));
        rows.filter_map(|row| row[0].clone()).collect::<Vec<_>>().join("\n")
    }

    /// The rows of a query, every column as text.
    pub fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let (url, sql) = (self.url(), sql.to_owned());
        apart(move |runtime| {
            let client = runtime.block_on(connect(&url));
            let messages = runtime.block_on(client.simple_query(&sql)).expect("a query");
            let rows = messages.into_iter().filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect())
                }
                _ => None,
            });
            rows.collect()
        })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if !self.stays {
            let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            execute(&self.server, &sql);
        }
    }
}

fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| DEFAULT_SERVER.to_owned())
}

/// The address of a database of a server.
fn address(server: &str, name: &str, role: Option<&str>) -> String {
    let config: Config = server.parse().expect("an address of Postgres");
    let host = match &config.get_hosts()[0] {
        tokio_postgres::config::Host::Tcp(host) => host.clone(),
        tokio_postgres::config::Host::Unix(path) => path.display().to_string().replace('/', "%2F"),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let user = role.or(config.get_user()).unwrap_or("postgres");
    let password = config.get_password().filter(|_| role.is_none());
    let password = password.map(|p| format!(":{}", String::from_utf8_lossy(p)));
    format!("postgres://{user}{}@{host}:{port}/{name}", password.unwrap_or_default())
}

fn execute(url: &str, sql: &str) {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    apart(move |runtime| {
        let client = runtime.block_on(connect(&url));
        let done = runtime.block_on(client.batch_execute(&sql));
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    });
}

async fn connect(url: &str) -> Client {
    let config: Config = url.parse().expect("an address of Postgres");
    let (client, connection) = config.connect(NoTls).await.unwrap_or_else(|error| {
        panic!("{SERVER} must name a Postgres that tests can use: {error}")
    });
    Handle::current().spawn(connection);
    client
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// On a thread of its own, because tests are inside a runtime already.
fn apart<T: Send + 'static>(work: impl FnOnce(&Runtime) -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(move || work(&runtime()));
    thread.join().expect("the database does as it is told")
}
