//! Signing in, and acting as the person who did.

use serde_json::{Value, json};

use super::fake::{Asked, Fake, Reply};
use super::{Exit, User};

const TOKEN: &str = "nxs_ses_0123";

fn signed() -> Value {
    json!({
        "user": {"user_id": "usr_1", "email": "mina@example.com", "name": "미나"},
        "session": {"session_id": "ses_1", "expires_at": "2026-11-21T17:04:03.000Z"},
        "csrf_token": "c", "access_token": TOKEN,
        "memberships": [{"org_id": "default", "project_id": "default", "title": "Default",
            "role": "approver", "paused": false}],
    })
}

fn user(user_id: &str, email: &str) -> Value {
    json!({"user_id": user_id, "email": email, "name": "n", "role": "viewer", "last_login": null,
        "disabled": false, "created_at": "2026-11-21T05:04:03.000Z"})
}

fn server() -> Fake {
    Fake::new(|asked: &Asked, _| match asked.line().as_str() {
        "POST /auth/login" if asked.body["password"] == "right" => Reply::Json(200, signed()),
        "POST /auth/login" => Reply::Json(401, json!({"code": "login_failed", "detail": "No."})),
        "POST /auth/logout" => Reply::Json(204, Value::Null),
        "GET /me" => Reply::Json(200, signed()),
        "GET /users" => Reply::Json(200, json!({"users": [user("usr_2", "jun@example.com")]})),
        "POST /users" => Reply::Json(
            201,
            json!({"user_id": "usr_3", "link": "/ui#/welcome/abc", "expires_at": "2026-11-24T05:04:03.000Z"}),
        ),
        "POST /users/usr_2/link" => Reply::Json(
            201,
            json!({"purpose": "reset", "link": "/ui#/welcome/def", "expires_at": "2026-11-24T05:04:03.000Z"}),
        ),
        line if line.starts_with("PUT ") => {
            Reply::Json(200, json!({"user_id": "usr_2", "role": asked.body["role"]}))
        }
        line if line.starts_with("DELETE ") => Reply::Json(204, Value::Null),
        _ => Reply::Json(200, json!({"items": [], "next": null})),
    })
}

/// Somebody without keys, whose home is a directory of the test.
fn person(server: &Fake) -> User {
    let user = User::of(server).env("NEXUS_API_KEY", None).env("ADMIN_API_KEY", None);
    let config = user.home.path().join("config").display().to_string();
    user.env("NEXUS_CONFIG_DIR", Some(&config))
}

fn last(server: &Fake) -> Asked {
    server.asked().last().unwrap().clone()
}

#[test]
fn who_signs_in_acts_as_themselves_until_they_sign_out() {
    let server = server();
    let user = person(&server).says("right");
    assert_eq!(user.types(&["asks"]).exit, Exit::Usage);
    let did = user.types(&["login", "--email", " mina@example.com"]);
    assert_eq!(did.exit, Exit::Ok, "{}", did.err);
    assert!(did.out.contains("mina@example.com") && did.out.contains("approver"), "{}", did.out);
    assert!(!did.out.contains(TOKEN) && !did.err.contains(TOKEN));
    assert_eq!(last(&server).body, json!({"email": "mina@example.com", "password": "right"}));
    for line in [&["asks"][..], &["key", "list"], &["user", "list"], &["whoami"]] {
        assert_eq!(user.types(line).exit, Exit::Ok, "{line:?}");
        let asked = last(&server);
        assert_eq!(asked.header("authorization"), format!("Bearer {TOKEN}"), "{line:?}");
        assert_eq!(asked.header("x-api-key"), "");
    }
    assert!(user.types(&["whoami"]).out.contains("미나"));
    assert!(user.types(&["tenant", "list"]).out.contains("default"));
    assert_eq!(last(&server).line(), "GET /me");
    let other = user.types(&["asks", "--url", "http://127.0.0.1:1"]);
    assert_eq!(other.exit, Exit::Usage, "a session is of one server");

    assert_eq!(user.types(&["logout"]).exit, Exit::Ok);
    assert_eq!(last(&server).line(), "POST /auth/logout");
    assert_eq!(user.types(&["asks"]).exit, Exit::Usage);
    assert_eq!(user.types(&["logout"]).exit, Exit::Usage);
}

#[test]
fn a_wrong_password_keeps_nothing() {
    let server = server();
    let user = person(&server).says("wrong");
    let did = user.types(&["login", "--email", "mina@example.com", "--json"]);
    assert_eq!(did.exit, Exit::Refused);
    assert!(did.out.contains("login_failed") && !did.out.contains("wrong"), "{}", did.out);
    assert!(!user.home.path().join("config").exists());
    let nobody = person(&server).types(&["login", "--email", "mina@example.com"]);
    assert_eq!(nobody.exit, Exit::Usage);
    assert!(nobody.err.contains("--password-stdin"), "{}", nobody.err);
}

#[test]
fn a_key_that_was_given_goes_before_the_sign_in_and_a_found_one_behind() {
    let server = server();
    let user = person(&server).says("right");
    assert_eq!(user.types(&["login", "--email", "m@x"]).exit, Exit::Ok);
    nexus_kit::settings::keys::ensure_keys(&user.home.path().join("data"), &[9; 64]).unwrap();
    user.types(&["key", "list"]);
    assert_eq!(last(&server).header("authorization"), format!("Bearer {TOKEN}"));
    let user = user.env("ADMIN_API_KEY", Some("admin-key-0123456789"));
    user.types(&["key", "list"]);
    assert_eq!(last(&server).header("x-api-key"), "admin-key-0123456789");
    let did = user.types(&["login", "--email", "m@x"]);
    assert!(did.err.contains("ADMIN_API_KEY is set"), "{}", did.err);
    assert!(user.types(&["whoami"]).out.contains("ADMIN_API_KEY"));
}

#[test]
fn members_are_named_by_email_or_id() {
    let server = server();
    let user = User::of(&server).says("y");
    let path = "/tenants/default/default/members/usr_2?confirm=usr_2";
    for (line, asked) in [
        (&["user", "role", "Jun@example.com", "admin"][..], format!("PUT {path}")),
        (&["user", "role", "usr_2", "admin", "--yes"], format!("PUT {path}")),
        (&["user", "remove", "jun@example.com"], format!("DELETE {path}")),
        (&["user", "link", "jun@example.com"], "POST /users/usr_2/link".to_owned()),
        (&["user", "disable", "jun@example.com"], "PUT /users/usr_2?confirm=usr_2".to_owned()),
        (&["user", "enable", "usr_2"], "PUT /users/usr_2?confirm=usr_2".to_owned()),
    ] {
        let did = user.types(line);
        assert_eq!(did.exit, Exit::Ok, "{line:?}: {}", did.err);
        assert_eq!(last(&server).line(), asked, "{line:?}");
    }
    let did = user.types(&["user", "remove", "nobody@example.com", "--yes"]);
    assert_eq!(did.exit, Exit::Refused);
    assert!(did.err.contains("no member of default:default"), "{}", did.err);
    let before = server.lines().len();
    let no = User::of(&server).says("n");
    assert_eq!(no.types(&["user", "remove", "usr_2"]).exit, Exit::Failed);
    assert_eq!(no.types(&["user", "role", "usr_2", "owner"]).exit, Exit::Usage);
    assert_eq!(server.lines().len(), before, "nothing was asked");
}

#[test]
fn an_invitation_is_a_link_that_can_be_passed_on() {
    let server = server();
    let user = User::of(&server);
    let did = user.types(&["user", "add", "new@example.com", "--role", "viewer", "--name", "뉴"]);
    assert_eq!(did.out, format!("{}/ui#/welcome/abc\n", server.url));
    assert!(did.err.contains("works once"), "{}", did.err);
    let body = json!({"email": "new@example.com", "role": "viewer", "name": "뉴"});
    assert_eq!(last(&server).body, body);
    let did = user.types(&["user", "link", "usr_2", "--lang", "ko"]);
    assert_eq!(did.out, format!("{}/ui#/welcome/def\n", server.url));
}

#[test]
fn a_session_that_ended_says_what_to_do() {
    let server = Fake::new(|asked, _| match asked.line().as_str() {
        "POST /auth/login" => Reply::Json(200, signed()),
        _ => Reply::Json(401, json!({"code": "session_ended", "detail": "Over."})),
    });
    let user = person(&server).says("right");
    assert_eq!(user.types(&["login", "--email", "m@x"]).exit, Exit::Ok);
    let did = user.types(&["asks"]);
    assert_eq!(did.exit, Exit::Refused);
    assert!(did.err.contains("nexus login"), "{}", did.err);
    assert_eq!(user.types(&["logout"]).exit, Exit::Ok);
    assert_eq!(user.types(&["asks"]).exit, Exit::Usage);
}
