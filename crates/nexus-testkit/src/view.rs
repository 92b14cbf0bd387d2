//! The view and its fold, written from the contract's words and apart from the server's own: two
//! programs that agree are right more often than one that agrees with itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A view as a client holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    keep: BTreeMap<String, usize>,
    collections: Map<String, Value>,
}

impl View {
    /// The view of a snapshot's data.
    pub fn of_snapshot(data: &Value) -> Self {
        let keep = data["keep"].as_object().expect("a snapshot says what it keeps");
        let size = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        Self {
            keep: keep.iter().map(|(name, value)| (name.clone(), size(value))).collect(),
            collections: data["view"].as_object().expect("a snapshot has a view").clone(),
        }
    }

    /// Applies one report's data.
    pub fn apply(&mut self, report: &Value) {
        let changes = report["changes"].as_array().expect("a report has changes");
        for change in changes {
            let name = change["collection"].as_str().expect("a change names its collection");
            let id = change["id"].as_str().expect("a change names its id");
            let items = self.collections.get_mut(name).and_then(Value::as_object_mut);
            let items = items.unwrap_or_else(|| panic!("no view has a collection {name}"));
            match change["op"].as_str() {
                Some("upsert") => drop(items.insert(id.to_owned(), change["value"].clone())),
                Some("remove") => drop(items.remove(id)),
                other => panic!("a change cannot {other:?}"),
            }
        }
        for (name, keep) in &self.keep {
            let items = self.collections.get_mut(name).and_then(Value::as_object_mut);
            let items = items.expect("every bounded collection is there");
            while items.len() > *keep {
                let done = items.iter().filter(|(_, item)| item["done"] == true);
                let oldest = done.min_by_key(|(id, item)| (item["seq"].as_u64(), (*id).clone()));
                let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { break };
                items.remove(&oldest);
            }
        }
    }

    /// One value; `Null` if there is none.
    pub fn get(&self, collection: &str, id: &str) -> &Value {
        &self.collections[collection][id]
    }

    /// One collection, by id.
    pub fn all(&self, collection: &str) -> &Map<String, Value> {
        self.collections[collection].as_object().expect("a collection is an object")
    }

    /// Says where two views differ, for a failing test.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, items) in &self.collections {
            let (mine, theirs) = (items.as_object().unwrap(), other.all(name));
            for (id, value) in mine {
                if theirs.get(id) != Some(value) {
                    found.push(format!("{name}/{id}: {value} and {:?}", theirs.get(id)));
                }
            }
            for id in theirs.keys().filter(|id| !mine.contains_key(*id)) {
                found.push(format!("{name}/{id} is missing"));
            }
        }
        found
    }
}
