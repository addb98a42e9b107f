//! The names of things in Redis.

use crate::AccountId;
use crate::session::SessionKey;

/// What every session's key starts with, and what gateways are told of.
pub(super) const SESSIONS: &str = "doorward:session:";
/// Where last uses are, outside of what is tracked.
pub(super) const SEEN: &str = "doorward:seen:";
const ACCOUNTS: &str = "doorward:account:";
const ENDING: &str = "doorward:ending:";

/// How names are spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// As they are: `doorward:session:KEY`.
    Plain,
    /// With braces around what decides the slot in Redis Cluster: `doorward:session:{KEY}`. What a script needs
    /// together lies together.
    Tagged,
}

impl Keys {
    /// A session's record.
    pub(super) fn session(self, key: &SessionKey) -> String {
        self.name(SESSIONS, &key.to_string())
    }

    /// A session's last use.
    pub(super) fn seen(self, key: &SessionKey) -> String {
        self.name(SEEN, &key.to_string())
    }

    /// The keys of an account's sessions.
    pub(super) fn account(self, id: AccountId) -> String {
        self.name(ACCOUNTS, &id.to_string())
    }

    /// Those of them that are being ended; only where it takes more than one step.
    pub(super) fn ending(self, id: AccountId) -> String {
        self.name(ENDING, &id.to_string())
    }

    fn name(self, prefix: &str, tag: &str) -> String {
        match self {
            Self::Plain => format!("{prefix}{tag}"),
            Self::Tagged => format!("{prefix}{{{tag}}}"),
        }
    }
}

/// The session whose record has this name, however it is spelt.
pub(super) fn session_of(name: &[u8]) -> Option<SessionKey> {
    let key = std::str::from_utf8(name).ok()?.strip_prefix(SESSIONS)?;
    let tag = key.strip_prefix('{').and_then(|key| key.strip_suffix('}'));
    SessionKey::from_hex(tag.unwrap_or(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_in_either_spelling() {
        let key = SessionKey::from_bytes(&[9; 32]).unwrap();
        for keys in [Keys::Plain, Keys::Tagged] {
            assert_eq!(session_of(keys.session(&key).as_bytes()), Some(key));
            assert_eq!(session_of(keys.seen(&key).as_bytes()), None);
        }
        assert_eq!(session_of(b"doorward:session:{"), None);
        assert_eq!(session_of(format!("{SESSIONS}{{{key}").as_bytes()), None);
        assert_eq!(session_of(b"\xff"), None);
    }
}
