//! What proves who is asking: exactly one key, or exactly one session, in exactly one place.

use axum::http::request::Parts;
use axum::http::{Method, header};
use nexus_core::json::sha256_hex;
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::http::problem::Problem;

/// The cookie that carries a session. Its prefix binds it to this host, this path and HTTPS.
pub const SESSION_COOKIE: &str = "__Host-nexus_session";

/// What every session's secret starts with, so that it is never taken for a key.
pub const SESSION_PREFIX: &str = "nxs_ses_";

/// The header that proves that a write by cookie comes from the page itself.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// What a request brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Credential<'a> {
    /// The key of a program.
    Key(&'a str),
    /// A session that its holder sent on purpose.
    Bearer(&'a str),
    /// A session that a browser sent by itself.
    Cookie(&'a str),
}

/// The one credential of a request: `x-api-key`, `Authorization: Bearer` or the cookie.
pub(super) fn read(parts: &Parts) -> Result<Option<Credential<'_>>, Problem> {
    let twice = || Problem::unauthorized("key_invalid", "Send exactly one key or session, once.");
    let key = one_header(parts, "x-api-key").map_err(|()| twice())?.map(Credential::Key);
    let bearer = one_header(parts, "authorization").map_err(|()| twice())?;
    let bearer = bearer.map(|value| {
        let value = value.strip_prefix("Bearer ").unwrap_or_default();
        if value.starts_with(SESSION_PREFIX) {
            Credential::Bearer(value)
        } else {
            Credential::Key(value)
        }
    });
    let cookie = one_cookie(parts).map_err(|()| twice())?.map(Credential::Cookie);
    let mut sent = [key, bearer, cookie].into_iter().flatten();
    match (sent.next(), sent.next()) {
        (one, None) => Ok(one),
        _ => Err(twice()),
    }
}

/// The header's one value; `Err` for two, an empty one or one that is not visible ASCII.
pub(super) fn one_header<'a>(parts: &'a Parts, name: &str) -> Result<Option<&'a str>, ()> {
    let mut values = parts.headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(());
    }
    match first.to_str() {
        Ok(text) if !text.is_empty() => Ok(Some(text)),
        _ => Err(()),
    }
}

/// The session cookie's one value. HTTP/2 may split cookies over several headers.
fn one_cookie(parts: &Parts) -> Result<Option<&str>, ()> {
    let mut found = None;
    for header in parts.headers.get_all(header::COOKIE) {
        // Cookies of other programs on this host may hold anything; they are not ours to judge.
        let Ok(header) = std::str::from_utf8(header.as_bytes()) else { continue };
        for pair in header.split(';') {
            let Some((name, value)) = pair.trim().split_once('=') else { continue };
            if name == SESSION_COOKIE && found.replace(value).is_some() {
                return Err(());
            }
        }
    }
    Ok(found)
}

/// The proof that belongs to a session: whoever can read an answer of ours can know it, whoever
/// can only make a browser send its cookie cannot.
pub fn csrf_token(session: &str) -> String {
    sha256_hex(format!("nexus-csrf-1:{session}").as_bytes())
}

/// Refuses a write by cookie that another page may have made the browser send.
pub(super) fn check_page(parts: &Parts, session: &str) -> Result<(), Problem> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    check_origin(parts)?;
    let sent = one_header(parts, CSRF_HEADER).ok().flatten().unwrap_or_default();
    if bool::from(sent.as_bytes().ct_eq(csrf_token(session).as_bytes())) {
        return Ok(());
    }
    Err(Problem::forbidden(
        "csrf_failed",
        "A write by cookie needs the header x-csrf-token; GET /me says its value.",
    ))
}

/// Refuses what a browser says to come from another origin than this one.
pub fn check_origin(parts: &Parts) -> Result<(), Problem> {
    let refused =
        || Problem::forbidden("origin_refused", "This came from a page of another origin.");
    let site = one_header(parts, "sec-fetch-site").map_err(|()| refused())?;
    if !matches!(site, None | Some("same-origin" | "none")) {
        return Err(refused());
    }
    match one_header(parts, "origin") {
        Ok(None) => Ok(()),
        Ok(Some(origin)) if own(parts, origin) => Ok(()),
        _ => Err(refused()),
    }
}

/// Whether an origin names the host and port that the request was sent to. Behind a proxy that
/// speaks HTTPS the scheme is not known here; host and port are.
fn own(parts: &Parts, origin: &str) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    let host = one_header(parts, "host").ok().flatten();
    let Some(host) = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str()))
    else {
        return false;
    };
    let Ok(here) = Url::parse(&format!("{}://{host}/", origin.scheme())) else { return false };
    origin.host().is_some()
        && origin.host() == here.host()
        && origin.port_or_known_default() == here.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn one_credential_in_one_place() {
        let session = "nxs_ses_a";
        let cookie = format!("theme=dark; {SESSION_COOKIE}={session}; x=y");
        let bearer = format!("Bearer {session}");
        let read = |headers: &[(&str, &str)]| {
            let parts = parts("GET", headers);
            super::read(&parts).map(|one| one.map(|one| format!("{one:?}"))).map_err(|p| p.code)
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("cookie", "theme=dark")]), Ok(None));
        assert_eq!(read(&[("x-api-key", "k")]), Ok(Some("Key(\"k\")".into())));
        assert_eq!(read(&[("authorization", "Bearer k")]), Ok(Some("Key(\"k\")".into())));
        assert_eq!(read(&[("authorization", &bearer)]), Ok(Some("Bearer(\"nxs_ses_a\")".into())));
        assert_eq!(read(&[("cookie", &cookie)]), Ok(Some("Cookie(\"nxs_ses_a\")".into())));
        for two in [
            vec![("x-api-key", "k"), ("authorization", "Bearer k")],
            vec![("x-api-key", "k"), ("cookie", cookie.as_str())],
            vec![("authorization", bearer.as_str()), ("cookie", cookie.as_str())],
            vec![("cookie", cookie.as_str()), ("cookie", cookie.as_str())],
            vec![("x-api-key", "k"), ("x-api-key", "k")],
            vec![("x-api-key", "")],
        ] {
            assert_eq!(read(&two), Err("key_invalid"), "{two:?}");
        }
    }

    #[test]
    fn a_write_by_cookie_proves_that_the_page_sent_it() {
        let token = csrf_token("s");
        let proof = (CSRF_HEADER, token.as_str());
        let host = ("host", "nexus.example:8443");
        let check = |method: &str, headers: &[(&str, &str)]| {
            check_page(&parts(method, headers), "s").map_err(|problem| problem.code)
        };
        assert_eq!(check("GET", &[]), Ok(()));
        assert_eq!(check("POST", &[host, proof]), Ok(()));
        assert_eq!(check("POST", &[host]), Err("csrf_failed"));
        assert_eq!(check("DELETE", &[host, (CSRF_HEADER, "x")]), Err("csrf_failed"));
        assert_eq!(check("POST", &[host, proof, proof]), Err("csrf_failed"));
        let from = |origin| check("POST", &[host, proof, ("origin", origin)]);
        assert_eq!(from("https://nexus.example:8443"), Ok(()));
        for other in ["https://nexus.example", "https://evil.example:8443", "null", "", "x"] {
            assert_eq!(from(other), Err("origin_refused"), "{other}");
        }
        let plain = ("host", "nexus.example");
        assert_eq!(check("POST", &[plain, proof, ("origin", "https://nexus.example")]), Ok(()));
        let site = |site| check("POST", &[host, proof, ("sec-fetch-site", site)]);
        assert_eq!(site("same-origin"), Ok(()));
        for other in ["same-site", "cross-site", "?"] {
            assert_eq!(site(other), Err("origin_refused"), "{other}");
        }
    }
}
