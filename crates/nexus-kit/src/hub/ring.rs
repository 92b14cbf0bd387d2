//! The newest frames of one tenant, without a gap, bounded in number and bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use nexus_core::cursor::Epoch;

use super::RingSize;
use super::frame::Frame;
use crate::log::{Committed, Head, frame};

/// What a cursor finds.
pub(super) enum Ahead {
    /// These follow.
    Frames(Vec<Arc<Frame>>),
    /// Nothing newer yet.
    UpToDate,
    /// What follows has left the ring.
    Missed,
    /// The log has a new life.
    OtherEpoch,
}

pub(super) struct Ring {
    epoch: Epoch,
    head: u64,
    frames: VecDeque<Arc<Frame>>,
    bytes: usize,
    size: RingSize,
}

impl Ring {
    pub fn new(epoch: Epoch, head: u64, size: RingSize) -> Self {
        Self { epoch, head, frames: VecDeque::new(), bytes: 0, size }
    }

    /// Puts in what the store has up to the head.
    pub fn fill(&mut self, reports: Vec<(u64, String)>) {
        for (number, body) in reports {
            self.push(number, &body);
        }
    }

    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    pub fn head(&self) -> u64 {
        self.head
    }

    /// Appends what follows the head; an old report is ignored, and one beyond a hole empties the
    /// ring, so that cursors before it turn to the store.
    pub fn append(&mut self, report: &Committed) {
        if report.epoch != self.epoch {
            *self = Self::new(report.epoch.clone(), report.number - 1, self.size);
        }
        if report.number <= self.head {
            return;
        }
        if report.number > self.head + 1 {
            self.frames.clear();
            self.bytes = 0;
        }
        self.head = report.number;
        self.push(report.number, &report.body);
    }

    /// Stands where the store stands, without the frames up to there: who misses them turns to the
    /// store.
    pub fn skip_to(&mut self, head: &Head) {
        *self = Self::new(head.epoch.clone(), head.last, self.size);
    }

    fn push(&mut self, number: u64, body: &str) {
        let frame = Frame::new(Bytes::from(frame(&self.epoch, number, body)));
        self.bytes += frame.len();
        self.frames.push_back(Arc::new(frame));
        let most = usize::try_from(self.size.reports).unwrap_or(usize::MAX).max(1);
        while self.frames.len() > most || self.bytes > self.size.bytes {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    pub fn after(&self, epoch: &Epoch, number: u64, max_bytes: usize) -> Ahead {
        if *epoch != self.epoch {
            return Ahead::OtherEpoch;
        }
        if number >= self.head {
            return Ahead::UpToDate;
        }
        let missing = usize::try_from(self.head - number).unwrap_or(usize::MAX);
        let Some(start) = self.frames.len().checked_sub(missing) else { return Ahead::Missed };
        let mut taken = Vec::new();
        let mut size = 0;
        for frame in self.frames.range(start..) {
            if !taken.is_empty() && size + frame.len() > max_bytes {
                break;
            }
            size += frame.len();
            taken.push(frame.clone());
        }
        Ahead::Frames(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_core::tenant::Tenant;

    fn report(number: u64) -> Committed {
        Committed {
            tenant: Tenant::parse("o:p").unwrap(),
            epoch: Epoch::parse("abcdefgh").unwrap(),
            number,
            body: format!("{{\"n\":{number}}}").into(),
        }
    }

    fn ring(head: u64) -> Ring {
        let size = RingSize { reports: 4, bytes: 1 << 20 };
        Ring::new(Epoch::parse("abcdefgh").unwrap(), head, size)
    }

    fn numbers(ring: &Ring, after: u64) -> Option<Vec<String>> {
        match ring.after(&ring.epoch, after, usize::MAX) {
            Ahead::Frames(frames) => {
                Some(frames.iter().map(|frame| frame.data().to_owned()).collect())
            }
            Ahead::UpToDate => Some(vec![]),
            _ => None,
        }
    }

    #[test]
    fn a_cursor_gets_exactly_what_follows_it_or_hears_that_it_missed() {
        let mut ring = ring(10);
        for number in 11..=16 {
            ring.append(&report(number));
        }
        assert_eq!(numbers(&ring, 16), Some(vec![]));
        assert_eq!(
            numbers(&ring, 14).unwrap(),
            [15, 16].map(|n| format!("{{\"cursor\":\"abcdefgh.{n}\",\"n\":{n}}}"))
        );
        assert_eq!(numbers(&ring, 12).unwrap().len(), 4);
        assert_eq!(numbers(&ring, 11), None, "bounded to four");
        let other = Epoch::parse("zzzzzzzz").unwrap();
        assert!(matches!(ring.after(&other, 16, 1), Ahead::OtherEpoch));
    }

    #[test]
    fn a_ring_is_bounded_in_bytes_too() {
        let mut ring = ring(0);
        ring.size.bytes = 200;
        for number in 1..=4 {
            ring.append(&report(number));
        }
        assert!(ring.bytes <= 200 && ring.frames.len() == 3, "{} bytes", ring.bytes);
        assert_eq!(numbers(&ring, 0), None);
        assert_eq!(numbers(&ring, 1).unwrap().len(), 3);
    }

    #[test]
    fn a_hole_is_never_skipped() {
        let mut ring = ring(10);
        ring.append(&report(11));
        ring.append(&report(13));
        assert_eq!(numbers(&ring, 11), None, "12 is not here: the store has it");
        assert_eq!(numbers(&ring, 12).unwrap().len(), 1);
        ring.append(&report(12));
        assert_eq!(ring.head(), 13, "an old report changes nothing");
    }
}
