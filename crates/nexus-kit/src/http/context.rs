//! Around every request: its correlation id, its span, its metrics, the headers that every answer
//! has, and the last net for panics.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use nexus_core::id::valid_correlation;
use tracing::Instrument as _;

use super::body::Limits;
use super::edge::{Edge, Peer};
use super::problem::Problem;
use crate::supervise;
use crate::telemetry::metrics::{Http, Route};

/// The header that brings a correlation id and takes it back.
pub const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

/// What an answer may do in a browser unless it says otherwise: nothing.
const NO_CONTENT: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Who asks from where, and what ties together everything that comes of it.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The caller's `x-correlation-id`, or a new one.
    pub correlation_id: Arc<str>,
    /// The other end of the connection; none in tests without a socket.
    pub peer: Option<SocketAddr>,
}

impl RequestContext {
    /// The address of the other end, without its port.
    pub fn peer_address(&self) -> String {
        self.peer.map_or_else(|| "unknown".to_owned(), |peer| peer.ip().to_string())
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(Problem::internal)
    }
}

/// The middleware that [`super::finish`] puts around all routes.
pub(super) async fn around(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let correlation_id = correlation(request.headers(), &edge);
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("(none)", MatchedPath::as_str);
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    request
        .extensions_mut()
        .insert(RequestContext { correlation_id: Arc::clone(&correlation_id), peer });
    request.extensions_mut().insert(Limits(Arc::clone(&edge.settings)));
    let span = tracing::info_span!(
        "request",
        method = %method,
        route,
        correlation_id = &*correlation_id,
        tenant_id = tracing::field::Empty,
        user_id = tracing::field::Empty,
    );
    let answer = supervise::catch(next.run(request)).instrument(span.clone()).await;
    let _entered = span.enter();
    let response = answer.unwrap_or_else(|panic| {
        edge.metrics.panicked("request");
        tracing::error!(panic = %panic, "a handler panicked");
        Problem::internal().into_response()
    });
    let status = response.status();
    let took = started.elapsed();
    if status.is_server_error() {
        tracing::error!(status = status.as_u16(), duration = ?took, "a request failed");
    } else {
        tracing::debug!(status = status.as_u16(), duration = ?took, "a request was answered");
    }
    count(&edge, &method, route, status.as_u16(), Some(took));
    dress(response, &correlation_id, &edge)
}

/// The caller's id if there is exactly one and it can be carried, else a new one.
fn correlation(headers: &HeaderMap, edge: &Edge) -> Arc<str> {
    let mut sent = headers.get_all(&CORRELATION_HEADER).iter();
    if let (Some(value), None) = (sent.next(), sent.next())
        && let Ok(text) = value.to_str()
        && valid_correlation(text)
    {
        return text.into();
    }
    (edge.new_correlation)().as_str().into()
}

/// Counts an answer. Methods beyond the known ones share a label: callers can invent any number.
pub(super) fn count(
    edge: &Edge,
    method: &Method,
    route: &str,
    status: u16,
    took: Option<Duration>,
) {
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    };
    let route: Arc<str> = route.into();
    if let Some(took) = took {
        let labels = Route { route: Arc::clone(&route) };
        edge.metrics.http_duration.get_or_create(&labels).observe(took.as_secs_f64());
    }
    edge.metrics.http_requests.get_or_create(&Http { method, route, status }).inc();
}

/// Completes an answer: the correlation id in its header and in a refusal's body, and the headers
/// that keep browsers from doing more with it than was meant.
pub(super) fn dress(response: Response, correlation_id: &str, edge: &Edge) -> Response {
    let mut response = match response.extensions().get::<Problem>() {
        Some(problem) => {
            edge.metrics.refused(problem.code);
            if problem.correlation_id.is_none() {
                let problem = problem.clone().with_correlation(correlation_id);
                reword(response, problem)
            } else {
                response
            }
        }
        None => response,
    };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(correlation_id) {
        headers.insert(CORRELATION_HEADER, value);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, NO_CONTENT),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ] {
        headers.entry(name).or_insert(value);
    }
    response
}

/// The refusal written again with what is known by now; headers such as `Allow` stay.
fn reword(response: Response, problem: Problem) -> Response {
    let (before, _) = response.into_parts();
    let mut response = problem.into_response();
    for (name, value) in &before.headers {
        if name != header::CONTENT_LENGTH && !response.headers().contains_key(name) {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}
