//! The secret a browser holds, and the key it is stored under.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::Random;

/// 256 random bits that prove a session. Given out once, as a cookie; only its [`SessionKey`] is ever stored.
///
/// OWASP asks for 64 bits of entropy at least (Session Management Cheat Sheet); 256 leaves nothing to guess.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// Length of [`Token::text`] in characters.
    pub const TEXT_LENGTH: usize = 43;

    /// A new token from the random source.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Reads the cookie's text: 43 characters of unpadded base64url (RFC 4648 §5), anything else is no token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::TEXT_LENGTH {
            return None;
        }
        let mut bytes = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(32) => Some(Self(bytes)),
            Ok(_) | Err(_) => None,
        }
    }

    /// The text for the cookie. The one place where the secret leaves this type.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The key this token's session is stored under.
    #[must_use]
    pub fn key(&self) -> SessionKey {
        SessionKey(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([hidden])")
    }
}

/// SHA-256 of a token: the name of a session in every store and every memory. Useless as a cookie.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey([u8; 32]);

impl SessionKey {
    /// The key of the session that an API key stands for. A token is hashed bare, a secret behind these words: so none
    /// of either can be shown in the other's place.
    pub(crate) fn of_api_key(secret: &[u8; 32]) -> Self {
        let hash = Sha256::new_with_prefix(b"doorward/1/api-key");
        Self(hash.chain_update(secret).finalize().into())
    }

    /// A key from its 32 raw bytes, as a store keeps them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// A key from its 64 hexadecimal digits, as [`fmt::Display`] writes them.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        // `from_str_radix` takes a sign; writing it back shows whether there was one.
        let key = Self(bytes);
        (key.to_string() == text.to_ascii_lowercase()).then_some(key)
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hexadecimal digits: enough to tell sessions apart in a log, useless for anything else.
    #[must_use]
    pub fn short(&self) -> ShortKey {
        let [a, b, c, d, ..] = self.0;
        ShortKey([a, b, c, d])
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for SessionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| de::Error::custom("a session's key has 64 digits"))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({}…)", self.short())
    }
}

/// What [`SessionKey::short`] gives; formats as eight hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortKey([u8; 4]);

impl ShortKey {
    /// How long its text is, in bytes.
    pub const LENGTH: usize = 8;

    /// Its text, without any allocation.
    #[must_use]
    pub fn text(self, buffer: &mut [u8; Self::LENGTH]) -> &str {
        let nibbles = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        for (digit, nibble) in buffer.iter_mut().zip(nibbles) {
            *digit = match nibble {
                0..10 => b'0' + nibble,
                _ => b'a' + (nibble - 10),
            };
        }
        std::str::from_utf8(buffer).unwrap_or_default()
    }
}

impl fmt::Display for ShortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut [0; Self::LENGTH]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_reads_back_what_it_writes(bytes: [u8; 32]) {
            let token = Token(bytes);
            prop_assert_eq!(Token::parse(&token.text()), Some(token));
        }

        #[test]
        fn a_key_reads_back_what_it_writes(bytes: [u8; 32]) {
            let key = SessionKey(bytes);
            prop_assert_eq!(SessionKey::from_hex(&key.to_string()), Some(key));
            prop_assert_eq!(SessionKey::from_bytes(key.as_bytes()), Some(key));
        }

        #[test]
        fn garbage_never_panics(text in ".{0,80}") {
            let _ = Token::parse(&text);
            let _ = SessionKey::from_hex(&text);
        }

        #[test]
        fn only_one_spelling_is_a_token(text in "[A-Za-z0-9_-]{43}") {
            if let Some(token) = Token::parse(&text) {
                prop_assert_eq!(token.text(), text);
            }
        }
    }

    #[test]
    fn a_signed_digit_is_no_key() {
        assert_eq!(SessionKey::from_hex(&"+1".repeat(32)), None);
        assert!(SessionKey::from_hex(&"01".repeat(32)).is_some());
    }

    #[test]
    fn debug_hides_the_secret() {
        let token = Token([7; 32]);
        assert_eq!(format!("{token:?}"), "Token([hidden])");
        assert!(!format!("{:?}", token.key()).contains(&token.text()));
    }
}
