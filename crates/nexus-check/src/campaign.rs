//! Many who publish at once, and one who listens to all of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::client::{Client, Opening, Read, Stream};
use crate::outcome::Stop;
use crate::publish::{Publisher, Sent};
use crate::random::Random;
use crate::text::{Text, both};
use crate::wire::Frame;

/// What one listener got while others published.
pub(crate) struct Campaign {
    /// The frame that it began with: a snapshot, or the accepted cursor.
    pub first: Frame,
    /// The reports, in the order in which they came.
    pub reports: Vec<Frame>,
    /// The commands that were accepted.
    pub sent: Vec<Sent>,
    /// The end of each task that was seen to end: its value.
    pub ended: BTreeMap<String, Value>,
    /// Why listening ended before everything was seen.
    pub broke_off: Option<Text>,
    /// Whether the server has ended the stream and wants the listener to come back.
    leaves: bool,
}

/// How much is published.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub publishers: usize,
    pub each: usize,
}

/// Opens a stream, publishes, and listens until every command that was accepted has ended.
/// `meanwhile` is told each report's number.
pub(crate) async fn campaign(
    client: &Client,
    random: &mut Random,
    opening: &Opening,
    load: Load,
    mut meanwhile: impl FnMut(u64),
) -> Result<Campaign, Stop> {
    let mut stream = client.open(opening).await?;
    let first = stream.next().await?;
    let mut publishing = publishers(client, random, load);
    let mut campaign = Campaign {
        first,
        reports: Vec::new(),
        sent: Vec::new(),
        ended: BTreeMap::new(),
        broke_off: None,
        leaves: false,
    };
    let mut waiting: BTreeSet<String> = BTreeSet::new();
    loop {
        if publishing.is_empty() && waiting.is_empty() {
            return Ok(campaign);
        }
        tokio::select! {
            Some(done) = publishing.join_next(), if !publishing.is_empty() => {
                // A publisher that was stopped has sent nothing more.
                let sent = done.unwrap_or_else(|_| Ok(Vec::new()))?;
                let ids = sent.iter().map(|sent| sent.task_id.clone());
                waiting.extend(ids.filter(|id| !campaign.ended.contains_key(id)));
                campaign.sent.extend(sent);
            }
            read = stream.read() => match campaign.take(read) {
                Some(number) => {
                    let ended = &campaign.ended;
                    waiting.retain(|id| !ended.contains_key(id));
                    meanwhile(number);
                }
                None if campaign.leaves => {
                    campaign.leaves = false;
                    stream = campaign.come_back(client, opening).await?;
                }
                None if campaign.broke_off.is_some() => {
                    finish(&mut publishing, &mut campaign).await?;
                    return Ok(campaign);
                }
                None => {}
            },
        }
    }
}

/// Lets publishers end whom nobody listens to any more.
async fn finish(
    publishing: &mut JoinSet<Result<Vec<Sent>, Stop>>,
    campaign: &mut Campaign,
) -> Result<(), Stop> {
    while let Some(done) = publishing.join_next().await {
        campaign.sent.extend(done.unwrap_or_else(|_| Ok(Vec::new()))?);
    }
    Ok(())
}

/// Starts publishers.
pub(crate) fn publishers(
    client: &Client,
    random: &mut Random,
    load: Load,
) -> JoinSet<Result<Vec<Sent>, Stop>> {
    let mut publishing = JoinSet::new();
    for _ in 0..load.publishers {
        let mut publisher = Publisher::new(client.clone(), random.part());
        publishing.spawn(async move {
            let mut sent = Vec::with_capacity(load.each);
            for _ in 0..load.each {
                sent.push(publisher.next().await?);
            }
            Ok(sent)
        });
    }
    publishing
}

impl Campaign {
    /// Takes what was read; the number of a report, `None` for anything else.
    fn take(&mut self, read: Read) -> Option<u64> {
        match read {
            Read::Frame(frame) if frame.is("report") => {
                for (id, value) in ended_tasks(&frame.json()) {
                    self.ended.insert(id, value);
                }
                let number = frame.number().unwrap_or_default();
                self.reports.push(frame);
                return Some(number);
            }
            Read::Frame(frame) if wants_back(&frame) => self.leaves = true,
            Read::Frame(frame) if frame.is("bye") => {
                let bye = frame.summary();
                self.broke_off = Some(both!("the server said {bye}", "서버가 보낸 것: {bye}"));
            }
            Read::Frame(_) => {}
            Read::End => {
                self.broke_off = Some(both!("the stream ended", "스트림이 끝남"));
            }
            Read::Silence => {
                self.broke_off = Some(both!(
                    "nothing more came, though commands were under way",
                    "진행 중인 명령이 있는데 더 오지 않음"
                ));
            }
        }
        None
    }

    /// Opens the next stream after the last report, as any client does.
    async fn come_back(&self, client: &Client, opening: &Opening) -> Result<Box<Stream>, Stop> {
        let last = self.reports.last().unwrap_or(&self.first);
        let cursor = last.id.clone().unwrap_or_default().into_bytes();
        let mut stream = client.open(&Opening { cursor: Some(cursor), ..opening.clone() }).await?;
        stream.next().await?;
        Ok(stream)
    }

    /// The cursor that it began with.
    pub fn start(&self) -> Option<u64> {
        self.first.number()
    }

    /// The number of the last report.
    pub fn head(&self) -> Option<u64> {
        self.reports.last().map_or_else(|| self.start(), Frame::number)
    }

    /// Whether the numbers go up one by one from where it began.
    pub fn is_gapless(&self) -> bool {
        let from = self.start().unwrap_or_default();
        let expected = (from + 1)..;
        self.reports.iter().zip(expected).all(|(frame, number)| frame.number() == Some(number))
    }
}

/// The tasks that a report brings to their end.
fn ended_tasks(report: &Value) -> Vec<(String, Value)> {
    let changes = report.get("changes").and_then(Value::as_array);
    let changes = changes.into_iter().flatten();
    let tasks = changes.filter(|change| change["collection"] == "tasks");
    tasks
        .filter(|change| change["value"]["done"] == true)
        .map(|change| {
            let id = change["id"].as_str().unwrap_or_default().to_owned();
            (id, change["value"].clone())
        })
        .collect()
}

/// Whether it is the end of a stream that goes on in another.
pub(crate) fn wants_back(frame: &Frame) -> bool {
    frame.is("bye") && frame.json()["reconnect"] == true
}

/// Reads reports up to a number, from the next stream too where the server ends one and wants its
/// listener back; what else comes is passed by.
pub(crate) async fn read_up_to(
    client: &Client,
    mut stream: Box<Stream>,
    last: u64,
) -> Result<Vec<Frame>, Stop> {
    let mut reports: Vec<Frame> = Vec::new();
    loop {
        let frame = stream.next().await?;
        let came = reports.last().and_then(|report| report.id.clone());
        if let Some(came) = came.filter(|_| wants_back(&frame)) {
            stream = client.open(&Opening::after(came)).await?;
        }
        if !frame.is("report") {
            continue;
        }
        let at = frame.number().unwrap_or(u64::MAX);
        reports.push(frame);
        if at >= last {
            return Ok(reports);
        }
    }
}
