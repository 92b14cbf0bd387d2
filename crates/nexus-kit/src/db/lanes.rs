//! Where writes and queries wait: a line for each scope, and the scopes in turn, so that one tenant
//! with a thousand waiting is no reason for another to wait longer than for a turn.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::{DbError, Scope};

/// What waits, and who is being served.
pub(super) struct Lanes<J> {
    state: Mutex<State<J>>,
    arrived: Condvar,
    /// Jobs that may wait, all scopes together.
    room: usize,
    /// Jobs of one scope that may wait, so that there is always room for another's.
    share: usize,
}

struct State<J> {
    lines: HashMap<Scope, VecDeque<J>>,
    /// Scopes with a line that nobody serves, the one that waits longest first.
    turn: VecDeque<Scope>,
    /// Scopes that somebody serves alone.
    served: HashSet<Scope>,
    waiting: usize,
    /// Threads that wait for something to arrive.
    idle: usize,
    closed: bool,
}

impl<J> Lanes<J> {
    /// Lanes in which `room` jobs may wait, at most `share` of them of one scope.
    pub fn new(room: usize, share: usize) -> Self {
        let state = State {
            lines: HashMap::new(),
            turn: VecDeque::new(),
            served: HashSet::new(),
            waiting: 0,
            idle: 0,
            closed: false,
        };
        let (room, share) = (room.max(1), share.max(1));
        Self { state: Mutex::new(state), arrived: Condvar::new(), room, share }
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job at the end of its scope's line.
    ///
    /// # Errors
    /// [`DbError::Busy`] when too many wait, altogether or of this scope; [`DbError::Stopped`] once
    /// the lanes are closed.
    pub fn push(&self, scope: &Scope, job: J) -> Result<(), DbError> {
        let mut state = self.state();
        if state.closed {
            return Err(DbError::Stopped);
        }
        if state.waiting >= self.room {
            return Err(DbError::Busy);
        }
        let length = match state.lines.get_mut(scope) {
            Some(line) if line.len() >= self.share => return Err(DbError::Busy),
            Some(line) => {
                line.push_back(job);
                line.len()
            }
            None => {
                state.lines.insert(scope.clone(), VecDeque::from([job]));
                1
            }
        };
        state.waiting += 1;
        if length == 1 && !state.served.contains(scope) {
            state.turn.push_back(scope.clone());
            if state.idle > 0 {
                self.arrived.notify_one();
            }
        }
        Ok(())
    }

    /// Waits until `take` finds something; nothing once the lanes are closed and it finds nothing.
    fn wait_for<T>(&self, take: impl Fn(&mut State<J>) -> Option<T>) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(taken) = take(&mut state) {
                return Some(taken);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Waits for the next job, the scopes in turn, one job each. Nothing once the lanes are closed
    /// and empty.
    pub fn next(&self) -> Option<J> {
        self.wait_for(State::take_in_turn)
    }

    /// The next job in turn, if one waits.
    pub fn more(&self) -> Option<J> {
        self.state().take_in_turn()
    }

    /// Waits for a scope whose turn it is; it is served by the caller alone until [`Lanes::done`].
    /// Nothing once the lanes are closed and empty.
    pub fn next_scope(&self) -> Option<(Scope, J)> {
        self.wait_for(|state| {
            let scope = state.turn.pop_front()?;
            let job = state.take_of(&scope)?;
            state.served.insert(scope.clone());
            Some((scope, job))
        })
    }

    /// What else waits in the line that the caller serves.
    pub fn more_of(&self, scope: &Scope) -> Option<J> {
        self.state().take_of(scope)
    }

    /// The caller has served this scope; what came meanwhile waits for its next turn.
    pub fn done(&self, scope: &Scope) {
        let mut state = self.state();
        state.served.remove(scope);
        match state.lines.get(scope) {
            Some(line) if !line.is_empty() => {
                state.turn.push_back(scope.clone());
                if state.idle > 0 {
                    self.arrived.notify_one();
                }
            }
            _ => {
                state.lines.remove(scope);
            }
        }
    }

    /// Takes no more; what waits is still served.
    pub fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_all();
    }

    /// Takes no more and drops what waits: there is nobody left to serve it.
    pub fn abandon(&self) {
        let mut state = self.state();
        state.closed = true;
        state.turn.clear();
        state.waiting = 0;
        let dropped = std::mem::take(&mut state.lines);
        drop(state);
        drop(dropped);
        self.arrived.notify_all();
    }
}

impl<J> State<J> {
    fn take_of(&mut self, scope: &Scope) -> Option<J> {
        let job = self.lines.get_mut(scope)?.pop_front()?;
        self.waiting -= 1;
        Some(job)
    }

    /// The first job of the scope whose turn it is; what is left of its line waits for the next.
    fn take_in_turn(&mut self) -> Option<J> {
        let scope = self.turn.pop_front()?;
        let job = self.take_of(&scope)?;
        if self.lines.get(&scope).is_some_and(|line| !line.is_empty()) {
            self.turn.push_back(scope);
        } else {
            self.lines.remove(&scope);
        }
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use nexus_core::tenant::Tenant;

    use super::*;

    fn scope(name: &str) -> Scope {
        Scope::Tenant(Tenant::new(name, "p").unwrap())
    }

    fn push(lanes: &Lanes<u32>, name: &str, job: u32) -> Result<(), DbError> {
        lanes.push(&scope(name), job)
    }

    #[test]
    fn a_busy_tenant_waits_for_its_turn_and_is_served_by_one_alone() {
        let lanes = Lanes::new(10, 10);
        for (name, job) in [("busy", 1), ("busy", 2), ("busy", 3), ("quiet", 4)] {
            push(&lanes, name, job).unwrap();
        }
        let (first, _) = lanes.next_scope().unwrap();
        assert_eq!(first, scope("busy"));
        let (second, _) = lanes.next_scope().unwrap();
        assert_eq!(second, scope("quiet"), "nobody else serves the busy one meanwhile");
        assert!(lanes.more_of(&first).is_some());
        push(&lanes, "quiet", 5).unwrap();
        lanes.done(&first);
        lanes.done(&second);
        assert_eq!(lanes.next_scope().unwrap(), (scope("busy"), 3), "what is left of it");
        assert_eq!(lanes.next_scope().unwrap(), (scope("quiet"), 5));
    }

    #[test]
    fn one_server_of_all_takes_from_every_line_in_turn_and_keeps_each_line_in_order() {
        let lanes = Lanes::new(100, 100);
        for job in 0..6 {
            push(&lanes, "busy", job).unwrap();
        }
        push(&lanes, "quiet", 10).unwrap();
        push(&lanes, "other", 20).unwrap();
        push(&lanes, "other", 21).unwrap();
        let order: Vec<u32> = std::iter::from_fn(|| lanes.more()).collect();
        assert_eq!(order, [0, 10, 20, 1, 21, 2, 3, 4, 5]);
        push(&lanes, "busy", 6).unwrap();
        assert_eq!(lanes.next(), Some(6), "a line that was empty comes again");
    }

    #[test]
    fn one_tenant_cannot_fill_the_lanes_for_the_others() {
        let lanes = Lanes::new(4, 3);
        for job in 0..3 {
            push(&lanes, "busy", job).unwrap();
        }
        assert!(matches!(push(&lanes, "busy", 3), Err(DbError::Busy)), "its share is full");
        push(&lanes, "quiet", 4).unwrap();
        assert!(matches!(push(&lanes, "other", 5), Err(DbError::Busy)), "everything is full");
        assert_eq!(lanes.next(), Some(0));
        push(&lanes, "busy", 6).unwrap();
    }

    #[test]
    fn closed_lanes_are_emptied_and_abandoned_ones_are_not() {
        let lanes = Lanes::new(3, 3);
        for job in 0..3 {
            push(&lanes, "a", job).unwrap();
        }
        lanes.close();
        assert!(matches!(push(&lanes, "a", 3), Err(DbError::Stopped)));
        assert_eq!(lanes.next(), Some(0));
        assert_eq!(lanes.next_scope(), Some((scope("a"), 1)));
        lanes.abandon();
        assert_eq!((lanes.next(), lanes.more_of(&scope("a"))), (None, None));
    }
}
