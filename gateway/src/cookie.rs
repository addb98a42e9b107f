//! Our own cookies among those of a request.
//!
//! Owns their names, that of the session and that of what is half-done, finding it and taking it out. Must not know whether a token is good.
//!
//! No jar is built: a request is read from left to right and left as it is. Two cookies of one
//! name mean that somebody planted one, so they are no session at all.

use doorward_identity::session::Token;
use http::header::{COOKIE, InvalidHeaderValue};
use http::{HeaderMap, HeaderValue};

use crate::scheme::Scheme;

/// The name over https; browsers take it from the host itself only, and only with `Secure`.
pub const SECURE: &str = "__Host-doorward";
/// The name over plain http.
pub const PLAIN: &str = "doorward";

/// Every name under which a browser keeps something for us; what is half-done is for the pages only.
const OURS: [&str; 4] = [PLAIN, SECURE, "doorward-flow", "__Host-doorward-flow"];

/// The name that counts for a request of this scheme.
#[must_use]
pub fn name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => PLAIN,
        Scheme::Https => SECURE,
    }
}

/// What a request has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Presented {
    /// No cookie of the name.
    None,
    /// Several, or one that no gateway gave out: no session.
    Malformed,
    /// One that has the right form.
    Token(Token),
}

/// Looks for the cookie of the request's own scheme; the other name does not count.
pub fn find(headers: &HeaderMap, scheme: Scheme) -> Presented {
    let ours = name(scheme).as_bytes();
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| value_of(pair, ours));
    match (values.next(), values.next()) {
        (None, _) => Presented::None,
        (Some(_), Some(_)) => Presented::Malformed,
        (Some(value), None) => std::str::from_utf8(value)
            .ok()
            .and_then(Token::parse)
            .map_or(Presented::Malformed, Presented::Token),
    }
}

/// Takes our cookies, under all their names, out of what the upstream is sent. All others stay as
/// they are, byte for byte.
///
/// # Errors
/// What is left is no header value; then nothing may be sent.
pub fn remove(headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
    let has_ours = |header: &HeaderValue| pairs(header).any(is_ours);
    if !headers.get_all(COOKIE).iter().any(has_ours) {
        return Ok(());
    }
    let left: Vec<Vec<u8>> = headers
        .get_all(COOKIE)
        .iter()
        .map(without_ours)
        .filter(|header| !header.is_empty())
        .collect();
    headers.remove(COOKIE);
    for header in left {
        headers.append(COOKIE, HeaderValue::try_from(header)?);
    }
    Ok(())
}

/// Whether a `Set-Cookie` of an upstream would plant a cookie under one of our names. A cookie
/// without name comes back as its value alone, so `=doorward=x` would too.
#[must_use]
pub fn plants_ours(set_cookie: &[u8]) -> bool {
    let pair = set_cookie.split(|byte| *byte == b';').next();
    pair.is_some_and(|pair| {
        let pair = pair.trim_ascii();
        is_ours(pair.strip_prefix(b"=").unwrap_or(pair))
    })
}

fn pairs(header: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    header.as_bytes().split(|byte| *byte == b';')
}

fn is_ours(pair: &[u8]) -> bool {
    let pair = pair.trim_ascii();
    // Most are not, by their first character.
    matches!(pair.first(), Some(b'd' | b'_'))
        && OURS
            .iter()
            .any(|name| value_of(pair, name.as_bytes()).is_some())
}

/// The value of a pair of this name; a name without `=` has an empty one.
fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = pair.trim_ascii().strip_prefix(name)?.trim_ascii_start();
    match rest.split_first() {
        None => Some(rest),
        Some((b'=', value)) => Some(value.trim_ascii_start()),
        Some(_) => None,
    }
}

/// What is left of it; empty if that is nothing but blanks.
fn without_ours(header: &HeaderValue) -> Vec<u8> {
    let mut left = Vec::with_capacity(header.len());
    let mut kept = pairs(header).filter(|pair| !is_ours(pair));
    if let Some(first) = kept.next() {
        left.extend_from_slice(first.trim_ascii_start());
    }
    for pair in kept {
        left.push(b';');
        left.extend_from_slice(pair);
    }
    left
}

#[cfg(test)]
mod tests;
