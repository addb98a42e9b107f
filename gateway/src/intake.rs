//! From bytes to a visit: who asks whom for what, in one spelling.
//!
//! Owns the order of these questions. Whatever could be read in two ways is refused here, before anything is decided.

use std::net::IpAddr;
use std::sync::Arc;

use doorward_config::PathStyle;
use pingora_proxy::Session;

use crate::client;
use crate::context::{Context, Place, Visit};
use crate::headers;
use crate::host::Host;
use crate::method::{self, Standing};
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::scheme::Scheme;
use crate::sites::{Site, Sites};
use crate::target;
use crate::websocket;

/// The name that the built-in pages are counted and logged under.
const PORTAL: &str = "portal";

/// Where password managers look for the page to change a password (W3C, Change Password URL).
const CHANGE_PASSWORD: &str = "/.well-known/change-password";

/// Where a certificate authority asks whether somebody controls a host (RFC 8555, section 8.3).
const ACME_CHALLENGE: &str = "/.well-known/acme-challenge/";

/// Finds out what is asked, brings the request to its canonical form, and removes what a client may not say.
///
/// # Errors
/// Why it is refused.
pub fn take_in(
    session: &mut Session,
    context: &mut Context,
    metrics: &Metrics,
) -> Result<(), Refusal> {
    let sites = Arc::clone(&context.sites);
    let peer = peer(session).ok_or(Refusal::Malformed("no peer address"))?;
    context.record.arrived(session, peer);
    well_formed(session, &sites)?;

    let headers = &session.req_header().headers;
    let client = client::identify(peer, Scheme::Http, headers, &sites.trusted)?.into_owned();
    let host = match &client.forwarded_host {
        Some(host) => host.clone(),
        None => Host::of(session.req_header())?.into_owned(),
    };
    let site = sites.routes.find(host.name()).ok_or(Refusal::UnknownSite)?;
    context
        .record
        .belongs_to(Arc::clone(&site.name), Arc::clone(&site.metrics));

    match method::judge(&session.req_header().method) {
        Standing::Known => {}
        Standing::Refused => return Err(Refusal::Method),
        Standing::Unknown => return Err(Refusal::UnknownMethod),
    }
    let websocket = websocket::asked(&session.req_header().headers);
    let place = place(session, &sites, site)?;
    let strip = match &place {
        Place::Site(site) | Place::AcmeChallenge(site) => &site.strip,
        Place::Portal => {
            context
                .record
                .belongs_to(PORTAL.into(), Arc::clone(sites.portal.metrics()));
            sites.portal.strip()
        }
    };
    let stripped = headers::strip(session.req_header_mut(), strip);
    metrics.headers_stripped.inc_by(stripped.identity);
    context.visit = Some(Visit {
        client,
        host,
        place,
        websocket,
    });
    Ok(())
}

/// Canonicalises the target, and says what it is for.
fn place(session: &mut Session, sites: &Sites, site: &Arc<Site>) -> Result<Place, Refusal> {
    let request = session.req_header_mut();
    target::canonicalise(request, site.paths)?;
    let path = target::path(request);
    if sites.portal.covers(path) {
        // The built-in pages have no ambiguous addresses, whatever the site allows.
        target::canonicalise(request, PathStyle::Strict)?;
        return Ok(Place::Portal);
    }
    if path == CHANGE_PASSWORD {
        let location = format!("{}/account", sites.portal.path());
        return Err(Refusal::Elsewhere { location });
    }
    if path.starts_with(ACME_CHALLENGE) {
        return Ok(Place::AcmeChallenge(Arc::clone(site)));
    }
    Ok(Place::Site(Arc::clone(site)))
}

fn peer(session: &Session) -> Option<IpAddr> {
    Some(session.client_addr()?.as_inet()?.ip().to_canonical())
}

/// What pingora lets pass and we do not.
fn well_formed(session: &Session, sites: &Sites) -> Result<(), Refusal> {
    let request = session.req_header();
    if request.headers.len() > sites.header_count {
        return Err(Refusal::HeadersTooLarge);
    }
    let raw = session.as_downstream().to_h1_raw();
    if raw.len() as u64 > sites.header_bytes {
        return Err(Refusal::HeadersTooLarge);
    }
    // Whoever reads a bare line feed as the end of a line sees other headers than whoever does not (RFC 9112 §2.2).
    let bare = |at: usize| at == 0 || raw.get(at - 1) != Some(&b'\r');
    if raw
        .iter()
        .enumerate()
        .any(|(at, byte)| *byte == b'\n' && bare(at))
    {
        return Err(Refusal::Malformed("a line ends without a carriage return"));
    }
    Ok(())
}
