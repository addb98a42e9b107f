//! A request that came by HTTP/2 in the form of one that came by HTTP/1.1, so that whoever reads it next need not
//! know the difference.
//!
//! Owns that form: the host in `Host`, all cookies in one field. Must not judge either.

use http::header::{COOKIE, HOST};
use http::{HeaderValue, Uri};
use pingora_http::RequestHeader;

use crate::host::{Fault, Host};
use crate::refusal::Refusal;

/// Brings a request into that form.
///
/// # Errors
/// Its host is none or two, or what is made of it is no request.
pub fn settle(request: &mut RequestHeader) -> Result<(), Refusal> {
    let no_request = |_| Refusal::Malformed("request");
    // Before the authority goes: a Host that says something else is one too many (RFC 9113, section 8.3.1).
    Host::of(request)?;
    if let Some(authority) = request.uri.authority() {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Fault::NoName)?;
        request.insert_header(HOST, host).map_err(no_request)?;
        let mut target = Uri::builder();
        if let Some(path) = request.uri.path_and_query() {
            target = target.path_and_query(path.clone());
        }
        let target = target
            .build()
            .map_err(|_| Refusal::Malformed("request target"))?;
        request.set_uri(target);
    }
    join_cookies(request)
}

/// Each cookie may come in a field of its own (RFC 9113, section 8.2.3).
fn join_cookies(request: &mut RequestHeader) -> Result<(), Refusal> {
    let fields = request.headers.get_all(COOKIE);
    if fields.iter().nth(1).is_none() {
        return Ok(());
    }
    let fields: Vec<&[u8]> = fields.iter().map(HeaderValue::as_bytes).collect();
    let joined = fields.join(&b"; "[..]);
    request.remove_header(&COOKIE);
    request
        .insert_header(COOKIE, joined)
        .map_err(|_| Refusal::Malformed("cookies"))
}

/// How long the head would be in HTTP/1.1.
#[must_use]
pub fn length(request: &RequestHeader) -> u64 {
    // `: ` and the end of the line; for the request line two spaces, the version and the end of the line.
    let fields = request
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4);
    let line = request.method.as_str().len() + request.raw_path().len() + 12;
    fields
        .chain([line, 2])
        .fold(0, |sum, part| sum.saturating_add(part as u64))
}

#[cfg(test)]
mod tests {
    use http::Version;

    use super::*;

    fn request(uri: &str, headers: &[(&'static str, &str)]) -> RequestHeader {
        let mut parts = http::Request::builder().uri(uri).version(Version::HTTP_2);
        for (name, value) in headers {
            parts = parts.header(*name, *value);
        }
        parts.body(()).unwrap().into_parts().0.into()
    }

    fn settled(uri: &str, headers: &[(&'static str, &str)]) -> Result<RequestHeader, Refusal> {
        let mut request = request(uri, headers);
        settle(&mut request).map(|()| request)
    }

    #[test]
    fn the_authority_becomes_the_host() {
        let request = settled("https://App.test:8443/a%62?q", &[]).unwrap();
        assert_eq!(request.headers[HOST], "App.test:8443");
        assert_eq!(request.raw_path(), b"/a%62?q");
        assert!(request.uri.authority().is_none());
        let same = settled("https://app.test/", &[("host", "app.test")]).unwrap();
        assert_eq!(same.headers.get_all(HOST).iter().count(), 1);
        let only = settled("/a", &[("host", "app.test")]).unwrap();
        assert_eq!(only.headers[HOST], "app.test");
    }

    #[test]
    fn two_hosts_are_refused() {
        for (uri, hosts) in [
            ("https://app.test/", &[("host", "admin.test")][..]),
            (
                "https://app.test/",
                &[("host", "app.test"), ("host", "app.test")],
            ),
            ("/", &[]),
        ] {
            assert!(
                matches!(settled(uri, hosts), Err(Refusal::Host(_))),
                "{uri}"
            );
        }
    }

    #[test]
    fn crumbs_become_one_cookie_field() {
        let crumbs = [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2; c=3")];
        let request = settled("https://app.test/", &crumbs).unwrap();
        let cookies: Vec<_> = request.headers.get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
        let one = settled("https://app.test/", &[("cookie", "a=1")]).unwrap();
        assert_eq!(one.headers[COOKIE], "a=1");
    }

    #[test]
    fn it_is_as_long_as_it_would_be() {
        let request = request("/a?b", &[("host", "app.test"), ("x", "yz")]);
        let text = "GET /a?b HTTP/1.1\r\nhost: app.test\r\nx: yz\r\n\r\n";
        assert_eq!(length(&request), text.len() as u64);
    }
}
