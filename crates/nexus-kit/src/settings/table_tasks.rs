//! The settings of tasks: their retries, their claims, and how tenants share what performs them.

use std::collections::BTreeMap;

use super::table::{DAY, Kind, Section, Setting, narrow, size};

/// None for 0.
fn bound(count: u64) -> Option<u32> {
    (count > 0).then(|| narrow(count))
}

fn counts(numbers: BTreeMap<String, u64>) -> BTreeMap<String, u32> {
    numbers.into_iter().map(|(name, count)| (name, narrow(count))).collect()
}

pub(super) static TASKS: &[Section] = &[Section {
    en: "Tasks",
    ko: "작업",
    client: false,
    rows: &[
        Setting::used(
            "MAX_RETRIES",
            Kind::Count(0, 100, |s, v| s.tasks.max_retries = narrow(v)),
            "3",
            "Retries of a task before it is a dead letter.",
            "작업이 데드레터가 되기 전까지의 재시도 횟수.",
        ),
        Setting::used(
            "RETRY_DELAYS_SECONDS",
            Kind::SecondsList(|s, v| s.tasks.retry_delays = v),
            "5,30,300",
            "The wait before each retry; the last one repeats.",
            "재시도 전 대기 시간. 마지막 값이 반복됨.",
        ),
        Setting::used(
            "TASK_LOCK_TTL_SECONDS",
            Kind::Seconds(1, DAY, |s, v| s.tasks.lock_ttl = v),
            "60",
            "How long a claim holds without a heartbeat.",
            "하트비트 없이 작업 점유가 유지되는 시간.",
        ),
        Setting::used(
            "TASK_TTL_SECONDS",
            // No shorter than an Idempotency-Key is remembered, which answers with its task.
            Kind::Seconds(DAY, 3650 * DAY, |s, v| s.tasks.ttl = v),
            "604800",
            "How long finished tasks are kept.",
            "끝난 작업을 보관하는 시간.",
        ),
        Setting::used(
            "TASK_WORKERS",
            Kind::Count(1, 4096, |s, v| s.tasks.workers = size(v)),
            "256",
            "Tasks that the built-in agents perform at once.",
            "내장 에이전트가 동시에 수행하는 작업 수.",
        ),
        Setting::used(
            "TASK_CANCEL_GRACE_SECONDS",
            Kind::Seconds(1, DAY, |s, v| s.tasks.cancel_grace = v),
            "60",
            "How long an outside agent may go on with a task that was called off; then the attempt is over.",
            "취소된 작업을 외부 에이전트가 계속할 수 있는 시간. 그 뒤 시도는 끝남.",
        ),
        Setting::used(
            "TASK_TENANT_CONCURRENCY",
            Kind::Count(0, 1_000_000, |s, v| s.tasks.tenant_concurrency = bound(v)),
            "0",
            "Tasks of one tenant that run at once; 0 is no bound.",
            "한 테넌트에서 동시에 실행되는 작업 수. 0은 제한 없음.",
        ),
        Setting::used(
            "TASK_TYPE_CONCURRENCY",
            Kind::Numbers(1, 1_000_000, |s, v| s.tasks.type_concurrency = counts(v)),
            "",
            "Tasks of a type that run at once in one tenant, as type=number; a type's own concurrency (PUT /commands/types) wins.",
            "한 테넌트에서 동시에 실행되는 유형별 작업 수(유형=숫자). 유형 자체의 concurrency(PUT /commands/types)가 우선함.",
        ),
        Setting::used(
            "TASK_TENANT_WEIGHTS",
            Kind::Numbers(1, 1_000, |s, v| s.tasks.tenant_weights = counts(v)),
            "",
            "Shares of tenants in what is handed out while several wait, as org:project=number; 1 without an entry.",
            "여러 테넌트가 기다릴 때 나눠 주는 몫(org:project=숫자). 항목이 없으면 1.",
        ),
        Setting::used(
            "CALLBACK_SIGNATURE_SECRET",
            Kind::Secret(|s, v| s.tasks.callback_secret = v),
            "",
            "Callbacks must be signed with this secret; two, separated by a comma, during rotation.",
            "콜백은 이 비밀 값으로 서명해야 함. 교체 중에는 쉼표로 구분한 두 개.",
        ),
    ],
}];
