//! How a stream begins.

use std::collections::BTreeSet;
use std::time::Duration;

use http::HeaderMap;
use nexus_core::cursor::{Cursor, MAX_CURSOR};
use nexus_core::view::{COLLECTIONS, Keep, View};
use serde_json::Value;

use super::Running;
use crate::kit::Kit;
use crate::outcome::{Stop, fails};
use crate::text::{both, plain, shown};
use crate::wire::Frame;

/// "At once", with a machine that does other things too.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Bounds of the time to come back after, in milliseconds.
const RETRY: std::ops::RangeInclusive<u64> = 1_000..=5_000;

/// Collections whose values have `seq` and `done`.
const BOUNDED: [&str; 5] = ["worklog", "tasks", "asks", "autopilot", "alerts"];

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-")
}

pub(super) fn first_bytes(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let sample = kit.sample().await?;
        let expected = || {
            both!("head and first bytes within {AT_ONCE:?}", "{AT_ONCE:?} 안에 헤더와 첫 바이트")
        };
        let mut slowest = Duration::ZERO;
        for opened in sample.iter() {
            let Some(first) = opened.first_after else {
                return Err(fails(expected(), both!("no bytes", "아무것도 오지 않음")));
            };
            slowest = slowest.max(first);
            if first > AT_ONCE {
                let head = opened.head_after;
                let seen = both!(
                    "head after {head:.0?}, bytes after {first:.0?}",
                    "헤더 {head:.0?}, 바이트 {first:.0?} 뒤"
                );
                return Err(fails(expected(), seen));
            }
        }
        Ok(both!("after {slowest:.1?} at most", "최대 {slowest:.1?} 뒤"))
    })
}

pub(super) fn headers(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let sample = kit.need_heads().await?;
        for headers in sample.iter().map(|opened| &opened.headers) {
            let kind = header(headers, "content-type");
            if kind.split(';').next() != Some("text/event-stream") {
                return Err(wrong(headers, "content-type", "text/event-stream"));
            }
            let control: BTreeSet<&str> =
                header(headers, "cache-control").split(',').map(str::trim).collect();
            if !control.contains("no-cache") || !control.contains("no-transform") {
                return Err(wrong(headers, "cache-control", "no-cache, no-transform"));
            }
            let accel = header(headers, "x-accel-buffering");
            // nginx takes this one for itself.
            let taken = accel == "-" && header(headers, "server").starts_with("nginx");
            if accel != "no" && !taken {
                return Err(wrong(headers, "x-accel-buffering", "no"));
            }
            if headers.contains_key("content-length") {
                return Err(wrong(headers, "content-length", "-"));
            }
        }
        Ok(both!("all of them", "모두 있음"))
    })
}

fn wrong(headers: &HeaderMap, name: &str, expected: &str) -> Stop {
    let seen = headers.get(name).map_or("-".to_owned(), |value| format!("{value:?}"));
    fails(plain(format!("{name}: {expected}")), plain(format!("{name}: {seen}")))
}

pub(super) fn uncompressed(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let sample = kit.need_heads().await?;
        for opened in sample.iter() {
            let encoding = header(&opened.headers, "content-encoding");
            if !matches!(encoding, "-" | "identity") {
                return Err(wrong(&opened.headers, "content-encoding", "-"));
            }
        }
        Ok(both!(
            "no content-encoding, though gzip, br, zstd and deflate were offered",
            "gzip, br, zstd, deflate를 제시했지만 content-encoding 없음"
        ))
    })
}

pub(super) fn prelude(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let sample = kit.need_sample().await?;
        let mut times = Vec::new();
        for opened in sample.iter() {
            let first = opened.first.as_ref();
            let retry = opened.prelude.iter().chain(first).find_map(|frame| frame.retry);
            match retry {
                Some(retry) if RETRY.contains(&retry) => times.push(retry),
                other => {
                    let (from, to) = RETRY.into_inner();
                    let expected = plain(format!("retry: {from}–{to}"));
                    return Err(fails(expected, plain(format!("retry: {other:?}"))));
                }
            }
        }
        let different: BTreeSet<u64> = times.iter().copied().collect();
        if different.len() < 2 {
            let expected = both!("another time for each connection", "연결마다 다른 시간");
            return Err(fails(expected, plain(format!("{times:?}"))));
        }
        Ok(plain(format!("retry: {times:?}")))
    })
}

pub(super) fn snapshot(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let sample = kit.need_sample().await?;
        let tenant = kit.client.tenant().to_string();
        let mut bytes = 0;
        for first in sample.iter().filter_map(|opened| opened.first.as_ref()) {
            is_whole(first, &tenant, "initial")?;
            bytes = first.raw.len();
        }
        Ok(both!("{bytes} bytes", "{bytes}바이트"))
    })
}

/// Whether a frame is a snapshot of a tenant, with this reason.
pub(super) fn is_whole(frame: &Frame, tenant: &str, reason: &str) -> Result<(), Stop> {
    let expected = |what: &str| both!("a snapshot with {what}", "{what}이(가) 있는 스냅샷");
    let seen = || plain(frame.summary());
    if !frame.is("snapshot") {
        return Err(fails(both!("the event snapshot", "snapshot 이벤트"), seen()));
    }
    if let Some(fault) = &frame.fault {
        return Err(fails(both!("one line of JSON", "한 줄의 JSON"), fault.clone()));
    }
    let data = frame.json();
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
    if frame.id.is_none() || frame.id.as_deref() != data["cursor"].as_str() {
        return Err(fails(expected("id = cursor"), seen()));
    }
    if text("reason") != reason {
        let got = shown(text("reason"));
        return Err(fails(plain(format!("reason \"{reason}\"")), plain(format!("reason {got}"))));
    }
    if text("tenant") != tenant {
        return Err(fails(expected(&format!("tenant \"{tenant}\"")), plain(shown(text("tenant")))));
    }
    if !is_time(text("server_time")) {
        return Err(fails(expected("server_time"), plain(shown(text("server_time")))));
    }
    let Ok(keep) = serde_json::from_value::<Keep>(data["keep"].clone()) else {
        return Err(fails(expected("keep"), plain(data["keep"].to_string())));
    };
    let names: Option<BTreeSet<&str>> =
        data["view"].as_object().map(|view| view.keys().map(String::as_str).collect());
    if names != Some(COLLECTIONS.into_iter().collect()) {
        return Err(fails(expected(&COLLECTIONS.join(", ")), plain(format!("{names:?}"))));
    }
    for (name, id, value) in items(&data["view"]) {
        if BOUNDED.contains(&name) && !(value["seq"].is_u64() && value["done"].is_boolean()) {
            let which = format!("{name}/{id}");
            return Err(fails(expected("seq, done"), plain(which)));
        }
    }
    match View::from_json(&data["view"].to_string(), keep) {
        Ok(_) => Ok(()),
        Err(error) => Err(fails(expected("a view that folds"), plain(error.to_string()))),
    }
}

/// Every item of a view.
fn items(view: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let collections = view.as_object().into_iter().flatten();
    collections.flat_map(|(name, items)| {
        let items = items.as_object().into_iter().flatten();
        items.map(move |(id, value)| (name.as_str(), id.as_str(), value))
    })
}

/// RFC 3339, UTC, milliseconds.
pub(super) fn is_time(text: &str) -> bool {
    const FORM: &str = "0000-00-00T00:00:00.000Z";
    text.len() == FORM.len()
        && text.bytes().zip(FORM.bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            form => byte == form,
        })
}

pub(super) fn cursor(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let sample = kit.need_sample().await?;
        let mut last = String::new();
        for first in sample.iter().filter_map(|opened| opened.first.as_ref()) {
            let id = first.id.as_deref().unwrap_or_default();
            if id.len() > MAX_CURSOR || Cursor::parse(id).is_none() {
                return Err(fails(plain("<epoch>.<number>, [a-z0-9.]{6,32}"), plain(shown(id))));
            }
            last = id.to_owned();
        }
        Ok(plain(last))
    })
}
