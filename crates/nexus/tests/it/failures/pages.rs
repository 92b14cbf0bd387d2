//! Pages of the boxes, and what many failures have in common.

use nexus_testkit::World;

use super::{dead, items};

/// Every item of a list, page by page.
async fn paged(world: &World, path: &str, limit: usize) -> Vec<serde_json::Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.admin().get(&format!("{path}limit={limit}{cursor}")).await;
        let page = page.expect(200);
        let items = page["items"].as_array().unwrap();
        all.extend(items.iter().cloned());
        match page["next"].as_str() {
            None => return all,
            Some(next) => {
                assert_eq!(items.len(), limit);
                cursor = format!("&cursor={next}");
            }
        }
    }
}

#[tokio::test]
async fn pages_join_without_gap_or_repetition() {
    let world = World::start().await;
    let mut expected = Vec::new();
    for number in 0..7 {
        expected.insert(0, dead(&world, "AGENT_ERROR", &format!("error {number}")).await);
        // Two of the same moment now and then.
        world.advance_seconds(number % 2);
    }
    let whole = items(&world.admin(), "/dlq/peek").await;
    for limit in 1..=8 {
        assert_eq!(paged(&world, "/dlq/peek?", limit).await, whole, "{limit}");
        assert_eq!(paged(&world, "/dlq/peek?tenant=*&", limit).await, whole, "{limit} of all");
    }
    let mut ids: Vec<_> = whole.iter().map(|item| item["task_id"].as_str().unwrap()).collect();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
    let times: Vec<_> = whole.iter().map(|item| item["failed_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "what failed last comes first: {times:?}");
    world.finish().await;
}

#[tokio::test]
async fn most_failures_are_one_error() {
    let world = World::start().await;
    for number in 0..5 {
        let message = format!("no answer after {number}00 ms from https://api.example/{number}");
        dead(&world, "PROVIDER_TIMEOUT", &message).await;
        world.advance_seconds(1);
    }
    let last =
        dead(&world, "PROVIDER_TIMEOUT", "no answer after 7 ms from https://x.example").await;
    dead(&world, "AGENT_ERROR", "no answer after 7 ms from https://x.example").await;
    dead(&world, "PROVIDER_TIMEOUT", "할당량 3개를 모두 썼습니다").await;
    let causes = items(&world.admin(), "/dlq/causes").await;
    let largest = &causes[0];
    assert_eq!(causes.len(), 3, "{causes:?}");
    assert_eq!(largest["count"], 6);
    assert_eq!(largest["message"], "no answer after <n> ms from <url>");
    assert_eq!(largest["failure_code"], "PROVIDER_TIMEOUT");
    assert_eq!(largest["task_type"], "test.fail");
    assert_eq!(largest["task_id"], last);
    let span = (largest["first_failed_at"].as_str(), largest["last_failed_at"].as_str());
    assert_eq!(span, (Some("2026-01-01T00:00:00.000Z"), Some("2026-01-01T00:00:05.000Z")));
    for limit in 1..=3 {
        assert_eq!(paged(&world, "/dlq/causes?", limit).await, causes, "{limit}");
    }
    let cause = largest["cause"].as_str().unwrap();
    let of_one = items(&world.admin(), &format!("/dlq/peek?cause={cause}")).await;
    assert_eq!(of_one.len(), 6);
    assert!(of_one.iter().all(|item| item["cause"] == cause));
    world.finish().await;
}
