//! Tokens that no session belongs to, remembered for a moment so that garbage is no load on the store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use doorward_identity::session::SessionKey;

use super::hash::ByKey;

/// How long. Short, because a store that fails over may forget a session and find it again.
const WORTH: Duration = Duration::from_secs(2);

/// How many, at most.
const MOST: usize = 16_384;

/// Keys that the store did not know a moment ago.
pub(super) struct Unknown {
    keys: papaya::HashMap<SessionKey, Instant, ByKey>,
    base: Instant,
    /// When the old ones were last thrown out, in milliseconds after `base`.
    cleared: AtomicU64,
}

impl Unknown {
    pub(super) fn new(seed: ByKey) -> Self {
        Self {
            keys: papaya::HashMap::with_hasher(seed),
            base: Instant::now(),
            cleared: AtomicU64::new(0),
        }
    }

    pub(super) fn is_known(&self, key: &SessionKey, now: Instant) -> bool {
        self.keys
            .pin()
            .get(key)
            .is_some_and(|noted| now.saturating_duration_since(*noted) < WORTH)
    }

    pub(super) fn note(&self, key: SessionKey, now: Instant) {
        self.clear_old(now);
        if self.keys.len() < MOST {
            self.keys.pin().insert(key, now);
        }
    }

    pub(super) fn forget(&self, key: &SessionKey) {
        self.keys.pin().remove(key);
    }

    pub(super) fn clear(&self) {
        self.keys.pin().clear();
    }

    /// Throws out what is over, once in a while and by one caller only.
    fn clear_old(&self, now: Instant) {
        let millis =
            u64::try_from(now.saturating_duration_since(self.base).as_millis()).unwrap_or(u64::MAX);
        let cleared = self.cleared.load(Ordering::Relaxed);
        let worth = u64::try_from(WORTH.as_millis()).unwrap_or(u64::MAX);
        if millis.saturating_sub(cleared) < worth {
            return;
        }
        if self
            .cleared
            .compare_exchange(cleared, millis, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
        {
            self.keys
                .pin()
                .retain(|_, noted| now.saturating_duration_since(*noted) < WORTH);
        }
    }
}
