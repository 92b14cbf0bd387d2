//! A raw HTTP/1.1 client that costs next to nothing: requests are bytes that were made before, and
//! of an answer it reads the status and skips the rest.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Error;
use crate::server::{ADMIN_KEY, SERVICE_KEY};

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A tenant of the benchmark, by number.
pub fn tenant(number: usize) -> String {
    format!("bench:p{number}")
}

/// The bytes of a request of a tenant, or of the platform admin.
pub fn request(method: &str, path: &str, tenant: Option<usize>, body: Option<&str>) -> Vec<u8> {
    let key = if tenant.is_some() { SERVICE_KEY } else { ADMIN_KEY };
    request_by(key, method, path, tenant, body)
}

/// The bytes of a request by a key, naming a tenant if one is given.
pub fn request_by(
    key: &str,
    method: &str,
    path: &str,
    tenant: Option<usize>,
    body: Option<&str>,
) -> Vec<u8> {
    let named = tenant
        .map_or(String::new(), |number| format!("x-org-id: bench\r\nx-project-id: p{number}\r\n"));
    let of_body = body.map_or(String::new(), |body| {
        format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len())
    });
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n{named}{of_body}\r\n"
    );
    (head + body.unwrap_or_default()).into_bytes()
}

/// One keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub async fn open(address: SocketAddr) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(16 << 10) })
    }

    /// Sends a request and reads its answer: the status and the body.
    ///
    /// # Errors
    /// The connection broke, or no answer came in time.
    pub async fn call(&mut self, request: &[u8]) -> Result<(u16, BytesMut), Error> {
        self.send(request).await?;
        tokio::time::timeout(PATIENCE, self.answer()).await.map_err(|_| "no answer in time")?
    }

    /// Sends a request.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn send(&mut self, request: &[u8]) -> Result<(), Error> {
        Ok(self.stream.write_all(request).await?)
    }

    async fn answer(&mut self) -> Result<(u16, BytesMut), Error> {
        loop {
            if let Some((status, head, body)) = parse(&self.buffer)?
                && self.buffer.len() >= head + body
            {
                self.buffer.advance(head);
                return Ok((status, self.buffer.split_to(body)));
            }
            self.read().await?;
        }
    }

    /// Reads and forgets whatever has come; says how much that was.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn drain(&mut self) -> Result<usize, Error> {
        let have = self.read().await?;
        self.buffer.clear();
        Ok(have)
    }

    /// Whatever comes next.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn more(&mut self) -> Result<BytesMut, Error> {
        self.read().await?;
        Ok(self.buffer.split())
    }

    async fn read(&mut self) -> Result<usize, Error> {
        self.buffer.reserve(16 << 10);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server closed the connection".into()),
            read => Ok(read),
        }
    }
}

/// Status, length of the head and length of the body, as soon as the head is whole.
///
/// # Errors
/// It is no head.
pub fn parse(buffer: &[u8]) -> Result<Option<(u16, usize, usize)>, Error> {
    let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&buffer[..end])?;
    let status = head.get(9..12).ok_or("an answer without status")?.parse()?;
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    Ok(Some((status, end + 4, length.transpose()?.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_measured_by_its_head() {
        let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(parse(answer).unwrap(), Some((202, answer.len() - 5, 5)));
        assert_eq!(parse(&answer[..30]).unwrap(), None);
    }
}
