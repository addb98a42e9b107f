//! The thread between the steps of something that takes several, in one browser.
//!
//! Owns the token that the browser holds in a short-lived cookie, and the key that it is stored under. Must not know
//! what the steps are. A token says nothing about an account: nobody's flow looks like anybody's.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::Random;
use crate::session::{SessionKey, Token};

/// How long a browser should keep the token: longer than anything it is for.
pub const LIFE: Duration = Duration::from_mins(75);

/// 256 random bits that one browser holds between two steps. Only its [`FlowKey`] is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct FlowToken(Token);

impl FlowToken {
    pub(crate) fn generate(random: &dyn Random) -> Self {
        Self(Token::generate(random))
    }

    /// Reads the cookie's text; anything but 43 characters of unpadded base64url (RFC 4648 §5) is no token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Token::parse(text).map(Self)
    }

    /// The text for the cookie.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.text()
    }

    /// What another host may be told of it.
    #[must_use]
    pub fn challenge(&self) -> Challenge {
        Challenge(FlowKey::of(b"challenge", self.0.key().as_bytes()))
    }

    pub(crate) fn key(&self) -> FlowKey {
        FlowKey::of(b"flow", self.0.key().as_bytes())
    }
}

impl fmt::Debug for FlowToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowToken([hidden])")
    }
}

/// A hash of a [`FlowToken`]: whoever knows it can tell the browser that holds the token, and cannot be it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge(FlowKey);

impl Challenge {
    /// Reads 43 characters of unpadded base64url (RFC 4648 §5); anything else is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(FlowKey(bytes.try_into().ok()?)))
    }

    /// As it is written in an address.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0.0
    }
}

/// What a flow is stored under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlowKey([u8; 32]);

impl FlowKey {
    /// For what somebody does who is signed in: their session is the thread.
    pub(crate) fn of_session(session: &SessionKey) -> Self {
        Self::of(b"session", session.as_bytes())
    }

    fn of(kind: &[u8], key: &[u8; 32]) -> Self {
        Self(
            Sha256::new()
                .chain_update(kind)
                .chain_update(key)
                .finalize()
                .into(),
        )
    }

    pub(crate) fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandom;

    #[test]
    fn a_token_reads_back_and_hides_itself() {
        let token = FlowToken::generate(&SystemRandom);
        assert_eq!(token.text().len(), 43);
        assert_eq!(FlowToken::parse(&token.text()), Some(token.clone()));
        assert_eq!(FlowToken::parse("short"), None);
        assert_eq!(format!("{token:?}"), "FlowToken([hidden])");
    }

    #[test]
    fn a_challenge_reads_back_and_is_neither_the_token_nor_what_it_is_stored_under() {
        let token = FlowToken::generate(&SystemRandom);
        let challenge = token.challenge();
        assert_eq!(Challenge::parse(&challenge.text()), Some(challenge));
        assert_eq!(
            FlowToken::parse(&token.text()).unwrap().challenge(),
            challenge
        );
        assert_ne!(challenge.text(), token.text());
        assert_ne!(challenge.as_bytes(), token.key().to_vec());
        assert_ne!(FlowToken::generate(&SystemRandom).challenge(), challenge);
        for text in [
            "",
            "short",
            &format!("{}=", challenge.text()),
            &"é".repeat(22),
        ] {
            assert_eq!(Challenge::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_session_is_no_flow() {
        let token = Token::generate(&SystemRandom);
        let session = FlowKey::of_session(&token.key());
        assert_ne!(FlowToken(token).key(), session);
    }
}
