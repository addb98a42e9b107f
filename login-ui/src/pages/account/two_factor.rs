//! The second factor, as its owner sees it: how it stands, turned on, recovery codes, turned off.
//!
//! Each change asks for the password, unless the sign-in is minutes old. The secret and the codes are only ever part
//! of the answer to a form: no address shows them again.

use askama::Template;
use axum::response::Response;
use doorward_identity::accounts::Account;
use doorward_identity::proof::Again;
use doorward_identity::two_factor::{
    Regenerated, Standing, TurnedOff, regenerate, standing, turn_off as turn_off_for,
};
use http::StatusCode;

use super::again::{Judged, Needed, Refused, judge, needed};
use super::to_sign_in;
use crate::ago::{self, Moment};
use crate::answer;
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::FormState;
use crate::frame::Frame;
use crate::to::To;
use crate::visit::{Session, Visit};

mod codes;
mod set_up;

pub(crate) use set_up::{confirm, set_up};

const HEADING: &str = "Two-step sign-in";

/// How it stands. While it is off, also the form that starts to turn it on.
#[derive(Template)]
#[template(path = "two_factor.html")]
struct Page {
    frame: Frame,
    form: FormState,
    to: To,
    login: String,
    state: State,
    done: Option<&'static str>,
    proof: Needed,
}

enum State {
    Off,
    On { since: Moment, codes_left: u64 },
}

/// What a page of its own asks before it is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    NewCodes,
    TurnOff,
}

#[derive(Template)]
#[template(path = "two_factor_ask.html")]
struct AskPage {
    frame: Frame,
    form: FormState,
    login: String,
    ask: Ask,
    proof: Needed,
}

impl Ask {
    fn heading(self) -> &'static str {
        match self {
            Self::NewCodes => "New recovery codes?",
            Self::TurnOff => "Turn off two-step sign-in?",
        }
    }
}

/// How it stands; strangers are sent to sign in.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let to = visit.to(visit.query.get("to"));
    show(&visit, (&session, &account), to, Shown::Fresh).await
}

/// Asks whether new recovery codes are wanted.
pub(crate) async fn ask_new_codes(visit: Visit) -> Result<Response, Failure> {
    ask(visit, Ask::NewCodes).await
}

/// Asks whether it is to be turned off.
pub(crate) async fn ask_turn_off(visit: Visit) -> Result<Response, Failure> {
    ask(visit, Ask::TurnOff).await
}

async fn ask(visit: Visit, ask: Ask) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    if !account.mfa_enabled() {
        return back(&visit, "");
    }
    let page = ask_page(&visit, (&session, &account), ask, FormState::default());
    answer::page(StatusCode::OK, &page)
}

/// Makes new recovery codes and shows them.
pub(crate) async fn new_codes(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let again = match prove(&visit, &fields, Ask::NewCodes).await? {
        Proven::Yes(again) => again,
        Proven::No(response) => return Ok(response),
    };
    match regenerate(&visit.ui.identity, &again, &visit.client).await? {
        Regenerated::Done(codes) => codes::show(&visit, &codes, &To::home()),
        Regenerated::Off => back(&visit, ""),
    }
}

/// Turns it off; the browser gets a session that says so.
pub(crate) async fn turn_off(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let again = match prove(&visit, &fields, Ask::TurnOff).await? {
        Proven::Yes(again) => again,
        Proven::No(response) => return Ok(response),
    };
    match turn_off_for(&visit.ui.identity, &again, &visit.client).await? {
        TurnedOff::Done(opened) => {
            let path = visit.portal("account/two-factor?done=off");
            answer::welcome(&visit, &opened, &path)
        }
        TurnedOff::SignedOut => to_sign_in(&visit),
        TurnedOff::Already => back(&visit, ""),
    }
}

#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
enum Proven {
    Yes(Again),
    No(Response),
}

/// Nobody does any of this without having proven who they are; who cannot is shown the question again.
async fn prove(visit: &Visit, fields: &Fields, ask: Ask) -> Result<Proven, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(visit).map(Proven::No);
    };
    let refused = match judge(visit, &session, fields, FormState::default()).await? {
        Judged::Given(again) => return Ok(Proven::Yes(again)),
        Judged::Refused(refused) => refused,
    };
    let page = ask_page(visit, (&session, &account), ask, refused.form);
    let response = answer::page(refused.status, &page)?;
    Ok(Proven::No(Refused::on(refused.wait, response)))
}

/// How the overview is shown.
enum Shown {
    Fresh,
    Refused(Refused),
}

async fn show(
    visit: &Visit,
    (session, account): (&Session, &Account),
    to: To,
    shown: Shown,
) -> Result<Response, Failure> {
    let identity = &visit.ui.identity;
    let state = match standing(identity, account.id).await? {
        Standing::Off => State::Off,
        Standing::On { since, codes_left } => State::On {
            since: ago::moment(since, identity.clock.now()),
            codes_left,
        },
    };
    let done = match visit.query.get("done") {
        "off" => Some("Two-step sign-in is off."),
        "late" => Some("That took too long. Start again."),
        _ => None,
    };
    let Refused { status, form, wait } = match shown {
        Shown::Fresh => Refused::not(),
        Shown::Refused(refused) => refused,
    };
    let mut frame = Frame::new(&visit.live, HEADING);
    frame.failed = form.has_failed();
    let page = Page {
        frame,
        proof: needed(visit, session, &form),
        form,
        to,
        login: account.user().to_owned(),
        state,
        done,
    };
    Ok(Refused::on(wait, answer::page(status, &page)?))
}

fn ask_page(
    visit: &Visit,
    (session, account): (&Session, &Account),
    ask: Ask,
    form: FormState,
) -> AskPage {
    let mut frame = Frame::new(&visit.live, ask.heading());
    frame.failed = form.has_failed();
    AskPage {
        frame,
        proof: needed(visit, session, &form),
        form,
        login: account.user().to_owned(),
        ask,
    }
}

/// To the overview, which says what `done` names.
fn back(visit: &Visit, done: &str) -> Result<Response, Failure> {
    let query = if done.is_empty() {
        String::new()
    } else {
        format!("?done={done}")
    };
    answer::see_other(&visit.portal(&format!("account/two-factor{query}")))
}
