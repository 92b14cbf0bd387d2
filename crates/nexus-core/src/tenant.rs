//! A tenant: an organisation and a project, the boundary that nothing crosses.

use std::fmt;
use std::sync::Arc;

/// Most characters that an `org_id` or `project_id` may have.
pub const MAX_PART: usize = 64;

/// `{org}:{project}`; cheap to clone, parsed once and valid ever after.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant {
    key: Arc<str>,
    split: usize,
}

/// Why a tenant could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an org_id or project_id is 1 to {MAX_PART} of A-Z a-z 0-9 . _ -")]
pub struct BadTenant;

impl Tenant {
    /// The tenant that the first run creates.
    pub const DEFAULT_KEY: &'static str = "default:default";

    /// Both parts, each 1 to 64 of `A-Z a-z 0-9 . _ -`, and neither `.` nor `..`, which would name
    /// a folder above.
    pub fn new(org: &str, project: &str) -> Result<Self, BadTenant> {
        if !valid_part(org) || !valid_part(project) {
            return Err(BadTenant);
        }
        Ok(Self { key: format!("{org}:{project}").into(), split: org.len() })
    }

    /// Reads `{org}:{project}`.
    pub fn parse(key: &str) -> Result<Self, BadTenant> {
        let (org, project) = key.split_once(':').ok_or(BadTenant)?;
        Self::new(org, project)
    }

    /// `{org}:{project}`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The organisation.
    pub fn org(&self) -> &str {
        &self.key[..self.split]
    }

    /// The project.
    pub fn project(&self) -> &str {
        &self.key[self.split + 1..]
    }
}

fn valid_part(part: &str) -> bool {
    (1..=MAX_PART).contains(&part.len())
        && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && part != "."
        && part != ".."
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenant({})", self.key)
    }
}

impl serde::Serialize for Tenant {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.key)
    }
}

impl<'de> serde::Deserialize<'de> for Tenant {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let key = String::deserialize(d)?;
        Self::parse(&key).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_two_plain_names() {
        let tenant = Tenant::new("kaist.ac.kr", "lab_7").unwrap();
        assert_eq!((tenant.org(), tenant.project()), ("kaist.ac.kr", "lab_7"));
        assert_eq!(Tenant::parse(tenant.key()).unwrap(), tenant);
        let long = "x".repeat(65);
        for bad in ["", "a b", "a:b", "a/b", "한글", "..", ".", "a,b", long.as_str()] {
            assert_eq!(Tenant::new(bad, "p"), Err(BadTenant), "{bad}");
            assert_eq!(Tenant::new("o", bad), Err(BadTenant), "{bad}");
        }
    }
}
