//! [`YoutubeApi`]: `search.list` of the YouTube Data API v3, as strict about requests as the real one.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// Units that a search costs.
const SEARCH_UNITS: u64 = 100;

/// What the fake knows and has seen.
#[derive(Default)]
struct Book {
    key: String,
    videos: Vec<(String, String)>,
    units_left: u64,
    searches: Vec<BTreeMap<String, String>>,
    next_status: Option<u16>,
}

/// A real HTTP/1.1 server on a free port of 127.0.0.1; it stops when dropped.
pub struct YoutubeApi {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    server: AbortHandle,
}

fn open(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

impl YoutubeApi {
    /// Starts to listen for whoever has `key`, with the quota of a day; needs a Tokio runtime.
    ///
    /// # Errors
    /// No port could be had.
    #[expect(clippy::disallowed_methods, reason = "a fake has no supervisor; it ends on drop")]
    pub async fn start(key: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let book = Book { key: key.to_owned(), units_left: 10_000, ..Book::default() };
        let book = Arc::new(Mutex::new(book));
        let server = tokio::spawn(serve(listener, book.clone())).abort_handle();
        Ok(Self { address, book, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `YOUTUBE_API_URL` would be.
    pub fn url(&self) -> String {
        format!("http://{}/youtube/v3", self.address)
    }

    /// Publishes a video; a search finds it by any part of its title.
    pub fn publish(&self, video_id: &str, title: &str) {
        open(&self.book).videos.push((video_id.to_owned(), title.to_owned()));
    }

    /// How many units are left of the day's quota.
    pub fn set_units_left(&self, units: u64) {
        open(&self.book).units_left = units;
    }

    /// The next request is answered with this status and no more.
    pub fn fail_next(&self, status: u16) {
        open(&self.book).next_status = Some(status);
    }

    /// The parameters of every search that was answered.
    pub fn searches(&self) -> Vec<BTreeMap<String, String>> {
        open(&self.book).searches.clone()
    }
}

impl Drop for YoutubeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, book: Arc<Mutex<Book>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(connection(stream, book.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, book: Arc<Mutex<Book>>) {
    let service = service_fn(move |request| {
        let book = book.clone();
        async move { Ok::<_, Infallible>(answer(&request, &mut open(&book))) }
    });
    // A client that goes away is none of the fake's business.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn respond(status: u16, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}

/// An error as Google's APIs write it.
fn refuse(status: u16, reason: &str, message: &str) -> Response<Full<Bytes>> {
    let message = escape(message);
    respond(
        status,
        format!(
            "{{\"error\":{{\"code\":{status},\"message\":\"{message}\",\"errors\":[{{\"message\":\
             \"{message}\",\"domain\":\"youtube\",\"reason\":\"{reason}\"}}]}}}}"
        ),
    )
}

fn answer(request: &Request<Incoming>, book: &mut Book) -> Response<Full<Bytes>> {
    if let Some(status) = book.next_status.take() {
        return respond(status, "oops".to_owned());
    }
    if request.method() != "GET" || request.uri().path() != "/youtube/v3/search" {
        return refuse(404, "notFound", "Not found.");
    }
    let query = request.uri().query().unwrap_or_default();
    let params: BTreeMap<String, String> = query
        .split('&')
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| (name.to_owned(), decode(value)))
        .collect();
    let header = request.headers().get("x-goog-api-key").and_then(|key| key.to_str().ok());
    let key = header.or(params.get("key").map(String::as_str));
    match key {
        None => return refuse(403, "forbidden", "The request is missing a valid API key."),
        Some(key) if key != book.key => {
            return refuse(400, "badRequest", "API key not valid. Please pass a valid API key.");
        }
        Some(_) => {}
    }
    if book.units_left < SEARCH_UNITS {
        return refuse(403, "quotaExceeded", "The request cannot be completed: quota exceeded.");
    }
    if let Err(wrong) = check(&params) {
        return refuse(400, "invalidParameter", &wrong);
    }
    book.units_left -= SEARCH_UNITS;
    let most = params.get("maxResults").and_then(|most| most.parse().ok()).unwrap_or(5);
    let wanted = params.get("q").map(|q| q.to_lowercase()).unwrap_or_default();
    let found = book.videos.iter().filter(|(_, title)| title.to_lowercase().contains(&wanted));
    let items: Vec<String> = found.take(most).map(|(id, title)| item(id, title)).collect();
    let body = format!(
        "{{\"kind\":\"youtube#searchListResponse\",\"pageInfo\":{{\"totalResults\":{}}},\"items\":[{}]}}",
        items.len(),
        items.join(",")
    );
    book.searches.push(params);
    respond(200, body)
}

/// What the real one refuses, of what a search here may send.
fn check(params: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in params {
        let fine = match name.as_str() {
            "part" => value == "snippet",
            "type" => value == "video",
            "videoEmbeddable" => ["any", "true"].contains(&value.as_str()),
            "safeSearch" => ["none", "moderate", "strict"].contains(&value.as_str()),
            "maxResults" => value.parse::<u32>().is_ok_and(|most| most <= 50),
            "regionCode" => value.len() == 2 && value.bytes().all(|b| b.is_ascii_alphabetic()),
            "relevanceLanguage" => value.len() >= 2 && value.is_ascii(),
            "q" | "fields" | "key" => true,
            _ => return Err(format!("Unknown name {name}")),
        };
        if !fine {
            return Err(format!("Invalid value for {name}: {value}"));
        }
    }
    if !params.contains_key("part") {
        return Err("Required parameter: part".to_owned());
    }
    if params.contains_key("videoEmbeddable") && !params.contains_key("type") {
        return Err("videoEmbeddable needs type=video".to_owned());
    }
    Ok(())
}

/// Titles come with HTML entities in them, as the real ones do.
fn item(id: &str, title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;");
    let title = escape(&title);
    format!(
        "{{\"id\":{{\"kind\":\"youtube#video\",\"videoId\":\"{id}\"}},\"snippet\":{{\"title\":\"{title}\",\
         \"channelTitle\":\"A channel\",\"publishedAt\":\"2024-01-01T00:00:00Z\",\"thumbnails\":\
         {{\"medium\":{{\"url\":\"https://i.ytimg.com/vi/{id}/mqdefault.jpg\"}}}}}}}}"
    )
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A value of a query as it was meant.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
