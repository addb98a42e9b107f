//! Bearer tokens (RFC 6750): finding one in a request, and the origin that it has to be for.
//!
//! Owns what counts as showing one. Other schemes of `Authorization` are the site's own and no credential here. Must not
//! know sessions or rules.

use doorward_identity::access_token::{self, Checked, NotGood};
use doorward_identity::keys::KeyRing;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;

use crate::context::Visit;

/// What a request shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    /// No token.
    None,
    /// One.
    Token(&'a str),
    /// Several, or none that could be one.
    Malformed,
}

/// Finds the token of a request.
#[must_use]
pub fn find(headers: &HeaderMap) -> Presented<'_> {
    let mut tokens = headers
        .get_all(AUTHORIZATION)
        .iter()
        .filter_map(|value| of_scheme(value.as_bytes()));
    let Some(first) = tokens.next() else {
        return Presented::None;
    };
    // Beside another credential it would not be clear who asks.
    if tokens.next().is_some() || headers.get_all(AUTHORIZATION).iter().nth(1).is_some() {
        return Presented::Malformed;
    }
    match std::str::from_utf8(first) {
        Ok(token) if !token.is_empty() => Presented::Token(token),
        Ok(_) | Err(_) => Presented::Malformed,
    }
}

/// What follows the scheme, if that is `Bearer`; its case does not count (RFC 9110 §11.1).
fn of_scheme(value: &[u8]) -> Option<&[u8]> {
    let end = value.iter().position(|byte| *byte == b' ');
    let (scheme, rest) = value.split_at_checked(end.unwrap_or(value.len()))?;
    scheme
        .eq_ignore_ascii_case(b"bearer")
        .then(|| rest.trim_ascii())
}

/// Judges a token by its signature and by what it says; whether its session is live is asked next.
///
/// # Errors
/// It is not good for this visit's origin, now.
pub fn check(
    keys: &KeyRing,
    portal_origin: Option<&str>,
    visit: &Visit,
    token: &str,
    now: Timestamp,
) -> Result<Checked, NotGood> {
    let keys = keys.now();
    match portal_origin {
        Some(origin) => access_token::check(&keys, origin, token, now),
        None => access_token::check(&keys, &own_origin(visit), token, now),
    }
}

/// `https://app.example.com`: the port only where it is not the scheme's own.
fn own_origin(visit: &Visit) -> String {
    let (scheme, name) = (visit.client.scheme, visit.host.name());
    match visit.host.port() {
        Some(port) if port != scheme.default_port() => {
            format!("{}://{name}:{port}", scheme.as_str())
        }
        Some(_) | None => format!("{}://{name}", scheme.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn what_counts_as_a_token() {
        for (values, expected) in [
            (&[][..], Presented::None),
            (&["Basic YTpi"], Presented::None),
            (&["Bearerabc"], Presented::None),
            (&["Bearer abc"], Presented::Token("abc")),
            (&["bEARER   abc "], Presented::Token("abc")),
            (&["Bearer"], Presented::Malformed),
            (&["Bearer "], Presented::Malformed),
            (&["Bearer a", "Bearer a"], Presented::Malformed),
            (&["Basic YTpi", "Bearer a"], Presented::Malformed),
            (&["Bearer a", "Basic YTpi"], Presented::Malformed),
            (&["Basic YTpi", "Basic YTpi"], Presented::None),
        ] {
            assert_eq!(find(&headers(values)), expected, "{values:?}");
        }
    }
}
