//! What an API key may be used for, ready to be asked.
//!
//! Owns the comparison with a request. Hosts and paths are compared as those of sites and rules are, by the same code.

use doorward_identity::api_key;
use http::Method;
use ipnet::IpNet;

use super::Facts;
use super::index::Index;
use crate::reading;
use crate::route::Routes;

/// A scope, compiled. A side that lists nothing is open.
#[derive(Debug)]
pub struct Scope {
    hosts: Option<Routes<()>>,
    paths: Option<Index>,
    methods: Vec<Method>,
    from: Vec<IpNet>,
}

/// How far somebody's word reaches.
#[derive(Debug, Clone, Copy)]
pub enum Reach<'a> {
    /// Everywhere: a person in a browser.
    Everywhere,
    /// As far as this: a program with an API key.
    Within(&'a Scope),
    /// Nowhere: a scope that nobody compiled.
    Nowhere,
}

impl Scope {
    /// Takes a scope as it is written.
    #[must_use]
    pub fn new(scope: &api_key::Scope) -> Self {
        let hosts = scope.hosts.iter().map(|host| (host.clone(), ()));
        Self {
            hosts: (!scope.hosts.is_empty()).then(|| Routes::new(hosts)),
            paths: (!scope.paths.is_empty()).then(|| Index::new(scope.paths.iter().map(Some))),
            methods: scope.methods.clone(),
            from: scope.from.clone(),
        }
    }

    /// Whether it holds all of these. However a path is read, it must.
    #[must_use]
    pub fn covers(&self, facts: &Facts<'_>) -> bool {
        let host = |hosts: &Routes<()>| hosts.find(facts.host).is_some();
        let path = |paths: &Index| {
            let matches = |reading: &[u8]| paths.find(reading, |_| true).is_some();
            matches(&reading::plain(facts.path))
                && reading::others(facts.path).all(|reading| matches(&reading))
        };
        let network = |network: &IpNet| network.contains(&facts.client);
        self.hosts.as_ref().is_none_or(host)
            && self.paths.as_ref().is_none_or(path)
            && (self.methods.is_empty() || self.methods.contains(facts.method))
            && (self.from.is_empty() || self.from.iter().any(network))
    }

    /// The memory it takes besides its own size, near enough.
    #[must_use]
    pub fn bytes(&self) -> usize {
        const NODE: usize = 192;
        let hosts = self.hosts.as_ref().map_or(0, |_| NODE);
        let paths = self.paths.as_ref().map_or(0, Index::nodes) * NODE;
        hosts + paths + self.methods.len() * size_of::<Method>() + size_of_val(&*self.from)
    }
}

impl Reach<'_> {
    pub(super) fn covers(self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Within(scope) => scope.covers(facts),
            Self::Nowhere => false,
        }
    }

    /// Whether it is that of a program, which no page can ask for anything more.
    pub(super) fn is_limited(self) -> bool {
        match self {
            Self::Everywhere => false,
            Self::Within(_) | Self::Nowhere => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use doorward_config::{HostPattern, PathGlob};

    use super::*;

    fn scope(hosts: &[&str], paths: &[&str], methods: &[&str], from: &[&str]) -> Scope {
        let written = api_key::Scope {
            hosts: hosts
                .iter()
                .map(|text| HostPattern::parse(text).unwrap())
                .collect(),
            paths: paths
                .iter()
                .map(|text| PathGlob::parse(text).unwrap())
                .collect(),
            methods: methods.iter().map(|text| text.parse().unwrap()).collect(),
            from: from.iter().map(|text| text.parse().unwrap()).collect(),
        };
        Scope::new(&written)
    }

    fn covers(scope: &Scope, host: &str, request: &str, client: &str) -> bool {
        let (method, path) = request.split_once(' ').unwrap();
        scope.covers(&Facts {
            host,
            path,
            method: &method.parse().unwrap(),
            client: client.parse().unwrap(),
        })
    }

    #[test]
    fn an_open_side_lets_everything_through_and_any_other_only_what_it_names() {
        let open = scope(&[], &[], &[], &[]);
        assert!(covers(&open, "x.test", "DELETE /a%2Fb", "::1"));
        let all = scope(
            &["app.test", "*.b.test"],
            &["/x/**", "/y"],
            &["GET"],
            &["10.0.0.0/8"],
        );
        for (host, request, client, yes) in [
            ("app.test", "GET /x", "10.1.2.3", true),
            ("a.b.test", "GET /x/y/z", "10.1.2.3", true),
            ("app.test", "GET /y", "10.1.2.3", true),
            ("b.test", "GET /x", "10.1.2.3", false),
            ("app.test", "HEAD /x", "10.1.2.3", false),
            ("app.test", "GET /y/z", "10.1.2.3", false),
            ("app.test", "GET /X", "10.1.2.3", false),
            ("app.test", "GET /x", "11.1.2.3", false),
            ("app.test", "GET /x", "::1", false),
        ] {
            assert_eq!(
                covers(&all, host, request, client),
                yes,
                "{host} {request} {client}"
            );
        }
    }

    #[test]
    fn a_path_that_can_be_read_in_two_ways_must_be_within_in_both() {
        let x = scope(&[], &["/x/*"], &[], &[]);
        assert!(covers(&x, "a", "GET /x/a%20b", "::1"));
        assert!(!covers(&x, "a", "GET /x/a%2Fb", "::1"));
        let all = scope(&[], &["/x/**"], &[], &[]);
        assert!(covers(&all, "a", "GET /x/a%2Fb", "::1"));
    }
}
