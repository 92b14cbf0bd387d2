//! What comes by itself.

use std::time::Duration;

use nexus_core::cursor::Cursor;
use serde_json::Value;

use super::Running;
use super::opening::is_time;
use crate::client::{Opening, Read};
use crate::kit::Kit;
use crate::outcome::{Stop, fails};
use crate::stopwatch::Stopwatch;
use crate::text::{both, plain};
use crate::wire::Frame;

/// How late a ping may come, on a machine that does other things too.
const LATE: Duration = Duration::from_secs(5);

pub(super) fn ping(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        kit.need_sample().await?;
        let beat = kit.plan.ping;
        let mut stream = kit.client.open(&Opening::default()).await?;
        let first = stream.next().await?;
        let mut newest = first.number().unwrap_or_default();
        kit.client.note(&both!(
            "listening for two pings, {beat:?} each",
            "핑 두 번을 기다림, 각 {beat:?}"
        ));
        let mut took = Vec::new();
        while took.len() < 2 {
            let watch = Stopwatch::start();
            let ping = loop {
                match stream.read_for((beat + LATE).saturating_sub(watch.read())).await {
                    Read::Frame(frame) if frame.is("ping") => break frame,
                    Read::Frame(frame) => newest = frame.number().unwrap_or(newest),
                    Read::End | Read::Silence => {
                        let waited = watch.read();
                        let expected = both!("a ping every {beat:?}", "{beat:?}마다 핑");
                        return Err(fails(
                            expected,
                            both!("none for {waited:.1?}", "{waited:.1?} 동안 없음"),
                        ));
                    }
                }
            };
            is_ping(&ping, newest)?;
            took.push(watch.read());
        }
        Ok(both!("after {took:.1?}", "{took:.1?} 뒤"))
    })
}

fn is_ping(ping: &Frame, newest: u64) -> Result<(), Stop> {
    let data = ping.json();
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
    let cursor = Cursor::parse(text("cursor"));
    let no_hole = cursor.is_some_and(|cursor| cursor.number >= newest);
    if ping.id.is_none() && no_hole && is_time(text("server_time")) {
        return Ok(());
    }
    let expected = both!(
        "no id; cursor at {newest} or beyond, server_time",
        "id 없음. {newest} 이상의 cursor, server_time"
    );
    Err(fails(expected, plain(ping.summary())))
}
