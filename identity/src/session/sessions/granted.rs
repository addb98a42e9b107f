//! Sessions of API keys: found apart from those of people, and in two steps, so that a key that was revoked meanwhile
//! never has one.

use jiff::Timestamp;

use super::Sessions;
use crate::Fault;
use crate::session::grant::Mark;
use crate::session::{Confirmed, Record, SessionKey, Snapshot};
use crate::tally::StoreOp;

/// What there is under the name of an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    /// A session.
    Live(Box<Snapshot>),
    /// One that was begun and is none yet; it would end then.
    Begun(Mark, Timestamp),
    /// Nothing.
    None,
}

impl Sessions {
    /// Asks the store for the session of an API key.
    ///
    /// # Errors
    /// As [`Sessions::find`].
    pub(crate) async fn find_granted(&self, key: &SessionKey) -> Result<Granted, Fault> {
        let now = self.clock.steady();
        let found = self.timed(StoreOp::Find, self.store.load(key, now)).await?;
        let Some(snapshot) = found else {
            return Ok(Granted::None);
        };
        Ok(match &snapshot.record.grant {
            None => Granted::None,
            Some(grant) => match &grant.unconfirmed {
                None => Granted::Live(Box::new(snapshot)),
                Some(mark) => Granted::Begun(mark.clone(), snapshot.record.ends_at),
            },
        })
    }

    /// Puts the beginning of a key's session into the store. It is found by whoever ends the account's sessions, and is
    /// none until it is [confirmed](Sessions::confirm).
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked.
    pub(crate) async fn begin(&self, key: &SessionKey, record: &Record) -> Result<(), Fault> {
        self.timed(StoreOp::Open, self.store.insert(key, record))
            .await
    }

    /// Makes a session of what was begun, unless it was ended meanwhile or its account has changed.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked.
    pub(crate) async fn confirm(
        &self,
        key: &SessionKey,
        mark: &Mark,
        record: &Record,
    ) -> Result<Confirmed, Fault> {
        self.timed(StoreOp::Open, self.store.confirm(key, mark, record))
            .await
    }

    /// Ends the session of a key, begun or made. It is counted nowhere, as its making is not.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the store cannot be asked: then it may still be live.
    pub(crate) async fn withdraw(&self, key: &SessionKey) -> Result<(), Fault> {
        let ended = self.timed(StoreOp::Revoke, self.store.remove(key)).await;
        self.tell(key);
        ended.map(|_| ())
    }
}
