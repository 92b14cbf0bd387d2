//! Handing a socket over: an answer that never ends needs nothing of HTTP any more once its head has
//! left, so whoever writes it may have the socket itself and spare the buffers and the task that a
//! request needs. Only HTTP/1.1 over plain TCP allows it; elsewhere the request carries no
//! [`Handover`] and the answer is a body like any other.
//!
//! The one who takes over goes on in the chunked coding (RFC 9112, 7.1) that the head announced.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use hyper::rt::{Read, ReadBufCursor, Write};

/// What becomes of the socket.
pub(super) type Taker = Box<dyn FnOnce(Socket) + Send>;

/// A socket that was handed over, and what its connection holds until it is closed.
pub struct Socket {
    /// Non-blocking, registered nowhere.
    pub stream: std::net::TcpStream,
    /// To be dropped with the socket: the connection counts as open until then.
    pub held: Box<dyn Send>,
}

/// Stands in a request's extensions where its socket can be had.
#[derive(Clone, Default)]
pub struct Handover(Arc<State>);

#[derive(Default)]
struct State {
    taker: Mutex<Option<Taker>>,
    /// The head is written: hyper has asked for the body.
    parked: AtomicBool,
    /// Whether hyper wrote since it flushed.
    unflushed: AtomicBool,
}

impl Handover {
    /// The body to answer with: nothing comes of it, and once the head has left, `taker` gets the
    /// socket. It is dropped if the peer leaves before.
    pub fn body(&self, taker: impl FnOnce(Socket) + Send + 'static) -> axum::body::Body {
        *self.taker() = Some(Box::new(taker));
        axum::body::Body::new(Parked(Arc::clone(&self.0)).boxed_unsync())
    }

    /// Whoever takes the socket, once everything before the body is on its way.
    pub(super) fn ready(&self) -> Option<Taker> {
        let ready =
            self.0.parked.load(Ordering::Acquire) && !self.0.unflushed.load(Ordering::Acquire);
        if ready { self.taker().take() } else { None }
    }

    fn taker(&self) -> std::sync::MutexGuard<'_, Option<Taker>> {
        self.0.taker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that says when it is asked for, and nothing else.
struct Parked(Arc<State>);

impl hyper::body::Body for Parked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.parked.store(true, Ordering::Release);
        Poll::Pending
    }
}

/// A socket that knows whether what was written to it is on its way.
pub(super) struct Watched<I> {
    io: I,
    handover: Handover,
}

impl<I> Watched<I> {
    pub fn new(io: I, handover: &Handover) -> Self {
        Self { io, handover: handover.clone() }
    }

    pub fn into_inner(self) -> I {
        self.io
    }
}

impl<I: Read + Unpin> Read for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<I: Write + Unpin> Write for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.handover.0.unflushed.store(true, Ordering::Release);
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        // hyper flushes the socket when it has nothing left to write to it.
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        if flushed.is_ready() {
            self.handover.0.unflushed.store(false, Ordering::Release);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.handover.0.unflushed.store(true, Ordering::Release);
        Pin::new(&mut self.io).poll_write_vectored(cx, pieces)
    }
}
