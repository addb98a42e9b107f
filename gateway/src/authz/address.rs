//! At which address who asks.
//!
//! Owns the addresses: ours under the portal's path, and on the host of `portal.url` those of Authelia and of
//! oauth2-proxy, so that a proxy which asks one of them need not be told another. Must not know what is asked.

use pingora_http::RequestHeader;

use crate::host::Host;
use crate::sites::Sites;
use crate::target;

/// How a proxy says what it asks about, and which answers it understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// nginx: `X-Original-URL` and `-Method`; 2xx, 401, 403.
    AuthRequest,
    /// Traefik, Caddy, `HAProxy`: `X-Forwarded-*`; what is not 2xx goes to the browser as it is.
    ForwardAuth,
    /// Envoy: the path is added to the address, the method is the request's own; what is not 200 goes to the browser.
    ExtAuthz,
    /// Whoever asked oauth2-proxy: either metadata; 202, 401, 403.
    Oauth2,
}

/// What is at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address<'a> {
    /// A question, and what follows its address: to Envoy that is the original target, to oauth2-proxy what it restricts.
    Question(Dialect, &'a [u8]),
    /// Where oauth2-proxy's browsers sign in.
    SignIn,
    /// Where they sign out.
    SignOut,
}

/// What is at the address of a request, if it is one of these. Only the exact spelling counts; the pages know no
/// other.
#[must_use]
pub fn find<'a>(request: &'a RequestHeader, sites: &Sites) -> Option<Address<'a>> {
    let raw = request.raw_path();
    let under_portal = raw
        .strip_prefix(sites.portal.path().as_bytes())
        .and_then(|below| below.strip_prefix(b"/authz/"));
    if let Some(below) = under_portal {
        return question(below);
    }
    let theirs = match raw.strip_prefix(b"/api/authz/") {
        Some(below) => question(below),
        None => oauth2(raw.strip_prefix(b"/oauth2/")?),
    }?;
    is_portal_host(request, sites).then_some(theirs)
}

fn question(below: &[u8]) -> Option<Address<'_>> {
    let path = without_query(below);
    let rest = below.strip_prefix(b"ext-authz");
    match (path, rest) {
        (b"auth-request", _) => Some(Address::Question(Dialect::AuthRequest, b"")),
        (b"forward-auth", _) => Some(Address::Question(Dialect::ForwardAuth, b"")),
        (_, Some(rest)) if matches!(rest.first(), None | Some(b'/' | b'?')) => {
            Some(Address::Question(Dialect::ExtAuthz, rest))
        }
        (_, Some(_) | None) => None,
    }
}

fn oauth2(below: &[u8]) -> Option<Address<'_>> {
    match without_query(below) {
        path @ b"auth" => Some(Address::Question(
            Dialect::Oauth2,
            below.get(path.len()..).unwrap_or(b""),
        )),
        b"start" => Some(Address::SignIn),
        b"sign_out" => Some(Address::SignOut),
        _ => None,
    }
}

fn without_query(target: &[u8]) -> &[u8] {
    std::str::from_utf8(target).map_or(b"", |text| target::path_of(text).as_bytes())
}

/// Whether it was sent to the host of `portal.url` itself: what a proxy says that its client asked for is another
/// matter.
fn is_portal_host(request: &RequestHeader, sites: &Sites) -> bool {
    let url = sites.live.portal.url.as_ref();
    let portal = url.and_then(url::Url::host_str);
    Host::of(request).is_ok_and(|host| Some(host.name()) == portal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_are_questions() {
        let (nginx, caddy) = (Dialect::AuthRequest, Dialect::ForwardAuth);
        for (below, expected) in [
            ("auth-request", Some((nginx, ""))),
            ("auth-request?x=/y", Some((nginx, ""))),
            ("forward-auth", Some((caddy, ""))),
            ("ext-authz", Some((Dialect::ExtAuthz, ""))),
            ("ext-authz/", Some((Dialect::ExtAuthz, "/"))),
            ("ext-authz/a/b?c=d", Some((Dialect::ExtAuthz, "/a/b?c=d"))),
            ("ext-authz//evil", Some((Dialect::ExtAuthz, "//evil"))),
            ("ext-authz?a", Some((Dialect::ExtAuthz, "?a"))),
            ("ext-authzed", None),
            ("auth-request/", None),
            ("auth-request/x", None),
            ("forward-auth;x", None),
            ("Forward-Auth", None),
            ("", None),
        ] {
            let expected =
                expected.map(|(dialect, rest)| Address::Question(dialect, rest.as_bytes()));
            assert_eq!(question(below.as_bytes()), expected, "{below}");
        }
        for (below, expected) in [
            ("auth", Some(Address::Question(Dialect::Oauth2, b""))),
            (
                "auth?allowed_groups=x",
                Some(Address::Question(Dialect::Oauth2, b"?allowed_groups=x")),
            ),
            ("start?rd=/x", Some(Address::SignIn)),
            ("sign_out", Some(Address::SignOut)),
            ("userinfo", None),
            ("", None),
        ] {
            assert_eq!(oauth2(below.as_bytes()), expected, "{below}");
        }
    }
}
