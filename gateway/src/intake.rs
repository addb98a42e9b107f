//! From bytes to a visit: who asks whom for what, in one spelling.
//!
//! Owns the order of these questions. Whatever could be read in two ways is refused here, before anything is decided.

use std::net::IpAddr;
use std::sync::Arc;

use doorward_config::PathStyle;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method};
use pingora_core::protocols::http::ServerSession;
use pingora_http::RequestHeader;

use crate::authz;
use crate::client::{self, Client};
use crate::context::{Context, Place, Visit};
use crate::h2;
use crate::headers;
use crate::host::Host;
use crate::method::{self, Standing};
use crate::metrics::Metrics;
use crate::names::StripSet;
use crate::redirect::TlsPort;
use crate::refusal::Refusal;
use crate::scheme::Scheme;
use crate::sites::{PORTAL, Site, Sites};
use crate::target;
use crate::websocket;

/// Where password managers look for the page to change a password (W3C, Change Password URL).
const CHANGE_PASSWORD: &str = "/.well-known/change-password";

/// Where a certificate authority asks whether somebody controls a host (RFC 8555, section 8.3).
const ACME_CHALLENGE: &str = "/.well-known/acme-challenge/";

/// Finds out what is asked, brings the request to its canonical form, and removes what a client may not say.
///
/// # Errors
/// Why it is refused.
pub fn take_in(
    session: &mut ServerSession,
    context: &mut Context,
    metrics: &Metrics,
    tls: Option<TlsPort>,
) -> Result<(), Refusal> {
    let sites = Arc::clone(&context.sites);
    let peer = peer(session).ok_or(Refusal::Malformed("no peer address"))?;
    let settled = if session.is_http2() {
        h2::settle(session.req_header_mut())
    } else {
        Ok(())
    };
    context.record.arrived(session, peer);
    settled?;
    well_formed(session, &sites)?;

    let way = Way {
        peer,
        listener: listener(session),
        tls,
    };
    if let Some(address) = authz::find(session.req_header(), &sites) {
        return authz::take_in(address, session.req_header(), way, context, metrics);
    }
    receive(session.req_header_mut(), way, context, metrics)
}

/// How a request came.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// Who is at the other end of the connection.
    pub peer: IpAddr,
    /// What it was made to.
    pub listener: Scheme,
    /// Where https is served, if it is.
    pub tls: Option<TlsPort>,
}

/// The same of a request whose form is sound, be it the one that came or the one that another proxy asks about.
///
/// # Errors
/// Why it is refused.
pub fn receive(
    request: &mut RequestHeader,
    way: Way,
    context: &mut Context,
    metrics: &Metrics,
) -> Result<(), Refusal> {
    let sites = Arc::clone(&context.sites);
    let caller = call(request, way.peer, way.listener, &sites)?;
    let site = Arc::clone(caller.site);
    context
        .record
        .belongs_to(Arc::clone(&site.name), Arc::clone(&site.metrics));
    if caller.client.scheme == Scheme::Https {
        context.hsts.clone_from(&site.hsts);
    }
    let visit = visit(request, caller, &sites)?;
    not_in_the_clear(request, &visit, way.tls, &sites)?;
    if let Place::Portal = visit.place {
        context
            .record
            .belongs_to(PORTAL.into(), Arc::clone(sites.portal.metrics()));
    }
    let unsayable = stripped_at(&visit.place, &sites);
    let stripped = headers::strip(request, unsayable).map_err(|_| Refusal::Internal)?;
    metrics.headers_stripped.inc_by(stripped.identity);
    context.visit = Some(visit);
    Ok(())
}

/// Who asks which site.
pub struct Caller<'a> {
    client: Client<'static>,
    host: Host<'static>,
    /// The site.
    pub site: &'a Arc<Site>,
}

/// Finds out who asks which site. `peer` is at the other end of the connection, `listener` what it was made to.
///
/// # Errors
/// There is no such site, or no telling which.
pub fn call<'a>(
    request: &RequestHeader,
    peer: IpAddr,
    listener: Scheme,
    sites: &'a Sites,
) -> Result<Caller<'a>, Refusal> {
    let client = client::identify(peer, listener, &request.headers, &sites.trusted)?.into_owned();
    let host = match &client.forwarded_host {
        Some(host) => host.clone(),
        None => Host::of(request)?.into_owned(),
    };
    let site = sites.routes.find(host.name()).ok_or(Refusal::UnknownSite)?;
    Ok(Caller { client, host, site })
}

/// Finds out what is asked for, and brings the target to its canonical form.
///
/// # Errors
/// Why it is refused.
pub fn visit(
    request: &mut RequestHeader,
    caller: Caller<'_>,
    sites: &Sites,
) -> Result<Visit, Refusal> {
    match method::judge(&request.method) {
        Standing::Known => {}
        Standing::Refused => return Err(Refusal::Method),
        Standing::Unknown => return Err(Refusal::UnknownMethod),
    }
    let websocket = websocket::asked(&request.headers);
    Ok(Visit {
        place: place(request, sites, caller.site, websocket)?,
        client: caller.client,
        host: caller.host,
        websocket,
    })
}

/// Sends what came in the clear to https, if the configuration wants that.
///
/// # Errors
/// Where it is sent.
pub fn not_in_the_clear(
    request: &RequestHeader,
    visit: &Visit,
    tls: Option<TlsPort>,
    sites: &Sites,
) -> Result<(), Refusal> {
    match (&visit.place, tls) {
        // A certificate authority asks in the clear, perhaps for the very certificate that is missing.
        (Place::AcmeChallenge(_), _) | (_, None) => Ok(()),
        (Place::Site(_) | Place::Portal, Some(_)) if !sites.live.redirect_to_tls => Ok(()),
        (Place::Site(_) | Place::Portal, Some(tls)) => {
            let target = target::target(request);
            match tls.instead(&visit.client, &visit.host, target) {
                Some(location) => Err(Refusal::InTheClear { location }),
                None => Ok(()),
            }
        }
    }
}

/// What a client may not send there.
#[must_use]
pub fn stripped_at<'a>(place: &'a Place, sites: &'a Sites) -> &'a StripSet {
    match place {
        Place::Site(site) | Place::AcmeChallenge(site) => &site.strip,
        Place::Portal => sites.portal.strip(),
    }
}

/// Canonicalises the target, and says what it is for.
fn place(
    request: &mut RequestHeader,
    sites: &Sites,
    site: &Arc<Site>,
    websocket: websocket::Asked,
) -> Result<Place, Refusal> {
    target::canonicalise(request, site.paths)?;
    let path = target::path(request);
    if sites.portal.covers(path) {
        // The built-in pages have no ambiguous addresses, whatever the site allows.
        target::canonicalise(request, PathStyle::Strict)?;
        return Ok(Place::Portal);
    }
    if path == CHANGE_PASSWORD || (path == "/" && sites.portal.is_all_of(site)) {
        let location = format!("{}/account", sites.portal.path());
        return Err(Refusal::Elsewhere { location });
    }
    if websocket == websocket::Asked::No && is_challenge(request) {
        return Ok(Place::AcmeChallenge(Arc::clone(site)));
    }
    Ok(Place::Site(Arc::clone(site)))
}

/// Whether this is what a certificate authority sends, and no more: it passes every rule, and a site may make of a
/// query, of further segments or of another method what it likes.
fn is_challenge(request: &RequestHeader) -> bool {
    let token = target::target(request).strip_prefix(ACME_CHALLENGE);
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    matches!(request.method, Method::GET | Method::HEAD)
        && token.is_some_and(|token| !token.is_empty() && token.bytes().all(base64url))
}

fn listener(session: &ServerSession) -> Scheme {
    let digest = session.digest();
    match digest.and_then(|digest| digest.ssl_digest.as_ref()) {
        Some(_) => Scheme::Https,
        None => Scheme::Http,
    }
}

fn peer(session: &ServerSession) -> Option<IpAddr> {
    Some(session.client_addr()?.as_inet()?.ip().to_canonical())
}

/// What pingora lets pass and we do not.
fn well_formed(session: &ServerSession, sites: &Sites) -> Result<(), Refusal> {
    let request = session.req_header();
    if request.headers.len() > sites.header_count {
        return Err(Refusal::HeadersTooLarge);
    }
    if !is_one_length(&request.headers) {
        return Err(Refusal::Malformed("more than one length"));
    }
    if session.is_http2() {
        // There are no lines in its frames.
        return if h2::length(request) > sites.header_bytes {
            Err(Refusal::HeadersTooLarge)
        } else {
            Ok(())
        };
    }
    let raw = session.to_h1_raw();
    if raw.len() as u64 > sites.header_bytes {
        return Err(Refusal::HeadersTooLarge);
    }
    // Whoever reads a bare line feed as the end of a line sees other headers than whoever does not (RFC 9112 §2.2).
    let bare = |at: usize| at == 0 || raw.get(at - 1) != Some(&b'\r');
    if memchr::memchr_iter(b'\n', &raw).any(bare) {
        return Err(Refusal::Malformed("a line ends without a carriage return"));
    }
    Ok(())
}

/// pingora takes `5, 5` and two equal fields for 5, as it may (RFC 9110, section 8.6), but passes them on as they
/// came: whoever reads them otherwise would find the next request in this one's body.
fn is_one_length(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let digits = |length: &http::HeaderValue| length.as_bytes().iter().all(u8::is_ascii_digit);
    lengths.next().is_none_or(digits) && lengths.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_certificate_authority_asks_is_its_question() {
        for (method, target, expected) in [
            ("GET", "/.well-known/acme-challenge/aZ0-_", true),
            ("HEAD", "/.well-known/acme-challenge/aZ0-_", true),
            ("POST", "/.well-known/acme-challenge/a", false),
            ("PROPFIND", "/.well-known/acme-challenge/a", false),
            ("GET", "/.well-known/acme-challenge/", false),
            ("GET", "/.well-known/acme-challenge", false),
            ("GET", "/.well-known/acme-challenge/a/b", false),
            ("GET", "/.well-known/acme-challenge//a", false),
            ("GET", "/.well-known/acme-challenge/a.php", false),
            ("GET", "/.well-known/acme-challenge/a%2Fb", false),
            ("GET", "/.well-known/acme-challenge/a;b", false),
            ("GET", "/.well-known/acme-challenge/a?page=/secret", false),
            ("GET", "/.well-known/acme-challenge/a?", false),
            ("GET", "/x/.well-known/acme-challenge/a", false),
        ] {
            let request = RequestHeader::build(method, target.as_bytes(), None).unwrap();
            assert_eq!(is_challenge(&request), expected, "{method} {target}");
        }
    }

    #[test]
    fn a_request_has_one_length_at_most() {
        for (lengths, expected) in [
            (&[][..], true),
            (&["5"], true),
            (&["0"], true),
            (&["5, 5"], false),
            (&["5,5"], false),
            (&["5", "5"], false),
            (&["5", "6"], false),
            (&["+5"], false),
        ] {
            let mut headers = HeaderMap::new();
            for length in lengths {
                headers.append(CONTENT_LENGTH, http::HeaderValue::from_static(length));
            }
            assert_eq!(is_one_length(&headers), expected, "{lengths:?}");
        }
    }
}
