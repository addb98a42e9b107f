//! The sessions of one sign-in, where it serves several hosts.
//!
//! Owns what makes them belong together, and on which host each counts. Must not know how a host gets its own.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Record, SessionKey, Snapshot};

/// What a session has in common with those that it ends with, and what it has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// The key of the sign-in's first session, which may be gone.
    pub id: SessionKey,
    /// The only host it counts on, in the spelling that sites are found by; absent, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Box<str>>,
    /// The session that it was opened from. Whoever uses this one uses that one too, so that none outlives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SessionKey>,
}

impl Record {
    /// Whether a cookie that a browser brought to `host` stands for this session. One that was made for a host is worth
    /// nothing on another: not even to whoever runs the first.
    #[must_use]
    pub fn counts_on(&self, host: &str) -> bool {
        let family = self.family.as_ref();
        family.is_none_or(|family| family.counts_on(host))
    }

    /// The host it was made for, if it is one of several.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.family.as_ref()?.host.as_deref()
    }

    /// The session that is used with this one, if it was opened from one.
    #[must_use]
    pub fn parent(&self) -> Option<SessionKey> {
        self.family.as_ref()?.parent
    }

    /// Which sign-in this session, whose key is `own`, is of.
    #[must_use]
    pub fn sign_in(&self, own: &SessionKey) -> SessionKey {
        self.family.as_ref().map_or(*own, |family| family.id)
    }

    /// What the session has that takes the place of this one, whose key is `own`: it goes on in the same sign-in.
    pub(crate) fn heir(&self, own: &SessionKey) -> Family {
        Family {
            id: self.sign_in(own),
            host: self.host().map(Into::into),
            parent: self.parent(),
        }
    }
}

impl Family {
    /// Whether a cookie that a browser brought to `host` stands for such a session.
    #[must_use]
    pub fn counts_on(&self, host: &str) -> bool {
        self.host.as_deref().is_none_or(|own| own == host)
    }

    /// The memory that it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.host.as_ref().map_or(0, |host| host.len())
    }
}

/// The live sessions of one sign-in: what a person thinks of as one.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// What they have in common.
    pub id: SessionKey,
    first: (SessionKey, Snapshot),
    others: Vec<(SessionKey, Snapshot)>,
}

impl SignIn {
    /// Puts together what belongs together.
    #[must_use]
    pub fn of(sessions: impl IntoIterator<Item = (SessionKey, Snapshot)>) -> Vec<Self> {
        let mut all: BTreeMap<SessionKey, Self> = BTreeMap::new();
        for (key, snapshot) in sessions {
            let id = snapshot.record.sign_in(&key);
            if let Some(sign_in) = all.get_mut(&id) {
                sign_in.add((key, snapshot));
            } else {
                let first = (key, snapshot);
                let others = Vec::new();
                all.insert(id, Self { id, first, others });
            }
        }
        all.into_values().collect()
    }

    fn add(&mut self, mut session: (SessionKey, Snapshot)) {
        let age =
            |(_, one): &(SessionKey, Snapshot)| (one.record.host().is_some(), one.record.opened_at);
        if age(&session) < age(&self.first) {
            std::mem::swap(&mut self.first, &mut session);
        }
        self.others.push(session);
    }

    /// That of the portal, or the oldest that is left.
    #[must_use]
    pub fn first(&self) -> &(SessionKey, Snapshot) {
        &self.first
    }

    /// When any of them was last used, to about a minute.
    #[must_use]
    pub fn last_seen(&self) -> Timestamp {
        self.sessions()
            .map(|(_, one)| one.last_seen)
            .fold(self.first.1.last_seen, Timestamp::max)
    }

    /// The hosts that it led to, sorted.
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<_> = self
            .sessions()
            .filter_map(|(_, one)| one.record.host())
            .collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }

    /// All of them.
    pub fn sessions(&self) -> impl Iterator<Item = &(SessionKey, Snapshot)> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandom;
    use crate::session::Token;

    fn key() -> SessionKey {
        Token::generate(&SystemRandom).key()
    }

    #[test]
    fn it_is_written_as_text_and_read_back() {
        for host in [None, Some("app.example.com")] {
            let family = Family {
                id: key(),
                host: host.map(Into::into),
                parent: host.map(|_| key()),
            };
            let text = serde_json::to_string(&family).unwrap();
            assert!(text.contains(&family.id.to_string()), "{text}");
            assert_eq!(serde_json::from_str::<Family>(&text).unwrap(), family);
        }
        assert!(serde_json::from_str::<Family>("{\"id\":\"00\"}").is_err());
    }
}
