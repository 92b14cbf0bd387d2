//! Requests to a server, for one tenant.

use std::time::Duration;

use nexus_core::tenant::Tenant;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::refusal::{ApiError, body_of, chain, refused};

/// Longest a request that is no stream may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Longest until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// What proves who asks.
#[derive(Clone)]
pub enum Credential {
    /// Nothing.
    None,
    /// A key of a program, sent as `X-API-Key`.
    Key(String),
    /// A person's session, sent as a bearer token.
    Session(String),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Key(_) => "Key(…)",
            Self::Session(_) => "Session(…)",
        })
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
    /// A client for one tenant. Fails if the address is no URL or the credential is no header.
    pub fn new(base: &str, tenant: &Tenant, credential: &Credential) -> Result<Self, ApiError> {
        let strange = |what: &str| ApiError::Strange(what.to_owned());
        let mut headers = HeaderMap::new();
        let part = |text: &str| HeaderValue::from_str(text).map_err(|_| strange("tenant"));
        headers.insert("x-org-id", part(tenant.org())?);
        headers.insert("x-project-id", part(tenant.project())?);
        let proof = match credential {
            Credential::None => None,
            Credential::Key(key) => Some(("x-api-key", key.clone())),
            Credential::Session(token) => Some(("authorization", format!("Bearer {token}"))),
        };
        if let Some((name, text)) = proof {
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
        let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case("text/event-stream") {
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
        write!(f, "Api({})", self.origin)
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
