//! What an alert says: in both languages, masked, with nothing hidden in it, and of bounded size.

use nexus_core::alert::{Event, Language, Severity};
use nexus_core::mask::mask;
use nexus_core::text::visible;
use serde::{Deserialize, Serialize};

/// Longest title and fact, longest text: in UTF-16 units, which no vendor counts more strictly than.
const TITLE: usize = 150;
const FACT: usize = 300;
const TEXT: usize = 1_000;

/// Most facts.
const FACTS: usize = 8;

/// One text in both languages.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Both {
    /// English.
    pub en: String,
    /// Korean.
    pub ko: String,
}

impl Both {
    /// Both side by side.
    pub fn new(en: impl Into<String>, ko: impl Into<String>) -> Self {
        Self { en: en.into(), ko: ko.into() }
    }

    /// The text in one language.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::En => &self.en,
            Language::Ko => &self.ko,
        }
    }
}

/// A name and its value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: Both,
    /// What it says.
    pub value: String,
}

/// What an alert says, as it is stored; every text of others has been through [`clean`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// The headline.
    pub title: Both,
    /// One sentence.
    pub text: Both,
    /// Beside it.
    #[serde(default)]
    pub facts: Vec<Fact>,
    /// What to do.
    pub advice: Both,
    /// The task that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// The ask that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_id: Option<String>,
    /// The failure that it is about, whose runbook helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
    /// Ties it to what caused it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub correlation_id: String,
    /// Who asked for what it is about; sees it in the clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
}

impl Notice {
    /// An event with nothing but its own words.
    pub fn of(event: Event, text: Both) -> Self {
        Self {
            title: Both::new(event.title_en(), event.title_ko()),
            text: Both::new(clean(&text.en, TEXT), clean(&text.ko, TEXT)),
            facts: Vec::new(),
            advice: Both::new(event.advice_en(), event.advice_ko()),
            task_id: None,
            ask_id: None,
            failure_code: None,
            correlation_id: String::new(),
            requested_by: None,
        }
    }

    /// And a fact, unless it is empty or there are enough.
    pub fn fact(mut self, en: &str, ko: &str, value: &str) -> Self {
        if !value.is_empty() && self.facts.len() < FACTS {
            let name = Both::new(en, ko);
            self.facts.push(Fact { name, value: clean(&one_line(value), FACT) });
        }
        self
    }

    /// With another headline.
    pub fn titled(mut self, title: Both) -> Self {
        self.title = Both::new(clean(&title.en, TITLE), clean(&title.ko, TITLE));
        self
    }
}

/// Something that happened, before it is known whether it is an alert of its own.
#[derive(Clone, Debug)]
pub struct Happened {
    /// What.
    pub event: Event,
    /// How bad.
    pub severity: Severity,
    /// Names this very occurrence: what was seen is not told again.
    pub source: String,
    /// What is the same alert has the same key.
    pub key: String,
    /// What it says.
    pub notice: Notice,
}

/// A text of others as a person may read it anywhere: masked, nothing hidden, cut.
pub fn clean(text: &str, most: usize) -> String {
    // Cut roughly before, so that a huge text costs no more than a long one, and exactly after.
    let rough = cut(text, most.saturating_mul(4));
    cut(&visible(&mask(&rough)), most)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `most` UTF-16 units of a text, cut at a character, with `…` where something was cut.
pub fn cut(text: &str, most: usize) -> String {
    let mut units = 0;
    let mut last = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if units > most {
            return format!("{}…", &text[..last]);
        }
        if units < most {
            last = at + c.len_utf8();
        }
    }
    text.to_owned()
}

/// A number as people write it: `1.5` for three halves, `2` for two.
pub fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_others_wrote_is_masked_and_shows_what_it_hides() {
        assert_eq!(clean("call 010-1234-5678", 100), format!("call {}", mask("010-1234-5678")));
        assert_eq!(clean("a\u{202e}b", 100), "a⟨U+202E⟩b");
        assert!(!clean("mina@example.com wants", 100).contains("mina@"));
        let notice = Notice::of(Event::AskCreated, Both::default()).fact("a", "가", "x\n\ny");
        assert_eq!(notice.facts[0].value, "x y");
    }

    #[test]
    fn a_cut_keeps_whole_characters_and_says_that_it_cut() {
        assert_eq!(cut("안녕하세요", 5), "안녕하세요");
        assert_eq!(cut("안녕하세요", 4), "안녕하…");
        assert_eq!(cut("👋👋", 3), "👋…");
        assert_eq!(cut("ab", 1), "…");
        assert_eq!(number(2.0), "2");
        assert_eq!(number(12.34), "12.3");
    }

    proptest! {
        #[test]
        fn a_cut_is_never_longer(text in ".{0,60}", most in 1usize..40) {
            prop_assert!(cut(&text, most).encode_utf16().count() <= most);
            prop_assert!(clean(&text, most).encode_utf16().count() <= most);
        }
    }
}
