//! What the operator wrote, and what the program believes.
//!
//! Owns the configuration file: its keys, its defaults, the layers it is put
//! together from and the words in which a mistake is explained. It must not
//! know HTTP traffic, Redis, SQL or the proxy library: it hands out plain
//! values and never opens a connection.
//!
//! [`load`] is the way in: [`Sources`] go in, a [`Config`] or all [`Problems`]
//! at once come out.

mod boot;
mod identity_headers;
mod live;
mod rule;
mod secret;
mod site;

pub use boot::{Boot, DatabaseUrl, Hashing, LogFormat};
pub use identity_headers::{IdentityHeaders, IdentityPreset, RoleList};
pub use live::{
    Lifetimes, Limits, Live, PasswordPolicy, Portal, Registration, RegistrationMode, Throttle,
    UsernameRule,
};
pub use rule::{Allow, GlobFault, PathGlob, Require, Rule, Who};
pub use secret::Secret;
pub use site::{HostPattern, OnUnauthenticated, PathStyle, Site, Upstream};

// The types other rooms meet in the values above.
pub use http::Method;
pub use ipnet::IpNet;
pub use url::Url;

/// A complete, checked configuration.
///
/// `Config::default()` is what a program with no file, no environment and no
/// arguments runs with; it looks at nothing on disk.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// What only a restart can change.
    pub boot: Boot,
    /// What a reload may change.
    pub live: Live,
}
