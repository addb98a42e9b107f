//! From the portal's host to another one, with a ticket: sent off there, received here.
//!
//! A ticket in an address may be read by others, so it is worth nothing without the cookie that the browser got here
//! before. Of several tabs that set out at once, one has the right cookie: a ticket that does not fit is asked for once
//! more. A browser that brings no cookies back is told so, and never sent in a circle.

use std::time::Duration;

use askama::Template;
use axum::response::Response;
use doorward_config::SignInAt;
use doorward_identity::flow::Challenge;
use doorward_identity::handover::{self, Redeemed, Shown};
use doorward_identity::proof::is_complete;
use doorward_identity::session::{Ended, Opened};
use http::{Method, StatusCode};

use crate::answer;
use crate::failure::Failure;
use crate::frame::Frame;
use crate::hosts::{self, Attempt};
use crate::onward::Link;
use crate::to::To;
use crate::visit::{Session, Visit};

/// How young a session is that another tab has just brought.
const JUST_NOW: Duration = Duration::from_secs(10);

#[derive(Template)]
#[template(path = "notice.html")]
struct Page {
    frame: Frame,
    text: &'static str,
    onward: Link,
    request_id: String,
}

/// Sends on whoever is signed in: with a ticket, if another host has asked for one. Nothing if they have to sign in
/// after all.
pub(crate) async fn send_on(
    visit: &Visit,
    session: &Session,
    to: &To,
) -> Result<Option<Response>, Failure> {
    let challenge = Challenge::parse(visit.query.get("challenge"));
    let (Some(elsewhere), Some(challenge)) = (to.elsewhere(), challenge) else {
        return answer::see_other(&visit.way(to)).map(Some);
    };
    let identity = &visit.ui.identity;
    let record = &session.snapshot.record;
    let account = identity.accounts.find(record.account).await?;
    let Some(account) = account.filter(|account| account.enabled) else {
        return Ok(None);
    };
    if !is_complete(record, &account) {
        let path = visit.portal(&format!("login/code{}", to.query()));
        return answer::see_other(&path).map(Some);
    }
    let from = (&session.key, &session.snapshot);
    let ticket = handover::issue(identity, from, &elsewhere.origin, &challenge).await?;
    let way = elsewhere.handover(&visit.live.portal.path, Some(&ticket.text()));
    let attempt = Attempt::of(&visit.query);
    answer::see_other(&format!("{way}{}", attempt.query())).map(Some)
}

/// Receives a ticket; without one, sends for it.
pub(crate) async fn get(visit: Visit, method: Method) -> Result<Response, Failure> {
    match visit.sign_in_at() {
        SignInAt::Elsewhere => {}
        SignInAt::Here | SignInAt::Portal => return Err(Failure::NotFound),
    }
    if method != Method::GET {
        return Err(Failure::WrongMethod);
    }
    let to = visit.to(visit.query.get("to"));
    if visit.query.has("t") {
        return receive(&visit, &to).await;
    }
    let done = visit.query.has("done");
    let attempt = Attempt::of(&visit.query);
    if !done && attempt == Attempt::First {
        return hosts::begin(&visit, &to, attempt);
    }
    match visit.session().await? {
        Some(_) if done => answer::see_other(to.as_str()),
        Some(session) if is_just_opened(&visit, &session) => answer::see_other(to.as_str()),
        None if done => unfinished(&visit, &to),
        Some(_) | None => hosts::begin(&visit, &to, attempt),
    }
}

async fn receive(visit: &Visit, to: &To) -> Result<Response, Failure> {
    if let Some(opened) = redeem(visit).await? {
        if let Some(former) = visit.carried() {
            let sessions = &visit.ui.identity.sessions;
            sessions.revoke(&former, Ended::Replaced).await?;
        }
        // Once more to here, to see whether the cookie comes back: the site would only send for another ticket.
        return answer::welcome(visit, &opened, &here(visit, to, "done=1"));
    }
    match Attempt::of(&visit.query) {
        Attempt::First => answer::see_other(&here(visit, to, "again=1")),
        Attempt::Second => match visit.session().await? {
            // Another tab was quicker, and used what this one would have shown.
            Some(session) if is_just_opened(visit, &session) => answer::see_other(to.as_str()),
            Some(_) | None => unfinished(visit, to),
        },
    }
}

fn here(visit: &Visit, to: &To, more: &str) -> String {
    let joint = if to.is_home() { '?' } else { '&' };
    visit.portal(&format!("handover{}{joint}{more}", to.query()))
}

async fn redeem(visit: &Visit) -> Result<Option<Opened>, Failure> {
    let (Some(flow), Some(origin)) = (visit.flow(), visit.origin()) else {
        return Ok(None);
    };
    let shown = Shown {
        ticket: visit.query.get("t"),
        origin: &origin.text(),
        host: origin.host(),
        flow,
        client: &visit.client,
    };
    match handover::redeem(&visit.ui.identity, &visit.live, shown).await? {
        Redeemed::Welcome(opened) => Ok(Some(opened)),
        Redeemed::Gone => Ok(None),
    }
}

fn is_just_opened(visit: &Visit, session: &Session) -> bool {
    let now = visit.ui.identity.clock.now();
    let opened = session.snapshot.record.opened_at;
    Duration::try_from(now.duration_since(opened)).is_ok_and(|age| age <= JUST_NOW)
}

/// Nobody is sent anywhere by this: it would be a circle.
fn unfinished(visit: &Visit, to: &To) -> Result<Response, Failure> {
    let page = Page {
        frame: Frame::new(&visit.live, "You’re not quite signed in"),
        text: "That took too long, or this browser keeps no cookies for this site. Try again; if you come back \
               here, allow cookies first.",
        onward: Link {
            href: visit.portal(&format!("login{}", to.query())),
            text: "Try again",
        },
        request_id: visit.client.request_id.clone(),
    };
    answer::page(StatusCode::FORBIDDEN, &page)
}
