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
    /// How long its text is, in bytes.
    pub const LENGTH: usize = uuid::fmt::Hyphenated::LENGTH;

    /// Its text, without any allocation.
    #[must_use]
    pub fn text<'a>(&self, buffer: &'a mut [u8; Self::LENGTH]) -> &'a str {
        self.0.hyphenated().encode_lower(buffer)
    }

    /// A fresh id, from the time and 74 random bits.
    #[must_use]
    pub fn new(now: Timestamp, random: &dyn Random) -> Self {
        let mut bits = [0; 10];
        random.fill(&mut bits);
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &bits).into_uuid())
    }

    /// A fresh id of the account with this number among those made at once: they sort in the order of their numbers
    /// (RFC 9562 §6.2, method 1, with a counter of 26 bits; beyond them only the order is lost).
    pub(crate) fn numbered(now: Timestamp, number: u32, random: &dyn Random) -> Self {
        let Self(id) = Self::new(now, random);
        let mut bytes = id.into_bytes();
        // Twelve bits, then fourteen, around the two that say which kind of UUID it is.
        let [_, _, high, low] = (number >> 14 & 0x0fff).to_be_bytes();
        let [_, _, next, last] = (number & 0x3fff).to_be_bytes();
        let counter = [high, low, next, last];
        let fixed = [0xf0, 0x00, 0xc0, 0x00];
        for ((byte, counted), fixed) in bytes.iter_mut().skip(6).zip(counter).zip(fixed) {
            *byte = (*byte & fixed) | counted;
        }
        Self(Uuid::from_bytes(bytes))
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

    #[test]
    fn those_made_at_once_sort_by_their_numbers() {
        let now = ManualClock::default().now();
        let numbers = [
            0, 1, 2, 255, 256, 16_383, 16_384, 16_385, 4_194_304, 67_108_863,
        ];
        let ids: Vec<_> = numbers
            .map(|number| AccountId::numbered(now, number, &SystemRandom))
            .into();
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.as_uuid().get_version_num() == 7));
        assert!(
            ids.iter()
                .all(|id| id.as_uuid().get_variant() == uuid::Variant::RFC4122)
        );
        assert_ne!(
            AccountId::numbered(now, 7, &SystemRandom),
            AccountId::numbered(now, 7, &SystemRandom)
        );
    }
}
