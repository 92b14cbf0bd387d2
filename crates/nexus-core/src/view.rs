//! The view that a UI shows, and the fold of reports into it.
//!
//! The fold law: a snapshot at cursor *a* with reports *a+1…b* applied is the snapshot at *b*,
//! exactly, for every *a ≤ b*. It holds by construction, because snapshots are made by this fold
//! and no other code writes a view.
//!
//! Values stay the JSON text that the report carried; the fold reads no more of one than `seq` and
//! `done`, so that a report costs the server a microsecond or two.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::masked::{self, Reader};

/// Every collection of a view, in the order in which a snapshot shows them.
pub const COLLECTIONS: [&str; 8] =
    ["alerts", "asks", "autopilot", "rag", "system", "tasks", "worklog", "youtube"];

/// How many items each bounded collection keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Keep {
    /// `STREAM_WORKLOG_KEEP`.
    pub worklog: usize,
    /// Tasks.
    pub tasks: usize,
    /// Asks.
    pub asks: usize,
    /// Autopilot runs.
    pub autopilot: usize,
    /// Alerts.
    pub alerts: usize,
}

impl Default for Keep {
    fn default() -> Self {
        Self { worklog: 200, tasks: 500, asks: 500, autopilot: 50, alerts: 200 }
    }
}

impl Keep {
    fn of(&self, collection: &str) -> Option<usize> {
        match collection {
            "worklog" => Some(self.worklog),
            "tasks" => Some(self.tasks),
            "asks" => Some(self.asks),
            "autopilot" => Some(self.autopilot),
            "alerts" => Some(self.alerts),
            _ => None,
        }
    }
}

/// What a change does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// The id now has this whole value.
    Upsert,
    /// The id is gone.
    Remove,
}

/// One change of the view, as a report carries it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change<'a> {
    /// What it does.
    pub op: Op,
    /// To which collection.
    #[serde(borrow)]
    pub collection: Cow<'a, str>,
    /// To which id.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The whole new value, for an upsert.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub value: Option<&'a RawValue>,
}

/// The part of a report that the fold reads.
#[derive(Debug, Deserialize)]
pub struct Changes<'a> {
    /// In the order in which they apply.
    #[serde(borrow)]
    pub changes: Vec<Change<'a>>,
}

/// Why a report could not be folded; it can only be a report that this program did not write.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// Not the JSON of a report.
    #[error("a report cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A collection that no view has.
    #[error("a report names the collection {0:?}, which no view has")]
    UnknownCollection(String),
    /// A value of a bounded collection without `seq` or `done`, or an upsert without a value.
    #[error("a report brings {0}/{1} without value, seq or done")]
    Incomplete(String, String),
}

#[derive(Clone, PartialEq, Debug)]
struct Item {
    json: Box<str>,
    /// `Some(seq)` while the item is done, and so may be dropped.
    done: Option<u64>,
}

#[derive(Clone, Default, PartialEq, Debug)]
struct Collection {
    items: BTreeMap<Box<str>, Item>,
    /// The done items by age; of two that one report brought, the id that sorts first is older.
    done: BTreeSet<(u64, Box<str>)>,
}

/// The fold of all reports of a tenant up to some number.
#[derive(Clone, PartialEq, Debug)]
pub struct View {
    keep: Keep,
    collections: [Collection; COLLECTIONS.len()],
}

/// Items that were changed, brought or dropped since somebody looked, and whether they were there then.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Touched(BTreeMap<(usize, Box<str>), bool>);

impl Touched {
    fn note(&mut self, at: usize, id: &str, was_there: bool) {
        self.0.entry((at, id.into())).or_insert(was_there);
    }

    /// Each by collection and id; with whether it was there before.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, bool)> {
        self.0.iter().map(|((at, id), was_there)| (COLLECTIONS[*at], &**id, *was_there))
    }
}

#[derive(Deserialize)]
struct Mark {
    seq: Option<u64>,
    done: Option<bool>,
}

impl View {
    /// The view before the first report.
    pub fn empty(keep: Keep) -> Self {
        Self { keep, collections: Default::default() }
    }

    /// Reads a view that [`View::to_json`] wrote; a smaller `keep` takes hold at once.
    pub fn from_json(json: &str, keep: Keep) -> Result<Self, FoldError> {
        let stored: BTreeMap<Cow<'_, str>, BTreeMap<Cow<'_, str>, &RawValue>> =
            serde_json::from_str(json)?;
        let mut view = Self::empty(keep);
        for (collection, items) in stored {
            for (id, value) in items {
                view.upsert(&collection, &id, value)?;
            }
            view.bound(&collection, &mut |_, _, _| {});
        }
        Ok(view)
    }

    /// Reads a view that is stored an item at a time, in any order; [`View::bounded`] makes it whole.
    pub fn insert(&mut self, collection: &str, id: &str, value: &str) -> Result<(), FoldError> {
        self.upsert(collection, id, serde_json::from_str(value)?).map(|_| ())
    }

    /// Drops what is more than is kept and says what that was; for views that were stored when more
    /// was kept.
    pub fn bounded(&mut self) -> Touched {
        let mut touched = Touched::default();
        COLLECTIONS
            .iter()
            .for_each(|name| self.bound(name, &mut |at, id, was| touched.note(at, id, was)));
        touched
    }

    /// Applies one report, given as the JSON text that has its `changes`.
    pub fn apply(&mut self, report: &str) -> Result<(), FoldError> {
        self.fold(report, &mut |_, _, _| {})
    }

    /// The same, and notes which items are not as they were.
    pub fn apply_noting(&mut self, report: &str, touched: &mut Touched) -> Result<(), FoldError> {
        self.fold(report, &mut |at, id, was| touched.note(at, id, was))
    }

    fn fold(
        &mut self,
        report: &str,
        note: &mut impl FnMut(usize, &str, bool),
    ) -> Result<(), FoldError> {
        let report: Changes<'_> = serde_json::from_str(report)?;
        for change in &report.changes {
            let was_there = match (change.op, change.value) {
                (Op::Upsert, Some(value)) => self.upsert(&change.collection, &change.id, value)?,
                (Op::Upsert, None) => {
                    return Err(incomplete(&change.collection, &change.id));
                }
                (Op::Remove, _) => self.remove(&change.collection, &change.id)?,
            };
            index(&change.collection).into_iter().for_each(|at| note(at, &change.id, was_there));
        }
        for change in &report.changes {
            self.bound(&change.collection, note);
        }
        Ok(())
    }

    /// The JSON text of the view: every collection, each an object by id.
    pub fn to_json(&self) -> String {
        // A map of strings to valid JSON texts always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The view with every value masked.
    pub fn masked(&self) -> Self {
        let mut view = self.clone();
        for (name, collection) in COLLECTIONS.iter().zip(&mut view.collections) {
            for item in collection.items.values_mut() {
                if let Cow::Owned(text) = masked::masked(name, &item.json) {
                    item.json = text.into();
                }
            }
        }
        view
    }

    /// The JSON text of the view as a reader sees it, given the masked view of the same place.
    pub fn shown(&self, masked: &Self, reader: &Reader) -> String {
        match reader {
            Reader::Clear => self.to_json(),
            Reader::Masked { own } if self.has_masked_of(masked, own) => {
                let mut mixed = masked.clone();
                for (at, collection) in mixed.collections.iter_mut().enumerate() {
                    for (id, item) in &mut collection.items {
                        let clear = self.collections[at].items.get(id);
                        if let Some(clear) = clear.filter(|clear| is_of(clear, item, own)) {
                            item.json.clone_from(&clear.json);
                        }
                    }
                }
                mixed.to_json()
            }
            Reader::Masked { .. } => masked.to_json(),
        }
    }

    /// Whether the masked view hides something of what `own` asked for.
    pub fn has_masked_of(&self, masked: &Self, own: &str) -> bool {
        self.collections.iter().zip(&masked.collections).any(|(clear, masked)| {
            let mut pairs = clear.items.iter().zip(masked.items.values());
            pairs.any(|((_, clear), masked)| is_of(clear, masked, own))
        })
    }

    /// How many items all collections have together.
    pub fn len(&self) -> usize {
        self.collections.iter().map(|collection| collection.items.len()).sum()
    }

    /// Whether nothing has happened yet, or all of it is gone.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items a collection has.
    pub fn len_of(&self, collection: &str) -> usize {
        index(collection).map_or(0, |at| self.collections[at].items.len())
    }

    /// The JSON text of one value.
    pub fn get(&self, collection: &str, id: &str) -> Option<&str> {
        self.collections[index(collection)?].items.get(id).map(|item| &*item.json)
    }

    /// Says whether it was there before.
    fn upsert(&mut self, collection: &str, id: &str, value: &RawValue) -> Result<bool, FoldError> {
        let at =
            index(collection).ok_or_else(|| FoldError::UnknownCollection(collection.to_owned()))?;
        let mut done = None;
        if self.keep.of(collection).is_some() {
            let mark: Mark = serde_json::from_str(value.get())?;
            let (Some(seq), Some(is_done)) = (mark.seq, mark.done) else {
                return Err(incomplete(collection, id));
            };
            done = is_done.then_some(seq);
        }
        let place = &mut self.collections[at];
        let item = Item { json: value.get().into(), done };
        let before = place.items.insert(id.into(), item);
        if let Some(Item { done: Some(seq), .. }) = before {
            place.done.remove(&(seq, id.into()));
        }
        if let Some(seq) = done {
            place.done.insert((seq, id.into()));
        }
        Ok(before.is_some())
    }

    /// Says whether it was there before.
    fn remove(&mut self, collection: &str, id: &str) -> Result<bool, FoldError> {
        let at =
            index(collection).ok_or_else(|| FoldError::UnknownCollection(collection.to_owned()))?;
        let place = &mut self.collections[at];
        let before = place.items.remove(id);
        if let Some(Item { done: Some(seq), .. }) = before {
            place.done.remove(&(seq, id.into()));
        }
        Ok(before.is_some())
    }

    fn bound(&mut self, collection: &str, note: &mut impl FnMut(usize, &str, bool)) {
        let (Some(keep), Some(at)) = (self.keep.of(collection), index(collection)) else { return };
        let place = &mut self.collections[at];
        while place.items.len() > keep {
            let Some((_, id)) = place.done.pop_first() else { return };
            place.items.remove(&id);
            note(at, &id, true);
        }
    }
}

/// Whether an item is shown masked although `own` asked for it.
fn is_of(clear: &Item, masked: &Item, own: &str) -> bool {
    clear.json != masked.json && masked::requester(&clear.json).as_deref() == Some(own)
}

fn index(collection: &str) -> Option<usize> {
    COLLECTIONS.iter().position(|name| *name == collection)
}

fn incomplete(collection: &str, id: &str) -> FoldError {
    FoldError::Incomplete(collection.to_owned(), id.to_owned())
}

impl Serialize for View {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(COLLECTIONS.iter().zip(&self.collections))
    }
}

impl Serialize for Collection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.items)
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.json).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const SMALL: Keep = Keep { worklog: 3, tasks: 4, asks: 2, autopilot: 1, alerts: 1 };

    fn upsert(collection: &str, id: &str, value: Value) -> Value {
        json!({"op": "upsert", "collection": collection, "id": id, "value": value})
    }

    fn report(changes: Vec<Value>) -> String {
        json!({"report_id": "r", "changes": changes}).to_string()
    }

    #[test]
    fn done_items_leave_oldest_first_and_open_ones_never() {
        let mut view = View::empty(SMALL);
        for (id, seq, done) in [("a", 1, false), ("b", 2, true), ("c", 3, true), ("d", 4, false)] {
            view.apply(&report(vec![upsert("asks", id, json!({"seq": seq, "done": done}))]))
                .unwrap();
        }
        assert!(view.get("asks", "a").is_some() && view.get("asks", "d").is_some());
        assert_eq!(view.len_of("asks"), 2);
        view.apply(&report(vec![upsert("asks", "e", json!({"seq": 5, "done": false}))])).unwrap();
        assert_eq!(view.len_of("asks"), 3, "nothing done is left to drop");
        view.apply(&report(vec![upsert("asks", "a", json!({"seq": 1, "done": true}))])).unwrap();
        assert_eq!(view.get("asks", "a"), None);
    }

    /// What [`View::apply_noting`] leaves out must be as it was.
    fn step(stored: &mut BTreeMap<(String, String), String>, view: &View, touched: &Touched) {
        for (collection, id, was_there) in touched.iter() {
            let key = (collection.to_owned(), id.to_owned());
            assert_eq!(was_there, stored.contains_key(&key));
            match view.get(collection, id) {
                Some(value) => stored.insert(key, value.to_owned()),
                None => stored.remove(&key),
            };
        }
    }

    fn read(stored: &BTreeMap<(String, String), String>, keep: Keep) -> (View, Touched) {
        let mut view = View::empty(keep);
        for ((collection, id), value) in stored {
            view.insert(collection, id, value).unwrap();
        }
        let touched = view.bounded();
        (view, touched)
    }

    #[test]
    fn a_report_that_cannot_be_folded_says_why() {
        let mut view = View::empty(SMALL);
        let fold = |view: &mut View, change| view.apply(&report(vec![change]));
        assert!(matches!(
            fold(&mut view, upsert("nowhere", "a", json!({}))),
            Err(FoldError::UnknownCollection(_))
        ));
        assert!(matches!(
            fold(&mut view, upsert("tasks", "a", json!({"seq": 1}))),
            Err(FoldError::Incomplete(..))
        ));
        assert!(fold(&mut view, upsert("youtube", "queue", json!([1, 2]))).is_ok());
    }

    fn any_change() -> impl Strategy<Value = Value> {
        let collection = prop::sample::select(COLLECTIONS.to_vec());
        (collection, 0u8..12, any::<bool>(), 0u8..10, ".{0,4}").prop_map(
            |(collection, id, done, op, text)| {
                let id = format!("i{id}");
                if op == 0 {
                    json!({"op": "remove", "collection": collection, "id": id})
                } else {
                    upsert(collection, &id, json!({"done": done, "text": text}))
                }
            },
        )
    }

    /// A history as the server writes it: `seq` is the number of the report that brought the id.
    fn with_seq(history: Vec<Vec<Value>>) -> Vec<String> {
        let mut born: BTreeMap<(String, String), usize> = BTreeMap::new();
        let number = |index: usize| index + 1;
        history
            .into_iter()
            .enumerate()
            .map(|(index, mut changes)| {
                for change in &mut changes {
                    let key = (change["collection"].to_string(), change["id"].to_string());
                    if change["op"] == "remove" {
                        born.remove(&key);
                    } else {
                        let seq = *born.entry(key).or_insert(number(index));
                        change["value"]["seq"] = json!(seq);
                    }
                }
                report(changes)
            })
            .collect()
    }

    proptest! {
        #[test]
        fn the_fold_law_holds_at_every_cut(
            history in prop::collection::vec(prop::collection::vec(any_change(), 0..4), 0..60),
            cut in any::<prop::sample::Index>(),
        ) {
            let reports = with_seq(history);
            let mut whole = View::empty(SMALL);
            let mut at_cut = whole.to_json();
            let cut = if reports.is_empty() { 0 } else { cut.index(reports.len() + 1) };
            for (index, report) in reports.iter().enumerate() {
                if index == cut { at_cut = whole.to_json(); }
                whole.apply(report).unwrap();
            }
            if cut == reports.len() { at_cut = whole.to_json(); }
            let mut resumed = View::from_json(&at_cut, SMALL).unwrap();
            for report in &reports[cut..] { resumed.apply(report).unwrap(); }
            prop_assert_eq!(resumed.to_json(), whole.to_json());
            prop_assert_eq!(resumed, whole);
        }

        #[test]
        fn a_view_is_stored_an_item_at_a_time(
            history in prop::collection::vec(prop::collection::vec(any_change(), 0..4), 0..60),
            pace in 1_usize..20,
        ) {
            let mut whole = View::empty(SMALL);
            let mut stored = BTreeMap::new();
            for reports in with_seq(history).chunks(pace) {
                let mut touched = Touched::default();
                for report in reports { whole.apply_noting(report, &mut touched).unwrap(); }
                step(&mut stored, &whole, &touched);
                let (view, dropped) = read(&stored, SMALL);
                prop_assert_eq!(&view, &whole);
                prop_assert_eq!(dropped, Touched::default());
            }
            // Where less is kept than when it was stored, what is too much is named.
            let less = Keep { worklog: 1, tasks: 1, ..SMALL };
            let (view, dropped) = read(&stored, less);
            prop_assert_eq!(&view, &View::from_json(&whole.to_json(), less).unwrap());
            step(&mut stored, &view, &dropped);
            prop_assert_eq!(stored.len(), view.len());
        }
    }
}
