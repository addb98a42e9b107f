//! The name of an account that never changes.
//!
//! Owns [`AccountId`] only. Must not know what an account holds.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Random;

/// An account's own id: a version 7 UUID (RFC 9562), so newer accounts sort after older ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(Uuid);

impl AccountId {
    /// A fresh id, from the time and 74 random bits.
    #[must_use]
    pub fn new(now: Timestamp, random: &dyn Random) -> Self {
        let mut bits = [0; 10];
        random.fill(&mut bits);
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &bits).into_uuid())
    }

    /// The UUID itself.
    #[must_use]
    pub fn as_uuid(self) -> Uuid {
        self.0
    }

    /// Its sixteen bytes, as stores keep them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// An id from the sixteen bytes that a store kept.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }
}

impl From<Uuid> for AccountId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for AccountId {
    type Err = uuid::Error;

    /// # Errors
    /// The text is no UUID.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, ManualClock, SystemRandom};

    #[test]
    fn is_version_7_and_round_trips() {
        let id = AccountId::new(ManualClock::default().now(), &SystemRandom);
        assert_eq!(id.as_uuid().get_version_num(), 7);
        assert_eq!(id.to_string().parse::<AccountId>(), Ok(id));
        assert_eq!(AccountId::from_bytes(id.as_bytes()), Some(id));
        assert_eq!(AccountId::from_bytes(b"short"), None);
        assert!("anna".parse::<AccountId>().is_err());
    }
}
