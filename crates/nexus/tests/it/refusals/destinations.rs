//! Files and addresses that nobody may reach.

use std::os::unix::fs::symlink;

use nexus_testkit::World;
use serde_json::json;

use super::untouched;

#[tokio::test]
async fn webhooks_reach_no_private_address_however_it_is_spelled() {
    let world = World::builder().settings(|settings| settings.egress.allow.clear()).start().await;
    let before = untouched(&world).await;
    let port = world.sink.address().port();
    for url in [
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0/",
        "https://0.0.0.0/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://a.localhost/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/",
        "https://100.64.0.1/",
        "https://[fe80::1]/",
        "https://[fc00::1]/",
        "https://[ff02::1]/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://①②⑦.⓪.⓪.①/",
        "https://127。0。0。1/",
        "https://user:pass@example.com/",
        "https://example.com:22/",
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://x/",
        "//example.com/",
        "example.com",
        "",
        "https://",
        "https:///x",
        "javascript:alert(1)",
        "https://metadata.google.internal/",
        "https://printer.local/",
    ] {
        let params = json!({"url": url, "payload": {}});
        let body = json!({"command_type": "share.webhook", "params": params});
        let answer = world.service().post("/sidecar/command", &body).await;
        assert_eq!(answer.status, 422, "{url}: {}", answer.json);
        answer.problem(422);
        assert_eq!(answer.paths(), ["/params/url"], "{url}");
    }
    let params = json!({"url": format!("http://127.0.0.1:{port}/"), "payload": {}});
    let body = json!({"command_type": "share.webhook", "params": params});
    world.service().post("/sidecar/command", &body).await.refused(422, "egress_blocked");
    assert_eq!(untouched(&world).await, before);
    assert_eq!(world.sink.connections(), 0);
    world.finish().await;
}

#[tokio::test]
async fn a_destination_that_was_closed_since_is_refused_again_at_delivery() {
    let mut world = World::start().await;
    let (task_id, ask_id) = world.webhook("/in", json!({})).await;
    world.restart_with(|settings| settings.egress.allow.clear()).await;
    world.approve(&ask_id).await;
    let dead = world.until(&task_id, "dead").await;
    assert_eq!(dead["failure_code"], "EGRESS_BLOCKED");
    assert_eq!(world.sink.connections(), 0);
    world.finish().await;
}

#[tokio::test]
async fn paths_of_files_stay_below_the_tenants_folder() {
    let world = World::start().await;
    let before = untouched(&world).await;
    for path in [
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "./a",
        ".",
        "a//b",
        "a/",
        "/etc/passwd",
        "//etc",
        "a\0b",
        "a\nb",
        "..\\x",
        "C:\\x",
        "",
        "a/./b",
    ] {
        for command_type in ["file.read", "file.delete", "file.list"] {
            let body = json!({"command_type": command_type, "params": {"path": path}});
            let answer = world.service().post("/sidecar/command", &body).await;
            answer.problem(422);
            assert_eq!(answer.paths(), ["/params/path"], "{path:?}");
        }
        let params = json!({"path": path, "content": "x"});
        let body = json!({"command_type": "file.write", "params": params});
        world.service().post("/sidecar/command", &body).await.problem(422);
    }
    // Percent signs are plain characters here, never a second spelling.
    let odd =
        world.run("file.write", json!({"path": "%2e%2e%2fx", "content": "1"}), "succeeded").await;
    assert_eq!(world.service().task(&odd).await["result"]["path"], "%2e%2e%2fx");
    assert!(world.files().join("%2e%2e%2fx").is_file());
    assert_ne!(untouched(&world).await, before);
    world.finish().await;
}

#[tokio::test]
async fn no_symlink_is_followed() {
    let world = World::start().await;
    let secret = world.data_dir().join("secret.txt");
    std::fs::write(&secret, "secret").unwrap();
    symlink(&secret, world.files().join("link.txt")).unwrap();
    symlink(world.data_dir(), world.files().join("up")).unwrap();
    for path in ["link.txt", "up/secret.txt"] {
        let dead = world.send("file.read", json!({"path": path})).await;
        assert_eq!(world.until(&dead, "dead").await["failure_code"], "INVALID_PARAMS");
        let write = json!({"path": path, "content": "overwritten"});
        let written = world.send("file.write", write).await;
        // A link that is the last part may be replaced, never written through.
        world
            .follower()
            .find("an end", 0, |report| {
                report.value("tasks", &written).is_some_and(|value| value["done"] == true)
            })
            .await;
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "secret");
    }
    symlink(&secret, world.files().join("again.txt")).unwrap();
    let body = json!({"command_type": "file.delete", "params": {"path": "again.txt"}});
    world.service().post("/sidecar/command", &body).await.problem(422);
    let body = json!({"command_type": "file.delete", "params": {"path": "up/secret.txt"}});
    world.service().post("/sidecar/command", &body).await.problem(422);
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "secret");
    world.finish().await;
}
