//! Talking to a server: requests, the event-stream parser, and a stream that comes back by itself.

pub mod api;
pub mod sse;
pub mod stream;
