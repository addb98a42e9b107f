//! What a session store can do. Two real ones exist: SQL and Redis.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{Mark, Record, Rights, SessionKey, Snapshot};
use crate::{AccountId, Fault, StoreName};

/// The longest a store is waited for. After it the answer is "away", and the person's is 503.
pub const STORE_DEADLINE: Duration = Duration::from_secs(1);

/// Keeps sessions. Every method is atomic in itself: record, index and change row together or not at all.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Which store it is.
    fn name(&self) -> StoreName;

    /// Stores a session, in the place of one with this key. A token's key is random, so nobody has asked for it yet, and
    /// what an API key begins is no session yet: nobody is told.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked.
    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<(), Fault>;

    /// Reads a session; `None` if there is none, or its absolute end has passed at `now`.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked; [`Fault::Broken`] when what it holds cannot be read.
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Snapshot>, Fault>;

    /// Ends a session and tells every watcher. Gives the record back if there was one.
    ///
    /// # Errors
    /// As [`SessionStore::load`].
    async fn remove(&self, key: &SessionKey) -> Result<Option<Record>, Fault>;

    /// Ends every session of an account but `spare`, and tells every watcher. Gives the ended keys.
    ///
    /// # Errors
    /// As [`SessionStore::load`].
    async fn remove_account(
        &self,
        account: AccountId,
        spare: Option<&SessionKey>,
    ) -> Result<Vec<SessionKey>, Fault>;

    /// Every session of an account that is live at `now`.
    ///
    /// # Errors
    /// As [`SessionStore::load`].
    async fn list(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<(SessionKey, Snapshot)>, Fault>;

    /// Puts new rights into a session and tells every watcher, unless it has newer ones already.
    ///
    /// # Errors
    /// As [`SessionStore::load`].
    async fn rewrite(&self, key: &SessionKey, rights: &Rights) -> Result<Rewritten, Fault>;

    /// Puts `record` in the place of the one that carries `mark`, if that is still there and its generation is not
    /// newer. Its end must be the same.
    ///
    /// # Errors
    /// As [`SessionStore::load`].
    async fn confirm(
        &self,
        key: &SessionKey,
        mark: &Mark,
        record: &Record,
    ) -> Result<Confirmed, Fault>;

    /// Notes that a session was used; the note need not outlive `ends_at`. Nobody is told.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked.
    async fn touch(&self, key: &SessionKey, at: Timestamp, ends_at: Timestamp)
    -> Result<(), Fault>;

    /// Forgets what ended before `now`. Stores that expire by themselves do nothing.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked.
    async fn prune(&self, now: Timestamp) -> Result<u64, Fault>;

    /// Tells of changes until the receiver is dropped: first [`Event::Everything`], then what happens, with
    /// a proof of life at least every 250 ms while the store can be heard. Reconnects by itself.
    async fn watch(&self, to: mpsc::Sender<Event>);
}

/// What [`SessionStore::rewrite`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewritten {
    /// The record has the new rights.
    Yes,
    /// It had the same or newer ones, or there is no such session.
    NotNeeded,
}

/// What [`SessionStore::confirm`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// It is a session now.
    Yes,
    /// What was begun is gone, or another took its place, or its account changed.
    No,
}

/// What a watcher hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// This session may be different now: re-read it.
    Changed(SessionKey),
    /// Anything may be different now: believe nothing that was read before.
    Everything,
    /// Every change that the store had accepted at this moment has been told.
    Alive {
        /// When the question went out whose answer proves it.
        as_of: Instant,
    },
    /// The store cannot be heard any more.
    Lost,
}

/// Hears of changes made by this very process, at once and before the person is answered.
pub trait Ear: Send + Sync {
    /// This session may be different now.
    fn changed(&self, key: &SessionKey);
}
