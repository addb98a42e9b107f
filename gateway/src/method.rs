//! Which methods are passed on at all.
//!
//! Owns that list. Must not know rules: a method that passes here is still judged by them.

use http::Method;

/// What becomes of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Standing {
    /// Passed on, if a rule allows it.
    Known,
    /// Never passed on: `TRACE` echoes headers that are not the client's, `CONNECT` is a
    /// tunnel around every rule.
    Refused,
    /// Not known; methods are upper case (RFC 9110, section 9.1).
    Unknown,
}

/// Extensions that are passed on: `WebDAV` (RFC 4918, 3253, 5323, 5842), and what is a `GET` with a body (the IETF's
/// draft-ietf-httpbis-safe-method-w-body).
const EXTENSIONS: [&str; 18] = [
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
    "MKCALENDAR",
    "ACL",
    "VERSION-CONTROL",
    "CHECKIN",
    "CHECKOUT",
    "BIND",
    "REBIND",
    "UNBIND",
    "QUERY",
];

/// Judges a method.
pub fn judge(method: &Method) -> Standing {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => Standing::Known,
        Method::TRACE | Method::CONNECT => Standing::Refused,
        ref other if EXTENSIONS.contains(&other.as_str()) => Standing::Known,
        _ => Standing::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_method() {
        for (names, standing) in [
            (
                &[
                    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
                    "QUERY", "REPORT",
                ][..],
                Standing::Known,
            ),
            (&["TRACE", "CONNECT"], Standing::Refused),
            (
                &["get", "Get", "trace", "PRI", "TRACK", "DEBUG", "FOO", "G"],
                Standing::Unknown,
            ),
        ] {
            for name in names {
                assert_eq!(judge(&name.parse().unwrap()), standing, "{name}");
            }
        }
    }
}
