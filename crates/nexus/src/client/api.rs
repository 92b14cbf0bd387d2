//! Requests to a server and what it refuses.

use std::path::Path;
use std::time::Duration;

use nexus_core::tenant::Tenant;
use nexus_kit::http::principal::SESSION_PREFIX;
use nexus_kit::settings::Secret;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// Longest a request that is no stream may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Longest until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// Largest answer that is read.
const MAX_ANSWER: usize = 64 << 20;

/// A field that the server found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// JSON Pointer.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

/// An answer that is no success: `application/problem+json`, or whatever stood in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Stable code; empty if the answer was no problem document.
    pub code: String,
    /// What happened.
    pub detail: String,
    /// Fields that are wrong.
    pub errors: Vec<FieldFault>,
    /// Ties the refusal to the server's log.
    pub correlation_id: Option<String>,
    /// The ask that it is about.
    pub ask_id: Option<String>,
    /// Seconds to wait.
    pub retry_after: Option<u64>,
}

/// Why a request gave nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApiError {
    /// No answer: no connection, or it broke, or it took too long.
    #[error("{0}")]
    Unreachable(String),
    /// The server answered with something else than success.
    #[error("{} {}: {}", .0.status, .0.code, .0.detail)]
    Refused(Box<Refusal>),
    /// The server answered with something that is not what was asked for.
    #[error("{0}")]
    Strange(String),
}

impl ApiError {
    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the same request may succeed a little later.
    pub fn passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused(refusal) => {
                refusal.status >= 500 || matches!(refusal.status, 408 | 425 | 429)
            }
            Self::Strange(_) => false,
        }
    }
}

/// A server, a tenant and a key. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    /// Scheme, host and port: all of the address that is ever shown.
    origin: String,
    tenant: Tenant,
}

impl Api {
    /// A client for one tenant and one key or session; an empty one is not sent.
    pub fn new(base: &str, tenant: &Tenant, key: &Secret) -> Result<Self, ApiError> {
        let strange = |what: &str| ApiError::Strange(what.to_owned());
        let mut headers = HeaderMap::new();
        let part = |text: &str| HeaderValue::from_str(text).map_err(|_| strange("tenant"));
        headers.insert("x-org-id", part(tenant.org())?);
        headers.insert("x-project-id", part(tenant.project())?);
        if !key.is_empty() {
            let (name, text) = match key.expose() {
                session if session.starts_with(SESSION_PREFIX) => {
                    ("authorization", format!("Bearer {session}"))
                }
                key => ("x-api-key", key.to_owned()),
            };
            let mut value =
                HeaderValue::from_str(&text).map_err(|_| strange("the key is no header"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("nexus/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(CONNECT)
            // The key is for this server, not for where it points.
            .redirect(reqwest::redirect::Policy::none());
        if loopback(base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| ApiError::Strange(chain(&error)))?;
        let base = base.trim_end_matches('/').to_owned();
        let origin =
            url::Url::parse(&base).map_err(|error| ApiError::Strange(error.to_string()))?;
        let origin = origin.origin().ascii_serialization();
        Ok(Self { http, base, origin, tenant: tenant.clone() })
    }

    /// Where the server is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whose.
    pub fn tenant(&self) -> &str {
        self.tenant.key()
    }

    /// Reads.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, ApiError> {
        self.send(Method::GET, path, query, None, &[]).await
    }

    /// Every item of a list that has no pages.
    pub async fn all(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, ApiError> {
        items_of(path, &mut self.get(path, query).await?)
    }

    /// Every item of a list, page by page, at most `most`.
    pub async fn list(
        &self,
        path: &str,
        query: &[(&str, &str)],
        most: usize,
    ) -> Result<Vec<Value>, ApiError> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let limit = most.saturating_sub(items.len()).clamp(1, 100).to_string();
            let mut query: Vec<(&str, &str)> = query.to_vec();
            query.push(("limit", &limit));
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let mut page = self.get(path, &query).await?;
            let found = items_of(path, &mut page)?;
            let empty = found.is_empty();
            items.extend(found);
            let next = page.get("next").and_then(Value::as_str).map(str::to_owned);
            // A cursor that does not move would be asked for ever.
            if items.len() >= most || empty || next.is_none() || next == cursor {
                items.truncate(most);
                return Ok(items);
            }
            cursor = next;
        }
    }

    /// Writes.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.send(Method::POST, path, &[], Some(body), &[]).await
    }

    /// Writes at most once under a key of the caller's.
    pub async fn post_once(&self, path: &str, body: &Value, key: &str) -> Result<Value, ApiError> {
        self.send(Method::POST, path, &[], Some(body), &[("idempotency-key", key)]).await
    }

    /// Writes, with a query.
    pub async fn post_to(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &Value,
    ) -> Result<Value, ApiError> {
        self.send(Method::POST, path, query, Some(body), &[]).await
    }

    /// Replaces; `confirm` says the target once more where the server asks for that.
    pub async fn put(
        &self,
        path: &str,
        confirm: Option<&str>,
        body: &Value,
    ) -> Result<Value, ApiError> {
        let query: Vec<(&str, &str)> =
            confirm.map(|target| ("confirm", target)).into_iter().collect();
        self.send(Method::PUT, path, &query, Some(body), &[]).await
    }

    /// Removes.
    pub async fn delete(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, ApiError> {
        self.send(Method::DELETE, path, query, None, &[]).await
    }

    /// Opens the stream; the answer is its body, read with [`reqwest::Response::chunk`].
    pub async fn open_stream(&self, last_id: Option<&str>) -> Result<reqwest::Response, ApiError> {
        let mut request = self
            .http
            .get(format!("{}/agent/reports/stream", self.base))
            .header("accept", "text/event-stream");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        // No limit for the whole: a stream lasts. The headers must come soon, though.
        let response = tokio::time::timeout(TIMEOUT, request.send())
            .await
            .map_err(|_| self.unreachable("no answer in time"))?
            .map_err(|error| self.unreachable(&chain(&error)))?;
        if response.status() != StatusCode::OK {
            return Err(refused(response).await);
        }
        let kind = response.headers().get("content-type").and_then(|v| v.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
            return Err(ApiError::Strange("the answer is no event stream".into()));
        }
        Ok(response)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Value, ApiError> {
        let mut url = url::Url::parse(&format!("{}{path}", self.base))
            .map_err(|error| ApiError::Strange(error.to_string()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.http.request(method, url).timeout(TIMEOUT);
        request = request.header("accept", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| self.unreachable(&chain(&error)))?;
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        let bytes = body_of(response).await?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|_| {
            ApiError::Strange("the answer is not JSON; is this a NEXUS server?".into())
        })
    }

    fn unreachable(&self, why: &str) -> ApiError {
        ApiError::Unreachable(format!("{}: {why}", self.origin))
    }
}

fn items_of(path: &str, page: &mut Value) -> Result<Vec<Value>, ApiError> {
    match page.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(ApiError::Strange(format!("{path}: no items in the answer"))),
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Api({})", self.base)
    }
}

/// One segment of a path: an id that a person typed never becomes two, nor one above.
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&nexus_core::json::hex(&[byte]).to_ascii_uppercase());
        }
    }
    // Dots walk even when they are escaped; no id is only dots, so this one is simply not found.
    if matches!(text, "" | "." | "..") { format!("{out}~") } else { out }
}

/// Whether a server's address never leaves this machine.
pub fn loopback(base: &str) -> bool {
    let host = url::Url::parse(base).ok();
    match host.as_ref().and_then(url::Url::host) {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Reads JSON from `-` (standard input), `@path`, or the text itself.
pub fn json_argument(text: &str) -> Result<Value, String> {
    let bytes = match text.strip_prefix('@') {
        Some(path) => std::fs::read(Path::new(path)).map_err(|error| format!("{path}: {error}"))?,
        None if text == "-" => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes)
                .map_err(|error| error.to_string())?;
            bytes
        }
        None => text.as_bytes().to_vec(),
    };
    nexus_core::json::parse(&bytes).map_err(|error| error.to_string())
}

async fn body_of(mut response: reqwest::Response) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_ANSWER => bytes.extend(chunk),
            Ok(Some(_)) => return Err(ApiError::Strange("the answer is too large".into())),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(ApiError::Unreachable(chain(&error))),
        }
    }
}

async fn refused(response: reqwest::Response) -> ApiError {
    let status = response.status();
    let retry_after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    let bytes = body_of(response).await.unwrap_or_default();
    let problem: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let text = |name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
    let errors = problem.get("errors").and_then(Value::as_array).map(|errors| {
        errors
            .iter()
            .map(|error| {
                let part = |name| error.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
                FieldFault { path: part("path"), message: part("message") }
            })
            .collect()
    });
    ApiError::Refused(Box::new(Refusal {
        status: status.as_u16(),
        code: text("code").unwrap_or_default(),
        detail: text("detail")
            .or_else(|| text("title"))
            .unwrap_or_else(|| status.canonical_reason().unwrap_or("refused").to_owned()),
        errors: errors.unwrap_or_default(),
        correlation_id: text("correlation_id"),
        ask_id: text("ask_id"),
        retry_after,
    }))
}

/// Why a request failed, in few words and without the address: that may hold what nobody should
/// read.
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut next: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(cause) = next {
        let part = cause.to_string();
        // No more than the system's own words, where there are some.
        let part = part.split(" (os error ").next().unwrap_or_default().to_lowercase();
        if error.is_connect() || cause.is::<std::io::Error>() {
            text = part;
        } else if !text.contains(&part) {
            // Causes often repeat what stands behind them.
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
        next = cause.source();
    }
    if error.is_timeout() {
        text = "no answer in time".into();
    }
    if text.is_empty() { "the request failed".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment() {
        assert_eq!(segment("tsk_01.a"), "tsk_01.a");
        assert_eq!(segment("../x?y#z"), "..%2Fx%3Fy%23z");
        assert_eq!(segment("a b"), "a%20b");
        for walking in ["", ".", "..", "../..", "%2e%2e"] {
            let url = format!("http://h/tasks/{}/cancel", segment(walking));
            let path = url::Url::parse(&url).unwrap().path().to_owned();
            assert_eq!(path.split('/').count(), 4, "{walking}: {path}");
            assert!(path.starts_with("/tasks/") && !path.contains("//"), "{walking}: {path}");
        }
    }

    #[test]
    fn loopback_is_told_from_a_network() {
        for (base, here) in [
            ("http://127.0.0.1:8000", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://nexus:8000", false),
            ("https://nexus.example", false),
        ] {
            assert_eq!(loopback(base), here, "{base}");
        }
    }
}
