//! The secrets themselves, as drawn and as written.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Random;

/// Digits of a code.
const DIGITS: usize = 8;
/// How many codes there are.
const CODES: u32 = 100_000_000;

/// Eight digits, each of the hundred million as likely as any other.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Code(String);

impl Code {
    pub(crate) fn generate(random: &dyn Random) -> Self {
        // What lies beyond the last whole hundred million would make small codes likelier: drawn again.
        const FAIR: u32 = u32::MAX - u32::MAX % CODES;
        loop {
            let mut bytes = [0; 4];
            random.fill(&mut bytes);
            let drawn = u32::from_be_bytes(bytes);
            if drawn < FAIR {
                return Self(format!("{:08}", drawn % CODES));
            }
        }
    }

    /// Reads what was typed; spaces and hyphens do not count.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        let digits: String = typed
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .take(DIGITS + 1)
            .collect();
        let is_code = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
        is_code.then_some(Self(digits))
    }

    /// The digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code([hidden])")
    }
}

/// What a mailed link carries: 256 random bits.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct LinkToken([u8; 32]);

impl LinkToken {
    pub(crate) fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Reads 43 characters of unpadded base64url (RFC 4648 §5).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken([hidden])")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;

    /// Gives these numbers, one after the other.
    struct Drawn(Mutex<Vec<u32>>);

    impl Random for Drawn {
        fn fill(&self, bytes: &mut [u8]) {
            let next = self.0.lock().unwrap().remove(0);
            bytes.copy_from_slice(&next.to_be_bytes());
        }
    }

    fn drawn(numbers: &[u32]) -> Code {
        Code::generate(&Drawn(Mutex::new(numbers.to_vec())))
    }

    #[test]
    fn codes_have_eight_digits_and_none_is_likelier() {
        assert_eq!(drawn(&[7]).as_str(), "00000007");
        assert_eq!(drawn(&[4_199_999_999]).as_str(), "99999999");
        // Beyond 42 hundred millions the next number counts.
        assert_eq!(drawn(&[4_200_000_000, u32::MAX, 5]).as_str(), "00000005");
    }

    #[test]
    fn what_people_type() {
        for typed in ["12345678", " 1234 5678 ", "1234-5678", "12\u{a0}345678\n"] {
            assert_eq!(
                Code::parse(typed).unwrap().as_str(),
                "12345678",
                "{typed:?}"
            );
        }
        for typed in [
            "",
            "1234567",
            "123456789",
            "1234567x",
            "١٢٣٤٥٦٧٨",
            "+1234567",
        ] {
            assert!(Code::parse(typed).is_none(), "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn a_link_reads_back_what_it_writes(bytes: [u8; 32]) {
            let link = LinkToken(bytes);
            prop_assert_eq!(LinkToken::parse(&link.text()), Some(link));
        }

        #[test]
        fn garbage_never_panics(text in ".{0,80}") {
            let _ = LinkToken::parse(&text);
            let _ = Code::parse(&text);
        }
    }

    #[test]
    fn debug_hides_them() {
        assert_eq!(format!("{:?}", drawn(&[7])), "Code([hidden])");
        assert_eq!(format!("{:?}", LinkToken([7; 32])), "LinkToken([hidden])");
    }
}
