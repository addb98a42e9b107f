//! Whose session is asked for, and where.

use std::sync::Arc;
use std::time::Duration;

use doorward_identity::Fault;
use doorward_identity::api_key::{ApiKeys, Looked};
use doorward_identity::session::{SessionKey, Sessions};
use jiff::Timestamp;

use super::Entry;
use super::flight::Answer;

/// A session that somebody claims to have. What one kind of proof names is nothing to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// A person's, by cookie or access token.
    Person(SessionKey),
    /// A program's, by API key.
    Key(SessionKey),
}

impl Sought {
    /// Its name.
    #[must_use]
    pub fn key(&self) -> &SessionKey {
        match self {
            Self::Person(key) | Self::Key(key) => key,
        }
    }
}

/// Where sessions are asked for.
#[derive(Clone)]
pub struct Stores {
    /// Those of people.
    pub sessions: Arc<Sessions>,
    /// Those of API keys; absent: that cannot be said.
    pub keys: Option<Arc<ApiKeys>>,
}

impl Stores {
    pub(super) async fn ask(&self, sought: &Sought, idle: Duration) -> Answer {
        let answer = match sought {
            Sought::Person(key) => self.person(key, idle).await,
            Sought::Key(key) => self.program(key).await,
        };
        match answer {
            Ok(answer) => answer,
            Err(fault @ Fault::StoreAway { .. }) => {
                tracing::debug!(%fault, "a session could not be asked for");
                Answer::Away
            }
            Err(fault) => {
                tracing::error!(%fault, session = %sought.key().short(), "a session cannot be read");
                Answer::Away
            }
        }
    }

    async fn person(&self, key: &SessionKey, idle: Duration) -> Result<Answer, Fault> {
        Ok(match self.sessions.find(key, idle).await? {
            Some(snapshot) => Answer::Found(Arc::new(Entry::new(*key, snapshot))),
            None => Answer::Nothing,
        })
    }

    async fn program(&self, key: &SessionKey) -> Result<Answer, Fault> {
        let Some(keys) = &self.keys else {
            return Ok(Answer::Away);
        };
        Ok(match keys.find(key).await? {
            Looked::Live(snapshot) => Answer::Found(Arc::new(Entry::new(*key, *snapshot))),
            // It may be enabled again any moment.
            Looked::Disabled => Answer::NotNow,
            Looked::Unknown => Answer::Nothing,
        })
    }

    /// Notes when it was last used: with the session, or with the key.
    pub(super) async fn note_use(
        &self,
        sought: &Sought,
        at: Timestamp,
        ends_at: Timestamp,
    ) -> Result<(), Fault> {
        match (sought, &self.keys) {
            (Sought::Person(key), _) => self.sessions.touch(key, at, ends_at).await,
            (Sought::Key(key), Some(keys)) => keys.used(key, at).await,
            (Sought::Key(_), None) => Ok(()),
        }
    }
}
