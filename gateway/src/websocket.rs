//! WebSockets: which requests ask for one, and whose pages may open them.
//!
//! Owns the check of `Origin`: browsers send cookies with a WebSocket whatever page opens it,
//! and ask nobody first. Must not know sessions; who is let in does not depend on `Upgrade`.

use http::header::{ORIGIN, UPGRADE};
use http::{HeaderMap, HeaderValue};

use crate::host::Host;
use crate::origin;
use crate::scheme::Scheme;

/// Whether a request asks to become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It does.
    WebSocket,
    /// It does not.
    No,
}

/// Whether a page may open a WebSocket here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Opener {
    /// A page of the site itself, one the site's configuration names, or no browser at all.
    Welcome,
    /// A page of somebody else's.
    Foreign,
}

/// Whether `Upgrade` names `websocket`. What stands in `Connection` does not matter.
#[must_use]
pub fn asked(headers: &HeaderMap) -> Asked {
    let tokens = |value: &HeaderValue| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"websocket"))
    };
    if headers.get_all(UPGRADE).iter().any(tokens) {
        Asked::WebSocket
    } else {
        Asked::No
    }
}

/// Judges `Origin` (RFC 6455, section 10.2). `others` are the origins that the site names
/// besides its own.
pub fn opener(headers: &HeaderMap, scheme: Scheme, host: &Host<'_>, others: &[String]) -> Opener {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return Opener::Welcome;
    };
    if origins.next().is_some() {
        return Opener::Foreign;
    }
    let named = |other: &String| origin.as_bytes().eq_ignore_ascii_case(other.as_bytes());
    if origin::is_own(origin.as_bytes(), scheme, host) || others.iter().any(named) {
        Opener::Welcome
    } else {
        Opener::Foreign
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &http::HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn only_the_upgrade_header_asks() {
        for (values, expected) in [
            (&["websocket"][..], Asked::WebSocket),
            (&["WebSocket"], Asked::WebSocket),
            (&["h2c, websocket"], Asked::WebSocket),
            (&["h2c", "websocket"], Asked::WebSocket),
            (&["h2c"], Asked::No),
            (&["websockets"], Asked::No),
            (&[], Asked::No),
        ] {
            assert_eq!(asked(&headers(&UPGRADE, values)), expected, "{values:?}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn whose_page_may_open_one() {
        let named = vec!["https://friend.test".to_owned()];
        for (scheme, host, origins, expected) in [
            (Scheme::Http, "app.test", &[][..], Opener::Welcome),
            (
                Scheme::Http,
                "app.test",
                &["http://app.test"],
                Opener::Welcome,
            ),
            (
                Scheme::Http,
                "app.test:80",
                &["http://app.test"],
                Opener::Welcome,
            ),
            (
                Scheme::Http,
                "app.test:8080",
                &["http://app.test:8080"],
                Opener::Welcome,
            ),
            (
                Scheme::Https,
                "app.test",
                &["https://app.test"],
                Opener::Welcome,
            ),
            (
                Scheme::Https,
                "app.test",
                &["https://APP.test:443"],
                Opener::Welcome,
            ),
            (
                Scheme::Http,
                "app.test",
                &["https://app.test"],
                Opener::Welcome,
            ),
            (
                Scheme::Http,
                "[::1]:8080",
                &["http://[::1]:8080"],
                Opener::Welcome,
            ),
            (
                Scheme::Https,
                "app.test",
                &["https://friend.test"],
                Opener::Welcome,
            ),
            (
                Scheme::Https,
                "app.test",
                &["http://app.test"],
                Opener::Foreign,
            ),
            (
                Scheme::Https,
                "app.test",
                &["https://app.test:8443"],
                Opener::Foreign,
            ),
            (
                Scheme::Http,
                "app.test:8080",
                &["http://app.test"],
                Opener::Foreign,
            ),
            (
                Scheme::Http,
                "app.test:8080",
                &["http://app.test:8081"],
                Opener::Foreign,
            ),
            (
                Scheme::Https,
                "app.test",
                &["https://evil.test"],
                Opener::Foreign,
            ),
            (
                Scheme::Https,
                "app.test",
                &["https://app.test.evil"],
                Opener::Foreign,
            ),
            (
                Scheme::Https,
                "app.test",
                &["https://evil.test@app.test"],
                Opener::Foreign,
            ),
            (
                Scheme::Https,
                "app.test",
                &["https://friend.test.evil"],
                Opener::Foreign,
            ),
            (Scheme::Https, "app.test", &["null"], Opener::Foreign),
            (Scheme::Https, "app.test", &[""], Opener::Foreign),
            (Scheme::Https, "app.test", &["app.test"], Opener::Foreign),
            (Scheme::Https, "app.test", &["https://"], Opener::Foreign),
            (
                Scheme::Https,
                "app.test",
                &["https://app.test", "https://evil.test"],
                Opener::Foreign,
            ),
        ] {
            let headers = headers(&ORIGIN, origins);
            let ours = Host::parse(host.as_bytes()).unwrap();
            let answer = opener(&headers, scheme, &ours, &named);
            assert_eq!(answer, expected, "{scheme:?} {host} {origins:?}");
        }
    }
}
