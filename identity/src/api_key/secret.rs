//! What a program shows, and the name of the session behind it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::Random;
use crate::session::SessionKey;

/// 256 random bits that prove an API key. Given out once; only a hash is kept.
#[derive(Clone)]
pub struct KeySecret(Zeroizing<[u8; 32]>);

impl KeySecret {
    /// What every key begins with, so that whoever searches files for secrets finds it.
    pub const PREFIX: &'static str = "dwk_";

    pub(crate) fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Reads a key as [`KeySecret::text`] writes it; anything else is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(Self::PREFIX)?;
        if text.len() != 43 {
            return None;
        }
        let mut bytes = Zeroizing::new([0; 32]);
        match URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut_slice()) {
            Ok(32) => Some(Self(bytes)),
            Ok(_) | Err(_) => None,
        }
    }

    /// For the program: `dwk_` and 43 characters of unpadded base64url (RFC 4648 §5), in all a `b64token` (RFC 6750
    /// §2.1). The one place where the secret leaves this type.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(*self.0))
    }

    /// The name of the session that stands for it.
    #[must_use]
    pub fn key(&self) -> SessionKey {
        SessionKey::of_api_key(&self.0)
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret([hidden])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SystemRandom;
    use crate::session::Token;

    proptest! {
        #[test]
        fn a_secret_reads_back_and_has_one_spelling(text in "dwk_[A-Za-z0-9_-]{43}") {
            if let Some(secret) = KeySecret::parse(&text) {
                prop_assert_eq!(secret.text(), text);
            }
        }

        #[test]
        fn garbage_is_none(text in ".{0,60}") {
            prop_assert!(KeySecret::parse(&text).is_none());
        }
    }

    #[test]
    fn it_is_no_cookie_and_no_cookie_is_one() {
        let secret = KeySecret::generate(&SystemRandom);
        let text = secret.text();
        assert_eq!(KeySecret::parse(&text).unwrap().key(), secret.key());
        let bare = text.strip_prefix("dwk_").unwrap();
        // The same bits as a cookie name another session.
        assert_ne!(Token::parse(bare).unwrap().key(), secret.key());
        assert!(Token::parse(&text).is_none());
        for other in [bare.to_owned(), format!("DWK_{bare}"), format!("{text}x")] {
            assert!(KeySecret::parse(&other).is_none(), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "KeySecret([hidden])");
    }
}
