//! Lanes: writes of one tenant wait in one line and share commits; tenants go side by side, as many
//! as there are connections that write, in turns.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::db::job::WriteJob;
use crate::db::{DbError, Scope};

/// What waits, and who is being served.
pub(super) struct Lanes {
    state: Mutex<State>,
    arrived: Condvar,
    /// Writes that may wait, all tenants together.
    room: usize,
}

#[derive(Default)]
struct State {
    lines: HashMap<Scope, VecDeque<WriteJob>>,
    /// Scopes with a line that nobody serves, the one that waits longest first.
    turn: VecDeque<Scope>,
    served: HashSet<Scope>,
    waiting: usize,
    closed: bool,
}

impl Lanes {
    pub fn new(room: usize) -> Self {
        Self { state: Mutex::default(), arrived: Condvar::new(), room: room.max(1) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a write into its line.
    pub fn push(&self, job: WriteJob) -> Result<(), DbError> {
        let mut state = self.state();
        if state.closed {
            return Err(DbError::Stopped);
        }
        if state.waiting >= self.room {
            return Err(DbError::Busy);
        }
        state.waiting += 1;
        let scope = job.scope.clone();
        let line = state.lines.entry(scope.clone()).or_default();
        line.push_back(job);
        if line.len() == 1 && !state.served.contains(&scope) {
            state.turn.push_back(scope);
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Waits for a scope whose turn it is; it is served by the caller alone until [`Lanes::done`].
    /// Nothing once the lanes are closed and empty.
    pub fn next(&self) -> Option<(Scope, WriteJob)> {
        let mut state = self.state();
        loop {
            if let Some(scope) = state.turn.pop_front() {
                state.served.insert(scope.clone());
                if let Some(job) = state.take(&scope) {
                    return Some((scope, job));
                }
            } else if state.closed {
                return None;
            } else {
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// What else waits in the line that the caller serves.
    pub fn more(&self, scope: &Scope) -> Option<WriteJob> {
        self.state().take(scope)
    }

    /// The caller has served this scope; what came meanwhile waits for its next turn.
    pub fn done(&self, scope: &Scope) {
        let mut state = self.state();
        state.served.remove(scope);
        match state.lines.get(scope) {
            Some(line) if !line.is_empty() => {
                state.turn.push_back(scope.clone());
                self.arrived.notify_one();
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
}

impl State {
    fn take(&mut self, scope: &Scope) -> Option<WriteJob> {
        let job = self.lines.get_mut(scope)?.pop_front()?;
        self.waiting -= 1;
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use nexus_core::tenant::Tenant;
    use tokio::sync::oneshot;

    use super::*;

    fn scope(name: &str) -> Scope {
        Scope::Tenant(Tenant::new(name, "p").unwrap())
    }

    fn job(name: &str) -> WriteJob {
        WriteJob::new(scope(name), |_| Ok::<_, DbError>(()), oneshot::channel().0)
    }

    #[test]
    fn a_busy_tenant_waits_for_its_turn_and_is_served_by_one_alone() {
        let lanes = Lanes::new(10);
        for name in ["busy", "busy", "busy", "quiet"] {
            lanes.push(job(name)).unwrap();
        }
        let (first, _) = lanes.next().unwrap();
        assert_eq!(first, scope("busy"));
        let (second, _) = lanes.next().unwrap();
        assert_eq!(second, scope("quiet"), "nobody else serves the busy one meanwhile");
        assert!(lanes.more(&first).is_some());
        lanes.push(job("quiet")).unwrap();
        lanes.done(&first);
        lanes.done(&second);
        assert_eq!(lanes.next().unwrap().0, scope("busy"), "what is left of it");
        assert_eq!(lanes.next().unwrap().0, scope("quiet"));
    }

    #[test]
    fn a_full_line_says_so_and_a_closed_one_is_emptied() {
        let lanes = Lanes::new(2);
        lanes.push(job("a")).unwrap();
        lanes.push(job("b")).unwrap();
        assert!(matches!(lanes.push(job("c")), Err(DbError::Busy)));
        lanes.close();
        assert!(matches!(lanes.push(job("c")), Err(DbError::Stopped)));
        assert!(lanes.next().is_some());
        assert!(lanes.next().is_some());
        assert!(lanes.next().is_none());
    }
}
