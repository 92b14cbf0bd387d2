//! Settings of what failed for good: the triage policy of tenants that have none of their own.

use super::table::{Kind, Section, Setting};

pub(super) static FAILURES: &[Section] = &[Section {
    en: "What failed for good",
    ko: "최종 실패",
    client: false,
    rows: &[
        Setting::used(
            "AUTO_REQUEUE_FAILURE_CODES",
            Kind::Codes(|s, v| s.failures.policy.requeue = v),
            "PROVIDER_TIMEOUT,PROVIDER_UPSTREAM_ERROR,PROVIDER_RATE_LIMIT",
            "Codes whose tasks triage puts back to work.",
            "분류 시 다시 작업 큐에 넣는 실패 코드.",
        ),
        Setting::used(
            "AUTO_HOLD_FAILURE_CODES",
            Kind::Codes(|s, v| s.failures.policy.hold = v),
            "SCHEMA_PARSE_ERROR,SCHEMA_VALIDATION_ERROR,SCHEMA_REPAIR_FAILED",
            "Codes whose tasks triage moves to hold.",
            "분류 시 보류함으로 옮기는 실패 코드.",
        ),
        Setting::used(
            "AUTO_ALARM_FAILURE_CODES",
            Kind::Codes(|s, v| s.failures.policy.alarm = v),
            "PROVIDER_AUTH_ERROR,PROVIDER_DISABLED",
            "Codes whose tasks triage moves to alarm.",
            "분류 시 경보함으로 옮기는 실패 코드.",
        ),
        Setting::used(
            "ENFORCE_ALARM_NO_REQUEUE",
            Kind::Bool(|s, v| s.failures.policy.enforce_alarm_no_requeue = v),
            "true",
            "Nothing with an alarm code is requeued, by hand either, before code or task are acknowledged as resolved.",
            "경보 코드로 실패한 작업은 코드나 작업이 해결로 확인되기 전에는 수동으로도 다시 큐에 넣을 수 없음.",
        ),
        Setting::used(
            "DLQ_APPLY_MAX_AGE_SECONDS",
            Kind::Seconds(1, 31_536_000, |s, v| s.failures.apply_max_age = v),
            "86400",
            "Oldest dead letter that applying the policy touches.",
            "정책 적용이 다루는 데드레터의 최대 나이.",
        ),
    ],
}];
