//! Sessions in this process's memory: what makes a known session cost no round trip.
//!
//! Owns the entries, the questions under way, and the belief that changes are heard of. A hit takes no lock and
//! allocates nothing. A miss asks the store once however many wait. What is heard as changed is dropped; a question
//! that was under way meanwhile is asked again. Nothing here ends a session: only the store's answer does.
//! Must not know HTTP or rules. `docs/sessions.md` says why it is so.

mod belief;
mod entry;
mod flight;
mod follow;
mod hash;
mod kept;
mod open;
mod sought;
mod sweep;
mod touch;
mod unknown;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use doorward_identity::session::{Ear, SessionKey};
use doorward_identity::{Clock, Reading};
use jiff::Timestamp;

use crate::metrics::Metrics;
use belief::Belief;
pub use belief::Proof;
pub use entry::Entry;
use flight::{Answer, Flights};
use hash::ByKey;
use open::OpenConnections;
pub use open::Watching;
pub use sought::{Sought, Stores};
use touch::Toucher;
use unknown::Unknown;

/// How many sessions are remembered, and in how many bytes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most entries.
    pub entries: usize,
    /// Most bytes in all entries together.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            entries: 1_000_000,
            bytes: 512 << 20,
        }
    }
}

/// What the configuration says about sessions that matters here.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// A session that was not used for so long is over, unless it is remembered.
    pub idle: Duration,
    /// How long known sessions are honoured while nothing can be asked.
    pub outage_grace: Duration,
}

/// What came of asking for a session.
#[must_use]
pub enum Found {
    /// It is live.
    Known(Arc<Entry>),
    /// There is none, or it is over.
    None,
    /// It cannot be said: the store is away and no grace applies.
    Away,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From memory.
    Memory,
    /// From the store.
    Store,
}

/// The sessions this process remembers.
pub struct SessionCache {
    stores: Stores,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    entries: papaya::HashMap<SessionKey, Arc<Entry>, ByKey>,
    bytes: AtomicUsize,
    bounds: Bounds,
    flights: Flights,
    unknown: Unknown,
    belief: Belief,
    open: OpenConnections,
    toucher: Toucher,
    runtime: tokio::runtime::Handle,
}

impl SessionCache {
    /// An empty memory in front of `stores`, which are told of it. Questions run on `runtime`, so that they end
    /// whatever becomes of the request that asked. It believes nothing until [`SessionCache::follow`] runs.
    #[must_use]
    pub fn new(
        stores: Stores,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        bounds: Bounds,
        runtime: tokio::runtime::Handle,
    ) -> Arc<Self> {
        let seed = ByKey::new();
        let cache = Arc::new(Self {
            toucher: Toucher::start(stores.clone(), &runtime),
            stores,
            clock,
            metrics,
            entries: papaya::HashMap::with_hasher(seed),
            bytes: AtomicUsize::new(0),
            bounds,
            flights: Flights::new(seed),
            unknown: Unknown::new(seed),
            belief: Belief::new(),
            open: OpenConnections::new(seed),
            runtime,
        });
        let ear: Arc<dyn Ear> = Arc::new(Heard(Arc::downgrade(&cache)));
        cache.stores.sessions.hear(ear);
        cache
    }

    /// Finds a session: in memory where that may be believed, else in the store. One of another kind than is sought is
    /// none.
    pub async fn find(self: &Arc<Self>, sought: Sought, lifetimes: Lifetimes) -> (Found, Origin) {
        self.find_at(self.clock.read(), sought, lifetimes).await
    }

    /// The same for whoever has just looked at the clocks.
    pub async fn find_at(
        self: &Arc<Self>,
        now: Reading,
        sought: Sought,
        lifetimes: Lifetimes,
    ) -> (Found, Origin) {
        if self.belief.is_proven(now.instant)
            && let Some(entry) = self.remembered(&sought)
            && entry.is_live(now.steady, lifetimes.idle)
        {
            self.metrics.session_cache_hits.inc();
            return (Found::Known(entry), Origin::Memory);
        }
        self.metrics.session_cache_misses.inc();
        let found = self.ask(&sought, lifetimes, now.steady).await;
        (found, Origin::Store)
    }

    /// Notes that a session was used now, in the store at most once a minute. Called after the answer.
    pub fn used(&self, entry: &Entry, lifetimes: Lifetimes, now: Timestamp) {
        if entry.use_at(now, touch::period(lifetimes.idle)) {
            self.toucher.touch(entry, now);
        }
    }

    /// Whether changes are provably heard of right now.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.was_linked(Instant::now())
    }

    /// Whether they were, a moment ago, as far as is known now.
    #[must_use]
    pub fn was_linked(&self, at: Instant) -> bool {
        self.belief.is_proven(at)
    }

    /// When it was last proven that every change is heard of.
    #[must_use]
    pub fn proof(&self) -> Proof {
        self.belief.last_proof()
    }

    /// Registers an open connection that must be looked at again when its session may have changed.
    #[must_use]
    pub fn watch(&self, key: SessionKey) -> Watching<'_> {
        self.open.watch(key)
    }

    /// How many sessions are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn remembered(&self, sought: &Sought) -> Option<Arc<Entry>> {
        let entry = self.entries.pin().get(sought.key()).cloned();
        entry.filter(|entry| entry.sought() == *sought)
    }

    async fn ask(self: &Arc<Self>, sought: &Sought, lifetimes: Lifetimes, now: Timestamp) -> Found {
        if self.unknown.is_known(sought.key(), Instant::now()) {
            return Found::None;
        }
        match self.answer(sought, lifetimes.idle).await {
            Answer::Found(entry) if entry.sought() == *sought => Found::Known(entry),
            Answer::Found(_) | Answer::Nothing | Answer::NotNow => Found::None,
            Answer::Away => self.graced(sought, lifetimes, now),
        }
    }

    /// Known sessions are honoured for a while when nothing can be asked, if the operator said so.
    fn graced(&self, sought: &Sought, lifetimes: Lifetimes, now: Timestamp) -> Found {
        if !self
            .belief
            .within_grace(Instant::now(), lifetimes.outage_grace)
        {
            return Found::Away;
        }
        match self.remembered(sought) {
            // Idle cannot be judged without the store, only the absolute end can.
            Some(entry) if entry.is_live(now, Duration::MAX) => Found::Known(entry),
            Some(_) | None => Found::Away,
        }
    }

    /// Joins the question that is under way for this key, or asks it.
    async fn answer(self: &Arc<Self>, sought: &Sought, idle: Duration) -> Answer {
        let (mut landing, is_new) = self.flights.board(sought.key());
        if is_new == flight::Boarded::First {
            let (cache, sought) = (Arc::clone(self), *sought);
            self.runtime
                .spawn(async move { cache.fly(sought, idle).await });
        }
        landing.landed().await
    }

    /// Asks the store until the answer is not older than the last change that was heard of.
    async fn fly(self: Arc<Self>, sought: Sought, idle: Duration) {
        let key = *sought.key();
        let mut flight = self.flights.hold(&key);
        for _ in 0..flight::TRIES {
            flight.take_off();
            let answer = self.stores.ask(&sought, idle).await;
            let kept = flight.land(answer, |answer| self.keep(&key, answer));
            if kept == flight::Landed::Fresh {
                return;
            }
        }
        flight.give_up();
    }

    /// Remembers what the store said. Runs while changes of this key wait.
    fn keep(&self, key: &SessionKey, answer: &Answer) {
        match answer {
            Answer::Found(entry) => self.insert(*key, Arc::clone(entry)),
            Answer::Nothing => {
                self.forget(key);
                self.unknown.note(*key, Instant::now());
            }
            Answer::NotNow => self.forget(key),
            Answer::Away => {}
        }
    }

    fn insert(&self, key: SessionKey, entry: Arc<Entry>) {
        let bytes = entry.bytes();
        let full = self.entries.len() >= self.bounds.entries
            || self.bytes.load(Ordering::Relaxed).saturating_add(bytes) > self.bounds.bytes;
        if full {
            return;
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Some(old) = self.entries.pin().insert(key, entry) {
            self.bytes.fetch_sub(old.bytes(), Ordering::Relaxed);
        }
    }

    fn forget(&self, key: &SessionKey) {
        if let Some(old) = self.entries.pin().remove(key) {
            self.bytes.fetch_sub(old.bytes(), Ordering::Relaxed);
        }
    }

    /// This session may be different now.
    fn changed(&self, key: &SessionKey) {
        self.metrics.session_cache_invalidations.inc();
        self.flights.spoil(key, || {
            self.forget(key);
            self.unknown.forget(key);
        });
        self.open.wake(key);
    }

    /// Any session may be different now.
    fn everything_changed(&self) {
        self.metrics.session_cache_invalidations.inc();
        self.flights.spoil_all();
        let keys: Vec<SessionKey> = self.entries.pin().keys().copied().collect();
        for key in &keys {
            // Through the flight's lock, or an answer from before could be put back behind our back.
            self.flights.spoil(key, || self.forget(key));
        }
        self.unknown.clear();
        self.open.wake_all();
    }
}

/// What this very process changed is forgotten at once.
struct Heard(std::sync::Weak<SessionCache>);

impl Ear for Heard {
    fn changed(&self, key: &SessionKey) {
        if let Some(cache) = self.0.upgrade() {
            cache.changed(key);
        }
    }
}
