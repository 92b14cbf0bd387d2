//! One stream: a cursor into the hub's channel, and the loop that turns it into frames. The loop
//! runs only while the socket takes bytes, so a slow reader holds no queue.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nexus_core::cursor::{Cursor, Epoch};
use nexus_core::masked::Reader;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::app::App;
use nexus_kit::db::DbError;
use nexus_kit::http::principal::Right;
use nexus_kit::hub::{self, Channel, Next};
use nexus_kit::log;
use nexus_kit::supervise::Shutdown;
use nexus_kit::telemetry::metrics::Reason as CloseReason;
use tokio::sync::watch;

use crate::frames::{self, Bye, Reason};
use crate::places::Place;

/// Bytes of frames that one step takes from the ring.
const STEP_BYTES: usize = 64 << 10;

/// Reports that one step reads from the store when the ring has lost them.
const STEP_REPORTS: u64 = 500;

/// How often the right to listen is looked up again.
const RECHECK: Duration = Duration::from_secs(4);

/// A stream that is being served.
pub(crate) struct Connection {
    app: App,
    tenant: Tenant,
    channel: Arc<Channel>,
    head: watch::Receiver<u64>,
    stop: Shutdown,
    place: Place,
    /// What lets the client listen; it can end before the process does.
    right: Right,
    /// In which class its values are.
    reader: Reader,
    epoch: Epoch,
    /// The last report that this stream has sent, or that its client has.
    number: u64,
    /// Frames that are ready to leave.
    ready: VecDeque<Bytes>,
    ping_at: Time,
    idle_at: Time,
    idle: Duration,
    recheck_at: Time,
    over: bool,
}

/// Where a stream begins.
pub(crate) enum Start {
    /// After this report, which the client has.
    Resume(u64),
    /// With the whole view.
    Snapshot(Reason),
}

/// Where a stream begins for a client that sent this as its last event id.
pub(crate) fn start(sent: Option<&str>, epoch: &Epoch, head: u64, keep: u64) -> Start {
    let Some(sent) = sent else { return Start::Snapshot(Reason::Initial) };
    match Cursor::parse(sent) {
        None => Start::Snapshot(Reason::BadCursor),
        Some(cursor) if cursor.epoch != *epoch => Start::Snapshot(Reason::Epoch),
        Some(cursor) if cursor.number > head => Start::Snapshot(Reason::Ahead),
        Some(cursor) if head - cursor.number > keep => Start::Snapshot(Reason::Expired),
        Some(cursor) => Start::Resume(cursor.number),
    }
}

/// What a stream waited for.
enum Event {
    Moved,
    Ping,
    Recheck,
    End(Bye),
}

impl Connection {
    /// Opens a stream; `sent` is the client's last event id.
    pub async fn open(
        app: &App,
        tenant: &Tenant,
        place: Place,
        right: Right,
        sent: Option<&str>,
        stop: Shutdown,
    ) -> Result<(Self, &'static str), DbError> {
        let channel = app.hub.channel(&app.db, tenant).await?;
        let head = channel.watch();
        let (epoch, newest) = channel.head().ok_or(DbError::Stopped)?;
        let now = app.clock.expiry();
        let settings = &app.settings.stream;
        // Less up to 20 %, so that streams that were opened together do not end together.
        let idle = settings.idle.mul_f64(1.0 - app.entropy.below(200) as f64 / 1_000.0);
        let mut connection = Self {
            app: app.clone(),
            tenant: tenant.clone(),
            channel,
            head,
            stop,
            place,
            reader: right.reader().clone(),
            right,
            epoch: epoch.clone(),
            number: 0,
            ready: VecDeque::new(),
            ping_at: now.plus(settings.ping),
            idle_at: now.plus(idle),
            idle,
            recheck_at: now.plus(RECHECK),
            over: false,
        };
        connection.ready.push_back(frames::prelude(connection.retry_ms()));
        let outcome = match start(sent, &epoch, newest, app.hub.event_keep()) {
            Start::Resume(number) => {
                connection.number = number;
                connection.ready.push_back(frames::accepted(&Cursor { epoch, number }));
                "resume"
            }
            Start::Snapshot(reason) => {
                connection.snapshot(reason).await?;
                reason.as_str()
            }
        };
        app.metrics.sse_connections.inc();
        Ok((connection, outcome))
    }

    fn retry_ms(&self) -> u64 {
        1_000 + self.app.entropy.below(4_000)
    }

    async fn snapshot(&mut self, reason: Reason) -> Result<(), DbError> {
        let keep = self.app.hub.keep();
        let snapshot = self.channel.snapshot(&self.app.db, keep, &self.reader).await?;
        let now = self.app.clock.now();
        self.ready.extend(frames::snapshot(&snapshot, reason, &self.tenant, keep, now));
        self.epoch = snapshot.epoch;
        self.number = snapshot.number;
        Ok(())
    }

    /// The next bytes to send; nothing more after the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            if self.over {
                return None;
            }
            self.watch_rights().await;
            if self.over || !self.ready.is_empty() {
                continue;
            }
            self.head.borrow_and_update();
            match self.channel.after(&self.epoch, self.number, STEP_BYTES, &self.reader) {
                Next::Frames(frames, last) => {
                    self.sent(last);
                    self.ready.extend(frames);
                }
                Next::UpToDate => self.wait().await,
                Next::Missed => self.continue_from_store().await,
                Next::OtherEpoch => {
                    if self.snapshot(Reason::Epoch).await.is_err() {
                        self.end(Bye::Shutdown);
                    }
                }
            }
        }
    }

    /// Looks now and then whether the right to listen stands and the server still runs, also while
    /// there is always something to send.
    async fn watch_rights(&mut self) {
        if self.stop.is_triggered() {
            self.end(Bye::Shutdown);
            return;
        }
        let now = self.app.clock.expiry();
        if !self.right.can_end() || now < self.recheck_at {
            return;
        }
        self.recheck_at = now.plus(RECHECK);
        match self.right.stands(&*self.app.auth).await {
            None => self.end(Bye::AuthExpired),
            Some(reader) if reader != self.reader => {
                // What the client has folded is of the other class: it starts over in this one.
                self.reader = reader;
                if self.snapshot(Reason::Rights).await.is_err() {
                    self.end(Bye::Shutdown);
                }
            }
            Some(_) => {}
        }
    }

    fn sent(&mut self, last: u64) {
        self.app.metrics.sse_reports.inc_by(last - self.number);
        self.number = last;
        let now = self.app.clock.expiry();
        self.idle_at = now.plus(self.idle);
    }

    /// What the ring has lost is still in the store, unless the reader is slower than the window.
    async fn continue_from_store(&mut self) {
        let (tenant, after) = (self.tenant.clone(), self.number);
        let read = self
            .app
            .db
            .read(&self.tenant, move |q| log::reports_after(q, &tenant, after, STEP_REPORTS));
        match read.await {
            Ok(reports) if reports.first().is_some_and(|(number, _)| *number == after + 1) => {
                let mut last = after;
                for (number, body) in reports {
                    let frame = log::frame(&self.epoch, number, &body);
                    self.ready.push_back(hub::shown(frame, &self.reader));
                    last = number;
                }
                self.sent(last);
            }
            Ok(_) => self.end(Bye::Slow),
            Err(error) => {
                tracing::warn!(tenant_id = %self.tenant, %error, "a stream could not be continued from the store");
                self.end(Bye::Shutdown);
            }
        }
    }

    async fn wait(&mut self) {
        let now = self.app.clock.expiry();
        let due = self.ping_at.min(self.idle_at);
        let due = if self.right.can_end() { due.min(self.recheck_at) } else { due };
        let event = tokio::select! {
            moved = self.head.changed() => {
                if moved.is_ok() { Event::Moved } else { Event::End(Bye::Shutdown) }
            }
            () = self.stop.triggered() => Event::End(Bye::Shutdown),
            () = self.place.superseded() => Event::End(Bye::Superseded),
            () = self.app.clock.sleep_until(due) => {
                let now = now.max(self.app.clock.expiry());
                if now >= self.idle_at {
                    Event::End(Bye::Idle)
                } else if self.right.can_end() && now >= self.recheck_at {
                    Event::Recheck
                } else {
                    Event::Ping
                }
            }
        };
        match event {
            Event::Moved => {}
            Event::Ping => {
                let now = self.app.clock.expiry();
                self.ping_at = now.plus(self.app.settings.stream.ping);
                if let Some((epoch, head)) = self.channel.head() {
                    self.ready.push_back(frames::ping(&epoch, head, self.app.clock.now()));
                }
            }
            // The loop that comes next looks.
            Event::Recheck => {}
            Event::End(why) => self.end(why),
        }
    }

    fn end(&mut self, why: Bye) {
        let reason = CloseReason { reason: why.as_str() };
        self.app.metrics.sse_closes.get_or_create(&reason).inc();
        self.ready.push_back(frames::bye(why, self.retry_ms()));
        self.over = true;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.app.metrics.sse_connections.dec();
        if !self.over {
            let reason = CloseReason { reason: "client" };
            self.app.metrics.sse_closes.get_or_create(&reason).inc();
        }
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
