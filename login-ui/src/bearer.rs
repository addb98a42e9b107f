//! Finding a bearer token in a request (RFC 6750 §2.1).
//!
//! Owns what counts as showing one, for the pages and for the gateway. Other schemes of `Authorization` are no credential
//! here. Must not know what a token says.

use http::HeaderMap;
use http::header::AUTHORIZATION;

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
