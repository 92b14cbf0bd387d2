//! The page with everything that is sent along, made once.

use std::io::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// The page of this build.
pub(crate) static PAGE: LazyLock<Page> =
    LazyLock::new(|| Page::new(include_str!("../assets/index.html")));

/// A page and what its answers say of it.
pub(crate) struct Page {
    pub html: &'static str,
    /// Empty where compressing failed: it is sent as it is then.
    pub gzip: Bytes,
    pub policy: String,
    pub etag: String,
}

impl Page {
    fn new(html: &'static str) -> Self {
        let digest = Sha256::digest(html.as_bytes());
        Self {
            html,
            gzip: gzip(html.as_bytes()).unwrap_or_default(),
            policy: policy(html),
            etag: format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..12])),
        }
    }
}

fn gzip(text: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text)?;
    Ok(encoder.finish()?.into())
}

/// What the page may do. Pictures come from its own `data:`; the one frame is YouTube's player.
fn policy(html: &str) -> String {
    let script = hashes(html, "script");
    let style = hashes(html, "style");
    format!(
        "default-src 'none'; script-src{script}; style-src{style}; img-src data:; \
         connect-src 'self'; frame-src https://www.youtube-nocookie.com; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types svelte-trusted-html"
    )
}

/// The hashes of the contents of every such element, as a policy names them.
fn hashes(html: &str, element: &str) -> String {
    let (open, close) = (format!("<{element}"), format!("</{element}>"));
    let mut found = String::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once(&open) {
        let Some((_, body)) = after.split_once('>') else { break };
        let Some((content, after)) = body.split_once(&close) else { break };
        let digest = STANDARD.encode(Sha256::digest(content.as_bytes()));
        found.push_str(&format!(" 'sha256-{digest}'"));
        rest = after;
    }
    if found.is_empty() { " 'none'".to_owned() } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_of_what_stands_between_the_tags() {
        // What `printf 'let a' | openssl dgst -sha256 -binary | base64` says.
        let hash = " 'sha256-IfEXP/8HLuXoAiy0hZVrCAcjcLsZqYFpLOHDGj8enqE='";
        assert_eq!(hashes("<script type=\"module\">let a</script>", "script"), hash);
        assert_eq!(hashes("<p>let a</p>", "script"), " 'none'");
        assert_eq!(
            hashes("<style>a{}</style><style>a{}</style>", "style").matches("sha256").count(),
            2
        );
    }

    #[test]
    fn the_page_is_whole_and_small() {
        let page = &PAGE;
        assert_eq!(page.html.matches("<script").count(), 1, "one script, and it is inline");
        assert_eq!(page.html.matches("<style").count(), 1);
        for elsewhere in
            ["<script src", "<link rel=\"stylesheet\"", "<img", "@import", "<!-- svelte"]
        {
            assert!(!page.html.contains(elsewhere), "{elsewhere}");
        }
        assert_eq!(page.policy.matches("sha256-").count(), 2);
        assert!(!page.policy.contains("unsafe"));
        assert!(!page.gzip.is_empty() && page.gzip.len() < 250 << 10, "{}", page.gzip.len());
    }
}
