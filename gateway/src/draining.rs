//! Leaving: who has been told, and what is still open.
//!
//! Owns the two words, that this process is leaving and that another one listens, and the counts of connections. Must
//! not know who waits for them: that is [`crate::stop`].

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::SetOnce;

/// Whether this process is leaving.
#[derive(Debug, Default)]
pub struct Draining {
    begun: SetOnce<()>,
    relieved: SetOnce<()>,
    connections: AtomicUsize,
    shared: AtomicUsize,
}

/// A connection that counts until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Draining {
    /// From here on connections are closed after their answer.
    pub fn begin(&self) {
        // The second time changes nothing.
        let _ = self.begun.set(());
    }

    /// Whether [`Draining::begin`] was called.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.begun.initialized()
    }

    /// Waits for [`Draining::begin`].
    pub async fn begun(&self) {
        self.begun.wait().await;
    }

    /// Another process listens now; this one finishes what it has.
    pub fn relieve(&self) {
        // The second time changes nothing.
        let _ = self.relieved.set(());
    }

    /// Whether [`Draining::relieve`] was called.
    #[must_use]
    pub fn is_relieved(&self) -> bool {
        self.relieved.initialized()
    }

    /// Waits for [`Draining::relieve`].
    pub async fn relieved(&self) {
        self.relieved.wait().await;
    }

    /// Counts a connection, whether or not anything is asked on it.
    pub fn count(&self) -> Counted<'_> {
        Counted::new(&self.connections)
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Counts a connection that has to be told before it is closed: its client may be about to ask something more.
    pub fn count_shared(&self) -> Counted<'_> {
        Counted::new(&self.shared)
    }

    /// How many of them there are.
    #[must_use]
    pub fn shared(&self) -> usize {
        self.shared.load(Ordering::Relaxed)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
