//! Requests that no proper client sends: every byte is the test's own.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::answer::Answer;

/// Sends bytes as they are and reads one answer to its end. The request should say
/// `connection: close`.
pub async fn raw(address: std::net::SocketAddr, request: &[u8]) -> Answer {
    let mut socket = TcpStream::connect(address).await.expect("the server listens");
    // The server may answer and close before it has read everything.
    let _ = socket.write_all(request).await;
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 << 10];
    let body_at = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match socket.read(&mut chunk).await {
            Ok(0) | Err(_) => panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)),
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
        }
    };
    let head = String::from_utf8(bytes[..body_at].to_vec()).expect("heads are ASCII here");
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = bytes[body_at..].to_vec();
    while body.len() < length {
        match socket.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(n) => body.extend_from_slice(&chunk[..n]),
        }
    }
    Answer::new(status, headers, body)
}
