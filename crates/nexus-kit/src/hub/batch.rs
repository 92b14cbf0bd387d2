//! Consecutive frames as one piece of memory, made once for all readers who stand at the same place.
//! However many streams a tenant has, a report is copied once a class, not once a stream.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use nexus_core::cursor::Epoch;
use nexus_core::masked::Reader;

use super::frame::{Frame, Shown};

/// Bytes of frames that one batch has, unless a single frame is larger.
pub const BATCH_BYTES: usize = 64 << 10;

/// Batches that a channel remembers: readers at more places than this are rare, and only cost.
const REMEMBERED: usize = 8;

/// Frames in order, ready to be written.
#[derive(Clone, Debug)]
pub struct Batch {
    /// As one chunk of HTTP/1.1 (RFC 9112, 7.1), which holds the frames.
    chunk: Bytes,
    /// Where the frames begin in the chunk.
    start: usize,
    /// The number of its last report.
    pub last: u64,
}

impl Batch {
    /// The frames as they are.
    pub fn frames(&self) -> Bytes {
        self.chunk.slice(self.start..self.chunk.len() - CHUNK_END.len())
    }

    /// The frames as one chunk of HTTP/1.1.
    pub fn chunk(&self) -> Bytes {
        self.chunk.clone()
    }

    fn new(frames: &[Bytes], last: u64) -> Self {
        let length: usize = frames.iter().map(Bytes::len).sum();
        let head = chunk_head(length);
        let mut chunk = Vec::with_capacity(head.len() + length + CHUNK_END.len());
        chunk.extend_from_slice(head.as_bytes());
        for frame in frames {
            chunk.extend_from_slice(frame);
        }
        chunk.extend_from_slice(CHUNK_END);
        Self { chunk: chunk.into(), start: head.len(), last }
    }
}

/// What ends a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// What begins a chunk of so many bytes.
pub fn chunk_head(length: usize) -> String {
    let mut head = String::with_capacity(8);
    // Writing to a String cannot fail.
    let _ = write!(head, "{length:x}\r\n");
    head
}

/// The batches that were made last.
#[derive(Default)]
pub(super) struct Batches(Mutex<VecDeque<Arc<Made>>>);

/// A batch and whom it fits.
struct Made {
    epoch: Epoch,
    after: u64,
    masked: bool,
    /// Who sees some of its values more clearly than others do.
    owners: BTreeSet<String>,
    full: bool,
    batch: Batch,
}

impl Made {
    fn fits(&self, epoch: &Epoch, after: u64, head: u64, reader: &Reader) -> bool {
        // One that ends before the head for no other reason than that the head has moved on would
        // make many small writes of what can be one.
        let current = self.full || self.batch.last == head;
        self.after == after
            && self.epoch == *epoch
            && current
            && match reader {
                Reader::Clear => !self.masked,
                Reader::Masked { own } => self.masked && !self.owners.contains(own),
            }
    }
}

impl Batches {
    /// The batch after a number, if it was made already.
    pub fn find(&self, epoch: &Epoch, after: u64, head: u64, reader: &Reader) -> Option<Batch> {
        let made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = made.iter().rev().find(|one| one.fits(epoch, after, head, reader));
        found.map(|one| one.batch.clone())
    }

    /// Makes the batch of these frames, which follow `after`.
    pub fn make(
        &self,
        epoch: &Epoch,
        after: u64,
        head: u64,
        frames: &[Arc<Frame>],
        reader: &Reader,
    ) -> Batch {
        let mut owners = BTreeSet::new();
        let mut own = false;
        let shown: Vec<Bytes> = frames
            .iter()
            .map(|frame| match frame.shown(reader) {
                Shown::Common(bytes, of) => {
                    owners.extend(of.into_iter().flatten().flatten().cloned());
                    bytes
                }
                Shown::Own(bytes) => {
                    own = true;
                    bytes
                }
            })
            .collect();
        let last = after + frames.len() as u64;
        let batch = Batch::new(&shown, last);
        // What is made for one reader alone is of no use to others.
        if !own {
            let masked = matches!(reader, Reader::Masked { .. });
            let epoch = epoch.clone();
            let made =
                Made { epoch, after, masked, owners, full: last < head, batch: batch.clone() };
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == REMEMBERED {
                kept.pop_front();
            }
            kept.push_back(Arc::new(made));
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64, by: &str) -> Arc<Frame> {
        let data = format!(
            "{{\"changes\":[{{\"collection\":\"worklog\",\"id\":\"w{number}\",\"op\":\"upsert\",\
             \"value\":{{\"text\":\"mina@example.com\",\"requested_by\":\"{by}\"}}}}]}}"
        );
        Arc::new(Frame::new(format!("event: report\nid: a.{number}\ndata: {data}\n\n").into()))
    }

    fn epoch(text: &str) -> Epoch {
        Epoch::parse(text).unwrap()
    }

    fn masked(own: &str) -> Reader {
        Reader::Masked { own: own.into() }
    }

    #[test]
    fn readers_at_one_place_share_one_piece_of_memory() {
        let batches = Batches::default();
        let frames = [frame(8, "user:a"), frame(9, "user:a")];
        let made = batches.make(&epoch("aaaaaaaa"), 7, 9, &frames, &Reader::Clear);
        assert_eq!(made.last, 9);
        let found = batches.find(&epoch("aaaaaaaa"), 7, 9, &Reader::Clear).unwrap();
        assert_eq!(found.chunk().as_ptr(), made.chunk().as_ptr());
        assert!(batches.find(&epoch("aaaaaaaa"), 8, 9, &Reader::Clear).is_none(), "another place");
        assert!(batches.find(&epoch("bbbbbbbb"), 7, 9, &Reader::Clear).is_none(), "another life");
        assert!(
            batches.find(&epoch("aaaaaaaa"), 7, 10, &Reader::Clear).is_none(),
            "there is more by now"
        );
        assert!(
            batches.find(&epoch("aaaaaaaa"), 7, 9, &masked("user:b")).is_none(),
            "another class"
        );
    }

    #[test]
    fn a_chunk_is_its_length_the_frames_and_an_end() {
        let frames = [frame(1, "user:a")];
        let batch = Batches::default().make(&epoch("aaaaaaaa"), 0, 1, &frames, &Reader::Clear);
        let (frames, chunk) = (batch.frames(), batch.chunk());
        assert_eq!(chunk, [chunk_head(frames.len()).as_bytes(), &frames, CHUNK_END].concat());
        assert!(frames.starts_with(b"event: report\n") && frames.ends_with(b"\n\n"));
    }

    #[test]
    fn what_one_reader_may_see_reaches_no_other() {
        let batches = Batches::default();
        let frames = [frame(1, "user:a")];
        let of_owner = batches.make(&epoch("aaaaaaaa"), 0, 1, &frames, &masked("user:a"));
        assert!(String::from_utf8_lossy(&of_owner.frames()).contains("mina@example.com"));
        assert!(batches.find(&epoch("aaaaaaaa"), 0, 1, &masked("user:b")).is_none());
        let of_other = batches.make(&epoch("aaaaaaaa"), 0, 1, &frames, &masked("user:b"));
        assert!(!String::from_utf8_lossy(&of_other.frames()).contains("mina@example.com"));
        assert!(
            batches.find(&epoch("aaaaaaaa"), 0, 1, &masked("user:c")).is_some(),
            "shared by all others"
        );
        assert!(
            batches.find(&epoch("aaaaaaaa"), 0, 1, &masked("user:a")).is_none(),
            "but not by the owner"
        );
    }
}
