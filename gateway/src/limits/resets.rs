//! How often each address has lately taken back what it asked (HTTP/2's `RST_STREAM`, CVE-2023-44487).
//!
//! Owns the budgets. A request that was reset makes room for another on its connection at once, while the work on it
//! has begun: without a budget one client has the gateway do as much as it likes. Whoever resets without one loses the
//! connection, and has no more on the next. Must not know who is exempt.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many at once: a few people who leave pages with many pictures.
const AT_ONCE: u32 = 500;
/// One more in this time.
const EVERY: Duration = Duration::from_millis(10);
/// How many addresses are remembered before it is looked who could be forgotten.
const MANY: usize = 1024;

/// The budgets of all who have spent of theirs.
#[derive(Debug, Default)]
pub(super) struct Resets(Mutex<Budgets>);

#[derive(Debug, Default)]
struct Budgets {
    /// When each would be whole again.
    whole_at: HashMap<IpAddr, Instant>,
    /// How many were left when it was last looked who could be forgotten.
    kept: usize,
}

/// The budget of one address.
#[derive(Debug)]
pub(super) struct Budget {
    resets: Arc<Resets>,
    network: IpAddr,
}

impl Resets {
    /// The budget that `network` has.
    pub(super) fn of(self: &Arc<Self>, network: IpAddr) -> Budget {
        Budget {
            resets: Arc::clone(self),
            network,
        }
    }

    fn all(&self) -> MutexGuard<'_, Budgets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Budget {
    /// Takes one; whether there was one.
    #[must_use]
    pub(super) fn spend(&self) -> bool {
        let now = Instant::now();
        let mut all = self.resets.all();
        if all.whole_at.len() >= MANY.max(2 * all.kept) {
            all.whole_at.retain(|_, whole_at| *whole_at > now);
            all.kept = all.whole_at.len();
        }
        let whole_at = all.whole_at.entry(self.network).or_insert(now);
        let then = (*whole_at).max(now) + EVERY;
        let left = then.duration_since(now) <= AT_ONCE * EVERY;
        if left {
            *whole_at = then;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::time::advance;

    use super::*;

    fn spent(budget: &Budget) -> usize {
        std::iter::repeat_with(|| budget.spend())
            .take_while(|left| *left)
            .count()
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_at_once_and_so_many_a_second() {
        let resets = Arc::new(Resets::default());
        let budget = resets.of([192, 0, 2, 1].into());
        assert_eq!(spent(&budget), 500);
        assert_eq!(spent(&resets.of([192, 0, 2, 1].into())), 0, "by address");
        assert_eq!(spent(&resets.of([192, 0, 2, 2].into())), 500, "another");
        advance(Duration::from_secs(1)).await;
        assert_eq!(spent(&budget), 100);
        advance(Duration::from_mins(1)).await;
        assert_eq!(spent(&budget), 500);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_all_of_it_again_is_forgotten() {
        let resets = Arc::new(Resets::default());
        for index in 0..10_000 {
            assert!(resets.of(Ipv4Addr::from_bits(index).into()).spend());
            advance(EVERY).await;
        }
        assert!(resets.all().whole_at.len() <= MANY);
        // Those who have not are remembered, however many.
        for index in 0..10_000 {
            let _ = spent(&resets.of(Ipv4Addr::from_bits(index).into()));
        }
        assert_eq!(resets.all().whole_at.len(), 10_000);
    }
}
