//! Replay against live: readers come back at random cursors while others publish.

use std::collections::BTreeMap;

use nexus_core::cursor::Cursor;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Running;
use super::replay::accepted;
use crate::campaign::{Load, campaign, wants_back};
use crate::client::{Client, Opening, Read};
use crate::kit::{Kit, cursor_of};
use crate::outcome::{Stop, fails};
use crate::random::Random;
use crate::text::{both, plain};
use crate::wire::Frame;

/// How far back a reader goes at most when it comes again.
const BACK: u64 = 12;

/// What a reader got on each of its connections: where it began, and the reports.
type Got = Vec<(u64, Vec<Frame>)>;

pub(super) fn storm(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let recording = kit.need_recording().await?;
        let mut at = cursor_of(&recording.campaign.first)?;
        at.number = recording.campaign.head().unwrap_or(at.number);
        let (readers, rounds) = (kit.streams(3, 8), kit.amount(2, 6));
        let load = Load { publishers: 6, each: kit.bounded(6, 5, 40) };
        let (until, end) = watch::channel(None);
        let mut reading: JoinSet<Result<Got, Stop>> = JoinSet::new();
        for _ in 0..readers {
            let (client, random) = (kit.client.clone(), kit.random.part());
            let reader = Reader { client, random, at: at.clone(), end: end.clone(), rounds };
            reading.spawn(reader.run());
        }
        let (client, mut random) = (kit.client.clone(), kit.random.part());
        let opening = Opening::after(at.to_string());
        let live = campaign(&client, &mut random, &opening, load, |_| {}).await?;
        let head = live.head().unwrap_or_default();
        until.send_replace(Some(head));
        kit.newest = kit.newest.max(head);
        let told = recording.campaign.reports.iter().chain(&live.reports);
        let told = told.filter_map(|frame| Some((frame.number()?, frame))).collect();
        let (mut connections, mut delivered) = (0, 0);
        while let Some(read) = reading.join_next().await {
            let stopped = |_| Stop::Skip(both!("a reader was stopped", "읽기가 중단됨"));
            for (from, reports) in read.map_err(stopped)?? {
                connections += 1;
                delivered += reports.len();
                compare(from, &reports, &told)?;
            }
        }
        let total = live.reports.len();
        Ok(both!(
            "{connections} connections of {readers} readers, {delivered} deliveries of {total} reports",
            "{readers}곳의 연결 {connections}개, 보고 {total}개를 {delivered}번 전달"
        ))
    })
}

struct Reader {
    client: Client,
    random: Random,
    at: Cursor,
    /// The last number that is published, once it is known.
    end: watch::Receiver<Option<u64>>,
    rounds: usize,
}

impl Reader {
    async fn run(mut self) -> Result<Got, Stop> {
        let mut got = Vec::new();
        for round in 0..=self.rounds {
            let back = self.random.below(BACK.min(self.at.number) + 1);
            let from = Cursor { number: self.at.number - back, ..self.at.clone() };
            let most =
                if round < self.rounds { Some(back + 1 + self.random.below(25)) } else { None };
            let reports = self.listen(&from, most).await?;
            got.push((from.number, reports));
        }
        Ok(got)
    }

    /// Reads so many reports from one connection, or up to the end of what is published.
    async fn listen(&mut self, from: &Cursor, most: Option<u64>) -> Result<Vec<Frame>, Stop> {
        let mut stream = self.client.open(&Opening::after(from.to_string())).await?;
        accepted(&stream.next().await?, from)?;
        let mut reports = Vec::new();
        let mut at = from.number;
        loop {
            let over = self.end.borrow().is_some_and(|end| at >= end);
            if over || most.is_some_and(|most| reports.len() as u64 >= most) {
                self.at.number = at.max(from.number);
                return Ok(reports);
            }
            let read = tokio::select! {
                read = stream.read() => read,
                changed = self.end.changed() => {
                    if changed.is_err() {
                        return Err(Stop::Skip(both!("publishing broke off", "발행이 중단됨")));
                    }
                    continue;
                }
            };
            match read {
                Read::Frame(frame) if frame.is("report") => {
                    at = frame.number().unwrap_or(at);
                    reports.push(frame);
                }
                Read::Frame(frame) if wants_back(&frame) => {
                    let last = Cursor { number: at, ..from.clone() };
                    stream = self.client.open(&Opening::after(last.to_string())).await?;
                    accepted(&stream.next().await?, &last)?;
                }
                Read::Frame(_) => {}
                Read::End | Read::Silence => {
                    let expected = both!("what follows {at}", "{at} 다음의 보고");
                    return Err(fails(expected, both!("nothing", "오지 않음")));
                }
            }
        }
    }
}

/// Each number once, in order, and the same bytes as whoever listened all the time got.
fn compare(from: u64, reports: &[Frame], told: &BTreeMap<u64, &Frame>) -> Result<(), Stop> {
    for (frame, number) in reports.iter().zip(from + 1..) {
        if frame.number() != Some(number) {
            let id = frame.id.as_deref().unwrap_or("-");
            let expected =
                both!("{number} after coming back at {from}", "{from}에서 돌아온 뒤 {number}");
            return Err(fails(expected, plain(id)));
        }
        if told.get(&number).is_some_and(|told| told.raw != frame.raw) {
            let expected = both!(
                "report {number} as it was told live",
                "실시간으로 온 것과 같은 보고 {number}"
            );
            return Err(fails(expected, plain(frame.summary())));
        }
    }
    Ok(())
}
