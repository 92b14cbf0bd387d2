//! A stream over a socket of the test's own: read as slowly as the test wants, or not at all.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::client::Client;
use crate::world::PATIENCE;

/// What the kernel keeps of what a reader has not read: little, so that it is soon full.
const RECEIVE_BUFFER: u32 = 4_096;

/// An open stream whose bytes are all the test's.
pub struct RawStream {
    /// The socket.
    pub socket: TcpStream,
    /// Status line and headers.
    pub head: String,
    body: Vec<u8>,
}

impl RawStream {
    /// Opens a stream in this version of HTTP (`1.1`, `1.0`), with more headers if need be, and reads
    /// the head of the answer.
    pub async fn open(client: &Client, version: &str, headers: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(RECEIVE_BUFFER).unwrap();
        let mut socket = socket.connect(client.address()).await.expect("the server listens");
        let (org, project) = client.tenant.clone().expect("a tenant");
        let request = format!(
            "GET /agent/reports/stream HTTP/{version}\r\nhost: localhost\r\nx-api-key: {}\r\n\
             x-org-id: {org}\r\nx-project-id: {project}\r\n{headers}\r\n",
            client.key.as_deref().unwrap_or_default(),
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(socket.read_u8().await.expect("a head"));
        }
        let head = String::from_utf8(bytes).expect("heads are ASCII here");
        Self { socket, head, body: Vec::new() }
    }

    /// Reads what has come, at most so many bytes, and waits for the first.
    pub async fn read(&mut self, most: usize) -> usize {
        let mut bytes = vec![0; most];
        let read = tokio::time::timeout(PATIENCE, self.socket.read(&mut bytes)).await;
        let count = read.expect("nothing came on the stream").unwrap_or(0);
        self.body.extend_from_slice(&bytes[..count]);
        count
    }

    /// Reads until a text has come.
    pub async fn until(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.body).contains(text) {
            assert!(self.read(64 << 10).await > 0, "the stream ended before {text}");
        }
    }

    /// Reads to the end: everything that came, out of its chunks, and whether it ended as HTTP says.
    pub async fn rest(mut self) -> (String, bool) {
        while self.read(64 << 10).await > 0 {}
        if !self.head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            return (String::from_utf8(self.body).expect("frames are UTF-8"), true);
        }
        let mut rest = self.body.as_slice();
        let mut body = Vec::new();
        let whole = loop {
            let Some(line) = rest.windows(2).position(|two| two == b"\r\n") else { break false };
            let length = std::str::from_utf8(&rest[..line]).expect("a chunk's length");
            let length = usize::from_str_radix(length, 16).expect("a chunk's length");
            let Some(chunk) = rest.get(line + 2..line + 2 + length) else { break false };
            body.extend_from_slice(chunk);
            let Some(end) = rest.get(line + 2 + length..line + 4 + length) else { break false };
            assert_eq!(end, b"\r\n", "a chunk's end");
            rest = &rest[line + 4 + length..];
            if length == 0 {
                assert!(rest.is_empty(), "nothing follows the last chunk");
                break true;
            }
        };
        (String::from_utf8_lossy(&body).into_owned(), whole)
    }
}
