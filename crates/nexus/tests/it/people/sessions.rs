//! A session's life: it ends by itself, by its owner, and with the rights that it came with.

use nexus_testkit::{PASSWORD, Somebody, Stream, World};
use serde_json::{Value, json};

/// Opens a stream and takes its snapshot.
async fn listening(client: &nexus_testkit::Client) -> Stream {
    let mut stream = client.stream(None).await;
    stream.expect("snapshot").await;
    stream
}

/// Why a stream ended within five seconds of now.
async fn ended(world: &World, mut stream: Stream) -> Value {
    world.advance_seconds(5);
    let rest = stream.rest().await;
    rest.last().expect("an end is announced").data["reason"].clone()
}

async fn sessions_of(who: &Somebody) -> Vec<Value> {
    let answer = who.get("/auth/sessions").await;
    answer.expect(200)["sessions"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it() {
    let world = World::start().await;
    let mina = world.user("mina@example.com", "viewer").await;
    for _ in 0..3 {
        world.advance_seconds(29 * 60);
        mina.get("/tasks").await.expect(200);
    }
    world.advance_seconds(30 * 60);
    mina.get("/tasks").await.refused(401, "session_ended");
    world.finish().await;
}

#[tokio::test]
async fn an_open_stream_is_no_use_of_a_session() {
    let world = World::start().await;
    let mina = world.user("mina@example.com", "viewer").await;
    let mut stream = listening(&mina).await;
    for _ in 0..29 {
        world.advance_seconds(60);
    }
    mina.stream(None).await;
    world.advance_seconds(60);
    let rest = stream.rest().await;
    let reason = &rest.last().unwrap().data["reason"];
    assert!(reason == "auth_expired" || reason == "idle", "{rest:?}");
    mina.get("/agent/reports/stream").await.refused(401, "session_ended");
    mina.get("/me").await.refused(401, "session_ended");
    world.finish().await;
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours_whatever_is_done_in_it() {
    let mut world = World::start().await;
    let mina = world.user("mina@example.com", "viewer").await;
    let me = mina.get("/me").await;
    assert_eq!(me.expect(200)["session"]["expires_at"], "2026-01-01T12:00:00.000Z");
    world.restart().await;
    for _ in 0..(12 * 4 - 1) {
        world.advance_seconds(15 * 60);
        mina.get("/me").await.expect(200);
    }
    world.advance_seconds(15 * 60);
    mina.get("/me").await.refused(401, "session_ended");
    world.finish().await;
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions_and_no_others() {
    let world = World::start().await;
    let mina = world.user("mina@example.com", "viewer").await;
    let other = world.user("jun@example.com", "admin").await;
    world.advance_seconds(1);
    let second = world.sign_in("mina@example.com").await;
    let seen = sessions_of(&second).await;
    let ids: Vec<_> = seen.iter().map(|one| (&one["session_id"], &one["current"])).collect();
    assert_eq!(
        ids,
        [(&json!(second.session_id), &json!(true)), (&json!(mina.session_id), &json!(false))]
    );
    assert_eq!(seen[0]["peer"], "127.0.0.1");
    let theirs = format!("/auth/sessions/{}", mina.session_id);
    other.delete(&theirs).await.refused(404, "unknown_session");
    second.delete(&theirs).await.expect(204);
    second.delete(&theirs).await.refused(404, "unknown_session");
    mina.get("/me").await.refused(401, "session_ended");
    assert_eq!(sessions_of(&second).await.len(), 1);
    assert_eq!(world.audited("platform", "session.ended").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let world = World::start().await;
    let mina = world.user("mina@example.com", "viewer").await;
    let second = world.sign_in("mina@example.com").await;
    let by_logout = listening(&mina).await;
    let mut other = listening(&second.client.of("default:default")).await;
    mina.post("/auth/logout", &json!({})).await.expect(204);
    assert_eq!(ended(&world, by_logout).await, "auth_expired");
    world.run("test.echo", json!({}), "succeeded").await;
    other.until("report").await;
    let third = world.sign_in("mina@example.com").await;
    third.delete(&format!("/auth/sessions/{}", second.session_id)).await.expect(204);
    assert_eq!(ended(&world, other).await, "auth_expired");
    world.finish().await;
}

#[tokio::test]
async fn a_stream_ends_with_the_membership() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let mina = world.user("mina@example.com", "viewer").await;
    world.user_of("other:team", "mina@example.com", "viewer").await;
    let here = listening(&mina).await;
    let mut there = listening(&mina.client.of("other:team")).await;
    let id = &mina.user_id;
    let member = format!("/tenants/default/default/members/{id}?confirm={id}");
    world.admin().delete(&member).await.expect(204);
    assert_eq!(ended(&world, here).await, "auth_expired");
    mina.get("/tasks").await.refused(403, "not_a_member");
    world.service().of("other:team").command("test.echo", json!({})).await;
    there.until("report").await;
    world.finish().await;
}

#[tokio::test]
async fn a_closed_account_is_closed_everywhere_at_once() {
    let world = World::start().await;
    let mina = world.user("mina@example.com", "viewer").await;
    let stream = listening(&mina).await;
    let path = format!("/users/{}", mina.user_id);
    let admin = world.admin().without_tenant();
    let close = json!({"disabled": true});
    admin.put(&path, &close).await.refused(400, "confirmation_required");
    let path = format!("{path}?confirm={}", mina.user_id);
    admin.put(&path, &close).await.expect(204);
    assert_eq!(ended(&world, stream).await, "auth_expired");
    mina.get("/me").await.refused(401, "session_ended");
    let body = json!({"email": "mina@example.com", "password": PASSWORD});
    world.nobody().post("/auth/login", &body).await.refused(401, "login_failed");
    let listed = world.admin().get("/users").await;
    assert_eq!(listed.expect(200)["users"][0]["disabled"], true);
    admin.put(&path, &json!({"disabled": false})).await.expect(204);
    world.sign_in("mina@example.com").await;
    mina.get("/me").await.refused(401, "session_ended");
    assert_eq!(world.audited("platform", "user.disabled")[0].target, mina.user_id);
    world.finish().await;
}

#[tokio::test]
async fn a_stream_ends_when_the_password_is_set_anew() {
    let world = World::start().await;
    let mina = world.user("mina@example.com", "viewer").await;
    let stream = listening(&mina).await;
    let made = world.admin().post(&format!("/users/{}/link", mina.user_id), &json!({})).await;
    assert_eq!(made.expect(201)["purpose"], "reset");
    let token = nexus_testkit::token_of(made.json["link"].as_str().unwrap());
    let new = "seven owls, one lantern";
    let body = json!({"token": token, "password": new});
    world.nobody().post("/auth/redeem", &body).await.expect(200);
    assert_eq!(ended(&world, stream).await, "auth_expired");
    let old = json!({"email": "mina@example.com", "password": PASSWORD});
    world.nobody().post("/auth/login", &old).await.refused(401, "login_failed");
    let new = json!({"email": "mina@example.com", "password": new});
    world.nobody().post("/auth/login", &new).await.expect(200);
    world.finish().await;
}
