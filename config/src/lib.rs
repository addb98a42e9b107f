//! What the operator wrote, and what the program believes.
//!
//! Owns the configuration file: its keys, its defaults, the layers it is put
//! together from and the words in which a mistake is explained. It must not
//! know HTTP traffic, Redis, SQL or the proxy library: it hands out plain
//! values and never opens a connection.
//!
//! [`load`] is the way in: [`Sources`] go in, a [`Config`] or all [`Problems`]
//! at once come out.

mod authorities;
mod boot;
mod certificate;
mod check;
mod database;
mod effective;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod hosts;
mod identity_headers;
mod layers;
mod live;
mod mail;
mod origin;
mod problem;
mod raw;
mod read;
mod redis;
mod role;
mod rule;
mod secret;
mod site;
mod units;
pub mod written;

pub use authorities::{NoAuthorities, authorities};
pub use boot::{Boot, Hashing, LogFormat};
pub use certificate::{Broken, Certificate, Files, Pair, Part};
pub use database::{DatabaseUrl, ServerUrl};
pub use effective::{Effective, Origins, effective};
pub use hosts::SignInAt;
pub use identity_headers::{IdentityHeaders, IdentityPreset, RoleList};
pub use layers::{Overrides, Sources};
pub use live::{
    Api, Lifetimes, Limits, Live, PasswordPolicy, Portal, Recovery, Registration, RegistrationMode,
    Throttle, UsernameRule,
};
pub use mail::{Mail, Sender, Smtp, SmtpLogin, SmtpSecurity, VerifyEmail};
pub use problem::{Color, Place, Position, Problem, Problems};
pub use redis::{Redis, RedisNodes, RedisServers};
pub use role::{NotARole, Role};
pub use rule::{Allow, GlobFault, PathGlob, Require, Rule, Who};
pub use secret::Secret;
pub use site::{
    HealthCheck, HostPattern, OnUnauthenticated, PathStyle, Protocol, Site, Upstream, WebServer,
};

// The types other rooms meet in the values above.
pub use http::Method;
pub use ipnet::IpNet;
pub use url::Url;

/// The shipped file: every key with its default, explained.
pub const REFERENCE: &str = include_str!("../doorward.toml");

/// A short file to begin with.
pub const STARTER: &str = include_str!("../starter.toml");

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

/// Puts a configuration together and checks it.
///
/// Reads the files that `sources` names, those that secrets are kept in and those
/// of certificates and their authorities, and looks whether the folders of `files:` upstreams are there; nothing else is
/// touched.
///
/// # Errors
/// Every problem found, not only the first.
pub fn load(sources: &Sources) -> Result<Config, Problems> {
    let (texts, unread) = layers::collect(sources);
    let mut findings = problem::Findings::new(&texts);
    for file in unread {
        findings.add_unread(file.place, file.fault);
    }
    let mut merged = layers::merge(&texts, &mut findings);
    let config = match read::read(&mut merged, &mut findings) {
        Some(raw) => check::check(&raw, &mut findings),
        None => Config::default(),
    };
    findings.conclude(config)
}

/// The JSON Schema of the configuration file.
#[must_use]
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(raw::File)
}
