//! Settings of alerts and mail.

use std::time::Duration;

use nexus_core::alert::Route;

use super::Secret;

/// Alerts.
#[derive(Clone, Debug)]
pub struct Alerts {
    /// `ALERT_WEBHOOK_URL`: everything goes there; its host says whether it is Slack, Discord, Teams
    /// or a webhook of one's own.
    pub webhook_url: Secret,
    /// `ALERT_WEBHOOK_SECRET`: signs webhooks; two, separated by a comma, during rotation.
    pub webhook_secret: Secret,
    /// `ALERT_ROUTES`.
    pub routes: Vec<Route>,
    /// `ALERT_DEDUPE_TTL_SECONDS`: the same alert is sent once in this time, and counted.
    pub dedupe_ttl: Duration,
    /// `ALERT_BURST_PER_MINUTE`: alerts of one event and tenant; what is more is counted on one.
    pub burst_per_minute: u64,
    /// `ALERT_ASK_REMIND_SECONDS`: how long before its end an ask is reminded of; 0 for never.
    pub ask_remind: Duration,
    /// `ALERT_RETRY_DELAYS_SECONDS`: the wait after each failed attempt; then it is given up.
    pub retry_delays: Vec<Duration>,
    /// `ALERT_KEEP_SECONDS`: how long alerts and their deliveries are kept.
    pub keep: Duration,
    /// `ALERT_WINDOW_SECONDS`: the window of what is measured.
    pub window: Duration,
    /// `ALERT_ERROR_RATE_PERCENT`: more than this of the requests of a window fail.
    pub error_rate_percent: u64,
    /// `ALERT_P95_MILLISECONDS`: the 95th of 100 requests of a window takes longer.
    pub p95: Duration,
    /// `ALERT_MIN_REQUESTS`: a window with fewer is not judged.
    pub min_requests: u64,
    /// `ALERT_ERROR_LINES`: log lines of level error in a window, and more than in the one before.
    pub error_lines: u64,
    /// `ALERT_LOGIN_REFUSALS`: the same for refused sign-ins; five times as many are an attack.
    pub login_refusals: u64,
    /// `ALERT_LIMIT_REFUSALS`: the same for refusals with 429.
    pub limit_refusals: u64,
    /// `ALERT_PAGERDUTY_URL`: where Events v2 is.
    pub pagerduty_url: String,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            webhook_url: Secret::default(),
            webhook_secret: Secret::default(),
            routes: Vec::new(),
            dedupe_ttl: Duration::from_secs(600),
            burst_per_minute: 20,
            ask_remind: Duration::from_secs(60),
            retry_delays: [5, 30, 120, 600].map(Duration::from_secs).to_vec(),
            keep: Duration::from_secs(2_592_000),
            window: Duration::from_secs(300),
            error_rate_percent: 5,
            p95: Duration::from_millis(1_000),
            min_requests: 20,
            error_lines: 20,
            login_refusals: 20,
            limit_refusals: 100,
            pagerduty_url: "https://events.pagerduty.com/v2/enqueue".into(),
        }
    }
}

/// How mail is carried to the next server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MailTls {
    /// TLS after `STARTTLS`, or not at all: what cannot is refused.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// In the clear.
    None,
}

impl MailTls {
    /// The words of `NEXUS_SMTP_TLS`.
    pub const WORDS: &'static [&'static str] = &["starttls", "implicit", "none"];

    /// Reads one of them.
    pub fn parse(text: &str) -> Self {
        match text {
            "implicit" => Self::Implicit,
            "none" => Self::None,
            _ => Self::StartTls,
        }
    }
}

/// How mail leaves; without a host none does.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `NEXUS_SMTP_HOST`.
    pub host: String,
    /// `NEXUS_SMTP_PORT`.
    pub port: u16,
    /// `NEXUS_SMTP_TLS`.
    pub tls: MailTls,
    /// `NEXUS_SMTP_USER`: empty where nobody signs in.
    pub user: String,
    /// `NEXUS_SMTP_PASSWORD`.
    pub password: Secret,
    /// `NEXUS_SMTP_FROM`: the sender's address.
    pub from: String,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 587,
            tls: MailTls::StartTls,
            user: String::new(),
            password: Secret::default(),
            from: String::new(),
        }
    }
}
