//! Where randomness comes from: the operating system, or a seed in tests.

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
            #[expect(clippy::expect_used, reason = "no key, id or epoch may be made without it")]
            Source::System => {
                getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
            }
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

/// SplitMix64 (Steele, Lea, Flood 2014).
fn splitmix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
