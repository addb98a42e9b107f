//! The origin a visitor is on: scheme and host as their browser sees them.
//!
//! Owns how the two are read from a request that came through the gateway. Must not know about pages.

use http::HeaderMap;
use http::header::HOST;
use url::Url;

/// How the visitor reached the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Plain http.
    Http,
    /// TLS, here or at a proxy that is trusted.
    Https,
}

impl Scheme {
    /// Reads `X-Forwarded-Proto`, which the gateway alone sets. `None` if it is missing, doubled or unknown.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("x-forwarded-proto").iter();
        match (values.next()?.as_bytes(), values.next()) {
            (b"https", None) => Some(Self::Https),
            (b"http", None) => Some(Self::Http),
            _ => None,
        }
    }

    /// As written in an address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Scheme, host and port of the page in the visitor's address bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(Url);

impl Origin {
    /// From the scheme and the `Host` header. `None` if there is not exactly one plain host.
    pub(crate) fn of(headers: &HeaderMap, scheme: Scheme) -> Option<Self> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next()?.to_str().ok()?;
        if hosts.next().is_some() || host.contains(['/', '\\', '?', '#', '@', '%', ' ']) {
            return None;
        }
        let url = Url::parse(&format!("{}://{host}/", scheme.as_str())).ok()?;
        url.has_host().then_some(Self(url))
    }

    /// The origin as an address with an empty path.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// The host in it, as sites name it: lower case, IDNA, IPv6 in brackets.
    pub(crate) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// `https://app.example.com`, the port only where it is not the scheme's own (RFC 6454, section 6.2).
    pub(crate) fn text(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether an `Origin` header names this origin: same scheme, host and port.
    pub(crate) fn is_named_by(&self, header: &str) -> bool {
        Url::parse(header).is_ok_and(|other| other.origin() == self.0.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, http::HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_scheme_is_known_or_nothing() {
        let of = |list: &[(&'static str, &'static str)]| Scheme::of(&headers(list));
        assert_eq!(of(&[("x-forwarded-proto", "https")]), Some(Scheme::Https));
        assert_eq!(of(&[("x-forwarded-proto", "http")]), Some(Scheme::Http));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("x-forwarded-proto", "HTTPS")]), None);
        assert_eq!(
            of(&[
                ("x-forwarded-proto", "https"),
                ("x-forwarded-proto", "http")
            ]),
            None
        );
    }

    #[test]
    fn a_host_is_plain_or_nothing() {
        let of = |host| Origin::of(&headers(&[("host", host)]), Scheme::Http);
        assert!(of("app.test").is_some());
        assert!(of("[::1]:8080").is_some());
        for host in ["", "user@app.test", "app.test/x", "app.test?x", "a b"] {
            assert!(of(host).is_none(), "{host:?}");
        }
        assert!(Origin::of(&headers(&[("host", "a"), ("host", "b")]), Scheme::Http).is_none());
    }

    #[test]
    fn an_origin_header_has_to_agree_in_every_part() {
        let ours = Origin::of(&headers(&[("host", "app.test:8080")]), Scheme::Http).unwrap();
        assert!(ours.is_named_by("http://app.test:8080"));
        for other in [
            "https://app.test:8080",
            "http://app.test",
            "http://evil.test:8080",
            "null",
            "",
        ] {
            assert!(!ours.is_named_by(other), "{other:?}");
        }
        let default = Origin::of(&headers(&[("host", "APP.test:443")]), Scheme::Https).unwrap();
        assert!(default.is_named_by("https://app.test"));
    }
}
