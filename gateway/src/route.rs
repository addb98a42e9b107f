//! Which site a host is: an exact name, else the longest `*.` that covers it, else `*`.
//!
//! Owns the search. Must not know what a site is; an unknown host is an answer, not a default.

use std::collections::HashMap;

use doorward_config::HostPattern;

/// Sites by host. A search costs as many lookups as the host has labels, however many sites
/// there are.
#[derive(Debug, Clone)]
pub struct Routes<S> {
    exact: HashMap<Box<str>, S>,
    under: HashMap<Box<str>, S>,
    any: Option<S>,
}

impl<S> Routes<S> {
    /// Takes the sites as written; of two with one host the first counts.
    pub fn new(sites: impl IntoIterator<Item = (HostPattern, S)>) -> Self {
        let mut routes = Self {
            exact: HashMap::new(),
            under: HashMap::new(),
            any: None,
        };
        for (host, site) in sites {
            match host {
                HostPattern::Exact(name) => {
                    routes.exact.entry(name.into()).or_insert(site);
                }
                HostPattern::Under(parent) => {
                    routes.under.entry(parent.into()).or_insert(site);
                }
                HostPattern::Any => {
                    routes.any.get_or_insert(site);
                }
            }
        }
        routes
    }

    /// The site of a host name in the spelling of [`crate::host::Host::name`].
    #[must_use]
    pub fn find(&self, host: &str) -> Option<&S> {
        self.exact
            .get(host)
            .or_else(|| self.find_under(host))
            .or(self.any.as_ref())
    }

    fn find_under(&self, host: &str) -> Option<&S> {
        if self.under.is_empty() {
            return None;
        }
        // The longest parent comes first: it begins after the first dot.
        host.match_indices('.')
            .find_map(|(dot, _)| self.under.get(host.get(dot + 1..)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn routes(hosts: &[&'static str]) -> Routes<&'static str> {
        Routes::new(hosts.iter().map(|host| (pattern(host), *host)))
    }

    fn pattern(text: &str) -> HostPattern {
        match (text, text.strip_prefix("*.")) {
            ("*", _) => HostPattern::Any,
            (_, Some(parent)) => HostPattern::Under(parent.to_owned()),
            (name, None) => HostPattern::Exact(name.to_owned()),
        }
    }

    #[test]
    fn the_most_exact_site_is_found() {
        let sites = routes(&[
            "*",
            "*.test",
            "*.app.test",
            "app.test",
            "x.app.test",
            "[::1]",
        ]);
        for (host, site) in [
            ("app.test", "app.test"),
            ("x.app.test", "x.app.test"),
            ("y.app.test", "*.app.test"),
            ("z.y.app.test", "*.app.test"),
            ("other.test", "*.test"),
            ("test", "*"),
            ("apptest", "*"),
            ("127.0.0.1", "*"),
            ("[::1]", "[::1]"),
            ("[::2]", "*"),
        ] {
            assert_eq!(sites.find(host), Some(&site), "{host}");
        }
    }

    #[test]
    fn an_unknown_host_is_no_site() {
        let sites = routes(&["app.test", "*.wild.test"]);
        for host in [
            "admin.test",
            "test",
            "wild.test",
            "xapp.test",
            "app.test.evil",
            "",
        ] {
            assert_eq!(sites.find(host), None, "{host}");
        }
        assert_eq!(sites.find("app.test"), Some(&"app.test"));
        assert_eq!(sites.find("a.wild.test"), Some(&"*.wild.test"));
    }

    #[test]
    fn of_two_with_one_host_the_first_counts() {
        let sites = Routes::new([(HostPattern::Any, 1), (HostPattern::Any, 2)]);
        assert_eq!(sites.find("app.test"), Some(&1));
    }

    /// The same search, one pattern after the other.
    fn naive<'a>(hosts: &[&'a str], host: &str) -> Option<&'a str> {
        let covers = |site: &&&str| match site.strip_prefix('*') {
            Some("") => true,
            Some(tail) => host.ends_with(tail),
            None => **site == host,
        };
        let rank = |site: &&&str| (!site.starts_with('*'), site.len());
        hosts.iter().filter(covers).max_by_key(rank).copied()
    }

    proptest! {
        #[test]
        fn found_as_if_every_site_were_tried(
            sites in proptest::sample::subsequence(
                vec!["*", "*.c", "*.b.c", "*.a.b.c", "b.c", "a.b.c", "c", "a.a.b.c"], 0..8),
            host in "[ab](\\.[abc]){0,4}",
        ) {
            prop_assert_eq!(routes(&sites).find(&host).copied(), naive(&sites, &host));
        }
    }
}
