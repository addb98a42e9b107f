//! Plain http that is sent to https.
//!
//! Owns who is sent there, and where that is. Must not know sites: one that has no https of its own does not exist.

use doorward_config::Boot;

use crate::client::{Client, Peer, Said};
use crate::host::Host;
use crate::scheme::Scheme;

/// Where https is served, as far as a browser can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsPort(pub u16);

impl TlsPort {
    /// What the configuration says; absent if there is no https.
    #[must_use]
    pub fn configured(boot: &Boot) -> Option<Self> {
        boot.listen_tls.first().map(|address| Self(address.port()))
    }

    /// Where a client that asked `host` for `target` is sent; `None` when it is served where it is.
    ///
    /// A proxy that says nothing of the scheme may well have spoken https with the browser: sent there once more,
    /// that would come back the same way, again and again.
    #[must_use]
    pub fn instead(self, client: &Client<'_>, host: &Host<'_>, target: &str) -> Option<String> {
        let port = match (client.scheme, client.peer, client.said) {
            (Scheme::Https, _, _) | (Scheme::Http, Peer::Trusted, Said::Nothing) => return None,
            (Scheme::Http, Peer::Untrusted, _) => self.0,
            // Our own port is behind the proxy.
            (Scheme::Http, Peer::Trusted, Said::Scheme) => Scheme::Https.default_port(),
        };
        let name = host.name();
        Some(if port == Scheme::Https.default_port() {
            format!("https://{name}{target}")
        } else {
            format!("https://{name}:{port}{target}")
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::client::{TrustedProxies, identify};

    fn sent(port: u16, listener: Scheme, peer: &str, said: Option<&'static str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some(said) = said {
            headers.insert("x-forwarded-proto", said.parse().unwrap());
        }
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let client = identify(peer.parse().unwrap(), listener, &headers, &trusted).unwrap();
        let host = Host::parse(b"app.test:8080").unwrap();
        TlsPort(port).instead(&client, &host, "/a?b")
    }

    #[test]
    fn who_came_in_the_clear_is_sent_to_https() {
        for (port, location) in [
            (443, "https://app.test/a?b"),
            (8443, "https://app.test:8443/a?b"),
        ] {
            let sent_to = sent(port, Scheme::Http, "192.0.2.1", None);
            assert_eq!(sent_to.as_deref(), Some(location));
        }
        let forged = sent(443, Scheme::Http, "192.0.2.1", Some("https"));
        assert_eq!(forged.as_deref(), Some("https://app.test/a?b"));
        assert_eq!(sent(443, Scheme::Https, "192.0.2.1", None), None);
    }

    #[test]
    fn through_a_proxy_it_is_the_proxys_word_that_counts() {
        assert_eq!(sent(8443, Scheme::Http, "10.0.0.1", Some("https")), None);
        assert_eq!(sent(8443, Scheme::Http, "10.0.0.1", None), None, "a loop");
        assert_eq!(sent(8443, Scheme::Http, "10.0.0.1", Some("x")), None);
        let plain = sent(8443, Scheme::Http, "10.0.0.1", Some("http"));
        assert_eq!(plain.as_deref(), Some("https://app.test/a?b"));
    }
}
