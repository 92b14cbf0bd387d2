//! Cores: the server gets one of its own, and the clients another.

use nexus_bench::Error;
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Who runs where.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    /// Server's and clients' core; none where there is but one, which they share.
    apart: Option<(usize, usize)>,
}

impl Cores {
    /// The first core that this process may use for the server, the last for the clients, which are
    /// this thread and all that it starts from now on.
    ///
    /// # Errors
    /// The system does not say.
    pub fn take() -> Result<Self, Error> {
        let may = sched_getaffinity(None)?;
        let mut usable = (0..CpuSet::MAX_CPU).filter(|core| may.is_set(*core));
        let apart = usable.next().zip(usable.next_back());
        let cores = Self { apart };
        cores.here(apart.map(|(_, client)| client))?;
        Ok(cores)
    }

    /// Whether they run apart.
    pub fn are_apart(self) -> bool {
        self.apart.is_some()
    }

    /// Does something, such as starting a process, on the server's core.
    ///
    /// # Errors
    /// The core cannot be had, or what is done fails.
    pub fn on_servers<T>(self, act: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.here(self.apart.map(|(server, _)| server))?;
        let done = act();
        self.here(self.apart.map(|(_, client)| client))?;
        done
    }

    fn here(self, core: Option<usize>) -> Result<(), Error> {
        if let Some(core) = core {
            let mut only = CpuSet::new();
            only.set(core);
            sched_setaffinity(None, &only)?;
        }
        Ok(())
    }
}

/// Lets this process, and servers that it starts, hold as many connections as the system allows.
///
/// # Errors
/// The limit cannot be set.
pub fn raise_files() -> Result<(), Error> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}
