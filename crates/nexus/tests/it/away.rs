//! A database that goes away and comes back: clear answers meanwhile, and nothing is lost.

use nexus_testkit::World;
use serde_json::json;

#[tokio::test]
async fn what_was_done_meanwhile_is_written_down_when_the_database_is_back() {
    let world = World::builder().on_postgres().start().await;
    let task = world.send("test.slow", json!({"name": "work"})).await;
    world.hands.started("work").await;
    world.database_away(true);
    let command = json!({"command_type": "test.echo", "params": {}});
    let refused = world.service().post("/sidecar/command", &command).await;
    refused.refused(503, "store_unreachable");
    assert!(refused.header("retry-after").is_some());
    // The work ends while nobody can be told, however often it is tried.
    world.hands.release("work");
    for _ in 0..20 {
        world.service().get("/tasks").await.refused(503, "store_unreachable");
    }
    world.database_away(false);
    let value = world.until(&task, "succeeded").await;
    assert_eq!(value["attempt"], 1, "it was not done twice");
    world.run("test.echo", json!({}), "succeeded").await;
    world.finish().await;
}

#[tokio::test]
async fn a_stream_that_cannot_be_opened_is_refused_and_counted() {
    let world = World::builder().on_postgres().start().await;
    // Nobody listens there yet, so nothing of its log is at hand.
    let body = json!({"org_id": "quiet", "project_id": "team"});
    world.admin().without_tenant().post("/tenants", &body).await.expect(201);
    let (_, other) = world.tenant_key("quiet:team").await;
    other.get("/tasks").await.expect(200);
    world.database_away(true);
    let refused = other.get("/agent/reports/stream").await;
    refused.refused(503, "store_unreachable");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(world.metric("nexus_sse_opens_total{outcome=\"failed\"}"), Some(1.0));
    assert_eq!(world.metric("nexus_sse_closes_total{reason=\"client\"}"), None);
    world.database_away(false);
    other.stream(None).await.expect("snapshot").await;
    world.finish().await;
}
