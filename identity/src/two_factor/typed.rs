//! What somebody typed where a code was expected.
//!
//! Owns the two forms that a code can have, and how they are told apart: by length. Must not know which is right.

use unicode_normalization::UnicodeNormalization;

use super::app::CODE_LENGTH;
use super::recovery::{self, LENGTH};

/// Longer texts are no code, however they are spaced; in bytes.
const LONGEST: usize = 64;

/// A code, by its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Typed {
    /// Six digits: from the app.
    App(String),
    /// Twelve letters and digits: a recovery code.
    Recovery(String),
    /// Neither.
    Nonsense,
}

impl Typed {
    /// Spaces, dashes and case do not count, nor does the width of digits; `o` is read as `0`, `i` and `l` as `1`.
    pub(crate) fn parse(text: &str) -> Self {
        if text.len() > LONGEST {
            return Self::Nonsense;
        }
        let plain: String = text.nfkc().filter(|c| !is_between(*c)).collect();
        if plain.len() == CODE_LENGTH && plain.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::App(plain);
        }
        let folded: String = plain.chars().map(recovery::fold).collect();
        if folded.len() == LENGTH && folded.bytes().all(recovery::is_in_alphabet) {
            return Self::Recovery(folded);
        }
        Self::Nonsense
    }
}

/// What people and programs put between the parts of a code.
fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms() {
        let app = |code: &str| Typed::App(code.to_owned());
        let recovery = |code: &str| Typed::Recovery(code.to_owned());
        for (text, expected) in [
            ("123456", app("123456")),
            (" 123 456 ", app("123456")),
            ("123-456", app("123456")),
            ("１２３４５６", app("123456")),
            ("123\u{a0}456\n", app("123456")),
            ("abcd-efgh-jkmn", recovery("abcdefghjkmn")),
            ("ABCD EFGH JKMN", recovery("abcdefghjkmn")),
            ("abcdefghjkmn", recovery("abcdefghjkmn")),
            ("abcd–efgh–jkmn", recovery("abcdefghjkmn")),
            ("oOiI-lL00-1111", recovery("001111001111")),
            ("123456789012", recovery("123456789012")),
            ("", Typed::Nonsense),
            ("   ", Typed::Nonsense),
            ("-", Typed::Nonsense),
            ("12345", Typed::Nonsense),
            ("1234567", Typed::Nonsense),
            ("12345a", Typed::Nonsense),
            ("+12345", Typed::Nonsense),
            ("١٢٣٤٥٦", Typed::Nonsense),
            ("abcd-efgh-jkmu", Typed::Nonsense),
            ("abcd-efgh-jkm", Typed::Nonsense),
            ("abcd-efgh-jkmnp", Typed::Nonsense),
            ("äbcd-efgh-jkm", Typed::Nonsense),
        ] {
            assert_eq!(Typed::parse(text), expected, "{text:?}");
        }
        assert_eq!(
            Typed::parse(&format!("{}123456", " ".repeat(100))),
            Typed::Nonsense
        );
    }

    proptest! {
        #[test]
        fn anything_may_be_typed(text in ".{0,80}") {
            match Typed::parse(&text) {
                Typed::App(code) => prop_assert_eq!(code.len(), CODE_LENGTH),
                Typed::Recovery(code) => prop_assert_eq!(code.len(), LENGTH),
                Typed::Nonsense => {}
            }
        }
    }
}
