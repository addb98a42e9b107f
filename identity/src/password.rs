//! Passwords: what may become one, and how one is proven.
//!
//! Owns [`Password`], the rules for a new one, and the threads that hash. Must not know accounts, sessions or tries.

mod argon;
mod foreign;
mod policy;
mod stored;
#[cfg(test)]
mod tests;
mod threads;

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub(crate) use policy::{Person, judge};
pub use stored::PasswordHash;
#[cfg(test)]
use stored::Unusable;
pub use threads::{Hashed, Passwords, Rehash, Verified};

/// Longest password in bytes, as typed.
const MOST_BYTES: usize = 1024;

/// A password as it is hashed: exactly as typed, in NFC (RFC 8265 §4.2 asks for the same, so that two keyboards type
/// one password). Wiped from memory when dropped.
#[derive(Clone)]
pub(crate) struct Password {
    composed: Zeroizing<String>,
    /// As typed, where that is something else: other programs hashed it so.
    typed: Option<Zeroizing<String>>,
}

/// Over 1024 bytes: refused before it costs anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Password {
    /// Reads what was typed.
    pub(crate) fn typed(text: &str) -> Result<Self, TooLong> {
        if text.len() > MOST_BYTES {
            return Err(TooLong);
        }
        let composed: Zeroizing<String> = Zeroizing::new(text.nfc().collect());
        let typed = (composed.as_str() != text).then(|| Zeroizing::new(text.to_owned()));
        Ok(Self { composed, typed })
    }

    fn as_bytes(&self) -> &[u8] {
        self.composed.as_bytes()
    }

    fn as_typed(&self) -> &[u8] {
        self.typed.as_ref().unwrap_or(&self.composed).as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([hidden])")
    }
}
