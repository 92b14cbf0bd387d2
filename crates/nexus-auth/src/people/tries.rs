//! How often somebody may try to sign in. Tries are counted in the store before the password is
//! looked at, so that neither many at once nor a restart gives more of them.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use nexus_core::json::{hex, sha256_hex};
use nexus_core::time::Time;
use nexus_kit::db::{DbError, Tx};
use nexus_kit::settings;

use super::sql;

/// The window of the limits per account and per address.
const HOUR: Duration = Duration::from_secs(3_600);

/// A try that is being made.
pub(crate) struct Try {
    pub account: String,
    pub peer: String,
    pub try_id: String,
}

/// Failures within a window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Failures {
    pub count: u64,
    pub last: Option<Time>,
}

/// An account as tries know it, whether or not it exists.
pub(crate) fn account(email: &str) -> String {
    sha256_hex(email.as_bytes())
}

/// An address as tries know it: whoever has one IPv6 address has its whole network.
pub(crate) fn peer(address: &str) -> String {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(inner) => inner.to_string(),
            None => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        },
        _ => address.to_owned(),
    }
}

/// Takes a try, or says how many seconds to wait for the next one.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    email: &str,
    address: &str,
    settings: &settings::People,
) -> Result<Result<Try, u64>, DbError> {
    let (account, peer) = (account(email), peer(address));
    let now = tx.expiry();
    let window = settings.login_window;
    let waits = [
        wait(
            sql::tries::of_both(tx, &account, &peer, now.minus(window))?,
            settings.login_tries,
            (window, window),
            now,
        ),
        wait(
            sql::tries::of_account(tx, &account, now.minus(HOUR))?,
            settings.login_tries_per_account,
            (settings.login_backoff, window),
            now,
        ),
        wait(
            sql::tries::of_peer(tx, &peer, now.minus(HOUR))?,
            settings.login_tries_per_address,
            (settings.login_backoff, window),
            now,
        ),
    ];
    if let Some(seconds) = waits.into_iter().flatten().max() {
        return Ok(Err(seconds));
    }
    let made = Try { account, peer, try_id: hex(&tx.random::<8>()) };
    sql::tries::insert(tx, &made, now)?;
    Ok(Ok(made))
}

/// Seconds until the next try, if it must wait. Beyond the limit each failure doubles the wait, up
/// to the longest: nobody can lock another's account for good.
fn wait(
    failures: Failures,
    limit: u64,
    (first, longest): (Duration, Duration),
    now: Time,
) -> Option<u64> {
    let beyond = failures.count.checked_sub(limit)?;
    let factor = 1_u32.checked_shl(u32::try_from(beyond).unwrap_or(u32::MAX)).unwrap_or(u32::MAX);
    let until = failures.last?.plus(first.saturating_mul(factor).min(longest));
    (now < until).then(|| until.since(now).as_secs_f64().ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_beyond_the_limit_doubles_the_wait() {
        let at = |seconds: i64| Time::from_millis(seconds * 1_000);
        let limits = (Duration::from_secs(30), Duration::from_secs(900));
        let failed = |count| Failures { count, last: Some(at(100)) };
        let waits = |count, now| wait(failed(count), 20, limits, at(now));
        assert_eq!(waits(19, 100), None);
        assert_eq!(waits(20, 100), Some(30));
        assert_eq!(waits(20, 129), Some(1));
        assert_eq!(waits(20, 130), None);
        assert_eq!(waits(21, 100), Some(60));
        assert_eq!(waits(24, 100), Some(480));
        for many in [25, 52, 1_000_000] {
            assert_eq!(waits(many, 100), Some(900));
        }
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        assert_eq!(peer("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(peer("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(peer("10.0.0.1"), "10.0.0.1");
    }
}
