//! `/ui`.

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use utoipa::OpenApi as _;

use crate::page::PAGE;

/// Nothing of the machine but sound and picture, and those for the player alone.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), \
     gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=(), \
     autoplay=(self \"https://www.youtube-nocookie.com\"), \
     fullscreen=(self \"https://www.youtube-nocookie.com\"), \
     encrypted-media=(self \"https://www.youtube-nocookie.com\"), \
     picture-in-picture=(self \"https://www.youtube-nocookie.com\")";

#[derive(utoipa::OpenApi)]
#[openapi(paths(get_console))]
struct Api;

/// The description of these routes.
pub fn api() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// `/ui`: public. Who is signed in, and where, is the page's own business.
pub fn console() -> Router {
    Router::new().route("/ui", get(get_console)).route("/ui/", get(get_console))
}

/// The console.
#[utoipa::path(
    get, path = "/ui", tag = "console", operation_id = "get_console", security(()),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of a copy")),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 304, description = "The copy is this page"),
    )
)]
async fn get_console(headers: HeaderMap) -> Response {
    let page = &*PAGE;
    let has =
        |name: HeaderName, wanted: &str| {
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).any(|value| {
                value.split(',').any(|one| one.trim().trim_start_matches("W/") == wanted)
            })
        };
    let mut answer = if has(header::IF_NONE_MATCH, &page.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if accepts_gzip(&headers) && !page.gzip.is_empty() {
        let encoding = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        ([encoding], page.gzip.clone()).into_response()
    } else {
        Bytes::from_static(page.html.as_bytes()).into_response()
    };
    let answered = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // Asked for each time, so that nobody stays with an old one; the answer is a 304 then.
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept-encoding"),
        (header::ETAG, &page.etag),
        (header::CONTENT_SECURITY_POLICY, &page.policy),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            answered.insert(name, value);
        }
    }
    answer
}

/// Whether gzip is named and not refused by a weight of zero.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING);
    values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(
        |coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
            let weight = weight.trim().trim_start_matches("q=").parse().unwrap_or(0.0_f32);
            matches!(name.trim(), "gzip" | "*") && weight > 0.0
        },
    )
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower_service::Service as _;

    use super::*;

    async fn ask(path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        console().call(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn body(response: Response) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn the_page_comes_with_a_policy_that_fits_it() {
        for path in ["/ui", "/ui/"] {
            let response = ask(path, &[]).await;
            assert_eq!(response.status(), StatusCode::OK);
            let said = |name| response.headers()[name].to_str().unwrap().to_owned();
            let policy = said("content-security-policy");
            for part in ["default-src 'none'", "frame-ancestors 'none'", "connect-src 'self'"] {
                assert!(policy.contains(part), "{part} in {policy}");
            }
            assert!(said("permissions-policy").contains("camera=()"));
            assert!(response.headers().get("content-encoding").is_none());
            assert_eq!(body(response).await, PAGE.html.as_bytes());
        }
    }

    #[tokio::test]
    async fn it_is_compressed_for_who_can_read_it() {
        for (accepted, zipped) in [
            ("gzip, br", true),
            ("*", true),
            ("br", false),
            ("gzip;q=0", false),
            ("gzip; q=0.5", true),
        ] {
            let response = ask("/ui", &[("accept-encoding", accepted)]).await;
            assert_eq!(response.headers().contains_key("content-encoding"), zipped, "{accepted}");
            assert_eq!(response.headers()["vary"], "accept-encoding");
            let sent = body(response).await;
            assert_eq!(sent.starts_with(&[0x1f, 0x8b]), zipped, "{accepted}");
        }
    }

    #[tokio::test]
    async fn a_copy_that_is_the_same_is_not_sent_again() {
        let etag = ask("/ui", &[]).await.headers()["etag"].to_str().unwrap().to_owned();
        for held in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}")] {
            let response = ask("/ui", &[("if-none-match", &held)]).await;
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{held}");
            assert_eq!(response.headers()["etag"], etag.as_str());
            assert!(body(response).await.is_empty());
        }
        assert_eq!(ask("/ui", &[("if-none-match", "\"old\"")]).await.status(), StatusCode::OK);
    }
}
