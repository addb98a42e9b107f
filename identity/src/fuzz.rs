//! What must hold for any text at all, of e-mail addresses and of tokens; for the fuzzer, and for its findings ever
//! after.

use std::sync::OnceLock;

use jiff::Timestamp;

use crate::EmailAddress;
use crate::access_token;
use crate::keys::Keys;

/// An address that is accepted is one: it can be put into a header of a mail, and read again it is the same.
///
/// # Panics
/// It does not hold.
pub fn email(data: &[u8]) {
    let Ok(typed) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(address) = EmailAddress::parse(typed) else {
        return;
    };
    for text in [address.as_str(), address.canonical()] {
        assert_eq!(text.matches('@').count(), 1, "{text:?}");
        assert!(text.len() <= 254, "{text:?}");
        assert!(
            !text.contains(|c: char| c.is_control()
                || c.is_whitespace()
                || "<>(),;:\"\\[]".contains(c)),
            "{text:?}"
        );
        let again = EmailAddress::parse(text);
        let again = again.as_ref().map(EmailAddress::canonical);
        assert_eq!(again, Ok(address.canonical()), "{text:?}");
    }
}

/// Whatever is brought as a token, nobody but us can have signed it.
///
/// # Panics
/// It does not hold.
pub fn token(data: &[u8]) {
    static KEYS: OnceLock<Option<Keys>> = OnceLock::new();
    let Ok(token) = std::str::from_utf8(data) else {
        return;
    };
    let keys = KEYS.get_or_init(|| Keys::for_fuzzing().ok());
    if let Some(keys) = keys {
        let now = Timestamp::UNIX_EPOCH;
        assert!(access_token::check(keys, "https://app.example.com", token, now).is_err());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(name: &str, property: fn(&[u8])) {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/corpus/");
        let files = std::fs::read_dir(format!("{corpus}{name}")).unwrap();
        let read = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        assert!(read.inspect(|data| property(data)).count() > 0);
    }

    #[test]
    fn the_corpus_of_addresses() {
        replay("email", email);
    }

    #[test]
    fn the_corpus_of_tokens() {
        assert!(Keys::for_fuzzing().is_ok());
        replay("token", token);
    }
}
