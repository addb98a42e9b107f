//! What must hold for any bytes at all, of targets and of cookies; for the fuzzer, and for its findings ever after.

use doorward_config::PathStyle;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::cookie::{self, Presented};
use crate::scheme::Scheme;
use crate::target::{self, Target};

/// A target that is accepted is canonical: read again it is the same, and nobody can read it in another way.
///
/// # Panics
/// It does not hold.
pub fn target(data: &[u8]) {
    for style in [PathStyle::Strict, PathStyle::Relaxed] {
        let Ok(accepted) = target::canonical(data, style) else {
            continue;
        };
        let text = accepted.as_str();
        let again = target::canonical(text.as_bytes(), style);
        assert_eq!(again.as_ref().map(Target::as_str), Ok(text));
        let path = accepted.path();
        assert!(path.starts_with('/') || path == "*", "{path}");
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
        assert!(!text.contains('#') && !path.contains('\\'), "{text}");
        let lower = path.to_ascii_lowercase();
        for segment in lower.replace("%2f", "/").replace("%2e", ".").split('/') {
            let segment = segment.split(';').next().unwrap_or_default();
            assert!(segment != "." && segment != "..", "{path}");
        }
        assert!(!lower.contains("%00") && !lower.contains("%5c"), "{path}");
        if style == PathStyle::Strict {
            assert!(!path.contains("//") && !path.contains(';'), "{path}");
            assert!(!lower.contains("%2f"), "{path}");
        }
    }
}

/// Our cookies are found at most once, and never passed on; all others are.
///
/// # Panics
/// It does not hold.
pub fn cookie(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.append(COOKIE, value.clone());
    let shown = [Scheme::Http, Scheme::Https].map(|scheme| cookie::find(&headers, scheme));
    assert!(cookie::remove(&mut headers).is_ok());
    for scheme in [Scheme::Http, Scheme::Https] {
        assert_eq!(cookie::find(&headers, scheme), Presented::None);
    }
    if shown == [Presented::None, Presented::None] {
        let named = ["doorward-flow", "__Host-doorward-flow"];
        let text = String::from_utf8_lossy(data);
        if !named.iter().any(|name| text.contains(name)) {
            assert_eq!(headers.get(COOKIE), Some(&value));
        }
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
    fn the_corpus_of_targets() {
        replay("target", target);
    }

    #[test]
    fn the_corpus_of_cookies() {
        replay("cookie", cookie);
    }
}
