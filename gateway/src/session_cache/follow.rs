//! Following the store's watch, and doubting when it falls silent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_identity::session::Event;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::SessionCache;

/// Events that may wait. When more come, the watch itself waits, and with it the proof.
const WAITING: usize = 1024;

/// While nothing is proven, open connections are woken this often to look for themselves.
const DOUBT: Duration = Duration::from_secs(1);

impl SessionCache {
    /// Follows the watch for as long as this runs. Memory is believed only while it does.
    pub async fn follow(self: &Arc<Self>) {
        let (to, mut events) = mpsc::channel(WAITING);
        let watching = self.stores.sessions.watch(to);
        let hearing = async {
            while let Some(event) = events.recv().await {
                self.hear(&event);
            }
        };
        tokio::join!(watching, hearing, self.doubt());
    }

    /// Rounds of doubt, for open connections; each one is a reason to prove the session anew.
    #[must_use]
    pub fn doubts(&self) -> watch::Receiver<u64> {
        self.belief.doubts()
    }

    pub(super) fn hear(&self, event: &Event) {
        match event {
            Event::Changed(key) => self.changed(key),
            Event::Everything => {
                tracing::debug!("any session may have changed: memory is dropped");
                self.everything_changed();
            }
            Event::Alive { as_of } => {
                self.belief.prove(*as_of);
                self.metrics.session_link_up.set(1);
            }
            Event::Lost => {
                if self.metrics.session_link_up.get() != 0 {
                    tracing::warn!(
                        "changes of sessions are not heard of: every request asks the store"
                    );
                }
                self.metrics.session_link_up.set(0);
                self.belief.lose();
            }
        }
    }

    async fn doubt(&self) {
        let mut ticks = tokio::time::interval(DOUBT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if !self.belief.is_proven(Instant::now()) {
                self.metrics.session_link_up.set(0);
                self.belief.raise_doubt();
            }
        }
    }
}
