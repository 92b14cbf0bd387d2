//! Where randomness comes from: the operating system, or a seed in tests.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random bytes; cheap to clone.
#[derive(Clone)]
pub struct Entropy(Arc<Source>);

enum Source {
    System,
    Seeded(AtomicU64),
}

impl Entropy {
    /// The operating system's.
    pub fn system() -> Self {
        Self(Arc::new(Source::System))
    }

    /// The same bytes for the same seed; for tests alone.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Source::Seeded(AtomicU64::new(seed))))
    }

    /// Random bytes.
    ///
    /// # Panics
    /// If the operating system has no randomness to give: nothing here is safe without it.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &*self.0 {
            Source::System => POOL.with_borrow_mut(|pool| pool.take(&mut bytes)),
            Source::Seeded(state) => {
                for chunk in bytes.chunks_mut(8) {
                    let word = splitmix(state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed));
                    chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
                }
            }
        }
        bytes
    }

    /// A random number below `bound`, which is not 0; even enough for jitter.
    pub fn below(&self, bound: u64) -> u64 {
        u64::from_le_bytes(self.bytes()) % bound.max(1)
    }
}

/// Bytes that a thread asks the operating system for at once: an id takes ten of them, and asking
/// costs more than they do.
const POOL_BYTES: usize = 512;

/// Random bytes that nobody has had yet.
struct Pool {
    bytes: [u8; POOL_BYTES],
    /// Those before this are used, and wiped.
    used: usize,
}

thread_local! {
    static POOL: RefCell<Pool> =
        const { RefCell::new(Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES }) };
}

impl Pool {
    fn take(&mut self, out: &mut [u8]) {
        if out.len() > POOL_BYTES / 4 {
            return fill(out);
        }
        if POOL_BYTES - self.used < out.len() {
            fill(&mut self.bytes);
            self.used = 0;
        }
        let taken = &mut self.bytes[self.used..self.used + out.len()];
        out.copy_from_slice(taken);
        taken.fill(0);
        self.used += out.len();
    }
}

#[expect(clippy::expect_used, reason = "no key, id or epoch may be made without it")]
fn fill(out: &mut [u8]) {
    getrandom::fill(out).expect("the operating system gives random bytes");
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn splitmix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_systems_bytes_come_once_on_every_thread_and_in_every_size() {
        let some = || {
            let entropy = Entropy::system();
            let mut seen: Vec<Vec<u8>> = Vec::new();
            for _ in 0..200 {
                seen.push(entropy.bytes::<8>().to_vec());
                seen.push(entropy.bytes::<24>().to_vec());
                seen.push(entropy.bytes::<1024>().to_vec());
            }
            seen
        };
        let threads = [std::thread::spawn(some), std::thread::spawn(some)];
        let seen: Vec<Vec<u8>> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        let heads: HashSet<&[u8]> = seen.iter().map(|bytes| &bytes[..8]).collect();
        assert_eq!(heads.len(), seen.len());
        assert!(seen.iter().all(|bytes| bytes.iter().any(|byte| *byte != 0)));
    }
}
