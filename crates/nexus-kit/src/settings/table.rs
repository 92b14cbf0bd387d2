//! Every setting there is: one row each, from which reading, checking, `nexus config docs` and
//! `.env.example` are made. A setting that is not a row here does not exist.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use nexus_core::alert::Route;
use nexus_core::failure::FailureCode;

use super::table_agents::AGENTS;
use super::table_alerts::ALERTS;
use super::table_failures::FAILURES;
use super::table_operations::OPERATIONS;
use super::table_people::PEOPLE;
use super::table_reserved::{FAMILIES, RESERVED};
use super::table_tasks::TASKS;
use super::{Lang, Secret, Settings};

/// Puts a value where it belongs.
pub type Set<T> = fn(&mut Settings, T);

/// What a setting holds, and where it goes; the type of the setter fixes the type of the value.
#[derive(Clone, Copy)]
pub enum Kind {
    /// `true` or `false`.
    Bool(Set<bool>),
    /// Whole seconds, from the first number to the second.
    Seconds(u64, u64, Set<Duration>),
    /// A whole number, from the first number to the second.
    Count(u64, u64, Set<u64>),
    /// A number of bytes, from the first number to the second.
    Bytes(u64, u64, Set<u64>),
    /// A number with a fraction, from the first number to the second.
    Decimal(f64, f64),
    /// Any line of text.
    Text(Set<String>),
    /// One of some words.
    Choice(&'static [&'static str], Set<String>),
    /// `ko`, `en`, or empty for what the locale says.
    Language(Set<Option<Lang>>),
    /// One part of a tenant: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    TenantPart(Set<String>),
    /// Texts, separated by commas.
    List(Set<Vec<String>>),
    /// Hosts, `host:port`, addresses or networks, separated by commas.
    Hosts(Set<Vec<String>>),
    /// Failure codes, separated by commas.
    Codes(Set<Vec<FailureCode>>),
    /// Whole seconds, separated by commas; at least one.
    SecondsList(Set<Vec<Duration>>),
    /// `name=number`, separated by commas; each name once, each number from the first to the second.
    Numbers(u64, u64, Set<BTreeMap<String, u64>>),
    /// `address:port`.
    Address(Set<SocketAddr>),
    /// A path.
    Path(Set<PathBuf>),
    /// An `http` or `https` address without user, query or fragment.
    Url(Set<String>),
    /// The same, or empty.
    UrlOrNone(Set<String>),
    /// A JSON object.
    Json,
    /// A JSON list of alert routes; never shown.
    Routes(Set<Vec<Route>>),
    /// Never shown.
    Secret(Set<Secret>),
}

/// Whether this version does something with a setting.
#[derive(Clone, Copy)]
pub enum Standing {
    /// It does.
    Used,
    /// The name is fixed, this version ignores the value and says so.
    Reserved,
    /// The value would change where data goes or what is promised, so that ignoring it would be a
    /// lie: a start with one is refused. English and Korean say why.
    Refused(&'static str, &'static str),
}

/// One row.
#[derive(Clone, Copy)]
pub struct Setting {
    /// The name, in every source.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What holds when nobody set it, as it would be written.
    pub default: &'static str,
    /// What it is, in English.
    pub en: &'static str,
    /// What it is, in Korean.
    pub ko: &'static str,
    /// Whether this version uses it.
    pub standing: Standing,
}

impl Setting {
    /// A row that this version uses.
    pub(super) const fn used(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        en: &'static str,
        ko: &'static str,
    ) -> Self {
        Self { name, kind, default, en, ko, standing: Standing::Used }
    }

    /// A row whose name is kept.
    pub(super) const fn reserved(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        en: &'static str,
        ko: &'static str,
    ) -> Self {
        Self { name, kind, default, en, ko, standing: Standing::Reserved }
    }

    /// Whether its value is never shown.
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret(_) | Kind::Routes(_))
    }
}

/// Rows that belong together.
pub struct Section {
    /// English.
    pub en: &'static str,
    /// Korean.
    pub ko: &'static str,
    /// Whether the commands of the terminal read it too.
    pub client: bool,
    /// Its rows.
    pub rows: &'static [Setting],
}

/// Names that share a beginning and end in something free, such as a provider's name.
pub struct Family {
    /// What the names start with.
    pub prefix: &'static str,
    /// How the free end is written in the documents.
    pub end: &'static str,
    /// What they hold.
    pub kind: Kind,
    /// English.
    pub en: &'static str,
    /// Korean.
    pub ko: &'static str,
}

/// Beginnings that belong to NEXUS: a name with one of them that is no row is a mistake.
pub const OWNED: &[&str] = &[
    "NEXUS_",
    "LLM_",
    "BREAKER_",
    "RAG_",
    "STREAM_",
    "AUTO_",
    "AUTOFIX_",
    "DLQ_",
    "ALERT_",
    "APPROVAL_",
    "RATE_LIMIT_",
    "TASK_",
    "FINOPS_",
    "BACKUP_",
];

/// Every section, in the order of the documents.
pub fn sections() -> impl Iterator<Item = &'static Section> {
    let slices = PEOPLE.iter().chain(AGENTS).chain(FAILURES).chain(OPERATIONS).chain(ALERTS);
    SECTIONS.iter().chain(TASKS).chain(slices).chain(RESERVED)
}

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Setting> {
    sections().flat_map(|section| section.rows)
}

/// The row of a name.
pub fn find(name: &str) -> Option<&'static Setting> {
    rows().find(|row| row.name == name)
}

/// The family of a name.
pub fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| {
        name.strip_prefix(family.prefix).is_some_and(|end| {
            !end.is_empty()
                && end.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        })
    })
}

/// Every family.
pub fn families() -> &'static [Family] {
    FAMILIES
}

pub(super) fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

pub(super) fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

pub(super) const DAY: u64 = 86_400;

static SECTIONS: &[Section] = &[
    Section {
        en: "Keys",
        ko: "키",
        client: true,
        rows: &[
            Setting::used(
                "NEXUS_API_KEY",
                Kind::Secret(|s, v| s.keys.service = v),
                "",
                "Key of programs: operator of every tenant, never an approver. The first run makes one when neither key is set; empty closes the door.",
                "프로그램용 키. 모든 테넌트의 운영자이지만 승인자는 될 수 없음. 두 키가 모두 없으면 첫 실행 때 만들어지며, 빈 값은 이 문을 닫음.",
            ),
            Setting::used(
                "ADMIN_API_KEY",
                Kind::Secret(|s, v| s.keys.admin = v),
                "",
                "Key of the platform admin, who approves and administers. Empty closes the door.",
                "플랫폼 관리자 키. 승인과 관리를 함. 빈 값은 이 문을 닫음.",
            ),
        ],
    },
    Section {
        en: "Data",
        ko: "데이터",
        client: true,
        rows: &[Setting::used(
            "NEXUS_DATA_DIR",
            Kind::Path(|s, v| s.store.data_dir = v),
            "./data",
            "Directory of everything that NEXUS keeps.",
            "NEXUS가 보관하는 모든 것이 있는 디렉터리.",
        )],
    },
    Section {
        en: "Store",
        ko: "저장소",
        client: false,
        rows: &[
            Setting::used(
                "NEXUS_STORE_QUEUE",
                Kind::Count(1, 1_000_000, |s, v| s.store.queue = size(v)),
                "4096",
                "Writes that may wait, and as many reads; one more is answered 503.",
                "대기할 수 있는 쓰기 수(읽기도 같은 수). 넘으면 503으로 응답.",
            ),
            Setting::used(
                "NEXUS_STORE_TENANT_QUEUE",
                Kind::Count(1, 1_000_000, |s, v| s.store.tenant_queue = size(v)),
                "2048",
                "How many of those that wait may be one tenant's, so that one cannot keep the others out.",
                "대기 중인 것 가운데 한 테넌트가 차지할 수 있는 수. 한 테넌트가 다른 테넌트를 막지 못하게 함.",
            ),
            Setting::used(
                "NEXUS_STORE_BATCH",
                Kind::Count(1, 100_000, |s, v| s.store.batch = size(v)),
                "256",
                "Writes that share one commit at most.",
                "한 번의 커밋을 함께 쓰는 최대 쓰기 수.",
            ),
            Setting::used(
                "NEXUS_STORE_READERS",
                Kind::Count(1, 64, |s, v| s.store.readers = size(v)),
                "2",
                "Connections that read.",
                "읽기 연결 수.",
            ),
            Setting::used(
                "DATABASE_URL",
                Kind::Secret(|s, v| s.store.database_url = v),
                "",
                "Postgres instead of SQLite: postgres://user:password@host/database.",
                "SQLite 대신 Postgres: postgres://user:password@host/database.",
            ),
            Setting::used(
                "DATABASE_OWNER_URL",
                Kind::Secret(|s, v| s.store.owner_url = v),
                "",
                "Postgres as the owner of the tables, for migrations; without it DATABASE_URL is the owner.",
                "테이블 소유자로 접속하는 Postgres 주소(마이그레이션용). 없으면 DATABASE_URL이 소유자.",
            ),
            Setting::used(
                "NEXUS_NODE_WAIT_SECONDS",
                Kind::Seconds(0, 600, |s, v| s.store.node_wait = v),
                "10",
                "On Postgres: how long a start waits for the node before it to end.",
                "Postgres에서 시작할 때 이전 노드가 끝나기를 기다리는 시간(초).",
            ),
            Setting::used(
                "NEXUS_STORE_WRITERS",
                Kind::Count(1, 64, |s, v| s.store.writers = size(v)),
                "8",
                "Connections to Postgres that write; each serves one tenant at a time.",
                "쓰기용 Postgres 연결 수. 연결 하나가 한 번에 한 테넌트를 처리.",
            ),
        ],
    },
    Section {
        en: "HTTP",
        ko: "HTTP",
        client: false,
        rows: &[
            Setting::used(
                "NEXUS_BIND",
                Kind::Address(|s, v| s.http.bind = v),
                "127.0.0.1:8000",
                "Address and port to listen on.",
                "수신할 주소와 포트.",
            ),
            Setting::used(
                "NEXUS_PUBLIC_URL",
                Kind::UrlOrNone(|s, v| s.http.public_url = v),
                "",
                "Where people reach this server, for links in messages; empty for the address that it listens on.",
                "메시지의 링크에 쓸, 사람들이 이 서버에 접속하는 주소. 비어 있으면 바인드 주소.",
            ),
            Setting::used(
                "NEXUS_ALLOW_PLAIN_HTTP",
                Kind::Bool(|s, v| s.http.allow_plain_http = v),
                "false",
                "Allows plain HTTP on more than loopback, for example behind a proxy that speaks HTTPS.",
                "루프백이 아닌 주소에서 평문 HTTP를 허용. 예: HTTPS를 처리하는 프록시 뒤.",
            ),
            Setting::used(
                "NEXUS_MAX_BODY_BYTES",
                Kind::Bytes(1024, 64 << 20, |s, v| s.http.max_body_bytes = size(v)),
                "1048576",
                "Largest request body.",
                "요청 본문의 최대 크기.",
            ),
            Setting::used(
                "NEXUS_MAX_HEADER_BYTES",
                Kind::Bytes(8192, 1 << 20, |s, v| s.http.max_header_bytes = size(v)),
                "16384",
                "Request line and headers together.",
                "요청 줄과 헤더를 합한 최대 크기.",
            ),
            Setting::used(
                "NEXUS_MAX_HEADERS",
                Kind::Count(16, 1024, |s, v| s.http.max_headers = size(v)),
                "64",
                "Number of headers of one request.",
                "요청 하나의 헤더 수.",
            ),
            Setting::used(
                "NEXUS_MAX_URI_BYTES",
                Kind::Bytes(256, 1 << 20, |s, v| s.http.max_uri_bytes = size(v)),
                "8192",
                "Path and query together.",
                "경로와 쿼리를 합한 최대 크기.",
            ),
            Setting::used(
                "NEXUS_HEADER_TIMEOUT_SECONDS",
                Kind::Seconds(1, 600, |s, v| s.http.header_timeout = v),
                "10",
                "From the first byte, or the answer before, to the last header.",
                "첫 바이트(또는 이전 응답)부터 마지막 헤더까지의 제한 시간.",
            ),
            Setting::used(
                "NEXUS_BODY_TIMEOUT_SECONDS",
                Kind::Seconds(1, 3600, |s, v| s.http.body_timeout = v),
                "30",
                "For a whole body.",
                "본문 전체를 받는 제한 시간.",
            ),
            Setting::used(
                "NEXUS_MAX_CONNECTIONS",
                Kind::Count(1, 1_000_000, |s, v| s.http.max_connections = size(v)),
                "10000",
                "Connections at once.",
                "동시 연결 수.",
            ),
            Setting::used(
                "NEXUS_SHUTDOWN_SECONDS",
                Kind::Seconds(0, 3600, |s, v| s.http.shutdown = v),
                "20",
                "How long a shutdown waits for what is running.",
                "종료할 때 실행 중인 일을 기다리는 시간.",
            ),
        ],
    },
    Section {
        en: "Stream",
        ko: "스트림",
        client: false,
        rows: &[
            Setting::used(
                "STREAM_EVENT_KEEP",
                Kind::Count(1, 1_000_000, |s, v| s.stream.event_keep = v),
                "2000",
                "Newest reports of a tenant that can be replayed.",
                "테넌트마다 다시 보낼 수 있는 최신 보고 수.",
            ),
            Setting::used(
                "STREAM_WORKLOG_KEEP",
                Kind::Count(1, 10_000, |s, v| s.stream.worklog_keep = size(v)),
                "200",
                "Lines of the worklog in the view.",
                "화면에 남는 작업 기록 줄 수.",
            ),
            Setting::used(
                "STREAM_MAX_PER_TENANT",
                Kind::Count(1, 100_000, |s, v| s.stream.max_per_tenant = size(v)),
                "100",
                "Open streams of one tenant.",
                "테넌트 하나가 열 수 있는 스트림 수.",
            ),
            Setting::used(
                "STREAM_IDLE_SECONDS",
                Kind::Seconds(1, DAY, |s, v| s.stream.idle = v),
                "300",
                "A stream without a report ends after this, less up to 20 %.",
                "보고가 없는 스트림이 닫히는 시간. 최대 20% 짧아짐.",
            ),
            Setting::used(
                "STREAM_PING_SECONDS",
                Kind::Seconds(1, 60, |s, v| s.stream.ping = v),
                "30",
                "Time between pings; clients give a stream up after 75 s without one.",
                "핑 간격. 클라이언트는 75초 동안 핑이 없으면 스트림을 포기함.",
            ),
            Setting::used(
                "STREAM_OPENS_PER_MINUTE",
                Kind::Count(1, 1_000_000, |s, v| s.stream.opens_per_minute = v),
                "60",
                "Streams that one principal may open in a tenant in a minute; more is refused for a while.",
                "주체 하나가 테넌트에서 1분에 열 수 있는 스트림 수. 넘으면 잠시 거절함.",
            ),
            Setting::used(
                "STREAM_ROTATE_SECONDS",
                Kind::Seconds(10, 30 * DAY, |s, v| s.stream.rotate = v),
                "3600",
                "A stream ends after this, less up to 20 %; the client comes back and misses nothing.",
                "스트림 하나가 열려 있는 최대 시간. 최대 20% 짧아짐. 클라이언트는 빠짐없이 이어받음.",
            ),
            Setting::used(
                "STREAM_STUCK_SECONDS",
                Kind::Seconds(1, 3600, |s, v| s.stream.stuck = v),
                "20",
                "A reader that takes nothing of what waits for it for this long is cut off.",
                "기다리는 데이터를 이 시간 동안 전혀 읽지 않는 구독자는 끊음.",
            ),
            Setting::used(
                "STREAM_DRAIN_SECONDS",
                Kind::Seconds(0, 3600, |s, v| s.stream.drain = v),
                "5",
                "A shutdown ends streams over this window at most, 20 a second if they are few.",
                "종료할 때 스트림을 나누어 닫는 최대 시간. 적으면 초당 20개씩 닫음.",
            ),
            Setting::used(
                "STREAM_RING_BYTES",
                Kind::Count(65_536, 1 << 32, |s, v| s.stream.ring_bytes = size(v)),
                "8388608",
                "Bytes of a tenant's newest reports that are kept in memory, for each class; older ones come from the store.",
                "테넌트마다 메모리에 두는 최신 보고의 바이트 수(등급별). 더 오래된 것은 저장소에서 읽음.",
            ),
            Setting::used(
                "STREAM_THREADS",
                Kind::Count(0, 64, |s, v| s.stream.threads = size(v)),
                "0",
                "Threads that write HTTP/1.1 streams; 0 is one for each two cores.",
                "HTTP/1.1 스트림을 쓰는 스레드 수. 0이면 코어 둘에 하나.",
            ),
        ],
    },
    Section {
        en: "Approvals",
        ko: "승인",
        client: false,
        rows: &[
            Setting::used(
                "APPROVAL_TIMEOUT_SECONDS",
                // Five minutes at most: the fourth law.
                Kind::Seconds(1, 300, |s, v| s.approval.timeout = v),
                "300",
                "How long an ask waits for a person; a rule can only shorten it.",
                "승인 요청이 사람을 기다리는 시간. 규칙은 줄일 수만 있음.",
            ),
            Setting::used(
                "APPROVAL_QUORUM",
                Kind::Count(1, 100, |s, v| s.approval.quorum = narrow(v)),
                "1",
                "Approvers that an ask needs.",
                "승인 요청에 필요한 승인자 수.",
            ),
            Setting::used(
                "APPROVAL_REQUIRE_OTHER_PERSON",
                Kind::Bool(|s, v| s.approval.require_other_person = v),
                "false",
                "Approver and requester must differ.",
                "승인자와 요청자가 서로 달라야 함.",
            ),
        ],
    },
    Section {
        en: "Outgoing calls",
        ko: "외부 호출",
        client: false,
        rows: &[
            Setting::used(
                "EGRESS_ALLOW",
                Kind::Hosts(|s, v| s.egress.allow = v),
                "",
                "Hosts, host:port, addresses or networks that may be called although the guard would refuse them.",
                "기본 차단 규칙에 걸려도 호출을 허용할 호스트, host:port, 주소 또는 네트워크.",
            ),
            Setting::used(
                "NEXUS_EGRESS_TIMEOUT_SECONDS",
                Kind::Seconds(1, 600, |s, v| s.egress.timeout = v),
                "10",
                "For one call, from name look-up to the last byte.",
                "이름 조회부터 마지막 바이트까지 호출 하나의 제한 시간.",
            ),
            Setting::used(
                "NEXUS_EGRESS_MAX_ANSWER_BYTES",
                Kind::Bytes(1024, 64 << 20, |s, v| s.egress.max_answer_bytes = size(v)),
                "65536",
                "What is read of an answer.",
                "응답에서 읽는 최대 크기.",
            ),
        ],
    },
    Section {
        en: "Logs",
        ko: "로그",
        client: false,
        rows: &[
            Setting::used(
                "NEXUS_LOG",
                Kind::Choice(&["error", "warn", "info", "debug", "trace"], |s, v| s.log.level = v),
                "info",
                "How much is logged.",
                "로그 수준.",
            ),
            Setting::used(
                "NEXUS_LOG_FORMAT",
                Kind::Choice(&["auto", "json", "text"], |s, v| s.log.format = v),
                "auto",
                "JSON lines, text, or text on a terminal and JSON elsewhere.",
                "JSON 줄, 텍스트, 또는 터미널에서만 텍스트(auto).",
            ),
        ],
    },
];
