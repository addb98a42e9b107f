//! A password hash as it is kept: ours, or one that came from another program and stays until its owner signs in.

use std::fmt;

use argon2::Params;

use super::argon::Known;
use super::foreign::Foreign;

/// Longest text that can be a hash, in bytes.
const LENGTH: usize = 512;

/// A hashed password as text, parameters and salt included.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A string that was stored before.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// The string to store.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash([hidden])")
    }
}

/// Why no password can be compared with a text. It never says any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// No kind that is known here.
    #[error("this is no argon2, bcrypt, scrypt, PBKDF2 or SHA-crypt hash")]
    Unknown,
    /// A kind that is known, and not accepted: what it is.
    #[error("{0}: too weak to be kept")]
    Weak(&'static str),
    /// Looks like the kind, and is not one.
    #[error("this looks like {0}, but cannot be read")]
    Damaged(&'static str),
    /// Whoever tries a password would keep a processor busy for too long: what the most is.
    #[error("comparing with it would cost too much: {0} at most")]
    Costly(&'static str),
}

/// A hash, taken apart.
pub(super) enum Stored {
    Argon(Known),
    Foreign(Foreign),
}

impl Stored {
    /// Reads any hash that may be in the database.
    ///
    /// # Errors
    /// [`Unusable`] when nothing can be compared with it.
    pub(super) fn read(text: &str) -> Result<Self, Unusable> {
        if text.len() > LENGTH {
            return Err(Unusable::Unknown);
        }
        if text.starts_with("$argon2") {
            Known::read(text).map(Self::Argon)
        } else {
            Foreign::read(text).map(Self::Foreign)
        }
    }

    /// Takes the hash of another program, if a password can be compared with it at a bearable cost. What costs no
    /// more than `ours` is bearable.
    ///
    /// # Errors
    /// [`Unusable`], which says why not.
    pub(super) fn take(text: &str, ours: &Params) -> Result<PasswordHash, Unusable> {
        if let Self::Argon(known) = Self::read(text)?
            && !known.is_bearable(ours)
        {
            return Err(Unusable::Costly("1 GiB, filled twice,"));
        }
        Ok(PasswordHash(text.to_owned()))
    }
}
