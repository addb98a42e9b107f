//! Sending an admitted request on: where, how much of it, and with which headers.
//!
//! Owns what depends on the request there. The ways to upstreams are [`crate::upstream`]'s.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH};
use http::header::{PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue};
use pingora_core::protocols::http::ServerSession;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_error::Error;
use pingora_http::RequestHeader;

use crate::admit::Judge;
use crate::assertion::Hearer;
use crate::context::{Context, Place, Visit};
use crate::headers::{self, Forwarded, IdentityValues, Told};
use crate::metrics::Via;
use crate::refusal::Refusal;
use crate::scheme::Scheme;
use crate::session_cache::Entry;
use crate::sites::{PORTAL_BODY, Site, Sites};
use crate::upstream::{Again, Line, NoPeer, Timeouts, Upstream};
use crate::{bearer, cookie, door, websocket};

/// How long the pages may take: a login waits for its turn to be hashed.
const PORTAL_SILENCE: Duration = Duration::from_secs(30);

/// How long our own sockets may take to accept.
const PORTAL_CONNECT: Duration = Duration::from_secs(2);

/// Most bytes in the body of this request; `None` is no limit.
fn limit(context: &Context) -> Option<u64> {
    let visit = context.visit.as_ref()?;
    match &visit.place {
        Place::Portal => Some(PORTAL_BODY),
        Place::Site(site) | Place::AcmeChallenge(site) => site.body_limit,
    }
}

/// Refuses a body whose announced length is over the limit.
///
/// # Errors
/// It is.
pub fn check_length(session: &ServerSession, context: &Context) -> Result<(), Refusal> {
    let announced = session.req_header().headers.get(CONTENT_LENGTH);
    let Some(announced) = announced else {
        return Ok(());
    };
    // pingora has refused what is no number; a number too large for us is too large.
    let announced = announced
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(u64::MAX);
    within(announced, context)
}

/// Counts what came of a body, for those that announce no length.
///
/// # Errors
/// It is over the limit; the upstream has seen a part of it by then.
pub fn count(
    session: &ServerSession,
    body: Option<&Bytes>,
    context: &mut Context,
) -> Result<(), Refusal> {
    if session.was_upgraded() {
        // What goes through a WebSocket is no body; what came before its upstream agreed was one.
        return Ok(());
    }
    let came = body.map_or(0, |body| body.len() as u64);
    context.body = context.body.saturating_add(came);
    within(context.body, context)
}

fn within(bytes: u64, context: &Context) -> Result<(), Refusal> {
    match limit(context) {
        Some(limit) if bytes > limit => Err(Refusal::BodyTooLarge),
        Some(_) | None => Ok(()),
    }
}

/// Where a request goes.
fn upstream<'a>(sites: &'a Sites, visit: &'a Visit) -> &'a Upstream {
    match &visit.place {
        Place::Portal => sites.portal.upstream(),
        Place::Site(site) | Place::AcmeChallenge(site) => &site.upstream,
    }
}

fn timeouts(visit: &Visit) -> Timeouts {
    match &visit.place {
        Place::Portal => Timeouts {
            connect: PORTAL_CONNECT,
            silence: Some(PORTAL_SILENCE),
            websocket: websocket::Asked::No,
        },
        Place::Site(site) | Place::AcmeChallenge(site) => Timeouts {
            connect: site.connect_timeout,
            silence: Some(site.response_timeout),
            websocket: visit.websocket,
        },
    }
}

/// The peer for an admitted request, another one when it is asked again.
///
/// # Errors
/// There is no admission, or nowhere to go.
pub async fn peer(
    session: &mut ServerSession,
    context: &mut Context,
) -> Result<Box<HttpPeer>, Refusal> {
    let admission = context.admission.as_ref().ok_or(Refusal::Internal)?;
    let visit = context.visit.as_ref().ok_or(Refusal::Internal)?;
    let mut timeouts = timeouts(visit);
    if may_be_silent(session.req_header(), visit)
        && let Some(limit) = timeouts.silence.take()
    {
        door::answer_within(limit);
        session.set_read_timeout(None);
    }
    upstream(&context.sites, visit)
        .peer(admission, timeouts, &mut context.attempts)
        .await
        .map_err(|none| match none {
            NoPeer::Nothing => Refusal::NoUpstream,
            NoPeer::NoAddress | NoPeer::BadPath => Refusal::BadGateway,
        })
}

/// A connection for an admitted request that is no more than its head; `None` where it goes the long way.
///
/// # Errors
/// None could be made.
pub async fn line(
    request: &RequestHeader,
    listener: Scheme,
    context: &mut Context,
) -> pingora_error::Result<Option<Line>> {
    let (Some(admission), Some(visit)) = (&context.admission, &context.visit) else {
        return Ok(None);
    };
    if may_be_silent(request, visit) {
        return Ok(None);
    }
    context.asked_upstream = Some(context.looked.instant);
    upstream(&context.sites, visit)
        .line(admission, timeouts(visit), &mut context.attempts, listener)
        .await
}

/// What follows from a connection to an upstream that could not be made: another peer is asked for, whatever the
/// method, because nothing was sent yet; or the request fails by this error.
#[must_use]
pub fn not_connected(context: &mut Context, mut error: Box<Error>) -> Box<Error> {
    let again = context.attempts.not_connected(&error);
    let visit = context.visit.as_ref();
    let more = visit.is_some_and(|visit| {
        let upstream = upstream(&context.sites, visit);
        match again {
            Again::Anywhere => true,
            Again::Elsewhere => upstream.has_more(&context.attempts),
            Again::No => false,
        }
    });
    error.set_retry(more);
    error
}

/// WebSockets and event streams say nothing for hours, and mean it.
fn may_be_silent(request: &RequestHeader, visit: &Visit) -> bool {
    let event_stream =
        |value: &http::HeaderValue| value.as_bytes().starts_with(b"text/event-stream");
    visit.websocket == websocket::Asked::WebSocket
        || request.headers.get(ACCEPT).is_some_and(event_stream)
}

/// Tells the upstream who asks, and takes away what it must not see. Runs last, after pingora removed what the
/// client nominated in `Connection`.
///
/// # Errors
/// Something about the person fits into no header; then nothing is sent.
pub fn tell(headers: &mut HeaderMap, context: &Context, judge: &Judge) -> Result<(), Refusal> {
    let visit = context.visit.as_ref().ok_or(Refusal::Internal)?;
    let admission = context.admission.as_ref().ok_or(Refusal::Internal)?;
    let told = match (&visit.place, admission.person()) {
        (Place::Site(site), Some(entry)) => Some(told(entry, site, visit, (context, judge))?),
        (Place::Site(_), None) | (Place::AcmeChallenge(_) | Place::Portal, _) => None,
    };
    let accepted = match admission.via() {
        Via::Bearer | Via::Key => true,
        Via::Session | Via::None => bearer::carries_key(headers, &visit.place),
    };
    let proof = if accepted { Proof::Taken } else { Proof::None };
    dress(headers, visit, (told, proof), &context.request_id)
}

/// What the site's upstream is told about a person, on this host.
///
/// # Errors
/// Something about the person fits into no header, or cannot be signed.
pub fn told(
    entry: &Entry,
    site: &Site,
    visit: &Visit,
    with: (&Context, &Judge),
) -> Result<Told, Refusal> {
    Ok(Told {
        identity: name(entry, site)?,
        assertion: vouch(entry, site, visit, with)?,
    })
}

fn name(entry: &Entry, site: &Site) -> Result<Arc<IdentityValues>, Refusal> {
    entry.values(&site.identity).map_err(|unspeakable| {
        tracing::error!(%unspeakable, site = %site.name, user = %entry.account(), "a person cannot be named to an upstream");
        Refusal::Internal
    })
}

fn vouch(
    entry: &Entry,
    site: &Site,
    visit: &Visit,
    (context, judge): (&Context, &Judge),
) -> Result<Option<HeaderValue>, Refusal> {
    if !site.assertion {
        return Ok(None);
    }
    let hearer = Hearer {
        scheme: visit.client.scheme,
        host: &visit.host,
        portal_origin: context.sites.portal.origin(),
    };
    let told = entry.assertion(&judge.identity.keys, hearer, context.began().now);
    told.map(Some).map_err(|fault| {
        tracing::error!(%fault, site = %site.name, "nobody can be vouched for");
        Refusal::Internal
    })
}

/// What an `Authorization` of the request is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It is ours, and would be as good at the site as here.
    Taken,
    /// Not ours: the site's own affair.
    None,
}

/// Sets what an upstream is told about this visit, and takes out what only we may see.
///
/// # Errors
/// Something fits into no header; then nothing may be sent.
pub fn dress(
    headers: &mut HeaderMap,
    visit: &Visit,
    (told, proof): (Option<Told>, Proof),
    request_id: &str,
) -> Result<(), Refusal> {
    let forwarded = Forwarded {
        client: &visit.client,
        host: &visit.host,
        request_id,
    };
    if proof == Proof::Taken {
        headers.remove(AUTHORIZATION);
    }
    // From HTTP/2 to HTTP/2 pingora passes these on; they are for us, the proxy.
    headers.remove(PROXY_AUTHORIZATION);
    headers.remove(PROXY_AUTHENTICATE);
    let dressed = headers::set(headers, &forwarded, told).and_then(|()| match visit.place {
        // The pages are ours, and the cookie is for them.
        Place::Portal => Ok(()),
        Place::Site(_) | Place::AcmeChallenge(_) => cookie::remove(headers),
    });
    dressed.map_err(|fault| {
        tracing::error!(%fault, "an upstream's headers cannot be set");
        Refusal::Internal
    })
}
