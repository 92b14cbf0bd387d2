//! The API's description: `/openapi.json`, and `/docs` for people. Everything is in the binary; the
//! page asks no other host for anything, and its policy forbids it.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use nexus_kit::http::problem::Problem;
use utoipa_swagger_ui::Config;

/// What the page may do. Swagger UI draws its icons from `data:` images; it needs no inline script
/// and no inline style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' \
     data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Links without a leading slash, so that it works behind a proxy's prefix.
const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>NEXUS API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"#;

/// No validator (it would send the description to its maker) and no field for other addresses.
const START: &str = r##"window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  tryItOutEnabled: false,
});
"##;

/// The files of the vendored distribution that the page needs.
const FILES: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// The description as it is sent.
#[derive(Clone)]
pub(crate) struct Description(Bytes);

/// `/docs` and `/openapi.json`: public.
pub fn docs(api: &utoipa::openapi::OpenApi) -> Router {
    let description = Description(serde_json::to_vec(api).unwrap_or_default().into());
    Router::new()
        .route("/openapi.json", get(get_openapi))
        .route("/docs", get(get_docs))
        .route("/docs/", get(async || Redirect::permanent("../docs")))
        .route("/docs/{file}", get(get_file))
        .with_state(description)
}

/// The description of the API.
///
/// OpenAPI 3.1.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations", operation_id = "get_openapi", security(()),
    responses((status = 200, description = "The description", body = serde_json::Value))
)]
pub(crate) async fn get_openapi(State(description): State<Description>) -> Response {
    answer("application/json", "no-cache", description.0)
}

/// The description as a page.
#[utoipa::path(
    get, path = "/docs", tag = "operations", operation_id = "get_docs", security(()),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub(crate) async fn get_docs() -> Response {
    answer("text/html; charset=utf-8", "no-cache", Bytes::from_static(PAGE.as_bytes()))
}

async fn get_file(Path(file): Path<String>) -> Result<Response, Problem> {
    if file == "start.js" {
        let script = Bytes::from_static(START.as_bytes());
        return Ok(answer("text/javascript; charset=utf-8", "no-cache", script));
    }
    let known = FILES.contains(&file.as_str());
    let found = if known {
        utoipa_swagger_ui::serve(&file, Arc::new(Config::default())).ok().flatten()
    } else {
        None
    };
    let found =
        found.ok_or_else(|| Problem::not_found("unknown_path", "The page has no such file."))?;
    // Borrowed from the binary; 1.5 MB need not be copied for each reader.
    let body = match found.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    Ok(answer(&found.content_type, "public, max-age=3600", body))
}

fn answer(kind: &str, keep: &'static str, body: Bytes) -> Response {
    let kind = HeaderValue::from_str(kind)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (headers, body).into_response()
}
