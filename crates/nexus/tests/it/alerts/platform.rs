//! What belongs to no tenant.

use nexus_testkit::World;
use serde_json::json;

use super::*;

#[tokio::test]
async fn guessed_passwords_are_told_to_whoever_runs_the_server() {
    let world = World::builder()
        .settings(hooked)
        .settings(|settings| {
            settings.alerts.login_refusals = 2;
            settings.people.login_tries = 1_000;
        })
        .start()
        .await;
    checked(&world);
    let body = json!({"email": "mina@example.com", "password": "wrong password!"});
    for _ in 0..10 {
        world.nobody().post("/auth/login", &body).await.refused(401, "login_failed");
    }
    world.advance_seconds(30);
    let alerts = told(&world, 1).await;
    assert_eq!(alerts[0]["type"], "login.attack");
    assert_eq!(alerts[0]["data"]["org_id"], Value::Null);
    // The next looks see the same window: it is counted, not told again.
    for _ in 0..3 {
        world.advance_seconds(30);
    }
    let listed = loop {
        let list = world.admin().without_tenant().get("/platform/alerts").await.expect(200).clone();
        if list["items"][0]["deliveries"][0]["state"] == "sent" {
            break list;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(told(&world, 1).await.len(), 1);
    let mine = world.service().get("/alerts").await.expect(200).clone();
    assert_eq!(mine["items"], json!([]), "a tenant does not see the platform's");
    world.finish().await;
}
