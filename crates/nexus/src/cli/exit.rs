//! How a command ends, in a number that scripts can rely on.

use nexus_kit::settings::Lang;

/// Exit codes; documented in `--help` and never renumbered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// The task failed, or something else went wrong.
    Failed = 1,
    /// The command line or the settings are wrong.
    Usage = 2,
    /// The server cannot be reached.
    Unreachable = 3,
    /// The server refused.
    Refused = 4,
    /// A person denied it.
    Denied = 5,
    /// Nobody decided in time.
    Expired = 6,
    /// It was cancelled.
    Cancelled = 7,
    /// It waits for a person, or nobody knows whether it took effect.
    Held = 8,
    /// Stopped waiting; the task goes on.
    TimedOut = 9,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Unreachable,
        Self::Refused,
        Self::Denied,
        Self::Expired,
        Self::Cancelled,
        Self::Held,
        Self::TimedOut,
        Self::Interrupted,
    ];

    /// What it means.
    pub fn meaning(self, lang: Lang) -> &'static str {
        let (en, ko) = match self {
            Self::Ok => ("done", "성공"),
            Self::Failed => ("the task failed, or another error", "작업 실패 또는 기타 오류"),
            Self::Usage => ("wrong command line or settings", "잘못된 명령줄 또는 설정"),
            Self::Unreachable => ("cannot reach the server", "서버에 연결할 수 없음"),
            Self::Refused => ("the server refused (4xx)", "서버가 거부함(4xx)"),
            Self::Denied => ("a person denied it", "사람이 거절함"),
            Self::Expired => ("nobody decided in time", "제때 결정되지 않아 만료됨"),
            Self::Cancelled => ("it was cancelled", "취소됨"),
            Self::Held => ("held, or its effect is unknown", "보류됨, 또는 결과를 알 수 없음"),
            Self::TimedOut => ("stopped waiting; the task goes on", "대기를 멈춤(작업은 계속됨)"),
            Self::Interrupted => ("interrupted", "중단됨"),
        };
        match lang {
            Lang::En => en,
            Lang::Ko => ko,
        }
    }

    /// How a task with this status ends a command that waited for it; `None` while it goes on.
    pub fn of_task(status: &str, failure_code: &str) -> Option<Self> {
        match status {
            "succeeded" => Some(Self::Ok),
            "denied" => Some(Self::Denied),
            "expired" => Some(Self::Expired),
            "cancelled" => Some(Self::Cancelled),
            "held" => Some(Self::Held),
            "dead" | "alarmed" if failure_code == "EFFECT_UNKNOWN" => Some(Self::Held),
            "dead" | "alarmed" => Some(Self::Failed),
            _ => None,
        }
    }

    /// The list for `--help`.
    pub fn table(lang: Lang) -> String {
        let heading = match lang {
            Lang::En => "Exit codes:",
            Lang::Ko => "종료 코드:",
        };
        Self::ALL.iter().fold(heading.to_owned(), |mut text, exit| {
            text.push_str(&format!("\n  {:>3}  {}", *exit as u8, exit.meaning(lang)));
            text
        })
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
