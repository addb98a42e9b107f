//! The keys that tokens are signed with: ES256 (RFC 7518 §3.4), shared by all gateways through the database.
//!
//! Owns their making, their turns and what is published of them. There is always one that signs, and one that will:
//! it is published a whole turn before, so whoever checks tokens knows it in time. Those that signed before stay
//! published until nothing that they signed can be of use any more. Must not know what is signed.

mod ring;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::json;

use crate::Fault;

pub(crate) use rows::open;
pub use rows::{Rotated, catch_up, list, rotate};

/// How long one key signs.
pub const TURN: Duration = Duration::from_hours(30 * 24);
/// How long a key that signed before is still good for checking: longer than any token lives.
pub const KEPT: Duration = Duration::from_hours(48);

/// How often a gateway has to [`catch_up`].
pub const CATCH_UP: Duration = Duration::from_secs(5);
/// How long a key was published at least before it signs: every gateway knows it by then.
pub const PUBLISHED_BEFORE: Duration = Duration::from_secs(15);

/// The keys as they are now. Cheap to ask; [`catch_up`] brings it up to date.
pub struct KeyRing(ArcSwap<Keys>);

/// The keys at one moment.
pub struct Keys {
    signer: Signer,
    known: Vec<Known>,
    published: String,
}

/// What signs.
struct Signer {
    kid: String,
    key: EncodingKey,
}

/// What checks.
struct Known {
    kid: String,
    key: DecodingKey,
}

/// A key, for people who look after keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name in tokens (`kid`).
    pub kid: String,
    /// What it is for.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It will sign, and is published already.
    Next,
    /// It signs.
    Current,
    /// It signed; what it signed is still good.
    Previous,
}

impl State {
    /// The word in the table and in lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Previous => "previous",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Next, Self::Current, Self::Previous]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// A key with everything that belongs to it.
struct Key {
    kid: String,
    state: State,
    since: Timestamp,
    private: EncodingKey,
    point: Vec<u8>,
}

impl KeyRing {
    fn new(keys: Keys) -> Self {
        ring::install();
        Self(ArcSwap::from_pointee(keys))
    }

    /// The keys as they are now.
    #[must_use]
    pub fn now(&self) -> Arc<Keys> {
        self.0.load_full()
    }

    fn replace(&self, keys: Keys) {
        self.0.store(Arc::new(keys));
    }
}

impl Keys {
    fn of(keys: &[Key]) -> Result<Self, Fault> {
        let current = keys.iter().find(|key| key.state == State::Current);
        let current = current.ok_or_else(|| Fault::broken("no key signs"))?;
        let known = keys.iter().map(|key| Known {
            kid: key.kid.clone(),
            key: DecodingKey::from_ec_der(&key.point),
        });
        Ok(Self {
            signer: Signer {
                kid: current.kid.clone(),
                key: current.private.clone(),
            },
            known: known.collect(),
            published: published(keys)?,
        })
    }

    /// One fresh key with a name that everybody knows.
    ///
    /// # Errors
    /// [`Fault::Broken`] when it cannot be made.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn for_fuzzing() -> Result<Self, Fault> {
        ring::install();
        let (pkcs8, point) = ring::generate()?;
        Self::of(&[Key {
            kid: "fuzz".to_owned(),
            state: State::Current,
            since: Timestamp::UNIX_EPOCH,
            private: EncodingKey::from_ec_der(&pkcs8),
            point,
        }])
    }

    /// A JWK Set (RFC 7517 §5) of the public halves.
    #[must_use]
    pub fn published(&self) -> &str {
        &self.published
    }

    /// The name of the key that signs.
    #[must_use]
    pub fn signs_by(&self) -> &str {
        &self.signer.kid
    }

    pub(crate) fn signer(&self) -> (&str, &EncodingKey) {
        (&self.signer.kid, &self.signer.key)
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&DecodingKey> {
        let known = self.known.iter().find(|known| known.kid == kid);
        known.map(|known| &known.key)
    }
}

fn published(keys: &[Key]) -> Result<String, Fault> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let mut set = Vec::with_capacity(keys.len());
    for key in keys {
        // An uncompressed point is a 4, then both coordinates.
        let (x, y) = match key.point.split_first() {
            Some((4, xy)) if xy.len() == 64 => xy.split_at(32),
            _ => return Err(Fault::broken("a signing key has no public point")),
        };
        set.push(json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
            "kid": key.kid, "x": encode(x), "y": encode(y),
        }));
    }
    Ok(json!({ "keys": set }).to_string())
}
