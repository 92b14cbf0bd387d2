//! Settings of the built-in agents, and of what helps when one of them fails.

use super::table::{Kind, Section, Setting};

pub(super) static AGENTS: &[Section] = &[
    Section {
        en: "Autopilot",
        ko: "오토파일럿",
        client: false,
        rows: &[
            Setting::used(
                "AUTOPILOT_MAX_STEPS",
                Kind::Count(1, 20, |s, v| {
                    s.autopilot.max_steps = usize::try_from(v).unwrap_or(usize::MAX);
                }),
                "20",
                "Steps that one run may have.",
                "한 번의 실행이 가질 수 있는 단계 수.",
            ),
            Setting::used(
                "AUTOPILOT_MAX_SECONDS",
                Kind::Seconds(1, 604_800, |s, v| s.autopilot.max_time = v),
                "3600",
                "How long a run may take, waiting for decisions included.",
                "승인을 기다리는 시간을 포함해 한 번의 실행이 걸릴 수 있는 시간.",
            ),
        ],
    },
    Section {
        en: "YouTube",
        ko: "유튜브",
        client: false,
        rows: &[
            Setting::used(
                "YOUTUBE_API_KEY",
                Kind::Secret(|s, v| s.youtube.api_key = v),
                "",
                "Key of the YouTube Data API v3; without one there is no search.",
                "YouTube Data API v3 키. 없으면 검색할 수 없음.",
            ),
            Setting::used(
                "YOUTUBE_API_URL",
                Kind::Url(|s, v| s.youtube.api_url = v),
                "https://www.googleapis.com/youtube/v3",
                "Where the YouTube Data API is.",
                "YouTube Data API 주소.",
            ),
            Setting::used(
                "YOUTUBE_DEFAULT_REGION",
                Kind::Text(|s, v| s.youtube.region = v),
                "KR",
                "Region of a search that names none: two letters (ISO 3166-1).",
                "검색 기본 지역: 두 글자(ISO 3166-1).",
            ),
            Setting::used(
                "YOUTUBE_DEFAULT_LANGUAGE",
                Kind::Text(|s, v| s.youtube.language = v),
                "ko",
                "Language of a search that names none (ISO 639-1).",
                "검색 기본 언어(ISO 639-1).",
            ),
        ],
    },
    Section {
        en: "Runbooks",
        ko: "런북",
        client: false,
        rows: &[Setting::used(
            "RUNBOOK_BASE_URL",
            Kind::UrlOrNone(|s, v| s.runbooks.base_url = v),
            "",
            "Where your own copy of the runbooks stands, one page per code below it; empty for those that this server shows.",
            "직접 관리하는 런북의 주소. 그 아래에 코드마다 한 페이지. 비어 있으면 이 서버가 보여 주는 런북.",
        )],
    },
];
