//! Names that are fixed and that this version does not use yet: kept so that a file written for a
//! later version is understood, and so that nobody believes in a switch that moves nothing.

use super::table::{Family, Kind, Section, Setting, Standing};

const TEXT: Kind = Kind::Text(|_, _| {});
const SECRET: Kind = Kind::Secret(|_, _| {});
const LIST: Kind = Kind::List(|_, _| {});
const BOOL: Kind = Kind::Bool(|_, _| {});
const PATH: Kind = Kind::Path(|_, _| {});
const fn count(least: u64, most: u64) -> Kind {
    Kind::Count(least, most, |_, _| {})
}
const fn seconds(least: u64, most: u64) -> Kind {
    Kind::Seconds(least, most, |_, _| {})
}
const fn refused(
    name: &'static str,
    kind: Kind,
    en: &'static str,
    ko: &'static str,
    why: (&'static str, &'static str),
) -> Setting {
    Setting { name, kind, default: "", en, ko, standing: Standing::Refused(why.0, why.1) }
}

use Setting as S;

pub(super) static RESERVED: &[Section] = &[
    Section {
        en: "Several machines, encryption, proxies",
        ko: "여러 대의 서버, 암호화, 프록시",
        client: false,
        rows: &[
            refused(
                "REDIS_URL",
                SECRET,
                "Redis for live fan-out and limits over several nodes.",
                "여러 노드의 실시간 전달과 한도를 위한 Redis.",
                (
                    "this version is one process and shares nothing with other nodes",
                    "이 버전은 프로세스 하나로 동작하며 다른 노드와 아무것도 공유하지 않습니다",
                ),
            ),
            refused(
                "RABBITMQ_URL",
                SECRET,
                "RabbitMQ as task transport.",
                "작업 전달용 RabbitMQ.",
                (
                    "this version hands tasks over from its own store",
                    "이 버전은 자체 저장소에서 작업을 전달합니다",
                ),
            ),
            refused(
                "NEXUS_MASTER_KEY",
                SECRET,
                "Key that encrypts what is stored.",
                "저장된 것을 암호화하는 키.",
                (
                    "this version encrypts nothing at rest, and a key would promise it",
                    "이 버전은 저장 데이터를 암호화하지 않으므로 키를 받으면 거짓 약속이 됩니다",
                ),
            ),
            refused(
                "TRUSTED_PROXIES",
                LIST,
                "Proxies whose forwarded addresses are believed.",
                "전달된 주소를 신뢰할 프록시.",
                (
                    "this version never believes forwarded addresses",
                    "이 버전은 전달된 주소를 신뢰하지 않습니다",
                ),
            ),
        ],
    },
    Section {
        en: "Queues and limits",
        ko: "큐와 한도",
        client: false,
        rows: &[
            S::reserved("TASK_QUEUE", TEXT, "nexus.tasks", "Queue of tasks.", "작업 큐."),
            S::reserved("DLQ_QUEUE", TEXT, "nexus.dlq", "Queue of dead letters.", "데드레터 큐."),
            S::reserved("HOLD_QUEUE", TEXT, "nexus.hold", "Queue of held tasks.", "보류 큐."),
            S::reserved("ALARM_QUEUE", TEXT, "nexus.alarm", "Queue of alarms.", "경보 큐."),
            S::reserved(
                "RATE_LIMIT_TENANT_PER_MINUTE",
                count(1, 10_000_000),
                "1000",
                "Requests of one tenant in a minute.",
                "테넌트 하나의 분당 요청 수.",
            ),
            S::reserved(
                "RATE_LIMIT_USER_PER_MINUTE",
                count(1, 10_000_000),
                "100",
                "Requests of one user in a minute.",
                "사용자 하나의 분당 요청 수.",
            ),
            S::reserved(
                "RATE_LIMIT_DEVICE_PER_MINUTE",
                count(1, 10_000_000),
                "50",
                "Requests of one device in a minute.",
                "기기 하나의 분당 요청 수.",
            ),
            S::reserved(
                "BACKUP_HOUR",
                count(0, 23),
                "2",
                "Hour of the daily backup.",
                "매일 백업하는 시각(시).",
            ),
        ],
    },
    Section {
        en: "Models and money",
        ko: "모델과 비용",
        client: false,
        rows: &[
            S::reserved(
                "LLM_PRIMARY_PROVIDER",
                TEXT,
                "anthropic",
                "Provider that is asked first.",
                "먼저 호출하는 제공자.",
            ),
            S::reserved(
                "LLM_FALLBACK_PROVIDERS",
                LIST,
                "gemini,openai",
                "Providers that are asked next.",
                "다음으로 호출하는 제공자.",
            ),
            S::reserved(
                "LLM_REQUIRED",
                BOOL,
                "false",
                "A start without a usable provider is refused.",
                "사용할 수 있는 제공자가 없으면 시작을 거부.",
            ),
            S::reserved("ANTHROPIC_API_KEY", SECRET, "", "Key of Anthropic.", "Anthropic 키."),
            S::reserved(
                "ANTHROPIC_MODEL",
                TEXT,
                "claude-sonnet-4-5-20250929",
                "Model of Anthropic.",
                "Anthropic 모델.",
            ),
            S::reserved("GEMINI_API_KEY", SECRET, "", "Key of Gemini.", "Gemini 키."),
            S::reserved("OPENAI_API_KEY", SECRET, "", "Key of OpenAI.", "OpenAI 키."),
            S::reserved("ZAI_API_KEY", SECRET, "", "Key of Z.ai.", "Z.ai 키."),
            S::reserved("ZAI_MODEL", TEXT, "glm-4.7", "Model of Z.ai.", "Z.ai 모델."),
            S::reserved(
                "LLM_OPENAI_COMPATIBLE_BASE_URL",
                TEXT,
                "",
                "Base address of an OpenAI-compatible provider.",
                "OpenAI 호환 제공자의 기본 주소.",
            ),
            S::reserved(
                "LLM_PRICES_JSON",
                Kind::Json,
                "",
                "Prices that override the built-in ones.",
                "내장 가격을 대신하는 가격표.",
            ),
            S::reserved(
                "LLM_DEDUPE_TTL_JSON",
                Kind::Json,
                "{\"default\":60}",
                "How long the same call is answered from memory.",
                "같은 호출을 기억에서 답하는 시간.",
            ),
            S::reserved(
                "LLM_BUDGET_DAILY_USD",
                Kind::Decimal(0.0, 1e9),
                "20",
                "Money of one day, in USD.",
                "하루 예산(USD).",
            ),
            S::reserved(
                "LLM_BUDGET_SOFT_PCT",
                Kind::Decimal(0.0, 1.0),
                "0.8",
                "Share of the budget from which models are degraded.",
                "모델을 낮추기 시작하는 예산 비율.",
            ),
            S::reserved(
                "LLM_BUDGET_HARD_PCT",
                Kind::Decimal(0.0, 1.0),
                "1.0",
                "Share of the budget at which calls stop.",
                "호출을 멈추는 예산 비율.",
            ),
            S::reserved(
                "FINOPS_TIMEZONE",
                TEXT,
                "Asia/Seoul",
                "Where a day of money begins.",
                "예산 하루의 기준 시간대.",
            ),
            S::reserved(
                "LLM_COST_LEDGER_PATH",
                PATH,
                "logs/llm_cost_ledger.jsonl",
                "File of costs.",
                "비용 장부 파일.",
            ),
            S::reserved(
                "LLM_AUDIT_ENABLED",
                BOOL,
                "true",
                "Calls of models are audited.",
                "모델 호출을 감사 기록에 남김.",
            ),
            S::reserved(
                "LLM_AUDIT_LOG_PATH",
                PATH,
                "logs/llm_audit.jsonl",
                "File of that audit.",
                "모델 호출 감사 파일.",
            ),
            S::reserved(
                "BREAKER_WINDOW_SECONDS",
                seconds(1, 86_400),
                "300",
                "Time in which failures of a provider are counted.",
                "제공자의 실패를 세는 시간.",
            ),
            S::reserved(
                "BREAKER_FAIL_THRESHOLD",
                count(1, 10_000),
                "5",
                "Failures that open the breaker.",
                "차단기를 여는 실패 수.",
            ),
            S::reserved(
                "BREAKER_COOLDOWN_SECONDS",
                seconds(1, 86_400),
                "120",
                "How long it stays open.",
                "차단기가 열려 있는 시간.",
            ),
        ],
    },
    Section {
        en: "Agents and documents",
        ko: "에이전트와 문서",
        client: false,
        rows: &[
            S::reserved(
                "RAG_AUTO_INGEST_ENABLED",
                BOOL,
                "true",
                "Documents are read every night.",
                "매일 밤 문서를 읽어 들임.",
            ),
            S::reserved(
                "RAG_AUTO_INGEST_PATH",
                PATH,
                "<data dir>/gdrive_mirror",
                "Where the documents are.",
                "문서가 있는 경로.",
            ),
            S::reserved(
                "RAG_AUTO_INGEST_HOUR",
                count(0, 23),
                "3",
                "Hour of the nightly run.",
                "야간 실행 시각(시).",
            ),
            S::reserved(
                "RAG_AUTO_INGEST_MINUTE",
                count(0, 59),
                "0",
                "Minute of the nightly run.",
                "야간 실행 시각(분).",
            ),
            S::reserved(
                "RAG_AUTO_INGEST_EXTENSIONS",
                LIST,
                "pdf,docx,pptx,xlsx,txt,md,hwp",
                "Kinds of documents that are read.",
                "읽어 들이는 문서 확장자.",
            ),
            S::reserved(
                "RAG_AUTO_INGEST_MAX_FILES",
                count(1, 10_000_000),
                "5000",
                "Documents of one run at most.",
                "한 번에 읽는 최대 문서 수.",
            ),
            S::reserved(
                "RAG_AUTO_INGEST_MAX_FILE_MB",
                count(1, 10_000),
                "50",
                "Largest document, in MB.",
                "문서의 최대 크기(MB).",
            ),
            S::reserved(
                "RAG_HWP_NATIVE",
                BOOL,
                "false",
                "HWP is read without a twin.",
                "HWP를 변환본 없이 직접 읽음.",
            ),
            S::reserved(
                "RAG_TENANT_MAP",
                TEXT,
                "",
                "Which folder belongs to which tenant.",
                "폴더별 테넌트.",
            ),
        ],
    },
    Section {
        en: "AutoFix",
        ko: "AutoFix",
        client: false,
        rows: &[
            S::reserved("GITHUB_TOKEN", SECRET, "", "Token of GitHub.", "GitHub 토큰."),
            S::reserved("AUTOFIX_REPO", TEXT, "", "Repository, owner/name.", "저장소(owner/name)."),
            S::reserved(
                "AUTOFIX_WORKFLOW",
                TEXT,
                "",
                "Workflow that is started.",
                "시작할 워크플로.",
            ),
            S::reserved(
                "AUTOFIX_REQUIRED_CHECKS",
                LIST,
                "",
                "Checks that must be green.",
                "통과해야 하는 검사.",
            ),
            S::reserved(
                "AUTOFIX_CI_WAIT_SECONDS",
                seconds(1, 86_400),
                "60",
                "Wait between looks at the CI.",
                "CI를 다시 확인하는 간격.",
            ),
            S::reserved(
                "AUTOFIX_CI_RETRY",
                count(0, 100),
                "1",
                "How often a failed CI is started again.",
                "실패한 CI를 다시 시작하는 횟수.",
            ),
            S::reserved(
                "AUTOFIX_APPLY_PATCHES",
                BOOL,
                "false",
                "Patches are written.",
                "패치를 실제로 적용.",
            ),
            S::reserved(
                "AUTOFIX_AUTO_MERGE",
                BOOL,
                "false",
                "Pull requests are merged.",
                "풀 리퀘스트를 자동 병합.",
            ),
            S::reserved(
                "AUTOFIX_CONFLICT_MENTION",
                TEXT,
                "",
                "Who is named when a merge conflicts.",
                "병합 충돌 때 알릴 사람.",
            ),
            S::reserved(
                "AUTOFIX_ISSUE_HISTORY_IN_BODY",
                BOOL,
                "false",
                "The history stands in the issue's body.",
                "이력을 이슈 본문에 둠.",
            ),
            S::reserved(
                "AUTOFIX_ISSUE_HISTORY_MAX",
                count(0, 1_000),
                "20",
                "Lines of that history.",
                "이력의 최대 줄 수.",
            ),
        ],
    },
];

pub(super) static FAMILIES: &[Family] = &[
    Family {
        prefix: "LLM_RPM_",
        end: "<PROVIDER>",
        kind: count(0, 10_000_000),
        en: "Requests of a provider in a minute.",
        ko: "제공자의 분당 요청 수.",
    },
    Family {
        prefix: "LLM_TPM_",
        end: "<PROVIDER>",
        kind: count(0, 1_000_000_000),
        en: "Tokens of a provider in a minute.",
        ko: "제공자의 분당 토큰 수.",
    },
    Family {
        prefix: "LLM_DEGRADE_MODEL_",
        end: "<PROVIDER>",
        kind: TEXT,
        en: "Cheaper model of a provider.",
        ko: "제공자의 더 저렴한 모델.",
    },
];
