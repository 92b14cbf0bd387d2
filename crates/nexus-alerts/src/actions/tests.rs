//! Storms, on a store of their own.

use std::sync::Arc;

use nexus_core::alert::{Channel, Route, Severity};
use nexus_core::tenant::Tenant;
use nexus_kit::args;
use nexus_kit::clock::Clock;
use nexus_kit::db::Db;
use nexus_kit::entropy::Entropy;
use nexus_kit::settings::{Secret, Store};

use super::*;
use crate::channels::Signer;

#[test]
fn a_runbook_stands_here_or_where_the_operator_keeps_it() {
    assert_eq!(runbook("", "https://nexus.example", "X"), "https://nexus.example/runbooks/X");
    assert_eq!(runbook("https://wiki.example", "https://n", "X"), "https://wiki.example/X");
}

#[test]
fn a_burst_says_how_many() {
    let notice = burst(Event::AskCreated, 20);
    assert!(notice.text.en.contains("20") && notice.text.ko.contains("20"));
}

struct House {
    _dir: tempfile::TempDir,
    db: Db,
    clock: Clock,
    rules: Rules,
    owner: Owner,
}

async fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let store = Store { data_dir: dir.path().to_owned(), ..Store::default() };
    let clock = Clock::test(Time::from_millis(1_767_225_600_000));
    let db = Db::visit(&store, clock.clone(), Entropy::seeded(1)).unwrap();
    let tenant = Tenant::parse("kaist:lab").unwrap();
    let made = db.write(&tenant, |tx| {
        tx.exec(
            "INSERT INTO stream_head (tenant, epoch, last, worklog_keep) VALUES ($1, $2, 0, 200)",
            args!["kaist:lab", "abcdefgh"],
        )
    });
    let made: Result<u64, DbError> = made.await;
    assert_eq!(made.unwrap(), 1);
    let to = Destination {
        route: Route::all("ops", Channel::Slack, String::new()),
        to: Secret::new("https://hooks.slack.com/services/x"),
        signer: Signer::default(),
        lane: "server/ops".into(),
    };
    let settings = settings::Alerts::default();
    let rules = Rules { server: Arc::new(vec![to]), settings };
    House { _dir: dir, db, clock, rules, owner: Owner::Tenant(tenant) }
}

impl House {
    async fn raise(&self, happened: Vec<Happened>) -> Raised {
        let (owner, rules) = (self.owner.clone(), self.rules.clone());
        let raised =
            self.db.write(self.owner.scope(), move |tx| raise(tx, &owner, happened, &rules));
        raised.await.unwrap()
    }

    async fn alerts(&self) -> Vec<Alert> {
        let owner = self.owner.clone();
        let filter = sql::Filter { most: 1_000, ..sql::Filter::default() };
        let found = self.db.read(self.owner.scope(), move |q| sql::list(q, owner.key(), &filter));
        found.await.unwrap()
    }
}

fn ask(n: usize, key: &str) -> Happened {
    Happened {
        event: Event::AskCreated,
        severity: Severity::Warning,
        source: format!("ask.created/ask_{n}"),
        key: format!("ask.created/{key}"),
        notice: Notice::of(Event::AskCreated, Both::new("x".repeat(900), "가".repeat(900))),
    }
}

#[tokio::test]
async fn ten_thousand_asks_in_a_minute_are_twenty_one_messages() {
    let house = house().await;
    let mut total = Raised::default();
    let all: Vec<usize> = (0..10_000).collect();
    for some in all.chunks(200) {
        let asks = some.iter().map(|n| ask(*n, &n.to_string())).collect();
        let raised = house.raise(asks).await;
        total.made += raised.made;
        total.counted += raised.counted;
        total.messages += raised.messages;
    }
    assert_eq!((total.made, total.messages, total.counted), (21, 21, 9_979));
    let alerts = house.alerts().await;
    let burst = alerts.iter().find(|alert| alert.key.ends_with("/burst")).unwrap();
    assert_eq!(burst.count, 9_980);
    // A minute later there is room again, and what still storms is still counted on that one.
    house.clock.advance(Duration::from_secs(61));
    let asks = (20_000..20_100).map(|n| ask(n, &n.to_string())).collect();
    let later = house.raise(asks).await;
    assert_eq!((later.made, later.counted), (20, 80));
}

#[tokio::test]
async fn what_was_seen_is_not_seen_again_whatever_its_key() {
    let house = house().await;
    assert_eq!(house.raise(vec![ask(1, "a"), ask(2, "a"), ask(1, "a")]).await.made, 1);
    let again = house.raise(vec![ask(1, "a"), ask(2, "b")]).await;
    assert_eq!(again, Raised::default());
    assert_eq!(house.alerts().await[0].count, 2);
    house.clock.advance(Duration::from_secs(600));
    let raised = house.raise(vec![ask(3, "a")]).await;
    assert_eq!((raised.made, raised.messages), (1, 1), "its time is over");
    let said = house.alerts().await[0].notice.facts.clone();
    assert_eq!((said[0].name.en.as_str(), said[0].value.as_str()), ("Repeated before", "1"));
}

#[tokio::test]
async fn without_a_time_everything_is_told() {
    let mut house = house().await;
    house.rules.settings.dedupe_ttl = Duration::ZERO;
    assert_eq!(house.raise(vec![ask(1, "a"), ask(2, "a")]).await.made, 2);
    assert_eq!(house.raise(vec![ask(3, "a")]).await.messages, 1);
}

#[tokio::test]
async fn what_is_old_is_forgotten_in_pieces_and_what_waits_is_not() {
    let house = house().await;
    house.raise((0..10).map(|n| ask(n, &n.to_string())).collect()).await;
    let owner = house.owner.clone();
    let settled = house.db.write(house.owner.scope(), move |tx| {
        tx.exec("UPDATE alert SET settled = 1 WHERE tenant = $1", args![owner.key()])
    });
    let settled: Result<u64, DbError> = settled.await;
    assert_eq!(settled.unwrap(), 10);
    house.clock.advance(Duration::from_secs(100));
    house.raise(vec![ask(100, "new")]).await;
    let before = house.clock.now().minus(Duration::from_secs(50));
    let mut rounds = 0;
    loop {
        let owner = house.owner.clone();
        let more =
            house.db.write(house.owner.scope(), move |tx| sql::forget(tx, owner.key(), before, 4));
        rounds += 1;
        if !more.await.unwrap() {
            break;
        }
    }
    assert_eq!(rounds, 3);
    let left = house.alerts().await;
    assert_eq!((left.len(), left[0].key.as_str()), (1, "ask.created/new"));
}
