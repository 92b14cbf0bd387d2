//! `/runbooks`: the failure codes, and what to do about each.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use nexus_core::failure::FailureCode;
use nexus_kit::http::page::Page;
use nexus_kit::http::problem::Problem;
use nexus_kit::http::query::Query;
use nexus_kit::settings::{Lang, Runbooks};
use serde::{Deserialize, Serialize};

use crate::runbooks::runbook;

/// A failure code and where its runbook stands.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RunbookOut {
    /// The code.
    #[schema(example = "PROVIDER_TIMEOUT")]
    code: &'static str,
    /// Whether NEXUS tries a task that failed so again by itself, unless its agent says otherwise.
    retryable: bool,
    /// Where such a task ends when no more tries are left: `dead` or `held`.
    #[schema(example = "dead")]
    triage: &'static str,
    title_en: &'static str,
    title_ko: &'static str,
    /// Its runbook: below `RUNBOOK_BASE_URL`, or the path on this server.
    #[schema(example = "/runbooks/PROVIDER_TIMEOUT")]
    url: String,
}

/// `/runbooks`: for everybody in a tenant, which is the caller's to see to.
pub fn runbooks(settings: Runbooks) -> Router {
    Router::new().route("/runbooks", get(list_runbooks)).with_state(settings)
}

/// `/runbooks/{code}`: for anybody, for alerts link to it, and a browser that follows a link names no
/// tenant. What it says is in every copy of this program.
pub fn runbook_pages() -> Router {
    Router::new().route("/runbooks/{code}", get(get_runbook))
}

/// Every failure code, with its titles and where its runbook stands.
#[utoipa::path(
    get, path = "/runbooks", tag = "operations", operation_id = "list_runbooks",
    security(("api_key" = [])),
    responses((status = 200, body = Page<RunbookOut>), (status = 401, body = Problem),
        (status = 403, body = Problem))
)]
pub(crate) async fn list_runbooks(State(settings): State<Runbooks>) -> Json<Page<RunbookOut>> {
    let items = FailureCode::ALL
        .iter()
        .map(|code| RunbookOut {
            code: code.as_str(),
            retryable: code.retryable(),
            triage: code.triage().status().as_str(),
            title_en: code.title_en(),
            title_ko: code.title_ko(),
            url: settings.url(*code),
        })
        .collect();
    Json(Page { items, next: None })
}

/// A language by its name in a query.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LangIn {
    /// English.
    En,
    /// Korean.
    Ko,
}

/// In which language.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunbookQuery {
    /// `ko` or `en`; `Accept-Language` unless said.
    #[param(inline)]
    lang: Option<LangIn>,
}

/// The runbook of a failure code: what it means, what to look at, what to do.
#[utoipa::path(
    get, path = "/runbooks/{code}", tag = "operations", operation_id = "get_runbook",
    params(("code" = String, Path, description = "The failure code"), RunbookQuery),
    security(()),
    responses(
        (status = 200, description = "Markdown, to browsers as plain text", body = String, content_type = "text/markdown"),
        (status = 400, body = Problem),
        (status = 404, description = "`unknown_failure_code`", body = Problem),
    )
)]
pub(crate) async fn get_runbook(
    Path(code): Path<String>,
    Query(query): Query<RunbookQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let code = FailureCode::parse(&code).ok_or_else(|| {
        let detail = "There is no such failure code. GET /runbooks lists them all.";
        Problem::not_found("unknown_failure_code", detail)
    })?;
    let lang = match query.lang {
        Some(LangIn::En) => Lang::En,
        Some(LangIn::Ko) => Lang::Ko,
        None => accepted(&headers),
    };
    let name = match lang {
        Lang::En => "en",
        Lang::Ko => "ko",
    };
    // A browser saves Markdown to a file instead of showing it.
    let page = headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    let kind = if page { "text/plain; charset=utf-8" } else { "text/markdown; charset=utf-8" };
    let said = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(name)),
        (header::VARY, HeaderValue::from_static("accept, accept-language")),
    ];
    Ok((said, runbook(code, lang)).into_response())
}

/// The language of ours that `Accept-Language` (RFC 9110) weighs most; the first of equals, and
/// English where it names none.
fn accepted(headers: &HeaderMap) -> Lang {
    let mut best = (Lang::En, 0.0);
    let values = headers.get_all(header::ACCEPT_LANGUAGE).iter();
    for range in values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')) {
        let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|text| text.parse::<f32>().ok());
        if let (Some(lang), Some(weight)) = (Lang::parse(tag.trim()), weight)
            && weight > best.1
        {
            best = (lang, weight);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_what_the_reader_weighs_most() {
        let lang = |accept: &'static str| {
            accepted(&HeaderMap::from_iter([(
                header::ACCEPT_LANGUAGE,
                HeaderValue::from_static(accept),
            )]))
        };
        assert_eq!(accepted(&HeaderMap::new()), Lang::En);
        for korean in ["ko", "ko-KR,ko;q=0.9,en;q=0.8", "en;q=0.5, ko;q=0.6", "fr, ko;q=0.1", "KO"]
        {
            assert_eq!(lang(korean), Lang::Ko, "{korean}");
        }
        for english in ["", "*", "fr", "en, ko", "ko;q=0", "ko;q=x", "en-GB;q=0.9,ko;q=0.8"] {
            assert_eq!(lang(english), Lang::En, "{english}");
        }
    }
}
