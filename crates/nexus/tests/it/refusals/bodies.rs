//! Bodies that are not what they should be.

use nexus_testkit::{World, raw};
use serde_json::{Value, json};

use super::untouched;

#[tokio::test]
async fn a_body_is_strict_json_and_says_that_it_is() {
    let world = World::start().await;
    let before = untouched(&world).await;
    let service = world.service();
    let good = r#"{"command_type":"test.echo","params":{}}"#;
    for (body, status, code) in [
        ("", 400, "not_json"),
        ("{", 400, "not_json"),
        ("command_type=test.echo", 400, "not_json"),
        ("{'command_type':'test.echo'}", 400, "not_json"),
        (r#"{"command_type":"test.echo","params":{},}"#, 400, "not_json"),
        (r#"{"command_type":"test.echo","params":{}} {}"#, 400, "not_json"),
        (r#"{"command_type":"test.echo","params":{"n":NaN}}"#, 400, "not_json"),
        (r#"{"command_type":"test.echo","params":{"a":1,"a":2}}"#, 400, "duplicate_key"),
        (r#"{"command_type":"test.echo","command_type":"x","params":{}}"#, 400, "duplicate_key"),
        (r#"{"command_type":"test.echo","params":{"a":1,"\u0061":2}}"#, 400, "duplicate_key"),
        (r#"{"command_type":"test.echo","params":{"n":9007199254740992}}"#, 400, "unsafe_integer"),
        (r#"{"command_type":"test.echo","params":{"n":-9007199254740992}}"#, 400, "unsafe_integer"),
        (r#"{"command_type":"test.echo","params":{"n":1e999}}"#, 400, "not_json"),
        ("[]", 422, "invalid_fields"),
        ("\"text\"", 422, "invalid_fields"),
        ("null", 422, "invalid_fields"),
    ] {
        let answer = service.with_body("POST", "/sidecar/command", body).await;
        assert_eq!((answer.status, &answer.json["code"]), (status, &json!(code)), "{body}");
        answer.problem(status);
    }
    let deep = format!(
        r#"{{"command_type":"test.echo","params":{}1{}}}"#,
        "[".repeat(500),
        "]".repeat(500)
    );
    service.with_body("POST", "/sidecar/command", deep).await.problem(400);
    let not_utf8 = [&good.as_bytes()[..2], &[0xff], &good.as_bytes()[2..]].concat();
    service.with_body("POST", "/sidecar/command", not_utf8).await.refused(400, "not_json");
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"]
    {
        let request = service.request("POST", "/sidecar/command");
        let request = request.header("content-type", content_type).body(good);
        service.send(request).await.refused(415, "unsupported_media_type");
    }
    let packed = service.request("POST", "/sidecar/command");
    let packed = packed.header("content-type", "application/json");
    let packed = packed.header("content-encoding", "gzip").body(good);
    service.send(packed).await.refused(415, "unsupported_media_type");
    assert_eq!(untouched(&world).await, before);

    for largest in [9_007_199_254_740_991_i64, -9_007_199_254_740_991] {
        let task_id = world.run("test.echo", json!({"n": largest}), "succeeded").await;
        assert_eq!(service.task(&task_id).await["result"]["n"], largest);
    }
    world.finish().await;
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let world = World::start().await;
    let before = untouched(&world).await;
    let send = async |body: Value| world.service().post("/sidecar/command", &body).await;
    let echo = |more: Value| {
        let mut body = json!({"command_type": "test.echo", "params": {}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (body, code, path) in [
        (json!({"params": {}}), "invalid_fields", "/command_type"),
        (json!({"command_type": "test.echo"}), "invalid_fields", "/params"),
        (json!({"command_type": 7, "params": {}}), "invalid_fields", "/command_type"),
        (echo(json!({"parms": {}})), "invalid_fields", "/parms"),
        (echo(json!({"task_type": "test.echo"})), "invalid_fields", "/task_type"),
        (echo(json!({"priority": 11})), "invalid_fields", "/priority"),
        (echo(json!({"priority": "high"})), "invalid_fields", "/priority"),
        (echo(json!({"priority": 0.5})), "invalid_fields", "/priority"),
        (echo(json!({"risk": "PURPLE"})), "invalid_fields", "/risk"),
        (echo(json!({"deadline_seconds": -1})), "invalid_fields", "/deadline_seconds"),
        (
            echo(json!({"precondition": {"files": [{"path": "a", "sha": null}]}})),
            "invalid_fields",
            "/precondition/files/0/sha",
        ),
        (echo(json!({"priority": -11})), "invalid_fields", "/priority"),
        (echo(json!({"deadline_seconds": 0})), "invalid_fields", "/deadline_seconds"),
        (echo(json!({"deadline_seconds": 604_801})), "invalid_fields", "/deadline_seconds"),
        (echo(json!({"correlation_id": ""})), "invalid_fields", "/correlation_id"),
        (echo(json!({"correlation_id": "a\nb"})), "invalid_fields", "/correlation_id"),
        (echo(json!({"params": {"count": "three"}})), "invalid_params", "/params/count"),
        (echo(json!({"params": []})), "invalid_params", "/params"),
    ] {
        let answer = send(body.clone()).await;
        answer.refused(422, code);
        assert!(
            answer.paths().iter().any(|p| p == path),
            "{path} in {:?} of {body}",
            answer.paths()
        );
    }
    let many = json!({"command_type": "share.webhook", "params": {"uri": "x", "extra": 1}});
    let answer = send(many).await;
    answer.refused(422, "invalid_params");
    assert!(answer.json["errors"].as_array().unwrap().len() >= 2, "{}", answer.json);
    assert_eq!(untouched(&world).await, before);
    world.finish().await;
}

#[tokio::test]
async fn an_unknown_type_is_refused() {
    let world = World::start().await;
    let before = untouched(&world).await;
    for name in ["test.unknown", "", "share", "share.*", "share.webhook ", "SHARE.WEBHOOK", "../x"]
    {
        let body = json!({"command_type": name, "params": {}});
        let answer = world.service().post("/sidecar/command", &body).await;
        answer.refused(422, "unknown_command_type");
    }
    assert_eq!(untouched(&world).await, before);
    world.finish().await;
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_refused() {
    let world = World::start().await;
    let before = untouched(&world).await;
    let body = |bytes: usize| {
        let frame = json!({"command_type": "test.echo", "params": {"text": ""}}).to_string();
        frame.replacen("\"\"", &format!("\"{}\"", "x".repeat(bytes - frame.len())), 1)
    };
    let most = 1 << 20;
    let service = world.service();
    let answer = service.with_body("POST", "/sidecar/command", body(most + 1)).await;
    answer.refused(413, "body_too_large");
    // The same without a length that says so beforehand.
    let piece = format!("{:x}\r\n{}\r\n", 65_536, "x".repeat(65_536));
    let request = format!(
        "POST /sidecar/command HTTP/1.1\r\nhost: nexus\r\nconnection: close\r\nx-api-key: {}\r\n\
         x-org-id: default\r\nx-project-id: default\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        nexus_testkit::SERVICE_KEY,
        piece.repeat(17)
    );
    raw(service.address(), request.as_bytes()).await.refused(413, "body_too_large");
    assert_eq!(untouched(&world).await, before);
    service.with_body("POST", "/sidecar/command", body(most)).await.accepted();
    world.finish().await;
}

#[tokio::test]
async fn decisions_and_queries_are_as_strict() {
    let world = World::start().await;
    let (_, ask_id) = world.webhook("/in", json!({})).await;
    let before = untouched(&world).await;
    let path = format!("/approvals/{ask_id}/decide");
    for (body, at) in [
        (json!({}), "/decision"),
        (json!({"decision": "yes"}), "/decision"),
        (json!({"decision": "Approve"}), "/decision"),
        (json!({"decision": "approve", "note": "x"}), "/note"),
        (json!({"decision": "deny", "params": {}}), "/params"),
        (json!({"decision": "deny", "reason": "x".repeat(2_001)}), "/reason"),
    ] {
        let answer = world.admin().post(&path, &body).await;
        answer.problem(422);
        assert!(answer.paths().contains(&at.to_owned()), "{at}: {}", answer.json);
    }
    let edited = json!({"decision": "approve", "params": {"url": 7, "payload": {}}});
    let answer = world.admin().post(&path, &edited).await;
    answer.refused(422, "invalid_params");
    assert_eq!(answer.paths(), ["/params/url"]);
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "stauts=queued",
        "status=done",
        "since=now",
        "cursor=%00",
        "limit=1&limit=2",
    ] {
        let answer = world.service().get(&format!("/tasks?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.json);
        answer.problem(400);
    }
    assert_eq!(untouched(&world).await, before);
    world.finish().await;
}
