//! The table of checks. Each is a function in the file of its group; the clause is the contract's
//! own words.

mod cursors;
mod doors;
mod fold;
mod limits;
mod opening;
mod order;
mod replay;
mod storm;
mod time;

use std::future::Future;
use std::pin::Pin;

use crate::kit::Kit;
use crate::outcome::Stop;
use crate::text::Text;

/// What a check gives: what was seen, or why it does not hold.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Text, Stop>> + Send + 'a>>;

/// Makes a check.
pub(crate) type Run = for<'a> fn(&'a mut Kit) -> Running<'a>;

/// What a check costs others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cost {
    /// Seconds and a few streams.
    Small,
    /// Minutes, or thousands of reports.
    Long,
    /// Takes what others in the tenant would need meanwhile.
    Disturbs,
}

/// One check.
pub struct Check {
    /// Its name, a group and a word.
    pub name: &'static str,
    /// What holds, in English.
    pub en: &'static str,
    /// The same in Korean.
    pub ko: &'static str,
    /// The words of the contract that it proves.
    pub clause: &'static str,
    /// What it costs.
    pub cost: Cost,
    pub(crate) run: Run,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Check({})", self.name)
    }
}

const fn small(
    name: &'static str,
    run: Run,
    en: &'static str,
    ko: &'static str,
    clause: &'static str,
) -> Check {
    Check { name, en, ko, clause, cost: Cost::Small, run }
}

const fn of(cost: Cost, check: Check) -> Check {
    Check { cost, ..check }
}

const ANY_CURSOR: &str = "A cursor that is malformed, ahead, too old or of another epoch gets a fresh snapshot that says why, never an error and never silence.";
const RESUME: &str = "`Last-Event-ID` within the newest STREAM_EVENT_KEEP reports: exactly the missed reports, in order, no snapshot.";
const GAPLESS: &str = "Cursors of a tenant are gap-free and strictly increasing in commit order.";
const NO_LOSS: &str = "No report is lost or doubled between replay and live.";
const MOST: &str = "At most 100 open streams a tenant, over all nodes.";

/// Every check, in the order in which they are made.
pub static CHECKS: &[Check] = &[
    small(
        "opening.first_bytes",
        opening::first_bytes,
        "The first bytes of a stream leave at once",
        "스트림의 첫 바이트가 바로 나온다",
        "The first bytes leave at once.",
    ),
    small(
        "opening.headers",
        opening::headers,
        "A stream has the headers that keep proxies from holding it back",
        "프록시가 붙들지 않게 하는 헤더가 있다",
        "Headers: `text/event-stream`, `Cache-Control: no-cache, no-transform`, `X-Accel-Buffering: no`.",
    ),
    small(
        "opening.uncompressed",
        opening::uncompressed,
        "A stream is not compressed, even for a client that asks for it",
        "요청해도 스트림은 압축되지 않는다",
        "Never compressed.",
    ),
    small(
        "opening.prelude",
        opening::prelude,
        "Each connection is told its own random time to come back after",
        "연결마다 임의의 재연결 시간을 알려 준다",
        "`retry:` is random per connection.",
    ),
    small(
        "opening.snapshot",
        opening::snapshot,
        "A newcomer gets a snapshot first, whole and with its cursor",
        "새 연결은 먼저 커서가 있는 온전한 스냅샷을 받는다",
        "event: snapshot; id: <cursor>; data: {cursor, reason, server_time, tenant, keep, view}",
    ),
    small(
        "opening.cursor",
        opening::cursor,
        "A cursor has the one form that fits everywhere",
        "커서가 정해진 형식이다",
        "`<epoch>.<number>`, at most 32 bytes of `[a-z0-9.]`.",
    ),
    small(
        "order.live",
        order::live,
        "Reports come one by one without a hole while many publish at once",
        "여럿이 동시에 발행해도 보고가 빠짐없이 하나씩 온다",
        GAPLESS,
    ),
    small(
        "order.complete",
        order::complete,
        "Every accepted command is told to its end",
        "접수된 모든 명령의 끝이 스트림에 나온다",
        "Before the 202 leaves, the command, its task and its report are on disk.",
    ),
    small(
        "report.shape",
        order::shape,
        "Each report has its fields, one line of data, and its cursor as id",
        "보고마다 정해진 필드, 한 줄의 data, id와 같은 커서가 있다",
        "event: report; data: {report_id, cursor, correlation_id, kind, at, meta, changes}; a report is at most 64 KiB.",
    ),
    small(
        "report.unique",
        order::unique,
        "No two reports have the same report_id",
        "report_id가 겹치지 않는다",
        "Ids are random enough never to be guessed or met again.",
    ),
    small(
        "report.text",
        order::text,
        "Text with line ends, quotes, Korean and emoji arrives as it is stored",
        "줄바꿈, 따옴표, 한국어, 이모지가 저장된 그대로 온다",
        "`value` is the whole new value.",
    ),
    small(
        "fold.law",
        fold::law,
        "A snapshot with the reports that follow is the later snapshot",
        "스냅샷에 이후 보고를 적용하면 나중 스냅샷과 같다",
        "A snapshot at cursor a with reports a+1…b applied is the snapshot at b, exactly, for every a ≤ b.",
    ),
    small(
        "replay.exact",
        replay::exact,
        "Coming back gives exactly what was missed, byte for byte",
        "돌아오면 놓친 것만 바이트까지 그대로 받는다",
        RESUME,
    ),
    small(
        "replay.cut",
        replay::cut,
        "A stream that is cut after any byte goes on without loss",
        "어느 바이트에서 끊겨도 잃는 것 없이 이어진다",
        NO_LOSS,
    ),
    small(
        "replay.storm",
        storm::storm,
        "Those who come back in the midst of publishing miss nothing",
        "발행 중에 돌아와도 놓치는 것이 없다",
        NO_LOSS,
    ),
    small(
        "cursor.empty",
        cursors::empty,
        "An empty cursor gets a snapshot that says bad_cursor",
        "빈 커서는 bad_cursor 스냅샷을 받는다",
        ANY_CURSOR,
    ),
    small(
        "cursor.word",
        cursors::word,
        "A word that is no cursor gets a snapshot that says bad_cursor",
        "커서가 아닌 말은 bad_cursor 스냅샷을 받는다",
        ANY_CURSOR,
    ),
    small(
        "cursor.zeros",
        cursors::zeros,
        "A number with leading zeros gets a snapshot that says bad_cursor",
        "앞에 0이 붙은 숫자는 bad_cursor 스냅샷을 받는다",
        ANY_CURSOR,
    ),
    small(
        "cursor.nul",
        cursors::nul,
        "A NUL in the query gets a snapshot that says bad_cursor",
        "쿼리의 NUL은 bad_cursor 스냅샷을 받는다",
        ANY_CURSOR,
    ),
    small(
        "cursor.nul_header",
        cursors::nul_header,
        "A NUL in the header is refused as HTTP demands, or gets a snapshot",
        "헤더의 NUL은 HTTP대로 거부되거나 스냅샷을 받는다",
        ANY_CURSOR,
    ),
    small(
        "cursor.long",
        cursors::long,
        "A cursor of 129 bytes gets a snapshot that says bad_cursor",
        "129바이트 커서는 bad_cursor 스냅샷을 받는다",
        ANY_CURSOR,
    ),
    small(
        "cursor.not_utf8",
        cursors::not_utf8,
        "Bytes that are no text get a snapshot that says bad_cursor",
        "텍스트가 아닌 바이트는 bad_cursor 스냅샷을 받는다",
        ANY_CURSOR,
    ),
    small(
        "cursor.largest",
        cursors::largest,
        "The largest 64-bit number gets a snapshot",
        "64비트 최댓값은 스냅샷을 받는다",
        ANY_CURSOR,
    ),
    small(
        "cursor.ahead",
        cursors::ahead,
        "A cursor beyond the newest report gets a snapshot that says ahead",
        "최신 보고보다 앞선 커서는 ahead 스냅샷을 받는다",
        ANY_CURSOR,
    ),
    small(
        "cursor.epoch",
        cursors::epoch,
        "A cursor of another epoch gets a snapshot that says epoch",
        "다른 에포크의 커서는 epoch 스냅샷을 받는다",
        ANY_CURSOR,
    ),
    small(
        "cursor.head",
        cursors::head,
        "The newest cursor is accepted, and nothing comes twice",
        "최신 커서는 받아들여지고 두 번 오는 것이 없다",
        RESUME,
    ),
    small(
        "cursor.behind",
        cursors::behind,
        "One behind the newest gets that one report",
        "하나 뒤의 커서는 보고 하나를 받는다",
        RESUME,
    ),
    small(
        "cursor.zero",
        cursors::zero,
        "Number 0 gets every report while all are kept, and else a snapshot",
        "숫자 0은 모두 남아 있으면 전부를, 아니면 스냅샷을 받는다",
        RESUME,
    ),
    small(
        "cursor.header_wins",
        cursors::header_wins,
        "The header Last-Event-ID wins over the query",
        "Last-Event-ID 헤더가 쿼리보다 우선한다",
        "The header `Last-Event-ID` wins over the query parameter `last_event_id`.",
    ),
    small(
        "cursor.other_tenant",
        cursors::other_tenant,
        "Another tenant's cursor opens nothing, and its reports stay its own",
        "다른 테넌트의 커서는 통하지 않고 그 보고도 보이지 않는다",
        "A cursor of another epoch gets a fresh snapshot that says why.",
    ),
    small(
        "session.supersede",
        limits::supersede,
        "The newer stream of a session ends the older, which is told not to come back",
        "같은 세션의 새 스트림이 이전 것을 끝내고 돌아오지 말라고 알린다",
        "1 a session: `session_id`, the newer ends the older.",
    ),
    small(
        "door.session",
        doors::session,
        "A session id that is none is refused in words",
        "잘못된 세션 ID는 이유와 함께 거부된다",
        "Errors are RFC 9457 `application/problem+json`.",
    ),
    small(
        "door.query",
        doors::query,
        "An unknown parameter is refused in words",
        "모르는 매개변수는 이유와 함께 거부된다",
        "Unknown fields in requests are errors.",
    ),
    small(
        "door.post",
        doors::post,
        "POST on the stream is refused in words",
        "스트림에 대한 POST는 이유와 함께 거부된다",
        "Errors are RFC 9457 `application/problem+json`.",
    ),
    small(
        "door.head",
        doors::head,
        "HEAD on the stream ends at once",
        "스트림에 대한 HEAD는 바로 끝난다",
        "Never silence.",
    ),
    small(
        "door.keyless",
        doors::keyless,
        "Nobody listens without a key",
        "키 없이는 들을 수 없다",
        "Errors are RFC 9457 `application/problem+json`.",
    ),
    small(
        "http2.stream",
        doors::http2,
        "The stream is the same over HTTP/2",
        "HTTP/2에서도 스트림이 같다",
        "No report is lost or doubled.",
    ),
    of(
        Cost::Long,
        small(
            "report.large",
            order::large,
            "Large reports arrive whole and stay within 64 KiB",
            "큰 보고도 온전히 오고 64 KiB를 넘지 않는다",
            "A report is at most 64 KiB.",
        ),
    ),
    of(
        Cost::Long,
        small(
            "replay.window",
            replay::window,
            "Exactly the newest STREAM_EVENT_KEEP reports are replayed, one more is a snapshot",
            "정확히 STREAM_EVENT_KEEP개까지 다시 보내고 하나 더면 스냅샷이다",
            RESUME,
        ),
    ),
    of(
        Cost::Long,
        small(
            "ping.beat",
            time::ping,
            "Pings come in time with head and server time, and no id",
            "핑이 제때 오고 최신 커서와 서버 시각이 있으며 id는 없다",
            "`ping` event every 30 s with the head cursor and the server's time in its data and no `id`.",
        ),
    ),
    of(
        Cost::Disturbs,
        small(
            "limit.tenant",
            limits::tenant,
            "A tenant has so many streams and no more",
            "테넌트의 스트림 수가 제한된다",
            MOST,
        ),
    ),
    of(
        Cost::Disturbs,
        small(
            "limit.event",
            limits::event,
            "Past the limit a plain EventSource is told by an event",
            "한도를 넘은 EventSource는 이벤트로 안내받는다",
            "With `?on_limit=event` a 200 with `retry` and `bye limit`.",
        ),
    ),
    of(
        Cost::Disturbs,
        small(
            "limit.freed",
            limits::freed,
            "A stream that ended frees its place",
            "끝난 스트림은 자리를 비운다",
            MOST,
        ),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plan;

    #[test]
    fn each_check_has_a_name_of_its_own_and_speaks_both_languages() {
        let mut names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CHECKS.len());
        for check in CHECKS {
            assert!(check.ko.chars().any(|c| ('가'..='힣').contains(&c)), "{}", check.name);
            assert!(!check.en.chars().any(|c| ('가'..='힣').contains(&c)), "{}", check.name);
            assert!(!check.clause.is_empty() && check.name.contains('.'), "{}", check.name);
        }
    }

    #[test]
    fn a_plan_takes_whole_names_and_whole_groups() {
        let count = |plan: Plan| CHECKS.iter().filter(|check| plan.has(check)).count();
        let only = |name: &str| count(Plan { only: vec![name.to_owned()], ..Plan::default() });
        assert_eq!((only("cursor.nul"), only("cursor.nu"), only("limit")), (1, 0, 3));
        let (quick, gentle) =
            (Plan { quick: true, ..Plan::default() }, Plan { gentle: true, ..Plan::default() });
        assert!(count(quick) < count(gentle.clone()) && count(gentle) < CHECKS.len());
    }
}
