//! What a transaction remembers of what it has read and written, so that the writes that share it do
//! not ask for the same row one after the other.

use std::any::{Any, TypeId};
use std::collections::HashMap;

/// Whatever is noted.
type Note = Box<dyn Any>;

/// The notes of one type, by name.
type Known = HashMap<String, Note>;

/// The notes of one transaction. Each is of a type that whoever writes it owns, so that nobody else
/// can take it for something else; those of a job that is rolled back are undone with it.
#[derive(Default)]
pub(super) struct Notes {
    known: HashMap<TypeId, Known>,
    /// What this job's notes replaced, the newest last.
    undo: Vec<(TypeId, String, Option<Note>)>,
}

impl Notes {
    /// What was noted under a name.
    pub fn get<T: 'static>(&self, name: &str) -> Option<&T> {
        self.known.get(&TypeId::of::<T>())?.get(name)?.downcast_ref()
    }

    /// Notes something under a name.
    pub fn put<T: 'static>(&mut self, name: &str, note: T) {
        let of_type = self.known.entry(TypeId::of::<T>()).or_default();
        let before = of_type.insert(name.to_owned(), Box::new(note));
        self.undo.push((TypeId::of::<T>(), name.to_owned(), before));
    }

    /// Forgets what was noted under a name, because it is no longer so.
    pub fn forget<T: 'static>(&mut self, name: &str) {
        let before = self.known.get_mut(&TypeId::of::<T>()).and_then(|known| known.remove(name));
        if before.is_some() {
            self.undo.push((TypeId::of::<T>(), name.to_owned(), before));
        }
    }

    /// Every note of a type.
    pub fn all<T: 'static>(&self) -> impl Iterator<Item = (&str, &T)> {
        let of_type = self.known.get(&TypeId::of::<T>()).into_iter().flatten();
        of_type.filter_map(|(name, note)| Some((name.as_str(), note.downcast_ref()?)))
    }

    /// A job begins, or what the last one noted stands.
    pub fn keep(&mut self) {
        self.undo.clear();
    }

    /// Undoes what was noted since the job began.
    pub fn undo(&mut self) {
        for (of_type, name, before) in self.undo.drain(..).rev() {
            let known = self.known.entry(of_type).or_default();
            match before {
                Some(before) => known.insert(name, before),
                None => known.remove(&name),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_is_rolled_back_takes_its_notes_along() {
        let mut notes = Notes::default();
        notes.put("a", 1_u32);
        notes.put("a", "another kind of note");
        notes.keep();
        notes.put("a", 2_u32);
        notes.put("a", 3_u32);
        notes.put("b", 4_u32);
        notes.forget::<&str>("a");
        assert_eq!((notes.get("a"), notes.get::<&str>("a")), (Some(&3_u32), None));
        notes.undo();
        assert_eq!(notes.get("a"), Some(&1_u32));
        assert_eq!(notes.get("a"), Some(&"another kind of note"));
        assert_eq!(notes.all::<u32>().collect::<Vec<_>>(), [("a", &1)]);
        notes.undo();
        assert_eq!(notes.get("a"), Some(&1_u32), "what is undone is undone once");
    }
}
