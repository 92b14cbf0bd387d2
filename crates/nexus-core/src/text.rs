//! Text that people read before they decide: nothing in it may be hidden.

use std::fmt::Write as _;

use serde_json::Value;

/// Whether a character is not seen, or changes how its neighbours are seen: controls, bidi marks,
/// zero-width, fillers, variation selectors and tags.
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}'
        | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with every hidden character written out, `⟨U+202E⟩`.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// A JSON value with every string and key made visible; says whether anything was hidden.
pub fn visible_json(value: &Value) -> (Value, bool) {
    match value {
        Value::String(text) => {
            let shown = visible(text);
            let hidden = shown != *text;
            (Value::String(shown), hidden)
        }
        Value::Array(items) => {
            let (items, hidden): (Vec<_>, Vec<_>) = items.iter().map(visible_json).unzip();
            (Value::Array(items), hidden.contains(&true))
        }
        Value::Object(object) => {
            let mut hidden = false;
            let shown = object.iter().map(|(key, item)| {
                let (item, item_hidden) = visible_json(item);
                let shown_key = visible(key);
                hidden |= item_hidden || shown_key != *key;
                (shown_key, item)
            });
            let shown = shown.collect();
            (Value::Object(shown), hidden)
        }
        other => (other.clone(), false),
    }
}

/// A text as it is searched: in lower case, with Hangul in whole syllables. Some programs, and the
/// names of files from a Mac, write `한` as its three letters.
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match out.chars().next_back().and_then(|last| syllable(last, c)) {
            Some(joined) => {
                out.pop();
                out.push(joined);
            }
            None => out.push(c),
        }
    }
    out
}

/// What a letter of Hangul makes of what stands before it (Unicode, chapter 3.12): a leading
/// consonant and a vowel, or such a syllable and a trailing consonant.
fn syllable(last: char, c: char) -> Option<char> {
    const SYLLABLES: u32 = 0xac00;
    let (last, c) = (u32::from(last), u32::from(c));
    match (last, c) {
        (0x1100..=0x1112, 0x1161..=0x1175) => {
            char::from_u32(SYLLABLES + ((last - 0x1100) * 21 + (c - 0x1161)) * 28)
        }
        (SYLLABLES..=0xd7a3, 0x11a8..=0x11c2) if (last - SYLLABLES).is_multiple_of(28) => {
            char::from_u32(last + (c - 0x11a7))
        }
        _ => None,
    }
}

/// At most `max` bytes of a text, cut at a character, with `…` where something was cut.
pub fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = (0..=max.saturating_sub('…'.len_utf8()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_would_be_hidden_is_written_out() {
        assert_eq!(visible("보내기 \u{202e}fdp.exe"), "보내기 ⟨U+202E⟩fdp.exe");
        assert_eq!(visible("a\u{200b}b\0\n\tc"), "a⟨U+200B⟩b⟨U+0000⟩\n\tc");
        let (shown, hidden) = visible_json(&json!({"to": ["x\u{feff}"], "n": 1}));
        assert_eq!((shown, hidden), (json!({"to": ["x⟨U+FEFF⟩"], "n": 1}), true));
        assert!(!visible_json(&json!({"글": "안녕 👋"})).1);
    }

    #[test]
    fn a_text_is_found_however_it_was_typed() {
        assert_eq!(folded("PROVIDER Ünïted ΑΒ"), "provider ünïted αβ");
        let letters = "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af} \u{110b}\u{1165}\u{11b9}\u{110b}\u{1173}\u{11b7}";
        assert_eq!(folded(letters), "한글 없음");
        assert_eq!(folded("보고서 읽기 실패"), "보고서 읽기 실패");
        assert_eq!(folded("ㅋㅋ"), "ㅋㅋ", "letters that stand for themselves");
    }

    #[test]
    fn a_cut_text_is_still_text() {
        assert_eq!(clip("안녕하세요", 100), "안녕하세요");
        assert_eq!(clip("안녕하세요", 10), "안녕…");
        assert_eq!(clip("안녕", 2), "…");
    }
}
