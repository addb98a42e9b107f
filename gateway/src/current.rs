//! The configuration as it is now: the only thing that a reload replaces.
//!
//! Owns the swap, and telling those who watch something open that there was one. A request takes what is current once,
//! when it begins; only what stays open looks again.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::sites::Sites;

/// The configuration that new requests see.
pub struct Current {
    sites: ArcSwap<Sites>,
    replaced: watch::Sender<u64>,
}

impl Current {
    /// The first one.
    #[must_use]
    pub fn new(sites: Sites) -> Self {
        Self {
            sites: ArcSwap::from_pointee(sites),
            replaced: watch::Sender::new(0),
        }
    }

    /// As it is now. Whoever takes it sees it to the end.
    #[must_use]
    pub fn load(&self) -> Arc<Sites> {
        self.sites.load_full()
    }

    /// Puts another in its place.
    pub fn replace(&self, sites: Sites) {
        self.sites.store(Arc::new(sites));
        // After the swap: whoever hears of it finds the new one.
        self.replaced
            .send_modify(|times| *times = times.wrapping_add(1));
    }

    /// Hears of every replacement from now on.
    #[must_use]
    pub fn replacements(&self) -> watch::Receiver<u64> {
        self.replaced.subscribe()
    }
}
