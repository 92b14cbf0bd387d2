//! The form of a key: `nxs_agt_` or `nxs_svc_`, 32 hex digits that name it, `_`, and 43 characters
//! of base64url that prove it.

use nexus_core::id::KeyId;
use nexus_kit::entropy::Entropy;

use super::{Hash, sha256};

const SECRET_LEN: usize = 43;

/// What a key may be for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Service,
    Agent,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Agent => "agent",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Service, Self::Agent].into_iter().find(|kind| kind.as_str() == text)
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Service => "nxs_svc_",
            Self::Agent => "nxs_agt_",
        }
    }
}

/// A new key's text and the hash to store.
pub(crate) fn make(kind: Kind, key_id: &KeyId, entropy: &Entropy) -> (String, Hash) {
    use base64::Engine as _;
    let secret = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(entropy.bytes::<32>());
    let name = key_id.as_str().trim_start_matches(KeyId::PREFIX);
    let hash = sha256(secret.as_bytes());
    (format!("{}{name}_{secret}", kind.prefix()), hash)
}

/// The key's id and the hash of its secret, if it has the form of one.
pub(crate) fn parse(key: &str) -> Option<(String, Hash)> {
    let rest = [Kind::Service, Kind::Agent].iter().find_map(|k| key.strip_prefix(k.prefix()))?;
    let (name, secret) = rest.split_at_checked(32)?;
    let secret = secret.strip_prefix('_').filter(|secret| secret.len() == SECRET_LEN)?;
    let key_id = KeyId::parse(&format!("{}{name}", KeyId::PREFIX)).ok()?;
    Some((key_id.as_str().to_owned(), sha256(secret.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_core::time::Time;

    #[test]
    fn a_key_reads_back_and_nothing_else_does() {
        let entropy = Entropy::seeded(5);
        let key_id = KeyId::new(Time::from_millis(5), &entropy.bytes());
        let (key, hash) = make(Kind::Agent, &key_id, &entropy);
        assert_eq!(parse(&key), Some((key_id.as_str().to_owned(), hash)));
        let longer = format!("{key}x");
        for bad in ["", "nxs_agt_", &key[1..], &longer, &key[..key.len() - 1], "nxs_agt_한글"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
