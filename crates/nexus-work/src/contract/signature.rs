//! Signed callbacks: Standard Webhooks 1.0, over the raw bytes, before anything is parsed.

use std::time::Duration;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use nexus_core::time::Time;
use nexus_kit::settings::Secret;
use sha2::Sha256;

/// How far a signature's time may be from ours.
const TOLERANCE: Duration = Duration::from_secs(300);

/// How long a taken id is remembered.
pub(crate) const REMEMBER: Duration = Duration::from_secs(86_400);

/// Why a signature is refused; the caller hears no more than that it is.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadSignature {
    /// A header that is not there, stands twice or cannot be read.
    #[error("webhook-id, webhook-timestamp or webhook-signature is missing or malformed")]
    Missing,
    /// Too old, or of the future.
    #[error("the signature's time is more than five minutes from now")]
    Time,
    /// Of other bytes, or by another secret.
    #[error("no signature fits the body")]
    Mismatch,
}

/// Checks a signature against each secret (two, comma-separated, while they rotate) and returns
/// the callback's id.
///
/// # Errors
/// When it is not signed, not now, or not by one of the secrets.
pub fn verify(
    secrets: &Secret,
    headers: &HeaderMap,
    body: &[u8],
    now: Time,
) -> Result<String, BadSignature> {
    let header = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        value.filter(|value| !value.is_empty() && values.next().is_none())
    };
    let id = header("webhook-id").filter(|id| id.len() <= 200).ok_or(BadSignature::Missing)?;
    let stamp = header("webhook-timestamp").ok_or(BadSignature::Missing)?;
    let signatures = header("webhook-signature").ok_or(BadSignature::Missing)?;
    let seconds: i64 = stamp.parse().map_err(|_| BadSignature::Missing)?;
    let sent = Time::from_millis(seconds.saturating_mul(1_000));
    if now.since(sent) > TOLERANCE || sent.since(now) > TOLERANCE {
        return Err(BadSignature::Time);
    }
    let keys = secrets.expose().split(',').map(str::trim).filter(|secret| !secret.is_empty());
    for key in keys {
        let key = match key.strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).unwrap_or_default(),
            None => key.as_bytes().to_vec(),
        };
        if key.is_empty() {
            continue;
        }
        for signature in signatures.split(' ').filter_map(|part| part.strip_prefix("v1,")) {
            let Ok(signature) = STANDARD.decode(signature) else { continue };
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { continue };
            mac.update(id.as_bytes());
            mac.update(b".");
            mac.update(stamp.as_bytes());
            mac.update(b".");
            mac.update(body);
            if mac.verify_slice(&signature).is_ok() {
                return Ok(id.to_owned());
            }
        }
    }
    Err(BadSignature::Mismatch)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const STAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn headers(id: &str, stamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("webhook-id", id), ("webhook-timestamp", stamp), ("webhook-signature", signature)]
        {
            headers.insert(name, value.parse().unwrap());
        }
        headers
    }

    fn check(
        secret: &str,
        headers: &HeaderMap,
        body: &[u8],
        at: i64,
    ) -> Result<String, BadSignature> {
        verify(&Secret::new(secret), headers, body, Time::from_millis(at * 1_000))
    }

    #[test]
    fn the_specifications_example_is_accepted_and_nothing_else() {
        let good = headers(ID, &STAMP.to_string(), SIGNATURE);
        assert_eq!(check(SECRET, &good, BODY, STAMP + 300), Ok(ID.to_owned()));
        let rotating = format!("another, {SECRET}");
        assert!(check(&rotating, &good, BODY, STAMP).is_ok());
        let several = headers(ID, &STAMP.to_string(), &format!("v1,AAAA v2,x {SIGNATURE}"));
        assert!(check(SECRET, &several, BODY, STAMP).is_ok());

        assert_eq!(check(SECRET, &good, BODY, STAMP + 301), Err(BadSignature::Time));
        assert_eq!(check(SECRET, &good, BODY, STAMP - 301), Err(BadSignature::Time));
        let changed = br#"{"test": 2432232315}"#;
        assert_eq!(check(SECRET, &good, changed, STAMP), Err(BadSignature::Mismatch));
        assert_eq!(check("whsec_AAAA", &good, BODY, STAMP), Err(BadSignature::Mismatch));
        for stamp in ["9300000000000", "9223372036854775807", "-9223372036854775808"] {
            let far = headers(ID, stamp, SIGNATURE);
            assert_eq!(check(SECRET, &far, BODY, STAMP), Err(BadSignature::Time), "{stamp}");
        }
        let other = headers("msg_other", &STAMP.to_string(), SIGNATURE);
        assert_eq!(check(SECRET, &other, BODY, STAMP), Err(BadSignature::Mismatch));
        assert_eq!(check(SECRET, &HeaderMap::new(), BODY, STAMP), Err(BadSignature::Missing));
    }

    #[test]
    fn an_empty_secret_accepts_nothing() {
        let good = headers(ID, &STAMP.to_string(), SIGNATURE);
        for empty in ["", ",", " , ", "whsec_"] {
            assert!(check(empty, &good, BODY, STAMP).is_err(), "{empty:?}");
        }
    }
}
