//! What a server refuses, and why a request gave nothing.

use serde_json::Value;

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

    /// Whether the same request may succeed a little later: no answer, a fault of the server, or one
    /// that is busy. Everything else is final.
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

pub(crate) async fn body_of(mut response: reqwest::Response) -> Result<Vec<u8>, ApiError> {
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

/// What an answer says that is no success.
pub(crate) async fn refused(response: reqwest::Response) -> ApiError {
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
