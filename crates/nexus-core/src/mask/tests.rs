use proptest::prelude::*;
use serde_json::json;

use super::*;

fn check(cases: &[(&str, &str)]) {
    for (text, masked) in cases {
        assert_eq!(mask(text), *masked, "of {text:?}");
        assert_eq!(mask(masked), *masked, "masked twice");
        assert!(!finds(masked), "{masked:?} is still found");
    }
}

fn untouched(texts: &[&str]) {
    for text in texts {
        assert_eq!(mask(text), *text);
    }
}

#[test]
fn e_mail_addresses() {
    check(&[
        ("user@example.com", "u***@e***.com"),
        ("to user.name+tag@mail.example.com.", "to u***@m***.com."),
        ("a@b.co.kr", "a***@b***.co.kr"),
        ("메일은 kim@hansung.ac.kr로 보내", "메일은 k***@h***.ac.kr로 보내"),
        ("홍길동@한국.kr", "홍***@한***.kr"),
        ("<user@example.com>,x@y.io", "<u***@e***.com>,x***@y***.io"),
        ("1004@example.com", "***@e***.com"),
        ("mailto:user@example.com?x", "mailto:u***@e***.com?x"),
    ]);
    untouched(&["@example.com", "user@", "user@localhost", "a @ b.com", "v@1.2"]);
}

#[test]
fn resident_registration_numbers() {
    let masked = "******-*******";
    for number in [
        "900101-1234567",
        "9001011234567",
        "900101 1234567",
        "900101 - 1234567",
        "900101–1234567",
        "９００１０１－１２３４５６７",
        "９００１０１１２３４５６７",
        "201231-4999999",
        "000229-3000000",
        "850505-5123456",
        "850505-8123456",
    ] {
        check(&[(number, masked)]);
        check(&[(&format!("주민번호{number}입니다"), &format!("주민번호{masked}입니다"))]);
    }
    // A time in milliseconds is none, unless the words before it say so.
    untouched(&["1712151000000", "at 1712151000000 ms", "\"at\":1712151000000,"]);
    check(&[("rrn=1712153000000", &format!("rrn={masked}"))]);
    untouched(&[
        "901301-1234567",
        "900132-1234567",
        "900101-0234567",
        "900101-12345678",
        "1900101-1234567",
        "tsk_9001011234567abcdef",
        "20260101-1234567",
    ]);
}

#[test]
fn phone_numbers() {
    let masked = "***-****-****";
    for number in [
        "010-1234-5678",
        "010.1234.5678",
        "010 1234 5678",
        "01012345678",
        "011-123-4567",
        "02-123-4567",
        "02)1234-5678",
        "(02) 1234-5678",
        "031-123-4567",
        "0311234567",
        "070-1234-5678",
        "0505-123-4567",
        "０１０－１２３４－５６７８",
        "010–1234–5678",
    ] {
        check(&[(number, masked), (&format!("전화{number}로"), &format!("전화{masked}로"))]);
    }
    check(&[
        ("+82-10-1234-5678", "+***"),
        ("+82 10 1234 5678,", "+***,"),
        ("+821012345678", "+***"),
        ("+1 (415) 555-2671", "+***"),
        ("tel:+49 30 901820", "tel:+***"),
    ]);
    untouched(&[
        "012-1234-5678",
        "010-12-5678",
        "0.0212345678",
        "2026-11-21T05:04:03.123Z",
        "00010123456789",
        "x01012345678",
        "+1234567",
    ]);
}

#[test]
fn card_numbers() {
    let masked = "****-****-****-****";
    for number in [
        "4111111111111111",
        "4111-1111-1111-1111",
        "4111 1111 1111 1111",
        "5555555555554444",
        "3782 822463 10005",
        "6011111111111117",
    ] {
        check(&[(number, masked)]);
    }
    check(&[("card 4111 1111 1111 1111 1234", "card ****-****-****-**** 1234")]);
    untouched(&["4111111111111112", "1712151000000000", "411111111111", "5500 0000"]);
}

#[test]
fn addresses() {
    check(&[
        ("from 203.0.113.7:443", "from *.*.*.*:443"),
        ("10.0.0.1, 10.0.0.2", "*.*.*.*, *.*.*.*"),
        ("at 203.0.113.7.", "at *.*.*.*."),
        ("[2001:db8::1]:443", "[*:*:*]:443"),
        ("2001:db8:0:0:0:0:0:1 left", "*:*:* left"),
        ("peer fe80::1: gone", "peer *:*:*: gone"),
        ("::ffff:203.0.113.7", "*:*:*"),
    ]);
    untouched(&[
        "127.0.0.1:8000",
        "[::1]:8000",
        "0.0.0.0",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "v1.2.3.4",
        "nexus_kit::http::server",
        "05:04:03",
        "a::b",
        "dead::beef!",
    ]);
}

#[test]
fn secrets() {
    check(&[
        ("key nxs_live_abc123DEF456 used", "key nxs_*** used"),
        ("Authorization: Bearer abc.def-123", "Authorization: ***"),
        ("with bearer AbCdEf123456 here", "with bearer *** here"),
        ("jwt eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl end", "jwt eyJ*** end"),
        ("sk-ant-api03-abcdefghijkl_mnop", "sk-***"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIA***"),
        ("ghp_0123456789abcdefghij0123456789abcdef", "ghp_***"),
        ("password=hunter2&x=1", "password=***&x=1"),
        ("password: hunter", "password: ***"),
        ("비밀번호: 사과나무", "비밀번호: ***"),
        ("?key=abc&token=d-e_f#x", "?key=***&token=***"),
        ("NEXUS_API_KEY=abc def", "NEXUS_API_KEY=*** def"),
        ("x-api-key: abc123xyz", "x-api-key: ***"),
        (r#"{"password":"a\"b","x":1}"#, r#"{"password":"***","x":1}"#),
        (r#"{\"refreshToken\": \"abc\", \"y\":2}"#, r#"{\"refreshToken\": \"***\", \"y\":2}"#),
        ("token='abc def' next", "token='***' next"),
        ("Cookie: a=b; c=d", "Cookie: ***"),
        ("postgres://nexus:s3cret@db:5432/nexus", "postgres://***@db:5432/nexus"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- after",
            "-----BEGIN PRIVATE KEY-----*** after",
        ),
        ("dev_0193f0c27d1a7b3c8d4e5f6071829304", "dev_***"),
    ]);
    untouched(&[
        "token: expired",
        "no key: value",
        "a bearer certificate",
        "monkey=1",
        "idempotency-key: abc-123",
        "token::Kind",
        "\"token\":null",
        "max_tokens=5",
        "basic training",
        "https://example.com/@user",
    ]);
}

#[test]
fn ids_stay_whole() {
    untouched(&[
        "tsk_0193f0c27d1a7b3c8d4e5f6071829304",
        "cor_01931234567890123456789012345678",
        "0193f0c2-0101-1234-5678-012345678901",
        "41111111-1111-1111-8000-010123456789",
        "abcd2345.42",
    ]);
}

#[test]
fn values_are_masked_by_name_and_by_content() {
    let mut value = json!({
        "password": "x",
        "apiKey": 12,
        "token": null,
        "nested": [{"note": "call 010-1234-5678"}],
        "at": 9001011234567u64,
    });
    mask_value(&mut value);
    assert_eq!(
        value,
        json!({
            "password": "***",
            "apiKey": "***",
            "token": null,
            "nested": [{"note": "call ***-****-****"}],
            "at": 9001011234567u64,
        })
    );
}

/// Texts made of what the detectors look for, so that findings meet and overlap.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("010-1234-5678".to_owned()),
        Just("900101-1234567".to_owned()),
        Just("4111 1111 1111 1111".to_owned()),
        Just("user@example.com".to_owned()),
        Just("203.0.113.7".to_owned()),
        Just("2001:db8::1".to_owned()),
        Just("password=".to_owned()),
        Just("\"token\": \"".to_owned()),
        Just("Bearer ".to_owned()),
        Just("nxs_abcdefgh1234".to_owned()),
        Just("eyJhbGci.eyJzdWIi.sig".to_owned()),
        Just("://u:p@".to_owned()),
        Just("-----BEGIN PRIVATE KEY-----".to_owned()),
        Just("***".to_owned()),
        "[-0-9 .:@=\"'\\\\*+()a-f]{0,12}",
        "[０-９가-힣–]{0,4}",
        "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn masked_text_holds_nothing_to_mask(text in nasty()) {
        let once = mask(&text).into_owned();
        prop_assert!(!finds(&once), "{once:?} of {text:?}");
        prop_assert_eq!(mask(&once), once.as_str());
    }

    #[test]
    fn what_is_left_alone_unseen_would_have_been_left_alone(
        word in prop_oneof!["[a-z_]{0,11}", "(nxs|dev|sk_live|rk_live|ghp|basic|bearer)[a-z_]{0,8}"],
    ) {
        prop_assert!(!is_short_word(&word) || pass(&word).is_none(), "{word}");
    }

    #[test]
    fn any_text_is_taken(text in any::<String>()) {
        let once = mask(&text).into_owned();
        prop_assert!(!finds(&once));
    }

    #[test]
    fn numbers_are_found_wherever_they_stand(
        before in "[가-힣 ,;<>/]{0,8}",
        after in "[가-힣 ,;<>/]{0,8}",
        month in 1u8..=12, day in 1u8..=28, year in 30u8..=99, serial in 1_000_000u32..8_999_999,
    ) {
        let number = format!("{year:02}{month:02}{day:02}{serial}");
        let masked = mask(&format!("{before}{number}{after}")).into_owned();
        prop_assert!(!masked.contains(&number), "{masked}");
    }
}
