//! The path patterns of rules: their spelling, not their matching.

use std::fmt;

use thiserror::Error;

/// A checked path pattern.
///
/// What it means, segment by segment (a segment is what stands between two `/`):
///
/// - `*` stands for any characters, none included, inside one segment; it never
///   crosses a `/`.
/// - `**` is a whole segment and always the last: `/x/**` matches `/x`, `/x/` and
///   everything below; `/**` matches every path.
/// - Anything else is itself; case counts; the query is not looked at.
///
/// The text is in the spelling of canonical request paths: percent-encoded
/// unreserved characters decoded, hex digits in upper case, everything outside
/// ASCII encoded. So it can be compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathGlob(String);

/// Why a text is no path pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GlobFault {
    /// Not beginning with `/`.
    #[error("a path pattern starts with `/`")]
    NotAbsolute,
    /// `**` somewhere else than as the last segment.
    #[error("`**` must be the whole last segment, as in `/x/**`")]
    DoubleStar,
    /// `//`, `.` or `..`: no accepted request path has them.
    #[error("no request path has an empty, `.` or `..` segment, so this can never match")]
    Segment,
    /// A query, a fragment, a backslash or a control character.
    #[error("`?`, `#`, `\\` and control characters are never part of a path")]
    Character,
    /// `[`, `]`, `{` or `}`, which mean something in other pattern languages.
    #[error("only `*` and `**` are special here: `[`, `]`, `{{` and `}}` are not")]
    Dialect,
    /// `%` without two hex digits, or of a character that no path may hide.
    #[error("`%` must be followed by two hex digits, and not hide `/`, `.`, `\\` or NUL")]
    Percent,
}

impl PathGlob {
    /// The pattern, in canonical spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks a pattern and brings it to canonical spelling.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, GlobFault> {
        let rest = text.strip_prefix('/').ok_or(GlobFault::NotAbsolute)?;
        if text.contains(['?', '#', '\\']) || text.chars().any(char::is_control) {
            return Err(GlobFault::Character);
        }
        if text.contains(['[', ']', '{', '}']) {
            return Err(GlobFault::Dialect);
        }
        let mut canonical = String::with_capacity(text.len());
        let mut segments = rest.split('/').peekable();
        while let Some(segment) = segments.next() {
            let last = segments.peek().is_none();
            if segment.contains("**") && (segment != "**" || !last) {
                return Err(GlobFault::DoubleStar);
            }
            canonical.push('/');
            let start = canonical.len();
            respell(segment, &mut canonical)?;
            match canonical.get(start..) {
                Some("." | "..") => return Err(GlobFault::Segment),
                Some("") if !last => return Err(GlobFault::Segment),
                _ => {}
            }
        }
        Ok(Self(canonical))
    }
}

impl fmt::Display for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Appends a segment in canonical spelling.
fn respell(segment: &str, to: &mut String) -> Result<(), GlobFault> {
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'^' | b'`' | b'|') {
                to.push(char::from(byte));
            } else {
                encode(byte, to);
            }
            continue;
        }
        let high = bytes.next().and_then(hex).ok_or(GlobFault::Percent)?;
        let low = bytes.next().and_then(hex).ok_or(GlobFault::Percent)?;
        let decoded = high * 16 + low;
        match decoded {
            b'.' | b'\\' | 0 => return Err(GlobFault::Percent),
            // RFC 3986, section 2.3: the unreserved characters.
            b'-' | b'_' | b'~' => to.push(char::from(decoded)),
            _ if decoded.is_ascii_alphanumeric() => to.push(char::from(decoded)),
            _ => encode(decoded, to),
        }
    }
    Ok(())
}

fn encode(byte: u8, to: &mut String) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    to.push('%');
    for nibble in [byte >> 4, byte & 15] {
        to.extend(DIGITS.get(usize::from(nibble)));
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{GlobFault, PathGlob};

    #[test]
    fn accepted_and_spelled_canonically() {
        for (written, canonical) in [
            ("/", "/"),
            ("/**", "/**"),
            ("/x/**", "/x/**"),
            ("/x/", "/x/"),
            ("/*.css", "/*.css"),
            ("/a/*/b", "/a/*/b"),
            ("/%61dmin/**", "/admin/**"),
            ("/caf\u{e9}", "/caf%C3%A9"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/two words", "/two%20words"),
            ("/a%2fb", "/a%2Fb"),
            ("/.well-known/x", "/.well-known/x"),
        ] {
            let glob = PathGlob::parse(written).unwrap();
            assert_eq!(glob.as_str(), canonical, "{written}");
        }
    }

    #[test]
    fn refused_with_its_reason() {
        for (written, fault) in [
            ("", GlobFault::NotAbsolute),
            ("admin/**", GlobFault::NotAbsolute),
            ("/a/**/b", GlobFault::DoubleStar),
            ("/a**", GlobFault::DoubleStar),
            ("/***", GlobFault::DoubleStar),
            ("//", GlobFault::Segment),
            ("/a//b", GlobFault::Segment),
            ("/a/../b", GlobFault::Segment),
            ("/.", GlobFault::Segment),
            ("/a?b", GlobFault::Character),
            ("/a#b", GlobFault::Character),
            ("/a\\b", GlobFault::Character),
            ("/a\nb", GlobFault::Character),
            ("/{a,b}", GlobFault::Dialect),
            ("/[ab]", GlobFault::Dialect),
            ("/%", GlobFault::Percent),
            ("/%4", GlobFault::Percent),
            ("/%zz", GlobFault::Percent),
            ("/%2e%2e", GlobFault::Percent),
            ("/%00", GlobFault::Percent),
        ] {
            assert_eq!(PathGlob::parse(written), Err(fault), "{written}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_settled_after_once(text in "/[ -~é/%*.]{0,40}|.*") {
            if let Ok(glob) = PathGlob::parse(&text) {
                prop_assert_eq!(PathGlob::parse(glob.as_str()), Ok(glob));
            }
        }
    }
}
