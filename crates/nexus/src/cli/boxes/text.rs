//! What the verbs of the boxes say, English and Korean side by side.

use nexus_kit::settings::Lang;

use crate::cli::text::{headings, texts};

texts! {
    would_touch(count: &str) = "{count} task(s):", "작업 {count}개:";
    nothing_to_do() = "there is nothing to do", "할 일이 없습니다";
    left_out(count: usize) = "{count} of the named tasks are not in this box, or the policy does not say this about them; they are left out", "지정한 작업 중 {count}개는 이 보관함에 없거나 정책이 다르게 정하므로 제외합니다";
    accepted(count: &str) = "accepted, {count} task(s)", "접수됨, 작업 {count}개";
    waits(ask_id: &str) = "so many wait for a person's yes: nexus approve {ask_id}", "개수가 많아 사람의 승인을 기다립니다: nexus approve {ask_id}";
    counts(done: &str, count: &str, changed: &str, skipped: &str, failed: &str) = "{done}/{count} ({changed} changed, {skipped} skipped, {failed} failed)", "{done}/{count} (변경 {changed}, 건너뜀 {skipped}, 실패 {failed})";
    see_items(id: &str) = "which and why: nexus operations show {id}", "실패한 작업과 이유: nexus operations show {id}";
    ask_requeue(count: u64, from: &str) = "Put {count} task(s) of {from} back to work?", "{from}의 작업 {count}개를 다시 실행할까요?";
    ask_purge(count: u64, from: &str) = "Delete {count} task(s) of {from} for good?", "{from}의 작업 {count}개를 영구히 삭제할까요?";
    ask_route(count: u64) = "Move {count} dead letter(s) to hold?", "데드레터 {count}개를 보류함으로 옮길까요?";
    ask_alarm(count: u64) = "Move {count} dead letter(s) to alarm?", "데드레터 {count}개를 경보함으로 옮길까요?";
    ask_apply(count: u64) = "Do this to {count} dead letter(s)?", "데드레터 {count}개에 그대로 적용할까요?";
}

texts! {
    counted_code() = "by code", "코드별";
    counted_type() = "by type", "유형별";
    counted_age() = "failed within", "실패한 지";
    counted_triage() = "the policy says", "정책";
    cause_hint(of: &str, cause: &str) = "its tasks: nexus {of} peek --cause {cause}", "해당 작업: nexus {of} peek --cause {cause}";
    missing(count: usize) = "{count} of the named tasks are not there", "지정한 작업 중 {count}개는 그곳에 없습니다";
    apply_hint() = "nothing was done; to do it: nexus dlq apply", "아무것도 하지 않았습니다. 실행하려면: nexus dlq apply";
    no_policy() = "needs a JSON object with the lists requeue, hold and alarm", "requeue, hold, alarm 목록이 있는 JSON 객체가 필요합니다";
    set_question(tenant: &str) = "Replace the triage policy of {tenant}?", "{tenant}의 분류 정책을 바꿀까요?";
    reset_question(tenant: &str) = "Take the triage policy of {tenant} away and go by the server's settings?", "{tenant}의 분류 정책을 없애고 서버 설정을 따를까요?";
    of_tenant(version: &str) = "the tenant's own triage policy, version {version}", "테넌트 자체의 분류 정책, 버전 {version}";
    of_settings() = "the triage policy of the server's settings", "서버 설정의 분류 정책";
    not_enforced() = "alarm codes can be requeued before they are resolved", "경보 코드를 해결 확인 전에도 다시 실행할 수 있습니다";
    resolved(code: &str) = "{code} resolved", "{code} 해결됨";
    failed_in(count: &str, days: u32) = "{count} task(s) failed for good in {days} day(s)", "{days}일 동안 작업 {count}개가 최종 실패했습니다";
    codes_change(count: usize) = "{count} code(s) would be decided otherwise", "코드 {count}개의 결정이 달라집니다";
    all_of_code(code: &str) = "everything that failed with {code} until now", "지금까지 {code}(으)로 실패한 모든 작업";
    tasks(count: usize) = "{count} task(s)", "작업 {count}개";
    resolve_question(what: &str) = "Is the cause of {what} gone, so that it may be requeued?", "{what}의 원인이 사라져 다시 실행해도 되나요?";
    may_be_requeued(count: &str) = "resolved; {count} task(s) in the boxes", "해결로 확인했습니다. 보관함의 작업 {count}개";
}

headings! {
    tenant_heading[1] = ["TENANT"], ["테넌트"];
    peek_heading[6] = ["TASK", "FAILED", "CODE", "TYPE", "POLICY", "ERROR"], ["작업", "실패 시각", "코드", "유형", "정책", "오류"];
    causes_heading[6] = ["COUNT", "CAUSE", "CODE", "TYPE", "LAST", "MESSAGE"], ["개수", "원인", "코드", "유형", "마지막", "내용"];
    simulate_heading[4] = ["COUNT", "CODE", "NOW", "THEN"], ["개수", "코드", "지금", "바뀌면"];
    operations_heading[6] = ["OPERATION", "CREATED", "STATUS", "WHAT", "DONE", "REQUESTED BY"], ["일괄 작업", "생성", "상태", "내용", "진행", "요청자"];
}

/// What a list of counts is by.
pub fn counted(lang: Lang, list: &str) -> String {
    match list {
        "by_code" => counted_code(lang),
        "by_type" => counted_type(lang),
        "by_age" => counted_age(lang),
        _ => counted_triage(lang),
    }
}

/// What the policy says about a task; a word of a later server stays as it is.
pub fn triage(lang: Lang, decision: &str) -> &str {
    match (lang, decision) {
        (Lang::Ko, "requeue") => "재실행",
        (Lang::Ko, "hold") => "보류",
        (Lang::Ko, "alarm") => "경보",
        (Lang::Ko, "ignore") => "그대로",
        (_, decision) => decision,
    }
}

/// How long ago something failed.
pub fn age(lang: Lang, bucket: &str) -> &str {
    match (lang, bucket) {
        (Lang::En, "1h") => "an hour",
        (Lang::En, "24h") => "a day",
        (Lang::En, "7d") => "7 days",
        (Lang::En, "30d") => "30 days",
        (Lang::En, "older") => "longer ago",
        (Lang::Ko, "1h") => "1시간 이내",
        (Lang::Ko, "24h") => "24시간 이내",
        (Lang::Ko, "7d") => "7일 이내",
        (Lang::Ko, "30d") => "30일 이내",
        (Lang::Ko, "older") => "그 이전",
        (_, bucket) => bucket,
    }
}

/// Whose policy it is.
pub fn source(lang: Lang, source: &str, version: &str) -> String {
    if source == "tenant" { of_tenant(lang, version) } else { of_settings(lang) }
}

/// What a failure code means.
pub fn title(lang: Lang, code: &serde_json::Value) -> &str {
    let name = match lang {
        Lang::En => "title",
        Lang::Ko => "title_ko",
    };
    crate::cli::render::field(code, name)
}

/// Whether to do it, by the path that does it.
pub fn question(lang: Lang, path: &str, count: u64) -> String {
    let (from, verb) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
    match verb {
        "requeue" => ask_requeue(lang, count, from),
        "purge" => ask_purge(lang, count, from),
        "route" => ask_route(lang, count),
        "alarm" => ask_alarm(lang, count),
        _ => ask_apply(lang, count),
    }
}

/// What is done to a task.
pub fn action(lang: Lang, action: &str) -> &str {
    match (lang, action) {
        (Lang::En, "alarm") => "to alarm",
        (Lang::En, "hold") => "to hold",
        (Lang::En, "requeue") => "back to work",
        (Lang::Ko, "alarm") => "경보함으로",
        (Lang::Ko, "hold") => "보류함으로",
        (Lang::Ko, "requeue") => "다시 실행",
        (_, action) => action,
    }
}

/// Where an operation stands; a word of a later server stays as it is.
pub fn status(lang: Lang, status: &str) -> String {
    let ko = match status {
        "waiting_approval" => "승인 대기",
        "running" => "진행 중",
        "stopped" => "멈춤",
        "aborted" => "취소됨",
        "done" => "완료",
        other => other,
    };
    match lang {
        Lang::En => status.to_owned(),
        Lang::Ko => ko.to_owned(),
    }
}

/// What became of a task.
pub fn outcome(lang: Lang, outcome: &str) -> &str {
    match (lang, outcome) {
        (Lang::Ko, "failed") => "실패",
        (Lang::Ko, "skipped") => "건너뜀",
        (_, outcome) => outcome,
    }
}
