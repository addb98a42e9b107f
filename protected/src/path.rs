//! From the path of a request to a path below the folder.
//!
//! The gateway sends canonical paths; this module is safe without it. Must not touch the disk.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// `/a/b`: a file, or a folder whose slash was forgotten.
    Named(PathBuf),
    /// `/a/b/`: the folder's front page. Empty for `/`.
    Folder(PathBuf),
}

/// Reads the path of a request target: absolute, percent-encoded, without its query.
///
/// `None` for whatever cannot name a file here: an empty, `.` or `..` segment, an encoded `/`, a `\`, a NUL,
/// a broken percent-encoding, and names that begin with a dot, of which `/.well-known/` alone is public (RFC 8615).
pub(crate) fn parse(path: &str) -> Option<Wanted> {
    let inner = path.strip_prefix('/')?;
    if inner.is_empty() {
        return Some(Wanted::Folder(PathBuf::new()));
    }
    let (inner, slash) = match inner.strip_suffix('/') {
        Some(without) => (without, true),
        None => (inner, false),
    };
    let mut found = PathBuf::new();
    for (depth, segment) in inner.split('/').enumerate() {
        let name = decode(segment)?;
        if !is_public(&name, depth) {
            return None;
        }
        found.push(OsString::from_vec(name));
    }
    Some(if slash {
        Wanted::Folder(found)
    } else {
        Wanted::Named(found)
    })
}

fn is_public(name: &[u8], depth: usize) -> bool {
    let hidden = name.starts_with(b".") && !(depth == 0 && name == b".well-known");
    let ambiguous = name.iter().any(|byte| matches!(byte, 0 | b'/' | b'\\'));
    !name.is_empty() && !hidden && !ambiguous
}

/// Percent-decodes one segment; `None` when a `%` is not followed by two hex digits (RFC 3986 §2.1).
fn decode(segment: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            decoded.push(hex(bytes.next()?)? << 4 | hex(bytes.next()?)?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Wanted, parse};
    use proptest::prelude::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Component, Path};

    #[test]
    fn good_paths_are_read() {
        let named = |path: &[u8]| Some(Wanted::Named(Path::new(OsStr::from_bytes(path)).into()));
        let folder = |path: &str| Some(Wanted::Folder(path.into()));
        for (path, wanted) in [
            ("/", folder("")),
            ("/a", named(b"a")),
            ("/a/", folder("a")),
            ("/a/b.txt", named(b"a/b.txt")),
            ("/a%20b/%C3%A4%2etxt", named("a b/ä.txt".as_bytes())),
            ("/100%25", named(b"100%")),
            ("/%ff", named(b"\xff")),
            ("/a..b", named(b"a..b")),
            ("/a;b", named(b"a;b")),
            (
                "/.well-known/security.txt",
                named(b".well-known/security.txt"),
            ),
            ("/.well-known/", folder(".well-known")),
        ] {
            assert_eq!(parse(path), wanted, "{path}");
        }
    }

    #[test]
    fn bad_paths_are_not() {
        for path in [
            "",
            "*",
            "a",
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/.",
            "/..",
            "/../a",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/%2e%2e/a",
            "/.%2E/a",
            "/a%2fb",
            "/a%2Fb",
            "/%2f",
            "/a\\b",
            "/a%5cb",
            "/a%00.txt",
            "/%00",
            "/%",
            "/%4",
            "/%zz",
            "/a%+1",
            "/.env",
            "/%2eenv",
            "/.git/config",
            "/a/.hidden",
            "/.well-known/.env",
            "/a/.well-known/x",
            "/.well-known2",
            "/...",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_stays_below(path in "(/|%2[eEfF]|%5c|%00|\\.|\\\\|a|%|.){0,24}") {
            let Some(Wanted::Named(found) | Wanted::Folder(found)) = parse(&path) else {
                return Ok(());
            };
            for part in found.components() {
                let Component::Normal(name) = part else {
                    return Err(TestCaseError::fail(format!("{part:?} in {found:?}")));
                };
                prop_assert!(!name.as_bytes().contains(&0));
                prop_assert!(!name.as_bytes().starts_with(b".") || name == ".well-known");
            }
            let slashes = path.trim_end_matches('/').matches('/').count();
            prop_assert_eq!(found.components().count(), slashes);
        }

        #[test]
        fn every_name_can_be_asked_for(name in "[^/\\\\\\x00.][^/\\\\\\x00]{0,20}") {
            let encoded = name.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
            prop_assert_eq!(parse(&format!("/{encoded}")), Some(Wanted::Named(name.into())));
        }
    }
}
