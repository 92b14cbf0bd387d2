//! The tenant's view as it stands, held up to date by the stream.

use std::borrow::Cow;
use std::collections::BTreeMap;

use nexus_core::view::{COLLECTIONS, Changes, FoldError, Keep, View};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::api::Api;
use crate::follower::{Follower, Happening, Patience};
use crate::refusal::ApiError;

/// A follower and the view that it has folded.
#[derive(Debug)]
pub struct Live {
    follower: Follower,
    view: Option<View>,
}

#[derive(Deserialize)]
struct Snapshot<'a> {
    keep: Keep,
    #[serde(borrow)]
    view: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

impl Live {
    /// Follows a tenant from now on, as patient as a client should be.
    pub fn new(api: Api) -> Self {
        Self::patient(api, Patience::default())
    }

    /// The same, with waits of the caller's own.
    pub fn patient(api: Api, patience: Patience) -> Self {
        Self { follower: Follower::new(api, None, patience), view: None }
    }

    /// What happens next, already folded into the view; see [`Follower::next`].
    pub async fn next(&mut self) -> Result<Option<Happening>, ApiError> {
        let mut happening = self.follower.next().await?;
        let folded = match (&happening, &mut self.view) {
            (Some(Happening::Snapshot(snapshot)), view) => {
                opened(&snapshot.text).map(|opened| *view = Some(opened))
            }
            (Some(Happening::Report(report)), Some(view)) => apply(view, &report.text),
            _ => Ok(()),
        };
        if let Err(why) = folded {
            happening = Some(self.follower.restart(&why.to_string()));
        }
        // A follower that starts over trusts nothing that it was told before.
        if self.follower.cursor().is_none() {
            self.view = None;
        }
        Ok(happening)
    }

    /// The view with every report that was handed out; `None` until a snapshot has come, and while
    /// the stream starts over.
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    /// The cursor of that view.
    pub fn cursor(&self) -> Option<&str> {
        self.follower.cursor()
    }
}

/// A newer server may show collections that this program does not know: it passes them over.
fn opened(text: &str) -> Result<View, FoldError> {
    let mut snapshot: Snapshot<'_> = serde_json::from_str(text)?;
    snapshot.view.retain(|name, _| COLLECTIONS.contains(&&**name));
    View::from_json(&serde_json::to_string(&snapshot.view)?, snapshot.keep)
}

fn apply(view: &mut View, text: &str) -> Result<(), FoldError> {
    let report: Changes<'_> = serde_json::from_str(text)?;
    let known = |name: &str| COLLECTIONS.contains(&name);
    if report.changes.iter().all(|change| known(&change.collection)) {
        return view.apply(text);
    }
    let changes: Vec<_> =
        report.changes.into_iter().filter(|change| known(&change.collection)).collect();
    view.apply(&serde_json::to_string(&BTreeMap::from([("changes", changes)]))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_of_a_later_server_is_passed_over() {
        let keep = r#"{"worklog":1,"tasks":1,"asks":1,"autopilot":1,"alerts":1}"#;
        let text =
            format!(r#"{{"keep":{keep},"view":{{"rag":{{"index":{{"n":1}}}},"later":[]}}}}"#);
        let mut view = opened(&text).unwrap();
        let report = r#"{"changes":[
            {"op":"upsert","collection":"later","id":"x","value":1},
            {"op":"upsert","collection":"rag","id":"index","value":{"n": 2}}]}"#;
        apply(&mut view, report).unwrap();
        assert_eq!(view.get("rag", "index"), Some(r#"{"n": 2}"#));
        assert_eq!(view.len(), 1);
    }
}
