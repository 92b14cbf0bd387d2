//! What reports say that somebody should hear of. It reads what the contract promises of reports, and
//! nothing else of other slices.

use nexus_core::alert::Event;
use nexus_core::failure::FailureCode;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use serde_json::Value;

use crate::notice::{Both, Happened, Notice};

/// The kind of report by which a flood of streams is told.
pub(crate) const STREAM_FLOOD: &str = "stream.flood";

/// What ids of operations begin with.
const OPERATION: &str = "op_";

/// What one report means for alerts.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub happened: Vec<Happened>,
    /// Asks that wait, and when they end.
    pub asks: Vec<(String, Time)>,
    /// Asks that wait no more.
    pub closed: Vec<String>,
    /// These are all asks that wait.
    pub whole: bool,
}

impl News {
    /// Leaves asks out, where nobody is told of them.
    pub fn forget_asks(&mut self) {
        let of_ask = |one: &Happened| matches!(one.event, Event::AskCreated | Event::AskExpiring);
        self.happened.retain(|one| !of_ask(one));
        self.asks.clear();
        self.closed.clear();
    }
}

/// Whether a report may have news; quick, for it is asked of every report there is.
pub(crate) fn concerns(body: &str) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(body.as_bytes(), word).is_some();
    has(b"\"asks\"")
        || has(b"\"held\"")
        || has(b"\"alarmed\"")
        || has(b"\"stopped\"")
        || has(b"\"stream.flood\"")
}

/// Reads one report.
pub(crate) fn read(tenant: &Tenant, body: &str) -> News {
    let mut news = News::default();
    // A report that cannot be read was not written by this program; the fold says so loudly.
    let Ok(report) = serde_json::from_str::<Value>(body) else { return news };
    if report["kind"] == STREAM_FLOOD {
        news.happened.push(flood(&report));
    }
    for change in report["changes"].as_array().into_iter().flatten() {
        let (collection, id) = (text(change, "collection"), text(change, "id"));
        value(tenant, collection, id, &change["value"], &mut news);
    }
    news
}

/// Reads a whole view, where the reports themselves are gone: what waits and what failed.
pub(crate) fn read_view(tenant: &Tenant, view: &str) -> News {
    let mut news = News::default();
    let Ok(view) = serde_json::from_str::<Value>(view) else { return news };
    for collection in ["asks", "tasks", "system"] {
        for (id, item) in view[collection].as_object().into_iter().flatten() {
            value(tenant, collection, id, item, &mut news);
        }
    }
    // A view tells of what waits; that something waits no more needs no news.
    news.closed.clear();
    news.whole = true;
    news
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn value(tenant: &Tenant, collection: &str, id: &str, value: &Value, news: &mut News) {
    match (collection, text(value, "status")) {
        ("asks", "pending") => {
            news.happened.push(ask(id, value));
            if let Some(until) = Time::parse(text(value, "expires_at")) {
                news.asks.push((id.to_owned(), until));
            }
        }
        ("asks", _) => news.closed.push(id.to_owned()),
        ("tasks", "held") => news.happened.push(failed(tenant, Event::TaskHeld, id, value)),
        ("system", "stopped") if id.starts_with(OPERATION) => {
            news.happened.push(stopped(id, value))
        }
        ("tasks", "alarmed") => news.happened.push(failed(tenant, Event::TaskAlarm, id, value)),
        _ => {}
    }
}

/// An ask: who wants what, why it waits, and until when.
fn ask(ask_id: &str, value: &Value) -> Happened {
    let question = Both::new(text(value, "question"), text(value, "question_ko"));
    let who = value["requested_by_name"].as_str().unwrap_or(text(value, "requested_by"));
    let notice = Notice::of(Event::AskCreated, question)
        .fact("Command", "명령", text(value, "command_type"))
        .fact("Risk", "위험도", text(value, "risk"))
        .fact("Target", "대상", text(value, "target"))
        .fact("Requested by", "요청자", who)
        .fact("Why it waits", "승인이 필요한 이유", text(value, "why"))
        .fact("Expires", "만료", text(value, "expires_at"));
    Happened {
        event: Event::AskCreated,
        severity: Event::AskCreated.severity(),
        source: format!("ask.created/{ask_id}"),
        // Asks for exactly the same by the same wait together; each is decided on its own.
        key: format!("ask.created/{}/{}", text(value, "requested_by"), text(value, "digest")),
        notice: Notice {
            task_id: some(text(value, "task_id")),
            ask_id: some(ask_id),
            correlation_id: text(value, "correlation_id").to_owned(),
            requested_by: some(text(value, "requested_by")),
            ..notice
        },
    }
}

/// The reminder of an ask, of what was said when it came.
pub(crate) fn reminder(ask_id: &str, said: Notice) -> Happened {
    Happened {
        event: Event::AskExpiring,
        severity: Event::AskExpiring.severity(),
        source: format!("ask.expiring/{ask_id}"),
        key: format!("ask.expiring/{ask_id}"),
        notice: Notice {
            title: Both::new(Event::AskExpiring.title_en(), Event::AskExpiring.title_ko()),
            advice: Both::new(Event::AskExpiring.advice_en(), Event::AskExpiring.advice_ko()),
            ..said
        },
    }
}

/// A task that failed and needs somebody.
fn failed(tenant: &Tenant, event: Event, task_id: &str, value: &Value) -> Happened {
    let (code, command_type) = (text(value, "failure_code"), text(value, "command_type"));
    let known = FailureCode::parse(code);
    let said = Both::new(
        known.map_or(code, |known| known.title_en()),
        known.map_or(code, |known| known.title_ko()),
    );
    let notice = Notice::of(event, said)
        .fact("Command", "명령", command_type)
        .fact("Failure", "실패 코드", code)
        .fact("Error", "오류", text(value, "last_error"))
        .fact("Attempts", "시도", &value["attempt"].as_u64().unwrap_or(0).to_string())
        .fact("Tenant", "테넌트", tenant.key());
    // A task comes into a box once for each time that it fails for good.
    let when = value["finished_at"].as_str().unwrap_or(text(value, "updated_at"));
    Happened {
        event,
        severity: event.severity(),
        source: format!("{}/{task_id}/{when}", event.as_str()),
        key: format!("{}/{command_type}/{code}", event.as_str()),
        notice: Notice {
            task_id: some(task_id),
            failure_code: known.map(|code| code.as_str().to_owned()),
            correlation_id: text(value, "correlation_id").to_owned(),
            requested_by: some(text(value, "requested_by")),
            ..notice
        },
    }
}

/// An operation over many tasks that did not get to its end.
fn stopped(operation_id: &str, value: &Value) -> Happened {
    let count = |field: &str| value[field].as_u64().unwrap_or(0).to_string();
    let why = text(value, "why");
    let notice = Notice::of(Event::OperationStopped, Both::new(why, why))
        .fact("Operation", "일괄 작업", operation_id)
        .fact("Does", "내용", text(value, "action"))
        .fact("Done", "처리됨", &count("done"))
        .fact("Of", "전체", &count("count"))
        .fact("Failed", "실패", &count("failed"));
    Happened {
        event: Event::OperationStopped,
        severity: Event::OperationStopped.severity(),
        source: format!("operation.stopped/{operation_id}/{}", text(value, "finished_at")),
        key: format!("operation.stopped/{operation_id}"),
        notice: Notice {
            correlation_id: text(value, "correlation_id").to_owned(),
            requested_by: some(text(value, "requested_by")),
            ..notice
        },
    }
}

/// Somebody opens streams in a circle.
fn flood(report: &Value) -> Happened {
    let who = text(&report["meta"], "agent");
    let said = Both::new(
        format!("{who} opens streams faster than STREAM_OPENS_PER_MINUTE and is refused."),
        format!("{who}이(가) STREAM_OPENS_PER_MINUTE보다 빠르게 스트림을 열어 거부되고 있습니다."),
    );
    Happened {
        event: Event::StreamFlood,
        severity: Event::StreamFlood.severity(),
        source: format!("stream.flood/{}", text(report, "report_id")),
        key: format!("stream.flood/{who}"),
        notice: Notice {
            correlation_id: text(report, "correlation_id").to_owned(),
            ..Notice::of(Event::StreamFlood, said)
        },
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tenant() -> Tenant {
        Tenant::parse("kaist:lab").unwrap()
    }

    fn report(changes: Value) -> String {
        json!({"report_id": "rpt_1", "correlation_id": "cor_1", "kind": "x", "meta": {}, "changes": changes})
            .to_string()
    }

    #[test]
    fn what_waits_and_what_failed_is_news_and_nothing_else() {
        let upsert = |collection: &str, id: &str, value: Value| json!({"op": "upsert", "collection": collection, "id": id, "value": value});
        let ask =
            json!({"status": "pending", "question": "q", "expires_at": "2026-01-01T00:05:00.000Z"});
        let body = report(json!([
            upsert("asks", "ask_1", ask),
            upsert("asks", "ask_2", json!({"status": "approved"})),
            upsert("tasks", "tsk_1", json!({"status": "held", "failure_code": "EFFECT_UNKNOWN"})),
            upsert("tasks", "tsk_2", json!({"status": "alarmed", "failure_code": "PROVIDER_AUTH_ERROR"})),
            upsert("tasks", "tsk_3", json!({"status": "running"})),
            upsert("worklog", "wlg_1", json!({"status": "held"})),
            upsert("system", "op_1", json!({"status": "stopped", "why": "the canary failed"})),
            {"op": "remove", "collection": "tasks", "id": "tsk_9"},
        ]));
        assert!(concerns(&body));
        let news = read(&tenant(), &body);
        let events: Vec<Event> = news.happened.iter().map(|one| one.event).collect();
        assert_eq!(
            events,
            [Event::AskCreated, Event::TaskHeld, Event::TaskAlarm, Event::OperationStopped]
        );
        assert_eq!(news.closed, ["ask_2"]);
        assert_eq!(news.asks.len(), 1);
        let quiet = report(json!([upsert("tasks", "tsk_3", json!({"status": "succeeded"}))]));
        assert!(!concerns(&quiet));
    }

    #[test]
    fn a_view_has_the_same_news_by_the_same_names() {
        let held = json!({"status": "held", "failure_code": "EFFECT_UNKNOWN", "finished_at": "t"});
        let view =
            json!({"asks": {"ask_1": {"status": "denied"}}, "tasks": {"tsk_1": held}}).to_string();
        let of_view = read_view(&tenant(), &view);
        let body =
            report(json!([{"op": "upsert", "collection": "tasks", "id": "tsk_1", "value": held}]));
        let of_report = read(&tenant(), &body);
        assert_eq!(of_view.happened[0].source, of_report.happened[0].source);
        assert!(of_view.closed.is_empty());
    }

    #[test]
    fn garbage_is_no_news() {
        for body in
            ["", "{", "[]", "{\"changes\":1}", "{\"changes\":[1,{\"collection\":\"asks\"}]}"]
        {
            assert!(read(&tenant(), body).happened.is_empty(), "{body}");
        }
    }
}
