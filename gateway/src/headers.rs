//! What a request may carry to an upstream: strip first, set last.
//!
//! Owns both halves. Must not know who is allowed in, nor where the values come from.
//!
//! [`strip`] runs before anything is decided, on every route; [`set`] runs in pingora's
//! `upstream_request_filter`, after it removed what the client nominated in `Connection`.

mod identity;

use http::header::{HOST, HeaderName};
use http::{HeaderMap, HeaderValue};
use pingora_error::Result;
use pingora_http::RequestHeader;

pub use identity::{IdentityNames, IdentityValues, Unspeakable};

use crate::client::Client;
use crate::host::Host;
use crate::names::{Kind, StripSet};

/// How many header fields were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stripped {
    /// Those that claimed to be somebody.
    pub identity: u64,
    /// Those that said where the request came from, or asked for another method.
    pub other: u64,
}

/// Removes every header that a client may not send, in every spelling, duplicates included.
pub fn strip(request: &mut RequestHeader, set: &StripSet) -> Stripped {
    // Nothing is allocated until there is something to remove.
    let found: Vec<(HeaderName, Kind)> = request
        .headers
        .keys()
        .filter_map(|name| Some((name.clone(), set.kind(name.as_str().as_bytes())?)))
        .collect();
    let mut stripped = Stripped::default();
    for (name, kind) in found {
        let fields = u64::try_from(request.headers.get_all(&name).iter().count());
        let fields = fields.unwrap_or(u64::MAX);
        match kind {
            Kind::Identity => stripped.identity += fields,
            Kind::Forwarding | Kind::Method => stripped.other += fields,
        }
        request.remove_header(&name);
    }
    stripped
}

/// How the request came here.
#[derive(Debug, Clone, Copy)]
pub struct Forwarded<'a> {
    /// The client.
    pub client: &'a Client<'a>,
    /// The host that the site was found by.
    pub host: &'a Host<'a>,
    /// The name of this request in our logs.
    pub request_id: &'a str,
}

/// Sets exactly one of each header that an upstream is told. `Host` becomes the one that the
/// site was found by, so that nobody reads another.
///
/// # Errors
/// A value is no header value; then nothing may be sent.
pub fn set(
    request: &mut RequestHeader,
    forwarded: &Forwarded<'_>,
    identity: Option<&IdentityValues>,
) -> Result<()> {
    let (client, host) = (forwarded.client, forwarded.host);
    let name = host.to_string();
    if !is_host(&request.headers, &name) {
        request.insert_header("Host", name.as_str())?;
    }
    request.insert_header("X-Forwarded-Host", name)?;
    let address = client.address.to_string();
    request.insert_header("X-Forwarded-For", client.forwarded_for())?;
    request.insert_header("X-Real-IP", address)?;
    let scheme = HeaderValue::from_static(client.scheme.as_str());
    request.insert_header("X-Forwarded-Proto", scheme)?;
    let port = host.port().unwrap_or(client.scheme.default_port());
    request.insert_header("X-Forwarded-Port", HeaderValue::from(port))?;
    request.insert_header("X-Request-Id", forwarded.request_id)?;
    identity.map_or(Ok(()), |identity| identity.insert_into(request))
}

fn is_host(headers: &HeaderMap, name: &str) -> bool {
    headers.get(HOST).is_some_and(|host| host == name)
}

#[cfg(test)]
mod tests;
