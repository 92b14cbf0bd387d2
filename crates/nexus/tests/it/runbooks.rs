//! Runbooks, as a monitoring system and the console fetch them.

use nexus_core::failure::FailureCode;
use nexus_testkit::World;

#[tokio::test]
async fn every_failure_code_leads_to_its_runbook_in_both_languages() {
    let world = World::start().await;
    let viewer = world.user("mina@example.com", "viewer").await;
    let list = viewer.get("/runbooks").await.expect(200).clone();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), FailureCode::ALL.len());
    for item in items {
        let (code, url) = (item["code"].as_str().unwrap(), item["url"].as_str().unwrap());
        assert_eq!(url, format!("/runbooks/{code}"));
        for (lang, title) in [("en", "title_en"), ("ko", "title_ko")] {
            let answer = viewer.get(&format!("{url}?lang={lang}")).await;
            assert_eq!(answer.status, 200, "{code}");
            assert_eq!(answer.header("content-type"), Some("text/markdown; charset=utf-8"));
            assert_eq!(answer.header("content-language"), Some(lang));
            let first = format!("# {code}: {}\n", item[title].as_str().unwrap());
            let text = String::from_utf8(answer.body).unwrap();
            assert!(text.starts_with(&first), "{code} {lang}");
        }
    }
    let held = items.iter().find(|item| item["code"] == "EFFECT_UNKNOWN").unwrap();
    assert_eq!((&held["triage"], &held["retryable"]), (&"held".into(), &false.into()));
    world.finish().await;
}

#[tokio::test]
async fn the_reader_s_language_decides_and_what_is_wrong_is_refused() {
    let world = World::start().await;
    let service = world.service();
    let ask = async |accept: &str, path: &str| {
        service.send(service.request("GET", path).header("accept-language", accept)).await
    };
    let path = "/runbooks/PROVIDER_TIMEOUT";
    assert_eq!(ask("ko-KR,ko;q=0.9,en;q=0.8", path).await.header("content-language"), Some("ko"));
    assert_eq!(ask("fr", path).await.header("content-language"), Some("en"));
    let said = ask("ko", "/runbooks/PROVIDER_TIMEOUT?lang=en").await;
    assert_eq!(said.header("content-language"), Some("en"));
    service.get("/runbooks/NO_SUCH_CODE").await.refused(404, "unknown_failure_code");
    service.get("/runbooks/provider_timeout").await.refused(404, "unknown_failure_code");
    service.get("/runbooks/PROVIDER_TIMEOUT?lang=fr").await.refused(400, "invalid_parameter");
    world.finish().await;
}

#[tokio::test]
async fn a_browser_that_follows_the_link_of_an_alert_shows_the_runbook() {
    let world = World::start().await;
    let path = "/runbooks/EFFECT_UNKNOWN";
    let browser = world.nobody();
    let request = browser.request("GET", path).header("accept", "text/html,*/*;q=0.8");
    let page = browser.send(request).await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/plain; charset=utf-8"))
    );
    assert!(String::from_utf8(page.body).unwrap().starts_with("# EFFECT_UNKNOWN: "));
    world.finish().await;
}

#[tokio::test]
async fn a_copy_of_one_s_own_is_linked_instead() {
    let builder = World::builder().settings(|settings| {
        settings.runbooks.base_url = "https://wiki.example/nexus".into();
    });
    let world = builder.start().await;
    let list = world.service().get("/runbooks").await.expect(200).clone();
    assert_eq!(list["items"][0]["url"], "https://wiki.example/nexus/PROVIDER_TIMEOUT");
    world.finish().await;
}
