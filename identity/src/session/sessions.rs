//! The door to sessions for the rest of the program. Those of people and those of API keys have each their own way in.

mod granted;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{
    Ear, Ended, Event, NewSession, Opened, Record, Rewritten, Rights, SessionKey, SessionStore,
    Snapshot, Token,
};
use crate::tally::{Note, StoreOp, Tally};
use crate::{AccountId, Clock, Fault, Random, StoreName};

pub(crate) use granted::Granted;

/// Longest `User-Agent` that is kept with a session, in bytes.
const DEVICE_BYTES: usize = 256;

/// How often it is looked for sessions of one sign-in that were opened while others ended.
const ROUNDS: usize = 16;

/// Opens, finds and ends sessions in whichever store is configured.
///
/// Changes go to the store first; only then is this process's own memory told, and only then the caller.
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tally: Arc<dyn Tally>,
    ear: OnceLock<Arc<dyn Ear>>,
}

impl Sessions {
    /// Sessions kept in `store`.
    #[must_use]
    pub fn new(
        store: Arc<dyn SessionStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        tally: Arc<dyn Tally>,
    ) -> Self {
        Self {
            store,
            clock,
            random,
            tally,
            ear: OnceLock::new(),
        }
    }

    /// Which store they are kept in.
    #[must_use]
    pub fn store(&self) -> StoreName {
        self.store.name()
    }

    /// Has this process's own memory told directly of every change made here. The first ear stays.
    pub fn hear(&self, ear: Arc<dyn Ear>) {
        if self.ear.set(ear).is_err() {
            tracing::error!(
                "a second memory asked to be told of session changes and was not heard"
            );
        }
    }

    /// Opens a session under a fresh token.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked.
    pub async fn open(&self, new: NewSession) -> Result<Opened, Fault> {
        let token = Token::generate(&*self.random);
        let key = token.key();
        let record = self.record(new)?;
        self.timed(StoreOp::Open, self.store.insert(&key, &record))
            .await?;
        self.tally.note(Note::SessionOpened);
        Ok(Opened { token, key, record })
    }

    /// The record of a session that would be opened now.
    ///
    /// # Errors
    /// [`Fault::Broken`] if it would live too long to be written down.
    pub fn record(&self, new: NewSession) -> Result<Record, Fault> {
        let now = self.clock.steady();
        let ends_at = now
            .checked_add(new.life)
            .map_err(|source| Fault::broken_by("a session cannot live that long", source))?;
        let mut record = Record {
            account: new.account,
            user: String::new(),
            email: None,
            name: String::new(),
            roles: Vec::new(),
            opened_at: now,
            ends_at,
            remembered: new.remembered,
            amr: new.amr,
            auth_time: new.auth_time.unwrap_or(now),
            device: bounded(new.device),
            address: new.address.to_canonical(),
            generation: 0,
            grant: None,
            family: new.family.map(Box::new),
        };
        // A fresh account may be at version 0: its rights are taken all the same.
        let generation = new.rights.generation;
        Rights {
            generation: generation.max(1),
            ..new.rights
        }
        .apply_to(&mut record);
        record.generation = generation;
        Ok(record)
    }

    /// Asks the store for a session of a person, as it is now: what an API key stands for is none. One that was not used for `idle` is over, and is ended.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked, [`Fault::Broken`] when the record cannot be read.
    pub async fn find(&self, key: &SessionKey, idle: Duration) -> Result<Option<Snapshot>, Fault> {
        let now = self.clock.steady();
        let found = self.timed(StoreOp::Find, self.store.load(key, now)).await?;
        match found.filter(|snapshot| snapshot.record.grant.is_none()) {
            Some(snapshot) if snapshot.ends(idle) <= now => {
                // Over is over, whether or not the store can be told now; whoever asks next tells it again.
                if let Err(fault) = self.revoke(key, Ended::Expired).await {
                    tracing::debug!(%fault, "a session that is over stays in the store");
                }
                Ok(None)
            }
            found => Ok(found),
        }
    }

    /// Ends one session. `None` if there was none.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked: then it may still be live, and the caller says so.
    pub async fn revoke(&self, key: &SessionKey, reason: Ended) -> Result<Option<Record>, Fault> {
        let ended = self.timed(StoreOp::Revoke, self.store.remove(key)).await;
        self.tell(key);
        let ended = ended?;
        if ended.is_some() {
            self.tally.note(Note::SessionsEnded { reason, count: 1 });
        }
        Ok(ended)
    }

    /// Ends a session with all others of the same sign-in. `None` if there was none.
    ///
    /// Whoever opens one more of them [looks again](crate::handover::redeem) at the session that it comes from after it
    /// was stored. So the own one goes before the last look here, and one of the two sees the other.
    ///
    /// # Errors
    /// As [`Sessions::revoke`]. Some may have ended by then; asking again ends the rest.
    pub async fn end(&self, key: &SessionKey, reason: Ended) -> Result<Option<Record>, Fault> {
        let found = self.timed(StoreOp::Find, self.store.load(key, Timestamp::MIN));
        let record = match found.await {
            Ok(Some(found)) => found.record,
            // Gone, or not to be read, which says nothing of others.
            Ok(None) | Err(Fault::Broken { .. }) => return self.revoke(key, reason).await,
            Err(away) => return Err(away),
        };
        let sign_in = record.sign_in(key);
        let others = self
            .end_others(record.account, (&sign_in, key), reason)
            .await;
        if let Err(away @ Fault::StoreAway { .. }) = others {
            // The own one stays, so that whoever asks again finds the others by it.
            return Err(away);
        }
        let ended = self.revoke(key, reason).await?;
        others?;
        self.end_others(record.account, (&sign_in, key), reason)
            .await?;
        Ok(ended)
    }

    /// Ends every session of this sign-in but `own`, until there is none.
    async fn end_others(
        &self,
        account: AccountId,
        (sign_in, own): (&SessionKey, &SessionKey),
        reason: Ended,
    ) -> Result<(), Fault> {
        for _ in 0..ROUNDS {
            // Those too that are over by our clock: another gateway's may go otherwise.
            let all = self.store.list(account, Timestamp::MIN);
            let mut others = self.timed(StoreOp::List, all).await?;
            others.retain(|(key, found)| key != own && found.record.sign_in(key) == *sign_in);
            if others.is_empty() {
                return Ok(());
            }
            for (key, _) in &others {
                self.revoke(key, reason).await?;
            }
        }
        Err(Fault::broken("sessions of one sign-in do not end"))
    }

    /// Ends every session of an account but `spare`, those of its API keys too, which are made anew while the key is good;
    /// gives how many.
    ///
    /// # Errors
    /// As [`Sessions::revoke`].
    pub async fn revoke_account(
        &self,
        account: AccountId,
        spare: Option<&SessionKey>,
        reason: Ended,
    ) -> Result<u64, Fault> {
        let ended = self
            .timed(StoreOp::Revoke, self.store.remove_account(account, spare))
            .await?;
        for key in &ended {
            self.tell(key);
        }
        let count = u64::try_from(ended.len()).unwrap_or(u64::MAX);
        self.tally.note(Note::SessionsEnded { reason, count });
        Ok(count)
    }

    /// Gives every session of an account new rights; gives how many changed.
    ///
    /// Call it only after the account itself was changed: a session that is opened at the same time
    /// compares the account's version before its token is given out.
    ///
    /// # Errors
    /// As [`Sessions::revoke`].
    pub async fn rewrite_account(&self, account: AccountId, rights: &Rights) -> Result<u64, Fault> {
        let mut changed = 0;
        // Those too that are over by our clock: another gateway's may go otherwise.
        let all = self.store.list(account, Timestamp::MIN);
        for (key, _) in self.timed(StoreOp::List, all).await? {
            let rewritten = self
                .timed(StoreOp::Rewrite, self.store.rewrite(&key, rights))
                .await?;
            self.tell(&key);
            changed += u64::from(rewritten == Rewritten::Yes);
        }
        Ok(changed)
    }

    /// Every live session of a person, those of their API keys not among them; one that was not used for `idle` is over.
    ///
    /// # Errors
    /// As [`Sessions::find`].
    pub async fn list(
        &self,
        account: AccountId,
        idle: Duration,
    ) -> Result<Vec<(SessionKey, Snapshot)>, Fault> {
        let now = self.clock.steady();
        let mut all = self
            .timed(StoreOp::List, self.store.list(account, now))
            .await?;
        all.retain(|(_, snapshot)| snapshot.record.grant.is_none() && now < snapshot.ends(idle));
        Ok(all)
    }

    /// Notes that a session was used; `ends_at` is its absolute end.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked; nothing is lost but the note.
    pub async fn touch(
        &self,
        key: &SessionKey,
        at: Timestamp,
        ends_at: Timestamp,
    ) -> Result<(), Fault> {
        self.timed(StoreOp::Touch, self.store.touch(key, at, ends_at))
            .await
    }

    /// Forgets sessions whose absolute end has passed; gives how many.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked.
    pub async fn prune(&self) -> Result<u64, Fault> {
        self.timed(StoreOp::Prune, self.store.prune(self.clock.steady()))
            .await
    }

    /// Tells of every change until the receiver is dropped; see [`SessionStore::watch`].
    pub async fn watch(&self, to: mpsc::Sender<Event>) {
        self.store.watch(to).await;
    }

    fn tell(&self, key: &SessionKey) {
        if let Some(ear) = self.ear.get() {
            ear.changed(key);
        }
    }

    async fn timed<T>(&self, op: StoreOp, work: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let outcome = work.await;
        self.tally.note(Note::StoreOp {
            op,
            took: start.elapsed(),
        });
        outcome
    }
}

/// How long a remembered or an ordinary session lives at most.
#[must_use]
pub fn life(remembered: super::Remembered, lifetimes: &doorward_config::Lifetimes) -> Duration {
    match remembered {
        super::Remembered::Yes => lifetimes.remember,
        super::Remembered::No => lifetimes.absolute,
    }
}

fn bounded(mut device: String) -> String {
    if device.len() > DEVICE_BYTES {
        let end = (0..=DEVICE_BYTES)
            .rev()
            .find(|&at| device.is_char_boundary(at))
            .unwrap_or(0);
        device.truncate(end);
    }
    device.retain(|c| !c.is_control());
    device
}
