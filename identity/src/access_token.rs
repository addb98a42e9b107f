//! Access tokens: a session in a form that programs carry (RFC 9068, signed as RFC 7515 says).
//!
//! Owns what a token says and when it is believed. A token is as good as the session that it names: whoever checks one
//! asks for that session next. Must not know HTTP.

mod known;
#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
pub use known::KnownTokens;
use serde::{Deserialize, Serialize};

use crate::keys::Keys;
use crate::session::SessionKey;
use crate::{AccountId, Fault};

/// `typ` in the header (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";
/// Longest token that is looked at, in bytes.
pub const LONGEST: usize = 4096;
/// How far clocks of gateways may be apart.
const LEEWAY: i64 = 5;

/// What a token says. A member that comes twice makes it none.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
}

/// What a token is made for.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The origin that gives it out, and that it is good for.
    pub issuer: &'a str,
    /// The session behind it.
    pub session: &'a SessionKey,
    /// Whose it is.
    pub account: AccountId,
    /// Now.
    pub now: Timestamp,
    /// How long it is good.
    pub life: Duration,
}

/// A token that was signed by us, for this origin, and is not over. Whether the session is, is another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// The session behind it.
    pub session: SessionKey,
    /// Whose it is.
    pub account: AccountId,
    /// Since when, in seconds since 1970 UTC.
    begins: i64,
    /// Until when.
    ends: i64,
}

impl Checked {
    /// Whether it is good now, too.
    fn holding(self, now: Timestamp) -> Result<Self, NotGood> {
        let now = now.as_second();
        // Not a second longer than whoever got it was told.
        let over = now >= self.ends;
        let to_come = self.begins > now.saturating_add(LEEWAY);
        if over || to_come {
            return Err(NotGood);
        }
        Ok(self)
    }
}

/// The token is none of ours, not for here, or over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a token that is good here and now")]
pub struct NotGood;

/// Makes a token.
///
/// # Errors
/// [`Fault::Broken`] when it cannot be signed.
pub fn mint(keys: &Keys, order: Order<'_>) -> Result<String, Fault> {
    let (kid, key) = keys.signer();
    let header = Header {
        typ: Some(TYPE.to_owned()),
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::ES256)
    };
    let now = order.now.as_second();
    let life = i64::try_from(order.life.as_secs()).unwrap_or(i64::MAX);
    let claims = Claims {
        iss: order.issuer.to_owned(),
        aud: order.issuer.to_owned(),
        sub: order.account.to_string(),
        sid: URL_SAFE_NO_PAD.encode(order.session.as_bytes()),
        iat: now,
        exp: now.saturating_add(life),
        nbf: None,
    };
    encode(&header, &claims, key)
        .map_err(|error| Fault::broken_by("a token cannot be signed", error))
}

/// Judges a token for the origin `issuer`.
///
/// # Errors
/// [`NotGood`], and no more: why is nobody's business who brings a bad one.
pub fn check(keys: &Keys, issuer: &str, token: &str, now: Timestamp) -> Result<Checked, NotGood> {
    if token.len() > LONGEST {
        return Err(NotGood);
    }
    let header = decode_header(token).map_err(|_| NotGood)?;
    let key = acceptable(&header).and_then(|kid| keys.find(kid));
    let claims = decode::<Claims>(token, key.ok_or(NotGood)?, &validation(issuer));
    let claims = claims.map_err(|_| NotGood)?.claims;
    let session = URL_SAFE_NO_PAD.decode(&claims.sid).map_err(|_| NotGood)?;
    let checked = Checked {
        session: SessionKey::from_bytes(&session).ok_or(NotGood)?,
        account: claims.sub.parse().map_err(|_| NotGood)?,
        begins: claims.nbf.unwrap_or(claims.iat).max(claims.iat),
        ends: claims.exp,
    };
    checked.holding(now)
}

/// The key's name, if the header is one of ours: it says nothing about where a key might be found.
fn acceptable(header: &Header) -> Option<&str> {
    let typed = header.typ.as_deref() == Some(TYPE) && header.alg == Algorithm::ES256;
    let brings_a_key = header.jwk.is_some()
        || header.jku.is_some()
        || header.x5u.is_some()
        || header.x5c.is_some()
        || header.crit.is_some();
    header.kid.as_deref().filter(|_| typed && !brings_a_key)
}

/// The times are ours to judge, by our clock.
fn validation(issuer: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_exp = false;
    validation
}
