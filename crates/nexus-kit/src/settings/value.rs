//! Reading one value: from the text of any source to its type and place.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use nexus_core::alert::{Author, Route, parse_routes};
use nexus_core::failure::FailureCode;

use super::table::Kind;
use super::{Lang, Secret, Settings, Text};

/// What a secret looks like to everybody.
pub(super) const HIDDEN: &str = "•••";

/// Reads `raw`, puts it into `settings` and returns it as it may be shown. A fault never repeats
/// the value: it may be a secret in the wrong line.
pub(super) fn apply(kind: Kind, raw: &str, settings: &mut Settings) -> Result<String, Text> {
    let text = raw.trim();
    let shown = match kind {
        Kind::Bool(set) => {
            let value = boolean(text)?;
            set(settings, value);
            value.to_string()
        }
        Kind::Seconds(least, most, set) => {
            let value = whole(text, least, most)?;
            set(settings, Duration::from_secs(value));
            value.to_string()
        }
        Kind::Count(least, most, set) | Kind::Bytes(least, most, set) => {
            let value = whole(text, least, most)?;
            set(settings, value);
            value.to_string()
        }
        Kind::Decimal(least, most) => decimal(text, least, most)?.to_string(),
        Kind::Text(set) => {
            one_line(text)?;
            set(settings, text.to_owned());
            text.to_owned()
        }
        Kind::Choice(words, set) => {
            let word = text.to_ascii_lowercase();
            if !words.contains(&word.as_str()) {
                let list = words.join(", ");
                return Err(Text::new(
                    format!("must be one of {list}"),
                    format!("다음 중 하나여야 합니다: {list}"),
                ));
            }
            set(settings, word.clone());
            word
        }
        Kind::Language(set) => {
            let lang = if text.is_empty() {
                None
            } else {
                let lang = Lang::parse(text);
                Some(lang.ok_or_else(|| Text::new("must be ko or en", "ko 또는 en이어야 합니다"))?)
            };
            set(settings, lang);
            text.to_owned()
        }
        Kind::TenantPart(set) => {
            if nexus_core::tenant::Tenant::new(text, "x").is_err() {
                return Err(Text::new(
                    "must be 1 to 64 of A-Z a-z 0-9 . _ -",
                    "A-Z a-z 0-9 . _ - 중 1~64자여야 합니다",
                ));
            }
            set(settings, text.to_owned());
            text.to_owned()
        }
        Kind::List(set) => {
            let items = list(text)?;
            let shown = items.join(",");
            set(settings, items);
            shown
        }
        Kind::Codes(set) => {
            let codes: Vec<FailureCode> =
                list(text)?.iter().map(|item| code(item)).collect::<Result<_, _>>()?;
            let shown = codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(",");
            set(settings, codes);
            shown
        }
        Kind::Hosts(set) => {
            let items = list(text)?;
            for (index, item) in items.iter().enumerate() {
                host(item).map_err(|fault| {
                    let place = index + 1;
                    Text::new(
                        format!("entry {place}: {}", fault.en),
                        format!("{place}번째 항목: {}", fault.ko),
                    )
                })?;
            }
            let shown = items.join(",");
            set(settings, items);
            shown
        }
        Kind::SecondsList(set) => {
            let items = list(text)?;
            let seconds: Vec<u64> =
                items.iter().map(|item| whole(item, 0, 31_536_000)).collect::<Result<_, _>>()?;
            if seconds.is_empty() {
                return Err(Text::new(
                    "needs at least one number of seconds",
                    "초 단위 숫자가 하나 이상 필요합니다",
                ));
            }
            let shown = seconds.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
            set(settings, seconds.into_iter().map(Duration::from_secs).collect());
            shown
        }
        Kind::Numbers(least, most, set) => {
            let numbers = numbers(text, least, most)?;
            let shown: Vec<_> = numbers.iter().map(|(name, n)| format!("{name}={n}")).collect();
            set(settings, numbers);
            shown.join(",")
        }
        Kind::Address(set) => {
            let address = address(text)?;
            set(settings, address);
            address.to_string()
        }
        Kind::Path(set) => {
            one_line(text)?;
            if text.is_empty() {
                return Err(empty());
            }
            set(settings, PathBuf::from(text));
            text.to_owned()
        }
        Kind::Url(set) => {
            let url = url(text)?;
            set(settings, url.clone());
            url
        }
        Kind::UrlOrNone(set) => {
            let url = if text.is_empty() { String::new() } else { url(text)? };
            set(settings, url.clone());
            url
        }
        Kind::Json => {
            if !text.is_empty() {
                match nexus_core::json::parse(text.as_bytes()) {
                    Ok(value) if value.is_object() => {}
                    _ => return Err(Text::new("must be a JSON object", "JSON 객체여야 합니다")),
                }
            }
            text.to_owned()
        }
        Kind::Routes(set) => {
            let routes = routes(text)?;
            let shown = if routes.is_empty() { String::new() } else { HIDDEN.to_owned() };
            set(settings, routes);
            shown
        }
        Kind::Secret(set) => {
            // A key travels in a header, and one that ends in a stray blank never matches.
            if !raw.bytes().all(|b| matches!(b, b'!'..=b'~')) {
                return Err(Text::new(
                    "must be visible ASCII without blanks",
                    "공백 없는 ASCII 문자만 쓸 수 있습니다",
                ));
            }
            set(settings, Secret::new(raw));
            if raw.is_empty() { String::new() } else { HIDDEN.to_owned() }
        }
    };
    Ok(shown)
}

fn routes(text: &str) -> Result<Vec<Route>, Text> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    parse_routes(text, Author::Operator).map_err(|faults| {
        let all: Vec<String> = faults
            .into_iter()
            .map(|(path, why)| format!("{path} {why}").trim().to_owned())
            .collect();
        let all = all.join("; ");
        Text::new(
            format!("is not a list of routes (docs/alerts.md): {all}"),
            format!("전송 경로 목록이 아닙니다(docs/alerts.md): {all}"),
        )
    })
}

fn empty() -> Text {
    Text::new(
        "is empty; leave the line out to get the default",
        "비어 있습니다. 기본값을 쓰려면 줄을 지우세요",
    )
}

fn boolean(text: &str) -> Result<bool, Text> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        "" => Err(empty()),
        _ => Err(Text::new("must be true or false", "true 또는 false여야 합니다")),
    }
}

fn whole(text: &str, least: u64, most: u64) -> Result<u64, Text> {
    if text.is_empty() {
        return Err(empty());
    }
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    // Digits that do not parse are only too many.
    match text.parse::<u64>() {
        Ok(value) if digits && (least..=most).contains(&value) => Ok(value),
        _ if digits => Err(Text::new(
            format!("must be from {least} to {most}"),
            format!("{least}부터 {most}까지여야 합니다"),
        )),
        _ => Err(Text::new(
            format!("must be a whole number from {least} to {most}"),
            format!("{least}부터 {most}까지의 정수여야 합니다"),
        )),
    }
}

fn decimal(text: &str, least: f64, most: f64) -> Result<f64, Text> {
    match text.parse::<f64>() {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => Err(Text::new(
            format!("must be a number from {least} to {most}"),
            format!("{least}부터 {most}까지의 숫자여야 합니다"),
        )),
    }
}

fn one_line(text: &str) -> Result<(), Text> {
    if text.chars().any(char::is_control) {
        return Err(Text::new(
            "must be one line without control characters",
            "제어 문자가 없는 한 줄이어야 합니다",
        ));
    }
    Ok(())
}

fn list(text: &str) -> Result<Vec<String>, Text> {
    one_line(text)?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).collect();
    if items.iter().any(String::is_empty) {
        return Err(Text::new(
            "has an empty entry between its commas",
            "쉼표 사이에 빈 항목이 있습니다",
        ));
    }
    Ok(items)
}

/// A failure code; the fault says which codes there are, for a code is no secret but what stands
/// there may be.
fn code(item: &str) -> Result<FailureCode, Text> {
    FailureCode::parse(item).ok_or_else(|| {
        let codes: Vec<&str> = FailureCode::ALL.iter().map(|code| code.as_str()).collect();
        let codes = codes.join(", ");
        Text::new(
            format!("has an entry that is no failure code; there are {codes}"),
            format!("실패 코드가 아닌 항목이 있습니다. 가능한 코드: {codes}"),
        )
    })
}

/// `name=number` for each of some names.
fn numbers(text: &str, least: u64, most: u64) -> Result<BTreeMap<String, u64>, Text> {
    let bad = || {
        Text::new(
            format!("must be name=number, each name once, each number from {least} to {most}"),
            format!(
                "이름=숫자 형식이어야 하며, 이름은 한 번씩, 숫자는 {least}부터 {most}까지입니다"
            ),
        )
    };
    let mut numbers = BTreeMap::new();
    for item in list(text)? {
        let (name, number) = item.split_once('=').ok_or_else(bad)?;
        let number = whole(number.trim(), least, most).map_err(|_| bad())?;
        let name = name.trim();
        if name.is_empty() || numbers.insert(name.to_owned(), number).is_some() {
            return Err(bad());
        }
    }
    Ok(numbers)
}

/// A host, `host:port`, `[v6]:port`, an address, or `address/bits`.
fn host(item: &str) -> Result<(), Text> {
    let bad = || {
        Text::new(
            "must be a host, host:port, an address or a network such as 10.0.0.0/8",
            "호스트, host:port, 주소 또는 10.0.0.0/8 같은 네트워크여야 합니다",
        )
    };
    if let Some((address, bits)) = item.split_once('/') {
        let address: std::net::IpAddr = address.parse().map_err(|_| bad())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        return whole(bits, 0, most).map(|_| ()).map_err(|_| bad());
    }
    if item.parse::<std::net::IpAddr>().is_ok() || item.parse::<SocketAddr>().is_ok() {
        return Ok(());
    }
    let name = match item.split_once(':') {
        Some((name, port)) => {
            whole(port, 1, 65_535).map_err(|_| bad())?;
            name
        }
        None => item,
    };
    let plain = !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
    if plain { Ok(()) } else { Err(bad()) }
}

fn address(text: &str) -> Result<SocketAddr, Text> {
    if text.is_empty() {
        return Err(empty());
    }
    // `localhost` is what many write, and it is never anything but loopback.
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(text).parse().map_err(|_| {
        Text::new(
            "must be address:port, such as 127.0.0.1:8000 or [::]:8000",
            "127.0.0.1:8000 또는 [::]:8000처럼 주소:포트여야 합니다",
        )
    })
}

/// An address to which paths are added: no slash at its end, no user, query or fragment.
pub(super) fn url(text: &str) -> Result<String, Text> {
    let bad = || {
        Text::new(
            "must be an http:// or https:// address without user, query or fragment",
            "사용자, 쿼리, 프래그먼트가 없는 http:// 또는 https:// 주소여야 합니다",
        )
    };
    let url = url::Url::parse(text).map_err(|_| bad())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !plain {
        return Err(bad());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
