//! What a client does when a server, or the way to it, is not as it should be.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "everything here is a test"
)]

mod peer;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nexus_client::{ApiError, Follower, Happening, Live, Patience};
use peer::Answer::{Cut, Open, Other};
use peer::{Peer, accepted, bye, ping, report, report_of, snapshot, snapshot_of, tasks};
use serde_json::Value;
use tokio::time::Instant;

/// Longest that something may take that should be at once.
const SOON: Duration = Duration::from_secs(5);

const BUSY: &str = "503 Service Unavailable\r\nconnection: close";

/// A stream with everything after one another.
fn joined(frames: &[String]) -> Vec<u8> {
    frames.concat().into_bytes()
}

fn follower(peer: &Peer) -> Follower {
    Follower::new(peer.api(), None, Patience::default())
}

/// The next thing that happens, in a word. Waits are passed over: the clock is moved.
async fn next(follower: &mut Follower) -> String {
    let happening = tokio::time::timeout(SOON, follower.next()).await.unwrap().unwrap();
    match happening {
        None => "over".into(),
        Some(Happening::Snapshot(snapshot)) => format!("snapshot {}", snapshot.cursor),
        Some(Happening::Resumed) => "resumed".into(),
        Some(Happening::Report(report)) => format!("report {}", report.cursor),
        Some(Happening::Bye { reason, reconnect, wait }) => {
            skip(wait).await;
            format!("bye {reason} {reconnect} {wait:?}")
        }
        Some(Happening::Lost { why, wait, .. }) => {
            skip(wait).await;
            format!("lost {wait:?} {why}")
        }
    }
}

/// Everything up to the end, or until the server refuses.
async fn all(follower: &mut Follower, most: usize) -> Vec<String> {
    let mut happened = Vec::new();
    while happened.len() < most && happened.last().is_none_or(|last| last != "over") {
        happened.push(next(follower).await);
    }
    happened
}

async fn skip(wait: Duration) {
    tokio::time::pause();
    tokio::time::advance(wait).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_cut_at_any_byte_loses_and_doubles_nothing() {
    let whole = joined(&[
        "retry: 1\n: hello\n\n".into(),
        snapshot(2),
        report(3),
        ping("aaaa.3"),
        report(4),
        report(5),
    ]);
    let first = Arc::<Mutex<Option<Vec<u8>>>>::default();
    let cut = first.clone();
    let peer = Peer::new(move |sent, _| {
        if let Some(bytes) = cut.lock().unwrap().take() {
            return Cut(bytes);
        }
        // What a server does that has all five.
        let from = sent.map(|cursor| cursor.strip_prefix("aaaa.").unwrap());
        let mut frames = match from {
            None => vec![snapshot(5)],
            Some(number) => {
                let number: u64 = number.parse().unwrap();
                let mut frames = vec![accepted(&format!("aaaa.{number}"))];
                frames.extend((number + 1..=5).map(report));
                frames
            }
        };
        frames.push(bye("superseded", false));
        Cut(joined(&frames))
    })
    .await;
    let api = peer.api();
    for at in 0..=whole.len() {
        *first.lock().unwrap() = Some(whole[..at].to_vec());
        let patience = Patience { backoff: vec![Duration::from_millis(1)], ..Default::default() };
        let mut live = Live::patient(api.clone(), patience);
        let mut numbers = Vec::new();
        while let Some(happening) = live.next().await.unwrap() {
            match happening {
                Happening::Snapshot(snapshot) => numbers = vec![snapshot.cursor.number],
                Happening::Report(report) => numbers.push(report.cursor.number),
                _ => {}
            }
        }
        let expected: Vec<u64> = (numbers[0]..=5).collect();
        assert_eq!(numbers, expected, "cut at {at}");
        assert_eq!(live.cursor(), Some("aaaa.5"));
        let view: Value = serde_json::from_str(&live.view().unwrap().to_json()).unwrap();
        assert_eq!(view["tasks"], tasks(5), "cut at {at}");
    }
}

#[tokio::test]
async fn what_comes_twice_is_handed_out_once() {
    let peer = Peer::plays(vec![Cut(joined(&[
        snapshot(2),
        report(3),
        report(2),
        report(3),
        report(4),
        // A later place for what was reported before: the place counts, the report does not.
        report_of("aaaa", 5, "rpt_3"),
        report(6),
        bye("superseded", false),
    ]))])
    .await;
    let happened = all(&mut follower(&peer), 9).await;
    assert_eq!(
        happened,
        [
            "snapshot aaaa.2",
            "report aaaa.3",
            "report aaaa.4",
            "report aaaa.6",
            "bye superseded false 2.345s",
            "over"
        ]
    );
}

#[tokio::test]
async fn a_hole_is_asked_for_once_and_then_a_snapshot() {
    let peer = Peer::plays(vec![
        Open(joined(&[snapshot(2), report(3), report(5)])),
        Open(joined(&[accepted("aaaa.3"), report(4), ping("aaaa.6")])),
        Open(joined(&[accepted("aaaa.4"), report(6)])),
        Open(joined(&[snapshot(6), bye("superseded", false)])),
    ])
    .await;
    let happened = all(&mut follower(&peer), 20).await;
    assert_eq!(
        happened,
        [
            "snapshot aaaa.2",
            "report aaaa.3",
            "lost 0ns reports are missing",
            "resumed",
            "report aaaa.4",
            "lost 0ns reports are missing",
            "resumed",
            "lost 1s reports are missing again",
            "snapshot aaaa.6",
            "bye superseded false 2.345s",
            "over"
        ]
    );
    let cursor = |text: &str| Some(text.to_owned());
    assert_eq!(peer.asked(), [None, cursor("aaaa.3"), cursor("aaaa.4"), None]);
}

#[tokio::test]
async fn another_epoch_clears_what_was_known() {
    let peer = Peer::plays(vec![
        Open(joined(&[snapshot(2), report(3), report_of("bbbb", 4, "rpt_4")])),
        // The same id in another life of the log is another report.
        Open(joined(&[
            snapshot_of("bbbb", 0),
            report_of("bbbb", 1, "rpt_3"),
            snapshot_of("cccc", 0),
            report_of("cccc", 1, "rpt_3"),
            ping("dddd.0"),
        ])),
        Open(joined(&[snapshot_of("dddd", 0), bye("superseded", false)])),
    ])
    .await;
    let mut live = Live::new(peer.api());
    let mut views = Vec::new();
    while let Some(happening) = live.next().await.unwrap() {
        if let Happening::Lost { wait, .. } = happening {
            skip(wait).await;
        }
        views.push(live.view().map(|view| view.len_of("tasks")));
    }
    // The ping alone proves nothing about what came before; the server says it with a snapshot.
    assert_eq!(
        views,
        [Some(2), Some(3), None, Some(0), Some(1), Some(0), Some(1), Some(1), Some(0), Some(0)]
    );
    assert_eq!(peer.asked(), [None, None, Some("cccc.1".into())]);
}

#[tokio::test]
async fn a_silent_line_is_given_up_after_75_seconds() {
    let peer = Peer::plays(vec![Open(joined(&[snapshot(2)])), Open(joined(&[report(3)]))]).await;
    let mut follower = follower(&peer);
    assert_eq!(next(&mut follower).await, "snapshot aaaa.2");
    // Nothing but the watchdog's clock is left, which runs ahead when everything waits.
    tokio::time::pause();
    let begun = Instant::now();
    let lost = follower.next().await.unwrap().unwrap();
    let silent = begun.elapsed();
    tokio::time::resume();
    assert!(matches!(&lost, Happening::Lost { why, .. } if why == "the stream fell silent"));
    assert!(silent > Duration::from_secs(74) && silent < Duration::from_secs(76), "{silent:?}");
    skip(Duration::from_secs(1)).await;
    assert_eq!(next(&mut follower).await, "report aaaa.3");
}

#[tokio::test]
async fn waits_grow_to_30_seconds_and_start_over_after_a_report_or_a_ping() {
    let busy = || Other(BUSY, "{}");
    let mut answers: Vec<_> = (0..8).map(|_| busy()).collect();
    // A snapshot alone proves little: whoever is cut off after each one must not hammer.
    answers.push(Cut(joined(&[snapshot(2)])));
    answers.push(Cut(joined(&[accepted("aaaa.2"), report(3)])));
    answers.push(busy());
    answers.push(Cut(joined(&[ping("aaaa.3")])));
    answers.push(Cut(joined(&["retry: 1500\n\n".into(), ping("aaaa.3")])));
    answers.push(busy());
    let peer = Peer::plays(answers).await;
    let mut follower = follower(&peer);
    let mut waits = Vec::new();
    for word in all(&mut follower, 17).await {
        waits.push(match word.strip_prefix("lost ") {
            Some(lost) => lost.split(' ').next().unwrap().to_owned(),
            None => word,
        });
    }
    assert_eq!(
        waits,
        [
            ["1s", "2s", "4s", "8s", "16s", "30s", "30s", "30s"].as_slice(),
            &["snapshot aaaa.2", "30s", "resumed", "report aaaa.3", "1s", "2s", "1s"],
            // The server's own choice comes first, and counts as the first attempt.
            &["1.5s", "2s"],
        ]
        .concat()
    );
}

#[tokio::test]
async fn a_server_that_names_a_time_is_given_it() {
    let peer = Peer::plays(vec![
        Other("429 Too Many Requests\r\nretry-after: 25", r#"{"code":"stream_limit"}"#),
        Other("503 Service Unavailable\r\nretry-after: 0", "{}"),
        Other("503 Service Unavailable\r\nretry-after: soon", "{}"),
        Cut(joined(&[snapshot(2), bye("superseded", false)])),
    ])
    .await;
    let mut follower = follower(&peer);
    for wait in ["lost 25s 429 stream_limit", "lost 1s 503", "lost 1s 503"] {
        let happened = next(&mut follower).await;
        assert!(happened.starts_with(wait), "{happened}");
    }
    assert_eq!(next(&mut follower).await, "snapshot aaaa.2");
}

#[tokio::test]
async fn an_announced_end_is_no_failed_attempt() {
    for reason in ["idle", "rotate", "shutdown", "slow", "limit"] {
        let peer = Peer::plays(vec![
            Cut(joined(&[snapshot(2), bye(reason, true)])),
            Cut(joined(&["retry: 700\n\n".into(), "event: bye\ndata: {}\n\n".into()])),
            Other(BUSY, "{}"),
        ])
        .await;
        let mut follower = follower(&peer);
        assert_eq!(next(&mut follower).await, "snapshot aaaa.2");
        assert_eq!(next(&mut follower).await, format!("bye {reason} true 2.345s"));
        assert_eq!(next(&mut follower).await, "bye unknown true 700ms");
        assert!(next(&mut follower).await.starts_with("lost 1s"), "{reason}");
    }
    for reason in ["superseded", "auth_expired"] {
        let peer = Peer::plays(vec![Cut(joined(&[bye(reason, false)]))]).await;
        let happened = all(&mut follower(&peer), 3).await;
        assert_eq!(happened, [format!("bye {reason} false 2.345s"), "over".into()]);
        assert_eq!(peer.asked().len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_asked_for_again_and_then_replaced() {
    let broken = || "event: report\nid: aaaa.3\ndata: {\"cursor\":\n\n".to_owned();
    let lost = "event: report\ndata: {\"cursor\":\"3\"}\n\n".to_owned();
    let peer = Peer::plays(vec![
        Open(joined(&[snapshot(2), "event: later\ndata: what\n\n".into(), broken()])),
        Open(joined(&[accepted("aaaa.2"), broken()])),
        Open(joined(&[report(3)])),
        Open(joined(&[snapshot(3), report(4), lost])),
        Open(joined(&[report(5), bye("superseded", false)])),
    ])
    .await;
    let happened = all(&mut follower(&peer), 20).await;
    assert_eq!(
        happened,
        [
            "snapshot aaaa.2",
            "lost 0ns a report that is not JSON",
            "resumed",
            "lost 1s a report that is not JSON again",
            "lost 2s a report came before a snapshot",
            "snapshot aaaa.3",
            "report aaaa.4",
            "lost 0ns a report without a cursor",
            "report aaaa.5",
            "bye superseded false 2.345s",
            "over"
        ]
    );
}

#[tokio::test]
async fn a_report_that_cannot_be_folded_brings_a_snapshot() {
    let change = r#"{"op":"upsert","collection":"tasks","id":"t3"}"#;
    let data = format!(r#"{{"report_id":"r","cursor":"aaaa.3","changes":[{change}]}}"#);
    let peer = Peer::plays(vec![
        Open(joined(&[snapshot(2), format!("event: report\ndata: {data}\n\n")])),
        Open(joined(&[snapshot(3), bye("superseded", false)])),
    ])
    .await;
    let mut live = Live::new(peer.api());
    live.next().await.unwrap();
    let Some(Happening::Lost { why, wait, .. }) = live.next().await.unwrap() else { panic!() };
    assert!(why.contains("tasks/t3"), "{why}");
    assert!(live.view().is_none());
    skip(wait).await;
    live.next().await.unwrap();
    assert_eq!(live.view().unwrap().len_of("tasks"), 3);
}

#[tokio::test]
async fn a_refusal_is_final() {
    for (head, body) in [
        ("400 Bad Request", r#"{"code":"invalid_session"}"#),
        ("401 Unauthorized", r#"{"code":"unauthorized"}"#),
        ("403 Forbidden", "{}"),
        ("404 Not Found", "<html>"),
        ("204 No Content", ""),
    ] {
        let peer = Peer::plays(vec![Other(head, body)]).await;
        let refused = follower(&peer).next().await.unwrap_err();
        let status = refused.refusal().unwrap().status;
        assert_eq!(status.to_string(), head[..3], "{refused}");
        assert_eq!(peer.asked().len(), 1);
    }
}

#[tokio::test]
async fn something_else_than_a_stream_is_tried_again() {
    let peer = Peer::plays(vec![
        Other("200 OK\r\ncontent-type: text/html", "<html>"),
        Other("200 OK\r\ncontent-type: Text/Event-Stream; charset=windows-1252", ": 안녕\n\n"),
        Open(joined(&[snapshot(2)])),
    ])
    .await;
    let mut follower = follower(&peer);
    let Some(Happening::Lost { error, wait, .. }) = follower.next().await.unwrap() else {
        panic!()
    };
    assert!(matches!(*error.unwrap(), ApiError::Strange(_)));
    skip(wait).await;
    assert_eq!(next(&mut follower).await, "lost 2s the stream ended without a word");
    assert_eq!(next(&mut follower).await, "snapshot aaaa.2");
}

#[tokio::test]
async fn a_follower_that_is_dropped_half_way_goes_on() {
    let peer = Peer::plays(vec![Other(BUSY, "{}"), Open(joined(&[snapshot(2), report(3)]))]).await;
    let mut follower = follower(&peer);
    let Some(Happening::Lost { wait, .. }) = follower.next().await.unwrap() else { panic!() };
    tokio::time::pause();
    let begun = Instant::now();
    // Somebody who looks every 300 ms whether something happened waits no longer than others.
    while begun.elapsed() < wait {
        let moment = Duration::from_millis(300).min(wait.saturating_sub(begun.elapsed()));
        assert!(tokio::time::timeout(moment, follower.next()).await.is_err());
    }
    tokio::time::resume();
    assert_eq!(next(&mut follower).await, "snapshot aaaa.2");
    assert_eq!(next(&mut follower).await, "report aaaa.3");
    let nothing = tokio::time::timeout(Duration::from_millis(5), follower.next()).await;
    assert!(nothing.is_err());
    assert_eq!(follower.cursor(), Some("aaaa.3"));
}
