//! Connections that stay open, by session, so that a change reaches them even when nothing moves on them.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_identity::session::SessionKey;
use tokio::sync::Notify;

use super::hash::ByKey;

/// The open connections that asked to be told.
pub(super) struct OpenConnections {
    by_session: Mutex<HashMap<SessionKey, Shared, ByKey>>,
}

struct Shared {
    bell: Arc<Notify>,
    connections: usize,
}

impl OpenConnections {
    pub(super) fn new(seed: ByKey) -> Self {
        Self {
            by_session: Mutex::new(HashMap::with_hasher(seed)),
        }
    }

    pub(super) fn watch(&self, key: SessionKey) -> Watching<'_> {
        let mut by_session = self.lock();
        let shared = by_session.entry(key).or_insert_with(|| Shared {
            bell: Arc::new(Notify::new()),
            connections: 0,
        });
        shared.connections += 1;
        Watching {
            open: self,
            key,
            bell: Arc::clone(&shared.bell),
        }
    }

    pub(super) fn wake(&self, key: &SessionKey) {
        if let Some(shared) = self.lock().get(key) {
            shared.bell.notify_waiters();
        }
    }

    pub(super) fn wake_all(&self) {
        for shared in self.lock().values() {
            shared.bell.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionKey, Shared, ByKey>> {
        self.by_session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection's place among those that are told. Leaves it when dropped.
pub struct Watching<'a> {
    open: &'a OpenConnections,
    key: SessionKey,
    bell: Arc<Notify>,
}

impl Watching<'_> {
    /// The bell that rings when the session may have changed. Make its `notified()` before looking at the
    /// session: what rings after that is not missed.
    #[must_use]
    pub fn bell(&self) -> &Notify {
        &self.bell
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        if let Place::Occupied(mut place) = self.open.lock().entry(self.key) {
            place.get_mut().connections -= 1;
            if place.get().connections == 0 {
                place.remove();
            }
        }
    }
}
