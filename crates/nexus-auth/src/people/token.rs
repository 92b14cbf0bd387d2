//! The secrets of sessions and links: 256 random bits that are shown once and stored as a hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nexus_core::id::SessionId;
use nexus_kit::entropy::Entropy;
use nexus_kit::http::principal::SESSION_PREFIX;

use crate::{Hash, sha256};

const SECRET_LEN: usize = 43;

fn secret(entropy: &Entropy) -> String {
    URL_SAFE_NO_PAD.encode(entropy.bytes::<32>())
}

/// A session's token, `nxs_ses_`, its id, `_` and its secret, and the hash to store.
pub(crate) fn session(session_id: &SessionId, entropy: &Entropy) -> (String, Hash) {
    let secret = secret(entropy);
    let name = session_id.as_str().trim_start_matches(SessionId::PREFIX);
    (format!("{SESSION_PREFIX}{name}_{secret}"), sha256(secret.as_bytes()))
}

/// The session's id and the hash of its secret, if it has the form of one.
pub(crate) fn parse_session(token: &str) -> Option<(String, Hash)> {
    let (name, secret) = token.strip_prefix(SESSION_PREFIX)?.split_at_checked(32)?;
    let secret = secret.strip_prefix('_').filter(|secret| secret.len() == SECRET_LEN)?;
    let session_id = SessionId::parse(&format!("{}{name}", SessionId::PREFIX)).ok()?;
    Some((session_id.as_str().to_owned(), sha256(secret.as_bytes())))
}

/// A link's token, and the hash to store.
pub(crate) fn link(entropy: &Entropy) -> (String, Hash) {
    let token = secret(entropy);
    let hash = sha256(token.as_bytes());
    (token, hash)
}

/// The hash of a link's token, if it has the form of one.
pub(crate) fn parse_link(token: &str) -> Option<Hash> {
    (token.len() == SECRET_LEN).then(|| sha256(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_core::time::Time;

    #[test]
    fn a_session_reads_back_and_nothing_else_does() {
        let entropy = Entropy::seeded(3);
        let id = SessionId::new(Time::from_millis(9), &entropy.bytes());
        let (token, hash) = session(&id, &entropy);
        assert_eq!(parse_session(&token), Some((id.as_str().to_owned(), hash)));
        let longer = format!("{token}x");
        for bad in ["", "nxs_ses_", &token[1..], &longer, "nxs_ses_한글", "nxs_svc_x"] {
            assert_eq!(parse_session(bad), None, "{bad}");
        }
    }
}
