//! A stream as the body of an answer, where there is no socket to take over: HTTP/2, HTTP/1.0. The
//! body is asked for bytes only while its connection takes them.

use std::convert::Infallible;
use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Stream, stream};
use nexus_kit::clock::Clock;
use nexus_kit::supervise::Shutdown;
use tokio::sync::watch;

use crate::feed::{Feed, Step};

/// What comes within this after a write waits for its end, so that a storm of reports is few writes.
pub(crate) const WINDOW: Duration = Duration::from_millis(1);

struct Pulled {
    feed: Feed,
    clock: Clock,
    head: watch::Receiver<u64>,
    stop: Shutdown,
    pieces: std::collections::VecDeque<Bytes>,
    sent_at: Option<Instant>,
}

/// The stream as pieces of a body.
pub(crate) fn pieces(
    feed: Feed,
    clock: Clock,
    stop: Shutdown,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let head = feed.channel().watch();
    let pulled = Pulled { feed, clock, head, stop, pieces: Default::default(), sent_at: None };
    stream::unfold(pulled, |mut pulled| async move {
        let piece = pulled.next().await?;
        Some((Ok(piece), pulled))
    })
}

impl Pulled {
    async fn next(&mut self) -> Option<Bytes> {
        self.feed.taken(self.clock.expiry());
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some(piece);
            }
            self.head.borrow_and_update();
            match self.feed.step(self.clock.expiry()) {
                Step::Reports(batch) => {
                    self.feed.channel().delivered();
                    self.sent_at = Some(self.clock.instant());
                    return Some(batch.frames());
                }
                Step::Send(pieces) => self.pieces = pieces,
                Step::Ask => self.feed.ask().await,
                Step::End => return None,
                Step::Wait(until) => self.wait(until).await,
            }
        }
    }

    async fn wait(&mut self, until: nexus_core::time::Time) {
        let feed = &self.feed;
        let rung = poll_fn(|cx| {
            feed.register(cx.waker());
            // News may have come between the last look and the registration.
            if feed.has_news() { Poll::Ready(()) } else { Poll::Pending }
        });
        let stopping = self.stop.is_triggered();
        tokio::select! {
            moved = self.head.changed() => {
                if let (Ok(()), Some(at)) = (moved, self.sent_at) {
                    tokio::time::sleep(WINDOW.saturating_sub(at.elapsed())).await;
                }
            }
            () = rung => {}
            () = self.stop.triggered(), if !stopping => {}
            () = self.clock.sleep_until(until) => {}
        }
    }
}
