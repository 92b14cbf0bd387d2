//! What `nexus agent` says, English and Korean side by side.

use nexus_kit::settings::Lang;

use super::check::Check;
use crate::cli::text::texts;

texts! {
    written() = "written", "만듦";
    what_next(readme: &str) = "what to do next: {readme}", "다음 할 일: {readme}";
    is_there(path: &str) = "{path} is there already; nothing was written", "{path}이(가) 이미 있어 아무것도 쓰지 않았습니다";
    other_folder() = "name another folder: nexus agent new LANGUAGE DIR", "다른 폴더를 지정하세요: nexus agent new LANGUAGE DIR";
    not_written(path: &str, why: &str) = "cannot write {path}: {why}", "{path}에 쓸 수 없습니다: {why}";
}

texts! {
    looking(title: &str) = "looking: {title}", "확인 중: {title}";
    start_it() = "start the agent with this in its environment", "이 환경 변수로 에이전트를 실행하세요";
    cannot_start(program: &str, why: &str) = "cannot start {program}: {why}", "{program}을(를) 실행할 수 없습니다: {why}";
    cannot_listen(at: &str, why: &str) = "cannot listen at {at}: {why}", "{at}에서 연결을 받을 수 없습니다: {why}";
    no_place(url: &str) = "--url is where the supervisor is played, as http://HOST:PORT; {url} is not", "--url은 감독자 역할을 할 주소이며 http://HOST:PORT 형식이어야 합니다: {url}";
    checked(passed: u32, failed: u32, skipped: u32) = "{passed} passed, {failed} failed, {skipped} not seen", "통과 {passed}, 실패 {failed}, 확인하지 못함 {skipped}";
}

/// Why a check could not be made, by what would make it possible.
pub fn not_seen(lang: Lang, why: &str) -> String {
    let (en, ko) = match why {
        "--long-params" => (
            "The task was over before a heartbeat was due: give params that take longer than a lease, by --long-params.",
            "하트비트가 필요하기 전에 작업이 끝났습니다. --long-params로 임대 시간보다 오래 걸리는 매개변수를 주세요.",
        ),
        "heartbeat" => (
            "It sends no heartbeats, so it cannot hear of it.",
            "하트비트를 보내지 않아 취소를 알 수 없습니다.",
        ),
        "-- COMMAND" => (
            "Only an agent that the check started can be ended by it: give its command after --.",
            "검사가 시작한 에이전트만 끝낼 수 있습니다. -- 뒤에 실행 명령을 주세요.",
        ),
        "--unsigned" => ("No signature was demanded.", "서명을 요구하지 않았습니다."),
        _ => ("It did not come to that.", "여기까지 진행되지 않았습니다."),
    };
    pick(lang, en, ko).to_owned()
}

fn pick(lang: Lang, en: &'static str, ko: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Ko => ko,
    }
}

/// What a check is about.
pub fn check_title(lang: Lang, check: Check) -> &'static str {
    let (en, ko) = match check {
        Check::Claim => {
            ("claims by its key, with the right fields", "키와 올바른 필드로 작업을 가져감")
        }
        Check::LongPoll => ("waits for work by long poll", "롱 폴링으로 작업을 기다림"),
        Check::UnknownFields => {
            ("ignores envelope fields that it does not know", "모르는 봉투 필드를 무시함")
        }
        Check::Schema => {
            ("callbacks fit /schemas/callback.json", "콜백이 /schemas/callback.json에 맞음")
        }
        Check::Proof => (
            "proves its attempt and says nothing after its end",
            "시도를 증명하고, 끝난 뒤에는 아무것도 보내지 않음",
        ),
        Check::Signature => (
            "signs callbacks: raw bytes, this moment, an id of each",
            "콜백에 서명함: 원본 바이트, 현재 시각, 고유 ID",
        ),
        Check::Size => ("stays within 1 MiB a callback", "콜백 크기가 1 MiB 이내"),
        Check::Unavailable => (
            "after a 503 sends the same again under the same id",
            "503 뒤에 같은 내용을 같은 ID로 다시 보냄",
        ),
        Check::Lost => (
            "without an answer sends the same again under the same id",
            "응답이 없으면 같은 내용을 같은 ID로 다시 보냄",
        ),
        Check::Stale => (
            "takes a 409 stale_attempt quietly and goes on",
            "409 stale_attempt를 조용히 받아들이고 계속함",
        ),
        Check::Approved => ("performs what was approved", "승인된 것을 수행함"),
        Check::Digest => (
            "does nothing when the digest is not that of the task",
            "다이제스트가 다르면 아무것도 하지 않음",
        ),
        Check::Heartbeat => {
            ("sends heartbeats before the lease ends", "임대가 끝나기 전에 하트비트를 보냄")
        }
        Check::Cancel => ("stops when a heartbeat says cancel", "하트비트가 취소를 알리면 멈춤"),
        Check::Away => {
            ("is there again after the server was away", "서버가 사라졌다 돌아와도 계속 동작함")
        }
        Check::Sigterm => ("ends on SIGTERM", "SIGTERM에 종료됨"),
    };
    pick(lang, en, ko)
}

/// What to do about a check that failed.
pub fn check_advice(lang: Lang, check: Check) -> &'static str {
    let (en, ko) = match check {
        Check::Claim => (
            "POST /agent/tasks/claim with X-API-Key: NEXUS_AGENT_KEY and {\"agent\", \"types\", \"max\", \"wait_seconds\"}, at NEXUS_URL.",
            "NEXUS_URL의 POST /agent/tasks/claim에 X-API-Key: NEXUS_AGENT_KEY와 {\"agent\", \"types\", \"max\", \"wait_seconds\"}를 보내세요.",
        ),
        Check::LongPoll => (
            "Send wait_seconds of 1 to 30: the answer comes as soon as there is work.",
            "wait_seconds를 1~30으로 보내세요. 작업이 생기면 바로 응답합니다.",
        ),
        Check::UnknownFields => (
            "Read only the fields that you need; a later server adds others. Then end the task with `succeeded`.",
            "필요한 필드만 읽으세요. 이후 버전의 서버는 필드를 더 보냅니다. 그리고 작업을 `succeeded`로 끝내세요.",
        ),
        Check::Schema => (
            "Hold the body against /schemas/callback.json; it allows no other fields.",
            "본문을 /schemas/callback.json과 비교하세요. 다른 필드는 허용되지 않습니다.",
        ),
        Check::Proof => (
            "Send task_id, attempt and attempt_token of this envelope, the name that claimed, and one end for each attempt.",
            "이 봉투의 task_id, attempt, attempt_token과 작업을 가져간 이름을 보내고, 시도마다 끝은 한 번만 보내세요.",
        ),
        Check::Signature => (
            "HMAC-SHA256 by CALLBACK_SIGNATURE_SECRET over `id.timestamp.body`, the exact bytes that leave; a new webhook-id for each callback.",
            "CALLBACK_SIGNATURE_SECRET으로, 실제로 보내는 바이트 그대로 `id.timestamp.body`의 HMAC-SHA256을 만드세요. webhook-id는 콜백마다 새것이어야 합니다.",
        ),
        Check::Size => (
            "Keep what is large elsewhere and send where it is.",
            "큰 결과는 다른 곳에 두고 그 위치를 보내세요.",
        ),
        Check::Unavailable | Check::Lost => (
            "Keep the bytes and the webhook-id of a callback until it is answered, wait a little longer each time, and send them again, signed anew.",
            "응답을 받을 때까지 콜백의 바이트와 webhook-id를 보관하고, 간격을 늘려 가며 다시 서명해 보내세요.",
        ),
        Check::Stale => (
            "409 means that the task is somebody else's: stop, say nothing more about it, claim the next.",
            "409는 작업이 이미 다른 에이전트의 것이라는 뜻입니다. 멈추고, 더 보내지 말고, 다음 작업을 가져가세요.",
        ),
        Check::Approved => (
            "The digest is the SHA-256 of {\"bound\":[…],\"params\":{…}} as RFC 8785 writes it; equal means: perform it.",
            "다이제스트는 RFC 8785로 쓴 {\"bound\":[…],\"params\":{…}}의 SHA-256입니다. 같으면 수행하세요.",
        ),
        Check::Digest => (
            "Compute the digest before anything else; if it differs, report `failed` with APPROVAL_PARAMS_MISMATCH and do nothing.",
            "무엇보다 먼저 다이제스트를 계산하고, 다르면 아무것도 하지 말고 APPROVAL_PARAMS_MISMATCH로 `failed`를 보내세요.",
        ),
        Check::Heartbeat => (
            "Beat beside the work, about three times between issued_at and lease_until; callbacks do not keep a claim.",
            "작업과 별도로, issued_at과 lease_until 사이에 세 번쯤 하트비트를 보내세요. 콜백은 임대를 연장하지 않습니다.",
        ),
        Check::Cancel => (
            "Read `cancel` of every heartbeat's answer; when it is true, stop and report `failed` with retryable true.",
            "하트비트 응답의 `cancel`을 매번 읽고, true이면 멈추고 retryable을 true로 하여 `failed`를 보내세요.",
        ),
        Check::Away => (
            "Try again, a little later each time, when a claim cannot be sent or is not answered.",
            "작업을 가져오지 못하거나 응답이 없으면 간격을 늘려 가며 다시 시도하세요.",
        ),
        Check::Sigterm => (
            "Do not ignore SIGTERM; a task that was under way is given to another agent.",
            "SIGTERM을 무시하지 마세요. 진행 중이던 작업은 다른 에이전트가 맡습니다.",
        ),
    };
    pick(lang, en, ko)
}
