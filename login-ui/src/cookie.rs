//! The one cookie: how it is read, set and cleared.
//!
//! Owns the cookie's name and attributes, which are built here and nowhere else (RFC 6265bis).
//! Must not know what the token in it means.

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::origin::Scheme;

/// How long the browser keeps the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// Until the browser is closed.
    UntilClosed,
    /// "Stay signed in": kept for this long.
    For(Duration),
}

/// The name under which a request of this scheme carries its session.
pub(crate) fn name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "doorward",
        Scheme::Https => "__Host-doorward",
    }
}

/// The value of our cookie, as sent. `None` if there is none or more than one: which of two is whose cannot be told.
pub(crate) fn read(headers: &HeaderMap, scheme: Scheme) -> Option<&str> {
    let wanted = name(scheme).as_bytes();
    let mut found = None;
    for header in headers.get_all(COOKIE) {
        for pair in header.as_bytes().split(|b| *b == b';') {
            let pair = pair.trim_ascii();
            let (name, value) = match pair.iter().position(|b| *b == b'=') {
                Some(at) => (pair.get(..at)?, pair.get(at + 1..)?),
                None => (pair, &[][..]),
            };
            if name.trim_ascii_end() == wanted && found.replace(value).is_some() {
                return None;
            }
        }
    }
    std::str::from_utf8(found?).ok()
}

/// A `Set-Cookie` that gives the browser a token.
///
/// `None` only if the text could not stand in a header, which a token's never does.
pub(crate) fn set(scheme: Scheme, token: &str, lasts: Lasts) -> Option<HeaderValue> {
    let age = match lasts {
        Lasts::UntilClosed => String::new(),
        Lasts::For(time) => format!("; Max-Age={}", time.as_secs()),
    };
    let mut value = HeaderValue::from_str(&format!("{}{age}", bare(scheme, token))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A `Set-Cookie` that makes the browser forget the token.
pub(crate) fn clear(scheme: Scheme) -> HeaderValue {
    match scheme {
        Scheme::Http => {
            HeaderValue::from_static("doorward=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
        }
        Scheme::Https => HeaderValue::from_static(
            "__Host-doorward=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0",
        ),
    }
}

fn bare(scheme: Scheme, token: &str) -> String {
    let secure = match scheme {
        Scheme::Http => "",
        Scheme::Https => "; Secure",
    };
    format!(
        "{}={token}; Path=/; HttpOnly; SameSite=Lax{secure}",
        name(scheme)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_bytes(cookie.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn one_cookie_of_our_name_is_read() {
        for (cookies, scheme, value) in [
            (&["doorward=abc"][..], Scheme::Http, Some("abc")),
            (&["a=b; doorward=abc; c=d"], Scheme::Http, Some("abc")),
            (&["a=b;doorward=abc"], Scheme::Http, Some("abc")),
            (&["a=b", "doorward=abc"], Scheme::Http, Some("abc")),
            (&["doorward=a=b"], Scheme::Http, Some("a=b")),
            (&["doorward="], Scheme::Http, Some("")),
            (&["__Host-doorward=abc"], Scheme::Https, Some("abc")),
            (
                &["__Host-doorward=abc; doorward=x"],
                Scheme::Https,
                Some("abc"),
            ),
            (
                &["__Host-doorward=x; doorward=abc"],
                Scheme::Http,
                Some("abc"),
            ),
        ] {
            assert_eq!(read(&headers(cookies), scheme), value, "{cookies:?}");
        }
    }

    #[test]
    fn anything_doubtful_is_no_cookie() {
        for (cookies, scheme) in [
            (&[][..], Scheme::Http),
            (&["doorward=a; doorward=b"], Scheme::Http),
            (&["doorward=a; doorward=a"], Scheme::Http),
            (&["doorward=a; doorward"], Scheme::Http),
            (&["doorward=a; doorward =b"], Scheme::Http),
            (&["doorward=a", "doorward=b"], Scheme::Http),
            (&["Doorward=a"], Scheme::Http),
            (&["xdoorward=a"], Scheme::Http),
            (&["doorward=a"], Scheme::Https),
            (&["__host-doorward=a"], Scheme::Https),
            (&["__Host-doorward=a"], Scheme::Http),
        ] {
            assert_eq!(read(&headers(cookies), scheme), None, "{cookies:?}");
        }
    }

    #[test]
    fn setting_and_clearing_use_the_same_attributes() {
        for scheme in [Scheme::Http, Scheme::Https] {
            let attributes = |value: HeaderValue| -> Vec<String> {
                let text = value.to_str().unwrap().to_owned();
                text.split("; ")
                    .skip(1)
                    .filter(|part| !part.starts_with("Max-Age"))
                    .map(str::to_owned)
                    .collect()
            };
            let set = attributes(set(scheme, "abc", Lasts::UntilClosed).unwrap());
            assert_eq!(set, attributes(clear(scheme)));
            assert_eq!(set.contains(&"Secure".to_owned()), scheme == Scheme::Https);
            assert!(!set.iter().any(|part| part.starts_with("Domain")));
        }
    }

    #[test]
    fn only_a_remembered_cookie_outlives_the_browser() {
        let text = |lasts| {
            set(Scheme::Https, "abc", lasts)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            text(Lasts::UntilClosed),
            "__Host-doorward=abc; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(text(Lasts::For(Duration::from_mins(1))).ends_with("; Secure; Max-Age=60"));
    }
}
