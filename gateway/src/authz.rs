//! Other proxies that only ask: may this request, which came to them, go on?
//!
//! Owns the addresses at which they ask, how each kind says what it asks about, and in which words it is answered.
//! Must not know rules, cookies or tokens: the original goes through [`intake::receive`] and [`Judge::admit`], as
//! a request that came here does, so the two cannot be judged differently.
//!
//! Only `server.trusted_proxies` are believed. And because such a proxy may pass on what its client sent, a question
//! that carries a header which would have been removed here is refused: nobody would remove it there.

mod address;
mod oauth2;
mod original;
mod reply;

use std::sync::Arc;

use bytes::Bytes;
use http::header::UPGRADE;
use http::{HeaderMap, HeaderValue};
use pingora_core::protocols::http::ServerSession;
use pingora_http::RequestHeader;

pub use address::{Address, Dialect, find};

use crate::admit::Judge;
use crate::context::{Context, Place};
use crate::headers::{IdentityValues, Told};
use crate::intake::{self, Way};
use crate::metrics::Metrics;
use crate::names::{Kind, StripSet};
use crate::refusal::{Refusal, Reply};
use crate::{answer as ours, forward};

/// What another proxy asks. Not to be printed: the original has cookies and tokens.
pub struct Question {
    dialect: Dialect,
    /// The request that it asks about; while that is judged it is not here.
    original: Option<Box<RequestHeader>>,
    /// The scheme and host that the browser is on; empty until that was read.
    origin: String,
}

/// Takes a question in: finds out what it is about, and does with that what is done with every request.
///
/// # Errors
/// Why it is refused.
pub fn take_in(
    address: Address<'_>,
    request: &RequestHeader,
    way: Way,
    context: &mut Context,
    metrics: &Metrics,
) -> Result<(), Refusal> {
    let sites = Arc::clone(&context.sites);
    let (dialect, rest) = match address {
        Address::Question(dialect, rest) => (dialect, rest),
        Address::SignIn => return Err(oauth2::sign_in(request, &sites)),
        Address::SignOut => return Err(oauth2::sign_out(&sites)),
    };
    if !sites.trusted.trusts(way.peer) {
        // To a stranger an unknown host is one here, too.
        intake::call(request, way.peer, way.listener, &sites)?;
        return Err(Refusal::Malformed(
            "only server.trusted_proxies may ask here",
        ));
    }
    // From here on a refusal is put into the words of whoever asks.
    let question = context.question.insert(Question {
        dialect,
        original: None,
        origin: String::new(),
    });
    let (mut original, from) = original::read(request, dialect, rest)?;
    question.origin = from.origin();
    context
        .record
        .asks_about(&original, &from.host().to_string());
    intake::receive(&mut original, way, context, metrics)?;
    let visit = context.visit.as_ref().ok_or(Refusal::Internal)?;
    match &visit.place {
        // Nothing but pages of ours is there; whoever asks about it serves a site under that name.
        Place::Site(site) | Place::AcmeChallenge(site) if sites.portal.is_all_of(site) => {
            return Err(Refusal::Forbidden);
        }
        Place::Site(_) | Place::AcmeChallenge(_) => {}
        // They are ours to serve. Were they let through, the site's own below that path would be open to all.
        Place::Portal => return Err(Refusal::Forbidden),
    }
    unforged(request, intake::stripped_at(&visit.place, &sites))?;
    if let Some(question) = &mut context.question {
        question.original = Some(Box::new(original));
    }
    Ok(())
}

/// Refuses what could not be taken away: here it would be, there it would reach the site.
fn unforged(request: &RequestHeader, set: &StripSet) -> Result<(), Refusal> {
    let forged = |name: &[u8]| match set.kind(name) {
        Some(Kind::Identity | Kind::Method) => true,
        // Another path than the one that is judged. Other such headers are what proxies themselves set.
        Some(Kind::Forwarding) => original::asks_for_another_path(name),
        None => false,
    };
    let headers = &request.headers;
    if headers.keys().any(|name| forged(name.as_str().as_bytes())) || changes_protocol(headers) {
        return Err(Refusal::ForgedHeader);
    }
    Ok(())
}

/// Whether the connection is to become one on which anything can be asked: only a WebSocket is no such.
fn changes_protocol(headers: &HeaderMap) -> bool {
    let other = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"websocket");
    headers.contains_key("http2-settings") || headers.get_all(UPGRADE).iter().any(other)
}

/// Decides about the original, and answers if it may go on.
///
/// # Errors
/// Why it may not.
pub async fn answer(
    judge: &Arc<Judge>,
    session: &mut ServerSession,
    context: &mut Context,
) -> Result<(), Refusal> {
    let question = context.question.as_mut().ok_or(Refusal::Internal)?;
    let dialect = question.dialect;
    let original = question.original.take().ok_or(Refusal::Internal)?;
    judge.admit(&original, context).await?;
    let reply = welcome(dialect, context, judge)?;
    if !session.is_body_empty() {
        // Nobody reads it, and it must not be read as the next request.
        session.set_keepalive(None);
    }
    if let Err(error) = ours::send(session, reply).await {
        tracing::debug!(request_id = &*context.request_id, %error, "a proxy did not wait for its answer");
    }
    Ok(())
}

/// Yes, and who it is: every header of the site, so that whatever a client sent under its name is overwritten.
fn welcome(dialect: Dialect, context: &Context, judge: &Judge) -> Result<Reply, Refusal> {
    let admission = context.admission.as_ref().ok_or(Refusal::Internal)?;
    let visit = context.visit.as_ref().ok_or(Refusal::Internal)?;
    let told = match (&visit.place, admission.person()) {
        (Place::Site(site), Some(entry)) => forward::told(entry, site, visit, (context, judge))?,
        (Place::Site(site) | Place::AcmeChallenge(site), _) => Told {
            identity: Arc::new(IdentityValues::nobody(&site.identity)),
            assertion: site.assertion.then(|| HeaderValue::from_static("")),
        },
        (Place::Portal, _) => return Err(Refusal::Internal),
    };
    reply::welcome(dialect, told)
        .map(|header| Reply {
            header,
            body: Bytes::new(),
        })
        .map_err(|error| {
            tracing::error!(%error, "a proxy cannot be answered");
            Refusal::Internal
        })
}
