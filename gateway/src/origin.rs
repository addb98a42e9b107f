//! Origins (RFC 6454): that of a request, and whether a page belongs to the site it speaks to.
//!
//! Owns writing one and comparing it with a request's scheme and host. Must not know what follows from the answer.

use crate::host::Host;
use crate::scheme::Scheme;

/// `https://app.example.com`: the port only where it is not the scheme's own.
#[must_use]
pub fn of(scheme: Scheme, host: &Host<'_>) -> String {
    let (word, name) = (scheme.as_str(), host.name());
    match host.port() {
        Some(port) if port != scheme.default_port() => format!("{word}://{name}:{port}"),
        Some(_) | None => format!("{word}://{name}"),
    }
}

/// Whether an origin, as browsers write it, is that of a request. A page on https may speak to a
/// host that looks like http from here: TLS may end at a proxy that says nothing about it.
#[must_use]
pub fn is_own(origin: &[u8], scheme: Scheme, host: &Host<'_>) -> bool {
    let split = origin.windows(3).position(|part| part == b"://");
    let Some((theirs, rest)) = split.and_then(|at| origin.split_at_checked(at)) else {
        return false;
    };
    let (Some(theirs), Some(authority)) = (Scheme::parse(theirs), rest.get(3..)) else {
        return false;
    };
    let Ok(authority) = Host::parse(authority) else {
        return false;
    };
    let port =
        |host: &Host<'_>, scheme: Scheme| host.port().filter(|port| *port != scheme.default_port());
    (theirs == scheme || theirs == Scheme::Https)
        && authority.name() == host.name()
        && port(&authority, theirs) == port(host, scheme)
}

/// The path and query of an address on the request's own origin, without fragment; `None` for
/// any other address.
#[must_use]
pub fn own_path<'a>(address: &'a [u8], scheme: Scheme, host: &Host<'_>) -> Option<&'a [u8]> {
    let start = address.windows(3).position(|part| part == b"://")? + 3;
    let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'#');
    let length = address.get(start..)?.iter().position(ends);
    let end = length.map_or(address.len(), |length| start + length);
    let (origin, rest) = address.split_at_checked(end)?;
    let path = rest.split(|byte| *byte == b'#').next()?;
    is_own(origin, scheme, host).then_some(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_path_of_an_own_address_and_of_no_other() {
        let host = Host::parse(b"app.test:8080").unwrap();
        for (address, path) in [
            ("http://app.test:8080/a?b#c", Some("/a?b")),
            ("http://app.test:8080", Some("")),
            ("http://app.test:8080?x", Some("?x")),
            ("http://app.test/a", None),
            ("http://app.test:8080@evil.test/a", None),
            ("http://app.test:8080\\@evil.test/a", None),
            ("http://evil.test/http://app.test:8080/", None),
            ("//app.test:8080/a", None),
            ("/a", None),
            ("about:blank", None),
            ("", None),
        ] {
            let found = own_path(address.as_bytes(), Scheme::Http, &host);
            assert_eq!(found, path.map(str::as_bytes), "{address}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(address: Vec<u8>) {
            let host = Host::parse(b"app.test").unwrap();
            let _ = is_own(&address, Scheme::Https, &host);
            let _ = own_path(&address, Scheme::Https, &host);
        }
    }
}
