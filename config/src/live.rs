//! The part of the configuration that a reload may change.

use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::{Certificate, Mail, Role, Site, VerifyEmail};

/// What a request is judged by. A request sees one of these to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// Where the built-in pages live.
    pub portal: Portal,
    /// How long sessions last.
    pub session: Lifetimes,
    /// Who may make an account.
    pub registration: Registration,
    /// What a new password must be.
    pub password: PasswordPolicy,
    /// How long codes for a new password work.
    pub recovery: Recovery,
    /// What programs get.
    pub api: Api,
    /// How mail leaves.
    pub mail: Mail,
    /// How many wrong tries are let through at full speed.
    pub throttle: Throttle,
    /// How big and how slow a request may be, and how many there may be.
    pub limits: Limits,
    /// Peers whose `X-Forwarded-*` count; nobody by default. IPv4 networks are
    /// always in their short form, never `::ffff:a.b.c.d`.
    pub trusted_proxies: Vec<IpNet>,
    /// Peers that must begin each connection with a PROXY header; spelled as
    /// `trusted_proxies`.
    pub proxy_protocol: Vec<IpNet>,
    /// Whether plain HTTP is answered with a redirect to HTTPS.
    pub redirect_to_tls: bool,
    /// What HTTPS is served with; the first is for names that none has.
    pub certificates: Vec<Certificate>,
    /// The protected sites, as written; never empty, no two with one name or host.
    pub sites: Vec<Site>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            portal: Portal::default(),
            session: Lifetimes::default(),
            registration: Registration::default(),
            password: PasswordPolicy::default(),
            recovery: Recovery::default(),
            api: Api::default(),
            mail: Mail::default(),
            throttle: Throttle::default(),
            limits: Limits::default(),
            trusted_proxies: Vec::new(),
            proxy_protocol: Vec::new(),
            redirect_to_tls: false,
            certificates: Vec::new(),
            sites: vec![Site::sample()],
        }
    }
}

/// Where the built-in pages live, and what they are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portal {
    /// Starts with `/`, does not end with one, in the spelling of canonical
    /// request paths.
    pub path: String,
    /// Name shown on the pages.
    pub title: String,
    /// Origin of a sign-in that serves several hosts: `http` or `https`, no
    /// path, query or credentials. See [`Live::sign_in_at`].
    pub url: Option<Url>,
}

impl Default for Portal {
    fn default() -> Self {
        Self {
            path: "/_auth".to_owned(),
            title: "Doorward".to_owned(),
            url: None,
        }
    }
}

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Without a request for this long it ends; not for remembered ones.
    pub idle: Duration,
    /// Longest life.
    pub absolute: Duration,
    /// Longest life of a remembered one.
    pub remember: Duration,
    /// How long known sessions are honoured while the store cannot be asked;
    /// zero refuses at once.
    pub outage_grace: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            idle: Duration::from_hours(2),
            absolute: Duration::from_hours(24),
            remember: Duration::from_hours(30 * 24),
            outage_grace: Duration::ZERO,
        }
    }
}

/// Who may make an account, and what it starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Who may register.
    pub mode: RegistrationMode,
    /// Whether people have to prove their address before their first session.
    pub verify_email: VerifyEmail,
    /// Whether a username must be given.
    pub username: UsernameRule,
    /// Domains whose addresses may register, in lower case and ASCII; empty means any. Only with verification.
    pub allowed_domains: Vec<String>,
    /// Usernames that nobody may register; commands and setup may.
    pub reserved_names: Vec<String>,
    /// Roles of a new account.
    pub default_roles: Vec<Role>,
}

impl Registration {
    /// The names that are reserved when the operator says nothing.
    pub const RESERVED: [&'static str; 12] = [
        "admin",
        "administrator",
        "root",
        "system",
        "support",
        "security",
        "postmaster",
        "webmaster",
        "hostmaster",
        "abuse",
        "anonymous",
        "doorward",
    ];
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Open,
            verify_email: VerifyEmail::Off,
            username: UsernameRule::Optional,
            allowed_domains: Vec::new(),
            reserved_names: Self::RESERVED.map(str::to_owned).to_vec(),
            default_roles: vec![Role::user()],
        }
    }
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationMode {
    /// Anybody.
    #[default]
    Open,
    /// Who was invited.
    Invite,
    /// Nobody: accounts come from commands.
    Closed,
}

/// Whether a username must be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UsernameRule {
    /// Without one the person is known by the e-mail address.
    #[default]
    Optional,
    /// No account without one.
    Required,
}

/// What a new password must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Fewest characters.
    pub min_length: usize,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 10 }
    }
}

/// How long codes for a new password work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// From when it is mailed.
    pub code_life: Duration,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            code_life: Duration::from_mins(10),
        }
    }
}

/// What programs get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    /// How long an access token works before it has to be refreshed.
    pub access_token_life: Duration,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            access_token_life: Duration::from_mins(15),
        }
    }
}

/// Wrong tries that are let through before delays start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// For one account, from wherever.
    pub account_failures: u32,
    /// From one address, for whatever account.
    pub address_failures: u32,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            account_failures: 10,
            address_failures: 50,
        }
    }
}

/// How big and how slow a request may be, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole header block; at most 1 MiB.
    pub header_bytes: u64,
    /// Header lines; at most 256.
    pub header_count: usize,
    /// From the first byte of a request to the end of its headers, and from
    /// the opening of a connection to its first byte.
    pub header_timeout: Duration,
    /// Bytes of a request body; absent is unlimited. Already part of each
    /// site's `body_limit`.
    pub body: Option<u64>,
    /// Connections of one address at once, of IPv6 of one /64; trusted proxies
    /// have no limit.
    pub connections_per_address: u32,
    /// Requests on one connection; at least one.
    pub requests_per_connection: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 32 * 1024,
            header_count: 100,
            header_timeout: Duration::from_secs(10),
            body: None,
            connections_per_address: 256,
            requests_per_connection: 10_000,
        }
    }
}
