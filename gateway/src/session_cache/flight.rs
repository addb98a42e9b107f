//! Questions under way: one a key, however many wait for it.
//!
//! A change that is heard of while a question is under way spoils its answer: the question is asked again. Landing
//! an answer and spoiling it take the same lock, so an answer from before a change is never kept after it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_identity::session::SessionKey;
use tokio::sync::watch;

use super::entry::Entry as Session;
use super::hash::ByKey;

/// How often a question is asked again because its answer was spoiled.
pub(super) const TRIES: usize = 8;

const SHARDS: usize = 64;

/// What the store said.
#[derive(Clone)]
pub(super) enum Answer {
    Found(Arc<Session>),
    Nothing,
    /// There is something that lets nobody in for now. Not worth remembering: it may change unheard.
    NotNow,
    Away,
}

/// The questions under way.
pub(super) struct Flights {
    shards: [Mutex<HashMap<SessionKey, UnderWay, ByKey>>; SHARDS],
    seed: ByKey,
}

struct UnderWay {
    answer: watch::Sender<Option<Answer>>,
    spoiled: Spoiled,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spoiled {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boarded {
    /// This one must ask.
    First,
    /// Somebody asks already.
    Joined,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landed {
    /// The answer was given out.
    Fresh,
    /// Something changed meanwhile: ask again.
    Spoiled,
}

/// Waits for an answer.
pub(super) struct Landing(watch::Receiver<Option<Answer>>);

impl Landing {
    pub(super) async fn landed(&mut self) -> Answer {
        match self.0.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone().unwrap_or(Answer::Away),
            // Whoever asked is gone without an answer.
            Err(_) => Answer::Away,
        }
    }
}

impl Flights {
    pub(super) fn new(seed: ByKey) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::new(HashMap::with_hasher(seed))),
            seed,
        }
    }

    /// Waits with the others for this key, or opens the question.
    pub(super) fn board(&self, key: &SessionKey) -> (Landing, Boarded) {
        let mut shard = self.shard(key);
        if let Some(under_way) = shard.get(key) {
            return (Landing(under_way.answer.subscribe()), Boarded::Joined);
        }
        let (answer, landing) = watch::channel(None);
        shard.insert(
            *key,
            UnderWay {
                answer,
                spoiled: Spoiled::No,
            },
        );
        (Landing(landing), Boarded::First)
    }

    /// The handle of whoever asks. Dropping it ends the question, answered or not.
    pub(super) fn hold(&self, key: &SessionKey) -> Flight<'_> {
        Flight {
            flights: self,
            key: *key,
            over: false,
        }
    }

    /// Spoils the question under way for this key, and has `forget` run before any answer can land.
    pub(super) fn spoil(&self, key: &SessionKey, forget: impl FnOnce()) {
        let mut shard = self.shard(key);
        if let Some(under_way) = shard.get_mut(key) {
            under_way.spoiled = Spoiled::Yes;
        }
        forget();
    }

    /// Spoils every question under way.
    pub(super) fn spoil_all(&self) {
        for shard in &self.shards {
            for under_way in locked(shard).values_mut() {
                under_way.spoiled = Spoiled::Yes;
            }
        }
    }

    fn shard(&self, key: &SessionKey) -> MutexGuard<'_, HashMap<SessionKey, UnderWay, ByKey>> {
        let hash = usize::try_from(self.seed.hash_one(key) & (SHARDS as u64 - 1)).unwrap_or(0);
        // The mask keeps the number below SHARDS; the first shard would serve as well.
        let shard = self.shards.get(hash).unwrap_or(&self.shards[0]);
        locked(shard)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One question, in the hands of whoever asks it. Over once it has landed: the next of this key is somebody else's.
pub(super) struct Flight<'a> {
    flights: &'a Flights,
    key: SessionKey,
    over: bool,
}

impl Flight<'_> {
    /// The store is about to be asked: what changed before this is in its answer.
    pub(super) fn take_off(&self) {
        if let Some(under_way) = self.flights.shard(&self.key).get_mut(&self.key) {
            under_way.spoiled = Spoiled::No;
        }
    }

    /// Gives the answer out and has `keep` run, unless something changed since take-off.
    pub(super) fn land(&mut self, answer: Answer, keep: impl FnOnce(&Answer)) -> Landed {
        let mut shard = self.flights.shard(&self.key);
        let Entry::Occupied(under_way) = shard.entry(self.key) else {
            return Landed::Fresh;
        };
        if under_way.get().spoiled == Spoiled::Yes && !matches!(answer, Answer::Away) {
            return Landed::Spoiled;
        }
        keep(&answer);
        under_way.remove().answer.send_replace(Some(answer));
        self.over = true;
        Landed::Fresh
    }

    /// It changes faster than it can be read.
    pub(super) fn give_up(&mut self) {
        let under_way = self.flights.shard(&self.key).remove(&self.key);
        self.over = true;
        if let Some(under_way) = under_way {
            under_way.answer.send_replace(Some(Answer::Away));
        }
    }
}

impl Drop for Flight<'_> {
    /// After a panic: whoever waits hears "away" rather than nothing.
    fn drop(&mut self) {
        if !self.over {
            self.flights.shard(&self.key).remove(&self.key);
        }
    }
}
