//! Every sentence that the command line says, English and Korean side by side.

use nexus_client::Refusal;
use nexus_kit::settings::Lang;

/// Makes one function for each message: the same arguments, a format in each language.
macro_rules! texts {
    ($($name:ident($($arg:ident: $type:ty),*) = $en:literal, $ko:literal;)*) => {$(
        #[doc = $en]
        pub fn $name(lang: Lang, $($arg: $type),*) -> String {
            match lang {
                Lang::En => format!($en),
                Lang::Ko => format!($ko),
            }
        }
    )*};
}

/// Makes one function for each table: the headings of its columns in each language.
macro_rules! headings {
    ($($name:ident[$count:literal] = $en:expr, $ko:expr;)*) => {$(
        /// Headings of a table.
        pub fn $name(lang: Lang) -> [&'static str; $count] {
            match lang {
                Lang::En => $en,
                Lang::Ko => $ko,
            }
        }
    )*};
}

pub(super) use {headings, texts};

texts! {
    error() = "error:", "오류:";
    warning() = "warning:", "경고:";
    interrupted() = "interrupted; what was sent goes on", "중단했습니다. 이미 보낸 것은 계속 진행됩니다";
    stopped() = "stopped watching", "보기를 멈췄습니다";

    bad_settings(count: usize) = "{count} problem(s) in the settings", "설정에 문제가 {count}개 있습니다";
    settings_ok() = "the settings are in order", "설정에 문제가 없습니다";
    keys_made(path: &str) = "made NEXUS_API_KEY and ADMIN_API_KEY in {path}; keep that file", "{path}에 NEXUS_API_KEY와 ADMIN_API_KEY를 만들었습니다. 이 파일을 잘 보관하세요";
    first_admin(page: &str) = "nobody is an admin yet; become the first one at {page} (works once, for 24 hours)", "아직 관리자가 없습니다. {page} 에서 첫 관리자가 되세요(한 번만, 24시간 동안 유효)";
    keys_failed(path: &str, why: &str) = "cannot make keys in {path}: {why}", "{path}에 키를 만들 수 없습니다: {why}";

    unreachable(why: &str) = "cannot reach {why}", "서버에 연결할 수 없습니다: {why}";
    unreachable_hint() = "does `nexus serve` run there? --url and NEXUS_URL say where to look", "그곳에서 `nexus serve`가 실행 중인가요? 주소는 --url 또는 NEXUS_URL로 지정합니다";
    strange(why: &str) = "the server's answer makes no sense: {why}", "서버의 응답을 이해할 수 없습니다: {why}";
    no_key() = "no key and nobody signed in: nexus login, set NEXUS_API_KEY, run where the server's keys.env is, or name a file with --key-file", "키도 없고 로그인도 하지 않았습니다. nexus login을 하거나, NEXUS_API_KEY를 설정하거나, 서버의 keys.env가 있는 곳에서 실행하거나, --key-file로 파일을 지정하세요";
    no_admin_key() = "no admin key and nobody signed in: nexus login, set ADMIN_API_KEY, run where the server's keys.env is, or name a file with --key-file", "관리자 키도 없고 로그인도 하지 않았습니다. nexus login을 하거나, ADMIN_API_KEY를 설정하거나, 서버의 keys.env가 있는 곳에서 실행하거나, --key-file로 파일을 지정하세요";
    plain_http(url: &str) = "{url} is plain HTTP: the key travels where others may read it", "{url}은(는) 평문 HTTP입니다. 다른 사람이 키를 읽을 수 있습니다";
    retry_in(seconds: u64) = "try again in {seconds} s", "{seconds}초 뒤에 다시 시도하세요";
    check_key() = "check the key: NEXUS_API_KEY, ADMIN_API_KEY, --key-file", "키를 확인하세요: NEXUS_API_KEY, ADMIN_API_KEY, --key-file";
    sign_in_again() = "sign in again: nexus login", "다시 로그인하세요: nexus login";
    email_question() = "E-mail:", "이메일:";
    password_question() = "Password:", "비밀번호:";
    signed_in() = "signed in as", "로그인했습니다:";
    signed_out() = "signed out", "로그아웃했습니다";
    not_signed_in() = "nobody is signed in to this server; nexus login", "이 서버에 로그인한 사람이 없습니다. nexus login";
    nobody_to_sign_in() = "there is no terminal to ask at; use --email and --password-stdin", "물어볼 터미널이 없습니다. --email과 --password-stdin을 쓰세요";
    no_config_dir() = "nowhere to keep a session: set HOME or NEXUS_CONFIG_DIR", "세션을 보관할 곳이 없습니다. HOME 또는 NEXUS_CONFIG_DIR을 설정하세요";
    session_unreadable(path: &str, why: &str) = "{path}: {why}", "{path}: {why}";
    session_not_kept(path: &str, why: &str) = "the session cannot be kept in {path}: {why}", "세션을 {path}에 보관할 수 없습니다: {why}";
    key_goes_first(name: &str) = "{name} is set and goes before the sign-in", "{name}이(가) 설정되어 있어 로그인보다 먼저 쓰입니다";
    platform_admin() = "the platform admin", "플랫폼 관리자";
    a_program() = "a program, operator of every tenant", "프로그램(모든 테넌트의 운영자)";
    a_key() = "whoever the key is of", "키의 주인";
    runbook_hint(code: &str) = "what to do: nexus runbook {code}", "조치 방법: nexus runbook {code}";
    again() = "by itself", "자동";
    once() = "none", "없음";
    standing_still() = "paused", "멈춤";
    member_of_nothing() = "a member of no tenant", "속한 테넌트가 없습니다";
    added() = "invited", "초대함";
    changed() = "changed", "바꿈";
    has_account() = "they have an account and are a member from now on", "이미 계정이 있어 지금부터 구성원입니다";
    closed_account() = "closed", "사용 중지됨";
    opened() = "open again", "다시 열림";
    disable_question(user: &str) = "Close the account of {user} in all tenants?", "{user}의 계정을 모든 테넌트에서 닫을까요?";
    link_once(until: &str) = "pass this on; it works once, until {until}", "이 링크를 전달하세요. {until}까지 한 번만 쓸 수 있습니다";
    first_admin_link() = "whoever opens this becomes admin; it works once, for 24 hours", "이 링크를 여는 사람이 관리자가 됩니다. 24시간 동안 한 번만 쓸 수 있습니다";
    no_such_member(user: &str, tenant: &str) = "{user} is no member of {tenant}", "{user}은(는) {tenant}의 구성원이 아닙니다";
    role_question(user: &str, role: &str, tenant: &str) = "Make {user} {role} of {tenant}?", "{user}을(를) {tenant}의 {role}(으)로 정할까요?";
    remove_question(user: &str, tenant: &str) = "Remove {user} from {tenant}?", "{user}을(를) {tenant}에서 제외할까요?";
    check_rights() = "this may not do that; approving needs a person with the role approver or ADMIN_API_KEY, administering an admin: nexus whoami says who acts", "이 권한으로는 할 수 없습니다. 승인에는 승인자 역할의 사람 또는 ADMIN_API_KEY가, 관리에는 관리자가 필요합니다. nexus whoami로 누구인지 확인하세요";
    check_tenant() = "check the id, and the tenant: --org, --project", "ID와 테넌트(--org, --project)를 확인하세요";
    decided_already(ask: &str) = "somebody decided {ask} already; `nexus watch` shows what came of it", "{ask}은(는) 이미 결정되었습니다. 결과는 `nexus watch`에서 볼 수 있습니다";
    look_again() = "it has changed since; look again before you decide", "그 사이에 내용이 바뀌었습니다. 다시 확인한 뒤 결정하세요";
    see_types() = "`nexus types list` shows what can be sent", "보낼 수 있는 명령은 `nexus types list`에서 볼 수 있습니다";
    is_it_nexus() = "this does not look like an answer of NEXUS; check --url and NEXUS_URL", "NEXUS의 응답이 아닌 것 같습니다. --url 또는 NEXUS_URL을 확인하세요";
    see_log() = "the server's log has the cause", "원인은 서버 로그에 있습니다";

    bad_params(why: &str) = "--params: {why}", "--params: {why}";
    params_not_object() = "--params must be a JSON object", "--params는 JSON 객체여야 합니다";
    not_key_value(word: &str) = "{word:?} is not key=value, key:=json or key=@file", "{word:?}은(는) key=value, key:=json, key=@file 형식이 아닙니다";
    key_twice(key: &str) = "{key} stands twice", "{key}이(가) 두 번 있습니다";
    bad_value(key: &str, why: &str) = "{key}: {why}", "{key}: {why}";
    not_json(why: &str) = "cannot be read as JSON: {why}", "JSON으로 읽을 수 없습니다: {why}";
    bad_tenant(text: &str) = "{text:?} is no tenant; write ORG:PROJECT", "{text:?}은(는) 테넌트가 아닙니다. ORG:PROJECT 형식으로 쓰세요";
    bad_expect(text: &str) = "{text:?} is not SEQ:HASH with 64 hex digits", "{text:?}은(는) SEQ:HASH(16진수 64자리) 형식이 아닙니다";
    nobody_to_ask() = "there is no terminal to ask at; add --yes if you mean it", "확인을 물어볼 터미널이 없습니다. 그대로 진행하려면 --yes를 붙이세요";
    no_rules() = "needs a JSON list of rules, or an object with rules", "규칙의 JSON 목록, 또는 rules가 있는 객체가 필요합니다";

    accepted() = "accepted", "접수됨";
    sent() = "sent", "보냄";
    cancelling() = "asked to stop", "중지 요청됨";
    made() = "made", "만듦";
    registered() = "registered", "등록함";
    revoked() = "revoked", "폐기함";
    paused(since: &str) = "paused since {since}", "{since}부터 멈춤";
    rotated(id: &str) = "{id}: this key is shown only now; the old one lives on for a while, then ends", "{id}: 이 키는 지금 한 번만 표시됩니다. 이전 키는 얼마 동안 더 유효하다가 만료됩니다";
    every_tenant() = "every tenant", "모든 테넌트";
    removed() = "removed", "삭제됨";
    nothing_here() = "nothing here", "해당하는 것이 없습니다";
    nothing_sent() = "nothing was sent", "아무것도 보내지 않았습니다";
    decision_sent() = "decision sent", "결정을 보냈습니다";
    watch_hint() = "`nexus watch` shows what comes of it", "결과는 `nexus watch`에서 볼 수 있습니다";
    needs_approval(ask: &str, until: &str) = "waits for a person until {until}: nexus approve {ask}", "{until}까지 사람의 승인을 기다립니다: nexus approve {ask}";
    until(time: &str) = "until {time}", "{time}까지";
    by(who: &str) = "by {who}", "결정: {who}";
    ask_again_hint(task: &str) = "to ask again: nexus task ask-again {task}", "다시 요청하려면: nexus task ask-again {task}";
    show_hint(task: &str) = "more: nexus task show {task}", "자세히: nexus task show {task}";
    asks_hint() = "`nexus asks` shows the new ask", "새 승인 요청은 `nexus asks`에서 볼 수 있습니다";
    ask_over(ask: &str, status: &str) = "{ask} is {status}; there is nothing left to decide", "{ask}은(는) 이미 {status} 상태입니다. 결정할 것이 없습니다";
    digest_differs(shown: &str) = "what the server shows has the digest {shown}, not the ask's: this is not what would be executed, so nothing was approved", "서버가 보여 준 내용의 다이제스트는 {shown}이며 요청의 것과 다릅니다. 실행될 내용이 아니므로 승인하지 않았습니다";
    digest_checked() = "(recomputed from what is shown: the same)", "(표시된 내용으로 다시 계산하여 일치함)";
    digest_unchecked() = "(not recomputed)", "(다시 계산하지 않음)";
    hidden_written_out() = "it has characters that nobody sees; they are written out as ⟨U+…⟩, so the digest cannot be recomputed from what is shown", "보이지 않는 문자가 있어 ⟨U+…⟩로 풀어 썼습니다. 그래서 표시된 내용으로는 다이제스트를 다시 계산할 수 없습니다";
    waits() = "waits for a person", "사람을 기다림";
    no_rules_yet() = "no rules", "규칙 없음";
    policy_version(version: &str) = "policy version {version}", "정책 버전 {version}";
    not_of_tenant() = "you or this key do not belong to that tenant, or there is none of that name: check --org and --project, or name a key of that tenant with --key-file", "이 사람 또는 키는 그 테넌트에 속하지 않거나 그런 테넌트가 없습니다. --org와 --project를 확인하거나 --key-file로 그 테넌트의 키를 지정하세요";
    resolve_first() = "read it again (`nexus policy show --json`) and apply the change to that", "다시 읽고(`nexus policy show --json`) 거기에 변경을 적용하세요";
    read_triage_again() = "read it again (`nexus dlq policy get --json`) and apply the change to that", "다시 읽고(`nexus dlq policy get --json`) 거기에 변경을 적용하세요";
    fresh_start(reason: &str) = "not resumed ({reason}): this is the present state", "이어서 볼 수 없어({reason}) 현재 상태부터 봅니다";
    stopped_waiting(task: &str) = "stopped waiting; the task goes on: nexus task show {task}", "대기를 멈췄습니다. 작업은 계속됩니다: nexus task show {task}";
    key_made(id: &str) = "{id}: this key is shown only now", "{id}: 이 키는 지금 한 번만 표시됩니다";
    policy_set(version: &str) = "the policy is version {version}", "정책이 버전 {version}이(가) 되었습니다";
    disabled(why: &str) = "disabled: {why}", "사용할 수 없음: {why}";

    approve_question() = "Approve exactly this?", "정확히 이 내용을 승인할까요?";
    deny_question() = "Deny this?", "이 요청을 거절할까요?";
    edited() = "with these params instead:", "다음 매개변수로 바꾸어 승인:";
    policy_question(tenant: &str, count: usize) = "Replace all rules of {tenant} by these {count}?", "{tenant}의 모든 규칙을 이 {count}개로 바꿀까요?";
    rate_question(name: &str, risk: &str) = "Rate {name} {risk}?", "{name}의 위험도를 {risk}(으)로 정할까요?";
    pause_question(tenant: &str) = "Stop all execution of {tenant}?", "{tenant}의 모든 실행을 멈출까요?";
    revoke_question(id: &str) = "End {id} for good?", "{id}을(를) 영구히 폐기할까요?";

    attempt(number: u64) = "attempt {number}", "{number}번째 시도";
    params() = "params", "매개변수";
    result() = "result", "결과";
    bound() = "files", "파일";
    store_made(to: i32) = "made a store of version {to}", "버전 {to}의 저장소를 만들었습니다";
    store_current(to: i32) = "the store is of version {to} already", "저장소는 이미 버전 {to}입니다";
    store_migrated(from: i32, to: i32) = "the store went from version {from} to {to}", "저장소를 버전 {from}에서 {to}(으)로 올렸습니다";
    audit_whole() = "whole", "온전함";
    audit_broken() = "BROKEN", "손상됨";
    audit_entries(count: u64) = "{count} entries", "{count}개 항목";

    check_writes(tenant: &str) = "this sends GREEN commands (youtube.queue.*) to {tenant} and empties its queue of videos; best give it a tenant of its own: --org check --project …", "{tenant}에 GREEN 명령(youtube.queue.*)을 보내고 영상 대기열을 비웁니다. 전용 테넌트를 쓰는 것이 좋습니다: --org check --project …";
    check_question(tenant: &str) = "Write into {tenant}?", "{tenant}에 쓸까요?";
    check_none(only: &str) = "no check is called {only:?}; --list shows all", "{only:?}(이)라는 확인은 없습니다. --list로 모두 볼 수 있습니다";
    check_begins(base: &str, tenant: &str, seed: u64) = "checking {base} as {tenant} (--seed {seed})", "{tenant}(으)로 {base}을(를) 확인합니다 (--seed {seed})";
    check_expected() = "expected:", "기대:";
    check_seen() = "seen:", "실제:";
    check_clause() = "contract:", "계약:";
    check_over(held: usize, failed: usize, skipped: usize, opens: u64, commands: u64) = "{held} hold, {failed} do not, {skipped} skipped; {opens} streams opened, {commands} commands sent", "성립 {held}개, 불성립 {failed}개, 건너뜀 {skipped}개. 스트림 {opens}개를 열고 명령 {commands}개를 보냄";

    watching(tenant: &str, cursor: &str, tasks: usize, asks: usize) = "watching {tenant} from {cursor}: {tasks} tasks under way, {asks} asks pending", "{tenant}을(를) {cursor}부터 봅니다: 진행 중인 작업 {tasks}개, 대기 중인 승인 {asks}개";
    resumed(cursor: &str) = "resumed after {cursor}", "{cursor} 다음부터 이어서 봅니다";
    not_taken(why: &str, seconds: u64) = "not taken ({why}); again in {seconds} s", "접수되지 않았습니다({why}). {seconds}초 뒤 다시 보냅니다";
    lost(why: &str, seconds: u64) = "connection lost ({why}); again in {seconds} s", "연결이 끊겼습니다({why}). {seconds}초 뒤 다시 연결합니다";
    bye(reason: &str) = "the server ended the stream ({reason}); coming back", "서버가 스트림을 닫았습니다({reason}). 다시 연결합니다";
    bye_for_good(reason: &str) = "the server ended the stream for good ({reason})", "서버가 스트림을 완전히 닫았습니다({reason})";
}

headings! {
    config_heading[3] = ["NAME", "VALUE", "SOURCE"], ["이름", "값", "출처"];
    asks_heading[6] = ["ASK", "STATUS", "TYPE", "REQUESTED BY", "EXPIRES", "QUESTION"], ["승인 요청", "상태", "유형", "요청자", "만료", "질문"];
    tasks_heading[6] = ["TASK", "CREATED", "STATUS", "RISK", "TYPE", "FAILURE"], ["작업", "생성", "상태", "위험도", "유형", "실패 코드"];
    types_heading[5] = ["TYPE", "RISK", "AGENT", "TITLE", "STATE"], ["유형", "위험도", "에이전트", "제목", "상태"];
    tenants_heading[5] = ["ORG", "PROJECT", "TITLE", "CREATED", "STATE"], ["조직", "프로젝트", "제목", "생성", "상태"];
    keys_heading[7] = ["KEY", "KIND", "TITLE", "TYPES", "EXPIRES", "LAST USED", "STATE"], ["키", "종류", "제목", "유형", "만료", "마지막 사용", "상태"];
    memberships_heading[5] = ["ORG", "PROJECT", "TITLE", "ROLE", "STATE"], ["조직", "프로젝트", "제목", "역할", "상태"];
    users_heading[6] = ["USER", "E-MAIL", "NAME", "ROLE", "LAST LOGIN", "STATE"], ["사용자", "이메일", "이름", "역할", "마지막 로그인", "상태"];
    runbooks_heading[4] = ["CODE", "RETRIES", "ENDS AS", "TITLE"], ["코드", "재시도", "최종 상태", "제목"];
    rules_heading[5] = ["RULE", "TYPE", "WHEN", "LEVEL", "WHY"], ["규칙", "유형", "조건", "위험도", "이유"];
}

/// A status of a task or an ask; one that a later server has stays as it is.
pub fn status(lang: Lang, status: &str) -> String {
    let ko = match status {
        "waiting_approval" => "승인 대기",
        "queued" => "대기 중",
        "running" => "실행 중",
        "retrying" => "재시도 대기",
        "succeeded" => "성공",
        "dead" => "실패",
        "held" => "보류",
        "alarmed" => "경보",
        "denied" => "거절됨",
        "expired" => "만료됨",
        "cancelled" => "취소됨",
        "pending" => "결정 대기",
        "approved" => "승인됨",
        "superseded" => "대체됨",
        other => other,
    };
    match lang {
        Lang::En => status.to_owned(),
        Lang::Ko => ko.to_owned(),
    }
}

/// What a role is called.
pub fn role(lang: Lang, role: &str) -> String {
    let ko = match role {
        "viewer" => "열람자",
        "operator" => "운영자",
        "approver" => "승인자",
        "admin" => "관리자",
        other => other,
    };
    match lang {
        Lang::En => role.to_owned(),
        Lang::Ko => ko.to_owned(),
    }
}

/// How far an act on the outside got.
pub fn effect(lang: Lang, state: &str) -> &str {
    match (lang, state) {
        (Lang::En, "sent") => "done",
        (Lang::En, "intent") => "nobody knows whether it was done",
        (Lang::En, "void") => "not done",
        (Lang::Ko, "sent") => "완료",
        (Lang::Ko, "intent") => "완료되었는지 알 수 없음",
        (Lang::Ko, "void") => "하지 않음",
        (_, state) => state,
    }
}

/// What a field of an ask or a task is called.
pub fn label(lang: Lang, field: &str) -> &str {
    let (en, ko) = match field {
        "question" => ("question", "질문"),
        "why" => ("why", "이유"),
        "rule" => ("rule", "규칙"),
        "target" => ("target", "대상"),
        "estimated_cost" => ("estimated cost", "예상 비용"),
        "requested_by" => ("requested by", "요청자"),
        "task_id" => ("task", "작업"),
        "ask_id" => ("ask", "승인 요청"),
        "correlation_id" => ("correlation", "상관 ID"),
        "created_at" => ("created", "생성"),
        "expires_at" => ("expires", "만료"),
        "finished_at" => ("finished", "종료"),
        "deadline_at" => ("deadline", "기한"),
        "decided_at" => ("decided", "결정 시각"),
        "decided_by" => ("decided by", "결정자"),
        "reason" => ("reason", "결정 이유"),
        "changed" => ("changed", "달라진 점"),
        "approvals" => ("approvals", "승인"),
        "approvers" => ("approvers", "승인자"),
        "agent" => ("agent", "에이전트"),
        "progress" => ("progress", "진행률"),
        "retry_count" => ("retries", "재시도"),
        "failure" => ("failure", "실패"),
        "last_error" => ("error", "오류"),
        "matched" => ("matched", "일치한 규칙"),
        "timeout_seconds" => ("timeout (s)", "제한 시간(초)"),
        "policy_version" => ("policy version", "정책 버전"),
        "effect" => ("effect", "작용"),
        "digest" => ("digest", "다이제스트"),
        other => (other, other),
    };
    match lang {
        Lang::En => en,
        Lang::Ko => ko,
    }
}

/// What a person can do about a refusal.
pub fn what_to_do(lang: Lang, refusal: &Refusal) -> Option<String> {
    Some(match (refusal.code.as_str(), refusal.status) {
        ("ask_already_decided", _) => {
            decided_already(lang, refusal.ask_id.as_deref().unwrap_or("ask"))
        }
        (code, _) if code.contains("digest") => look_again(lang),
        ("policy_version", _) => resolve_first(lang),
        ("triage_policy_version", _) => read_triage_again(lang),
        (code, _) if code.contains("command_type") => see_types(lang),
        ("", _) => is_it_nexus(lang),
        ("session_ended" | "session_missing", _) => sign_in_again(lang),
        ("login_failed" | "login_throttled", _) => {
            return refusal.retry_after.map(|s| retry_in(lang, s));
        }
        (_, 401) => check_key(lang),
        ("not_a_member", _) => not_of_tenant(lang),
        (_, 403) => check_rights(lang),
        (_, 404) => check_tenant(lang),
        _ if refusal.retry_after.is_some() => retry_in(lang, refusal.retry_after?),
        (_, 500..) => see_log(lang),
        _ => return None,
    })
}
