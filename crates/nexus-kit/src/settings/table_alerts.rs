//! Settings of alerts and of mail.

use super::MailTls;
use super::table::{Kind, Section, Setting};

const DAY: u64 = 86_400;

pub(super) static ALERTS: &[Section] = &[
    Section {
        en: "Alerts",
        ko: "알림",
        client: false,
        rows: &[
            Setting::used(
                "ALERT_WEBHOOK_URL",
                Kind::Secret(|s, v| s.alerts.webhook_url = v),
                "",
                "Where every alert goes: an incoming webhook of Slack, Discord or Teams, or an address of your own, which needs ALERT_WEBHOOK_SECRET.",
                "모든 알림을 보낼 주소: Slack, Discord, Teams 웹훅 또는 직접 운영하는 주소(ALERT_WEBHOOK_SECRET 필요).",
            ),
            Setting::used(
                "ALERT_WEBHOOK_SECRET",
                Kind::Secret(|s, v| s.alerts.webhook_secret = v),
                "",
                "Signs webhooks (Standard Webhooks, whsec_…); two, separated by a comma, during rotation.",
                "웹훅 서명 비밀 값(Standard Webhooks, whsec_…). 교체 중에는 쉼표로 구분한 두 개.",
            ),
            Setting::used(
                "ALERT_ROUTES",
                Kind::Routes(|s, v| s.alerts.routes = v),
                "",
                "Which alert goes where: a JSON list, see docs/alerts.md. Never shown, for it often holds secrets.",
                "알림별 전송 경로: JSON 목록(docs/alerts.md 참고). 비밀 값이 들어 있을 수 있어 표시하지 않음.",
            ),
            Setting::used(
                "ALERT_DEDUPE_TTL_SECONDS",
                Kind::Seconds(0, DAY, |s, v| s.alerts.dedupe_ttl = v),
                "600",
                "The same alert is sent once in this time; repetitions are counted on it.",
                "이 시간 안에는 같은 알림을 한 번만 보내고 반복 횟수를 셈.",
            ),
            Setting::used(
                "ALERT_BURST_PER_MINUTE",
                Kind::Count(1, 10_000, |s, v| s.alerts.burst_per_minute = v),
                "20",
                "Alerts of one event in one tenant in a minute; what is more becomes one alert that counts.",
                "테넌트와 이벤트마다 1분에 만드는 알림 수. 넘치면 하나의 알림에 횟수만 셈.",
            ),
            Setting::used(
                "ALERT_ASK_REMIND_SECONDS",
                Kind::Seconds(0, 300, |s, v| s.alerts.ask_remind = v),
                "60",
                "How long before its end an ask is reminded of; 0 for never.",
                "승인 요청이 만료되기 얼마 전에 다시 알릴지. 0이면 알리지 않음.",
            ),
            Setting::used(
                "ALERT_RETRY_DELAYS_SECONDS",
                Kind::SecondsList(|s, v| s.alerts.retry_delays = v),
                "5,30,120,600",
                "The wait after each failed attempt, give or take a fifth; after the last one it is given up.",
                "전송이 실패할 때마다 기다리는 시간(±20%). 마지막 시도 뒤에는 포기함.",
            ),
            Setting::used(
                "ALERT_KEEP_SECONDS",
                Kind::Seconds(DAY, 3650 * DAY, |s, v| s.alerts.keep = v),
                "2592000",
                "How long alerts and their deliveries are kept.",
                "알림과 전송 기록을 보관하는 시간.",
            ),
            Setting::used(
                "ALERT_WINDOW_SECONDS",
                Kind::Seconds(60, 3_600, |s, v| s.alerts.window = v),
                "300",
                "The window in which error rate, latency, refusals and error lines are measured.",
                "오류율, 지연, 거부, 오류 로그를 재는 시간 창.",
            ),
            Setting::used(
                "ALERT_ERROR_RATE_PERCENT",
                Kind::Count(1, 100, |s, v| s.alerts.error_rate_percent = v),
                "5",
                "More than this of a window's requests fail.",
                "시간 창의 요청 중 이 비율을 넘게 실패하면 알림.",
            ),
            Setting::used(
                "ALERT_P95_MILLISECONDS",
                Kind::Count(1, 600_000, |s, v| s.alerts.p95 = std::time::Duration::from_millis(v)),
                "1000",
                "The 95th of 100 requests of a window takes longer.",
                "시간 창의 95백분위 응답 시간이 이보다 길면 알림.",
            ),
            Setting::used(
                "ALERT_MIN_REQUESTS",
                Kind::Count(1, 1_000_000, |s, v| s.alerts.min_requests = v),
                "20",
                "A window with fewer requests is not judged.",
                "요청이 이보다 적은 시간 창은 판단하지 않음.",
            ),
            Setting::used(
                "ALERT_ERROR_LINES",
                Kind::Count(1, 1_000_000, |s, v| s.alerts.error_lines = v),
                "20",
                "Log lines of level error in a window, if they are twice those of the window before.",
                "시간 창의 error 로그 줄 수. 앞 창의 두 배일 때 알림.",
            ),
            Setting::used(
                "ALERT_LOGIN_REFUSALS",
                Kind::Count(1, 1_000_000, |s, v| s.alerts.login_refusals = v),
                "20",
                "The same for refused sign-ins; five times as many are an attack.",
                "로그인 거부에 대해 같음. 다섯 배면 공격으로 봄.",
            ),
            Setting::used(
                "ALERT_LIMIT_REFUSALS",
                Kind::Count(1, 10_000_000, |s, v| s.alerts.limit_refusals = v),
                "100",
                "The same for refusals with 429.",
                "429 거부에 대해 같음.",
            ),
            Setting::used(
                "ALERT_PAGERDUTY_URL",
                Kind::Url(|s, v| s.alerts.pagerduty_url = v),
                "https://events.pagerduty.com/v2/enqueue",
                "Where PagerDuty's Events v2 is; events.eu.pagerduty.com in Europe.",
                "PagerDuty Events v2 주소. 유럽은 events.eu.pagerduty.com.",
            ),
        ],
    },
    Section {
        en: "Mail",
        ko: "메일",
        client: false,
        rows: &[
            Setting::used(
                "NEXUS_SMTP_HOST",
                Kind::Text(|s, v| s.mail.host = v),
                "",
                "The mail server that takes our mail; empty for no mail. One inside needs EGRESS_ALLOW.",
                "메일을 넘길 서버. 비어 있으면 메일을 보내지 않음. 내부 서버는 EGRESS_ALLOW에 있어야 함.",
            ),
            Setting::used(
                "NEXUS_SMTP_PORT",
                Kind::Count(1, 65_535, |s, v| s.mail.port = u16::try_from(v).unwrap_or(u16::MAX)),
                "587",
                "Its port.",
                "그 서버의 포트.",
            ),
            Setting::used(
                "NEXUS_SMTP_TLS",
                Kind::Choice(MailTls::WORDS, |s, v| s.mail.tls = MailTls::parse(&v)),
                "starttls",
                "starttls: TLS after a greeting, or nothing is sent; implicit: TLS from the first byte; none: in the clear.",
                "starttls: 인사 뒤 TLS(안 되면 보내지 않음). implicit: 처음부터 TLS. none: 평문.",
            ),
            Setting::used(
                "NEXUS_SMTP_USER",
                Kind::Text(|s, v| s.mail.user = v),
                "",
                "Who signs in there; empty for nobody.",
                "로그인 사용자. 비어 있으면 로그인하지 않음.",
            ),
            Setting::used(
                "NEXUS_SMTP_PASSWORD",
                Kind::Secret(|s, v| s.mail.password = v),
                "",
                "By what.",
                "로그인 비밀번호.",
            ),
            Setting::used(
                "NEXUS_SMTP_FROM",
                Kind::Text(|s, v| s.mail.from = v),
                "",
                "The sender's address.",
                "보내는 사람 주소.",
            ),
        ],
    },
];
