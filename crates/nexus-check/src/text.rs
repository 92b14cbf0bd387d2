//! What the kit says, in both languages at once.

/// A sentence or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: String,
    /// Korean.
    pub ko: String,
}

/// The same format in both languages.
macro_rules! both {
    ($en:literal, $ko:literal $(, $($arg:tt)*)?) => {
        $crate::text::Text {
            en: format!($en $(, $($arg)*)?),
            ko: format!($ko $(, $($arg)*)?),
        }
    };
}
pub(crate) use both;

/// What is the same in every language: a value, a header, a line of the wire.
pub(crate) fn plain(text: impl Into<String>) -> Text {
    let en = text.into();
    Text { ko: en.clone(), en }
}

/// A value as it is shown: quoted, and not longer than a line.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 160;
    let quoted = format!("{text:?}");
    match quoted.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}… ({} B)", &quoted[..at], text.len()),
        None => quoted,
    }
}
