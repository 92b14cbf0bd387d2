//! The net over whatever leaves for logs, errors and alerts: secrets and personal data out of a
//! text, the rest as it was. Types mask themselves first; this catches what came in as plain text.
//!
//! | found | left in its place |
//! |---|---|
//! | NEXUS keys, provider keys, AWS ids, JWTs, private keys | their public prefix and `***` |
//! | `Bearer …`, `password=…`, `"token": "…"`, `scheme://user:password@` | the name and `***` |
//! | `user@example.com` | `u***@e***.com` |
//! | resident registration numbers, phones, cards | stars |
//! | IP addresses but loopback and unspecified ones, device ids | stars |
//!
//! Nothing that is left in place of a finding keeps a digit, so that it never forms a new one with
//! its neighbours; should it happen all the same, [`mask`] goes over the text again.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;

mod number;
mod secret;

/// What stands for a secret.
pub const STARS: &str = "***";

/// What is to be taken out: `len` bytes, and what comes in their place.
struct Found {
    len: usize,
    instead: String,
}

impl Found {
    fn new(len: usize, instead: impl Into<String>) -> Self {
        Self { len, instead: instead.into() }
    }
}

/// The text without secrets and personal data. Masking twice changes nothing more.
pub fn mask(text: &str) -> Cow<'_, str> {
    if is_short_word(text) {
        return Cow::Borrowed(text);
    }
    let Some(mut masked) = pass(text) else { return Cow::Borrowed(text) };
    // Once more is enough for anything but texts made to test this.
    for _ in 0..8 {
        match pass(&masked) {
            Some(again) => masked = again,
            None => return Cow::Owned(masked),
        }
    }
    Cow::Borrowed(STARS)
}

/// A text that is too short, and of too few kinds of letters, to be anything that is masked: most
/// names of fields and most words that programs write are.
fn is_short_word(text: &str) -> bool {
    text.len() < 12 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// Whether something in the text is to be masked.
pub fn finds(text: &str) -> bool {
    Scanner { text, fresh: 0 }.next(0).is_some()
}

/// Masks every string of a value, and whole what stands under a name such as `password`.
pub fn mask_value(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = mask(text) {
                *text = masked;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_value),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if names_secret(name) && !matches!(field, Value::Null | Value::Bool(_)) {
                    *field = Value::from(STARS);
                } else {
                    mask_value(field);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a field of this name holds a secret: `password`, `x-api-key`, `refreshToken`, …
pub fn names_secret(name: &str) -> bool {
    secret::kind(name).is_some()
}

/// One pass; `None` when nothing was found.
fn pass(text: &str) -> Option<String> {
    let mut scanner = Scanner { text, fresh: 0 };
    let mut out = String::new();
    let mut done = 0;
    while let Some((at, found)) = scanner.next(done) {
        out.push_str(&text[done..at]);
        out.push_str(&found.instead);
        done = at + found.len;
        scanner.fresh = done;
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

struct Scanner<'a> {
    text: &'a str,
    /// Just behind the last finding; what begins here begins a word whatever stood before.
    fresh: usize,
}

impl Scanner<'_> {
    /// The first finding at or behind `from`.
    fn next(&mut self, from: usize) -> Option<(usize, Found)> {
        let bytes = self.text.as_bytes();
        let mut at = from;
        while at < bytes.len() {
            let c = self.text[at..].chars().next()?;
            let before = if at == self.fresh { None } else { self.text[..at].chars().next_back() };
            match self.at(at, c, before) {
                Step::Found(found) => return Some((at, found)),
                Step::Skip(len) => at += len,
            }
        }
        None
    }

    fn at(&self, at: usize, c: char, before: Option<char>) -> Step {
        let rest = &self.text[at..];
        let found = |found: Option<Found>| found.map(Step::Found);
        let in_word = before.is_some_and(|b| b.is_ascii_alphanumeric() || b == '_');
        let step = match c {
            ':' if rest.starts_with("://") => found(secret::userinfo(rest)),
            '-' if rest.starts_with("-----BEGIN ") => found(secret::pem(rest)),
            _ => None,
        };
        if let Some(step) = step {
            return step;
        }
        if !in_word {
            if let Some(len) = uuid(rest) {
                return Step::Skip(len);
            }
            if let Some(found) = secret::token(rest) {
                return Step::Found(found);
            }
        }
        if secret::begins_name(c, before)
            && let Some(found) = secret::assignment(rest)
        {
            return Step::Found(found);
        }
        if let Some(found) = number::find(self.text, at, c, before) {
            return Step::Found(found);
        }
        if is_local(c)
            && !before.is_some_and(is_local)
            && let Some(found) = email(rest)
        {
            return Step::Found(found);
        }
        if let Some(found) = address(rest, c, before) {
            return Step::Found(found);
        }
        Step::Skip(c.len_utf8())
    }
}

enum Step {
    Found(Found),
    Skip(usize),
}

/// A UUID as written everywhere: its groups of digits are no phone and no card.
fn uuid(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes().get(..36)?;
    let shaped = bytes.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    let ends = !bytes_word(rest.as_bytes().get(36).copied());
    (shaped && ends).then_some(36)
}

fn bytes_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What the part of an address before the `@` is made of.
fn is_local(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-')
}

/// `u***@e***.com`; of `example.co.kr` the last two labels stay, for they name no one.
fn email(rest: &str) -> Option<Found> {
    let at = rest.find(|c| !is_local(c))?;
    let domain = rest[at..].strip_prefix('@')?;
    let mut labels: Vec<&str> = Vec::new();
    let mut end = 0;
    loop {
        let label = label(&domain[end..]);
        if label.is_empty() {
            break;
        }
        end += label.len();
        labels.push(label);
        if !domain[end..].starts_with('.') {
            break;
        }
        end += 1;
    }
    if domain[..end].ends_with('.') {
        end -= 1;
    }
    let (first, last) = (rest.chars().next()?, labels.last()?);
    let top = last.chars().count() >= 2 && last.chars().all(|c| c.is_alphabetic() || c == '-');
    if labels.len() < 2 || !top {
        return None;
    }
    let second = labels[labels.len() - 2];
    let shared = matches!(
        second,
        "co" | "or" | "go" | "ac" | "ne" | "re" | "pe" | "com" | "net" | "org" | "edu" | "gov"
    );
    let kept = if shared && last.len() == 2 && labels.len() > 2 {
        format!("{second}.{last}")
    } else {
        (*last).to_owned()
    };
    let head = labels[0].chars().next()?;
    Some(Found::new(at + 1 + end, format!("{}***@{}***.{kept}", letter(first), letter(head))))
}

/// A digit that stays could join others into a number.
fn letter(c: char) -> String {
    if c.is_numeric() || c == '%' { String::new() } else { c.to_string() }
}

/// A label of a domain: ASCII, or letters beyond it, not both, so that `a@b.com으로` ends with `com`.
fn label(text: &str) -> &str {
    let ascii = text.starts_with(|c: char| c.is_ascii());
    let part = |c: char| c.is_ascii() == ascii && (c.is_alphanumeric() || (c == '-' && ascii));
    text.split(|c| !part(c)).next().unwrap_or_default()
}

/// IPv4 and IPv6. Loopback and unspecified addresses are nobody's.
fn address(rest: &str, c: char, before: Option<char>) -> Option<Found> {
    let starts = c.is_ascii_hexdigit() || c == ':';
    if !starts || before.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, '_' | ':')) {
        return None;
    }
    if c.is_ascii_digit() && before != Some('.') {
        let run = run(rest, |b| b.is_ascii_digit() || b == b'.').trim_end_matches('.');
        let ends = !bytes_word(rest.as_bytes().get(run.len()).copied());
        if ends && let Some(ip) = ipv4(run) {
            let public = !ip.is_loopback() && !ip.is_unspecified();
            return public.then(|| Found::new(run.len(), "*.*.*.*"));
        }
    }
    let run = run(rest, |b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
    let run = run.trim_end_matches('.');
    let ends = !bytes_word(rest.as_bytes().get(run.len()).copied());
    // A sentence may go on with a colon behind the address.
    let run = if run.ends_with(':') && !run.ends_with("::") { &run[..run.len() - 1] } else { run };
    if !ends || !run.contains(':') || !run.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let ip: Ipv6Addr = run.parse().ok()?;
    (!ip.is_loopback() && !ip.is_unspecified()).then(|| Found::new(run.len(), "*:*:*"))
}

/// Leading zeros are taken too: somebody may write them.
fn ipv4(run: &str) -> Option<Ipv4Addr> {
    let mut parts = run.split('.');
    let mut octets = [0u8; 4];
    for octet in &mut octets {
        let part = parts.next()?;
        if part.len() > 3 {
            return None;
        }
        *octet = part.parse().ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// The longest start of `text` made of such bytes, which are ASCII.
fn run(text: &str, is: impl Fn(u8) -> bool) -> &str {
    let end = text.bytes().position(|b| !is(b)).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests;
