//! Mail: who it comes from, and which server takes it.

use serde::Deserialize;

use crate::Secret;

/// How mail leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mail {
    /// Who it comes from.
    pub from: Sender,
    /// The server that takes it; absent, messages are written to `outbox/` in the data folder.
    pub smtp: Option<Smtp>,
}

/// `Doorward <no-reply@example.com>`: the name shown and the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Without `<`, `>`, `"` and control characters; never empty.
    pub name: Option<String>,
    /// `local@domain` in ASCII: a dot-atom (RFC 5322 §3.2.3) and a domain name.
    pub address: String,
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            name: Some("Doorward".to_owned()),
            address: "no-reply@example.com".to_owned(),
        }
    }
}

/// A server that takes mail (RFC 5321, RFC 6409).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// A name, or an address without brackets. Its certificate must be for that.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// Whether and how the connection is encrypted.
    pub security: SmtpSecurity,
    /// Who we are to it; absent, nobody.
    pub login: Option<SmtpLogin>,
}

/// Name and password for a mail server. Never used on a connection that is not encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpLogin {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Whether and how a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Not at all: `smtp://`.
    Plain,
    /// By STARTTLS or not at all (RFC 3207): `smtp://…?tls=required`.
    StartTls,
    /// From its first byte (RFC 8314 §3.3): `smtps://`.
    Tls,
}

/// Whether people have to prove their address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyEmail {
    /// Before their first session.
    On,
    /// Not at all.
    Off,
}

/// Whether people have to prove their address, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerifyEmailWord {
    /// When there is a mail server.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}
