//! How connections are made: address, encryption, role.

use std::net::IpAddr;
use std::time::Duration;

use rustls_platform_verifier::ConfigVerifierExt as _;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::db::DbError;
use crate::settings::Secret;

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a peer may be silent before the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(20);

/// What a session waits for at most, so that nothing hangs for ever: a lock, a statement, this
/// program in the middle of a transaction. And plans that stay right: every query here has its index,
/// but a plan that was made while a table was empty would read all of it for as long as it is kept. A
/// page that is read alone costs no more than its neighbours: there is no disk arm to move, and where
/// it is taken to cost four times as much, counting by an index alone looks dearer than it is.
const LIMITS: &str = "SET lock_timeout = '10s'; SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = 'warning';
    SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off;
    SET random_page_cost = 1.1";

/// Makes connections of one kind.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    role: Option<String>,
    limits: bool,
}

fn bad(setting: &str, why: impl std::fmt::Display) -> DbError {
    DbError::Unusable(format!("{setting}: {why}"))
}

impl Connector {
    /// For the address in a setting.
    ///
    /// # Errors
    /// When it is no address of Postgres. The text never repeats it: it holds a password.
    pub fn new(setting: &str, url: &Secret) -> Result<Self, DbError> {
        let mut config: Config = url.expose().parse().map_err(|error: tokio_postgres::Error| {
            use std::error::Error as _;
            bad(setting, error.source().map_or_else(|| error.to_string(), ToString::to_string))
        })?;
        if config.get_hosts().is_empty() {
            return Err(bad(setting, "it names no host"));
        }
        config.application_name("nexus").keepalives_idle(SILENCE).tcp_user_timeout(SILENCE);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        let tls = encryption(&mut config).map_err(|error| bad(setting, error))?;
        Ok(Self { config, tls, role: None, limits: false })
    }

    /// The same, but every connection puts itself under this role.
    pub fn under(self, role: Option<&str>) -> Self {
        Self { role: role.map(str::to_owned), ..self }
    }

    /// The same, but nothing may wait for ever.
    pub fn limited(self) -> Self {
        Self { limits: true, ..self }
    }

    /// Connects; the connection is driven by the runtime that this is called in.
    pub async fn connect(&self) -> Result<Client, DbError> {
        let client = match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                drive(connection);
                client
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                drive(connection);
                client
            }
        };
        if self.limits {
            client.batch_execute(LIMITS).await?;
        }
        if let Some(role) = &self.role {
            client.batch_execute(&format!("SET ROLE \"{role}\"")).await?;
        }
        Ok(client)
    }
}

fn drive<S, T>(connection: tokio_postgres::Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    tokio::runtime::Handle::current().spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to Postgres ended");
        }
    });
}

/// On this machine plain; anywhere else encrypted and verified, unless the address says
/// `sslmode=disable`.
fn encryption(config: &mut Config) -> Result<Option<MakeRustlsConnect>, rustls::Error> {
    let here = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
    });
    match (config.get_ssl_mode(), here) {
        (SslMode::Disable, _) | (SslMode::Prefer, true) => {
            config.ssl_mode(SslMode::Disable);
            Ok(None)
        }
        _ => {
            config.ssl_mode(SslMode::Require);
            let trust = rustls::ClientConfig::with_platform_verifier()?;
            Ok(Some(MakeRustlsConnect::new(trust)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        Connector::new("DATABASE_URL", &Secret::new(url)).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn only_this_machine_and_who_says_so_is_spoken_to_in_the_clear() {
        for url in [
            "postgres://u@127.0.0.1/db",
            "postgres://u@localhost/db",
            "postgres://u@[::1]/db",
            "postgres://u@%2Frun%2Fpostgresql/db",
            "postgres://u@db.example.com/db?sslmode=disable",
        ] {
            assert_eq!(mode(url), SslMode::Disable, "{url}");
        }
        for url in ["postgres://u@db.example.com/db", "postgres://u@127.0.0.1/db?sslmode=require"] {
            assert_eq!(mode(url), SslMode::Require, "{url}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_used_is_named_by_its_setting_and_not_repeated() {
        for url in ["postgres://u:hunter2@h:port/db", "mysql://u:hunter2@h/db", "postgres:///db"] {
            let Err(error) = Connector::new("DATABASE_URL", &Secret::new(url)) else {
                panic!("{url} is no address");
            };
            let error = error.to_string();
            assert!(error.contains("DATABASE_URL") && !error.contains("hunter2"), "{error}");
        }
    }
}
