//! One sign-in for several hosts: what happens to a request on a host that is signed in for elsewhere.
//!
//! Owns the way from there to the host of `portal.url`. The way back is [`crate::pages::handover`]'s. Must not know
//! which site is which: [`doorward_config::Live::sign_in_at`] says it.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use doorward_config::SignInAt;
use doorward_identity::handover;
use http::Method;
use http::header::SET_COOKIE;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer;
use crate::cookie::{Jar, Lasts};
use crate::failure::Failure;
use crate::form::Fields;
use crate::to::To;
use crate::visit::Visit;

/// How long the browser keeps what it has to show with a ticket: there and back is a matter of seconds.
const KEPT: Duration = Duration::from_mins(10);

/// Longest address that is taken along, as [`To`] reads it.
const LONGEST: usize = 4096;

/// Serves a page on the host where people sign in, and leads there from every other.
pub(crate) async fn at_home(
    visit: Visit,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    match visit.sign_in_at() {
        SignInAt::Here | SignInAt::Portal => return Ok(next.run(request).await),
        SignInAt::Elsewhere => {}
    }
    // What was typed here was typed on the site's own origin: nothing is done with it.
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Failure::NotHere);
    }
    let page = request.uri().path();
    if page != "/login" {
        return answer::see_other(&portal_address(&visit, page)?);
    }
    let to = visit.to(visit.query.get("to"));
    match visit.session().await? {
        Some(_) => answer::see_other(to.as_str()),
        None => begin(&visit, &to, Attempt::First),
    }
}

/// Which ticket is asked for, for one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    First,
    /// The first did not fit. There is no third.
    Second,
}

impl Attempt {
    /// What the address says.
    pub(crate) fn of(query: &Fields) -> Self {
        if query.has("again") {
            Self::Second
        } else {
            Self::First
        }
    }

    /// For the end of the next address.
    pub(crate) fn query(self) -> &'static str {
        match self {
            Self::First => "",
            Self::Second => "&again=1",
        }
    }
}

/// Sends the browser to the portal for a ticket to `to`, a path of this host, with what it has to show here with it.
pub(crate) fn begin(visit: &Visit, to: &To, attempt: Attempt) -> Result<Response, Failure> {
    let back = way_back(visit, to)?;
    // Another tab may be on its way with it.
    let flow = match visit.flow() {
        Some(flow) => flow.clone(),
        None => handover::begin(&visit.ui.identity),
    };
    let query = format!(
        "to={}&challenge={}{}",
        utf8_percent_encode(&back, NON_ALPHANUMERIC),
        flow.challenge().text(),
        attempt.query()
    );
    let mut response = answer::see_other(&portal_page(visit, "/login", &query)?)?;
    let cookie = Jar::Flow
        .set(visit.scheme, &flow.text(), Lasts::For(KEPT))
        .ok_or(Failure::Broken)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// The same page on the portal's host, and back here from it.
fn portal_address(visit: &Visit, page: &str) -> Result<String, Failure> {
    let mut pairs = Vec::new();
    for (name, value) in visit.query.pairs() {
        let value = match name {
            "to" => way_back(visit, &visit.to(value))?,
            _ => value.to_owned(),
        };
        let [name, value] = [name, &value].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC));
        pairs.push(format!("{name}={value}"));
    }
    portal_page(visit, page, &pairs.join("&"))
}

fn portal_page(visit: &Visit, page: &str, query: &str) -> Result<String, Failure> {
    let portal = visit.live.portal.url.as_ref().ok_or(Failure::Broken)?;
    let origin = portal.origin().ascii_serialization();
    let joint = if query.is_empty() { "" } else { "?" };
    Ok(format!(
        "{origin}{}{joint}{query}",
        visit.portal(page.trim_start_matches('/'))
    ))
}

/// The address of `to`, a path of this host, as the portal will accept it.
fn way_back(visit: &Visit, to: &To) -> Result<String, Failure> {
    let origin = visit.origin().ok_or(Failure::NoWayBack)?;
    if !visit.live.leads_to(origin.url()) {
        tracing::warn!(
            origin = origin.text(),
            "nobody can be brought back here from portal.url: it takes https on its usual port, or the scheme and port \
             of portal.url; behind a proxy with TLS, name that in server.trusted_proxies"
        );
        return Err(Failure::NoWayBack);
    }
    let back = format!("{}{to}", origin.text());
    Ok(if back.len() > LONGEST {
        format!("{}/", origin.text())
    } else {
        back
    })
}
