//! What makes a session one of an API key: a record that has a [`Grant`] is nobody's browser.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Scope;
use crate::Random;

/// The public name of an API key: twelve hexadecimal digits. It proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    pub(crate) fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        Self(format!("{:012x}", u64::from_be_bytes(bytes) >> 16))
    }

    /// Reads what [`fmt::Display`] writes; the case of the digits does not count.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an API key gives to the session that stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Which key.
    pub key: KeyId,
    /// Where it is good.
    pub scope: Scope,
    /// While this stands here, the session is none yet: the key has still to be looked at once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unconfirmed: Option<Mark>,
}

/// Tells one making of a key's session from every other: 128 random bits. It is found in the stored record as text, so
/// nothing that a person writes may look like it by chance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(String);

impl Mark {
    pub(crate) fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
