//! One report as the frames that its readers get: the clear one, and the masked one where masking
//! changes something. Each is made once and shared; the masked one when the first reader that needs
//! it comes, and never on the writer's thread.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use bytes::Bytes;
use nexus_core::masked::{Masked, Reader, masked_report};

/// See the file's words.
#[derive(Debug)]
pub(super) struct Frame {
    clear: Bytes,
    masked: OnceLock<Hidden>,
}

#[derive(Debug)]
enum Hidden {
    /// Nothing is to be masked.
    Nothing,
    /// The masked frame, and who asked for what it hides.
    Some(Bytes, BTreeSet<Option<String>>),
}

/// A frame as one reader gets it.
pub(super) enum Shown<'a> {
    /// As all of its class get it, but for those who asked for what it hides.
    Common(Bytes, Option<&'a BTreeSet<Option<String>>>),
    /// As this reader alone gets it.
    Own(Bytes),
}

impl Shown<'_> {
    fn bytes(self) -> Bytes {
        match self {
            Self::Common(bytes, _) | Self::Own(bytes) => bytes,
        }
    }
}

impl Frame {
    pub fn new(clear: Bytes) -> Self {
        Self { clear, masked: OnceLock::new() }
    }

    /// Bytes of the clear frame.
    pub fn len(&self) -> usize {
        self.clear.len()
    }

    /// The JSON of the report with its cursor.
    pub fn data(&self) -> &str {
        data(&self.clear).1
    }

    /// The frame as a reader gets it.
    pub fn shown(&self, reader: &Reader) -> Shown<'_> {
        let Reader::Masked { own } = reader else { return Shown::Common(self.clear.clone(), None) };
        let hidden = self.masked.get_or_init(|| match masked_report(self.data(), None) {
            Masked::Same => Hidden::Nothing,
            Masked::Other(text, owners) => Hidden::Some(self.with(&text), owners),
        });
        let Hidden::Some(masked, owners) = hidden else {
            return Shown::Common(self.clear.clone(), None);
        };
        if !owners.iter().any(|owner| owner.as_deref() == Some(own)) {
            Shown::Common(masked.clone(), Some(owners))
        } else if owners.len() == 1 {
            Shown::Own(self.clear.clone())
        } else {
            // Of several people's values those of one: nobody else gets this frame.
            Shown::Own(match masked_report(self.data(), Some(own)) {
                Masked::Same => self.clear.clone(),
                Masked::Other(text, _) => self.with(&text),
            })
        }
    }

    /// The same frame with other data.
    fn with(&self, text: &str) -> Bytes {
        let head = data(&self.clear).0;
        [head, text, "\n\n"].concat().into()
    }
}

/// A frame that is in no ring, as a reader gets it.
pub fn shown(frame: String, reader: &Reader) -> Bytes {
    Frame::new(frame.into()).shown(reader).bytes()
}

/// A report's JSON as those get it who may see only masked values.
pub(super) fn masked(report: &str) -> Cow<'_, str> {
    match masked_report(report, None) {
        Masked::Same => Cow::Borrowed(report),
        Masked::Other(text, _) => Cow::Owned(text),
    }
}

/// A frame's text up to its data, and the JSON in it.
fn data(frame: &[u8]) -> (&str, &str) {
    const DATA: &str = "\ndata: ";
    let text = std::str::from_utf8(frame).unwrap_or_default();
    let at = text.find(DATA).map_or(text.len(), |at| at + DATA.len());
    (&text[..at], text[at..].trim_end())
}
