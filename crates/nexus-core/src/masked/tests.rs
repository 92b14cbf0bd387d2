//! The classes and the fold: masking before or after it makes no difference.

use super::*;
use crate::view::{COLLECTIONS, Keep, View};
use proptest::prelude::*;
use serde_json::json;

const SMALL: Keep = Keep { worklog: 3, tasks: 4, asks: 2, autopilot: 2, alerts: 1 };

#[test]
fn texts_are_masked_and_ids_times_and_words_are_not() {
    let task = json!({
        "seq": 1_700_000_000_000_u64, "done": true, "status": "succeeded",
        "command_type": "chat.message", "correlation_id": "010-1234-5678",
        "requested_by": "user:usr_1", "created_at": "2026-01-01T00:00:00.000Z",
        "last_error": "kim@example.com said no",
        "result": {
            "status": "call 010-1234-5678", "password": "hunter2", "card": 4111111111111111_u64,
            "a@b.example": ["kim@example.com", 3, null, {"task_id": "kim@example.com"}],
        },
    });
    let mut masked = task.clone();
    assert!(mask_item("tasks", &mut masked));
    for kept in ["seq", "done", "status", "command_type", "correlation_id", "requested_by"] {
        assert_eq!(masked[kept], task[kept], "{kept}");
    }
    let text = masked.to_string();
    for gone in
        ["kim@example.com", "hunter2", "4111111111111111", "a@b.example", "call 010-1234-5678"]
    {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    assert_eq!(masked["last_error"], "k***@e***.com said no");
    assert!(!mask_item("tasks", &mut masked), "once is enough");
}

#[test]
fn a_report_is_masked_but_for_what_its_reader_asked_for() {
    let line =
        |by: &str| json!({"seq": 1, "done": true, "text": "kim@example.com", "requested_by": by});
    let report = json!({"report_id": "rpt_1", "correlation_id": "kim@example.com", "changes": [
        {"op": "upsert", "collection": "worklog", "id": "a", "value": line("user:a")},
        {"op": "upsert", "collection": "worklog", "id": "b", "value": line("user:b")},
        {"op": "remove", "collection": "youtube", "id": "now_playing"},
    ]})
    .to_string();
    let Masked::Other(text, owners) = masked_report(&report, None) else { panic!("it is masked") };
    assert_eq!(owners, [Some("user:a".to_owned()), Some("user:b".to_owned())].into());
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["changes"][0]["value"]["text"], "k***@e***.com");
    assert_eq!(
        shown["changes"][2],
        json!({"op": "remove", "collection": "youtube", "id": "now_playing"})
    );
    assert_eq!(shown["correlation_id"], "kim@example.com", "an id");
    let Masked::Other(text, _) = masked_report(&report, Some("user:b")) else {
        panic!("half of it")
    };
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["changes"][0]["value"]["text"], "k***@e***.com");
    assert_eq!(shown["changes"][1]["value"]["text"], "kim@example.com");
    let nothing = json!({"changes": [{"op": "upsert", "collection": "tasks", "id": "a",
        "value": {"seq": 1, "done": true}}]});
    assert_eq!(masked_report(&nothing.to_string(), None), Masked::Same);
}

/// Texts that are found, that are not, and that look like ids.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("kim@example.com".to_owned()),
        Just("010-1234-5678".to_owned()),
        Just("password=hunter2".to_owned()),
        Just("4111 1111 1111 1111".to_owned()),
        Just("tsk_019b76daa80077cd9b444516330b8a77".to_owned()),
        ".{0,12}",
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(
                prop_oneof![text(), Just("token".to_owned()), Just("task_id".to_owned())],
                inner,
                0..3
            )
            .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    let whose = prop::sample::select(vec!["user:a", "user:b", "service"]);
    (whose, any_json(), text(), any::<bool>()).prop_map(|(whose, params, text, named)| {
        let mut value = json!({
            "requested_by": whose, "params": params, "text": text, "task_id": text, "status": "x",
        });
        if !named {
            value.as_object_mut().unwrap().remove("requested_by");
        }
        value
    })
}

fn any_history() -> impl Strategy<Value = Vec<String>> {
    let change =
        (prop::sample::select(COLLECTIONS.to_vec()), 0u8..8, any::<bool>(), 0u8..8, any_value());
    prop::collection::vec(prop::collection::vec(change, 0..4), 0..30).prop_map(|history| {
        let mut born = std::collections::BTreeMap::new();
        let reports = history.into_iter().enumerate().map(|(number, changes)| {
            let changes: Vec<Value> = changes
                .into_iter()
                .map(|(collection, id, done, op, mut value)| {
                    let key = (collection, id);
                    let id = format!("i{id}");
                    if op == 0 {
                        born.remove(&key);
                        return json!({"op": "remove", "collection": collection, "id": id});
                    }
                    value["seq"] = json!(*born.entry(key).or_insert(number));
                    value["done"] = json!(done);
                    json!({"op": "upsert", "collection": collection, "id": id, "value": value})
                })
                .collect();
            json!({"report_id": "r", "changes": changes}).to_string()
        });
        reports.collect()
    })
}

/// A report as a reader gets it.
fn seen(report: &str, reader: &Reader) -> String {
    let own = match reader {
        Reader::Clear => return report.to_owned(),
        Reader::Masked { own } => own,
    };
    match masked_report(report, Some(own)) {
        Masked::Same => report.to_owned(),
        Masked::Other(text, _) => text,
    }
}

proptest! {
    #[test]
    fn masking_is_idempotent_and_keeps_what_the_fold_reads(
        collection in prop::sample::select(COLLECTIONS.to_vec()), value in any_value(), seq in any::<u64>(),
    ) {
        let mut value = value;
        value["seq"] = json!(seq);
        value["done"] = json!(true);
        let clear = value.to_string();
        let once = masked(collection, &clear).into_owned();
        let twice = masked(collection, &once).into_owned();
        prop_assert_eq!(&once, &twice);
        let shown: Value = serde_json::from_str(&once).unwrap();
        for kept in ["seq", "done"] {
            prop_assert_eq!(&shown[kept], &value[kept]);
        }
        if ["tasks", "asks", "worklog", "autopilot"].contains(&collection) {
            for kept in ["task_id", "requested_by"] {
                prop_assert_eq!(&shown[kept], &value[kept]);
            }
        }
    }

    #[test]
    fn the_fold_law_holds_for_every_reader(
        history in any_history(), cut in any::<prop::sample::Index>(),
        own in prop::sample::select(vec![None, Some("user:a"), Some("user:b"), Some("nobody")]),
    ) {
        let reader = own.map_or(Reader::Clear, |own| Reader::Masked { own: own.to_owned() });
        let mut clear = View::empty(SMALL);
        let cut = cut.index(history.len() + 1);
        for report in &history[..cut] { clear.apply(report).unwrap(); }
        // A snapshot, with the reports that this reader gets after it, …
        let snapshot = clear.shown(&clear.masked(), &reader);
        let mut client = View::from_json(&snapshot, SMALL).unwrap();
        let mut masked = clear.masked();
        for report in &history[cut..] {
            clear.apply(report).unwrap();
            client.apply(&seen(report, &reader)).unwrap();
            let own = Reader::Masked { own: "nobody".into() };
            masked.apply(&seen(report, &own)).unwrap();
        }
        // … is the snapshot at the end; and the masked view can be folded on like the clear one.
        prop_assert_eq!(client.to_json(), clear.shown(&clear.masked(), &reader));
        prop_assert_eq!(masked.to_json(), clear.masked().to_json());
    }
}
