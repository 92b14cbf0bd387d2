//! The fold law, with the fold that the server itself is built from.

use std::collections::BTreeMap;

use nexus_core::view::{Keep, View};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Running;
use crate::kit::Kit;
use crate::outcome::{Stop, fails};
use crate::text::{both, plain};
use crate::wire::Frame;

/// Most differences that are named.
const NAMED: usize = 3;

/// The part of a snapshot that the fold reads.
#[derive(Deserialize)]
struct Snapshot<'a> {
    #[serde(borrow)]
    view: &'a RawValue,
    keep: Keep,
}

pub(super) fn law(kit: &mut Kit) -> Running<'_> {
    Box::pin(async move {
        let recording = kit.need_recording().await?;
        let seed = kit.plan.seed;
        let campaign = &recording.campaign;
        let head = campaign.head().unwrap_or_default();
        let mut cuts: BTreeMap<u64, View> = BTreeMap::new();
        for frame in std::iter::once(&campaign.first).chain(&recording.snapshots) {
            if let Some(number) = frame.number().filter(|number| *number <= head) {
                cuts.insert(number, view(frame)?);
            }
        }
        let mut compared = 0;
        for (from, start) in &cuts {
            let mut folded = start.clone();
            let mut at = *from;
            for (to, fresh) in cuts.range(from + 1..) {
                let between = campaign.reports.iter().filter(|frame| {
                    frame.number().is_some_and(|number| number > at && number <= *to)
                });
                for frame in between {
                    folded.apply(frame.data.as_deref().unwrap_or_default()).map_err(|error| {
                        fails(
                            both!("a report that folds", "적용할 수 있는 보고"),
                            plain(error.to_string()),
                        )
                    })?;
                }
                at = *to;
                compared += 1;
                same(&folded, fresh).map_err(|differences| {
                    let expected = both!(
                        "the snapshot at {from} with {from}+1…{to} is the snapshot at {to} (--seed {seed})",
                        "{from}의 스냅샷에 {from}+1…{to}를 적용하면 {to}의 스냅샷 (--seed {seed})"
                    );
                    fails(expected, plain(differences))
                })?;
            }
        }
        let cuts = cuts.len();
        Ok(both!(
            "{cuts} snapshots, {compared} pairs (--seed {seed})",
            "스냅샷 {cuts}개, {compared}쌍 (--seed {seed})"
        ))
    })
}

fn view(frame: &Frame) -> Result<View, Stop> {
    let data = frame.data.as_deref().unwrap_or_default();
    let expected = || both!("a view that folds", "적용할 수 있는 뷰");
    let unreadable = |error: String| fails(expected(), plain(error));
    let snapshot: Snapshot<'_> =
        serde_json::from_str(data).map_err(|error| unreadable(error.to_string()))?;
    View::from_json(snapshot.view.get(), snapshot.keep)
        .map_err(|error| unreadable(error.to_string()))
}

/// Whether two views are the same JSON; if not, where they differ.
fn same(folded: &View, fresh: &View) -> Result<(), String> {
    if folded == fresh {
        return Ok(());
    }
    let json = |view: &View| serde_json::from_str::<Value>(&view.to_json()).unwrap_or_default();
    let (folded, fresh) = (json(folded), json(fresh));
    let mut differences = Vec::new();
    let names = fresh.as_object().into_iter().flatten().map(|(name, _)| name);
    for name in names {
        let (a, b) = (&folded[name], &fresh[name]);
        let ids = a.as_object().into_iter().chain(b.as_object()).flatten().map(|(id, _)| id);
        for id in ids.filter(|id| a.get(id) != b.get(id)) {
            let what = match (a.get(id), b.get(id)) {
                (None, _) => "missing".to_owned(),
                (_, None) => "left over".to_owned(),
                (Some(a), Some(b)) => fields(a, b),
            };
            let line = format!("{name}/{id}: {what}");
            if !differences.contains(&line) {
                differences.push(line);
            }
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    let more = differences.len().saturating_sub(NAMED);
    differences.truncate(NAMED);
    let more = if more > 0 { format!("; +{more}") } else { String::new() };
    Err(differences.join("; ") + &more)
}

/// The fields in which two values differ.
fn fields(folded: &Value, fresh: &Value) -> String {
    let names = fresh.as_object().into_iter().chain(folded.as_object()).flatten();
    let differ = names.filter(|(name, _)| folded.get(name) != fresh.get(name));
    let differ: Vec<String> = differ
        .map(|(name, _)| format!("{name} {} ≠ {}", folded[name.as_str()], fresh[name.as_str()]))
        .collect();
    crate::text::shown(&differ.join(", "))
}
