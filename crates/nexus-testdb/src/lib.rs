//! A database of its own for each test, on the Postgres that [`VARIABLE`] names; without it, tests
//! run on SQLite. One body of tests, two engines.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot have makes it fail"
)]

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, Config, NoTls};

/// Names a Postgres whose role may make databases and roles:
/// `postgres://postgres@127.0.0.1:5432/postgres`.
pub const VARIABLE: &str = "NEXUS_TEST_DATABASE_URL";

/// A new, empty database; gone when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    server: String,
    name: String,
}

impl TestDatabase {
    /// One on the Postgres that the environment names; `None` when tests are to run on SQLite.
    pub fn from_env() -> Option<Self> {
        let server = std::env::var(VARIABLE).ok().filter(|server| !server.is_empty())?;
        Some(Self::on(server))
    }

    /// One on a Postgres.
    pub fn on(server: String) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nexus_test_{}_{count}", std::process::id());
        execute(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        execute(&server, &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"));
        Self { server, name }
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
        let config: Config = self.server.parse().expect("an address of Postgres");
        let host = match &config.get_hosts()[0] {
            tokio_postgres::config::Host::Tcp(host) => host.clone(),
            tokio_postgres::config::Host::Unix(path) => {
                path.display().to_string().replace('/', "%2F")
            }
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let user = role.or(config.get_user()).unwrap_or("postgres");
        let password = config.get_password().filter(|_| role.is_none());
        let password = password.map(|p| format!(":{}", String::from_utf8_lossy(p)));
        format!("postgres://{user}{}@{host}:{port}/{}", password.unwrap_or_default(), self.name)
    }

    /// Runs statements in it as the role that made it, past all row security.
    pub fn execute(&self, sql: &str) {
        execute(&self.url(), sql);
    }

    /// The rows of a query, every column as text.
    pub fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let (url, sql) = (self.url(), sql.to_owned());
        apart(move |runtime| {
            let client = connect(runtime, &url);
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
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        execute(&self.server, &sql);
    }
}

fn execute(url: &str, sql: &str) {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    apart(move |runtime| {
        let client = connect(runtime, &url);
        let done = runtime.block_on(client.batch_execute(&sql));
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    });
}

fn connect(runtime: &tokio::runtime::Runtime, url: &str) -> Client {
    let config: Config = url.parse().expect("an address of Postgres");
    let connected = runtime.block_on(config.connect(NoTls));
    let (client, connection) = connected
        .unwrap_or_else(|error| panic!("{VARIABLE} names a Postgres that cannot be used: {error}"));
    runtime.spawn(connection);
    client
}

/// On a thread of its own, because tests are inside a runtime already.
fn apart<T: Send + 'static>(
    work: impl FnOnce(&tokio::runtime::Runtime) -> T + Send + 'static,
) -> T {
    let thread = std::thread::spawn(move || {
        let builder = tokio::runtime::Builder::new_current_thread().enable_all().build();
        work(&builder.unwrap())
    });
    thread.join().expect("the database does as it is told")
}
