//! Settings about people, their passwords, sessions and tries to sign in, and about their terminals.

use super::table::{Kind, Section, Setting, narrow};

const DAY: u64 = 86_400;

pub(super) static PEOPLE: &[Section] = &[
    Section {
        en: "People",
        ko: "사용자",
        client: false,
        rows: &[
            Setting::used(
                "NEXUS_SESSION_IDLE_SECONDS",
                Kind::Seconds(60, DAY, |s, v| s.people.session_idle = v),
                "1800",
                "A session in which nobody does anything ends after this; an open stream is no doing.",
                "아무 동작이 없는 로그인 세션이 끝나는 시간. 열린 스트림은 동작으로 보지 않음.",
            ),
            Setting::used(
                "NEXUS_SESSION_SECONDS",
                Kind::Seconds(60, 30 * DAY, |s, v| s.people.session = v),
                "43200",
                "A session ends after this, whatever is done in it.",
                "동작이 있어도 로그인 세션이 끝나는 시간.",
            ),
            Setting::used(
                "NEXUS_PASSWORD_MEMORY_KIB",
                Kind::Count(19_456, 1_048_576, |s, v| s.people.password_memory_kib = narrow(v)),
                "19456",
                "Memory of one Argon2id hash; hashes made with less are made again at the next sign-in.",
                "Argon2id 해시 하나가 쓰는 메모리. 더 약하게 만든 해시는 다음 로그인 때 다시 만듦.",
            ),
            Setting::used(
                "NEXUS_PASSWORD_PASSES",
                Kind::Count(2, 100, |s, v| s.people.password_passes = narrow(v)),
                "2",
                "Passes of Argon2id.",
                "Argon2id 반복 횟수.",
            ),
            Setting::used(
                "NEXUS_PASSWORD_LANES",
                Kind::Count(1, 16, |s, v| s.people.password_lanes = narrow(v)),
                "1",
                "Lanes of Argon2id.",
                "Argon2id 병렬도.",
            ),
            Setting::used(
                "NEXUS_LOGIN_TRIES",
                Kind::Count(1, 1_000, |s, v| s.people.login_tries = v),
                "5",
                "Failed sign-ins of one account from one address within NEXUS_LOGIN_WINDOW_SECONDS.",
                "한 주소에서 한 계정에 NEXUS_LOGIN_WINDOW_SECONDS 동안 허용되는 로그인 실패 횟수.",
            ),
            Setting::used(
                "NEXUS_LOGIN_WINDOW_SECONDS",
                Kind::Seconds(1, DAY, |s, v| s.people.login_window = v),
                "900",
                "See NEXUS_LOGIN_TRIES; also how long the longest wait is.",
                "NEXUS_LOGIN_TRIES 참고. 가장 긴 대기 시간이기도 함.",
            ),
            Setting::used(
                "NEXUS_LOGIN_TRIES_PER_ACCOUNT",
                Kind::Count(1, 10_000, |s, v| s.people.login_tries_per_account = v),
                "20",
                "Failed sign-ins of one account from all addresses within an hour; beyond them each waits twice as long as the one before.",
                "한 계정에 모든 주소를 합쳐 한 시간 동안 허용되는 로그인 실패 횟수. 넘으면 시도마다 대기 시간이 두 배가 됨.",
            ),
            Setting::used(
                "NEXUS_LOGIN_TRIES_PER_ADDRESS",
                Kind::Count(1, 1_000_000, |s, v| s.people.login_tries_per_address = v),
                "100",
                "Failed sign-ins from one address to all accounts within an hour; beyond them each waits twice as long as the one before.",
                "한 주소에서 모든 계정을 합쳐 한 시간 동안 허용되는 로그인 실패 횟수. 넘으면 시도마다 대기 시간이 두 배가 됨.",
            ),
            Setting::used(
                "NEXUS_LOGIN_BACKOFF_SECONDS",
                Kind::Seconds(1, 3_600, |s, v| s.people.login_backoff = v),
                "30",
                "The first of these waits.",
                "그 대기 시간 중 첫 번째.",
            ),
        ],
    },
    Section {
        en: "Terminal",
        ko: "터미널",
        client: true,
        rows: &[
            Setting::used(
                "NEXUS_URL",
                Kind::Url(|s, v| s.client.url = v),
                "http://127.0.0.1:8000",
                "The server that the commands of the terminal talk to.",
                "터미널 명령이 접속하는 서버.",
            ),
            Setting::used(
                "NEXUS_ORG",
                Kind::TenantPart(|s, v| s.client.org = v),
                "default",
                "The organisation that they act for.",
                "터미널 명령이 대상으로 하는 조직.",
            ),
            Setting::used(
                "NEXUS_PROJECT",
                Kind::TenantPart(|s, v| s.client.project = v),
                "default",
                "The project that they act for.",
                "터미널 명령이 대상으로 하는 프로젝트.",
            ),
            Setting::used(
                "NEXUS_LANG",
                Kind::Language(|s, v| s.client.lang = v),
                "",
                "Language of the terminal: ko or en; empty asks LC_ALL and LANG.",
                "터미널 언어: ko 또는 en. 비어 있으면 LC_ALL과 LANG을 따름.",
            ),
            Setting::used(
                "NEXUS_CONFIG_DIR",
                Kind::Text(|s, v| s.client.config_dir = (!v.is_empty()).then(|| v.into())),
                "",
                "Where `nexus login` keeps its session; empty means nexus in XDG_CONFIG_HOME or ~/.config.",
                "`nexus login`이 세션을 보관하는 곳. 비어 있으면 XDG_CONFIG_HOME 또는 ~/.config의 nexus.",
            ),
        ],
    },
];
