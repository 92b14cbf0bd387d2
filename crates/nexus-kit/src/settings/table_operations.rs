//! Settings of bulk operations on what failed for good.

use super::table::{Kind, Section, Setting, narrow};

/// A year, in seconds.
const YEAR: u64 = 31_536_000;

/// Most tasks that any of these can mean.
const MOST: u64 = 1_000_000;

pub(super) static OPERATIONS: &[Section] = &[Section {
    en: "Operations on what failed for good",
    ko: "최종 실패 일괄 작업",
    client: false,
    rows: &[
        Setting::used(
            "DLQ_RED_ABOVE",
            Kind::Count(0, MOST, |s, v| s.operations.red_above = v),
            "100",
            "A requeue or purge of more tasks than this waits for a person's yes.",
            "이보다 많은 작업의 재실행이나 영구 삭제는 사람의 승인을 기다림.",
        ),
        Setting::used(
            "DLQ_MAX_TASKS",
            Kind::Count(1, MOST, |s, v| s.operations.max_tasks = v),
            "200000",
            "Tasks that one operation takes at most.",
            "일괄 작업 하나가 다루는 작업의 최대 개수.",
        ),
        Setting::used(
            "DLQ_PER_SECOND",
            Kind::Count(0, 10_000, |s, v| s.operations.per_second = v),
            "50",
            "Tasks a second of an operation that is not finished at once and names no speed; 0 for no limit.",
            "즉시 끝나지 않고 속도를 지정하지 않은 일괄 작업의 초당 작업 수. 0이면 제한 없음.",
        ),
        Setting::used(
            "DLQ_OPERATIONS_AT_ONCE",
            Kind::Count(1, 100, |s, v| s.operations.at_once = narrow(v)),
            "8",
            "Operations of a tenant that go on at once; its others wait their turn.",
            "한 테넌트에서 동시에 진행하는 일괄 작업의 수. 나머지는 차례를 기다림.",
        ),
        Setting::used(
            "DLQ_CANARY_FAILED_PERCENT",
            Kind::Count(0, 100, |s, v| s.operations.canary_percent = v),
            "20",
            "When more of a canary than this share fails again, the requeue stops.",
            "먼저 실행한 작업 중 이 비율(%)을 넘게 다시 실패하면 재실행을 멈춤.",
        ),
        Setting::used(
            "DLQ_AUTO_MAX_RUNS",
            Kind::Count(1, 1_000, |s, v| s.operations.auto_max_runs = narrow(v)),
            "3",
            "After so many runs policy requeues a task no more; a person still can.",
            "이만큼 실행된 작업은 정책이 더 이상 다시 실행하지 않음. 사람은 여전히 가능.",
        ),
        Setting::used(
            "DLQ_APPLY_EVERY_SECONDS",
            Kind::Seconds(0, YEAR, |s, v| s.operations.apply_every = v),
            "0",
            "How often the policy is applied to the dead letters by itself; 0 for never.",
            "데드레터에 정책을 자동 적용하는 주기. 0이면 하지 않음.",
        ),
        Setting::used(
            "DLQ_APPLY_MAX_REQUEUE",
            Kind::Count(0, MOST, |s, v| s.operations.apply_max_requeue = v),
            "100",
            "Tasks that one application of the policy requeues at most.",
            "정책을 한 번 적용할 때 다시 실행하는 작업의 최대 개수.",
        ),
        Setting::used(
            "DLQ_APPLY_MAX_HOLD",
            Kind::Count(0, MOST, |s, v| s.operations.apply_max_hold = v),
            "1000",
            "Tasks that one application of the policy moves to hold at most.",
            "정책을 한 번 적용할 때 보류함으로 옮기는 작업의 최대 개수.",
        ),
        Setting::used(
            "DLQ_APPLY_MAX_ALARM",
            Kind::Count(0, MOST, |s, v| s.operations.apply_max_alarm = v),
            "1000",
            "Tasks that one application of the policy moves to alarm at most.",
            "정책을 한 번 적용할 때 경보함으로 옮기는 작업의 최대 개수.",
        ),
    ],
}];
