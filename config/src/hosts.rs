//! What `portal.url` means for a host: who signs in where, and where one may be sent.
//!
//! Owns the one rule of it, which the pages and the gateway both ask. Must not know requests.

use url::Url;

use crate::{HostPattern, Live};

/// Where people on a host sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInAt {
    /// There: no `portal.url` is set, or no site names the host (`*` names nobody).
    Here,
    /// There, and for other hosts too: it is the host of `portal.url`.
    Portal,
    /// At the host of `portal.url`.
    Elsewhere,
}

impl Live {
    /// Where people on `host` sign in; `host` is spelled as [`HostPattern::Exact`] is.
    #[must_use]
    pub fn sign_in_at(&self, host: &str) -> SignInAt {
        match self.portal_host() {
            Some(portal) if portal == host => SignInAt::Portal,
            Some(_) if self.names(host) => SignInAt::Elsewhere,
            Some(_) | None => SignInAt::Here,
        }
    }

    /// Whether somebody who signed in at `portal.url` may be sent to this address's host: one that a site names, over
    /// https on its own port, or by the scheme and port of `portal.url` itself. Looks at nothing else of the address.
    #[must_use]
    pub fn leads_to(&self, url: &Url) -> bool {
        let (Some(portal), Some(host)) = (&self.portal.url, url.host_str()) else {
            return false;
        };
        let port = url.port_or_known_default();
        let is_usual = url.scheme() == "https" && port == Some(443);
        let is_alike = url.scheme() == portal.scheme() && port == portal.port_or_known_default();
        (is_usual || is_alike) && self.sign_in_at(host) == SignInAt::Elsewhere
    }

    /// The host that has nothing but the portal: that of `portal.url`, if there is another host to sign in for, and no
    /// site was put there on purpose.
    #[must_use]
    pub fn host_of_portal_alone(&self) -> Option<&str> {
        let portal = self.portal_host()?;
        let mut others = false;
        for site in &self.sites {
            match &site.host {
                HostPattern::Exact(host) if host == portal => return None,
                HostPattern::Exact(_) | HostPattern::Under(_) => others = true,
                HostPattern::Any => {}
            }
        }
        others.then_some(portal)
    }

    fn portal_host(&self) -> Option<&str> {
        self.portal.url.as_ref()?.host_str()
    }

    /// Whether a site names this host, by itself or by what it is under.
    fn names(&self, host: &str) -> bool {
        self.sites.iter().any(|site| match &site.host {
            HostPattern::Exact(name) => name == host,
            HostPattern::Under(parent) => host
                .strip_suffix(parent.as_str())
                .is_some_and(|before| before.len() > 1 && before.ends_with('.')),
            HostPattern::Any => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Site, Upstream};

    fn live(portal: &str, hosts: &[&str]) -> Live {
        let site = |host: &&str| {
            let host = match (*host, host.strip_prefix("*.")) {
                ("*", _) => HostPattern::Any,
                (_, Some(parent)) => HostPattern::Under(parent.to_owned()),
                (name, None) => HostPattern::Exact(name.to_owned()),
            };
            Site::new(host, Upstream::None)
        };
        let mut live = Live {
            sites: hosts.iter().map(site).collect(),
            ..Live::default()
        };
        live.portal.url = Url::parse(portal).ok();
        live
    }

    #[test]
    fn each_host_has_one_place_to_sign_in() {
        let live = live(
            "https://auth.example.com",
            &["app.example.com", "*.example.org", "*"],
        );
        for (host, at) in [
            ("auth.example.com", SignInAt::Portal),
            ("app.example.com", SignInAt::Elsewhere),
            ("wiki.example.org", SignInAt::Elsewhere),
            ("a.b.example.org", SignInAt::Elsewhere),
            ("example.org", SignInAt::Here),
            (".example.org", SignInAt::Here),
            ("xexample.org", SignInAt::Here),
            ("app.example.com.", SignInAt::Here),
            ("example.com", SignInAt::Here),
            ("evil.test", SignInAt::Here),
            ("", SignInAt::Here),
        ] {
            assert_eq!(live.sign_in_at(host), at, "{host}");
        }
        let alone = self::live("", &["app.example.com"]);
        assert_eq!(alone.sign_in_at("app.example.com"), SignInAt::Here);
    }

    #[test]
    fn one_is_sent_to_named_hosts_only() {
        let goes = |portal: &str, to: &str| {
            let live = live(portal, &["app.example.com", "*.example.org", "*"]);
            live.leads_to(&Url::parse(to).unwrap())
        };
        for (portal, to, expected) in [
            (
                "https://auth.example.com",
                "https://app.example.com/x",
                true,
            ),
            (
                "https://auth.example.com",
                "https://APP.example.com:443/",
                true,
            ),
            (
                "https://auth.example.com",
                "https://wiki.example.org/",
                true,
            ),
            ("https://auth.example.com", "http://app.example.com/", false),
            (
                "https://auth.example.com",
                "https://app.example.com:8443/",
                false,
            ),
            (
                "https://auth.example.com",
                "https://auth.example.com/",
                false,
            ),
            ("https://auth.example.com", "https://other.test/", false),
            ("https://auth.example.com", "ftp://app.example.com/", false),
            (
                "https://auth.example.com:8443",
                "https://app.example.com:8443/",
                true,
            ),
            (
                "https://auth.example.com:8443",
                "https://app.example.com/",
                true,
            ),
            (
                "https://auth.example.com:8443",
                "https://app.example.com:9/",
                false,
            ),
            (
                "http://auth.test:8080",
                "http://app.example.com:8080/",
                true,
            ),
            ("http://auth.test:8080", "http://app.example.com/", false),
            ("", "https://app.example.com/", false),
        ] {
            assert_eq!(goes(portal, to), expected, "{portal} {to}");
        }
    }

    #[test]
    fn the_portal_is_alone_on_its_host_unless_somebody_said_otherwise() {
        let url = "https://auth.example.com";
        for (hosts, alone) in [
            (&["app.example.com"][..], true),
            (&["app.example.com", "*"], true),
            (&["*.example.com"], true),
            (&["auth.example.com", "app.example.com"], false),
            (&["auth.example.com"], false),
            (&["*"], false),
        ] {
            let found = live(url, hosts);
            let expected = alone.then_some("auth.example.com");
            assert_eq!(found.host_of_portal_alone(), expected, "{hosts:?}");
        }
        assert_eq!(live("", &["app.example.com"]).host_of_portal_alone(), None);
    }
}
