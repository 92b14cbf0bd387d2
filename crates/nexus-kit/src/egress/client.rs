//! One call to addresses that have been judged.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, RequestBuilder, redirect, retry, tls};
use url::Url;

use super::SendError;

/// What is told of an answer. The body of a post is read, within bounds, and forgotten: an answer that
/// is passed on would make the guard a window into whatever was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Bytes of body that were read, at most `NEXUS_EGRESS_MAX_ANSWER_BYTES`.
    pub length: u64,
    /// Whether the body ended by itself; false when it was too long, too slow or broken off.
    pub whole: bool,
    /// `Retry-After`, where it was given in seconds.
    pub retry_after: Option<Duration>,
}

/// A destination whose addresses have been judged and fixed; one call takes it.
#[derive(Debug)]
pub struct Pinned {
    client: Client,
    url: Url,
    timeout: Duration,
    max_answer_bytes: usize,
}

impl Pinned {
    /// A client of its own for one call, so that no connection, cookie or name outlives the
    /// judgement; `timeout` is what the look-up left of the call's time.
    pub(super) async fn new(
        url: Url,
        addresses: Vec<SocketAddr>,
        timeout: Duration,
        max_answer_bytes: usize,
    ) -> Result<Self, SendError> {
        let https = url.scheme() == "https";
        // Making it reads the system's root certificates from the disk.
        let client = tokio::task::spawn_blocking(move || client(addresses, timeout / 2, https))
            .await
            .map_err(|_| SendError::Unprepared)?
            .map_err(|error| {
                tracing::error!(%error, "No client could be made for a call to the outside");
                SendError::Unprepared
            })?;
        Ok(Self { client, url, timeout, max_answer_bytes })
    }

    /// Posts and reads the status.
    ///
    /// Once a status has arrived the outcome is known, so a body that is too long, too slow or
    /// broken off is still an answer.
    ///
    /// # Errors
    /// [`SendError::Connect`] or [`SendError::Unprepared`] if nothing left, [`SendError::TimedOut`]
    /// or [`SendError::Broken`] if nobody knows.
    pub async fn post(self, headers: &[(&str, &str)], body: Bytes) -> Result<Answer, SendError> {
        let (timeout, most) = (self.timeout, self.max_answer_bytes);
        let request = with(self.client.post(self.url.clone()).body(body), headers);
        send(&self.client, request, timeout, most).await.map(|(answer, _)| answer)
    }

    /// Gets, and hands the body out as far as `NEXUS_EGRESS_MAX_ANSWER_BYTES` allow. Only for services
    /// that the operator has chosen: what a person typed must never be shown what it led to.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn get(self, headers: &[(&str, &str)]) -> Result<(Answer, Bytes), SendError> {
        let (timeout, most) = (self.timeout, self.max_answer_bytes);
        let request = with(self.client.get(self.url.clone()), headers);
        send(&self.client, request, timeout, most).await
    }
}

fn with(mut request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
}

async fn send(
    client: &Client,
    request: RequestBuilder,
    timeout: Duration,
    most: usize,
) -> Result<(Answer, Bytes), SendError> {
    let deadline = tokio::time::Instant::now() + timeout;
    let request = request.build().map_err(|_| SendError::Unprepared)?;
    let sent = tokio::time::timeout_at(deadline, client.execute(request)).await;
    let mut response = match sent {
        Ok(Ok(response)) => response,
        // The time to connect is half of the whole, so a connection that never came is always
        // told from an answer that never came.
        Ok(Err(error)) if error.is_connect() => return Err(SendError::Connect),
        Ok(Err(error)) if error.is_builder() => return Err(SendError::Unprepared),
        Ok(Err(error)) if error.is_timeout() => return Err(SendError::TimedOut(timeout)),
        Ok(Err(_)) => return Err(SendError::Broken),
        Err(_) => return Err(SendError::TimedOut(timeout)),
    };
    let mut answer = Answer {
        status: response.status().as_u16(),
        length: 0,
        whole: false,
        retry_after: response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|v| v.to_str().ok()?.parse().ok())
            .map(Duration::from_secs),
    };
    let mut body = Vec::new();
    // A time-out or a broken connection ends the reading like the end of the body does.
    while let Ok(Ok(chunk)) = tokio::time::timeout_at(deadline, response.chunk()).await {
        let Some(chunk) = chunk else {
            answer.whole = true;
            break;
        };
        let room = most - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            break;
        }
    }
    answer.length = body.len() as u64;
    Ok((answer, body.into()))
}

fn client(
    addresses: Vec<SocketAddr>,
    connect_timeout: Duration,
    https: bool,
) -> Result<Client, reqwest::Error> {
    let builder = Client::builder()
        .dns_resolver(Arc::new(Fixed(addresses)))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .connect_timeout(connect_timeout)
        .pool_max_idle_per_host(0);
    if https {
        builder.https_only(true).tls_version_min(tls::Version::TLS_1_2).build()
    } else {
        // Plain http needs no roots, and a machine without any still reaches a listed sink.
        builder.tls_certs_only([]).build()
    }
}

/// Answers every name with the addresses that were judged: there is no second look-up.
struct Fixed(Vec<SocketAddr>);

impl Resolve for Fixed {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(async move { Ok(addresses) })
    }
}
