//! How often somebody may try to sign in.

use nexus_testkit::{Answer, PASSWORD, World};
use serde_json::json;

async fn try_in(world: &World, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    world.nobody().post("/auth/login", &body).await
}

fn waits(answer: &Answer) -> u64 {
    answer.refused(429, "login_throttled");
    answer.header("retry-after").expect("a refusal says when to come back").parse().unwrap()
}

#[tokio::test]
async fn five_failures_close_the_door_for_a_quarter_of_an_hour_known_or_not() {
    let mut world = World::start().await;
    world.user("mina@example.com", "viewer").await;
    for email in ["mina@example.com", "nobody@example.com"] {
        for _ in 0..5 {
            try_in(&world, email, "wrong password!").await.refused(401, "login_failed");
        }
        assert_eq!(waits(&try_in(&world, email, PASSWORD).await), 900, "{email}");
    }
    try_in(&world, "other@example.com", "wrong password!").await.refused(401, "login_failed");
    world.restart().await;
    world.advance_seconds(899);
    assert_eq!(waits(&try_in(&world, "Mina@example.com ", PASSWORD).await), 1);
    world.advance_seconds(1);
    try_in(&world, "mina@example.com", PASSWORD).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn a_good_password_forgets_the_failures_before_it() {
    let world = World::start().await;
    world.user("mina@example.com", "viewer").await;
    for _ in 0..3 {
        for _ in 0..4 {
            try_in(&world, "mina@example.com", "wrong password!")
                .await
                .refused(401, "login_failed");
        }
        try_in(&world, "mina@example.com", PASSWORD).await.expect(200);
    }
    world.finish().await;
}

#[tokio::test]
async fn an_account_under_attack_waits_longer_each_time_but_not_for_ever() {
    let change = |settings: &mut nexus_kit::settings::Settings| {
        settings.people.login_tries = 1_000;
        settings.people.login_tries_per_account = 3;
    };
    let world = World::builder().settings(change).start().await;
    world.user("mina@example.com", "viewer").await;
    for _ in 0..3 {
        try_in(&world, "mina@example.com", "wrong password!").await.refused(401, "login_failed");
    }
    for seconds in [30, 60, 120] {
        assert_eq!(waits(&try_in(&world, "mina@example.com", PASSWORD).await), seconds);
        world.advance_seconds(seconds);
        try_in(&world, "mina@example.com", "wrong password!").await.refused(401, "login_failed");
    }
    world.advance_seconds(240);
    try_in(&world, "mina@example.com", PASSWORD).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_waits_too() {
    let change = |settings: &mut nexus_kit::settings::Settings| {
        settings.people.login_tries_per_address = 4;
    };
    let world = World::builder().settings(change).start().await;
    world.user("mina@example.com", "viewer").await;
    for n in 0..4 {
        let email = format!("guess{n}@example.com");
        try_in(&world, &email, "wrong password!").await.refused(401, "login_failed");
    }
    assert_eq!(waits(&try_in(&world, "mina@example.com", PASSWORD).await), 30);
    world.until_audited("platform", |entry| entry.details["code"] == "login_throttled").await;
    world.advance_seconds(30);
    try_in(&world, "mina@example.com", PASSWORD).await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_at_once_are_no_more_than_tries_in_a_row() {
    let world = World::start().await;
    world.user("mina@example.com", "viewer").await;
    let mut trying = tokio::task::JoinSet::new();
    for n in 0..40 {
        let nobody = world.nobody();
        let body = json!({"email": "mina@example.com", "password": format!("guess no. {n}")});
        trying.spawn(async move { nobody.post("/auth/login", &body).await.status });
    }
    let answers = trying.join_all().await;
    let judged = answers.iter().filter(|status| **status == 401).count();
    let refused = answers.iter().filter(|status| **status == 429).count();
    assert_eq!((judged, refused), (5, 35), "{answers:?}");
    assert_eq!(world.audited("platform", "login.failed").len(), 5);
    world.finish().await;
}
