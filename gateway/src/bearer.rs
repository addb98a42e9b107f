//! Bearer tokens (RFC 6750): whether one is good for the origin that it was brought to, and which are no site's affair.
//!
//! Must not know sessions or rules.

use std::borrow::Cow;

use doorward_identity::access_token::{Checked, KnownTokens, NotGood};
use doorward_identity::api_key::KeySecret;
use doorward_identity::keys::KeyRing;
pub use doorward_login_ui::bearer::{Presented, find};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;

use crate::context::{Place, Visit};
use crate::origin;

/// Judges a token by its signature and by what it says; whether its session is live is asked next.
///
/// # Errors
/// It is not good for this visit's origin, now.
pub fn check(
    (keys, known): (&KeyRing, &KnownTokens),
    portal_origin: Option<&str>,
    visit: &Visit,
    token: &str,
    now: Timestamp,
) -> Result<Checked, NotGood> {
    let keys = keys.now();
    let own = || origin::of(visit.client.scheme, &visit.host);
    let origin = portal_origin.map_or_else(|| Cow::Owned(own()), Cow::Borrowed);
    known.check(&keys, &origin, token, now)
}

/// Whether an API key is on its way to a site: on an open page, beside a cookie or beside something else, where nobody
/// judged it. A site that sees one could use it.
#[must_use]
pub fn carries_key(headers: &HeaderMap, place: &Place) -> bool {
    let is_key = |value: &http::HeaderValue| {
        let apart = |byte: &u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let words = value.as_bytes().split(apart);
        words
            .filter_map(|word| std::str::from_utf8(word).ok())
            .any(|word| KeySecret::parse(word).is_some())
    };
    match place {
        Place::Portal => false,
        Place::Site(_) | Place::AcmeChallenge(_) => {
            headers.get_all(AUTHORIZATION).iter().any(is_key)
        }
    }
}
