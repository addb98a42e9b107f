//! Keeping memory within its bounds: what is over goes first, then what was not used since the last sweep.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use doorward_identity::session::SessionKey;

use super::{Entry, SessionCache};

/// How often memory is swept.
const PERIOD: Duration = Duration::from_secs(5);

/// Above this share of a bound, what was not used lately goes.
const FULL: usize = 90;

impl SessionCache {
    /// Sweeps for as long as this runs.
    pub async fn sweep(self: &Arc<Self>) {
        let mut ticks = tokio::time::interval(PERIOD);
        loop {
            ticks.tick().await;
            self.sweep_once();
        }
    }

    pub(super) fn sweep_once(&self) {
        let now = self.clock.steady();
        let crowded = self.entries.len() > self.bounds.entries / 100 * FULL
            || self.bytes.load(Ordering::Relaxed) > self.bounds.bytes / 100 * FULL;
        let goes = |entry: &Entry| {
            let stays = entry.is_live(now, Duration::MAX) && (!crowded || entry.take_recent());
            !stays
        };
        let pinned = self.entries.pin();
        let over: Vec<SessionKey> = pinned
            .iter()
            .filter(|(_, entry)| goes(entry))
            .map(|(key, _)| *key)
            .collect();
        // Not by `retain`: that asks again about what is replaced meanwhile, and its bytes would be taken off twice.
        for key in over {
            self.forget(&key);
        }
    }
}
