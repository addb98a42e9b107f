//! Signed assertions: what an upstream is told about a person, in a form that it can check (RFC 7519, signed as RFC 7515
//! says).
//!
//! Owns what one says. It is for one host and a few minutes, and no token of ours: nothing here takes one back. Must not
//! know HTTP, nor who is told.

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header, encode};
use serde::Serialize;

use crate::AccountId;
use crate::Fault;
use crate::keys::Keys;
use crate::session::{Amr, Record};

/// How long one is good.
pub const LIFE: Duration = Duration::from_mins(5);

/// What an assertion says.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    preferred_username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    roles: &'a [String],
    amr: &'a [Amr],
    auth_time: i64,
    iat: i64,
    exp: i64,
}

/// What an assertion is made for.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The origin that vouches for it.
    pub issuer: &'a str,
    /// The host that it is for.
    pub audience: &'a str,
    /// Who it speaks of.
    pub subject: Subject<'a>,
    /// Now.
    pub now: Timestamp,
}

/// Whoever an assertion speaks of.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The account.
    pub account: AccountId,
    /// The user, as upstreams are told.
    pub user: &'a str,
    /// The e-mail, only if it is verified.
    pub email: Option<&'a str>,
    /// Roles.
    pub roles: &'a [String],
    /// How it was proven.
    pub amr: &'a [Amr],
    /// When.
    pub auth_time: Timestamp,
}

impl<'a> From<&'a Record> for Subject<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            account: record.account,
            user: &record.user,
            email: record.email.as_deref(),
            roles: &record.roles,
            amr: &record.amr,
            auth_time: record.auth_time,
        }
    }
}

/// Makes an assertion, good for [`LIFE`].
///
/// # Errors
/// [`Fault::Broken`] when it cannot be signed.
pub fn mint(keys: &Keys, order: Order<'_>) -> Result<String, Fault> {
    let (kid, key) = keys.signer();
    let header = Header {
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::ES256)
    };
    let Order {
        issuer,
        audience,
        subject,
        now,
    } = order;
    let iat = now.as_second();
    let claims = Claims {
        iss: issuer,
        aud: audience,
        sub: subject.account.to_string(),
        preferred_username: subject.user,
        email: subject.email,
        roles: subject.roles,
        amr: subject.amr,
        auth_time: subject.auth_time.as_second(),
        iat,
        exp: iat.saturating_add(i64::try_from(LIFE.as_secs()).unwrap_or(i64::MAX)),
    };
    encode(&header, &claims, key)
        .map_err(|error| Fault::broken_by("an assertion cannot be signed", error))
}
