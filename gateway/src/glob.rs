//! One segment of a rule's path: what `*` stands for in it.
//!
//! Owns matching inside a segment. Must not know about slashes, nor about the other segments.

use crate::reading;

/// A segment of a pattern, as [`doorward_config::PathGlob`] defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// This name.
    Name(Box<[u8]>),
    /// A name with `*` in it.
    Wild(Wild),
    /// `**`: nothing more, or anything below. Only ever the last.
    Below,
}

impl Segment {
    /// Reads what stands between two slashes of a checked pattern.
    #[must_use]
    pub fn new(text: &str) -> Self {
        if text == "**" {
            return Self::Below;
        }
        match text.split_once('*') {
            None => Self::Name(reading::decode(text).into()),
            Some((head, rest)) => Self::Wild(Wild::new(head, rest, reading::decode)),
        }
    }
}

/// A name with at least one `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wild {
    head: Box<[u8]>,
    middle: Vec<Box<[u8]>>,
    tail: Box<[u8]>,
}

impl Wild {
    /// What stands before the first `*` and after it, each piece read by `spell`.
    fn new(head: &str, rest: &str, spell: impl Fn(&str) -> Vec<u8>) -> Self {
        let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
        Self {
            head: spell(head).into(),
            middle: middle
                .split('*')
                .filter(|piece| !piece.is_empty())
                .map(|piece| spell(piece).into())
                .collect(),
            tail: spell(tail).into(),
        }
    }

    /// As for a path, but `%` means nothing: for other texts with `*` in them.
    #[must_use]
    pub fn literally(head: &str, rest: &str) -> Self {
        Self::new(head, rest, |piece| piece.as_bytes().to_vec())
    }

    /// Whether a decoded name is like this. Each piece is searched once, from the left: the
    /// left-most place leaves the most for the pieces that follow.
    #[must_use]
    pub fn matches(&self, name: &[u8]) -> bool {
        let inner = name
            .strip_prefix(&*self.head)
            .and_then(|rest| rest.strip_suffix(&*self.tail));
        let Some(mut rest) = inner else { return false };
        for piece in &self.middle {
            let at = rest.windows(piece.len()).position(|part| *part == **piece);
            match at.and_then(|at| rest.get(at + piece.len()..)) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        match Segment::new(pattern) {
            Segment::Name(own) => *own == *name.as_bytes(),
            Segment::Wild(wild) => wild.matches(name.as_bytes()),
            Segment::Below => true,
        }
    }

    #[test]
    fn a_star_is_any_characters_or_none() {
        for (pattern, yes, no) in [
            ("a", &["a"][..], &["", "A", "ab"][..]),
            ("*", &["", "a", "a.b"], &[]),
            (
                "*.css",
                &[".css", "a.css", "a.css.css"],
                &["css", "a.css2", "a.CSS"],
            ),
            ("v*", &["v", "v1"], &["", "av"]),
            ("a*a", &["aa", "aba"], &["a", "ab"]),
            ("a*b*c", &["abc", "axbxc", "abbc"], &["ac", "acb", "bc"]),
            ("*ab*ab*", &["abab", "xabxabx"], &["ab", "aab"]),
            ("a%2Ab", &["a*b"], &["ab", "axb"]),
            ("caf%C3%A9*", &["café", "cafés"], &["cafe"]),
        ] {
            for name in yes {
                assert!(matches(pattern, name), "{pattern} {name}");
            }
            for name in no {
                assert!(!matches(pattern, name), "{pattern} {name}");
            }
        }
        assert_eq!(Segment::new("**"), Segment::Below);
    }

    /// The definition, tried in every way.
    fn naive(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                naive(rest, name) || name.split_first().is_some_and(|(_, n)| naive(pattern, n))
            }
            (Some((p, pattern)), Some((n, name))) => p == n && naive(pattern, name),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn matches_as_defined(pattern in "[ab*]{0,8}", name in "[ab]{0,8}") {
            prop_assume!(!pattern.contains("**"));
            prop_assert_eq!(matches(&pattern, &name), naive(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
