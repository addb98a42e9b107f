//! Rules: which requests they are about and who may make them.

mod glob;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Role;

pub use glob::{GlobFault, PathGlob};

/// One rule of a site. The first whose `path` and `methods` match decides;
/// its `from`, `allow` and `require` must then all hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Absent: every path.
    pub path: Option<PathGlob>,
    /// Absent: every method; never an empty list.
    pub methods: Option<Vec<http::Method>>,
    /// Networks the client must be in; empty means wherever it is.
    pub from: Vec<IpNet>,
    /// Who may.
    pub allow: Allow,
    /// What the session must have besides.
    pub require: Option<Require>,
}

impl Rule {
    /// Every path and method, for whoever is signed in.
    #[must_use]
    pub fn signed_in() -> Self {
        Self {
            path: None,
            methods: None,
            from: Vec::new(),
            allow: Allow::SignedIn,
            require: None,
        }
    }
}

/// Who may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// Everybody, without a session too.
    Anyone,
    /// Whoever has a session.
    SignedIn,
    /// Nobody.
    Nobody,
    /// Whoever is one of these; never empty.
    AnyOf(Vec<Who>),
}

/// One entry of a list in `allow`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// `role:admin`: has that role.
    Role(Role),
    /// `user:anna`: has that username (or e-mail address, where there is none).
    User(String),
    /// `email:*@example.com`: has a verified address like that. Not accepted in
    /// a file while addresses are not verified.
    Email(String),
}

/// What a session must have besides being allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Require {
    /// Signed in with a second factor.
    TwoFactor,
}
