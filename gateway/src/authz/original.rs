//! The request that another proxy asks about, as it would have come here.
//!
//! Owns reading what each kind of proxy says of it. Whatever is missing, or there twice, makes it no question. Must
//! not know what the request may do.

use std::borrow::Cow;

use doorward_config::PathStyle;
use http::header::{HOST, UPGRADE};
use http::{HeaderMap, HeaderValue, Method};
use pingora_http::RequestHeader;

use super::Dialect;
use crate::client;
use crate::host::Host;
use crate::origin;
use crate::refusal::Refusal;
use crate::scheme::Scheme;
use crate::target;

/// A header of which there must be one, and what is said otherwise.
struct Field(&'static str, &'static str);

const URL: Field = Field(
    "x-original-url",
    "X-Original-URL must be there, once: https://host/path",
);
const URL_METHOD: Field = Field("x-original-method", "X-Original-Method must be there, once");
const URI: Field = Field("x-forwarded-uri", "X-Forwarded-Uri must be there, once");
const URI_METHOD: Field = Field(
    "x-forwarded-method",
    "X-Forwarded-Method must be there, once",
);
const PROTO: Field = Field(
    "x-forwarded-proto",
    "X-Forwarded-Proto must be there, http or https",
);
const FORWARDED_HOST: Field = Field("x-forwarded-host", "X-Forwarded-Host must be there");

/// Where the browser is.
#[derive(Debug)]
pub struct Whence {
    scheme: Scheme,
    host: Host<'static>,
}

impl Whence {
    /// The host that it asked for.
    pub fn host(&self) -> &Host<'static> {
        &self.host
    }

    /// `https://app.example.com`.
    pub fn origin(&self) -> String {
        origin::of(self.scheme, &self.host)
    }
}

/// What is said of a request.
#[derive(Debug, PartialEq, Eq)]
struct Said<'a> {
    method: Method,
    scheme: Scheme,
    host: &'a [u8],
    target: Cow<'a, [u8]>,
}

/// Makes the original of a question; `rest` is what follows the address at which it is asked.
///
/// # Errors
/// Something is missing, or what is said is no request.
pub fn read(
    request: &RequestHeader,
    dialect: Dialect,
    rest: &[u8],
) -> Result<(RequestHeader, Whence), Refusal> {
    let headers = &request.headers;
    let said = match dialect {
        Dialect::AuthRequest => original_url(headers)?,
        Dialect::ForwardAuth => forwarded(headers)?,
        Dialect::ExtAuthz => added(request, rest)?,
        Dialect::Oauth2 => either(headers, rest)?,
    };
    // Read before it is parsed, which would repair it; what a site reads more strictly is refused later.
    target::canonical(&said.target, PathStyle::Relaxed)?;
    let host = Host::parse(said.host)?.into_owned();
    let scheme = said.scheme;
    let original = make(request, said).map_err(|_| Refusal::Malformed("the original request"))?;
    Ok((original, Whence { scheme, host }))
}

/// The question's own headers are the original's, but for those that say how the original came.
fn make(request: &RequestHeader, said: Said<'_>) -> pingora_error::Result<RequestHeader> {
    let mut original = request.clone();
    original.set_method(said.method);
    original.set_raw_path(&said.target)?;
    original.insert_header(HOST, said.host)?;
    original.remove_header("x-forwarded-host");
    original.insert_header("x-forwarded-proto", said.scheme.as_str())?;
    let headers = &original.headers;
    if headers.contains_key("sec-websocket-key") && !headers.contains_key(UPGRADE) {
        // It concerns one connection only, so most proxies keep it to themselves (RFC 9110, section 7.6.1).
        original.insert_header(UPGRADE, "websocket")?;
    }
    Ok(original)
}

/// nginx has but one address of the whole.
fn original_url(headers: &HeaderMap) -> Result<Said<'_>, Refusal> {
    let url = one(headers, &URL)?;
    let split = url.windows(3).position(|part| part == b"://");
    let (scheme, rest) = split
        .and_then(|at| url.split_at_checked(at))
        .ok_or(Refusal::Malformed(URL.1))?;
    let rest = rest.get(3..).unwrap_or(b"");
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
    let (host, target) = rest
        .split_at_checked(end.unwrap_or(rest.len()))
        .ok_or(Refusal::Malformed(URL.1))?;
    let target = match target.first() {
        Some(b'/') => Cow::Borrowed(target),
        Some(_) | None => Cow::Owned([b"/", target].concat()),
    };
    Ok(Said {
        method: method(one(headers, &URL_METHOD)?)?,
        scheme: Scheme::parse(scheme).ok_or(Refusal::Malformed(URL.1))?,
        host,
        target,
    })
}

fn forwarded(headers: &HeaderMap) -> Result<Said<'_>, Refusal> {
    Ok(Said {
        method: method(one(headers, &URI_METHOD)?)?,
        scheme: proto(headers)?,
        host: client::nearest(headers, FORWARDED_HOST.0)
            .ok_or(Refusal::Malformed(FORWARDED_HOST.1))?,
        target: Cow::Borrowed(one(headers, &URI)?),
    })
}

/// Envoy asks with the method, the host and, behind our address, the target of the original.
fn added<'a>(request: &'a RequestHeader, rest: &'a [u8]) -> Result<Said<'a>, Refusal> {
    if rest.first() != Some(&b'/') {
        return Err(Refusal::Malformed(
            "the original path must follow the address",
        ));
    }
    let headers = &request.headers;
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    Ok(Said {
        method: request.method.clone(),
        scheme: proto(headers)?,
        host: client::nearest(headers, FORWARDED_HOST.0)
            .or(host)
            .ok_or(Refusal::Malformed(FORWARDED_HOST.1))?,
        target: Cow::Borrowed(rest),
    })
}

/// oauth2-proxy is asked by nginx and by others; of two that differ one is somebody else's.
fn either<'a>(headers: &'a HeaderMap, rest: &[u8]) -> Result<Said<'a>, Refusal> {
    if !rest.is_empty() {
        // To pass over `allowed_groups` would let more people in than whoever wrote it thinks.
        return Err(Refusal::Malformed("who may is said by rules, not here"));
    }
    if !headers.contains_key(URL.0) {
        return forwarded(headers);
    }
    let said = original_url(headers)?;
    if headers.contains_key(URI.0) && forwarded(headers)? != said {
        return Err(Refusal::Malformed(
            "X-Original-URL and X-Forwarded-Uri differ",
        ));
    }
    Ok(said)
}

fn one<'a>(headers: &'a HeaderMap, field: &Field) -> Result<&'a [u8], Refusal> {
    let mut values = headers.get_all(field.0).iter();
    match (values.next().map(HeaderValue::as_bytes), values.next()) {
        (Some(value), None) if !value.is_empty() => Ok(value),
        (Some(_) | None, _) => Err(Refusal::Malformed(field.1)),
    }
}

fn proto(headers: &HeaderMap) -> Result<Scheme, Refusal> {
    client::nearest(headers, PROTO.0)
        .and_then(client::scheme)
        .ok_or(Refusal::Malformed(PROTO.1))
}

fn method(word: &[u8]) -> Result<Method, Refusal> {
    Method::from_bytes(word).map_err(|_| Refusal::Malformed("the original method is none"))
}

/// Whether a header asks some applications for another path than that of the request line. `X-Original-URL`, which
/// does so too, is what proxies set.
pub fn asks_for_another_path(name: &[u8]) -> bool {
    const FAMILY: &[u8] = b"x-rewrite-";
    const OTHERS: [&[u8]; 3] = [b"path-info", b"script-name", b"x-script-name"];
    let same = |(byte, wanted): (&u8, &u8)| match wanted {
        b'-' => !byte.is_ascii_alphanumeric(),
        _ => byte.eq_ignore_ascii_case(wanted),
    };
    let begins = |wanted: &[u8]| name.len() >= wanted.len() && name.iter().zip(wanted).all(same);
    begins(FAMILY)
        || OTHERS
            .iter()
            .any(|other| name.len() == other.len() && begins(other))
}

#[cfg(test)]
mod tests;
