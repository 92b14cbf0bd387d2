//! Settings: one typed struct per concern. Tests build the structs; only the binary reads files and
//! the environment, through [`load`], by the one table in [`table`].

mod alerts;
mod check;
pub mod docs;
mod dotenv;
pub mod keys;
pub mod load;
mod sources;
pub mod table;
mod table_agents;
mod table_alerts;
mod table_failures;
mod table_operations;
mod table_people;
mod table_reserved;
mod table_tasks;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use alerts::{Alerts, Mail, MailTls};

/// A value that never shows itself: `Debug` and `Display` print dots.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself; keep it out of logs, errors and answers.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is empty, which closes the door that it would open.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "(empty)" } else { "•••" })
    }
}

/// Everything that can be set.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where it listens and what a connection may do.
    pub http: Http,
    /// Keys of programs.
    pub keys: Keys,
    /// Where data lives and how it is written.
    pub store: Store,
    /// The stream.
    pub stream: Stream,
    /// Approvals.
    pub approval: Approval,
    /// People: passwords, sessions, tries to sign in.
    pub people: People,
    /// Tasks and their retries.
    pub tasks: Tasks,
    /// What failed for good.
    pub failures: Failures,
    /// Bulk operations on it.
    pub operations: Operations,
    /// The autopilot.
    pub autopilot: Autopilot,
    /// YouTube.
    pub youtube: Youtube,
    /// Runbooks.
    pub runbooks: Runbooks,
    /// Alerts.
    pub alerts: Alerts,
    /// How mail leaves.
    pub mail: Mail,
    /// What may be called outside.
    pub egress: Egress,
    /// Logs.
    pub log: Log,
    /// What the commands of the terminal use to find a server.
    pub client: Client,
}

/// `NEXUS_BIND` and the bounds of a connection.
#[derive(Clone, Debug)]
pub struct Http {
    /// `NEXUS_BIND`: address and port.
    pub bind: SocketAddr,
    /// `NEXUS_PUBLIC_URL`: where people reach this server, without a slash at the end; empty for the
    /// address that it listens on.
    pub public_url: String,
    /// `NEXUS_ALLOW_PLAIN_HTTP`: plain HTTP on more than loopback.
    pub allow_plain_http: bool,
    /// `NEXUS_MAX_BODY_BYTES`: largest request body.
    pub max_body_bytes: usize,
    /// `NEXUS_MAX_HEADER_BYTES`: request line and headers together.
    pub max_header_bytes: usize,
    /// `NEXUS_MAX_HEADERS`: number of headers.
    pub max_headers: usize,
    /// `NEXUS_MAX_URI_BYTES`: path and query.
    pub max_uri_bytes: usize,
    /// `NEXUS_HEADER_TIMEOUT_SECONDS`: from the first byte (or the answer before) to the last header.
    pub header_timeout: Duration,
    /// `NEXUS_BODY_TIMEOUT_SECONDS`: for a whole body.
    pub body_timeout: Duration,
    /// `NEXUS_MAX_CONNECTIONS`: at once.
    pub max_connections: usize,
    /// `NEXUS_SHUTDOWN_SECONDS`: how long a shutdown waits for what is running.
    pub shutdown: Duration,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 8000)),
            public_url: String::new(),
            allow_plain_http: false,
            max_body_bytes: 1 << 20,
            max_header_bytes: 16 << 10,
            max_headers: 64,
            max_uri_bytes: 8 << 10,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            max_connections: 10_000,
            shutdown: Duration::from_secs(20),
        }
    }
}

/// Keys of programs; an empty one closes its door.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// `NEXUS_API_KEY`: an operator of every tenant, never an approver.
    pub service: Secret,
    /// `ADMIN_API_KEY`: the platform admin.
    pub admin: Secret,
}

/// The store.
#[derive(Clone, Debug)]
pub struct Store {
    /// `NEXUS_DATA_DIR`.
    pub data_dir: PathBuf,
    /// `NEXUS_STORE_QUEUE`: writes that may wait, and as many queries; one more is answered 503.
    pub queue: usize,
    /// `NEXUS_STORE_TENANT_QUEUE`: how many of them may be one tenant's.
    pub tenant_queue: usize,
    /// `NEXUS_STORE_BATCH`: writes that share one commit at most.
    pub batch: usize,
    /// `NEXUS_STORE_READERS`: read connections.
    pub readers: usize,
    /// `DATABASE_URL`: Postgres instead of SQLite; empty for SQLite.
    pub database_url: Secret,
    /// `DATABASE_OWNER_URL`: Postgres as the owner of the tables.
    pub owner_url: Secret,
    /// `NEXUS_NODE_WAIT_SECONDS`: how long a start waits for the node before it to end.
    pub node_wait: Duration,
    /// `NEXUS_STORE_WRITERS`: connections to Postgres that write.
    pub writers: usize,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./data"),
            queue: 4096,
            tenant_queue: 2048,
            batch: 256,
            readers: 2,
            database_url: Secret::default(),
            owner_url: Secret::default(),
            node_wait: Duration::from_secs(10),
            writers: 8,
        }
    }
}

/// The stream.
#[derive(Clone, Debug)]
pub struct Stream {
    /// `STREAM_EVENT_KEEP`: newest reports that can be replayed.
    pub event_keep: u64,
    /// `STREAM_WORKLOG_KEEP`: worklog lines in the view.
    pub worklog_keep: usize,
    /// `STREAM_MAX_PER_TENANT`: open streams of one tenant.
    pub max_per_tenant: usize,
    /// `STREAM_IDLE_SECONDS`: a stream without a report ends after this, less up to 20 %.
    pub idle: Duration,
    /// `STREAM_PING_SECONDS`.
    pub ping: Duration,
    /// `STREAM_OPENS_PER_MINUTE`: attempts to open a stream by one principal in a tenant.
    pub opens_per_minute: u64,
    /// `STREAM_ROTATE_SECONDS`: a stream ends after this, less up to 20 %, reports or not.
    pub rotate: Duration,
    /// `STREAM_STUCK_SECONDS`: a reader that takes nothing for so long is cut off.
    pub stuck: Duration,
    /// `STREAM_DRAIN_SECONDS`: the window over which a shutdown ends streams.
    pub drain: Duration,
    /// `STREAM_RING_BYTES`: encoded reports of a tenant that are kept in memory, of each class.
    pub ring_bytes: usize,
    /// `STREAM_THREADS`: threads that write streams; 0 for one for each two cores.
    pub threads: usize,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            event_keep: 2000,
            worklog_keep: 200,
            max_per_tenant: 100,
            idle: Duration::from_secs(300),
            ping: Duration::from_secs(30),
            opens_per_minute: 60,
            rotate: Duration::from_secs(3_600),
            stuck: Duration::from_secs(20),
            drain: Duration::from_secs(5),
            ring_bytes: 8 << 20,
            threads: 0,
        }
    }
}

/// Approvals.
#[derive(Clone, Debug)]
pub struct Approval {
    /// `APPROVAL_TIMEOUT_SECONDS`; a rule can only shorten it.
    pub timeout: Duration,
    /// `APPROVAL_QUORUM`: approvers needed.
    pub quorum: u32,
    /// `APPROVAL_REQUIRE_OTHER_PERSON`: approver and requester differ.
    pub require_other_person: bool,
}

impl Default for Approval {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(300), quorum: 1, require_other_person: false }
    }
}

/// People.
#[derive(Clone, Debug)]
pub struct People {
    /// `NEXUS_SESSION_IDLE_SECONDS`: a session without a request of its person ends after this.
    pub session_idle: Duration,
    /// `NEXUS_SESSION_SECONDS`: a session ends after this, whatever happens.
    pub session: Duration,
    /// `NEXUS_PASSWORD_MEMORY_KIB`: memory of one Argon2id hash.
    pub password_memory_kib: u32,
    /// `NEXUS_PASSWORD_PASSES`: passes of Argon2id.
    pub password_passes: u32,
    /// `NEXUS_PASSWORD_LANES`: lanes of Argon2id.
    pub password_lanes: u32,
    /// `NEXUS_LOGIN_TRIES`: failures of an account from one address within the window.
    pub login_tries: u64,
    /// `NEXUS_LOGIN_WINDOW_SECONDS`: that window, and the longest wait.
    pub login_window: Duration,
    /// `NEXUS_LOGIN_TRIES_PER_ACCOUNT`: failures of an account within an hour.
    pub login_tries_per_account: u64,
    /// `NEXUS_LOGIN_TRIES_PER_ADDRESS`: failures from an address within an hour.
    pub login_tries_per_address: u64,
    /// `NEXUS_LOGIN_BACKOFF_SECONDS`: the first wait beyond those two, which doubles.
    pub login_backoff: Duration,
}

impl Default for People {
    fn default() -> Self {
        Self {
            session_idle: Duration::from_secs(1_800),
            session: Duration::from_secs(43_200),
            password_memory_kib: 19_456,
            password_passes: 2,
            password_lanes: 1,
            login_tries: 5,
            login_window: Duration::from_secs(900),
            login_tries_per_account: 20,
            login_tries_per_address: 100,
            login_backoff: Duration::from_secs(30),
        }
    }
}

/// Tasks.
#[derive(Clone, Debug)]
pub struct Tasks {
    /// `MAX_RETRIES`.
    pub max_retries: u32,
    /// `RETRY_DELAYS_SECONDS`: the wait before each retry; the last one repeats.
    pub retry_delays: Vec<Duration>,
    /// `TASK_LOCK_TTL_SECONDS`: how long a claim holds without a heartbeat.
    pub lock_ttl: Duration,
    /// `TASK_TTL_SECONDS`: how long finished tasks are kept.
    pub ttl: Duration,
    /// `TASK_WORKERS`: tasks that the built-in agents perform at once.
    pub workers: usize,
    /// `TASK_CANCEL_GRACE_SECONDS`: how long an outside attempt may go on after it was called off.
    pub cancel_grace: Duration,
    /// `TASK_TENANT_CONCURRENCY`: tasks of one tenant that run at once.
    pub tenant_concurrency: Option<u32>,
    /// `TASK_TYPE_CONCURRENCY`: the same of a type in one tenant, unless the type says otherwise.
    pub type_concurrency: BTreeMap<String, u32>,
    /// `TASK_TENANT_WEIGHTS`: shares of tenants, by `{org}:{project}`; 1 for those without one.
    pub tenant_weights: BTreeMap<String, u32>,
    /// `CALLBACK_SIGNATURE_SECRET`: one secret, or two separated by a comma during rotation.
    pub callback_secret: Secret,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            max_retries: 3,
            retry_delays: [5, 30, 300].map(Duration::from_secs).to_vec(),
            lock_ttl: Duration::from_secs(60),
            ttl: Duration::from_secs(604_800),
            workers: 256,
            cancel_grace: Duration::from_secs(60),
            tenant_concurrency: None,
            type_concurrency: BTreeMap::new(),
            tenant_weights: BTreeMap::new(),
            callback_secret: Secret::default(),
        }
    }
}

/// What failed for good.
#[derive(Clone, Debug)]
pub struct Failures {
    /// `AUTO_REQUEUE_FAILURE_CODES`, `AUTO_HOLD_FAILURE_CODES`, `AUTO_ALARM_FAILURE_CODES` and
    /// `ENFORCE_ALARM_NO_REQUEUE`: the policy of tenants that have none of their own.
    pub policy: nexus_core::triage::Policy,
    /// `DLQ_APPLY_MAX_AGE_SECONDS`: the oldest dead letter that applying the policy touches.
    pub apply_max_age: Duration,
}

impl Default for Failures {
    fn default() -> Self {
        Self { policy: Default::default(), apply_max_age: Duration::from_secs(86_400) }
    }
}

/// Bulk operations on what failed for good.
#[derive(Clone, Debug)]
pub struct Operations {
    /// `DLQ_RED_ABOVE`: a requeue or purge of more tasks waits for a yes.
    pub red_above: u64,
    /// `DLQ_MAX_TASKS`: tasks of one operation.
    pub max_tasks: u64,
    /// `DLQ_PER_SECOND`: tasks a second where nobody says; 0 for no limit.
    pub per_second: u64,
    /// `DLQ_OPERATIONS_AT_ONCE`: of each tenant.
    pub at_once: u32,
    /// `DLQ_CANARY_FAILED_PERCENT`: more than this share of a canary that fails again stops the rest.
    pub canary_percent: u64,
    /// `DLQ_AUTO_MAX_RUNS`: runs after which policy requeues a task no more.
    pub auto_max_runs: u32,
    /// `DLQ_APPLY_EVERY_SECONDS`: how often the policy is applied by itself; zero for never.
    pub apply_every: Duration,
    /// `DLQ_APPLY_MAX_REQUEUE`.
    pub apply_max_requeue: u64,
    /// `DLQ_APPLY_MAX_HOLD`.
    pub apply_max_hold: u64,
    /// `DLQ_APPLY_MAX_ALARM`.
    pub apply_max_alarm: u64,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            red_above: 100,
            max_tasks: 200_000,
            per_second: 50,
            at_once: 8,
            canary_percent: 20,
            auto_max_runs: 3,
            apply_every: Duration::ZERO,
            apply_max_requeue: 100,
            apply_max_hold: 1_000,
            apply_max_alarm: 1_000,
        }
    }
}

/// The autopilot: what bounds a run.
#[derive(Clone, Debug)]
pub struct Autopilot {
    /// `AUTOPILOT_MAX_STEPS`.
    pub max_steps: usize,
    /// `AUTOPILOT_MAX_SECONDS`: from the message to the end, waiting for decisions included.
    pub max_time: Duration,
}

impl Default for Autopilot {
    fn default() -> Self {
        Self { max_steps: 20, max_time: Duration::from_secs(3_600) }
    }
}

/// YouTube; without a key there is no search.
#[derive(Clone, Debug)]
pub struct Youtube {
    /// `YOUTUBE_API_KEY`.
    pub api_key: Secret,
    /// `YOUTUBE_API_URL`: where the Data API v3 is, without a slash at the end.
    pub api_url: String,
    /// `YOUTUBE_DEFAULT_REGION`: of a search that names none.
    pub region: String,
    /// `YOUTUBE_DEFAULT_LANGUAGE`: of a search that names none.
    pub language: String,
}

impl Default for Youtube {
    fn default() -> Self {
        Self {
            api_key: Secret::default(),
            api_url: "https://www.googleapis.com/youtube/v3".into(),
            region: "KR".into(),
            language: "ko".into(),
        }
    }
}

/// Runbooks.
#[derive(Clone, Debug, Default)]
pub struct Runbooks {
    /// `RUNBOOK_BASE_URL`: where an own copy stands, without a slash at the end; empty for this
    /// server's.
    pub base_url: String,
}

impl Runbooks {
    /// Where the runbook of a code stands: below `RUNBOOK_BASE_URL`, or the path on this server.
    pub fn url(&self, code: nexus_core::failure::FailureCode) -> String {
        let base = if self.base_url.is_empty() { "/runbooks" } else { &self.base_url };
        format!("{base}/{code}")
    }
}

/// What may be called outside.
#[derive(Clone, Debug)]
pub struct Egress {
    /// `EGRESS_ALLOW`: hosts, `host:port`, addresses or networks that may be called although the
    /// guard would refuse them; comma-separated.
    pub allow: Vec<String>,
    /// `NEXUS_EGRESS_TIMEOUT_SECONDS`: for one call, from name look-up to the last byte.
    pub timeout: Duration,
    /// `NEXUS_EGRESS_MAX_ANSWER_BYTES`: what is read of an answer.
    pub max_answer_bytes: usize,
}

impl Default for Egress {
    fn default() -> Self {
        Self { allow: Vec::new(), timeout: Duration::from_secs(10), max_answer_bytes: 64 << 10 }
    }
}

/// Logs.
#[derive(Clone, Debug)]
pub struct Log {
    /// `NEXUS_LOG`: `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// `NEXUS_LOG_FORMAT`: `json`, `text`, or `auto` (text on a terminal).
    pub format: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: "auto".into() }
    }
}

/// A language that NEXUS speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Lang {
    /// Reads `ko`, `en`, or a locale such as `ko_KR.UTF-8`; `None` for any other language.
    pub fn parse(text: &str) -> Option<Self> {
        let tag = text.split(['_', '-', '.', '@']).next().unwrap_or_default();
        match tag.to_ascii_lowercase().as_str() {
            "ko" => Some(Self::Ko),
            "en" => Some(Self::En),
            _ => None,
        }
    }
}

/// One text in both languages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// English.
    pub en: String,
    /// Korean.
    pub ko: String,
}

impl Text {
    /// Both languages side by side.
    pub fn new(en: impl Into<String>, ko: impl Into<String>) -> Self {
        Self { en: en.into(), ko: ko.into() }
    }

    /// The text in one language.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Ko => &self.ko,
        }
    }
}

/// What the commands of the terminal use; a server ignores it.
#[derive(Clone, Debug)]
pub struct Client {
    /// `NEXUS_URL`: where the server is, without a slash at the end.
    pub url: String,
    /// `NEXUS_ORG`.
    pub org: String,
    /// `NEXUS_PROJECT`.
    pub project: String,
    /// `NEXUS_LANG`; none means the locale decides.
    pub lang: Option<Lang>,
    /// `NEXUS_CONFIG_DIR`: where sign-ins are kept; none means the user's own directory for that.
    pub config_dir: Option<PathBuf>,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8000".into(),
            org: "default".into(),
            project: "default".into(),
            lang: None,
            config_dir: None,
        }
    }
}
