//! What a request may carry to an upstream: strip first, set last.
//!
//! Owns both halves. Must not know who is allowed in, nor where the values come from.
//!
//! [`strip`] runs before anything is decided, on every route; [`set`] runs last, after what the client nominated in
//! `Connection` was removed.

mod identity;
mod plain;

use std::sync::Arc;

use http::header::{HOST, HeaderName, InvalidHeaderValue};
use http::{HeaderMap, HeaderValue};
use pingora_error::Result;
use pingora_http::{RequestHeader, ResponseHeader};

pub use identity::{IdentityNames, IdentityValues, Named, Unspeakable};
pub use plain::{answer, copy, edit};

use crate::client::{self, Client};
use crate::host::Host;
use crate::names::{ASSERTION, Kind, StripSet};
use crate::scheme::Scheme;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
static ASSERTION_NAME: HeaderName = HeaderName::from_static("x-doorward-assertion");
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Room for all that is set: the maps grow once.
const MOST: usize = 16;

/// How many header fields were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stripped {
    /// Those that claimed to be somebody.
    pub identity: u64,
    /// Those that said where the request came from, or asked for another method.
    pub other: u64,
}

/// Removes every header that a client may not send, in every spelling, duplicates included.
///
/// # Errors
/// The target would not be the same any more; then the request may not be sent.
pub fn strip(request: &mut RequestHeader, set: &StripSet) -> Result<Stripped> {
    let kind = |name: &HeaderName| set.kind(name.as_str().as_bytes());
    // Most have nothing to remove, and are left as they are.
    if request.headers.keys().all(|name| kind(name).is_none()) {
        return Ok(Stripped::default());
    }
    edit(request, |headers| take_out(headers, set))
}

fn take_out(headers: &mut HeaderMap, set: &StripSet) -> Stripped {
    let found: Vec<(HeaderName, Kind)> = headers
        .keys()
        .filter_map(|name| {
            let kind = set.kind(name.as_str().as_bytes())?;
            Some((name.clone(), kind))
        })
        .collect();
    let mut stripped = Stripped::default();
    for (name, kind) in found {
        let fields = u64::try_from(headers.get_all(&name).iter().count());
        let fields = fields.unwrap_or(u64::MAX);
        match kind {
            Kind::Identity => stripped.identity += fields,
            Kind::Forwarding | Kind::Method => stripped.other += fields,
        }
        headers.remove(&name);
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

/// What an upstream is told about somebody.
#[derive(Debug)]
pub struct Told {
    /// In the site's own words.
    pub identity: Arc<IdentityValues>,
    /// Signed, if the site wants that.
    pub assertion: Option<HeaderValue>,
}

impl Told {
    /// Tells another proxy, for it to tell its upstream.
    ///
    /// # Errors
    /// A header is none, which is a defect.
    pub fn tell(self, answer: &mut ResponseHeader) -> Result<()> {
        self.identity.tell(answer)?;
        match self.assertion {
            Some(assertion) => answer.insert_header(ASSERTION, assertion),
            None => Ok(()),
        }
    }

    fn insert_into(self, headers: &mut HeaderMap) {
        self.identity.insert_into(headers);
        if let Some(assertion) = self.assertion {
            headers.insert(&ASSERTION_NAME, assertion);
        }
    }
}

/// Sets exactly one of each header that an upstream is told. `Host` becomes the one that the
/// site was found by, so that nobody reads another.
///
/// # Errors
/// A value is no header value; then nothing may be sent.
pub fn set(
    headers: &mut HeaderMap,
    forwarded: &Forwarded<'_>,
    told: Option<Told>,
) -> Result<(), InvalidHeaderValue> {
    let (client, host) = (forwarded.client, forwarded.host);
    headers.reserve(MOST);
    let name = named(headers, host)?;
    headers.insert(&FORWARDED_HOST, name);
    let address = client::written(client.address);
    let hops = match client.forwarded_for() {
        Some(hops) => HeaderValue::try_from(hops)?,
        // Not a clone of the other: the first one has values counted.
        None => HeaderValue::from_str(&address)?,
    };
    headers.insert(&FORWARDED_FOR, hops);
    headers.insert(&REAL_IP, HeaderValue::from_str(&address)?);
    let scheme = HeaderValue::from_static(client.scheme.as_str());
    headers.insert(&FORWARDED_PROTO, scheme);
    headers.insert(&FORWARDED_PORT, port(host, client.scheme));
    let id = HeaderValue::from_str(forwarded.request_id)?;
    headers.insert(&REQUEST_ID, id);
    if let Some(told) = told {
        told.insert_into(headers);
    }
    Ok(())
}

/// The host, which is what `Host` says from here on.
fn named(headers: &mut HeaderMap, host: &Host<'_>) -> Result<HeaderValue, InvalidHeaderValue> {
    if let Some(said) = headers
        .get(HOST)
        .filter(|said| host.is_spelled(said.as_bytes()))
    {
        return Ok(said.clone());
    }
    let name = HeaderValue::try_from(host.to_string())?;
    headers.insert(HOST, name.clone());
    Ok(name)
}

fn port(host: &Host<'_>, scheme: Scheme) -> HeaderValue {
    match (host.port(), scheme) {
        (Some(port), _) => HeaderValue::from(port),
        (None, Scheme::Http) => HeaderValue::from_static("80"),
        (None, Scheme::Https) => HeaderValue::from_static("443"),
    }
}

#[cfg(test)]
mod tests;
