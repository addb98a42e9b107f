//! The memory against a store that answers when it is told to, and against the races that a real one has.

mod races;
mod store;

use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_identity::session::{Event, SessionKey, Sessions, Token};
use doorward_identity::tally::Uncounted;
use doorward_identity::{ManualClock, SystemRandom};

use super::*;
use store::ScriptedStore;

const LIFETIMES: Lifetimes = Lifetimes {
    idle: Duration::from_hours(2),
    outage_grace: Duration::ZERO,
};

struct Memory {
    cache: Arc<SessionCache>,
    store: Arc<ScriptedStore>,
    clock: Arc<ManualClock>,
    metrics: Arc<Metrics>,
}

impl Memory {
    fn new() -> Self {
        Self::bounded(Bounds::default())
    }

    fn bounded(bounds: Bounds) -> Self {
        let store = Arc::new(ScriptedStore::default());
        let clock = Arc::new(ManualClock::at(store::start()));
        let metrics = Arc::new(Metrics::new(&[]).unwrap());
        let sessions = Arc::new(Sessions::new(
            Arc::clone(&store) as _,
            Arc::clone(&clock) as _,
            Arc::new(SystemRandom),
            Arc::new(Uncounted),
        ));
        let runtime = tokio::runtime::Handle::current();
        let cache = SessionCache::new(
            Stores {
                sessions,
                keys: None,
            },
            Arc::clone(&clock) as _,
            Arc::clone(&metrics),
            bounds,
            runtime,
        );
        Self {
            cache,
            store,
            clock,
            metrics,
        }
    }

    /// With a proof of life that is good for the next 750 ms.
    fn alive(self) -> Self {
        self.hear(&Event::Alive {
            as_of: Instant::now(),
        });
        self
    }

    fn hear(&self, event: &Event) {
        self.cache.hear(event);
    }

    async fn find(&self, key: &SessionKey) -> (Found, Origin) {
        self.cache.find(Sought::Person(*key), LIFETIMES).await
    }

    async fn is_known(&self, key: &SessionKey) -> bool {
        matches!(self.find(key).await.0, Found::Known(_))
    }
}

fn key() -> SessionKey {
    Token::generate(&SystemRandom).key()
}

#[tokio::test]
async fn a_known_session_is_asked_for_once() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    for _ in 0..100 {
        memory.hear(&Event::Alive {
            as_of: Instant::now(),
        });
        assert!(memory.is_known(&key).await);
    }
    assert_eq!(memory.store.reads(), 1);
    assert_eq!(memory.metrics.session_cache_hits.get(), 99);
    assert_eq!(memory.metrics.session_cache_misses.get(), 1);
}

#[tokio::test]
async fn however_many_ask_at_once_the_store_is_asked_once() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    memory.store.hold();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let cache = Arc::clone(&memory.cache);
        asking.spawn(async move { cache.find(Sought::Person(key), LIFETIMES).await.0 });
    }
    memory.store.wait_for_read().await;
    memory.store.release();
    while let Some(answer) = asking.join_next().await {
        assert!(matches!(answer.unwrap(), Found::Known(_)));
    }
    assert_eq!(memory.store.reads(), 1);
    assert_eq!(memory.metrics.session_cache_misses.get(), 500);
}

#[tokio::test]
async fn without_a_proof_every_request_asks() {
    let memory = Memory::new();
    let key = memory.store.has_session();
    for asked in 1..=5 {
        assert!(memory.is_known(&key).await);
        assert_eq!(memory.store.reads(), asked);
    }
    memory.hear(&Event::Alive {
        as_of: Instant::now(),
    });
    assert!(memory.is_known(&key).await);
    assert_eq!(memory.store.reads(), 5, "and with one it does not");
}

#[tokio::test]
async fn a_loss_ends_belief_and_an_outage_refuses() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    assert!(memory.is_known(&key).await);
    memory.hear(&Event::Lost);
    memory.store.goes_away();
    assert!(matches!(
        memory.find(&key).await,
        (Found::Away, Origin::Store)
    ));
    memory.store.comes_back();
    assert!(memory.is_known(&key).await);
}

#[tokio::test]
async fn a_grace_honours_known_sessions_only() {
    let memory = Memory::new().alive();
    let (known, never_seen) = (memory.store.has_session(), memory.store.has_session());
    assert!(memory.is_known(&known).await);
    memory.hear(&Event::Lost);
    memory.store.goes_away();
    let graceful = Lifetimes {
        outage_grace: Duration::from_mins(1),
        ..LIFETIMES
    };
    assert!(matches!(
        memory.cache.find(Sought::Person(known), graceful).await.0,
        Found::Known(_)
    ));
    assert!(matches!(
        memory
            .cache
            .find(Sought::Person(never_seen), graceful)
            .await
            .0,
        Found::Away
    ));
    assert!(
        matches!(memory.find(&known).await.0, Found::Away),
        "no grace unless it is configured"
    );
    memory.clock.set(store::end());
    assert!(
        matches!(
            memory.cache.find(Sought::Person(known), graceful).await.0,
            Found::Away
        ),
        "nor past its absolute end"
    );
}

#[tokio::test]
async fn a_change_means_re_read_and_only_the_store_ends() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    assert!(memory.is_known(&key).await);
    memory.hear(&Event::Changed(key));
    assert!(memory.is_known(&key).await, "the store still has it");
    assert_eq!(memory.store.reads(), 2);
    memory.store.loses(&key);
    memory.hear(&Event::Changed(key));
    assert!(!memory.is_known(&key).await);
}

#[tokio::test]
async fn everything_drops_everything() {
    let memory = Memory::new().alive();
    let keys = [memory.store.has_session(), memory.store.has_session()];
    for key in &keys {
        assert!(memory.is_known(key).await);
    }
    memory.store.loses(&keys[0]);
    memory.hear(&Event::Everything);
    assert!(memory.cache.is_empty());
    assert!(!memory.is_known(&keys[0]).await);
    assert!(memory.is_known(&keys[1]).await);
}

#[tokio::test]
async fn idle_ends_are_seen_on_the_spot_but_asked_about_first() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    assert!(memory.is_known(&key).await);
    memory.clock.set(store::after(LIFETIMES.idle));
    memory
        .store
        .seen(&key, store::after(Duration::from_mins(119)));
    assert!(memory.is_known(&key).await, "used elsewhere meanwhile");
    memory.clock.set(store::after(LIFETIMES.idle * 2));
    assert!(!memory.is_known(&key).await, "used nowhere");
}

#[tokio::test]
async fn unknown_tokens_are_asked_for_once_in_a_while() {
    let memory = Memory::new().alive();
    let stranger = key();
    for _ in 0..50 {
        assert!(!memory.is_known(&stranger).await);
    }
    assert_eq!(memory.store.reads(), 1);
    memory.store.gains(&stranger);
    memory.hear(&Event::Changed(stranger));
    assert!(memory.is_known(&stranger).await);
}

#[tokio::test]
async fn a_use_is_written_once_a_minute() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    let Found::Known(entry) = memory.find(&key).await.0 else {
        panic!("not known")
    };
    for second in 1..=150 {
        let now = store::after(Duration::from_secs(second));
        memory.cache.used(&entry, LIFETIMES, now);
    }
    memory.store.wait_for_touches(2).await;
    assert_eq!(
        memory.store.touches(),
        [
            store::after(Duration::from_mins(1)),
            store::after(Duration::from_mins(2))
        ]
    );
}

#[tokio::test]
async fn memory_stays_within_its_bounds() {
    let memory = Memory::bounded(Bounds {
        entries: 100,
        bytes: usize::MAX,
    })
    .alive();
    for _ in 0..300 {
        let key = memory.store.has_session();
        memory.hear(&Event::Alive {
            as_of: Instant::now(),
        });
        assert!(
            memory.is_known(&key).await,
            "even where there is no room to remember it"
        );
    }
    assert!(memory.cache.len() <= 100);
    memory.cache.sweep_once();
    memory.cache.sweep_once();
    assert!(
        memory.cache.is_empty(),
        "what was not used between two sweeps makes room"
    );
    assert_eq!(memory.cache.bytes.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_entry_is_small() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    let Found::Known(entry) = memory.find(&key).await.0 else {
        panic!("not known")
    };
    let bytes = entry.bytes();
    assert!(bytes <= 400, "{bytes} bytes");
}
