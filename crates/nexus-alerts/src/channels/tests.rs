//! Whatever an alert says, every vendor takes it, and nobody is called who was not meant.

use nexus_fakes::vendor::Vendor;
use proptest::prelude::*;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn message(texts: &[String]) -> Message {
    let text = |at: usize| texts.get(at).cloned().unwrap_or_default();
    Message {
        alert_id: "alr_1".into(),
        event: Event::AskCreated,
        severity: Severity::Critical,
        owner: "kaist:lab".into(),
        title: text(0),
        text: text(1),
        facts: texts.iter().skip(2).map(|value| (text(0), value.clone())).collect(),
        advice: text(1),
        links: vec![
            ("열기".into(), "https://nexus.example/ui#/ask/ask_1?tenant=a%3Ab".into()),
            (text(0), format!("https://nexus.example/{}", "x".repeat(text(1).len()))),
        ],
        task_id: Some("tsk_1".into()),
        ask_id: None,
        failure_code: None,
        correlation_id: "cor_1".into(),
        key: text(0),
        count: 3,
        at: Time::from_millis(1_767_225_600_000),
    }
}

fn vendors() -> [(Channel, Vendor); 4] {
    [
        (Channel::Slack, Vendor::Slack),
        (Channel::Discord, Vendor::Discord),
        (Channel::Teams, Vendor::Teams),
        (Channel::Pagerduty, Vendor::Pagerduty(vec![KEY.to_owned()])),
    ]
}

fn hold(texts: &[String]) {
    let message = message(texts);
    for (channel, vendor) in vendors() {
        let body = body(channel, &message, KEY).unwrap().to_string();
        assert_eq!(vendor.body_fault(body.as_bytes()), None, "{channel:?}: {body}");
        assert!(body.contains("ask_1?tenant=a%3Ab"), "the link is whole: {body}");
    }
    let own = body(Channel::Webhook, &message, "").unwrap();
    assert_eq!(own["data"]["text"], message.text, "a webhook of one's own has all of it");
    let mail = email::mail(&message, "nexus@example.com", "ops@example.com").unwrap();
    let formatted = String::from_utf8(mail.formatted()).unwrap();
    let (head, _) = formatted.split_once("\r\n\r\n").unwrap();
    let names: Vec<&str> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect();
    let known = [
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "Content-Type",
        "Date",
        "Content-Transfer-Encoding",
        "MIME-Version",
    ];
    for name in &names {
        assert!(known.contains(name), "a header that nobody meant: {name}: {head}");
    }
    assert!(formatted.split("\r\n").all(|line| line.len() <= 998), "no line is too long for SMTP");
}

#[test]
fn what_would_be_markup_is_text() {
    for evil in [
        "<!channel> <!here> <@U024BE7LH> <https://evil.example|Approve here>",
        "@everyone @here <@123> [Approve here](https://evil.example) **x** `y` ||z||",
        "&lt;!channel&gt; & < > \" ' </script>",
        "<at>everyone</at> [Approve](https://evil.example)",
        "x\r\nBcc: evil@example.com\r\n\r\nApprove",
        ".\r\n.\r\nMAIL FROM:<evil@example.com>",
        "\u{202e}\u{200b}\u{0}\u{1b}[2J",
        "\\\\\\*\\<@",
        "",
        " ",
    ] {
        hold(&[evil.to_owned(), evil.to_owned(), evil.to_owned()]);
    }
}

#[test]
fn what_is_huge_fits() {
    let pieces = ["가나다라 ", "👨‍👩‍👧‍👦", "a", "<", "*", "&", "\n", "\u{1}", "\\", "\"", "𝕏"];
    for piece in pieces {
        let huge = piece.repeat(20_000);
        hold(&vec![huge; 12]);
    }
}

#[test]
fn slack_hears_no_markup_and_discord_mentions_nobody() {
    let texts = vec!["<!channel>".to_owned(), "@everyone".to_owned()];
    let slack = body(Channel::Slack, &message(&texts), "").unwrap();
    assert_eq!(slack["text"], "[critical] &lt;!channel&gt;: @everyone");
    let discord = body(Channel::Discord, &message(&texts), "").unwrap();
    assert_eq!(discord["allowed_mentions"], serde_json::json!({"parse": []}));
    assert!(discord["embeds"][0]["title"].as_str().unwrap().starts_with("\\<!channel\\>"));
}

#[test]
fn the_same_alert_joins_the_same_incident() {
    let key = |text: &str| {
        let body = body(Channel::Pagerduty, &message(&[text.to_owned()]), KEY).unwrap();
        body["dedup_key"].as_str().unwrap().to_owned()
    };
    assert_eq!(key("a"), key("a"));
    assert_ne!(key("a"), key("b"));
    let mut elsewhere = message(&["a".to_owned()]);
    elsewhere.owner = "other:team".into();
    let other = body(Channel::Pagerduty, &elsewhere, KEY).unwrap();
    assert_ne!(other["dedup_key"], key("a"), "another tenant's incident is another");
}

#[test]
fn the_specifications_example_is_signed_as_it_says() {
    let signer = Signer::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let body = br#"{"test": 2432232314}"#;
    let signed = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let two = Signer::new("whsec_bmV3,whsec_b2xk").sign("a", 1, b"x");
    assert_eq!(two.split(' ').count(), 2, "both sign while they rotate");
    assert!(!Signer::new("").can_sign() && !Signer::new("whsec_").can_sign());
}

#[test]
fn a_mail_goes_to_its_recipients_and_no_others() {
    let texts = vec!["a".to_owned()];
    let mail = email::mail(&message(&texts), "n@example.com", "a@b.example, c@d.example").unwrap();
    let to: Vec<String> = mail.envelope().to().iter().map(ToString::to_string).collect();
    assert_eq!(to, ["a@b.example", "c@d.example"]);
    for bad in ["", "a@b.example\r\nBcc: x@y.example", "nobody"] {
        assert!(email::mail(&message(&texts), "n@example.com", bad).is_err(), "{bad:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_alert_is_taken_by_every_vendor(
        texts in prop::collection::vec(prop_oneof![
            "\\PC{0,200}",
            ".{0,2000}",
            "[<>@&*_`#\\[\\]()|\\\\!가👋\u{202e}\r\n]{0,3000}",
        ], 0..16),
    ) {
        hold(&texts);
    }

    #[test]
    fn an_escaped_text_is_cut_between_characters(text in ".{0,100}", most in 1usize..50) {
        let out = escaped(&text, most, |c, out| {
            if c.is_ascii() { out.push('\\'); }
            out.push(c);
        });
        prop_assert!(out.encode_utf16().count() <= most);
    }
}
