//! Request bodies: bounded in size and time, strictly JSON, every wrong field named.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::fields;
use super::problem::Problem;
use crate::settings;

/// The bounds of a request's body; a route with others of its own inserts its own.
#[derive(Clone, Debug)]
pub struct Limits(pub Arc<settings::Http>);

impl Limits {
    fn of(request: &Request) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(|| Self(Arc::default()))
    }
}

/// The bytes of a body, whatever they are; for routes that check a signature before they read.
#[derive(Clone, Debug)]
pub struct Raw(pub Bytes);

impl<S: Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request).await.map(Self)
    }
}

/// A JSON body as `T`. Fields that `T` does not have are refused; `#[serde(flatten)]` hides them, so
/// request types do without it.
#[derive(Clone, Copy, Debug)]
pub struct Body<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        // A POST that has nothing to say needs no body: it says {}.
        let typed = check_json(request.headers());
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return fields::read(b"{}").map(Self);
        }
        typed?;
        fields::read(&bytes).map(Self)
    }
}

/// Reads `T` from bytes that were taken with [`Raw`], with the same refusals as [`Body`].
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    fields::read(bytes)
}

/// Refuses all but one `application/json` or `…+json`: a body that one program reads as JSON and
/// another as a form is two requests.
pub fn check_json(headers: &HeaderMap) -> Result<(), Problem> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let one = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    };
    let essence = one.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    let json = essence.split_once('/').is_some_and(|(kind, subtype)| {
        kind.eq_ignore_ascii_case("application")
            && (subtype.eq_ignore_ascii_case("json")
                || subtype.to_ascii_lowercase().ends_with("+json"))
    });
    // Nothing here unpacks; what is sent packed would be read as it is.
    if json && !headers.contains_key(header::CONTENT_ENCODING) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Send the body as Content-Type: application/json, without Content-Encoding.",
    ))
}

async fn read(request: Request) -> Result<Bytes, Problem> {
    let Limits(settings) = Limits::of(&request);
    let most = settings.max_body_bytes;
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large(most));
    }
    let collect = Limited::new(request.into_body(), most).collect();
    match tokio::time::timeout(settings.body_timeout, collect).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(most)),
        Ok(Err(_)) => Err(Problem::bad_request("broken_body", "The body did not arrive whole.")),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_timeout",
            format!("The body did not arrive within {} s.", settings.body_timeout.as_secs()),
        )),
    }
}

fn too_large(most: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("The body is larger than {most} bytes."),
    )
}
