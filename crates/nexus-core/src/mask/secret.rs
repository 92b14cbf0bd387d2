//! Secrets: known by how they begin, or by the name that stands before them.

use super::{Found, STARS, run};

/// What a secret's characters are.
fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
}

/// Begins of well-known secrets, and how many characters follow at least.
const PREFIXES: [(&str, usize); 16] = [
    ("nxs_", 8),
    ("sk-", 12),
    ("sk_live_", 8),
    ("rk_live_", 8),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("ghu_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("AIza", 30),
    ("whsec_", 16),
    ("hvs.", 16),
    ("dev_", 16),
];

/// A secret, or a device's id, that shows itself by its begin.
pub(super) fn token(rest: &str) -> Option<Found> {
    for (prefix, least) in PREFIXES {
        if let Some(body) = rest.strip_prefix(prefix) {
            let len = run(body, is_token).len();
            if len >= least {
                return Some(Found::new(prefix.len() + len, format!("{prefix}{STARS}")));
            }
        }
    }
    for prefix in ["AKIA", "ASIA", "AROA", "AIDA"] {
        if let Some(body) = rest.strip_prefix(prefix) {
            let len = run(body, |b| b.is_ascii_uppercase() || b.is_ascii_digit()).len();
            if len >= 12 {
                return Some(Found::new(4 + len, format!("{prefix}{STARS}")));
            }
        }
    }
    jwt(rest).or_else(|| scheme(rest))
}

/// `eyJ….eyJ….…`; the signature may be missing.
fn jwt(rest: &str) -> Option<Found> {
    let body = rest.strip_prefix("eyJ")?;
    let run = run(body, |b| is_token(b) || b == b'.').trim_end_matches('.');
    let (head, payload) = run.split_once('.')?;
    (head.len() >= 4 && payload.len() >= 4).then(|| Found::new(3 + run.len(), "eyJ***"))
}

fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// `Bearer …`, and `Basic …` where what follows can be nothing else.
fn scheme(rest: &str) -> Option<Found> {
    let part = |b: u8| is_token(b) || matches!(b, b'.' | b'~' | b'+' | b'/' | b'=');
    for (name, least) in [("bearer", 6), ("basic", 12)] {
        let Some(after) = strip_ignoring_case(rest, name) else { continue };
        let value = after.trim_start_matches([' ', '\t']);
        let len = run(value, part).len();
        // A long word may follow in prose; a credential has more than small letters in it.
        let credential = !value[..len].bytes().all(|b| b.is_ascii_lowercase());
        if value.len() < after.len() && len >= least && credential {
            let end = rest.len() - value.len() + len;
            return Some(Found::new(end, format!("{} {STARS}", &rest[..name.len()])));
        }
    }
    None
}

/// `-----BEGIN … PRIVATE KEY-----` up to its end, or to the text's.
pub(super) fn pem(rest: &str) -> Option<Found> {
    let label = rest.strip_prefix("-----BEGIN ")?;
    let (label, body) = label.split_once("-----")?;
    if !label.ends_with("PRIVATE KEY") || label.len() > 40 || body.starts_with(STARS) {
        return None;
    }
    let end = format!("-----END {label}-----");
    let len = rest.find(&end).map_or(rest.len(), |at| at + end.len());
    Some(Found::new(len, format!("-----BEGIN {label}-----{STARS}")))
}

/// `://user:password@`.
pub(super) fn userinfo(rest: &str) -> Option<Found> {
    let authority = &rest[3..];
    let stop = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>');
    let authority = authority.split(stop).next()?;
    let at = authority.rfind('@')?;
    (&authority[..at] != STARS).then(|| Found::new(3 + at + 1, format!("://{STARS}@")))
}

/// How sure it is that what follows such a name is a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whatever follows.
    Always,
    /// In prose (`token: expired`) a plain word is none.
    UnlessProse,
    /// All of the line: schemes and lists.
    Line,
}

/// Names whose values are secrets, by how they end.
const ENDS: [(&str, Kind); 15] = [
    ("password", Kind::Always),
    ("passwd", Kind::Always),
    ("passphrase", Kind::Always),
    ("pwd", Kind::Always),
    ("비밀번호", Kind::Always),
    ("secret", Kind::UnlessProse),
    ("token", Kind::UnlessProse),
    ("apikey", Kind::UnlessProse),
    ("secretkey", Kind::UnlessProse),
    ("privatekey", Kind::UnlessProse),
    ("accesskey", Kind::UnlessProse),
    ("masterkey", Kind::UnlessProse),
    ("authorization", Kind::Line),
    ("cookie", Kind::Line),
    ("webhooksignature", Kind::UnlessProse),
];

/// Keys that open nothing.
const HARMLESS: [&str; 8] = [
    "idempotencykey",
    "dedupekey",
    "routingkey",
    "publickey",
    "primarykey",
    "foreignkey",
    "sortkey",
    "partitionkey",
];

/// Longest name that is looked at.
const MAX_NAME: usize = 64;

pub(super) fn kind(name: &str) -> Option<Kind> {
    let flat: String = name
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect();
    if HARMLESS.iter().any(|harmless| flat.ends_with(harmless)) {
        return None;
    }
    if let Some((_, kind)) = ENDS.iter().find(|(end, _)| flat.ends_with(end)) {
        return Some(*kind);
    }
    // `key`, `llm_key`, `llm-key`, but no `monkey`.
    let lower = name.to_lowercase();
    (lower == "key" || lower.ends_with("_key") || lower.ends_with("-key"))
        .then_some(Kind::UnlessProse)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

pub(super) fn begins_name(c: char, before: Option<char>) -> bool {
    is_name(c) && !before.is_some_and(is_name)
}

/// `password=…`, `"token": "…"`, `X-Api-Key: …`, also inside a JSON string.
pub(super) fn assignment(rest: &str) -> Option<Found> {
    let name_end = rest.find(|c| !is_name(c))?;
    if name_end > MAX_NAME {
        return None;
    }
    // The name's closing quote, escaped any number of times.
    let after = rest[name_end..].trim_start_matches('\\');
    let after = after.strip_prefix(['"', '\'']).unwrap_or(after);
    let named = after.len() < rest.len() - name_end;
    let after = after.trim_start_matches([' ', '\t']);
    let sign = after.chars().next().filter(|c| matches!(c, '=' | ':'))?;
    let value = &after[1..];
    if sign == ':' && value.starts_with(':') {
        return None;
    }
    let kind = kind(&rest[..name_end])?;
    let value = value.trim_start_matches([' ', '\t']);
    let spaced = value.len() + 1 < after.len();
    let start = rest.len() - value.len();
    let slashes = run(value, |b| b == b'\\').len();
    if let Some(quote) = value[slashes..].chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let open = slashes + 1;
        let len = quoted(&value[open..], quote, slashes);
        return replace(rest, start + open, &value[open..open + len]);
    }
    let len = match kind {
        Kind::Line => value.find(['"', '\n', '\r', '\\']).unwrap_or(value.len()),
        _ => value.find(ends_value).unwrap_or(value.len()),
    };
    let value = &value[..len];
    let word = value.bytes().all(|b| b.is_ascii_alphabetic());
    let prose = kind == Kind::UnlessProse && sign == ':' && spaced && !named && word;
    let literal = matches!(value, "null" | "true" | "false") || value.starts_with(['{', '[']);
    if prose || literal { None } else { replace(rest, start, value) }
}

fn ends_value(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | '&' | '"' | '\'' | '}' | ')' | ']' | '>' | '\\')
}

fn replace(rest: &str, start: usize, value: &str) -> Option<Found> {
    (!value.is_empty() && value != STARS)
        .then(|| Found::new(start + value.len(), format!("{}{STARS}", &rest[..start])))
}

/// Length of a quoted value whose opening quote had `slashes` backslashes before it: inside a JSON
/// string that is itself quoted, a quote with more of them belongs to the value.
fn quoted(value: &str, quote: char, slashes: usize) -> usize {
    let mut before = 0;
    for (at, c) in value.char_indices() {
        if c == '\\' {
            before += 1;
            continue;
        }
        if c == quote {
            let closes = if slashes == 0 { before % 2 == 0 } else { before <= slashes };
            if closes {
                return if slashes == 0 { at } else { at - before };
            }
        }
        before = 0;
    }
    value.len()
}
