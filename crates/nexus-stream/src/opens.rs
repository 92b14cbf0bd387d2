//! How often one principal may open streams in a tenant: a bucket that holds a minute's worth and
//! fills up evenly, so that a client that comes back in a circle is told to wait, and a herd after a
//! restart is not.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;

/// Principals that are remembered at once; beyond that the full buckets are forgotten first.
const REMEMBERED: usize = 10_000;

const MINUTE: u64 = 60;

/// The buckets.
#[derive(Default)]
pub(crate) struct Opens(Mutex<HashMap<(Tenant, String), Bucket>>);

struct Bucket {
    left: f64,
    at: Time,
}

impl Bucket {
    fn fill(&mut self, per_minute: u64, now: Time) {
        let seconds = now.since(self.at).as_secs_f64();
        let most = per_minute as f64;
        self.left = (self.left + seconds * most / MINUTE as f64).min(most);
        self.at = now;
    }
}

impl Opens {
    /// Counts an attempt; when it is one too many, the seconds until there is room again.
    pub fn attempt(
        &self,
        tenant: &Tenant,
        principal: String,
        per_minute: u64,
        now: Time,
    ) -> Result<(), u64> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED {
            buckets.retain(|_, bucket| {
                bucket.fill(per_minute, now);
                bucket.left < per_minute as f64
            });
        }
        if buckets.len() >= REMEMBERED {
            buckets.clear();
        }
        let bucket = buckets
            .entry((tenant.clone(), principal))
            .or_insert(Bucket { left: per_minute as f64, at: now });
        bucket.fill(per_minute, now);
        if bucket.left < 1.0 {
            // Whoever knocks too often waits until a quarter of the bucket is there again.
            return Err((MINUTE / 4).max(MINUTE / per_minute.max(1)));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_minute_has_so_many_and_they_come_back_one_by_one() {
        let opens = Opens::default();
        let (tenant, other) = (Tenant::parse("o:p").unwrap(), Tenant::parse("o:q").unwrap());
        let start = Time::from_millis(1_000);
        let attempt = |tenant: &Tenant, who: &str, at| opens.attempt(tenant, who.into(), 60, at);
        for _ in 0..60 {
            assert_eq!(attempt(&tenant, "user:a", start), Ok(()));
        }
        assert_eq!(attempt(&tenant, "user:a", start), Err(15));
        assert_eq!(attempt(&tenant, "user:b", start), Ok(()), "another principal");
        assert_eq!(attempt(&other, "user:a", start), Ok(()), "another tenant");
        let later = start.plus(Duration::from_secs(2));
        assert_eq!(attempt(&tenant, "user:a", later), Ok(()));
        assert_eq!(attempt(&tenant, "user:a", later), Ok(()));
        assert!(attempt(&tenant, "user:a", later).is_err());
    }
}
