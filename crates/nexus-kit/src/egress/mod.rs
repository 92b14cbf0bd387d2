//! The egress guard: the one way out of the house for addresses that somebody typed.
//!
//! A call takes three steps, so that a caller can write down its intent between the second and the
//! third, knowing that nothing has left yet:
//!
//! 1. [`Guard::check_url`] judges the URL without any look-up: scheme, port, user name, literal
//!    addresses in every spelling, names that are never public.
//! 2. [`Guard::resolve`] looks the name up once and judges every address that it leads to.
//! 3. [`Pinned::post`] connects to exactly those addresses: no second look-up, no redirect, no
//!    proxy, no retry.
//!
//! `EGRESS_ALLOW` opens what the guard would refuse. A listed name opens the addresses that it leads
//! to, a listed address or network opens those addresses under any name; either may name one port.
//! Only where the URL itself names what is listed are `http` and other ports open too.
//!
//! Addresses that carry an IPv4 address inside (IPv4-mapped, 6to4, NAT64, Teredo) are refused
//! whatever they carry; a network that reaches the world through NAT64 lists `64:ff9b::/96`.

mod address;
mod allow;
mod client;
mod guard;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use address::not_public;
pub use allow::EgressConfigError;
pub use client::{Answer, Pinned};
pub use guard::{Destination, Guard, Looking, Resolve, SystemResolver};

/// Why the guard refuses a destination. The texts never tell what a name led to: whoever may ask for
/// a call must not learn the inside of the network from the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// Not an absolute http(s) URL, or written so that two readers would read it differently.
    #[error(
        "This is not a plain absolute URL: write https://host/path without spaces or backslashes"
    )]
    BadUrl,
    /// A user name or password before the host.
    #[error("The URL has a user name or password before its host, which is not allowed")]
    UserInfo,
    /// Not `https`.
    #[error("Only https is allowed, unless the operator lists the host in EGRESS_ALLOW")]
    Scheme,
    /// Neither 443 nor 8443.
    #[error(
        "Only ports 443 and 8443 are allowed, unless the operator lists the host in EGRESS_ALLOW"
    )]
    Port,
    /// A name that never leads out of the house.
    #[error("The host is an internal name; the operator can list it in EGRESS_ALLOW")]
    InternalName,
    /// An address that is not a public host, written or looked up.
    #[error("The host is not a public address; the operator can list it in EGRESS_ALLOW")]
    NotPublic,
}

impl EgressError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadUrl => "bad_url",
            Self::UserInfo => "userinfo_not_allowed",
            Self::Scheme => "scheme_not_allowed",
            Self::Port => "port_not_allowed",
            Self::InternalName => "internal_name",
            Self::NotPublic => "address_not_public",
        }
    }
}

/// What became of the request when a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// No byte of the request left; another attempt is safe.
    Nothing,
    /// The request may have left, whole or in part; nobody knows.
    Unknown,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The guard refused; nothing was connected to.
    #[error(transparent)]
    Blocked(#[from] EgressError),
    /// The name does not lead to any address, or not in time.
    #[error("The host name could not be looked up")]
    Lookup,
    /// The client or the request could not be made: no root certificates on this machine, or a
    /// header that is none.
    #[error("The request could not be prepared")]
    Unprepared,
    /// No connection: refused, unreachable, not in time, or no agreement on TLS.
    #[error("No connection to the host could be made")]
    Connect,
    /// Connected, and no answer in time.
    #[error("The host did not answer within {} seconds; whether it took the request is not known", .0.as_secs())]
    TimedOut(Duration),
    /// Connected, and the connection broke before an answer.
    #[error(
        "The connection broke before an answer; whether the host took the request is not known"
    )]
    Broken,
}

impl SendError {
    /// Stable code of the failure.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Blocked(refusal) => refusal.code(),
            Self::Lookup => "lookup_failed",
            Self::Unprepared => "request_not_prepared",
            Self::Connect => "connect_failed",
            Self::TimedOut(_) => "answer_timed_out",
            Self::Broken => "connection_broken",
        }
    }

    /// What became of the request.
    pub fn left(&self) -> Left {
        match self {
            Self::Blocked(_) | Self::Lookup | Self::Unprepared | Self::Connect => Left::Nothing,
            Self::TimedOut(_) | Self::Broken => Left::Unknown,
        }
    }
}
