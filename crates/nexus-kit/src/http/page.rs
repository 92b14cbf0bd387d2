//! Lists in pages: `limit` and an opaque `cursor` in, `items` and `next` out.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

/// Most items of a page.
pub const MAX_LIMIT: u16 = 200;

/// Longest cursor that is read.
const MAX_PLACE: usize = 512;

/// How many items a page has: 1 to 200, 50 unless asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = u16, minimum = 1, maximum = 200, default = 50)]
pub struct Limit(u16);

impl Limit {
    /// The number.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = u16::deserialize(deserializer)?;
        if (1..=MAX_LIMIT).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err(D::Error::custom(format!("not between 1 and {MAX_LIMIT}")))
        }
    }
}

/// Where a page starts: whatever the list sorts by, of the last item before it. Callers hand it back
/// as they got it; it grants nothing, for every page is read under the caller's own rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<T>(pub T);

impl<T: Serialize> fmt::Display for Place<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Place<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = if text.len() <= MAX_PLACE { URL_SAFE_NO_PAD.decode(text).ok() } else { None };
        let place = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        place.map(Self).ok_or_else(|| D::Error::custom("not a cursor of this list"))
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// The `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page from up to `limit` + 1 items: the one too many only says that there is a next page.
    /// `place` gives what the list sorts by.
    pub fn cut<P: Serialize>(mut items: Vec<T>, limit: Limit, place: impl Fn(&T) -> P) -> Self {
        let more = items.len() > limit.get();
        items.truncate(limit.get());
        let last = items.last().filter(|_| more);
        let next = last.map(|item| Place(place(item)).to_string());
        Self { items, next }
    }

    /// The same page with each item turned into something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

impl<T: Serialize> axum::response::IntoResponse for Page<T> {
    fn into_response(self) -> axum::response::Response {
        super::json(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_without_gap_or_repetition() {
        let all: Vec<u32> = (0..7).collect();
        let limit = Limit(3);
        let mut seen = Vec::new();
        let mut after: Option<u32> = None;
        loop {
            let rest = all.iter().copied().filter(|n| after.is_none_or(|last| *n > last));
            let page = Page::cut(rest.take(limit.get() + 1).collect(), limit, |n| *n);
            seen.extend_from_slice(&page.items);
            let Some(next) = page.next else { break };
            let place: Place<u32> = serde_json::from_value(next.into()).unwrap();
            after = Some(place.0);
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_full_last_page_has_no_next() {
        assert_eq!(Page::cut(vec![1, 2, 3], Limit(3), |n| *n).next, None);
        assert_eq!(Page::cut(Vec::<u32>::new(), Limit(3), |n| *n).next, None);
    }
}
