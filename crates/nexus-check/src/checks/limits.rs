//! One stream a session, and so many a tenant.

use std::time::Duration;

use serde_json::Value;

use super::Running;
use crate::client::{Answer, Client, Opened, Opening, Read, Stream};
use crate::kit::Kit;
use crate::outcome::{Stop, fails};
use crate::stopwatch::Stopwatch;
use crate::text::{Text, both, plain};
use crate::wire::Frame;

/// Between two tries to get a place that was freed.
const PAUSE: Duration = Duration::from_millis(200);

/// Opens between two words about how far it is.
const TELL: usize = 25;

pub(super) fn supersede(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        kit.need_sample().await?;
        let session = format!("check-{}", kit.random.word(12));
        let mut older = kit.client.open(&Opening::query(format!("session_id={session}"))).await?;
        older.next().await?;
        let headers = vec![("x-session-id", session)];
        let mut newer = kit.client.open(&Opening { headers, ..Opening::default() }).await?;
        newer.next().await?;
        let bye = until_bye(&mut older).await?;
        let data = bye.json();
        if data["reason"] != "superseded" || data["reconnect"] != false {
            let expected = plain("bye {reason: superseded, reconnect: false}");
            return Err(fails(expected, plain(bye.summary())));
        }
        match older.read().await {
            Read::End => Ok(plain("bye superseded, reconnect false")),
            _ => Err(fails(
                both!("the end after bye", "bye 다음에 끝"),
                both!("it goes on", "계속됨"),
            )),
        }
    })
}

async fn until_bye(stream: &mut Stream) -> Result<Frame, Stop> {
    loop {
        let frame = stream.next().await.map_err(|stop| match stop {
            Stop::Fails { seen, .. } => fails(both!("the event bye", "bye 이벤트"), seen),
            skip => skip,
        })?;
        if frame.is("bye") {
            return Ok(frame);
        }
    }
}

/// Opens streams until the tenant has no place left.
pub(super) fn tenant(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        kit.need_sample().await?;
        let most = kit.plan.max_per_tenant;
        kit.held.clear();
        loop {
            match kit.client.try_open(&Opening::default()).await? {
                Opened::Stream(mut stream) => {
                    stream.next().await?;
                    kit.held.push(*stream);
                }
                Opened::Refused(answer) => return refusal(&answer, kit.held.len(), most),
            }
            let mut held = kit.held.len();
            if held > most {
                // Where opens are limited this takes minutes, in which quiet streams end.
                let standing = std::mem::take(&mut kit.held);
                kit.held = still_open(standing).await;
                held = kit.held.len();
            }
            if held > most {
                let seen = both!("{held} streams stand", "스트림 {held}개가 열림");
                return Err(fails(both!("at most {most}", "최대 {most}개"), seen));
            }
            if held.is_multiple_of(TELL) {
                kit.client.note(&both!("{held} streams open", "스트림 {held}개 열림"));
            }
        }
    })
}

/// The streams that have not ended.
async fn still_open(held: Vec<Stream>) -> Vec<Stream> {
    let mut open = Vec::with_capacity(held.len());
    for mut stream in held {
        let ended = loop {
            match stream.read_for(Duration::ZERO).await {
                Read::Frame(_) => {}
                Read::End => break true,
                Read::Silence => break false,
            }
        };
        if !ended {
            open.push(stream);
        }
    }
    open
}

fn refusal(answer: &Answer, held: usize, most: usize) -> Result<Text, Stop> {
    let wait = answer.retry_after();
    if answer.status == 429 && answer.code() == "stream_limit" && wait.is_some_and(|wait| wait > 0)
    {
        let wait = wait.unwrap_or_default();
        return Ok(both!(
            "{held} of {most} stood, then 429, Retry-After {wait}",
            "{most}개 중 {held}개가 열린 뒤 429, Retry-After {wait}"
        ));
    }
    let expected =
        both!("429 stream_limit with Retry-After", "Retry-After가 있는 429 stream_limit");
    let seen = format!("{}, Retry-After {wait:?}", answer.summary());
    Err(fails(expected, plain(seen)))
}

fn full(kit: &Kit) -> Result<(), Stop> {
    if kit.held.is_empty() {
        let why =
            both!("limit.tenant did not fill the tenant up", "limit.tenant에서 한도를 채우지 못함");
        return Err(Stop::Skip(why));
    }
    Ok(())
}

pub(super) fn event(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        full(kit)?;
        let mut stream = kit.client.open(&Opening::query("on_limit=event")).await?;
        let mut frames = Vec::new();
        let ended = loop {
            match stream.read().await {
                Read::Frame(frame) => frames.push(frame),
                Read::End => break true,
                Read::Silence => break false,
            }
        };
        let bye = frames.iter().find(|frame| frame.is("bye"));
        let retry = frames.iter().find_map(|frame| frame.retry);
        let reason = bye.map(Frame::json).unwrap_or_default();
        let reason = reason.get("reason").and_then(Value::as_str).unwrap_or("-").to_owned();
        if ended && reason == "limit" && retry.is_some() {
            let retry = retry.unwrap_or_default();
            return Ok(plain(format!("200, retry: {retry}, bye limit")));
        }
        let expected = both!(
            "200 with retry and bye limit, then the end",
            "retry와 bye limit이 있는 200, 그리고 끝"
        );
        Err(fails(expected, plain(format!("retry {retry:?}, bye {reason}, end {ended}"))))
    })
}

pub(super) fn freed(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        full(kit)?;
        drop(kit.held.pop());
        let watch = Stopwatch::start();
        let found = place(&kit.client, watch).await;
        kit.held.clear();
        let after = found?;
        Ok(both!("after {after:.0?}", "{after:.0?} 뒤"))
    })
}

/// Tries until there is a place.
async fn place(client: &Client, watch: Stopwatch) -> Result<Duration, Stop> {
    loop {
        match client.try_open(&Opening::default()).await? {
            Opened::Stream(_) => return Ok(watch.read()),
            Opened::Refused(answer) if watch.read() > client.patience() => {
                let expected = both!("a place once a stream ended", "스트림이 끝나면 자리가 남");
                return Err(fails(expected, plain(answer.summary())));
            }
            Opened::Refused(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
