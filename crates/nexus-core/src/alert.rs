//! Alerts, the pure part: which events there are, and which of them goes where.
//!
//! [`Event`] is the one list. A new one is a line here and somebody who raises it; routes, messages,
//! the catalogue of the API and the documents follow.

use serde::{Deserialize, Serialize};

use crate::policy::glob;

/// Most routes of one list.
pub const MAX_ROUTES: usize = 50;

/// Most recipients of one route by e-mail.
pub const MAX_RECIPIENTS: usize = 20;

/// Longest destination, in bytes.
pub const MAX_TO: usize = 2_048;

/// The name by which routes call what belongs to no tenant.
pub const PLATFORM: &str = "platform";

/// How much it matters.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    #[default]
    Info,
    /// Somebody should look today.
    Warning,
    /// Somebody is needed now.
    Critical,
}

impl Severity {
    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Reads the stable text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Critical].into_iter().find(|s| s.as_str() == text)
    }
}

/// To whom an event belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// A tenant.
    Tenant,
    /// The platform: whoever runs the server.
    Platform,
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $severity:ident, $whose:ident,
        $en:literal, $ko:literal, $do_en:literal, $do_ko:literal;)*) => {
        /// What an alert can be about.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Event { $($(#[$doc])* $name,)* }

        impl Event {
            /// Every event there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Reads the stable name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($code => Some(Self::$name),)* _ => None }
            }

            /// How much it matters.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// To whom it belongs.
            pub const fn whose(self) -> Whose {
                match self { $(Self::$name => Whose::$whose,)* }
            }

            /// What a person reads, in English.
            pub const fn title_en(self) -> &'static str {
                match self { $(Self::$name => $en,)* }
            }

            /// What a person reads, in Korean.
            pub const fn title_ko(self) -> &'static str {
                match self { $(Self::$name => $ko,)* }
            }

            /// What to do about it, in English.
            pub const fn advice_en(self) -> &'static str {
                match self { $(Self::$name => $do_en,)* }
            }

            /// What to do about it, in Korean.
            pub const fn advice_ko(self) -> &'static str {
                match self { $(Self::$name => $do_ko,)* }
            }
        }
    };
}

events! {
    /// A command waits for a person.
    AskCreated = "ask.created", Warning, Tenant,
        "A command waits for a decision", "명령이 승인을 기다립니다",
        "Open the ask, read exactly what would be executed, approve or deny it.",
        "승인 요청을 열어 실행될 내용을 그대로 확인하고 승인하거나 거부하세요.";
    /// A command waits for a person and soon will not any more.
    AskExpiring = "ask.expiring", Critical, Tenant,
        "An ask is about to expire", "승인 요청이 곧 만료됩니다",
        "Decide before it expires; nothing runs after that, and the requester has to ask again.",
        "만료되기 전에 결정하세요. 만료되면 실행되지 않으며 요청자가 다시 요청해야 합니다.";
    /// A task failed and somebody is needed now.
    TaskAlarm = "task.alarm", Critical, Tenant,
        "A task needs a person now", "작업에 지금 사람이 필요합니다",
        "Read the runbook of the failure code, remove the cause, then acknowledge or resolve.",
        "실패 코드의 런북을 읽고 원인을 없앤 뒤 확인 또는 해결로 표시하세요.";
    /// A task failed and waits for a person's answer.
    TaskHeld = "task.held", Warning, Tenant,
        "A task is held", "작업이 보류되었습니다",
        "Read the runbook of the failure code; the task is not tried again by itself.",
        "실패 코드의 런북을 읽으세요. 작업은 저절로 재시도되지 않습니다.";
    /// An operation over many tasks did not get to its end.
    OperationStopped = "operation.stopped", Warning, Tenant,
        "An operation stopped", "일괄 작업이 멈췄습니다",
        "Look at the operation; it can be repeated without double effect.",
        "일괄 작업을 확인하세요. 다시 실행해도 두 번 처리되지 않습니다.";
    /// Somebody opens streams in circles.
    StreamFlood = "stream.flood", Warning, Tenant,
        "Streams are opened in a circle", "스트림이 반복해서 열리고 있습니다",
        "The audit log says who; a client that ignores Retry-After is the usual cause.",
        "감사 로그에서 누구인지 확인하세요. 보통 Retry-After를 무시하는 클라이언트입니다.";
    /// A provider fails so often that it is not called for a while.
    BreakerOpen = "breaker.open", Warning, Tenant,
        "A provider is switched off for a while", "제공자가 잠시 차단되었습니다",
        "Calls go to the fallback providers; look at the provider's status.",
        "호출은 예비 제공자로 갑니다. 제공자의 상태를 확인하세요.";
    /// A budget is nearly used.
    BudgetSoft = "budget.soft", Warning, Tenant,
        "A budget is nearly used", "예산을 거의 다 썼습니다",
        "Look at what spends it; cheaper models are used from now on.",
        "어디에 쓰였는지 확인하세요. 이제부터 더 저렴한 모델을 씁니다.";
    /// A budget is used.
    BudgetHard = "budget.hard", Critical, Tenant,
        "A budget is used up", "예산을 모두 썼습니다",
        "Calls are refused until the budget is raised or the day ends.",
        "예산을 올리거나 하루가 끝날 때까지 호출이 거부됩니다.";
    /// Something is unlike it was.
    AnomalyFound = "anomaly.found", Warning, Tenant,
        "An anomaly was found", "이상 징후가 발견되었습니다",
        "Compare with the days before; find who or what changed.",
        "이전 며칠과 비교해 무엇이 달라졌는지 확인하세요.";
    /// Somebody tries whether a destination works.
    Test = "alerts.test", Info, Tenant,
        "A test", "시험 알림",
        "Nothing: it arrived.", "할 일 없음: 알림이 도착했습니다.";
    /// More than one in twenty requests fails.
    ErrorRate = "error.rate", Critical, Platform,
        "Many requests fail", "많은 요청이 실패하고 있습니다",
        "Look at the log lines of level error and at /health/ready.",
        "error 수준의 로그와 /health/ready를 확인하세요.";
    /// Requests are slow.
    LatencyHigh = "latency.p95", Warning, Platform,
        "Requests are slow", "요청이 느립니다",
        "Look at the store's wait and the machine's load in /metrics.",
        "/metrics에서 저장소 대기 시간과 서버 부하를 확인하세요.";
    /// More error lines than usual.
    ErrorLines = "log.errors", Warning, Platform,
        "Error log lines are rising", "오류 로그가 늘고 있습니다",
        "Read the newest log lines of level error.",
        "최근 error 수준의 로그를 읽으세요.";
    /// More refused sign-ins than usual.
    LoginRefused = "login.refused", Warning, Platform,
        "Refused sign-ins are rising", "로그인 거부가 늘고 있습니다",
        "The audit log of the platform has the addresses.",
        "플랫폼 감사 로그에서 주소를 확인하세요.";
    /// So many refused sign-ins that somebody is guessing.
    LoginAttack = "login.attack", Critical, Platform,
        "Somebody is guessing passwords", "누군가 비밀번호를 추측하고 있습니다",
        "Close the addresses out before the server, and see that nobody got in: nexus audit.",
        "서버 앞단에서 해당 주소를 차단하고, 들어온 사람이 없는지 감사 로그를 확인하세요.";
    /// More refusals for their rate than usual.
    RateLimited = "rate_limit.refused", Warning, Platform,
        "Refusals for their rate are rising", "요청 속도 제한 거부가 늘고 있습니다",
        "Find the caller in the log; raise the limit or slow the caller down.",
        "로그에서 호출자를 찾아 한도를 올리거나 호출을 줄이세요.";
    /// A backup was not made.
    BackupFailed = "backup.failed", Critical, Platform,
        "A backup failed", "백업이 실패했습니다",
        "Make one by hand, and look at disk and rights of the backup's folder.",
        "직접 백업을 만들고 백업 폴더의 용량과 권한을 확인하세요.";
}

impl serde::Serialize for Event {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

/// A kind of destination.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// JSON, signed by Standard Webhooks.
    Webhook,
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// A workflow of Microsoft Teams.
    Teams,
    /// Events v2 of PagerDuty.
    Pagerduty,
    /// Mail.
    Email,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Webhook, Self::Slack, Self::Discord, Self::Teams, Self::Pagerduty, Self::Email];

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Pagerduty => "pagerduty",
            Self::Email => "email",
        }
    }

    /// Reads the stable text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text)
    }

    /// What a URL leads to, by its host; anything unknown is a webhook of one's own.
    pub fn of_url(url: &str) -> Self {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let below = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        if below("hooks.slack.com") {
            Self::Slack
        } else if below("discord.com") || below("discordapp.com") {
            Self::Discord
        } else if below("webhook.office.com")
            || below("logic.azure.com")
            || below("powerplatform.com")
        {
            Self::Teams
        } else {
            Self::Webhook
        }
    }
}

/// A language of messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

fn everything() -> Vec<String> {
    vec!["*".to_owned()]
}

/// Which alerts go to one destination.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// What people call it: 1 to 64 of `a-z 0-9 . _ -`, once in its list.
    pub name: String,
    /// The kind of destination.
    pub channel: Channel,
    /// Where: a URL; addresses separated by commas for e-mail; the integration key for PagerDuty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// A file that has it instead; in the server's own list alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_file: Option<String>,
    /// A file with the signing secret of a webhook, or two separated by a comma; in the server's own
    /// list alone. Without it `ALERT_WEBHOOK_SECRET` signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<String>,
    /// Globs of event names.
    #[serde(default = "everything")]
    pub events: Vec<String>,
    /// Globs of tenants, `{org}:{project}`, or `platform`; in the server's own list alone.
    #[serde(default = "everything")]
    pub tenants: Vec<String>,
    /// At least this severe.
    #[serde(default)]
    pub severity: Severity,
    /// Of the message.
    #[serde(default)]
    pub language: Language,
}

impl std::fmt::Debug for Route {
    /// Without where it leads, which is often a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Route({} {})", self.name, self.channel.as_str())
    }
}

impl Route {
    /// Everything to one destination.
    pub fn all(name: &str, channel: Channel, to: String) -> Self {
        Self {
            name: name.to_owned(),
            channel,
            to,
            to_file: None,
            secret_file: None,
            events: everything(),
            tenants: everything(),
            severity: Severity::Info,
            language: Language::En,
        }
    }

    /// Whether an event of a tenant, or of [`PLATFORM`], goes here.
    pub fn takes(&self, event: Event, severity: Severity, owner: &str) -> bool {
        severity >= self.severity
            && self.takes_tenant(owner)
            && self.events.iter().any(|name| glob(name, event.as_str()))
    }
}

impl Route {
    /// Whether alerts of a tenant, or of [`PLATFORM`], go here at all.
    pub fn takes_tenant(&self, owner: &str) -> bool {
        self.tenants.iter().any(|tenant| glob(tenant, owner))
    }
}

/// What is wrong with a list of routes: a JSON Pointer into it, and why.
pub type Fault = (String, String);

/// Who wrote a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Author {
    /// Whoever runs the server: may name files, and tenants.
    Operator,
    /// A tenant, for itself.
    Tenant,
}

/// Reads a JSON list of routes and names everything that is wrong with it.
///
/// # Errors
/// Every fault at once.
pub fn parse_routes(text: &str, author: Author) -> Result<Vec<Route>, Vec<Fault>> {
    let value = crate::json::parse(text.as_bytes())
        .map_err(|error| vec![(String::new(), format!("is no JSON: {error}"))])?;
    let Some(items) = value.as_array() else {
        return Err(vec![(String::new(), "must be a list of routes".to_owned())]);
    };
    let (mut routes, mut faults) = (Vec::new(), Vec::new());
    if items.len() > MAX_ROUTES {
        faults.push((String::new(), format!("has more than {MAX_ROUTES} routes")));
    }
    for (at, item) in items.iter().enumerate() {
        match Route::deserialize(item) {
            Ok(route) => {
                faults.extend(
                    check(&route, author)
                        .into_iter()
                        .map(|(path, why)| (format!("/{at}{path}"), why)),
                );
                routes.push(route);
            }
            Err(error) => {
                // What is quoted in doubles is somebody's value, and may be a secret.
                let why = error.to_string();
                let why =
                    if why.contains('"') { "has a field of another kind".into() } else { why };
                faults.push((format!("/{at}"), why));
            }
        }
    }
    for (at, route) in routes.iter().enumerate() {
        if routes[..at].iter().any(|earlier| earlier.name == route.name) {
            faults.push((format!("/{at}/name"), "is the name of another route too".to_owned()));
        }
    }
    if faults.is_empty() { Ok(routes) } else { Err(faults) }
}

fn check(route: &Route, author: Author) -> Vec<(&'static str, String)> {
    let mut faults = Vec::new();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    if !(1..=64).contains(&route.name.len()) || !route.name.bytes().all(plain) {
        faults.push(("/name", "must be 1 to 64 of a-z 0-9 . _ -".to_owned()));
    }
    match (&route.to_file, route.to.as_str()) {
        (Some(_), to) if !to.is_empty() => {
            faults.push(("/to", "stands beside to_file; keep one".to_owned()));
        }
        (Some(_), _) => {}
        (None, "") => faults.push(("/to", "is missing".to_owned())),
        (None, to) => faults.extend(check_to(route.channel, to).map(|why| ("/to", why))),
    }
    if author == Author::Tenant {
        if route.to_file.is_some() || route.secret_file.is_some() {
            faults.push(("/to_file", "only the server's own ALERT_ROUTES names files".to_owned()));
        }
        if route.tenants != everything() {
            faults.push(("/tenants", "a tenant's own routes are for itself".to_owned()));
        }
    }
    if route.secret_file.is_some() && route.channel != Channel::Webhook {
        faults.push(("/secret_file", "only webhooks are signed".to_owned()));
    }
    let reaches = |pattern: &String| {
        pattern.len() <= 128 && Event::ALL.iter().any(|event| glob(pattern, event.as_str()))
    };
    if route.events.is_empty() || !route.events.iter().all(reaches) {
        faults
            .push(("/events", "each must fit an event, such as task.* or ask.created".to_owned()));
    }
    let named = |pattern: &String| (1..=129).contains(&pattern.len());
    if route.tenants.is_empty() || !route.tenants.iter().all(named) {
        faults.push(("/tenants", "must be globs of {org}:{project}, or platform".to_owned()));
    }
    faults
}

/// What is wrong with where a route leads, as far as the text says.
pub fn check_to(channel: Channel, to: &str) -> Option<String> {
    if to.len() > MAX_TO || to.chars().any(|c| c.is_control() || crate::text::is_hidden(c)) {
        return Some(format!("must be one line of at most {MAX_TO} bytes"));
    }
    let wrong = match channel {
        Channel::Email => {
            let all: Vec<&str> = to.split(',').map(str::trim).collect();
            all.len() > MAX_RECIPIENTS || !all.iter().all(|one| is_address(one))
        }
        Channel::Pagerduty => !(to.len() == 32 && to.bytes().all(|b| b.is_ascii_alphanumeric())),
        _ => !to.starts_with("https://") && !to.starts_with("http://"),
    };
    wrong.then(|| match channel {
        Channel::Email => format!("must be 1 to {MAX_RECIPIENTS} addresses, separated by commas"),
        Channel::Pagerduty => "must be an integration key: 32 letters and digits".to_owned(),
        _ => "must be an https:// URL".to_owned(),
    })
}

/// Whether a text is an address that mail can be sent to, and nothing more.
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_ok = (1..=64).contains(&local.len())
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"._%+-".contains(&b));
    let labels_ok = domain.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    local_ok && domain.len() <= 253 && labels_ok
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_and_read_back() {
        for event in Event::ALL {
            assert_eq!(Event::parse(event.as_str()), Some(*event));
            assert!(event.title_ko().chars().any(|c| ('가'..='힣').contains(&c)), "{event:?}");
            assert!(event.advice_ko().chars().any(|c| ('가'..='힣').contains(&c)), "{event:?}");
            assert!(event.title_en().is_ascii() && event.advice_en().is_ascii());
        }
        for channel in Channel::ALL {
            assert_eq!(Channel::parse(channel.as_str()), Some(channel));
        }
        assert_eq!(Severity::parse("critical"), Some(Severity::Critical));
        assert!(Severity::Critical > Severity::Warning && Severity::Warning > Severity::Info);
    }

    #[test]
    fn a_route_takes_what_its_globs_and_severity_say() {
        let text = r#"[{"name":"ops","channel":"slack","to":"https://hooks.slack.com/services/T/B/x",
            "events":["task.*"],"tenants":["kaist:*"],"severity":"critical"}]"#;
        let routes = parse_routes(text, Author::Operator).unwrap();
        let takes = |event: Event, owner| routes[0].takes(event, event.severity(), owner);
        assert!(takes(Event::TaskAlarm, "kaist:lab"));
        assert!(!takes(Event::TaskHeld, "kaist:lab"), "not severe enough");
        assert!(!takes(Event::TaskAlarm, "snu:lab"), "another's");
        assert!(!takes(Event::AskExpiring, "kaist:lab"), "another event");
        let all = Route::all("a", Channel::Webhook, "https://a.example/".into());
        assert!(all.takes(Event::Test, Severity::Info, PLATFORM));
    }

    #[test]
    fn every_fault_is_named_at_once_and_no_destination_is_repeated() {
        let text = r#"[{"name":"Ops!","channel":"slack","to":"ftp://secret.example"},
            {"name":"b","channel":"pagerduty","to":"short-secret"},
            {"name":"b","channel":"email","to":"a@b.example,not one-secret"},
            {"name":"c","channel":"fax","to":"1"},
            {"name":"d","channel":"teams","to":"https://x.example/","events":["nothing.*"]},
            {"name":"e","channel":"webhook"},
            {"name":"f","channel":"webhook","to":"https://x.example/","surprise":1}]"#;
        let faults = parse_routes(text, Author::Operator).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            ["/0/name", "/0/to", "/1/to", "/2/to", "/3", "/4/events", "/5/to", "/6", "/2/name"]
        );
        let said = format!("{faults:?}");
        assert!(!said.contains("-secret") && !said.contains("secret."), "{said}");
    }

    #[test]
    fn a_tenant_names_neither_files_nor_tenants() {
        let text = r#"[{"name":"a","channel":"webhook","to_file":"/etc/passwd"},
            {"name":"b","channel":"webhook","to":"https://x.example/","tenants":["other:*"]}]"#;
        assert_eq!(parse_routes(text, Author::Tenant).unwrap_err().len(), 2);
        assert!(parse_routes(text, Author::Operator).is_ok());
    }

    #[test]
    fn a_url_says_what_it_leads_to() {
        for (url, channel) in [
            ("https://hooks.slack.com/services/T0/B0/x", Channel::Slack),
            ("https://discord.com/api/webhooks/1/x", Channel::Discord),
            ("https://acme.webhook.office.com/webhookb2/x", Channel::Teams),
            ("https://prod-1.westus.logic.azure.com:443/workflows/x", Channel::Teams),
            ("https://hooks.slack.com.evil.example/x", Channel::Webhook),
            ("https://evil.example/?hooks.slack.com", Channel::Webhook),
        ] {
            assert_eq!(Channel::of_url(url), channel, "{url}");
        }
    }

    #[test]
    fn an_address_is_one_address_and_nothing_else() {
        for good in ["a@b.example", "mina.kim+ops@lab.kaist.ac.kr"] {
            assert!(is_address(good), "{good}");
        }
        for bad in
            ["", "a", "@b", "a@", "a b@c.d", "a@b\r\nBcc: x@y.z", "<a@b.c>", "a@b..c", "a,b@c.d"]
        {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
