//! The two cookies: the session's, and that of what is half-done. How they are read, set and cleared.
//!
//! Owns the cookies' names and attributes, which are built here and nowhere else (RFC 6265bis).
//! Must not know what the tokens in them mean.

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::ago;
use crate::origin::Scheme;

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jar {
    /// Whose token is a session.
    Session,
    /// Whose token leads from one step of something to the next, and gives no right anywhere.
    Flow,
}

/// How long the browser keeps the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// Until the browser is closed.
    UntilClosed,
    /// "Stay signed in": kept for this long.
    For(Duration),
}

impl Jar {
    /// The name under which a request of this scheme carries it.
    fn name(self, scheme: Scheme) -> &'static str {
        match (self, scheme) {
            (Self::Session, Scheme::Http) => "doorward",
            (Self::Session, Scheme::Https) => "__Host-doorward",
            (Self::Flow, Scheme::Http) => "doorward-flow",
            (Self::Flow, Scheme::Https) => "__Host-doorward-flow",
        }
    }

    /// The value, as sent. `None` if there is none or more than one: which of two is whose cannot be told.
    pub(crate) fn read(self, headers: &HeaderMap, scheme: Scheme) -> Option<&str> {
        let wanted = self.name(scheme).as_bytes();
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
    pub(crate) fn set(self, scheme: Scheme, token: &str, lasts: Lasts) -> Option<HeaderValue> {
        let age = match lasts {
            Lasts::UntilClosed => String::new(),
            Lasts::For(time) => format!("; Max-Age={}", ago::seconds(time)),
        };
        let name = self.name(scheme);
        let secure = match scheme {
            Scheme::Http => "",
            Scheme::Https => "; Secure",
        };
        let text = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// A `Set-Cookie` that makes the browser forget the token.
    pub(crate) fn clear(self, scheme: Scheme) -> HeaderValue {
        HeaderValue::from_static(match (self, scheme) {
            (Self::Session, Scheme::Http) => "doorward=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
            (Self::Session, Scheme::Https) => {
                "__Host-doorward=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
            }
            (Self::Flow, Scheme::Http) => {
                "doorward-flow=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
            }
            (Self::Flow, Scheme::Https) => {
                "__Host-doorward-flow=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
            }
        })
    }
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
            assert_eq!(
                Jar::Session.read(&headers(cookies), scheme),
                value,
                "{cookies:?}"
            );
        }
    }

    #[test]
    fn neither_cookie_is_the_other() {
        let both = headers(&["doorward=a; doorward-flow=b"]);
        assert_eq!(Jar::Session.read(&both, Scheme::Http), Some("a"));
        assert_eq!(Jar::Flow.read(&both, Scheme::Http), Some("b"));
        let flow = headers(&["doorward-flow=b; __Host-doorward-flow=c"]);
        for scheme in [Scheme::Http, Scheme::Https] {
            assert_eq!(Jar::Session.read(&flow, scheme), None);
        }
        assert_eq!(Jar::Flow.read(&flow, Scheme::Https), Some("c"));
        let two = headers(&["doorward-flow=b; doorward-flow=c"]);
        assert_eq!(Jar::Flow.read(&two, Scheme::Http), None);
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
            assert_eq!(
                Jar::Session.read(&headers(cookies), scheme),
                None,
                "{cookies:?}"
            );
        }
    }

    #[test]
    fn setting_and_clearing_use_the_same_attributes() {
        for (jar, scheme) in [
            (Jar::Session, Scheme::Http),
            (Jar::Session, Scheme::Https),
            (Jar::Flow, Scheme::Http),
            (Jar::Flow, Scheme::Https),
        ] {
            let attributes = |value: HeaderValue| -> Vec<String> {
                let text = value.to_str().unwrap().to_owned();
                text.split("; ")
                    .skip(1)
                    .filter(|part| !part.starts_with("Max-Age"))
                    .map(str::to_owned)
                    .collect()
            };
            let set = jar.set(scheme, "abc", Lasts::UntilClosed).unwrap();
            let start = format!("{}=", jar.name(scheme));
            assert!(set.to_str().unwrap().starts_with(&start));
            assert!(jar.clear(scheme).to_str().unwrap().starts_with(&start));
            let set = attributes(set);
            assert_eq!(set, attributes(jar.clear(scheme)));
            assert_eq!(set.contains(&"Secure".to_owned()), scheme == Scheme::Https);
            assert!(!set.iter().any(|part| part.starts_with("Domain")));
        }
    }

    #[test]
    fn only_a_remembered_cookie_outlives_the_browser() {
        let text = |lasts| {
            Jar::Session
                .set(Scheme::Https, "abc", lasts)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            text(Lasts::UntilClosed),
            "__Host-doorward=abc; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        // While the answer was made, a moment of it passed.
        for left in [60_000, 59_997].map(Duration::from_millis) {
            assert!(text(Lasts::For(left)).ends_with("; Secure; Max-Age=60"));
        }
    }
}
