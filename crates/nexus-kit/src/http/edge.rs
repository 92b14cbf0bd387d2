//! What stands around the routes: the bounds that a request meets before it is routed, the answers
//! to paths and methods that nobody serves, and [`finish`], which puts it all around a router.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri, Version, header};
use axum::response::Response;
use nexus_core::id::CorrelationId;

use super::context;
use super::problem::Problem;
use crate::settings;
use crate::telemetry::metrics::Metrics;

/// Makes a correlation id for a request that brought none; the clock and the randomness behind it
/// are the `App`'s.
pub type NewCorrelation = Arc<dyn Fn() -> CorrelationId + Send + Sync>;

/// What the HTTP layers share.
#[derive(Clone)]
pub struct Edge {
    /// Bounds of connections and requests.
    pub settings: Arc<settings::Http>,
    /// Where requests and refusals are counted.
    pub metrics: Metrics,
    /// Makes correlation ids.
    pub new_correlation: NewCorrelation,
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The address at the other end of the connection, as the kernel knows it. Behind a proxy that is
/// the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Puts the conventions around all routes: context, panics, 404 and 405. Call it once, last.
pub fn finish(router: Router, edge: &Edge) -> Router {
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(edge.clone(), context::around))
}

async fn unknown_path() -> Problem {
    Problem::not_found("unknown_path", "There is nothing at this path; /docs lists what there is.")
}

async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("This path does not take {method}; the Allow header lists what it takes."),
    )
}

/// Refuses what no route should see.
///
/// hyper has bounds of its own, set a little wider, beyond which it answers without a body; the
/// exact ones are here so that the refusal says why.
pub fn check<B>(request: &Request<B>, settings: &settings::Http) -> Result<(), Problem> {
    let uri_bytes = uri_length(request.uri());
    if uri_bytes > settings.max_uri_bytes {
        return Err(Problem::new(
            StatusCode::URI_TOO_LONG,
            "uri_too_long",
            format!(
                "Path and query have {uri_bytes} bytes; {} is the most.",
                settings.max_uri_bytes
            ),
        ));
    }
    if !is_text(request.uri().path()) {
        return Err(Problem::bad_request(
            "bad_path",
            "A path is UTF-8, also where it is written with percent signs.",
        ));
    }
    let headers = request.headers();
    if headers.len() > settings.max_headers {
        return Err(too_large(format!(
            "There are {} headers; {} is the most.",
            headers.len(),
            settings.max_headers
        )));
    }
    // As on the wire: the colon, the space and the line's end.
    let header_bytes: usize =
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if header_bytes + uri_bytes > settings.max_header_bytes {
        return Err(too_large(format!(
            "Request line and headers have {} bytes; {} is the most.",
            header_bytes + uri_bytes,
            settings.max_header_bytes
        )));
    }
    if !has_one_host(request.version(), request.uri(), headers) {
        return Err(Problem::bad_request(
            "bad_host",
            "A request names exactly one host: one Host header, or :authority in HTTP/2.",
        ));
    }
    Ok(())
}

fn too_large(detail: String) -> Problem {
    Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", detail)
}

fn uri_length(uri: &Uri) -> usize {
    uri.path().len() + uri.query().map_or(0, |query| query.len() + 1)
}

/// Whether a path is UTF-8 once its percent signs are resolved, as whoever reads its parts does.
fn is_text(path: &str) -> bool {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |at: usize| after.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    std::str::from_utf8(&bytes).is_ok()
}

/// Two programs that disagree about the host disagree about who is asked: exactly one, or none.
fn has_one_host(version: Version, uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    match (version, first, second) {
        (_, _, Some(_)) => false,
        (Version::HTTP_2, None, None) => uri.authority().is_some(),
        (_, None, None) => false,
        (_, Some(host), None) => {
            // Names and addresses only: a comma or an @ is somebody joining or hiding a second one.
            let plain = |b: &u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(b);
            let host = Authority::try_from(host.as_bytes()).ok();
            host.is_some_and(|host| {
                host.as_str().as_bytes().iter().all(plain)
                    && uri.authority().is_none_or(|named| *named == host)
            })
        }
    }
}

/// The answer to a request that never reached the router, dressed and counted like any other.
pub fn refuse(problem: Problem, method: &Method, edge: &Edge) -> Response {
    let id = (edge.new_correlation)();
    context::count(edge, method, "(refused)", problem.status, None);
    context::dress(problem.into(), id.as_str(), edge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(version: Version, uri: &str, hosts: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, host.parse().unwrap());
        }
        has_one_host(version, &uri.parse().unwrap(), &headers)
    }

    #[test]
    fn a_path_is_text() {
        for path in ["/", "/tasks/%ed%95%9c", "/한", "/100%", "/%f", "/%zz", "/%2e%2e%2f%00"] {
            assert!(is_text(path), "{path}");
        }
        for path in ["/%ff", "/a/%fe%ff/b", "/%ed%95", "/%C0%AF"] {
            assert!(!is_text(path), "{path}");
        }
    }

    #[test]
    fn exactly_one_host() {
        assert!(host(Version::HTTP_11, "/", &["nexus.example:8000"]));
        assert!(host(Version::HTTP_11, "/", &["[::1]:8000"]));
        assert!(host(Version::HTTP_11, "http://a.example/", &["a.example"]));
        assert!(host(Version::HTTP_2, "http://a.example/", &[]));
        for (version, uri, hosts) in [
            (Version::HTTP_11, "/", &[][..]),
            (Version::HTTP_10, "/", &[]),
            (Version::HTTP_11, "/", &["a", "a"]),
            (Version::HTTP_11, "/", &[""]),
            (Version::HTTP_11, "/", &["a,b"]),
            (Version::HTTP_11, "/", &["a b"]),
            (Version::HTTP_11, "/", &["user@a"]),
            (Version::HTTP_11, "http://a.example/", &["b.example"]),
            (Version::HTTP_2, "http://a.example/", &["b.example"]),
            (Version::HTTP_2, "/", &[]),
        ] {
            assert!(!host(version, uri, hosts), "{version:?} {uri} {hosts:?}");
        }
    }
}
