//! Every kind of cursor that somebody may send.

use nexus_core::cursor::Cursor;

use super::Running;
use super::replay::accepted;
use crate::campaign::{Load, campaign};
use crate::client::{Client, Opening, Read};
use crate::dial::Version;
use crate::kit::{Kit, cursor_of};
use crate::outcome::{Stop, fails};
use crate::publish::Publisher;
use crate::text::{Text, both, plain, shown};
use crate::{Plan, Target};

/// Far enough ahead that nobody gets there meanwhile.
const AHEAD: u64 = 1_000_000_000;

/// How long nothing must come where nothing is to come.
const MOMENT: std::time::Duration = std::time::Duration::from_millis(300);

/// What opening in this way gives: a snapshot with one of these reasons.
async fn gives(kit: &mut Kit, opening: Opening, reasons: &[&str]) -> Result<Text, Stop> {
    kit.need_sample().await?;
    let frame = kit.client.open(&opening).await?.next().await?;
    let data = frame.json();
    let reason = data["reason"].as_str().unwrap_or_default();
    if frame.is("snapshot") && frame.id.is_some() && reasons.contains(&reason) {
        return Ok(plain(format!("snapshot, reason {reason}")));
    }
    let expected = reasons.join(" | ");
    Err(fails(
        both!("a snapshot, reason {expected}", "스냅샷, reason {expected}"),
        plain(frame.summary()),
    ))
}

pub(super) fn empty(kit: &mut Kit) -> Running<'_> {
    Box::pin(gives(kit, Opening::query("last_event_id="), &["bad_cursor"]))
}

pub(super) fn word(kit: &mut Kit) -> Running<'_> {
    Box::pin(gives(kit, Opening::after("'; no cursor --"), &["bad_cursor"]))
}

pub(super) fn zeros(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let cursor = kit.known().await?;
        let sent = format!("{}.0{}", cursor.epoch.as_str(), cursor.number.max(1));
        gives(kit, Opening::after(sent), &["bad_cursor"]).await
    })
}

pub(super) fn nul(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let cursor = kit.known().await?;
        let query = format!("last_event_id={cursor}%00");
        gives(kit, Opening::query(query), &["bad_cursor"]).await
    })
}

pub(super) fn nul_header(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let cursor = kit.known().await?;
        if kit.client.version() != Version::Http1 {
            let why = both!("HTTP/2 cannot carry one", "HTTP/2로는 보낼 수 없음");
            return Err(Stop::Skip(why));
        }
        let got = kit.client.open_raw(format!("{cursor}\0").as_bytes(), "\"reason\":").await?;
        let status = got.split(' ').nth(1).unwrap_or_default();
        if status == "429" {
            return Err(Stop::Skip(both!("the server limits opens", "서버가 여는 횟수를 제한함")));
        }
        if status == "400" || got.contains("\"reason\":\"bad_cursor\"") {
            return Ok(plain(status));
        }
        let expected = both!("400, or a snapshot, reason bad_cursor", "400 또는 bad_cursor 스냅샷");
        Err(fails(expected, plain(shown(&got))))
    })
}

pub(super) fn long(kit: &mut Kit) -> Running<'_> {
    Box::pin(gives(kit, Opening::after("x".repeat(129)), &["bad_cursor"]))
}

pub(super) fn not_utf8(kit: &mut Kit) -> Running<'_> {
    Box::pin(gives(kit, Opening::after(b"abcd\xff\xfe.1"), &["bad_cursor"]))
}

pub(super) fn largest(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let cursor = kit.known().await?;
        let sent = format!("{}.{}", cursor.epoch.as_str(), u64::MAX);
        gives(kit, Opening::after(sent), &["ahead", "bad_cursor"]).await
    })
}

pub(super) fn ahead(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let mut cursor = kit.known().await?;
        cursor.number += AHEAD;
        gives(kit, Opening::after(cursor.to_string()), &["ahead"]).await
    })
}

pub(super) fn epoch(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let other = Kit::other_epoch(&kit.known().await?);
        gives(kit, Opening::after(other.to_string()), &["epoch"]).await
    })
}

pub(super) fn head(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        kit.need_recording().await?;
        let head = kit.head().await?;
        let mut stream = kit.client.open(&Opening::after(head.to_string())).await?;
        accepted(&stream.next().await?, &head)?;
        // For what must not come there is nothing to wait for.
        match stream.read_for(MOMENT).await {
            Read::Frame(frame) if frame.number().is_some_and(|number| number <= head.number) => {
                let expected = both!("nothing up to {head}", "{head}까지는 오지 않음");
                Err(fails(expected, plain(frame.summary())))
            }
            _ => Ok(plain(head.to_string())),
        }
    })
}

pub(super) fn behind(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let head = kit.known().await?;
        let before = Cursor { number: head.number.saturating_sub(1), ..head.clone() };
        follows(kit, Opening::after(before.to_string()), &before).await
    })
}

/// That opening in this way resumes after a cursor.
async fn follows(kit: &mut Kit, opening: Opening, after: &Cursor) -> Result<Text, Stop> {
    let mut stream = kit.client.open(&opening).await?;
    accepted(&stream.next().await?, after)?;
    let frame = stream.next().await?;
    let expected = after.number + 1;
    if frame.is("report") && frame.number() == Some(expected) {
        return Ok(both!("{expected} follows {after}", "{after} 다음에 {expected}"));
    }
    Err(fails(both!("report {expected}", "보고 {expected}"), plain(frame.summary())))
}

pub(super) fn zero(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        kit.need_recording().await?;
        let head = kit.head().await?;
        let zero = Cursor { number: 0, ..head.clone() };
        if head.number > kit.plan.event_keep {
            return gives(kit, Opening::after(zero.to_string()), &["expired"]).await;
        }
        follows(kit, Opening::after(zero.to_string()), &zero).await
    })
}

pub(super) fn header_wins(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let head = kit.known().await?;
        let before = Cursor { number: head.number.saturating_sub(1), ..head.clone() };
        let opening = Opening {
            query: format!("last_event_id={head}"),
            ..Opening::after(before.to_string())
        };
        follows(kit, opening, &before).await
    })
}

pub(super) fn other_tenant(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let Some(other) = kit.target.other.clone() else {
            let why = both!(
                "no second tenant was named (--other ORG:PROJECT)",
                "두 번째 테넌트를 지정하지 않음(--other 조직:프로젝트)"
            );
            return Err(Stop::Skip(why));
        };
        let head = kit.known().await?;
        let theirs = Opening { tenant: Some(other.clone()), ..Opening::default() };
        let frame = kit.client.open(&theirs).await?.next().await?;
        let stranger = cursor_of(&frame)?;
        gives(kit, Opening::after(stranger.to_string()), &["epoch"]).await?;
        // Something happens there, then here: here only the latter is told.
        let target = Target { tenant: other, other: None, ..kit.target.clone() };
        let plan = Plan { http2: kit.plan.http2, ..kit.plan.clone() };
        let quiet = std::sync::Arc::new(|_: &crate::Happening<'_>| {});
        let there = Client::new(target, &plan, quiet)
            .map_err(|error| Stop::Skip(plain(error.to_string())))?;
        let mut publisher = Publisher::new(there, kit.random.part());
        let foreign = publisher.clear().await?.task_id;
        let (client, mut random) = (kit.client.clone(), kit.random.part());
        let load = Load { publishers: 1, each: 1 };
        let opening = Opening::after(head.to_string());
        let here = campaign(&client, &mut random, &opening, load, |_| {}).await?;
        let leaked = here.reports.iter().find(|frame| frame.json().to_string().contains(&foreign));
        match leaked {
            None => Ok(both!(
                "its cursor is epoch, its reports stay there",
                "커서는 epoch, 보고는 보이지 않음"
            )),
            Some(frame) => Err(fails(
                both!("no report of the other tenant", "다른 테넌트의 보고 없음"),
                plain(frame.summary()),
            )),
        }
    })
}
