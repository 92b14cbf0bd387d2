//! Request bodies: bounded in size and time, strict JSON, and every wrong field named.

use std::time::Duration;

use axum::extract::{FromRef, FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use nexus_core::json;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::problem::{FieldError, Problem};
use crate::app::App;

/// A JSON body read into `T`; a body that is not there counts as `{}`.
///
/// `T` should deny unknown fields, so that a mistyped one is refused and not forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Body<T>(pub T);

impl<S, T> FromRequest<S> for Body<T>
where
    S: Send + Sync,
    App: FromRef<S>,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let app = App::from_ref(state);
        read_json(&read(request, &app).await?).map(Self)
    }
}

/// A JSON body as the bytes that were sent, for handlers that check a signature over them before
/// they read them with [`read_json`]; the same bounds as [`Body`].
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

impl<S> FromRequest<S> for RawBody
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let app = App::from_ref(state);
        read(request, &app).await.map(Self)
    }
}

/// Reads strict JSON into `T`; no bytes at all count as `{}`.
///
/// # Errors
/// 400 for what is not JSON as NEXUS takes it; 422 for what is no object, and with the field for
/// what `T` does not take.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    let value = json::parse(bytes).map_err(|error| {
        Problem::bad_request(error.code(), format!("The body cannot be read: {error}."))
    })?;
    if !value.is_object() {
        // serde would take a list for an object, its items for the fields in their order.
        return Err(wrong(String::new(), "expected an object".to_owned()));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let message = error.inner().to_string();
        wrong(pointer(error.path(), &message), message)
    })
}

fn wrong(path: String, message: String) -> Problem {
    Problem::unprocessable("invalid_fields", "Some fields are wrong; see errors.")
        .with_errors(vec![FieldError { path, message }])
}

/// The path as a JSON Pointer (RFC 6901), down to the field that is missing.
fn pointer(path: &serde_path_to_error::Path, message: &str) -> String {
    let mut pointer = String::new();
    let mut push = |name: &str| {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
    };
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&index.to_string()),
            Segment::Map { key } => push(key),
            // A variant is no level of the JSON text where it is a string; what is below it is
            // named by the message.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    if let Some(rest) = message.strip_prefix("missing field `")
        && let Some((name, _)) = rest.split_once('`')
    {
        push(name);
    }
    pointer
}

async fn read(request: Request, app: &App) -> Result<Bytes, Problem> {
    let settings = &app.settings.http;
    let (parts, mut body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    content_type(&parts.headers)?;
    let declared = body.size_hint().exact();
    if declared.is_some_and(|bytes| bytes > settings.max_body_bytes as u64) {
        return Err(too_large(settings.max_body_bytes));
    }
    let whole = collect(&mut body, declared, settings.max_body_bytes);
    tokio::time::timeout(settings.body_timeout, whole)
        .await
        .unwrap_or_else(|_| Err(too_slow(settings.body_timeout)))
}

async fn collect(
    body: &mut axum::body::Body,
    declared: Option<u64>,
    most: usize,
) -> Result<Bytes, Problem> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::bad_request("body_incomplete", "The body ended before it was whole.")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > most {
            return Err(too_large(most));
        }
        if declared == Some(data.len() as u64) {
            // The usual case: all of it in one piece, which needs no copy.
            return Ok(data);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let json = match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().is_ok_and(is_json),
        _ => false,
    };
    let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    if json && plain {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Send JSON, uncompressed, with the header content-type: application/json.",
    ))
}

/// `application/json` or `*/*+json`, whatever parameters follow.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || essence.split_once('/').is_some_and(|(kind, sub)| {
            !kind.is_empty() && sub.len() > "+json".len() && sub.ends_with("+json")
        })
}

fn too_large(most: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("A body has at most {most} bytes (NEXUS_MAX_BODY_BYTES)."),
    )
}

fn too_slow(most: Duration) -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "body_timeout",
        format!("The body was not whole after {} s. Send it again, faster.", most.as_secs()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        steps: Vec<Step>,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Step {
        count: u32,
        kind: Kind,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Read,
    }

    fn refused(text: &str) -> Problem {
        read_json::<Outer>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn no_body_is_an_empty_object() {
        assert_eq!(read_json::<Outer>(b"").unwrap(), Outer::default());
        assert_eq!(refused(" ").code, "not_json");
    }

    #[test]
    fn what_is_no_strict_json_is_400_with_its_code() {
        for (text, code) in [
            ("{", "not_json"),
            (r#"{"name":"a","name":"b"}"#, "duplicate_key"),
            (r#"{"name":9007199254740993}"#, "unsafe_integer"),
        ] {
            let problem = refused(text);
            assert_eq!((problem.status, problem.code), (400, code), "{text}");
        }
    }

    #[test]
    fn a_wrong_field_is_422_and_named_by_its_pointer() {
        for (text, path) in [
            (r#"{"nme":"a"}"#, "/nme"),
            (r#"{"a/b~c":1}"#, "/a~1b~0c"),
            (r#"{"name":7}"#, "/name"),
            (r#"{"steps":[{"count":1,"kind":"read"},{"kind":"read"}]}"#, "/steps/1/count"),
            (r#"{"steps":[{"count":-1,"kind":"read"}]}"#, "/steps/0/count"),
            (r#"{"steps":[{"count":1,"kind":"wirte"}]}"#, "/steps/0/kind"),
            ("[]", ""),
            ("null", ""),
        ] {
            let problem = refused(text);
            assert_eq!((problem.status, problem.code), (422, "invalid_fields"), "{text}");
            assert_eq!(problem.errors.len(), 1, "{text}");
            assert_eq!(problem.errors[0].path, path, "{text}: {}", problem.errors[0].message);
        }
    }

    #[test]
    fn json_types_are_told_from_others() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.nexus+json",
            "application/json ;x=y",
        ] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "json",
            "text/json",
            "text/plain",
            "application/jsonx",
            "application/+json",
            "+json",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
