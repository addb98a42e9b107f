//! A protected site: the host it answers to, where its requests go, who may
//! ask.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Allow, IdentityHeaders, IdentityPreset, PathGlob, Rule};

/// One protected site.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Label in metrics and logs; no other site has it.
    pub name: String,
    /// The hosts it answers to.
    pub host: HostPattern,
    /// Where its requests go.
    pub upstream: Upstream,
    /// PEM file of the authorities that `https://` upstreams are checked against; absent, those of the system.
    pub upstream_ca: Option<PathBuf>,
    /// How upstreams are asked whether they are well; absent, they are not.
    pub health_check: Option<HealthCheck>,
    /// The headers that tell the upstream who is asking.
    pub identity: IdentityHeaders,
    /// Whether the upstream is told so in a signed form, too.
    pub assertion: bool,
    /// Which spellings of a path are let through.
    pub paths: PathStyle,
    /// The first whose path and methods match decides; none matching refuses.
    /// Empty only if none were written: then everything asks for sign-in.
    pub rules: Vec<Rule>,
    /// What a request without a session gets.
    pub on_unauthenticated: OnUnauthenticated,
    /// Origins besides the site's own that may open a WebSocket, as browsers
    /// write them: `https://app.example.com`, default port left out.
    pub websocket_origins: Vec<String>,
    /// Bytes of a request body; absent is unlimited. `limits.body` is already
    /// in here.
    pub body_limit: Option<u64>,
    /// Longest wait for a connection to the upstream.
    pub connect_timeout: Duration,
    /// Longest wait for the upstream's answer to begin. What flows after that,
    /// events and WebSockets included, is not held to it.
    pub response_timeout: Duration,
    /// How long browsers that came by HTTPS come by nothing else; absent says
    /// nothing about it, zero makes them forget.
    pub hsts: Option<Duration>,
}

impl Site {
    /// The name that requests are counted under for which there is no site; no site may have it.
    pub const NO_SITE: &str = "none";
    /// The name that the built-in pages are counted and logged under; no site may have it.
    pub const PORTAL: &str = "portal";
    /// Default of `connect_timeout`.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
    /// Default of `response_timeout`.
    pub const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);
    /// Default of `hsts`: what ASVS 5.0 asks for (3.4.1).
    pub const HSTS: Duration = Duration::from_hours(365 * 24);
    /// Folder of the sample site.
    pub const SAMPLE: &'static str = "protected/site";

    /// A site with everything but host and upstream at its default: any rule is
    /// absent, so everything asks for sign-in.
    #[must_use]
    pub fn new(host: HostPattern, upstream: Upstream) -> Self {
        Self {
            name: host.to_string(),
            host,
            upstream,
            upstream_ca: None,
            health_check: None,
            identity: IdentityPreset::Remote.headers(),
            assertion: true,
            paths: PathStyle::Strict,
            rules: Vec::new(),
            on_unauthenticated: OnUnauthenticated::Auto,
            websocket_origins: Vec::new(),
            body_limit: None,
            connect_timeout: Self::CONNECT_TIMEOUT,
            response_timeout: Self::RESPONSE_TIMEOUT,
            hsts: Some(Self::HSTS),
        }
    }

    /// What is protected when nothing is configured: the sample site, whose home
    /// page and its looks are open and everything else asks for sign-in.
    #[must_use]
    pub fn sample() -> Self {
        let open = |path: &str| Rule {
            path: PathGlob::parse(path).ok(),
            methods: Some(vec![http::Method::GET, http::Method::HEAD]),
            allow: Allow::Anyone,
            ..Rule::signed_in()
        };
        Self {
            name: "app".to_owned(),
            rules: vec![open("/"), open("/assets/**"), Rule::signed_in()],
            ..Self::new(HostPattern::Any, Upstream::Files(Self::SAMPLE.into()))
        }
    }
}

/// The hosts a site answers to. An exact host is preferred to `*.x`, a longer
/// `*.x` to a shorter one, and any of them to `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// This one: lower case, ASCII (IDNA), no port, IPv6 in brackets.
    Exact(String),
    /// `*.example.com`: every host below `example.com`, not itself. Holds
    /// `example.com`.
    Under(String),
    /// `*`
    Any,
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => f.write_str(host),
            Self::Under(parent) => write!(f, "*.{parent}"),
            Self::Any => f.write_str("*"),
        }
    }
}

/// Where a site's requests go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Upstream {
    /// `http://`, `https://` or `h2c://`: one, or several to balance over. Never empty, none twice.
    Web(Vec<WebServer>),
    /// `unix:/path`: HTTP over a Unix socket.
    Unix(PathBuf),
    /// `files:DIR`: the built-in file origin.
    Files(PathBuf),
    /// `none`: nothing is forwarded, other proxies only ask for a decision.
    None,
}

/// One server that speaks HTTP over TCP.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebServer {
    /// What is spoken there.
    pub protocol: Protocol,
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// Never zero.
    pub port: u16,
}

/// What is spoken to an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1 in the clear.
    Http,
    /// HTTP/2 or HTTP/1.1 over TLS, as the upstream prefers; its certificate is checked.
    Https,
    /// HTTP/2 in the clear, without asking first.
    H2c,
}

impl Protocol {
    /// The scheme of its URLs.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::H2c => "h2c",
        }
    }
}

/// How an upstream is asked whether it is well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HealthCheck {
    /// Path, and maybe query, of a `GET` that is answered with 2xx or 3xx.
    pub path: String,
    /// From one question to the next, and the longest wait for an answer.
    pub interval: Duration,
}

impl HealthCheck {
    /// Default of `interval`.
    pub const INTERVAL: Duration = Duration::from_secs(10);
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(servers) => servers.iter().enumerate().try_for_each(|(index, server)| {
                let comma = if index == 0 { "" } else { ", " };
                write!(f, "{comma}{server}")
            }),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Files(path) => write!(f, "files:{}", path.display()),
            Self::None => f.write_str("none"),
        }
    }
}

impl fmt::Display for WebServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            protocol,
            host,
            port,
        } = self;
        let scheme = protocol.scheme();
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}")
        } else {
            write!(f, "{scheme}://{host}:{port}")
        }
    }
}

/// Which spellings of a path are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathStyle {
    /// Anything that two programs could read differently is refused.
    #[default]
    Strict,
    /// `;`, `//` and `%2F` pass unchanged; never dot segments, `\` or NUL.
    Relaxed,
}

/// What a request without a session gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub enum OnUnauthenticated {
    /// Browsers are sent to the login page, programs get 401.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// Always to the login page.
    #[serde(rename = "redirect")]
    Redirect,
    /// Always 401.
    #[serde(rename = "401")]
    Unauthorized,
}
