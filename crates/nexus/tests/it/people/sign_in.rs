//! Signing in and out.

use nexus_testkit::{PASSWORD, World};
use serde_json::json;

#[tokio::test]
async fn a_person_signs_in_works_and_signs_out() {
    let world = World::start().await;
    world.user("mina@example.com", "operator").await;
    let mina = world.sign_in("mina@example.com").await;
    let here = mina.client.of("default:default");
    let task = here.command("test.echo", json!({})).await;
    world.follower().until(&task, "succeeded").await;
    assert_eq!(here.task(&task).await["requested_by"], format!("user:{}", mina.user_id));
    mina.post("/auth/logout", &json!({})).await.expect(204);
    mina.get("/me").await.refused(401, "session_ended");
    here.get("/tasks").await.refused(401, "session_ended");
    let by = format!("user:{}", mina.user_id);
    for (action, session) in [("login", &mina.session_id), ("logout", &mina.session_id)] {
        let told = world.audited("platform", action);
        let own: Vec<_> = told.iter().filter(|entry| entry.target == **session).collect();
        assert_eq!(own.len(), 1, "{action}");
        assert_eq!(own[0].actor, by);
    }
    world.finish().await;
}

#[tokio::test]
async fn wrong_unknown_and_closed_are_one_answer() {
    let world = World::start().await;
    world.user("mina@example.com", "viewer").await;
    let closed = world.user("closed@example.com", "viewer").await;
    let path = format!("/users/{0}?confirm={0}", closed.user_id);
    world.admin().put(&path, &json!({"disabled": true})).await.expect(204);
    let invited = json!({"email": "invited@example.com", "role": "viewer"});
    world.admin().post("/users", &invited).await.expect(201);
    let nobody = world.nobody();
    let mut bodies = Vec::new();
    for (email, password) in [
        ("mina@example.com", "wrong password!"),
        ("closed@example.com", PASSWORD),
        ("invited@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
    ] {
        let body = json!({"email": email, "password": password});
        let answer = nobody.post("/auth/login", &body).await;
        let mut problem = answer.refused(401, "login_failed").clone();
        problem["correlation_id"].take();
        bodies.push(problem);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
    assert_eq!(world.audited("platform", "login.failed").len(), bodies.len());
    world.finish().await;
}

#[tokio::test]
async fn a_browser_holds_its_session_in_a_cookie_that_no_page_reads() {
    let world = World::start().await;
    world.user("mina@example.com", "operator").await;
    let nobody = world.nobody();
    let body = json!({"email": "mina@example.com", "password": PASSWORD, "cookie": true});
    let signed = nobody.post("/auth/login", &body).await;
    assert!(signed.expect(200).get("access_token").is_none());
    let cookie = signed.header("set-cookie").unwrap().to_owned();
    assert!(cookie.starts_with("__Host-nexus_session=nxs_ses_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; Secure; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let csrf = signed.json["csrf_token"].as_str().unwrap();

    let here = nobody.of("default:default");
    let by_cookie = |method, path| here.request(method, path).header("cookie", cookie);
    let me = here.send(by_cookie("GET", "/me")).await;
    assert_eq!(me.expect(200)["csrf_token"], csrf);
    here.send(by_cookie("GET", "/tasks?org_id=default&project_id=default")).await.expect(200);

    let command = json!({"command_type": "test.echo", "params": {}});
    let send = |request| here.send_json(request, &command);
    let post = || by_cookie("POST", "/sidecar/command");
    send(post()).await.refused(403, "csrf_failed");
    send(post().header("x-csrf-token", "guess")).await.refused(403, "csrf_failed");
    let proven = || post().header("x-csrf-token", csrf);
    send(proven().header("origin", "https://evil.example")).await.refused(403, "origin_refused");
    send(proven().header("sec-fetch-site", "cross-site")).await.refused(403, "origin_refused");
    send(proven().header("x-api-key", "k")).await.refused(401, "key_invalid");
    let own = format!("http://{}", here.address());
    let sent = send(proven().header("origin", own).header("sec-fetch-site", "same-origin")).await;
    let task = sent.accepted()["task_id"].as_str().unwrap().to_owned();
    world.follower().until(&task, "succeeded").await;

    // A plain EventSource sends the cookie and no header of its own.
    let path = "/agent/reports/stream?org_id=default&project_id=default";
    let request = nobody.request("GET", path).header("cookie", cookie);
    let mut stream = nobody.open(request).await;
    stream.expect("snapshot").await;

    let out = here.send(by_cookie("POST", "/auth/logout").header("x-csrf-token", csrf)).await;
    out.expect(204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    here.send(by_cookie("GET", "/me")).await.refused(401, "session_ended");
    world.advance_seconds(5);
    assert_eq!(stream.rest().await.last().unwrap().data["reason"], "auth_expired");
    world.finish().await;
}

#[tokio::test]
async fn a_password_is_hashed_anew_when_the_parameters_have_changed() {
    let mut world = World::start().await;
    world.user("mina@example.com", "viewer").await;
    assert!(world.password_of("mina@example.com").starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    world.restart_with(|settings| settings.people.password_memory_kib = 16).await;
    world.sign_in("mina@example.com").await;
    let renewed = world.password_of("mina@example.com");
    assert!(renewed.starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "{renewed}");
    world.sign_in("mina@example.com").await;
    assert_eq!(world.password_of("mina@example.com"), renewed);
    world.finish().await;
}

#[tokio::test]
async fn nothing_that_proves_anything_is_stored_as_it_is() {
    let world = World::start().await;
    let mina = world.user("mina@example.com", "viewer").await;
    let link = world.first_admin_link().unwrap();
    let token = mina.client.key.clone().unwrap();
    let (_, secret) = token.rsplit_once('_').unwrap();
    let stored = world.everything_stored();
    assert!(stored.contains("mina@example.com"), "the store is read");
    for secret in [PASSWORD, secret, nexus_testkit::token_of(&link)] {
        assert!(!stored.contains(secret));
    }
    world.finish().await;
}
