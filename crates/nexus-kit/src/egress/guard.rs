//! Judges URLs and the addresses that their names lead to.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use url::{Host, Url};

use super::allow::AllowList;
use super::client::{Answer, Pinned};
use super::{EgressConfigError, EgressError, SendError, not_public};
use crate::settings;

/// Names that never lead out of the house, with everything below them.
const INTERNAL: &[&str] = &[
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "lan",
    "home",
    "corp",
    "home.arpa",
];

/// Ports that any public host may be called on.
const PORTS: [u16; 2] = [443, 8443];

/// A look-up under way.
pub type Looking<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Looks names up; tests put their own in the place of the system's.
pub trait Resolve: Send + Sync + 'static {
    /// Every address of a name (lower-case ASCII, no trailing dot).
    fn look_up<'a>(&'a self, name: &'a str) -> Looking<'a>;
}

/// The system's resolver, with its hosts file and search domains.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn look_up<'a>(&'a self, name: &'a str) -> Looking<'a> {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|a| a.ip()).collect()) },
        )
    }
}

/// A URL that [`Guard::check_url`] let pass.
#[derive(Clone, PartialEq, Eq)]
pub struct Destination {
    url: Url,
    port: u16,
    listed: bool,
}

impl Destination {
    /// The URL as it will be called: normalised, without fragment.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The URL without its query, for logs and the record of what was done.
    pub fn target(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.into()
    }

    /// The host: a name in lower-case ASCII, or an address (IPv6 in brackets).
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port, also where the URL leaves it to its scheme.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Debug for Destination {
    /// Without the query, which often holds a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destination({})", self.target())
    }
}

/// The egress guard; see the [module](super). Cheap to share behind an `Arc`.
pub struct Guard {
    allow: AllowList,
    resolver: Arc<dyn Resolve>,
    timeout: Duration,
    max_answer_bytes: usize,
}

impl Guard {
    /// With the system's resolver.
    ///
    /// # Errors
    /// An entry of `EGRESS_ALLOW` that is none.
    pub fn new(settings: &settings::Egress) -> Result<Self, EgressConfigError> {
        Self::with_resolver(settings, Arc::new(SystemResolver))
    }

    /// With a resolver of the caller's.
    ///
    /// # Errors
    /// An entry of `EGRESS_ALLOW` that is none.
    pub fn with_resolver(
        settings: &settings::Egress,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, EgressConfigError> {
        Ok(Self {
            allow: AllowList::parse(&settings.allow)?,
            resolver,
            timeout: settings.timeout,
            max_answer_bytes: settings.max_answer_bytes,
        })
    }

    /// How long one call may take, from the look-up to the last byte of the answer.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Judges a URL without looking anything up.
    ///
    /// # Errors
    /// What about the URL is not allowed.
    pub fn check_url(&self, text: &str) -> Result<Destination, EgressError> {
        let authority = plain_authority(text)?;
        if authority.contains('@') {
            return Err(EgressError::UserInfo);
        }
        let mut url = Url::parse(text).map_err(|_| EgressError::BadUrl)?;
        url.set_fragment(None);
        let port = url.port_or_known_default().ok_or(EgressError::BadUrl)?;
        let host = url.host().ok_or(EgressError::BadUrl)?.to_owned();
        let listed = match &host {
            Host::Domain(name) => {
                let bare = name.strip_suffix('.').unwrap_or(name);
                if bare.split('.').any(str::is_empty) {
                    return Err(EgressError::BadUrl);
                }
                // One spelling for the check, the certificate and the look-up.
                if bare.len() != name.len() {
                    url.set_host(Some(bare)).map_err(|_| EgressError::BadUrl)?;
                }
                let listed = self.allow.opens_name(bare, port);
                if !listed && internal(bare) {
                    return Err(EgressError::InternalName);
                }
                listed
            }
            Host::Ipv4(v4) => self.judge_literal((*v4).into(), port)?,
            Host::Ipv6(v6) => self.judge_literal((*v6).into(), port)?,
        };
        if url.scheme() != "https" && !listed {
            return Err(EgressError::Scheme);
        }
        if !PORTS.contains(&port) && !listed {
            return Err(EgressError::Port);
        }
        Ok(Destination { url, port, listed })
    }

    /// Looks the host up, judges every address and pins the call to them.
    ///
    /// # Errors
    /// [`SendError::Lookup`], [`SendError::Blocked`] or [`SendError::Unprepared`]: nothing left.
    pub async fn resolve(&self, destination: &Destination) -> Result<Pinned, SendError> {
        let started = Instant::now();
        let addresses = match destination.url.host() {
            // Judged already, with the URL.
            Some(Host::Ipv4(v4)) => vec![v4.into()],
            Some(Host::Ipv6(v6)) => vec![v6.into()],
            Some(Host::Domain(name)) => self.look_up(name).await?,
            None => return Err(EgressError::BadUrl.into()),
        };
        if matches!(destination.url.host(), Some(Host::Domain(_))) && !destination.listed {
            // One bad address refuses them all: which one a connection takes is not ours to say.
            for address in &addresses {
                self.judge(*address, destination.port)?;
            }
        }
        let addresses = addresses.into_iter().map(|a| SocketAddr::new(a, destination.port));
        let left = self.timeout.saturating_sub(started.elapsed());
        Pinned::new(destination.url.clone(), addresses.collect(), left, self.max_answer_bytes).await
    }

    /// Looks up, pins and posts in one go, for callers that keep no record of their intent.
    ///
    /// # Errors
    /// As [`Self::resolve`] and [`Pinned::post`].
    pub async fn post(
        &self,
        destination: &Destination,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer, SendError> {
        self.resolve(destination).await?.post(headers, body).await
    }

    /// The addresses of a server that speaks something else than HTTP, looked up once and judged; an
    /// operator named it, so any port will do. Whoever connects takes one of these.
    ///
    /// # Errors
    /// [`SendError::Lookup`] or [`SendError::Blocked`]: nothing left.
    pub async fn find_server(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, SendError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            self.judge(address, port)?;
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let listed = self.allow.opens_name(&name, port);
        if !listed && internal(&name) {
            return Err(EgressError::InternalName.into());
        }
        let addresses = self.look_up(&name).await?;
        if !listed {
            for address in &addresses {
                self.judge(*address, port)?;
            }
        }
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, SendError> {
        match tokio::time::timeout(self.timeout, self.resolver.look_up(name)).await {
            Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
            Ok(Ok(_)) => Err(SendError::Lookup),
            Ok(Err(error)) => {
                tracing::debug!(egress.host = name, %error, "A host name could not be looked up");
                Err(SendError::Lookup)
            }
            Err(_) => Err(SendError::Lookup),
        }
    }

    /// Whether a literal address is listed, if it may be called at all.
    fn judge_literal(&self, address: IpAddr, port: u16) -> Result<bool, EgressError> {
        self.judge(address, port)?;
        Ok(self.allow.opens_address(address, port))
    }

    fn judge(&self, address: IpAddr, port: u16) -> Result<(), EgressError> {
        match not_public(address) {
            Some(range) if !self.allow.opens_address(address, port) => {
                tracing::info!(egress.range = range, "The egress guard refused an address");
                Err(EgressError::NotPublic)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("allow", &self.allow).finish_non_exhaustive()
    }
}

/// What stands between `//` and the path, in a URL that every reader reads alike: the URL standard
/// repairs backslashes, missing slashes, tabs and spaces, and a person who approves sees the text
/// before the repair.
fn plain_authority(text: &str) -> Result<&str, EgressError> {
    if text.chars().any(|c| c == '\\' || c.is_control() || c.is_whitespace()) {
        return Err(EgressError::BadUrl);
    }
    let (scheme, rest) = text.split_once("://").ok_or(EgressError::BadUrl)?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err(EgressError::Scheme);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() { Err(EgressError::BadUrl) } else { Ok(authority) }
}

fn internal(name: &str) -> bool {
    // A name without a dot is found, if at all, through the search domains of this machine.
    !name.contains('.')
        || INTERNAL.iter().any(|suffix| {
            name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}
