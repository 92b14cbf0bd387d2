//! What checks share, so that few streams are opened: a sample of openings, and the recording of a
//! campaign. Each is made when the first check asks for it.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use nexus_core::cursor::{Cursor, Epoch};
use tokio::task::JoinSet;

use crate::campaign::{Campaign, Load, campaign};
use crate::client::{Client, Opening, Read, Stream};
use crate::outcome::{Stop, fails};
use crate::publish::{ADD, Publisher};
use crate::random::Random;
use crate::text::{both, plain};
use crate::wire::Frame;
use crate::{Plan, Target};

/// How many openings the sample has.
const SAMPLE: usize = 4;

/// Commands before the sample.
const WARM: usize = 12;

/// What checks are given.
pub(crate) struct Kit {
    pub client: Client,
    pub target: Target,
    pub plan: Plan,
    pub random: Random,
    sample: Option<Result<Arc<Vec<Opened>>, Stop>>,
    recording: Option<Result<Arc<Recording>, Stop>>,
    /// The newest number that was met since the recording.
    pub newest: u64,
    /// Streams that fill the tenant up, from one check of the limit to the next.
    pub held: Vec<Stream>,
}

/// How a stream began that was opened without a cursor, asking for compression.
pub(crate) struct Opened {
    pub headers: HeaderMap,
    pub head_after: Duration,
    pub first_after: Option<Duration>,
    /// What stood before the first event.
    pub prelude: Vec<Frame>,
    /// The first event, unless none came that can be read.
    pub first: Option<Frame>,
}

/// A campaign and fresh snapshots from its midst and its end.
pub(crate) struct Recording {
    pub campaign: Campaign,
    pub snapshots: Vec<Frame>,
}

impl Kit {
    pub fn new(client: Client, target: Target, plan: Plan, random: Random) -> Self {
        Self {
            client,
            target,
            plan,
            random,
            sample: None,
            recording: None,
            newest: 0,
            held: Vec::new(),
        }
    }

    /// More where there is time.
    pub fn amount<T>(&self, quick: T, long: T) -> T {
        if self.plan.quick { quick } else { long }
    }

    /// Commands of each publisher: the same, and so few that a recording and a storm after it stay
    /// within what the server keeps, at three reports a command.
    pub fn bounded(&self, publishers: usize, quick: usize, long: usize) -> usize {
        let kept = usize::try_from(self.plan.event_keep).unwrap_or(usize::MAX);
        self.amount(quick, long).min(kept / 8 / publishers).max(1)
    }

    /// Streams at once: the same, and so few that others find a place beside them.
    pub fn streams(&self, quick: usize, long: usize) -> usize {
        self.amount(quick, long).min(self.plan.max_per_tenant / 2).max(1)
    }

    /// A few openings.
    pub async fn sample(&mut self) -> Result<Arc<Vec<Opened>>, Stop> {
        if self.sample.is_none() {
            // Without it there is less to see, and the check that needs reports says why.
            let _ = self.warm_up().await;
            let mut sample = Vec::new();
            let mut made = Ok(());
            for _ in 0..SAMPLE {
                match open(&self.client).await {
                    Ok(opened) => sample.push(opened),
                    Err(stop) => {
                        made = Err(stop);
                        break;
                    }
                }
            }
            self.sample = Some(made.map(|()| Arc::new(sample)));
        }
        self.sample.clone().unwrap_or_else(|| Err(Stop::Skip(plain("-"))))
    }

    /// Brings the snapshot to some KiB: proxies leave small answers uncompressed.
    async fn warm_up(&mut self) -> Result<(), Stop> {
        self.must_be_green().await?;
        let mut publisher = Publisher::new(self.client.clone(), self.random.part());
        let mut sent = Vec::new();
        for _ in 0..WARM {
            sent.push(publisher.next().await?);
        }
        for sent in &sent {
            publisher.until_over(sent).await?;
        }
        Ok(())
    }

    /// The same for checks of something else than whether streams open.
    pub async fn need_heads(&mut self) -> Result<Arc<Vec<Opened>>, Stop> {
        let sample = self.sample().await;
        sample.map_err(|_| Stop::Skip(both!("no stream opens", "스트림이 열리지 않음")))
    }

    /// The same for checks that read: without a stream they cannot be made.
    pub async fn need_sample(&mut self) -> Result<Arc<Vec<Opened>>, Stop> {
        let sample = self.sample().await.ok();
        let whole = sample.filter(|all| all.iter().all(|opened| opened.first.is_some()));
        whole.ok_or_else(|| {
            Stop::Skip(both!("no stream opens as it should", "스트림이 제대로 열리지 않음"))
        })
    }

    /// A campaign; the first one decides for all.
    pub async fn recording(&mut self) -> Result<Arc<Recording>, Stop> {
        if self.recording.is_none() {
            let made = self.record().await;
            self.recording = Some(made.map(Arc::new));
        }
        self.recording.clone().unwrap_or_else(|| Err(Stop::Skip(plain("-"))))
    }

    /// A campaign without a hole, for checks of something else than order.
    pub async fn need_recording(&mut self) -> Result<Arc<Recording>, Stop> {
        self.need_sample().await?;
        let why = || {
            Stop::Skip(both!(
                "order.live and order.complete must hold first",
                "먼저 order.live와 order.complete가 성립해야 함"
            ))
        };
        let recording = self.recording().await.map_err(|_| why())?;
        let whole = recording.campaign.is_gapless() && recording.campaign.broke_off.is_none();
        if whole { Ok(recording) } else { Err(why()) }
    }

    async fn record(&mut self) -> Result<Recording, Stop> {
        self.must_be_green().await?;
        let load = Load { publishers: 8, each: self.bounded(8, 3, 25) };
        let (client, cuts) = (self.client.clone(), self.streams(3, 10));
        // Two or three reports a command: spread over what will come.
        let every = (load.publishers * load.each * 2 / (cuts + 1)).max(1) as u64;
        let mut snapping: JoinSet<Result<Frame, Stop>> = JoinSet::new();
        let mut seen = 0;
        let mut random = self.random.part();
        let opening = Opening::default();
        let whole = campaign(&self.client, &mut random, &opening, load, |_| {
            seen += 1;
            if u64::is_multiple_of(seen, every) && snapping.len() < cuts {
                let client = client.clone();
                snapping.spawn(async move { snapshot(&client).await });
            }
        });
        let campaign = whole.await?;
        let mut snapshots = Vec::new();
        while let Some(snapped) = snapping.join_next().await {
            if let Ok(snapped) = snapped {
                snapshots.push(snapped?);
            }
        }
        snapshots.push(snapshot(&self.client).await?);
        Ok(Recording { campaign, snapshots })
    }

    /// Commands that would wait for a person bring no reports.
    pub async fn must_be_green(&mut self) -> Result<(), Stop> {
        let mut publisher = Publisher::new(self.client.clone(), self.random.part());
        match publisher.rating().await?.as_deref() {
            Some("GREEN") => Ok(()),
            Some(risk) => Err(fails(
                both!("a tenant in which {ADD} is GREEN", "{ADD}이(가) GREEN인 테넌트"),
                plain(risk),
            )),
            None => Err(fails(
                both!("a server with {ADD}", "{ADD}이(가) 있는 서버"),
                both!("none", "없음"),
            )),
        }
    }

    /// The newest cursor that the kit has met, after a report at least.
    pub async fn known(&mut self) -> Result<Cursor, Stop> {
        let recording = self.need_recording().await?;
        let mut cursor = cursor_of(&recording.campaign.first)?;
        let recorded = recording.campaign.head().unwrap_or_default();
        cursor.number = recorded.max(self.newest);
        Ok(cursor)
    }

    /// The cursor of the newest report, by a fresh snapshot's word.
    pub async fn head(&mut self) -> Result<Cursor, Stop> {
        let cursor = cursor_of(&snapshot(&self.client).await?)?;
        self.newest = self.newest.max(cursor.number);
        Ok(cursor)
    }

    /// A cursor of another life of the log.
    pub fn other_epoch(cursor: &Cursor) -> Cursor {
        let mut cursor = cursor.clone();
        let other = if cursor.epoch.as_str() == "zzzzzzzz" { "yyyyyyyy" } else { "zzzzzzzz" };
        cursor.epoch = Epoch::parse(other).unwrap_or(cursor.epoch);
        cursor
    }

    /// Empties the queue that the kit has filled.
    pub async fn tidy_up(&mut self) {
        self.held.clear();
        if self.client.counts().1 > 0 {
            let mut publisher = Publisher::new(self.client.clone(), self.random.part());
            // What is left does no harm, and there is no check to fail.
            let _ = publisher.clear().await;
        }
    }
}

/// The cursor of a frame, which must have one.
pub(crate) fn cursor_of(frame: &Frame) -> Result<Cursor, Stop> {
    let cursor = frame.id.as_deref().and_then(Cursor::parse);
    cursor.ok_or_else(|| {
        fails(both!("a frame with a cursor", "커서가 있는 프레임"), plain(frame.summary()))
    })
}

/// A fresh snapshot.
pub(crate) async fn snapshot(client: &Client) -> Result<Frame, Stop> {
    let frame = client.open(&Opening::default()).await?.next().await?;
    if frame.is("snapshot") {
        return Ok(frame);
    }
    Err(fails(both!("a snapshot", "스냅샷"), plain(frame.summary())))
}

async fn open(client: &Client) -> Result<Opened, Stop> {
    let headers = vec![("accept-encoding", "gzip, br, zstd, deflate".to_owned())];
    let mut stream = client.open(&Opening { headers, ..Opening::default() }).await?;
    let mut prelude = Vec::new();
    let first = loop {
        match stream.read().await {
            Read::Frame(frame) if frame.event.is_none() && frame.id.is_none() => {
                prelude.push(frame);
            }
            Read::Frame(frame) => break Some(frame),
            Read::End | Read::Silence => break None,
        }
    };
    Ok(Opened {
        headers: std::mem::take(&mut stream.headers),
        head_after: stream.head_after,
        first_after: stream.first_after,
        prelude,
        first,
    })
}
