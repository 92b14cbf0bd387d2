//! What the path refuses, and the other version of HTTP.

use bytes::Bytes;
use http::Method;

use super::Running;
use super::opening::is_whole;
use crate::client::{Answer, Opened, Opening, STREAM};
use crate::dial::Version;
use crate::kit::Kit;
use crate::outcome::{Stop, fails};
use crate::text::{Text, both, plain};

/// That an answer is a problem document of this status.
fn problem(answer: &Answer, status: u16) -> Result<Text, Stop> {
    let code = answer.code();
    if answer.status == status && !code.is_empty() {
        return Ok(plain(format!("{status} {code}")));
    }
    let expected = both!("{status} with a problem document", "{status}과 문제 문서");
    Err(fails(expected, plain(answer.summary())))
}

/// That opening with a query is refused with 400.
async fn refused(kit: &mut Kit, query: &str) -> Result<Text, Stop> {
    match kit.client.try_open(&Opening::query(query)).await? {
        Opened::Refused(answer) => problem(&answer, 400),
        Opened::Stream(_) => {
            let query = query.get(..40).unwrap_or(query);
            Err(fails(both!("400 to ?{query}", "?{query}에 400"), both!("200", "200")))
        }
    }
}

pub(super) fn session(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        refused(kit, "session_id=").await?;
        refused(kit, &format!("session_id={}", "s".repeat(129))).await
    })
}

pub(super) fn query(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        refused(kit, "last_event=x").await?;
        refused(kit, "on_limit=close").await
    })
}

/// Asks with a method at the stream's path.
async fn at_the_door(kit: &mut Kit, method: Method, keyless: bool) -> Result<Answer, Stop> {
    let opening = Opening::default();
    let request = kit.client.request(method, STREAM, Bytes::new(), &opening, keyless)?;
    kit.client.ask(request).await
}

pub(super) fn post(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let answer = at_the_door(kit, Method::POST, false).await?;
        problem(&answer, 405)?;
        match answer.headers.get("allow") {
            Some(allow) => Ok(plain(format!("405, Allow: {allow:?}"))),
            None => Err(fails(both!("405 with Allow", "Allow가 있는 405"), plain("405"))),
        }
    })
}

pub(super) fn head(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let answer = at_the_door(kit, Method::HEAD, false).await?;
        let status = answer.status;
        if answer.body.is_empty() && matches!(status.as_u16(), 200 | 405 | 429) {
            return Ok(plain(status.to_string()));
        }
        Err(fails(
            both!("200 or 405 and no body", "본문 없는 200 또는 405"),
            plain(answer.summary()),
        ))
    })
}

pub(super) fn keyless(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let answer = at_the_door(kit, Method::GET, true).await?;
        problem(&answer, 401)
    })
}

pub(super) fn http2(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        kit.need_sample().await?;
        let known = kit.known().await?;
        if kit.client.version() == Version::Http2 {
            return Ok(both!("everything was asked over HTTP/2", "모두 HTTP/2로 확인함"));
        }
        if let Err(error) = kit.client.connect_by(Version::Http2).await {
            return Err(Stop::Skip(both!(
                "HTTP/2 is not spoken there: {error}",
                "HTTP/2를 지원하지 않음: {error}"
            )));
        }
        let opening = Opening { version: Some(Version::Http2), ..Opening::default() };
        let opened = kit.client.try_open(&opening).await;
        let Ok(Opened::Stream(mut stream)) = opened else {
            return Err(Stop::Skip(both!("HTTP/2 is not spoken there", "HTTP/2를 지원하지 않음")));
        };
        is_whole(&stream.next().await?, &kit.client.tenant().to_string(), "initial")?;
        let before = nexus_core::cursor::Cursor { number: known.number.saturating_sub(1), ..known };
        let opening =
            Opening { version: Some(Version::Http2), ..Opening::after(before.to_string()) };
        let mut stream = kit.client.open(&opening).await?;
        super::replay::accepted(&stream.next().await?, &before)?;
        let report = stream.next().await?;
        if report.number() != Some(before.number + 1) {
            let expected = before.number + 1;
            return Err(fails(
                both!("report {expected}", "보고 {expected}"),
                plain(report.summary()),
            ));
        }
        Ok(both!("a snapshot, and a resume", "스냅샷과 이어 받기"))
    })
}
