//! What many failures have in common: the text of an error without what differs from one to the
//! next, so that "412 of 430 are one error" can be counted.
//!
//! | in a text | in its cause |
//! |---|---|
//! | quoted text, in any of the usual quotes | `<text>` |
//! | `scheme://…` | `<url>` |
//! | a path | `<path>` |
//! | `name@example.com` | `<email>` |
//! | a date, with a time or without | `<time>` |
//! | a number: `3`, `1,000`, `0.5`, `10.0.0.7`, `12:30` | `<n>` |
//! | a UUID, a hash, a token of letters and digits | `<id>` |
//!
//! Words stay, in every script.

use sha2::{Digest, Sha256};

use crate::failure::FailureCode;
use crate::text::clip;

/// Longest cause, in bytes; what differs further behind makes no other cause.
pub const CAUSE_BYTES: usize = 300;

/// Names a cause: of one code and one type, one normalised message. `cau_` and 16 hex digits.
pub fn id(code: FailureCode, task_type: &str, message: &str) -> String {
    let mut hash = Sha256::new();
    for part in [code.as_str(), task_type, &normalise(message)] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut id = String::from("cau_");
    for byte in hash.finalize().iter().take(8) {
        for half in [byte >> 4, byte & 15] {
            id.extend(char::from_digit(u32::from(half), 16));
        }
    }
    id
}

/// Whether a text can be the name of a cause.
pub fn is_id(text: &str) -> bool {
    text.strip_prefix("cau_").is_some_and(|hex| {
        hex.len() == 16 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The message without what differs from one failure to the next, on one line and of at most
/// [`CAUSE_BYTES`] bytes.
pub fn normalise(message: &str) -> String {
    let mut out = String::with_capacity(message.len().min(CAUSE_BYTES + 8));
    let mut rest = message.trim();
    while let Some(c) = rest.chars().next() {
        if out.len() > CAUSE_BYTES {
            break;
        }
        let last = out.chars().next_back();
        if c.is_whitespace() || c.is_control() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
            rest = &rest[c.len_utf8()..];
        } else if let Some((len, instead)) = found(rest, c, last) {
            out.push_str(instead);
            rest = &rest[len..];
        } else if c.is_ascii_alphanumeric() {
            let len = run(rest, |b| b.is_ascii_alphanumeric());
            word(&rest[..len], &mut out);
            rest = &rest[len..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    clip(out.trim_end(), CAUSE_BYTES)
}

/// What begins here and goes as a whole: its length, and what stands for it.
fn found(rest: &str, c: char, last: Option<char>) -> Option<(usize, &'static str)> {
    if last.is_some_and(|last| last.is_alphanumeric() || last == '_') {
        return None;
    }
    // Behind a number or a name a slash divides: `3/4`.
    let divides = c == '/' && last.is_some_and(|last| matches!(last, '>' | ')' | ']'));
    let named = |len: Option<usize>, name| len.map(|len| (len, name));
    if let Some(found) = named(quoted(rest, c), "<text>") {
        return Some(found);
    }
    if c.is_ascii_digit()
        && let Some(found) = named(date(rest), "<time>")
    {
        return Some(found);
    }
    named(url(rest), "<url>")
        .or_else(|| named(email(rest), "<email>"))
        .or_else(|| named(path(rest, c).filter(|_| !divides), "<path>"))
        .or_else(|| named(uuid(rest), "<id>"))
        .or_else(|| named(number(rest), "<n>"))
}

/// Text between quotes, the quotes with it; they must close.
fn quoted(rest: &str, c: char) -> Option<usize> {
    let close = match c {
        '"' | '\'' | '`' => c,
        '“' => '”',
        '‘' => '’',
        '「' => '」',
        '『' => '』',
        '«' => '»',
        _ => return None,
    };
    let begin = c.len_utf8();
    let mut from = begin;
    loop {
        let at = from + rest[from..].find(close)?;
        from = at + close.len_utf8();
        // The apostrophe of "it's" and "they're" closes nothing.
        let next = run(&rest[from..], |b| b.is_ascii_alphanumeric());
        let goes_on = (1..=2).contains(&next)
            && rest[from..from + next].bytes().all(|b| b.is_ascii_alphabetic());
        if at > begin && !(matches!(close, '\'' | '’') && goes_on) {
            return Some(from);
        }
        if at == begin {
            return None;
        }
    }
}

/// How far something without blanks goes. Letters that are not ASCII belong to it behind a
/// separator, as in `/문서/보고서.hwp`; behind a letter they are the sentence's again, as in `url을`.
fn stretch(rest: &str, begin: usize, stops: &[char]) -> usize {
    let mut end = begin;
    let mut last = rest[..begin].chars().next_back();
    for c in rest[begin..].chars() {
        let closes = c.is_whitespace() || c.is_control() || stops.contains(&c);
        let particle = !c.is_ascii() && last.is_some_and(|last| last.is_ascii_alphanumeric());
        if closes || particle {
            break;
        }
        end += c.len_utf8();
        last = Some(c);
    }
    // What ends a sentence or a list is no part of it.
    begin + rest[begin..end].trim_end_matches(['.', ',', ':', ';', '!', '?']).len()
}

const CLOSERS: [char; 9] = ['"', '\'', '`', '<', '>', ')', ']', '}', '|'];

fn url(rest: &str) -> Option<usize> {
    let scheme = run(rest, |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let begin = scheme + rest[scheme..].strip_prefix("://").map(|_| 3)?;
    (scheme > 0 && rest.as_bytes()[0].is_ascii_alphabetic())
        .then(|| stretch(rest, begin, &CLOSERS))
        .filter(|end| *end > begin)
}

fn email(rest: &str) -> Option<usize> {
    let local = run(rest, |b| b.is_ascii_alphanumeric() || b"._%+-*".contains(&b));
    let domain = rest[local..].strip_prefix('@')?;
    let len = run(domain, |b| b.is_ascii_alphanumeric() || b".-*".contains(&b));
    let host = domain[..len].trim_end_matches(['.', '-']);
    (local > 0 && host.contains('.')).then_some(local + 1 + host.len())
}

/// `/a/b`, `./a`, `~/a`, `C:\a`, `a/b/c`, `a/b.txt`; neither `and/or` nor `text/html`.
fn path(rest: &str, c: char) -> Option<usize> {
    let stops = &[CLOSERS.as_slice(), &['(', '[', '{', ',', ';']].concat();
    let rooted = match c {
        '/' => 1,
        '~' | '.' => rest.find('/').filter(|at| matches!(&rest[..*at], "~" | "." | ".."))? + 1,
        'A'..='Z' | 'a'..='z' if rest[1..].starts_with(":\\") => 3,
        _ if c.is_alphanumeric() => {
            let end = stretch(rest, 0, stops);
            let (folder, file) = rest[..end].rsplit_once('/')?;
            let deep = folder.contains('/');
            let named = file.rsplit_once('.').is_some_and(|(_, kind)| {
                (1..=5).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_alphanumeric())
            });
            return ((deep || named) && !file.is_empty()).then_some(end);
        }
        _ => return None,
    };
    let end = stretch(rest, rooted, stops);
    (end > rooted).then_some(end)
}

/// `2026-11-21`, `2026-11-21T05:04:03.123Z`, `2026/11/21 05:04`.
fn date(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let digits = |at: usize, many: usize| {
        bytes.get(at..at + many).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let is = |at: usize, any: &[u8]| bytes.get(at).is_some_and(|byte| any.contains(byte));
    let day = digits(0, 4) && is(4, b"-/") && digits(5, 2) && is(7, b"-/") && digits(8, 2);
    if !day || digits(10, 1) {
        return None;
    }
    if !(is(10, b"T ") && digits(11, 2) && is(13, b":") && digits(14, 2)) {
        return Some(10);
    }
    let mut end = 16 + run(&rest[16..], |b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b','));
    end = rest[..end].trim_end_matches([':', '.', ',']).len();
    if is(end, b"Z") {
        end += 1;
    } else if is(end, b"+-") && digits(end + 1, 2) {
        end += 1 + run(&rest[end + 1..], |b| b.is_ascii_digit() || b == b':');
    }
    Some(end)
}

fn uuid(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes().get(..36)?;
    let shaped = bytes.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    let ends = !rest.as_bytes().get(36).is_some_and(u8::is_ascii_alphanumeric);
    (shaped && ends).then_some(36)
}

/// Digits, and more digits behind single separators.
fn number(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut end = run(rest, |b| b.is_ascii_digit());
    if end == 0 {
        return None;
    }
    while bytes.get(end).is_some_and(|b| matches!(b, b'.' | b',' | b':'))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
    {
        end += 1 + run(&rest[end + 1..], |b| b.is_ascii_digit());
    }
    // A token that begins with digits is one word: `7f3a9c`, `30s`.
    (!bytes.get(end).is_some_and(u8::is_ascii_alphabetic)).then_some(end)
}

/// A run of ASCII letters and digits: a token whole, of a word its digits.
fn word(word: &str, out: &mut String) {
    if is_token(word) {
        out.push_str("<id>");
        return;
    }
    let mut digits = false;
    for c in word.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !digits {
            out.push_str("<n>");
        }
        digits = c.is_ascii_digit();
    }
}

/// Letters and digits in more than one turn, as no word has them, or a long hexadecimal number.
fn is_token(word: &str) -> bool {
    let hex = word.bytes().all(|b| b.is_ascii_hexdigit());
    let turns = word
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
        .count();
    match turns {
        0 => hex && word.len() >= 16,
        1 => hex && word.len() >= 6,
        _ => word.len() >= 6,
    }
}

/// How many bytes at the start are such ones, which are ASCII.
fn run(text: &str, is: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|b| !b.is_ascii() || !is(b)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_differs_is_taken_out_and_words_stay() {
        for (message, cause) in [
            ("upstream answered 503 after 1,204.5 ms", "upstream answered <n> after <n> ms"),
            ("no answer in 30s, try 3/4", "no answer in <n>s, try <n>/<n>"),
            ("task tsk_0192f3a47abc4def8123456789abcdef is gone", "task tsk_<id> is gone"),
            ("0192f3a4-7abc-4def-8123-456789abcdef: no such run", "<id>: no such run"),
            ("commit 7f3a9c and deadbeefdeadbeef", "commit <id> and <id>"),
            ("request req_1234567890123456", "request req_<id>"),
            ("at 2026-11-21T05:04:03.123Z, not 2026-11-20", "at <time>, not <time>"),
            ("GET https://api.example.com/v1/x?id=7#a: refused", "GET <url>: refused"),
            ("(see http://127.0.0.1:8000/docs).", "(see <url>)."),
            ("cannot open /data/org 1/보고서.hwp", "cannot open <path> <path>"),
            (r"cannot open C:\Users\mina\a.hwp", "cannot open <path>"),
            ("docs/2026/보고서.hwp is no document", "<path> is no document"),
            ("neither text/html nor and/or nor I/O", "neither text/html nor and/or nor I/O"),
            ("write to u***@e***.com failed", "write to <email> failed"),
            ("field \"a b\" isn't 'it's' or `x`", "field <text> isn't <text> or <text>"),
            ("an open \" stays", "an open \" stays"),
            ("sha256 of utf8 and h264", "sha<n> of utf<n> and h<n>"),
            ("line one\n\tline   two", "line one line two"),
            ("10.0.0.7:8080 refused", "<n> refused"),
        ] {
            assert_eq!(normalise(message), cause, "{message}");
        }
    }

    #[test]
    fn korean_stays_korean() {
        for (message, cause) in [
            ("문서 3번을 15초 안에 읽지 못했습니다", "문서 <n>번을 <n>초 안에 읽지 못했습니다"),
            ("'홍길동'의 파일을 찾을 수 없습니다", "<text>의 파일을 찾을 수 없습니다"),
            ("「보고서」와 “요약”을 합칠 수 없음", "<text>와 <text>을 합칠 수 없음"),
            ("https://example.com/v1을 열 수 없음", "<url>을 열 수 없음"),
            ("/자료/2026/보고서.hwp을 열 수 없음", "<path>을 열 수 없음"),
        ] {
            assert_eq!(normalise(message), cause, "{message}");
        }
    }

    #[test]
    fn a_cause_is_of_one_code_and_one_type() {
        let one = id(FailureCode::AgentError, "file.read", "line 1");
        assert!(is_id(&one) && !is_id("cau_1") && !is_id("cau_0123456789ABCDEF"));
        assert_eq!(one, id(FailureCode::AgentError, "file.read", "line 22"));
        assert_ne!(one, id(FailureCode::AgentError, "file.read", "row 1"));
        assert_ne!(one, id(FailureCode::AgentError, "file.list", "line 1"));
        assert_ne!(one, id(FailureCode::AgentTimeout, "file.read", "line 1"));
    }

    proptest! {
        #[test]
        fn any_text_has_a_short_cause_on_one_line(text in "\\PC{0,600}|[ -~]{0,200}|[a-f0-9'\"/:.@ 가-힣-]{0,60}") {
            let cause = normalise(&text);
            prop_assert!(cause.len() <= CAUSE_BYTES);
            prop_assert!(!cause.bytes().any(|b| b.is_ascii_digit() || b == b'\n'), "{}", cause);
        }

        #[test]
        fn numbers_and_ids_make_no_other_cause(
            a in any::<u64>(), b in any::<u64>(), x in any::<u128>(), y in any::<u128>(),
        ) {
            let text = |number: u64, id: u128| {
                format!("작업 tsk_{id:032x}: {number}번째 시도 실패 at /var/{number}/x ({number} ms)")
            };
            prop_assert_eq!(normalise(&text(a, x)), normalise(&text(b, y)));
        }

        #[test]
        fn hangul_is_kept(text in "[가-힣]{1,30}( [가-힣]{1,30}){0,1}") {
            prop_assert_eq!(normalise(&text), text);
        }
    }
}
