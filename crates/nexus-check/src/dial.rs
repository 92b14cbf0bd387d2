//! Connections: TCP or TLS, HTTP/1.1 or HTTP/2, one at a time and never pooled, so that a check
//! decides when one begins and when it is cut.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls_platform_verifier::ConfigVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use url::Url;

/// Longest until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// A version of HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Version {
    Http1,
    Http2,
}

/// Bytes to and from a server.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Where the server is and how it is reached.
pub(crate) struct Dialer {
    pub url: Url,
    host: String,
    port: u16,
    /// For `https`: a connector for each version.
    tls: Option<[TlsConnector; 2]>,
}

fn invalid(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.into())
}

impl Dialer {
    /// Reads the address; certificates are trusted as this machine trusts them.
    pub fn new(url: &str) -> io::Result<Self> {
        let url = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
        let host = url.host_str().ok_or_else(|| invalid("no host"))?.to_owned();
        let port = url.port_or_known_default().ok_or_else(|| invalid("no port"))?;
        let tls = match url.scheme() {
            "http" => None,
            "https" => Some([connector(b"http/1.1")?, connector(b"h2")?]),
            other => return Err(invalid(format!("{other} is neither http nor https"))),
        };
        Ok(Self { url, host, port, tls })
    }

    /// Host and port as requests name them.
    pub fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// A connection without HTTP on it yet.
    pub async fn wire(&self, version: Version) -> io::Result<Box<dyn Wire>> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let connecting = TcpStream::connect((host, self.port));
        let tcp = tokio::time::timeout(CONNECT, connecting)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        tcp.set_nodelay(true)?;
        let Some([http1, http2]) = &self.tls else { return Ok(Box::new(tcp)) };
        let (connector, wanted) = match version {
            Version::Http1 => (http1, &b"http/1.1"[..]),
            Version::Http2 => (http2, &b"h2"[..]),
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|_| invalid("no host name"))?;
        let tls = connector.connect(name, tcp).await?;
        // A server without ALPN speaks HTTP/1.1.
        let chosen = tls.get_ref().1.alpn_protocol().unwrap_or(b"http/1.1");
        if chosen != wanted {
            let why = "the server does not offer this version of HTTP over TLS";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        Ok(Box::new(tls))
    }

    /// A connection for requests.
    pub async fn connect(&self, version: Version) -> io::Result<Connection> {
        let io = TokioIo::new(self.wire(version).await?);
        let mut driver = JoinSet::new();
        let sender = match version {
            Version::Http1 => {
                let (sender, connection) = http1::handshake(io).await.map_err(other)?;
                driver.spawn(async move { drop(connection.await) });
                Sender::Http1(sender)
            }
            Version::Http2 => {
                let shaking = http2::handshake(TokioExecutor::new(), io).await;
                let (sender, connection) = shaking.map_err(other)?;
                driver.spawn(async move { drop(connection.await) });
                Sender::Http2(sender)
            }
        };
        Ok(Connection { sender, driver })
    }
}

fn connector(protocol: &[u8]) -> io::Result<TlsConnector> {
    let mut config = rustls::ClientConfig::with_platform_verifier()
        .map_err(|error| invalid(error.to_string()))?;
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn other(error: hyper::Error) -> io::Error {
    io::Error::other(error)
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// A connection that is cut when it is dropped.
pub(crate) struct Connection {
    sender: Sender,
    driver: JoinSet<()>,
}

impl Connection {
    /// Sends a request and waits for the head of the answer.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> io::Result<Response<Incoming>> {
        match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await.map_err(other)?;
                sender.send_request(request).await.map_err(other)
            }
            Sender::Http2(sender) => {
                sender.ready().await.map_err(other)?;
                sender.send_request(request).await.map_err(other)
            }
        }
    }

    /// What keeps the connection alive while an answer is read from it.
    pub fn into_driver(self) -> JoinSet<()> {
        self.driver
    }
}
