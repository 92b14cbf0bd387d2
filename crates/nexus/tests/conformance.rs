//! The conformance kit against this NEXUS, in which it finds nothing, and against one that somebody
//! meddles with, in which it finds exactly what is wrong.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod meddler;
mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use meddler::{Fault, Meddler};
use nexus_check::{Credential, Happening, Outcome, Plan, Target};
use nexus_core::tenant::Tenant;
use support::{ADMIN, SERVICE, Server};

/// As quick as a test should be: small bounds, and opens without a limit.
const SETTINGS: [(&str, &str); 4] = [
    ("STREAM_EVENT_KEEP", "400"),
    ("STREAM_MAX_PER_TENANT", "24"),
    ("STREAM_PING_SECONDS", "1"),
    ("STREAM_OPENS_PER_MINUTE", "100000"),
];

/// What the kit is told of a server with these settings.
fn plan() -> Plan {
    Plan {
        event_keep: 400,
        max_per_tenant: 24,
        ping: Duration::from_secs(1),
        patience: Duration::from_secs(5),
        seed: 7,
        ..Plan::default()
    }
}

fn quick() -> Plan {
    Plan { quick: true, ..plan() }
}

fn only(names: &[&str]) -> Plan {
    Plan { only: names.iter().map(|name| (*name).to_owned()).collect(), ..quick() }
}

/// What each check came to.
async fn outcomes(url: &str, plan: Plan) -> BTreeMap<&'static str, Outcome> {
    let target = Target {
        url: url.to_owned(),
        tenant: Tenant::parse("default:default").unwrap(),
        other: Some(Tenant::parse("check:other").unwrap()),
        credential: Credential::Key(SERVICE.to_owned()),
    };
    let outcomes = Arc::new(Mutex::new(BTreeMap::new()));
    let told = outcomes.clone();
    let listener = move |happening: &Happening<'_>| {
        if let Happening::Ends { check, outcome, .. } = happening {
            told.lock().unwrap().insert(check.name, (*outcome).clone());
        }
    };
    let summary = nexus_check::run(target, plan, Arc::new(listener)).await.unwrap();
    let outcomes = outcomes.lock().unwrap().clone();
    assert_eq!(outcomes.len(), summary.held + summary.failed + summary.skipped);
    outcomes
}

/// The checks that do not hold.
fn failed(outcomes: &BTreeMap<&'static str, Outcome>) -> Vec<&'static str> {
    let failed = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Fails { .. }));
    failed.map(|(name, _)| *name).collect()
}

async fn server() -> Server {
    let server = Server::start(&SETTINGS).await;
    assert_eq!(server.does(&["tenant", "create", "check", "other"]).code, 0);
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_whole_kit_finds_nothing() {
    let server = server().await;
    let outcomes = outcomes(&server.url, plan()).await;
    assert_eq!(failed(&outcomes), Vec::<&str>::new(), "{outcomes:#?}");
    assert_eq!(outcomes.len(), nexus_check::CHECKS.len());
    let skipped = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Skipped(_)));
    assert_eq!(skipped.count(), 0, "{outcomes:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_http2_it_finds_nothing_either_and_opens_few_streams() {
    let server = server().await;
    let target = Target {
        url: server.url.clone(),
        tenant: Tenant::parse("default:default").unwrap(),
        other: None,
        credential: Credential::Key(ADMIN.to_owned()),
    };
    let plan = Plan { http2: true, ..quick() };
    let summary = nexus_check::run(target, plan, Arc::new(|_: &Happening<'_>| {})).await.unwrap();
    assert_eq!(summary.failed, 0, "{summary:?}");
    assert!(summary.opens < 50, "{summary:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn somebody_in_between_who_does_nothing_is_not_noticed() {
    let server = server().await;
    let meddler = Meddler::start(&server.url, Fault::None).await;
    assert_eq!(failed(&outcomes(&meddler.url, quick()).await), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_sends_listeners_to_another_stream_is_followed() {
    // Whoever is sent away comes back before the server has heard that the old line is gone.
    let mut settings = SETTINGS;
    for (name, value) in &mut settings {
        if *name == "STREAM_MAX_PER_TENANT" {
            *value = "60";
        }
    }
    let server = Server::start(&settings).await;
    let meddler = Meddler::start(&server.url, Fault::Rotates).await;
    let plan = only(&["order", "report", "fold", "replay.exact", "replay.storm"]);
    let outcomes = outcomes(&meddler.url, plan).await;
    assert_eq!(failed(&outcomes), Vec::<&str>::new(), "{outcomes:#?}");
}

/// Holds that with a fault exactly these checks fail.
async fn finds(fault: Fault, plan: Plan, expected: &[&str]) {
    let server = server().await;
    let meddler = Meddler::start(&server.url, fault).await;
    let outcomes = outcomes(&meddler.url, plan).await;
    assert_eq!(failed(&outcomes), expected, "{fault:?}: {outcomes:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_finds_reports_that_are_lost_doubled_or_out_of_order() {
    for fault in [Fault::Drops, Fault::Doubles, Fault::Swaps] {
        finds(fault, quick(), &["order.live"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_finds_a_report_that_is_lost_between_replay_and_live() {
    finds(Fault::DropsBetweenReplayAndLive, quick(), &["replay.storm"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_finds_a_replay_that_begins_too_late() {
    let expected = [
        "cursor.behind",
        "cursor.header_wins",
        "cursor.zero",
        "http2.stream",
        "replay.cut",
        "replay.exact",
        "replay.storm",
    ];
    let plan = Plan { patience: Duration::from_secs(3), ..quick() };
    finds(Fault::DropsFirstOfReplay, plan, &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_finds_values_that_were_changed() {
    finds(Fault::ChangesValues, quick(), &["fold.law"]).await;
    finds(Fault::BreaksText, quick(), &["fold.law", "report.text"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_finds_reports_that_are_not_what_they_should_be() {
    finds(Fault::StripsIds, quick(), &["order.live", "report.shape"]).await;
    finds(Fault::RepeatsReportIds, quick(), &["report.unique"]).await;
    finds(Fault::SplitsData, only(&["order", "report.shape"]), &["report.shape"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_finds_what_proxies_do_to_the_beginning() {
    finds(Fault::Delays, only(&["opening"]), &["opening.first_bytes"]).await;
    // Frames that nobody can read are waited for.
    let hasty = Plan { patience: Duration::from_secs(1), ..quick() };
    finds(Fault::Compresses, hasty, &["opening.uncompressed"]).await;
    finds(Fault::StripsCacheControl, quick(), &["opening.headers"]).await;
    finds(Fault::FixesRetry, quick(), &["opening.prelude"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_finds_who_takes_cursors_wrongly() {
    let expected = [
        "cursor.empty",
        "cursor.largest",
        "cursor.long",
        "cursor.not_utf8",
        "cursor.nul",
        "cursor.word",
        "cursor.zeros",
    ];
    finds(Fault::RefusesBadCursors, quick(), &expected).await;
    finds(Fault::PrefersQuery, only(&["cursor"]), &["cursor.header_wins"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_finds_doors_that_stand_open() {
    let plan = Plan { patience: Duration::from_secs(2), ..only(&["session", "door", "ping"]) };
    finds(Fault::DropsSessions, plan.clone(), &["session.supersede"]).await;
    finds(Fault::DropsUnknownParameters, plan.clone(), &["door.query"]).await;
    finds(Fault::AddsIdsToPings, plan, &["ping.beat"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_waits_where_opens_are_limited_and_says_so() {
    let server = server().await;
    let meddler = Meddler::start(&server.url, Fault::LimitsOpens).await;
    let line = ["stream", "check", "--url", &meddler.url, "--quick", "--yes"];
    let did = server.does(&[&line[..], &["--only", "opening", "--only", "cursor"]].concat());
    assert_eq!(did.code, 0, "{did:?}");
    assert!(did.err.contains("429 stream_storm"), "{}", did.err);
    assert!(did.err.contains("waiting 1 s as it asks"), "{}", did.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_finds_a_server_whose_bounds_are_not_what_was_said() {
    let server = server().await;
    for (event_keep, max_per_tenant) in [(399, 5), (401, 5)] {
        let plan = Plan { event_keep, max_per_tenant, ..only(&["replay.window", "limit"]) };
        let outcomes = outcomes(&server.url, plan).await;
        let failed = failed(&outcomes);
        assert!(failed.contains(&"replay.window"), "{outcomes:#?}");
        assert!(failed.contains(&"limit.tenant"), "{outcomes:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_terminal_says_what_holds_and_ends_with_a_number() {
    let server = server().await;
    let did = server.does(&["stream", "check", "--only", "opening", "--yes"]);
    assert_eq!(did.code, 0, "{did:?}");
    assert!(did.out.contains("✓ opening.snapshot A newcomer gets"), "{}", did.out);
    assert!(did.err.contains("this sends GREEN commands"), "{}", did.err);

    let meddler = Meddler::start(&server.url, Fault::FixesRetry).await;
    let line = ["stream", "check", "--url", &meddler.url, "--only", "opening", "--yes"];
    let did = server.does(&[&line[..], &["--lang", "ko"]].concat());
    assert_eq!(did.code, 1, "{did:?}");
    for part in ["✗ opening.prelude", "기대: 연결마다 다른 시간", "실제: [3000,", "계약: `retry:`"]
    {
        assert!(did.out.contains(part), "{part} in\n{}", did.out);
    }
    let lines = server.json(&["stream", "check", "--only", "cursor.other_tenant", "--yes"]);
    assert_eq!(lines[0]["outcome"], "skipped");
    assert_eq!((&lines[1]["event"], &lines[1]["skipped"]), (&"done".into(), &1.into()));

    let listed = server.json(&["stream", "check", "--list"]);
    assert_eq!(listed.len(), nexus_check::CHECKS.len());
    assert_eq!(server.does(&["stream", "check", "--only", "nothing"]).code, 2);
    assert_eq!(server.does(&["stream", "check"]).code, 2, "nobody is there to be asked");
    let nowhere = server.does(&["stream", "check", "--url", "http://127.0.0.1:1", "--yes"]);
    assert_eq!((nowhere.code, nowhere.out.as_str()), (3, ""), "{nowhere:?}");
    let closed = server.does(&["stream", "check", "--org", "nobody", "--yes"]);
    assert_eq!((closed.code, closed.out.as_str()), (4, ""), "{closed:?}");
}
