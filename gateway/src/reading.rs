//! What programs may make of a canonical path: the names in it, and the other ways to read it.
//!
//! Owns decoding for matching. What is forwarded is never touched here; and it must not know
//! which rules there are.
//!
//! `/a%3Ab` and `/a:b` are one resource to every upstream, so rules compare decoded bytes. A
//! few spellings are read in two ways (is `%2F` a slash? does `;` end a name?): for those
//! [`others`] gives every further reading, and whoever decides has to come to one answer.

use std::borrow::Cow;

use crate::target::hex_pair;

/// What an encoded slash decodes to: no accepted path or pattern has this byte.
const SLASH_IN_A_NAME: u8 = 0;

/// The path as it stands: every escape decoded, an encoded slash part of its name.
#[must_use]
pub fn plain(path: &str) -> Cow<'_, [u8]> {
    if path.contains('%') {
        Cow::Owned(decode(path))
    } else {
        Cow::Borrowed(path.as_bytes())
    }
}

/// Every other way to read the path; none for nearly all paths. Programs read the doubtful spellings in different
/// orders: one drops parameters and then decodes `%2F`, another the other way round, and both are readings.
pub fn others(path: &str) -> impl Iterator<Item = Vec<u8>> {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(path.to_owned());
    let mut read = 0;
    while let Some(text) = next {
        for quirk in Quirk::ALL.iter().filter(|quirk| quirk.is_in(&text)) {
            let other = quirk.read(&text);
            if other != path && !texts.contains(&other) {
                texts.push(other);
            }
        }
        next = texts.get(read).cloned();
        read += 1;
    }
    texts.into_iter().map(|text| decode(&text))
}

/// Decodes all escapes of a canonical path or pattern.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        let escaped = (*byte == b'%').then(|| tail.split_at_checked(2)).flatten();
        match escaped.and_then(|(digits, after)| Some((hex_pair(digits)?, after))) {
            Some((decoded, after)) => {
                bytes.push(if decoded == b'/' {
                    SLASH_IN_A_NAME
                } else {
                    decoded
                });
                rest = after;
            }
            None => bytes.push(*byte),
        }
    }
    bytes
}

/// A spelling that programs disagree about.
#[derive(Clone, Copy)]
enum Quirk {
    /// `%3F` and `%23` end the path of whoever decodes before looking for the query.
    Cut,
    /// `%2F` is a slash to whoever decodes before splitting; `%252F` if they do so twice.
    Slash,
    /// `;` ends a name, and what follows is a parameter that is dropped.
    Parameter,
    /// An empty segment is dropped.
    Empty,
}

impl Quirk {
    const ALL: [Self; 4] = [Self::Cut, Self::Slash, Self::Parameter, Self::Empty];
    const CUTS: [&'static str; 2] = ["%3F", "%23"];
    const SLASHES: [&'static str; 3] = ["%2F", "%252F", "%252f"];
    const PARAMETERS: [&'static str; 2] = [";", "%3B"];

    fn is_in(self, path: &str) -> bool {
        let any = |marks: &[&str]| marks.iter().any(|mark| path.contains(mark));
        match self {
            Self::Cut => any(&Self::CUTS),
            Self::Slash => any(&Self::SLASHES),
            Self::Parameter => any(&Self::PARAMETERS),
            Self::Empty => path.contains("//"),
        }
    }

    fn read(self, path: &str) -> String {
        match self {
            Self::Cut => before(path, Self::CUTS).to_owned(),
            Self::Slash => Self::SLASHES
                .iter()
                .fold(path.to_owned(), |text, mark| text.replace(mark, "/")),
            Self::Parameter => {
                let names = path.split('/').map(|name| before(name, Self::PARAMETERS));
                names.collect::<Vec<_>>().join("/")
            }
            Self::Empty => {
                let mut text = String::with_capacity(path.len());
                for c in path.chars() {
                    if c != '/' || !text.ends_with('/') {
                        text.push(c);
                    }
                }
                text
            }
        }
    }
}

/// What stands before the first of two marks.
fn before<'a>(text: &'a str, marks: [&str; 2]) -> &'a str {
    marks.iter().fold(text, |text, mark| {
        text.split_once(mark).map_or(text, |(head, _)| head)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn all(path: &str) -> BTreeSet<String> {
        others(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', "⁄"))
            .collect()
    }

    #[test]
    fn nearly_every_path_has_one_reading() {
        for path in ["/", "/a/b.c", "/a%20b", "/caf%C3%A9", "/a%3Ab", "/100%25"] {
            assert_eq!(all(path), BTreeSet::new(), "{path}");
        }
        assert!(matches!(plain("/a/b"), Cow::Borrowed(b"/a/b")));
        assert_eq!(*plain("/wiki/Special%3AAdmin"), *b"/wiki/Special:Admin");
        assert_eq!(*plain("/a%2Fb"), *b"/a\0b");
    }

    #[test]
    fn the_doubtful_ones_have_more() {
        for (path, readings) in [
            ("/a%2Fb", &["/a/b"][..]),
            ("/a%252Fb", &["/a/b"]),
            ("/a%252fb", &["/a/b"]),
            ("//a", &["/a"]),
            ("/a%2F", &["/a/"]),
            ("/a;x/b", &["/a/b"]),
            ("/a%3Bx/b", &["/a/b"]),
            ("/a%3Fb", &["/a"]),
            ("/a%23b/c", &["/a"]),
            ("/a;x%2Fb", &["/a", "/a/b", "/a;x/b"]),
            ("/a%2Fb;x%2Fc", &["/a/b;x/c", "/a⁄b", "/a/b/c", "/a/b"]),
            ("/a;x%3Fy/b%3Fc", &["/a;x", "/a/b?c", "/a", "/a/b"]),
            ("/a/%2Fb", &["/a//b", "/a/b"]),
            ("/;x/b", &["//b", "/b"]),
        ] {
            let expected: BTreeSet<_> = readings.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(all(path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn in_whatever_order_they_are_read(
            path in "(/|a|;|%3B|%2F|%252f|%3F|%23){0,12}",
            orders in proptest::collection::vec(0..Quirk::ALL.len(), 0..6),
        ) {
            let path = format!("/{path}");
            let mut text = path.clone();
            for quirk in orders {
                text = Quirk::ALL[quirk].read(&text);
            }
            let found: Vec<_> = others(&path).collect();
            prop_assert!(text == path || found.contains(&decode(&text)), "{text} of {path}");
            prop_assert!(found.len() < 64, "{} readings of {path}", found.len());
        }
    }
}
