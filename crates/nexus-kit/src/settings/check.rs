//! What no single value shows: names that nobody knows, values that contradict each other.

use nexus_core::alert::{Channel, check_to, is_address};
use nexus_core::triage::{BadPolicy, Decision};

use super::load::{Loaded, Reader, SettingProblem, Source};
use super::table::{self, OWNED};
use super::{MailTls, Settings, Text};

impl Reader {
    /// Names that look like ours and are not.
    pub(super) fn unknown_names(&mut self) {
        let mut found = Vec::new();
        for layer in &self.layers {
            // All of a TOML file is ours; an environment is shared with everybody.
            let whole = matches!(layer.source, Source::Config(_));
            for name in layer.entries.keys() {
                let owned = whole || OWNED.iter().any(|prefix| name.starts_with(prefix));
                let base = name.strip_suffix("_FILE").unwrap_or(name);
                if owned && !known(name) && !known(base) {
                    found.push((name.clone(), layer.source.clone()));
                }
            }
        }
        for (name, source) in found {
            let text = match nearest(&name) {
                Some(near) => Text::new(
                    format!("is not a setting; did you mean {near}?"),
                    format!("알 수 없는 설정입니다. 혹시 {near}인가요?"),
                ),
                None => Text::new(
                    "is not a setting; `nexus config docs` lists them all",
                    "알 수 없는 설정입니다. `nexus config docs`에서 전체 목록을 볼 수 있습니다",
                ),
            };
            self.fault(name, Some(&source), text);
        }
    }

    /// Values that are right alone and wrong together.
    pub(super) fn contradictions(&mut self, s: &Settings) {
        if let Err(bad) = s.failures.policy.check() {
            let (names, text) = bad_policy(&bad);
            self.problems.push(SettingProblem::new(names, None, text));
        }
        let named = |name: &str| self.layers.iter().any(|layer| layer.entries.contains_key(name));
        let unread = |name: &str| self.problems.iter().any(|problem| problem.name == name);
        let emptied = s.tasks.callback_secret.is_empty()
            && !unread("CALLBACK_SIGNATURE_SECRET")
            && (named("CALLBACK_SIGNATURE_SECRET") || named("CALLBACK_SIGNATURE_SECRET_FILE"));
        let mut wrong = |names: &str, en: &str, ko: &str| {
            self.problems.push(SettingProblem::new(names, None, Text::new(en, ko)));
        };
        if !s.http.bind.ip().is_loopback() && !s.http.allow_plain_http {
            wrong(
                "NEXUS_BIND, NEXUS_ALLOW_PLAIN_HTTP",
                "plain HTTP on more than loopback sends keys in the clear; bind to loopback behind a proxy that speaks HTTPS, or set NEXUS_ALLOW_PLAIN_HTTP=true if the network is safe",
                "루프백이 아닌 주소의 평문 HTTP는 키를 그대로 노출합니다. HTTPS 프록시 뒤의 루프백에 바인드하거나, 안전한 네트워크라면 NEXUS_ALLOW_PLAIN_HTTP=true로 설정하세요",
            );
        }
        if !s.keys.service.is_empty() && s.keys.service == s.keys.admin {
            wrong(
                "NEXUS_API_KEY, ADMIN_API_KEY",
                "are the same, so every program could approve; use two keys",
                "두 키가 같으면 모든 프로그램이 승인할 수 있게 됩니다. 서로 다른 키를 쓰세요",
            );
        }
        if s.store.batch > s.store.queue {
            wrong(
                "NEXUS_STORE_BATCH, NEXUS_STORE_QUEUE",
                "a commit cannot share more writes than may wait",
                "한 커밋의 쓰기 수가 대기할 수 있는 쓰기 수보다 클 수 없습니다",
            );
        }
        if !s.store.owner_url.is_empty() && s.store.database_url.is_empty() {
            wrong(
                "DATABASE_OWNER_URL, DATABASE_URL",
                "the owner of the tables serves no request; name the role that does as DATABASE_URL",
                "테이블 소유자로는 요청을 처리하지 않습니다. 요청을 처리할 역할을 DATABASE_URL로 지정하세요",
            );
        }
        if s.http.max_uri_bytes > s.http.max_header_bytes {
            wrong(
                "NEXUS_MAX_URI_BYTES, NEXUS_MAX_HEADER_BYTES",
                "the path is part of the request line, so it cannot be larger than line and headers together",
                "경로는 요청 줄의 일부이므로 요청 줄과 헤더를 합한 크기보다 클 수 없습니다",
            );
        }
        if s.stream.ping > s.stream.idle {
            wrong(
                "STREAM_PING_SECONDS, STREAM_IDLE_SECONDS",
                "a stream would end before its first ping",
                "첫 핑을 보내기 전에 스트림이 닫힙니다",
            );
        }
        if s.stream.drain > s.http.shutdown {
            wrong(
                "STREAM_DRAIN_SECONDS, NEXUS_SHUTDOWN_SECONDS",
                "streams would still be ending when the shutdown cuts them off",
                "스트림을 나누어 닫는 도중에 종료가 연결을 끊게 됩니다",
            );
        }
        if emptied {
            wrong(
                "CALLBACK_SIGNATURE_SECRET",
                "is empty, so callbacks would be taken unsigned; leave the line out if that is meant",
                "비어 있어 서명 없는 콜백을 받게 됩니다. 그것이 의도라면 줄을 지우세요",
            );
        }
        self.contradictions_of_alerts(s);
        let mut wrong = |names: &str, en: &str, ko: &str| {
            self.problems.push(SettingProblem::new(names, None, Text::new(en, ko)));
        };
        if s.tasks.callback_secret.expose().split(',').count() > 2
            || (!s.tasks.callback_secret.is_empty()
                && s.tasks.callback_secret.expose().split(',').any(str::is_empty))
        {
            wrong(
                "CALLBACK_SIGNATURE_SECRET",
                "must be one secret, or two separated by a comma",
                "비밀 값 하나, 또는 쉼표로 구분한 두 개여야 합니다",
            );
        }
    }
}

/// The setting that holds the list of a decision.
const fn list_of(decision: Decision) -> &'static str {
    match decision {
        Decision::Requeue | Decision::Ignore => "AUTO_REQUEUE_FAILURE_CODES",
        Decision::Hold => "AUTO_HOLD_FAILURE_CODES",
        Decision::Alarm => "AUTO_ALARM_FAILURE_CODES",
    }
}

/// Which settings make no policy, and why.
fn bad_policy(bad: &BadPolicy) -> (String, Text) {
    match bad {
        BadPolicy::Twice { code, first, second } => {
            let (first, second) = (list_of(*first), list_of(*second));
            let names =
                if first == second { first.to_owned() } else { format!("{first}, {second}") };
            let text = Text::new(
                format!("{code} stands twice; a code has one decision, so keep it in one list"),
                format!(
                    "{code}이(가) 두 번 있습니다. 코드마다 결정은 하나이므로 한 목록에만 두세요"
                ),
            );
            (names, text)
        }
        BadPolicy::EffectUnknown => (
            list_of(bad.list()).to_owned(),
            Text::new(
                "EFFECT_UNKNOWN is never requeued by policy: what may have been sent would be sent again; take it out",
                "EFFECT_UNKNOWN은 정책으로 다시 큐에 넣을 수 없습니다. 이미 전송되었을 수 있는 것이 다시 전송됩니다. 목록에서 빼세요",
            ),
        ),
    }
}

impl Reader {
    /// The same for alerts and mail.
    fn contradictions_of_alerts(&mut self, s: &Settings) {
        let mut wrong = |names: &str, en: &str, ko: &str| {
            self.problems.push(SettingProblem::new(names, None, Text::new(en, ko)));
        };
        let alerts = &s.alerts;
        let own = !alerts.webhook_url.is_empty()
            && Channel::of_url(alerts.webhook_url.expose()) == Channel::Webhook;
        let routed = alerts
            .routes
            .iter()
            .any(|route| route.channel == Channel::Webhook && route.secret_file.is_none());
        if (own || routed) && alerts.webhook_secret.is_empty() {
            wrong(
                "ALERT_WEBHOOK_URL, ALERT_ROUTES, ALERT_WEBHOOK_SECRET",
                "webhooks are signed, or nobody could tell ours from others'; set ALERT_WEBHOOK_SECRET (whsec_ and base64 of 24 to 64 random bytes)",
                "웹훅은 서명되어야 우리가 보낸 것인지 구별할 수 있습니다. ALERT_WEBHOOK_SECRET(whsec_ 뒤에 임의의 24~64바이트를 base64로)을 설정하세요",
            );
        }
        if alerts.webhook_secret.expose().split(',').count() > 2 {
            wrong(
                "ALERT_WEBHOOK_SECRET",
                "must be one secret, or two separated by a comma",
                "비밀 값 하나, 또는 쉼표로 구분한 두 개여야 합니다",
            );
        }
        if let Some(why) = (!alerts.webhook_url.is_empty())
            .then(|| check_to(Channel::Webhook, alerts.webhook_url.expose()))
            .flatten()
        {
            wrong("ALERT_WEBHOOK_URL", &why, "https:// 주소여야 합니다");
        }
        let mails = alerts.routes.iter().any(|route| route.channel == Channel::Email);
        if mails && s.mail.host.is_empty() {
            wrong(
                "ALERT_ROUTES, NEXUS_SMTP_HOST",
                "a route goes by e-mail and there is no mail server; set NEXUS_SMTP_HOST and NEXUS_SMTP_FROM",
                "메일 경로가 있지만 메일 서버가 없습니다. NEXUS_SMTP_HOST와 NEXUS_SMTP_FROM을 설정하세요",
            );
        }
        if !s.mail.host.is_empty() && !is_address(&s.mail.from) {
            wrong(
                "NEXUS_SMTP_HOST, NEXUS_SMTP_FROM",
                "mail needs a sender; NEXUS_SMTP_FROM must be one address, such as nexus@example.com",
                "메일에는 보내는 사람이 필요합니다. NEXUS_SMTP_FROM은 nexus@example.com 같은 주소 하나여야 합니다",
            );
        }
        if s.mail.tls == MailTls::None && !s.mail.password.is_empty() {
            wrong(
                "NEXUS_SMTP_TLS, NEXUS_SMTP_PASSWORD",
                "a password would travel in the clear; use starttls or implicit",
                "비밀번호가 평문으로 전송됩니다. starttls나 implicit을 쓰세요",
            );
        }
    }
}

/// What is allowed and still worth a word.
pub(super) fn advice(loaded: &mut Loaded) {
    let closed = loaded.settings.keys.admin.is_empty()
        && loaded.source("ADMIN_API_KEY") == Some(&Source::Default)
        && !loaded.wants_keys();
    if closed {
        loaded.warnings.push(Text::new(
            "ADMIN_API_KEY is not set: nobody can approve or administer",
            "ADMIN_API_KEY가 설정되지 않아 아무도 승인하거나 관리할 수 없습니다",
        ));
    }
    for (name, key) in [
        ("NEXUS_API_KEY", &loaded.settings.keys.service),
        ("ADMIN_API_KEY", &loaded.settings.keys.admin),
    ] {
        if (1..16).contains(&key.expose().len()) {
            loaded.warnings.push(Text::new(
                format!("{name} is shorter than 16 characters and may be guessed"),
                format!("{name}이(가) 16자보다 짧아 추측될 수 있습니다"),
            ));
        }
    }
}

pub(super) fn known(name: &str) -> bool {
    table::find(name).is_some() || table::family(name).is_some()
}

/// The row whose name a slip of the fingers away; the shorter the name, the smaller the slip.
fn nearest(name: &str) -> Option<&'static str> {
    let base = name.strip_suffix("_FILE").unwrap_or(name).to_ascii_uppercase();
    table::rows()
        .map(|row| (strsim::damerau_levenshtein(row.name, &base), row.name))
        .min()
        .filter(|(distance, near)| *distance <= (near.len() / 5).clamp(1, 4))
        .map(|(_, near)| near)
}

/// Kubernetes and Docker describe a service called `nexus` to its neighbours with names of their
/// own (`NEXUS_SERVICE_HOST`, `NEXUS_PORT=tcp://…`, `NEXUS_PORT_8000_TCP_ADDR`); nobody meant those
/// as settings.
pub(super) fn orchestrator_made(name: &str, value: &str) -> bool {
    if known(name) {
        return false;
    }
    let link = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let numbered = || {
        let rest = name.rsplit_once("_PORT_").map_or("", |(_, rest)| rest);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0
            && ["_TCP", "_UDP", "_SCTP"].iter().any(|protocol| rest[digits..].starts_with(protocol))
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && link)
        || numbered()
}
