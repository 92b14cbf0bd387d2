//! Who belongs to a tenant.

use nexus_testkit::{PASSWORD, Somebody, World, token_of};
use serde_json::{Value, json};

fn member(who: &Somebody) -> String {
    format!("/tenants/default/default/members/{0}?confirm={0}", who.user_id)
}

#[tokio::test]
async fn an_invitation_is_a_link_that_works_once() {
    let world = World::start().await;
    let admin = world.user("boss@example.com", "admin").await;
    let body = json!({"email": "Jun@Example.com", "name": "준", "role": "operator"});
    let invited = admin.post("/users", &body).await;
    let (user_id, token) =
        (invited.expect(201)["user_id"].clone(), token_of(invited.json["link"].as_str().unwrap()));
    assert_eq!(invited.json["expires_at"], "2026-01-04T00:00:00.000Z");
    let looked = world.nobody().post("/auth/link", &json!({"token": token})).await;
    assert_eq!(
        looked.expect(200),
        &json!({"purpose": "invite", "email": "jun@example.com", "name": "준",
            "expires_at": "2026-01-04T00:00:00.000Z"})
    );
    let listed = admin.get("/users").await;
    let jun = listed.expect(200)["users"].as_array().unwrap();
    let jun = jun.iter().find(|user| user["user_id"] == user_id).unwrap();
    assert_eq!((&jun["role"], &jun["last_login"]), (&json!("operator"), &Value::Null));

    let body = json!({"token": token, "password": PASSWORD});
    let signed = world.nobody().post("/auth/redeem", &body).await;
    let jun = world.somebody(signed.expect(200)).client.of("default:default");
    jun.get("/tasks").await.expect(200);
    world.nobody().post("/auth/redeem", &body).await.refused(404, "link_invalid");
    let added = world.audited("default:default", "member.added");
    let actor = format!("user:{}", admin.user_id);
    assert!(added.iter().any(|e| e.actor == actor && e.target == user_id.as_str().unwrap()));
    world.finish().await;
}

#[tokio::test]
async fn a_link_ends_with_its_time_and_with_the_next_one() {
    let world = World::start().await;
    let body = json!({"email": "jun@example.com", "role": "viewer"});
    let invited = world.admin().post("/users", &body).await;
    let first = token_of(invited.expect(201)["link"].as_str().unwrap()).to_owned();
    let path = format!("/users/{}/link", invited.json["user_id"].as_str().unwrap());
    let again = world.admin().post(&path, &json!({})).await;
    assert_eq!(again.expect(201)["purpose"], "invite");
    let second = token_of(again.json["link"].as_str().unwrap()).to_owned();
    let nobody = world.nobody();
    let redeem = async |token: &str| {
        nobody.post("/auth/redeem", &json!({"token": token, "password": PASSWORD})).await
    };
    redeem(&first).await.refused(404, "link_invalid");
    world.advance_seconds(72 * 3600);
    redeem(&second).await.refused(404, "link_invalid");
    redeem("x").await.refused(404, "link_invalid");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_use_a_link_at_once_one_comes_in() {
    let world = World::start().await;
    let link = world.first_admin_link().unwrap();
    let mut coming = tokio::task::JoinSet::new();
    for n in 0..10 {
        let nobody = world.nobody();
        let body = json!({"token": token_of(&link), "email": format!("a{n}@example.com"),
            "password": PASSWORD});
        coming.spawn(async move { nobody.post("/auth/redeem", &body).await.status });
    }
    let mut statuses = coming.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|status| matches!(status, 404 | 503)), "{statuses:?}");
    let users = world.admin().get("/users").await;
    assert_eq!(users.expect(200)["users"].as_array().unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_bad_password_names_its_field_and_leaves_the_link() {
    let world = World::start().await;
    let body = json!({"email": "robin@acme.example", "role": "viewer"});
    let invited = world.admin().post("/users", &body).await;
    let token = token_of(invited.expect(201)["link"].as_str().unwrap());
    let nobody = world.nobody();
    let long = format!("{}!", "x".repeat(1024));
    for bad in ["short!", "nospecial1", "Password123!", "robin@acme", long.as_str()] {
        let body = json!({"token": token, "password": bad});
        let answer = nobody.post("/auth/redeem", &body).await;
        answer.refused(422, "invalid_fields");
        assert_eq!(answer.paths(), ["/password"], "{bad}");
    }
    let other = json!({"token": token, "password": PASSWORD, "email": "eve@acme.example"});
    assert_eq!(nobody.post("/auth/redeem", &other).await.paths(), ["/email"]);
    let longest = format!("{}!", "x".repeat(1023));
    let body = json!({"token": token, "password": longest});
    nobody.post("/auth/redeem", &body).await.expect(200);
    let body = json!({"email": "robin@acme.example", "password": format!("{longest}x")});
    assert_eq!(nobody.post("/auth/login", &body).await.paths(), ["/password"]);
    world.finish().await;
}

#[tokio::test]
async fn who_has_an_account_becomes_a_member_and_the_answer_says_no_more() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let mina = world.user("mina@example.com", "admin").await;
    let boss = world.user_of("other:team", "boss@example.com", "admin").await;
    let body = json!({"email": "mina@example.com", "name": "x", "role": "viewer"});
    let invited = boss.post("/users", &body).await;
    assert_eq!(invited.expect(201), &json!({"user_id": mina.user_id}));
    boss.post("/users", &body).await.refused(409, "already_member");
    let me = mina.get("/me").await;
    assert_eq!(me.expect(200)["user"]["name"], "mina");
    let roles: Vec<_> = me.json["memberships"].as_array().unwrap().iter().collect();
    assert_eq!((&roles[0]["role"], &roles[1]["role"]), (&json!("admin"), &json!("viewer")));
    mina.client.of("other:team").get("/users").await.refused(403, "forbidden");

    // Whoever makes a link to a new password can become that person, everywhere.
    let link = format!("/users/{}/link", mina.user_id);
    boss.post(&link, &json!({})).await.refused(403, "member_elsewhere");
    world.admin().of("other:team").post(&link, &json!({})).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn another_role_bites_at_once() {
    let world = World::start().await;
    let admin = world.user("boss@example.com", "admin").await;
    let mina = world.user("mina@example.com", "viewer").await;
    let command = json!({"command_type": "test.echo", "params": {}});
    mina.post("/sidecar/command", &command).await.refused(403, "forbidden");
    let path = member(&mina);
    let (bare, _) = path.split_once('?').unwrap();
    let body = json!({"role": "operator"});
    admin.put(bare, &body).await.refused(400, "confirmation_required");
    admin.put(&path, &json!({"role": "owner"})).await.refused(422, "invalid_fields");
    let changed = admin.put(&path, &body).await;
    assert_eq!(changed.expect(200), &json!({"user_id": mina.user_id, "role": "operator"}));
    mina.post("/sidecar/command", &command).await.accepted();
    let entry = &world.audited("default:default", "member.role")[0];
    assert_eq!(entry.actor, format!("user:{}", admin.user_id));
    assert_eq!(entry.details, json!({"before": "viewer", "role": "operator"}));
    admin.delete(bare).await.refused(400, "confirmation_required");
    admin.delete(&path).await.expect(204);
    mina.get("/tasks").await.refused(403, "not_a_member");
    mina.get("/me").await.expect(200);
    admin.delete(&path).await.refused(404, "unknown_user");
    world.finish().await;
}

#[tokio::test]
async fn the_last_admin_does_not_leave_alone() {
    let world = World::start().await;
    let boss = world.user("boss@example.com", "admin").await;
    let path = member(&boss);
    boss.delete(&path).await.refused(409, "last_admin");
    boss.put(&path, &json!({"role": "viewer"})).await.refused(409, "last_admin");
    boss.put(&path, &json!({"role": "admin"})).await.expect(200);
    let second = world.user("second@example.com", "admin").await;
    boss.put(&path, &json!({"role": "viewer"})).await.expect(200);
    second.delete(&member(&second)).await.refused(409, "last_admin");
    world.admin().delete(&member(&second)).await.expect(204);
    world.finish().await;
}

#[tokio::test]
async fn the_path_names_the_tenant_and_the_headers_agree() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let boss = world.user("boss@example.com", "admin").await;
    let mina = world.user_of("other:team", "mina@example.com", "viewer").await;
    let there = format!("/tenants/other/team/members/{0}?confirm={0}", mina.user_id);
    let role = json!({"role": "admin"});
    boss.put(&there, &role).await.refused(400, "tenant_mismatch");
    boss.without_tenant().put(&there, &role).await.refused(403, "not_a_member");
    // A person of another tenant is as unknown here as nobody.
    boss.put(&member(&mina), &role).await.refused(404, "unknown_user");
    boss.delete(&member(&mina)).await.refused(404, "unknown_user");
    let nowhere = there.replace("other/team", "no/where");
    boss.without_tenant().put(&nowhere, &role).await.refused(403, "not_a_member");
    let admin = world.admin().without_tenant();
    admin.put(&nowhere, &role).await.refused(404, "unknown_tenant");
    admin.put(&there.replace("team", "te%61m"), &role).await.refused(400, "tenant_malformed");
    // The platform admin makes members of whoever there is.
    admin.put(&there.replace("other/team", "default/default"), &role).await.expect(200);
    mina.client.of("default:default").get("/users").await.expect(200);
    world.finish().await;
}
