//! What a starting gateway prints.
//!
//! Owns the words and the addresses in them. Must not know how anything is served; it says nothing that the
//! configuration does not say.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use doorward_config::{
    Allow, Boot, DatabaseUrl, HostPattern, Live, RedisNodes, RedisServers, RegistrationMode, Rule,
    Secret, Site, Upstream, Url,
};

use crate::scheme::Scheme;

/// More sites than this are counted, not named.
const SITES: usize = 10;
/// More servers of one store than this are not named.
const NODES: usize = 3;
/// More open paths than this are not named.
const PATHS: usize = 3;

/// The start-up text, by [`fmt::Display`].
#[derive(Debug)]
pub struct Banner<'a> {
    /// Where things are kept.
    pub boot: &'a Boot,
    /// What is protected.
    pub live: &'a Live,
    /// Where it is really served, which differs from what was asked for where that was port 0.
    pub bound: Bound,
    /// The token of the first-admin link, while there is no admin.
    pub setup: Option<String>,
}

/// The addresses that sockets are bound to.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// The first one that serves the sites.
    pub public: Public,
    /// The one that serves metrics and health.
    pub admin: SocketAddr,
}

/// Where browsers come in.
#[derive(Debug, Clone, Copy)]
pub struct Public {
    /// What they speak.
    pub scheme: Scheme,
    /// Where.
    pub address: SocketAddr,
}

impl Public {
    /// What the configuration says: https if there is any. `None` if there is nothing at all.
    #[must_use]
    pub fn configured(boot: &Boot) -> Option<Self> {
        let first = |addresses: &[SocketAddr], scheme| {
            let address = *addresses.first()?;
            Some(Self { scheme, address })
        };
        first(&boot.listen_tls, Scheme::Https).or_else(|| first(&boot.listen, Scheme::Http))
    }
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "doorward {}   accounts: {}   sessions: {}",
            env!("CARGO_PKG_VERSION"),
            accounts(&self.boot.database),
            sessions(self.boot)
        )?;
        for site in self.live.sites.iter().take(SITES) {
            self.site(f, site)?;
        }
        if let Some(more) = self.live.sites.len().checked_sub(SITES + 1) {
            writeln!(f, "  {:<13}and {} more sites", "", more + 1)?;
        }
        let admin = origin(Public {
            scheme: Scheme::Http,
            address: self.bound.admin,
        });
        writeln!(f, "  {:<13}{admin}  (/metrics /livez /readyz)", "admin")?;
        if let Some(token) = &self.setup {
            writeln!(
                f,
                "  {:<13}{}{}/setup?t={token}   valid 30 minutes, once   (or: doorward user add --role admin EMAIL)",
                "first admin",
                self.portal(),
                self.live.portal.path
            )?;
        }
        if self.live.mail.smtp.is_none() {
            let outbox = self.boot.data_dir.join("outbox");
            writeln!(
                f,
                "  {:<13}not configured: messages are written to {}/",
                "mail",
                outbox.display()
            )?;
        }
        if lets_strangers_in(self.live) {
            writeln!(
                f,
                "  {:<13}anybody can register and is then let in: set registration.mode = \"closed\", or say who may pass in the site's rules",
                "warning"
            )?;
        }
        if let Some(site) = nobody_may_ask(self.live) {
            writeln!(
                f,
                "  {:<13}{} is only asked about by other proxies, and nobody may ask: set server.trusted_proxies",
                "warning", site.name
            )?;
        }
        Ok(())
    }
}

impl Banner<'_> {
    fn site(&self, f: &mut fmt::Formatter<'_>, site: &Site) -> fmt::Result {
        writeln!(
            f,
            "  {:<13}{}  →  {}      {}",
            "protecting",
            self.address(&site.host),
            site.upstream,
            openness(site)
        )
    }

    /// Where a browser on this machine, or one that can resolve the host, finds what answers to `host`.
    fn address(&self, host: &HostPattern) -> String {
        match host {
            HostPattern::Exact(host) => at(self.bound.public, host),
            HostPattern::Under(parent) => at(self.bound.public, &format!("*.{parent}")),
            HostPattern::Any => origin(self.bound.public),
        }
    }

    /// The origin of a link to the built-in pages: one that some site answers to.
    #[must_use]
    pub fn portal(&self) -> String {
        if let Some(url) = &self.live.portal.url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        let mut hosts = self.live.sites.iter().map(|site| &site.host);
        if hosts.clone().any(|host| *host == HostPattern::Any) {
            return origin(self.bound.public);
        }
        hosts
            .find(|host| matches!(host, HostPattern::Exact(_)))
            .map_or_else(|| origin(self.bound.public), |host| self.address(host))
    }
}

/// `http://localhost:8080` for what this machine can reach by that name, else the address itself.
fn origin(public: Public) -> String {
    match public.address.ip() {
        ip if ip.is_unspecified() => at(public, "localhost"),
        IpAddr::V4(ip) => at(public, &ip.to_string()),
        IpAddr::V6(ip) => at(public, &format!("[{ip}]")),
    }
}

/// The origin of `host` there.
fn at(public: Public, host: &str) -> String {
    let scheme = public.scheme.as_str();
    match public.address.port() {
        port if port == public.scheme.default_port() => format!("{scheme}://{host}"),
        port => format!("{scheme}://{host}:{port}"),
    }
}

/// Where accounts are kept, without the password that the address may hold.
fn accounts(database: &DatabaseUrl) -> String {
    match database {
        DatabaseUrl::Sqlite(file) => file.display().to_string(),
        server => server.to_string(),
    }
}

/// Where sessions are kept, without the passwords that addresses may hold.
fn sessions(boot: &Boot) -> String {
    let Some(redis) = &boot.redis else {
        return match boot.database {
            DatabaseUrl::Sqlite(_) => "embedded".to_owned(),
            DatabaseUrl::Postgres(_) | DatabaseUrl::MySql(_) => "in the database".to_owned(),
        };
    };
    match &redis.servers {
        RedisServers::One(url) => server(url),
        RedisServers::Cluster(nodes) => format!("redis cluster of {}", servers(nodes)),
        RedisServers::Sentinel { master, sentinels } => {
            format!("redis {master}, by sentinel at {}", servers(sentinels))
        }
    }
}

fn servers(nodes: &RedisNodes) -> String {
    let named: Vec<_> = nodes.addresses.iter().take(NODES).map(server).collect();
    let more = if nodes.addresses.len() > NODES {
        ", …"
    } else {
        ""
    };
    named.join(", ") + more
}

fn server(url: &Secret) -> String {
    let Ok(url) = Url::parse(url.expose()) else {
        return "redis".to_owned();
    };
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    match url.scheme() {
        scheme @ ("redis" | "rediss") => format!("{scheme}://{host}{port}"),
        _ => format!("redis at {}", url.path()),
    }
}

/// What of a site is open, in a few words.
fn openness(site: &Site) -> String {
    if site.rules.is_empty() {
        return "everything asks for sign-in".to_owned();
    }
    if site.rules == Site::sample().rules {
        // Its stylesheet and pictures belong to the home page.
        return "everything but / asks for sign-in".to_owned();
    }
    let open: Vec<_> = site
        .rules
        .iter()
        .filter(|rule| rule.allow == Allow::Anyone)
        .collect();
    let paths: Vec<_> = open
        .iter()
        .filter_map(|rule| rule.path.as_ref().map(ToString::to_string))
        .collect();
    if paths.len() == open.len() && paths.len() <= PATHS && plain(site) {
        return match paths.as_slice() {
            [] => "everything asks for sign-in".to_owned(),
            _ => format!("everything but {} asks for sign-in", paths.join(", ")),
        };
    }
    match site.rules.len() {
        1 => "one rule decides".to_owned(),
        rules => format!("{rules} rules decide, the first that matches"),
    }
}

/// Whether the rules are no more than: these paths for anyone, the rest for whoever signed in.
fn plain(site: &Site) -> bool {
    site.rules.split_last().is_some_and(|(last, before)| {
        *last == Rule::signed_in()
            && before.iter().all(|rule| {
                rule.allow == Allow::Anyone && rule.from.is_empty() && rule.require.is_none()
            })
    })
}

/// A site without upstream that no proxy can ask about: nobody gets anything of it.
fn nobody_may_ask(live: &Live) -> Option<&Site> {
    let only_asked = |site: &&Site| site.upstream == Upstream::None;
    let trusted = !live.trusted_proxies.is_empty();
    live.sites.iter().find(only_asked).filter(|_| !trusted)
}

/// Open registration in front of something of somebody's own: having an account proves nothing there.
fn lets_strangers_in(live: &Live) -> bool {
    live.registration.mode == RegistrationMode::Open
        && live.sites.iter().any(|site| {
            site.upstream != Upstream::Files(Site::SAMPLE.into())
                && (site.rules.is_empty()
                    || site.rules.iter().any(|rule| rule.allow == Allow::SignedIn))
        })
}
