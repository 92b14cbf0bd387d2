//! Values in answers, in the class in which their reader may see them; the same rule as the stream's.

use nexus_core::masked::{Reader, mask_item};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A value as its reader gets it.
#[derive(Clone, Debug)]
pub enum Seen<T> {
    /// As it is.
    Clear(T),
    /// Masked.
    Masked(Value),
}

/// A value of a collection as a reader gets it: masked for those who neither may decide nor asked
/// for it themselves.
pub fn seen<T: Serialize>(reader: &Reader, collection: &str, item: T) -> Seen<T> {
    let Reader::Masked { own } = reader else { return Seen::Clear(item) };
    // What cannot be serialised fails again, and loudly, when the answer is made.
    let Ok(mut value) = serde_json::to_value(&item) else { return Seen::Clear(item) };
    if value["requested_by"] == own.as_str() || !mask_item(collection, &mut value) {
        return Seen::Clear(item);
    }
    Seen::Masked(value)
}

impl<T: Serialize> Serialize for Seen<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear(item) => item.serialize(serializer),
            Self::Masked(value) => value.serialize(serializer),
        }
    }
}
