//! Reports: their order, their shape, their text.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Running;
use super::opening::is_time;
use crate::campaign::{Load, campaign};
use crate::client::Opening;
use crate::kit::{Kit, Recording};
use crate::outcome::{Stop, fails};
use crate::publish::Publisher;
use crate::text::{both, plain, shown};
use crate::wire::Frame;

/// Most bytes of a report.
const MAX_REPORT: usize = 64 << 10;

/// Tasks whose stored title is held against the stream's.
const COMPARED: usize = 12;

/// Videos that fill the queue, so that a report of it is large.
const MANY: usize = 98;

pub(super) fn live(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        kit.need_sample().await?;
        let recording = kit.recording().await?;
        gapless(&recording)
    })
}

fn gapless(recording: &Recording) -> Result<crate::Text, Stop> {
    let campaign = &recording.campaign;
    let (count, commands) = (campaign.reports.len(), campaign.sent.len());
    let from = campaign.start().unwrap_or_default();
    for (frame, last) in campaign.reports.iter().zip(from..) {
        let expected = last + 1;
        if frame.number() != Some(expected) {
            let id = frame.id.as_deref().unwrap_or("-");
            let after = both!("after {last} comes {expected}", "{last} 다음은 {expected}");
            return Err(fails(
                after,
                both!("after {last} came {id}", "{last} 다음에 {id}이(가) 옴"),
            ));
        }
    }
    Ok(both!(
        "{count} reports of {commands} commands by 8 at once",
        "8곳에서 동시에 보낸 명령 {commands}개의 보고 {count}개"
    ))
}

pub(super) fn complete(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        kit.need_sample().await?;
        let recording = kit.recording().await;
        let recording = recording
            .map_err(|_| Stop::Skip(both!("nothing could be published", "발행할 수 없음")))?;
        let campaign = &recording.campaign;
        let sent = campaign.sent.len();
        let missing = campaign.sent.iter().find(|sent| !campaign.ended.contains_key(&sent.task_id));
        let expected = || both!("the end of each of {sent} tasks", "작업 {sent}개 각각의 끝");
        match (missing, &campaign.broke_off) {
            (Some(missing), why) => {
                let id = &missing.task_id;
                let mut seen = both!("{id} never ended", "{id}의 끝이 없음");
                if let Some(why) = why {
                    seen.en = format!("{}: {}", seen.en, why.en);
                    seen.ko = format!("{}: {}", seen.ko, why.ko);
                }
                Err(fails(expected(), seen))
            }
            (None, _) => Ok(both!("{sent} of {sent}", "{sent}개 모두")),
        }
    })
}

pub(super) fn shape(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        kit.need_sample().await?;
        let recording = kit
            .recording()
            .await
            .map_err(|_| Stop::Skip(both!("nothing could be published", "발행할 수 없음")))?;
        let mut largest = 0;
        for frame in &recording.campaign.reports {
            is_report(frame)?;
            largest = largest.max(frame.data.as_ref().map_or(0, String::len));
        }
        let count = recording.campaign.reports.len();
        Ok(both!("{count} reports, the largest of {largest} B", "보고 {count}개, 최대 {largest} B"))
    })
}

/// Whether a frame is a report as the contract has it.
fn is_report(frame: &Frame) -> Result<(), Stop> {
    let seen = || plain(frame.summary());
    if let Some(fault) = &frame.fault {
        return Err(fails(both!("one line of JSON", "한 줄의 JSON"), fault.clone()));
    }
    let bytes = frame.data.as_ref().map_or(0, String::len);
    if bytes > MAX_REPORT {
        return Err(fails(
            both!("at most {MAX_REPORT} B", "{MAX_REPORT} B 이하"),
            plain(format!("{bytes} B")),
        ));
    }
    let data = frame.json();
    if frame.id.is_none() || frame.id.as_deref() != data["cursor"].as_str() {
        let cursor = data["cursor"].to_string();
        let id = frame.id.as_deref().unwrap_or("-");
        return Err(fails(plain("id = data.cursor"), plain(format!("id {id}, cursor {cursor}"))));
    }
    for name in ["report_id", "correlation_id", "kind", "at"] {
        if data[name].as_str().is_none_or(str::is_empty) {
            return Err(fails(both!("a report with {name}", "{name}이(가) 있는 보고"), seen()));
        }
    }
    if !data["at"].as_str().is_some_and(is_time) {
        return Err(fails(
            both!("a time in UTC with milliseconds", "밀리초까지의 UTC 시각"),
            plain(data["at"].to_string()),
        ));
    }
    let level = data["meta"]["approval_level"].as_str();
    if !data["meta"].is_object() || level.is_some_and(|l| !["green", "yellow", "red"].contains(&l))
    {
        return Err(fails(
            plain("meta.approval_level: green|yellow|red"),
            plain(data["meta"].to_string()),
        ));
    }
    let changes = data["changes"].as_array();
    let known = |change: &Value| {
        let op = change["op"].as_str();
        let named = change["collection"].is_string() && change["id"].is_string();
        named && (op == Some("remove") || op == Some("upsert") && change.get("value").is_some())
    };
    match changes {
        Some(changes) if changes.iter().all(known) => Ok(()),
        _ => Err(fails(plain("changes: [{op, collection, id, value?}]"), seen())),
    }
}

pub(super) fn unique(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let recording = kit.need_recording().await?;
        let mut met = BTreeSet::new();
        for frame in &recording.campaign.reports {
            let id = frame.json()["report_id"].to_string();
            if !met.insert(id.clone()) {
                return Err(fails(
                    both!("each id once", "ID마다 한 번"),
                    both!("{id} twice", "{id}이(가) 두 번"),
                ));
            }
        }
        let count = met.len();
        Ok(both!("{count} ids", "ID {count}개"))
    })
}

pub(super) fn text(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let recording = kit.need_recording().await?;
        let mut publisher = Publisher::new(kit.client.clone(), kit.random.part());
        let campaign = &recording.campaign;
        let titled = campaign.sent.iter().filter(|sent| sent.titled);
        let mut compared = BTreeSet::new();
        for sent in titled {
            let title = |task: &Value| task["result"]["item"]["title"].as_str().map(str::to_owned);
            let Some(told) = campaign.ended.get(&sent.task_id).and_then(title) else { continue };
            // The same few titles come again and again.
            if compared.contains(&told) || compared.len() >= COMPARED {
                continue;
            }
            let stored = title(&publisher.task(&sent.task_id).await?).unwrap_or_default();
            if stored != told {
                return Err(fails(plain(shown(&stored)), plain(shown(&told))));
            }
            compared.insert(told);
        }
        let count = compared.len();
        if count == 0 {
            return Err(Stop::Skip(both!("no task told a title", "제목을 알려 준 작업이 없음")));
        }
        Ok(both!("{count} texts as GET /tasks/… has them", "GET /tasks/…와 같은 텍스트 {count}개"))
    })
}

pub(super) fn large(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        kit.need_recording().await?;
        let mut publisher = Publisher::new(kit.client.clone(), kit.random.part());
        publisher.clear().await?;
        let head = kit.head().await?;
        // Each quote takes two bytes in JSON: the most that the titles can bring.
        let title = "\"".repeat(94) + "한글";
        let mut added = Vec::new();
        for _ in 0..MANY {
            added.push(publisher.add(&title).await?);
        }
        let (client, mut random) = (kit.client.clone(), kit.random.part());
        let opening = Opening::after(head.to_string());
        let load = Load { publishers: 1, each: 2 };
        let rest = campaign(&client, &mut random, &opening, load, |_| {}).await?;
        if !rest.is_gapless() {
            return Err(Stop::Skip(both!("order does not hold", "순서가 성립하지 않음")));
        }
        let mut largest = 0;
        for frame in &rest.reports {
            is_report(frame)?;
            largest = largest.max(frame.data.as_ref().map_or(0, String::len));
        }
        added.push(publisher.clear().await?);
        for sent in &added {
            publisher.until_over(sent).await?;
        }
        Ok(both!("the largest had {largest} B", "최대 {largest} B"))
    })
}
