//! One socket of the reactor: what it still has to take, and what came of trying.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice, Read as _, Write as _};
use std::net::Shutdown;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use mio::net::TcpStream;
use nexus_core::time::Time;
use nexus_kit::hub::{Batch, CHUNK_END, chunk_head};
use rustix::net::sockopt;

use crate::feed::Feed;

/// What the kernel keeps for a reader that does not read: bounded, so that a stuck one costs little.
const SEND_BUFFER: usize = 256 << 10;

/// Pieces that one write takes.
const PIECES: usize = 16;

/// What a client may send after its request: nothing is expected, and nothing is kept.
const MOST_RECEIVED: usize = 64 << 10;

/// What ends a body in the chunked coding.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A stream and its socket.
pub(super) struct Connection {
    pub socket: TcpStream,
    /// Counts as an open connection until it is dropped.
    _held: Box<dyn Send>,
    /// Away while the store is asked.
    pub feed: Option<Box<Feed>>,
    /// Rings when something concerns the stream.
    pub bell: Waker,
    /// Which channel it belongs to.
    pub channel: usize,
    pieces: VecDeque<Bytes>,
    /// Bytes of the first piece that are gone.
    gone: usize,
    received: usize,
    /// Since when the socket has taken nothing of what waits.
    pub blocked_since: Option<Time>,
    /// When it is looked at again at the latest.
    pub due: Option<Time>,
    ending: bool,
}

/// What came of writing.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Wrote {
    /// Everything is gone.
    All,
    /// The socket is full.
    Blocked,
    /// The stream is over and has been told so.
    Over,
    /// The peer is gone.
    Gone,
}

impl Connection {
    pub fn new(
        socket: std::net::TcpStream,
        held: Box<dyn Send>,
        feed: Box<Feed>,
        bell: Waker,
        channel: usize,
        stuck: Duration,
    ) -> Self {
        // Without it the kernel decides by itself, up to megabytes.
        let _ = sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER);
        // A peer that vanished acknowledges nothing; a ping finds that out.
        let stuck = u32::try_from(stuck.as_millis()).unwrap_or(u32::MAX);
        let _ = sockopt::set_tcp_user_timeout(&socket, stuck);
        Self {
            socket: TcpStream::from_std(socket),
            _held: held,
            feed: Some(feed),
            bell,
            channel,
            pieces: VecDeque::new(),
            gone: 0,
            received: 0,
            blocked_since: None,
            due: None,
            ending: false,
        }
    }

    /// Reports to send.
    pub fn push_batch(&mut self, batch: &Batch) {
        self.pieces.push_back(batch.chunk());
    }

    /// Other frames to send, as one chunk.
    pub fn push(&mut self, frames: VecDeque<Bytes>) {
        let length = frames.iter().map(Bytes::len).sum();
        self.pieces.push_back(chunk_head(length).into());
        self.pieces.extend(frames);
        self.pieces.push_back(Bytes::from_static(CHUNK_END));
    }

    /// Nothing more follows.
    pub fn end(&mut self) {
        self.ending = true;
        self.pieces.push_back(Bytes::from_static(LAST_CHUNK));
    }

    /// Writes what the socket takes of what waits; `now` is when.
    pub fn write(&mut self, now: Time) -> Wrote {
        while !self.pieces.is_empty() {
            match self.write_some() {
                Ok(0) => return Wrote::Gone,
                Ok(count) => {
                    self.take_off(count);
                    self.blocked_since = None;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.blocked_since.get_or_insert(now);
                    return Wrote::Blocked;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Wrote::Gone,
            }
        }
        // A queue that was used once would hold its memory for ever.
        self.pieces = VecDeque::new();
        if self.ending {
            let _ = self.socket.shutdown(Shutdown::Write);
            return Wrote::Over;
        }
        Wrote::All
    }

    fn write_some(&mut self) -> std::io::Result<usize> {
        if let [only] = self.pieces.make_contiguous() {
            return self.socket.write(&only[self.gone..]);
        }
        let slices: [IoSlice<'_>; PIECES] = std::array::from_fn(|at| {
            let piece = self.pieces.get(at).map_or(&[][..], |piece| piece);
            IoSlice::new(if at == 0 { &piece[self.gone..] } else { piece })
        });
        let count = self.pieces.len().min(PIECES);
        self.socket.write_vectored(&slices[..count])
    }

    fn take_off(&mut self, mut count: usize) {
        while let Some(first) = self.pieces.front() {
            let left = first.len() - self.gone;
            if count < left {
                self.gone += count;
                return;
            }
            count -= left;
            self.gone = 0;
            self.pieces.pop_front();
        }
    }

    /// Takes what the peer sends and throws it away; says whether it is still there.
    pub fn read(&mut self) -> bool {
        let mut scratch = [0; 1024];
        loop {
            match self.socket.read(&mut scratch) {
                Ok(0) => return false,
                Ok(count) => {
                    self.received += count;
                    if self.received > MOST_RECEIVED {
                        return false;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }
}
