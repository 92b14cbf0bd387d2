//! What is told, and how it reads.

use nexus_fakes::smtp::MailSink;
use nexus_fakes::vendor::Vendor;
use nexus_fakes::webhook::Behaviour;
use nexus_kit::settings::MailTls;
use nexus_testkit::{PATIENCE, World};
use serde_json::json;

use super::*;

#[tokio::test]
async fn an_ask_is_told_with_a_link_that_opens_it_and_again_before_it_expires() {
    let world = hooked_world().await;
    let (task_id, ask_id) = world.webhook("/out", json!({"to": "mina@example.com"})).await;
    let told_once = told(&world, 1).await;
    let alert = &told_once[0];
    assert_eq!(alert["type"], "ask.created");
    let data = &alert["data"];
    assert_eq!((&data["ask_id"], &data["task_id"]), (&json!(ask_id), &json!(task_id)));
    assert_eq!((&data["org_id"], &data["project_id"]), (&json!("default"), &json!("default")));
    let link = data["links"][0]["url"].as_str().unwrap();
    let path = format!("/ui#/ask/{ask_id}?tenant=default%3Adefault");
    assert!(link.starts_with("http://127.0.0.1:") && link.ends_with(&path), "{link}");
    assert!(data["text"].as_str().unwrap().contains("share.webhook"), "{data}");

    world.advance_seconds(239);
    world.advance_seconds(1);
    let told_twice = told(&world, 2).await;
    assert_eq!(told_twice[1]["type"], "ask.expiring");
    assert_eq!(told_twice[1]["data"]["severity"], "critical");
    assert_eq!(told_twice[1]["data"]["ask_id"], ask_id);
    world.finish().await;
}

#[tokio::test]
async fn nobody_is_reminded_of_an_ask_that_was_decided_or_is_over() {
    let world = hooked_world().await;
    let (task_id, ask_id) = world.webhook("/out", json!(1)).await;
    told(&world, 1).await;
    world.deny(&ask_id).await;
    world.until(&task_id, "denied").await;
    world.advance_seconds(250);
    // Something that comes later was told, so the reminder would have been too.
    let (late, _) = world.webhook("/out", json!(2)).await;
    let alerts = told(&world, 2).await;
    assert_eq!(alerts.len(), 2);
    assert_eq!(alerts[1]["data"]["task_id"], late);
    world.finish().await;
}

#[tokio::test]
async fn a_held_task_is_told_with_its_runbook_and_shows_in_the_view() {
    let world = hooked_world().await;
    register_red(&world, "default:default").await;
    let task_id = held(&world).await;
    let alerts = told(&world, 2).await;
    let data = &alerts[1]["data"];
    assert_eq!((&alerts[1]["type"], &data["task_id"]), (&json!("task.held"), &json!(task_id)));
    assert_eq!(data["failure_code"], "EFFECT_UNKNOWN");
    let links = data["links"].to_string();
    assert!(links.contains("/runbooks/EFFECT_UNKNOWN") && links.contains(&task_id), "{links}");

    let value = shown(&world, "default:default", "task.held", |value| value["done"] == true).await;
    assert_eq!(value["deliveries"][0]["state"], "sent");
    assert_eq!(value["title_ko"], "작업이 보류되었습니다");
    let alert_id = value["alert_id"].as_str().unwrap();
    let one = world.service().get(&format!("/alerts/{alert_id}")).await.expect(200).clone();
    assert_eq!(one["messages"][0]["status"], 200);
    assert_eq!(one["messages"][0]["attempts"], 1);
    let list = world.service().get("/alerts?event=task.held").await.expect(200).clone();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["alert_id"], alert_id);
    let sent = world.service().get("/alerts/deliveries?state=sent").await.expect(200).clone();
    assert_eq!(sent["items"].as_array().unwrap().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn what_needs_somebody_is_an_alert_where_nobody_is_told_too() {
    let world = World::start().await;
    register_red(&world, "default:default").await;
    held(&world).await;
    let value = shown(&world, "default:default", "task.held", |_| true).await;
    assert_eq!((&value["done"], &value["deliveries"]), (&json!(true), &json!([])));
    // An ask is on the stream itself.
    let list = world.service().get("/alerts").await.expect(200).clone();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn what_is_told_is_masked() {
    let world = hooked_world().await;
    let params = json!({
        "url": world.sink.url("/mina@example.com/010-1234-5678"), "payload": 1,
    });
    world.send("share.webhook", params).await;
    let alerts = told(&world, 1).await;
    let text = alerts[0].to_string();
    assert!(!text.contains("mina@example.com") && !text.contains("1234-5678"), "{text}");
    assert!(text.contains("m***@e***.com"), "{text}");
    world.finish().await;
}

#[tokio::test]
async fn every_kind_of_destination_takes_the_same_alert() {
    let key = "0123456789abcdef0123456789abcdef";
    let mail = std::sync::Arc::new(MailSink::start().await.unwrap());
    let address = mail.address();
    let routes = json!([
        {"name": "slack", "channel": "slack", "to": "SINK/slack", "language": "ko"},
        {"name": "discord", "channel": "discord", "to": "SINK/discord"},
        {"name": "teams", "channel": "teams", "to": "SINK/teams"},
        {"name": "pager", "channel": "pagerduty", "to": key, "severity": "warning"},
        {"name": "mail", "channel": "email", "to": "mina@example.com"},
        {"name": "own", "channel": "webhook", "to": "SINK/hook"},
        {"name": "quiet", "channel": "slack", "to": "SINK/quiet", "severity": "critical"},
        {"name": "others", "channel": "slack", "to": "SINK/others", "events": ["task.*"]},
    ]);
    let world = World::builder()
        .settings(routed(routes))
        .settings(move |settings| {
            let sink = settings.egress.allow[0].clone();
            settings.alerts.pagerduty_url = format!("http://{sink}/pager");
            settings.egress.allow.push(address.to_string());
            settings.mail.host = "127.0.0.1".into();
            settings.mail.port = address.port();
            settings.mail.tls = MailTls::None;
            settings.mail.from = "nexus@example.com".into();
        })
        .start()
        .await;
    checked(&world);
    world.sink.on("/slack", Behaviour::Vendor(Vendor::Slack));
    world.sink.on("/discord", Behaviour::Vendor(Vendor::Discord));
    world.sink.on("/teams", Behaviour::Vendor(Vendor::Teams));
    world.sink.on("/pager", Behaviour::Vendor(Vendor::Pagerduty(vec![key.to_owned()])));
    world.webhook("/out", json!("<!channel> @everyone")).await;
    let received = world.received(5).await;
    let mails = mail.wait_for(1, PATIENCE).await.unwrap();
    assert_eq!(world.sink.faults(), Vec::<String>::new());
    let mut paths: Vec<&str> = received.iter().map(|one| one.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/discord", "/hook", "/pager", "/slack", "/teams"]);
    assert!(bodies(&received, "/slack")[0].to_string().contains("명령이 승인을 기다립니다"));
    assert!(mails[0].header("Subject").unwrap().contains("A command waits"), "{:?}", mails[0]);
    shown(&world, "default:default", "ask.created", |value| value["done"] == true).await;
    world.finish().await;
}

#[tokio::test]
async fn a_flood_of_streams_is_told_to_the_tenant() {
    let world = World::builder()
        .settings(hooked)
        .settings(|settings| settings.stream.opens_per_minute = 3)
        .start()
        .await;
    checked(&world);
    let (_, program) = world.tenant_key("default:default").await;
    loop {
        let request = program.request("GET", "/agent/reports/stream");
        let answer = request.send().await.unwrap();
        if answer.status() == 429 {
            break;
        }
    }
    let alerts = told(&world, 1).await;
    assert_eq!(alerts[0]["type"], "stream.flood");
    shown(&world, "default:default", "stream.flood", |_| true).await;
    // A fresh look for the fold law must be let in again.
    world.advance_seconds(120);
    world.finish().await;
}
