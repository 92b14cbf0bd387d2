//! `GET /agent/reports/stream`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nexus_kit::http::RequestContext;
use nexus_kit::http::handover::Handover;
use nexus_kit::http::principal::{Caller, Listener, Refused};
use nexus_kit::http::problem::Problem;
use nexus_kit::http::query::Query;
use nexus_kit::telemetry::metrics::Outcome;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::StreamState;
use crate::body;
use crate::feed::Feed;
use crate::frames::{self, Bye};

/// Longest session id.
const MAX_SESSION: usize = 128;

/// How a stream is opened.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct StreamQuery {
    /// For clients that cannot set the header, which wins.
    #[serde(default)]
    last_event_id: Option<String>,
    /// One stream a session: the newer ends the older. Without one the connection is its own.
    #[serde(default)]
    session_id: Option<String>,
    /// `event`: past the limit a 200 with `bye limit` instead of 429, for a plain EventSource.
    #[serde(default)]
    on_limit: Option<String>,
}

/// The tenant's one ordered, resumable stream: `snapshot`, then `report`s; `ping` and `bye`.
#[utoipa::path(get, path = "/agent/reports/stream", tag = "stream", security(("api_key" = [])),
    params(StreamQuery, ("Last-Event-ID" = Option<String>, Header, description = "A cursor; within the newest 2000 reports exactly the missed ones follow, otherwise a fresh snapshot says why"),
        ("x-session-id" = Option<String>, Header, description = "The same as `session_id`")),
    responses((status = 200, content_type = "text/event-stream", description = "Server-sent events"), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 429, description = "`stream_limit` or `stream_storm`, with `Retry-After`", body = Problem), (status = 503, body = Problem)))]
pub async fn stream(
    State(state): State<StreamState>,
    caller: Caller<Listener>,
    context: RequestContext,
    handover: Option<Extension<Handover>>,
    method: Method,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response, Problem> {
    let as_event = match query.on_limit.as_deref() {
        None => false,
        Some("event") => true,
        Some(_) => {
            let why = "The parameter on_limit is event, or is left out.";
            return Err(Problem::bad_request("invalid_parameter", why));
        }
    };
    let session = session(&headers, query.session_id)?;
    if method == Method::HEAD {
        return Ok(events(Body::empty()));
    }
    let app = &state.app;
    let opened = |outcome| app.metrics.sse_opens.get_or_create(&Outcome { outcome }).inc();
    let settings = &app.settings.stream;
    let principal = caller.principal.name();
    let now = app.clock.expiry();
    let allowed =
        state.opens.attempt(&caller.tenant, principal.clone(), settings.opens_per_minute, now);
    if let Err(seconds) = allowed {
        opened("storm");
        app.auth.refused(Refused {
            tenant: Some(caller.tenant.clone()),
            principal: Some(principal),
            code: TOO_OFTEN.0,
            request: "GET /agent/reports/stream".to_owned(),
            peer: context.peer_address(),
            correlation_id: caller.correlation_id.clone(),
        });
        return Ok(refused(&state, as_event, TOO_OFTEN, seconds));
    }
    let right = caller.right();
    let reader = right.reader().clone();
    let Some(place) = state.places.take(&caller.tenant, session, right, settings.max_per_tenant)
    else {
        opened("limit");
        return Ok(refused(&state, as_event, TOO_MANY, 20));
    };
    // A header that is not text is no cursor, and hears so like any other.
    let sent = match headers.get("last-event-id") {
        Some(value) => Some(value.to_str().unwrap_or("?").to_owned()),
        None => query.last_event_id,
    };
    let feed = Feed::open(app, place, reader, sent.as_deref(), state.stop.clone());
    let (feed, outcome) = feed.await.inspect_err(|_| {
        opened("failed");
    })?;
    opened(outcome);
    let Some(Extension(handover)) = handover else {
        let pieces = body::pieces(feed, app.clock.clone(), state.stop.clone());
        return Ok(events(Body::from_stream(pieces)));
    };
    let reactor = state.reactor.clone();
    let mut response = events(handover.body(move |socket| reactor.adopt(socket, feed)));
    // The socket serves nothing else any more.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(response)
}

fn session(headers: &HeaderMap, query: Option<String>) -> Result<Option<String>, Problem> {
    let header = headers.get("x-session-id").map(|value| value.to_str().unwrap_or_default());
    let session = header.map(str::to_owned).or(query);
    match session {
        Some(id) if id.is_empty() || id.len() > MAX_SESSION || !id.is_ascii() => {
            Err(Problem::bad_request(
                "invalid_session",
                "A session id has 1 to 128 visible ASCII characters.",
            ))
        }
        session => Ok(session),
    }
}

const TOO_MANY: (&str, &str) = (
    "stream_limit",
    "The tenant has as many open streams as it may. Close one, or come back later.",
);

const TOO_OFTEN: (&str, &str) = (
    "stream_storm",
    "Too many streams were opened by this caller within a minute. Keep one open, and come back later.",
);

/// A refusal with a time to come back at, from `seconds` on.
fn refused(
    state: &StreamState,
    as_event: bool,
    why: (&'static str, &str),
    seconds: u64,
) -> Response {
    // Proportional jitter, so that those who were refused together do not return together.
    let seconds = seconds + state.app.entropy.below(seconds.max(1));
    if as_event {
        return events(Body::from(frames::bye(Bye::Limit, seconds * 1_000)));
    }
    let (code, detail) = why;
    let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
    problem.retry_after = Some(seconds);
    problem.into_response()
}

fn events(body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
