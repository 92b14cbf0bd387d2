//! Paths as callers write them: relative, below the tenant's folder, one spelling each.

use std::fmt;

/// Most bytes of a whole path.
pub const PATH_MAX_BYTES: usize = 1024;
/// Most components of a path.
pub const PATH_MAX_COMPONENTS: usize = 32;
/// Most bytes of one component, as file systems have it.
pub const COMPONENT_MAX_BYTES: usize = 255;

/// What files under way are called before they get their name; nobody else may use it.
pub(super) const RESERVED_PREFIX: &str = ".nexus-write-";

/// A path that has been read: at least one component, none of them able to leave the folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilePath {
    text: String,
}

/// What is wrong with a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadPath {
    /// No character at all.
    #[error("a path is not empty")]
    Empty,
    /// Too long or too deep.
    #[error(
        "a path has at most {PATH_MAX_BYTES} bytes and {PATH_MAX_COMPONENTS} parts of at most \
         {COMPONENT_MAX_BYTES} bytes each"
    )]
    TooLong,
    /// Starts at the root.
    #[error("a path is relative to the tenant's folder and does not start with /")]
    Absolute,
    /// An empty component, `.` or `..`.
    #[error("a path has no empty part and none that is . or ..")]
    Dots,
    /// A control character or a backslash.
    #[error("a path has no control characters and no backslash; its parts are separated by /")]
    Character,
    /// A name that NEXUS keeps for itself.
    #[error("names that start with {RESERVED_PREFIX} are kept for files that are being written")]
    Reserved,
}

impl FilePath {
    /// Reads a path.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        if text.is_empty() {
            return Err(BadPath::Empty);
        }
        if text.len() > PATH_MAX_BYTES || text.split('/').count() > PATH_MAX_COMPONENTS {
            return Err(BadPath::TooLong);
        }
        if text.starts_with('/') {
            return Err(BadPath::Absolute);
        }
        text.split('/').try_for_each(check_component)?;
        Ok(Self { text: text.to_owned() })
    }

    /// The folders on the way, and the last name.
    pub(super) fn split(&self) -> (impl Iterator<Item = &str>, &str) {
        let (folders, name) = self.text.rsplit_once('/').unwrap_or(("", &self.text));
        (folders.split('/').filter(|f| !f.is_empty()), name)
    }

    /// Every component.
    pub(super) fn components(&self) -> impl Iterator<Item = &str> {
        self.text.split('/')
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Judges one name.
pub(super) fn check_component(name: &str) -> Result<(), BadPath> {
    if matches!(name, "" | "." | "..") {
        return Err(BadPath::Dots);
    }
    if name.len() > COMPONENT_MAX_BYTES {
        return Err(BadPath::TooLong);
    }
    if name.chars().any(|c| c.is_control() || c == '\\' || c == '/') {
        return Err(BadPath::Character);
    }
    if name.starts_with(RESERVED_PREFIX) {
        return Err(BadPath::Reserved);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_relative_paths_are_paths() {
        let longest = "x".repeat(255);
        for good in
            ["a", "a/b.txt", "보고서/2026년 1월.md", ".hidden", "...", "a b", "~", longest.as_str()]
        {
            assert_eq!(FilePath::parse(good).unwrap().as_str(), good);
        }
        let path = FilePath::parse("a/b/c.txt").unwrap();
        let (folders, name) = path.split();
        assert_eq!((folders.collect::<Vec<_>>(), name), (vec!["a", "b"], "c.txt"));
    }

    #[test]
    fn everything_else_is_refused() {
        let long = "x".repeat(256);
        let deep = ["d"; 33].join("/");
        let wide = ["wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"; 30].join("/");
        for (bad, why) in [
            ("", BadPath::Empty),
            ("/", BadPath::Absolute),
            ("/etc/passwd", BadPath::Absolute),
            ("//a", BadPath::Absolute),
            ("..", BadPath::Dots),
            (".", BadPath::Dots),
            ("../a", BadPath::Dots),
            ("a/../b", BadPath::Dots),
            ("a/./b", BadPath::Dots),
            ("a//b", BadPath::Dots),
            ("a/", BadPath::Dots),
            ("a/..", BadPath::Dots),
            ("a\0b", BadPath::Character),
            ("a\nb", BadPath::Character),
            ("a\u{7f}", BadPath::Character),
            ("a\u{85}", BadPath::Character),
            ("..\\a", BadPath::Character),
            (".nexus-write-1", BadPath::Reserved),
            ("a/.nexus-write-/b", BadPath::Reserved),
            (long.as_str(), BadPath::TooLong),
            (deep.as_str(), BadPath::TooLong),
            (wide.as_str(), BadPath::TooLong),
        ] {
            assert_eq!(FilePath::parse(bad), Err(why), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_path_that_is_read_stays_inside(text in "[a./\\\\\u{0}é]{0,40}") {
            if let Ok(path) = FilePath::parse(&text) {
                let joined = std::path::Path::new("/root").join(path.as_str());
                let normal = joined.components().skip(2).all(|c| {
                    matches!(c, std::path::Component::Normal(_))
                });
                prop_assert!(joined.starts_with("/root") && normal);
                prop_assert_eq!(path.components().collect::<Vec<_>>().join("/"), text);
            }
        }
    }
}
