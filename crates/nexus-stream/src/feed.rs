//! One stream without its socket: a cursor into the hub's channel, and what it sends next. Whoever
//! has the socket calls [`Feed::step`] when it takes bytes, so a slow reader holds no queue, and
//! replay and live are the same loop. [`crate::reactor`] and [`crate::body`] drive it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use nexus_core::cursor::{Cursor, Epoch};
use nexus_core::masked::Reader;
use nexus_core::time::Time;
use nexus_kit::app::App;
use nexus_kit::db::DbError;
use nexus_kit::hub::{self, Batch, Channel, Next};
use nexus_kit::log;
use nexus_kit::supervise::Shutdown;
use nexus_kit::telemetry::metrics::Reason as CloseReason;

use crate::frames::{self, Bye, Reason};
use crate::places::{News, Place};

/// Reports that one look reads from the store when the ring has lost them: at 64 KiB each they are
/// what a slow reader holds at most.
const STORE_REPORTS: u64 = 32;

/// A shutdown ends streams this far apart, until its window is full.
const DRAIN_STEP: Duration = Duration::from_millis(50);

/// A stream that is being served.
pub(crate) struct Feed {
    app: App,
    channel: Arc<Channel>,
    stop: Shutdown,
    place: Place,
    /// In which class its values are.
    reader: Reader,
    epoch: Epoch,
    /// The last report that this stream has sent, or that its client has.
    number: u64,
    /// Frames that are ready to leave.
    ready: VecDeque<Bytes>,
    question: Option<Question>,
    ping_at: Time,
    idle_at: Time,
    rotate_at: Time,
    /// When it ends because the server does.
    drain_at: Option<Time>,
    idle: Duration,
    over: bool,
}

/// What only the store can answer.
enum Question {
    View(Reason),
    Missed,
}

/// What a stream does next.
pub(crate) enum Step {
    /// Send these reports, then come again.
    Reports(Batch),
    /// Send these pieces, then come again.
    Send(VecDeque<Bytes>),
    /// Nothing until the channel moves, the bell rings, or this time comes.
    Wait(Time),
    /// The store must be asked: [`Feed::ask`], then come again.
    Ask,
    /// It is over.
    End,
}

/// Where a stream begins.
enum Start {
    /// After this report, which the client has.
    Resume(u64),
    /// With the whole view.
    Snapshot(Reason),
}

/// Where a stream begins for a client that sent this as its last event id.
fn start(sent: Option<&str>, epoch: &Epoch, head: u64, keep: u64) -> Start {
    let Some(sent) = sent else { return Start::Snapshot(Reason::Initial) };
    match Cursor::parse(sent) {
        None => Start::Snapshot(Reason::BadCursor),
        Some(cursor) if cursor.epoch != *epoch => Start::Snapshot(Reason::Epoch),
        Some(cursor) if cursor.number > head => Start::Snapshot(Reason::Ahead),
        Some(cursor) if head - cursor.number > keep => Start::Snapshot(Reason::Expired),
        Some(cursor) => Start::Resume(cursor.number),
    }
}

/// Less up to 20 %, so that streams that were opened together do not end together.
fn jittered(app: &App, span: Duration) -> Duration {
    span.mul_f64(1.0 - app.entropy.below(200) as f64 / 1_000.0)
}

impl Feed {
    /// Opens a stream; `sent` is the client's last event id. Says how it begins.
    pub async fn open(
        app: &App,
        place: Place,
        reader: Reader,
        sent: Option<&str>,
        stop: Shutdown,
    ) -> Result<(Self, &'static str), DbError> {
        let channel = app.hub.channel(&app.db, place.tenant()).await?;
        let (epoch, newest) = channel.head().ok_or(DbError::Stopped)?;
        let now = app.clock.expiry();
        let settings = &app.settings.stream;
        let idle = jittered(app, settings.idle);
        let mut feed = Self {
            app: app.clone(),
            channel,
            stop,
            place,
            reader,
            epoch: epoch.clone(),
            number: 0,
            ready: VecDeque::new(),
            question: None,
            ping_at: now.plus(settings.ping),
            idle_at: now.plus(idle),
            rotate_at: now.plus(jittered(app, settings.rotate)),
            drain_at: None,
            idle,
            over: false,
        };
        feed.ready.push_back(frames::prelude(feed.retry_ms()));
        app.metrics.sse_connections.inc();
        let outcome = match start(sent, &epoch, newest, app.hub.event_keep()) {
            Start::Resume(number) => {
                feed.number = number;
                feed.ready.push_back(frames::accepted(&Cursor { epoch, number }));
                app.metrics.sse_replayed.inc_by(newest - number);
                "resume"
            }
            Start::Snapshot(reason) => {
                let made = feed.snapshot(reason).await;
                // One that never began does not end, either.
                feed.over = made.is_err();
                made?;
                reason.as_str()
            }
        };
        Ok((feed, outcome))
    }

    /// Notes that the reader takes what it is sent, where the socket does not tell.
    pub fn taken(&self, now: Time) {
        self.place.taken(now);
    }

    /// The channel that it follows.
    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// Rings this when something besides reports concerns the stream.
    pub fn register(&self, waker: &Waker) {
        self.place.waker().register(waker);
    }

    /// Whether something besides reports concerns the stream.
    pub fn has_news(&self) -> bool {
        self.place.has_news()
    }

    fn retry_ms(&self) -> u64 {
        1_000 + self.app.entropy.below(4_000)
    }

    async fn snapshot(&mut self, reason: Reason) -> Result<(), DbError> {
        let keep = self.app.hub.keep();
        let snapshot = self.channel.snapshot(&self.app.db, keep, &self.reader).await?;
        let now = self.app.clock.now();
        self.ready.extend(frames::snapshot(&snapshot, reason, self.place.tenant(), keep, now));
        self.epoch = snapshot.epoch;
        self.number = snapshot.number;
        Ok(())
    }

    /// What it does next; `now` is the expiry clock's.
    pub fn step(&mut self, now: Time) -> Step {
        if self.ready.is_empty() && !self.over && self.question.is_none() {
            self.look_around(now);
        }
        if !self.ready.is_empty() {
            return Step::Send(std::mem::take(&mut self.ready));
        }
        if self.over {
            return Step::End;
        }
        if self.question.is_some() {
            return Step::Ask;
        }
        self.question = match self.channel.after(&self.epoch, self.number, &self.reader) {
            Next::Frames(batch) => {
                self.sent(batch.last, now);
                return Step::Reports(batch);
            }
            Next::Missed => Some(Question::Missed),
            Next::OtherEpoch => Some(Question::View(Reason::Epoch)),
            Next::UpToDate => return self.quiet(now),
        };
        Step::Ask
    }

    /// Whatever ends a stream or starts it over does so also while there is always something to send.
    fn look_around(&mut self, now: Time) {
        match self.place.news() {
            Some(News::Revoked) => return self.end(Bye::AuthExpired),
            Some(News::Superseded) => return self.end(Bye::Superseded),
            Some(News::Stuck) => return self.end(Bye::Slow),
            Some(News::OtherClass(reader)) => {
                // What the client has folded is of the other class: it starts over in this one.
                self.reader = reader;
                self.question = Some(Question::View(Reason::Rights));
            }
            None => {}
        }
        if self.stop.is_triggered() {
            let at = *self.drain_at.get_or_insert_with(|| {
                let streams = u32::try_from(self.place.open()).unwrap_or(u32::MAX);
                let window = DRAIN_STEP.saturating_mul(streams).min(self.app.settings.stream.drain);
                let window = u64::try_from(window.as_micros()).unwrap_or(u64::MAX);
                now.plus(Duration::from_micros(self.app.entropy.below(window.max(1))))
            });
            if now >= at {
                return self.end(Bye::Shutdown);
            }
        }
        if now >= self.rotate_at {
            self.end(Bye::Rotate);
        }
    }

    /// There is no report to send.
    fn quiet(&mut self, now: Time) -> Step {
        if now >= self.idle_at {
            self.end(Bye::Idle);
        } else if now >= self.ping_at {
            self.ping_at = now.plus(self.app.settings.stream.ping);
            // The cursor is what this stream has sent: the head itself may have moved just now, and
            // then the client would look for a hole.
            self.ready.push_back(frames::ping(&self.epoch, self.number, self.app.clock.now()));
        } else {
            let due = self.ping_at.min(self.idle_at).min(self.rotate_at);
            return Step::Wait(self.drain_at.map_or(due, |at| at.min(due)));
        }
        Step::Send(std::mem::take(&mut self.ready))
    }

    fn sent(&mut self, last: u64, now: Time) {
        self.app.metrics.sse_reports.inc_by(last - self.number);
        self.number = last;
        self.idle_at = now.plus(self.idle);
    }

    /// Asks the store what [`Step::Ask`] needs.
    pub async fn ask(&mut self) {
        match self.question.take() {
            Some(Question::View(reason)) => {
                if let Err(error) = self.snapshot(reason).await {
                    self.failed(&error);
                }
            }
            Some(Question::Missed) => self.continue_from_store().await,
            None => {}
        }
    }

    /// What the ring has lost is still in the store, unless the reader is slower than the window.
    async fn continue_from_store(&mut self) {
        let (tenant, after) = (self.place.tenant().clone(), self.number);
        let read = self.app.db.read(self.place.tenant(), move |q| {
            log::reports_after(q, &tenant, after, STORE_REPORTS)
        });
        match read.await {
            Ok(reports) if reports.first().is_some_and(|(number, _)| *number == after + 1) => {
                let mut last = after;
                let mut piece = Vec::new();
                for (number, body) in reports {
                    let frame = log::frame(&self.epoch, number, &body);
                    piece.extend_from_slice(&hub::shown(frame, &self.reader));
                    last = number;
                }
                self.ready.push_back(piece.into());
                self.sent(last, self.app.clock.expiry());
            }
            Ok(_) => self.end(Bye::Slow),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &DbError) {
        tracing::warn!(tenant_id = %self.place.tenant(), %error, "a stream could not be continued from the store");
        self.end(Bye::Shutdown);
    }

    fn end(&mut self, why: Bye) {
        self.count_end(why.as_str());
        self.ready.push_back(frames::bye(why, self.retry_ms()));
    }

    /// The reader takes nothing any more, so that it cannot even be told.
    pub fn cut_off(&mut self) {
        self.count_end(Bye::Slow.as_str());
    }

    fn count_end(&mut self, reason: &'static str) {
        if !self.over {
            self.over = true;
            self.app.metrics.sse_closes.get_or_create(&CloseReason { reason }).inc();
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.app.metrics.sse_connections.dec();
        self.count_end("client");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(sent: &str, head: u64) -> Option<Reason> {
        let epoch = Epoch::parse("abcdefgh").unwrap();
        match start(Some(sent), &epoch, head, 2000) {
            Start::Resume(_) => None,
            Start::Snapshot(reason) => Some(reason),
        }
    }

    #[test]
    fn exactly_the_window_is_replayed_and_everything_else_says_why() {
        assert_eq!(reason("abcdefgh.3000", 5000), None);
        assert_eq!(reason("abcdefgh.2999", 5000), Some(Reason::Expired));
        assert_eq!(reason("abcdefgh.5000", 5000), None);
        assert_eq!(reason("abcdefgh.5001", 5000), Some(Reason::Ahead));
        assert_eq!(reason("abcdefgh.0", 1), None);
        assert_eq!(reason("zzzzzzzz.3000", 5000), Some(Reason::Epoch));
        for bad in ["", "3000", "abcdefgh.-1", "abcdefgh.03", "abcdefgh.3 ", "abcdefgh.\0"] {
            assert_eq!(reason(bad, 5000), Some(Reason::BadCursor), "{bad:?}");
        }
    }
}
