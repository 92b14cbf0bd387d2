//! The player of a tenant, pure: what waits, what plays, what played before.

use nexus_core::time::Time;
use serde::{Deserialize, Serialize};

/// Items that can be added to the queue until it is full. With [`PAST`] and [`TITLE_BYTES`] it keeps
/// the queue's value, which a report carries whole, below 64 KiB.
pub const MAX_QUEUE: usize = 100;

/// Items that are remembered after they have played.
pub const PAST: usize = 20;

/// Longest title that is kept.
pub const TITLE_BYTES: usize = 100;

/// Something to play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// `yti_…`; the same video can wait twice.
    pub item_id: String,
    /// YouTube's id.
    pub video_id: String,
    /// What it is called, if somebody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where it is.
    pub url: String,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at: Stamp,
    /// By which task.
    pub task_id: String,
}

/// A time that reads back as it was written.
pub type Stamp = String;

/// What plays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playing {
    /// What.
    pub item: Item,
    /// Since when.
    pub since: Stamp,
}

/// The whole player.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Player {
    /// What waits, in order.
    pub queue: Vec<Item>,
    /// What plays now.
    pub now: Option<Playing>,
    /// What played before, the newest last.
    pub past: Vec<Item>,
}

/// Why the player does not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The queue is full.
    #[error("The queue is full: it holds 100 videos. Remove some, or let them play")]
    Full,
    /// Not in the queue.
    #[error("This video is not in the queue; youtube.queue.list shows what is")]
    NotQueued,
    /// A position that the queue does not have.
    #[error("The queue has {0} videos; a position is from 1 to {0}")]
    NoPosition(usize),
    /// Nothing follows and nothing plays.
    #[error("Nothing plays and the queue is empty; add a video first")]
    NothingNext,
    /// Nothing played before.
    #[error("Nothing played before this")]
    NothingBefore,
}

/// Which item of the queue is meant.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// The first with this video.
    Video(&'a str),
    /// This one.
    Item(&'a str),
}

impl Player {
    /// Adds an item: an empty player plays it, otherwise it waits. Says at which position, from 1.
    pub fn add(&mut self, item: Item, now: Time) -> Result<Option<usize>, Refused> {
        if self.now.is_none() && self.queue.is_empty() {
            self.play(item, now);
            return Ok(None);
        }
        if self.queue.len() >= MAX_QUEUE {
            return Err(Refused::Full);
        }
        self.queue.push(item);
        Ok(Some(self.queue.len()))
    }

    /// Takes an item out of the queue.
    pub fn remove(&mut self, which: Which<'_>) -> Result<Item, Refused> {
        let at = self.find(which)?;
        Ok(self.queue.remove(at))
    }

    /// Moves an item to a position, from 1.
    pub fn move_to(&mut self, which: Which<'_>, position: u64) -> Result<Item, Refused> {
        let at = self.find(which)?;
        let to = usize::try_from(position).unwrap_or(usize::MAX);
        if to == 0 || to > self.queue.len() {
            return Err(Refused::NoPosition(self.queue.len()));
        }
        let item = self.queue.remove(at);
        self.queue.insert(to - 1, item.clone());
        Ok(item)
    }

    /// Empties the queue; what plays goes on. Says how many went.
    pub fn clear(&mut self) -> usize {
        std::mem::take(&mut self.queue).len()
    }

    /// Plays what follows; with an empty queue the player stops.
    pub fn next(&mut self, now: Time) -> Result<(), Refused> {
        if self.now.is_none() && self.queue.is_empty() {
            return Err(Refused::NothingNext);
        }
        if let Some(Playing { item, .. }) = self.now.take() {
            self.past.push(item);
            let over = self.past.len().saturating_sub(PAST);
            self.past.drain(..over);
        }
        if !self.queue.is_empty() {
            let item = self.queue.remove(0);
            self.play(item, now);
        }
        Ok(())
    }

    /// Plays what played before; what plays now is next again.
    pub fn previous(&mut self, now: Time) -> Result<(), Refused> {
        let item = self.past.pop().ok_or(Refused::NothingBefore)?;
        if let Some(Playing { item, .. }) = self.now.take() {
            self.queue.insert(0, item);
        }
        self.play(item, now);
        Ok(())
    }

    fn play(&mut self, item: Item, now: Time) {
        self.now = Some(Playing { item, since: now.to_string() });
    }

    fn find(&self, which: Which<'_>) -> Result<usize, Refused> {
        let found = self.queue.iter().position(|item| match which {
            Which::Video(id) => item.video_id == id,
            Which::Item(id) => item.item_id == id,
        });
        found.ok_or(Refused::NotQueued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(name: &str) -> Item {
        Item {
            item_id: format!("yti_{name}"),
            video_id: name.to_owned(),
            title: None,
            url: super::super::video::url(name),
            added_by: "service".into(),
            added_at: "2026-01-01T00:00:00.000Z".into(),
            task_id: "tsk_1".into(),
        }
    }

    fn queued(player: &Player) -> Vec<&str> {
        player.queue.iter().map(|item| item.video_id.as_str()).collect()
    }

    fn plays(player: &Player) -> Option<&str> {
        player.now.as_ref().map(|now| now.item.video_id.as_str())
    }

    const T: Time = Time::from_millis(0);

    #[test]
    fn an_empty_player_plays_the_first_and_queues_the_rest() {
        let mut player = Player::default();
        assert_eq!(player.add(item("a"), T), Ok(None));
        assert_eq!(player.add(item("b"), T), Ok(Some(1)));
        assert_eq!(player.add(item("c"), T), Ok(Some(2)));
        assert_eq!((plays(&player), queued(&player)), (Some("a"), vec!["b", "c"]));
        player.next(T).unwrap();
        player.next(T).unwrap();
        assert_eq!((plays(&player), queued(&player)), (Some("c"), vec![]));
        player.previous(T).unwrap();
        assert_eq!((plays(&player), queued(&player)), (Some("b"), vec!["c"]));
        player.previous(T).unwrap();
        assert_eq!(player.previous(T), Err(Refused::NothingBefore));
        assert_eq!((plays(&player), queued(&player)), (Some("a"), vec!["b", "c"]));
    }

    #[test]
    fn an_empty_queue_stops_and_then_refuses() {
        let mut player = Player::default();
        assert_eq!(player.next(T), Err(Refused::NothingNext));
        player.add(item("a"), T).unwrap();
        player.next(T).unwrap();
        assert_eq!(plays(&player), None);
        assert_eq!(player.next(T), Err(Refused::NothingNext));
        player.previous(T).unwrap();
        assert_eq!(plays(&player), Some("a"));
    }

    #[test]
    fn items_are_moved_and_removed_by_video_or_by_item() {
        let mut player = Player::default();
        for name in ["a", "b", "c", "d"] {
            player.add(item(name), T).unwrap();
        }
        player.move_to(Which::Video("d"), 1).unwrap();
        assert_eq!(queued(&player), ["d", "b", "c"]);
        player.move_to(Which::Item("yti_d"), 3).unwrap();
        assert_eq!(queued(&player), ["b", "c", "d"]);
        assert_eq!(player.move_to(Which::Video("b"), 4), Err(Refused::NoPosition(3)));
        assert_eq!(player.move_to(Which::Video("b"), 0), Err(Refused::NoPosition(3)));
        assert_eq!(player.remove(Which::Video("a")), Err(Refused::NotQueued), "it plays");
        player.remove(Which::Video("c")).unwrap();
        assert_eq!(queued(&player), ["b", "d"]);
        assert_eq!(player.clear(), 2);
        assert_eq!(plays(&player), Some("a"));
    }

    proptest! {
        /// Whatever is done, the values of the view fit into a report with their task.
        #[test]
        fn the_queue_always_fits_into_a_report(steps in prop::collection::vec(0u8..4, 0..400)) {
            let mut player = Player::default();
            for step in steps {
                let _ = match step {
                    0 => player.next(T),
                    1 => player.previous(T),
                    _ => player.add(item("a"), T).map(drop),
                };
                prop_assert!(player.queue.len() <= MAX_QUEUE + PAST && player.past.len() <= PAST);
            }
        }
    }

    #[test]
    fn the_largest_queue_is_smaller_than_a_report() {
        let worst = Item {
            item_id: format!("yti_{}", "0".repeat(32)),
            video_id: "0".repeat(11),
            title: Some("\"".repeat(TITLE_BYTES)),
            url: super::super::video::url(&"0".repeat(11)),
            added_by: format!("user:usr_{}", "0".repeat(32)),
            added_at: "2026-01-01T00:00:00.000Z".into(),
            task_id: format!("tsk_{}", "0".repeat(32)),
        };
        let queue = vec![worst; MAX_QUEUE + PAST];
        let size = serde_json::to_string(&queue).unwrap().len();
        assert!(size < nexus_kit::log::MAX_REPORT_BYTES - (4 << 10), "{size}");
    }
}
